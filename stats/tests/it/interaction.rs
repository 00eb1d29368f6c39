//! Crossed experiments against statsmodels 0.15.0 and SciPy 1.17.1 (`tests/golden/interaction.json`, beside the script that
//! made it), and simulation.

use std::path::Path;

use estimand_stats::interaction::{Crossed, all_pairs};
use estimand_stats::multiplicity::Correction;
use estimand_stats::suffstat::Moments;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::calibration::{normal, replications};

fn arms(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn crossed(cells: Vec<Vec<Moments>>) -> Crossed {
    let (first, second) = (["a0", "a1", "a2"], ["b0", "b1", "b2"]);
    let columns = cells[0].len();
    Crossed::new("metric", arms(&first[..cells.len()]), arms(&second[..columns]), cells).unwrap()
}

fn flipped(cells: &[Vec<Moments>]) -> Vec<Vec<Moments>> {
    (0..cells[0].len()).map(|j| cells.iter().map(|row| row[j]).collect()).collect()
}

#[test]
fn crossed_experiments_agree_with_statsmodels() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/interaction.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let numbers = |value: &Value| value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
    let near = |got: f64, want: f64| assert!((got - want).abs() <= 1e-10 * want.abs(), "got {got}, want {want}");
    let cells: Vec<Vec<Moments>> = golden["cells"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().iter().map(|cell| Moments::of(&numbers(cell)).unwrap()).collect())
        .collect();
    let table = crossed(cells.clone());
    let found = table.interaction(0.95).unwrap();
    for (contrast, want) in found.contrasts.iter().zip(golden["interaction"].as_array().unwrap()) {
        let want = numbers(want);
        near(contrast.difference, want[0]);
        near(contrast.std_error, want[1]);
    }
    assert_eq!((found.contrasts.len(), found.effects.len()), (2, 3));
    let effect = numbers(&golden["effect"]);
    near(found.effects[0].difference, effect[0]);
    near(found.effects[0].std_error, effect[1]);
    let dependence = table.dependence().unwrap();
    near(dependence.statistic, numbers(&golden["dependence"])[0]);
    near(dependence.tail.p, numbers(&golden["dependence"])[1]);
    // Johansen's statistic is Wald's over the number of contrasts, but for what estimated variances add: a per cent here.
    let test = found.test.unwrap();
    let ratio = test.statistic / (golden["wald"].as_f64().unwrap() / 2.0);
    assert!((0.97..1.0).contains(&ratio), "{ratio}");
    let two = crossed(cells.iter().map(|row| row[..2].to_vec()).collect()).interaction(0.95).unwrap();
    near(two.test.unwrap().statistic, golden["wald_of_two"].as_f64().unwrap());
    let (joint, single) = (two.test.unwrap(), &two.contrasts[0]);
    near(joint.denominator_df, single.df.unwrap());
    near(joint.tail.p, single.tail.unwrap().p);
    // Whichever comes first.
    let other = crossed(flipped(&cells)).interaction(0.95).unwrap();
    near(other.test.unwrap().statistic, test.statistic);
    near(other.test.unwrap().tail.p, test.tail.p);
}

