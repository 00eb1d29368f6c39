//! Reading the arms of an experiment, their shares, and the control.

use crate::definition::Arm;
use crate::fault::Fault;
use crate::reading::document::Content;
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, optional, required, shown};
use crate::reading::nearest::{nearest, skeleton};

/// The keys of an arm.
pub const KEYS: &[Key] = &[
    required("name", Shape::Text, "The value of the arm column, to the letter."),
    optional("label", Shape::Text, "The name people read."),
    optional(
        "allocation",
        Shape::Number,
        "The planned share of units: shares that sum to 1, or whole numbers as weights; equal unless given.",
    ),
];

/// Most arms of an experiment.
const MOST_ARMS: usize = 50;

/// Reads the arms, each with its share of units.
pub(crate) fn read(fields: &Fields<'_>, faults: &mut Vec<Fault>) -> Vec<Arm> {
    let tables = fields.tables("arms");
    if tables.len() > MOST_ARMS {
        let fault = fields.fault("arms", "metrics::too_large", format!("{} arms, more than {MOST_ARMS}", tables.len()));
        faults.push(fault.with_place(fields.key_place("arms")).with_help("compare fewer arms at once"));
        return Vec::new();
    }
    for (index, table) in tables.iter().enumerate() {
        let Some(name) = table.text("name") else { continue };
        for earlier in &tables[..index] {
            let Some(other) = earlier.text("name") else { continue };
            if other == name {
                let fault = table
                    .fault("name", "metrics::duplicate_name", format!("arm `{}` is given twice", shown(name)))
                    .with_related("first given here", earlier.place("name"))
                    .with_help("give each arm its own name");
                faults.push(fault);
            } else if skeleton(other.trim()) == skeleton(name.trim()) {
                let message = format!("arms `{}` and `{}` look alike", shown(other), shown(name));
                let fault = Fault::warning("metrics::look_alike", message)
                    .with_place(table.place("name"))
                    .with_field(table.path("name"))
                    .with_related("the other", earlier.place("name"))
                    .with_help("make them the values of the arm column, to the letter");
                faults.push(fault);
            }
        }
    }
    let shares = shares(fields, &tables, faults);
    tables
        .iter()
        .zip(shares)
        .filter_map(|(table, allocation)| {
            let name = table.string("name")?;
            Some(Arm { label: table.string("label").unwrap_or_else(|| name.clone()), name, allocation })
        })
        .collect()
}

/// The planned share of each arm.
fn shares(fields: &Fields<'_>, tables: &[Fields<'_>], faults: &mut Vec<Fault>) -> Vec<f64> {
    let given: Vec<Option<f64>> = tables.iter().map(|table| table.number("allocation")).collect();
    let equal = vec![1.0 / f64::from(u32::try_from(tables.len().max(1)).unwrap_or(u32::MAX)); tables.len()];
    let Some(first) = tables.iter().find(|table| table.has("allocation")) else { return equal };
    if let Some(without) = tables.iter().find(|table| !table.has("allocation")) {
        let fault = without
            .fault("allocation", "metrics::missing_key", "this arm has no allocation, and another has one")
            .with_related("given here", first.place("allocation"))
            .with_help("give every arm an allocation, or none for equal shares");
        faults.push(fault);
        return equal;
    }
    let mut sum = 0.0;
    for (table, share) in tables.iter().zip(&given) {
        match share {
            Some(share) if *share < 0.0 => {
                let fault =
                    table.fault("allocation", "metrics::bad_value", format!("the allocation {share} is negative"));
                faults.push(fault.with_help("give a share of 0 or more"));
                return equal;
            }
            Some(share) => sum += share,
            None => return equal,
        }
    }
    let whole = tables
        .iter()
        .all(|table| matches!(table.item("allocation").map(|item| &item.content), Some(Content::Integer(_))));
    let wrong = match (sum > 0.0, whole || (sum - 1.0).abs() <= 1e-6) {
        (false, _) => "the allocations sum to 0".to_owned(),
        (true, false) => format!("the allocations sum to {}, not to 1", rounded(sum)),
        (true, true) => return given.into_iter().map(|share| share.unwrap_or(0.0) / sum).collect(),
    };
    let fault = fields
        .fault("arms", "metrics::bad_value", wrong)
        .with_place(first.place("allocation"))
        .with_field("arms[0].allocation")
        .with_help("give shares that sum to 1, or whole numbers as weights: 1, 1, 2");
    faults.push(fault);
    equal
}

/// A sum of shares without the digits that adding them made up.
fn rounded(sum: f64) -> String {
    let text = format!("{sum:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Reads the name of the control, which is one of the arms.
pub(crate) fn control(fields: &Fields<'_>, arms: &[Arm], faults: &mut Vec<Fault>) -> String {
    let control = fields.string("control").unwrap_or_default();
    let names = || arms.iter().map(|arm| arm.name.as_str());
    match arms.iter().find(|arm| arm.name == control) {
        Some(arm) if arm.allocation == 0.0 => {
            let fault = fields.fault("control", "metrics::bad_value", "the control has an allocation of 0");
            faults.push(fault.with_help("compare against an arm that gets units"));
        }
        Some(_) => {}
        None if arms.is_empty() || !fields.has("control") => {}
        None => {
            let mut fault = fields
                .fault("control", "metrics::unknown_arm", format!("no arm `{}`", shown(&control)))
                .with_valid("arms", names().map(str::to_owned).collect());
            if let Some(name) = nearest(&control, names()) {
                fault = fault.with_help(format!("did you mean `{name}`?"));
            }
            faults.push(fault);
        }
    }
    control
}
