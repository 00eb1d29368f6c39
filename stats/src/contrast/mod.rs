//! Contrasts: from the means of the potential outcomes to the rows of the result table.
//!
//! One place for all models of means. Each asks for the same rows: the absolute effect, the relative effect and, for a
//! guardrail, the test of non-inferiority.
//!
//! | row | scale | null hypothesis | interval |
//! | --- | --- | --- | --- |
//! | difference | `absolute` | `μ₁ − μ₀ = 0` | `d ± t·se` |
//! | lift | `relative` | the same | [Fieller's](lift::Method::Fieller) set with the same critical value; options `delta`, `log` |
//! | non-inferiority | `relative`, with a `margin` | `μ₁ − (1−δ)μ₀ ≤ 0` in the good direction | the one-sided Fieller bound |
//!
//! Where a number does not exist the cell is null and a note says why: no unit or one unit in an arm, no variance in
//! either arm, a baseline mean of zero or not distinguishable from zero.

mod interval;
pub mod lift;
pub(crate) mod reference;

pub use interval::Interval;
pub use reference::{Boundary, Reference, Test};

use lift::{Method, Reason, Relative};
use reference::{mirrored, word};

use crate::design::Design;
use crate::dist::{Alternative, TailProbability};
use crate::error::Error;
use crate::estimand::{Direction, Estimand, Hypothesis};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::potential_outcomes::{LinearContrast, PotentialOutcomes};
use crate::sequential::EValue;
use crate::wording;

/// The option for the reference distribution, shared by all models of means.
pub const DISTRIBUTION: OptionSpec = OptionSpec {
    name: "distribution",
    kind: OptionKind::Choice(&["normal", "t"]),
    default: "t",
    meaning: "Reference distribution of the test: Student's t, or the normal as in a z test.",
};

/// The option for the interval of the relative effect, shared by all models of means.
pub const LIFT: OptionSpec = OptionSpec {
    name: "lift",
    kind: OptionKind::Choice(&["delta", "fieller", "log"]),
    default: "fieller",
    meaning: "Interval of the relative effect: Fieller's, the delta method's (GrowthBook), or the log-ratio's (tea-tasting).",
};

/// The option for the denominator of the relative effect, for models that adjust.
pub const LIFT_OVER: OptionSpec = OptionSpec {
    name: "lift_over",
    kind: OptionKind::Choice(&["adjusted", "unadjusted"]),
    default: "adjusted",
    meaning: "Denominator of the relative effect: the adjusted baseline mean, or the plain one (GrowthBook; with `lift=delta`).",
};

/// The non-inferiority row of a guardrail is two-sided's half: one-sided at `(1 − level)/2`.
fn one_sided_tail(level: f64) -> f64 {
    (1.0 - level) / 2.0
}

/// How rows are made of means: level, reference distribution, method of the lift.
#[derive(Debug, Clone)]
pub struct Inference {
    level: f64,
    reference: Reference,
    lift: Method,
    over_unadjusted: bool,
}

impl Inference {
    /// As the design and the options ask.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] when the lift is asked over the unadjusted mean by a method that cannot give it.
    pub fn of(estimator: &str, design: &Design, options: &Options) -> Result<Self, Error> {
        let inference = Self {
            level: design.level,
            reference: if options.choice(DISTRIBUTION.name) == "normal" { Reference::Normal } else { Reference::T },
            lift: Method::ALL.into_iter().find(|method| method.name() == options.choice(LIFT.name)).unwrap_or_default(),
            over_unadjusted: options.choice(LIFT_OVER.name) == "unadjusted",
        };
        // A model without this option has the lift of the delta method alone.
        let chosen = !options.choice(LIFT.name).is_empty();
        if inference.over_unadjusted && chosen && inference.lift != Method::Delta {
            return Err(Error::InvalidOption {
                estimator: estimator.to_owned(),
                option: LIFT_OVER.name.to_owned(),
                value: "unadjusted".to_owned(),
                expected: "with `lift=delta` only: the other intervals are of the ratio of the adjusted means"
                    .to_owned(),
            });
        }
        Ok(inference)
    }

