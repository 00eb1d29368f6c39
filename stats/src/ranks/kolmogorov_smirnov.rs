//! The two-sample Kolmogorov–Smirnov test.

use std::f64::consts::{LN_2, PI};

use super::for_each_value;
use crate::dist::TailProbability;
use crate::empirical::Empirical;

/// Most pairs of units for which all assignments are counted; two arms of 2,000.
const MOST_PAIRS: u128 = 4_000_000;

/// The largest distance between the two arms' distribution functions.
///
/// - **Needs** both arms' distributions.
/// - **Assumes** independent units; under the hypothesis both distributions are equal.
/// - **Source** Smirnov (1939); exact: Hodges (1958), with ties as in Schröer & Trenkler (1995).
#[derive(Clone, Copy, Debug)]
pub struct KolmogorovSmirnov<'a> {
    samples: [Empirical<'a>; 2],
    /// The distance times the number of pairs: a whole number.
    scaled: u128,
}

impl<'a> KolmogorovSmirnov<'a> {
    /// Of two arms; `None` when one has no units.
    pub fn of(treated: Empirical<'a>, control: Empirical<'a>) -> Option<KolmogorovSmirnov<'a>> {
        if treated.n() == 0 || control.n() == 0 {
            return None;
        }
        let (n_t, n_c) = (u128::from(treated.n()), u128::from(control.n()));
        let (mut below, mut scaled) = ([0_u64; 2], 0);
        for_each_value([treated, control], |_, counts| {
            below = [below[0] + counts[0], below[1] + counts[1]];
            scaled = scaled.max((u128::from(below[0]) * n_c).abs_diff(u128::from(below[1]) * n_t));
        });
        Some(KolmogorovSmirnov { samples: [treated, control], scaled })
    }

    /// The distance, `max |F₁(x) − F₀(x)|`.
    pub fn distance(&self) -> f64 {
        self.scaled as f64 / self.pairs() as f64
    }

    /// The exact p-value: the share of assignments of the units to the arms, with the ties that there are, in which the
    /// distance is at least as large.
    ///
    /// - **Gives** `None` above four million pairs, where [`asymptotic_p`](Self::asymptotic_p) is right.
    pub fn exact_p(&self) -> Option<TailProbability> {
        if self.pairs() > MOST_PAIRS {
            return None;
        }
        let [n_t, n_c] = self.samples.map(|sample| sample.n() as usize);
        let mut ends = vec![false; n_t + n_c + 1];
        let mut units = 0;
        for_each_value(self.samples, |_, [treated, control]| {
            units += (treated + control) as usize;
            ends[units] = true;
        });
        let reached = |i: usize, j: usize| ends[i + j] && (i * n_c).abs_diff(j * n_t) as u128 >= self.scaled.max(1);
        // One unit after another joins its arm: the probability of having seen i and j of them without reaching the
        // distance. What reaches it is added up, so that no tail is left over from a subtraction.
        let mut row = vec![0.0_f64; n_c + 1];
        let mut p = 0.0;
        for i in 0..=n_t {
            for j in 0..=n_c {
                let from_treated = |before: f64| before * (n_t + 1 - i) as f64 / (n_t + n_c + 1 - i - j) as f64;
                let from_control = |before: f64| before * (n_c + 1 - j) as f64 / (n_t + n_c + 1 - i - j) as f64;
                let mut here = if i > 0 { from_treated(row[j]) } else { f64::from(u8::from(j == 0)) };
                if j > 0 {
                    here += from_control(row[j - 1]);
                }
                if reached(i, j) {
                    p += here;
                    here = 0.0;
                }
                row[j] = here;
            }
        }
        if self.scaled == 0 { Some(TailProbability::CERTAIN) } else { TailProbability::from_ln(p.ln()) }
    }

    /// The p-value of Kolmogorov's limiting distribution at `D·√(n₁n₀/(n₁ + n₀))`.
    ///
    /// - **Assumes** large arms; ties make it too large.
    pub fn asymptotic_p(&self) -> TailProbability {
        let [n_t, n_c] = self.samples.map(|sample| sample.n() as f64);
        kolmogorov_tail(self.distance() * (n_t / (n_t + n_c) * n_c).sqrt())
    }

    fn pairs(&self) -> u128 {
        u128::from(self.samples[0].n()) * u128::from(self.samples[1].n())
    }
}

/// `P(K > x)` of Kolmogorov's distribution: the limit of `√n` times the distance of one sample from its law.
pub(crate) fn kolmogorov_tail(x: f64) -> TailProbability {
    TailProbability::from_ln(ln_upper_tail(x)).unwrap_or(TailProbability::CERTAIN)
}

/// `ln P(K > x)` of Kolmogorov's distribution.
///
/// - **Source** Kolmogorov (1933); for small `x` the same series after Jacobi's transformation.
fn ln_upper_tail(x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x < 1.0 {
        let term = |k: i32| (-(f64::from(2 * k - 1) * PI / x).powi(2) / 8.0).exp();
        let lower = (2.0 * PI).sqrt() / x * (1..=20).map(term).sum::<f64>();
        return (-lower).ln_1p();
    }
    // 2·Σ(−1)ᵏ⁻¹ exp(−2k²x²), in units of the first term.
    let term = |k: i32| if k % 2 == 0 { -1.0 } else { 1.0 } * (-2.0 * f64::from(k * k - 1) * x * x).exp();
    LN_2 - 2.0 * x * x + (1..=20).map(term).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_against_two_apart_are_two_assignments_of_six() {
        let (low, high) =
            (Empirical::new(&[1.0, 2.0], &[1, 1]).unwrap(), Empirical::new(&[3.0, 4.0], &[1, 1]).unwrap());
        let test = KolmogorovSmirnov::of(high, low).unwrap();
        assert_eq!(test.distance(), 1.0);
        assert!((test.exact_p().unwrap().p - 2.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn tied_units_are_seen_together() {
        // Of 1, 1, 2, 2 the distance is one half or more unless each arm has one of each: 4 assignments of 6.
        let law = |values: &'static [f64], counts: &'static [u64]| Empirical::new(values, counts).unwrap();
        let apart = KolmogorovSmirnov::of(law(&[1.0], &[2]), law(&[2.0], &[2])).unwrap();
        assert!((apart.exact_p().unwrap().p - 2.0 / 6.0).abs() < 1e-15);
        let same = KolmogorovSmirnov::of(law(&[1.0, 2.0], &[1, 1]), law(&[1.0, 2.0], &[1, 1])).unwrap();
        assert_eq!((same.distance(), same.exact_p()), (0.0, Some(TailProbability::CERTAIN)));
    }

    #[test]
    fn both_series_of_the_limit_meet() {
        let (below, above) = (ln_upper_tail(1.0 - 1e-12), ln_upper_tail(1.0 + 1e-12));
        assert!((below - above).abs() < 1e-11);
        // Smirnov's table: P(K > 1.36) = 0.0495.
        assert!((ln_upper_tail(1.36).exp() - 0.0495).abs() < 5e-5);
        assert!((ln_upper_tail(40.0) - (LN_2 - 3200.0)).abs() < 1e-9);
    }
}
