//! Axes: a range, and ticks that both renderings show alike.

use crate::number::Numbers;

/// A place on an axis with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Position in the coordinates of the axis.
    pub at: f64,
    /// What is written there.
    pub text: String,
}

/// A row of a category axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    /// Position in the coordinates of the axis; rows run from the top down.
    pub at: f64,
    /// The row's name.
    pub label: String,
    /// What stands at the end of the row, such as its numbers, in at most two lines; where there is little room, the first only.
    pub note: Vec<String>,
    /// Whether it names the rows below it.
    pub heading: bool,
    /// Whether it belongs to the heading above it.
    pub indented: bool,
}

/// What the positions of an axis are.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Numbers.
    Value,
    /// Days since 1970-01-01.
    Day,
    /// Rows from the top down, one unit high unless placed otherwise.
    Rows(Vec<Row>),
}

/// One axis of a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit; empty when the panel's heading says it.
    pub title: String,
    /// The lower end of what is shown.
    pub low: f64,
    /// The upper end of what is shown.
    pub high: f64,
    /// Ticks inside the range, in order. Of a category axis, none.
    pub ticks: Vec<Tick>,
    /// What the positions are.
    pub kind: Kind,
    /// Whether a line is drawn across the panel at each tick.
    pub grid: bool,
}

impl Axis {
    /// A value axis from `low` to `high`, widened to whole ticks.
    pub fn values(title: &str, low: f64, high: f64, ticks: usize, text: impl Fn(f64, f64) -> String) -> Self {
        let (low, high) = proper(low, high);
        let step = nice_step((high - low) / ticks.max(1) as f64);
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let ticks = (0..=((last - first) as usize).min(50))
            .map(|place| (first + place as f64) * step)
            .map(|at| Tick { at, text: text(at, step) })
            .collect();
        Self { title: title.to_owned(), low: first * step, high: last * step, ticks, kind: Kind::Value, grid: true }
    }

    /// A value axis of effects: zero in the middle, the sign of every other tick shown.
    ///
    /// `extent` is how far it must reach on either side.
    pub fn symmetric(title: &str, extent: f64, numbers: &Numbers) -> Self {
        // Below, a tick's step would be a number without digits.
        let extent = drawable(Some(extent)).filter(|extent| *extent > 1e-100).unwrap_or(1.0);
        let step = nice_step(extent / 3.0);
        let shown = numbers.for_step(step);
        let ticks = (-3..=3)
            .map(|place| f64::from(place) * step)
            .filter(|at| at.abs() <= extent)
            .map(|at| Tick { at, text: if at == 0.0 { "0".to_owned() } else { shown.effect(Some(at)) } })
            .collect();
        Self { title: title.to_owned(), low: -extent, high: extent, ticks, kind: Kind::Value, grid: true }
    }

    /// A category axis of rows placed from the top down.
    pub fn rows(rows: Vec<Row>) -> Self {
        let last = rows.iter().map(|row| row.at).fold(0.0, f64::max);
        Self {
            title: String::new(),
            low: -0.5,
            high: last + 0.5,
            ticks: Vec::new(),
            kind: Kind::Rows(rows),
            grid: false,
        }
    }

    /// An axis of days, from half a day before the first to half a day after the last.
    pub fn days(first: f64, last: f64, ticks: usize) -> Self {
        let (first, last) = (first.min(last), last.max(first));
        let span = last - first;
        let step = [1.0, 2.0, 3.0, 5.0, 7.0, 14.0, 28.0, 56.0, 91.0, 182.0, 365.0]
            .into_iter()
            .find(|step| span / step <= ticks.max(1) as f64)
            .unwrap_or((span / ticks.max(1) as f64).ceil());
        let count = (span / step).floor() as usize;
        let ticks = (0..=count.min(50))
            .map(|place| first + place as f64 * step)
            .map(|at| Tick { at, text: day_text(at) })
            .collect();
        Self { title: String::new(), low: first - 0.5, high: last + 0.5, ticks, kind: Kind::Day, grid: false }
    }

