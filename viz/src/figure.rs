//! A figure: one neutral scene with its words, rendered as static SVG or as Plotly.

use serde::Serialize;

pub use crate::backend::plotly::PlotlySpec;
use crate::backend::{plotly, svg};
use crate::scene::Scene;
use crate::theme::Theme;

/// The data beside a figure, as text: for readers of tables and of screens.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

/// A figure with everything a page needs to show and to explain it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name of the chart that made it.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub title: String,
    /// How to read it, in one line.
    pub caption: String,
    /// What can be seen in it, for those who do not see it.
    pub summary: String,
    /// Its data as text.
    pub table: Table,
    /// What is drawn.
    pub scene: Scene,
}

impl Figure {
    /// The complete static picture, laid out for a width in px; below [`NARROW`](crate::theme::NARROW), labels stand above their rows.
    ///
    /// Text is text, user text is escaped, coordinates have one decimal, there are no ids. It scales down with its container.
    pub fn svg(&self, theme: &Theme, width: f64) -> String {
        svg::render(&self.scene, &self.title, &self.summary, theme, width)
    }

    /// The same picture for Plotly, laid out for a width in px, which then follows the page's.
    pub fn plotly(&self, theme: &Theme, width: f64) -> PlotlySpec {
        plotly::render(&self.scene, &self.title, theme, width)
    }

    /// [`Figure::plotly`] as JSON, the same bytes each time. It holds no `<`, so that it may stand inside a `<script>` element.
    pub fn plotly_json(&self, theme: &Theme, width: f64) -> String {
        // The types of the plotly crate hold strings and numbers only, which always serialise.
        let json = serde_json::to_string(&self.plotly(theme, width)).unwrap_or_default();
        json.replace('<', "\\u003c")
    }
}
