//! Numbers for people: one way to write an effect, a value, an interval, a p-value and a count, in charts, tables and the terminal.
//!
//! Two significant digits of the standard error decide the decimals, and all numbers of a block have the same. An effect always shows
//! its sign, with a proper minus. A number that would round to zero is written as a bound, never as `0.00`. What is not known is `—`.

use estimand_stats::estimand::Direction;
use serde::{Deserialize, Serialize};

/// What is written for a number that is not known.
pub const UNKNOWN: &str = "—";
const MINUS: char = '\u{2212}';
/// Narrow and unbreakable: between thousands, and between a number and its unit.
const THIN: char = '\u{202f}';
const MOST_DECIMALS: usize = 12;
/// From here on digits say nothing: a power of ten is written.
const SCIENTIFIC: f64 = 1e15;

/// How the numbers of a metric are written, as named in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// As many decimals as the standard error asks for.
    #[default]
    Number,
    /// The same, and whole where no standard error is known.
    Integer,
    /// A share: 0.021 is `2.1 %`, and a difference of shares is in percentage points.
    Percent,
    /// An amount of money in `measured_in`, an ISO 4217 code; well-known ones are written with their symbol.
    Currency,
}

impl Format {
    /// The format of this name: `number`, `integer`, `percent` or `currency`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "number" => Some(Self::Number),
            "integer" => Some(Self::Integer),
            "percent" => Some(Self::Percent),
            "currency" => Some(Self::Currency),
            _ => None,
        }
    }
}

/// The scale of an effect, as in the `scale` column of the result table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// In the unit of the metric.
    Absolute,
    /// As a share of the baseline mean.
    #[default]
    Relative,
}

impl Scale {
    /// The scale of this name: `absolute` or `relative`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "absolute" => Some(Self::Absolute),
            "relative" => Some(Self::Relative),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::Relative => "relative",
        }
    }
}

/// What a reader must know of a metric to read its numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measure {
    /// Its name for people.
    pub label: String,
    /// Its unit, such as `EUR` or `minutes`.
    pub measured_in: Option<String>,
    /// How its numbers are written.
    pub format: Format,
    /// Which way is good.
    pub direction: Direction,
}

impl Measure {
    /// A measure of plain numbers, more of which is better.
    pub fn labelled(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }
}

/// How the numbers of one block are written: unit and decimals.
///
/// ```
/// use estimand_viz::number::{Format, Measure, Numbers};
///
/// let revenue = Measure { measured_in: Some("EUR".into()), format: Format::Currency, ..Measure::labelled("Revenue") };
/// let effects = Numbers::absolute(&revenue, [0.123]);
/// assert_eq!(effects.effect(Some(-0.4567)), "−€0.46");
/// assert_eq!(effects.interval(Some(-0.7), Some(1234.5)), "−€0.70 to +€1\u{202f}234.50");
/// assert_eq!(Numbers::relative([0.0123]).effect(Some(0.0213)), "+2.1\u{202f}%");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    factor: f64,
    prefix: &'static str,
    suffix: String,
    /// `None` until a standard error is known: then three significant digits of each number.
    decimals: Option<usize>,
}

impl Numbers {
    /// Values of the metric itself, such as the mean of an arm.
    pub fn values(measure: &Measure, std_errors: impl IntoIterator<Item = f64>) -> Self {
        let unit = measure.measured_in.as_deref().filter(|unit| !unit.is_empty());
        let plain = || (1.0, "", unit.map_or_else(String::new, |unit| format!("{THIN}{unit}")));
        let (factor, prefix, suffix) = match measure.format {
            Format::Percent => (100.0, "", format!("{THIN}%")),
            Format::Currency => match unit.and_then(symbol) {
                Some(symbol) => (1.0, symbol, String::new()),
                None => plain(),
            },
            Format::Number | Format::Integer => plain(),
        };
        let decimals = decimals(factor, std_errors).or_else(|| (measure.format == Format::Integer).then_some(0));
        Self { factor, prefix, suffix, decimals }
    }

    /// Differences in the unit of the metric; of a percentage, in percentage points.
    pub fn absolute(measure: &Measure, std_errors: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers = Self::values(measure, std_errors);
        if measure.format == Format::Percent {
            numbers.suffix = format!("{THIN}pp");
        }
        numbers
    }

