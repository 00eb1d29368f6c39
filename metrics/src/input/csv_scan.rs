//! The strict reading of delimited text: one pass, before any row is used.
//!
//! A reader that splits a file by byte ranges cannot see an unclosed quote: it loses rows in silence, and how many
//! depends on the number of threads. So one linear pass checks every quote, every field count and every byte first,
//! finds the type of each column from all of its values, and cuts the file between records.

use std::sync::Arc;

use super::files::DataFile;
use super::text::{
    Ask, ColumnScan, Cutter, LONGEST_RECORD, LONGEST_VALUE, MOST_COLUMNS, TextScan, Window, distinct_names,
    record_too_long, too_long, too_many_columns,
};
use crate::definition::Csv;
use crate::fault::{Fault, Place};

/// Reads a file from front to back; with `reach`, only about so many bytes of it.
///
/// # Errors
/// The first thing in the file that breaks the format, with its line.
pub(crate) fn scan(
    file: &DataFile,
    csv: &Csv,
    ask: &dyn Fn(&str) -> Ask,
    reach: Option<u64>,
) -> Result<TextScan, Fault> {
    let (window, start) = Window::open(file)?;
    let mut scanner = Scanner {
        file,
        window,
        csv,
        position: Position {
            at: start,
            line: 1,
            line_start: 0,
            record: start,
            record_line: 1,
            record_line_start: 0,
            field: 0,
        },
        unescaped: Vec::new(),
        blank: None,
    };
    let names = scanner.header()?;
    let name: Arc<str> = file.name.as_str().into();
    let mut columns: Vec<ColumnScan> = names
        .into_iter()
        .map(|column| (ask(&column), column))
        .map(|(ask, column)| ColumnScan::new(column, ask, &name))
        .collect();
    let mut cutter = Cutter::new(scanner.offset(), scanner.position.line as u64);
    let mut rows = 0;
    while scanner.record(&mut columns)? {
        rows += 1;
        cutter.record(scanner.offset(), scanner.position.line as u64);
        if reach.is_some_and(|reach| scanner.offset() >= reach) {
            break;
        }
    }
    let warnings = scanner.doubts(&columns);
    Ok(TextScan { columns, rows, chunks: cutter.finish(), hash: scanner.window.hash(), warnings })
}

/// Where the scanner stands. Places are in the window; lines count from 1.
struct Position {
    at: usize,
    line: usize,
    line_start: usize,
    record: usize,
    record_line: usize,
    record_line_start: usize,
    /// Index of the field that begins at `at`.
    field: usize,
}

/// A field that was read to its end.
struct Field {
    start: usize,
    end: usize,
    /// Where the next field begins.
    next: usize,
    ends_record: bool,
    /// Whether the value stands unescaped beside the window.
    escaped: bool,
    /// Line feeds inside, and where the last line begins.
    lines: usize,
    last_line: usize,
}

/// What is wrong with a field, and where in the window.
enum Stray {
    /// A carriage return without a line feed.
    Return(usize),
    /// A quote inside a value that does not begin with one.
    Quote(usize),
    /// Something between the closing quote and the delimiter.
    AfterQuote(usize),
    /// More bytes than a value may have.
    Length(usize),
}

struct Scanner<'a> {
    file: &'a DataFile,
    window: Window<'a>,
    csv: &'a Csv,
    position: Position,
    unescaped: Vec<u8>,
    /// The first blank line, while nothing but blank lines follows.
    blank: Option<usize>,
}

