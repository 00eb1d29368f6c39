//! `estimand power`: units, power, the smallest effect, or days, of an experiment that is planned.

use std::io::Write;

use estimand_analysis::analyze::{Request, Target};
use estimand_analysis::change::Change;
use estimand_analysis::history::{self, History};
use estimand_analysis::stats::estimand::{Direction, Hypothesis};
use estimand_analysis::stats::multiplicity::Correction;
use estimand_analysis::stats::planning::{
    Adjustment, Answer, Assignment, Clusters, Effect, Multiplicity, Outcome, Plan, Question, Size, Traffic,
};
use estimand_analysis::viz::number::count;

use crate::arguments::Common;
use crate::command::{open_project, resources, wait};
use crate::exit::{ExitCode, Failure};
use crate::progress::Progress;
use crate::sink::Sink;

/// Arguments of `estimand power`.
///
/// Of effect, power and size (units or days) two are given, and the third is the answer; the power is 0.8 unless given.
#[derive(Debug, clap::Args)]
pub struct Power {
    /// Mean of the metric per unit, before anything is changed.
    #[arg(
        long,
        value_name = "MEAN",
        allow_negative_numbers = true,
        requires = "std_dev",
        conflicts_with = "share",
        help_heading = "The metric"
    )]
    mean: Option<f64>,
    /// Standard deviation of the metric over units.
    #[arg(long, value_name = "SD", requires = "mean", help_heading = "The metric")]
    std_dev: Option<f64>,
    /// Share of units that do it, for a metric of yes and no.
    #[arg(long, value_name = "SHARE", required_unless_present_any = ["mean", "of"], help_heading = "The metric")]
    share: Option<f64>,
    /// An experiment of the project, over or running, whose control arm is the metric's history: its outcome, what covariates
    /// explain, its arms, its level, its family of tests and the units of its days are taken unless given.
    #[arg(long, value_name = "EXPERIMENT", requires = "metric", conflicts_with_all = ["mean", "share"], help_heading = "The metric")]
    of: Option<String>,
    /// The metric of that experiment.
    #[arg(long, value_name = "METRIC", requires = "of", help_heading = "The metric")]
    metric: Option<String>,
    /// How much longer that experiment must go on to find the effect.
    #[arg(long, requires = "of", help_heading = "What is asked")]
    remaining: bool,
    /// Whether less is good.
    #[arg(long, help_heading = "The metric")]
    lower_is_better: bool,
    /// Share of the variance that covariates explain (CUPED).
    #[arg(long, value_name = "R2", help_heading = "The metric")]
    explained: Option<f64>,

    /// The effect, in the unit of the metric.
    #[arg(
        long,
        value_name = "EFFECT",
        allow_negative_numbers = true,
        conflicts_with = "lift",
        help_heading = "What is asked"
    )]
    effect: Option<f64>,
    /// The effect as a share of the mean: 0.05 is five per cent.
    #[arg(long, value_name = "LIFT", allow_negative_numbers = true, help_heading = "What is asked")]
    lift: Option<f64>,
    /// The chance to find it.
    #[arg(long, value_name = "POWER", help_heading = "What is asked")]
    power: Option<f64>,
    /// Units in all arms together.
    #[arg(long, value_name = "UNITS", conflicts_with = "days", help_heading = "What is asked")]
    units: Option<u64>,
    /// Days from the first unit on; needs `--per-day` or `--of`.
    #[arg(long, value_name = "DAYS", help_heading = "What is asked")]
    days: Option<u32>,

    /// Units that come on a day.
    #[arg(long, value_name = "UNITS", help_heading = "The design")]
    per_day: Option<f64>,
    /// Weights of the arms, the baseline first; equal unless given.
    #[arg(long, value_delimiter = ',', value_name = "WEIGHT,…", help_heading = "The design")]
    allocation: Vec<f64>,
    /// Confidence level of the intervals; 0.95 unless given.
    #[arg(long, value_name = "LEVEL", help_heading = "The design")]
    level: Option<f64>,
    /// The side that is tested.
    #[arg(long, default_value = "two_sided", value_parser = ["greater", "less", "two_sided"], conflicts_with = "margin", help_heading = "The design")]
    alternative: String,
    /// Largest tolerated loss as a share of the mean, for a test of non-inferiority; an effect of none unless given.
    #[arg(long, value_name = "MARGIN", help_heading = "The design")]
    margin: Option<f64>,
    /// Mean number of units in a cluster that is assigned as one.
    #[arg(long, value_name = "UNITS", requires = "cluster_correlation", help_heading = "The design")]
    cluster_size: Option<f64>,
    /// Correlation of two units of a cluster.
    #[arg(long, value_name = "ICC", requires = "cluster_size", help_heading = "The design")]
    cluster_correlation: Option<f64>,
    /// Tests in the family of this one: metrics times arms; 1 unless given.
    #[arg(long, value_name = "TESTS", help_heading = "The design")]
    tests: Option<u32>,
    /// Correction of the family.
    #[arg(long, default_value = "holm", value_name = "NAME", help_heading = "The design")]
    correction: String,

    /// `text` or `json`.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

