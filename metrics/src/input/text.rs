//! Text files, read once from front to back through a window of bounded size.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::sync::Arc;

use super::clock::Turns;
use super::column::{Sighting, Tally};
use super::files::{DataFile, compression_of, unreadable};
use super::ndjson_scan::Kinds;
use super::value::{Class, classify, classify_text, is_uuid, year};
use crate::fault::{Fault, Place};

/// The longest value.
pub(crate) const LONGEST_VALUE: usize = 16 << 20;
/// The longest record.
pub(crate) const LONGEST_RECORD: usize = 64 << 20;
/// The most columns of a source.
pub(crate) const MOST_COLUMNS: usize = 10_000;
/// So many bytes of a file are one piece of work.
const CHUNK: u64 = 4 << 20;
/// So many bytes are read at a time.
const BLOCK: usize = 1 << 20;

/// What a full reading of a text file found.
#[derive(Debug)]
pub(crate) struct TextScan {
    /// The columns in the order of the file.
    pub(crate) columns: Vec<ColumnScan>,
    /// Number of records.
    pub(crate) rows: u64,
    /// The file cut between records.
    pub(crate) chunks: Vec<Chunk>,
    /// Hash of every byte.
    pub(crate) hash: blake3::Hash,
    /// What is doubtful about the file and does not stop its reading.
    pub(crate) warnings: Vec<Fault>,
}

/// A stretch of a text file that begins and ends between records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The line on which it begins, counted from 1.
    pub(crate) line: u64,
    pub(crate) rows: u64,
}

/// Cuts a file into chunks while its records go by.
#[derive(Debug)]
pub(crate) struct Cutter {
    done: Vec<Chunk>,
    open: Chunk,
}

impl Cutter {
    pub(crate) fn new(start: u64, line: u64) -> Self {
        Self { done: Vec::new(), open: Chunk { start, end: start, line, rows: 0 } }
    }

    /// A record ended at an offset; the next line is `line`.
    #[inline]
    pub(crate) fn record(&mut self, end: u64, line: u64) {
        self.open.end = end;
        self.open.rows += 1;
        if end - self.open.start >= CHUNK {
            self.done.push(self.open);
            self.open = Chunk { start: end, end, line, rows: 0 };
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Chunk> {
        if self.open.rows > 0 {
            self.done.push(self.open);
        }
        self.done
    }
}

/// How the values of a column are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Look {
    /// As numbers, times and words.
    #[default]
    Classify,
    /// As text, whatever they look like.
    Text,
    /// As UUIDs; anything else counts as text.
    Uuid,
}

/// What is asked of a column before it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) look: Look,
    /// Whether it is the clock, so that its range is recorded.
    pub(crate) clock: bool,
    /// When the clock is turned in the zone of times without offset.
    pub(crate) turns: Option<Arc<Turns>>,
    /// Whether values of several kinds are accepted where the format tells kinds apart.
    pub(crate) declared: bool,
}

/// A column while it is read.
#[derive(Debug)]
pub(crate) struct ColumnScan {
    pub(crate) name: String,
    pub(crate) ask: Ask,
    file: Arc<str>,
    pub(crate) tally: Tally,
    pub(crate) range: Range,
    /// The kinds of value, where the format tells them apart.
    pub(crate) kinds: Kinds,
}

/// The range of a clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Range {
    /// The smallest integer.
    pub(crate) low: Option<Bound>,
    /// The largest integer.
    pub(crate) high: Option<Bound>,
    /// The first day or time of a year in which nothing can have happened.
    pub(crate) odd: Option<Sighting>,
    /// The first local time that the clock of its zone shows never, or twice.
    pub(crate) unclear: Option<Sighting>,
}

/// An integer and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) value: i64,
    line: usize,
    file: Arc<str>,
}

impl Bound {
    pub(crate) fn place(&self) -> Place {
        Place { line: self.line, column: 1, ..Place::file(&*self.file) }
    }
}

/// The years in which something can have happened: a year of 1970 or before is a missing time written as zero.
pub(crate) const YEARS: std::ops::RangeInclusive<u32> = 1971..=2999;

