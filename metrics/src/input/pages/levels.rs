//! Definition levels to validity: of a flat column they are one bit a row, and already the bitmap that is wanted.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::{Buffer, NullBuffer};
use arrow::util::bit_chunk_iterator::{BitChunks, UnalignedBitChunk};
use parquet::errors::Result;

use super::broken;
use super::runs::{Runs, Stretch};

/// Which rows of a page have a value.
#[derive(Debug)]
pub(super) struct Levels(Runs);

impl Levels {
    pub(super) fn new(bytes: Buffer) -> Result<Self> {
        Ok(Self(Runs::new(bytes, 1)?))
    }

    /// Adds the next rows; gives how many of them have a value.
    pub(super) fn take(&mut self, rows: usize, validity: &mut Validity) -> Result<usize> {
        let (mut left, mut valid) = (rows, 0);
        while left > 0 {
            let count = match self.0.take(left)? {
                Stretch::Repeated { value: 1, count } => {
                    validity.add_valid(count);
                    valid += count;
                    count
                }
                Stretch::Repeated { value: 0, count } => {
                    validity.bits().append_n(count, false);
                    count
                }
                Stretch::Repeated { value, .. } => {
                    return Err(broken(format!("a definition level is {value} and the highest is 1")));
                }
                Stretch::Packed { bytes, skip, count } => {
                    valid += validity.add_packed(bytes, skip, count);
                    count
                }
            };
            left -= count;
        }
        Ok(valid)
    }
}

/// Which rows of a batch have a value: no bitmap as long as all have.
#[derive(Debug)]
pub(super) struct Validity {
    rows: usize,
    all: usize,
    some: Option<BooleanBufferBuilder>,
}

impl Validity {
    /// Of no rows yet, and of so many when it is done.
    pub(super) fn new(rows: usize) -> Self {
        Self { rows, all: 0, some: None }
    }

    /// Adds rows that all have a value.
    pub(super) fn add_valid(&mut self, rows: usize) {
        match &mut self.some {
            Some(bits) => bits.append_n(rows, true),
            None => self.all += rows,
        }
    }

    fn add_packed(&mut self, bytes: &[u8], skip: usize, rows: usize) -> usize {
        let valid = UnalignedBitChunk::new(bytes, skip, rows).count_ones();
        match valid == rows {
            true => self.add_valid(rows),
            false => self.bits().append_packed_range(skip..skip + rows, bytes),
        }
        valid
    }

    fn bits(&mut self) -> &mut BooleanBufferBuilder {
        self.some.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(self.rows);
            bits.append_n(self.all, true);
            bits
        })
    }

    /// Moves values that follow each other to the rows from this one on that have one; what the others hold is of no use.
    ///
    /// At least 64 values stand behind the last one of use.
    pub(super) fn spread<T: Copy>(&self, from: usize, mut values: &[T], out: &mut [T]) {
        let Some(bits) = &self.some else { return };
        let words = BitChunks::new(bits.as_slice(), from, out.len());
        for (word, out) in words.iter_padded().zip(out.chunks_mut(64)) {
            let Some(these) = values.first_chunk::<64>() else { return };
            if word == u64::MAX {
                out.copy_from_slice(these);
            } else if word > 0 {
                let mut at = 0;
                for (row, out) in out.iter_mut().enumerate() {
                    *out = these[at & 63];
                    at += ((word >> row) & 1) as usize;
                }
            }
            values = &values[word.count_ones() as usize..];
        }
    }

    /// The bitmap, if any row lacks a value.
    pub(super) fn finish(self) -> Option<NullBuffer> {
        self.some.map(|bits| NullBuffer::new(bits.build())).filter(|nulls| nulls.null_count() > 0)
    }
}
