//! Certification: whether an estimator keeps its promises on this metric, by drawing the assignment of real units anew.
//!
//! The units of an experiment, or of its past, are put into two arms at random, again and again. Nothing was done to any of
//! them, so every rejection is a false one. What the estimator says of a thousand such experiments shows its false-positive
//! rate, whether its p-values are uniform, whether its standard errors are as large as its estimates vary, and the effect that
//! this metric can detect. The rows are read once; a replicate is one pass over the columns in memory.
//!
//! | file | holds |
//! |---|---|
//! | `assignment` | who is treated in a replicate: exactly as many units each time |
//! | `certificate` | what the replicates showed |
//! | `split` | the sample of a replicate: sums over columns where these are enough, else what the estimator asks for |
//! | `units` | the columns, checked once |
//!
//! ```
//! use estimand_stats::certification::{Certification, Units};
//! use estimand_stats::estimand::{Direction, Estimand, Hypothesis, Summary};
//! use estimand_stats::{Design, estimator};
//!
//! let visits: Vec<f64> = (0..600).map(|unit| f64::from(unit * unit % 11)).collect();
//! let units = Units::new("visits", vec![("visits".into(), visits)])?;
//! let estimand = Estimand {
//!     metric: "visits".into(),
//!     summary: Summary::Mean { outcome: "visits".into() },
//!     arm: "treated".into(),
//!     baseline_arm: "control".into(),
//!     hypothesis: Hypothesis::TwoSided,
//!     direction: Direction::Higher,
//!     unit: "user".into(),
//!     population: "all users".into(),
//!     window: String::new(),
//! };
//! let design = Design::default();
//! let welch = estimator::by_name("difference_in_means")?;
//! let certificate = Certification::new(welch, &estimand, &design).run(&units)?;
//! let absolute = certificate.scale("absolute").ok_or("an absolute row")?;
//! assert!(absolute.rejected.low < 0.05 && absolute.rejected.high > 0.05);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assignment;
mod certificate;
mod split;
mod units;

pub use certificate::{Certificate, Performance, Rate, Uniformity};
pub use units::Units;

use assignment::Assignment;
use certificate::Replicate;
use split::Split;

use crate::design::Design;
use crate::error::Error;
use crate::estimand::Estimand;
use crate::estimator::Estimator;
use crate::requirement::{Compression, Requirements, Variable};
use crate::threads::in_order;

/// A question and an estimator, to be tried on units whose assignment is drawn anew.
///
/// - **Needs** the units of both arms as [`Units`], with all of [`Certification::variables`].
/// - **Assumes** that units were assigned one by one; clusters are certified by rows of clusters.
/// - **Source** Kohavi, Tang & Xu (2020), "Trustworthy Online Controlled Experiments", chapter 19, on A/A tests.
#[derive(Debug, Clone)]
pub struct Certification<'a> {
    /// The estimator.
    pub estimator: &'a dyn Estimator,
    /// The question, as asked of the experiment.
    pub estimand: &'a Estimand,
    /// Level, covariates and options.
    pub design: &'a Design,
    /// Weights of the baseline and of the arm, on any scale: their sizes, say.
    pub allocation: [f64; 2],
    /// How many assignments are drawn.
    pub replicates: u32,
    /// Seed of the assignments.
    pub seed: u64,
    /// A relative effect that is given to the treated: rates are then those of a true finding. Zero for an A/A test. A share
    /// rises or falls by units that change sides at random; other outcomes are multiplied.
    pub lift: f64,
}

impl<'a> Certification<'a> {
    /// A thousand A/A tests with arms of one size.
    pub fn new(estimator: &'a dyn Estimator, estimand: &'a Estimand, design: &'a Design) -> Self {
        Self { estimator, estimand, design, allocation: [1.0, 1.0], replicates: 1_000, seed: 0, lift: 0.0 }
    }

    /// The columns that it reads of each unit.
    ///
    /// - **Errors** as [`Estimator::requires`].
    pub fn variables(&self) -> Result<Vec<Variable>, Error> {
        let Requirements { comoments, compressed, histograms, unit_rows } =
            self.estimator.requires(self.estimand, self.design)?;
        let tuples = comoments.into_iter().flatten();
        let rows = compressed.iter().flat_map(Compression::variables).cloned();
        let all = tuples.chain(rows).chain(histograms).chain(unit_rows).chain(self.estimand.summary.variables());
        Ok(all.collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    /// Draws the assignments and analyses each, on all processors.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for an allocation, a number of replicates or a lift that cannot be, or fewer
    ///   than four units; with those of the estimator.
    pub fn run(&self, units: &Units) -> Result<Certificate, Error> {
        self.run_on(units, std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// As [`Certification::run`], on so many threads: the answer has the same bytes for any.
    ///
    /// - **Errors** as [`Certification::run`].
    pub fn run_on(&self, units: &Units, threads: usize) -> Result<Certificate, Error> {
        let sizes = self.sizes(units)?;
        let needs = self.estimator.requires(self.estimand, self.design)?;
        let split = Split::of(units, self.estimand, needs, self.lift)?;
        let assignment = Assignment { seed: self.seed, units: units.n(), treated: sizes[1] };
        let replicates: Vec<u32> = (0..self.replicates).collect();
        let drawn = in_order(threads, &replicates, |replicate| {
            let mut random = assignment.stream(*replicate);
            let treated = assignment.draw(&mut random);
            let sample = split.sample(&treated, &mut random)?;
            let rows = self.estimator.estimate(self.estimand, self.design, &sample)?;
            Ok::<_, Error>(Replicate::of(&rows))
        });
        let drawn = drawn.into_iter().collect::<Result<Vec<_>, Error>>()?;
        Ok(Certificate::of(&drawn, self, sizes))
    }

    /// Units of the baseline and of the arm.
    fn sizes(&self, units: &Units) -> Result<[u64; 2], Error> {
        let refuse = |field: &str, value: String, expected: &str| {
            Err(Error::OutOfRange { field: field.to_owned(), value, expected: expected.to_owned() })
        };
        let [baseline, arm] = self.allocation;
        let share = arm / (baseline + arm);
        if !(baseline > 0.0 && arm > 0.0 && share > 0.0 && share < 1.0) {
            let expected = "the weights of both arms are above 0 and finite";
            return refuse("allocation", format!("{baseline}:{arm}"), expected);
        }
        if !(1..=10_000_000).contains(&self.replicates) {
            return refuse("replicates", self.replicates.to_string(), "there are 1 to 10,000,000");
        }
        if !(self.lift > -1.0 && self.lift.is_finite()) {
            return refuse("lift", self.lift.to_string(), "a relative effect is above -1 and finite, such as 0.02");
        }
        let n = units.n();
        if n < 4 {
            return refuse("units", n.to_string(), "two arms of two units need at least 4");
        }
        let treated = ((n as f64 * share).round() as u64).clamp(2, n - 2);
        Ok([n - treated, treated])
    }
}