impl Range {
    fn append(&mut self, later: Self) {
        for bound in [later.low, later.high].into_iter().flatten() {
            self.widen(bound.value, || bound.clone());
        }
        self.odd = self.odd.take().or(later.odd);
        self.unclear = self.unclear.take().or(later.unclear);
    }

    fn widen(&mut self, value: i64, bound: impl Fn() -> Bound) {
        if self.low.as_ref().is_none_or(|low| value < low.value) {
            self.low = Some(bound());
        }
        if self.high.as_ref().is_none_or(|high| value > high.value) {
            self.high = Some(bound());
        }
    }

    fn number(&mut self, value: &[u8], file: &Arc<str>, line: usize) {
        if let Some(number) = std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok()) {
            self.widen(number, || Bound { value: number, line, file: Arc::clone(file) });
        }
    }

    fn time(&mut self, value: &[u8], turns: Option<&Turns>, place: impl Fn() -> Place) {
        if self.odd.is_none() && !YEARS.contains(&year(value)) {
            self.odd = Some(Sighting::new(place(), value));
        }
        if self.unclear.is_none() && turns.is_some_and(|turns| turns.is_unclear(value)) {
            self.unclear = Some(Sighting::new(place(), value));
        }
    }
}

impl ColumnScan {
    pub(crate) fn new(name: String, ask: Ask, file: &Arc<str>) -> Self {
        Self {
            name,
            ask,
            file: Arc::clone(file),
            tally: Tally::default(),
            range: Range::default(),
            kinds: Kinds::default(),
        }
    }

    /// Adds what was found in a later file.
    pub(crate) fn append(&mut self, later: Self) {
        self.tally.append(later.tally);
        self.range.append(later.range);
        self.kinds.append(later.kinds);
    }

    /// Counts a written value of a format that does not tell kinds apart.
    #[inline]
    pub(crate) fn add(&mut self, value: &[u8], line: usize, place: impl Fn() -> Place) {
        let class = match self.ask.look {
            // One text makes a column text: what the values after it look like is not asked.
            Look::Classify if self.tally.has_text() && !self.ask.clock => Class::Text,
            Look::Classify => classify(value),
            Look::Text => Class::Text,
            Look::Uuid if is_uuid(value) => Class::Uuid,
            Look::Uuid => Class::Text,
        };
        self.count(class, value, line, place);
    }

    /// Counts a value that the format says is text.
    pub(crate) fn add_text(&mut self, value: &[u8], line: usize, place: impl Fn() -> Place) {
        if self.ask.declared {
            return self.add(value, line, place);
        }
        let class = if self.ask.look == Look::Classify { classify_text(value) } else { Class::Text };
        self.count(class, value, line, place);
    }

    fn count(&mut self, class: Class, value: &[u8], line: usize, place: impl Fn() -> Place) {
        if class == Class::Text && value.first().is_none_or(u8::is_ascii_whitespace) && value.trim_ascii().is_empty() {
            self.tally.blank += 1;
        }
        self.tally.add(class, || Sighting::new(place(), value));
        if self.ask.clock && class == Class::Integer {
            self.range.number(value, &self.file, line);
        } else if self.ask.clock && class.is_time() {
            let turns = self.ask.turns.as_deref().filter(|_| class.is_local());
            self.range.time(value, turns, place);
        }
    }
}

/// The part of a text file that is in memory: whole characters, no NUL.
pub(crate) struct Window<'a> {
    file: &'a DataFile,
    reader: File,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    /// The end of what may be looked at; a character cut by the end of the buffer waits behind it.
    end: usize,
    /// Offset in the file of the first byte of the buffer.
    offset: u64,
    at_end: bool,
}

