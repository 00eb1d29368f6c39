//! The one result table of every estimator, and the glossary of its columns.
//!
//! Tidy and long: one row per metric × arm × scale × term × period × quantile. A column that does not apply is null;
//! NaN never stands for "don't know": [`Estimate::status`] and [`Estimate::notes`] do.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanBuilder, Float64Builder, StringBuilder, UInt64Builder};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, UInt64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};

/// A column of the result table: its name, type and meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name in Arrow, JSON, CSV and on the page.
    pub name: &'static str,
    /// `text`, `count`, `number` or `flag`.
    pub kind: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

/// Types that a column can have, and how they go to and from Arrow.
trait Cell: Sized {
    const KIND: &'static str;
    const TYPE: DataType;
    fn to_array<'a>(cells: impl Iterator<Item = &'a Option<Self>>) -> ArrayRef
    where
        Self: 'a;
    fn from_array(array: &ArrayRef, row: usize) -> Option<Self>;
}

macro_rules! primitive_cell {
    ($rust:ty, $kind:literal, $type:ident, $builder:ident, $read:expr) => {
        impl Cell for $rust {
            const KIND: &'static str = $kind;
            const TYPE: DataType = DataType::$type;
            fn to_array<'a>(cells: impl Iterator<Item = &'a Option<Self>>) -> ArrayRef {
                let mut builder = $builder::new();
                cells.for_each(|cell| builder.append_option(cell.clone()));
                Arc::new(builder.finish())
            }
            fn from_array(array: &ArrayRef, row: usize) -> Option<Self> {
                array.is_valid(row).then(|| $read(array, row))
            }
        }
    };
}

primitive_cell!(String, "text", Utf8, StringBuilder, |array: &ArrayRef, row| array
    .as_string::<i32>()
    .value(row)
    .to_owned());
primitive_cell!(u64, "count", UInt64, UInt64Builder, |array: &ArrayRef, row| array
    .as_primitive::<UInt64Type>()
    .value(row));
primitive_cell!(f64, "number", Float64, Float64Builder, |array: &ArrayRef, row| array
    .as_primitive::<Float64Type>()
    .value(row));
primitive_cell!(bool, "flag", Boolean, BooleanBuilder, |array: &ArrayRef, row| array.as_boolean().value(row));

/// One line per column makes the struct, the glossary and the Arrow schema, so that they cannot differ.
macro_rules! result_table {
    ($($name:ident: $kind:ty, $meaning:literal;)*) => {
        /// One row of the result table. Every field is null until somebody who knows it fills it in.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Estimate {
            $(#[doc = $meaning] pub $name: Option<$kind>,)*
        }

        /// Every column of the result table, in order. A test refuses any other.
        pub const GLOSSARY: &[Column] = &[
            $(Column { name: stringify!($name), kind: <$kind as Cell>::KIND, meaning: $meaning },)*
        ];

        impl Estimates {
            /// The Arrow schema of the table; every column can be null.
            pub fn schema() -> SchemaRef {
                Arc::new(Schema::new(vec![$(Field::new(stringify!($name), <$kind as Cell>::TYPE, true),)*]))
            }

            /// The table as one Arrow batch.
            ///
            /// # Errors
            /// None for rows built by this crate; the signature is Arrow's.
            pub fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
                let columns = vec![$(<$kind as Cell>::to_array(self.rows.iter().map(|row| &row.$name)),)*];
                RecordBatch::try_new(Self::schema(), columns)
            }

            /// The table of an Arrow batch with this schema.
            ///
            /// # Errors
            /// [`ArrowError::SchemaError`] when a column is missing or has another type.
            pub fn from_batch(batch: &RecordBatch) -> Result<Self, ArrowError> {
                for field in Self::schema().fields() {
                    let found = batch.schema().field_with_name(field.name())?.data_type().clone();
                    if found != *field.data_type() {
                        return Err(ArrowError::SchemaError(format!(
                            "column `{}` is {found}; the result table has {}", field.name(), field.data_type()
                        )));
                    }
                }
                let mut rows = vec![Estimate::default(); batch.num_rows()];
                $(if let Some(array) = batch.column_by_name(stringify!($name)) {
                    for (at, row) in rows.iter_mut().enumerate() {
                        row.$name = <$kind as Cell>::from_array(array, at);
                    }
                })*
                Ok(Self { rows })
            }
        }
    };
}

