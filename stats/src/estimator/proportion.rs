//! Difference of two shares.

use crate::contrast::{DISTRIBUTION, Inference, Interval, LIFT};
use crate::design::Design;
use crate::dist::{Alternative, TailProbability};
use crate::error::Error;
use crate::estimand::{Direction, Estimand, Summary, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::arms::{Arms, Mean};
use crate::estimator::difference_in_means::per_arm_fit;
use crate::estimator::option::{OptionKind, OptionSpec};
use crate::estimator::{Estimator, answer, prepare};
use crate::potential_outcomes::PotentialOutcomes;
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::suffstat::CoMoments;
use crate::two_proportions::{self, Contrast, TwoProportions};

/// Estimates the effect on a share: as a difference in means of 0 and 1, or from the four counts when these are few.
///
/// With `method=auto` the mean is taken when the smallest *expected* count, `min(n₁, n₀)·min(p̄, 1 − p̄)`, is 10 or
/// more: a rule that does not look at the effect. Below it the score test with Miettinen–Nurminen's interval, which
/// agree with each other. The other methods are asked for by name; where test and interval are of two minds a note says
/// so.
///
/// | method | test | interval of the difference | of the ratio |
/// | --- | --- | --- | --- |
/// | `mean` | Welch | Welch | the `lift` option |
/// | `score` | score | Miettinen–Nurminen | Miettinen–Nurminen |
/// | `newcombe` | score | Newcombe | Miettinen–Nurminen |
/// | `barnard`, `boschloo`, `fisher` | exact | Miettinen–Nurminen | Miettinen–Nurminen |
/// | `pooled_z`, `wald` | z, pooled or not | Wald | log-ratio |
///
/// - **Needs** the moments of an outcome that is 0 or 1, per arm.
/// - **Gives** the difference of shares and the lift; a guardrail is tested by the score test of the ratio of shares.
/// - **Assumes** independent units.
/// - **Errors** as the trait says; [`Error::OutOfRange`] when the outcome has other values than 0 and 1.
/// - **Source** Miettinen & Nurminen (1985); Newcombe (1998), method 10; Fisher (1935); Boschloo (1970); Barnard
///   (1945).
#[derive(Debug)]
pub struct Proportion;

const METHOD: OptionSpec = OptionSpec {
    name: "method",
    kind: OptionKind::Choice(&[
        "auto", "barnard", "boschloo", "fisher", "mean", "newcombe", "pooled_z", "score", "wald",
    ]),
    default: "auto",
    meaning: "Test and interval: by the expected counts (auto), or the one named.",
};

/// Smallest expected count from which a share is treated as a mean.
const ENOUGH: f64 = 10.0;

impl Estimator for Proportion {
    fn name(&self) -> &str {
        "proportion"
    }

    fn summary(&self) -> &str {
        "The difference of two shares: as means of 0 and 1, or by the score test when few are expected."
    }

    fn assumes(&self) -> &str {
        "Units are independent and do not influence each other."
    }

    fn source(&self) -> &str {
        "Miettinen & Nurminen (1985), Statistics in Medicine 4; Newcombe (1998), Statistics in Medicine 17."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[DISTRIBUTION, LIFT, METHOD] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(Requirements::comoments(estimand.summary.variables()))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let arms = Arms::of(estimand, sample, &estimand.summary.variables())?;
        let table = table(estimand, arms.moments())?;
        let mut outcomes = arms.outcomes(|moments| Some(Mean::of(moments, 0)), per_arm_fit);
        let asked = options.choice(METHOD.name);
        let rows = match table {
            Some(table) if asked == "auto" && table.smallest_expected() < ENOUGH => {
                let smallest = table.smallest_expected();
                // Counts need no variance per arm, so its absence is no news here.
                outcomes.notes.retain(|note| !note.contains("a standard error needs"));
                outcomes.notes.push(format!(
                    "The smallest expected count is {smallest:.1}, under 10: score test with Miettinen–Nurminen interval."
                ));
                Counts { table, method: "score" }.rows(&inference, estimand, &outcomes, design.level)
            }
            Some(table) if !matches!(asked, "auto" | "mean") => {
                outcomes.notes.retain(|note| !note.contains("a standard error needs"));
                Counts { table, method: asked }.rows(&inference, estimand, &outcomes, design.level)
            }
            _ => inference.rows(estimand, &outcomes),
        };
        Ok(answer(self, &options, rows))
    }
}

/// Successes and units of both arms; `None` when one has no units.
fn table(estimand: &Estimand, arms: [Option<&CoMoments>; 2]) -> Result<Option<TwoProportions>, Error> {
    let [Some(control), Some(treated)] = arms else { return Ok(None) };
    let (x_t, x_c) = (successes(estimand, treated)?, successes(estimand, control)?);
    Ok(TwoProportions::new(x_t, treated.n(), x_c, control.n()).ok())
}

/// How many units have 1, when all others have 0.
pub(super) fn successes(estimand: &Estimand, moments: &CoMoments) -> Result<u64, Error> {
    let (share, n) = (moments.mean(0), moments.n() as f64);
    let count = (share * n).round();
    let spread = n * share * (1.0 - share);
    // Of values between 0 and 1 only 0 and 1 themselves spread so far; summaries print rounded digits.
    if (0.0..=1.0).contains(&share) && (moments.centred(0, 0) - spread).abs() <= 0.01 * spread {
        return Ok(count as u64);
    }
    let Summary::Proportion { outcome } = &estimand.summary else { return Ok(count as u64) };
    Err(Error::OutOfRange {
        field: outcome.clone(),
        value: format!("{share} on average, with variance {}", moments.variance(0).unwrap_or(0.0)),
        expected: "the outcome of a proportion is 0 or 1; use `mean` for other values".to_owned(),
    })
}

/// The rows that four counts give.
struct Counts<'a> {
    table: TwoProportions,
    method: &'a str,
}

