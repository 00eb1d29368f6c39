//! Asymptotic confidence sequences.

use super::ratio::linearised;
use super::regression_adjustment::enough_for_slopes;
use super::theory::{Against, near_at_most, studentised_mean};
use super::{Case, Claim, Declaration, Measure, SILENT, with};
use crate::scenario::{Beside, Scenario};

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "confidence_sequence",
    promises: "At all looks together at most the level, once the first look has units enough for near-normal means: the \
               guarantee is asymptotic in the first look, and 100 units per arm are the default. A single look errs \
               much less often than the level: that is the price of looking.",
    variants: &[with("planned_units=units", &[("planned_units", "{units}")])],
    claim,
    at_looks: &[
        with("planned_units=units", &[("planned_units", "{units}")]),
        with("msprt", &[("method", "msprt"), ("mixing_variance", "0.1")]),
    ],
    ..SILENT
};

/// The default of `min_units`: the first look.
const FIRST_LOOK: f64 = 100.0;

fn claim(case: &Case<'_>) -> Claim {
    let at_looks = matches!(case.measure, Measure::AnyLook(_) | Measure::AllLooks(_));
    let at_first = || {
        let first = Scenario { size: first_look(case.scenario), ..case.scenario.clone() };
        let at_first = Case { scenario: &first, ..*case };
        match studentised_mean(&at_first, Against::Normal) {
            Claim::Between { .. } => near_at_most(case.measure, "means are near normal from the first look on"),
            nothing => nothing,
        }
    };
    if at_looks {
        return at_first();
    }
    let nominal = match case.scenario.shape.beside {
        Beside::Denominator { .. } => linearised(case, Against::Normal),
        _ => enough_for_slopes(case).unwrap_or_else(|| studentised_mean(case, Against::Normal)),
    };
    match nominal {
        Claim::Between { .. } => near_at_most(case.measure, "one look errs less often than all together"),
        claim => claim,
    }
}

/// The units of both arms when the smaller one has reached the minimum.
fn first_look(scenario: &Scenario) -> crate::scenario::Size {
    let smaller = scenario.size.share.min(1.0 - scenario.size.share);
    crate::scenario::Size { total: (FIRST_LOOK / smaller).round() as usize, ..scenario.size }
}
