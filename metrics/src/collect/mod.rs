//! Runs a plan on an engine and gives the statistics that estimators read.

mod checks;
mod unit_rows;

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use estimand_stats::sample::{ArmSample, ExactArmSample, Sample};
use estimand_stats::suffstat::{ExactCompressed, Histogram, TupleCoMoments};
use sea_query::{Alias, Expr, ExprTrait, Query};

use self::checks::{check_census, check_dimensions, check_repeated_assignments, check_repeated_rows};
pub use self::unit_rows::DatedRows;
use crate::definition::{Bound, CapOf};
use crate::engine::Engine;
use crate::error::Error;
use crate::native::{self, Aggregated};
use crate::not_finite;
use crate::plan::lower::{self, Caps, READ_ARM, READ_GROUP, READ_UNITS, Step, UNIT_TABLE, UNITS};
use crate::plan::{Derivation, Grouping, Plan, Readout};
use crate::sql::{Statement, column};

/// The value of a dimension of units that have none.
pub(crate) const MISSING_GROUP: &str = "(missing)";

/// Values of a dimension beyond this make no readable report.
pub(crate) const MOST_SEGMENTS: usize = 1_000;

/// Everything that was read for one run.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Units by arm, state and enrolment day.
    pub census: Vec<CensusRow>,
    /// Assigned units by dimension, arm and value.
    pub census_by: BTreeMap<String, Vec<(String, String, u64)>>,
    /// Statistics of all counted units.
    pub all: Sample,
    /// Statistics by enrolment day, mergeable into cumulative ones.
    pub daily: BTreeMap<String, Vec<ExactArmSample>>,
    /// The rows of each arm with their days, where an estimator reads them.
    pub dated: BTreeMap<String, DatedRows>,
    /// Statistics by dimension and value.
    pub segments: BTreeMap<(String, String), Sample>,
    /// The bounds found for percentile caps.
    pub caps: Caps,
    /// The statements that ran, in order.
    pub steps: Vec<Step>,
}

/// Units of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CensusRow {
    /// The arm of the first assignment; `None` for rows without a declared arm.
    pub arm: Option<String>,
    /// The word of a [`UnitState`](crate::plan::lower::UnitState).
    pub state: String,
    /// The undeclared arm that set the unit apart.
    pub undeclared: Option<String>,
    /// The enrolment day, when there are times.
    pub day: Option<String>,
    /// Units.
    pub units: u64,
    /// Rows of the assignment source behind them.
    pub rows: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug)]
pub enum Doing<'a> {
    /// A statement runs.
    Step(&'a Step),
    /// Rows of a source are read; said when it begins, and again and again until it ends.
    Reading {
        /// The source.
        source: &'a str,
        /// Rows read so far.
        rows_read: u64,
        /// Rows that there are, where that is known.
        rows: Option<u64>,
    },
}

impl Doing<'_> {
    /// Whether it has just begun.
    pub fn is_begun(&self) -> bool {
        match self {
            Self::Step(_) => true,
            Self::Reading { rows_read, .. } => *rows_read == 0,
        }
    }
}

impl fmt::Display for Doing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => f.write_str(&step.purpose),
            Self::Reading { source, rows_read: 0, .. } => write!(f, "reading `{source}`"),
            Self::Reading { source, rows_read, rows: Some(rows) } => {
                write!(f, "reading `{source}`: {rows_read} of {rows} rows")
            }
            Self::Reading { source, rows_read, rows: None } => write!(f, "reading `{source}`: {rows_read} rows"),
        }
    }
}

