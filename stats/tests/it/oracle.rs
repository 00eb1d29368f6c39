//! Reference cases kept outside the repository, found by `ESTIMAND_SHARED`.

use serde_json::Value;

/// The cases of one family that use one of these methods; `None`, with a line that says why, when the folder is not
/// there.
pub fn cases(family: &str, methods: &[&str]) -> Option<Vec<Value>> {
    let Ok(folder) = std::env::var("ESTIMAND_SHARED") else {
        println!("skipped: ESTIMAND_SHARED does not name the folder of the reference cases");
        return None;
    };
    let path = std::path::Path::new(&folder).join("oracles").join(format!("{family}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let all: Vec<Value> = serde_json::from_str(&text).expect("a list of cases");
    Some(all.into_iter().filter(|case| methods.iter().any(|method| case["method"] == *method)).collect())
}

/// Compares numbers, or lists of numbers, within the tolerance of their case.
pub fn assert_within(case: &Value, name: &str, got: &[f64]) {
    assert_within_tolerance(case, name, got, case["rtol"].as_f64().unwrap_or(0.0));
}

/// As [`assert_within`], with the relative tolerance that the case's note gives for this part.
pub fn assert_within_tolerance(case: &Value, name: &str, got: &[f64], rtol: f64) {
    let (id, want) = (&case["id"], &case["expected"][name]);
    let want: Vec<&Value> = want.as_array().map_or(vec![want], |list| list.iter().collect());
    assert_eq!(want.len(), got.len(), "{id}, {name}: as many numbers");
    for (want, got) in want.into_iter().zip(got) {
        let Some(want) = want.as_f64() else { continue };
        let allowed = case["atol"].as_f64().unwrap_or(0.0) + rtol * want.abs();
        assert!((got - want).abs() <= allowed, "{id}, {name}: got {got:e}, want {want:e} within {rtol:e}");
    }
}