    /// Differences as a share of the baseline mean, in per cent.
    pub fn relative(std_errors: impl IntoIterator<Item = f64>) -> Self {
        Self { factor: 100.0, prefix: "", suffix: format!("{THIN}%"), decimals: decimals(100.0, std_errors) }
    }

    /// [`Numbers::absolute`] or [`Numbers::relative`].
    pub fn effects(measure: &Measure, scale: Scale, std_errors: impl IntoIterator<Item = f64>) -> Self {
        match scale {
            Scale::Absolute => Self::absolute(measure, std_errors),
            Scale::Relative => Self::relative(std_errors),
        }
    }

    /// The same unit with the decimals that ticks of this step need.
    pub fn for_step(&self, step: f64) -> Self {
        let step = (step * self.factor).abs();
        let decimals = (0..MOST_DECIMALS)
            .find(|places| {
                let shifted = step * 10f64.powi(*places as i32);
                (shifted - shifted.round()).abs() < 1e-6 * shifted.max(1.0)
            })
            .unwrap_or(MOST_DECIMALS);
        Self { decimals: Some(decimals), ..self.clone() }
    }

    /// A value with its unit: `1 234.5 min`, `2.1 %`, `€12.30`.
    pub fn value(&self, value: Option<f64>) -> String {
        self.whole(value, Sign::Negative)
    }

    /// An effect with its sign and unit: `+2.1 %`, `−€0.42`; exactly zero is `0`.
    pub fn effect(&self, effect: Option<f64>) -> String {
        self.whole(effect, Sign::Always)
    }

    /// An interval of effects, its unit once: `+0.6 to +3.6 %`; `above +0.6 %` or `below +3.6 %` when open on one side; `unbounded` on both.
    pub fn interval(&self, low: Option<f64>, high: Option<f64>) -> String {
        match (low.filter(|end| end.is_finite()), high.filter(|end| end.is_finite())) {
            (Some(low), Some(high)) => {
                format!("{} to {}{}", self.number(low, Sign::Always), self.number(high, Sign::Always), self.suffix)
            }
            (Some(low), None) => format!("above {}", self.effect(Some(low))),
            (None, Some(high)) => format!("below {}", self.effect(Some(high))),
            (None, None) => "unbounded".to_owned(),
        }
    }

    fn whole(&self, value: Option<f64>, sign: Sign) -> String {
        match value {
            Some(value) if value.is_finite() => format!("{}{}", self.number(value, sign), self.suffix),
            _ => UNKNOWN.to_owned(),
        }
    }

    /// The number with sign and symbol, without its unit.
    fn number(&self, value: f64, sign: Sign) -> String {
        let scaled = value * self.factor;
        if !scaled.is_finite() {
            return UNKNOWN.to_owned();
        }
        let plus = if sign == Sign::Always { "+" } else { "" };
        if scaled.abs() >= SCIENTIFIC {
            let sign = if scaled < 0.0 { MINUS.to_string() } else { plus.to_owned() };
            return format!("{sign}{}{:.2e}", self.prefix, scaled.abs());
        }
        let decimals = self.decimals.unwrap_or_else(|| significant_decimals(scaled, 3));
        let digits = format!("{:.decimals$}", scaled.abs());
        let rounds_to_zero = !digits.contains(|digit: char| digit.is_ascii_digit() && digit != '0');
        match (scaled == 0.0, rounds_to_zero, scaled < 0.0) {
            (true, ..) => format!("{}0", self.prefix),
            // Smaller than the last digit: a bound on the right side, which still shows the sign.
            (_, true, negative) => {
                let least = grouped(&format!("{:.decimals$}", 10f64.powi(-(decimals as i32))));
                if negative {
                    format!(">{MINUS}{}{least}", self.prefix)
                } else {
                    format!("<{plus}{}{least}", self.prefix)
                }
            }
            (.., true) => format!("{MINUS}{}{}", self.prefix, grouped(&digits)),
            _ => format!("{plus}{}{}", self.prefix, grouped(&digits)),
        }
    }
}

impl Default for Numbers {
    /// Plain numbers of three significant digits.
    fn default() -> Self {
        Self::values(&Measure::default(), [])
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Always,
    Negative,
}

/// A p-value: three decimals, `<0.001` below.
pub fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if p.is_nan() => UNKNOWN.to_owned(),
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) if p > 0.999 => ">0.999".to_owned(),
        Some(p) => format!("{p:.3}"),
        None => UNKNOWN.to_owned(),
    }
}