/// Tells who waits what is being done.
pub type Progress<'a> = &'a (dyn Fn(Doing<'_>) + Send + Sync);

/// Runs every step of `plan`.
///
/// # Errors
/// What is wrong with the data ([`Error::UndeclaredArms`], [`Error::RepeatedUnit`], [`Error::NotFinite`],
/// [`Error::NoUnits`], [`Error::TooMany`]) and what the engine says.
pub async fn collect(engine: &dyn Engine, plan: &Plan, progress: Progress<'_>) -> Result<Collected, Error> {
    match steps(engine, plan, progress).await {
        Err(refused @ Error::Refused { .. }) => Err(not_finite::culprit(engine, plan).await?.unwrap_or(refused)),
        ended => ended,
    }
}

async fn steps(engine: &dyn Engine, plan: &Plan, progress: Progress<'_>) -> Result<Collected, Error> {
    let mut steps = Vec::new();
    let aggregated = match native::aggregate(engine, plan, progress).await? {
        Some(aggregated) => {
            check_census(plan, &aggregated.census)?;
            // What was asked is the same whichever way it was answered.
            steps = lower::steps(&plan.specification, engine.schemas(), &aggregated.caps);
            aggregated
        }
        None => stated(engine, plan, &mut steps, progress).await?,
    };
    let mut collected = put_together(plan, aggregated)?;
    collected.steps = steps;
    if !plan.unit_rows.is_empty() {
        unit_rows::attach(engine, plan, &mut collected).await?;
    }
    // From columns to what they are called.
    let census_by = collected.census_by.into_iter().map(|(column, counts)| (plan.dimension_of(&column), counts));
    let segments = collected.segments.into_iter();
    let segments = segments.map(|((column, value), sample)| ((plan.dimension_of(&column), value), sample));
    Ok(Collected { census_by: census_by.collect(), segments: segments.collect(), ..collected })
}

/// Makes the table `analysed` by the statements of [`lower`]: the units of a plan, one row each.
pub(crate) async fn keep_units(engine: &dyn Engine, plan: &Plan, progress: Progress<'_>) -> Result<(), Error> {
    let mut steps = Vec::new();
    unit_tables(engine, plan, &mut steps, progress).await?;
    let caps = caps(engine, plan).await?;
    keep(engine, &mut steps, lower::analysed(&plan.specification, &caps), progress).await
}

/// Aggregates by the statements of [`lower`].
async fn stated(
    engine: &dyn Engine,
    plan: &Plan,
    steps: &mut Vec<Step>,
    progress: Progress<'_>,
) -> Result<Aggregated, Error> {
    let specification = &plan.specification;
    let census = unit_tables(engine, plan, steps, progress).await?;
    let caps = caps(engine, plan).await?;
    keep(engine, steps, lower::analysed(specification, &caps), progress).await?;
    let mut readouts = Vec::with_capacity(specification.readouts.len());
    for (readout, step) in specification.readouts.iter().zip(lower::readouts(specification)) {
        let batches = read(engine, steps, step, progress).await?;
        readouts.push(readout_rows(&batches, readout)?);
    }
    let mut census_by = BTreeMap::new();
    for dimension in &specification.enrolment.dimensions {
        let batches = read(engine, steps, lower::census_by(&dimension.name), progress).await?;
        let mut counts = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let arm = text(batch, READ_ARM, row).unwrap_or_default();
                let value = text(batch, READ_GROUP, row).unwrap_or_else(|| MISSING_GROUP.to_owned());
                counts.push((arm, value, count(batch, READ_UNITS, row)));
            }
        }
        counts.sort();
        census_by.insert(dimension.name.clone(), counts);
    }
    Ok(Aggregated { census, census_by, caps, readouts })
}

/// The statistics as estimators read them.
fn put_together(plan: &Plan, aggregated: Aggregated) -> Result<Collected, Error> {
    let Aggregated { census, census_by, caps, readouts } = aggregated;
    let mut collected = Collected { census, census_by, caps, ..Collected::default() };
    for (readout, rows) in plan.specification.readouts.iter().zip(readouts) {
        match &readout.by {
            Grouping::Arm => collected.all = sample(plan, rows.into_iter().map(|(_, row)| row).collect())?,
            Grouping::Day => {
                for (day, row) in rows {
                    collected.daily.entry(day.unwrap_or_default()).or_default().push(row);
                }
                for arms in collected.daily.values_mut() {
                    arms.sort_by(|a, b| a.arm.cmp(&b.arm));
                }
            }
            Grouping::Dimension(name) => {
                let mut by_value: BTreeMap<String, Vec<ExactArmSample>> = BTreeMap::new();
                for (value, row) in rows {
                    by_value.entry(value.unwrap_or_else(|| MISSING_GROUP.to_owned())).or_default().push(row);
                }
                if by_value.len() > MOST_SEGMENTS {
                    return Err(Error::TooMany {
                        what: format!("dimension `{name}`"),
                        found: by_value.len() as u64,
                        limit: MOST_SEGMENTS as u64,
                        help: "group its values in the source".to_owned(),
                    });
                }
                for (value, rows) in by_value {
                    collected.segments.insert((name.clone(), value), sample(plan, rows)?);
                }
            }
        }
    }
    Ok(collected)
}

