//! Least squares by clusters: against R's sandwich and clubSandwich and Python's wildboottest, statsmodels and pyfixest
//! on public data; and the estimator that rests on it. Sources and tolerances stand in the cases.

use estimand_stats::clustered::{ClusteredFit, Clusters, Correction, Scores, SignWeights, TwoWay, WildBootstrap};
use estimand_stats::dist::{Alternative, StudentT, TailProbability};
use estimand_stats::least_squares::{Fit, Outcomes, Robust};
use estimand_stats::{Design, Estimand, Estimates, Sample, estimator};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::calibration::{normal, replications};
use crate::estimator_oracles::{Ledger, text};
use crate::oracle::{assert_within, cases};
use crate::samples::{Arm, design, effect, mean_of, ratio_of, row, run, sample};
use crate::shared_data::{Table, table};

/// The rows of a case that are complete: its columns by name, the outcome first.
struct Columns {
    names: Vec<String>,
    values: Vec<Vec<f64>>,
}

impl Columns {
    fn of(data: &Table, keep: impl Fn(usize) -> bool, names: &[&str]) -> Self {
        let columns: Vec<Vec<f64>> = names.iter().map(|name| codes(data, name)).collect();
        let rows = columns.first().map_or(0, Vec::len);
        let complete = |row: &usize| keep(*row) && columns.iter().all(|column| column[*row].is_finite());
        let kept: Vec<usize> = (0..rows).filter(complete).collect();
        let values = columns.iter().map(|column| kept.iter().map(|row| column[*row]).collect()).collect();
        Self { names: names.iter().map(|name| (*name).to_owned()).collect(), values }
    }

    fn get(&self, name: &str) -> &[f64] {
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| panic!("no column {name}"));
        &self.values[at]
    }
}

/// A column of numbers, or of text as codes in the order of first appearance.
fn codes(data: &Table, name: &str) -> Vec<f64> {
    let numbers = data.numbers(name);
    if numbers.iter().any(|number| number.is_finite()) {
        return numbers;
    }
    let mut seen: Vec<String> = Vec::new();
    let code = |cell: &Option<String>| {
        let Some(cell) = cell else { return f64::NAN };
        let place = seen.iter().position(|known| known == cell).unwrap_or_else(|| {
            seen.push(cell.clone());
            seen.len() - 1
        });
        place as f64
    };
    data.text(name).iter().map(code).collect()
}

fn listed(case: &Value, key: &str) -> Vec<String> {
    case["inputs"][key].as_array().map_or(Vec::new(), |names| names.iter().map(text).collect())
}

/// The columns of a case with its fit.
fn fitted(case: &Value, clusters: &[&str]) -> (Columns, Fit) {
    let data = table(&text(&case["dataset"]));
    let y = text(&case["inputs"]["y"]);
    let x: Vec<String> = listed(case, "x").into_iter().filter(|name| name != "1").collect();
    let mut names: Vec<&str> = vec![&y];
    names.extend(x.iter().map(String::as_str));
    names.extend(clusters.iter().filter(|name| !x.iter().any(|known| known == *name)));
    // One case takes a part of its rows.
    let part = case["inputs"]["filter"].as_str().is_some_and(|filter| filter.contains("sex = 'Girl'"));
    let girls_of_2001 =
        |row: usize| data.numbers_at("year", row) == Some(2001.0) && data.text("sex")[row].as_deref() == Some("Girl");
    let columns = Columns::of(&data, |row| !part || girls_of_2001(row), &names);
    let design: Vec<Vec<f64>> = x.iter().map(|name| columns.get(name).to_vec()).collect();
    let fit = Fit::of(&Outcomes::of_units(columns.get(&y)), &design).expect("a design of full rank");
    (columns, fit)
}

fn errors(covariance: &nalgebra::DMatrix<f64>) -> Vec<f64> {
    covariance.diagonal().map(f64::sqrt).as_slice().to_vec()
}

