//! Least squares of units that come in clusters: stores, households, days, that were assigned or vary together.
//!
//! Everything is made of one small matrix per cluster. In an orthonormal basis `Q` of the design a cluster of any size
//! has its cross products `S_g = Q_g'Q_g` and its scores `Q_g'e_g`, both as wide as the design, and a function of its
//! block of the hat matrix acts through `Q_g'·f(I − Q_gQ_g')·e_g = f(I − S_g)·Q_g'e_g`. So the corrections for few
//! clusters, their degrees of freedom and the bootstrap cost `G·k³`, and nothing is ever as large as a cluster.
//!
//! | file | holds |
//! |---|---|
//! | `clusters` | which row is of which cluster, and the crossing of two groupings |
//! | `correction` | CR0, CR1, CR1S, CR2 and CR3 |
//! | `fit` | the fit by cluster: covariances, contrasts and Satterthwaite's degrees of freedom |
//! | `two_way` | two groupings at once |
//! | `wild_bootstrap` | the restricted wild cluster bootstrap, with intervals that agree with its test |
//!
//! ```
//! use estimand_stats::clustered::{ClusteredFit, Clusters, Correction};
//! use estimand_stats::least_squares::{Fit, Outcomes};
//!
//! // Three stores with the old shelf, three with the new, two days each.
//! let stores = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 6.0, 6.0];
//! let new = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
//! let sales = [10.0, 12.0, 14.0, 12.0, 9.0, 9.0, 15.0, 13.0, 12.0, 10.0, 14.0, 14.0];
//! let fit = Fit::of(&Outcomes::of_units(&sales), &[new.to_vec()]).map_err(|_| "redundant columns")?;
//! let clustered = ClusteredFit::of(&fit, &Clusters::of(&stores));
//! let effect = clustered.contrast(&[0.0, 1.0], Correction::Cr2).ok_or("no variance")?;
//! // Stores alike in size: Welch's test of the stores' means.
//! assert!((effect.estimate - 2.0).abs() < 1e-12 && (effect.df.unwrap_or(0.0) - 4.0).abs() < 1e-9);
//! # Ok::<(), &str>(())
//! ```

mod clusters;
mod correction;
mod fit;
mod two_way;
mod wild_bootstrap;

pub use clusters::Clusters;
pub use correction::Correction;
pub use fit::ClusteredFit;
pub use two_way::TwoWay;
pub use wild_bootstrap::{Scores, SignWeights, WildBootstrap, WildTest, not_rejected};
