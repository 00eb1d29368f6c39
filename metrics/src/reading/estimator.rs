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
    if let (Some(name), true) = (named, estimators.is_empty()) {
        let names = || estimator::ALL.iter().map(|known| known.name());
        let mut fault = analysis
            .fault("estimator", "metrics::unknown_estimator", format!("no estimator `{}`", shown(name)))
            .with_valid("estimators", names().map(str::to_owned).collect());
        if let Some(name) = nearest(name, names()) {
            fault = fault.with_help(format!("did you mean `{name}`?"));
        }
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

fn takes(kind: &OptionKind, content: &Content) -> bool {
    match (kind, content) {
        (OptionKind::Choice(words), Content::Text(text)) => words.contains(&text.as_str()),
        (OptionKind::Number { min, max }, content) => {
            content.number().is_some_and(|value| value >= *min && value <= *max)
        }
        (OptionKind::Flag, content) => matches!(content, Content::Boolean(_)),
        (OptionKind::Prior, Content::Text(text)) => text.parse::<Prior>().is_ok(),
        (OptionKind::Choice(_) | OptionKind::Prior, _) => false,
    }
}

fn wanted(kind: &OptionKind) -> String {
    match kind {
        OptionKind::Choice(words) => format!("one of {}", words.join(", ")),
        OptionKind::Number { min, max } => format!("a number from {min} to {max}"),
        OptionKind::Flag => "true or false".to_owned(),
        OptionKind::Prior => Prior::FORMS.to_owned(),
    }
}
