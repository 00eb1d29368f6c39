//! The columns of a table that somebody else made, by name: read as what is needed, refused by name.

use arrow::array::{Array, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type};
use estimand_metrics::fault::Fault;

/// A table with the name that people know it by.
#[derive(Clone, Debug)]
pub struct Columns {
    name: String,
    rows: RecordBatch,
}

impl Columns {
    /// The columns of these rows.
    pub fn new(name: impl Into<String>, rows: RecordBatch) -> Self {
        Self { name: name.into(), rows }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there is a column of this name.
    pub fn has(&self, column: &str) -> bool {
        self.rows.column_by_name(column).is_some()
    }

    /// A column as text; `None` when there is none of this name.
    ///
    /// # Errors
    /// A type that cannot be written as text.
    pub fn texts(&self, column: &str) -> Result<Option<StringArray>, Box<Fault>> {
        let array = self.cast(column, &DataType::Utf8, "text")?;
        Ok(array.map(|array| array.as_string::<i32>().clone()))
    }

    /// A column as numbers; `None` when there is none of this name.
    ///
    /// # Errors
    /// A value that is no finite number.
    pub fn numbers(&self, column: &str) -> Result<Option<Float64Array>, Box<Fault>> {
        let array = self.cast(column, &DataType::Float64, "numbers")?;
        let numbers = array.map(|array| array.as_primitive::<Float64Type>().clone());
        if let Some(numbers) = &numbers
            && let Some(value) = numbers.iter().flatten().find(|value| !value.is_finite())
        {
            return Err(Box::new(
                self.fault(column, format!("column `{column}` holds {value}, which is no finite number"))
                    .with_help("leave the row out, or the value empty"),
            ));
        }
        Ok(numbers)
    }

    /// A column as numbers that must be there.
    ///
    /// # Errors
    /// As [`Columns::numbers`], and without a column of this name.
    pub fn needed_numbers(&self, column: &str) -> Result<Float64Array, Box<Fault>> {
        self.numbers(column)?.ok_or_else(|| self.missing(column))
    }

    /// A column as text that must be there.
    ///
    /// # Errors
    /// As [`Columns::texts`], and without a column of this name.
    pub fn needed_texts(&self, column: &str) -> Result<StringArray, Box<Fault>> {
        self.texts(column)?.ok_or_else(|| self.missing(column))
    }

    /// That a column is missing, with those there are.
    pub fn missing(&self, column: &str) -> Box<Fault> {
        let schema = self.rows.schema();
        let valid = schema.fields().iter().map(|field| field.name().clone()).collect();
        Box::new(
            self.fault(column, format!("no column `{column}` in the table"))
                .with_valid("columns", valid)
                .with_help("name it so, or give a source whose SELECT does"),
        )
    }

    /// A fault of this table in a column.
    pub fn fault(&self, column: &str, message: impl Into<String>) -> Fault {
        Fault::error("analysis::table", format!("{}: {}", self.name, message.into())).with_field(column)
    }

    fn cast(&self, column: &str, to: &DataType, word: &str) -> Result<Option<arrow::array::ArrayRef>, Box<Fault>> {
        let Some(array) = self.rows.column_by_name(column) else { return Ok(None) };
        if array.data_type() == &DataType::Null {
            return Ok(Some(arrow::array::new_null_array(to, array.len())));
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(array, to, &strict).map(Some).map_err(|error| {
            Box::new(
                self.fault(column, format!("column `{column}` does not hold {word}: {error}"))
                    .with_help(format!("give a column of {word}")),
            )
        })
    }
}
