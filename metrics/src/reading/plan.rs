//! The table `[plan]` of an experiment: when to look, and what counts as an effect.

use std::collections::BTreeMap;

use crate::definition::{ExperimentMetric, Plan, PlanKind};
use crate::fault::Fault;
use crate::reading::document::Content;
use crate::reading::experiment::no_metric;
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, optional, required};

const PLAN_KINDS: &[&str] = &[PlanKind::Fixed.word(), PlanKind::GroupSequential.word(), PlanKind::Sequential.word()];

const MOST_UNITS: i64 = 1_000_000_000_000;

pub(crate) const PLAN: &[Key] = &[
    required(
        "kind",
        Shape::Word(PLAN_KINDS),
        "When to look: `fixed` once, at the end; `sequential` at any time; `group_sequential` at a few looks.",
    ),
    optional("units", Shape::Integer(2, MOST_UNITS), "Units over all arms at which it ends."),
    optional(
        "looks_taken",
        Shape::List(0, &Shape::Integer(2, MOST_UNITS)),
        "Units over all arms at each look taken before, for `group_sequential`.",
    ),
    optional("minimum_units", Shape::Integer(2, 1_000_000_000_000), "Fewest units over all arms for a verdict."),
    optional(
        "minimum_effect",
        Shape::Map(&Shape::Between(0.0, 10.0)),
        "Relative effects below which an effect is too small to matter, by metric.",
    ),
];

/// Reads the table.
pub(crate) fn read(fields: &Fields<'_>, metrics: &[(ExperimentMetric, String)], faults: &mut Vec<Fault>) -> Plan {
    let none = Plan {
        kind: PlanKind::Fixed,
        units: None,
        looks_taken: Vec::new(),
        minimum_units: None,
        minimum_effect: BTreeMap::new(),
    };
    let Some(table) = fields.table("plan") else { return none };
    // With a fault among the metrics, a metric that is not among them may be that very fault.
    let metrics_doubtful = faults.iter().any(|fault| {
        fault.field.starts_with("metrics") && fault.place.as_ref().is_some_and(|place| place.file == fields.file())
    });
    let mut minimum_effect = BTreeMap::new();
    if let Some(effects) = table.table("minimum_effect") {
        for (name, item) in effects.entries() {
            let names = || metrics.iter().map(|(metric, _)| metric.metric.as_str());
            if metrics_doubtful || names().any(|metric| metric == name) {
                minimum_effect.extend(item.content.number().map(|effect| (name.to_owned(), effect)));
                continue;
            }
            faults.push(no_metric(&effects, name, names()));
        }
    }
    let named = |kind: &PlanKind| table.text("kind") == Some(kind.word());
    let plan = Plan {
        kind: PlanKind::ALL.into_iter().find(named).unwrap_or(none.kind),
        units: table.whole("units"),
        looks_taken: looks_taken(&table, faults),
        minimum_units: table.whole("minimum_units"),
        minimum_effect,
    };
    if plan.kind == PlanKind::GroupSequential && plan.units.is_none() && !table.has("units") {
        let fault = table.fault("units", "metrics::missing_key", "nothing says at how many units the last look is");
        faults.push(fault.with_help("add `units = 100000`: what a look may spend is its share of them"));
    }
    if let (Some(units), Some(least)) = (plan.units, plan.minimum_units)
        && least > units
    {
        let message = format!("`minimum_units` is {least}, and the experiment ends at {units} units");
        let fault = table.fault("minimum_units", "metrics::bad_value", message);
        faults.push(fault.with_help("give at most `units`"));
    }
    plan
}

/// The looks taken before: each of more units than the one before, and fewer than the plan has.
fn looks_taken(table: &Fields<'_>, faults: &mut Vec<Fault>) -> Vec<u64> {
    let listed = table.list("looks_taken");
    let whole = |content: &Content| match content {
        Content::Integer(units) => u64::try_from(*units).ok(),
        _ => None,
    };
    if table.text("kind") != Some(PlanKind::GroupSequential.word()) && table.has("looks_taken") {
        let fault = table.fault("looks_taken", "metrics::bad_value", "only a plan of a few looks counts them");
        faults.push(
            fault.with_place(table.key_place("looks_taken")).with_help("drop it, or set `kind = \"group_sequential\"`"),
        );
        return Vec::new();
    }
    let mut looks: Vec<u64> = Vec::new();
    for (path, item) in listed {
        let Some(units) = whole(&item.content) else { continue };
        if looks.last().is_some_and(|last| *last >= units) {
            let message = format!("a look of {units} units after one of {}", looks.last().copied().unwrap_or_default());
            let fault = table.fault_at(item, &path, "metrics::bad_value", message);
            faults.push(
                fault.with_help("list looks in the order they were taken: each has more units than the one before"),
            );
        } else if table.whole("units").is_some_and(|planned| units >= planned) {
            let message = format!("a look of {units} units was the last, as the plan ends there");
            let fault = table.fault_at(item, &path, "metrics::bad_value", message);
            faults.push(fault.with_help("list only looks of fewer units than `units`"));
        }
        looks.push(units);
    }
    looks
}
