//! Exact quantiles of values in memory.

/// The quantile of rank `rank` of `values`, between the two nearest order statistics.
///
/// `(1 − γ)·x₍ⱼ₎ + γ·x₍ⱼ₊₁₎` with `(n − 1)·rank = j − 1 + γ`: the seventh definition of Hyndman and Fan (1996), which R,
/// NumPy and the SQL engines have as their default. The order of `values` is changed; the answer does not depend on it.
///
/// - **Gives** `None` for no values, for a rank outside `[0, 1]`, and for a value that is not a number.
pub fn quantile(values: &mut [f64], rank: f64) -> Option<f64> {
    if values.is_empty() || !(0.0..=1.0).contains(&rank) || values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let position = (values.len() - 1) as f64 * rank;
    let below = position.floor();
    let weight = position - below;
    let (_, low, rest) = values.select_nth_unstable_by(below as usize, f64::total_cmp);
    let low = *low;
    let high = rest.iter().copied().min_by(f64::total_cmp);
    Some(match high {
        Some(high) if weight > 0.0 => low + weight * (high - low),
        _ => low,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_order_statistics() {
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.5), Some(2.5));
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.0), Some(1.0));
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 1.0), Some(4.0));
        assert_eq!(quantile(&mut [7.0], 0.3), Some(7.0));
    }

    #[test]
    fn what_has_no_quantile_gives_none() {
        assert_eq!(quantile(&mut [], 0.5), None);
        assert_eq!(quantile(&mut [1.0], 1.5), None);
        assert_eq!(quantile(&mut [1.0, f64::NAN], 0.5), None);
    }
}