/// Makes the tables `units` and `unit_table` by the statements of [`lower`], and checks what they hold; gives the census.
async fn unit_tables(
    engine: &dyn Engine,
    plan: &Plan,
    steps: &mut Vec<Step>,
    progress: Progress<'_>,
) -> Result<Vec<CensusRow>, Error> {
    let specification = &plan.specification;
    let preparation = lower::preparation(specification, engine.schemas());
    let (units, rest): (Vec<Step>, Vec<Step>) = {
        let at = preparation.iter().position(|step| step.name == UNITS).map_or(0, |at| at + 1);
        let mut all = preparation;
        let rest = all.split_off(at);
        (all, rest)
    };
    for step in units {
        keep(engine, steps, step, progress).await?;
    }
    check_dimensions(engine, plan).await?;
    let census = lower::census(specification, engine.schemas());
    let census = census_rows(&read(engine, steps, census, progress).await?);
    check_census(plan, &census)?;
    check_repeated_assignments(engine, plan, &census).await?;
    for step in rest {
        let source = step.name.strip_suffix("_per_unit").map(str::to_owned);
        keep(engine, steps, step, progress).await?;
        if let Some(source) = source {
            check_repeated_rows(engine, plan, &source).await?;
        }
    }
    Ok(census)
}

async fn keep(engine: &dyn Engine, steps: &mut Vec<Step>, step: Step, progress: Progress<'_>) -> Result<(), Error> {
    progress(Doing::Step(&step));
    engine.keep(&step).await?;
    steps.push(step);
    Ok(())
}

async fn read(
    engine: &dyn Engine,
    steps: &mut Vec<Step>,
    step: Step,
    progress: Progress<'_>,
) -> Result<Vec<RecordBatch>, Error> {
    progress(Doing::Step(&step));
    let batches = engine.read(&step).await?;
    steps.push(step);
    Ok(batches)
}

fn text(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let array = batch.column_by_name(name)?;
    let array = arrow::compute::cast(array, &arrow::datatypes::DataType::Utf8).ok()?;
    array.is_valid(row).then(|| array.as_string::<i32>().value(row).to_owned())
}

fn count(batch: &RecordBatch, name: &str, row: usize) -> u64 {
    batch
        .column_by_name(name)
        .and_then(|array| array.as_primitive_opt::<Int64Type>())
        .filter(|array| array.is_valid(row))
        .and_then(|array| u64::try_from(array.value(row)).ok())
        .unwrap_or(0)
}

fn census_rows(batches: &[RecordBatch]) -> Vec<CensusRow> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            rows.push(CensusRow {
                arm: text(batch, lower::COLUMN_ARM, row),
                state: text(batch, lower::COLUMN_STATE, row).unwrap_or_default(),
                undeclared: text(batch, lower::COLUMN_UNDECLARED, row),
                day: text(batch, lower::COLUMN_DAY, row),
                units: count(batch, READ_UNITS, row),
                rows: count(batch, lower::COLUMN_ROWS, row),
            });
        }
    }
    rows.sort_by(|a, b| (&a.day, &a.arm, &a.state, &a.undeclared).cmp(&(&b.day, &b.arm, &b.state, &b.undeclared)));
    rows
}

