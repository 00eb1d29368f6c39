//! A scene as Plotly data, layout and configuration, through the types of the `plotly` crate.
//!
//! Ticks, labels and margins are those of the static picture at the same width. All axes are fixed: pointing, and hiding a series by its
//! key, work; nothing moves by accident, and a finger scrolls the page.

use plotly::common::{Anchor, DashType, Fill, Font, HoverInfo, Label, Line, Marker, MarkerSymbol, Mode, Orientation};
use plotly::configuration::{Configuration, DisplayModeBar, DoubleClick};
use plotly::layout::{
    Annotation, Axis as PlotlyAxis, AxisRange, AxisType, BarMode, DragMode, HAlign, HoverMode, Layout, Legend, Margin,
    Shape as PlotlyShape, ShapeLayer, ShapeLine, ShapeType, TicksDirection, TraceOrder,
};
use plotly::{Scatter, Trace};
use serde::Serialize;

use crate::axis::{Axis, Kind};
use crate::layout::{Edge, Frame, HEADING_RISE, PanelFrame};
use crate::scene::{self, Across, Column, Dash, Dot, Mark, Panel, Scene, Segment};
use crate::shape::Shape;
use crate::theme::{FONT, Ink, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, Theme};

/// Milliseconds of a day: Plotly's date axes count them from 1970-01-01.
const DAY: f64 = 86_400_000.0;
/// Plotly numbers its axes; the crate's layout has this many.
const MOST_PANELS: usize = 8;

/// Data, layout and configuration of one figure; serialises to `{"data": …, "layout": …, "config": …}`, always in the same order.
#[derive(Serialize, Clone)]
pub struct PlotlySpec {
    /// The traces.
    pub data: Vec<Box<dyn Trace>>,
    /// The layout.
    pub layout: Layout,
    /// The configuration, the third argument of `Plotly.newPlot`.
    pub config: Configuration,
}

/// The scene for Plotly, laid out for a width; its height is fixed and its width follows the page's.
pub fn render(scene: &Scene, title: &str, theme: &Theme, width: f64) -> PlotlySpec {
    let frame = Frame::of(scene, title, theme, width);
    let mut drawing = Drawing {
        theme,
        frame: &frame,
        data: Vec::new(),
        shapes: Vec::new(),
        annotations: Vec::new(),
        keyed: Vec::new(),
    };
    for (place, (panel, placed)) in scene.panels.iter().zip(&frame.panels).take(MOST_PANELS).enumerate() {
        drawing.panel(panel, placed, place);
    }
    let Drawing { data, shapes, mut annotations, .. } = drawing;
    annotations.extend(title_annotation(&frame, theme));
    let layout = with_hover(layout_of(scene, theme, &frame), scene).shapes(shapes).annotations(annotations);
    PlotlySpec { data, layout, config: configuration() }
}

fn configuration() -> Configuration {
    Configuration::new()
        .responsive(true)
        .display_mode_bar(DisplayModeBar::False)
        .display_logo(false)
        .show_send_to_cloud(false)
        .plotly_server_url("")
        .double_click(DoubleClick::False)
        .scroll_zoom(false)
        .show_tips(false)
}

fn layout_of(scene: &Scene, theme: &Theme, frame: &Frame) -> Layout {
    let first = frame.panels.first();
    let whole = |px: f64| px.max(0.0).round() as usize;
    let mut layout = Layout::new()
        .auto_size(true)
        .height(whole(frame.height))
        .margin(
            Margin::new()
                .left(whole(frame.left))
                .right(whole(frame.width - frame.right))
                .top(whole(first.map_or(0.0, |panel| panel.top)))
                .bottom(whole(frame.height - frame.panels.last().map_or(0.0, |panel| panel.bottom)))
                .auto_expand(false),
        )
        .font(font(theme, SMALL_SIZE, Ink::Text))
        .paper_background_color(theme.colour(Ink::Surface))
        .plot_background_color(theme.colour(Ink::Surface))
        .hover_label(
            Label::new()
                .background_color(theme.colour(Ink::Surface))
                .border_color(theme.colour(Ink::Muted))
                .font(font(theme, SMALL_SIZE, Ink::Text))
                .align("left"),
        )
        .drag_mode(DragMode::False)
        .bar_mode(BarMode::Overlay)
        .show_legend(!scene.keys.is_empty())
        .legend(
            Legend::new()
                .orientation(Orientation::Horizontal)
                .x(0.0)
                .x_anchor(Anchor::Left)
                .y(frame.keys.first().map_or(1.0, |(_, line)| frame.paper_y(line - 12.0)))
                .y_anchor(Anchor::Top)
                // Not by group: each group would get a line of its own.
                .trace_order(TraceOrder::Normal)
                .font(font(theme, SMALL_SIZE, Ink::Text)),
        );
    for (place, (panel, placed)) in scene.panels.iter().zip(&frame.panels).take(MOST_PANELS).enumerate() {
        let x = x_axis(panel, placed, theme).anchor(axis_id('y', place));
        let y = y_axis(panel, placed, theme)
            .anchor(axis_id('x', place))
            .domain(&[frame.paper_y(placed.bottom), frame.paper_y(placed.top)]);
        layout = match place {
            0 => layout.x_axis(x).y_axis(y),
            1 => layout.x_axis2(x).y_axis2(y),
            2 => layout.x_axis3(x).y_axis3(y),
            3 => layout.x_axis4(x).y_axis4(y),
            4 => layout.x_axis5(x).y_axis5(y),
            5 => layout.x_axis6(x).y_axis6(y),
            6 => layout.x_axis7(x).y_axis7(y),
            _ => layout.x_axis8(x).y_axis8(y),
        };
    }
    layout
}

