//! `estimand power`: units, power, the smallest effect, or days, of an experiment that is planned.

use std::io::Write;

use estimand_analysis::stats::estimand::{Direction, Hypothesis};
use estimand_analysis::stats::multiplicity::Correction;
use estimand_analysis::stats::planning::{
    Adjustment, Answer, Assignment, Clusters, Effect, Multiplicity, Outcome, Plan, Question, Size, Traffic,
};
use estimand_analysis::viz::number::count;

use crate::exit::{ExitCode, Failure};
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
    #[arg(long, value_name = "SHARE", required_unless_present = "mean", help_heading = "The metric")]
    share: Option<f64>,
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
    /// Days from the first unit on; needs `--per-day`.
    #[arg(long, value_name = "DAYS", requires = "per_day", help_heading = "What is asked")]
    days: Option<u32>,

    /// Units that come on a day.
    #[arg(long, value_name = "UNITS", help_heading = "The design")]
    per_day: Option<f64>,
    /// Weights of the arms, the baseline first; equal unless given.
    #[arg(long, value_delimiter = ',', value_name = "WEIGHT,…", help_heading = "The design")]
    allocation: Vec<f64>,
    /// Confidence level of the intervals.
    #[arg(long, default_value_t = 0.95, value_name = "LEVEL", help_heading = "The design")]
    level: f64,
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
    /// Tests in the family of this one: metrics times arms.
    #[arg(long, default_value_t = 1, value_name = "TESTS", help_heading = "The design")]
    tests: u32,
    /// Correction of the family.
    #[arg(long, default_value = "holm", value_name = "NAME", help_heading = "The design")]
    correction: String,

    /// `text` or `json`.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

impl Power {
    /// Answers the question that was left open.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let plan = self.plan()?;
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

    fn plan(&self) -> Result<Plan, Failure> {
        let outcome = match (self.share, self.mean, self.std_dev) {
            (Some(share), ..) => Outcome::proportion(share),
            (None, Some(mean), Some(std_dev)) => Outcome::mean(mean, std_dev),
            _ => return Err(Failure::usage("give `--share`, or `--mean` with `--std-dev`")),
        };
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
            direction: if self.lower_is_better { Direction::Lower } else { Direction::Higher },
            level: self.level,
            assignment: match self.allocation.as_slice() {
                [] => Assignment::default(),
                weights => Assignment::Arms(weights.to_vec()),
            },
            adjustment: match self.explained {
                Some(r_squared) => Adjustment::Explained { r_squared, covariates: 1 },
                None => Adjustment::None,
            },
            clusters: clusters.map(|(size, correlation)| Clusters { size, correlation, size_variation: 0.0 }),
            multiplicity: Multiplicity {
                tests: self.tests,
                correction: if self.tests > 1 { correction } else { Correction::None },
            },
            traffic: self.per_day.map(Traffic::per_day),
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
            lines.push(("days", format!("{days} of {} units a day", count(self.per_day.unwrap_or(0.0) as u64))));
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
