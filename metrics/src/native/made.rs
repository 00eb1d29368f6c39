//! What an expression gives for rows: once for each value of a dictionary, where it reads one column that has one.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, new_null_array};
use arrow::compute::{cast, concat};
use arrow::datatypes::{Field, Int32Type, SchemaRef};
use arrow::record_batch::RecordBatchOptions;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;

/// An expression over columns of what is decoded.
pub(super) struct Made {
    /// Places of the columns that the expression names.
    pub(super) places: Vec<usize>,
    /// Those columns alone.
    pub(super) schema: SchemaRef,
    pub(super) expression: Arc<dyn PhysicalExpr>,
}

/// The values of an expression for a dictionary that it was computed for.
pub(super) struct Known {
    dictionary: ArrayData,
    /// One for each value of the dictionary, and the one for null where there can be one.
    values: ArrayRef,
}

impl Made {
    /// The values for the rows of a batch; `known` is kept from one batch of a piece to the next.
    pub(super) fn values(&self, batch: &RecordBatch, known: &mut Option<Known>) -> Result<ArrayRef, DataFusionError> {
        let arrays = self.places.iter().map(|place| batch.column(*place));
        if let ([place], [field]) = (self.places.as_slice(), self.schema.fields().as_ref())
            && let Some(column) = batch.column(*place).as_dictionary_opt::<Int32Type>()
            && column.values().len() <= column.len()
        {
            return self.by_dictionary(column, field, known);
        }
        let kinds = self.schema.fields().iter().map(|field| field.data_type());
        let arrays = arrays.zip(kinds).map(|(array, kind)| match array.data_type() == kind {
            true => Ok(Arc::clone(array)),
            false => cast(array, kind),
        });
        self.evaluate(arrays.collect::<Result<_, _>>()?, batch.num_rows())
    }

    fn evaluate(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<ArrayRef, DataFusionError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        self.expression.evaluate(&batch)?.into_array(rows)
    }

    /// The expression once for each value of a dictionary, and once for null.
    fn by_dictionary(
        &self,
        column: &DictionaryArray<Int32Type>,
        field: &Field,
        known: &mut Option<Known>,
    ) -> Result<ArrayRef, DataFusionError> {
        let count = column.values().len();
        let dictionary = column.values().to_data();
        let values = match known {
            Some(known) if known.dictionary.ptr_eq(&dictionary) => Arc::clone(&known.values),
            _ => {
                let mut values = cast(column.values(), field.data_type())?;
                if field.is_nullable() {
                    values = concat(&[&values, &new_null_array(field.data_type(), 1)])?;
                }
                let rows = values.len();
                let values = self.evaluate(vec![values], rows)?;
                *known = Some(Known { dictionary, values: Arc::clone(&values) });
                values
            }
        };
        let nulls = values.logical_nulls();
        let is_value = |key: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(key));
        let of_null = (field.is_nullable() && is_value(count)).then_some(i32::try_from(count).ok()).flatten();
        if nulls.is_none() && (of_null.is_none() || column.keys().null_count() == 0) {
            // The same codes: they need no look at whether they fit.
            return Ok(Arc::new(column.with_values(values)));
        }
        let keys = column.keys().iter().map(|key| key.or(of_null).filter(|key| is_value(*key as usize)));
        let keys = Int32Array::from_iter(keys);
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values)?))
    }
}
