//! Power by simulation, where no formula is honest: heavy tails, many zeros, few units, a metric's own history.
//!
//! Whole experiments are drawn from a stated distribution of units and given to the estimator that will analyse the real
//! one. Each experiment has its own stream of a counter-based generator, so its numbers depend on the seed and its number
//! alone: the same bytes with one thread or sixteen.
//!
//! ```
//! use estimand_stats::planning::simulation::{Change, Simulation, Source};
//!
//! let source = Source::ZeroInflated { share: 0.05, mean: 40.0, std_dev: 60.0 };
//! let simulation = Simulation { experiments: 200, ..Simulation::new(source, Change::Lift(0.2), [2_000, 2_000]) };
//! let found = simulation.run()?;
//! assert!(found.power > 0.05 && found.power < 0.5 && (found.truth - 0.4).abs() < 1e-12);
//! # Ok::<(), estimand_stats::Error>(())
//! ```

mod draw;
mod source;

pub use source::{Change, Population, Source};

use serde::{Deserialize, Serialize};

use draw::Arm;

use crate::design::Design;
use crate::error::Error;
use crate::estimand::{Direction, Estimand, Hypothesis, Summary};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::{self, Estimator};
use crate::planning::refuse;
use crate::sample::{ArmSample, Sample};
use crate::suffstat::CoMoments;
use crate::threads::on_threads;

/// Names of the two arms.
const ARMS: [&str; 2] = ["baseline", "treatment"];

/// What is simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// Where a unit's numbers come from.
    pub source: Source,
    /// What the treatment does to them.
    pub change: Change,
    /// Units of the baseline and of the treatment.
    pub units: [u64; 2],
    /// The test that decides.
    #[serde(default)]
    pub hypothesis: Hypothesis,
    /// Which way is good.
    #[serde(default)]
    pub direction: Direction,
    /// Name of the estimator; the usual one for the summary when there is none.
    #[serde(default)]
    pub estimator: Option<String>,
    /// Level and options of the analysis; covariates are those of the source.
    #[serde(default)]
    pub design: Design,
    /// How many experiments.
    pub experiments: u32,
    /// Seed of all that is drawn.
    #[serde(default)]
    pub seed: u64,
}

/// What came of the experiments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Simulated {
    /// How many experiments there were.
    pub experiments: u32,
    /// Share that rejected on the side of the effect; without one, on either side.
    pub power: f64,
    /// Standard error of the power over the experiments.
    pub power_error: f64,
    /// Share that rejected on the wrong side.
    pub wrong_side: f64,
    /// The true effect, in the unit of the metric.
    pub truth: f64,
    /// Mean of the estimates.
    pub mean_estimate: Option<f64>,
    /// Mean size of the estimates of the experiments that rejected, over the size of the truth.
    pub exaggeration: Option<f64>,
    /// Share of the intervals, among those that there are, that cover the truth.
    pub coverage: Option<f64>,
    /// Experiments without a p-value: nothing varied, or too few units.
    pub without_answer: u32,
}

/// What one experiment gave.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    p_value: Option<f64>,
    estimate: Option<f64>,
    covers: Option<bool>,
}

impl Simulation {
    /// Ten thousand experiments, two-sided at 95 % by the usual estimator.
    pub fn new(source: Source, change: Change, units: [u64; 2]) -> Self {
        Self {
            source,
            change,
            units,
            hypothesis: Hypothesis::default(),
            direction: Direction::default(),
            estimator: None,
            design: Design::default(),
            experiments: 10_000,
            seed: 0,
        }
    }

