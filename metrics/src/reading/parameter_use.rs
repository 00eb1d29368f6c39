//! Whether parameters are used as they are declared.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::Parameter;
use crate::expression::{Expression, Node};
use crate::fault::{Fault, Place};
use crate::reading::fields::Fields;
use crate::reading::nearest::nearest;

/// Checks each use of a parameter: its name, its place, and whether it is the whole list of an `IN`.
pub(crate) fn check(
    fields: &Fields<'_>,
    key: &str,
    uses: &[(&str, Place, bool)],
    declared: &BTreeMap<String, Parameter>,
    faults: &mut Vec<Fault>,
) {
    for (name, place, whole_list) in uses {
        let fault =
            |code, message: String| Fault::error(code, message).with_place(place.clone()).with_field(fields.path(key));
        // A parameter whose declaration is faulty is missing from the map; its own fault says enough.
        let written = fields
            .document()
            .find("parameters")
            .is_some_and(|item| fields.within(item, String::new()).is_some_and(|table| table.has(name)));
        match declared.get(*name) {
            None if written => {}
            None => {
                let names = declared.keys().map(String::as_str);
                let help = match nearest(name, names) {
                    Some(name) => format!("did you mean `${name}`?"),
                    None => format!("add [parameters.{name}] with a `type`"),
                };
                let fault = fault("metrics::parameter", format!("parameter `${name}` is not declared"))
                    .with_valid("parameters", declared.keys().cloned().collect())
                    .with_help(help);
                faults.push(fault);
            }
            Some(parameter) if parameter.kind.list && !whole_list => {
                let fault =
                    fault("metrics::parameter", format!("`${name}` is a list, and stands where one value is needed"))
                        .with_help(format!("write `x IN (${name})`"));
                faults.push(fault);
            }
            Some(_) => {}
        }
    }
}

/// Warns of declared parameters that nothing uses.
pub(crate) fn check_unused(
    fields: &Fields<'_>,
    used: &BTreeSet<String>,
    declared: &BTreeMap<String, Parameter>,
    faults: &mut Vec<Fault>,
) {
    let Some(table) = fields.table("parameters") else { return };
    for name in declared.keys().filter(|name| !used.contains(*name)) {
        let fault = Fault::warning("metrics::unused_parameter", format!("parameter `{name}` is used by nothing"))
            .with_place(table.key_place(name))
            .with_field(table.path(name))
            .with_help(format!("write `${name}` where its value belongs, or drop it"));
        faults.push(fault);
    }
}

/// The uses of parameters in an expression of a key.
pub(crate) fn of_expression<'a>(
    fields: &Fields<'_>,
    key: &str,
    expression: &'a Expression,
) -> Vec<(&'a str, Place, bool)> {
    let mut whole = BTreeSet::new();
    let mut single = BTreeSet::new();
    sort_uses(expression.node(), &mut whole, &mut single);
    expression
        .mentions()
        .iter()
        .filter(|mention| mention.parameter)
        .map(|mention| {
            let name = mention.name.as_str();
            let whole = whole.contains(name) && !single.contains(name);
            (name, fields.place_within(key, &mention.span), whole)
        })
        .collect()
}

/// Parts the parameters that are the only entry of an `IN` from those that stand anywhere else.
fn sort_uses<'a>(node: &'a Node, whole: &mut BTreeSet<&'a str>, single: &mut BTreeSet<&'a str>) {
    match node {
        Node::Parameter(name) => {
            single.insert(name);
        }
        Node::InList { operand, list, .. } => {
            sort_uses(operand, whole, single);
            match list.as_slice() {
                [Node::Parameter(name)] => {
                    whole.insert(name);
                }
                entries => entries.iter().for_each(|entry| sort_uses(entry, whole, single)),
            }
        }
        other => other.children().into_iter().for_each(|child| sort_uses(child, whole, single)),
    }
}
