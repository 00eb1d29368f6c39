//! Time to event against R 4.2.2 with survival 3.5-3: the reference cases, and competing risks.

use std::collections::BTreeMap;

use estimand_stats::survival::{
    ConfidenceScale, Cox, CoxRow, CumulativeIncidence, KaplanMeier, LifeTable, Ties, Weibull, Weighting, log_rank,
};
use serde_json::Value;

use crate::oracle::{assert_within, cases};
use crate::shared_data::{Table, table};

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a row has the event: `status = 2`, or a column of 0 and 1.
fn event(data: &Table, inputs: &Value) -> Vec<bool> {
    let said = text(&inputs["event"]);
    let (column, value) = said.split_once(" = ").unwrap_or((&said, "1"));
    data.text(column).iter().map(|cell| cell.as_deref() == Some(value)).collect()
}

/// Tables by level of a column, in the order of the levels.
fn by_level(data: &Table, inputs: &Value, keep: impl Fn(usize) -> bool, column: Option<&str>) -> Vec<LifeTable> {
    let (times, events) = (data.numbers("time"), event(data, inputs));
    let mut units: BTreeMap<String, Vec<(f64, bool, u64)>> = BTreeMap::new();
    for row in (0..times.len()).filter(|row| keep(*row)) {
        let level = column.and_then(|column| data.text(column)[row].clone()).unwrap_or_default();
        units.entry(level).or_default().push((times[row], events[row], 1));
    }
    units.into_values().map(|units| LifeTable::of(units).expect("times")).collect()
}

fn tables(case: &Value, column: Option<&str>) -> Vec<LifeTable> {
    by_level(&table(&text(&case["dataset"])), &case["inputs"], |_| true, column)
}

#[test]
fn survival_agrees_with_r() {
    let methods = ["kaplan_meier", "km_quantiles", "rmst", "logrank", "cox", "weibull_aft"];
    let Some(cases) = cases("survival", &methods) else { return };
    let mut ran = 0;
    for case in &cases {
        match text(&case["method"]).as_str() {
            "kaplan_meier" => kaplan_meier(case),
            "km_quantiles" => quantiles(case),
            "rmst" => restricted_means(case),
            "logrank" => log_ranks(case),
            "cox" => cox(case),
            _ => weibull(case),
        }
        ran += 1;
    }
    println!("survival: {ran} ran and passed");
    assert_eq!(ran, 15);
}

/// Lifetimes of Weibull's form, the intercept first among the terms.
fn weibull(case: &Value) {
    let (data, inputs) = (table(&text(&case["dataset"])), &case["inputs"]);
    let (times, events) = (data.numbers("time"), event(&data, inputs));
    let names: Vec<String> = inputs["x"].as_array().unwrap().iter().map(text).filter(|name| name != "1").collect();
    let columns: Vec<Vec<f64>> = names.iter().map(|name| data.numbers(name)).collect();
    let row = |at: usize| CoxRow {
        time: times[at],
        event: events[at],
        stratum: 0,
        count: 1,
        x: columns.iter().map(|column| column[at]).collect(),
    };
    let fit = Weibull::fit(&(0..times.len()).map(row).collect::<Vec<CoxRow>>()).unwrap();
    let rtol = case["rtol"].as_f64().unwrap();
    for (at, name) in std::iter::once("(Intercept)").chain(names.iter().map(String::as_str)).enumerate() {
        let want = case["expected"]["coef"][name].as_f64().unwrap();
        assert!((fit.coefficients[at] - want).abs() <= rtol * want.abs(), "{name}: {} {want}", fit.coefficients[at]);
    }
    assert_within(case, "scale", &[fit.scale]);
    assert_within(case, "loglik", &[fit.log_likelihood]);
}

