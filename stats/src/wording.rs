//! Numbers as they stand in sentences: percentages, proper minus signs, digits by the standard error.

/// A share as a signed percentage with a proper minus, such as `+12.3 %` or `−0.04 %`.
///
/// Two significant digits, and no fewer than one decimal below 100 %: enough to compare two numbers of a sentence.
pub(crate) fn signed(share: f64) -> String {
    let sign = if share < 0.0 { "−" } else { "+" };
    format!("{sign}{} %", magnitude(share))
}

/// The size of a share as a percentage without sign, such as `12.3`.
pub(crate) fn magnitude(share: f64) -> String {
    let percent = 100.0 * share.abs();
    let decimals = if percent >= 100.0 || percent == 0.0 {
        0
    } else if percent >= 1.0 {
        1
    } else {
        // Two significant digits below 1 %; beyond six decimals nothing is left to read.
        (1 - percent.log10().floor() as i32).clamp(2, 6) as usize
    };
    format!("{percent:.decimals$}")
}

/// A number with this many decimals and a proper minus.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let written = format!("{:.decimals$}", value.abs());
    let is_zero = written.chars().all(|digit| matches!(digit, '0' | '.'));
    if value < 0.0 && !is_zero { format!("−{written}") } else { written }
}

/// How many decimals two significant digits of the standard error need.
pub(crate) fn decimals(std_error: Option<f64>) -> usize {
    match std_error {
        Some(error) if error > 0.0 && error.is_finite() => (1 - error.log10().floor() as i32).clamp(0, 9) as usize,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_keep_two_digits_and_a_proper_minus() {
        let shares = [-0.035, 1.452, 0.104_56, 0.000_412, -0.000_000_1, 0.0];
        let written: Vec<String> = shares.iter().map(|share| signed(*share)).collect();
        assert_eq!(written, ["−3.5 %", "+145 %", "+10.5 %", "+0.041 %", "−0.000010 %", "+0 %"]);
    }
}
