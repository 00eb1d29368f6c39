//! What is measured, and how it varies from unit to unit.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::planning::refuse;
use crate::suffstat::{CoMoments, Moments};

/// The outcome of one unit in the baseline arm, and the test that our estimators run on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// A mean over units.
    Mean {
        /// Mean per unit; without it there are no relative effects.
        mean: Option<f64>,
        /// Standard deviation over units.
        std_dev: f64,
        /// The spread in the treated arm.
        #[serde(default)]
        spread: Spread,
        /// The test.
        #[serde(default)]
        test: MeanTest,
    },
    /// A share of units.
    Proportion {
        /// Share in the baseline arm.
        share: f64,
        /// The test.
        #[serde(default)]
        test: ProportionTest,
    },
    /// Sum over sum, with more than one denominator per unit of assignment: planned through its linearisation
    /// `z = R + (y − R·d)/d̄`.
    Ratio {
        /// Mean of the numerator per unit.
        numerator: f64,
        /// Mean of the denominator per unit.
        denominator: f64,
        /// Standard deviation of the numerator over units.
        numerator_std_dev: f64,
        /// Standard deviation of the denominator over units.
        denominator_std_dev: f64,
        /// Correlation of the two over units.
        correlation: f64,
    },
}

/// The standard deviation in the treated arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// As in the baseline arm: every unit is moved by the same amount.
    #[default]
    Same,
    /// Larger by the lift: every unit is multiplied.
    WithLift,
    /// This one.
    Given(f64),
}

/// The test of a mean or a ratio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeanTest {
    /// Welch's, with a variance per arm.
    #[default]
    Welch,
    /// Student's, with one variance for both arms.
    Pooled,
    /// The z test: variances taken as known.
    Normal,
}

/// The test of a share: those of the estimator `proportion`, by exact enumeration of the counts, and the formulas of other
/// tools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProportionTest {
    /// What the estimator runs: Welch's, or the score test when fewer than 10 are expected in a cell.
    #[default]
    Auto,
    /// Welch's test of means of 0 and 1.
    Mean,
    /// The score test.
    Score,
    /// The z test with one share for both arms: Pearson's chi-square.
    PooledZ,
    /// The z test with a share per arm.
    Wald,
    /// Fisher's exact test.
    Fisher,
    /// Barnard's exact test; for few units.
    Barnard,
    /// Boschloo's exact test; for few units.
    Boschloo,
    /// No test that is run, but the normal approximation that other calculators print.
    Formula(NullVariance),
    /// Cohen's arcsine approximation, as R's `pwr` and statsmodels.
    Arcsine,
}

impl ProportionTest {
    /// Its word in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Mean => "mean",
            Self::Score => "score",
            Self::PooledZ => "pooled_z",
            Self::Wald => "wald",
            Self::Fisher => "fisher",
            Self::Barnard => "barnard",
            Self::Boschloo => "boschloo",
            Self::Formula(_) => "formula",
            Self::Arcsine => "arcsine",
        }
    }
}

/// The variance under no effect in the formula of other calculators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullVariance {
    /// At the mean of the two shares: R's `power.prop.test`.
    Mean,
    /// At the baseline share in both arms: evanmiller.org.
    Baseline,
    /// At each arm's own share: Fleiss without pooling, and most slides.
    Own,
}

impl Outcome {
    /// A mean with this value and spread per unit, tested by Welch's test.
    pub fn mean(mean: f64, std_dev: f64) -> Self {
        Self::Mean { mean: Some(mean), std_dev, spread: Spread::default(), test: MeanTest::default() }
    }

    /// A share, by the test that the estimator runs.
    pub fn proportion(share: f64) -> Self {
        Self::Proportion { share, test: ProportionTest::default() }
    }

    /// A mean as the metric's own history has it.
    ///
    /// - **Errors** with [`Error::OutOfRange`] with fewer than two units.
    pub fn of_history(history: &Moments) -> Result<Self, Error> {
        let std_dev = history.std_dev().ok_or_else(|| few("history", history.n))?;
        Ok(Self::mean(history.mean, std_dev))
    }

    /// A ratio as the history of its numerator (variable 0) and denominator (variable 1) has it.
    ///
    /// - **Errors** with [`Error::OutOfRange`] with fewer than two units or variables.
    pub fn ratio_of_history(history: &CoMoments) -> Result<Self, Error> {
        if history.k() < 2 {
            return Err(refuse("history", history.k(), "a ratio has a numerator and a denominator"));
        }
        let parts = (history.variance(0), history.variance(1), history.covariance(0, 1));
        let (Some(numerator), Some(denominator), Some(cross)) = parts else { return Err(few("history", history.n())) };
        let product = (numerator * denominator).sqrt();
        Ok(Self::Ratio {
            numerator: history.mean(0),
            denominator: history.mean(1),
            numerator_std_dev: numerator.sqrt(),
            denominator_std_dev: denominator.sqrt(),
            correlation: if product > 0.0 { (cross / product).clamp(-1.0, 1.0) } else { 0.0 },
        })
    }