/// Compares numbers with the entries of an expectation that is keyed by term.
fn check_terms(case: &Value, name: &str, terms: &[String], got: &[f64]) {
    for (term, got) in terms.iter().zip(got) {
        let mut scoped = case.clone();
        scoped["expected"] = case["expected"][name].clone();
        assert_within(&scoped, term, &[*got]);
    }
}

fn petersen(case: &Value) {
    let (columns, fit) = fitted(case, &["firm", "year"]);
    let [firm, year] = ["firm", "year"].map(|name| Clusters::of(columns.get(name)));
    let clustered = |correction| ClusteredFit::of(&fit, &firm).covariance(correction);
    let two_way = |correction| TwoWay::of(&fit, &firm, &year).covariance(correction).map(|(covariance, _)| covariance);
    let covariance = match text(&case["id"]).as_str() {
        "pet_ols" => fit.covariance(Robust::Classical),
        "pet_hc1" => fit.covariance(Robust::Hc1),
        "pet_hc3" => fit.covariance(Robust::Hc3),
        "pet_firm_hc1" => clustered(Correction::Cr1s),
        "pet_firm_hc0" => clustered(Correction::Cr0),
        "pet_two_hc1_mult" => two_way(Correction::Cr1s),
        "pet_two_hc0_noadj" => two_way(Correction::Cr0),
        other => panic!("{other}"),
    };
    let errors = errors(&covariance.expect("a covariance"));
    assert_within(case, "se_intercept", &errors[..1]);
    assert_within(case, "se_x", &errors[1..]);
    check_terms(case, "coef", &["(Intercept)".to_owned(), "x".to_owned()], fit.coefficients.as_slice());
}

fn club_sandwich(case: &Value) {
    let cluster = text(&case["inputs"]["cluster"]);
    let (columns, fit) = fitted(case, &[&cluster]);
    let clusters = Clusters::of(columns.get(&cluster));
    let clustered = ClusteredFit::of(&fit, &clusters);
    if let Some(count) = case["expected"]["clusters"].as_u64() {
        assert_eq!(
            (clusters.count() as u64, columns.values[0].len() as u64),
            (count, case["expected"]["n"].as_u64().unwrap())
        );
    }
    let correction = text(&case["inputs"]["vcov"]);
    let correction = Correction::ALL.into_iter().find(|known| known.name() == correction).expect("a correction");
    let terms: Vec<String> =
        listed(case, "x").into_iter().map(|name| if name == "1" { "(Intercept)".to_owned() } else { name }).collect();
    let matrix = errors(&clustered.covariance(correction).expect("a covariance"));
    for (at, term) in terms.iter().enumerate() {
        let weights: Vec<f64> = (0..terms.len()).map(|place| f64::from(u8::from(place == at))).collect();
        let contrast = clustered.contrast(&weights, correction).expect("a contrast");
        let (df, error) = (contrast.df.expect("degrees of freedom"), contrast.variance.sqrt());
        let p = TailProbability::two_sided(&StudentT::new(df).unwrap(), contrast.estimate / error).unwrap().p;
        assert!((matrix[at] / error - 1.0).abs() < 1e-12);
        for (name, got) in [("est", contrast.estimate), ("se", error), ("df", df), ("p", p)] {
            check_terms(case, name, std::slice::from_ref(term), &[got]);
        }
    }
}

fn wild(case: &Value) {
    let (columns, fit) = {
        let mut case = case.clone();
        case["inputs"]["y"] = "y".into();
        case["inputs"]["x"] = serde_json::json!(["1", "x"]);
        fitted(&case, &["year"])
    };
    let clustered = ClusteredFit::of(&fit, &Clusters::of(columns.get("year")));
    let p = |scores| {
        let bootstrap = WildBootstrap { weights: SignWeights::Rademacher, scores, replicates: 0, seed: 0 };
        let test = bootstrap.test(&clustered, &[1.0, 0.0]).expect("a test");
        assert!(test.is_exact());
        assert_within(case, "t", &[test.statistic(0.0)]);
        test.p_value(0.0, Alternative::TwoSided).unwrap().p
    };
    let [plain, jackknife] = [p(Scores::Plain), p(Scores::Jackknife)];
    // The package counts what is more extreme than the sample; the sample and its mirror image are two of 1,024 more.
    for (name, got) in [("p_wcr_11", plain), ("p_wcr_31", jackknife)] {
        let want = case["expected"][name].as_f64().unwrap();
        assert!(got - want > -1e-12 && got - want < 2.5 / 1_024.0, "{name}: {got} {want}");
    }
}