result_table! {
    experiment: String, "Name of the experiment; null for a bare file.";
    metric: String, "Name of the metric.";
    role: String, "`primary`, `secondary`, `guardrail` or `informational`.";
    segment: String, "The segment as `dimension=value`; null for all units.";
    arm: String, "The arm that the effect is of.";
    baseline_arm: String, "The arm compared against.";
    term: String, "Term of a model; null for the effect itself.";
    period: String, "Period of a time-dynamic effect, such as an enrolment day.";
    cohort: String, "Cohort of a time-dynamic effect.";
    quantile: f64, "Quantile of a quantile effect, inside (0, 1).";
    n: u64, "Units of the arm that enter the estimate.";
    n_baseline: u64, "Units of the baseline arm that enter the estimate.";
    mean: f64, "Mean (ratio, share, quantile, trimmed mean, restricted mean time) of the arm, in the unit of the metric, adjusted when the estimate is.";
    mean_baseline: f64, "The same of the baseline arm.";
    estimand: String, "Short name of what is estimated: `ate`, `hazard_ratio`, `hodges_lehmann`, `log_rank`, `quantile`, `restricted_mean`, `superiority`, `survival_difference` or `trimmed_mean`.";
    scale: String, "`absolute` (unit of the metric; a logarithm for a hazard ratio) or `relative` (share of the baseline mean).";
    alternative: String, "`two_sided`, `greater` or `less`.";
    margin: f64, "Non-inferiority margin relative to the baseline mean.";
    estimate: f64, "The effect, on `scale`.";
    std_error: f64, "Standard error of the estimate, on `scale`.";
    df: f64, "Degrees of freedom of the reference t distribution; null for the normal.";
    statistic: f64, "Test statistic.";
    conf_low: f64, "Lower end of the interval; null when it is open on that side.";
    conf_high: f64, "Upper end of the interval; null when it is open on that side.";
    level: f64, "Confidence level of the interval.";
    p_value: f64, "Probability, were the null hypothesis true, of a statistic at least as extreme.";
    log10_p: f64, "Common logarithm of `p_value`, finite where the p-value itself underflows.";
    log10_e: f64, "Common logarithm of the e-value: evidence against the null hypothesis that any look may read; it adds up over independent samples.";
    p_adjusted: f64, "`p_value` corrected for the family of the role.";
    prob_beat: f64, "Posterior probability that the arm is better; with a margin, that it is not worse by so much.";
    prob_equivalent: f64, "Posterior probability that the effect is too small to matter.";
    prob_superior: f64, "Posterior probability that the arm is better by an effect that matters.";
    expected_loss: f64, "What choosing the arm loses against the baseline on posterior average, on `scale`.";
    expected_loss_baseline: f64, "What keeping the baseline loses against the arm on posterior average, on `scale`.";
    decides: bool, "Whether this row was fixed beforehand as the one that decides.";
    status: String, "Status word of the row.";
    notes: String, "What a reader must know about this row, one sentence after another.";
    estimator: String, "Name of the estimator.";
    options: String, "Its options as `name=value`, comma separated.";
    metric_hash: String, "Hash of the definition of the metric.";
    data_snapshot: String, "Hash of the fingerprints of the data read.";
    run_id: String, "Id of the run.";
}

impl Estimate {
    /// Adds a sentence to the notes, once.
    pub fn note(&mut self, sentence: &str) {
        match &mut self.notes {
            None => self.notes = Some(sentence.to_owned()),
            Some(notes) if notes.contains(sentence) => {}
            Some(notes) => {
                notes.push(' ');
                notes.push_str(sentence);
            }
        }
    }
}

/// Rows of the result table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Estimates {
    /// The rows, in the order of metrics, arms and scales.
    pub rows: Vec<Estimate>,
}

impl Estimates {
    /// Puts the rows of `other` after these.
    pub fn append(&mut self, other: Self) {
        self.rows.extend(other.rows);
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl FromIterator<Estimate> for Estimates {
    fn from_iter<I: IntoIterator<Item = Estimate>>(rows: I) -> Self {
        Self { rows: rows.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_survives_arrow_and_json() {
        let row = Estimate {
            metric: Some("revenue".into()),
            n: Some(3),
            estimate: Some(-0.1),
            decides: Some(true),
            ..Estimate::default()
        };
        let table: Estimates = [row, Estimate::default()].into_iter().collect();
        assert_eq!(Estimates::from_batch(&table.to_batch().unwrap()).unwrap(), table);
        assert_eq!(serde_json::from_str::<Estimates>(&serde_json::to_string(&table).unwrap()).unwrap(), table);
    }

    #[test]
    fn the_glossary_is_the_schema() {
        let schema = Estimates::schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, GLOSSARY.iter().map(|column| column.name).collect::<Vec<_>>());
        assert!(GLOSSARY.iter().all(|column| column.meaning.ends_with('.')));
    }

    #[test]
    fn a_note_is_added_once() {
        let mut row = Estimate::default();
        row.note("Few units.");
        row.note("Few units.");
        row.note("No covariate.");
        assert_eq!(row.notes.as_deref(), Some("Few units. No covariate."));
    }
}
