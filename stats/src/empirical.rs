//! The empirical distribution of one arm: distinct values, and how many units have each.

/// Most units of a distribution: the squares and cubes of their number are then exact in 128 bits.
const MOST_UNITS: u64 = 1 << 40;

/// Distinct values in rising order, each with the number of units that have it.
///
/// What ranks, quantiles, resampling and permutation need of an arm: ten million units with two thousand different
/// amounts cost two thousand steps.
///
/// ```
/// use estimand_stats::empirical::Empirical;
///
/// let sessions = Empirical::new(&[0.0, 1.0, 4.0], &[5, 2, 1])?;
/// assert_eq!((sessions.n(), sessions.mean()), (8, Some(0.75)));
/// assert_eq!(sessions.quantile(0.75), Some(1.0));
/// # Ok::<(), estimand_stats::empirical::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Empirical<'a> {
    values: &'a [f64],
    counts: &'a [u64],
    n: u64,
}

/// Values and counts that are no distribution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "entry {position} of the distribution {fault}; distinct finite values are wanted in rising order, each with the number of its units"
)]
pub struct Malformed {
    /// The entry, counted from one.
    pub position: usize,
    /// What is wrong with it.
    pub fault: &'static str,
}

impl<'a> Empirical<'a> {
    /// The distribution with these values and counts; without any it is that of an arm without units.
    ///
    /// - **Errors** with [`Malformed`] at the first value that is not finite or not above the one before it, the first
    ///   count that is zero or missing, and where the units pass 2⁴⁰.
    pub fn new(values: &'a [f64], counts: &'a [u64]) -> Result<Self, Malformed> {
        let mut n = 0_u64;
        for (at, value) in values.iter().enumerate() {
            let fault = |fault| Malformed { position: at + 1, fault };
            if !value.is_finite() {
                return Err(fault("is not finite"));
            }
            if at > 0 && values[at - 1] >= *value {
                return Err(fault("is not above the one before it"));
            }
            let count = counts.get(at).copied().filter(|count| *count > 0).ok_or_else(|| fault("has no units"))?;
            n = n.saturating_add(count);
            if n > MOST_UNITS {
                return Err(fault("takes the number of units past 2^40"));
            }
        }
        if counts.len() > values.len() {
            return Err(Malformed { position: values.len() + 1, fault: "has a count and no value" });
        }
        Ok(Self { values, counts, n })
    }