#[test]
fn clustered_errors_agree_with_sandwich_club_sandwich_and_wildboottest() {
    let Some(cases) = cases("cluster", &["ols_cluster", "wild_cluster_bootstrap"]) else { return };
    let mut ledger = Ledger::new("cluster");
    for case in cases {
        match text(&case["method"]).as_str() {
            "wild_cluster_bootstrap" => wild(&case),
            _ if case["inputs"]["vcov"].is_string() => club_sandwich(&case),
            _ => petersen(&case),
        }
        ledger.ran(&case);
    }
    ledger.close(20, 0);
}

#[test]
fn compressed_rows_by_cluster_lose_nothing() {
    let Some(cases) = cases("compression", &["compressed_ols"]) else { return };
    let mut ledger = Ledger::new("compression, clustered");
    for case in cases {
        let data = table(&text(&case["dataset"]));
        let is = |column: &str, level: &str| -> Vec<f64> {
            let cells = data.text(column).iter();
            cells.map(|cell| f64::from(u8::from(cell.as_deref() == Some(level)))).collect()
        };
        let column = |name: &str| match name {
            "mens_mail" => is("segment", "Mens E-Mail"),
            "womens_mail" => is("segment", "Womens E-Mail"),
            "web" => is("channel", "Web"),
            "phone" => is("channel", "Phone"),
            name => codes(&data, name),
        };
        let names: Vec<String> = listed(&case, "x").into_iter().filter(|name| name != "1").collect();
        let cluster = column(&text(&case["inputs"]["cluster"]));
        let x: Vec<Vec<f64>> = names.iter().map(|name| column(name)).collect();
        let y = column(&text(&case["inputs"]["y"]));
        let features: Vec<&[f64]> = std::iter::once(&cluster).chain(&x).map(Vec::as_slice).collect();
        let kept = estimand_stats::suffstat::Compressed::of(&features, &[&y]).expect("finite columns");
        if let Some(rows) = case["expected"]["distinct_cluster_feature_rows"].as_u64() {
            assert_eq!(kept.rows() as u64, rows);
        }
        let outcomes = Outcomes {
            n: kept.n().iter().map(|n| *n as f64).collect(),
            mean: kept.mean(0).to_vec(),
            rest: kept.rest(0).to_vec(),
            centred: kept.centred(0).to_vec(),
        };
        let design: Vec<Vec<f64>> = (1..features.len()).map(|at| kept.feature(at).to_vec()).collect();
        let fit = Fit::of(&outcomes, &design).expect("a design of full rank");
        let clustered = ClusteredFit::of(&fit, &Clusters::of(kept.feature(0)));
        let errors = errors(&clustered.covariance(Correction::Cr1s).expect("a covariance"));
        assert_within(&case, "se_cluster_cr1s", &errors);
        assert_within(&case, "coef", fit.coefficients.as_slice());
        ledger.ran(&case);
    }
    ledger.close(2, 0);
}

fn by_store(options: &[(&str, &str)]) -> Design {
    Design { cluster: Some("store".to_owned()), ..design(&[], options) }
}

fn question() -> Estimand {
    effect(mean_of("y"), "treatment", "control")
}

/// Stores of units, each in one arm: code, arm, and the outcomes of its units with a covariate and a denominator.
type Store = (f64, bool, Vec<[f64; 3]>);

