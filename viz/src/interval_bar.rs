//! The bar of one effect on a shared axis: thicker for lower levels, open ends that fade, arrows where the axis ends first.

use crate::axis::Axis;
use crate::effect::{Effect, Effects, Interval};
use crate::number::Numbers;
use crate::shape::Shape;
use crate::theme::Ink;

/// The parts of one bar, in the coordinates of the axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IntervalBar {
    /// Straight pieces, in the order to draw them.
    pub pieces: Vec<Piece>,
    /// Where the point is, when the axis shows it.
    pub point: Option<f64>,
    /// Ends that lie outside the axis, each with the value there.
    pub clipped: Vec<Clipped>,
    /// Ink of all parts.
    pub ink: Ink,
    /// Shape of the point.
    pub shape: Shape,
}

/// A straight piece of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Piece {
    pub from: f64,
    pub to: f64,
    /// In px.
    pub thickness: f64,
    pub opacity: f64,
}

/// An end outside the axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clipped {
    /// The end of the axis where the arrow stands.
    pub at: f64,
    /// [`Shape::Left`] or [`Shape::Right`].
    pub shape: Shape,
    /// The value that lies outside.
    pub value: String,
}

/// Diameter of a point, in px.
pub(crate) const DOT: f64 = 9.0;
/// How far the axis reaches at most, in median reaches of the rows.
const MOST_REACH: f64 = 2.5;
/// Pieces that an open end fades in.
const FADE: usize = 8;

impl IntervalBar {
    /// The bar of an effect. Nothing is drawn for an effect without an interval, or with one that is open on both sides.
    pub fn of(effect: &Effect, axis: &Axis) -> Self {
        let mut bar = Self {
            pieces: Vec::new(),
            point: effect.point().filter(|point| (axis.low..=axis.high).contains(point)),
            clipped: Vec::new(),
            ink: effect.ink(),
            shape: effect.shape(),
        };
        let Some(outer) = effect.outer() else { return bar };
        for interval in effect.drawn() {
            bar.add(&interval, effect.point(), axis);
        }
        bar.clip(&outer, effect, axis);
        bar
    }

    fn add(&mut self, interval: &Interval, point: Option<f64>, axis: &Axis) {
        let (thickness, opacity) = look(interval.level);
        let piece =
            |from: f64, to: f64, opacity| Piece { from: axis.clamp(from), to: axis.clamp(to), thickness, opacity };
        match (interval.low, interval.high) {
            (Some(low), Some(high)) => self.pieces.push(piece(low, high, opacity)),
            (Some(end), None) | (None, Some(end)) => {
                let edge = if interval.low.is_some() { axis.high } else { axis.low };
                // Solid as far as the point, which the interval holds; then fading towards the open side.
                let from = point.unwrap_or(end);
                self.pieces.push(piece(end, from, opacity));
                let from = axis.clamp(from);
                for step in 0..FADE {
                    let at = |step: usize| from + (edge - from) * step as f64 / FADE as f64;
                    let faded = opacity * (1.0 - (step as f64 + 0.5) / FADE as f64);
                    self.pieces.push(piece(at(step), at(step + 1), faded));
                }
            }
            (None, None) => {}
        }
    }

    fn clip(&mut self, outer: &Interval, effect: &Effect, axis: &Axis) {
        let mut arrow = |at: f64, shape: Shape, value: f64| {
            self.clipped.push(Clipped { at, shape, value: effect.numbers.effect(Some(value)) });
        };
        let point = effect.point();
        // When the point itself lies outside, its value says more than that of the end beyond it.
        match (outer.low, point) {
            (_, Some(point)) if point < axis.low => arrow(axis.low, Shape::Left, point),
            (Some(low), _) if low < axis.low => arrow(axis.low, Shape::Left, low),
            _ => {}
        }
        match (outer.high, point) {
            (_, Some(point)) if point > axis.high => arrow(axis.high, Shape::Right, point),
            (Some(high), _) if high > axis.high => arrow(axis.high, Shape::Right, high),
            _ => {}
        }
    }
}

/// Thickness in px and opacity of an interval of this level: 50 % stout, 80 % middling, 95 % a line.
fn look(level: f64) -> (f64, f64) {
    match level {
        _ if level >= 0.9 => (2.0, 1.0),
        _ if level >= 0.7 => (6.0, 0.35),
        _ => (10.0, 0.5),
    }
}

/// The axis that all effects of a block share: symmetric around zero, wide enough for most of them.
///
/// One very uncertain row does not flatten the others: the axis ends at two and a half times the median reach, and longer bars are clipped.
pub(crate) fn shared_axis(effects: &Effects, title: &str) -> Axis {
    let mut reaches: Vec<f64> = effects
        .rows
        .iter()
        .filter_map(|row| {
            let outer = row.outer()?;
            let reach = [outer.low, outer.high, row.point()].into_iter().flatten().map(f64::abs);
            reach.reduce(f64::max)
        })
        .collect();
    reaches.sort_by(f64::total_cmp);
    let widest = reaches.last().copied().unwrap_or(0.0);
    let median = reaches.get(reaches.len() / 2).copied().unwrap_or(0.0);
    let bars = if median > 0.0 { widest.min(MOST_REACH * median) } else { widest };
    let marks = effects.rows.iter().filter_map(Effect::margin_effect).chain(effects.minimum());
    let extent = marks.map(f64::abs).filter(|mark| *mark <= MOST_REACH * bars).fold(bars, f64::max);
    let numbers = match (effects.scale, effects.rows.first()) {
        (crate::number::Scale::Absolute, Some(row)) => row.numbers.clone(),
        _ => Numbers::relative([]),
    };
    Axis::symmetric(title, extent * 1.06, &numbers)
}