/// The bounds of percentile caps, from the per-unit values over all arms.
async fn caps(engine: &dyn Engine, plan: &Plan) -> Result<Caps, Error> {
    let mut caps = Caps::new();
    for derived in &plan.specification.derived {
        let Derivation::Capped(cap) = derived.how else { continue };
        let mut found = (None, None);
        for (bound, at) in [(cap.lower, &mut found.0), (cap.upper, &mut found.1)] {
            if let Some(Bound::Percentile { rank, of }) = bound {
                let mut values = column_values(engine, &derived.of, of).await?;
                *at = estimand_stats::suffstat::quantile(&mut values, rank);
            }
        }
        if found != (None, None) {
            caps.insert(derived.name.clone(), found);
        }
    }
    Ok(caps)
}

async fn column_values(engine: &dyn Engine, name: &str, of: CapOf) -> Result<Vec<f64>, Error> {
    let mut select = Query::select();
    select.column(Alias::new(name)).from(Alias::new(UNIT_TABLE)).and_where(column(name).is_not_null());
    if of == CapOf::Nonzero {
        select.and_where(column(name).ne(Expr::Constant(0.0_f64.into())));
    }
    let step = Step {
        name: format!("values_of_{name}"),
        purpose: "per-unit values for a percentile cap".to_owned(),
        statement: Statement::of(&select),
        keep: false,
    };
    let mut values = Vec::new();
    for batch in engine.read(&step).await? {
        values.extend_from_slice(batch.column(0).as_primitive::<Float64Type>().values());
    }
    if of == CapOf::Nonzero {
        // The engine orders -0.0 before 0.0 and finds them different.
        values.retain(|value| *value != 0.0);
    }
    Ok(values)
}

/// Rounds what was read of an arm, unless some of it cannot be a number of a result.
fn finished(arm: &ExactArmSample) -> Result<ArmSample, Error> {
    match arm.not_finite() {
        Some((column, count)) => Err(Error::NotFinite { column: column.clone(), count }),
        None => Ok(arm.finish()?),
    }
}

fn readout_rows(batches: &[RecordBatch], readout: &Readout) -> Result<Vec<(Option<String>, ExactArmSample)>, Error> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let bytes = |name: &str| {
                batch
                    .column_by_name(name)
                    .and_then(|array| array.as_binary_opt::<i32>())
                    .filter(|array| array.is_valid(row))
                    .map(|array| array.value(row))
                    .unwrap_or_default()
            };
            let mut comoments = Vec::with_capacity(readout.comoments.len());
            if !readout.comoments.is_empty() {
                let read = TupleCoMoments::decode(bytes(lower::READ_COMOMENTS))?;
                comoments.extend(readout.comoments.iter().cloned().zip(read));
            }
            let compressed = readout.compressed.iter().enumerate();
            let compressed = compressed
                .map(|(at, kept)| Ok((kept.clone(), ExactCompressed::decode(bytes(&lower::compressed_of(at)))?)));
            let histograms = readout.histograms.iter().enumerate();
            let histograms =
                histograms.map(|(at, name)| Ok((name.clone(), Histogram::decode(bytes(&lower::histogram_of(at)))?)));
            let arm = ExactArmSample {
                arm: text(batch, READ_ARM, row).unwrap_or_default(),
                units: count(batch, READ_UNITS, row),
                comoments,
                compressed: compressed.collect::<Result<_, Error>>()?,
                histograms: histograms.collect::<Result<_, Error>>()?,
            };
            rows.push((text(batch, READ_GROUP, row), arm));
        }
    }
    Ok(rows)
}

/// The arms in the order of the experiment; one without units is there with nothing in it.
fn sample(plan: &Plan, mut rows: Vec<ExactArmSample>) -> Result<Sample, Error> {
    let mut arms = Vec::with_capacity(plan.experiment.arms.len());
    for arm in &plan.experiment.arms {
        arms.push(match rows.iter().position(|row| row.arm == arm.name) {
            Some(at) => finished(&rows.swap_remove(at))?,
            None => ArmSample { arm: arm.name.clone(), ..ArmSample::default() },
        });
    }
    Ok(Sample { arms })
}
