//! A shop with known truth.
//!
//! A simulated web shop tests a checkout on one page against its checkout of several steps. Since the shop is simulated, the effects
//! are known: not estimated from a larger simulation, but computed from the model. The demonstration's report shows each estimate beside
//! its truth.
//!
//! # The model
//!
//! A user `i` has a country, a platform and a kind (new or returning), drawn independently with the shares of the model; together
//! they are the stratum `h`. Activity differs between users and stays the same over time:
//!
//! ```text
//! Gᵢ ~ Gamma(k, 1/k), k = 0.8        E[G] = 1, Var[G] = 1/k
//! ```
//!
//! Given `Gᵢ`, visits, searches and orders are independent Poisson processes with the rates `Gᵢ·λ_h(a)` per day, where `a` is the arm:
//! before exposure everyone lives under `a = control`; new users have no past. The shared `Gᵢ` is what makes the lookback a good
//! covariate. The number of events of one kind in a window of `T` days is therefore negative binomial, with mean `m = λ_h(a)·T`:
//!
//! ```text
//! P(N = 0) = (1 + m/k)^−k        E[N] = m        Var[N] = m + m²/k
//! ```
//!
//! An order has a value of `⌈p_h(a)·e^Z⌉` euros with `Z ~ N(0, 1)`, independent of everything else, and is refunded with probability
//! 0.08. A visit has a load time of `⌈l_h(a)·e^(0.45·Z)⌉` milliseconds. The instant of exposure is a visit; on three edges of windows
//! (the microsecond before exposure, and exactly one and eight days after it) one user in a hundred has a visit more, so that an
//! analysis with a window closed on the wrong side shows.
//!
//! Under the one-page checkout the rates of orders are 3 to 8 % higher, by platform; order values 2 % higher; visits 3 % more frequent; pages 1 %
//! slower; searches not touched at all.
//!
//! # The truth
//!
//! | metric | expectation in stratum `h` under arm `a` |
//! |---|---|
//! | `conversion` | `1 − (1 + m/k)^−k`, `m = 7·λ_orders` |
//! | `orders` | `14·λ_orders` |
//! | `revenue_uncapped` | `14·λ_orders·E[A]`, `E[A] = Σ_{j≥0} P(A > j)` |
//! | `revenue` | `E[min(S, 250)]` of the compound sum `S`, by Panjer's recursion on whole euros: exact |
//! | `revenue_per_order` | ratio of the population's expected revenue and orders |
//! | `refunds` | `14·λ_orders·0.08` |
//! | `return_visits` | `7·λ_visits + 0.01` |
//! | `page_load_time` | `Σ_{j≥0} P(L > j)`: the mean over visits of independent values, and every unit has the visit of its exposure |
//! | `searches` | `14·λ_searches` |
//!
//! Averages over strata, weighted by their shares, are the means of the population and of its segments; differences and ratios of
//! those are the effects. Sums have rounding errors only, below 1e-12 of their values.
//!
//! Which arm a user gets, when, whether a second arm is seen (5 in 10,000, below the share that warns) or the first row lies before the experiment's start
//! (3 in 10,000) is drawn apart from `Gᵢ`, stratum and outcomes. So setting those users apart leaves the truth of the rest unchanged.
//!
//! # Its data
//!
//! Fourteen days of past, fourteen of enrolment, fourteen of follow-up, and two days past the end: events from after the experiment,
//! as any real log has. One user in twenty is never enrolled; three in twenty are exposed again, to the same arm. User `i` depends on
//! the seed and on `i` only (ChaCha8, one stream per user): a smaller shop of the same seed is the beginning of a larger one.

mod compound;
mod expectation;
mod log_normal;
mod model;
mod outcome;
mod table;
mod unit;

use std::path::Path;

pub use outcome::unit_outcomes;

use super::Error;
use super::folder::Folder;
use super::truth::{self, Truth};

/// Name of the experiment.
pub const EXPERIMENT: &str = "one_page_checkout";

/// The text files of the project, by path.
const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("project/README.md")),
    ("estimand.toml", include_str!("project/estimand.toml")),
    ("experiments/one_page_checkout.toml", include_str!("project/experiments/one_page_checkout.toml")),
    ("metrics/conversion.toml", include_str!("project/metrics/conversion.toml")),
    ("metrics/orders.toml", include_str!("project/metrics/orders.toml")),
    ("metrics/page_load_time.toml", include_str!("project/metrics/page_load_time.toml")),
    ("metrics/refunds.toml", include_str!("project/metrics/refunds.toml")),
    ("metrics/return_visits.toml", include_str!("project/metrics/return_visits.toml")),
    ("metrics/revenue.toml", include_str!("project/metrics/revenue.toml")),
    ("metrics/revenue_per_order.toml", include_str!("project/metrics/revenue_per_order.toml")),
    ("metrics/revenue_uncapped.toml", include_str!("project/metrics/revenue_uncapped.toml")),
    ("metrics/searches.toml", include_str!("project/metrics/searches.toml")),
    ("sources/assignments.toml", include_str!("project/sources/assignments.toml")),
    ("sources/events.toml", include_str!("project/sources/events.toml")),
    ("sources/users.toml", include_str!("project/sources/users.toml")),
];

/// What shop to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopOptions {
    /// Users of the shop, enrolled or not; at least 1.
    pub users: u64,
    /// Where randomness comes from: the same seed and number of users give the same bytes.
    pub seed: u64,
}

impl Default for ShopOptions {
    /// 200,000 users; the seed is the first day of the experiment.
    fn default() -> Self {
        Self { users: 200_000, seed: 20_250_303 }
    }
}

/// The true effects of the shop.
pub fn truth(options: &ShopOptions) -> Truth {
    Truth {
        experiment: EXPERIMENT.to_owned(),
        seed: options.seed,
        users: options.users,
        definitions: FILES
            .iter()
            .filter(|(path, _)| path.ends_with(".toml"))
            .map(|(path, text)| ((*path).to_owned(), blake3::hash(text.as_bytes()).to_hex().to_string()))
            .collect(),
        metrics: expectation::effects(),
    }
}

/// Writes the shop as a complete project: definitions, data, and `truth.toml`.
///
/// The folder appears whole or not at all. A folder that holds the same shop already (its `truth.toml` says so) is left as it is.
/// Memory does not grow with the number of users; 200,000 users take about 16 MB of disk.
///
/// # Errors
/// [`Error::NoUsers`] for 0 users; [`Error::FolderInUse`] when the folder holds anything else; [`Error::Read`], [`Error::Write`]
/// and [`Error::WriteRows`] with the file that failed.
pub fn write(folder: &Path, options: &ShopOptions) -> Result<Truth, Error> {
    if options.users == 0 {
        return Err(Error::NoUsers);
    }
    let truth = truth(options);
    if Truth::read(folder)?.as_ref() == Some(&truth) {
        return Ok(truth);
    }
    let project = Folder::start(folder)?;
    for (path, text) in FILES {
        project.text(path, text)?;
    }
    table::write(&project, options.seed, options.users)?;
    project.text(truth::FILE, &truth.to_toml())?;
    project.finish()?;
    Ok(truth)
}
