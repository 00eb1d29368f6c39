//! How often the unit with the higher predictor has the event first.

use super::CoxRow;

/// The concordance of a linear predictor with times, within strata; `None` without a comparable pair.
pub(super) fn concordance(rows: &[CoxRow], coefficients: &[f64]) -> Option<f64> {
    let predictor = |row: &CoxRow| row.x.iter().zip(coefficients).map(|(x, beta)| x * beta).sum::<f64>();
    let mut levels: Vec<f64> = rows.iter().map(predictor).collect();
    levels.sort_by(f64::total_cmp);
    // Predictors that differ by rounding alone are one.
    levels.dedup_by(|later, kept| (*later - *kept).abs() <= 1e-12 * kept.abs().max(1.0));
    let level = |row: &CoxRow| levels.partition_point(|own| *own <= predictor(row) + 1e-12).saturating_sub(1);
    let mut sorted: Vec<(&CoxRow, usize)> = rows.iter().map(|row| (row, level(row))).collect();
    sorted.sort_by(|(a, _), (b, _)| a.stratum.cmp(&b.stratum).then(b.time.total_cmp(&a.time)));
    let (mut agreeing, mut comparable) = (0.0, 0.0);
    for stratum in sorted.chunk_by(|(a, _), (b, _)| a.stratum == b.stratum) {
        // Units that go on longer than the time at hand, by predictor.
        let mut later = Counts::new(levels.len());
        for tied in stratum.chunk_by(|(a, _), (b, _)| a.time == b.time) {
            let of = |event: bool| tied.iter().filter(move |(row, _)| row.event == event);
            of(false).for_each(|(row, level)| later.add(*level, row.count as f64));
            for (row, level) in of(true) {
                let (below, upto) = (later.below(*level), later.below(level + 1));
                agreeing += row.count as f64 * (below + upto) / 2.0;
                comparable += row.count as f64 * later.total;
            }
            of(true).for_each(|(row, level)| later.add(*level, row.count as f64));
        }
    }
    (comparable > 0.0).then(|| agreeing / comparable)
}

/// Counts by level with sums over all levels below one: Fenwick's tree.
struct Counts {
    tree: Vec<f64>,
    total: f64,
}

impl Counts {
    fn new(levels: usize) -> Self {
        Self { tree: vec![0.0; levels + 1], total: 0.0 }
    }

    fn add(&mut self, level: usize, count: f64) {
        self.total += count;
        let mut at = level + 1;
        while at < self.tree.len() {
            self.tree[at] += count;
            at += at & at.wrapping_neg();
        }
    }

    fn below(&self, level: usize) -> f64 {
        let (mut at, mut sum) = (level, 0.0);
        while at > 0 {
            sum += self.tree[at];
            at &= at - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_can_be_compared_are_counted() {
        let row = |time, event, x: f64| CoxRow { time, event, stratum: 0, count: 1, x: vec![x] };
        // The first event agrees with two of three and ties with one; the second ties in time and is held against one.
        let rows = [row(1.0, true, 2.0), row(2.0, true, 1.0), row(2.0, true, 2.0), row(2.0, false, 0.0)];
        assert_eq!(concordance(&rows, &[1.0]), Some((2.5 + 1.0 + 1.0) / 5.0));
        assert_eq!(concordance(&rows[3..], &[1.0]), None);
    }
}
