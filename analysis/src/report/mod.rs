//! The report: one self-contained HTML page of a run.
//!
//! ```text
//! ReportModel ──▶ view (numbers as text, bars as marks) ──▶ one template per section ──▶ page
//! ```
//!
//! The page is complete without scripts: tables, and a static drawing of each figure. A script adds switches, filters, keys and
//! downloads; Plotly, when it is there, makes the figures interactive. Nothing is fetched, and nothing is computed in the browser.
//!
//! To add a section: one template in `analysis/templates/report/`, one line in [`SECTIONS`].

mod error;
mod interval_bar;
mod model;
mod numbers_table;
mod policy;
mod results;
mod scorecard;
mod sql;
mod stylesheet;
mod truth;
mod view;

use estimand_viz::page::{FIGURE_CSS, FIGURE_JS};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

pub use error::Error;
pub use model::{
    Arm, Correction, Exclusion, Fact, Figure, Header, Input, Method, MetricCard, Phase, Provenance, ReportModel,
    Statement, Truth,
};
pub use policy::{content_security_policy, policy_of};
pub use sql::highlighted as highlighted_sql;
pub(crate) use stylesheet::colours;
pub use stylesheet::stylesheet;

/// A part of the page with a heading of its own.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Anchor in the page, and name of the template.
    pub name: &'static str,
    /// Its entry in the table of contents; empty when it needs none.
    pub title: &'static str,
    /// Its template.
    template: &'static str,
    /// Whether the model has something to show there.
    shows: fn(&ReportModel) -> bool,
}

macro_rules! section {
    ($name:literal, $title:literal, $shows:expr) => {
        Section {
            name: $name,
            title: $title,
            template: include_str!(concat!("../../templates/report/", $name, ".html")),
            shows: $shows,
        }
    };
}

/// The sections in the order of the page.
pub const SECTIONS: &[Section] = &[
    section!("health", "", |model| !model.checks.is_empty()),
    section!("verdict", "", |model| !model.is_untrusted() && !model.verdict.is_empty()),
    section!("scorecard", "Scorecard", |model| !model.metrics.is_empty()),
    section!("truth", "Truth", |model| !model.truth.is_empty()),
    section!("over_time", "Over time", |model| !model.over_time.is_empty()),
    section!("distribution", "Distribution", |model| !model.distribution.is_empty()),
    section!("segments", "Segments", |model| !model.segments.is_empty()),
    section!("method", "Method", |_| true),
    section!("provenance", "Provenance", |_| true),
];

const PAGE: &str = include_str!("../../templates/report/page.html");
const MACROS: &str = include_str!("../../templates/report/macros.html");
const STYLE: &str = include_str!("../../templates/report/style.css");
const THEME_SCRIPT: &str = include_str!("../../templates/report/theme.js");
const SCRIPT: &str = include_str!("../../templates/report/script.js");

/// How a page comes by Plotly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlotlyMode {
    /// It is part of the page: 1.5 MB, nothing else needed.
    #[default]
    Embed,
    /// The page loads [`PLOTLY_FILE`] from its own folder; whoever writes the page puts [`estimand_viz::PLOTLY_JS`] there.
    Link,
    /// Not at all: static figures only.
    None,
}

/// The file that a page rendered with [`PlotlyMode::Link`] loads.
pub const PLOTLY_FILE: &str = "plotly-cartesian.min.js";

/// Renders a report as one HTML page.
///
/// - **Gives** the same bytes for the same model and mode.
/// - **Errors** with [`Error::UnknownStatus`] when a row has a status that is not in the status table, and with
///   [`Error::NotANumber`] when a row holds a value that is neither a number nor missing.
///
/// ```
/// use estimand_analysis::report::{Header, PlotlyMode, ReportModel, render};
///
/// let model = ReportModel {
///     header: Header { label: "Shorter <checkout>".into(), ..Header::default() },
///     ..ReportModel::default()
/// };
/// let page = render(&model, PlotlyMode::None)?;
/// assert!(page.starts_with("<!doctype html>"));
/// assert!(page.contains("<h1>Shorter &lt;checkout&gt;</h1>"));
/// # Ok::<(), estimand_analysis::report::Error>(())
/// ```
pub fn render(model: &ReportModel, plotly: PlotlyMode) -> Result<String, Error> {
    let environment = environment()?;
    let view = view::view(model, plotly)?;
    Ok(environment.get_template("page.html")?.render(view)?)
}

/// Templates of reports, with the styles and scripts that their pages share.
pub(crate) fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // Before any template is added: whether to escape is settled when a template is compiled.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page.html", PAGE)?;
    environment.add_template("macros.html", MACROS)?;
    for section in SECTIONS {
        environment.add_template(section.name, section.template)?;
    }
    environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
    environment.add_global("figure_style", Value::from_safe_string(FIGURE_CSS.to_owned()));
    environment.add_global("figure_script", Value::from_safe_string(FIGURE_JS.to_owned()));
    environment.add_global("theme_script", Value::from_safe_string(THEME_SCRIPT.to_owned()));
    environment.add_global("script", Value::from_safe_string(SCRIPT.to_owned()));
    Ok(environment)
}
