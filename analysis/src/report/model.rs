//! What a report says, before it is a page: plain values that can be saved, compared and rendered again.
//!
//! Numbers stay numbers here. Rounding, units, marks and words beside them are made once, when the page is laid out, from the metric's
//! format and the standard errors of its rows.

use estimand_stats::check::{CheckResult, Outcome};
use estimand_stats::estimand::Direction;
use estimand_stats::estimate::Estimates;
use estimand_stats::family::Role;
use estimand_viz::Theme;
use estimand_viz::number::{Format, Measure};
use estimand_viz::page::{Interactive, element};
use serde::{Deserialize, Serialize};

/// Everything that a report shows.
///
/// - **Needs** [`ReportModel::estimates`] with a status in each deciding row, and one [`MetricCard`] per metric to be shown.
/// - **Gives** the same page for the same value: it holds no clock, unless [`Provenance::log`] is filled in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReportModel {
    /// What was compared, for whom, and how far it is.
    pub header: Header,
    /// What was checked before reading effects. One failed check replaces the verdict.
    pub checks: Vec<CheckResult>,
    /// The conclusion in words; none is shown when a check failed.
    pub verdict: String,
    /// The metrics in the order of the page; the estimates of a metric without a card are not shown.
    pub metrics: Vec<MetricCard>,
    /// The result table. Rows of a segment, term, period, cohort or quantile are left to figures.
    pub estimates: Estimates,
    /// The deciding rows again at other levels, such as 0.5 and 0.8: the thick parts of an interval bar. May be empty.
    pub inner_intervals: Estimates,
    /// How each family of tests was corrected, by role; shown above its table.
    pub corrections: Vec<Correction>,
    /// Effects and exposures by day.
    pub over_time: Vec<Figure>,
    /// Distributions by arm.
    pub distribution: Vec<Figure>,
    /// Effects by the value of each dimension.
    pub segments: Vec<Figure>,
    /// Whether effects differ between the values of a dimension, and where, sentence by sentence.
    #[serde(default)]
    pub heterogeneity: Vec<String>,
    /// Whether another method would decide otherwise, sentence by sentence.
    #[serde(default)]
    pub method_panel: Vec<String>,
    /// True effects, known only where data were simulated.
    pub truth: Vec<Truth>,
    /// How the numbers came about.
    pub method: Method,
    /// What they came from.
    pub provenance: Provenance,
}

impl ReportModel {
    /// Whether a failed check forbids reading the effects.
    pub fn is_untrusted(&self) -> bool {
        self.checks.iter().any(|check| check.outcome == Outcome::Fail)
    }
}

/// What was compared, for whom, and how far it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The name that the command line knows.
    pub name: String,
    /// The name for people.
    pub label: String,
    /// What was expected, in one sentence.
    pub hypothesis: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it ran, in words with its zone, such as `1 to 14 March 2026, UTC`.
    pub dates: Option<String>,
    /// Who is counted, as a sentence.
    pub population: String,
    /// The arms, the control first.
    pub arms: Vec<Arm>,
    /// How far the plan is.
    pub phase: Phase,
    /// Id of the run.
    pub run_id: String,
    /// The instant up to which data count, in words.
    pub as_of: Option<String>,
    /// The command that recreates the run.
    pub recreate: String,
}

/// One of the experiences compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The name in the result table.
    pub name: String,
    /// The name for people.
    pub label: String,
    /// The planned share of units; `None` when nothing was planned.
    pub allocation: Option<f64>,
    /// Units analysed.
    pub units: u64,
}

/// How far the plan is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// The plan has ended, so the verdict stands.
    #[default]
    Ended,
    /// It has not, and looks are part of it: the verdict stands for this look.
    Looking {
        /// What the look is worth and how far the plan is, in words: `valid at every look, 45 % of the plan`.
        progress: String,
    },
    /// It has not: intervals are folded and there is no verdict.
    Running {
        /// How far, in words: `day 9 of 14`.
        progress: String,
        /// The share of the plan that has passed, inside [0, 1].
        share: Option<f64>,
    },
}

