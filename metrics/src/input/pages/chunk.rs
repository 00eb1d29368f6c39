//! The pages of a column chunk, taken apart into levels and values.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use arrow::buffer::Buffer;
use parquet::basic::{Compression, Type};
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;

use super::broken;
use super::header::{Encoding, Form, Header};
use super::levels::Levels;
use super::memory::Memory;
use super::runs::Runs;

/// The pages of a chunk in their order.
pub(super) struct Pages {
    file: Arc<File>,
    codec: Compression,
    has_levels: bool,
    is_boolean: bool,
    has_dictionary: bool,
    /// Where the next page begins, and where the last one ends.
    at: u64,
    end: u64,
    /// Rows in the pages to come.
    left: usize,
    /// Rows that are passed over before the first page that is of use.
    skipped: usize,
    ready: VecDeque<Part>,
}

/// A page of a flat column.
pub(super) enum Part {
    /// Values that codes stand for, one after another.
    Dictionary {
        values: Buffer,
        count: usize,
    },
    Data(DataPage),
}

/// A page with rows.
pub(super) struct DataPage {
    pub(super) rows: usize,
    /// Which rows have a value; nothing where all have.
    pub(super) levels: Option<Levels>,
    pub(super) values: Values,
    /// All of its bytes.
    bytes: Buffer,
}

impl DataPage {
    /// Its bytes, when nothing of it is of use any more.
    pub(super) fn into_bytes(self) -> Buffer {
        self.bytes
    }
}

/// Values of a page that are still to be read.
pub(super) enum Values {
    Plain(Buffer),
    Coded(Runs),
}

impl Pages {
    pub(super) fn new(file: &Arc<File>, chunk: &ColumnChunkMetaData, rows: usize) -> Result<Self> {
        let first = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let start = u64::try_from(first).ok();
        let range = start.zip(u64::try_from(chunk.compressed_size()).ok());
        let range = range.and_then(|(start, length)| Some((start, start.checked_add(length)?)));
        let (at, end) = range.ok_or_else(|| broken("it lies outside the file"))?;
        let has_levels = chunk.column_descr().max_def_level() > 0;
        let is_boolean = chunk.column_type() == Type::BOOLEAN;
        let (file, codec) = (Arc::clone(file), chunk.compression());
        let ready = VecDeque::new();
        Ok(Self { file, codec, has_levels, is_boolean, has_dictionary: false, at, end, left: rows, skipped: 0, ready })
    }

