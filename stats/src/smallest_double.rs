//! The smallest double for which a rising condition holds: selection by counting.

/// The smallest double from `low` to `high` for which `holds`, a condition that once true stays true as its argument
/// rises; `None` when it does not hold even at `high`.
///
/// Halves the doubles between the ends, not their distance, so it ends after 64 steps on the very value at which the
/// condition turns: an attained one, when the condition counts attained values.
pub(crate) fn smallest_double(low: f64, high: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (position(low), position(high));
    if !holds(double(high)) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(double(middle)) { high = middle } else { low = middle + 1 }
    }
    Some(double(high))
}

/// The place of a double among all of them, in their order.
fn position(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn double(position: u64) -> f64 {
    f64::from_bits(if position >> 63 == 1 { position & !(1 << 63) } else { !position })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_in_the_order_of_the_doubles() {
        let rising = [f64::NEG_INFINITY, -1e300, -1.0, -f64::from_bits(1), -0.0, 0.0, f64::from_bits(1), 2.5, f64::MAX];
        assert!(rising.windows(2).all(|pair| position(pair[0]) < position(pair[1])));
        assert!(rising.iter().all(|value| double(position(*value)).to_bits() == value.to_bits()));
    }

    #[test]
    fn it_ends_on_the_value_where_the_condition_turns() {
        for turn in [-7.25, -1e-310, 0.0, 0.1, 3e200] {
            assert_eq!(smallest_double(-1e301, 1e301, |value| value >= turn), Some(turn));
        }
        assert_eq!(smallest_double(0.0, 1.0, |_| false), None);
        assert_eq!(smallest_double(2.0, 2.0, |_| true), Some(2.0));
    }
}
