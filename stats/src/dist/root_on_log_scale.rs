//! The positive root of a monotone function, found to the last digit.

/// Three times what halving the logarithm of the widest bracket down to neighbours takes.
const MAX_STEPS: usize = 200;

/// Finds `x > 0` where a function monotone in `x` vanishes, by Newton's steps in `ln x` kept inside a bracket.
///
/// `gap(x)` returns the function and its derivative in `ln x`. Steps multiply `x`, so a root of any size keeps its
/// relative accuracy; a step that leaves the bracket is replaced by the bracket's geometric middle.
///
/// - **Gives** the root; `0` or `∞` when it lies below the smallest or above the largest double.
pub(crate) fn root_on_log_scale(start: f64, rising: bool, gap: impl Fn(f64) -> (f64, f64)) -> f64 {
    let (mut low, mut high) = (0.0_f64, f64::INFINITY);
    let mut x = start.clamp(f64::MIN_POSITIVE, f64::MAX);
    for count in 0..MAX_STEPS {
        let (value, slope) = gap(x);
        if value == 0.0 {
            return x;
        }
        if (value < 0.0) == rising {
            low = x;
        } else {
            high = x;
        }
        if low == f64::MAX {
            return f64::INFINITY;
        }
        if high == f64::MIN_POSITIVE {
            return 0.0;
        }
        let step = value / slope;
        let newton = (x * (-step).exp()).clamp(f64::MIN_POSITIVE, f64::MAX);
        // The step that would follow one of this size is below the spacing of doubles. An overflowed slope proves
        // nothing.
        if slope.is_finite() && step.abs() <= 4.0 * f64::EPSILON {
            return newton;
        }
        // Far from the root of an exponential, Newton's steps in ln x are all of one size: now and then halve the
        // bracket instead.
        let crawling = step.abs() > 0.5 && count % 3 == 2;
        let inside = slope.is_finite() && newton > low && newton < high;
        let next = if inside && !crawling { newton } else { middle(low, high) };
        if next == low || next == high {
            return next;
        }
        x = next;
    }
    x
}

/// The geometric middle of a bracket; towards the end of the doubles where one side is still open.
fn middle(low: f64, high: f64) -> f64 {
    match (low > 0.0, high.is_finite()) {
        (true, true) => (low.sqrt() * high.sqrt()).clamp(low, high),
        (true, false) => (low * 1e16).min(f64::MAX),
        (false, _) => (high * 1e-16).max(f64::MIN_POSITIVE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_undone_from_a_distant_start() {
        let root = root_on_log_scale(1e-200, true, |x| (3.0 * x.ln() - 600.0, 3.0));
        assert!((root / 200f64.exp() - 1.0).abs() < 1e-13);
    }

    #[test]
    fn a_root_beyond_the_doubles_is_infinite_or_zero() {
        assert_eq!(root_on_log_scale(1.0, true, |x| (x.ln() - 1e4, 1.0)), f64::INFINITY);
        assert_eq!(root_on_log_scale(1.0, true, |x| (x.ln() + 1e4, 1.0)), 0.0);
    }

    #[test]
    fn a_useless_slope_still_ends_at_the_root() {
        let root = root_on_log_scale(1.0, false, |x| (123.0 - x, f64::NAN));
        assert!((root / 123.0 - 1.0).abs() < 1e-14);
    }
}
