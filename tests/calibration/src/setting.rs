//! How much is simulated.

use crate::scenario::Size;

/// Sizes, replicates and looks of a run. Its numbers depend on these and the seed, not on the threads.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// `quick` or `full`, for the page.
    pub name: &'static str,
    /// Seed of every stream.
    pub seed: u64,
    /// Threads that share the work.
    pub threads: usize,
    /// Sizes of experiments that are looked at once.
    pub sizes: Vec<Size>,
    /// Replicates of an experiment of up to 1,000 units.
    pub replicates: u64,
    /// Replicates of a larger one, as a share of that.
    pub large: f64,
    /// Sizes of experiments that are looked at again and again.
    pub looked_at: Vec<Size>,
    /// Looks at them.
    pub looks: usize,
    /// Replicates of them.
    pub look_replicates: u64,
    /// Sizes of experiments whose effects are drawn from a prior.
    pub believed: Vec<Size>,
    /// Replicates of them.
    pub belief_replicates: u64,
}

const fn size(total: usize, share: f64) -> Size {
    Size { total, share }
}

impl Setting {
    /// For the test command: seconds.
    pub fn quick() -> Self {
        Self {
            name: "quick",
            seed: 20_261_123,
            threads: 2,
            sizes: vec![size(100, 0.5), size(1_000, 0.1)],
            replicates: 160,
            large: 1.0,
            looked_at: vec![size(2_000, 0.5)],
            looks: 10,
            look_replicates: 60,
            believed: vec![size(200, 0.5)],
            belief_replicates: 200,
        }
    }

    /// For a release: ten minutes or so.
    pub fn full() -> Self {
        Self {
            name: "full",
            sizes: vec![
                size(20, 0.5),
                size(100, 0.5),
                size(100, 0.1),
                size(1_000, 0.5),
                size(1_000, 0.1),
                size(1_000, 0.01),
                size(10_000, 0.5),
                size(10_000, 0.1),
            ],
            replicates: 2_000,
            large: 0.25,
            looked_at: vec![size(5_000, 0.5), size(10_000, 0.1)],
            looks: 100,
            look_replicates: 1_000,
            believed: vec![size(40, 0.5), size(200, 0.5), size(2_000, 0.1)],
            belief_replicates: 4_000,
            ..Self::quick()
        }
    }

    /// Replicates of an experiment of this size.
    pub fn replicates_of(&self, size: Size) -> u64 {
        if size.total <= 1_000 { self.replicates } else { (self.replicates as f64 * self.large).ceil() as u64 }
    }
}
