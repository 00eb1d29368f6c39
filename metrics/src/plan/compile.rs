//! From definitions to the unit aggregation: the union of what every estimator needs, each thing once.

use std::collections::{BTreeMap, BTreeSet};

use estimand_stats::design::{Design, Population};
use estimand_stats::estimand::{Direction, Estimand, Hypothesis, Summary};
use estimand_stats::estimator;
use estimand_stats::requirement::{MISSING, Requirements};
use jiff::{SignedDuration, Timestamp};

use crate::bindings::Bindings;
use crate::definition::{
    Cap, Covariate, Experiment, Metric, OptionValue, Population as Enrolled, RoleKind, Source, UnitValue, WhenEmpty,
    Zone,
};
use crate::expression::{AggregateFunction, Aggregation, Expression};
use crate::kind::Outcome;
use crate::plan::lower::{COLUMN_DAY, is_column_of_units};
use crate::plan::question::{Asked, Question};
use crate::plan::specification::{
    Derivation, DerivedColumn, DimensionColumn, Enrolment, Grouping, Readout, Span, TriggerEvent, UnitAggregation,
    UnitColumn,
};
use crate::project::Project;

/// What is asked in one run, before any data are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The experiment.
    pub experiment: Experiment,
    /// What is asked of each metric, in the order of the file.
    pub questions: Vec<Question>,
    /// What is asked of the data for all of them together.
    pub specification: UnitAggregation,
    /// The unit rows that estimators asked for, by column; empty when moments are enough.
    pub unit_rows: BTreeSet<String>,
}

/// The column of the unit table that holds a dimension, which may be called as a column of every unit is.
fn dimension_column(name: &str) -> String {
    if is_column_of_units(name) { format!("{name}.dimension") } else { name.to_owned() }
}

impl Plan {
    /// The dimension whose values a column of the unit table holds.
    pub(crate) fn dimension_of(&self, column: &str) -> String {
        let mut names = self.experiment.dimensions.iter().map(|dimension| &dimension.name);
        names.find(|name| dimension_column(name) == column).cloned().unwrap_or_else(|| column.to_owned())
    }

    /// The columns of the unit table by which rows of units are told apart, where an estimator reads them.
    pub(crate) fn unit_row_groups(&self) -> Vec<String> {
        let of = |readout: &Readout| match &readout.by {
            Grouping::Arm => None,
            Grouping::Day => Some(COLUMN_DAY.to_owned()),
            Grouping::Dimension(name) => Some(name.clone()),
        };
        self.specification.readouts.iter().filter_map(of).collect()
    }
}

/// The instant beyond which nothing is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// Given by whoever asks.
    At(Timestamp),
    /// Now, or the end of the last window when that has passed, so that a finished experiment gives one answer for ever.
    Now(Timestamp),
}

impl AsOf {
    fn resolve(self, experiment: &Experiment, longest: i64) -> Option<Timestamp> {
        match (self, experiment.end) {
            (Self::At(instant), _) => Some(instant),
            (Self::Now(now), Some(end)) => {
                let last = end.checked_add(SignedDuration::from_micros(longest)).unwrap_or(end);
                Some(now.min(last))
            }
            (Self::Now(now), None) => experiment.start.map(|_| now),
        }
    }
}

/// Compiles an experiment of a checked project.
///
/// # Errors
/// An estimator that does not exist, does not serve a metric, or refuses an option.
pub fn compile(
    project: &Project,
    experiment: &Experiment,
    bindings: &Bindings,
    as_of: AsOf,
) -> Result<Plan, estimand_stats::Error> {
    let mut compiler = Compiler::new(project, experiment);
    let longest = compiler.longest_window();
    let as_of = as_of.resolve(experiment, longest);
    let mut questions = Vec::new();
    for entry in &experiment.metrics {
        // A checked project names no metric that it does not hold.
        if let Some(metric) = project.metric(&entry.metric) {
            questions.push(compiler.question(metric, entry.role)?);
        }
    }
    let (readouts, unit_rows) = compiler.readouts(&questions)?;
    let specification = UnitAggregation {
        enrolment: compiler.enrolment(as_of),
        values: compiler.values,
        derived: compiler.derived,
        readouts,
        bindings: bindings.clone(),
    };
    Ok(Plan { experiment: experiment.clone(), questions, specification, unit_rows })
}

struct Compiler<'a> {
    project: &'a Project,
    experiment: &'a Experiment,
    /// The columns of the unit table that tell clusters and strata apart.
    cluster: Option<String>,
    stratum: Option<String>,
    values: Vec<UnitColumn>,
    derived: Vec<DerivedColumn>,
}

