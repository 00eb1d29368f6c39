//! Values of four or eight bytes.

use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, AsArray, make_array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{
    ArrowNativeType, DataType, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
};
use parquet::basic::Type;
use parquet::errors::Result;

use super::broken;
use super::chunk::Values;
use super::column::Kind;
use super::indices;

/// The bits of a value.
pub(super) trait Lane: ArrowNativeType {
    /// Copies values out of as many bytes as they take.
    fn copy(bytes: &[u8], out: &mut [Self]);
}

macro_rules! lane {
    ($($kind:ty),*) => {
        $(impl Lane for $kind {
            fn copy(bytes: &[u8], out: &mut [Self]) {
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *out = Self::from_le_bytes(*bytes);
                }
            }
        })*
    };
}
lane!(u32, u64);

/// Values of one width, given in one Arrow type.
pub(super) struct Fixed<L> {
    physical: DataType,
    kind: DataType,
    dictionary: Vec<L>,
}

/// Whether values of a physical type can be given in an Arrow type.
pub(super) fn gives(physical: Type, kind: &DataType) -> bool {
    match physical {
        Type::INT32 => matches!(
            kind,
            DataType::Int8
                | DataType::Int16
                | DataType::Int32
                | DataType::UInt8
                | DataType::UInt16
                | DataType::UInt32
                | DataType::Date32
                | DataType::Time32(_)
                | DataType::Decimal128(..)
        ),
        Type::INT64 => matches!(
            kind,
            DataType::Int64
                | DataType::UInt64
                | DataType::Time64(_)
                | DataType::Timestamp(..)
                | DataType::Decimal128(..)
        ),
        Type::FLOAT => *kind == DataType::Float32,
        Type::DOUBLE => *kind == DataType::Float64,
        _ => false,
    }
}

impl<L: Lane> Fixed<L> {
    /// Values given in a type that [`gives`] allows.
    pub(super) fn new(kind: DataType) -> Self {
        let physical = match size_of::<L>() {
            4 => DataType::Int32,
            _ => DataType::Int64,
        };
        Self { physical, kind, dictionary: Vec::new() }
    }
}

impl<L: Lane> Kind for Fixed<L> {
    type Lane = L;

    fn set_dictionary(&mut self, values: &Buffer, count: usize) -> Result<()> {
        let size = count.checked_mul(size_of::<L>());
        let bytes = size.and_then(|size| values.get(..size)).ok_or_else(|| broken("its dictionary is cut"))?;
        self.dictionary = vec![L::default(); count];
        L::copy(bytes, &mut self.dictionary);
        Ok(())
    }

    fn decode(&self, values: &mut Values, out: &mut [L]) -> Result<()> {
        match values {
            Values::Plain(bytes) => {
                let size = size_of_val(out);
                L::copy(bytes.get(..size).ok_or_else(|| broken("a page has fewer values than rows"))?, out);
                bytes.advance(size);
                Ok(())
            }
            Values::Coded(codes) => {
                let dictionary = self.dictionary.as_slice();
                indices::decode(codes, out, |code| dictionary.get(code as usize).copied())
            }
        }
    }

    fn array(&self, lanes: Buffer, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let same_width = self.kind.primitive_width() == Some(size_of::<L>());
        let read = if same_width { &self.kind } else { &self.physical };
        let data = ArrayData::builder(read.clone()).len(rows).add_buffer(lanes).nulls(nulls).build()?;
        let array = make_array(data);
        Ok(match (&self.kind, size_of::<L>()) {
            _ if same_width => array,
            // A value that does not fit its type is cut, as the parquet crate does.
            (DataType::Int8, 4) => Arc::new(array.as_primitive::<Int32Type>().unary::<_, Int8Type>(|x| x as i8)),
            (DataType::Int16, 4) => Arc::new(array.as_primitive::<Int32Type>().unary::<_, Int16Type>(|x| x as i16)),
            (DataType::UInt8, 4) => Arc::new(array.as_primitive::<Int32Type>().unary::<_, UInt8Type>(|x| x as u8)),
            (DataType::UInt16, 4) => Arc::new(array.as_primitive::<Int32Type>().unary::<_, UInt16Type>(|x| x as u16)),
            (DataType::Decimal128(precision, scale), 4) => {
                let wide = array.as_primitive::<Int32Type>().unary::<_, Decimal128Type>(i128::from);
                Arc::new(wide.with_precision_and_scale(*precision, *scale)?)
            }
            (DataType::Decimal128(precision, scale), _) => {
                let wide = array.as_primitive::<Int64Type>().unary::<_, Decimal128Type>(i128::from);
                Arc::new(wide.with_precision_and_scale(*precision, *scale)?)
            }
            (kind, _) => return Err(broken(format!("its values are not of type {kind}"))),
        })
    }
}
