//! Tables in which each row is a unit: read once, from the pages of the files to the statistics of each arm.
//!
//! ```text
//! piece ─▶ Prepared ─▶ filter ─▶ arms and dimensions as codes ┐
//!                           └──▶ values as doubles ───────────┴─▶ finish, one worker for each thread
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::compute::{CastOptions, FilterBuilder, cast, cast_with_options, prep_null_mask_filter};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use estimand_stats::suffstat::Values;
use estimand_stats::unit_aggregation::Room;
use estimand_stats::unit_aggregation::finish::{Finish, Finished, Making, UnitBlock};
use sea_query::Expr;

use super::Aggregated;
use super::coding::{ArmCodes, OwnCodes, TextCodes, UNDECLARED};
use super::finishing;
use super::node::{Output, Setting};
use super::reading::{Prepared, Reading, Wanted};
use super::unit_table::{Units, Wording};
use super::workers::{Ended, share};
use crate::collect::{CensusRow, MOST_SEGMENTS};
use crate::engine::{DataFusion, Engine};
use crate::error::Error;
use crate::expression::Node;
use crate::plan::lower::{Schemas, UnitState, of_one_row};
use crate::plan::{UnitAggregation, UnitColumn};
use crate::sql::{cast as cast_to, column, lower};

/// Rows read at a time: as many as are finished at a time, so that what was read is still near the processor.
const ROWS_BY_ARM: usize = 8_192;
/// The same where rows are taken apart by arm and dimension, into many parts.
const ROWS_BY_DIMENSION: usize = 32_768;

/// What a plan asks of its source, in the order in which it is read: the arm, the filter if there is one, dimensions, values.
pub(super) struct Job {
    specification: UnitAggregation,
    reading: Reading,
    arms: ArmCodes,
    has_filter: bool,
    dimensions: Vec<TextCodes>,
    /// What stands in place of each value that is missing.
    when_empty: Vec<Option<f64>>,
    finish: Finish,
}

/// Why the operator cannot read the units of a specification as rows of a table.
pub(super) fn why_not(specification: &UnitAggregation) -> Option<String> {
    let enrolment = &specification.enrolment;
    let elsewhere = |source: &String| *source != enrolment.source;
    if enrolment.unit_column.is_some() {
        return Some("it reads units by their ids".to_owned());
    }
    let timed = enrolment.clock.is_some() || enrolment.trigger.is_some();
    if timed || specification.values.iter().any(|value| value.clock.is_some() || value.matures_after.is_some()) {
        return Some("its rows are units and have times".to_owned());
    }
    let values = specification.values.iter().map(|value| &value.source);
    let outside =
        values.chain(enrolment.dimensions.iter().map(|dimension| &dimension.source)).find(|one| elsewhere(one));
    outside.map(|source| format!("rows of `{source}` belong to no row of `{}`", enrolment.source))
}

impl Job {
    /// Prepares the reading of the table.
    pub(super) async fn of(engine: &DataFusion, specification: &UnitAggregation) -> Result<Self, Error> {
        let enrolment = &specification.enrolment;
        let bindings = &specification.bindings;
        let schemas = engine.schemas();
        let mut wanted = vec![as_text_or_integer(&enrolment.source, &enrolment.arm_column, schemas)];
        let filter: Vec<Expr> = enrolment.filter.iter().map(|filter| lower(filter.node(), bindings)).collect();
        wanted.extend(filter.iter().cloned().map(Wanted::Made));
        for dimension in &enrolment.dimensions {
            wanted.push(as_text(&enrolment.source, &dimension.column, schemas));
        }
        let mut when_empty = Vec::with_capacity(specification.values.len());
        for value in &specification.values {
            match plain_number(value, specification, schemas) {
                Some(name) => {
                    wanted.push(Wanted::Column(name.to_owned()));
                    when_empty.push(value.when_empty);
                }
                None => {
                    wanted.push(Wanted::Made(of_one_row(value, bindings)));
                    when_empty.push(None);
                }
            }
        }
        let reading = Reading::of(engine, &enrolment.source, &wanted, &filter).await?;
        let reading = reading.with_batch_rows(match enrolment.dimensions.is_empty() {
            true => ROWS_BY_ARM,
            false => ROWS_BY_DIMENSION,
        });
        Ok(Self {
            reading,
            arms: ArmCodes::of(enrolment),
            has_filter: enrolment.filter.is_some(),
            dimensions: enrolment.dimensions.iter().map(|_| TextCodes::default()).collect(),
            when_empty,
            finish: Finish::new(finishing::finishing(specification), enrolment.arms.len())?,
            specification: specification.clone(),
        })
    }

    /// What is read.
    pub(super) fn each(&self) -> impl Iterator<Item = &Reading> {
        std::iter::once(&self.reading)
    }

