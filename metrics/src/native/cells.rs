//! Prepared columns as the words, codes and truths that the operator reads.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal64Type, Float64Type, Int32Type, Int64Type, UInt64Type};
use arrow::util::display::FormatOptions;
use estimand_stats::unit_aggregation::{Argument, Cells, Condition, Seed};

/// Digits of a decimal that fit 64 bits, whatever they are.
const WHOLE_DIGITS: u8 = 18;

/// How an argument is used, which decides what of it travels with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Added up, integers as integers.
    Added,
    /// Compared or taken as it is, as a double.
    Taken,
    /// Told apart from others.
    Distinguished,
    /// Only whether it is there.
    Present,
}

/// What is made of the column of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Integers,
    /// Decimals that fit 64 bits, with their places.
    Decimals(i8),
    Unsigned,
    Floats,
    /// Doubles of which only equality counts: all that are not numbers alike, and both zeros.
    FloatKeys,
    TextKeys,
    Presence,
}

impl Form {
    /// What is made of a column of this type; `None` when the operator has no form for it.
    pub(super) fn of(used: Use, kind: &DataType) -> Option<Self> {
        use DataType::{
            Binary, BinaryView, Boolean, Date32, Date64, Decimal32, Decimal64, Decimal128, LargeBinary, LargeUtf8,
            Timestamp, UInt64, Utf8, Utf8View,
        };
        match (used, kind) {
            (used, DataType::Dictionary(_, values)) => Self::of(used, values),
            (Use::Present, _) => Some(Self::Presence),
            (_, kind) if kind.is_floating() => {
                Some(if used == Use::Distinguished { Self::FloatKeys } else { Self::Floats })
            }
            (Use::Taken, kind) if kind.is_numeric() || *kind == Boolean => Some(Self::Floats),
            (Use::Added, Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(..=WHOLE_DIGITS, scale)) => {
                Some(Self::Decimals(*scale))
            }
            (Use::Added | Use::Distinguished, UInt64) => Some(Self::Unsigned),
            // Smaller unsigned integers are signed ones without loss.
            (Use::Added | Use::Distinguished, kind) if kind.is_integer() => Some(Self::Integers),
            (Use::Distinguished, Boolean | Date32 | Date64 | Timestamp(..)) => Some(Self::Integers),
            (Use::Distinguished, Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView) => {
                Some(Self::TextKeys)
            }
            _ => None,
        }
    }

    /// What the operator knows it as.
    pub(super) const fn argument(self) -> Argument {
        match self {
            Self::Integers | Self::FloatKeys | Self::Presence => Argument::Integer,
            Self::Decimals(scale) => Argument::Decimal { scale },
            Self::Unsigned => Argument::Unsigned,
            Self::Floats => Argument::Float,
            Self::TextKeys => Argument::Wide,
        }
    }

    /// The words of a column.
    pub(super) fn words(self, column: &ArrayRef, seed: &Seed) -> Result<Words, arrow::error::ArrowError> {
        let nulls = column.logical_nulls();
        let words = match self {
            Self::Presence => ScalarBuffer::from(Vec::new()),
            Self::Integers => bits::<Int64Type>(&plain(column, &DataType::Int64)?),
            Self::Decimals(scale) => bits::<Decimal64Type>(&plain(column, &DataType::Decimal64(WHOLE_DIGITS, scale))?),
            Self::Unsigned => bits::<UInt64Type>(&plain(column, &DataType::UInt64)?),
            Self::Floats => bits::<Float64Type>(&plain(column, &DataType::Float64)?),
            Self::FloatKeys => {
                let keys = plain(column, &DataType::Float64)?;
                let key = |value: &f64| if value.is_nan() { f64::NAN } else { value + 0.0 }.to_bits();
                keys.as_primitive::<Float64Type>().values().iter().map(key).collect()
            }
            Self::TextKeys => text_keys(column, seed)?,
        };
        Ok(Words { words, nulls: nulls.filter(|nulls| nulls.null_count() > 0) })
    }
}

