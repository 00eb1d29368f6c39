//! The interval bar of one effect for a cell of a scorecard: as wide as its column, on the axis of its block.
//!
//! Horizontal places are per cents of the column, so that bars of a block stay aligned at any width without a script; heights and shapes
//! are in px.

use crate::axis::Axis;
use crate::backend::svg::{escaped, px, shape};
use crate::effect::{Effect, Effects};
use crate::interval_bar::{DOT, IntervalBar};
use crate::theme::{Ink, SMALL_SIZE, Theme};

/// Height of a bar, in px.
pub const HEIGHT: f64 = 28.0;
/// Height of the axis above a block, in px.
pub const AXIS_HEIGHT: f64 = 18.0;

/// The bar of an effect on the [shared axis](crate::shared_axis) of its block, as one `<svg>` that fills the width it is given.
///
/// What it shows is also its text alternative. An effect without an interval is an empty axis with the reason in words.
pub fn bar(effect: &Effect, block: &Effects, axis: &Axis, theme: &Theme) -> String {
    let middle = HEIGHT / 2.0;
    let drawn = IntervalBar::of(effect, axis);
    let ink = theme.css(drawn.ink);
    let mut svg = opening(HEIGHT, &format!("{}: {}", effect.label, effect.sentence()), theme);
    if let Some(minimum) = block.minimum() {
        let (from, to) = (percent(axis, axis.clamp(-minimum)), percent(axis, axis.clamp(minimum)));
        svg.push_str(&format!(
            r#"<rect x="{from:.2}%" width="{:.2}%" height="{HEIGHT}" fill="{}" fill-opacity="0.13"/>"#,
            to - from,
            theme.css(Ink::Undecided)
        ));
    }
    svg.push_str(&upright(percent(axis, 0.0), &theme.css(Ink::Muted), 1.0, (0.0, HEIGHT)));
    if let Some(margin) = effect.margin_effect().filter(|margin| axis.clamp(*margin) == *margin) {
        let ends = (4.0, HEIGHT - 4.0);
        svg.push_str(&upright(percent(axis, margin), &theme.css(Ink::Caution), 2.0, ends));
    }
    for piece in &drawn.pieces {
        let faded =
            if piece.opacity < 1.0 { format!(r#" stroke-opacity="{:.2}""#, piece.opacity) } else { String::new() };
        svg.push_str(&format!(
            r#"<line x1="{:.2}%" x2="{:.2}%" y1="{middle}" y2="{middle}" stroke="{ink}" stroke-width="{}"{faded}/>"#,
            percent(axis, piece.from),
            percent(axis, piece.to),
            px(piece.thickness)
        ));
    }
    let ground = theme.css(Ink::Surface);
    let marks = drawn.point.map(|point| (point, drawn.shape)).into_iter();
    for (at, form) in marks.chain(drawn.clipped.iter().map(|clipped| (clipped.at, clipped.shape))) {
        svg.push_str(&format!(
            r#"<svg x="{:.2}%" y="{middle}" overflow="visible">{}</svg>"#,
            percent(axis, at),
            shape(form, DOT, &ink, &ground)
        ));
    }
    for clipped in &drawn.clipped {
        let (anchor, shift) = if clipped.at < 0.0 { ("start", "6") } else { ("end", "-6") };
        svg.push_str(&format!(
            r#"<text x="{:.2}%" dx="{shift}" y="{}" text-anchor="{anchor}" font-size="10" fill="{ink}">{}</text>"#,
            percent(axis, clipped.at),
            px(HEIGHT - 2.0),
            escaped(&clipped.value)
        ));
    }
    svg + "</svg>"
}

/// The ticks of a block's axis, to stand above or below its bars.
pub fn axis(axis: &Axis, theme: &Theme) -> String {
    let mut svg = opening(AXIS_HEIGHT, "Axis of the intervals below", theme);
    // The ends and the middle only: at any width they stand apart.
    let last = axis.ticks.len().saturating_sub(1);
    for (place, tick) in axis.ticks.iter().enumerate() {
        if place == 0 || place == last || tick.at == 0.0 {
            svg.push_str(&format!(
                r#"<text x="{:.2}%" y="13" text-anchor="middle" fill="{}">{}</text>"#,
                percent(axis, tick.at),
                theme.css(Ink::Muted),
                escaped(&tick.text)
            ));
        }
    }
    svg + "</svg>"
}

fn opening(height: f64, label: &str, theme: &Theme) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" width="100%" height="{height}" overflow="visible" font-size="{}" style="color:{};display:block;font-variant-numeric:tabular-nums"><title>{}</title>"#,
        px(SMALL_SIZE - 1.0),
        theme.css(Ink::Text),
        escaped(label)
    )
}

fn upright(at: f64, ink: &str, thickness: f64, (top, bottom): (f64, f64)) -> String {
    format!(
        r#"<line x1="{at:.2}%" x2="{at:.2}%" y1="{}" y2="{}" stroke="{ink}" stroke-width="{}"/>"#,
        px(top),
        px(bottom),
        px(thickness)
    )
}

fn percent(axis: &Axis, at: f64) -> f64 {
    axis.fraction(at) * 100.0
}