/// Lines are told together at the place pointed at; of rows and columns the nearest one, however far the pointer is.
fn with_hover(layout: Layout, scene: &Scene) -> Layout {
    let told = |mark: &Mark| matches!(mark, Mark::Line { said, .. } if !said.is_empty());
    if scene.panels.iter().flat_map(|panel| &panel.marks).any(told) {
        layout.hover_mode(HoverMode::XUnified)
    } else {
        layout.hover_mode(HoverMode::Closest).hover_distance(-1)
    }
}

fn bare_axis(axis: &Axis, theme: &Theme) -> PlotlyAxis {
    PlotlyAxis::new()
        .fixed_range(true)
        .zero_line(false)
        .show_line(false)
        .auto_margin(false)
        // Ticks without ink keep the labels off the panel.
        .ticks(TicksDirection::Outside)
        .tick_length(5)
        .tick_color(theme.colour(Ink::Surface))
        .show_grid(axis.grid)
        .grid_color(theme.colour(Ink::Grid))
        .tick_font(font(theme, SMALL_SIZE, Ink::Muted))
}

fn x_axis(panel: &Panel, placed: &PanelFrame, theme: &Theme) -> PlotlyAxis {
    let axis = &panel.x;
    let plotted = bare_axis(axis, theme)
        .type_(if axis.kind == Kind::Day { AxisType::Date } else { AxisType::Linear })
        .range(AxisRange::new(position(axis, axis.low), position(axis, axis.high)))
        .tick_values(placed.x_ticks.iter().map(|tick| position(axis, tick.at)).collect())
        .tick_text(placed.x_ticks.iter().map(|tick| tick.text.clone()).collect())
        .tick_angle(0.0)
        .show_tick_labels(placed.labelled);
    let plotted = match axis.kind {
        Kind::Day => plotted.hover_format("%-d %b %Y").spike_color(theme.colour(Ink::Muted)).spike_thickness(1),
        _ => plotted.show_spikes(false),
    };
    if placed.labelled && !axis.title.is_empty() {
        let title = plotly::common::Title::with_text(safe(&axis.title)).font(font(theme, SMALL_SIZE, Ink::Muted));
        return plotted.title(title);
    }
    plotted
}

fn y_axis(panel: &Panel, placed: &PanelFrame, theme: &Theme) -> PlotlyAxis {
    let axis = &panel.y;
    let plotted = bare_axis(axis, theme)
        .type_(AxisType::Linear)
        .tick_values(placed.y_ticks.iter().map(|tick| tick.at).collect())
        .tick_text(placed.y_ticks.iter().map(|tick| tick.text.clone()).collect());
    match axis.kind {
        // Rows run from the top down.
        Kind::Rows(_) => plotted.range(AxisRange::new(axis.high, axis.low)).show_tick_labels(false),
        _ => plotted.range(AxisRange::new(axis.low, axis.high)).show_tick_labels(true),
    }
}

/// A column chart's trace with the base of each column, which the crate's `Bar` lacks.
#[derive(Serialize, Clone)]
struct Columns {
    r#type: &'static str,
    name: String,
    x: Vec<f64>,
    y: Vec<f64>,
    base: Vec<f64>,
    width: Vec<f64>,
    marker: Marker,
    hovertext: Vec<String>,
    hoverinfo: HoverInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    hovertemplate: Option<&'static str>,
    legendgroup: String,
    showlegend: bool,
    xaxis: String,
    yaxis: String,
}