/// What a reader must know of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricCard {
    /// The name in the result table.
    pub name: String,
    /// The name for people.
    pub label: String,
    /// What it measures.
    pub description: Option<String>,
    /// `mean`, `proportion`, `ratio` …
    pub kind: String,
    /// The part it plays.
    pub role: Role,
    /// Which way is good.
    pub direction: Direction,
    /// Its unit.
    pub measured_in: Option<String>,
    /// How its numbers are written.
    pub format: Format,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Relative effects smaller than this do not matter.
    pub minimum_effect: Option<f64>,
    /// What the row beside the deciding one is called: `unadjusted`, or `adjusted` when the plain one decides.
    pub beside: Option<String>,
    /// The estimand as a sentence, once per question asked.
    pub estimands: Vec<String>,
    /// Window, capping values, covariates, estimator, options, owner …: the method in short lines.
    pub facts: Vec<Fact>,
}

impl MetricCard {
    /// A card with a name and a role: plain numbers, more of which is better.
    pub fn new(name: &str, role: Role) -> Self {
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            description: None,
            kind: String::new(),
            role,
            direction: Direction::default(),
            measured_in: None,
            format: Format::default(),
            tags: Vec::new(),
            minimum_effect: None,
            beside: None,
            estimands: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// How numbers of the metric are written.
    pub fn measure(&self) -> Measure {
        Measure {
            measured_in: self.measured_in.clone(),
            format: self.format,
            direction: self.direction,
            ..Measure::labelled(&self.label)
        }
    }
}

/// How a family of tests was corrected for multiplicity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// The family's role.
    pub role: Role,
    /// The correction as a sentence, such as `Holm over 2 metrics × 2 arms.`
    pub sentence: String,
}

/// A true effect, known because the data were simulated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The metric.
    pub metric: String,
    /// The arm.
    pub arm: String,
    /// `absolute` or `relative`.
    pub scale: String,
    /// The effect, on `scale`.
    pub effect: f64,
}

/// A term and what is to be said of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The term.
    pub term: String,
    /// What is to be said.
    pub text: String,
}

impl Fact {
    /// A fact of its two halves.
    pub fn new(term: impl Into<String>, text: impl Into<String>) -> Self {
        Self { term: term.into(), text: text.into() }
    }
}

/// How the numbers came about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// Level, population, plan …: decisions that hold for all metrics.
    pub facts: Vec<Fact>,
    /// Units that were set apart, with counts.
    pub exclusions: Vec<Exclusion>,
    /// The statements that were asked of the data.
    pub statements: Vec<Statement>,
}

/// Units that were set apart for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// The reason.
    pub reason: String,
    /// How many.
    pub units: u64,
    /// What became of them.
    pub treatment: String,
}

/// A statement that was asked of the data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// What it asks.
    pub title: String,
    /// Its text, with placeholders for values.
    pub sql: String,
    /// The values, in order.
    pub parameters: Vec<Fact>,
}

/// What the numbers came from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Hashes, versions, build, seed.
    pub facts: Vec<Fact>,
    /// The files and tables read.
    pub inputs: Vec<Input>,
    /// When each step ran. Leave empty for the stored page: times are not part of a run's identity.
    pub log: Vec<Fact>,
}

/// A file or table that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The source that reads it.
    pub source: String,
    /// Where it is.
    pub location: String,
    /// Its size, in words.
    pub size: String,
    /// Its fingerprint.
    pub fingerprint: String,
}

/// A figure of the page: caption, static pictures for wide and narrow pages, and its data as a table, as one HTML element.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Name of the chart.
    pub name: String,
    /// The element without anything to run.
    pub still: String,
    /// The same with its Plotly source.
    pub interactive: String,
}

impl Figure {
    /// The figure as elements in the colours of the page.
    pub fn of(figure: &estimand_viz::Figure) -> Self {
        Self {
            name: figure.name.to_owned(),
            still: element(figure, &Theme::LIGHT, Interactive::No),
            interactive: element(figure, &Theme::LIGHT, Interactive::Yes),
        }
    }
}