    /// The summary in the baseline arm, in the unit of the metric.
    pub fn baseline(&self) -> Option<f64> {
        match self {
            Self::Mean { mean, .. } => *mean,
            Self::Proportion { share, .. } => Some(*share),
            Self::Ratio { numerator, denominator, .. } => Some(numerator / denominator),
        }
    }

    /// The test of means that is run; Welch's on shares that are adjusted or clustered.
    pub(super) fn mean_test(&self) -> MeanTest {
        match self {
            Self::Mean { test, .. } => *test,
            _ => MeanTest::Welch,
        }
    }

    /// Standard deviations per unit, baseline first, when the effect is this, in the unit of the metric.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for a share beyond 0 and 1.
    pub(super) fn std_devs(&self, effect: f64) -> Result<[f64; 2], Error> {
        match self {
            Self::Mean { mean, std_dev, spread, .. } => {
                let treated = match (spread, mean) {
                    (Spread::Same, _) => *std_dev,
                    (Spread::Given(treated), _) => *treated,
                    (Spread::WithLift, Some(mean)) => std_dev * (1.0 + effect / mean).abs(),
                    (Spread::WithLift, None) => return Err(no_mean("spread")),
                };
                Ok([*std_dev, treated])
            }
            Self::Proportion { share, .. } => {
                let treated = share + effect;
                if !(0.0..=1.0).contains(&treated) {
                    return Err(refuse("effect", effect, "with it the treated share lies between 0 and 1"));
                }
                Ok([*share, treated].map(|p| (p * (1.0 - p)).sqrt()))
            }
            Self::Ratio { numerator, denominator, numerator_std_dev, denominator_std_dev, correlation } => {
                let linearised = |ratio: f64| {
                    let (y, d) = (*numerator_std_dev, ratio * denominator_std_dev);
                    // (y − d)² + 2(1 − ρ)yd: no cancellation where numerator and denominator nearly move as one.
                    ((y - d).powi(2) + 2.0 * (1.0 - correlation) * y * d).max(0.0).sqrt() / denominator.abs()
                };
                let ratio = numerator / denominator;
                Ok([linearised(ratio), linearised(ratio + effect)])
            }
        }
    }

    /// Refuses numbers that no outcome has.
    pub(super) fn check(&self) -> Result<(), Error> {
        let finite = |field: &str, value: f64| match value.is_finite() {
            true => Ok(()),
            false => Err(refuse(field, value, "a finite number")),
        };
        let spread_of = |field: &str, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(refuse(field, value, "a standard deviation is positive: what does not vary needs no plan")),
        };
        match self {
            Self::Mean { mean, std_dev, spread, .. } => {
                mean.map_or(Ok(()), |mean| finite("mean", mean))?;
                if let Spread::Given(treated) = spread {
                    spread_of("spread", *treated)?;
                }
                spread_of("std_dev", *std_dev)
            }
            Self::Proportion { share, .. } => match *share > 0.0 && *share < 1.0 {
                true => Ok(()),
                false => Err(refuse("share", share, "a share lies between 0 and 1, such as 0.04")),
            },
            Self::Ratio { numerator, denominator, numerator_std_dev, denominator_std_dev, correlation } => {
                finite("numerator", *numerator)?;
                finite("denominator", *denominator)?;
                if *denominator == 0.0 {
                    return Err(refuse("denominator", denominator, "a ratio has a denominator other than 0"));
                }
                if !(-1.0..=1.0).contains(correlation) {
                    return Err(refuse("correlation", correlation, "a correlation lies between -1 and 1"));
                }
                for (field, value) in
                    [("numerator_std_dev", numerator_std_dev), ("denominator_std_dev", denominator_std_dev)]
                {
                    finite(field, *value)?;
                    if *value < 0.0 {
                        return Err(refuse(field, value, "a standard deviation is not negative"));
                    }
                }
                spread_of("std_dev of the linearised ratio", self.std_devs(0.0)?[0])
            }
        }
    }
}

fn few(field: &str, n: u64) -> Error {
    refuse(field, format!("{n} units"), "a spread needs at least 2; take a longer history")
}

/// Why there is no relative effect.
pub(super) fn no_mean(field: &str) -> Error {
    refuse(
        field,
        "relative",
        "a relative effect needs the baseline mean, and one that is not 0; give `mean`, or an absolute effect",
    )
}
