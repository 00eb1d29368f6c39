//! The scorecard as text: the same rows for a terminal, a document and a notebook.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, presets};
use estimand_stats::Estimate;
use estimand_viz::number::{self, Measure, Numbers};

use estimand_stats::check::Outcome;
use estimand_viz::Theme;
use estimand_viz::page::WIDE;

use crate::answered::Answered;

/// For whom the text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A terminal.
    Terminal,
    /// A document.
    Markdown,
}

const HEADER: [&str; 9] = ["metric", "arm", "n", "control", "treatment", "effect", "interval", "p", "status"];

/// One line of the scorecard: an effect on both scales with its interval, from the absolute row and the relative one.
struct Line {
    cells: [String; 9],
    notes: Option<String>,
}

/// The table, what was checked, and the verdict.
pub(super) fn text(answered: &Answered, style: Style) -> String {
    let lines = lines(answered);
    let table = table_of(style, &HEADER, &[2, 3, 4, 5, 6, 7], lines.iter().map(|line| line.cells.to_vec()));
    let mut text = String::new();
    for check in answered.checks.iter().filter(|check| check.outcome >= Outcome::Warn) {
        let word = if check.outcome == Outcome::Fail { "FAILED" } else { "warning" };
        text.push_str(&format!("{word}: {}: {} {}\n", check.name.replace('_', " "), check.message, check.help));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&table.to_string());
    text.push('\n');
    let mut notes: Vec<String> = Vec::new();
    for line in &lines {
        if let Some(note) = &line.notes {
            let note = format!("{}, {}: {note}", line.cells[0], line.cells[1]);
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    if !notes.is_empty() {
        text.push('\n');
        for note in notes {
            text.push_str(&format!("- {note}\n"));
        }
    }
    if !answered.verdict.sentence.is_empty() {
        text.push_str(&format!("\n{}\n", answered.verdict.sentence));
    }
    text
}

/// A table of texts with the columns at `right` aligned so.
pub fn table_of(style: Style, header: &[&str], right: &[usize], rows: impl Iterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(match style {
        Style::Terminal => presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─')),
        Style::Markdown => presets::ASCII_MARKDOWN,
    });
    // Data do not depend on how wide somebody's window is.
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for cells in rows {
        table.add_row(cells);
    }
    for index in right {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A fragment of HTML: the table, and the forest as SVG.
pub(super) fn html(answered: &Answered) -> String {
    let mut html = String::from("<table><thead><tr>");
    for name in HEADER {
        html.push_str(&format!("<th scope=\"col\">{name}</th>"));
    }
    html.push_str("</tr></thead><tbody>");
    for line in lines(answered) {
        html.push_str("<tr>");
        for cell in &line.cells {
            html.push_str(&format!("<td>{}</td>", escape(cell)));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    html.push_str(&format!("<p>{}</p>", escape(&answered.verdict.sentence)));
    if let Some(forest) = &answered.forest {
        html.push_str(&format!("<figure>{}</figure>", forest.svg(&Theme::LIGHT, WIDE)));
    }
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn lines(answered: &Answered) -> Vec<Line> {
    let rows = &answered.estimates.rows;
    let whole = |row: &&Estimate| {
        row.segment.is_none() && row.period.is_none() && row.term.is_none() && row.scale.as_deref() == Some("absolute")
    };
    let several = rows.iter().any(|row| row.experiment != rows[0].experiment);
    let mut lines = Vec::new();
    for absolute in rows.iter().filter(whole) {
        let relative = rows.iter().find(|row| {
            row.scale.as_deref() == Some("relative")
                && row.segment.is_none()
                && row.period.is_none()
                && (&row.experiment, &row.metric, &row.arm) == (&absolute.experiment, &absolute.metric, &absolute.arm)
                && (&row.estimator, &row.decides, &row.options)
                    == (&absolute.estimator, &absolute.decides, &absolute.options)
        });
        let mut line = line(answered, absolute, relative);
        if let (true, Some(experiment)) = (several, &absolute.experiment) {
            line.cells[0] = format!("{experiment}: {}", line.cells[0]);
        }
        lines.push(line);
    }
    lines
}

fn line(answered: &Answered, absolute: &Estimate, relative: Option<&Estimate>) -> Line {
    let name = absolute.metric.clone().unwrap_or_default();
    let measure = answered.measures.get(&name).cloned().unwrap_or_else(|| Measure::labelled(&name));
    let values = Numbers::values(&measure, absolute.std_error);
    let effects = Numbers::absolute(&measure, absolute.std_error);
    let (effect, interval) = match relative.filter(|row| row.estimate.is_some()) {
        Some(relative) => {
            let numbers = Numbers::relative(relative.std_error);
            let effect = format!("{} ({})", effects.effect(absolute.estimate), numbers.effect(relative.estimate));
            (effect, numbers.interval(relative.conf_low, relative.conf_high))
        }
        None => (effects.effect(absolute.estimate), effects.interval(absolute.conf_low, absolute.conf_high)),
    };
    let n = match (absolute.n, absolute.n_baseline) {
        (Some(n), Some(baseline)) => format!("{} : {}", number::count(n), number::count(baseline)),
        _ => number::UNKNOWN.to_owned(),
    };
    let status = match (&absolute.status, absolute.decides) {
        (Some(status), _) => status.clone(),
        (None, Some(false)) => "beside".to_owned(),
        (None, _) => String::new(),
    };
    Line {
        cells: [
            name,
            absolute.arm.clone().unwrap_or_default(),
            n,
            values.value(absolute.mean_baseline),
            values.value(absolute.mean),
            effect,
            interval,
            number::p_value(absolute.p_adjusted.or(absolute.p_value)),
            status,
        ],
        // A row beside says so in its status already.
        notes: absolute.notes.clone().filter(|_| absolute.decides != Some(false)),
    }
}
