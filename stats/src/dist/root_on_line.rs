//! The root of a monotone function on the whole line.

/// Three times what halving the widest bracket down to neighbours takes.
const MAX_STEPS: u32 = 3_000;

/// Finds `x` where a monotone function vanishes, by Newton's steps kept inside a bracket.
///
/// `gap(x)` returns the function and its derivative. While a side is open, steps towards it at least double, from
/// `width` on.
///
/// - **Gives** the root, or ±∞ when it lies beyond the doubles.
pub(crate) fn root_on_line(start: f64, width: f64, rising: bool, gap: impl Fn(f64) -> (f64, f64)) -> f64 {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let (mut x, mut reach) = (start, width);
    for count in 0..MAX_STEPS {
        let (value, slope) = gap(x);
        if value == 0.0 || !x.is_finite() {
            return x;
        }
        let below = (value < 0.0) == rising;
        if below {
            low = x;
        } else {
            high = x;
        }
        let newton = x - value / slope;
        if newton.is_finite() && (newton - x).abs() <= 4.0 * f64::EPSILON * x.abs().max(f64::MIN_POSITIVE) {
            return newton;
        }
        let inside = newton > low && newton < high;
        let next = if low.is_finite() && high.is_finite() {
            // Now and then halve: far from the root of an exponential Newton's steps are all of one size.
            if inside && count % 4 != 3 { newton } else { low + 0.5 * (high - low) }
        } else {
            reach *= 2.0;
            let far = if below { x + reach } else { x - reach };
            if inside && (newton - x).abs() <= reach { newton } else { far }
        };
        if next == low || next == high {
            return next;
        }
        x = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_far_and_near_are_found() {
        for root in [-1e12, -3.0, 1e-9, 2.5, 1e30] {
            let found = root_on_line(0.0, 1.0, true, |x| (x - root, 1.0));
            assert!((found - root).abs() <= 1e-15 * f64::abs(root), "{found} is not {root}");
        }
    }

    #[test]
    fn a_useless_slope_still_ends_at_the_root() {
        let found = root_on_line(5.0, 1.0, false, |x| (0.7 - x, f64::NAN));
        assert!((found - 0.7).abs() < 1e-15);
    }
}