impl Trace for Columns {
    fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

struct Drawing<'a> {
    theme: &'a Theme,
    frame: &'a Frame,
    data: Vec<Box<dyn Trace>>,
    shapes: Vec<PlotlyShape>,
    annotations: Vec<Annotation>,
    keyed: Vec<String>,
}

impl Drawing<'_> {
    fn panel(&mut self, panel: &Panel, placed: &PanelFrame, place: usize) {
        let (x_id, y_id) = (axis_id('x', place), axis_id('y', place));
        if !placed.heading.is_empty() {
            let heading =
                text_annotation(self.theme, &format!("<b>{}</b>", safe(&placed.heading)), SMALL_SIZE, Ink::Text)
                    .x_ref("paper")
                    .x(0.0)
                    .x_anchor(Anchor::Left)
                    .x_shift(-self.frame.left)
                    .y_ref("paper")
                    .y(self.frame.paper_y(placed.top))
                    .y_anchor(Anchor::Bottom)
                    .y_shift(HEADING_RISE - 4.0);
            self.annotations.push(heading);
        }
        for mark in &panel.marks {
            self.mark(mark, panel, &x_id, &y_id);
        }
        for text in &placed.row_texts {
            let (at, anchor, shift) = match text.edge {
                Edge::FarLeft => (0.0, Anchor::Left, text.indent - self.frame.left),
                Edge::LeftInside => (0.0, Anchor::Left, text.indent),
                Edge::RightInside => (1.0, Anchor::Right, 0.0),
                Edge::RightOutside => (1.0, Anchor::Left, text.indent),
            };
            let lines = text.lines.iter().map(|line| safe(line)).collect::<Vec<_>>().join("<br>");
            let words = if text.bold { format!("<b>{lines}</b>") } else { lines };
            let (size, ink) = if text.muted { (SMALL_SIZE, Ink::Muted) } else { (TEXT_SIZE, Ink::Text) };
            let annotation = text_annotation(self.theme, &words, size, ink);
            let annotation = match text.edge {
                // Inside the panel grid lines pass behind the text.
                Edge::LeftInside | Edge::RightInside => annotation.background_color(self.theme.colour(Ink::Surface)),
                Edge::FarLeft | Edge::RightOutside => annotation,
            };
            self.annotations.push(
                annotation
                    .x_ref("paper")
                    .x(at)
                    .x_anchor(anchor)
                    .x_shift(shift)
                    .y_ref(&y_id)
                    .y(text.at)
                    .y_anchor(Anchor::Middle)
                    .y_shift(-text.shift),
            );
        }
    }

    fn mark(&mut self, mark: &Mark, panel: &Panel, x_id: &str, y_id: &str) {
        let theme = self.theme;
        let x = |at: f64| position(&panel.x, at);
        match mark {
            Mark::Segments { segments, ink, opacity, thickness } => {
                let (xs, ys) = pieces(segments, x);
                let line = Line::new().color(theme.translucent(*ink, *opacity)).width(*thickness);
                let trace = Scatter::new(xs, ys).mode(Mode::Lines).line(line);
                self.data.push(trace.hover_info(HoverInfo::Skip).show_legend(false).x_axis(x_id).y_axis(y_id));
            }
            Mark::Line { points, said, ink, dash, thickness, series } => {
                let line = Line::new().color(theme.colour(*ink)).width(*thickness).dash(dash_type(*dash));
                let (xs, ys) = points.iter().map(|(px, py)| (x(*px), *py)).unzip();
                let trace = Scatter::new(xs, ys).mode(Mode::Lines).line(line).x_axis(x_id).y_axis(y_id);
                let told: Vec<String> = said.iter().map(|lines| joined(lines)).collect();
                let trace = match (said.is_empty(), told_with(panel)) {
                    (true, _) => trace.hover_info(HoverInfo::Skip),
                    (_, Some(template)) => trace.hover_text_array(told).hover_template(template),
                    _ => trace.hover_text_array(told).hover_info(HoverInfo::Text),
                };
                let keyed = self.key(series);
                self.data.push(trace.name(safe(series)).legend_group(series).show_legend(keyed));
            }
            Mark::Band { points, ink, opacity, series } => {
                let there = points.iter().map(|(px, _, high)| (x(*px), *high));
                let back = points.iter().rev().map(|(px, low, _)| (x(*px), *low));
                let (xs, ys) = there.chain(back).unzip();
                let trace = Scatter::new(xs, ys)
                    .mode(Mode::Lines)
                    .line(Line::new().width(0.0))
                    .fill(Fill::ToSelf)
                    .fill_color(theme.translucent(*ink, *opacity));
                let trace = trace.hover_info(HoverInfo::Skip).show_legend(false).legend_group(series);
                self.data.push(trace.x_axis(x_id).y_axis(y_id));
            }
            Mark::Columns { columns, ink, series } => {
                let wide = if panel.x.kind == Kind::Day { DAY } else { 1.0 };
                let of = |read: fn(&Column) -> f64| columns.iter().map(read).collect::<Vec<f64>>();
                let keyed = self.key(series);
                self.data.push(Box::new(Columns {
                    r#type: "bar",
                    name: safe(series),
                    x: columns.iter().map(|column| x(column.x)).collect(),
                    y: of(|column| column.top - column.base),
                    base: of(|column| column.base),
                    width: columns.iter().map(|column| column.width * wide).collect(),
                    marker: Marker::new().color(theme.colour(*ink)).line(Line::new().width(0.0)),
                    hovertext: columns.iter().map(|column| joined(&column.said)).collect(),
                    hoverinfo: HoverInfo::Text,
                    hovertemplate: told_with(panel),
                    legendgroup: series.clone(),
                    showlegend: keyed,
                    xaxis: x_id.to_owned(),
                    yaxis: y_id.to_owned(),
                }));
            }
            Mark::Dots { dots, size } => self.dots(dots, *size, x, x_id, y_id),
            Mark::Rule { across, at, ink, dash } => {
                // A trace and not a shape: shapes stand either below the grid or above everything.
                let (xs, ys) = match across {
                    Across::X => (vec![x(*at); 2], vec![panel.y.low, panel.y.high]),
                    Across::Y => (vec![x(panel.x.low), x(panel.x.high)], vec![*at; 2]),
                };
                let line = Line::new().color(theme.colour(*ink)).width(1.0).dash(dash_type(*dash));
                let trace = Scatter::new(xs, ys).mode(Mode::Lines).line(line).hover_info(HoverInfo::Skip);
                self.data.push(trace.show_legend(false).x_axis(x_id).y_axis(y_id));
            }
            Mark::Zone { across, from, to, ink, opacity } => {
                let shape = PlotlyShape::new()
                    .shape_type(ShapeType::Rect)
                    .fill_color(theme.translucent(*ink, *opacity))
                    .line(ShapeLine::new().width(0.0))
                    .layer(ShapeLayer::Below);
                let (x_domain, y_domain) = (format!("{x_id} domain"), format!("{y_id} domain"));
                self.shapes.push(match across {
                    Across::X => shape.x_ref(x_id).x0(x(*from)).x1(x(*to)).y_ref(&y_domain).y0(0.0).y1(1.0),
                    Across::Y => shape.x_ref(&x_domain).x0(0.0).x1(1.0).y_ref(y_id).y0(*from).y1(*to),
                });
            }
            Mark::Text { at, shift, text, ink, anchor } => {
                let anchor = match anchor {
                    scene::Anchor::Start => Anchor::Left,
                    scene::Anchor::Middle => Anchor::Center,
                    scene::Anchor::End => Anchor::Right,
                };
                self.annotations.push(
                    text_annotation(theme, &safe(text), SMALL_SIZE, *ink)
                        .x_ref(x_id)
                        .x(x(at.0))
                        .x_anchor(anchor)
                        .x_shift(shift.0)
                        .y_ref(y_id)
                        .y(at.1)
                        .y_anchor(Anchor::Middle)
                        .y_shift(-shift.1),
                );
            }
        }
    }

    /// Whether this is the first trace of its series, the one that the legend shows.
    fn key(&mut self, series: &str) -> bool {
        let first = !series.is_empty() && !self.keyed.iter().any(|keyed| keyed == series);
        if first {
            self.keyed.push(series.to_owned());
        }
        first
    }

    /// One trace per shape and ink: a trace has one symbol.
    fn dots(&mut self, dots: &[Dot], size: f64, x: impl Fn(f64) -> f64, x_id: &str, y_id: &str) {
        let mut looks: Vec<(Shape, Ink)> = dots.iter().map(|dot| (dot.shape, dot.ink)).collect();
        looks.sort_unstable();
        looks.dedup();
        for look in looks {
            let alike: Vec<&Dot> = dots.iter().filter(|dot| (dot.shape, dot.ink) == look).collect();
            let (xs, ys) = alike.iter().map(|dot| (x(dot.at.0), dot.at.1)).unzip();
            let (ink, ground) = (self.theme.colour(look.1), self.theme.colour(Ink::Surface));
            let (symbol, scale) = symbol(look.0);
            let marker = Marker::new().symbol(symbol).size((size * scale).round() as usize);
            let marker = match look.0 {
                Shape::Alert => marker.color(ground).line(Line::new().color(ink).width(1.5)),
                _ => marker.color(ink).line(Line::new().color(ground).width(1.0)),
            };
            let mut trace = Scatter::new(xs, ys)
                .mode(if look.0 == Shape::Alert { Mode::MarkersText } else { Mode::Markers })
                .marker(marker)
                .clip_on_axis(false);
            trace = if alike.iter().all(|dot| dot.said.is_empty()) {
                trace.hover_info(HoverInfo::Skip)
            } else {
                trace.hover_info(HoverInfo::Text).hover_text_array(alike.iter().map(|dot| joined(&dot.said)).collect())
            };
            if look.0 == Shape::Alert {
                trace = trace
                    .text_array(vec!["<b>!</b>"; alike.len()])
                    .text_position(plotly::common::Position::MiddleCenter)
                    .text_font(font(self.theme, size * 1.2, look.1));
            }
            self.data.push(trace.show_legend(false).x_axis(x_id).y_axis(y_id));
        }
    }
}