impl Power {
    /// Answers the question that was left open.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let history = self.of.as_ref().map(|name| self.history(name, common)).transpose()?;
        let plan = self.plan(history.as_ref())?;
        if self.remaining {
            return self.remaining(&plan, history.as_ref());
        }
        let question = self.question()?;
        let answer = plan.answer(&question).map_err(Failure::usage)?;
        let mut sink = Sink::open(None, false)?;
        if self.format == "json" {
            let document = serde_json::json!({ "plan": plan, "question": question, "answer": answer });
            writeln!(sink, "{document:#}")?;
        } else {
            write!(sink, "{}", self.in_words(&answer))?;
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }

    /// What an experiment of the project says of the metric.
    fn history(&self, name: &str, common: &Common) -> Result<History, Failure> {
        let project = open_project(common)?;
        // Moments of outcome and covariates are what a plan is made of, whichever estimator decides.
        let estimator = Some("regression_adjustment".to_owned());
        let change = Change { metrics: self.metric.iter().cloned().collect(), estimator, ..Change::default() };
        let request = Request {
            target: Target::Experiment { project: Box::new(project), name: name.to_owned(), change },
            parameters: Vec::new(),
            as_of: None,
            resources: resources(common),
            recorded: false,
        };
        let progress = Progress::new(common.quiet);
        let say = |what: &str| progress.say(what);
        let history = wait(common, async { history::history(&request, &say).await });
        progress.finish();
        history
    }

