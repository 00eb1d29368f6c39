//! The table of units that the operator gives: the columns of the step `analysed`, in its order.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, StringViewArray, UInt32Array, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use estimand_stats::suffstat::Values;

use crate::plan::UnitAggregation;
use crate::plan::lower::{COLUMN_ARM, COLUMN_DAY, COLUMN_UNIT, KeyForm};

/// Which columns the table has.
#[derive(Clone, Debug)]
pub(super) struct UnitTable {
    schema: SchemaRef,
    columns: Vec<Column>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// Ids.
    Unit,
    /// Names of arms.
    Arm,
    /// Days of enrolment.
    Day,
    /// The dimension at this place of the specification.
    Dimension(usize),
    /// The value at this place, derived columns after those of the specification.
    Number(usize),
}

/// Some units, as the operator holds them.
pub(super) struct Units<'a> {
    /// Their ids, where they are wanted.
    pub(super) ids: Option<ArrayRef>,
    /// The arm of each, by its place in the specification.
    pub(super) arms: &'a [u32],
    /// The day of enrolment of each, counted from 1970; none for a table without times.
    pub(super) days: Vec<i32>,
    /// Per dimension: the code of each.
    pub(super) codes: &'a [&'a [u32]],
    /// All columns of numbers.
    pub(super) numbers: &'a [Values<'a>],
}

/// The words behind codes.
pub(super) struct Wording {
    arms: ArrayRef,
    dimensions: Vec<ArrayRef>,
}

impl Wording {
    /// The names of arms in the order of the specification, and per dimension the texts by their codes.
    pub(super) fn new(arms: &[String], dimensions: Vec<Vec<Option<String>>>) -> Self {
        let texts = |texts: Vec<Option<String>>| -> ArrayRef { Arc::new(StringViewArray::from_iter(texts)) };
        let arms = Arc::new(StringViewArray::from_iter_values(arms));
        Self { arms, dimensions: dimensions.into_iter().map(texts).collect() }
    }
}

impl UnitTable {
    /// All columns of a specification; `key` is the form of ids, where units have some.
    pub(super) fn of(specification: &UnitAggregation, key: Option<KeyForm>) -> Self {
        let enrolment = &specification.enrolment;
        let mut columns = Vec::new();
        let mut add = |name: &str, kind: DataType, column: Column| columns.push((Field::new(name, kind, true), column));
        match key {
            Some(KeyForm::Integer) => add(COLUMN_UNIT, DataType::Int64, Column::Unit),
            Some(KeyForm::Text) => add(COLUMN_UNIT, DataType::Utf8View, Column::Unit),
            None => {}
        }
        add(COLUMN_ARM, DataType::Utf8View, Column::Arm);
        if enrolment.clock.is_some() {
            add(COLUMN_DAY, DataType::Date32, Column::Day);
        }
        for (at, dimension) in enrolment.dimensions.iter().enumerate() {
            add(&dimension.name, DataType::Utf8View, Column::Dimension(at));
        }
        let names = specification.values.iter().map(|value| &value.name);
        for (at, name) in names.chain(specification.derived.iter().map(|derived| &derived.name)).enumerate() {
            add(name, DataType::Float64, Column::Number(at));
        }
        let (fields, columns): (Vec<Field>, Vec<Column>) = columns.into_iter().unzip();
        Self { schema: Arc::new(Schema::new(fields)), columns }
    }

    /// The columns at these places alone.
    pub(super) fn projected(&self, places: &[usize]) -> Result<Self, ArrowError> {
        let schema = Arc::new(self.schema.project(places)?);
        Ok(Self { schema, columns: places.iter().map(|place| self.columns[*place]).collect() })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether ids are among the columns.
    pub(super) fn has_ids(&self) -> bool {
        self.columns.contains(&Column::Unit)
    }

    /// Rows of the table.
    pub(super) fn batch(&self, units: &Units<'_>, words: &Wording) -> Result<RecordBatch, ArrowError> {
        let rows = units.arms.len();
        let said = |words: &ArrayRef, codes: &[u32]| take(words, &UInt32Array::from(codes.to_vec()), None);
        let column = |column: &Column| match *column {
            Column::Unit => Ok(units.ids.clone().unwrap_or_else(|| new_null_array(&DataType::Utf8View, rows))),
            Column::Arm => said(&words.arms, units.arms),
            Column::Day => Ok(Arc::new(Date32Array::from(units.days.clone())) as ArrayRef),
            Column::Dimension(at) => said(&words.dimensions[at], units.codes[at]),
            Column::Number(at) => {
                let Values { values, present } = units.numbers[at];
                let present = present.map(|present| NullBuffer::from(present.to_vec()));
                Ok(Arc::new(Float64Array::new(values.to_vec().into(), present)) as ArrayRef)
            }
        };
        let columns = self.columns.iter().map(column).collect::<Result<Vec<_>, ArrowError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
    }
}
