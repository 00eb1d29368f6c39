//! Text whose dictionary is kept.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray, new_empty_array};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Int32Type};
use parquet::errors::Result;

use super::broken;
use super::chunk::Values;
use super::column::Kind;
use super::indices;

/// Codes of text, given with the one dictionary of the chunk.
pub(super) struct Text {
    dictionary: ArrayRef,
}

impl Text {
    pub(super) fn new() -> Self {
        Self { dictionary: new_empty_array(&DataType::Utf8) }
    }
}

impl Kind for Text {
    type Lane = i32;

    fn set_dictionary(&mut self, values: &Buffer, count: usize) -> Result<()> {
        let cut = || broken("its dictionary is cut");
        // Each value has its length before it.
        if i32::try_from(values.len()).is_err() || count > values.len() / 4 {
            return Err(cut());
        }
        let mut offsets = Vec::with_capacity(count + 1);
        let mut bytes = Vec::with_capacity(values.len() - 4 * count);
        let mut rest = values.as_slice();
        offsets.push(0);
        for _ in 0..count {
            let (length, after) = rest.split_first_chunk().ok_or_else(cut)?;
            let (value, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
            bytes.extend_from_slice(value);
            offsets.push(bytes.len() as i32);
            rest = after;
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        self.dictionary = Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), None)?);
        Ok(())
    }

    fn decode(&self, values: &mut Values, out: &mut [i32]) -> Result<()> {
        let Values::Coded(codes) = values else {
            return Err(broken("a page is written without the dictionary, which the footer does not say"));
        };
        let count = self.dictionary.len() as u32;
        indices::decode(codes, out, |code| (code < count).then_some(code as i32))
    }

    fn array(&self, lanes: Buffer, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let keys = Int32Array::try_new(ScalarBuffer::new(lanes, 0, rows), nulls)?;
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&self.dictionary))?))
    }
}
