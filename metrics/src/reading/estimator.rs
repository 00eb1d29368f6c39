//! Checking the estimator an experiment names, and its options, against what the estimators declare.

use estimand_stats::estimator::{self, Estimator, OptionKind, OptionSpec};
use estimand_stats::posterior::Prior;

use crate::fault::Fault;
use crate::reading::document::Content;
use crate::reading::fields::Fields;
use crate::reading::key::shown;
use crate::reading::nearest::nearest;

/// Checks `estimator` and `options` of an `[analysis]` table.
pub(crate) fn check(analysis: &Fields<'_>, faults: &mut Vec<Fault>) {
    let named = analysis.text("estimator");
    let estimators: Vec<&dyn Estimator> =
        estimator::ALL.iter().copied().filter(|known| named.is_none_or(|name| known.name() == name)).collect();
    if let Some(fault) =
        named.and_then(|name| unknown(name, |code, message| analysis.fault("estimator", code, message)))
    {
        // Without the estimator its options cannot be known.
        faults.push(fault);
        return;
    }
    let Some(table) = analysis.table("options") else { return };
    let specs = || estimators.iter().flat_map(|known| known.options());
    for (name, item) in table.entries() {
        let same: Vec<&OptionSpec> = specs().filter(|spec| spec.name == name).collect();
        if same.is_empty() {
            let of = named.map_or("any estimator".to_owned(), |named| format!("`{named}`"));
            let mut valid: Vec<String> = specs().map(|spec| spec.name.to_owned()).collect();
            valid.sort();
            valid.dedup();
            let none = valid.is_empty();
            let mut fault = table
                .fault(name, "metrics::unknown_option", format!("`{}` is no option of {of}", shown(name)))
                .with_place(table.key_place(name))
                .with_valid("options", valid);
            if let Some(name) = nearest(name, specs().map(|spec| spec.name)) {
                fault = fault.with_help(format!("did you mean `{name}`?"));
            } else if none {
                fault = fault.with_help("drop it: this estimator takes no options");
            }
            faults.push(fault);
        } else if !same.iter().any(|spec| takes(&spec.kind, &item.content)) {
            let wanted = same.iter().map(|spec| wanted(&spec.kind)).collect::<Vec<_>>().join(", or ");
            let fault =
                table.fault(name, "metrics::bad_value", format!("the option `{name}` does not take this value"));
            faults.push(fault.with_help(format!("give {wanted}")));
        }
    }
}

/// A fault when there is no estimator of this name; `fault` makes one at its place.
pub(crate) fn unknown(name: &str, fault: impl FnOnce(&'static str, String) -> Fault) -> Option<Fault> {
    let names = || estimator::ALL.iter().map(|known| known.name());
    if names().any(|known| known == name) {
        return None;
    }
    let fault = fault("metrics::unknown_estimator", format!("no estimator `{}`", shown(name)))
        .with_valid("estimators", names().map(str::to_owned).collect());
    Some(match nearest(name, names()) {
        Some(name) => fault.with_help(format!("did you mean `{name}`?")),
        None => fault,
    })
}

fn takes(kind: &OptionKind, content: &Content) -> bool {
    match (kind, content) {
        (OptionKind::Choice(words), Content::Text(text)) => words.contains(&text.as_str()),
        (OptionKind::Number { min, max }, content) => {
            content.number().is_some_and(|value| value >= *min && value <= *max)
        }
        (OptionKind::Flag, content) => matches!(content, Content::Boolean(_)),
        (OptionKind::Prior, Content::Text(text)) => text.parse::<Prior>().is_ok(),
        (OptionKind::Numbers { min, max }, Content::Text(text)) => {
            text.split_whitespace().all(|word| word.parse::<f64>().is_ok_and(|value| value >= *min && value <= *max))
        }
        (OptionKind::Whole { min, max }, Content::Integer(value)) => {
            u64::try_from(*value).is_ok_and(|value| (*min..=*max).contains(&value))
        }
        (OptionKind::Choice(_) | OptionKind::Numbers { .. } | OptionKind::Prior | OptionKind::Whole { .. }, _) => false,
    }
}

fn wanted(kind: &OptionKind) -> String {
    match kind {
        OptionKind::Choice(words) => format!("one of {}", words.join(", ")),
        OptionKind::Number { min, max } => format!("a number from {min} to {max}"),
        OptionKind::Flag => "true or false".to_owned(),
        OptionKind::Numbers { min, max } => format!("a text of numbers from {min} to {max}, separated by spaces"),
        OptionKind::Whole { min, max } => format!("a whole number from {min} to {max}"),
        OptionKind::Prior => Prior::FORMS.to_owned(),
    }
}
