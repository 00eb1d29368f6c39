//! Interaction of experiments that run at once on the same units.
//!
//! Two experiments are crossed: each unit has an arm in both, and the cells of that table, with their counts, means and
//! variances, are all that is read. Two things can be wrong. The *assignments* can depend on each other, by a shared hash or
//! by one experiment that lets only some units into the other; then each effect is mixed with the other's. And the *effects*
//! can, when what one arm does depends on the arm of the other; then no effect speaks of a world without the other
//! experiment.
//!
//! | file | answers |
//! |---|---|
//! | `all_pairs` | every pair of experiments, with the number of pairs paid for |
//! | `crossed` | one pair: dependence of assignment, effects by the other's arm, their interaction |
//! | `johansen` | the test of several contrasts of cells whose variances differ |
//!
//! ```
//! use estimand_stats::interaction::Crossed;
//! use estimand_stats::suffstat::Moments;
//!
//! let cell = |n, mean| Moments::from_summary(n, mean, 4.0);
//! let cells = vec![vec![cell(500, 10.0)?, cell(510, 10.5)?], vec![cell(490, 10.4)?, cell(505, 10.2)?]];
//! let crossed = Crossed::new("visits", ["old", "new"].map(String::from).into(), ["a", "b"].map(String::from).into(), cells)?;
//! assert!(crossed.dependence().ok_or("units in every arm")?.tail.p > 0.8);
//! let interaction = crossed.interaction(0.95)?;
//! assert!((interaction.contrasts[0].difference + 0.7).abs() < 1e-12);
//! assert!(interaction.test.ok_or("cells that vary")?.tail.p < 0.01);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod all_pairs;
mod crossed;
mod johansen;

pub use all_pairs::{PairOfExperiments, all_pairs};
pub use crossed::{CellContrast, Crossed, Interaction};
