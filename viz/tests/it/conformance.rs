//! Every chart, by the registry.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use estimand_viz::chart::{self, ALL};
use estimand_viz::theme::Theme;
use estimand_viz::{Figure, page};

/// Files of the charts' folder that hold no chart.
const NOT_CHARTS: [&str; 2] = ["example", "mod"];

fn examples() -> impl Iterator<Item = Figure> {
    let inputs = ALL.iter().flat_map(|chart| chart.examples().into_iter().map(move |input| (chart, input)));
    inputs.map(|(chart, input)| chart.figure(&input).expect("a chart draws its own example"))
}

#[test]
fn every_file_of_the_folder_is_registered_under_its_name_and_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/chart");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .expect("the folder of charts")
        .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| !NOT_CHARTS.contains(&name.as_str()))
        .collect();
    let registered: Vec<String> = ALL.iter().map(|chart| chart.name().to_owned()).collect();
    assert_eq!(registered, files.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_chart_accepts_and_draws_its_examples() {
    for chart in ALL {
        assert!(chart::named(chart.name()).is_some());
        for input in chart.examples() {
            assert!(chart.accepts(&input), "{}", chart.name());
            assert_eq!(chart.figure(&input).expect("a figure").name, chart.name());
        }
    }
}

#[test]
fn a_chart_refuses_what_it_does_not_accept_and_says_what_it_needs() {
    for chart in ALL {
        for input in ALL.iter().flat_map(|other| other.examples()) {
            if !chart.accepts(&input) {
                let refusal = chart.figure(&input).expect_err("a refusal").to_string();
                assert!(
                    refusal.starts_with(&format!("chart `{}` cannot draw this: it needs ", chart.name())),
                    "{refusal}"
                );
            }
        }
    }
}

#[test]
fn every_figure_has_words_and_a_full_table() {
    for figure in examples() {
        assert!(
            !figure.title.is_empty() && figure.caption.ends_with('.') && !figure.caption.contains('\n'),
            "{}",
            figure.name
        );
        assert!(figure.summary.ends_with('.'), "{}: {}", figure.name, figure.summary);
        assert!(!figure.table.rows.is_empty());
        assert!(figure.table.rows.iter().all(|row| row.len() == figure.table.header.len()), "{}", figure.name);
    }
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    for figure in examples() {
        for width in [320.0, 760.0] {
            assert_eq!(figure.svg(&Theme::LIGHT, width), figure.svg(&Theme::LIGHT, width));
            assert_eq!(figure.plotly_json(&Theme::DARK, width), figure.plotly_json(&Theme::DARK, width));
        }
    }
}

#[test]
fn every_svg_is_accessible_has_no_ids_and_tenths_of_a_px() {
    for figure in examples() {
        for width in [320.0, 760.0, 1200.0] {
            let svg = figure.svg(&Theme::LIGHT, width);
            assert!(svg.contains(r#"role="img""#) && svg.contains("<title>") && svg.contains("<desc>"));
            assert!(!svg.contains(" id=") && !svg.contains("url(") && !svg.contains("NaN") && !svg.contains("inf"));
            // Every second piece between quotes is the value of an attribute.
            let numbers = svg
                .split('"')
                .skip(1)
                .step_by(2)
                .flat_map(|value| value.split(|c: char| c != '.' && !c.is_ascii_digit()));
            let long = numbers.filter_map(|number| number.split_once('.')).find(|(_, decimals)| decimals.len() > 2);
            assert_eq!(long, None, "{} at {width}", figure.name);
        }
    }
}

#[test]
fn a_figure_in_a_page_refers_to_custom_properties_and_one_that_stands_alone_to_colours() {
    for figure in examples() {
        assert!(figure.svg(&Theme::LIGHT, 760.0).contains("var(--"));
        let alone = figure.svg(&Theme::DARK.standalone(), 760.0);
        assert!(!alone.contains("var(--") && alone.contains("#14171A"));
    }
}

#[test]
fn neither_markup_nor_scripts_of_user_text_reach_the_page() {
    for figure in examples() {
        let hostile = Figure {
            title: "</script><img src=x onerror=alert(1)>".into(),
            caption: "<b>bold</b>".into(),
            summary: "\"><svg onload=alert(1)>".into(),
            ..figure
        };
        let element = page::element(&hostile, &Theme::LIGHT, page::Interactive::Yes);
        assert!(!element.contains("<img") && !element.contains("<b>") && !element.contains("<svg onload"));
        assert_eq!(element.matches("</script>").count(), 1);
    }
}