    /// The same rows with another reference distribution.
    #[must_use]
    pub fn against(self, reference: Reference) -> Self {
        Self { reference, ..self }
    }

    /// The rows of two arms, the baseline first: absolute, relative and, for a guardrail, non-inferiority.
    pub fn rows(&self, estimand: &Estimand, outcomes: &PotentialOutcomes) -> Estimates {
        let alternative = self.alternative(estimand);
        let mut rows =
            vec![self.absolute(estimand, outcomes, alternative), self.relative(estimand, outcomes, alternative)];
        if let Some(margin) = estimand.hypothesis.margin() {
            rows.push(self.non_inferiority(estimand, outcomes, margin));
        }
        Estimates { rows }
    }

    /// The side of the rows of the effect itself: a guardrail's stand two-sided beside its test at the margin.
    pub(crate) fn alternative(&self, estimand: &Estimand) -> Alternative {
        match estimand.hypothesis {
            Hypothesis::Greater => Alternative::Greater,
            Hypothesis::Less => Alternative::Less,
            Hypothesis::TwoSided | Hypothesis::NonInferiority { .. } => Alternative::TwoSided,
        }
    }

    /// The standard error of the lift by the delta method.
    pub(crate) fn lift_std_error(&self, outcomes: &PotentialOutcomes) -> Option<f64> {
        let relative = Relative::of(outcomes, &outcomes.contrast(&DIFFERENCE)?)?;
        Some(relative.variance().sqrt())
    }

    /// The test of the rows of the effect itself.
    fn test_facing(&self, alternative: Alternative) -> Test {
        Test::of(alternative, 1.0 - self.level)
    }

    /// The row of one coefficient of a model, two-sided, in the unit of the metric over that of the term.
    pub fn term(
        &self,
        estimand: &Estimand,
        name: &str,
        coefficient: f64,
        contrast: Option<LinearContrast>,
    ) -> Estimate {
        let mut row = self.named(estimand, "absolute", Alternative::TwoSided);
        row.term = Some(name.to_owned());
        row.estimate = Some(coefficient).filter(|value| value.is_finite());
        match contrast {
            Some(contrast) => self.fill(&mut row, contrast, Alternative::TwoSided),
            None => row.note(NO_STANDARD_ERROR),
        }
        row
    }

    fn absolute(&self, estimand: &Estimand, outcomes: &PotentialOutcomes, alternative: Alternative) -> Estimate {
        let mut row = self.row(estimand, outcomes, "absolute", alternative);
        row.estimate = outcomes.weighted_mean(&DIFFERENCE);
        if let Some(difference) = outcomes.contrast(&DIFFERENCE) {
            self.fill(&mut row, difference, alternative);
        }
        row
    }

    /// Standard error, test and interval of a contrast.
    fn fill(&self, row: &mut Estimate, contrast: LinearContrast, alternative: Alternative) {
        let LinearContrast { estimate, variance, df } = contrast;
        let std_error = variance.sqrt();
        row.std_error = Some(std_error);
        row.df = self.reference.df(df);
        let test = self.test_facing(alternative);
        if !self.test(row, estimate / std_error, df, test) {
            return;
        }
        match self.reference.critical(test, df) {
            Some(critical) => set_interval(row, Interval::around(estimate, critical * std_error, alternative)),
            None => row.note(OUT_OF_RANGE),
        }
    }

