//! A column chunk to arrays of any length.

use std::fs::File;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::ArrowNativeType;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;

use super::chunk::{DataPage, Pages, Part, Values};
use super::levels::Validity;
use super::memory::Memory;

/// What the values of a column are.
pub(super) trait Kind: Send {
    /// How a value is held until the array is made.
    type Lane: ArrowNativeType;

    /// Takes the dictionary of the chunk: so many values, one after another.
    fn set_dictionary(&mut self, values: &Buffer, count: usize) -> Result<()>;

    /// The next values of a page.
    fn decode(&self, values: &mut Values, out: &mut [Self::Lane]) -> Result<()>;

    /// The array of values and which rows have one.
    fn array(&self, lanes: Buffer, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef>;
}

/// Reads the rows of a column chunk one after another.
pub(super) trait Column: Send {
    /// The next rows.
    fn take(&mut self, rows: usize, memory: &mut Memory) -> Result<ArrayRef>;

    /// Passes over the first rows, before any was taken: whole pages are not unpacked.
    fn skip(&mut self, rows: usize, memory: &mut Memory) -> Result<()>;
}

/// A column of one kind.
pub(super) struct Chunk<K: Kind> {
    kind: K,
    pages: Pages,
    page: Option<DataPage>,
    /// Values of rows that have one, before they are moved to their rows.
    dense: Vec<K::Lane>,
    /// The memory of the array that was given last. When its reader is done with it, it is used again: it is in the cache,
    /// and needs no zeros.
    given: Option<Buffer>,
}

impl<K: Kind> Chunk<K> {
    pub(super) fn new(kind: K, file: &Arc<File>, chunk: &ColumnChunkMetaData, rows: usize) -> Result<Self> {
        let pages = Pages::new(file, chunk, rows)?;
        Ok(Self { kind, pages, page: None, dense: Vec::new(), given: None })
    }

    /// Turns to the page that has the next row.
    fn turn(&mut self, memory: &mut Memory) -> Result<()> {
        while self.page.as_ref().is_none_or(|page| page.rows == 0) {
            if let Some(page) = self.page.take() {
                memory.give(page.into_bytes());
            }
            match self.pages.take(memory)? {
                Part::Data(page) => self.page = Some(page),
                Part::Dictionary { values, count } => {
                    self.kind.set_dictionary(&values, count)?;
                    memory.give(values);
                }
            }
        }
        Ok(())
    }
}

impl<K: Kind> Column for Chunk<K> {
    fn take(&mut self, rows: usize, memory: &mut Memory) -> Result<ArrayRef> {
        /// What [`Validity::spread`] asks for.
        const BEHIND: usize = 64;
        let mut lanes = match self.given.take().map(Buffer::into_vec) {
            Some(Ok(lanes)) => lanes,
            // Zeros that the system gives need not be written again.
            _ => vec![K::Lane::default(); rows],
        };
        lanes.resize(rows, K::Lane::default());
        let mut validity = Validity::new(rows);
        let mut done = 0;
        while done < rows {
            self.turn(memory)?;
            let Some(page) = &mut self.page else { continue };
            let count = page.rows.min(rows - done);
            let out = &mut lanes[done..done + count];
            let valid = match &mut page.levels {
                Some(levels) => levels.take(count, &mut validity)?,
                None => {
                    validity.add_valid(count);
                    count
                }
            };
            if valid == count {
                self.kind.decode(&mut page.values, out)?;
            } else if valid > 0 {
                if self.dense.len() < valid + BEHIND {
                    self.dense.resize(valid + BEHIND, K::Lane::default());
                }
                self.kind.decode(&mut page.values, &mut self.dense[..valid])?;
                validity.spread(done, &self.dense, out);
            }
            page.rows -= count;
            done += count;
        }
        if let Some(page) = self.page.take_if(|page| page.rows == 0) {
            memory.give(page.into_bytes());
            self.pages.finish(memory)?;
        }
        let lanes = Buffer::from_vec(lanes);
        self.given = Some(lanes.clone());
        self.kind.array(lanes, rows, validity.finish())
    }

    fn skip(&mut self, rows: usize, memory: &mut Memory) -> Result<()> {
        match self.pages.skip(rows, memory)? {
            0 => Ok(()),
            of_page => self.take(of_page, memory).map(drop),
        }
    }
}