/// A p-value in a sentence: `p = 0.042`, `p < 0.001`.
pub fn p_statement(p: Option<f64>) -> String {
    let text = p_value(p);
    match text.strip_prefix(['<', '>']) {
        Some(bound) => format!("p {} {bound}", &text[..1]),
        None => format!("p = {text}"),
    }
}

/// A count with thousands apart: `1 234 567`.
pub fn count(count: u64) -> String {
    grouped(&count.to_string())
}

/// A number in as few characters as tell it: `950`, `12k`, `1.2M`, `1e-3`. For axes.
pub fn compact(count: f64) -> String {
    if !count.is_finite() {
        return UNKNOWN.to_owned();
    }
    let size = count.abs();
    if size >= SCIENTIFIC || (size > 0.0 && size < 0.005) {
        let minus = if count < 0.0 { MINUS.to_string() } else { String::new() };
        return format!("{minus}{size:.0e}");
    }
    let (divisor, suffix) = match size {
        _ if size >= 1e9 => (1e9, "G"),
        _ if size >= 1e6 => (1e6, "M"),
        _ if size >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let mut digits = format!("{:.2}", size / divisor);
    digits.truncate(digits.trim_end_matches('0').trim_end_matches('.').len());
    let minus = if count < 0.0 && digits != "0" { MINUS.to_string() } else { String::new() };
    format!("{minus}{digits}{suffix}")
}

/// A share of a whole: one decimal of a per cent, `<0.1 %` below, `>99.9 %` above unless it is the whole.
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    if !percent.is_finite() {
        return UNKNOWN.to_owned();
    }
    if percent > 0.0 && percent < 0.05 {
        return format!("<0.1{THIN}%");
    }
    if (99.95..100.0).contains(&percent) {
        return format!(">99.9{THIN}%");
    }
    let sign = if percent < 0.0 { MINUS.to_string() } else { String::new() };
    format!("{sign}{:.1}{THIN}%", percent.abs())
}