impl<'a> Window<'a> {
    /// Opens a file and passes its byte order mark; gives the window and the place of its first character.
    pub(crate) fn open(file: &'a DataFile) -> Result<(Self, usize), Fault> {
        let reader = file.open()?;
        let mut window =
            Self { file, reader, hasher: blake3::Hasher::new(), buffer: Vec::new(), end: 0, offset: 0, at_end: false };
        window.read_block()?;
        window.refuse_other_formats()?;
        window.admit(0, 1)?;
        let start = if window.bytes().starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Ok((window, start))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.end]
    }

    /// Whether nothing of the file is left behind the window.
    pub(crate) fn at_end(&self) -> bool {
        self.at_end
    }

    /// The offset in the file of a place in the window.
    pub(crate) fn offset(&self, at: usize) -> u64 {
        self.offset + at as u64
    }

    /// Hash of every byte; right when the end was reached.
    pub(crate) fn hash(&self) -> blake3::Hash {
        self.hasher.finalize()
    }

    /// Forgets what lies before `keep`, which begins line `line`, and reads on. Places in the window move down by
    /// `keep`.
    pub(crate) fn advance(&mut self, keep: usize, line: usize) -> Result<(), Fault> {
        let seen = self.end - keep;
        self.buffer.drain(..keep);
        self.offset += keep as u64;
        self.end = seen;
        self.read_block()?;
        self.admit(seen, line)
    }

    /// A stretch of the window as a place; `line_start` is where its line begins.
    pub(crate) fn place(&self, line: usize, line_start: usize, start: usize, end: usize) -> Place {
        place(&self.file.name, self.bytes(), line, line_start, start..end)
    }

    /// A line as a place, for when it has left the window.
    pub(crate) fn line(&self, line: usize) -> Place {
        Place { line, column: 1, ..self.file.place() }
    }

    fn read_block(&mut self) -> Result<(), Fault> {
        let from = self.buffer.len();
        self.buffer.resize(from + BLOCK, 0);
        let mut filled = from;
        while filled < self.buffer.len() {
            match self.reader.read(&mut self.buffer[filled..]) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&self.file.name, &error)),
            }
        }
        self.buffer.truncate(filled);
        self.hasher.update(&self.buffer[from..]);
        // More or fewer bytes than the file had when it was found: it grew or was cut meanwhile.
        let read_so_far = self.offset + filled as u64;
        if read_so_far > self.file.stamp.size || (self.at_end && read_so_far < self.file.stamp.size) {
            return Err(self.file.changed());
        }
        Ok(())
    }

    /// Checks the bytes from `seen` on and lets them be looked at. `line` is the line of the window's first byte.
    fn admit(&mut self, seen: usize, line: usize) -> Result<(), Fault> {
        let fresh = &self.buffer[seen..];
        let (whole, invalid) = match std::str::from_utf8(fresh) {
            Ok(_) => (fresh.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some() || self.at_end),
        };
        let nul = memchr::memchr(0, &fresh[..whole]);
        let bad = nul.or(invalid.then_some(whole));
        self.end = seen + bad.unwrap_or(whole);
        let Some(bad) = bad else { return Ok(()) };
        let bad = seen + bad;
        let line = line + memchr::memchr_iter(b'\n', &self.buffer[..bad]).count();
        let line_start = memchr::memrchr(b'\n', &self.buffer[..bad]).map_or(0, |at| at + 1);
        let place = place(&self.file.name, &self.buffer, line, line_start, bad..bad + 1);
        let name = &self.file.name;
        Err(match nul {
            Some(_) if self.offset(bad) < 4 => return Err(self.utf16()),
            Some(_) => Fault::error("metrics::nul_byte", format!("`{name}` has a NUL byte in line {line}"))
                .with_help("export the file again as text in UTF-8"),
            None => {
                let byte = self.buffer[bad];
                let message = format!("`{name}` is not UTF-8: line {line} has the byte 0x{byte:02X}");
                Fault::error("metrics::not_utf8", message)
                    .with_help(format!("convert it, if it is Latin-1: iconv -f LATIN1 -t UTF-8 '{name}'"))
            }
        }
        .with_place(place))
    }

    fn utf16(&self) -> Fault {
        let name = &self.file.name;
        Fault::error("metrics::utf16", format!("`{name}` is UTF-16; text is read as UTF-8"))
            .with_place(self.file.place())
            .with_help(format!("convert it: iconv -f UTF-16 -t UTF-8 '{name}'"))
    }

    fn refuse_other_formats(&self) -> Result<(), Fault> {
        let (head, name) = (&self.buffer[..], &self.file.name);
        if let Some((compression, mend)) = compression_of(head) {
            return Err(Fault::error(
                "metrics::compressed",
                format!("`{name}` is compressed with {compression}; text is read uncompressed"),
            )
            .with_place(self.file.place())
            .with_help(format!("unpack it: {mend} '{name}'")));
        }
        if head.starts_with(b"PAR1") || head.starts_with(b"PARE") {
            return Err(Fault::error("metrics::wrong_format", format!("`{name}` is Parquet, not text"))
                .with_place(self.file.place())
                .with_help("declare `format = \"parquet\"` in the source"));
        }
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            return Err(self.utf16());
        }
        Ok(())
    }
}

