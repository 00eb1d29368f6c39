//! Chi-square tests of independence in the 2×2 table.

use super::{Test, TwoProportions};
use crate::dist::{ChiSquared, TailProbability};

impl TwoProportions {
    /// Pearson's chi-square test, `Σ (observed − expected)²/expected` over the four cells, on one degree of freedom.
    ///
    /// - **Gives** `None` when all units succeed, or none.
    pub fn chi_square(&self) -> Option<Test> {
        self.cells_test(|observed, expected| (observed - expected).powi(2) / expected)
    }

    /// Pearson's chi-square with Yates' continuity correction: every distance from expectation is shortened by one
    /// half, or by itself when it is less.
    ///
    /// - **Gives** `None` when all units succeed, or none.
    /// - **Source** Yates (1934), "Contingency tables involving small numbers and the χ² test".
    pub fn chi_square_yates(&self) -> Option<Test> {
        self.cells_test(|observed, expected| ((observed - expected).abs() - 0.5).max(0.0).powi(2) / expected)
    }

    /// The likelihood-ratio (G) test, `2 Σ observed·ln(observed/expected)`, on one degree of freedom.
    ///
    /// - **Gives** `None` when all units succeed, or none.
    pub fn likelihood_ratio(&self) -> Option<Test> {
        self.cells_test(|observed, expected| {
            // The deviations add to zero over the table, so they may join the sum; each term is then positive.
            let logarithm = if observed > 0.0 { observed * (observed / expected).ln() } else { 0.0 };
            2.0 * (logarithm + expected - observed)
        })
    }

    fn cells_test(&self, cell: impl Fn(f64, f64) -> f64) -> Option<Test> {
        let share = self.pooled_share();
        if share == 0.0 || share == 1.0 {
            return None;
        }
        let statistic = [(self.x_t, self.n_t), (self.x_c, self.n_c)]
            .into_iter()
            .map(|(x, n)| {
                let expected = share * n as f64;
                cell(x as f64, expected) + cell((n - x) as f64, n as f64 - expected)
            })
            .sum();
        let tail = TailProbability::upper(&ChiSquared::new(1.0)?, statistic)?;
        Some(Test { statistic, tail })
    }
}
