//! Units that are not counted.

use crate::check::{Check, Detail, Evidence, Finding, Outcome};

/// Share of units from which a fault of the data is told.
const WARN: f64 = 0.001;

/// Counts what is set apart before effects are read, and warns when 0.1 % of it is a fault of the data.
///
/// Rows without an id are no unit, and never one big unit. Units outside the dates of the plan, or that never met its
/// trigger, are set apart as planned.
///
/// - **Needs** the counts by reason, and all units by first arm. Units in two arms have a check of their own.
#[derive(Debug)]
pub struct SetApart;

impl Check for SetApart {
    fn name(&self) -> &'static str {
        "set_apart"
    }

    fn summary(&self) -> &'static str {
        "Units set apart are as planned: a warning when 0.1 % lack an id or a time."
    }

    fn check(&self, evidence: &Evidence) -> Finding {
        let Some(apart) = &evidence.set_apart else {
            return Finding::not_applicable("Nothing could be set apart: each row is a unit of its own.");
        };
        let apart: Vec<_> = apart.iter().filter(|apart| apart.units > 0).collect();
        if apart.is_empty() {
            return Finding::new(Outcome::Pass, "Nothing was set apart.".to_owned());
        }
        let assigned: u64 = evidence.arms.iter().map(|arm| arm.assigned).sum();
        let all = (assigned + apart.iter().map(|apart| apart.units).sum::<u64>()) as f64;
        let faulty: u64 = apart.iter().filter(|apart| apart.is_fault).map(|apart| apart.units).sum();
        let listed: Vec<String> = apart.iter().map(|apart| format!("{} {}", apart.units, apart.reason)).collect();
        let message = format!("Left out: {}.", listed.join(", "));
        let details = apart
            .iter()
            .map(|apart| Detail {
                what: apart.reason.clone(),
                count: Some(apart.units),
                share: Some(apart.units as f64 / all),
                ..Detail::default()
            })
            .collect();
        let (outcome, help) = if faulty as f64 / all >= WARN {
            (Outcome::Warn, "mend the ids and times of the assignment source, or leave the rows out with its `filter`")
        } else {
            (Outcome::Pass, "")
        };
        Finding { details, help: help.to_owned(), ..Finding::new(outcome, message) }
    }
}
