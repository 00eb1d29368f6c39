//! Arms without units.

use crate::check::{Check, Detail, Evidence, Finding, Outcome};

/// Fails when an arm that should have units has none.
///
/// - **Needs** units per arm; arms of zero planned weight may be empty.
/// - **Gives** the empty arms by name, and the counts of all.
#[derive(Debug)]
pub struct EmptyArm;

impl Check for EmptyArm {
    fn name(&self) -> &'static str {
        "empty_arm"
    }

    fn summary(&self) -> &'static str {
        "Every arm of the plan has units; an empty arm fails."
    }

    fn check(&self, evidence: &Evidence) -> Finding {
        if evidence.arms.is_empty() {
            return Finding::not_applicable("No arms were counted.");
        }
        let empty: Vec<String> = evidence
            .arms
            .iter()
            .filter(|arm| arm.weight > 0.0 && arm.counted == 0)
            .map(|arm| format!("`{}`", arm.arm))
            .collect();
        let details = evidence.arms.iter().map(|arm| Detail {
            what: arm.arm.clone(),
            count: Some(arm.counted),
            ..Detail::default()
        });
        let details = details.collect();
        if empty.is_empty() {
            return Finding { details, ..Finding::new(Outcome::Pass, "Every arm has units.".to_owned()) };
        }
        let message = match empty.as_slice() {
            [one] => format!("Arm {one} has no units."),
            several => format!("Arms {} have no units.", several.join(", ")),
        };
        let help =
            "compare the spelling of the arms in the experiment with the values in the assignment source".to_owned();
        Finding { details, help, ..Finding::new(Outcome::Fail, message) }
    }
}
