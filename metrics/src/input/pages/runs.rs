//! Small integers in runs: the hybrid of repeated values and packed bits that levels and codes are written in.
//!
//! A run begins with a number: its lowest bit tells packed values, eight to a group, from one value repeated; the rest is
//! how many groups or how many times.

use arrow::buffer::Buffer;
use parquet::errors::Result;

use super::broken;

/// Runs of integers of one bit width, read from the front.
#[derive(Debug)]
pub(super) struct Runs {
    bytes: Buffer,
    width: usize,
    /// Where the next run begins.
    next: usize,
    run: Run,
}

#[derive(Clone, Copy, Debug)]
enum Run {
    Repeated {
        value: u32,
        left: usize,
    },
    /// Groups from this byte on; so many of their values were taken.
    Packed {
        start: usize,
        taken: usize,
        left: usize,
    },
}

/// Integers of one run that follow each other.
#[derive(Debug)]
pub(super) enum Stretch<'a> {
    Repeated {
        value: u32,
        count: usize,
    },
    /// Groups of eight and whatever follows them; fewer than eight values are passed over first. All of their bytes are
    /// there.
    Packed {
        bytes: &'a [u8],
        skip: usize,
        count: usize,
    },
}

impl Runs {
    /// The most bits of a value.
    pub(super) const WIDEST: usize = 32;

    /// Runs of integers of this many bits.
    pub(super) fn new(bytes: Buffer, width: usize) -> Result<Self> {
        match width <= Self::WIDEST {
            true => Ok(Self { bytes, width, next: 0, run: Run::Repeated { value: 0, left: 0 } }),
            false => Err(broken(format!("values of {width} bits are not codes"))),
        }
    }

    /// One run of bits without a beginning.
    pub(super) fn bits(bytes: Buffer) -> Self {
        let run = Run::Packed { start: 0, taken: 0, left: bytes.len().saturating_mul(8) };
        Self { next: bytes.len(), bytes, width: 1, run }
    }

    /// Bits of a value.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The next values, at least one and at most so many.
    #[inline]
    pub(super) fn take(&mut self, most: usize) -> Result<Stretch<'_>> {
        while let Run::Repeated { left: 0, .. } | Run::Packed { left: 0, .. } = self.run {
            self.run = self.begin()?;
        }
        Ok(match &mut self.run {
            Run::Repeated { value, left } => {
                let count = most.min(*left);
                *left -= count;
                Stretch::Repeated { value: *value, count }
            }
            Run::Packed { start, taken, left } => {
                let count = most.min(*left);
                let (group, skip) = (*taken / 8, *taken % 8);
                *taken += count;
                *left -= count;
                let bytes = self.bytes.get(*start + group * self.width..).unwrap_or_default();
                Stretch::Packed { bytes, skip, count }
            }
        })
    }

    fn begin(&mut self) -> Result<Run> {
        let head = self.number()?;
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        let size = usize::try_from(head >> 1).unwrap_or(usize::MAX);
        if head & 1 == 0 {
            let value = rest.get(..self.width.div_ceil(8)).ok_or_else(too_short)?;
            self.next += value.len();
            let value = value.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
            return Ok(Run::Repeated { value, left: size });
        }
        // Some writers cut the last groups of a page to the values that it has.
        let there = (rest.len() * 8).checked_div(self.width).unwrap_or(usize::MAX);
        let start = self.next;
        self.next = start.saturating_add(size.saturating_mul(self.width)).min(self.bytes.len());
        Ok(Run::Packed { start, taken: 0, left: size.saturating_mul(8).min(there) })
    }

    /// A number in groups of seven bits, the lowest first.
    fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.next).ok_or_else(too_short)?;
            self.next += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(broken("the length of a run makes no sense"))
    }
}

fn too_short() -> parquet::errors::ParquetError {
    broken("a page has fewer values than its header says")
}
