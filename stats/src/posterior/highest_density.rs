//! The shortest interval that holds a given share of a posterior.

use super::Posterior;
use crate::contrast::Interval;

/// Places looked at before the shortest interval of several peaks is searched for between two of them.
const PLACES: u32 = 24;

/// More steps than the search for a root takes.
const MAX_STEPS: u32 = 80;

/// The shortest interval with probability `level`: for one peak the highest-density interval.
///
/// Its ends have equal density; with `p` the probability below it, `f(q(p)) − f(q(p + level))` changes sign from below
/// to above where the interval is shortest. The root is found instead of the minimum, which is flat and has half the
/// digits.
///
/// - **Gives** `None` when a quantile does not exist. A density that only falls or only rises gives an interval that
///   starts or ends at the edge of the support.
/// - **Source** Box & Tiao (1973), section 2.8; the root by the Illinois method, Dowell & Jarratt (1971).
pub(super) fn interval(posterior: &dyn Posterior, level: f64) -> Option<Interval> {
    let outside = 1.0 - level;
    let ends = |below: f64| Some((posterior.quantile(below)?, posterior.isf(outside - below)?));
    let slope = |(left, right): (f64, f64)| {
        let (at_left, at_right) = (posterior.pdf(left), posterior.pdf(right));
        (at_left - at_right) / (at_left + at_right).max(f64::MIN_POSITIVE)
    };
    let edge = 1e-9 * outside;
    let (mut low, mut high) =
        if posterior.has_one_peak() { (edge, outside - edge) } else { around_the_shortest(outside, edge, &ends)? };
    let (mut at_low, mut at_high) = (slope(ends(low)?), slope(ends(high)?));
    // Without a change of sign the shortest interval lies at that edge.
    if at_low >= 0.0 || at_high <= 0.0 {
        let (left, right) = ends(if at_low >= 0.0 { low } else { high })?;
        return Some(Interval { low: Some(left), high: Some(right) });
    }
    let mut found = ends(0.5 * (low + high))?;
    let mut moved_low = None;
    for _ in 0..MAX_STEPS {
        let between = (low * at_high - high * at_low) / (at_high - at_low);
        let next = if between > low && between < high { between } else { 0.5 * (low + high) };
        found = ends(next)?;
        let here = slope(found);
        if here.abs() <= 1e-12 || high - low <= 1e-14 * outside {
            break;
        }
        // An end that stays while the other moves twice counts for half.
        let again = moved_low == Some(here < 0.0);
        if here < 0.0 {
            (low, at_low) = (next, here);
            at_high *= if again { 0.5 } else { 1.0 };
        } else {
            (high, at_high) = (next, here);
            at_low *= if again { 0.5 } else { 1.0 };
        }
        moved_low = Some(here < 0.0);
    }
    Some(Interval { low: Some(found.0), high: Some(found.1) })
}

/// The places on both sides of the shortest interval among several.
fn around_the_shortest(outside: f64, edge: f64, ends: &impl Fn(f64) -> Option<(f64, f64)>) -> Option<(f64, f64)> {
    let place = |step: u32| outside * (f64::from(step) + 0.5) / f64::from(PLACES);
    let mut shortest = (f64::INFINITY, 0);
    for step in 0..PLACES {
        let (low, high) = ends(place(step))?;
        if high - low < shortest.0 {
            shortest = (high - low, step);
        }
    }
    let low = shortest.1.checked_sub(1).map_or(edge, place);
    let high = if shortest.1 + 1 == PLACES { outside - edge } else { place(shortest.1 + 1) };
    Some((low, high))
}
