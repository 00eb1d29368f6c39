//! Checking the columns that files name against the columns that sources have.

use std::collections::BTreeMap;

use crate::definition::{Covariate, Experiment, Metric, Source, UnitValue};
use crate::expression::Expression;
use crate::fault::{Fault, Faults};
use crate::project::{Definition, Project};
use crate::reading::document::{Content, Item};
use crate::reading::key::shown;
use crate::reading::nearest::nearest;

/// The columns of sources, as the engine sees them.
pub trait SourceSchemas {
    /// The names of a source's columns; `None` when the source cannot be asked, which is reported elsewhere.
    fn columns(&self, source: &str) -> Option<Vec<String>>;
}

/// A column and the field that names it: the dotted path, and the bytes within its text.
type Named<'a> = (&'a str, String, Option<std::ops::Range<usize>>);

pub(crate) struct ColumnCheck<'a> {
    project: &'a Project,
    schemas: &'a dyn SourceSchemas,
    columns: BTreeMap<String, Option<Vec<String>>>,
    faults: Vec<Fault>,
}

impl<'a> ColumnCheck<'a> {
    /// Checks every column that a file names.
    pub(crate) fn run(project: &'a Project, schemas: &'a dyn SourceSchemas) -> Faults {
        let mut check = Self { project, schemas, columns: BTreeMap::new(), faults: Vec::new() };
        project.sources().values().for_each(|source| check.source(source));
        project.metrics().values().for_each(|metric| check.metric(metric));
        project.experiments().values().for_each(|experiment| check.experiment(experiment));
        Faults::new(check.faults)
    }

    fn source(&mut self, source: &'a Source) {
        let keys = source.keys.keys().map(|column| (column.as_str(), format!("keys.{column}"), None));
        let columns = source.columns.keys().map(|column| (column.as_str(), format!("columns.{column}"), None));
        let units = source.units.iter().map(|(unit, column)| (column.as_str(), format!("units.{unit}"), None));
        let clock = source.clock.iter().map(|clock| (clock.column.as_str(), "timestamp".to_owned(), None));
        let named: Vec<Named<'a>> = keys.chain(columns).chain(units).chain(clock).collect();
        self.check(Definition::Source(&source.name), &source.name, named);
    }

    fn metric(&mut self, metric: &'a Metric) {
        let parts = metric.outcome.parts();
        let single = parts.is_empty();
        for (at, value) in metric.outcome.values().enumerate() {
            let part = &parts.get(at).map_or_else(String::new, |part| format!("{part}."));
            // A part that is the name of another metric is checked there.
            let definition = Definition::Metric(&metric.name);
            let document = self.project.document(definition);
            if !single && document.and_then(|document| document.find(part.trim_end_matches('.'))).is_some_and(is_text) {
                continue;
            }
            self.unit_value(definition, value, part);
        }
    }

    fn unit_value(&mut self, definition: Definition<'a>, value: &'a UnitValue, part: &str) {
        let mut named = Vec::new();
        if let Some(argument) = &value.aggregation.argument {
            named.extend(mentioned(argument, format!("{part}value")));
        }
        if let Some(filter) = &value.filter {
            named.extend(mentioned(filter, format!("{part}filter")));
        }
        self.check(definition, &value.source, named);
    }