impl Counts<'_> {
    fn rows(&self, inference: &Inference, estimand: &Estimand, outcomes: &PotentialOutcomes, level: f64) -> Estimates {
        let alternative = inference.alternative(estimand);
        let tail = if alternative == Alternative::TwoSided { (1.0 - level) / 2.0 } else { 1.0 - level };
        let difference = outcomes.contrast(&[-1.0, 1.0]);
        let mut absolute = inference.row(estimand, outcomes, "absolute", alternative);
        absolute.estimate = Some(self.table.difference());
        absolute.std_error = difference.map(|difference| difference.variance.sqrt()).filter(|error| *error > 0.0);
        self.test(&mut absolute, alternative);
        set(&mut absolute, self.difference_interval(1.0 - 2.0 * tail), alternative);
        let mut relative = inference.row(estimand, outcomes, "relative", alternative);
        if self.lift(&mut relative) {
            relative.std_error = absolute.std_error.and_then(|_| inference.lift_std_error(outcomes));
            self.test(&mut relative, alternative);
            set(&mut relative, self.ratio_interval(1.0 - 2.0 * tail), alternative);
        }
        let mut rows = vec![absolute, relative];
        if let Some(margin) = estimand.hypothesis.margin() {
            rows.push(self.non_inferiority(inference, estimand, outcomes, margin, level));
        }
        Estimates { rows }
    }

    /// The score test that the ratio of shares is at the margin, and the one-sided end of its interval.
    fn non_inferiority(
        &self,
        inference: &Inference,
        estimand: &Estimand,
        outcomes: &PotentialOutcomes,
        margin: f64,
        level: f64,
    ) -> Estimate {
        let (alternative, null) = match estimand.direction {
            Direction::Higher => (Alternative::Greater, 1.0 - margin),
            Direction::Lower => (Alternative::Less, 1.0 + margin),
        };
        let mut row = inference.row(estimand, outcomes, "relative", alternative);
        row.margin = Some(margin);
        row.level = Some(1.0 - (1.0 - level) / 2.0);
        if self.lift(&mut row) {
            match self.table.score_test(Contrast::Ratio, null, alternative) {
                Some(test) => fill(&mut row, Some(test.statistic), test.tail),
                None => row.note(NO_TEST),
            }
            set(&mut row, self.table.score_interval(Contrast::Ratio, level).map(as_lift), alternative);
        }
        row
    }

    /// Fills in the lift; false, with a note, when nobody in the baseline arm succeeds.
    fn lift(&self, row: &mut Estimate) -> bool {
        row.estimate = self.table.ratio().map(|ratio| ratio - 1.0);
        if row.estimate.is_none() {
            row.note("The baseline share is zero, so there is no relative effect.");
        }
        row.estimate.is_some()
    }

    fn test(&self, row: &mut Estimate, alternative: Alternative) {
        let table = &self.table;
        let (statistic, tail) = match self.method {
            "barnard" => (None, table.barnard_exact(alternative)),
            "boschloo" => (None, table.boschloo_exact(alternative)),
            "fisher" => (None, Some(table.fisher_exact(alternative))),
            "pooled_z" => parts(table.pooled_z(alternative)),
            "wald" => parts(table.unpooled_z(alternative)),
            _ => parts(table.score_test(Contrast::Difference, 0.0, alternative)),
        };
        match tail {
            Some(tail) => fill(row, statistic, tail),
            None if matches!(self.method, "barnard" | "boschloo") => row.note(&format!(
                "`method={}` is computed up to {} units; there `score` agrees with it.",
                self.method,
                two_proportions::MOST_UNITS
            )),
            None => row.note(NO_TEST),
        }
        if matches!(self.method, "barnard" | "boschloo" | "fisher" | "newcombe" | "pooled_z") {
            row.note("Test and interval are of different methods and can disagree near the level.");
        }
    }

    fn difference_interval(&self, level: f64) -> Option<two_proportions::Interval> {
        match self.method {
            "newcombe" => self.table.newcombe_interval(level),
            "pooled_z" | "wald" => self.table.wald_interval(level),
            _ => self.table.score_interval(Contrast::Difference, level),
        }
    }

    fn ratio_interval(&self, level: f64) -> Option<two_proportions::Interval> {
        match self.method {
            "pooled_z" | "wald" => self.table.log_ratio_interval(level),
            _ => self.table.score_interval(Contrast::Ratio, level),
        }
        .map(as_lift)
    }
}

const NO_TEST: &str = "No unit differs from another, so the test is undefined.";

fn parts(test: Option<two_proportions::Test>) -> (Option<f64>, Option<TailProbability>) {
    (test.map(|test| test.statistic), test.map(|test| test.tail))
}

fn as_lift(ratio: two_proportions::Interval) -> two_proportions::Interval {
    two_proportions::Interval { low: ratio.low - 1.0, high: ratio.high - 1.0 }
}

fn fill(row: &mut Estimate, statistic: Option<f64>, tail: TailProbability) {
    row.statistic = statistic.filter(|statistic| statistic.is_finite());
    row.p_value = Some(tail.p);
    row.log10_p = Some(tail.log10_p);
}

fn set(row: &mut Estimate, interval: Option<two_proportions::Interval>, alternative: Alternative) {
    let finite = |end: f64| Some(end).filter(|end| end.is_finite());
    let Some(interval) = interval else {
        row.note("This method has no interval for these counts.");
        return;
    };
    let interval = Interval { low: finite(interval.low), high: finite(interval.high) }.facing(alternative);
    if interval == Interval::default() {
        row.note("The data set no bound on the asked side.");
    }
    (row.conf_low, row.conf_high) = (interval.low, interval.high);
}
