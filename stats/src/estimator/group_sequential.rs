//! Group-sequential tests of means.

use std::sync::Arc;

use crate::contrast::{Boundary, Interval, LIFT, LIFT_OVER, Reference, Test};
use crate::design::Design;
use crate::dist::{Alternative, TailProbability};
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::ratio::COVARIATES;
use crate::estimator::regression_adjustment::{SLOPE, variables};
use crate::estimator::{Estimator, answer, prepare, usual_model};
use crate::group_sequential::{Plan, Rule, Spending, Stop};
use crate::potential_outcomes::PotentialOutcomes;
use crate::requirement::Requirements;
use crate::sample::Sample;
use crate::sequential::Sides;
use crate::wording;

/// Estimates the average treatment effect at one of a few planned looks.
///
/// The estimate and its standard error are those of the usual model of the question: means and shares adjusted by
/// covariates when there are any, ratios by the delta method. Information is counted in units of both arms, as a
/// fraction of the planned units; the critical value of this look follows from what a spending function allows by now
/// and what the earlier looks have used up.
///
/// - **Needs** the joint moments of outcome and covariates per arm, over one row per unit.
/// - **Gives** the effect in the unit of the metric and as a share of the baseline mean, with the repeated confidence
///   interval and the repeated p-value of this look: they hold at every look, whether or not the experiment stops where
///   the plan says. The lift's set is Fieller's with the same critical value.
///   With `inference=final` the difference has the stage-wise p-value and interval of an experiment that stopped at this
///   look by its plan, and a note with the median-unbiased estimate.
/// - **Assumes** what the model assumes, means that are near normal at the first look, and looks whose times do not
///   depend on what was seen.
/// - **Errors** as the trait says; looks that do not ascend, or of more units than there are now, are refused by name.
/// - **Source** Lan & DeMets (1983), Biometrika 70; Jennison & Turnbull (1989), JRSS B 51, for the repeated intervals;
///   Tsiatis, Rosner & Mehta (1984), Biometrics 40, for the final ones.
#[derive(Debug)]
pub struct GroupSequential;

const GAMMA: OptionSpec = OptionSpec {
    name: "gamma",
    kind: OptionKind::Number { min: -100.0, max: 100.0 },
    default: "-4",
    meaning: "Exponent of the spending of Hwang, Shih and DeCani: -4 is near O'Brien-Fleming, 1 near Pocock.",
};

const INFERENCE: OptionSpec = OptionSpec {
    name: "inference",
    kind: OptionKind::Choice(&["final", "repeated"]),
    default: "repeated",
    meaning: "Interval and p-value that hold at every look (repeated), or of the difference once the plan stopped here (final).",
};

const LAST_LOOK: OptionSpec = OptionSpec {
    name: "last_look",
    kind: OptionKind::Flag,
    default: "false",
    meaning: "Whether the experiment ends with this look, so that all of the level is spent, short of the planned units or not.",
};

const PLANNED_UNITS: OptionSpec = OptionSpec {
    name: "planned_units",
    kind: OptionKind::Number { min: 2.0, max: 1e15 },
    default: "5000",
    meaning: "Units of both arms together at the last planned look; fixed before the first look.",
};

const RHO: OptionSpec = OptionSpec {
    name: "rho",
    kind: OptionKind::Number { min: 0.01, max: 100.0 },
    default: "3",
    meaning: "Power of the spending of Kim and DeMets: 3 is near O'Brien-Fleming, 1 near Pocock.",
};

const SPENDING: OptionSpec = OptionSpec {
    name: "spending",
    kind: OptionKind::Choice(&["hwang_shih_decani", "kim_demets", "obrien_fleming", "pocock"]),
    default: "obrien_fleming",
    meaning: "Spending function: little early (obrien_fleming), much early (pocock), or by `rho` or `gamma` between.",
};

const UNITS_AT_EARLIER_LOOKS: OptionSpec = OptionSpec {
    name: "units_at_earlier_looks",
    kind: OptionKind::Numbers { min: 1.0, max: 1e15 },
    default: "",
    meaning: "Units of both arms together at each look that was taken before, the first first, separated by spaces.",
};

impl Estimator for GroupSequential {
    fn name(&self) -> &str {
        "group_sequential"
    }

    fn summary(&self) -> &str {
        "The difference of two arms' means, shares or ratios at one of a few looks, with a spending function."
    }

    fn assumes(&self) -> &str {
        "Units are independent, means are near normal from the first look on, and the times of looks are not chosen by what was seen."
    }

    fn source(&self) -> &str {
        "Lan & DeMets (1983), Biometrika 70; Jennison & Turnbull (2000), Group sequential methods, chapters 7 and 9."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion, SummaryKind::Ratio]
    }

    fn options(&self) -> &[OptionSpec] {
        const {
            &[
                COVARIATES,
                GAMMA,
                INFERENCE,
                LAST_LOOK,
                LIFT,
                LIFT_OVER,
                PLANNED_UNITS,
                RHO,
                SLOPE,
                SPENDING,
                UNITS_AT_EARLIER_LOOKS,
            ]
        }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        let (options, _) = prepare(self, estimand, design)?;
        usual_model::check(self.name(), estimand, design, &options)?;
        Timetable::of(self.name(), &options, f64::INFINITY)?;
        Ok(Requirements::comoments(variables(estimand, design)))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        usual_model::check(self.name(), estimand, design, &options)?;
        let mut outcomes = usual_model::outcomes(estimand, design, sample, &options)?;
        let timetable = Timetable::of(self.name(), &options, units(&outcomes))?;
        outcomes.notes.extend(timetable.sentence());
        let timetable = Arc::new(timetable);
        let test = Test::of(inference.alternative(estimand), 1.0 - design.level);
        let mut rows = inference.against(Reference::Boundary(timetable.clone())).rows(estimand, &outcomes);
        if options.choice(INFERENCE.name) == "final" {
            rows.rows.iter_mut().for_each(|row| timetable.finish(row, test));
        }
        Ok(answer(self, &options, rows))
    }
}

