//! Group-sequential designs: rpact's boundaries and sizes.

use serde_json::Value;

use super::{Case, Comparison, Outcome, hold};
use crate::command::Desk;

#[test]
fn group_sequential() {
    hold("group_sequential", [25, 3], |case| match case.id() {
        "gs_n_means" => Outcome::Waits("the sizes of a plan come as multiples of a fixed plan's"),
        "gs_analysis" | "gs_cp" => Outcome::Waits("numbers by stage; the library holds them"),
        _ => boundaries(case).ran(),
    });
}

fn boundaries(case: &Case) -> Comparison<'_> {
    let inputs = &case.0["inputs"];
    let text = |key: &str| (!inputs[key].is_null()).then(|| super::word(&inputs[key]));
    let kind = case.input("type");
    let (rule, shape) = match kind.as_str() {
        "Pocock" => ("pocock", None),
        "O'Brien-Fleming" => ("obrien_fleming", None),
        "Lan-DeMets Pocock-type spending" => ("pocock_spending", None),
        "Hwang-Shih-DeCani" => ("hwang_shih_decani", text("gamma")),
        "Kim-DeMets power" => ("kim_demets", text("rho")),
        "Haybittle-Peto z = 3" => ("haybittle_peto", Some("3".to_owned())),
        "Wang-Tsiatis" => ("wang_tsiatis", text("delta")),
        _ => ("obrien_fleming_spending", None),
    };
    let mut arguments: Vec<String> = ["boundaries", "--format", "json", "--rule", rule].map(str::to_owned).to_vec();
    let mut say = |name: &str, value: Option<String>| arguments.extend(value.map(|value| format!("--{name}={value}")));
    say("shape", shape);
    say("alpha", Some(text("alpha").unwrap_or_else(|| "0.025".to_owned())));
    match inputs["info"].as_array() {
        Some(shares) => say("at", Some(shares.iter().map(Value::to_string).collect::<Vec<_>>().join(","))),
        None => say("looks", text("k")),
    }
    // The power of a case is rounded once: one less its beta.
    let power = 1.0 - inputs["beta"].as_f64().unwrap_or(0.2);
    say("power", Some(power.to_string()));
    if text("sided").as_deref() != Some("2") {
        arguments.push("--one-sided".to_owned());
    }
    match case.id() {
        "gs_fut" => arguments.push("--futility=0,0.5".to_owned()),
        "gs_fut_bind" => arguments.extend(["--futility=0,0.5", "--binding"].map(str::to_owned)),
        "gs_bs" => arguments.push("--futility-spending=obrien_fleming_spending".to_owned()),
        _ => {}
    }
    let document = Desk::new().run(&arguments).document();
    let list =
        |key: &str| -> Vec<f64> { document[key].as_array().expect(key).iter().filter_map(Value::as_f64).collect() };
    let mut compared = case.compare();
    for (key, own) in [("critical", "critical"), ("futility", "futility"), ("beta_spent", "beta_spent")] {
        if case.expects(key) {
            compared.list(key, &list(own));
        }
    }
    // Far in the tail the reference has fewer digits.
    for (key, own) in [("stage_levels", "level"), ("alpha_spent", "alpha_spent")] {
        if case.expects(key) {
            for (at, got) in list(own).into_iter().enumerate() {
                compared.number_within(&format!("{key}/{at}"), got, if got < 1e-6 { 1e-3 } else { 2e-5 });
            }
        }
    }
    let drift = document["drift"].as_f64().expect("a drift");
    for (key, got) in [
        ("inflation", document["inflation"].as_f64()),
        ("shift", Some(drift * drift)),
        ("asn_h0", document["expected_size"]["no_effect"].as_f64()),
        ("asn_h01", document["expected_size"]["half_effect"].as_f64()),
        ("asn_h1", document["expected_size"]["effect"].as_f64()),
    ] {
        if case.expects(key) {
            compared.number(key, got.expect("a number"));
        }
    }
    compared
}
