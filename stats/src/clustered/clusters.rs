//! Which row is of which cluster.

use std::collections::BTreeMap;

/// A grouping of rows, from a code per row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    of_row: Vec<usize>,
    count: usize,
}

impl Clusters {
    /// The rows that have the same code are one cluster; clusters are numbered by rising code.
    pub fn of(codes: &[f64]) -> Self {
        // The two zeros are one code.
        Self::numbered(codes.iter().map(|code| order(code + 0.0)))
    }

    /// The clusters of rows that are together in both groupings.
    ///
    /// - **Needs** groupings of the same rows.
    pub fn crossed(&self, other: &Self) -> Self {
        Self::numbered(self.of_row.iter().copied().zip(other.of_row.iter().copied()))
    }

    fn numbered<K: Ord + Copy>(keys: impl Iterator<Item = K>) -> Self {
        let keys: Vec<K> = keys.collect();
        let mut numbers: BTreeMap<K, usize> = keys.iter().map(|key| (*key, 0)).collect();
        numbers.values_mut().enumerate().for_each(|(place, number)| *number = place);
        let of_row = keys.iter().map(|key| numbers.get(key).copied().unwrap_or(0)).collect();
        Self { of_row, count: numbers.len() }
    }

    /// How many clusters there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The cluster of each row, counted from zero.
    pub fn of_row(&self) -> &[usize] {
        &self.of_row
    }
}

/// A key that orders as the numbers do.
fn order(code: f64) -> i64 {
    let bits = code.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_numbered_by_rising_code_and_zero_is_one() {
        let clusters = Clusters::of(&[7.0, -2.5, 0.0, -0.0, 7.0]);
        assert_eq!((clusters.of_row(), clusters.count()), (&[2, 0, 1, 1, 2][..], 3));
        assert_eq!(Clusters::of(&[]).count(), 0);
    }

    #[test]
    fn crossing_keeps_together_what_is_together_in_both() {
        let crossed = Clusters::of(&[1.0, 1.0, 2.0, 2.0]).crossed(&Clusters::of(&[5.0, 5.0, 5.0, 6.0]));
        assert_eq!((crossed.of_row(), crossed.count()), (&[0, 0, 1, 2][..], 3));
    }
}
