//! Across experiments: many estimates of one effect, or one effect out of many.
//!
//! | file | answers |
//! |---|---|
//! | `studies` | estimates with standard errors, checked once |
//! | `pooled` | fixed and random effects: the common effect, its interval, what a new study would show |
//! | `heterogeneity` | how far the effects themselves differ: Q, τ², I² and their intervals |
//! | `leave_one_out` | whether one study alone carries the result |
//! | `combined_p_value` | one p-value from many: Fisher, Stouffer |
//! | `replication` | whether a second experiment agrees with the first |
//! | `selected_effect` | an effect that is shown because it was significant, without the winner's curse |
//! | `programme` | what all launches together are worth |
//!
//! ```
//! use estimand_stats::meta::{Estimator, IntervalMethod, Studies, Study};
//!
//! let study = |estimate, std_error| Study { estimate, std_error };
//! let studies = Studies::new(vec![study(0.021, 0.008), study(0.012, 0.006), study(-0.004, 0.010)])?;
//! let random = studies.random_effects(Estimator::PauleMandel, IntervalMethod::HartungKnapp, 0.95)?;
//! assert!((random.pooled.estimate - 0.010_776).abs() < 1e-6);
//! assert!(random.pooled.interval.low < Some(0.0));
//! # Ok::<(), estimand_stats::Error>(())
//! ```

mod combined_p_value;
mod heterogeneity;
mod leave_one_out;
mod pooled;
mod programme;
mod replication;
mod selected_effect;
mod studies;

pub use combined_p_value::{Combined, fisher, stouffer};
pub use heterogeneity::{Estimator, Heterogeneity};
pub use leave_one_out::LeftOut;
pub use pooled::{IntervalMethod, Pooled, RandomEffects};
pub use programme::{Programme, Total};
pub use replication::Replication;
pub use selected_effect::{SelectedEffect, Selection};
pub(crate) use studies::check_level;
pub use studies::{Studies, Study};