    fn experiment(&mut self, experiment: &'a Experiment) {
        let definition = Definition::Experiment(&experiment.name);
        let assignment = &experiment.assignment;
        let mut named: Vec<Named<'a>> = vec![(&assignment.arm, "assignment.arm".to_owned(), None)];
        let grouped = [(&assignment.cluster, "cluster"), (&assignment.stratum, "stratum")];
        let grouped = grouped.into_iter().filter_map(|(column, key)| Some((column.as_deref()?, key)));
        named.extend(grouped.map(|(column, key)| (column, format!("assignment.{key}"), None)));
        named.extend(assignment.filter.iter().flat_map(|filter| mentioned(filter, "assignment.filter".to_owned())));
        for (index, covariate) in experiment.analysis.covariates.iter().enumerate() {
            if let Covariate::Column(column) = covariate {
                named.push((column, format!("analysis.covariates[{index}]"), None));
            }
        }
        self.check(definition, &assignment.source, named);
        self.unit(experiment, &assignment.source, "unit");
        if let Some(trigger) = &experiment.trigger {
            let filter = trigger.filter.iter().flat_map(|filter| mentioned(filter, "trigger.filter".to_owned()));
            self.check(definition, &trigger.source, filter.collect());
            self.unit(experiment, &trigger.source, "trigger.source");
        }
        for (index, dimension) in experiment.dimensions.iter().enumerate() {
            let field = format!("dimensions[{index}]");
            let column = (dimension.column.as_str(), format!("{field}.column"), None);
            self.check(definition, &dimension.source, vec![column]);
            self.unit(experiment, &dimension.source, &field);
        }
        for metric in self.project.metrics_of(experiment) {
            for source in metric.sources() {
                self.unit(experiment, source, "unit");
            }
            for (index, covariate) in metric.covariates.iter().enumerate() {
                if let Covariate::Column(column) = covariate {
                    let named: Vec<Named<'a>> = vec![(column, format!("covariates[{index}]"), None)];
                    self.check(Definition::Metric(&metric.name), &assignment.source, named);
                }
            }
        }
    }

    /// Checks that a source has the experiment's unit. A column that the source names itself is checked in its own file.
    fn unit(&mut self, experiment: &'a Experiment, source: &str, field: &str) {
        if self.project.source(source).is_some_and(|source| !source.units.contains_key(&experiment.unit)) {
            let named: Vec<Named<'a>> = vec![(&experiment.unit, field.to_owned(), None)];
            self.check(Definition::Experiment(&experiment.name), source, named);
        }
    }

    fn check(&mut self, definition: Definition<'a>, source: &str, named: Vec<Named<'_>>) {
        // Where each row is a unit no column holds ids.
        let by_row = matches!(definition, Definition::Experiment(name)
            if self.project.experiment(name).is_some_and(Experiment::rows_are_units));
        let is_id = |field: &str| field == "unit" || (field.starts_with("dimensions[") && !field.ends_with(".column"));
        let named: Vec<Named<'_>> = named.into_iter().filter(|(_, field, _)| !(by_row && is_id(field))).collect();
        let schemas = self.schemas;
        let known = self.columns.entry(source.to_owned()).or_insert_with(|| schemas.columns(source));
        let Some(columns) = known else { return };
        for (column, field, span) in named {
            if columns.iter().any(|known| known == column) {
                continue;
            }
            let message = format!("no column `{}` in source `{source}`", shown(column));
            let mut fault = self
                .project
                .fault(definition, &field, "metrics::unknown_column", message)
                .with_label(format!("not a column of `{source}`"))
                .with_valid("columns", columns.clone());
            let document = self.project.document(definition);
            if let (Some(span), Some(document)) = (span, document)
                && let Some(item) = document.find(&field)
            {
                fault = fault.with_place(document.place_within(item, &span));
            }
            fault.help = match nearest(column, columns.iter().map(String::as_str)) {
                Some(name) => format!("did you mean `{name}`?"),
                None if field == "unit" || field.ends_with(".source") => {
                    format!(
                        "name the column that holds the unit: [units] {} = \"COLUMN\" in the source `{source}`",
                        shown(column)
                    )
                }
                None => String::new(),
            };
            self.faults.push(fault);
        }
    }
}

fn mentioned(expression: &Expression, field: String) -> Vec<Named<'_>> {
    let columns = expression.mentions().iter().filter(|mention| !mention.parameter);
    columns.map(|mention| (mention.name.as_str(), field.clone(), Some(mention.span.clone()))).collect()
}

fn is_text(item: &Item) -> bool {
    matches!(item.content, Content::Text(_))
}