fn units(outcomes: &PotentialOutcomes) -> f64 {
    outcomes.arms.iter().map(|arm| arm.n as f64).sum()
}

/// The looks taken so far, this one last.
#[derive(Debug)]
struct Timetable {
    /// Fractions of the planned units; empty when nobody is there.
    looks: Vec<f64>,
    spending: Spending,
}

impl Timetable {
    /// With `now` units in both arms, infinitely many when nobody knows yet.
    fn of(estimator: &str, options: &Options, now: f64) -> Result<Self, Error> {
        let earlier = options.numbers(UNITS_AT_EARLIER_LOOKS.name);
        let refused = |expected: String| Error::InvalidOption {
            estimator: estimator.to_owned(),
            option: UNITS_AT_EARLIER_LOOKS.name.to_owned(),
            value: options.choice(UNITS_AT_EARLIER_LOOKS.name).to_owned(),
            expected,
        };
        let planned = options.number(PLANNED_UNITS.name).unwrap_or(f64::INFINITY);
        if earlier.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(refused("each look has more units than the one before".to_owned()));
        }
        if let Some(last) = earlier.last() {
            if *last >= planned {
                return Err(refused(format!(
                    "the planned {planned} units were reached by then, so that look was the last"
                )));
            }
            // Without a unit in an arm there is no look, and nothing to compare with.
            if now > 0.0 && *last >= now {
                return Err(refused(format!("this look has {now} units, and earlier looks have fewer")));
            }
        }
        let this = if options.flag(LAST_LOOK.name) { 1.0 } else { (now / planned).min(1.0) };
        let looks = earlier.iter().map(|units| units / planned).chain([this]).filter(|t| *t > 0.0).collect();
        let parameter = |name: &str| options.number(name).unwrap_or_default();
        let spending = match options.choice(SPENDING.name) {
            "pocock" => Spending::Pocock,
            "kim_demets" => Spending::KimDemets { rho: parameter(RHO.name) },
            "hwang_shih_decani" => Spending::HwangShihDecani { gamma: parameter(GAMMA.name) },
            _ => Spending::ObrienFleming,
        };
        let timetable = Self { looks, spending };
        // The level plays no part in what is refused here: looks that lie too near to each other, or too many.
        if now > 0.0 {
            let plan = timetable.plan(Test::of(Alternative::TwoSided, 0.05));
            plan.design().map_err(|error| refused(error.expected.to_owned()))?;
        }
        Ok(timetable)
    }

    fn plan(&self, test: Test) -> Plan {
        let sides = if test.alternative == Alternative::TwoSided { Sides::Two } else { Sides::One };
        let rule = Rule::Spending(self.spending);
        Plan { sides, ..Plan::one_sided(&self.looks, rule, test.alpha()) }
    }

    /// Puts final inference in the place of the repeated one, where it is of the contrast that decided to stop.
    fn finish(&self, row: &mut Estimate, test: Test) {
        let (Some(statistic), Some(std_error), Some(t)) = (row.statistic, row.std_error, self.looks.last()) else {
            return;
        };
        if row.scale.as_deref() != Some("absolute") {
            row.note("The plan stopped by the difference, so this row keeps what holds at every look.");
            return;
        }
        let side = if test.alternative == Alternative::Less { -1.0 } else { 1.0 };
        let stop = Stop { look: self.looks.len(), statistic: side * statistic };
        let Some(found) = self.plan(test).design().ok().and_then(|design| design.stopped(stop).ok()) else { return };
        let effect = |drift: f64| side * drift * t.sqrt() * std_error;
        let (mut low, mut high) = (found.interval.low.map(effect), found.interval.high.map(effect));
        if side < 0.0 {
            (low, high) = (high, low);
        }
        let ends = Interval { low, high }.facing(test.alternative);
        (row.conf_low, row.conf_high) =
            (ends.low.filter(|end| end.is_finite()), ends.high.filter(|end| end.is_finite()));
        (row.p_value, row.log10_p) = (Some(found.p_value.p), Some(found.p_value.log10_p));
        let median = wording::number(effect(found.median_unbiased), wording::decimals(Some(std_error)) + 1);
        row.note(&format!("Final, in the stage-wise order; the median-unbiased estimate is {median}."));
    }

    /// Which look it is, and what is guaranteed.
    fn sentence(&self) -> Option<String> {
        let share = 100.0 * self.looks.last()?;
        Some(format!(
            "Look {} at {share:.1} % of the planned units; valid at each look of the plan, not between them.",
            self.looks.len()
        ))
    }
}

impl Boundary for Timetable {
    fn critical(&self, test: Test) -> Option<f64> {
        let design = self.plan(test).design().ok()?;
        design.efficacy().last().copied().filter(|critical| critical.is_finite())
    }

    fn p_value(&self, statistic: f64, test: Test) -> Option<TailProbability> {
        let statistic = if test.alternative == Alternative::Less { -statistic } else { statistic };
        let stop = Stop { look: self.looks.len(), statistic };
        self.plan(test).design().ok()?.repeated_p(stop).ok()
    }
}