/// The words of an argument, owned.
pub(super) struct Words {
    words: ScalarBuffer<u64>,
    nulls: Option<NullBuffer>,
}

impl Words {
    pub(super) fn cells(&self) -> Cells<'_> {
        Cells { words: &self.words, valid: self.nulls.as_ref() }
    }
}

/// A column written out, in this type.
fn plain(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
    let values = match column.data_type() {
        DataType::Dictionary(_, values) => cast(column, values)?,
        _ => ArrayRef::clone(column),
    };
    // What does not fit is refused, not made a null.
    const STRICT: CastOptions<'static> = CastOptions { safe: false, format_options: FormatOptions::new() };
    if values.data_type() == kind { Ok(values) } else { cast_with_options(&values, kind, &STRICT) }
}

/// The same bytes, as words.
fn bits<T: ArrowPrimitiveType>(column: &ArrayRef) -> ScalarBuffer<u64> {
    ScalarBuffer::from(column.as_primitive::<T>().values().inner().clone())
}

/// Two words for each text.
fn text_keys(column: &ArrayRef, seed: &Seed) -> Result<ScalarBuffer<u64>, arrow::error::ArrowError> {
    let both = |key: u128| [(key >> 64) as u64, key as u64];
    if let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() {
        let keys = text_keys(dictionary.values(), seed)?;
        let of_code = |code: &i32| {
            let at = usize::try_from(*code).unwrap_or(0) * 2;
            [keys.get(at).copied().unwrap_or(0), keys.get(at + 1).copied().unwrap_or(0)]
        };
        return Ok(dictionary.keys().values().iter().flat_map(of_code).collect());
    }
    let bytes = cast(column, &DataType::BinaryView)?;
    let bytes = bytes.as_binary_view();
    Ok(bytes.iter().flat_map(|text| both(text.map_or(0, |text| seed.of_text(text)))).collect())
}

/// The truth of a condition, owned.
pub(super) enum Truth {
    Each(BooleanArray),
    ByCode { codes: ScalarBuffer<i32>, nulls: Option<NullBuffer>, truth: Vec<bool> },
}

impl Truth {
    /// `None` for a column that holds no truths.
    pub(super) fn of(column: &ArrayRef) -> Option<Self> {
        match column.as_dictionary_opt::<Int32Type>() {
            Some(dictionary) => {
                let values = dictionary.values().as_boolean_opt()?;
                let truth = values.iter().map(|value| value == Some(true)).collect();
                let keys = dictionary.keys();
                Some(Self::ByCode { codes: keys.values().clone(), nulls: keys.nulls().cloned(), truth })
            }
            None => Some(Self::Each(column.as_boolean_opt()?.clone())),
        }
    }

    pub(super) fn condition(&self) -> Condition<'_> {
        match self {
            Self::Each(truth) => Condition::Each(truth),
            Self::ByCode { codes, nulls, truth } => Condition::ByCode { codes, valid: nulls.as_ref(), truth },
        }
    }

    /// The truth of each row.
    pub(super) fn each(&self) -> Vec<bool> {
        match self {
            Self::Each(truth) => truth.iter().map(|one| one == Some(true)).collect(),
            Self::ByCode { codes, nulls, truth } => {
                let holds = |(row, code): (usize, &i32)| {
                    nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) && truth[*code as usize]
                };
                codes.iter().enumerate().map(holds).collect()
            }
        }
    }
}

/// Instants as ticks.
pub(super) fn ticks(column: &ArrayRef) -> Result<(ScalarBuffer<i64>, Option<NullBuffer>), arrow::error::ArrowError> {
    let nulls = column.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    let column = plain(column, &DataType::Int64)?;
    Ok((column.as_primitive::<Int64Type>().values().clone(), nulls))
}
