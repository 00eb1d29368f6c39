//! Difference of trimmed means.

use crate::contrast::{DISTRIBUTION, LIFT};
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::distributions::{Distributions, requirements};
use crate::estimator::option::{OptionKind, OptionSpec};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::VarianceComponent;
use crate::ranks::TrimmedMean as Trimmed;
use crate::requirement::Requirements;
use crate::sample::Sample;

/// Estimates the effect on the trimmed mean: without a share of the smallest and of the largest units of each arm.
///
/// `τ̂ = x̄_t1 − x̄_t0` with Yuen's `se² = d₁ + d₀`, `dₐ = (nₐ − 1)s²_wₐ/(hₐ(hₐ − 1))`, and Satterthwaite's degrees of
/// freedom over `hₐ − 1`: Welch's test when nothing is trimmed.
///
/// - **Needs** the distinct values of the outcome per arm, with counts.
/// - **Gives** the effect on the trimmed mean in the unit of the metric and as a share of the baseline's trimmed mean.
///   In a skewed distribution that is not the effect on the mean: totals do not follow from it.
/// - **Assumes** independent units.
/// - **Errors** as the trait says; an arm with fewer than two units left gives a row without standard error and a note.
/// - **Source** Yuen (1974), equations (2) to (4).
#[derive(Debug)]
pub struct TrimmedMean;

const TRIM: OptionSpec = OptionSpec {
    name: "trim",
    kind: OptionKind::Number { min: 0.0, max: 0.49 },
    default: "0.2",
    meaning: "Share of the units of each arm left out at each end.",
};

impl Estimator for TrimmedMean {
    fn name(&self) -> &str {
        "trimmed_mean"
    }

    fn summary(&self) -> &str {
        "The difference of the two arms' means without their smallest and largest units, by Yuen's t-test."
    }

    fn assumes(&self) -> &str {
        "Units are independent, and the trimmed mean, not the mean or the total, is what matters."
    }

    fn source(&self) -> &str {
        "Yuen (1974), Biometrika 61, pages 165–170."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[DISTRIBUTION, LIFT, TRIM] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(requirements(estimand))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let trim = options.number(TRIM.name).unwrap_or_default();
        let mut arms = Distributions::of(estimand, sample)?;
        let both = arms.both().is_some();
        let trimmed = arms.arms().map(|(_, law)| Trimmed::of(law, trim));
        for ((name, _), trimmed) in arms.arms().into_iter().zip(&trimmed) {
            if let Some(Trimmed { kept: 1, .. }) = trimmed {
                arms.note(format!("Arm `{name}` has 1 unit after trimming; a standard error needs at least 2."));
            }
        }
        let mut outcomes = arms.outcomes(|law| Trimmed::of(law, trim).map(|trimmed| trimmed.mean));
        let component = |(at, trimmed): (usize, &Option<Trimmed>)| {
            let trimmed = trimmed.as_ref()?;
            Some(VarianceComponent::of_arm(2, at, trimmed.variance?, (trimmed.kept - 1) as f64))
        };
        outcomes.components = trimmed.iter().enumerate().map(component).collect::<Option<Vec<_>>>().filter(|_| both);
        let mut rows = inference.rows(estimand, &outcomes);
        for row in &mut rows.rows {
            row.estimand = Some("trimmed_mean".to_owned());
        }
        Ok(answer(self, &options, rows))
    }
}
