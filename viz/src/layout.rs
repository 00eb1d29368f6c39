//! Where everything of a scene stands at a given width: shared by both renderings.

use crate::axis::{Axis, Kind, Tick};
use crate::scene::Scene;
use crate::text_width::{shortened, text_width, wrapped};
use crate::theme::{GAP, NARROW, Reference, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, Theme};

/// Height of a row of a category axis with one line of label, in px.
const ROW: f64 = 28.0;
/// The same with two lines.
const ROW_TALL: f64 = 38.0;
/// The same when the label stands above its row.
const ROW_NARROW: f64 = 46.0;
/// How far above its row a label stands when it does.
const LABEL_RISE: f64 = 19.0;
const HEADING: f64 = 28.0;
/// How far above its panel the foot of a heading stands: the highest tick lies in between.
pub const HEADING_RISE: f64 = 12.0;
const TICK_LINE: f64 = 20.0;
const TITLE_LINE: f64 = 17.0;
const KEY_LINE: f64 = 24.0;
/// Height of a line of the title, in px.
pub const TITLE_LEADING: f64 = 20.0;
const PANEL_GAP: f64 = 14.0;
/// Length of the line or swatch of a key, in px.
pub const SWATCH: f64 = 20.0;
/// The narrowest figure that is laid out; below, it is scaled.
const LEAST_WIDTH: f64 = 260.0;
/// The widest.
const MOST_WIDTH: f64 = 10_000.0;

/// A scene laid out at one width, in px from the top left.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Width of the whole figure.
    pub width: f64,
    /// Height of the whole figure.
    pub height: f64,
    /// Left edge of every panel.
    pub left: f64,
    /// Right edge of every panel.
    pub right: f64,
    /// The panels.
    pub panels: Vec<PanelFrame>,
    /// Left ends and centre lines of the keys.
    pub keys: Vec<(f64, f64)>,
    /// Lines of the title above everything; none unless the figure stands alone.
    pub title: Vec<String>,
}

/// A panel laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelFrame {
    /// What the panel shows, as much of it as fits.
    pub heading: String,
    /// Upper edge.
    pub top: f64,
    /// Lower edge.
    pub bottom: f64,
    /// Ticks of the horizontal axis that find room.
    pub x_ticks: Vec<Tick>,
    /// Ticks of the vertical axis.
    pub y_ticks: Vec<Tick>,
    /// Whether the horizontal axis is labelled here, and not on the panel below.
    pub labelled: bool,
    /// Texts of the rows.
    pub row_texts: Vec<RowText>,
}

/// The label or the note of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowText {
    /// Position on the vertical axis.
    pub at: f64,
    /// Which edge of the panel it stands at.
    pub edge: Edge,
    /// Shift downwards from the row, in px.
    pub shift: f64,
    /// Shift to the right from the edge, in px.
    pub indent: f64,
    /// Its lines.
    pub lines: Vec<String>,
    /// Whether it is emphasised.
    pub bold: bool,
    /// Whether it is secondary.
    pub muted: bool,
}

/// Where at the edge of a panel a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Outside, at the left end of the figure.
    FarLeft,
    /// Outside, right of the panel.
    RightOutside,
    /// Inside, from the left edge on.
    LeftInside,
    /// Inside, up to the right edge.
    RightInside,
}