impl Scanner<'_> {
    fn offset(&self) -> u64 {
        self.window.offset(self.position.at)
    }

    /// The names of the columns.
    fn header(&mut self) -> Result<Vec<String>, Fault> {
        let mut names: Vec<String> = Vec::new();
        if !self.begin_record()? {
            let message = format!("`{}` is empty: 0 rows, and no header line", self.file.name);
            return Err(Fault::error("metrics::empty_file", message)
                .with_place(self.file.place())
                .with_help("write the names of the columns on the first line"));
        }
        loop {
            let Some(field) = self.field()? else { continue };
            names.push(String::from_utf8_lossy(self.value(&field)).into_owned());
            let ends_record = field.ends_record;
            self.pass(&field);
            if names.len() > MOST_COLUMNS {
                return Err(too_many_columns(&self.file.name, &format!("more than {MOST_COLUMNS}")));
            }
            if ends_record {
                break;
            }
        }
        distinct_names(&self.file.name, names.iter().map(String::as_str), || self.window.line(1))?;
        Ok(names)
    }

    /// Reads a record into the columns; `false` at the end of the file.
    fn record(&mut self, columns: &mut [ColumnScan]) -> Result<bool, Fault> {
        if !self.begin_record()? {
            return Ok(false);
        }
        loop {
            let Some(field) = self.field()? else { continue };
            if let Some(column) = columns.get_mut(self.position.field) {
                let value = self.value(&field);
                if value.is_empty() || self.csv.null_values.iter().any(|null| null.as_bytes() == value) {
                    column.tally.missing += 1;
                } else {
                    let (line, line_start) = (self.position.line, self.position.line_start);
                    column.add(value, line, || self.window.place(line, line_start, field.start, field.end));
                }
            }
            let ends_record = field.ends_record;
            self.pass(&field);
            if ends_record {
                break;
            }
        }
        if self.position.field != columns.len() {
            return Err(self.ragged(columns.len()));
        }
        Ok(true)
    }

    /// Moves to the next record; `false` when only blank lines are left.
    fn begin_record(&mut self) -> Result<bool, Fault> {
        loop {
            let position = &mut self.position;
            (position.record, position.record_line, position.record_line_start) =
                (position.at, position.line, position.line_start);
            position.field = 0;
            let length = match &self.window.bytes()[position.at..] {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                [] | [b'\r'] if !self.window.at_end() => {
                    self.read_on()?;
                    continue;
                }
                [] => return Ok(false),
                _ => break,
            };
            self.blank.get_or_insert(position.line);
            position.at += length;
            position.line += 1;
            position.line_start = position.at;
        }
        match self.blank {
            Some(line) => {
                Err(Fault::error("metrics::blank_line", format!("`{}` has a blank line, line {line}", self.file.name))
                    .with_place(self.window.line(line))
                    .with_help("remove the line; a row of one missing value is written `\"\"`"))
            }
            None => Ok(true),
        }
    }

    /// Reads the field that begins here; `None` when it did not end in the window, which has moved on.
    // Inlined always: handed over in memory, its answer costs more than the search for the delimiter.
    #[inline(always)]
    fn field(&mut self) -> Result<Option<Field>, Fault> {
        let (bytes, at, at_end) = (self.window.bytes(), self.position.at, self.window.at_end());
        if bytes.get(at) != Some(&b'"') {
            return match plain(bytes, at, self.csv.delimiter, at_end) {
                Ok(Some(field)) => Ok(Some(field)),
                Ok(None) => self.more().map(|()| None),
                Err(stray) => Err(self.stray(&stray)),
            };
        }
        match quoted(bytes, at, self.csv.delimiter, at_end, &mut self.unescaped) {
            Ok(Some(field)) => Ok(Some(field)),
            Ok(None) => self.more().map(|()| None),
            Err(stray) => Err(self.stray(&stray)),
        }
    }

    #[inline(always)]
    fn value(&self, field: &Field) -> &[u8] {
        if field.escaped { &self.unescaped } else { &self.window.bytes()[field.start..field.end] }
    }

    /// Moves behind a field.
    #[inline(always)]
    fn pass(&mut self, field: &Field) {
        let position = &mut self.position;
        position.at = field.next;
        position.field += 1;
        if field.lines > 0 {
            position.line += field.lines;
            position.line_start = field.last_line;
        }
        if field.ends_record && self.window.bytes().get(field.next.wrapping_sub(1)) == Some(&b'\n') {
            position.line += 1;
            position.line_start = field.next;
        }
    }

    /// Reads on, since the window ends inside a field.
    #[cold]
    fn more(&mut self) -> Result<(), Fault> {
        let (held, position) = (self.window.bytes().len(), &self.position);
        let is_quoted = self.window.bytes().get(position.at) == Some(&b'"');
        if self.window.at_end() || (is_quoted && held - position.at > LONGEST_VALUE) {
            return Err(self.unclosed());
        }
        if held - position.at > LONGEST_VALUE {
            return Err(self.too_long());
        }
        if held - position.record > LONGEST_RECORD {
            return Err(record_too_long(&self.file.name, self.window.line(position.record_line)));
        }
        self.read_on()
    }

    /// Reads on and forgets what lies before this record, but for the beginning of its line.
    fn read_on(&mut self) -> Result<(), Fault> {
        let position = &mut self.position;
        let keep = position.record_line_start.min(position.record);
        self.window.advance(keep, position.record_line)?;
        position.at -= keep;
        position.line_start -= keep;
        position.record -= keep;
        position.record_line_start -= keep;
        Ok(())
    }

    fn here(&self, start: usize, end: usize) -> Place {
        self.window.place(self.position.line, self.position.line_start, start, end)
    }

    fn too_long(&self) -> Fault {
        too_long(&self.file.name, self.here(self.position.at, self.position.at + 1))
    }

    fn unclosed(&self) -> Fault {
        let (at, line) = (self.position.at, self.position.line);
        Fault::error(
            "metrics::unclosed_quote",
            format!("`{}`: the quote opened in line {line} is never closed", self.file.name),
        )
        .with_place(self.here(at, at + 1))
        .with_label("opened here")
        .with_help("close the quote; a quote inside a quoted value is written twice")
    }

    #[cold]
    fn stray(&self, stray: &Stray) -> Fault {
        let name = &self.file.name;
        let (Stray::Return(at) | Stray::Quote(at) | Stray::AfterQuote(at) | Stray::Length(at)) = *stray;
        let inside = &self.window.bytes()[self.position.at..at];
        let lines = memchr::memchr_iter(b'\n', inside).count();
        let line = self.position.line + lines;
        let line_start =
            memchr::memrchr(b'\n', inside).map_or(self.position.line_start, |last| self.position.at + last + 1);
        let place = self.window.place(line, line_start, at, at + 1);
        match stray {
            Stray::Return(_) => Fault::error(
                "metrics::lone_carriage_return",
                format!("`{name}` has a carriage return without a line feed in line {line}"),
            )
            .with_place(place)
            .with_help("end lines with a line feed; quote a value that holds a line break"),
            Stray::Quote(_) => Fault::error(
                "metrics::stray_quote",
                format!("`{name}` has a quote inside a value that is not quoted, in line {line}"),
            )
            .with_place(place)
            .with_help("quote the whole value, and write the quote inside it twice"),
            Stray::Length(_) => self.too_long(),
            Stray::AfterQuote(_) => {
                let opened = self.position.line;
                let message = format!(
                    "`{name}` has text after a closing quote in line {line}; the quote was opened in line {opened}"
                );
                Fault::error("metrics::unclosed_quote", message)
                    .with_place(place)
                    .with_related("opened here", self.here(self.position.at, self.position.at + 1))
                    .with_help("close the quote where the value ends; a quote inside a quoted value is written twice")
            }
        }
    }

    fn ragged(&self, columns: usize) -> Fault {
        let (line, found) = (self.position.record_line, self.position.field);
        let message =
            format!("`{}`: the row in line {line} has {} and the header has {columns}", self.file.name, counted(found));
        let place = self.window.place(line, self.position.record_line_start, self.position.record, self.position.at);
        Fault::error("metrics::ragged_row", message).with_place(place).with_help(if found > columns {
            "quote the values that hold the delimiter"
        } else {
            "write every field of the row; a missing value is an empty field"
        })
    }

    /// What is probably not as it was meant.
    fn doubts(&self, columns: &[ColumnScan]) -> Vec<Fault> {
        let mut doubts = Vec::new();
        if let [only] = columns
            && let Some((other, _)) = [(";", b';'), ("\\t", b'\t'), ("|", b'|'), (",", b',')]
                .into_iter()
                .find(|(_, byte)| *byte != self.csv.delimiter && only.name.as_bytes().contains(byte))
        {
            let message = format!("`{}` has one column, `{}`", self.file.name, only.name);
            doubts.push(Fault::warning("metrics::one_column", message).with_place(self.window.line(1)).with_help(
                format!("if fields end with another character, declare it: `delimiter = \"{other}\"` under `[csv]`"),
            ));
        }
        for (index, _) in columns.iter().enumerate().filter(|(_, column)| column.name.is_empty()) {
            let message =
                format!("`{}`: field {} of the header is blank, and its column is not read", self.file.name, index + 1);
            doubts.push(
                Fault::warning("metrics::blank_column_name", message)
                    .with_place(self.window.line(1))
                    .with_help("give the column a name to read it"),
            );
        }
        doubts
    }
}