fn stores(stores: &[Store]) -> Sample {
    let arm = |name: &str, treated: bool| {
        let own = stores.iter().filter(|(_, is_treated, _)| *is_treated == treated);
        let units: Vec<(f64, [f64; 3])> =
            own.flat_map(|(code, _, units)| units.iter().map(move |unit| (*code, *unit))).collect();
        let column = |at: usize| units.iter().map(|(_, unit)| unit[at]).collect::<Vec<f64>>();
        let codes: Vec<f64> = units.iter().map(|(code, _)| *code).collect();
        Arm::new(name, &[("y", &column(0)), ("x", &column(1)), ("d", &column(2)), ("store", &codes)])
    };
    sample(&[arm("control", false), arm("treatment", true)])
}

/// So many stores in each arm, of different sizes, with a level of their own and an effect of one.
fn drawn(random: &mut ChaCha8Rng, in_arm: [u32; 2], skewed: bool) -> Vec<Store> {
    let mut all = Vec::new();
    for (treated, count) in [(false, in_arm[0]), (true, in_arm[1])] {
        for _ in 0..count {
            let size = 4 + (8.0 * random.random::<f64>()) as usize;
            let shock = normal(random);
            let level = if skewed { (0.5 * shock).exp() } else { 0.7 * shock };
            let x = normal(random);
            let unit = |random: &mut ChaCha8Rng| {
                let d = 1.0 + (3.0 * random.random::<f64>()).floor();
                [10.0 + f64::from(u8::from(treated)) + level + x + normal(random), x + 0.3 * normal(random), d]
            };
            let units = (0..size).map(|_| unit(random)).collect();
            all.push((all.len() as f64, treated, units));
        }
    }
    all
}

#[test]
fn two_arms_of_stores_alike_in_size_are_welch_on_their_means() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut all = drawn(&mut random, [6, 5], false);
    all.iter_mut().for_each(|(_, _, units)| units.truncate(4));
    let mean = |units: &[[f64; 3]]| units.iter().map(|unit| unit[0]).sum::<f64>() / units.len() as f64;
    let means: Vec<Store> = all.iter().map(|(code, arm, units)| (*code, *arm, vec![[mean(units), 0.0, 1.0]])).collect();
    let clustered = run("cluster_robust", &question(), &by_store(&[]), &stores(&all));
    let welch = run("difference_in_means", &question(), &Design::default(), &stores(&means));
    for scale in ["absolute", "relative"] {
        let (one, other) = (row(&clustered, scale), row(&welch, scale));
        assert!((one.estimate.unwrap() - other.estimate.unwrap()).abs() < 1e-12);
        assert!((one.std_error.unwrap() / other.std_error.unwrap() - 1.0).abs() < 1e-10, "{one:?} {other:?}");
    }
    // Satterthwaite's degrees of freedom take one variance for both arms: with s²(1/6 + 1/5), not the sample's own.
    let df = (1.0 / 6.0 + 1.0 / 5.0_f64).powi(2) / (1.0 / 36.0 / 5.0 + 1.0 / 25.0 / 4.0);
    assert!((row(&clustered, "absolute").df.unwrap() - df).abs() < 1e-9);
}