    /// Reads the table, gives its statistics, and hands over its rows where they are wanted; blocking.
    pub(super) fn run(&self, setting: &Setting) -> Result<Aggregated, Ended> {
        let specification = &self.specification;
        let workers = self.read(
            setting,
            || self.finish.worker(),
            |worker, block| {
                worker.push(block)?;
                Ok(worker.heap_bytes())
            },
        )?;
        let finished = self.finish.conclude(workers)?;
        if let Some(output) = &setting.output {
            self.give(&finished, setting, output)?;
        }
        let texts: Vec<Vec<Option<String>>> = self.dimensions.iter().map(TextCodes::texts).collect();
        let text = |dimension: usize, code: u32| texts.get(dimension)?.get(code as usize).cloned().flatten();
        let readouts = finishing::readouts(specification, &finished, &text);
        let units = |arm: &str| finishing::units_of(&readouts, specification, arm);
        let census = specification.enrolment.arms.iter().map(|arm| (arm, units(arm))).filter(|(_, units)| *units > 0);
        let census = census.map(|(arm, units)| CensusRow {
            arm: Some(arm.clone()),
            state: UnitState::Counted.word().to_owned(),
            undeclared: None,
            day: None,
            units,
            rows: units,
        });
        let mut census: Vec<CensusRow> = census.collect();
        census.sort_by(|a, b| a.arm.cmp(&b.arm));
        Ok(Aggregated {
            census,
            census_by: finishing::census_by(specification, &readouts),
            caps: finishing::caps(specification, &finished),
            readouts,
        })
    }

    /// Hands over the rows of all units: read once more now that every limit is known, rather than kept until then.
    fn give(&self, finished: &Finished, setting: &Setting, output: &Output) -> Result<(), Ended> {
        let dimensions = self.dimensions.iter().map(TextCodes::texts).collect();
        let words = Wording::new(&self.specification.enrolment.arms, dimensions);
        let give = |making: &mut Making, block: &UnitBlock<'_>| {
            let numbers = self.finish.columns(making, &finished.limits, block.values);
            let units = Units { ids: None, arms: block.arms, days: Vec::new(), codes: block.groups, numbers: &numbers };
            output.send(&units, &words)?;
            Ok(0)
        };
        self.read(setting, Making::default, give).map(|_| ())
    }

    /// Reads the table on all threads, each with a state of its own, for which `take` says how many bytes it holds.
    fn read<S: Send>(
        &self,
        setting: &Setting,
        begin: impl Fn() -> S + Sync,
        take: impl Fn(&mut S, &UnitBlock<'_>) -> Result<usize, Ended> + Sync,
    ) -> Result<Vec<S>, Ended> {
        let begin = || (Reader::new(self, &setting.room), begin());
        let hands = share(setting.threads, self.reading.pieces(), begin, |(reader, state), piece| {
            self.reading.read(piece, &mut |prepared| {
                if setting.room.cancelled() {
                    return Err(Ended::Stopped);
                }
                setting.tally.add(prepared.rows);
                reader.take(prepared, &mut |block| take(state, block))
            })
        })?;
        setting.tally.next();
        // What a state holds stays granted: it is handed on.
        Ok(hands.into_iter().map(|(_, state)| state).collect())
    }
}

fn kind<'a>(source: &str, name: &str, schemas: &'a Schemas) -> Option<&'a DataType> {
    schemas.get(source).and_then(|schema| schema.field_with_name(name).ok()).map(|field| field.data_type())
}

/// A column of arms as [`ArmCodes`] reads it.
fn as_text_or_integer(source: &str, name: &str, schemas: &Schemas) -> Wanted {
    match kind(source, name, schemas) {
        Some(kind) if kind.is_integer() => Wanted::Column(name.to_owned()),
        _ => as_text(source, name, schemas),
    }
}

/// A column as text, read without planning when it is text.
pub(super) fn as_text(source: &str, name: &str, schemas: &Schemas) -> Wanted {
    match kind(source, name, schemas) {
        Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => Wanted::Column(name.to_owned()),
        _ => Wanted::Made(cast_to(column(name), "VARCHAR")),
    }
}

/// The column that a value is, when it is one of numbers and nothing else: it needs no expression.
fn plain_number<'a>(value: &'a UnitColumn, specification: &UnitAggregation, schemas: &Schemas) -> Option<&'a str> {
    // The rows that are left all pass the filter of the assignment.
    let filtered = value.filter.is_some() && value.filter != specification.enrolment.filter;
    match value.aggregation.argument.as_ref()?.node() {
        Node::Column(name) if !value.aggregation.function.counts() && !filtered => {
            let kind = kind(&value.source, name, schemas)?;
            (kind.is_integer() || kind.is_floating()).then_some(name)
        }
        _ => None,
    }
}

/// What one thread works with.
struct Reader<'a> {
    job: &'a Job,
    room: &'a dyn Room,
    /// Bytes that were granted.
    granted: usize,
    arms: Vec<u32>,
    own_codes: Vec<OwnCodes>,
    groups: Vec<Vec<u32>>,
    present: Vec<Vec<bool>>,
}

impl<'a> Reader<'a> {
    fn new(job: &'a Job, room: &'a dyn Room) -> Self {
        Self {
            job,
            room,
            granted: 0,
            arms: Vec::new(),
            own_codes: job.dimensions.iter().map(|_| OwnCodes::default()).collect(),
            groups: vec![Vec::new(); job.dimensions.len()],
            present: vec![Vec::new(); job.when_empty.len()],
        }
    }