    fn relative(&self, estimand: &Estimand, outcomes: &PotentialOutcomes, alternative: Alternative) -> Estimate {
        let mut row = self.row(estimand, outcomes, "relative", alternative);
        let Some(lift) = self.start_lift(&mut row, outcomes) else { return row };
        let (difference, relative) = lift;
        let std_error = relative.variance().sqrt();
        // On a negative baseline a rise is a negative lift: the asked side turns with the sign.
        let side = if row.mean_baseline < Some(0.0) { mirrored(alternative) } else { alternative };
        let (statistic, tested) = match self.lift {
            Method::Delta => (relative.lift / std_error, side),
            Method::Fieller | Method::Log => (difference.estimate / difference.variance.sqrt(), alternative),
        };
        let test = self.test_facing(tested);
        if !self.test(&mut row, statistic, difference.df, test) {
            return row;
        }
        let test = test.facing(side);
        match relative.interval(self.lift, &self.reference, test) {
            Ok(interval) => {
                set_interval(&mut row, interval);
                self.note_disagreement(&mut row, outcomes, &difference, interval, test);
            }
            Err(Reason::Unbounded) => row.note(UNBOUNDED),
            Err(Reason::NotPositive) => row.note("The log-ratio needs means of one sign, so the lift has no interval."),
            Err(Reason::OutOfRange) => row.note("The interval of the lift leaves the range of numbers."),
        }
        if self.lift != Method::Fieller
            && relative.interval(Method::Fieller, &self.reference, test) == Err(Reason::Unbounded)
        {
            row.note(UNBOUNDED_BASELINE);
        }
        row
    }

    /// Tests `μ₁ − c·μ₀` against the margin, `c = 1 − δ` where more is good and `1 + δ` where less is.
    ///
    /// The bound is Fieller's, with the critical value of this test, so that it lies inside the margin exactly when the
    /// test rejects. A margin is a share of the *size* of the baseline mean, so its sign turns with a negative
    /// baseline.
    fn non_inferiority(&self, estimand: &Estimand, outcomes: &PotentialOutcomes, margin: f64) -> Estimate {
        let alternative = match estimand.direction {
            Direction::Higher => Alternative::Greater,
            Direction::Lower => Alternative::Less,
        };
        let mut row = self.row(estimand, outcomes, "relative", alternative);
        row.margin = Some(margin);
        row.level = Some(1.0 - one_sided_tail(self.level));
        let Some((_, relative)) = self.start_lift(&mut row, outcomes) else { return row };
        let weights = at_margin(estimand, margin, row.mean_baseline);
        let Some(contrast) = outcomes.contrast(&weights) else { return row };
        row.df = self.reference.df(contrast.df);
        let test = Test::of(alternative, one_sided_tail(self.level));
        if !self.test(&mut row, contrast.estimate / contrast.variance.sqrt(), contrast.df, test) {
            return row;
        }
        let side = if row.mean_baseline < Some(0.0) { mirrored(alternative) } else { alternative };
        let at_margin = relative.with_df(contrast.df);
        match at_margin.interval(Method::Fieller, &self.reference, test.facing(side)) {
            Ok(interval) => set_interval(&mut row, interval),
            Err(_) => row.note(UNBOUNDED),
        }
        row
    }

    /// The lift and its standard error, or the note that says why there is none.
    pub(crate) fn start_lift(
        &self,
        row: &mut Estimate,
        outcomes: &PotentialOutcomes,
    ) -> Option<(LinearContrast, Relative)> {
        let [baseline, arm] = outcomes.arms.as_slice() else { return None };
        let (mean_0, _) = (baseline.mean?, arm.mean?);
        if mean_0 == 0.0 {
            row.note("The baseline mean is zero, so there is no relative effect.");
            return None;
        }
        if mean_0 < 0.0 {
            row.note("The baseline mean is negative, so a negative relative effect is a rise.");
        }
        row.estimate = outcomes.weighted_mean(&DIFFERENCE).map(|d| d / mean_0).filter(|lift| lift.is_finite());
        let difference = outcomes.contrast(&DIFFERENCE)?;
        let relative = if self.over_unadjusted {
            Relative::over_unadjusted(outcomes, &difference)?
        } else {
            Relative::of(outcomes, &difference)?
        };
        row.estimate = Some(relative.lift);
        row.std_error = Some(relative.variance().sqrt());
        row.df = self.reference.df(difference.df);
        Some((difference, relative))
    }