#[test]
fn a_ratio_is_the_mean_of_what_it_is_linear_in() {
    let all = drawn(&mut ChaCha8Rng::seed_from_u64(2), [12, 11], false);
    let ratio =
        run("cluster_robust", &effect(ratio_of("y", "d"), "treatment", "control"), &by_store(&[]), &stores(&all));
    // The totals of stores as units of the delta method: the same ratio, and nearly the same error.
    let total = |at: usize, units: &[[f64; 3]]| units.iter().map(|unit| unit[at]).sum::<f64>();
    let totals: Vec<Store> =
        all.iter().map(|(code, arm, units)| (*code, *arm, vec![[total(0, units), 0.0, total(2, units)]])).collect();
    let delta = run("ratio", &effect(ratio_of("y", "d"), "treatment", "control"), &Design::default(), &stores(&totals));
    let (one, other) = (row(&ratio, "absolute"), row(&delta, "absolute"));
    assert!((one.estimate.unwrap() - other.estimate.unwrap()).abs() < 1e-12);
    assert!((one.std_error.unwrap() / other.std_error.unwrap() - 1.0).abs() < 0.05, "{one:?} {other:?}");
    let nothing: Vec<Store> = all
        .iter()
        .map(|(code, arm, units)| (*code, *arm, units.iter().map(|[y, x, _]| [*y, *x, 0.0]).collect()))
        .collect();
    let rows =
        run("cluster_robust", &effect(ratio_of("y", "d"), "treatment", "control"), &by_store(&[]), &stores(&nothing));
    assert_eq!(row(&rows, "absolute").estimate, None);
    assert_eq!(
        row(&rows, "absolute").notes.as_deref(),
        Some("The denominator sums to zero in arm `control`, so there is no ratio.")
    );
}

#[test]
fn few_clusters_are_said_and_one_has_no_error() {
    let all = drawn(&mut ChaCha8Rng::seed_from_u64(3), [4, 12], false);
    let note = |rows: &Estimates| row(rows, "absolute").notes.clone().unwrap_or_default();
    let rows = run("cluster_robust", &question(), &by_store(&[]), &stores(&all));
    let counts = "12 clusters in arm `treatment`, 4 in `control`.";
    assert!(
        note(&rows).starts_with(&format!(
            "{counts} Fewer than 10 in an arm: the corrections for few clusters bear on this result."
        )),
        "{}",
        note(&rows)
    );
    let rows = run("cluster_robust", &question(), &by_store(&[("errors", "CR1")]), &stores(&all));
    assert!(note(&rows).starts_with(&format!(
        "{counts} With fewer than 10 in an arm errors without correction for it are too small: take CR2, CR3 or wild."
    )));
    let one: Vec<Store> = all.into_iter().skip(3).collect();
    for errors in ["CR2", "wild"] {
        let rows = run("cluster_robust", &question(), &by_store(&[("errors", errors)]), &stores(&one));
        assert!(
            note(&rows).contains("Arm `control` has 1 cluster; a standard error needs at least 2."),
            "{}",
            note(&rows)
        );
        assert!(row(&rows, "absolute").estimate.is_some() && row(&rows, "absolute").std_error.is_none());
    }
}

#[test]
fn slopes_are_shared_where_an_arm_has_too_few_clusters_for_its_own() {
    let all = drawn(&mut ChaCha8Rng::seed_from_u64(4), [2, 12], false);
    let design = Design { covariates: vec!["x".to_owned()], ..by_store(&[]) };
    let rows = run("cluster_robust", &question(), &design, &stores(&all));
    let note = "An arm has 2 clusters, too few for slopes of its own: the slopes are shared by both arms.";
    assert!(row(&rows, "absolute").notes.as_deref().is_some_and(|notes| notes.contains(note)));
}

