//! All numbers of a metric: what stands behind its rows of the scorecard, deciding and beside, on both scales.

use estimand_stats::Estimate;
use estimand_viz::number::{self, Numbers, UNKNOWN};
use serde::Serialize;

use super::model::ReportModel;
use super::scorecard::Contrast;

const MINUS: char = '\u{2212}';

/// One estimator's answer for one arm.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    arm: String,
    place: usize,
    estimator: String,
    decides: bool,
    n: String,
    n_baseline: String,
    mean: String,
    mean_baseline: String,
    absolute: Cells,
    relative: Cells,
    statistic: String,
    df: String,
    p_value: String,
    p_adjusted: String,
}

/// An effect with its uncertainty.
#[derive(Debug, Serialize)]
struct Cells {
    effect: String,
    std_error: String,
    interval: String,
}

/// The lines of a metric in the order of arms, the deciding estimator first.
pub(super) fn lines(
    model: &ReportModel,
    arms: &[(usize, Contrast)],
    numbers: &[Numbers; 2],
    means: &Numbers,
) -> Vec<Line> {
    arms.iter()
        .flat_map(|(place, contrast)| [(*place, contrast.deciding, true), (*place, contrast.beside, false)])
        .filter_map(|(place, [relative, absolute], decides)| {
            let row = absolute.or(relative)?;
            let arm = model.header.arms.get(place).map(|arm| arm.label.clone()).unwrap_or_default();
            let count = |units: Option<u64>| units.map_or_else(|| UNKNOWN.to_owned(), number::count);
            Some(Line {
                arm,
                place,
                estimator: estimator(row),
                decides,
                n: count(row.n),
                n_baseline: count(row.n_baseline),
                mean: means.value(row.mean),
                mean_baseline: means.value(row.mean_baseline),
                absolute: cells(absolute, &numbers[1]),
                relative: cells(relative, &numbers[0]),
                statistic: row.statistic.map_or_else(|| UNKNOWN.to_owned(), signed),
                df: row.df.map_or_else(|| "∞".to_owned(), degrees),
                p_value: exact_p(row.p_value, row.log10_p),
                p_adjusted: exact_p(row.p_adjusted, None),
            })
        })
        .collect()
}

fn estimator(row: &Estimate) -> String {
    let name = row.estimator.as_deref().unwrap_or(UNKNOWN).replace('_', " ");
    match row.options.as_deref() {
        Some(options) if !options.is_empty() => format!("{name} ({options})"),
        _ => name,
    }
}

fn cells(row: Option<&Estimate>, numbers: &Numbers) -> Cells {
    let missing = || UNKNOWN.to_owned();
    Cells {
        effect: row.map_or_else(missing, |row| numbers.effect(row.estimate)),
        std_error: row.map_or_else(missing, |row| numbers.value(row.std_error)),
        interval: row.map_or_else(missing, |row| numbers.interval(row.conf_low, row.conf_high)),
    }
}

fn signed(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    format!("{value:.3}").replace('-', &MINUS.to_string())
}

fn degrees(df: f64) -> String {
    if !df.is_finite() {
        return "∞".to_owned();
    }
    if df < 1000.0 { format!("{df:.1}") } else { number::count(df.round() as u64) }
}

/// A p-value to two significant digits, however small: from its logarithm where the number itself underflows.
fn exact_p(p: Option<f64>, log10_p: Option<f64>) -> String {
    match (p, log10_p) {
        (Some(p), _) if p >= 0.001 => number::p_value(Some(p)),
        (Some(p), None) if p > 0.0 => scientific(p.log10()),
        (_, Some(log10_p)) if log10_p.is_finite() => scientific(log10_p),
        (Some(_), _) => number::p_value(p),
        _ => UNKNOWN.to_owned(),
    }
}

fn scientific(log10: f64) -> String {
    let mut exponent = log10.floor();
    let mut mantissa = (10f64.powf(log10 - exponent) * 10.0).round() / 10.0;
    if mantissa >= 10.0 {
        (mantissa, exponent) = (1.0, exponent + 1.0);
    }
    let raised = format!("{exponent:.0}").chars().map(superscript).collect::<String>();
    format!("{mantissa:.1}×10{raised}")
}

fn superscript(digit: char) -> char {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    digit.to_digit(10).and_then(|digit| DIGITS.get(digit as usize).copied()).unwrap_or('⁻')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_p_values_keep_two_digits() {
        assert_eq!(exact_p(Some(0.0204), None), "0.020");
        assert_eq!(exact_p(Some(3.24e-9), None), "3.2×10⁻⁹");
        assert_eq!(exact_p(Some(0.0), Some(-412.25)), "5.6×10⁻⁴¹³");
        assert_eq!(exact_p(Some(9.96e-5), None), "1.0×10⁻⁴");
        assert_eq!(exact_p(None, None), "—");
    }

    #[test]
    fn degrees_of_freedom_without_end_are_the_normal() {
        assert_eq!([degrees(41.26), degrees(12345.6), degrees(f64::INFINITY)], ["41.3", "12\u{202f}346", "∞"]);
    }
}
