//! The second lowering of the unit aggregation: an operator that reads it directly.
//!
//! ```text
//! UnitAggregation ─▶ routes: which way each source goes, and why
//!     ├─ each row is a unit ─▶ unit_rows: arms, dimensions, values as they stand ─┐
//!     └─ units have ids ─────▶ events: roster ─▶ rows by partition ─▶ values ─────┴─▶ statistics of arms, days, segments
//! ```
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
mod instants;
mod pool_room;
mod reading;
mod unit_rows;
mod workers;

use std::collections::BTreeMap;
use std::fmt;

use self::finishing::ReadRows;
use self::workers::Ended;
use crate::collect::{CensusRow, Progress};
use crate::definition::Format;
use crate::engine::{DataFusion, Engine};
use crate::error::Error;
use crate::plan::Plan;
use crate::plan::lower::Caps;

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
    let choice = choice(engine, plan);
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

fn choice(engine: &DataFusion, plan: &Plan) -> Choice {
    if engine.engine_path() == EnginePath::Sql {
        return Choice::Sql("asked for".to_owned());
    }
    if !plan.unit_rows.is_empty() {
        return Choice::Sql("an estimator needs rows of units".to_owned());
    }
    match plan.specification.enrolment.unit_column {
        Some(_) => match asked::compile(plan, engine.schemas()) {
            Ok((compiled, questions)) => Choice::Events(Box::new(compiled), Box::new(questions)),
            Err(why) => Choice::Sql(why),
        },
        None => unit_rows::why_not(&plan.specification).map_or(Choice::UnitRows, Choice::Sql),
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
    let ended = match choice(engine, plan) {
        Choice::Events(compiled, questions) => events::aggregate(engine, *compiled, *questions, progress).await,
        Choice::UnitRows => unit_rows::aggregate(engine, plan, progress).await,
        Choice::Sql(why) if path == EnginePath::Native => {
            return Err(Error::NotNative { experiment: plan.experiment.name.clone(), why });
        }
        Choice::Sql(_) => return Ok(None),
    };
    match ended {
        Ok(aggregated) => Ok(Some(aggregated)),
        Err(Ended::Failed(error)) => Err(error),
        Err(Ended::Memory(error)) if path == EnginePath::Native => Err(error),
        Err(Ended::Memory(_) | Ended::Refused | Ended::Stopped) => Ok(None),
    }
}
