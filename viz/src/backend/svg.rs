//! A scene as static SVG: text as text, coordinates to a tenth of a px, no ids, so that many fit in one page.

use std::fmt::Write;

use crate::layout::{Edge, Frame, HEADING_RISE, PanelFrame, SWATCH, TITLE_LEADING};
use crate::scene::{Across, Anchor, Dash, Dot, Mark, Panel, Scene};
use crate::shape::Shape;
use crate::theme::{FONT, GAP, Ink, Reference, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, Theme};

/// Border around a figure that stands alone, in px.
const BORDER: f64 = 12.0;

/// The scene as one `<svg>` element, with its title and description for those who do not see it.
pub fn render(scene: &Scene, title: &str, description: &str, theme: &Theme, width: f64) -> String {
    let frame = Frame::of(scene, title, theme, width);
    let mut svg = String::with_capacity(4096);
    // In a page the text around a figure keeps its distance; a figure that stands alone needs a border of its own.
    let border = if theme.reference == Reference::Literal { BORDER } else { 0.0 };
    let (w, h, edge) = (px(frame.width + 2.0 * border), px(frame.height + 2.0 * border), px(-border));
    let _ = write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{edge} {edge} {w} {h}" width="{w}" height="{h}" "#
    );
    let _ = write!(
        svg,
        r#"style="max-width:100%;height:auto;color:{};font-variant-numeric:tabular-nums" font-family="{FONT}" font-size="{}">"#,
        theme.css(Ink::Text),
        px(SMALL_SIZE)
    );
    let _ = write!(svg, "<title>{}</title><desc>{}</desc>", escaped(title), escaped(description));
    if theme.reference == Reference::Literal {
        let _ =
            write!(svg, r#"<rect x="{edge}" y="{edge}" width="{w}" height="{h}" fill="{}"/>"#, theme.css(Ink::Surface));
    }
    let mut pen = Pen { svg, theme };
    for (line, words) in frame.title.iter().enumerate() {
        let style = format!(r#" font-size="{}" font-weight="600""#, px(TITLE_SIZE));
        pen.text((0.0, TITLE_SIZE + line as f64 * TITLE_LEADING), words, "start", "currentColor", &style);
    }
    pen.keys(scene, &frame);
    for (panel, placed) in scene.panels.iter().zip(&frame.panels) {
        pen.panel(panel, placed, &frame);
    }
    pen.svg.push_str("</svg>");
    pen.svg
}

/// A shape drawn around the origin, `size` px across, in `ink`.
pub(crate) fn shape(shape: Shape, size: f64, ink: &str, ground: &str) -> String {
    let r = size / 2.0;
    let path = |points: &[(f64, f64)]| {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{} {}", px(x * r), px(y * r))).collect();
        format!(
            r#"<path d="M{}Z" fill="{ink}" stroke="{ground}" stroke-width="1.5" paint-order="stroke"/>"#,
            points.join("L")
        )
    };
    match shape {
        Shape::Circle => {
            format!(r#"<circle r="{}" fill="{ink}" stroke="{ground}" stroke-width="1.5" paint-order="stroke"/>"#, px(r))
        }
        // Triangles and diamonds are drawn larger: at the same height they cover half of a circle's area.
        Shape::Up => path(&[(0.0, -1.25), (1.25, 0.95), (-1.25, 0.95)]),
        Shape::Down => path(&[(0.0, 1.25), (1.25, -0.95), (-1.25, -0.95)]),
        Shape::Left => path(&[(-1.25, 0.0), (0.95, 1.15), (0.95, -1.15)]),
        Shape::Right => path(&[(1.25, 0.0), (-0.95, 1.15), (-0.95, -1.15)]),
        Shape::Diamond => path(&[(0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0)]),
        Shape::Alert => format!(
            r#"<circle r="{}" fill="{ground}" stroke="{ink}" stroke-width="1.5"/><text y="{}" text-anchor="middle" font-size="{}" font-weight="700" fill="{ink}">!</text>"#,
            px(r * 1.5),
            px(r * 0.9),
            px(size * 1.2)
        ),
    }
}

/// User text as it may stand in an element or an attribute; characters that XML forbids are left out.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => safe.push(other),
        }
    }
    safe
}

/// A coordinate to a tenth of a px, as short as it can be.
pub(crate) fn px(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // Not `-0`, which a rounded small negative would print.
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

struct Pen<'a> {
    svg: String,
    theme: &'a Theme,
}

