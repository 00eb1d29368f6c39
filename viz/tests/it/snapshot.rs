//! What each chart looks like, as text: read these like any other text in review.

use estimand_viz::chart::ALL;
use estimand_viz::theme::Theme;

#[test]
fn every_chart_as_plotly_and_as_svg() {
    let inputs = ALL.iter().flat_map(|chart| chart.examples().into_iter().enumerate().map(move |input| (chart, input)));
    for (chart, (place, input)) in inputs {
        let figure = chart.figure(&input).expect("a chart draws its own example");
        let name = format!("{}_{}", chart.name(), place + 1);
        let spec: serde_json::Value = serde_json::from_str(&figure.plotly_json(&Theme::LIGHT, 760.0)).expect("JSON");
        insta::assert_json_snapshot!(format!("{name}_plotly"), spec);
        for (form, width) in [("narrow", 340.0), ("wide", 760.0)] {
            // One element a line, so that a change is one line of the difference.
            let svg = figure.svg(&Theme::LIGHT, width).replace("><", ">\n<");
            insta::assert_snapshot!(format!("{name}_{form}"), svg);
        }
        let words = format!("{}\n{}\n{}\n{:#?}", figure.title, figure.caption, figure.summary, figure.table);
        insta::assert_snapshot!(format!("{name}_words"), words);
    }
}