/// A level of confidence: `95 %`, `99.9 %`.
pub fn level(level: f64) -> String {
    let digits = format!("{:.3}", level * 100.0);
    format!("{}{THIN}%", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// Decimals that show two digits of the smallest standard error; `None` when none is known.
fn decimals(factor: f64, std_errors: impl IntoIterator<Item = f64>) -> Option<usize> {
    std_errors
        .into_iter()
        .map(|std_error| (std_error * factor).abs())
        .filter(|std_error| std_error.is_finite() && *std_error > 0.0)
        .reduce(f64::min)
        .map(|smallest| significant_decimals(smallest, 2))
}

/// Decimals that show this many significant digits of a number, rounding included: two of 0.0996 are 0.10.
fn significant_decimals(number: f64, digits: usize) -> usize {
    let scientific = format!("{:.*e}", digits.saturating_sub(1), number);
    let exponent: i32 = scientific.rsplit('e').next().and_then(|exponent| exponent.parse().ok()).unwrap_or(0);
    (digits as i32 - 1 - exponent).clamp(0, MOST_DECIMALS as i32) as usize
}

/// The symbol of currencies that have one of their own.
fn symbol(code: &str) -> Option<&'static str> {
    match code {
        "EUR" => Some("€"),
        "GBP" => Some("£"),
        "INR" => Some("₹"),
        "JPY" => Some("¥"),
        "USD" => Some("$"),
        _ => None,
    }
}

/// Digits with thousands set apart.
fn grouped(digits: &str) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::with_capacity(digits.len() + whole.len());
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(THIN);
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spaced(text: &str) -> String {
        text.replace(THIN, " ")
    }

    #[test]
    fn two_digits_of_the_standard_error_decide_the_decimals() {
        for (std_error, expected) in
            [(123.0, "+1 235"), (12.3, "+1 235"), (1.23, "+1 234.6"), (0.123, "+1 234.57"), (0.0996, "+1 234.57")]
        {
            let numbers = Numbers::absolute(&Measure::labelled("x"), [std_error]);
            assert_eq!(spaced(&numbers.effect(Some(1234.5678))), expected, "standard error {std_error}");
        }
    }

    #[test]
    fn the_smallest_standard_error_of_a_block_decides_for_all() {
        let numbers = Numbers::relative([0.5, 0.0021, f64::NAN, 0.0]);
        assert_eq!(spaced(&numbers.effect(Some(0.2))), "+20.00 %");
    }

    #[test]
    fn a_difference_of_shares_is_in_percentage_points() {
        let conversion = Measure { format: Format::Percent, ..Measure::labelled("Conversion") };
        assert_eq!(spaced(&Numbers::values(&conversion, [0.001]).value(Some(0.1234))), "12.34 %");
        assert_eq!(spaced(&Numbers::absolute(&conversion, [0.001]).effect(Some(-0.0012))), "−0.12 pp");
    }

    #[test]
    fn a_unit_follows_its_number_and_a_known_currency_goes_before() {
        let minutes = Measure { measured_in: Some("min".into()), ..Measure::labelled("Time") };
        assert_eq!(spaced(&Numbers::values(&minutes, [0.1]).value(Some(3.456))), "3.46 min");
        let krona = Measure { measured_in: Some("SEK".into()), format: Format::Currency, ..Measure::labelled("Sales") };
        assert_eq!(spaced(&Numbers::values(&krona, [1.0]).value(Some(12345.6))), "12 345.6 SEK");
    }

    #[test]
    fn what_rounds_to_zero_is_a_bound_and_zero_is_zero() {
        let numbers = Numbers::relative([0.01]);
        assert_eq!(spaced(&numbers.effect(Some(0.0001))), "<+0.1 %");
        assert_eq!(spaced(&numbers.effect(Some(-0.0001))), ">−0.1 %");
        assert_eq!(spaced(&numbers.effect(Some(0.0))), "0 %");
        assert_eq!(spaced(&numbers.effect(Some(-0.0))), "0 %");
        assert_eq!(spaced(&numbers.value(Some(0.0001))), "<0.1 %");
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let numbers = Numbers::relative([0.01]);
        for unknown in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            assert_eq!(numbers.effect(unknown), "—");
            assert_eq!(p_value(unknown.filter(|p| p.is_nan())), "—");
        }
    }

    #[test]
    fn an_interval_says_on_which_side_it_is_open() {
        let numbers = Numbers::relative([0.01]);
        assert_eq!(spaced(&numbers.interval(Some(0.006), Some(0.036))), "+0.6 to +3.6 %");
        assert_eq!(spaced(&numbers.interval(Some(-0.006), None)), "above −0.6 %");
        assert_eq!(spaced(&numbers.interval(None, Some(0.036))), "below +3.6 %");
        assert_eq!(numbers.interval(None, None), "unbounded");
    }

    #[test]
    fn a_p_value_is_never_zero_or_one() {
        assert_eq!(p_value(Some(0.0)), "<0.001");
        assert_eq!(p_value(Some(0.0004)), "<0.001");
        assert_eq!(p_value(Some(0.0423)), "0.042");
        assert_eq!(p_value(Some(1.0)), ">0.999");
        assert_eq!((p_statement(Some(1e-9)).as_str(), p_statement(Some(0.2)).as_str()), ("p < 0.001", "p = 0.200"));
    }

    #[test]
    fn without_a_standard_error_three_digits_are_shown() {
        let measure = Measure::labelled("x");
        assert_eq!(Numbers::values(&measure, []).value(Some(0.012345)), "0.0123");
        let orders = Measure { format: Format::Integer, ..measure };
        assert_eq!(spaced(&Numbers::values(&orders, []).value(Some(12345.6))), "12 346");
        assert_eq!(Numbers::values(&orders, [0.02]).value(Some(3.456)), "3.456");
    }

    #[test]
    fn counts_shares_and_levels() {
        assert_eq!(spaced(&count(1_234_567)), "1 234 567");
        assert_eq!(count(12), "12");
        assert_eq!(
            (compact(950.0).as_str(), compact(12_500.0).as_str(), compact(1.2e6).as_str()),
            ("950", "12.5k", "1.2M")
        );
        assert_eq!(spaced(&share(0.0001)), "<0.1 %");
        assert_eq!(spaced(&share(0.9999)), ">99.9 %");
        assert_eq!(spaced(&share(0.5012)), "50.1 %");
        assert_eq!(spaced(&level(0.95)), "95 %");
        assert_eq!(spaced(&level(0.999)), "99.9 %");
    }

    #[test]
    fn ticks_have_the_decimals_of_their_step() {
        let ticks = Numbers::relative([0.01]).for_step(0.005);
        assert_eq!(spaced(&ticks.effect(Some(0.01))), "+1.0 %");
        assert_eq!(spaced(&Numbers::relative([0.01]).for_step(0.1).effect(Some(-0.1))), "−10 %");
    }
}
