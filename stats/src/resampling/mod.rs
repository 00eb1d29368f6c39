//! Resampling and re-randomisation over distinct values with counts.
//!
//! Nothing here copies units. A replicate costs one draw per distinct value, and where there are more than some
//! thousand of these, one per [`Cell`](Cells): ten million amounts and a thousand replicates take a second. Replicate
//! `r` draws from stream `r` of a counter-based generator, so the same seed gives the same bytes for any number of
//! threads and in any order.
//!
//! | file | holds |
//! |---|---|
//! | `bootstrap` | Poisson, multinomial and Bayesian replicates of a difference, lift or weighted sum of two means |
//! | `bootstrap_interval` | percentile, basic, BCa and studentised intervals, and the p-values that agree with them |
//! | `cells` | a distribution in few cells: tails value by value, the middle in groups |
//! | `cluster_permutation` | the assignment of whole clusters drawn anew |
//! | `count_laws` | random counts by cell |
//! | `permutation` | the assignment drawn anew: complete, by strata; all assignments where these are few |
//! | `quantile_law` | the bootstrap of a quantile without resampling |
//! | `stream` | the counter-based stream of a replicate |
//! | `weights` | how often a unit enters a replicate |
//!
//! ```
//! use estimand_stats::empirical::Empirical;
//! use estimand_stats::resampling::QuantileLaw;
//!
//! let amounts: Vec<f64> = (0..1_000).map(f64::from).collect();
//! let counts = vec![10_000; 1_000];
//! let median = QuantileLaw::of(Empirical::new(&amounts, &counts)?, 0.5).ok_or("there are units")?;
//! // Ten million units: the median lies within one of the value in the middle.
//! assert_eq!(median.interval(0.025), (Some(499.0), Some(500.0)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bootstrap;
mod bootstrap_interval;
mod cells;
mod cluster_permutation;
mod count_laws;
mod permutation;
mod quantile_law;
mod stream;
mod weights;

pub use bootstrap::{Bootstrap, Statistic};
pub use bootstrap_interval::{IntervalKind, Replicates};
pub use cells::Cells;
pub use cluster_permutation::{ClusterStratum, ClusterTotal};
pub use permutation::{Permutation, Reassigned, Stratum};
pub use quantile_law::{QuantileContrast, QuantileLaw};
pub(crate) use stream::stream;
pub use weights::Weights;
