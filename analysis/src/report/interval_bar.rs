//! The bar of one interval in a table: a few marks in percentages of the cell, so that it fits any width without a script.
//!
//! ```text
//!      80 %  95 %                    zone: too small to matter
//! ├──━━━━████●████━━━━──┤   ┊        margin of a guardrail
//!          50 %                      an open end fades, an end past the axis is an arrow with its value
//! ```

use std::fmt::Write as _;

use estimand_viz::axis::Axis;
use estimand_viz::number::Numbers;
use minijinja::HtmlEscape;

/// What one bar shows, on the scale of its axis.
#[derive(Debug, Clone, Default)]
pub(super) struct IntervalBar {
    /// The effect.
    pub estimate: f64,
    /// Ends of the outer interval; `None` is open.
    pub outer: (Option<f64>, Option<f64>),
    /// Ends of the inner intervals, widest first.
    pub inner: Vec<(f64, f64)>,
    /// Effects nearer to zero than this do not matter.
    pub minimum_effect: Option<f64>,
    /// The effect at which a guardrail would fail.
    pub margin: Option<f64>,
}

/// How much of the half axis is left free beyond its extent.
const ROOM: f64 = 1.06;
/// An interval this many times wider than the median of its block is cut, so that the others stay readable.
const CUT: f64 = 4.0;

/// The extent that all bars of a block share: the widest one, unless it would flatten the others.
pub(super) fn shared_extent<'a>(bars: impl Iterator<Item = &'a IntervalBar>) -> Option<f64> {
    let mut reaches: Vec<f64> =
        bars.map(IntervalBar::reach).filter(|reach| reach.is_finite() && *reach > 0.0).collect();
    reaches.sort_by(f64::total_cmp);
    let widest = *reaches.last()?;
    let median = *reaches.get(reaches.len() / 2)?;
    Some(widest.min(CUT * median) * ROOM)
}

impl IntervalBar {
    /// How far from zero it reaches, margin included.
    fn reach(&self) -> f64 {
        [self.outer.0, self.outer.1, Some(self.estimate), self.margin]
            .into_iter()
            .flatten()
            .map(f64::abs)
            .fold(0.0, f64::max)
    }

    /// The marks as SVG that fills its cell; the page's style gives them height and places them beside the first line of text.
    pub(super) fn svg(&self, axis: &Axis, grid: &str, numbers: &Numbers) -> String {
        let at = |value: f64| 100.0 * axis.fraction(axis.clamp(value));
        let mut svg = format!("<use href=\"#{grid}\"/>");
        if let Some(zone) = self.minimum_effect.filter(|zone| *zone > 0.0) {
            let _ = write!(svg, "<rect class=\"zone\" {}/>", across(at(-zone), at(zone)));
        }
        if let Some(margin) = self.margin {
            let x = percent(at(margin));
            let _ = write!(svg, "<line class=\"margin\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"100%\"/>");
        }
        let (low, high) = (self.outer.0.map_or(0.0, at), self.outer.1.map_or(100.0, at));
        let end = |open: bool, class: &str| if open { format!(" class=\"{class}\"") } else { String::new() };
        let fade = match self.outer {
            (None, Some(_)) => end(true, "open-low"),
            (Some(_), None) => end(true, "open-high"),
            _ => String::new(),
        };
        let _ = write!(svg, "<rect{fade} {}/>", across(low, high));
        for (place, (low, high)) in self.inner.iter().enumerate() {
            let class = if place == 0 { "wide" } else { "core" };
            let _ = write!(svg, "<rect class=\"{class}\" {}/>", across(at(*low), at(*high)));
        }
        self.arrows(&mut svg, axis, numbers);
        if (axis.low..=axis.high).contains(&self.estimate) {
            let _ = write!(svg, "<circle cx=\"{}\"/>", percent(at(self.estimate)));
        }
        svg
    }