impl<'a> Compiler<'a> {
    fn new(project: &'a Project, experiment: &'a Experiment) -> Self {
        let (values, derived) = (Vec::new(), Vec::new());
        let mut compiler = Self { project, experiment, cluster: None, stratum: None, values, derived };
        let assignment = &experiment.assignment;
        compiler.cluster = assignment.cluster.as_ref().map(|column| compiler.assignment_code(column));
        compiler.stratum = assignment.stratum.as_ref().map(|column| compiler.assignment_code(column));
        compiler
    }

    fn source(&self, name: &str) -> Option<&'a Source> {
        self.project.source(name)
    }

    fn assignment(&self) -> Option<&'a Source> {
        self.source(&self.experiment.assignment.source)
    }

    /// Whether outcomes can be counted in time: assignments have one.
    fn is_timed(&self) -> bool {
        self.assignment().is_some_and(|source| source.clock.is_some())
    }

    fn longest_window(&self) -> i64 {
        self.experiment
            .metrics
            .iter()
            .filter_map(|entry| self.project.metric(&entry.metric))
            .filter_map(|metric| Some(metric.window.delay.microseconds() + metric.window.length?.microseconds()))
            .max()
            .unwrap_or(0)
    }

    fn zone(&self) -> Zone {
        self.experiment.timezone.clone().unwrap_or_else(Zone::utc)
    }

    fn unit_column(&self, source: &Source) -> Option<String> {
        (!self.experiment.rows_are_units()).then(|| source.unit_column(&self.experiment.unit).to_owned())
    }

    fn enrolment(&self, as_of: Option<Timestamp>) -> Enrolment {
        let assignment = &self.experiment.assignment;
        Enrolment {
            source: assignment.source.clone(),
            unit_column: (!self.experiment.rows_are_units()).then(|| assignment.unit_column.clone()),
            arm_column: assignment.arm.clone(),
            clock: self.assignment().and_then(|source| source.clock.clone()),
            filter: assignment.filter.clone(),
            arms: self.experiment.arms.iter().map(|arm| arm.name.clone()).collect(),
            start: self.experiment.start,
            end: self.experiment.end,
            as_of,
            zone: self.zone(),
            trigger: self.experiment.trigger.as_ref().and_then(|trigger| {
                Some(TriggerEvent {
                    source: trigger.source.clone(),
                    unit_column: trigger.unit_column.clone(),
                    clock: self.source(&trigger.source)?.clock.clone()?,
                    filter: trigger.filter.clone(),
                })
            }),
            dimensions: self
                .experiment
                .dimensions
                .iter()
                .map(|dimension| DimensionColumn {
                    name: dimension_column(&dimension.name),
                    source: dimension.source.clone(),
                    column: dimension.column.clone(),
                    unit_column: dimension.unit_column.clone(),
                })
                .collect(),
        }
    }

    /// The column of a value, adding it unless the same is there under another name.
    fn intern(&mut self, column: UnitColumn) -> String {
        let same = |other: &&UnitColumn| UnitColumn { name: column.name.clone(), ..(*other).clone() } == column;
        if let Some(found) = self.values.iter().find(same) {
            return found.name.clone();
        }
        let name = self.free(&column.name);
        self.values.push(UnitColumn { name: name.clone(), ..column });
        name
    }

    /// A name for a value that no other column of the unit table has: a covariate may be called as a metric or a dimension is.
    fn free(&self, name: &str) -> String {
        let is_taken = |name: &str| {
            is_column_of_units(name)
                || self.values.iter().any(|value| value.name == name)
                || self.experiment.dimensions.iter().any(|dimension| dimension.name == name)
        };
        let others = (1..).map(|number| format!("{name}.value{number}"));
        std::iter::once(name.to_owned()).chain(others).find(|name| !is_taken(name)).unwrap_or_default()
    }

    fn derive(&mut self, derived: DerivedColumn) -> String {
        let name = derived.name.clone();
        if !self.derived.contains(&derived) {
            self.derived.push(derived);
        }
        name
    }

    /// The columns of one value of a metric: as it is, and cut to its bounds when it has some.
    fn value(&mut self, name: &str, metric: &Metric, value: &UnitValue, period: Period) -> Columns {
        let clock = self.source(&value.source).and_then(|source| source.clock.clone());
        let timed = clock.is_some() && self.is_timed();
        let span = timed.then(|| match period {
            Period::After => Span::After {
                delay: metric.window.delay.microseconds(),
                length: metric.window.length.map(crate::definition::Duration::microseconds),
            },
            Period::Before { lookback } => Span::Before { lookback },
        });
        let matures_after = match (span, metric.window.matured) {
            (Some(Span::After { delay, length: Some(length) }), true) => Some(delay + length),
            _ => None,
        };
        let column = UnitColumn {
            name: name.to_owned(),
            source: value.source.clone(),
            unit_column: self.source(&value.source).and_then(|source| self.unit_column(source)),
            clock: if timed { clock } else { None },
            aggregation: value.aggregation.clone(),
            filter: value.filter.clone(),
            span,
            when_empty: match value.when_empty {
                WhenEmpty::Null => None,
                WhenEmpty::Value(number) => Some(number),
            },
            matures_after,
        };
        let raw = self.intern(column);
        let capped = value.cap.map(|cap| self.capped(name, &raw, cap));
        Columns { raw, capped }
    }

    fn capped(&mut self, name: &str, of: &str, cap: Cap) -> String {
        self.derive(DerivedColumn { name: format!("{name}.capped"), of: of.to_owned(), how: Derivation::Capped(cap) })
    }

    /// Covariates of a metric, each with an indicator of what is missing when something can be.
    fn covariates(&mut self, metric: &Metric) -> Vec<String> {
        let mut covariates = Vec::new();
        if let Some(lookback) = metric.lookback
            && self.is_timed()
        {
            covariates.extend(self.lookback(metric, lookback.microseconds()));
        }
        let named: Vec<Covariate> =
            metric.covariates.iter().chain(&self.experiment.analysis.covariates).cloned().collect();
        for covariate in named {
            match covariate {
                Covariate::Metric(name) => {
                    if let Some(other) = self.project.metric(&name).filter(|other| other.name != metric.name) {
                        match other.lookback {
                            Some(lookback) if self.is_timed() => {
                                covariates.extend(self.lookback(other, lookback.microseconds()));
                            }
                            _ => covariates.extend(self.of_unit_table(other)),
                        }
                    }
                }
                Covariate::Column(name) => {
                    let column = self.assignment_column(&name);
                    covariates.extend(self.with_indicator(&column));
                }
            }
        }
        let mut seen = BTreeSet::new();
        covariates.retain(|covariate| seen.insert(covariate.clone()));
        covariates
    }

    /// A metric's values over its pre-period: no event is zero, not missing.
    fn lookback(&mut self, metric: &Metric, lookback: i64) -> Vec<String> {
        let before = Period::Before { lookback };
        let names = value_names(metric);
        let values: Vec<UnitValue> = metric.outcome.values().cloned().collect();
        let mut columns = Vec::new();
        for (name, value) in names.iter().zip(values) {
            let value = UnitValue { when_empty: WhenEmpty::Value(0.0), ..value };
            columns.push(self.value(&format!("{name}.pre"), metric, &value, before).deciding().to_owned());
        }
        columns
    }

    fn of_unit_table(&mut self, metric: &Metric) -> Vec<String> {
        let values: Vec<UnitValue> = metric.outcome.values().cloned().collect();
        let mut columns = Vec::new();
        for (name, value) in value_names(metric).iter().zip(values) {
            let column = self.value(name, metric, &value, Period::After).deciding().to_owned();
            columns.extend(self.with_indicator(&column));
        }
        columns
    }

    fn assignment_column(&mut self, name: &str) -> String {
        self.of_assignment(name, Expression::of_column(name))
    }

    /// A column of the assignment source as numbers that tell its values apart.
    fn assignment_code(&mut self, name: &str) -> String {
        self.of_assignment(&format!("{name}.code"), Expression::code_of_column(name))
    }

    /// What is said of a unit by its first assignment.
    fn of_assignment(&mut self, name: &str, argument: Expression) -> String {
        let source = self.experiment.assignment.source.clone();
        let clock = self.assignment().and_then(|source| source.clock.clone());
        let function = if clock.is_some() { AggregateFunction::First } else { AggregateFunction::Row };
        self.intern(UnitColumn {
            name: name.to_owned(),
            unit_column: (!self.experiment.rows_are_units()).then(|| self.experiment.assignment.unit_column.clone()),
            source,
            span: clock.as_ref().map(|_| Span::After { delay: 0, length: None }),
            clock,
            aggregation: Aggregation { function, argument: Some(argument) },
            filter: self.experiment.assignment.filter.clone(),
            when_empty: None,
            matures_after: None,
        })
    }

    fn with_indicator(&mut self, column: &str) -> [String; 2] {
        let filled = DerivedColumn { name: format!("{column}.filled"), of: column.to_owned(), how: Derivation::Filled };
        let missing =
            DerivedColumn { name: format!("{column}{MISSING}"), of: column.to_owned(), how: Derivation::Missing };
        [self.derive(filled), self.derive(missing)]
    }

    fn question(&mut self, metric: &Metric, role: crate::definition::Role) -> Result<Question, estimand_stats::Error> {
        let names = value_names(metric);
        let values: Vec<UnitValue> = metric.outcome.values().cloned().collect();
        let columns: Vec<Columns> =
            names.iter().zip(&values).map(|(name, value)| self.value(name, metric, value, Period::After)).collect();
        let covariates = self.covariates(metric);
        let analysis = &self.experiment.analysis;
        let own = analysis.by_metric.get(&metric.name);
        let named = own.map_or(&analysis.estimator, |own| &own.estimator).as_deref();
        let how = How {
            estimator: named,
            options: own.map_or(&analysis.options, |own| &own.options),
            decides: true,
            variant: "",
        };
        let mut asked = vec![self.asked(metric, &columns, covariates.clone(), how)?];
        if !covariates.is_empty() && self.adjusts(metric, &asked[0])? {
            let plain = How { estimator: None, decides: false, variant: "unadjusted", ..how };
            asked.push(self.asked(metric, &columns, Vec::new(), plain)?);
        }
        if columns.iter().any(|column| column.capped.is_some()) {
            let uncapped: Vec<Columns> =
                columns.iter().map(|column| Columns { raw: column.raw.clone(), capped: None }).collect();
            let how = How { decides: false, variant: "uncapped", ..how };
            asked.push(self.asked(metric, &uncapped, covariates.clone(), how)?);
        }
        for name in &analysis.beside {
            let other = estimator::by_name(name)?;
            if other.name() != asked[0].estimator && other.serves().contains(&asked[0].summary.kind()) {
                let how = How { estimator: Some(name), decides: false, variant: other.name(), ..how };
                asked.push(self.asked(metric, &columns, covariates.clone(), how)?);
            }
        }
        Ok(Question {
            metric: metric.clone(),
            role,
            asked,
            population: self.population(),
            window: self.window(metric),
            unit: self.experiment.unit.clone(),
        })
    }

    /// Whether an answer would be another one without the covariates of its design.
    fn adjusts(&self, metric: &Metric, asked: &Asked) -> Result<bool, estimand_stats::Error> {
        let rule = estimator::by_name(&asked.estimator)?;
        let treatment = self.experiment.treatments().next().map_or("", |arm| arm.name.as_str());
        let estimand = Estimand {
            metric: metric.name.clone(),
            summary: asked.summary.clone(),
            arm: treatment.to_owned(),
            baseline_arm: self.experiment.control.clone(),
            hypothesis: Hypothesis::TwoSided,
            direction: Direction::Higher,
            unit: self.experiment.unit.clone(),
            population: String::new(),
            window: String::new(),
        };
        let plain = Design { covariates: Vec::new(), ..asked.design.clone() };
        Ok(rule.requires(&estimand, &asked.design)? != rule.requires(&estimand, &plain)?)
    }

    fn asked(
        &self,
        metric: &Metric,
        columns: &[Columns],
        covariates: Vec<String>,
        how: How<'_>,
    ) -> Result<Asked, estimand_stats::Error> {
        let at = |index: usize| columns.get(index).map_or_else(String::new, |column| column.deciding().to_owned());
        let summary = match &metric.outcome {
            Outcome::Mean(_) => Summary::Mean { outcome: at(0) },
            Outcome::Proportion(_) => Summary::Proportion { outcome: at(0) },
            Outcome::Ratio { .. } => Summary::Ratio { numerator: at(0), denominator: at(1) },
            Outcome::TimeToEvent { .. } => Summary::TimeToEvent { duration: at(0), event: at(1) },
        };
        let serves = |name: &&str| estimator::by_name(name).is_ok_and(|it| it.serves().contains(&summary.kind()));
        let named = how.estimator.filter(serves);
        let by_plan = || self.experiment.plan.kind.estimator().filter(serves);
        let population = match self.experiment.analysis.population {
            Enrolled::Enrolled => Population::Enrolled,
            Enrolled::Superpopulation => Population::Sampled,
        };
        let design = Design {
            level: self.experiment.analysis.level,
            covariates,
            cluster: self.cluster.clone(),
            stratum: self.stratum.clone(),
            options: BTreeMap::new(),
            population,
        };
        let usual = || estimator::usual(summary.kind(), &design);
        let chosen = named.or_else(by_plan).unwrap_or_else(usual);
        let takes = estimator::by_name(chosen)?.options();
        let options: BTreeMap<String, String> = how
            .options
            .iter()
            // Options are of the estimator that the file names; one chosen by the metric takes those that it knows.
            .filter(|(name, _)| (named.is_some() && how.decides) || takes.iter().any(|spec| spec.name == name.as_str()))
            .map(|(name, value)| (name.clone(), option_text(value)))
            .collect();
        Ok(Asked {
            summary,
            estimator: chosen.to_owned(),
            design: Design { options, ..design },
            decides: how.decides,
            variant: how.variant,
        })
    }

    fn population(&self) -> String {
        let unit = if self.experiment.rows_are_units() {
            "rows".to_owned()
        } else {
            format!("units of {}", self.experiment.unit)
        };
        match &self.experiment.trigger {
            Some(trigger) => format!("{unit} that met the trigger in {}", trigger.source),
            None => format!("all {unit}"),
        }
    }

    fn window(&self, metric: &Metric) -> String {
        if !self.is_timed() {
            return String::new();
        }
        let from = if self.experiment.trigger.is_some() { "the trigger" } else { "exposure" };
        let delay = metric.window.delay;
        let opens = if delay.milliseconds() == 0 { String::new() } else { format!(", after a delay of {delay}") };
        match metric.window.length {
            Some(length) => format!("{length} from {from}{opens}"),
            None => format!("from {from} to the end{opens}"),
        }
    }

    /// The union of what every estimator of every question needs, by grouping.
    fn readouts(&self, questions: &[Question]) -> Result<(Vec<Readout>, BTreeSet<String>), estimand_stats::Error> {
        let mut all = Requirements::default();
        let mut primary = Requirements::default();
        let mut deciding = Requirements::default();
        let control = self.experiment.control.as_str();
        let arm = self.experiment.treatments().next().map_or("", |arm| arm.name.as_str());
        for question in questions {
            for asked in &question.asked {
                let estimand = question.estimand(asked, arm, control);
                let needs = estimator::by_name(&asked.estimator)?.requires(&estimand, &asked.design)?;
                all = all.union(needs.clone());
                if asked.decides && question.role_kind() != RoleKind::Informational {
                    deciding = deciding.union(needs.clone());
                }
                if asked.decides && question.role_kind() == RoleKind::Primary {
                    primary = primary.union(needs);
                    all.histograms.extend(asked.summary.variables());
                }
            }
        }
        let mut readouts = vec![readout(Grouping::Arm, &all)];
        if self.is_timed() && !primary.is_empty() {
            readouts.push(Readout { histograms: Vec::new(), ..readout(Grouping::Day, &primary) });
        }
        for dimension in &self.experiment.dimensions {
            let by = Grouping::Dimension(dimension_column(&dimension.name));
            readouts.push(Readout { histograms: Vec::new(), ..readout(by, &deciding) });
        }
        Ok((readouts, all.unit_rows))
    }
}

