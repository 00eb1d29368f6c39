//! A figure inside a page: the static picture at two widths, the data for Plotly, the table beside it.
//!
//! Scripts off, in an e-mail or printed, nothing is missing. With [`PLOTLY_JS`] and [`FIGURE_JS`] in the page, each figure is drawn by
//! Plotly in the page's colours, and drawn again when the page changes between light and dark or between wide and narrow.

use std::collections::BTreeMap;
use std::fmt::Write;

use plotly::{Configuration, Layout, Trace};
use serde::Serialize;

use crate::backend::plotly::render;
use crate::backend::svg::escaped;
use crate::figure::{Figure, Table};
use crate::theme::Theme;

/// The vendored bundle: Plotly's cartesian traces, MIT licence.
pub const PLOTLY_JS: &str = include_str!("../assets/plotly-cartesian.min.js");
/// Version of [`PLOTLY_JS`].
pub const PLOTLY_VERSION: &str = "4.1.1";
/// SHA-256 of [`PLOTLY_JS`].
pub const PLOTLY_SHA256: &str = "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a";
/// The script that draws the figures of a page, to stand after [`PLOTLY_JS`].
pub const FIGURE_JS: &str = include_str!("../assets/figure.js");
/// The style of figures; it uses the custom properties of [`Theme::declarations`].
pub const FIGURE_CSS: &str = include_str!("../assets/figure.css");

/// Width in px at which the wide picture is laid out.
pub const WIDE: f64 = 760.0;
/// Width in px of a figure in one of two columns: the least for which Plotly's wide layout is made, since its text does not shrink.
const COLUMN: f64 = 540.0;
/// Width in px at which the narrow picture is laid out.
pub const NARROW: f64 = 340.0;

/// Whether a page carries the data for Plotly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interactive {
    /// Static pictures only.
    No,
    /// Static pictures, and the data for [`FIGURE_JS`].
    Yes,
}

/// What [`FIGURE_JS`] reads: data once, a layout per width, and what each colour stands for.
#[derive(Serialize)]
struct Source<'a> {
    data: &'a [Box<dyn Trace>],
    wide: &'a Layout,
    narrow: &'a Layout,
    config: &'a Configuration,
    literals: BTreeMap<&'static str, &'static str>,
}

/// The figure as one `<figure>` element: caption, pictures, data, table. User text is escaped.
pub fn element(figure: &Figure, theme: &Theme, interactive: Interactive) -> String {
    let mut html = format!(
        r#"<figure class="figure" data-chart="{}"><figcaption><span class="figure-title">{}</span> <span class="figure-note">{}</span></figcaption>"#,
        figure.name,
        escaped(&figure.title),
        escaped(&figure.caption)
    );
    let _ = write!(
        html,
        r#"<div class="figure-static figure-wide">{}</div><div class="figure-static figure-narrow">{}</div>"#,
        figure.svg(theme, WIDE),
        figure.svg(theme, NARROW)
    );
    if interactive == Interactive::Yes {
        let _ = write!(
            html,
            r#"<div class="figure-plot" role="img" aria-label="{}"></div><script type="application/json">{}</script>"#,
            escaped(&figure.summary),
            source(figure, theme)
        );
    }
    let _ = write!(
        html,
        r#"<details class="figure-data"><summary>Data of this figure</summary><div tabindex="0" role="region" aria-label="{}">{}</div></details></figure>"#,
        escaped(&format!("Data of {}", figure.title)),
        table_element(&figure.table, &figure.title)
    );
    html
}

/// The table as one `<table>` element, the first cell of each row its heading.
pub fn table_element(table: &Table, caption: &str) -> String {
    let mut html = format!("<table><caption hidden>{}</caption><thead><tr>", escaped(caption));
    for name in &table.header {
        let _ = write!(html, r#"<th scope="col">{}</th>"#, escaped(name));
    }
    html.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        html.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            let (open, close) = if place == 0 { (r#"<th scope="row">"#, "</th>") } else { ("<td>", "</td>") };
            let _ = write!(html, "{open}{}{close}", escaped(cell));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    html
}

fn source(figure: &Figure, theme: &Theme) -> String {
    let wide = render(&figure.scene, &figure.title, theme, COLUMN);
    let narrow = render(&figure.scene, &figure.title, theme, NARROW);
    let source = Source {
        data: &wide.data,
        wide: &wide.layout,
        narrow: &narrow.layout,
        config: &wide.config,
        literals: theme.literals().into_iter().map(|(name, literal)| (literal, name)).collect(),
    };
    // Strings and numbers only, which always serialise; without `<`, nothing in it can end the element it stands in.
    serde_json::to_string(&source).unwrap_or_default().replace('<', "\\u003c")
}