impl Pen<'_> {
    fn put(&mut self, element: std::fmt::Arguments) {
        // Writing to a string cannot fail.
        let _ = self.svg.write_fmt(element);
    }

    fn keys(&mut self, scene: &Scene, frame: &Frame) {
        for (key, (x, y)) in scene.keys.iter().zip(&frame.keys) {
            let ink = self.theme.css(key.ink);
            match key.dash {
                Some(dash) => self.line((*x, *y), (x + SWATCH, *y), &ink, 2.0, dash, 1.0),
                None => self.put(format_args!(
                    r#"<rect x="{}" y="{}" width="12" height="12" rx="2" fill="{ink}"/>"#,
                    px(x + (SWATCH - 12.0) / 2.0),
                    px(y - 6.0)
                )),
            }
            self.text((x + SWATCH + GAP, y + 4.0), &key.name, "start", "currentColor", "");
        }
    }

    fn panel(&mut self, panel: &Panel, placed: &PanelFrame, frame: &Frame) {
        let (muted, grid) = (self.theme.css(Ink::Muted), self.theme.css(Ink::Grid));
        if !placed.heading.is_empty() {
            self.text(
                (0.0, placed.top - HEADING_RISE),
                &panel.heading,
                "start",
                "currentColor",
                r#" font-weight="600""#,
            );
        }
        for tick in &placed.x_ticks {
            let x = frame.x(&panel.x, tick.at);
            if panel.x.grid {
                self.line((x, placed.top), (x, placed.bottom), &grid, 1.0, Dash::Solid, 1.0);
            }
            if placed.labelled {
                self.text((x, placed.bottom + 16.0), &tick.text, "middle", &muted, "");
            }
        }
        for tick in &placed.y_ticks {
            let y = placed.y(&panel.y, tick.at);
            if panel.y.grid {
                self.line((frame.left, y), (frame.right, y), &grid, 1.0, Dash::Solid, 1.0);
            }
            self.text((frame.left - GAP, y + 4.0), &tick.text, "end", &muted, "");
        }
        if placed.labelled && !panel.x.title.is_empty() {
            let middle = (frame.left + frame.right) / 2.0;
            self.text((middle, placed.bottom + 34.0), &panel.x.title, "middle", &muted, "");
        }
        for mark in &panel.marks {
            self.mark(mark, panel, placed, frame);
        }
        for text in &placed.row_texts {
            let (x, anchor) = match text.edge {
                Edge::FarLeft => (text.indent, "start"),
                Edge::LeftInside => (frame.left + text.indent, "start"),
                Edge::RightInside => (frame.right, "end"),
                Edge::RightOutside => (frame.right + text.indent, "start"),
            };
            let ink = if text.muted { muted.as_str() } else { "currentColor" };
            let size = if text.muted { SMALL_SIZE } else { TEXT_SIZE };
            let mut style = format!(r#" font-size="{}""#, px(size));
            if text.bold {
                style.push_str(r#" font-weight="600""#);
            }
            if matches!(text.edge, Edge::LeftInside | Edge::RightInside) {
                // Inside the panel grid lines pass behind the text.
                let ground = self.theme.css(Ink::Surface);
                let _ = write!(
                    style,
                    r#" stroke="{ground}" stroke-width="4" stroke-linejoin="round" paint-order="stroke""#
                );
            }
            let middle = placed.y(&panel.y, text.at) + text.shift + 4.5;
            let rise = (text.lines.len() as f64 - 1.0) * 7.5;
            for (line, words) in text.lines.iter().enumerate() {
                self.text((x, middle - rise + line as f64 * 15.0), words, anchor, ink, &style);
            }
        }
    }

    fn mark(&mut self, mark: &Mark, panel: &Panel, placed: &PanelFrame, frame: &Frame) {
        let place = |(x, y): (f64, f64)| (frame.x(&panel.x, x), placed.y(&panel.y, y));
        match mark {
            Mark::Segments { segments, ink, opacity, thickness } => {
                let ink = self.theme.css(*ink);
                for segment in segments {
                    self.line(place(segment.from), place(segment.to), &ink, *thickness, Dash::Solid, *opacity);
                }
            }
            Mark::Line { points, ink, dash, thickness, .. } => {
                let points = points.iter().map(|point| place(*point));
                let path = path_through(points);
                let (ink, dashes) = (self.theme.css(*ink), dash_array(*dash));
                self.put(format_args!(
                    r#"<path d="{path}" fill="none" stroke="{ink}" stroke-width="{}" stroke-linejoin="round"{dashes}/>"#,
                    px(*thickness)
                ));
            }
            Mark::Band { points, ink, opacity, .. } => {
                let there = points.iter().map(|(x, _, high)| place((*x, *high)));
                let back = points.iter().rev().map(|(x, low, _)| place((*x, *low)));
                let path = path_through(there.chain(back));
                let ink = self.theme.css(*ink);
                self.put(format_args!(r#"<path d="{path}Z" fill="{ink}" fill-opacity="{}"/>"#, hundredth(*opacity)));
            }
            Mark::Columns { columns, ink, .. } => {
                let ink = self.theme.css(*ink);
                self.put(format_args!(r#"<g fill="{ink}">"#));
                for column in columns {
                    let (left, top) = place((column.x - column.width / 2.0, column.top));
                    let (right, bottom) = place((column.x + column.width / 2.0, column.base));
                    self.put(format_args!(
                        r#"<rect x="{}" y="{}" width="{}" height="{}"/>"#,
                        px(left),
                        px(top.min(bottom)),
                        px(right - left),
                        px((bottom - top).abs())
                    ));
                }
                self.svg.push_str("</g>");
            }
            Mark::Dots { dots, size } => dots.iter().for_each(|dot| self.dot(dot, place(dot.at), *size)),
            Mark::Rule { across, at, ink, dash } => {
                let ink = self.theme.css(*ink);
                let (from, to) = match across {
                    Across::X => ((frame.x(&panel.x, *at), placed.top), (frame.x(&panel.x, *at), placed.bottom)),
                    Across::Y => ((frame.left, placed.y(&panel.y, *at)), (frame.right, placed.y(&panel.y, *at))),
                };
                self.line(from, to, &ink, 1.0, *dash, 1.0);
            }
            Mark::Zone { across, from, to, ink, opacity } => {
                let (x0, x1, y0, y1) = match across {
                    Across::X => (frame.x(&panel.x, *from), frame.x(&panel.x, *to), placed.top, placed.bottom),
                    Across::Y => (frame.left, frame.right, placed.y(&panel.y, *to), placed.y(&panel.y, *from)),
                };
                let ink = self.theme.css(*ink);
                self.put(format_args!(
                    r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{ink}" fill-opacity="{}"/>"#,
                    px(x0.min(x1)),
                    px(y0.min(y1)),
                    px((x1 - x0).abs()),
                    px((y1 - y0).abs()),
                    hundredth(*opacity)
                ));
            }
            Mark::Text { at, shift, text, ink, anchor } => {
                let (x, y) = place(*at);
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let ink = self.theme.css(*ink);
                self.text((x + shift.0, y + shift.1 + 4.0), text, anchor, &ink, "");
            }
        }
    }

    fn dot(&mut self, dot: &Dot, (x, y): (f64, f64), size: f64) {
        let drawn = shape(dot.shape, size, &self.theme.css(dot.ink), &self.theme.css(Ink::Surface));
        self.put(format_args!(r#"<g transform="translate({} {})">{drawn}</g>"#, px(x), px(y)));
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), ink: &str, thickness: f64, dash: Dash, opacity: f64) {
        let faded = if opacity < 1.0 { format!(r#" stroke-opacity="{}""#, hundredth(opacity)) } else { String::new() };
        self.put(format_args!(
            r#"<path d="M{} {}L{} {}" stroke="{ink}" stroke-width="{}"{}{faded}/>"#,
            px(from.0),
            px(from.1),
            px(to.0),
            px(to.1),
            px(thickness),
            dash_array(dash)
        ));
    }

    fn text(&mut self, (x, y): (f64, f64), text: &str, anchor: &str, ink: &str, style: &str) {
        self.put(format_args!(
            r#"<text x="{}" y="{}" text-anchor="{anchor}" fill="{ink}"{style}>{}</text>"#,
            px(x),
            px(y),
            escaped(text)
        ));
    }
}

fn path_through(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        path.push(if path.is_empty() { 'M' } else { 'L' });
        let _ = write!(path, "{} {}", px(x), px(y));
    }
    path
}

fn dash_array(dash: Dash) -> &'static str {
    match dash {
        Dash::Solid => "",
        Dash::Dash => r#" stroke-dasharray="6 4""#,
        Dash::Dot => r#" stroke-dasharray="2 3""#,
        Dash::DashDot => r#" stroke-dasharray="7 3 2 3""#,
    }
}

fn hundredth(opacity: f64) -> f64 {
    (opacity * 100.0).round() / 100.0
}