    /// What is left of a running experiment.
    fn remaining(&self, plan: &Plan, history: Option<&History>) -> Result<ExitCode, Failure> {
        let so_far = history.and_then(|history| history.progress.as_ref());
        let so_far =
            so_far.ok_or_else(|| Failure::usage("--remaining: every arm has at least 2 units; wait for more"))?;
        let Question::Size { effect, power } = self.question()? else {
            return Err(Failure::usage("--remaining: give an effect (`--lift 0.05` or `--effect`), and no size"));
        };
        let left = plan.remaining(so_far, effect, power).map_err(Failure::usage)?;
        let mut sink = Sink::open(None, false)?;
        if self.format == "json" {
            writeln!(sink, "{:#}", serde_json::json!({ "plan": plan, "progress": so_far, "remaining": left }))?;
        } else {
            let share = |value: f64| format!("{:.1} %", 100.0 * value);
            let days = left.days_left.map_or_else(|| "unknown".to_owned(), |days| format!("{days}"));
            writeln!(sink, "units      {} of {} ({})", count(left.units), count(left.planned.units), share(left.done))?;
            writeln!(sink, "left       {} units, {days} days", count(left.units_left))?;
            writeln!(sink, "power now  {}", share(left.power_now))?;
            if let Some(effect) = left.effect_now {
                let lift = left.lift_now.map_or_else(String::new, |lift| format!(" ({:+.2} %)", 100.0 * lift));
                writeln!(sink, "finds now  {effect:+.6}{lift} with {}", share(power))?;
            }
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }

    fn plan(&self, history: Option<&History>) -> Result<Plan, Failure> {
        let outcome = match (history, self.share, self.mean, self.std_dev) {
            (Some(history), ..) => history.outcome.clone(),
            (None, Some(share), ..) => Outcome::proportion(share),
            (None, None, Some(mean), Some(std_dev)) => Outcome::mean(mean, std_dev),
            _ => return Err(Failure::usage("give `--share`, or `--mean` with `--std-dev`, or `--of` with `--metric`")),
        };
        let lower_is_better = self.lower_is_better || history.is_some_and(|own| own.direction == Direction::Lower);
        let level = self.level.or(history.map(|history| history.level)).unwrap_or(0.95);
        let tests = self.tests.or(history.map(|history| history.tests)).unwrap_or(1);
        let correction = Correction::from_name(&self.correction).ok_or_else(|| {
            let known: Vec<&str> = Correction::ALL.iter().map(|correction| correction.name()).collect();
            Failure::usage(format!("--correction: no correction `{}`; known: {}", self.correction, known.join(", ")))
        })?;
        let clusters = self.cluster_size.zip(self.cluster_correlation);
        Ok(Plan {
            hypothesis: match (self.margin, self.alternative.as_str()) {
                (Some(margin), _) => Hypothesis::NonInferiority { margin },
                (None, "greater") => Hypothesis::Greater,
                (None, "less") => Hypothesis::Less,
                (None, _) => Hypothesis::TwoSided,
            },
            direction: if lower_is_better { Direction::Lower } else { Direction::Higher },
            level,
            assignment: match (self.allocation.as_slice(), history) {
                ([], Some(history)) => Assignment::Arms(history.weights.clone()),
                ([], None) => Assignment::default(),
                (weights, _) => Assignment::Arms(weights.to_vec()),
            },
            adjustment: match (self.explained, history) {
                (Some(r_squared), _) => Adjustment::Explained { r_squared, covariates: 1 },
                (None, Some(history)) => history.adjustment,
                (None, None) => Adjustment::None,
            },
            clusters: clusters.map(|(size, correlation)| Clusters { size, correlation, size_variation: 0.0 }),
            multiplicity: Multiplicity { tests, correction: if tests > 1 { correction } else { Correction::None } },
            traffic: self.per_day.map(Traffic::per_day).or_else(|| {
                let days = history.map(|history| history.new_units.clone()).filter(|days| !days.is_empty());
                days.map(Traffic::of_history)
            }),
            ..Plan::new(outcome)
        })
    }

    /// The one of effect, power and size that was not given.
    fn question(&self) -> Result<Question, Failure> {
        let none = self.margin.map(|_| Effect::Absolute(0.0));
        let effect = self.effect.map(Effect::Absolute).or(self.lift.map(Effect::Relative)).or(none);
        let size = self.units.map(Size::Units).or(self.days.map(Size::Days));
        match (effect, size, self.power) {
            (Some(effect), None, power) => Ok(Question::Size { effect, power: power.unwrap_or(USUAL_POWER) }),
            (Some(effect), Some(size), None) => Ok(Question::Power { size, effect }),
            (None, Some(size), power) => Ok(Question::Effect { size, power: power.unwrap_or(USUAL_POWER) }),
            (Some(_), Some(_), Some(_)) => {
                Err(Failure::usage("effect, size and power are all given, so nothing is asked; leave one of them out"))
            }
            (None, None, _) => Err(Failure::usage(
                "give an effect (`--lift 0.05` or `--effect`), to learn how many units it takes, or a size (`--units` or \
                 `--days`), to learn the smallest effect",
            )),
        }
    }

    fn in_words(&self, answer: &Answer) -> String {
        let mut lines = Vec::new();
        let per_arm: Vec<String> = answer.units_per_arm.iter().map(|units| count(*units)).collect();
        lines.push(("units", format!("{} ({} by arm)", count(answer.units), per_arm.join(" and "))));
        if let Some(clusters) = &answer.clusters_per_arm {
            let clusters: Vec<String> = clusters.iter().map(|clusters| count(*clusters)).collect();
            lines.push(("clusters", clusters.join(" and ")));
        }
        if let Some(days) = answer.days {
            let pace = self.per_day.map(|units| format!(" of {} units a day", count(units as u64)));
            lines.push(("days", format!("{days}{}", pace.unwrap_or_else(|| ", as in the past".to_owned()))));
        }
        lines.push(("power", format!("{:.1} %", 100.0 * answer.power)));
        let share = |share: Option<f64>| share.map_or_else(String::new, |share| format!(" ({:+.2} %)", 100.0 * share));
        lines.push(("effect", format!("{:+.6}{}", answer.effect, share(answer.lift))));
        if let Some(margin) = answer.margin {
            lines.push(("margin", format!("{:.2} % of the mean", 100.0 * margin)));
        }
        let width =
            answer.half_width_of_baseline.map_or_else(String::new, |share| format!(" (±{:.2} %)", 100.0 * share));
        lines.push(("interval", format!("±{:.6}{width}", answer.half_width)));
        if let Some(exaggeration) = answer.exaggeration.filter(|ratio| *ratio > 1.005) {
            lines.push(("when found", format!("the estimate is {exaggeration:.2} times too large on average")));
        }
        let mut text: String = lines.iter().map(|(name, value)| format!("{name:<11}{value}\n")).collect();
        for note in &answer.notes {
            text.push_str(&format!("{note}\n"));
        }
        text
    }
}

/// The chance that an effect is found, unless another is asked for.
const USUAL_POWER: f64 = 0.8;
