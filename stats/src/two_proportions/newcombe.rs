//! Newcombe's hybrid score interval for the difference.

use super::{Interval, TwoProportions, wilson_interval};

impl TwoProportions {
    /// Newcombe's interval for the difference, from the two arms' Wilson intervals `(l_t, u_t)` and `(l_c, u_c)`.
    ///
    /// `low = d − √((p̂_t − l_t)² + (u_c − p̂_c)²)`, `high = d + √((u_t − p̂_t)² + (p̂_c − l_c)²)`.
    ///
    /// - **Gives** limits inside `[−1, 1]`, with width also when no unit or every unit succeeds; `None` when `level`
    ///   is outside (0, 1).
    /// - **Source** Newcombe (1998), "Interval estimation for the difference between independent proportions", method
    ///   10.
    pub fn newcombe_interval(&self, level: f64) -> Option<Interval> {
        let treated = wilson_interval(self.x_t, self.n_t, level)?;
        let control = wilson_interval(self.x_c, self.n_c, level)?;
        let (share_t, share_c, difference) = (self.treated_share(), self.control_share(), self.difference());
        Some(Interval {
            low: difference - (share_t - treated.low).hypot(control.high - share_c),
            high: difference + (treated.high - share_t).hypot(share_c - control.low),
        })
    }
}
