//! What the templates see: the model, and everything about it that had to be worked out.

use estimand_stats::check::{CheckResult, Outcome};
use estimand_viz::number;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::model::{Figure, Phase, ReportModel};
use super::scorecard::{Block, blocks, grids};
use super::stylesheet::colours;
use super::truth::{TruthView, truth};
use super::{Error, PLOTLY_FILE, PlotlyMode, SECTIONS, content_security_policy, results, sql};

#[derive(Serialize)]
struct View<'a> {
    report: &'a ReportModel,
    policy: String,
    colours: String,
    sections: Vec<SectionLink>,
    untrusted: bool,
    running: bool,
    /// What a look of a plan that goes on is worth.
    looking: Option<&'a str>,
    /// Plotly's own text, the file to load it from, or neither.
    plotly: Option<&'static str>,
    plotly_file: Option<&'static str>,
    interactive: bool,
    short_run_id: String,
    arms: Vec<ArmView>,
    share: Option<String>,
    share_of_100: Option<String>,
    checks: Vec<CheckView>,
    verdict: String,
    grids: String,
    blocks: Vec<Block>,
    several_arms: bool,
    /// Names of control and treatment as custom properties, for cards whose cells have no heading above them.
    labels: String,
    over_time: Vec<&'a str>,
    distribution: Vec<&'a str>,
    segments: Vec<&'a str>,
    truth: TruthView,
    exclusions: Vec<String>,
    statements: Vec<String>,
    results: String,
}

#[derive(Serialize)]
struct SectionLink {
    name: &'static str,
    title: &'static str,
}

#[derive(Serialize)]
struct ArmView {
    place: usize,
    units: String,
    allocation: Option<String>,
}

#[derive(Serialize)]
struct CheckView {
    label: String,
    class: &'static str,
    icon: &'static str,
    word: &'static str,
    value: Option<String>,
    message: String,
    help: String,
}

impl CheckView {
    fn of(check: &CheckResult, model: &ReportModel) -> Self {
        let (class, icon, word) = match check.outcome {
            Outcome::Pass => ("pass", "tick", "passed"),
            Outcome::Warn => ("warn", "alert", "warning"),
            Outcome::Fail => ("fail", "alert", "failed"),
            Outcome::NotApplicable => ("skipped", "dash", "not applicable"),
        };
        let words = check.name.replace('_', " ");
        let mut letters = words.chars();
        let label = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        let value = check.p_value.map(|p| match number::p_value(Some(p)) {
            p if p.starts_with(['<', '>']) => format!("p {p}"),
            p => format!("p = {p}"),
        });
        let (message, help) = (with_labels(&check.message, model), with_labels(&check.help, model));
        Self { label, class, icon, word, value, message, help }
    }
}

/// The context of the page.
pub(super) fn view(model: &ReportModel, plotly: PlotlyMode) -> Result<Value, Error> {
    results::check(&model.estimates)?;
    let blocks = blocks(model)?;
    let share = match &model.header.phase {
        Phase::Running { share, .. } => *share,
        Phase::Ended | Phase::Looking { .. } => None,
    };
    let view = View {
        report: model,
        policy: content_security_policy(plotly),
        colours: colours(),
        sections: SECTIONS
            .iter()
            .filter(|section| (section.shows)(model))
            .map(|section| SectionLink { name: section.name, title: section.title })
            .collect(),
        untrusted: model.is_untrusted(),
        running: model.is_running(),
        looking: match &model.header.phase {
            Phase::Looking { progress } => Some(progress),
            Phase::Ended | Phase::Running { .. } => None,
        },
        plotly: (plotly == PlotlyMode::Embed).then_some(estimand_viz::PLOTLY_JS),
        plotly_file: (plotly == PlotlyMode::Link).then_some(PLOTLY_FILE),
        interactive: plotly != PlotlyMode::None,
        short_run_id: short(&model.header.run_id),
        arms: model
            .header
            .arms
            .iter()
            .enumerate()
            .map(|(place, arm)| ArmView {
                place: place % estimand_viz::theme::ARMS,
                units: number::count(arm.units),
                allocation: arm.allocation.map(number::share),
            })
            .collect(),
        share: share.map(number::share),
        share_of_100: share.map(|share| format!("{:.1}", (share * 100.0).clamp(0.0, 100.0))),
        checks: model.checks.iter().map(|check| CheckView::of(check, model)).collect(),
        verdict: with_labels(&model.verdict, model),
        grids: grids(&blocks),
        blocks,
        several_arms: model.header.arms.len() > 2,
        labels: ["--control", "--treatment"]
            .iter()
            .zip(&model.header.arms)
            .map(|(property, arm)| format!("{property}:{};", css_string(&arm.label)))
            .collect(),
        over_time: elements(&model.over_time, plotly),
        distribution: elements(&model.distribution, plotly),
        segments: elements(&model.segments, plotly),
        truth: truth(model),
        exclusions: model.method.exclusions.iter().map(|exclusion| number::count(exclusion.units)).collect(),
        statements: model.method.statements.iter().map(|statement| sql::highlighted(&statement.sql)).collect(),
        results: results::json(&model.estimates),
    };
    Ok(Value::from(Serde(view)))
}

/// A sentence with arms and metrics by their names for people, where it quotes those of the result table.
fn with_labels(sentence: &str, model: &ReportModel) -> String {
    let arms = model.header.arms.iter().map(|arm| (&arm.name, &arm.label));
    let metrics = model.metrics.iter().map(|card| (&card.name, &card.label));
    arms.chain(metrics).fold(sentence.to_owned(), |sentence, (name, label)| {
        if label.is_empty() { sentence } else { sentence.replace(&format!("`{name}`"), label) }
    })
}

/// The first twelve characters of a run's id, and only such as may stand in a style sheet.
fn short(run_id: &str) -> String {
    run_id.chars().filter(char::is_ascii_alphanumeric).take(12).collect()
}

/// Text as a CSS string: everything but letters, digits and blanks as an escape.
fn css_string(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        letter if letter.is_alphanumeric() || letter == ' ' => letter.to_string(),
        letter => format!("\\{:x} ", u32::from(letter)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// The elements of the figures, with or without their Plotly source.
fn elements(figures: &[Figure], plotly: PlotlyMode) -> Vec<&str> {
    figures
        .iter()
        .map(|figure| if plotly == PlotlyMode::None { figure.still.as_str() } else { figure.interactive.as_str() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_names_become_names_for_people() {
        let mut model = ReportModel::default();
        model.header.arms =
            vec![crate::report::Arm { name: "one_page".into(), label: "One page".into(), ..Default::default() }];
        assert_eq!(with_labels("`one_page` improves `x`.", &model), "One page improves `x`.");
    }

    #[test]
    fn no_text_ends_a_css_string() {
        assert_eq!(css_string("No e-mail"), "\"No e\\2d mail\"");
        assert_eq!(css_string("\"};x{\\\n"), "\"\\22 \\7d \\3b x\\7b \\5c \\a \"");
    }

    #[test]
    fn a_short_run_id_holds_letters_and_digits_only() {
        assert_eq!(short("5f0c1f3ab29d7e66"), "5f0c1f3ab29d");
        assert_eq!(short("\"}</style>"), "style");
    }
}
