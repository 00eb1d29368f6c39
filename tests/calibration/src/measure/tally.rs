//! What replicates add up to.

use estimand_stats::Estimate;

/// Levels of intervals that are looked at; the second is the usual one.
pub const LEVELS: [f64; 3] = [0.90, 0.95, 0.99];

/// Levels of tests that are looked at.
pub const ALPHAS: [f64; 3] = [0.05, 0.01, 0.001];

/// Sums over replicates of one row of one estimator.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Replicates in which it was asked.
    pub asked: u64,
    /// Replicates with an estimate.
    pub answered: u64,
    /// Replicates with a p-value.
    pub tested: u64,
    /// Replicates with an interval closed on a side.
    pub bounded: u64,
    /// Rejections at each of [`ALPHAS`].
    pub rejected: [u64; 3],
    /// Intervals at each of [`LEVELS`] that hold the truth, and how many were asked for.
    pub covered: [u64; 3],
    /// Intervals asked for at each of [`LEVELS`].
    pub intervals: [u64; 3],
    /// Intervals at the usual level that lie below the truth.
    pub below: u64,
    /// Intervals at the usual level that lie above the truth.
    pub above: u64,
    /// Errors of the estimate: how many, their sum and the sum of their squares.
    pub errors: [f64; 3],
    /// Standard errors: how many, and their sum.
    pub std_errors: [f64; 2],
}

impl Tally {
    /// Counts a row at the usual level.
    pub fn count(&mut self, row: Option<&Estimate>, truth: Option<f64>) {
        self.asked += 1;
        let Some(row) = row else { return };
        if let Some(p) = row.p_value {
            self.tested += 1;
            self.rejected.iter_mut().zip(ALPHAS).for_each(|(rejected, alpha)| *rejected += u64::from(p <= alpha));
        }
        self.bounded += u64::from(row.conf_low.is_some() || row.conf_high.is_some());
        if let Some(estimate) = row.estimate {
            self.answered += 1;
            if let Some(truth) = truth {
                let error = estimate - truth;
                self.errors.iter_mut().zip([1.0, error, error * error]).for_each(|(sum, term)| *sum += term);
            }
        }
        if let Some(error) = row.std_error {
            self.std_errors.iter_mut().zip([1.0, error]).for_each(|(sum, term)| *sum += term);
        }
    }

    /// Counts the interval of a row at one of [`LEVELS`]. What excludes nothing covers.
    pub fn count_interval(&mut self, level: usize, row: Option<&Estimate>, truth: f64) {
        let below = row.and_then(|row| row.conf_high).is_some_and(|high| high < truth);
        let above = row.and_then(|row| row.conf_low).is_some_and(|low| low > truth);
        self.intervals[level] += 1;
        self.covered[level] += u64::from(!below && !above);
        if LEVELS[level] == 0.95 {
            self.below += u64::from(below);
            self.above += u64::from(above);
        }
    }

    /// Adds another part of the replicates.
    pub fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.answered += other.answered;
        self.tested += other.tested;
        self.bounded += other.bounded;
        self.below += other.below;
        self.above += other.above;
        let counts = [(&mut self.rejected, other.rejected), (&mut self.covered, other.covered)];
        for (own, part) in counts.into_iter().chain([(&mut self.intervals, other.intervals)]) {
            own.iter_mut().zip(part).for_each(|(own, part)| *own += part);
        }
        self.errors.iter_mut().zip(other.errors).for_each(|(own, part)| *own += part);
        self.std_errors.iter_mut().zip(other.std_errors).for_each(|(own, part)| *own += part);
    }

    /// Mean error and standard deviation of the estimate.
    pub fn bias(&self) -> Option<(f64, f64)> {
        let [n, sum, squares] = self.errors;
        (n > 1.0).then(|| (sum / n, ((squares - sum * sum / n) / (n - 1.0)).max(0.0).sqrt()))
    }

    /// Root mean squared error over the mean standard error.
    pub fn spread(&self) -> Option<f64> {
        let ([n, _, squares], [m, sum]) = (self.errors, self.std_errors);
        (n > 0.0 && m > 0.0 && sum > 0.0).then(|| (squares / n).sqrt() / (sum / m))
    }
}

/// Adds the tallies of pieces of the replicates, in their order.
pub fn add_up(pieces: Vec<Vec<Tally>>) -> Vec<Tally> {
    let mut pieces = pieces.into_iter();
    let mut all = pieces.next().unwrap_or_default();
    for piece in pieces {
        all.iter_mut().zip(&piece).for_each(|(all, part)| all.add(part));
    }
    all
}