impl Frame {
    /// Lays the scene out in `width` px. A page shows the title in its own caption; a figure that stands alone shows it itself.
    pub fn of(scene: &Scene, title: &str, theme: &Theme, width: f64) -> Self {
        let width = if width.is_nan() { LEAST_WIDTH } else { width.clamp(LEAST_WIDTH, MOST_WIDTH) };
        let narrow = width < NARROW;
        let labels_room = label_room(scene, width, narrow);
        let notes_room = notes_room(scene, narrow);
        let (before, after) = overhangs(scene, width);
        let left = labels_room.max(tick_room(scene)).max(before);
        let right = width - notes_room.max(after);

        let title = match theme.reference {
            Reference::Literal => wrapped(title, TITLE_SIZE, width - GAP, 2),
            Reference::Variable => Vec::new(),
        };
        let above_keys = if title.is_empty() { 0.0 } else { title.len() as f64 * TITLE_LEADING + GAP };
        let (keys, key_lines) = place_keys(scene, left, right, above_keys);
        let mut top = above_keys + GAP / 2.0 + key_lines as f64 * KEY_LINE;
        let mut panels = Vec::with_capacity(scene.panels.len());
        for (place, panel) in scene.panels.iter().enumerate() {
            if !panel.heading.is_empty() {
                top += HEADING;
            }
            let height = match &panel.y.kind {
                Kind::Rows(rows) => {
                    let tall =
                        rows.iter().any(|row| row.note.len() > 1 || label_lines(&row.label, labels_room).len() > 1);
                    let pitch = match (narrow, tall) {
                        (true, _) => ROW_NARROW,
                        (_, true) => ROW_TALL,
                        _ => ROW,
                    };
                    (panel.y.high - panel.y.low) * pitch
                }
                _ => panel.height,
            };
            let bottom = top + height;
            let same_below = scene.panels.get(place + 1).is_some_and(|below| {
                (below.x.low, below.x.high, &below.x.kind) == (panel.x.low, panel.x.high, &panel.x.kind)
            });
            let labelled = !same_below;
            panels.push(PanelFrame {
                // Bold text is a little wider.
                heading: shortened(&panel.heading, SMALL_SIZE * 1.06, width),
                top,
                bottom,
                x_ticks: thinned(&panel.x, right - left),
                y_ticks: panel.y.ticks.clone(),
                labelled,
                row_texts: row_texts(&panel.y, labels_room, right - left, narrow),
            });
            top = bottom + PANEL_GAP;
            if labelled {
                top += TICK_LINE - PANEL_GAP / 2.0;
                if !panel.x.title.is_empty() {
                    top += TITLE_LINE;
                }
            }
        }
        Self { width, height: (top - PANEL_GAP / 2.0).ceil(), left, right, panels, keys, title }
    }

    /// A height in Plotly's paper coordinates: 0 at the lower edge of the last panel, 1 at the upper edge of the first.
    pub fn paper_y(&self, y: f64) -> f64 {
        match (self.panels.first(), self.panels.last()) {
            (Some(first), Some(last)) => (last.bottom - y) / (last.bottom - first.top),
            _ => 0.0,
        }
    }

    /// Where a position of a panel's horizontal axis stands.
    pub fn x(&self, axis: &Axis, at: f64) -> f64 {
        self.left + axis.fraction(at) * (self.right - self.left)
    }
}

impl PanelFrame {
    /// Where a position of the panel's vertical axis stands: rows run down, values run up.
    pub fn y(&self, axis: &Axis, at: f64) -> f64 {
        match axis.kind {
            Kind::Rows(_) => self.top + axis.fraction(at) * (self.bottom - self.top),
            _ => self.bottom - axis.fraction(at) * (self.bottom - self.top),
        }
    }
}

fn rows_of(scene: &Scene) -> impl Iterator<Item = &crate::axis::Row> {
    scene.panels.iter().flat_map(|panel| panel.y.row_labels())
}

const INDENT: f64 = 12.0;
/// Between the panel and the note of a row: an arrow at the end of the axis stands in it.
const NOTE_INDENT: f64 = 14.0;

/// Width of the widest of some small texts, in px.
fn widest<'a>(texts: impl Iterator<Item = &'a String>) -> f64 {
    texts.map(|text| text_width(text, SMALL_SIZE)).fold(0.0, f64::max)
}

fn label_lines(label: &str, room: f64) -> Vec<String> {
    wrapped(label, TEXT_SIZE, room - GAP - INDENT, 2)
}

/// Room for labels left of the panels, at most a third of the figure.
fn label_room(scene: &Scene, width: f64, narrow: bool) -> f64 {
    if narrow {
        return GAP / 2.0;
    }
    let widest = rows_of(scene).map(|row| text_width(&row.label, TEXT_SIZE) + INDENT).fold(0.0, f64::max);
    if widest > 0.0 { (widest + GAP).min(width * 0.34).ceil() } else { 0.0 }
}

fn notes_room(scene: &Scene, narrow: bool) -> f64 {
    let widest = widest(rows_of(scene).flat_map(|row| &row.note));
    if narrow || widest == 0.0 { GAP / 2.0 } else { (widest + NOTE_INDENT).ceil() }
}

/// Room for the ticks of value axes, left of the panels.
fn tick_room(scene: &Scene) -> f64 {
    let widest = widest(scene.panels.iter().flat_map(|panel| &panel.y.ticks).map(|tick| &tick.text));
    if widest > 0.0 { (widest + GAP).ceil() } else { 0.0 }
}