    /// Says so when another of the three intervals would decide otherwise about zero.
    fn note_disagreement(
        &self,
        row: &mut Estimate,
        outcomes: &PotentialOutcomes,
        difference: &LinearContrast,
        chosen: Interval,
        test: Test,
    ) {
        let Some(relative) = Relative::of(outcomes, difference) else { return };
        for method in Method::ALL.into_iter().filter(|method| *method != self.lift) {
            let Ok(other) = relative.interval(method, &self.reference, test) else { continue };
            if other.excludes(0.0) != chosen.excludes(0.0) {
                let end = |end: Option<f64>, open: &str| end.map_or(open.to_owned(), wording::signed);
                let verb = if other.excludes(0.0) { "excludes" } else { "includes" };
                row.note(&format!(
                    "The interval by `lift={}`, {} to {}, {verb} 0 and would decide otherwise.",
                    method.name(),
                    end(other.low, "−∞"),
                    end(other.high, "+∞"),
                ));
            }
        }
    }

    /// Fills in statistic and p-value; false, with a note, when there is none.
    fn test(&self, row: &mut Estimate, statistic: f64, df: Option<f64>, test: Test) -> bool {
        let Some(TailProbability { p, log10_p }) = self.reference.p_value(statistic, df, test) else {
            row.note(if statistic.is_finite() { NO_TEST_YET } else { NO_VARIANCE });
            return false;
        };
        row.statistic = Some(statistic);
        row.p_value = Some(p);
        row.log10_p = Some(log10_p);
        row.log10_e = self.reference.e_value(statistic, test).map(EValue::log10);
        true
    }

    /// A row with all that is known before anything is estimated.
    pub(crate) fn row(
        &self,
        estimand: &Estimand,
        outcomes: &PotentialOutcomes,
        scale: &str,
        alternative: Alternative,
    ) -> Estimate {
        let mut row = self.named(estimand, scale, alternative);
        if let [baseline, arm] = outcomes.arms.as_slice() {
            (row.n_baseline, row.mean_baseline) = (Some(baseline.n), baseline.mean);
            (row.n, row.mean) = (Some(arm.n), arm.mean);
        }
        outcomes.notes.iter().for_each(|sentence| row.note(sentence));
        row
    }

    fn named(&self, estimand: &Estimand, scale: &str, alternative: Alternative) -> Estimate {
        Estimate {
            metric: Some(estimand.metric.clone()),
            arm: Some(estimand.arm.clone()),
            baseline_arm: Some(estimand.baseline_arm.clone()),
            estimand: Some("ate".to_owned()),
            scale: Some(scale.to_owned()),
            alternative: Some(word(alternative).to_owned()),
            level: Some(self.level),
            ..Estimate::default()
        }
    }
}

/// Weights of the difference, the baseline first.
pub(crate) const DIFFERENCE: [f64; 2] = [-1.0, 1.0];

/// Weights of what is zero at the margin, the baseline first: `μ₁ − (1 ∓ δ)μ₀`, where less than nothing is a loss when
/// more is good.
pub(crate) fn at_margin(estimand: &Estimand, margin: f64, baseline: Option<f64>) -> [f64; 2] {
    let towards_worse = match estimand.direction {
        Direction::Higher => -margin,
        Direction::Lower => margin,
    };
    let factor = 1.0 + if baseline < Some(0.0) { -towards_worse } else { towards_worse };
    [-factor, 1.0]
}

/// Why a regression has coefficients and no standard errors.
pub(crate) const NO_STANDARD_ERROR: &str =
    "No degree of freedom is left, or one unit has all the leverage: there is no standard error.";
const NO_TEST_YET: &str = "There is no boundary at this look, so a test and an interval are undefined.";
const OUT_OF_RANGE: &str = "The interval leaves the range of numbers.";
pub(crate) const NO_VARIANCE: &str = "The estimated variance is zero, so a test and an interval are undefined.";
pub(crate) const UNBOUNDED: &str =
    "The baseline mean is not distinguishable from zero, so the interval of the relative effect is unbounded.";
const UNBOUNDED_BASELINE: &str =
    "The baseline mean is not distinguishable from zero: Fieller's interval would be unbounded.";

fn set_interval(row: &mut Estimate, interval: Interval) {
    let finite = |end: Option<f64>| end.filter(|end| end.is_finite());
    (row.conf_low, row.conf_high) = (finite(interval.low), finite(interval.high));
}
