//! Where a rising chance reaches what is asked for.

use crate::dist::{Continuous, Normal};

/// Steps of the search: each at least halves the bracket every second time.
const MAX_STEPS: u32 = 200;

/// The smallest `x ≥ low` at which a rising chance reaches `target`; `None` when it is not reached below `high`.
///
/// Sought on the scale where power is nearly a straight line: the probit of the chance against `x`, which callers give as
/// the root of a number of units or as an effect.
pub(super) fn reaches<E>(
    low: f64,
    start: f64,
    high: f64,
    target: f64,
    chance: impl Fn(f64) -> Result<f64, E>,
) -> Result<Option<f64>, E> {
    let probit = |p: f64| Normal.quantile(p.clamp(1e-300, 1.0)).unwrap_or(0.0).clamp(-40.0, 9.0);
    let aim = probit(target);
    let gap = |x: f64| chance(x).map(|p| probit(p) - aim);
    let mut below = (low, gap(low)?);
    if below.1 >= 0.0 {
        return Ok(Some(low));
    }
    let mut x = start.clamp(low, high);
    let mut above = loop {
        let here = (x, gap(x)?);
        if here.1 >= 0.0 {
            break here;
        }
        below = here;
        if x >= high {
            return Ok(None);
        }
        x = (2.0 * x).max(x + start).min(high);
    };
    for count in 0..MAX_STEPS {
        let width = above.0 - below.0;
        if width <= 1e-13 * above.0.abs().max(f64::MIN_POSITIVE) {
            break;
        }
        let line = below.0 - below.1 * width / (above.1 - below.1);
        let margin = 1e-3 * width;
        let next = if count % 3 == 2 || !line.is_finite() {
            below.0 + 0.5 * width
        } else {
            // A step on either side of the straight line's root closes the bracket from both.
            let nudged = if count % 3 == 0 { line + 1e-12 * line.abs() } else { line - 1e-12 * line.abs() };
            nudged.clamp(below.0 + 1e-3 * margin, above.0 - 1e-3 * margin)
        };
        if next <= below.0 || next >= above.0 {
            break;
        }
        let here = (next, gap(next)?);
        if here.1 == 0.0 {
            return Ok(Some(next));
        }
        if here.1 > 0.0 { above = here } else { below = here }
    }
    Ok(Some(above.0))
}

/// The smallest whole number from `low` on from which a sawtoothed chance stays at `target`, near `start`.
///
/// Chances of counts do not quite rise with the units. Up to a thousand every size near the answer is looked at, and the
/// number is one that no larger one disappoints; beyond, the teeth are finer than any digit anyone reads, and the
/// crossing is found by halving.
pub(super) fn stays<E>(
    low: u64,
    start: u64,
    high: u64,
    target: f64,
    chance: impl Fn(u64) -> Result<f64, E>,
) -> Result<Option<u64>, E> {
    let enough = |n: u64| chance(n).map(|p| p >= target);
    let mut above = start.clamp(low, high);
    while !enough(above)? {
        if above >= high {
            return Ok(None);
        }
        above = (above + above / 2 + 1).min(high);
    }
    let mut below = low.saturating_sub(1);
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if enough(middle)? { above = middle } else { below = middle }
    }
    if above > 1_000 {
        return Ok(Some(above));
    }
    let band = 10 + 3 * (above as f64).sqrt() as u64;
    let mut smallest = (above + band).min(high);
    while smallest > low && enough(smallest - 1)? {
        smallest -= 1;
    }
    Ok(Some(smallest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_met() {
        let chance = |x: f64| Ok::<_, ()>(Normal.cdf(0.01 * x - 2.0));
        let x = reaches(1.0, 3.0, 1e9, 0.8, chance).unwrap().unwrap();
        assert!((chance(x).unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(reaches(1.0, 3.0, 10.0, 0.8, chance), Ok(None));
        assert_eq!(reaches(1e5, 3.0, 1e9, 0.8, chance), Ok(Some(1e5)));
    }

    #[test]
    fn a_tooth_below_the_target_moves_the_answer_up() {
        let chance = |n: u64| Ok::<_, ()>(if n == 17 { 0.7 } else { n as f64 / 18.0 });
        assert_eq!(stays(1, 5, 100, 0.8, chance), Ok(Some(18)));
    }
}