    /// Units.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Distinct values, rising.
    pub fn values(&self) -> &'a [f64] {
        self.values
    }

    /// Units that have each value.
    pub fn counts(&self) -> &'a [u64] {
        self.counts
    }

    /// Each value with its count.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (f64, u64)> + ExactSizeIterator + use<'a> {
        self.values.iter().copied().zip(self.counts.iter().copied())
    }

    /// The smallest and the largest value; `None` without units.
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((*self.values.first()?, *self.values.last()?))
    }

    /// The mean; `None` without units.
    pub fn mean(&self) -> Option<f64> {
        // From a pivot inside the data: far from zero the sum of values alone would lose digits.
        let pivot = *self.values.get(self.values.len() / 2)?;
        let sum: f64 = self.iter().map(|(value, count)| count as f64 * (value - pivot)).sum();
        Some(pivot + sum / self.n as f64)
    }

    /// `Σ(x − x̄)²`, zero without units.
    pub fn centred(&self) -> f64 {
        let Some(mean) = self.mean() else { return 0.0 };
        self.iter().map(|(value, count)| count as f64 * (value - mean).powi(2)).sum()
    }

    /// The `k`-th smallest of all units' values, counted from one; `None` when there are not so many.
    pub fn order_statistic(&self, k: u64) -> Option<f64> {
        let mut below = 0;
        let mut reaches = |count: u64| {
            below += count;
            below >= k
        };
        if k == 0 {
            return None;
        }
        self.iter().find(|(_, count)| reaches(*count)).map(|(value, _)| value)
    }

    /// The quantile of rank `q` between the two nearest order statistics, as in
    /// [`suffstat::quantile`](crate::suffstat::quantile()); `None` without units or for a rank outside `[0, 1]`.
    ///
    /// - **Source** Hyndman & Fan (1996), definition 7: the default of R, NumPy and SQL engines.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.n == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let position = (self.n - 1) as f64 * q;
        let below = position.floor();
        let weight = position - below;
        let low = self.order_statistic(below as u64 + 1)?;
        if weight == 0.0 {
            return Some(low);
        }
        self.order_statistic(below as u64 + 2).map(|high| low + weight * (high - low))
    }

    /// The smallest value that a share `q` of the units does not exceed: the inverse of the distribution function;
    /// `None` without units or for a rank outside `[0, 1]`.
    ///
    /// - **Source** Hyndman & Fan (1996), definition 1.
    pub fn inverse(&self, q: f64) -> Option<f64> {
        if !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = self.n as f64 * q;
        // A rank that only rounding puts above a whole number is that number.
        let nearest = rank.round();
        let k = if (rank - nearest).abs() <= 4.0 * f64::EPSILON * rank { nearest } else { rank.ceil() };
        self.order_statistic((k as u64).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(values: &[f64], counts: &[u64]) -> String {
        Empirical::new(values, counts).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_distribution_is_refused_at_its_place() {
        let mend = "; distinct finite values are wanted in rising order, each with the number of its units";
        let refused = [
            (fault(&[1.0, f64::NAN], &[1, 1]), "entry 2 of the distribution is not finite"),
            (fault(&[1.0, 1.0], &[1, 1]), "entry 2 of the distribution is not above the one before it"),
            (fault(&[1.0, 2.0], &[1]), "entry 2 of the distribution has no units"),
            (fault(&[1.0], &[0]), "entry 1 of the distribution has no units"),
            (fault(&[1.0], &[1, 1]), "entry 2 of the distribution has a count and no value"),
            (fault(&[1.0], &[u64::MAX]), "entry 1 of the distribution takes the number of units past 2^40"),
        ];
        for (said, want) in refused {
            assert_eq!(said, format!("{want}{mend}"));
        }
    }

    #[test]
    fn counts_stand_for_units() {
        let (values, counts) = ([-1.0, 2.0, 2.5, 9.0], [3, 1, 4, 2]);
        let law = Empirical::new(&values, &counts).unwrap();
        let mut units = Vec::new();
        law.iter().for_each(|(value, count)| units.extend(std::iter::repeat_n(value, count as usize)));
        for rank in [0.0, 0.1, 0.25, 1.0 / 3.0, 0.5, 0.9, 1.0] {
            assert_eq!(law.quantile(rank), crate::suffstat::quantile(&mut units, rank), "{rank}");
        }
        assert_eq!((law.mean(), law.range()), (Some(2.7), Some((-1.0, 9.0))));
        assert!((law.centred() - units.iter().map(|y| (y - 2.7_f64).powi(2)).sum::<f64>()).abs() < 1e-12);
    }

    #[test]
    fn the_inverse_does_not_step_past_a_rank_that_only_rounding_raised() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let law = Empirical::new(&values, &[1; 10]).unwrap();
        assert_eq!([0.1, 0.3, 0.7, 0.71].map(|q| law.inverse(q).unwrap()), [1.0, 3.0, 7.0, 8.0]);
        assert_eq!((law.inverse(0.0), law.inverse(1.0), law.inverse(1.5)), (Some(1.0), Some(10.0), None));
    }

    #[test]
    fn without_units_there_is_nothing_to_say() {
        let empty = Empirical::new(&[], &[]).unwrap();
        assert_eq!((empty.n(), empty.mean(), empty.quantile(0.5), empty.inverse(0.5)), (0, None, None, None));
    }
}