/// Plotly's id of the axis of a panel: `x`, `x2`, `x3` ….
fn axis_id(letter: char, place: usize) -> String {
    if place == 0 { letter.to_string() } else { format!("{letter}{}", place + 1) }
}

fn position(axis: &Axis, at: f64) -> f64 {
    if axis.kind == Kind::Day { at * DAY } else { at }
}

/// Segments as one line with gaps.
fn pieces(segments: &[Segment], x: impl Fn(f64) -> f64) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
    let gap = (None, None);
    segments
        .iter()
        .enumerate()
        .flat_map(|(place, segment)| {
            let ends = [segment.from, segment.to].map(|(px, py)| (Some(x(px)), Some(py)));
            (place > 0).then_some(gap).into_iter().chain(ends)
        })
        .unzip()
}

fn title_annotation(frame: &Frame, theme: &Theme) -> Option<Annotation> {
    if frame.title.is_empty() {
        return None;
    }
    let lines = frame.title.iter().map(|line| safe(line)).collect::<Vec<_>>().join("<br>");
    let title = text_annotation(theme, &format!("<b>{lines}</b>"), TITLE_SIZE, Ink::Text)
        .align(HAlign::Left)
        .x_ref("paper")
        .x(0.0)
        .x_anchor(Anchor::Left)
        .x_shift(-frame.left)
        .y_ref("paper")
        .y(frame.paper_y(0.0))
        .y_anchor(Anchor::Top);
    Some(title)
}

