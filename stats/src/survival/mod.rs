//! Time to event: how long units go without it, when some have not yet had it.
//!
//! Everything is a function of the distinct times of an arm with the number of units that had the event, or left
//! unobserved, at each: a [`LifeTable`]. Units that leave at the time of an event were still at risk of it.
//!
//! | file | tests | estimates and intervals |
//! |---|---|---|
//! | `competing_risks` | | cumulative incidence by cause (Aalen–Johansen) |
//! | `concordance` | | how often the higher predictor has the event first |
//! | `cox`, `cox_exact` | Wald, likelihood ratio, score | hazard ratios, ties by Efron, Breslow or exactly; robust errors |
//! | `hazard_ratio` | Wald, likelihood ratio, score, of any ratio | the hazard ratio of two arms, with intervals by each |
//! | `kaplan_meier` | | survival with Greenwood's error; quantiles; restricted mean |
//! | `life_table` | | the counts themselves |
//! | `log_rank` | log-rank and its weighted family, any number of arms, by strata | the hazard ratio in one step |
//! | `weibull` | | lifetimes of a parametric form |
//!
//! ```
//! use estimand_stats::survival::{ConfidenceScale, LifeTable, log_rank};
//!
//! // Six units: times, and whether the event was seen.
//! let times = [(1.0, true, 2), (3.0, false, 1), (4.0, true, 1), (6.0, false, 2)];
//! let table = LifeTable::of(times)?;
//! let curve = table.kaplan_meier();
//! let at_four = curve.at(4.0).ok_or("before the last time")?;
//! assert!((at_four.survival - 4.0 / 6.0 * 2.0 / 3.0).abs() < 1e-15);
//! assert!(at_four.interval(0.95, ConfidenceScale::LogLog).is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod competing_risks;
mod concordance;
mod cox;
mod cox_exact;
mod hazard_ratio;
mod kaplan_meier;
mod life_table;
mod log_rank;
mod weibull;

pub use competing_risks::{CumulativeIncidence, IncidenceStep};
pub use cox::{Cox, CoxError, CoxRow, Ties};
pub use hazard_ratio::{HazardRatio, HazardTest};
pub use kaplan_meier::{ConfidenceScale, KaplanMeier, RestrictedMean, Step};
pub use life_table::{ImpossibleTime, LifeRow, LifeTable};
pub use log_rank::{LogRank, Weighting, log_rank};
pub use weibull::Weibull;
