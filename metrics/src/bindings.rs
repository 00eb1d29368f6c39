//! Values bound to parameters.

use std::collections::BTreeMap;

use crate::definition::{Parameter, Value, Zone};
use crate::fault::{Fault, Faults};
use crate::reading::key::shown;
use crate::reading::nearest::nearest;

/// Values bound to parameters by name: those given, and the defaults of the rest.
pub type Bindings = BTreeMap<String, Value>;

/// Binds parameters to given values, name and text. A zone is applied to times that have none.
///
/// # Errors
/// Every value that is given twice, unknown, of the wrong type or not allowed, and every parameter without value or default.
pub fn bind(
    parameters: &BTreeMap<&str, &Parameter>,
    given: &[(String, String)],
    zone: Option<&Zone>,
) -> Result<Bindings, Faults> {
    let mut faults = Vec::new();
    let mut values = BTreeMap::new();
    for (name, text) in given {
        let fault = |code, message: String| Fault::error(code, message).with_field(format!("-p {}", shown(name)));
        let Some(parameter) = parameters.get(name.as_str()) else {
            let names = || parameters.keys().copied();
            let mut fault = fault("metrics::unknown_parameter", format!("no parameter `{}` is used here", shown(name)))
                .with_valid("parameters", names().map(str::to_owned).collect());
            if let Some(name) = nearest(name, names()) {
                fault = fault.with_help(format!("did you mean `-p {name}=…`?"));
            } else if parameters.is_empty() {
                fault = fault.with_help("leave out -p: nothing here takes a parameter");
            }
            faults.push(fault);
            continue;
        };
        match parameter.parse(text, zone) {
            Ok(value) => {
                if values.insert(name.clone(), value).is_some() {
                    let message = format!("parameter `{name}` is given twice");
                    faults.push(fault("metrics::duplicate_key", message).with_help("give one value; a list is A,B,C"));
                }
            }
            Err(why) => {
                let help = format!("give a value of type {}: -p {name}=…", parameter.kind);
                faults.push(fault("metrics::bad_value", why).with_help(help));
            }
        }
    }
    for (name, parameter) in parameters {
        if values.contains_key(*name) || given.iter().any(|(given, _)| given == name) {
            continue;
        }
        match &parameter.default {
            Some(default) => {
                values.insert((*name).to_owned(), default.clone());
            }
            None => {
                let message = format!("parameter `{name}` has no value");
                let fault = Fault::error("metrics::missing_parameter", message).with_field(format!("-p {name}"));
                faults.push(fault.with_help(format!("give one of type {}: -p {name}=…", parameter.kind)));
            }
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(Faults::new(faults)) }
}
