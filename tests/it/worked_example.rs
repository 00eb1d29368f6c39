//! One example, three intervals: GrowthBook's, tea-tasting's and ours from the same summary numbers.
//!
//! Expected numbers were computed by gbstats 0.8.0 (`TwoSidedTTest`) and tea-tasting 1.14.0
//! (`Mean.analyze_aggregates`) from these counts, means, variances and covariances.

use crate::command::{ABSOLUTE, Desk, RELATIVE, Row, Rows};

const PLAIN: &str = r#"
control = "A"

[[metrics]]
name = "revenue"
arms = [
    { arm = "A", n = 3407, mean = 0.41, variance = 15.21 },
    { arm = "B", n = 3461, mean = 0.70, variance = 38.44 },
]
"#;

/// The same with the revenue of before exposure beside it.
const ADJUSTED: &str = r#"
control = "A"

[[metrics]]
name = "revenue"
variables = ["revenue", "before"]
arms = [
    { arm = "A", n = 3407, means = [0.41, 0.50], covariance = [[15.21, 6.0], [6.0, 9.0]] },
    { arm = "B", n = 3461, means = [0.70, 0.52], covariance = [[38.44, 9.0], [9.0, 10.0]] },
]
"#;

fn analyze(summary: &str, options: &[&str]) -> Rows {
    let desk = Desk::with(&[("summary.toml", summary)]);
    let options = options.iter().flat_map(|option| ["--option", option]);
    desk.analyze(&["--summary", "summary.toml"].into_iter().chain(options).collect::<Vec<_>>()).rows()
}

fn effect(rows: &Rows, scale: &str) -> Row {
    rows.effect("revenue", "B", scale)
}

fn assert_columns(row: &Row, want: &[(&str, f64)]) {
    for (column, want) in want {
        let got = row.number(column);
        assert!((got - want).abs() <= 1e-11 * want.abs(), "{column} is {got:e}, want {want:e}");
    }
}

#[test]
fn all_three_agree_on_the_difference() {
    for lift in ["lift=fieller", "lift=delta", "lift=log"] {
        assert_columns(
            &effect(&analyze(PLAIN, &[lift]), ABSOLUTE),
            &[
                ("estimate", 0.29),
                ("std_error", 0.12478363158758794),
                ("statistic", 2.3240227609215203),
                ("conf_low", 0.04537789255929012),
                ("conf_high", 0.5346221074407098),
                ("p_value", 0.020158402643586978),
            ],
        );
    }
}

#[test]
fn the_delta_method_is_growthbooks() {
    let rows = analyze(PLAIN, &["lift=delta"]);
    assert_columns(
        &effect(&rows, RELATIVE),
        &[
            ("estimate", 0.7073170731707317),
            ("std_error", 0.3787943616681428),
            ("conf_low", -0.03526008906611777),
            ("conf_high", 1.449894235407581),
            ("p_value", 0.06191182745618362),
        ],
    );
    let notes = effect(&rows, RELATIVE).text("notes").to_owned();
    assert!(notes.contains("excludes 0 and would decide otherwise"), "{notes}");
}

#[test]
fn the_logarithm_is_tea_tastings() {
    assert_columns(
        &effect(&analyze(PLAIN, &["lift=log"]), RELATIVE),
        &[
            ("estimate", 0.7073170731707317),
            ("conf_low", 0.10516869613303514),
            ("conf_high", 1.637544474920042),
            ("p_value", 0.020158402643586978),
        ],
    );
}

/// The set of lifts λ with (μ₁ − (1+λ)μ₀)² ≤ q²(v₁ + (1+λ)²v₀), by its quadratic equation, and q from the interval of
/// the difference.
#[test]
fn ours_holds_what_the_test_of_the_difference_does_not_reject() {
    let rows = analyze(PLAIN, &[]);
    let (absolute, lift) = (effect(&rows, ABSOLUTE), effect(&rows, RELATIVE));
    let q = (absolute.number("conf_high") - absolute.number("estimate")) / absolute.number("std_error");
    let (m0, m1, v0, v1) = (0.41, 0.70, 15.21 / 3407.0, 38.44 / 3461.0);
    let (a, b, c) = (m0 * m0 - q * q * v0, m0 * m1, m1 * m1 - q * q * v1);
    let root = (b * b - a * c).sqrt();
    assert_columns(&lift, &[("conf_low", (b - root) / a - 1.0), ("conf_high", (b + root) / a - 1.0)]);
    let percent = lift.interval().map(|end| (100.0 * end * 10.0).round() / 10.0);
    assert_eq!(percent, [9.4, 170.9]);
    assert_eq!(lift.number("p_value"), absolute.number("p_value"), "one test, whatever the scale");
    assert_eq!(lift.text("status"), "better");
}

#[test]
fn growthbooks_adjustment_is_a_pooled_slope_over_the_plain_mean() {
    let rows = analyze(ADJUSTED, &["slope=pooled", "lift=delta", "lift_over=unadjusted"]);
    assert_columns(
        &effect(&rows, ABSOLUTE),
        &[
            ("estimate", 0.2741893477548875),
            ("std_error", 0.11014395248924248),
            ("conf_low", 0.05826563275338015),
            ("conf_high", 0.4901130627563949),
            ("p_value", 0.012824978327082404),
        ],
    );
    assert_columns(
        &effect(&rows, RELATIVE),
        &[
            ("estimate", 0.6687545067192379),
            ("std_error", 0.33183258164950014),
            ("conf_low", 0.01823741368774312),
            ("conf_high", 1.3192715997507327),
            ("p_value", 0.04391587082761417),
        ],
    );
}

#[test]
fn tea_tastings_adjustment_is_a_pooled_slope_over_the_adjusted_mean() {
    let rows = analyze(ADJUSTED, &["slope=pooled", "lift=log"]);
    assert_columns(
        &effect(&rows, ABSOLUTE),
        &[("mean", 0.6921568299069455), ("mean_baseline", 0.417967482152058), ("statistic", 2.4893726941719017)],
    );
    assert_columns(
        &effect(&rows, RELATIVE),
        &[
            ("estimate", 0.6560064106976067),
            ("conf_low", 0.13328181359642777),
            ("conf_high", 1.4198369720315211),
            ("p_value", 0.01282497832708249),
        ],
    );
}
