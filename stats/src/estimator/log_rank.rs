//! The log-rank test and its weighted family.

use crate::contrast::reference::mirrored;
use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::distributions::{Rows, tail};
use crate::estimator::hazards;
use crate::estimator::log_ratio::{LogRatio, Wald};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::replication::set_interval;
use crate::estimator::times::{NO_EVENTS, Times, requirements};
use crate::estimator::{Estimator, answer, prepare};
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::survival::{LogRank as Test, Weighting, log_rank};

/// Tests whether both arms have one hazard, by events observed and expected at each time.
///
/// `z = (O − E)/√V` over event times with weights; the effect is the one-step log hazard ratio `(O − E)/I` with the
/// standard error `√V/I`, so that test and interval agree. Where the ratio changes over time it is the mean of the log
/// ratio by those weights.
///
/// | `weights` | weight of a time | best for |
/// | --- | --- | --- |
/// | `log_rank` | 1 | hazards in proportion |
/// | `gehan` | units at risk: Breslow's extension of Wilcoxon's test | early differences |
/// | `tarone_ware` | root of the units at risk | between the two |
/// | `peto` | survival of both arms together, by Peto and Peto | early differences, whoever left when |
/// | `fleming_harrington` | `S(t−)^rho·(1 − S(t−))^gamma` | early (`rho`) or late (`gamma`) differences |
///
/// - **Needs** the distinct pairs of duration and event per arm, with counts.
/// - **Gives** a ratio that has no unit, signed as the time is: `ln(h₀/h₁)` and `h₀/h₁ − 1`. The term `hazard_ratio` has
///   `h₁/h₀`, the term `observed_minus_expected` the weighted events of the arm beyond those expected.
/// - **Assumes** that units leave for reasons that have nothing to do with the event. The test needs no more; the estimate
///   is to first order, towards zero for ratios beyond two or three: `hazard_ratio` has none of that.
/// - **Errors** as the trait says; rows without estimate and a note where no time has events with both arms at risk.
/// - **Source** Mantel (1966); Gehan (1965); Breslow (1970); Tarone & Ware (1977); Peto & Peto (1972); Fleming &
///   Harrington (1991); Yusuf et al. (1985) for the one-step ratio.
#[derive(Debug)]
pub struct LogRank;

const GAMMA: OptionSpec = OptionSpec {
    name: "gamma",
    kind: OptionKind::Number { min: 0.0, max: 10.0 },
    default: "0",
    meaning: "Power of the share that had the event, in the weights of `fleming_harrington`: above 0 for late differences.",
};

const RHO: OptionSpec = OptionSpec {
    name: "rho",
    kind: OptionKind::Number { min: 0.0, max: 10.0 },
    default: "1",
    meaning: "Power of the share without the event, in the weights of `fleming_harrington`: above 0 for early differences.",
};

const WEIGHTS: OptionSpec = OptionSpec {
    name: "weights",
    kind: OptionKind::Choice(&["fleming_harrington", "gehan", "log_rank", "peto", "tarone_ware"]),
    default: "log_rank",
    meaning: "Weights of event times: all alike (log_rank), more for early ones, or by `rho` and `gamma` (fleming_harrington).",
};

impl Estimator for LogRank {
    fn name(&self) -> &str {
        "log_rank"
    }

    fn summary(&self) -> &str {
        "Whether the two arms have one hazard of the event, by observed and expected events, with weights on early or late times."
    }

    fn assumes(&self) -> &str {
        "Units are independent and leave for reasons that have nothing to do with the event; the weights were chosen before looking."
    }

    fn source(&self) -> &str {
        "Mantel (1966), Cancer Chemotherapy Reports 50; Fleming & Harrington (1991), Counting Processes and Survival Analysis, chapter 7."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::TimeToEvent]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[GAMMA, RHO, WEIGHTS] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(requirements(estimand))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let mut times = Times::of(estimand, sample)?;
        let tables = times.both();
        let empty = tables.is_none();
        let test = tables.and_then(|tables| log_rank(&[tables.to_vec()], weighting(&options)));
        // The metric is the time: above zero where the arm has the smaller hazard.
        let step = test.as_ref().and_then(Test::log_ratio);
        let step = step.map(|(log_ratio, std_error)| Wald { estimate: -log_ratio, std_error, df: None });
        if step.is_none() && !empty {
            times.note(NO_EVENTS.to_owned());
        }
        let outcomes = times.without_means();
        let rows = Rows { inference: &inference, estimand, outcomes: &outcomes, level: design.level, name: "log_rank" };
        let mut estimates = hazards::effects(&rows, step.as_ref().map(|step| step as &dyn LogRatio));
        if let (Some(test), Some(usual)) = (test, estimates.rows.last().filter(|row| row.term.is_some()).cloned()) {
            estimates.rows.push(beyond_expected(&rows, &test, usual));
        }
        Ok(answer(self, &options, estimates))
    }
}

fn weighting(options: &Options) -> Weighting {
    match options.choice(WEIGHTS.name) {
        "gehan" => Weighting::Gehan,
        "tarone_ware" => Weighting::TaroneWare,
        "peto" => Weighting::Peto,
        "fleming_harrington" => Weighting::FlemingHarrington {
            rho: options.number(RHO.name).unwrap_or_default(),
            gamma: options.number(GAMMA.name).unwrap_or_default(),
        },
        _ => Weighting::LogRank,
    }
}

/// The weighted events of the arm beyond those expected, with the test of the row of the hazard ratio.
fn beyond_expected(rows: &Rows<'_>, test: &Test, mut row: Estimate) -> Estimate {
    row.term = Some("observed_minus_expected".to_owned());
    row.scale = Some("absolute".to_owned());
    let [difference, error] = [test.observed[1] - test.expected[1], test.variance[1].sqrt()];
    (row.estimate, row.std_error) = (Some(difference), Some(error));
    let alternative = mirrored(rows.alternative());
    let beyond = Wald { estimate: difference, std_error: error, df: None };
    let ends = beyond.interval(tail(&row, alternative), alternative);
    set_interval(&mut row, ends);
    row
}
