//! A row group of a Parquet file, by two decoders side by side.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use ::parquet::errors::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::pages::{self, Columns, Memories};
use super::piece::Decoded;

/// The decoder of columns by their places in the file, and where each stands in its batches.
///
/// The rows are counted within the row group. The footer says in which types columns are decoded. What [`pages`] reads comes from there, and the rest from the parquet
/// crate.
pub(super) fn decoder(
    file: File,
    metadata: &ArrowReaderMetadata,
    (group, rows): (usize, &Range<usize>),
    columns: &[usize],
    batch_rows: usize,
    memories: &Arc<Memories>,
) -> Result<(Decoded, Vec<usize>)> {
    let (schema, chunks) = (metadata.parquet_schema(), metadata.metadata().row_group(group));
    let of_group = usize::try_from(chunks.num_rows())?;
    let mut sorted = columns.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut of_pages = Vec::new();
    let (ours, others): (Vec<usize>, Vec<usize>) = sorted.into_iter().partition(|column| {
        let kind = metadata.schema().field(*column).data_type();
        let first = (0..chunks.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == *column);
        let chunk = first.map(|leaf| chunks.column(leaf)).filter(|chunk| pages::reads(chunk, kind));
        of_pages.extend(chunk.map(|chunk| (chunk, kind)));
        chunk.is_some()
    });
    let place = |column: &usize| match ours.binary_search(column) {
        Ok(place) => Some(place),
        Err(_) => others.binary_search(column).ok().map(|place| ours.len() + place),
    };
    let order = columns.iter().filter_map(place).collect();
    let by_crate = |file: File| {
        let mask = ProjectionMask::roots(schema, others.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone());
        let builder = builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(batch_rows);
        if rows.len() == of_group {
            return builder.build();
        }
        let some = RowSelection::from_consecutive_ranges(std::iter::once(rows.clone()), of_group);
        builder.with_row_selection(some).build()
    };
    if of_pages.is_empty() {
        return Ok((Box::new(by_crate(file)?), order));
    }
    let file = Arc::new(file);
    let mut ours = Columns::new(&file, &of_pages, of_group, memories)?;
    ours.skip(rows.start)?;
    let others = if others.is_empty() { None } else { Some(by_crate(file.try_clone()?)?) };
    Ok((Box::new(SideBySide { ours, others, schema: None, left: rows.len(), batch_rows }), order))
}

/// Columns of two decoders: those of the first stand before those of the second.
struct SideBySide {
    ours: Columns,
    others: Option<ParquetRecordBatchReader>,
    /// Of the batches, from the first one on.
    schema: Option<SchemaRef>,
    left: usize,
    batch_rows: usize,
}

impl SideBySide {
    fn batch(&mut self) -> std::result::Result<RecordBatch, ArrowError> {
        let rows = self.left.min(self.batch_rows);
        let mut columns = self.ours.take(rows)?;
        if let Some(others) = &mut self.others {
            let batch = others.next().transpose()?;
            let read = batch.as_ref().map_or(0, RecordBatch::num_rows);
            match batch {
                Some(batch) if read == rows => columns.extend_from_slice(batch.columns()),
                _ => return Err(ArrowError::ParquetError(format!("{read} rows were read where {rows} are left"))),
            }
        }
        self.left -= rows;
        let schema = self.schema.get_or_insert_with(|| {
            let fields = columns.iter().map(|column| Field::new("", column.data_type().clone(), true));
            Arc::new(Schema::new(fields.collect::<Vec<_>>()))
        });
        RecordBatch::try_new(Arc::clone(schema), columns)
    }
}

impl Iterator for SideBySide {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.left > 0).then(|| self.batch())
    }
}