    /// An arrow with the value at each end that lies past the axis.
    fn arrows(&self, svg: &mut String, axis: &Axis, numbers: &Numbers) {
        if let Some(low) = self.outer.0.filter(|low| *low < axis.low) {
            let text = HtmlEscape(&numbers.effect(Some(low))).to_string();
            let _ = write!(svg, "<path d=\"M8 14.5 0 19l8 4.5z\"/><text x=\"1\" y=\"12\">{text}</text>");
        }
        if let Some(high) = self.outer.1.filter(|high| *high > axis.high) {
            let text = HtmlEscape(&numbers.effect(Some(high))).to_string();
            let _ = write!(
                svg,
                "<svg x=\"100%\" overflow=\"visible\"><path d=\"M-8 14.5 0 19l-8 4.5z\"/><text class=\"end\" x=\"-1\" y=\"12\">{text}</text></svg>"
            );
        }
    }
}

/// Ticks for a narrow column: zero, and on either side the largest round number that stands clear of the edge.
pub(super) fn ticks(axis: &Axis, numbers: &Numbers) -> Vec<(String, String)> {
    const CLEAR: f64 = 0.9;
    let reach = axis.high * CLEAR;
    let power = 10f64.powf(reach.log10().floor());
    let step = [5.0, 2.5, 2.0, 1.0].into_iter().map(|step| step * power).find(|step| *step <= reach).unwrap_or(power);
    let numbers = numbers.for_step(step);
    [-step, 0.0, step]
        .into_iter()
        .map(|at| (percent(100.0 * axis.fraction(at)), numbers.effect(Some(at))))
        .map(|(place, text)| (place.clone(), if place == "50%" { "0".to_owned() } else { text }))
        .collect()
}

/// A place in per cent of the cell, to a hundredth: a tenth of a pixel at 1,000 px.
pub(super) fn percent(at: f64) -> String {
    let text = format!("{at:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{}%", if text == "-0" { "0" } else { text })
}

fn across(low: f64, high: f64) -> String {
    format!("x=\"{}\" width=\"{}\"", percent(low), percent((high - low).max(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(estimate: f64, low: Option<f64>, high: Option<f64>) -> IntervalBar {
        IntervalBar { estimate, outer: (low, high), ..IntervalBar::default() }
    }

    fn drawn(bar: &IntervalBar, extent: f64) -> String {
        let numbers = Numbers::relative([0.01]);
        bar.svg(&Axis::symmetric("", extent, &numbers), "g", &numbers)
    }

    #[test]
    fn the_zero_of_a_symmetric_axis_is_the_middle_of_the_cell() {
        let svg = drawn(&bar(0.0, Some(-0.1), Some(0.1)), 0.2);
        assert!(svg.contains("<rect x=\"25%\" width=\"50%\"/>"), "{svg}");
        assert!(svg.contains("cx=\"50%\""), "{svg}");
    }

    #[test]
    fn an_open_end_runs_to_the_edge_and_fades() {
        let svg = drawn(&bar(0.0, Some(-0.1), None), 0.2);
        assert!(svg.contains("<rect class=\"open-high\" x=\"25%\" width=\"75%\"/>"), "{svg}");
    }

    #[test]
    fn an_end_past_the_axis_is_an_arrow_with_its_value() {
        let svg = drawn(&bar(0.3, Some(0.1), Some(0.5)), 0.2);
        assert!(svg.contains(">+50.0\u{202f}%</text>"), "{svg}");
        assert!(!svg.contains("<circle"), "the point lies outside: {svg}");
    }

    #[test]
    fn ticks_stand_clear_of_the_edges() {
        let numbers = Numbers::relative([0.01]);
        let texts = |extent| {
            let ticks = ticks(&Axis::symmetric("", extent, &numbers), &numbers);
            ticks.into_iter().map(|(_, text)| text.replace('\u{202f}', " ")).collect::<Vec<_>>()
        };
        assert_eq!(texts(0.2), ["−10 %", "0", "+10 %"]);
        assert_eq!(texts(0.05), ["−2.5 %", "0", "+2.5 %"]);
        assert_eq!(texts(0.024), ["−2 %", "0", "+2 %"]);
        assert_eq!(texts(120.0), ["−10 000 %", "0", "+10 000 %"]);
    }

    #[test]
    fn one_wide_interval_does_not_flatten_the_others() {
        let bars =
            [bar(0.0, Some(-0.01), Some(0.01)), bar(0.0, Some(-0.02), Some(0.02)), bar(0.0, Some(-9.0), Some(9.0))];
        assert_eq!(shared_extent(bars.iter()), Some(0.02 * CUT * ROOM));
        assert_eq!(shared_extent([].into_iter()), None);
    }
}