#[test]
fn without_clusters_the_key_is_named() {
    let estimator = estimator::by_name("cluster_robust").unwrap();
    let error = estimator.requires(&question(), &Design::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "estimator `cluster_robust` needs the cluster of each unit; name its column in the experiment file, as `[assignment] cluster = \"column\"`"
    );
    let error = estimator.requires(&question(), &by_store(&[("errors", "wild"), ("lift", "delta")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "estimator `cluster_robust`: option `lift` cannot be `delta`; with `errors=wild` the lift is inverted as well: leave it out"
    );
}

#[test]
fn the_wild_bootstrap_excludes_zero_when_it_rejects() {
    for seed in 0..5 {
        let all = drawn(&mut ChaCha8Rng::seed_from_u64(seed), [5, 6], true);
        for scores in ["plain", "jackknife"] {
            let rows = run(
                "cluster_robust",
                &question(),
                &by_store(&[("errors", "wild"), ("scores", scores), ("replicates", "199")]),
                &stores(&all),
            );
            for scale in ["absolute", "relative"] {
                let row = row(&rows, scale);
                let Some((low, high)) = row.conf_low.zip(row.conf_high) else {
                    assert!(row.notes.as_deref().is_some_and(|notes| notes.contains("is unbounded")), "{row:?}");
                    continue;
                };
                assert_eq!(row.p_value.unwrap() < 0.05, low > 0.0 || high < 0.0, "{row:?}");
                assert!(low <= row.estimate.unwrap() && row.estimate.unwrap() <= high);
            }
        }
    }
}

#[test]
fn whole_clusters_are_drawn_anew() {
    let all = drawn(&mut ChaCha8Rng::seed_from_u64(9), [5, 5], false);
    let rows = run("permutation", &question(), &by_store(&[]), &stores(&all));
    let absolute = row(&rows, "absolute");
    // 252 assignments of ten stores, and no p-value between their shares.
    let share = absolute.p_value.unwrap() * 252.0;
    assert!((share - share.round()).abs() < 1e-9, "{absolute:?}");
    assert_eq!(absolute.notes.as_deref(), Some("Whole clusters are drawn anew: 5 in arm `treatment`, 5 in `control`."));
}

/// How often the interval covers an effect of one.
fn coverage(estimator: &str, in_arm: [u32; 2], design: &Design, skewed: bool, replicates: u32) -> f64 {
    let mut covered = 0;
    for replicate in 0..replicates {
        let all = drawn(&mut ChaCha8Rng::seed_from_u64(u64::from(replicate)), in_arm, skewed);
        let rows = run(estimator, &question(), design, &stores(&all));
        let row = row(&rows, "absolute");
        covered += u32::from(row.conf_low.is_none_or(|low| low <= 1.0) && row.conf_high.is_none_or(|high| high >= 1.0));
    }
    f64::from(covered) / f64::from(replicates)
}

#[test]
fn intervals_cover_from_few_clusters_to_many() {
    let replicates = replications(400);
    let by_hand = |errors: &str| by_store(&[("errors", errors), ("replicates", "199")]);
    for (in_arm, skewed) in [([2, 3], false), ([5, 5], false), ([10, 10], false), ([10, 10], true), ([25, 25], true)] {
        for errors in ["CR2", "CR3"] {
            let rate = coverage("cluster_robust", in_arm, &by_hand(errors), skewed, replicates);
            println!("{errors}, {in_arm:?} clusters, skewed {skewed}: {rate}");
            // Three standard errors of the rate. CR3, and Satterthwaite's approximation with few clusters, err to the wide side.
            let most = if errors == "CR3" { 1.0 } else { 0.99 };
            assert!((0.915..=most).contains(&rate), "{errors} {in_arm:?}: {rate}");
        }
        let rate = coverage("cluster_robust", in_arm, &by_hand("wild"), skewed, replicates / 8);
        println!("wild, {in_arm:?} clusters, skewed {skewed}: {rate}");
        assert!(rate >= 0.84, "wild {in_arm:?}: {rate}");
    }
    let naive = coverage("difference_in_means", [5, 5], &by_store(&[]), false, replicates / 4);
    println!("units taken as independent, [5, 5] clusters: {naive}");
    assert!(naive < 0.85, "{naive}");
}

#[test]
fn covariates_of_clusters_narrow_the_interval_and_it_still_covers() {
    let design = Design { covariates: vec!["x".to_owned()], ..by_store(&[]) };
    let rate = coverage("cluster_robust", [15, 15], &design, false, replications(400));
    assert!((0.915..=0.985).contains(&rate), "{rate}");
    let all = drawn(&mut ChaCha8Rng::seed_from_u64(11), [15, 15], false);
    let error = |design: &Design| row(&run("cluster_robust", &question(), design, &stores(&all)), "absolute").std_error;
    assert!(error(&design).unwrap() < 0.8 * error(&by_store(&[])).unwrap());
}
