//! Asymptotic confidence sequences, on the scale of standard errors.

use super::{EValue, NormalMixture, Sides};
use crate::contrast::{Boundary, Test};
use crate::dist::{Alternative, TailProbability};

/// One look at an estimate that is near normal: how far its intrinsic time stands on the clock of its sequence.
///
/// With `r = v/ρ`, a statistic `z = estimate/std_error` has evidence `(1+r)^−½·exp(z²r/(2(1+r)))`, and the sequence is
/// `estimate ± std_error·√((1 + 1/r)(ln(1+r) + 2 ln(1/α)))`; one-sided as in [`NormalMixture`].
///
/// - **Gives** coverage of all looks at once that comes to `1 − α` as the first look is put off, for any estimate that
///   is a mean of independent terms up to a smaller error.
/// - **Source** Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), "Time-uniform central limit theory and asymptotic
///   confidence sequences", Annals of Statistics 52, theorem 2.2 and appendix B.2; mixing in the unit of the effect:
///   Johari, Koomen, Pekelis & Walsh (2022), "Always valid inference", Operations Research 70, section 5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Look {
    /// Intrinsic time is counted in units; the sequence is narrowest when as many are there as were planned.
    Units {
        /// Units that enter the estimate, over both arms.
        seen: f64,
        /// Units planned, over both arms.
        planned: f64,
    },
    /// The mixture sequential probability ratio test: effects are mixed over `N(0, τ²)` in the unit of the metric, and
    /// intrinsic time is `1/std_error²`.
    Mixing {
        /// `τ²` in units of the squared standard error of this look.
        ratio: f64,
    },
}

impl Look {
    /// `v/ρ` for a row that leaves `tail` outside on each side that it has.
    fn ratio(self, tail: f64) -> Option<f64> {
        let ratio = match self {
            // The one-sided mixture is tuned with twice its level, so that both kinds of row depend on the tail alone.
            Self::Units { seen, planned } => {
                seen / NormalMixture::tuned(Sides::Two, planned, (2.0 * tail).min(0.5))?.rho()
            }
            Self::Mixing { ratio } => ratio,
        };
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }
}

impl Boundary for Look {
    fn critical(&self, test: Test) -> Option<f64> {
        let ratio = self.ratio(test.tail)?;
        let alpha = if sides(test) == Sides::Two { 2.0 * test.tail } else { test.tail };
        let x = NormalMixture::new(sides(test), 1.0)?.scaled_boundary(ratio, alpha)?;
        Some(x * (1.0 + 1.0 / ratio).sqrt()).filter(|critical| critical.is_finite())
    }

    fn p_value(&self, statistic: f64, test: Test) -> Option<TailProbability> {
        self.e_value(statistic, test).map(EValue::p_value)
    }

    fn e_value(&self, statistic: f64, test: Test) -> Option<EValue> {
        let ratio = self.ratio(test.tail)?;
        let upwards = if test.alternative == Alternative::Less { -statistic } else { statistic };
        let x = upwards * (ratio / (1.0 + ratio)).sqrt();
        if !x.is_finite() {
            return None;
        }
        NormalMixture::new(sides(test), 1.0)?.scaled(x, ratio)
    }
}

fn sides(test: Test) -> Sides {
    if test.alternative == Alternative::TwoSided { Sides::Two } else { Sides::One }
}
