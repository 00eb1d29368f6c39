//! Headers of pages, in the compact protocol of Thrift.

use parquet::errors::{ParquetError, Result};

use super::broken;

/// What a header says of the page behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) form: Form,
    /// Bytes in the file.
    pub(super) compressed: usize,
    /// Bytes when unpacked.
    pub(super) uncompressed: usize,
    /// Values and nulls.
    pub(super) count: usize,
    pub(super) encoding: Encoding,
}

/// How a page is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Dictionary,
    /// Levels with their length before them, and values, packed together.
    One {
        levels: Encoding,
    },
    /// Levels of known length, never packed, and values.
    Two {
        repetition: usize,
        definition: usize,
        packed: bool,
    },
    /// Nothing that is read here.
    Other,
}

/// Encodings by what is done with them here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Dictionary,
    Runs,
    Other,
}

impl Encoding {
    fn of(number: i64) -> Self {
        match number {
            0 => Self::Plain,
            2 | 8 => Self::Dictionary,
            3 => Self::Runs,
            _ => Self::Other,
        }
    }
}

// Types of fields.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const FIRST_INTEGER: u8 = 4;
const LAST_INTEGER: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// The numbers of a structure by their field, truth as 1 and 0; no header has more fields that are read.
type Numbers = [Option<i64>; 10];

impl Header {
    /// The header that bytes begin with, and how long it is.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize)> {
        let mut input = Input { bytes, at: 0 };
        let mut of = [None; 4];
        let mut page: [Option<Numbers>; 10] = [None; 10];
        let mut field = 0;
        while let Some((id, kind)) = input.field(field)? {
            field = id;
            match (usize::try_from(id), kind) {
                (Ok(id @ 1..=3), FIRST_INTEGER..=LAST_INTEGER) => of[id] = Some(input.integer()?),
                (Ok(id @ (5 | 7 | 8)), STRUCT) => page[id] = Some(input.numbers()?),
                _ => input.skip(kind, 0)?,
            }
        }
        let [_, kind, uncompressed, compressed] = of;
        let (form, count, encoding) = match (kind, page[5], page[7], page[8]) {
            (Some(0), Some([_, count, encoding, levels, ..]), ..) => {
                (Form::One { levels: Encoding::of(levels.ok_or_else(lacking)?) }, count, encoding)
            }
            (Some(2), _, Some([_, count, encoding, ..]), _) => (Form::Dictionary, count, encoding),
            (Some(3), _, _, Some([_, count, _, _, encoding, definition, repetition, packed, ..])) => {
                let (definition, repetition) = (length(definition)?, length(repetition)?);
                (Form::Two { repetition, definition, packed: packed != Some(0) }, count, encoding)
            }
            (Some(1), ..) => (Form::Other, Some(0), Some(0)),
            _ => return Err(lacking()),
        };
        let header = Self {
            form,
            compressed: length(compressed)?,
            uncompressed: length(uncompressed)?,
            count: length(count)?,
            encoding: Encoding::of(encoding.ok_or_else(lacking)?),
        };
        Ok((header, input.at))
    }
}

fn length(number: Option<i64>) -> Result<usize> {
    let number = number.and_then(|number| i32::try_from(number).ok()).ok_or_else(lacking)?;
    usize::try_from(number).map_err(|_| broken("the header of a page has a negative length"))
}

fn lacking() -> ParquetError {
    broken("the header of a page lacks a field")
}

fn cut() -> ParquetError {
    broken("the header of a page is cut")
}

/// Bytes that are read from the front.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).ok_or_else(cut)?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(broken("the header of a page has a number without end"))
    }

    /// A number whose lowest bit is its sign.
    fn integer(&mut self) -> Result<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn pass(&mut self, count: u64) -> Result<()> {
        let count = usize::try_from(count).map_err(|_| cut())?;
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len()).ok_or_else(cut)?;
        Ok(())
    }

    /// Number and type of the next field of a structure; nothing at its end.
    fn field(&mut self, before: i64) -> Result<Option<(i64, u8)>> {
        let byte = self.byte()?;
        Ok(match (byte >> 4, byte & 0xf) {
            (_, 0) => None,
            (0, kind) => Some((self.integer()?, kind)),
            (step, kind) => Some((before.saturating_add(i64::from(step)), kind)),
        })
    }

    fn numbers(&mut self) -> Result<Numbers> {
        let mut numbers = [None; 10];
        let mut field = 0;
        while let Some((id, kind)) = self.field(field)? {
            field = id;
            let number = match kind {
                TRUE => Some(1),
                FALSE => Some(0),
                FIRST_INTEGER..=LAST_INTEGER => Some(self.integer()?),
                _ => {
                    self.skip(kind, 0)?;
                    None
                }
            };
            if let Some(place) = usize::try_from(id).ok().and_then(|id| numbers.get_mut(id)) {
                *place = number;
            }
        }
        Ok(numbers)
    }

    /// Passes over a value, such as statistics.
    fn skip(&mut self, kind: u8, depth: usize) -> Result<()> {
        const DEEPEST: usize = 8;
        if depth > DEEPEST {
            return Err(broken("the header of a page is nested too deeply"));
        }
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.pass(1),
            FIRST_INTEGER..=LAST_INTEGER => self.number().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = self.number()?;
                self.pass(length)
            }
            LIST | SET => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.number()?,
                    count => u64::from(count),
                };
                // Truth takes a byte in a list, and none in a structure.
                let kind = if head & 0xf <= FALSE { BYTE } else { head & 0xf };
                (0..count).try_for_each(|_| self.skip(kind, depth + 1))
            }
            STRUCT => {
                let mut field = 0;
                while let Some((id, kind)) = self.field(field)? {
                    field = id;
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            _ => Err(broken("the header of a page has a field of unknown type")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data page of 300 values: fields 1, 2, 3 and 5 of the header, and of the last 1 to 5, statistics among them.
    const PAGE: [u8; 30] = [
        0x15, 0, 0x15, 0xa0, 0x13, 0x15, 0xc8, 0x01, 0x2c, 0x15, 0xd8, 0x04, 0x15, 0x10, 0x15, 0x06, 0x15, 0x06, 0x1c,
        0x18, 2, b'a', b'b', 0x16, 0x02, 0x11, 0, 0, 0, 0xff,
    ];

    #[test]
    fn a_header_says_what_stands_behind_it() {
        let form = Form::One { levels: Encoding::Runs };
        let expected =
            Header { form, compressed: 100, uncompressed: 1_232, count: 300, encoding: Encoding::Dictionary };
        assert_eq!(Header::read(&PAGE).unwrap(), (expected, PAGE.len() - 1));
    }

    #[test]
    fn a_header_that_is_cut_or_lacks_a_field_is_an_error() {
        for length in 0..PAGE.len() - 1 {
            let error = Header::read(&PAGE[..length]).unwrap_err().to_string();
            assert_eq!(error, "Parquet error: the header of a page is cut", "{length} bytes");
        }
        let error = Header::read(&[0x15, 0, 0]).unwrap_err().to_string();
        assert_eq!(error, "Parquet error: the header of a page lacks a field");
    }
}