    /// The rows of a category axis; none of another.
    pub fn row_labels(&self) -> &[Row] {
        match &self.kind {
            Kind::Rows(rows) => rows,
            _ => &[],
        }
    }

    /// Where a position lies between the two ends, from 0 to 1.
    pub fn fraction(&self, at: f64) -> f64 {
        (at - self.low) / (self.high - self.low)
    }

    /// The position, or the end nearest to it when it lies outside.
    pub fn clamp(&self, at: f64) -> f64 {
        at.clamp(self.low, self.high)
    }
}

/// The day of a position on an axis of days, as `22 Nov`.
pub fn day_text(days: f64) -> String {
    date_of(days).map_or_else(String::new, |date| date.strftime("%-d %b").to_string())
}

/// The calendar day of a position on an axis of days.
pub fn date_of(days: f64) -> Option<jiff::civil::Date> {
    if !days.is_finite() || days.abs() > 4e6 {
        return None;
    }
    EPOCH.checked_add(jiff::Span::new().days(days.round() as i64)).ok()
}

/// The position of a calendar day on an axis of days.
pub fn days_of(date: jiff::civil::Date) -> f64 {
    date.duration_since(EPOCH).as_secs() as f64 / 86_400.0
}

const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

/// The largest magnitude that can be drawn: beyond, distances on an axis overflow.
const MOST: f64 = 1e100;

/// The number, when an axis can show it: not missing, not infinite, not beyond 1e100.
pub fn drawable(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.abs() <= MOST)
}

/// A range with a positive width, whatever was asked.
pub(crate) fn proper(low: f64, high: f64) -> (f64, f64) {
    let (low, high) = (drawable(Some(low)).unwrap_or(0.0), drawable(Some(high)).unwrap_or(1.0));
    let (low, high) = (low.min(high), low.max(high));
    let room = 1e-9 * low.abs().max(high.abs()) + 1e-100;
    if high - low > room { (low, high) } else { (low - low.abs().max(1.0) / 2.0, high + high.abs().max(1.0) / 2.0) }
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|mantissa| mantissa * power)
        .find(|nice| *nice >= step * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| tick.text.replace('\u{202f}', " ")).collect()
    }

    #[test]
    fn values_are_widened_to_whole_ticks() {
        let axis = Axis::values("", 3.0, 97.0, 5, |at, _| format!("{at}"));
        assert_eq!((axis.low, axis.high), (0.0, 100.0));
        assert_eq!(texts(&axis), ["0", "20", "40", "60", "80", "100"]);
    }

    #[test]
    fn a_range_without_width_or_with_infinite_ends_is_still_an_axis() {
        for (low, high) in [(2.0, 2.0), (0.0, 0.0), (f64::NAN, f64::INFINITY), (5.0, 1.0)] {
            let axis = Axis::values("", low, high, 4, |at, _| at.to_string());
            assert!(axis.low < axis.high && !axis.ticks.is_empty(), "{low} to {high}");
        }
    }

    #[test]
    fn effects_have_zero_in_the_middle_and_signs_on_ticks() {
        let axis = Axis::symmetric("", 0.045, &Numbers::relative([0.01]));
        assert_eq!(texts(&axis), ["−4 %", "−2 %", "0", "+2 %", "+4 %"]);
        assert_eq!(axis.low, -axis.high);
    }

    #[test]
    fn days_are_named_and_thinned() {
        let start = days_of(jiff::civil::date(2026, 10, 30));
        assert_eq!(
            texts(&Axis::days(start, start + 13.0, 7)),
            ["30 Oct", "1 Nov", "3 Nov", "5 Nov", "7 Nov", "9 Nov", "11 Nov"]
        );
        assert_eq!(texts(&Axis::days(start, start, 7)), ["30 Oct"]);
        assert_eq!(Axis::days(start, start + 60.0, 7).ticks.len(), 5);
    }

    #[test]
    fn a_day_survives_its_position() {
        let date = jiff::civil::date(2024, 2, 29);
        assert_eq!(date_of(days_of(date)), Some(date));
    }
}
