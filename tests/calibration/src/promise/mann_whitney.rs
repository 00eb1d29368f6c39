//! Ranks.

use super::theory::{NOT_A_RATE, at_most, large_sample};
use super::{Case, Claim, DEFAULT, Declaration, Measure, SILENT, with};
use crate::scenario::{Scale, Scenario};

/// Most pairs of units for which the default counts all assignments.
const EXACT: usize = 2_500;

pub(super) const DECLARATION: Declaration = Declaration {
    estimator: "mann_whitney",
    promises: "The level where the arms have one distribution: exactly or below it up to 2,500 pairs of units, near it \
               beyond. Arms that spread differently around one centre are not its hypothesis; `brunner_munzel` is for \
               them, in large samples. The interval is of a shift, so it covers where the treatment shifts.",
    variants: &[DEFAULT.one_in(5), with("method=brunner_munzel", &[("method", "brunner_munzel")]).one_in(5)],
    truth,
    claim,
    ..SILENT
};

/// Of a shift the median difference of two units, of a factor their median ratio.
fn truth(scenario: &Scenario, scale: Scale, _: &str) -> Option<f64> {
    let [control, treated] = scenario.laws;
    if !control.is_continuous() || control.family != treated.family {
        return None;
    }
    match scale {
        Scale::Absolute if scenario.is_shift() => Some(treated.shift - control.shift),
        Scale::Relative if control.shift == 0.0 && treated.shift == 0.0 => Some(treated.factor / control.factor - 1.0),
        _ => None,
    }
}

fn claim(case: &Case<'_>) -> Claim {
    let scenario = case.scenario;
    if !matches!(case.measure, Measure::Size(_) | Measure::Coverage(_)) {
        return Claim::Nothing(NOT_A_RATE);
    }
    if case.variant == "method=brunner_munzel" && matches!(case.measure, Measure::Coverage(_)) {
        return Claim::Nothing(
            "the interval takes the variance of the arms as they lie, not as they would at the shift",
        );
    }
    if case.variant == "method=brunner_munzel" {
        return large_sample(case, "Brunner and Munzel's statistic is near Student's t in large samples");
    }
    if matches!(case.measure, Measure::Size(_)) && !scenario.arms_are_alike() {
        return Claim::Nothing("the arms spread differently, which is not the hypothesis of the test");
    }
    let [control, treated] = scenario.size.units();
    if control * treated <= EXACT {
        return at_most(case.measure, "all assignments are counted");
    }
    large_sample(case, "the rank sum is near normal")
}
