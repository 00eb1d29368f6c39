//! The strict reading of line-delimited JSON: one object a line, one pass, before any row is used.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::column::Sighting;
use super::files::DataFile;
use super::text::{
    Ask, ColumnScan, Cutter, LONGEST_VALUE, MOST_COLUMNS, TextScan, Window, distinct_names, record_too_long,
    too_many_columns,
};
use crate::fault::{Fault, Place};

/// A field of the objects of a file.
struct Field {
    scan: ColumnScan,
    /// The row in which it was seen last; a name twice in one object has no meaning.
    last_row: u64,
}

/// The kinds of value that JSON tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean = 0,
    Nested = 1,
    Number = 2,
    Text = 3,
}

/// Where each kind of value of a column was seen first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds([Option<Box<Sighting>>; 4]);

impl Kinds {
    const WORDS: [&'static str; 4] = ["a truth value", "an object or a list", "a number", "text"];

    /// Adds what was found in a later file.
    pub(crate) fn append(&mut self, later: Self) {
        for (own, later) in self.0.iter_mut().zip(later.0) {
            *own = own.take().or(later);
        }
    }

    /// Whether every value is an object or a list.
    pub(crate) fn only_nested(&self) -> bool {
        self.0[Kind::Nested as usize].is_some() && self.0.iter().flatten().count() == 1
    }

    /// Refuses a column that holds text here and a number there, unless its type is declared.
    pub(crate) fn agree(&self, column: &str, declared: bool) -> Result<(), Fault> {
        let mut seen: Vec<_> =
            Self::WORDS.iter().zip(&self.0).filter_map(|(word, first)| Some((word, first.as_ref()?))).collect();
        seen.sort_by_key(|(_, first)| (&first.place.file, first.place.line, first.place.column));
        let [(one, first), (other, second), ..] = &seen[..] else { return Ok(()) };
        if declared && self.0[Kind::Nested as usize].is_none() {
            return Ok(());
        }
        let message = format!(
            "column `{column}` holds {one} in line {} and {other} in line {}: `{}`",
            first.place.line, second.place.line, second.value
        );
        Err(Fault::error("metrics::mixed_types", message)
            .with_place(second.place.clone())
            .with_related("first value", first.place.clone())
            .with_help("write values of one kind, or declare the column in `columns` as \"text\""))
    }
}

/// Reads a file from front to back; with `reach`, only about so many bytes of it.
///
/// Columns stand in the order in which their names first appear. A field whose values are objects or lists is not a
/// column.
///
/// # Errors
/// The first line that is not one JSON object, or has a name twice.
pub(crate) fn scan(file: &DataFile, ask: &dyn Fn(&str) -> Ask, reach: Option<u64>) -> Result<TextScan, Fault> {
    let (mut window, mut at) = Window::open(file)?;
    let mut fields =
        Fields { file, name: file.name.as_str().into(), ask, places: HashMap::new(), fields: Vec::new(), rows: 0 };
    let (mut line, mut cutter) = (1, Cutter::new(window.offset(at), 1));
    loop {
        let rest = &window.bytes()[at..];
        let length = match memchr::memchr(b'\n', rest) {
            Some(length) => length,
            None if rest.len() > LONGEST_VALUE => return Err(record_too_long(&file.name, window.line(line))),
            None if !window.at_end() => {
                window.advance(at, line)?;
                at = 0;
                continue;
            }
            None if rest.is_empty() => break,
            None => rest.len(),
        };
        let next = (at + length + 1).min(window.bytes().len());
        if !rest[..length].trim_ascii().is_empty() {
            fields.rows += 1;
            fields.object(&window, line, at..at + length)?;
            cutter.record(window.offset(next), line as u64 + 1);
        }
        (at, line) = (next, line + 1);
        if reach.is_some_and(|reach| window.offset(at) >= reach) {
            break;
        }
    }
    let rows = fields.rows;
    let columns = fields.finish(&window)?;
    Ok(TextScan { columns, rows, chunks: cutter.finish(), hash: window.hash(), warnings: Vec::new() })
}

struct Fields<'a> {
    file: &'a DataFile,
    name: Arc<str>,
    ask: &'a dyn Fn(&str) -> Ask,
    places: HashMap<String, usize>,
    fields: Vec<Field>,
    rows: u64,
}

