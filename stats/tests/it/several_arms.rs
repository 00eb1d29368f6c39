//! Comparisons of several arms against R 4.2.2 and SciPy 1.17.1, by the reference cases.

use estimand_stats::several_arms::{Centre, anova, brown_forsythe, kruskal_wallis, tukey, welch_anova};
use serde_json::Value;

use crate::oracle::{assert_within, cases};
use crate::shared_data::table;
use crate::tallies::{Tally, units};

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A case with a part of its expectation in its place.
fn part(case: &Value, name: &str) -> Value {
    let mut part = case.clone();
    part["expected"] = case["expected"][name].clone();
    part
}

#[test]
fn analyses_of_variance_agree_with_r() {
    let Some(cases) = cases("anova", &["anova_oneway", "dunnett"]) else { return };
    let (mut ran, mut waiting) = (0, 0);
    for case in &cases {
        if case["method"] == "dunnett" {
            println!("  {} waits: many-to-one comparisons by the multivariate t", text(&case["id"]));
            waiting += 1;
            continue;
        }
        let data = table(&text(&case["dataset"]));
        let arms = ["ctrl", "trt1", "trt2"].map(|level| Tally::of(&units(&data, "weight", "group", level)));
        let laws: Vec<_> = arms.iter().map(Tally::law).collect();
        let classic = anova(&laws).unwrap();
        let expected = part(case, "anova");
        assert_within(&expected, "F", &[classic.test.statistic]);
        assert_within(&expected, "p", &[classic.test.tail.p]);
        assert_within(&expected, "ss_between", &[classic.between]);
        assert_within(&expected, "ss_within", &[classic.within]);
        let welch = welch_anova(&laws).unwrap();
        let expected = part(case, "welch_anova");
        assert_within(&expected, "statistic", &[welch.statistic]);
        assert_within(&expected, "parameter", &[welch.numerator_df, welch.denominator_df]);
        assert_within(&expected, "p", &[welch.tail.p]);
        let ranks = kruskal_wallis(&laws).unwrap();
        let expected = part(case, "kruskal");
        assert_within(&expected, "statistic", &[ranks.statistic]);
        assert_within(&expected, "p", &[ranks.tail.p]);
        let names = ["ctrl", "trt1", "trt2"];
        for pair in tukey(&laws, 0.95).unwrap() {
            let expected = part(&part(case, "tukey"), &format!("{}-{}", names[pair.arms.0], names[pair.arms.1]));
            assert_within(&expected, "diff", &[pair.difference]);
            assert_within(&expected, "lwr", &[pair.interval.low.unwrap()]);
            assert_within(&expected, "upr", &[pair.interval.high.unwrap()]);
            assert_within(&expected, "p adj", &[pair.tail.p]);
        }
        ran += 1;
    }
    println!("anova: {ran} ran and passed, {waiting} wait");
    assert_eq!((ran, waiting), (1, 1));
}

#[test]
fn equal_spread_is_tested_as_by_scipy() {
    let Some(cases) = cases("nonparametric", &["rank_tests"]) else { return };
    for case in &cases {
        let inputs = &case["inputs"];
        let data = table(&text(&case["dataset"]));
        let arm =
            |level: &str| Tally::of(&units(&data, &text(&inputs["y"]), &text(&inputs["group"]), &text(&inputs[level])));
        let arms = [arm("treatment"), arm("control")];
        let test = brown_forsythe(&arms.each_ref().map(Tally::law), Centre::Median).unwrap();
        assert_within(case, "brown_forsythe", &[test.statistic]);
        assert_within(case, "brown_forsythe_p", &[test.tail.p]);
    }
    assert_eq!(cases.len(), 2);
}

#[test]
fn arms_that_cannot_be_compared_have_no_test() {
    let (one, flat, none) = (Tally::of(&[1.0, 2.0, 4.0]), Tally::of(&[3.0; 4]), Tally::of(&[]));
    for arms in [vec![one.law()], vec![one.law(), none.law()], vec![flat.law(), flat.law()]] {
        assert_eq!(anova(&arms), None);
        assert_eq!(welch_anova(&arms), None);
        assert_eq!(kruskal_wallis(&arms), None);
        assert_eq!(tukey(&arms, 0.95), None);
        assert_eq!(brown_forsythe(&arms, Centre::Mean), None);
    }
}