fn text_annotation(theme: &Theme, text: &str, size: f64, ink: Ink) -> Annotation {
    Annotation::new().text(text).font(font(theme, size, ink)).show_arrow(false).border_pad(0.0).align(HAlign::Left)
}

fn font(theme: &Theme, size: f64, ink: Ink) -> Font {
    Font::new().family(FONT).size(size.round() as usize).color(theme.colour(ink))
}

fn dash_type(dash: Dash) -> DashType {
    match dash {
        Dash::Solid => DashType::Solid,
        Dash::Dash => DashType::Dash,
        Dash::Dot => DashType::Dot,
        Dash::DashDot => DashType::DashDot,
    }
}

/// Plotly's symbol, and its size for the same extent as a circle's.
fn symbol(shape: Shape) -> (MarkerSymbol, f64) {
    match shape {
        Shape::Circle => (MarkerSymbol::Circle, 1.0),
        Shape::Up => (MarkerSymbol::TriangleUp, 1.2),
        Shape::Down => (MarkerSymbol::TriangleDown, 1.2),
        Shape::Left => (MarkerSymbol::TriangleLeft, 1.2),
        Shape::Right => (MarkerSymbol::TriangleRight, 1.2),
        Shape::Diamond => (MarkerSymbol::Diamond, 1.15),
        Shape::Alert => (MarkerSymbol::Circle, 1.5),
    }
}

/// The text, under the day when the panel has days; without a template Plotly leaves the day out.
fn told_with(panel: &Panel) -> Option<&'static str> {
    (panel.x.kind == Kind::Day).then_some("%{hovertext}<extra></extra>")
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| safe(line)).collect::<Vec<_>>().join("<br>")
}

/// User text for Plotly, which reads some tags in every text.
fn safe(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).fold(String::new(), |mut safe, character| {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            other => safe.push(other),
        }
        safe
    })
}
