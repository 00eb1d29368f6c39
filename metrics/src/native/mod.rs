//! The second lowering of the unit aggregation: an operator that reads it directly.
//!
//! ```text
//! UnitAggregation ─▶ routes: which way each source goes, and why
//!     ├─ each row is a unit ─▶ unit_rows: arms, dimensions, values as they stand ─┐
//!     └─ units have ids ─────▶ events: roster ─▶ rows by partition ─▶ values ─────┴─▶ statistics of arms, days, segments
//!                                                                                 └─▶ rows of units, where they are wanted
//! ```
//!
//! It runs as a node of the engine's plans (`node`): an analysis reads the statistics that it leaves, and a statement the
//! rows of units that it gives (`units`), once all limits are known.
//!
//! The work on columns is that of [`estimand_stats::unit_aggregation`], which knows no engine; here are its reader, its
//! share of the engine's memory and temporary files, and the translation of a specification.
//!
//! Every sum is exact, so both lowerings give the same bytes: threads, files and the way may differ, digits cannot. The
//! operator names no culprit. Where it meets something that is to be refused it gives up, and the statements say what and
//! where.

mod asked;
mod cells;
mod coding;
mod events;
mod finishing;
mod ids;
mod instants;
mod made;
mod node;
mod pool_room;
mod reading;
mod tally;
mod unit_rows;
mod unit_table;
mod units;
mod workers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use self::finishing::ReadRows;
use self::node::{Job, UnitAggregationExec};
use self::unit_table::UnitTable;
pub use self::units::{UNITS, UnitRows, query_units};
use self::workers::Ended;
use crate::collect::{CensusRow, Progress};
use crate::definition::Format;
use crate::engine::{DataFusion, Engine};
use crate::error::Error;
use crate::plan::lower::{ANALYSED, COLUMN_ARM, Caps, KeyForm};
use crate::plan::{Plan, UnitAggregation};

/// The way from rows to statistics. Every way gives the same bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EnginePath {
    /// The native operator where it can carry the specification, else statements.
    #[default]
    Auto,
    /// Statements alone.
    Sql,
    /// The native operator alone; refused where it cannot.
    Native,
}

impl EnginePath {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Sql, Self::Native];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Sql => "sql",
            Self::Native => "native",
        }
    }

    /// The one with this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.word() == word)
    }
}

/// How the rows of a source are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// By the native operator, from the files.
    Files(Format),
    /// By the native operator, from the engine's stream of a statement.
    Stream,
    /// By statements.
    Sql,
}

impl Way {
    /// What carries it out.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Files(_) | Self::Stream => "native",
            Self::Sql => "sql",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files(Format::Parquet) => "native, row groups of Parquet",
            Self::Files(_) => "native, stretches of text files",
            Self::Stream => "native, rows of a statement",
            Self::Sql => "sql",
        })
    }
}

/// Which way a source goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The source.
    pub source: String,
    /// The way.
    pub way: Way,
    /// Why this one.
    pub why: String,
}

/// Which way each source of a plan goes, in alphabetical order.
pub fn routes(engine: &DataFusion, plan: &Plan) -> Vec<Route> {
    let choice = choice(engine, plan, !plan.unit_rows.is_empty());
    let route = |source: &str| {
        let (way, why) = match (&choice, engine.files(source)) {
            (Choice::UnitRows, Some(files)) => (Way::Files(files.format()), "each row is a unit".to_owned()),
            (Choice::UnitRows, None) => (Way::Stream, "each row is a unit".to_owned()),
            (Choice::Events(..), Some(files)) => (Way::Files(files.format()), "units have ids".to_owned()),
            (Choice::Events(..), None) => (Way::Stream, "units have ids".to_owned()),
            (Choice::Sql(why), _) => (Way::Sql, why.clone()),
        };
        Route { source: source.to_owned(), way, why }
    };
    plan.specification.sources().into_iter().map(route).collect()
}

/// What carries a plan out.
enum Choice {
    Events(Box<asked::Compiled>, Box<asked::Questions>),
    UnitRows,
    Sql(String),
}

/// The choice for a plan, of which the rows of units are wanted or the statistics alone.
fn choice(engine: &DataFusion, plan: &Plan, with_rows: bool) -> Choice {
    if engine.engine_path() == EnginePath::Sql {
        return Choice::Sql("asked for".to_owned());
    }
    match plan.specification.enrolment.unit_column {
        Some(_) => match asked::compile(plan, engine.schemas()) {
            Ok((compiled, questions)) => Choice::Events(Box::new(compiled), Box::new(questions)),
            Err(why) => Choice::Sql(why),
        },
        None => match unit_rows::why_not(&plan.specification) {
            Some(why) => Choice::Sql(why),
            None if with_rows && engine.files(&plan.specification.enrolment.source).is_none() => {
                Choice::Sql("rows of units are read twice, and those of a statement come once".to_owned())
            }
            None => Choice::UnitRows,
        },
    }
}