fn counted(fields: usize) -> String {
    if fields == 1 { "1 field".to_owned() } else { format!("{fields} fields") }
}

/// The first delimiter, line feed, carriage return or quote from a place on.
///
/// Eight bytes at a time: most values are shorter than what a call of a vector routine costs.
#[inline(always)]
fn special(bytes: &[u8], from: usize, delimiter: u8) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // A byte of `word ^ pattern` is zero where the word has the byte; the lowest flag is exact, those above it may not
    // be.
    let flags = |word: u64, byte: u8| {
        let difference = word ^ (ONES * u64::from(byte));
        difference.wrapping_sub(ONES) & !difference & HIGHS
    };
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let found = flags(word, delimiter) | flags(word, b'\n') | flags(word, b'\r') | flags(word, b'"');
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let is_special = |byte: &u8| *byte == delimiter || matches!(*byte, b'\n' | b'\r' | b'"');
    bytes.get(at..)?.iter().position(is_special).map(|found| at + found)
}

/// A field that does not begin with a quote. `Ok(None)`: it does not end in these bytes.
#[inline(always)]
fn plain(bytes: &[u8], at: usize, delimiter: u8, at_end: bool) -> Result<Option<Field>, Stray> {
    let field = |end: usize, next: usize, ends_record: bool| match end - at {
        ..=LONGEST_VALUE => {
            Ok(Some(Field { start: at, end, next, ends_record, escaped: false, lines: 0, last_line: 0 }))
        }
        _ => Err(Stray::Length(at)),
    };
    let Some(stop) = special(bytes, at, delimiter) else {
        return if at_end { field(bytes.len(), bytes.len(), true) } else { Ok(None) };
    };
    match &bytes[stop..] {
        [b'\n', ..] => field(stop, stop + 1, true),
        [b'\r', b'\n', ..] => field(stop, stop + 2, true),
        [b'\r'] if !at_end => Ok(None),
        [b'\r', ..] => Err(Stray::Return(stop)),
        [b'"', ..] => Err(Stray::Quote(stop)),
        _ => field(stop, stop + 1, false),
    }
}