#[test]
fn tables_that_are_none_are_refused_by_name() {
    let cell = Moments::of(&[1.0, 2.0, 4.0]).unwrap();
    let said = |second: &[&str], cells: Vec<Vec<Moments>>| {
        Crossed::new("visits", arms(&["a0", "a1"]), arms(second), cells).unwrap_err().to_string()
    };
    assert_eq!(said(&["b0"], vec![vec![cell]; 2]), "`arms` is 1; each experiment has a baseline and another arm");
    assert_eq!(said(&["b0", "b1"], vec![vec![cell; 2]]), "`cells` is 2; 2 rows of 2 cells are wanted");
    let one = Moments { n: 1, mean: 3.0, centred: 0.0 };
    let none = Moments { n: 0, mean: 0.0, centred: 0.0 };
    let small = Crossed::new("visits", arms(&["a0", "a1"]), arms(&["b0", "b1"]), vec![vec![cell; 2], vec![cell, one]]);
    let small = small.unwrap();
    assert_eq!(
        small.interaction(0.95).unwrap_err().to_string(),
        "metric `visits`: arm `a1 × b1` has 1 units and 2 are needed; lengthen the experiment or merge the arm with another"
    );
    assert_eq!(
        small.interaction(2.0).unwrap_err().to_string(),
        "`level` is 2; a confidence level lies between 0 and 1, such as 0.95"
    );
    let empty = crossed(vec![vec![cell, none], vec![cell, none]]);
    assert_eq!(empty.dependence(), None);
    let pairs = all_pairs(&[small, empty], 0.95, Correction::Holm).unwrap();
    assert!(pairs[0].dependence.is_some() && pairs[0].interaction.is_err() && pairs[0].interaction_adjusted.is_none());
    assert_eq!((pairs[1].dependence, pairs[1].dependence_adjusted), (None, None));
    let flat = Moments { n: 5, mean: 1.0, centred: 0.0 };
    let flat = crossed(vec![vec![flat; 2]; 2]).interaction(0.95).unwrap();
    assert_eq!((flat.test, flat.contrasts[0].tail, flat.contrasts[0].df), (None, None, None));
}

#[test]
fn a_pair_that_interacts_is_found_among_many() {
    let cell = |mean: f64| Moments::from_summary(400, mean, 1.0).unwrap();
    let quiet = crossed(vec![vec![cell(1.0), cell(1.2)], vec![cell(1.1), cell(1.3)]]);
    let loud = crossed(vec![vec![cell(1.0), cell(1.2)], vec![cell(1.1), cell(0.6)]]);
    let mut pairs = vec![quiet; 30];
    pairs[12] = loud;
    let found = all_pairs(&pairs, 0.95, Correction::Holm).unwrap();
    for (at, pair) in found.iter().enumerate() {
        assert_eq!(pair.interaction_adjusted.unwrap() < 0.05, at == 12);
        let raw = pair.interaction.as_ref().unwrap().test.unwrap().tail.p;
        assert!(pair.interaction_adjusted.unwrap() >= raw);
    }
}

#[test]
fn small_cells_of_unequal_spread_interact_falsely_once_in_twenty() {
    let runs = replications(3_000);
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let [mut one, mut several, mut dependent] = [0_u32; 3];
    for _ in 0..runs {
        let mut cells = vec![vec![Vec::new(); 3]; 3];
        for unit in 0..135 {
            let (i, j) = (random.random_range(0..3), random.random_range(0..3));
            // The first rounds fill every cell, so that none is too small.
            let (i, j) = if unit < 36 { (unit % 3, unit / 3 % 3) } else { (i, j) };
            cells[i][j].push(i as f64 + 2.0 * j as f64 + (1.0 + (i * j) as f64) * normal(&mut random));
        }
        let cells: Vec<Vec<Moments>> =
            cells.iter().map(|row| row.iter().map(|cell| Moments::of(cell).unwrap()).collect()).collect();
        let three = crossed(cells.clone());
        several += u32::from(three.interaction(0.95).unwrap().test.unwrap().tail.p < 0.05);
        dependent += u32::from(three.dependence().unwrap().tail.p < 0.05);
        let two = crossed(cells[..2].iter().map(|row| row[..2].to_vec()).collect());
        one += u32::from(two.interaction(0.95).unwrap().test.unwrap().tail.p < 0.05);
    }
    let rate = |count: u32| f64::from(count) / f64::from(runs);
    println!("2 × 2 {:.4}, 3 × 3 {:.4}, dependence {:.4} of {runs}", rate(one), rate(several), rate(dependent));
    let band = 3.3 * (0.05 * 0.95 / f64::from(runs)).sqrt();
    assert!((rate(one) - 0.05).abs() < band + 0.005 && (rate(several) - 0.05).abs() < band + 0.01);
    // A quarter of the units was spread evenly by design.
    assert!(rate(dependent) < 0.05 + band);
}