    /// The next page.
    ///
    /// # Errors
    /// A page that cannot be read, more rows than the row group has, or no page at all though rows are missing.
    pub(super) fn take(&mut self, memory: &mut Memory) -> Result<Part> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(part);
            }
            if self.at >= self.end {
                return Err(broken(format!("its pages lack {} of the rows of the row group", self.left)));
            }
            self.read(memory)?;
        }
    }

    /// Passes over the pages whose rows are all among the first so many, and says how many of the next page are.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) fn skip(&mut self, rows: usize, memory: &mut Memory) -> Result<usize> {
        self.skipped = rows;
        while self.skipped > 0 && !self.ready.iter().any(|part| matches!(part, Part::Data(_))) {
            if self.at >= self.end {
                return Err(broken(format!("its pages lack {} of the rows of the row group", self.left)));
            }
            self.read(memory)?;
        }
        Ok(std::mem::take(&mut self.skipped))
    }

    /// Looks at what stands behind the last row, if that was taken.
    ///
    /// # Errors
    /// More rows than the row group has.
    pub(super) fn finish(&mut self, memory: &mut Memory) -> Result<()> {
        while self.left == 0 && self.at < self.end {
            self.read(memory)?;
        }
        Ok(())
    }

    /// Reads a stretch of the file and makes its pages ready.
    fn read(&mut self, memory: &mut Memory) -> Result<()> {
        /// Most chunks are read at once.
        const AHEAD: u64 = 3 << 19;
        /// Unpacked bytes from which on the next pages wait: a wide table has a column's pages for each of its columns.
        const ENOUGH: usize = 3 << 19;
        self.fetch(memory, AHEAD)?;
        let (mut at, mut unpacked) = (0, 0);
        while at < memory.packed.len() && unpacked < ENOUGH {
            let is_first = at == 0;
            let found = Header::read(memory.packed.get(at..).unwrap_or_default());
            let (header, length) = match found {
                Ok(found) => found,
                // Cut by the end of the stretch, it is read with the next.
                Err(_) if !is_first && self.at + (memory.packed.len() as u64) < self.end => break,
                Err(error) => return Err(error),
            };
            let size = length + header.compressed;
            if size > memory.packed.len() - at {
                if !is_first {
                    break;
                }
                if size as u64 > self.end - self.at {
                    return Err(broken("a page ends beyond its column"));
                }
                self.fetch(memory, size as u64)?;
            }
            self.part(&header, at + length..at + size, memory)?;
            at += size;
            if header.form != Form::Dictionary {
                unpacked += header.uncompressed;
            }
        }
        self.at += at as u64;
        Ok(())
    }

    fn fetch(&self, memory: &mut Memory, most: u64) -> Result<()> {
        let length = most.min(self.end - self.at);
        // The place in the file is shared with the parquet crate, which seeks before it reads, too.
        let mut file = self.file.as_ref();
        file.seek(SeekFrom::Start(self.at))?;
        memory.packed.clear();
        memory.packed.reserve(length as usize);
        file.take(length).read_to_end(&mut memory.packed)?;
        match memory.packed.len() as u64 == length {
            true => Ok(()),
            false => Err(broken("it lies outside the file")),
        }
    }

    /// Unpacks a page and takes it apart.
    fn part(&mut self, header: &Header, range: Range<usize>, memory: &mut Memory) -> Result<()> {
        let Header { form, uncompressed, count, encoding, .. } = *header;
        let (plain, codec) = match form {
            Form::Other => return Ok(()),
            Form::Two { repetition, definition, packed } => {
                (repetition + definition, if packed { self.codec } else { Compression::UNCOMPRESSED })
            }
            _ => (0, self.codec),
        };
        if form == Form::Dictionary {
            if !matches!(encoding, Encoding::Plain | Encoding::Dictionary) {
                return Err(broken("its dictionary is not written plainly"));
            }
            if std::mem::replace(&mut self.has_dictionary, true) {
                return Err(broken("it has two dictionaries"));
            }
            let values = memory.unpack(codec, range, plain, uncompressed)?;
            self.ready.push_back(Part::Dictionary { values, count });
            return Ok(());
        }
        if count > self.left {
            return Err(broken(format!("a page has {count} rows where the row group has {} left", self.left)));
        }
        self.left -= count;
        if count <= self.skipped && !self.ready.iter().any(|part| matches!(part, Part::Data(_))) {
            self.skipped -= count;
            return Ok(());
        }
        let bytes = memory.unpack(codec, range, plain, uncompressed)?;
        let (levels, values) = match form {
            Form::Two { repetition, definition, .. } if self.has_levels => {
                (Some(bytes.slice_with_length(repetition, definition)), bytes.slice(plain))
            }
            Form::One { levels } if self.has_levels => {
                if levels != Encoding::Runs {
                    return Err(broken("definition levels are not written in runs"));
                }
                let (levels, values) = after_length(&bytes)?;
                (Some(levels), values)
            }
            _ => (None, bytes.slice(plain)),
        };
        let values = match encoding {
            Encoding::Plain if self.is_boolean => Values::Coded(Runs::bits(values)),
            Encoding::Runs if self.is_boolean => Values::Coded(Runs::new(after_length(&values)?.0, 1)?),
            Encoding::Plain => Values::Plain(values),
            Encoding::Dictionary => Values::Coded(codes(&values)?),
            _ => return Err(broken("a page is written in an encoding that the footer does not say")),
        };
        let levels = levels.map(Levels::new).transpose()?;
        self.ready.push_back(Part::Data(DataPage { rows: count, levels, values, bytes }));
        Ok(())
    }
}

/// Codes after the byte that says how wide they are; a page without values may lack it.
fn codes(bytes: &Buffer) -> Result<Runs> {
    match bytes.first() {
        Some(width) => Runs::new(bytes.slice(1), usize::from(*width)),
        None => Runs::new(bytes.clone(), 0),
    }
}

/// What stands behind a length and has it, and the rest.
fn after_length(bytes: &Buffer) -> Result<(Buffer, Buffer)> {
    let length = bytes.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
    match length {
        Some(length) if length <= bytes.len() - 4 => Ok((bytes.slice_with_length(4, length), bytes.slice(4 + length))),
        _ => Err(broken("a page ends within its levels")),
    }
}