/// A field that begins with a quote. `Ok(None)`: it does not end in these bytes.
fn quoted(
    bytes: &[u8],
    at: usize,
    delimiter: u8,
    at_end: bool,
    unescaped: &mut Vec<u8>,
) -> Result<Option<Field>, Stray> {
    let (start, mut from, mut escaped) = (at + 1, at + 1, false);
    unescaped.clear();
    let end = loop {
        let Some(found) = memchr::memchr(b'"', &bytes[from..]) else { return Ok(None) };
        let quote = from + found;
        match bytes.get(quote + 1) {
            Some(b'"') => {
                unescaped.extend_from_slice(&bytes[from..=quote]);
                (escaped, from) = (true, quote + 2);
            }
            None if !at_end => return Ok(None),
            _ => break quote,
        }
    };
    if escaped {
        unescaped.extend_from_slice(&bytes[from..end]);
    }
    let (next, ends_record) = match &bytes[end + 1..] {
        [byte, ..] if *byte == delimiter => (end + 2, false),
        [b'\n', ..] => (end + 2, true),
        [b'\r', b'\n', ..] => (end + 3, true),
        [] => (end + 1, true),
        [b'\r'] if !at_end => return Ok(None),
        _ => return Err(Stray::AfterQuote(end + 1)),
    };
    if end - start > LONGEST_VALUE {
        return Err(Stray::Length(at));
    }
    let inside = &bytes[start..end];
    let lines = memchr::memchr_iter(b'\n', inside).count();
    let last_line = memchr::memrchr(b'\n', inside).map_or(0, |last| start + last + 1);
    Ok(Some(Field { start, end, next, ends_record, escaped, lines, last_line }))
}
