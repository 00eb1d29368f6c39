//! Fisher's exact test.

use super::TwoProportions;
use crate::dist::{Alternative, Hypergeometric, TailProbability};

impl TwoProportions {
    /// Fisher's exact test of equal shares, given both margins.
    ///
    /// Two-sided, it adds the probabilities of all tables no more likely than the observed one; one-sided, of those
    /// with at least (or at most) as many treated successes.
    ///
    /// - **Gives** an answer for every table: one when the margins allow no other table.
    /// - **Source** Fisher (1935), "The logic of inductive inference"; the two-sided rule as in R's `fisher.test`.
    pub fn fisher_exact(&self, alternative: Alternative) -> TailProbability {
        let law = self.given_margins();
        match alternative {
            Alternative::TwoSided => law.no_more_likely(self.x_t),
            Alternative::Greater => law.upper_tail(self.x_t),
            Alternative::Less => law.lower_tail(self.x_t),
        }
    }

    /// The law of the treated successes given both margins, when shares are equal.
    pub(super) fn given_margins(&self) -> Hypergeometric {
        Hypergeometric::of_table(self.x_t, self.n_t, self.x_c, self.n_c)
    }
}