    fn take(
        &mut self,
        prepared: &Prepared,
        take: &mut dyn FnMut(&UnitBlock<'_>) -> Result<usize, Ended>,
    ) -> Result<(), Ended> {
        let refused = |_: ArrowError| Ended::Refused;
        let (arm, mut columns) = prepared.columns.split_first().ok_or(Ended::Refused)?;
        let (mut arm, mut filtered) = (Arc::clone(arm), Vec::new());
        if self.job.has_filter {
            let (filter, rest) = columns.split_first().ok_or(Ended::Refused)?;
            columns = rest;
            if let Some(filter) = rows_left_out(filter).map_err(refused)? {
                let filter = FilterBuilder::new(&filter).optimize().build();
                arm = filter.filter(&arm).map_err(refused)?;
                filtered =
                    rest.iter().map(|column| filter.filter(column)).collect::<Result<_, _>>().map_err(refused)?;
                columns = &filtered;
            }
        }
        self.job.arms.codes(&arm, &mut self.arms).map_err(refused)?;
        if self.arms.contains(&UNDECLARED) {
            return Err(Ended::Refused);
        }
        let (dimensions, values) = columns.split_at(self.job.dimensions.len());
        for (at, dimension) in dimensions.iter().enumerate() {
            let all = &self.job.dimensions[at];
            self.own_codes[at].codes(all, dimension, &mut self.groups[at]).map_err(refused)?;
            if all.len() > MOST_SEGMENTS {
                return Err(Ended::Refused);
            }
        }
        let doubles = values.iter().zip(&self.job.when_empty).map(|(value, empty)| doubles(value, *empty));
        let doubles: Vec<Float64Array> = doubles.collect::<Result<_, _>>().map_err(refused)?;
        let values = doubles.iter().zip(&mut self.present).map(|(column, present)| values_of(column, present));
        let values: Vec<Values<'_>> = values.collect();
        let groups: Vec<&[u32]> = self.groups.iter().map(Vec::as_slice).collect();
        let held = take(&UnitBlock { arms: &self.arms, groups: &groups, values: &values })?;
        let of_batch: usize =
            prepared.columns.iter().chain(&filtered).map(|column| column.get_array_memory_size()).sum();
        self.grant(held + of_batch + doubles.len() * size_of::<f64>() * prepared.rows)
    }

    /// Asks for what is held, by the state and besides it.
    fn grant(&mut self, held: usize) -> Result<(), Ended> {
        let own = self.groups.iter().chain([&self.arms]).map(|codes| codes.capacity() * size_of::<u32>());
        let own = own.chain(self.present.iter().map(Vec::capacity)).sum::<usize>();
        let bytes = held + own;
        match bytes.checked_sub(self.granted) {
            Some(more) if !self.room.grow(more) => {
                let step = format!("reading {}", self.job.reading.source());
                let message = format!("{more} bytes for the statistics of units are more than the memory granted");
                return Err(Ended::Memory(Error::Memory { step, message }));
            }
            Some(_) => {}
            None => self.room.shrink(self.granted - bytes),
        }
        self.granted = bytes;
        Ok(())
    }
}

/// The rows that a filter lets pass; `None` when it leaves out none.
fn rows_left_out(filter: &ArrayRef) -> Result<Option<BooleanArray>, ArrowError> {
    let passes = cast(filter, &DataType::Boolean)?;
    let passes = passes.as_boolean();
    let passes = if passes.null_count() > 0 { prep_null_mask_filter(passes) } else { passes.clone() };
    Ok((passes.true_count() < passes.len()).then_some(passes))
}

/// A column as doubles, missing ones replaced where there is something to replace them.
fn doubles(column: &ArrayRef, when_empty: Option<f64>) -> Result<Float64Array, ArrowError> {
    const STRICT: CastOptions<'static> =
        CastOptions { safe: false, format_options: arrow::util::display::FormatOptions::new() };
    let column = match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().clone(),
        // What cannot fail needs no look at each value.
        DataType::Float32 => column.as_primitive::<Float32Type>().unary(f64::from),
        DataType::Int64 => column.as_primitive::<Int64Type>().unary(|value| value as f64),
        DataType::Int32 => column.as_primitive::<Int32Type>().unary(f64::from),
        DataType::Int16 => column.as_primitive::<Int16Type>().unary(f64::from),
        DataType::Int8 => column.as_primitive::<Int8Type>().unary(f64::from),
        _ => cast_with_options(column, &DataType::Float64, &STRICT)?.as_primitive::<Float64Type>().clone(),
    };
    Ok(match when_empty {
        Some(empty) if column.null_count() > 0 => column.iter().map(|value| Some(value.unwrap_or(empty))).collect(),
        _ => column,
    })
}

fn values_of<'a>(column: &'a Float64Array, present: &'a mut Vec<bool>) -> Values<'a> {
    let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
    if let Some(nulls) = nulls {
        present.clear();
        present.extend(nulls.iter());
    }
    Values { values: column.values(), present: nulls.map(|_| present.as_slice()) }
}
