//! The root of a continuous function inside a bracket.

/// More steps than halving the widest bracket to neighbouring doubles takes.
const MAX_STEPS: usize = 200;

/// Finds where `gap` changes its sign between `low` and `high`, to some spacings of doubles.
///
/// Brent's method: the secant or inverse parabola where it makes good way, else the middle. When both ends have one
/// sign, the end nearer to zero.
///
/// - **Source** Brent (1973), "Algorithms for minimization without derivatives", section 4.6.
pub(crate) fn bracketed_root(low: f64, high: f64, mut gap: impl FnMut(f64) -> f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let (mut at_a, mut at_b) = (gap(a), gap(b));
    if at_a * at_b > 0.0 {
        return if at_a.abs() < at_b.abs() { a } else { b };
    }
    let (mut c, mut at_c) = (a, at_a);
    let (mut step, mut before) = (b - a, b - a);
    for _ in 0..MAX_STEPS {
        if at_b * at_c > 0.0 {
            (c, at_c) = (a, at_a);
            (step, before) = (b - a, b - a);
        }
        if at_c.abs() < at_b.abs() {
            (a, b, c) = (b, c, b);
            (at_a, at_b, at_c) = (at_b, at_c, at_b);
        }
        let tolerance = 4.0 * f64::EPSILON * b.abs() + f64::MIN_POSITIVE;
        let middle = 0.5 * (c - b);
        if middle.abs() <= tolerance || at_b == 0.0 {
            break;
        }
        let s = at_b / at_a;
        let (p, q) = if a == c {
            (2.0 * middle * s, 1.0 - s)
        } else {
            let (q, r) = (at_a / at_c, at_b / at_c);
            (s * (2.0 * middle * q * (q - r) - (b - a) * (r - 1.0)), (q - 1.0) * (r - 1.0) * (s - 1.0))
        };
        let (p, q) = if p > 0.0 { (p, -q) } else { (-p, q) };
        let good = before.abs() >= tolerance && at_a.abs() > at_b.abs();
        if good && 2.0 * p < (3.0 * middle * q - (tolerance * q).abs()).min((before * q).abs()) {
            (before, step) = (step, p / q);
        } else {
            (before, step) = (middle, middle);
        }
        (a, at_a) = (b, at_b);
        b += if step.abs() > tolerance { step } else { tolerance.copysign(middle) };
        at_b = gap(b);
    }
    b
}

#[cfg(test)]
mod tests {
    use super::bracketed_root;

    #[test]
    fn a_root_is_found_to_the_last_digits() {
        let root = bracketed_root(0.0, 3.0, |x| x * x * x - 2.0);
        assert!((root - 2_f64.cbrt()).abs() < 1e-15);
        let jump = bracketed_root(-1.0, 1.0, |x| if x < 0.25 { -1.0 } else { 1.0 });
        assert!((jump - 0.25).abs() < 1e-15);
    }

    #[test]
    fn without_a_change_of_sign_the_nearer_end_stands() {
        assert_eq!(bracketed_root(1.0, 2.0, |x| x), 1.0);
    }
}
