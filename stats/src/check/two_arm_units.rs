//! Units seen in two arms.

use crate::check::{Check, Detail, Evidence, Finding, Outcome};

/// Share of units from which a reader is told.
const WARN: f64 = 0.001;
/// Share of units from which effects are not to be read.
const FAIL: f64 = 0.01;

/// Warns when 0.1 % of the units were seen in two arms, and fails at 1 %.
///
/// Such units are left out of effects. Few are noise of the log; many mean that assignment is not what the plan says.
///
/// - **Needs** the count of units set apart, and all units by first arm.
#[derive(Debug)]
pub struct TwoArmUnits;

impl Check for TwoArmUnits {
    fn name(&self) -> &'static str {
        "two_arm_units"
    }

    fn summary(&self) -> &'static str {
        "Units seen in two arms are few: a warning from 0.1 %, a failure from 1 %."
    }

    fn check(&self, evidence: &Evidence) -> Finding {
        let Some(crossed) = evidence.two_arm_units else {
            return Finding::not_applicable("Units in two arms were not counted: each row is a unit of its own.");
        };
        let all: u64 = evidence.arms.iter().map(|arm| arm.assigned).sum();
        if all == 0 {
            return Finding::not_applicable("There are no units.");
        }
        let share = crossed as f64 / all as f64;
        let outcome = match share {
            share if share >= FAIL => Outcome::Fail,
            share if share >= WARN => Outcome::Warn,
            _ => Outcome::Pass,
        };
        let message = match crossed {
            0 => "No unit was seen in two arms.".to_owned(),
            1 => format!("1 unit of {all} was seen in two arms and is left out."),
            _ => format!("{crossed} units of {all} ({:.2} %) were seen in two arms and are left out.", 100.0 * share),
        };
        let help = match outcome {
            Outcome::Pass => String::new(),
            _ => {
                "look for the assignment being made twice: by device and by account, or again after a change of weights"
                    .to_owned()
            }
        };
        let details = vec![Detail {
            what: "units in two arms".to_owned(),
            count: Some(crossed),
            share: Some(share),
            ..Detail::default()
        }];
        Finding { details, help, ..Finding::new(outcome, message) }
    }
}
