//! Truth: one bit a value.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use parquet::errors::Result;

use super::broken;
use super::chunk::Values;
use super::column::Kind;
use super::indices;

/// Values that are codes of themselves.
pub(super) struct Boolean;

impl Kind for Boolean {
    type Lane = u8;

    fn set_dictionary(&mut self, _: &Buffer, _: usize) -> Result<()> {
        Err(broken("it has a dictionary of truth"))
    }

    fn decode(&self, values: &mut Values, out: &mut [u8]) -> Result<()> {
        match values {
            Values::Coded(codes) => indices::decode(codes, out, |code| Some(code as u8)),
            Values::Plain(_) => Err(broken("a page has no bits")),
        }
    }

    fn array(&self, lanes: Buffer, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let values = lanes.as_slice();
        let bits = BooleanBuffer::collect_bool(rows, |row| values[row] & 1 == 1);
        Ok(Arc::new(BooleanArray::new(bits, nulls)))
    }
}
