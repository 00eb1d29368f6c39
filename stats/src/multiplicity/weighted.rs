//! Procedures that spend more of the level on the tests that matter more.

use super::{NotAFamily, check_family, present, running_maximum, running_minimum, spread};

/// A way to adjust p-values for their number when some weigh more than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightedCorrection {
    /// Genovese, Roeder & Wasserman (2006): Benjamini–Hochberg of `p/w`, the weights with mean one. Bounds the false
    /// discovery rate as Benjamini–Hochberg does.
    BenjaminiHochberg,
    /// Bonferroni with shares: `p·Σw/w`. Bounds the family-wise error rate under any dependence.
    Bonferroni,
    /// Holm (1979), section 3: step-down by `p/w`, times the weights still standing. Bounds the family-wise error rate
    /// under any dependence, and rejects all that the weighted Bonferroni does.
    Holm,
}

impl WeightedCorrection {
    /// All of them, by name.
    pub const ALL: [Self; 3] = [Self::BenjaminiHochberg, Self::Bonferroni, Self::Holm];

    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BenjaminiHochberg => "benjamini_hochberg",
            Self::Bonferroni => "bonferroni",
            Self::Holm => "holm",
        }
    }

    /// The correction with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|correction| correction.name() == name)
    }

    /// Adjusts a family of p-values.
    ///
    /// - **Needs** one entry and one weight per test, fixed before looking; `None` for a test that gave no p-value.
    /// - **Gives** the adjusted values in the same order; with equal weights those of the plain procedure. A test of
    ///   weight zero is never rejected: its value is one.
    /// - **Errors** with [`NotAFamily`] for an entry outside [0, 1], a weight that is negative or not finite, weights of
    ///   which there are not as many, or that are all zero.
    pub fn adjust(self, family: &[Option<f64>], weights: &[f64]) -> Result<Vec<Option<f64>>, NotAFamily> {
        check_family(family, weights)?;
        let mut ranked: Vec<(usize, f64, f64)> = present(family).map(|(at, p)| (at, p, weights[at])).collect();
        let whole: f64 = ranked.iter().map(|(_, _, weight)| weight).sum();
        let count = ranked.len() as f64;
        // Of a p-value of 0 at weight 0 too, so that it stands last.
        let ratio = |p: f64, weight: f64| if weight > 0.0 { p / weight } else { f64::INFINITY };
        ranked.sort_by(|a, b| ratio(a.1, a.2).total_cmp(&ratio(b.1, b.2)));
        let scaled: Vec<f64> = match self {
            Self::Bonferroni => ranked.iter().map(|(_, p, weight)| whole * ratio(*p, *weight)).collect(),
            Self::Holm => {
                let mut left = whole;
                let step = ranked.iter().map(|(_, p, weight)| {
                    // What stands last has no less than its own weight left, whatever rounding did to the sum.
                    let value = if *weight > 0.0 { left.max(*weight) * ratio(*p, *weight) } else { f64::INFINITY };
                    left -= weight;
                    value
                });
                running_maximum(step.collect())
            }
            Self::BenjaminiHochberg => {
                let step = (1_u32..)
                    .zip(&ranked)
                    .map(|(rank, (_, p, weight))| count / f64::from(rank) * (whole / count) * ratio(*p, *weight));
                running_minimum(step.collect())
            }
        };
        Ok(spread(family.len(), ranked.iter().map(|(at, ..)| *at).zip(scaled)))
    }
}
