//! The static and the interactive figure come from one scene: they say the same words in the same theme.

use std::collections::BTreeSet;

use estimand_viz::Figure;
use estimand_viz::chart::ALL;
use estimand_viz::theme::{Palette, Theme};
use serde_json::Value;

fn figures() -> impl Iterator<Item = Figure> {
    let inputs = ALL.iter().flat_map(|chart| chart.examples().into_iter().map(move |input| (chart, input)));
    inputs.map(|(chart, input)| chart.figure(&input).expect("a chart draws its own example"))
}

/// Every string of a JSON value.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

#[test]
fn every_word_of_the_static_figure_is_in_the_interactive_one() {
    for figure in figures() {
        for width in [340.0, 760.0] {
            let (svg, json) = (figure.svg(&Theme::LIGHT, width), figure.plotly_json(&Theme::LIGHT, width));
            let spec: Value = serde_json::from_str(&json).expect("JSON");
            let mut said = Vec::new();
            strings(&spec, &mut said);
            // A label of two lines is one text with a break.
            let said = said.join("\n").replace("<br>", "\n");
            for element in svg.split("<text ").skip(1) {
                let text = element.split_once('>').and_then(|(_, rest)| rest.split_once("</text>")).expect("a text").0;
                assert!(said.contains(text), "{} at {width}: `{text}` is not in the interactive figure", figure.name);
            }
        }
    }
}

#[test]
fn every_colour_of_the_interactive_figure_is_one_that_a_page_can_translate() {
    for theme in [Theme::LIGHT, Theme::DARK.with_palette(Palette::Classic)] {
        let known: BTreeSet<&str> = theme.literals().into_iter().map(|(_, literal)| literal).collect();
        for figure in figures() {
            let spec: Value = serde_json::from_str(&figure.plotly_json(&theme, 760.0)).expect("JSON");
            let mut said = Vec::new();
            strings(&spec, &mut said);
            for colour in said.into_iter().filter(|text| text.starts_with('#')) {
                assert!(known.contains(&colour[..7]), "{}: {colour}", figure.name);
            }
        }
    }
}

#[test]
fn every_colour_of_a_page_is_declared() {
    let declared = Theme::DARK.declarations();
    for figure in figures() {
        let svg = figure.svg(&Theme::DARK, 760.0);
        for reference in svg.split("var(").skip(1) {
            let name = reference.split(',').next().expect("a name");
            assert!(declared.contains(&format!("{name}:")), "{name}");
        }
    }
}
