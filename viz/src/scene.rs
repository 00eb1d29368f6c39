//! The neutral description of a figure: panels, axes and marks with a meaning, no colours and no pixels of its own.
//!
//! Both renderings ([`crate::backend`]) read this one value, so that the static figure and the interactive one cannot differ.

use crate::axis::Axis;
use crate::shape::Shape;
use crate::theme::Ink;

/// A whole figure, before it has a theme and a width.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scene {
    /// Panels from the top down; they share their left and right edges.
    pub panels: Vec<Panel>,
    /// The series a reader must tell apart, in order; empty when there is nothing to tell apart.
    pub keys: Vec<Key>,
}

/// A series in the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its name, the same as [`Mark::series`] of its marks.
    pub name: String,
    /// Its ink.
    pub ink: Ink,
    /// How its line is drawn; `None` for a filled swatch.
    pub dash: Option<Dash>,
}

/// One pair of axes and what is drawn on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What the panel shows, above it; empty for none.
    pub heading: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Height of the drawing area in px; a panel of rows has the height of its rows.
    pub height: f64,
    /// Marks in the order to draw them.
    pub marks: Vec<Mark>,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Dash {
    /// ────
    #[default]
    Solid,
    /// ─ ─ ─
    Dash,
    /// ∙∙∙∙
    Dot,
    /// ─∙─∙
    DashDot,
}

/// The dash of the arm at this place, so that colour is not the only carrier.
pub fn arm_dash(place: usize) -> Dash {
    [Dash::Solid, Dash::Solid, Dash::Dash, Dash::DashDot, Dash::Dot][if place == 0 { 0 } else { 1 + (place - 1) % 4 }]
}

/// Which way a rule or a zone runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Across {
    /// At a position of the horizontal axis, from bottom to top.
    X,
    /// At a position of the vertical axis, from left to right.
    Y,
}

/// Where text stands from its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// To the right of it.
    Start,
    /// Centred on it.
    Middle,
    /// To the left of it.
    End,
}

/// A straight piece of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// One end.
    pub from: (f64, f64),
    /// The other end.
    pub to: (f64, f64),
}

/// A dot and what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// Place.
    pub at: (f64, f64),
    /// Form.
    pub shape: Shape,
    /// Ink.
    pub ink: Ink,
    /// Lines shown when it is pointed at; user text as it is, each rendering escapes it.
    pub said: Vec<String>,
}

/// A column from `base` to `top`, `width` wide around `x`.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Centre.
    pub x: f64,
    /// Width in the coordinates of the axis.
    pub width: f64,
    /// Lower end.
    pub base: f64,
    /// Upper end.
    pub top: f64,
    /// Lines shown when it is pointed at.
    pub said: Vec<String>,
}

/// What is drawn: coordinates are of the panel's axes, thicknesses and shifts in px.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Straight pieces of one thickness.
    Segments {
        /// The pieces.
        segments: Vec<Segment>,
        /// Ink.
        ink: Ink,
        /// Opacity, 0 to 1.
        opacity: f64,
        /// Thickness in px.
        thickness: f64,
    },
    /// A line through points in order.
    Line {
        /// The points; a gap is a new mark.
        points: Vec<(f64, f64)>,
        /// What is said of each point when it is pointed at; empty, or one entry per point.
        said: Vec<Vec<String>>,
        /// Ink.
        ink: Ink,
        /// How it is drawn.
        dash: Dash,
        /// Thickness in px.
        thickness: f64,
        /// The series it belongs to.
        series: String,
    },
    /// The area between two lines.
    Band {
        /// Position and the two ends there, in order.
        points: Vec<(f64, f64, f64)>,
        /// Ink.
        ink: Ink,
        /// Opacity, 0 to 1.
        opacity: f64,
        /// The series it belongs to.
        series: String,
    },
    /// Columns of one series.
    Columns {
        /// The columns.
        columns: Vec<Column>,
        /// Ink.
        ink: Ink,
        /// The series it belongs to.
        series: String,
    },
    /// Dots.
    Dots {
        /// The dots.
        dots: Vec<Dot>,
        /// Diameter in px.
        size: f64,
    },
    /// A line across the whole panel.
    Rule {
        /// Which way it runs.
        across: Across,
        /// Where.
        at: f64,
        /// Ink.
        ink: Ink,
        /// How it is drawn.
        dash: Dash,
    },
    /// A shaded stripe across the whole panel.
    Zone {
        /// Which way it runs.
        across: Across,
        /// One edge.
        from: f64,
        /// The other edge.
        to: f64,
        /// Ink.
        ink: Ink,
        /// Opacity, 0 to 1.
        opacity: f64,
    },
    /// A short text.
    Text {
        /// Place.
        at: (f64, f64),
        /// Shift from the place in px, right and down.
        shift: (f64, f64),
        /// The text; user text as it is, each rendering escapes it.
        text: String,
        /// Ink.
        ink: Ink,
        /// Where it stands from its place.
        anchor: Anchor,
    },
}

impl Mark {
    /// The series it belongs to; empty for none.
    pub fn series(&self) -> &str {
        match self {
            Self::Line { series, .. } | Self::Band { series, .. } | Self::Columns { series, .. } => series,
            _ => "",
        }
    }
}
