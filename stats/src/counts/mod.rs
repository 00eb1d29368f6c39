//! Counts per unit or per exposure: the rate of each of two arms, and how much more counts vary than Poisson's.
//!
//! | file | holds |
//! |---|---|
//! | `negative_binomial` | rates and dispersion by maximum likelihood |
//!
//! ```
//! use estimand_stats::counts::{Counts, NegativeBinomial, dispersion};
//!
//! // Orders per user: how many users have none, one, two, ten.
//! let control = Counts::of(&[0.0, 1.0, 2.0, 10.0], None, &[60, 20, 15, 5])?;
//! let treated = Counts::of(&[0.0, 1.0, 2.0, 10.0], None, &[50, 25, 16, 9])?;
//! assert_eq!((control.rate(), treated.rate()), (1.0, 1.47));
//! assert!(dispersion([&control, &treated]) > Some(4.0));
//! let fit = NegativeBinomial::fit([&control, &treated]).ok_or("events in both arms")?;
//! assert!(fit.size.is_some_and(|size| size < 1.0) && fit.log_variances[0] > 1.0 / 100.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod negative_binomial;

pub use negative_binomial::NegativeBinomial;

/// Distinct counts of an arm, each with its exposure and the number of units that have both.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts<'a> {
    counts: &'a [f64],
    exposures: Option<&'a [f64]>,
    units: &'a [u64],
}

/// A value that no count, or no exposure of one, can have.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Impossible {
    /// A count that is negative, not whole, or past what doubles count.
    #[error("{0} is no count")]
    Count(f64),
    /// An exposure that is not above zero.
    #[error("{0} is no exposure")]
    Exposure(f64),
}

/// Whole numbers above this are not all doubles, so nothing of this size was counted.
pub(crate) const MOST_EVENTS: f64 = 9_007_199_254_740_992.0;

impl<'a> Counts<'a> {
    /// Of columns of one length; without exposures every unit has an exposure of one.
    ///
    /// - **Errors** with the first value that is [`Impossible`].
    pub fn of(counts: &'a [f64], exposures: Option<&'a [f64]>, units: &'a [u64]) -> Result<Self, Impossible> {
        if let Some(odd) = counts.iter().find(|count| !((0.0..=MOST_EVENTS).contains(*count) && count.fract() == 0.0)) {
            return Err(Impossible::Count(*odd));
        }
        let odd = exposures.and_then(|exposures| exposures.iter().find(|own| !(own.is_finite() && **own > 0.0)));
        odd.map_or(Ok(Self { counts, exposures, units }), |odd| Err(Impossible::Exposure(*odd)))
    }

    /// Units.
    pub fn n(&self) -> u64 {
        self.units.iter().sum()
    }

    /// Events of all units.
    pub fn events(&self) -> f64 {
        self.rows().map(|(count, _, units)| count * units).sum()
    }

    /// Exposure of all units.
    pub fn exposure(&self) -> f64 {
        self.rows().map(|(_, exposure, units)| exposure * units).sum()
    }

    /// Events over exposure; zero without units.
    pub fn rate(&self) -> f64 {
        if self.units.is_empty() { 0.0 } else { self.events() / self.exposure() }
    }

    /// Count, exposure and units of each row.
    fn rows(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let exposures = self.exposures.unwrap_or(&[]).iter().copied().chain(std::iter::repeat(1.0));
        self.counts
            .iter()
            .zip(exposures)
            .zip(self.units)
            .map(|((count, exposure), units)| (*count, exposure, *units as f64))
    }

    /// `Σ(y − λd)²/(λd)`: Pearson's statistic of Poisson counts of one rate; `None` at a rate of zero.
    pub fn pearson(&self) -> Option<f64> {
        let rate = self.rate();
        let term = |(count, exposure, units): (f64, f64, f64)| {
            let mean = rate * exposure;
            units * (count - mean).powi(2) / mean
        };
        (rate > 0.0).then(|| self.rows().map(term).sum())
    }
}

/// How many times as much as Poisson counts the counts of two arms vary about the rates of their arms: `X²/(n − 2)`.
///
/// - **Gives** `None` with fewer than three units, or without events in an arm.
/// - **Source** McCullagh & Nelder (1989), equation (6.4).
pub fn dispersion(arms: [&Counts<'_>; 2]) -> Option<f64> {
    let df = (arms[0].n() + arms[1].n()).checked_sub(2).filter(|df| *df > 0)?;
    Some((arms[0].pearson()? + arms[1].pearson()?) / df as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_named() {
        assert_eq!(Counts::of(&[1.0, 0.5], None, &[1, 1]), Err(Impossible::Count(0.5)));
        assert_eq!(Counts::of(&[-1.0], None, &[1]), Err(Impossible::Count(-1.0)));
        assert_eq!(Counts::of(&[1.0], Some(&[0.0]), &[1]), Err(Impossible::Exposure(0.0)));
        assert_eq!(Counts::of(&[], None, &[]).map(|none| none.rate()), Ok(0.0));
    }

    #[test]
    fn poisson_counts_have_a_dispersion_near_one_and_equal_counts_none() {
        let equal = Counts::of(&[3.0], None, &[40]).unwrap();
        assert_eq!(dispersion([&equal, &equal]), Some(0.0));
        let none = Counts::of(&[0.0], None, &[40]).unwrap();
        assert_eq!(dispersion([&equal, &none]), None);
    }
}
