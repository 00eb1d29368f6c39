//! Hazard ratio by Cox's model.

use crate::contrast::Interval;
use crate::contrast::reference::mirrored;
use crate::design::Design;
use crate::dist::{Alternative, TailProbability};
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::distributions::Rows;
use crate::estimator::hazards;
use crate::estimator::log_ratio::LogRatio;
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::times::{NO_EVENTS, Times, requirements};
use crate::estimator::{Estimator, answer, prepare};
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::survival::{HazardRatio as Hazards, HazardTest, Ties};

/// Estimates the ratio of the arms' hazards by Cox's partial likelihood.
///
/// The metric is the time without the event, and so is the sign of the effect, as with every estimator of it: the
/// absolute row is `ln(h₀/h₁)`, the relative row `h₀/h₁ − 1`, by how much longer units go on average were hazards
/// constant. `h₁/h₀`, as it is usually printed, is the row of term `hazard_ratio`. Test and interval are of one kind and
/// agree.
///
/// | `test` | statistic | with an arm without events |
/// | --- | --- | --- |
/// | `likelihood_ratio` | twice the gain of the log likelihood | a bound on one side |
/// | `score` | the slope at the hypothesis; with `ties=exact`, or no ties, the log-rank test | a bound on one side |
/// | `wald` | the estimate over its standard error, as R prints it | none |
///
/// - **Needs** the distinct pairs of duration and event per arm, with counts.
/// - **Gives** a ratio that has no unit, on both scales. A guardrail of margin `δ` compares `h₀/h₁` with `1 − δ` where longer is good,
///   with `1 + δ` where it is not.
/// - **Assumes** a hazard ratio that stays the same over time: else the estimate depends on who was watched how long, and
///   `restricted_mean` does not. Units leave for reasons that have nothing to do with the event.
/// - **Errors** as the trait says; an arm without events gives rows without estimate and a note. With `ties=exact` the
///   number of steps is that of events.
/// - **Source** Cox (1972); Breslow (1974); Efron (1977).
#[derive(Debug)]
pub struct HazardRatio;

const TEST: OptionSpec = OptionSpec {
    name: "test",
    kind: OptionKind::Choice(&["likelihood_ratio", "score", "wald"]),
    default: "likelihood_ratio",
    meaning: "Test and the interval that inverts it: likelihood ratio, score (log-rank), or the estimate over its standard error.",
};

const TIES: OptionSpec = OptionSpec {
    name: "ties",
    kind: OptionKind::Choice(&["breslow", "efron", "exact"]),
    default: "efron",
    meaning: "Events at one time: Efron's average (R), Breslow's (Stata, SAS), or exactly, as for truly discrete times.",
};

impl Estimator for HazardRatio {
    fn name(&self) -> &str {
        "hazard_ratio"
    }

    fn summary(&self) -> &str {
        "The ratio of the two arms' hazards of the event by Cox's model, above one where the arm goes longer without it."
    }

    fn assumes(&self) -> &str {
        "The hazard ratio stays the same over time; units are independent and leave for reasons that have nothing to do with the event."
    }

    fn source(&self) -> &str {
        "Cox (1972), Journal of the Royal Statistical Society B 34; Efron (1977), Journal of the American Statistical Association 72."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::TimeToEvent]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[TEST, TIES] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(requirements(estimand))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let mut times = Times::of(estimand, sample)?;
        let tables = times.both();
        let fit = tables.as_ref().and_then(|[control, treated]| Hazards::of([control, treated], ties(&options)));
        if tables.is_some() && fit.is_none() {
            times.note(NO_EVENTS.to_owned());
        }
        let outcomes = times.without_means();
        let rows =
            Rows { inference: &inference, estimand, outcomes: &outcomes, level: design.level, name: "hazard_ratio" };
        let tested = fit.map(|fit| Tested { fit, test: test(&options) });
        let effects = hazards::effects(&rows, tested.as_ref().map(|tested| tested as &dyn LogRatio));
        Ok(answer(self, &options, effects))
    }
}

fn test(options: &Options) -> HazardTest {
    match options.choice(TEST.name) {
        "score" => HazardTest::Score,
        "wald" => HazardTest::Wald,
        _ => HazardTest::LikelihoodRatio,
    }
}

fn ties(options: &Options) -> Ties {
    match options.choice(TIES.name) {
        "breslow" => Ties::Breslow,
        "exact" => Ties::Exact,
        _ => Ties::Efron,
    }
}

/// A fitted ratio with the test that judges it; the library has the arm over the baseline.
struct Tested {
    fit: Hazards,
    test: HazardTest,
}

impl LogRatio for Tested {
    fn estimate(&self) -> f64 {
        -self.fit.log_ratio()
    }

    fn std_error(&self) -> Option<f64> {
        self.fit.std_error()
    }

    fn test(&self, null: f64, alternative: Alternative) -> Option<(f64, TailProbability)> {
        let statistic = self.fit.statistic(-null, self.test)?;
        Some((-statistic, self.fit.p_value(-null, self.test, mirrored(alternative))?))
    }

    fn interval(&self, tail: f64, alternative: Alternative) -> Interval {
        let Interval { low, high } = self.fit.interval(self.test, tail, mirrored(alternative));
        Interval { low: high.map(|end| -end), high: low.map(|end| -end) }
    }
}
