//! Opens the sources of an experiment in the embedded engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Int64Type};
use arrow::record_batch::RecordBatch;
use sea_query::{Alias, Expr, Func, Order, Query};

use crate::bindings::Bindings;
use crate::definition::{Experiment, Rows, Source};
use crate::engine::{DataFusion, Engine, Resources, query_source};
use crate::error::Error;
use crate::expression::{AggregateFunction, Expression, Node};
use crate::fault::Fault;
use crate::input::{self, Input};
use crate::plan::Plan;
use crate::plan::lower::{Schemas, Step};
use crate::project::Project;
use crate::reading::columns::SourceSchemas;
use crate::sql::{Statement, cast, column};

/// An engine with the sources of an experiment, and what is known of their files.
pub struct Opened {
    /// The engine.
    pub engine: Arc<DataFusion>,
    /// The sources that are files, by name.
    pub inputs: Vec<(String, Input)>,
}

/// Opens every source that an experiment reads, those behind SQL sources included.
///
/// # Errors
/// Every source that cannot be read as declared, all at once.
pub async fn open(
    project: &Project,
    experiment: &Experiment,
    bindings: &Bindings,
    resources: &Resources,
) -> Result<Opened, Error> {
    sources(project, project.sources_of(experiment), bindings, resources).await
}

async fn sources(
    project: &Project,
    names: BTreeSet<&str>,
    bindings: &Bindings,
    resources: &Resources,
) -> Result<Opened, Error> {
    let mut engine = DataFusion::new(resources)?;
    let mut inputs = Vec::new();
    let mut faults: Vec<Fault> = Vec::new();
    for source in names.iter().filter_map(|name| project.source(name)) {
        if let Rows::Files(_) = source.rows {
            let options =
                input::Options { ids: ids(project, source), threads: resources.threads, ..input::Options::default() };
            match input::open(source, project.root(), &options) {
                Ok(input) => {
                    engine.add_input(&source.name, &input)?;
                    inputs.push((source.name.clone(), input));
                }
                Err(wrong) => {
                    faults.extend(wrong.into_vec().into_iter().map(|fault| project.placed(&source.name, fault)))
                }
            }
        }
    }
    if !faults.is_empty() {
        return Err(Error::Sources(faults));
    }
    add_queries(&mut engine, project, &names, bindings).await?;
    Ok(Opened { engine: Arc::new(engine), inputs })
}

/// Adds the sources that are SQL over other sources, each after those it reads.
pub(super) async fn add_queries(
    engine: &mut DataFusion,
    project: &Project,
    names: &BTreeSet<&str>,
    bindings: &Bindings,
) -> Result<(), Error> {
    // A checked project has no cycle, so each round opens at least one more.
    let mut waiting: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| project.source(name).is_some_and(|source| matches!(source.rows, Rows::Query(_))))
        .collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for name in waiting {
            let Some(Rows::Query(query)) = project.source(name).map(|source| &source.rows) else { continue };
            if query.sources.iter().all(|needed| engine.schemas().contains_key(needed)) {
                query_source::add(engine, project, name, query, bindings).await?;
            } else {
                later.push(name);
            }
        }
        waiting = later;
        if waiting.len() == before {
            break;
        }
    }
    Ok(())
}

/// Columns of a source that hold ids of units in some experiment, listed among its keys or not.
pub(super) fn ids(project: &Project, source: &Source) -> BTreeSet<String> {
    project
        .experiments()
        .values()
        .filter(|experiment| !experiment.rows_are_units())
        .map(|experiment| source.unit_column(&experiment.unit).to_owned())
        .collect()
}

impl Opened {
    /// What of the plan the columns of the sources cannot give.
    pub fn check(&self, project: &Project, plan: &Plan) -> Vec<Fault> {
        let columns = Columns { schemas: self.engine.schemas(), sources: plan.specification.sources() };
        project.check_columns(&columns).into_vec().into_iter().filter(Fault::is_error).collect()
    }

    /// That a column which is counted with holds numbers, and finite ones where no filter could leave a row out.
    ///
    /// # Errors
    /// [`Error::Sources`] with the line of the first such value of each column, where a file has lines.
    pub fn check_values(&self, plan: &Plan) -> Result<(), Error> {
        use AggregateFunction::{Any, Count, CountDistinct};
        let specification = &plan.specification;
        let mut faults: BTreeMap<(&str, &str), Fault> = BTreeMap::new();
        for value in &specification.values {
            let counts = matches!(value.aggregation.function, Any | Count | CountDistinct);
            let Some(Node::Column(name)) = value.aggregation.argument.as_ref().map(Expression::node) else { continue };
            let input = self.inputs.iter().find(|(source, _)| *source == value.source);
            let column = input.and_then(|(_, input)| input.column(name)).filter(|_| !counts);
            let Some(column) = column.filter(|column| column.kind != DataType::Boolean) else { continue };
            let filtered = value.filter.is_some() || specification.enrolment.filter.is_some();
            let not_finite = || if filtered { None } else { column.not_finite(&value.source) };
            if let Some(fault) = column.not_a_number(&value.source).or_else(not_finite) {
                faults.insert((&value.source, name), fault);
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Sources(faults.into_values().collect())) }
    }