impl Fields<'_> {
    /// Reads one line.
    fn object(&mut self, window: &Window<'_>, line: usize, stretch: Range<usize>) -> Result<(), Fault> {
        let text = &window.bytes()[stretch.clone()];
        let line_start = stretch.start;
        let place = |at: Range<usize>| {
            window.place(line, line_start, line_start + at.start, line_start + at.end.max(at.start + 1))
        };
        let file = self.file;
        let not_json = |at: usize, why: &str| refusal(file, line, place(at..at + 1), why);
        let mut cursor = Cursor { text, at: 0 };
        match cursor.peek() {
            Some(b'{') => cursor.at += 1,
            Some(b'[') => {
                let message = format!("`{}` holds a list in line {line}, not one object a line", file.name);
                return Err(Fault::error("metrics::not_ndjson", message)
                    .with_place(place(cursor.at..cursor.at + 1))
                    .with_help("write one object a line, as `jq -c '.[]'` does"));
            }
            _ => return Err(not_json(cursor.at, "an object is wanted, as in {\"user\": \"u1\"}")),
        }
        let mut guess = 0;
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
        } else {
            loop {
                let (key, value) = cursor.member().map_err(|(at, why)| not_json(at, &why))?;
                let index = self.index(&text[key.clone()], guess).map_err(|why| not_json(key.start, &why))?;
                if index >= MOST_COLUMNS {
                    return Err(too_many_columns(&file.name, &format!("more than {MOST_COLUMNS}")));
                }
                guess = index + 1;
                if std::mem::replace(&mut self.fields[index].last_row, self.rows) == self.rows {
                    let name = &self.fields[index].scan.name;
                    let message = format!("`{}` has `{name}` twice in the object of line {line}", file.name);
                    return Err(Fault::error("metrics::duplicate_column", message)
                        .with_place(place(key))
                        .with_help("give each field of an object a name of its own"));
                }
                let raw = &text[value.clone()];
                let here = || place(value.clone());
                self.fields[index].add(raw, line, here).map_err(|why| not_json(value.start, &why))?;
                match cursor.peek() {
                    Some(b',') => cursor.at += 1,
                    Some(b'}') => break cursor.at += 1,
                    _ => return Err(not_json(cursor.at, "a comma or a closing brace is wanted")),
                }
            }
        }
        match cursor.peek() {
            None => Ok(()),
            Some(_) => Err(not_json(cursor.at, "the line goes on after its object")),
        }
    }

    /// The field of a name, given with its quotes. `guess` is where it stands if objects repeat their order.
    fn index(&mut self, key: &[u8], guess: usize) -> Result<usize, String> {
        let plain = &key[1..key.len() - 1];
        if self.fields.get(guess).is_some_and(|field| field.scan.name.as_bytes() == plain) {
            return Ok(guess);
        }
        let name: String = serde_json::from_slice(key).map_err(|error| reason(&error))?;
        if let Some(index) = self.places.get(&name) {
            return Ok(*index);
        }
        let scan = ColumnScan::new(name.clone(), (self.ask)(&name), &self.name);
        self.fields.push(Field { scan, last_row: 0 });
        self.places.insert(name, self.fields.len() - 1);
        Ok(self.fields.len() - 1)
    }

    /// The columns, with a missing value for every row in which they were not named.
    fn finish(self, window: &Window<'_>) -> Result<Vec<ColumnScan>, Fault> {
        distinct_names(&self.file.name, self.fields.iter().map(|field| field.scan.name.as_str()), || window.line(1))?;
        let rows = self.rows;
        let complete = |mut field: Field| {
            field.scan.tally.missing += rows.saturating_sub(field.scan.tally.total());
            field.scan
        };
        Ok(self.fields.into_iter().map(complete).collect())
    }
}

/// The refusal of a line.
fn refusal(file: &DataFile, line: usize, place: Place, why: &str) -> Fault {
    Fault::error("metrics::not_ndjson", format!("`{}` is not one JSON object a line: {why}, in line {line}", file.name))
        .with_place(place)
        .with_help("write one object a line")
}

impl Field {
    /// Counts a value, given as it is written.
    fn add(&mut self, raw: &[u8], line: usize, place: impl Fn() -> Place) -> Result<(), String> {
        let kind = match raw.first() {
            Some(b'n') => {
                self.scan.tally.missing += 1;
                return Ok(());
            }
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'"') => Kind::Text,
            Some(b'{' | b'[') => Kind::Nested,
            _ => Kind::Number,
        };
        let first = &mut self.scan.kinds.0[kind as usize];
        if first.is_none() {
            *first = Some(Box::new(Sighting::new(place(), raw)));
        }
        match kind {
            Kind::Nested => {}
            Kind::Boolean | Kind::Number => self.scan.add(raw, line, place),
            Kind::Text => {
                let inside = &raw[1..raw.len() - 1];
                if inside.len() > LONGEST_VALUE {
                    return Err("a value is longer than 16 MiB".to_owned());
                }
                if memchr::memchr(b'\\', inside).is_none() {
                    self.scan.add_text(inside, line, place);
                } else {
                    let value: String = serde_json::from_slice(raw).map_err(|error| reason(&error))?;
                    self.scan.add_text(value.as_bytes(), line, place);
                }
            }
        }
        Ok(())
    }
}

/// A place in a line of JSON.
struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Reads `"key": value`; gives both stretches as they are written.
    fn member(&mut self) -> Result<(Range<usize>, Range<usize>), (usize, String)> {
        if self.peek() != Some(b'"') {
            return Err((self.at, "a name in quotes is wanted".to_owned()));
        }
        let key = self.value()?;
        if self.peek() != Some(b':') {
            return Err((self.at, "a colon is wanted after the name".to_owned()));
        }
        self.at += 1;
        if self.peek().is_none() {
            return Err((self.at, "a value is wanted after the colon".to_owned()));
        }
        Ok((key, self.value()?))
    }

    /// Reads a value of any kind, checked by the parser of the crate that knows the grammar.
    fn value(&mut self) -> Result<Range<usize>, (usize, String)> {
        let start = self.at;
        // Plain text is most of most files, and its end is easy to find.
        if self.text[start] == b'"'
            && let Some(length) = memchr::memchr2(b'"', b'\\', &self.text[start + 1..])
            && self.text[start + 1 + length] == b'"'
            && !self.text[start + 1..start + 1 + length].iter().any(|byte| *byte < 0x20)
        {
            self.at = start + length + 2;
            return Ok(start..self.at);
        }
        let mut values = serde_json::Deserializer::from_slice(&self.text[start..]).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                self.at = start + values.byte_offset();
                Ok(start..self.at)
            }
            Some(Err(error)) => Err((start, reason(&error))),
            None => Err((start, "a value is wanted".to_owned())),
        }
    }
}

/// What the parser says, without the place, which is said in our own words.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}