/// A stretch of bytes of which `line_start` begins line `line`, as a place.
///
/// Written for lines of any length: it is asked once per kind of value and column, and there can be 10,000 columns.
fn place(name: &str, bytes: &[u8], line: usize, line_start: usize, stretch: std::ops::Range<usize>) -> Place {
    const BEFORE: usize = 40;
    const SHOWN: usize = 120;
    let is_start = |byte: &&u8| (**byte & 0xc0) != 0x80;
    let characters = |stretch: &[u8]| stretch.iter().filter(is_start).count();
    let before = &bytes[line_start..stretch.start];
    let column = characters(before);
    let from =
        before.iter().enumerate().rev().filter(|(_, byte)| is_start(byte)).nth(BEFORE - 1).map_or(0, |(at, _)| at);
    let rest = &bytes[line_start + from..];
    let rest = &rest[..rest.len().min(4 * SHOWN)];
    let line_rest = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
    let excerpt: String = String::from_utf8_lossy(line_rest).trim_end_matches('\r').chars().take(SHOWN).collect();
    let stretch = &bytes[stretch];
    let first_line = &stretch[..memchr::memchr(b'\n', stretch).unwrap_or(stretch.len())];
    Place {
        line,
        column: column + 1,
        width: characters(first_line).max(1),
        shift: column - characters(&before[from..]),
        excerpt,
        ..Place::file(name)
    }
}

/// Refuses a value that is too long to be one.
pub(crate) fn too_long(file: &str, place: Place) -> Fault {
    let line = place.line;
    Fault::error("metrics::value_too_long", format!("`{file}` has a value of more than 16 MiB in line {line}"))
        .with_place(place)
        .with_help("leave the column out of the export")
}

/// Refuses a record that is too long to be one.
pub(crate) fn record_too_long(file: &str, place: Place) -> Fault {
    let line = place.line;
    Fault::error("metrics::record_too_long", format!("`{file}` has a record of more than 64 MiB, begun in line {line}"))
        .with_place(place)
        .with_help("check that records end with a line feed")
}

/// Refuses more columns than a source may have.
pub(crate) fn too_many_columns(file: &str, found: &str) -> Fault {
    let message = format!("`{file}` has {found} columns; {MOST_COLUMNS} are the most one source may have");
    Fault::error("metrics::too_many_columns", message)
        .with_place(Place::file(file))
        .with_help("export only the columns that are used, or write one row per value")
}

/// Refuses names of columns that are equal, or that differ by case only.
pub(crate) fn distinct_names<'n>(
    file: &str,
    names: impl Iterator<Item = &'n str>,
    place: impl Fn() -> Place,
) -> Result<(), Fault> {
    let mut seen = std::collections::HashMap::new();
    for (index, name) in names.enumerate().filter(|(_, name)| !name.is_empty()) {
        let Some((first, other)) = seen.insert(name.to_lowercase(), (index, name)) else { continue };
        let (first, index) = (first + 1, index + 1);
        return Err(if other == name {
            let message = format!("`{file}` has two columns named `{name}`: the {} and the {}", nth(first), nth(index));
            Fault::error("metrics::duplicate_column", message).with_help("give each column a name of its own")
        } else {
            let message = format!(
                "`{file}` has columns `{other}` and `{name}`, the {} and the {}, whose names differ by case only",
                nth(first),
                nth(index)
            );
            Fault::error("metrics::columns_differ_by_case", message).with_help("rename one of them")
        }
        .with_place(place()));
    }
    Ok(())
}

/// An ordinal number: `1st`, `2nd`, `13th`.
fn nth(number: usize) -> String {
    let suffix = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}
