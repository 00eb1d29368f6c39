//! What each chart looks like, as text: read these like any other text in review.

use estimand_viz::chart::ALL;
use estimand_viz::theme::Theme;

#[test]
fn every_chart_as_plotly_and_as_svg() {
    for chart in ALL {
        let figure = chart.figure(&chart.example()).expect("a chart draws its own example");
        let spec: serde_json::Value = serde_json::from_str(&figure.plotly_json(&Theme::LIGHT, 760.0)).expect("JSON");
        insta::assert_json_snapshot!(format!("{}_plotly", chart.name()), spec);
        for (name, width) in [("narrow", 340.0), ("wide", 760.0)] {
            // One element a line, so that a change is one line of the difference.
            let svg = figure.svg(&Theme::LIGHT, width).replace("><", ">\n<");
            insta::assert_snapshot!(format!("{}_{name}", chart.name()), svg);
        }
        let words = format!("{}\n{}\n{}\n{:#?}", figure.title, figure.caption, figure.summary, figure.table);
        insta::assert_snapshot!(format!("{}_words", chart.name()), words);
    }
}