fn kaplan_meier(case: &Value) {
    let table = tables(case, None).remove(0);
    let curve = table.kaplan_meier();
    let scale = match text(&case["inputs"]["conf"]).as_str() {
        "log-log" => ConfidenceScale::LogLog,
        "plain" => ConfidenceScale::Plain,
        _ => ConfidenceScale::Log,
    };
    let times: Vec<f64> = case["expected"]["time"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    let steps: Vec<_> = times.iter().map(|time| curve.at(*time).unwrap()).collect();
    let list = |of: &dyn Fn(usize) -> f64| (0..times.len()).map(of).collect::<Vec<f64>>();
    assert_within(case, "n_risk", &list(&|at| table.at_risk(times[at]) as f64));
    assert_within(case, "surv", &list(&|at| steps[at].survival));
    assert_within(case, "std_err", &list(&|at| steps[at].std_error().unwrap()));
    assert_within(case, "lower", &list(&|at| steps[at].interval(0.95, scale).unwrap().0));
    assert_within(case, "upper", &list(&|at| steps[at].interval(0.95, scale).unwrap().1));
}

fn quantiles(case: &Value) {
    let curves: Vec<KaplanMeier> = tables(case, Some("sex")).iter().map(LifeTable::kaplan_meier).collect();
    for (key, q) in [("q25", 0.25), ("q50", 0.5), ("q75", 0.75)] {
        assert_within(case, key, &curves.iter().map(|curve| curve.quantile(q).unwrap()).collect::<Vec<f64>>());
    }
    let ends = |curve: &KaplanMeier| curve.quantile_interval(0.5, 0.95, ConfidenceScale::Log);
    assert_within(case, "med_low", &curves.iter().map(|curve| ends(curve).0.unwrap()).collect::<Vec<f64>>());
    assert_within(case, "med_high", &curves.iter().map(|curve| ends(curve).1.unwrap()).collect::<Vec<f64>>());
}

fn restricted_means(case: &Value) {
    let tau = case["inputs"]["tau"].as_f64().unwrap();
    let means = tables(case, Some("sex")).into_iter().map(|arm| arm.kaplan_meier().restricted_mean(tau).unwrap());
    let (means, errors): (Vec<f64>, Vec<f64>) = means.map(|mean| (mean.mean, mean.std_error)).unzip();
    assert_within(case, "rmean", &means);
    assert_within(case, "se", &errors);
}

fn log_ranks(case: &Value) {
    let inputs = &case["inputs"];
    let (data, group) = (table(&text(&case["dataset"])), text(&inputs["group"]));
    let strata: Vec<Vec<LifeTable>> = match inputs["strata"].as_str() {
        None => vec![by_level(&data, inputs, |_| true, Some(&group))],
        Some(column) => {
            let strata = data.text(column);
            let mut levels: Vec<_> = strata.to_vec();
            levels.sort();
            levels.dedup();
            levels.iter().map(|level| by_level(&data, inputs, |row| strata[row] == *level, Some(&group))).collect()
        }
    };
    let test = log_rank(&strata, Weighting::default()).unwrap();
    assert_within(case, "chisq", &[test.statistic]);
    assert_within(case, "df", &[test.df]);
    assert_within(case, "p", &[test.tail.p]);
    assert_within(case, "obs", &test.observed);
    assert_within(case, "exp", &test.expected);
}

fn cox(case: &Value) {
    let inputs = &case["inputs"];
    let data = table(&text(&case["dataset"]));
    let names: Vec<String> = inputs["x"].as_array().unwrap().iter().map(text).collect();
    let columns: Vec<Vec<f64>> = names.iter().map(|name| data.numbers(name)).collect();
    let (times, events) = (data.numbers("time"), event(&data, inputs));
    let mut strata: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for row in 0..times.len() {
        let x: Vec<f64> = columns.iter().map(|column| column[row]).collect();
        let stratum = inputs["strata"].as_str().and_then(|column| data.text(column)[row].clone()).unwrap_or_default();
        let known = strata.iter().position(|own| *own == stratum);
        let stratum = known.unwrap_or_else(|| {
            strata.push(stratum);
            strata.len() - 1
        });
        if x.iter().all(|x| x.is_finite()) {
            rows.push(CoxRow { time: times[row], event: events[row], stratum: stratum as u32, count: 1, x });
        }
    }
    let fit = Cox::fit(&rows, if inputs["ties"] == "breslow" { Ties::Breslow } else { Ties::Efron }).unwrap();
    let robust = inputs["se"].as_str().is_some_and(|se| se.starts_with("robust"));
    let covariance = if robust { fit.robust_covariance().unwrap() } else { &fit.covariance };
    let rtol = case["rtol"].as_f64().unwrap();
    let near = |got: f64, want: &Value| {
        let want = want.as_f64().unwrap();
        assert!((got - want).abs() <= rtol * want.abs(), "{}: {got} {want}", case["id"]);
    };
    for (at, name) in names.iter().enumerate() {
        near(fit.coefficients[at], &case["expected"]["coef"][name]);
        near(covariance[(at, at)].sqrt(), &case["expected"]["se"][name]);
    }
    assert_within(case, "loglik_null", &[fit.log_likelihood[0]]);
    assert_within(case, "loglik", &[fit.log_likelihood[1]]);
    assert_within(case, "lr", &[fit.likelihood_ratio()]);
    assert_within(case, "score", &[fit.score]);
    assert_within(case, "concordance", &[fit.concordance(&rows).unwrap()]);
    // Printed with two decimals.
    let wald = (100.0 * fit.wald(covariance).unwrap()).round() / 100.0;
    assert_within(case, "wald", &[wald]);
}

/// Twelve units with many ties: time, event, arm.
const TIED: [(f64, bool, f64); 12] = [
    (1.0, true, 0.0),
    (1.0, true, 1.0),
    (1.0, false, 1.0),
    (2.0, true, 0.0),
    (2.0, true, 1.0),
    (3.0, true, 0.0),
    (3.0, false, 0.0),
    (3.0, true, 1.0),
    (4.0, true, 1.0),
    (5.0, false, 0.0),
    (5.0, true, 1.0),
    (6.0, true, 0.0),
];

#[test]
fn exact_ties_are_those_of_r() {
    // coxph(Surv(t, s) ~ x, ties = "exact"), printed to 15 digits; R stops when the likelihood gains less than 1e-9.
    let rows: Vec<CoxRow> = TIED
        .iter()
        .map(|(time, event, x)| CoxRow { time: *time, event: *event, stratum: 0, count: 1, x: vec![*x] })
        .collect();
    let fit = Cox::fit(&rows, Ties::Exact).unwrap();
    assert!((fit.coefficients[0] / 0.807696021395318 - 1.0).abs() < 1e-8, "{}", fit.coefficients[0]);
    assert!((fit.covariance[(0, 0)].sqrt() / 0.770184552543342 - 1.0).abs() < 1e-8);
    assert!((fit.log_likelihood[0] / -13.302602767994 - 1.0).abs() < 1e-12);
    assert!((fit.log_likelihood[1] / -12.7333452717027 - 1.0).abs() < 1e-12);
}

#[test]
fn peto_and_petos_weights_are_those_of_r() {
    // survdiff(Surv(t, s) ~ x, rho = 1).
    let arm = |x: f64| {
        LifeTable::of(TIED.iter().filter(|unit| unit.2 == x).map(|(time, event, _)| (*time, *event, 1))).unwrap()
    };
    let test = log_rank(&[vec![arm(0.0), arm(1.0)]], Weighting::FlemingHarrington { rho: 1.0, gamma: 0.0 }).unwrap();
    assert!((test.statistic / 0.417400731806478 - 1.0).abs() < 1e-12, "{}", test.statistic);
    assert!((test.observed[0] - 2.712962963).abs() < 1e-9 && (test.expected[0] - 3.361111111).abs() < 1e-9);
}

#[test]
fn cumulative_incidence_is_that_of_r() {
    // survfit(Surv(t, cause) ~ 1), `pstate`; its standard errors are the infinitesimal jackknife's, which agree with the
    // delta method's up to terms of the next order.
    let times = [1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
    let causes = [1, 2, 1, 0, 1, 2, 0, 1, 0, 2, 1, 0];
    let units = times.iter().zip(causes).map(|(time, cause): (&f64, usize)| (*time, cause.checked_sub(1), 1));
    let incidence = CumulativeIncidence::of(units, 2).unwrap();
    for (time, want, errors) in [
        (2.0, [0.1666666666666667, 0.0833333333333333], [0.1075828707279838, 0.0797855923130282]),
        (4.0, [0.2604166666666666, 0.1770833333333333], [0.1300172208590362, 0.114009770282671]),
        (9.5, [0.5229166666666666, 0.3270833333333333], [0.1706247668225241, 0.1608353797725304]),
    ] {
        for cause in 0..2 {
            let at = incidence.at(cause, time).unwrap();
            assert!((at.incidence - want[cause]).abs() < 1e-14, "{time} {cause}: {at:?}");
            assert!((at.std_error / errors[cause] - 1.0).abs() < 0.06, "{time} {cause}: {at:?} {}", errors[cause]);
        }
    }
}