    /// Draws and analyses the experiments, on all processors.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for a source, a change or sizes that cannot be; with those of the estimator.
    pub fn run(&self) -> Result<Simulated, Error> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        self.run_on(threads)
    }

    /// As [`Simulation::run`], on so many threads: the answer is the same for any.
    ///
    /// - **Errors** as [`Simulation::run`].
    pub fn run_on(&self, threads: usize) -> Result<Simulated, Error> {
        if !(1..=100_000_000).contains(&self.experiments) {
            return Err(refuse("experiments", self.experiments, "there are 1 to 100,000,000"));
        }
        if let Some(units) = self.units.iter().find(|units| !(1..=1_000_000_000_000).contains(*units)) {
            return Err(refuse("units", units, "an arm has 1 to 1e12 units"));
        }
        let arms = [Arm::of(&self.source, Change::None)?, Arm::of(&self.source, self.change)?];
        let estimand = self.estimand();
        let design = Design { covariates: self.source.covariates(), ..self.design.clone() };
        let usual = estimator::usual(estimand.summary.kind(), &design);
        let estimator = estimator::by_name(self.estimator.as_deref().unwrap_or(usual))?;
        // What it cannot answer it says before anything is drawn.
        estimator.requires(&estimand, &design)?;
        let truth = arms[1].summary() - arms[0].summary();
        let experiment =
            Experiment { simulation: self, arms: &arms, estimand: &estimand, design: &design, estimator, truth };
        let threads = threads.clamp(1, self.experiments as usize);
        let parts = on_threads(threads, |thread| experiment.share(thread, threads));
        let mut outcomes = Vec::with_capacity(self.experiments as usize);
        for part in parts {
            outcomes.extend(part?);
        }
        Ok(self.summed(&outcomes, truth))
    }

    fn estimand(&self) -> Estimand {
        Estimand {
            metric: "simulated".to_owned(),
            summary: self.source.estimated(),
            arm: ARMS[1].to_owned(),
            baseline_arm: ARMS[0].to_owned(),
            hypothesis: self.hypothesis,
            direction: self.direction,
            unit: "unit".to_owned(),
            population: "all units".to_owned(),
            window: String::new(),
        }
    }

    /// The level that the deciding row's p-value is held against.
    fn alpha(&self) -> f64 {
        let alpha = 1.0 - self.design.level;
        if self.hypothesis.margin().is_some() { alpha / 2.0 } else { alpha }
    }

    fn summed(&self, outcomes: &[Outcome], truth: f64) -> Simulated {
        let count = f64::from(self.experiments);
        let rejected: Vec<&Outcome> =
            outcomes.iter().filter(|outcome| outcome.p_value.is_some_and(|p| p < self.alpha())).collect();
        let one_sided = self.hypothesis != Hypothesis::TwoSided;
        let is_right = |outcome: &&&Outcome| {
            one_sided || truth == 0.0 || outcome.estimate.is_some_and(|estimate| (estimate > 0.0) == (truth > 0.0))
        };
        let right = rejected.iter().filter(is_right).count() as f64;
        let power = right / count;
        let estimates: Vec<f64> = outcomes.iter().filter_map(|outcome| outcome.estimate).collect();
        let sizes: Vec<f64> = rejected.iter().filter_map(|outcome| outcome.estimate).map(f64::abs).collect();
        let covered: Vec<bool> = outcomes.iter().filter_map(|outcome| outcome.covers).collect();
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        Simulated {
            experiments: self.experiments,
            power,
            power_error: (power * (1.0 - power) / count).sqrt(),
            wrong_side: rejected.len() as f64 / count - power,
            truth,
            mean_estimate: mean(&estimates),
            exaggeration: mean(&sizes).filter(|_| truth != 0.0).map(|size| size / truth.abs()),
            coverage: (!covered.is_empty())
                .then(|| covered.iter().filter(|covers| **covers).count() as f64 / covered.len() as f64),
            without_answer: outcomes.iter().filter(|outcome| outcome.p_value.is_none()).count() as u32,
        }
    }
}

/// All that an experiment needs and its number does not say.
struct Experiment<'a> {
    simulation: &'a Simulation,
    arms: &'a [Arm; 2],
    estimand: &'a Estimand,
    design: &'a Design,
    estimator: &'static dyn Estimator,
    truth: f64,
}

impl Experiment<'_> {
    /// The experiments of one thread, neighbours together.
    fn share(&self, thread: usize, threads: usize) -> Result<Vec<Outcome>, Error> {
        let all = self.simulation.experiments as usize;
        (all * thread / threads..all * (thread + 1) / threads).map(|number| self.one(number as u64)).collect()
    }

    fn one(&self, number: u64) -> Result<Outcome, Error> {
        let names = self.simulation.source.variables();
        let mut random = draw::stream(self.simulation.seed, number);
        let mut arm = |at: usize| -> Result<ArmSample, Error> {
            let units = self.simulation.units[at];
            let moments: CoMoments = self.arms[at].draw(units, &mut random)?;
            Ok(ArmSample {
                arm: ARMS[at].to_owned(),
                units,
                comoments: vec![(names.clone(), Some(moments))],
                ..ArmSample::default()
            })
        };
        let sample = Sample { arms: vec![arm(0)?, arm(1)?] };
        let rows = self.estimator.estimate(self.estimand, self.design, &sample)?;
        Ok(self.read(&rows))
    }

    fn read(&self, rows: &Estimates) -> Outcome {
        let is_absolute = |row: &&Estimate| row.scale.as_deref() == Some("absolute") && row.term.is_none();
        let absolute = rows.rows.iter().find(is_absolute);
        let deciding = match self.simulation.hypothesis.margin() {
            Some(_) => rows.rows.iter().find(|row| row.margin.is_some()),
            None => absolute,
        };
        let has_interval = |row: &&Estimate| row.conf_low.is_some() || row.conf_high.is_some();
        let covers = |row: &Estimate| {
            row.conf_low.is_none_or(|low| low <= self.truth) && row.conf_high.is_none_or(|high| self.truth <= high)
        };
        Outcome {
            p_value: deciding.and_then(|row| row.p_value),
            estimate: absolute.and_then(|row| row.estimate),
            covers: absolute.filter(has_interval).map(covers),
        }
    }
}

impl Source {
    /// The columns as the question names them.
    fn estimated(&self) -> Summary {
        let [outcome, denominator] = [source::OUTCOME, source::DENOMINATOR].map(str::to_owned);
        match self.kind() {
            crate::estimand::SummaryKind::Proportion => Summary::Proportion { outcome },
            crate::estimand::SummaryKind::Ratio => Summary::Ratio { numerator: outcome, denominator },
            _ => Summary::Mean { outcome },
        }
    }
}