/// The statistics of a plan, before they are put together for estimators.
#[derive(Debug)]
pub(crate) struct Aggregated {
    /// Units by arm, state and day.
    pub(crate) census: Vec<CensusRow>,
    /// Units by dimension, arm and value.
    pub(crate) census_by: BTreeMap<String, Vec<(String, String, u64)>>,
    /// The bounds of percentile caps.
    pub(crate) caps: Caps,
    /// The rows of each readout.
    pub(crate) readouts: Vec<ReadRows>,
}

/// Aggregates natively; `None` where statements are to do it, or to say why it cannot be done.
///
/// # Errors
/// [`Error::NotNative`] when the operator was asked for and cannot carry the plan; [`Error::Memory`] when it was asked for
/// and the limit is too low; [`Error::Sources`] for a file that changed or is damaged.
pub(crate) async fn aggregate(
    engine: &dyn Engine,
    plan: &Plan,
    progress: Progress<'_>,
) -> Result<Option<Aggregated>, Error> {
    let Some(engine) = engine.embedded() else { return Ok(None) };
    let path = engine.engine_path();
    let ended = match choice(engine, plan, !plan.unit_rows.is_empty()) {
        Choice::Sql(why) if path == EnginePath::Native => {
            return Err(Error::NotNative { experiment: plan.experiment.name.clone(), why });
        }
        Choice::Sql(_) => return Ok(None),
        chosen => carried_out(engine, plan, chosen, progress).await,
    };
    match ended {
        Ok(aggregated) => Ok(Some(aggregated)),
        Err(ended) => ended.or_statements(path).map(|()| None),
    }
}

/// What errors call the operator's work.
const STEP: &str = "unit aggregation";

/// Carries a plan out as a node of the engine; the rows of units are kept as the step `analysed` where an estimator reads them.
async fn carried_out(
    engine: &DataFusion,
    plan: &Plan,
    choice: Choice,
    progress: Progress<'_>,
) -> Result<Aggregated, Ended> {
    let keeps = !plan.unit_rows.is_empty();
    let table = if keeps {
        let all = unit_table(&plan.specification, engine);
        let groups = plan.unit_row_groups();
        let wanted = |name: &String| name == COLUMN_ARM || plan.unit_rows.contains(name) || groups.contains(name);
        let places = all.schema().fields().iter().enumerate().filter(|(_, field)| wanted(field.name()));
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        Some(all.projected(&places).map_err(|_| Ended::Refused)?)
    } else {
        None
    };
    let node = Arc::new(node(engine, plan, choice, table).await?);
    let work = async {
        if keeps {
            return engine.keep_plan(ANALYSED, Arc::<UnitAggregationExec>::clone(&node)).await;
        }
        let mut rows = engine.execute(Arc::<UnitAggregationExec>::clone(&node))?;
        while let Some(batch) = rows.next().await {
            batch?;
        }
        Ok(())
    };
    tokio::pin!(work);
    let say = || node.tally().doing().into_iter().for_each(progress);
    say();
    loop {
        tokio::select! {
            done = &mut work => break done.map_err(|error| Ended::of(&error, STEP))?,
            () = tokio::time::sleep(Duration::from_secs(1)) => say(),
        }
    }
    node.found().ok_or(Ended::Stopped)
}

/// The node that carries a plan out, its sources ready to be read.
async fn node(
    engine: &DataFusion,
    plan: &Plan,
    choice: Choice,
    table: Option<UnitTable>,
) -> Result<UnitAggregationExec, Ended> {
    let job = match choice {
        Choice::Events(compiled, questions) => {
            let with_ids = table.as_ref().is_some_and(UnitTable::has_ids);
            Job::Events(Box::new(events::Job::of(engine, *compiled, &questions, with_ids).await?))
        }
        Choice::UnitRows => Job::UnitRows(Box::new(unit_rows::Job::of(engine, &plan.specification).await?)),
        Choice::Sql(_) => return Err(Ended::Refused),
    };
    let sources = plan.specification.sources().join(", ");
    let outline = format!("experiment={}, sources=[{sources}]", plan.experiment.name);
    Ok(UnitAggregationExec::new(job, outline, engine.threads(), table))
}

/// Every column of the table of units.
fn unit_table(specification: &UnitAggregation, engine: &DataFusion) -> UnitTable {
    let key = specification.enrolment.unit_column.as_ref().map(|_| KeyForm::of(specification, engine.schemas()));
    UnitTable::of(specification, key)
}
