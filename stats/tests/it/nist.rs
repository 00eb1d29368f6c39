//! NIST Statistical Reference Datasets, univariate summary statistics: certified values and exact arithmetic on the same decimals.
//!
//! Found through the environment variable `ESTIMAND_SHARED`, a folder that holds `oracles/` and `data/`.

use std::path::{Path, PathBuf};

use estimand_stats::suffstat::{CoMoments, Moments};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use crate::reference::{self, digits};

/// The nine sets, from the easy to the hard.
const SETS: [&str; 9] = ["pidigits", "lottery", "lew", "mavro", "michelso", "numacc1", "numacc2", "numacc3", "numacc4"];

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("ESTIMAND_SHARED").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: ESTIMAND_SHARED is not set to a folder with oracles/ and data/");
    }
    folder
}

fn column(shared: &Path, set: &str) -> Vec<String> {
    let text = std::fs::read_to_string(shared.join(format!("data/nist/{set}.csv"))).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

fn doubles(column: &[String]) -> Vec<f64> {
    column.iter().map(|text| text.parse().unwrap()).collect()
}

/// `Σ(yₜ − ȳ)(yₜ₊₁ − ȳ)/Σ(y − ȳ)²`, from co-moments of the series and itself one step later, about its first value.
fn autocorrelation(values: &[f64]) -> f64 {
    let pivoted: Vec<f64> = values.iter().map(|value| value - values[0]).collect();
    let all = Moments::of(&pivoted).unwrap();
    let lagged = CoMoments::of(&[&pivoted[..pivoted.len() - 1], &pivoted[1..]]).unwrap();
    let shift = (lagged.mean(0) - all.mean) * (lagged.mean(1) - all.mean) * lagged.n() as f64;
    (lagged.centred(0, 1) + shift) / all.centred
}

/// Mean and standard deviation of the decimals as they are printed, without reading them as doubles.
fn of_decimals(column: &[String]) -> (f64, f64) {
    let places =
        column.iter().filter_map(|text| text.split_once('.')).map(|(_, places)| places.len()).max().unwrap_or(0);
    let scaled: Vec<BigInt> = column
        .iter()
        .map(|text| {
            let (whole, part) = text.split_once('.').unwrap_or((text, ""));
            format!("{whole}{part:0<places$}").parse().unwrap()
        })
        .collect();
    let n = BigInt::from(scaled.len());
    let (sum, squares): (BigInt, BigInt) = (scaled.iter().sum(), scaled.iter().map(|y| y * y).sum());
    let ten = BigInt::from(10).pow(places as u32);
    // Thirty decimal digits of each quotient are more than a double holds.
    let guard = BigInt::from(10).pow(30);
    let quotient = |a: BigInt, b: BigInt| (a * &guard / b).to_f64().unwrap() / 1e30;
    let variance = quotient(&n * squares - &sum * &sum, &n * (&n - 1_u8) * &ten * &ten);
    (quotient(sum, n * ten), variance.sqrt())
}

#[test]
fn mean_and_deviation_are_what_the_doubles_allow() {
    let Some(shared) = shared() else { return };
    for set in SETS {
        let values = doubles(&column(&shared, set));
        let moments = Moments::of(&values).unwrap();
        assert_eq!(moments.mean, reference::mean(&values), "mean of {set}");
        assert_eq!(moments.centred, reference::centred(&values, &values), "centred squares of {set}");
    }
}

#[test]
fn mean_and_deviation_are_those_of_the_printed_decimals() {
    let Some(shared) = shared() else { return };
    for set in SETS {
        let column = column(&shared, set);
        let moments = Moments::of(&doubles(&column)).unwrap();
        let (mean, std_dev) = of_decimals(&column);
        let (mean, std_dev) = (digits(moments.mean, mean), digits(moments.std_dev().unwrap(), std_dev));
        println!("{set:<9} mean {mean:.1} digits, standard deviation {std_dev:.1}");
        // Reading the decimals 1000000.2 and 10000000.2 as doubles loses the digits that are missing here.
        let attainable = match set {
            "numacc3" => 9.4,
            "numacc4" => 8.2,
            "michelso" => 13.8,
            _ => 13.0,
        };
        assert!(mean >= 15.0 && std_dev >= attainable, "{set}: {mean:.2}, {std_dev:.2}");
    }
}

#[test]
fn certified_values_are_met() {
    let Some(shared) = shared() else { return };
    let text = std::fs::read_to_string(shared.join("oracles/nist.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let cases: Vec<_> = cases.iter().filter(|case| case["method"] == "summary_stats").collect();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let values = doubles(&column(&shared, id.trim_start_matches("nist_uni_")));
        let moments = Moments::of(&values).unwrap();
        let expected = |key: &str| case["expected"][key].as_f64().unwrap();
        let rtol = case["rtol"].as_f64().unwrap();
        assert_eq!(moments.n as f64, expected("n"), "{id}");
        let got = [moments.mean, moments.std_dev().unwrap(), autocorrelation(&values)];
        for (key, got) in ["mean", "sd", "autocorr1"].into_iter().zip(got) {
            let found = digits(got, expected(key));
            println!("{id:<18} {key:<9} {found:.1} digits");
            assert!((got - expected(key)).abs() <= rtol * expected(key).abs(), "{id} {key}: {got}");
        }
    }
    println!("{} certified cases met, 0 wait", cases.len());
    assert_eq!(cases.len(), 6);
}
