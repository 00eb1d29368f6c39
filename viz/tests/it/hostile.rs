//! Numbers that are infinite, missing, huge or all alike; labels that are empty or long: every chart still draws.

use estimand_viz::arm_distribution::{ArmDistribution, Bin, Distribution};
use estimand_viz::chart::{ALL, ChartInput};
use estimand_viz::effect::{Effects, Interval};
use estimand_viz::effect_series::EffectSeries;
use estimand_viz::exposure_series::{ExposureDay, ExposureSeries};
use estimand_viz::theme::Theme;

const NUMBERS: [Option<f64>; 12] = [
    None,
    Some(0.0),
    Some(-0.0),
    Some(f64::NAN),
    Some(f64::INFINITY),
    Some(f64::NEG_INFINITY),
    Some(f64::MAX),
    Some(f64::MIN),
    Some(f64::MIN_POSITIVE),
    Some(5e-324),
    Some(1e18),
    Some(-0.02),
];

fn example(name: &str) -> ChartInput {
    let chart = ALL.iter().find(|chart| chart.name() == name).expect("a chart");
    chart.examples().into_iter().next().expect("an example")
}

/// Draws the input with every chart that accepts it, and looks for what no picture may hold.
fn draw(input: &ChartInput, what: &str) {
    for chart in ALL.iter().filter(|chart| chart.accepts(input)) {
        let figure = chart.figure(input).unwrap_or_else(|error| panic!("{}: {error}", chart.name()));
        let svg = figure.svg(&Theme::LIGHT, 320.0);
        let words = format!("{} {} {} {:?}", figure.caption, figure.summary, svg, figure.table);
        for wrong in ["NaN", "inf", "null"] {
            assert!(!words.contains(wrong), "{} with {what}: {wrong}", chart.name());
        }
        assert!(svg.len() < 2_000_000, "{} with {what}: {} bytes", chart.name(), svg.len());
        let json = figure.plotly_json(&Theme::LIGHT, 320.0);
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    }
}

fn effects() -> Effects {
    match example("forest") {
        ChartInput::Effects(effects) => effects,
        other => panic!("{other:?}"),
    }
}

fn series() -> EffectSeries {
    match example("cumulative_effect") {
        ChartInput::EffectSeries(series) => series,
        other => panic!("{other:?}"),
    }
}

#[test]
fn effects_of_any_numbers() {
    for estimate in [None, Some(f64::NAN), Some(f64::MAX), Some(-0.02)] {
        for (low, high) in NUMBERS.into_iter().flat_map(|low| NUMBERS.map(|high| (low, high))) {
            let mut block = effects();
            block.rows.truncate(3);
            let level = block.rows[1].intervals[0].level;
            block.rows[1].estimate = estimate;
            block.rows[1].intervals = vec![Interval { level, low, high }];
            block.rows[1].margin = high;
            block.minimum_effect = low;
            draw(&ChartInput::Effects(block), &format!("{estimate:?} in {low:?} to {high:?}"));
        }
    }
}

#[test]
fn pictures_of_any_width() {
    for input in ALL.iter().flat_map(|chart| chart.examples()) {
        for chart in ALL.iter().filter(|chart| chart.accepts(&input)) {
            let figure = chart.figure(&input).expect("a chart draws what it accepts");
            for width in NUMBERS.into_iter().flatten() {
                let svg = figure.svg(&Theme::LIGHT, width);
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{} at {width}", chart.name());
            }
        }
    }
}

#[test]
fn labels_of_any_length() {
    for label in
        ["", " ", "\u{0}\u{1b}[31m", &"x".repeat(5_000), &"ein Wort ".repeat(500), "指標の名前", "<b>&amp;</b>"]
    {
        let mut block = effects();
        for row in &mut block.rows {
            row.label = label.to_owned();
            row.arm = label.to_owned();
            row.segment = Some(label.to_owned());
        }
        draw(&ChartInput::Effects(block), label);
    }
}

#[test]
fn series_of_any_numbers() {
    for number in NUMBERS {
        for other in NUMBERS {
            let mut series = series();
            for point in series.arms.iter_mut().flat_map(|arm| &mut arm.points).take(9) {
                (point.estimate, point.low, point.high) = (number, other, number);
            }
            draw(&ChartInput::EffectSeries(series), &format!("{number:?} and {other:?}"));
        }
    }
}

#[test]
fn one_day_and_twelve_arms_and_three_thousand_days() {
    let first = series();
    let mut one = first.clone();
    one.arms.iter_mut().for_each(|arm| arm.points.truncate(1));
    draw(&ChartInput::EffectSeries(one), "one day");

    let mut many = first.clone();
    many.arms = first.arms.iter().cycle().take(12).cloned().collect();
    draw(&ChartInput::EffectSeries(many), "twelve arms");

    let days = (0..3_000).map(|day| ExposureDay {
        day: jiff::civil::date(2020, 1, 1).saturating_add(jiff::Span::new().days(day)),
        units: vec![u64::MAX, u64::MAX, 3],
    });
    let exposures = ExposureSeries {
        title: String::new(),
        arms: vec!["A".into(), "B".into()],
        planned: vec![0.5, 0.5],
        days: days.collect(),
        sample_ratio_p: Some(f64::NAN),
    };
    draw(&ChartInput::ExposureSeries(exposures), "three thousand days");
}

#[test]
fn bins_of_any_edges() {
    for low in NUMBERS.into_iter().flatten() {
        for high in NUMBERS.into_iter().flatten() {
            let bins = vec![
                Bin { low, high, count: u64::MAX },
                Bin { low: 1.0, high: 2.5, count: 10 },
                Bin { low: 0.0, high: 0.0, count: 3 },
                Bin { low: 7.25, high: 7.25, count: 0 },
            ];
            let arm = ArmDistribution { arm: "A".into(), mean: Some(high), std_error: Some(low), bins };
            let arms = vec![arm, ArmDistribution::default()];
            let distribution = Distribution { arms, ..Distribution::default() };
            draw(&ChartInput::Distribution(distribution), &format!("a bin from {low} to {high}"));
        }
    }
}

#[test]
fn a_forest_of_fifty_metrics_stays_within_its_budget() {
    let mut block = effects();
    let rows: Vec<_> = block.rows.iter().cycle().take(50).cloned().collect();
    block.rows = rows;
    let chart = ALL.iter().find(|chart| chart.name() == "forest").expect("the forest");
    let svg = chart.figure(&ChartInput::Effects(block)).expect("a figure").svg(&Theme::LIGHT, 760.0).len();
    assert!(svg < 60_000, "the forest of 50 metrics takes {svg} bytes");
}
