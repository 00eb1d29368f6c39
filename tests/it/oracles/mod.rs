//! Reference cases through the command line: every number of every case is compared, or waits with a reason.
//!
//! One file per family. The folder of the cases is found by `ESTIMAND_SHARED`; without it one line says so.

mod anytime;
mod bayes;
mod cluster;
mod cuped;
mod group_sequential;
mod heterogeneity;
mod lin_adjustment;
mod means;
mod meta;
mod multiple_testing;
mod nist;
mod nonparametric;
mod ols_hc;
mod power;
mod proportions;
mod ratio_delta;
mod relative_lift;
mod srm;
mod survival;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Desk, Row, Rows};
use crate::shared;

/// One reference case: what goes in, and what comes out elsewhere.
struct Case(Value);

/// What became of a case.
enum Outcome<'a> {
    /// It was run, and its numbers compared.
    Ran(Comparison<'a>),
    /// It needs a method of a later step.
    Waits(&'static str),
}

/// Runs every case of a family, prints and asserts how many ran and how many wait.
fn hold(family: &str, [runs, waits]: [usize; 2], run: impl for<'a> Fn(&'a Case) -> Outcome<'a>) {
    let Some(cases) = shared::cases(family) else { return };
    let cases: Vec<Case> = cases.into_iter().map(Case).collect();
    let (mut ran, mut misses, mut failed, mut reasons) = (0, Vec::new(), 0, Vec::new());
    for case in &cases {
        match run(case) {
            Outcome::Waits(reason) => reasons.push(format!("{} waits: {reason}", case.id())),
            Outcome::Ran(comparison) => {
                ran += 1;
                reasons.extend(comparison.parts.iter().map(|part| format!("{}: {part}", case.id())));
                let missed = comparison.missed();
                failed += usize::from(!missed.is_empty());
                misses.extend(missed);
            }
        }
    }
    println!("{family}: ran {ran}, passed {}, waiting {}", ran - failed, cases.len() - ran);
    reasons.iter().for_each(|reason| println!("  {reason}"));
    assert!(misses.is_empty(), "{family}:\n{}", misses.join("\n"));
    assert_eq!([ran, cases.len() - ran], [runs, waits], "{family}: cases that ran, cases that wait");
}

impl Case {
    fn id(&self) -> &str {
        self.0["id"].as_str().expect("a case has an id")
    }

    fn method(&self) -> &str {
        self.0["method"].as_str().expect("a case has a method")
    }

    /// An input as text, numbers too.
    fn input(&self, name: &str) -> String {
        word(&self.0["inputs"][name])
    }

    /// An input that is a list, as texts.
    fn inputs(&self, name: &str) -> Vec<String> {
        self.0["inputs"][name].as_array().expect("a list").iter().map(word).collect()
    }

    /// A count that the case expects.
    fn count(&self, name: &str) -> u64 {
        self.0["expected"][name].as_u64().expect("a count")
    }

    fn expects(&self, name: &str) -> bool {
        !self.0["expected"][name].is_null()
    }

    /// The file that the case speaks of.
    fn data(&self) -> PathBuf {
        let path = word(&self.0["dataset"]);
        let name = path.rsplit_once("data/").map_or(path.as_str(), |(_, name)| name);
        shared::data(name).expect("the folder in which the case was found")
    }

    /// The two arms of the case as a file without a project: `analyze FILE --arm … --control … --metric …`.
    fn analyze(&self, metric: &str, more: &[&str]) -> Rows {
        let (file, arm, control) = (self.data(), self.input("group"), self.input("control"));
        let file = file.to_str().expect("a path in UTF-8");
        let arguments = [file, "--arm", &arm, "--control", &control, "--metric", metric];
        Desk::new().analyze(&[&arguments, more].concat()).rows()
    }

    fn compare(&self) -> Comparison<'_> {
        Comparison { case: self, seen: BTreeSet::new(), misses: Vec::new(), parts: Vec::new() }
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The numbers of a case beside ours.
struct Comparison<'a> {
    case: &'a Case,
    seen: BTreeSet<String>,
    misses: Vec<String>,
    parts: Vec<String>,
}