/// How an answer is asked for.
#[derive(Clone, Copy)]
struct How<'a> {
    /// The estimator that somebody named.
    estimator: Option<&'a str>,
    options: &'a BTreeMap<String, OptionValue>,
    decides: bool,
    variant: &'static str,
}

#[derive(Clone, Copy)]
enum Period {
    After,
    Before { lookback: i64 },
}

struct Columns {
    raw: String,
    capped: Option<String>,
}

impl Columns {
    fn deciding(&self) -> &str {
        self.capped.as_deref().unwrap_or(&self.raw)
    }
}

fn value_names(metric: &Metric) -> Vec<String> {
    match metric.outcome.parts() {
        [] => vec![metric.name.clone()],
        parts => parts.iter().map(|part| format!("{}.{part}", metric.name)).collect(),
    }
}

fn readout(by: Grouping, needs: &Requirements) -> Readout {
    Readout {
        by,
        comoments: needs.comoments.iter().cloned().collect(),
        compressed: needs.compressed.iter().cloned().collect(),
        histograms: needs.histograms.iter().cloned().collect(),
    }
}

fn option_text(value: &OptionValue) -> String {
    match value {
        OptionValue::Boolean(value) => value.to_string(),
        OptionValue::Integer(value) => value.to_string(),
        OptionValue::Float(value) => value.to_string(),
        OptionValue::Text(value) => value.clone(),
    }
}