    /// That no file changed while it was read.
    ///
    /// # Errors
    /// [`Error::Sources`] with each file that did.
    pub fn unchanged(&self) -> Result<(), Error> {
        let faults: Vec<Fault> =
            self.inputs.iter().filter_map(|(_, input)| input.fingerprint().unchanged().err()).collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Sources(faults)) }
    }
}

/// The columns of the sources that a plan reads; of no other.
struct Columns<'a> {
    schemas: &'a Schemas,
    sources: Vec<&'a str>,
}

impl SourceSchemas for Columns<'_> {
    fn columns(&self, source: &str) -> Option<Vec<String>> {
        let schema = self.schemas.get(source).filter(|_| self.sources.contains(&source))?;
        Some(schema.fields().iter().map(|field| field.name().clone()).collect())
    }
}

/// The values of a column of a source as text, each with its rows, in alphabetical order; rows without one are left out.
///
/// # Errors
/// As [`open`]; [`Error::TooMany`] from 64 values on.
pub async fn values_of(
    project: &Project,
    source: &str,
    name: &str,
    resources: &Resources,
) -> Result<Vec<(String, u64)>, Error> {
    let opened = sources(project, BTreeSet::from([source]), &Bindings::default(), resources).await?;
    if let Some(schema) = opened.engine.schemas().get(source)
        && schema.field_with_name(name).is_err()
    {
        let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        let fault = Fault::error("metrics::unknown_column", format!("no column `{name}` in the file"))
            .with_field("--arm")
            .with_valid("columns", columns)
            .with_help("name the column of arms");
        return Err(Error::Sources(vec![fault]));
    }
    let mut select = Query::select();
    select
        .expr_as(cast(column(name), "VARCHAR"), Alias::new("value"))
        .expr_as(Func::count(Expr::Constant(1_i64.into())), Alias::new("units"))
        .from(Alias::new(source))
        .group_by_col(Alias::new("value"))
        .order_by(Alias::new("value"), Order::Asc)
        .limit(MOST_ARMS as u64 + 2);
    let step = Step {
        name: format!("values_of_{name}"),
        purpose: format!("values of `{name}`"),
        statement: Statement::of(&select),
        keep: false,
    };
    let mut values = Vec::new();
    for batch in opened.engine.read(&step).await? {
        let texts = arrow::compute::cast(batch.column(0), &DataType::Utf8)
            .map_err(|error| Error::Engine { step: step.name.clone(), message: error.to_string() })?;
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for (text, count) in texts.as_string::<i32>().iter().zip(counts.values()) {
            if let Some(text) = text {
                values.push((text.to_owned(), u64::try_from(*count).unwrap_or(0)));
            }
        }
    }
    if values.len() > MOST_ARMS {
        return Err(Error::TooMany {
            what: format!("column `{name}`"),
            found: values.len() as u64,
            limit: MOST_ARMS as u64,
            help: "name the column of arms with `--arm`".to_owned(),
        });
    }
    Ok(values)
}

/// The rows of a source with all of its columns, in no order that a caller may rely on.
///
/// # Errors
/// As [`open`], and what the engine says while it reads.
pub async fn rows_of(project: &Project, source: &str, resources: &Resources) -> Result<RecordBatch, Error> {
    let names = project.sources_behind([source]);
    let opened = sources(project, names, &Bindings::default(), resources).await?;
    let Some(schema) = opened.engine.schemas().get(source).cloned() else {
        return Err(Error::Engine { step: source.to_owned(), message: "no such source is open".to_owned() });
    };
    let mut select = Query::select();
    for field in schema.fields() {
        select.expr_as(column(field.name()), Alias::new(field.name().as_str()));
    }
    select.from(Alias::new(source));
    let step = Step {
        name: format!("rows_of_{source}"),
        purpose: format!("rows of `{source}`"),
        statement: Statement::of(&select),
        keep: false,
    };
    let batches = opened.engine.read(&step).await?;
    opened.unchanged()?;
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    concat_batches(&schema, &batches).map_err(|error| Error::Engine { step: step.name, message: error.to_string() })
}

/// Arms beyond this are a fault of the data, not an experiment.
pub const MOST_ARMS: usize = 64;