impl<'a> Comparison<'a> {
    /// Compares one number; `key` leads through the expectation, its steps parted by `/`.
    fn number(&mut self, key: &str, got: f64) {
        let rtol = self.case.0["rtol"].as_f64().unwrap_or(0.0);
        self.number_within(key, got, rtol);
    }

    /// Compares one number with a tolerance of its own, which a note of the case or a reason beside the call gives.
    fn number_within(&mut self, key: &str, got: f64, rtol: f64) {
        self.seen.insert(key.to_owned());
        let Some(want) = self.case.0["expected"].pointer(&format!("/{key}")).and_then(Value::as_f64) else {
            self.misses.push(format!("{}: no number `{key}` is expected", self.case.id()));
            return;
        };
        let allowed = self.case.0["atol"].as_f64().unwrap_or(0.0) + rtol * want.abs();
        // Tails below 1e-12 are compared by their logarithm, as the cases ask.
        let far_out = (0.0..1e-12).contains(&want) && (got.log10() - want.log10()).abs() <= 1e-3;
        if !((got - want).abs() <= allowed || far_out) {
            self.misses.push(format!("{}: {key} is {got:e}, want {want:e} within {allowed:e}", self.case.id()));
        }
    }

    fn list(&mut self, key: &str, got: &[f64]) {
        let length = self.case.0["expected"][key].as_array().map_or(0, Vec::len);
        if length != got.len() {
            self.misses.push(format!("{}: {key} has {} numbers, want {length}", self.case.id(), got.len()));
        }
        for (at, got) in got.iter().enumerate() {
            self.number(&format!("{key}/{at}"), *got);
        }
    }

    /// Compares a list by its place below a key; a name may hold anything.
    fn list_below(&mut self, key: &str, name: &str, got: &[f64]) {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        for (at, got) in got.iter().enumerate() {
            self.number(&format!("{key}/{escaped}/{at}"), *got);
        }
        self.seen.insert(format!("{key}/{name}"));
    }

    /// Compares columns of a row: pairs of a key of the case and our column.
    fn row(&mut self, row: &Row, pairs: &[(&str, &str)]) {
        for (key, column) in pairs {
            self.number(key, row.number(column));
        }
    }

    /// Says why some keys of the case are not compared.
    fn wait(&mut self, keys: &[&str], reason: &str) {
        let expected: Vec<&str> =
            keys.iter().copied().filter(|key| self.case.0["expected"].pointer(&format!("/{key}")).is_some()).collect();
        if !expected.is_empty() {
            self.parts.push(format!("{} wait: {reason}", expected.join(", ")));
            self.seen.extend(expected.into_iter().map(str::to_owned));
        }
    }

    fn ran(self) -> Outcome<'a> {
        Outcome::Ran(self)
    }

    /// What differed, and what was neither compared nor named.
    fn missed(&self) -> Vec<String> {
        let mut leaves = Vec::new();
        numbers(&self.case.0["expected"], "", &mut leaves);
        let known = |leaf: &String| {
            self.seen.iter().any(|key| leaf == key || leaf.starts_with(key) && leaf[key.len()..].starts_with('/'))
        };
        let forgotten = leaves.iter().filter(|leaf| !known(leaf));
        let forgotten = forgotten.map(|leaf| format!("{}: `{leaf}` was not compared", self.case.id()));
        self.misses.iter().cloned().chain(forgotten).collect()
    }
}

/// The keys of all numbers in an expectation.
fn numbers(value: &Value, key: &str, found: &mut Vec<String>) {
    let below = |step: &str| if key.is_empty() { step.to_owned() } else { format!("{key}/{step}") };
    match value {
        Value::Number(_) => found.push(key.to_owned()),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, one)| numbers(one, &below(&at.to_string()), found))
        }
        Value::Object(map) => map.iter().for_each(|(name, one)| numbers(one, &below(name), found)),
        _ => {}
    }
}
