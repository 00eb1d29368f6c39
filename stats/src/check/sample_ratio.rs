//! Sample ratio mismatch.

use crate::check::{ArmCounts, Check, Detail, Evidence, Finding, Outcome, p_in_words};
use crate::dist::{ChiSquared, TailProbability};
use crate::sequential::Multinomial;

/// Below this p-value the counts are not an accident.
const FAIL: f64 = 0.001;
/// Below this p-value they are worth a look.
const WARN: f64 = 0.01;

/// Tests the counts of units by first arm against the planned allocation.
///
/// Pearson's `χ² = Σ(O − E)²/E` with `k − 1` degrees of freedom over the arms with planned weight; fails below .001,
/// warns below .01. A plan that looks more than once has the anytime-valid [`Multinomial`] test instead.
///
/// - **Needs** units by *first* arm, before units in two arms are set apart, and planned weights on any scale.
/// - **Gives** observed and expected counts. Arms of zero weight are left out of the test and named when they have
///   units.
/// - **Assumes** units assigned independently and, of Pearson's test alone, a sample that was not looked at again and
///   again until the test failed.
/// - **Source** Pearson (1900); Fabijan et al. (2019) for its use; Lindon & Malek (2022), NeurIPS.
#[derive(Debug)]
pub struct SampleRatio;

/// Which test compares the counts with the allocation; the plan chooses, before the first look.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum SampleRatioMethod {
    /// Pearson's, for a sample that is looked at once.
    #[default]
    ChiSquared,
    /// The anytime-valid multinomial test, for a sample that is looked at as often as anybody likes.
    Sequential {
        /// How many units the Dirichlet prior about the allocation is worth; 10,000 is usual.
        concentration: f64,
    },
}

impl SampleRatioMethod {
    /// The anytime-valid test with the usual concentration, strongest against shares that are half a per cent off.
    pub const SEQUENTIAL: Self = Self::Sequential { concentration: 10_000.0 };

    /// Pearson's test of counts against weights; `None` with fewer than two arms of positive weight, without units, or with a
    /// weight or concentration that makes no sense.
    pub fn test(self, observed: &[u64], weights: &[f64]) -> Option<SampleRatioTest> {
        match self {
            Self::ChiSquared => sample_ratio_test(observed, weights),
            Self::Sequential { concentration } => sequential_test(observed, weights, concentration),
        }
    }
}

/// A test of counts against weights.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRatioTest {
    /// `Σ(O − E)²/E`; of the anytime-valid test the natural logarithm of its e-value.
    pub statistic: f64,
    /// Arms with weight, minus one.
    pub df: f64,
    /// Of the test, never 0.
    pub p_value: f64,
    /// Common logarithm of the p-value.
    pub log10_p: f64,
    /// Expected counts, in the order of the arms; 0 for an arm without weight.
    pub expected: Vec<f64>,
}

/// Pearson's test of counts against weights; `None` with fewer than two arms of positive weight, without units, or with a weight
/// that is negative or not finite.
pub fn sample_ratio_test(observed: &[u64], weights: &[f64]) -> Option<SampleRatioTest> {
    if observed.len() != weights.len() || weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
        return None;
    }
    let planned = || observed.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
    let total = planned().map(|(count, _)| *count).sum::<u64>() as f64;
    let weight_sum: f64 = weights.iter().sum();
    let df = planned().count().checked_sub(1).filter(|df| *df > 0)? as f64;
    if total == 0.0 || !weight_sum.is_finite() {
        return None;
    }
    let expected: Vec<f64> = weights.iter().map(|weight| total * (weight / weight_sum)).collect();
    let term = |(count, expected): (&u64, &f64)| (*count as f64 - expected).powi(2) / expected;
    let statistic = observed.iter().zip(&expected).filter(|(_, expected)| **expected > 0.0).map(term).sum();
    let TailProbability { p, log10_p } = TailProbability::upper(&ChiSquared::new(df)?, statistic)?;
    Some(SampleRatioTest { statistic, df, p_value: p, log10_p, expected })
}

/// The anytime-valid test over the arms with weight; refuses what Pearson's refuses.
fn sequential_test(observed: &[u64], weights: &[f64], concentration: f64) -> Option<SampleRatioTest> {
    let pearson = sample_ratio_test(observed, weights)?;
    let (shares, counts): (Vec<f64>, Vec<u64>) = weights
        .iter()
        .zip(observed)
        .filter(|(weight, _)| **weight > 0.0)
        .map(|(weight, count)| (*weight, *count))
        .unzip();
    let evidence = Multinomial::new(&shares, concentration)?.e_value(&counts)?;
    let TailProbability { p, log10_p } = evidence.p_value();
    Some(SampleRatioTest { statistic: evidence.ln(), p_value: p, log10_p, ..pearson })
}

impl Check for SampleRatio {
    fn name(&self) -> &'static str {
        "sample_ratio"
    }

    fn summary(&self) -> &'static str {
        "Units per arm match the planned allocation: a warning below p = 0.01, a failure below 0.001."
    }

    fn check(&self, evidence: &Evidence) -> Finding {
        let arms = &evidence.arms;
        let observed: Vec<u64> = arms.iter().map(|arm| arm.assigned).collect();
        let weights: Vec<f64> = arms.iter().map(|arm| arm.weight).collect();
        let Some(test) = evidence.sample_ratio.test(&observed, &weights) else {
            return Finding::not_applicable("A sample ratio needs units and two arms with planned weight.");
        };
        let outcome = match test.p_value {
            p if p < FAIL => Outcome::Fail,
            p if p < WARN => Outcome::Warn,
            _ => Outcome::Pass,
        };
        let words = if outcome == Outcome::Pass { "match" } else { "do not match" };
        let mut message =
            format!("Units per arm {words} the allocation: {} ({}).", against(arms, &test), p_in_words(test.p_value));
        if let SampleRatioMethod::Sequential { concentration } = evidence.sample_ratio {
            message.push_str(&format!(
                " The test is valid at every look; its Dirichlet concentration is {concentration}."
            ));
        }
        let unplanned = arms.iter().filter(|arm| arm.weight == 0.0 && arm.assigned > 0);
        for arm in unplanned {
            message.push_str(&format!(" Arm `{}` has no planned weight but {} units.", arm.arm, arm.assigned));
        }
        let details = arms.iter().zip(&test.expected).map(|(arm, expected)| Detail {
            what: arm.arm.clone(),
            count: Some(arm.assigned),
            expected: Some(*expected).filter(|expected| *expected > 0.0),
            share: share(arm.assigned, &observed),
            p_value: None,
        });
        let help = match outcome {
            Outcome::Pass => String::new(),
            _ => "find what loses or repeats units in one arm: redirects, crashes, bot filters, late logging; see the counts by \
                  dimension"
                .to_owned(),
        };
        let details = details.collect();
        Finding { p_value: Some(test.p_value), details, help, ..Finding::new(outcome, message) }
    }
}

fn share(count: u64, all: &[u64]) -> Option<f64> {
    let total: u64 = all.iter().sum();
    (total > 0).then(|| count as f64 / total as f64)
}

/// `4,510 against 4,500.5 expected` would hide which arm it is; this names each.
fn against(arms: &[ArmCounts], test: &SampleRatioTest) -> String {
    let planned = arms.iter().zip(&test.expected).filter(|(arm, _)| arm.weight > 0.0);
    let arm = |(arm, expected): (&ArmCounts, &f64)| format!("`{}` {} of {expected:.1} expected", arm.arm, arm.assigned);
    planned.map(arm).collect::<Vec<_>>().join(", ")
}
