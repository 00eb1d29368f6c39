//! Codes to values: packed integers of every width, each looked up as it is unpacked.

use parquet::errors::{ParquetError, Result};

use super::broken;
use super::runs::{Runs, Stretch};

/// Bytes from which a group of eight values of any width can be read, eight bytes at a time.
const WINDOW: usize = 40;

/// Fills the output with what the next codes stand for.
///
/// # Errors
/// A code that stands for nothing, or fewer codes than values are wanted.
pub(super) fn decode<T: Copy + Default>(
    codes: &mut Runs,
    mut out: &mut [T],
    value: impl Fn(u32) -> Option<T> + Copy,
) -> Result<()> {
    let width = codes.width();
    while !out.is_empty() {
        let rest = match codes.take(out.len())? {
            Stretch::Repeated { value: code, count } => {
                let (now, rest) = out.split_at_mut(count);
                now.fill(value(code).ok_or_else(unknown)?);
                rest
            }
            Stretch::Packed { bytes, skip, count } => {
                let (now, rest) = out.split_at_mut(count);
                packed(bytes, width, skip, now, value).ok_or_else(unknown)?;
                rest
            }
        };
        out = rest;
    }
    Ok(())
}

fn unknown() -> ParquetError {
    broken("a code stands for no value of the dictionary")
}

fn packed<T: Copy + Default>(
    mut bytes: &[u8],
    width: usize,
    skip: usize,
    mut out: &mut [T],
    value: impl Fn(u32) -> Option<T> + Copy,
) -> Option<()> {
    if skip > 0 {
        let (now, rest) = out.split_at_mut(out.len().min(8 - skip));
        some(&group(bytes, width)[skip..], now, value)?;
        (bytes, out) = (bytes.get(width..).unwrap_or_default(), rest);
    }
    let (groups, last) = out.as_chunks_mut();
    whole(bytes, width, groups, value)?;
    if !last.is_empty() {
        let after = bytes.get(groups.len() * width..).unwrap_or_default();
        some(&group(after, width), last, value)?;
    }
    Some(())
}

/// The values of part of a group: codes beyond it may be padding, which stands for nothing.
fn some<T>(codes: &[u32], out: &mut [T], value: impl Fn(u32) -> Option<T>) -> Option<()> {
    for (out, code) in out.iter_mut().zip(codes) {
        *out = value(*code)?;
    }
    Some(())
}

/// Whole groups, by code made for their width.
fn whole<T: Copy>(
    bytes: &[u8],
    width: usize,
    out: &mut [[T; 8]],
    value: impl Fn(u32) -> Option<T> + Copy,
) -> Option<()> {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => groups::<$width, T>(bytes, out, value),)*
                _ => groups::<0, T>(bytes, out, value),
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)
}

fn groups<const WIDTH: usize, T: Copy>(
    mut bytes: &[u8],
    out: &mut [[T; 8]],
    value: impl Fn(u32) -> Option<T> + Copy,
) -> Option<()> {
    for out in out {
        match bytes.first_chunk() {
            Some(window) => some(&unpacked(window, WIDTH), out, value)?,
            None => some(&group(bytes, WIDTH), out, value)?,
        }
        bytes = bytes.get(WIDTH..).unwrap_or_default();
    }
    Some(())
}

/// The group that bytes begin with; zeros where they end early.
fn group(bytes: &[u8], width: usize) -> [u32; 8] {
    let mut window = [0; WINDOW];
    let length = bytes.len().min(WINDOW);
    window[..length].copy_from_slice(&bytes[..length]);
    unpacked(&window, width)
}

#[inline(always)]
fn unpacked(window: &[u8; WINDOW], width: usize) -> [u32; 8] {
    let mask = ((1_u64 << width) - 1) as u32;
    std::array::from_fn(|at| {
        let bit = at * width;
        let mut word = [0; 8];
        word.copy_from_slice(&window[bit / 8..bit / 8 + 8]);
        (u64::from_le_bytes(word) >> (bit % 8)) as u32 & mask
    })
}

#[cfg(test)]
mod tests {
    use arrow::buffer::Buffer;

    use super::*;

    #[test]
    fn codes_of_every_width_are_unpacked_in_parts_of_any_length() {
        for width in 1..=Runs::WIDEST {
            let mask = ((1_u64 << width) - 1) as u32;
            let codes: Vec<u32> = (0..72_u32).map(|at| at.wrapping_mul(0x9e37_79b9) & mask).collect();
            let mut bytes: Vec<u8> = vec![(9 << 1) | 1];
            bytes.resize(1 + 9 * width, 0);
            for (at, code) in codes.iter().enumerate() {
                for bit in (0..width).filter(|bit| code >> bit & 1 == 1) {
                    let place = at * width + bit;
                    bytes[1 + place / 8] |= 1 << (place % 8);
                }
            }
            for part in [1, 3, 8, 11, 72] {
                let mut runs = Runs::new(Buffer::from(bytes.clone()), width).unwrap();
                let mut read = vec![0; 72];
                read.chunks_mut(part).for_each(|part| decode(&mut runs, part, Some).unwrap());
                assert_eq!(read, codes, "{width} bits in parts of {part}");
            }
        }
    }

    #[test]
    fn a_code_beyond_the_dictionary_is_refused_and_padding_is_not() {
        // Eight codes of four bits, of which the last three are padding; the dictionary has four values.
        let codes = || Runs::new(Buffer::from(vec![3_u8, 0x10, 0x32, 0xf0, 0xff]), 4).unwrap();
        let value = |code| (code < 4).then_some(code);
        let mut read = [0; 5];
        decode(&mut codes(), &mut read, value).unwrap();
        assert_eq!(read, [0, 1, 2, 3, 0]);
        let error = decode(&mut codes(), &mut [0; 6], value).unwrap_err();
        assert_eq!(error.to_string(), "Parquet error: a code stands for no value of the dictionary");
        let error = decode(&mut codes(), &mut [0; 9], Some).unwrap_err();
        assert_eq!(error.to_string(), "Parquet error: a page has fewer values than its header says");
    }
}
