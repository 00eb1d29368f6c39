//! Memory and unpackers that chunks use one after another.

use std::fmt;
use std::io::Cursor;
use std::ops::Range;

use arrow::buffer::Buffer;
use parking_lot::Mutex;
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use zstd::bulk::Decompressor;

use super::broken;

/// What reading takes, kept from row group to row group: memory that was used before is there at once, and fresh memory
/// is filled with zeros by the system page by page.
#[derive(Default)]
pub(super) struct Memory {
    /// Bytes of a chunk as the file has them.
    pub(super) packed: Vec<u8>,
    /// Pages that were read to their end, and how much memory they are.
    spare: Vec<Vec<u8>>,
    held: usize,
    zstd: Option<Decompressor<'static>>,
    snappy: snap::raw::Decoder,
}

/// One [`Memory`] for each row group that is read at the same time as others.
#[derive(Default)]
pub(crate) struct Memories(Mutex<Vec<Memory>>);

impl fmt::Debug for Memories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memories").finish_non_exhaustive()
    }
}

impl Memories {
    /// Memory that nothing uses now.
    pub(super) fn take(&self) -> Memory {
        self.0.lock().pop().unwrap_or_default()
    }

    /// Keeps memory for the next row group.
    pub(super) fn give(&self, mut memory: Memory) {
        if memory.packed.capacity() > Memory::LONGEST {
            memory.packed = Vec::new();
        }
        self.0.lock().push(memory);
    }
}

impl Memory {
    /// What is longer is rare, and not kept.
    const LONGEST: usize = 4 << 20;

    /// Takes the memory of a page back, unless something still refers to it.
    pub(super) fn give(&mut self, page: Buffer) {
        /// What the pages of a wide table take.
        const MOST: usize = 32 << 20;
        if let Ok(page) = page.into_vec::<u8>()
            && page.capacity() <= Self::LONGEST
            && self.held + page.capacity() <= MOST
        {
            self.held += page.capacity();
            self.spare.push(page);
        }
    }

    /// Memory for so many bytes, with whatever it holds.
    fn page(&mut self, bytes: usize) -> Vec<u8> {
        let fitting = self.spare.iter().enumerate().filter(|(_, page)| page.capacity() >= bytes);
        let tightest = fitting.min_by_key(|(_, page)| page.capacity()).map(|(at, _)| at);
        let Some(tightest) = tightest else { return Vec::with_capacity(bytes) };
        let page = self.spare.swap_remove(tightest);
        self.held -= page.capacity();
        page
    }

    /// Unpacks the end of a page whose beginning is not packed.
    ///
    /// # Errors
    /// Bytes that are not what the codec writes, or not as many as the header says.
    pub(super) fn unpack(
        &mut self,
        codec: Compression,
        range: Range<usize>,
        plain: usize,
        size: usize,
    ) -> Result<Buffer> {
        let cut = || broken("a page is shorter than its header says");
        if size.checked_sub(plain).ok_or_else(cut)? / most(codec) > range.len() {
            return Err(sizes());
        }
        let (mut page, left) = (self.page(size), size - plain);
        let bytes = self.packed.get(range).ok_or_else(cut)?;
        let (levels, packed) = bytes.split_at_checked(plain).ok_or_else(cut)?;
        match codec {
            Compression::SNAPPY if left > 0 => {
                if snap::raw::decompress_len(packed).map_err(|error| unpacking(&error))? != left {
                    return Err(sizes());
                }
                // What it held is written over: zeros are only for what it did not hold.
                page.resize(size, 0);
                page[..plain].copy_from_slice(levels);
                self.snappy.decompress(packed, &mut page[plain..]).map_err(|error| unpacking(&error))?;
            }
            _ => {
                page.clear();
                page.extend_from_slice(levels);
                match codec {
                    Compression::UNCOMPRESSED => page.extend_from_slice(packed),
                    // A page of nulls alone may have no bytes to unpack.
                    _ if left == 0 => {}
                    _ => unpack_zstd(&mut self.zstd, packed, &mut page)?,
                }
                if codec != Compression::UNCOMPRESSED && page.len() != size {
                    return Err(sizes());
                }
            }
        }
        Ok(Buffer::from_vec(page))
    }
}

/// Unpacks to the end of a page, within its memory.
fn unpack_zstd(zstd: &mut Option<Decompressor<'static>>, packed: &[u8], page: &mut Vec<u8>) -> Result<()> {
    let zstd = match zstd {
        Some(zstd) => zstd,
        none => none.insert(Decompressor::new()?),
    };
    let mut end = Cursor::new(&mut *page);
    end.set_position(end.get_ref().len() as u64);
    zstd.decompress_to_buffer(packed, &mut end).map_err(|error| unpacking(&error))?;
    Ok(())
}

/// The most bytes that one byte unpacks to: a header must not make us take memory that no page needs.
fn most(codec: Compression) -> usize {
    match codec {
        Compression::UNCOMPRESSED => 1,
        // A copy of 64 bytes takes two or more.
        Compression::SNAPPY => 64,
        // A block of 128 KiB takes four or more.
        _ => 32 << 10,
    }
}

fn sizes() -> ParquetError {
    broken("a page does not unpack to the length that its header says")
}

fn unpacking(error: &dyn std::error::Error) -> ParquetError {
    broken(format!("a page cannot be unpacked: {error}"))
}
