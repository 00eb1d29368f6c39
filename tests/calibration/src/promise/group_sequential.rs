//! Group-sequential tests.

use super::ratio::linearised;
use super::regression_adjustment::enough_for_slopes;
use super::theory::{Against, near_at_most, near_nominal, studentised_mean};
use super::{Case, Claim, Declaration, Measure, SILENT, Variant, with};
use crate::scenario::{Beside, Scenario, Size};

const AT_THE_END: Variant = with("planned_units=units", &[("planned_units", "{units}")]).one_in(20);

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "group_sequential",
    promises: "At the planned looks together the level, where means are near normal from the first look on; at one look \
               at the end what a z test promises. Looks between those of the plan are not covered.",
    variants: &[AT_THE_END],
    claim,
    at_looks: &[
        with(
            "spending=obrien_fleming",
            &[("planned_units", "{units}"), ("units_at_earlier_looks", "{earlier}"), ("last_look", "{last}")],
        )
        .one_in(20),
        with(
            "spending=pocock",
            &[
                ("planned_units", "{units}"),
                ("units_at_earlier_looks", "{earlier}"),
                ("last_look", "{last}"),
                ("spending", "pocock"),
            ],
        )
        .one_in(20),
    ],
    ..SILENT
};

fn claim(case: &Case<'_>) -> Claim {
    match case.measure {
        Measure::AnyLook(_) | Measure::AllLooks(_) => {
            let total = case.scenario.size.total / crate::measure::PLANNED_LOOKS;
            let first = Scenario { size: Size { total, ..case.scenario.size }, ..case.scenario.clone() };
            match studentised_mean(&Case { scenario: &first, ..*case }, Against::Normal) {
                Claim::Between { .. } if matches!(case.measure, Measure::AnyLook(_)) => {
                    near_nominal(case.measure, "the spending function uses up the level")
                }
                Claim::Between { .. } => near_at_most(case.measure, "the spending function uses up the level"),
                nothing => nothing,
            }
        }
        _ => match case.scenario.shape.beside {
            Beside::Denominator { .. } => linearised(case, Against::Normal),
            _ => enough_for_slopes(case).unwrap_or_else(|| studentised_mean(case, Against::Normal)),
        },
    }
}