/// Room left and right for the halves of the outermost ticks that stand past the edges of their panels.
fn overhangs(scene: &Scene, width: f64) -> (f64, f64) {
    let axes = scene.panels.iter().map(|panel| &panel.x).filter(|axis| axis.kind == Kind::Value);
    axes.fold((GAP / 2.0, GAP / 2.0), |(before, after), axis| {
        let past = |tick: Option<&Tick>, inside: fn(f64) -> f64| {
            // The panel is at least half of the figure.
            tick.map_or(0.0, |tick| {
                text_width(&tick.text, SMALL_SIZE) / 2.0 - inside(axis.fraction(tick.at)) * width / 2.0
            })
        };
        let first = past(axis.ticks.first(), |fraction| fraction);
        let last = past(axis.ticks.last(), |fraction| 1.0 - fraction);
        (before.max(first).ceil(), after.max(last).ceil())
    })
}

/// The ticks that stand apart: every first, second, third … counted from zero, so that zero stays.
fn thinned(axis: &Axis, width: f64) -> Vec<Tick> {
    let zero = axis.ticks.iter().position(|tick| tick.at == 0.0).unwrap_or(0);
    let widest = widest(axis.ticks.iter().map(|tick| &tick.text));
    let apart = axis
        .ticks
        .windows(2)
        .map(|pair| (axis.fraction(pair[1].at) - axis.fraction(pair[0].at)) * width)
        .fold(f64::INFINITY, f64::min);
    let every = ((widest + GAP) / apart).ceil().max(1.0) as usize;
    axis.ticks
        .iter()
        .enumerate()
        .filter(|(place, _)| place.abs_diff(zero).is_multiple_of(every))
        .map(|(_, tick)| tick.clone())
        .collect()
}

/// Places the keys as Plotly does: on one line when they fit, else in columns as wide as the widest.
fn place_keys(scene: &Scene, left: f64, right: f64, top: f64) -> (Vec<(f64, f64)>, usize) {
    let wide = |name: &str| SWATCH + GAP + text_width(name, SMALL_SIZE) + 2.0 * GAP;
    let widths: Vec<f64> = scene.keys.iter().map(|key| wide(&key.name)).collect();
    let room = right - left;
    let one_line = widths.iter().sum::<f64>() <= room;
    let column = widths.iter().copied().fold(1.0, f64::max);
    let columns = ((room / column).floor() as usize).max(1);
    let mut x = left;
    let places = widths.iter().enumerate().map(|(place, width)| {
        let line = if one_line { 0 } else { place / columns };
        let at = if one_line { x } else { left + (place % columns) as f64 * column };
        x += width;
        (at, top + line as f64 * KEY_LINE + KEY_LINE / 2.0)
    });
    let places: Vec<(f64, f64)> = places.collect();
    let lines = if one_line { places.len().min(1) } else { places.len().div_ceil(columns) };
    (places, lines)
}

fn row_texts(axis: &Axis, room: f64, panel_width: f64, narrow: bool) -> Vec<RowText> {
    let mut texts = Vec::new();
    for row in axis.row_labels() {
        let indent = if row.indented { INDENT } else { 0.0 };
        let (edge, shift) = if narrow { (Edge::LeftInside, -LABEL_RISE) } else { (Edge::FarLeft, 0.0) };
        // A heading has no bar below it, so its label may come down to the row itself.
        let shift = if narrow && row.heading { -LABEL_RISE / 2.0 } else { shift };
        let note = if narrow { &row.note[..row.note.len().min(1)] } else { &row.note[..] };
        let note_width = if note.is_empty() { 0.0 } else { widest(note.iter()) + GAP };
        let lines = if narrow {
            vec![shortened(&row.label, TEXT_SIZE, (panel_width - note_width - indent).max(40.0))]
        } else {
            label_lines(&row.label, room)
        };
        texts.push(RowText { at: row.at, edge, shift, indent, lines, bold: row.heading, muted: false });
        if !note.is_empty() {
            texts.push(RowText {
                at: row.at,
                edge: if narrow { Edge::RightInside } else { Edge::RightOutside },
                shift,
                indent: if narrow { 0.0 } else { NOTE_INDENT },
                lines: note.to_vec(),
                bold: false,
                muted: true,
            });
        }
    }
    texts
}
