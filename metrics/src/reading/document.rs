//! One TOML file, parsed, with the place of everything in it.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::fault::{Fault, Place};

/// Largest file, in bytes.
pub(crate) const LARGEST_FILE: usize = 1 << 20;

/// Most syntax errors reported of one file.
const MOST_SYNTAX_FAULTS: usize = 20;

/// A TOML file: its text and its tree.
#[derive(Clone, Debug)]
pub struct Document {
    file: String,
    text: String,
    root: Table,
}

/// A table and where it stands.
#[derive(Clone, Debug)]
pub struct Table {
    /// The entries in the order of the file.
    pub entries: Vec<Entry>,
    /// The bytes of its header, or of the whole inline table.
    pub span: Range<usize>,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub span: Range<usize>,
    /// The value.
    pub item: Item,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Item {
    /// The value.
    pub content: Content,
    /// The bytes of the value.
    pub span: Range<usize>,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub enum Content {
    /// A boolean.
    Boolean(bool),
    /// A float, finite or not.
    Float(f64),
    /// An integer of 64 bits.
    Integer(i64),
    /// An array.
    List(Vec<Item>),
    /// A date or a time, as written.
    Moment(String),
    /// A table.
    Table(Table),
    /// A string.
    Text(String),
}

impl Content {
    /// Its type, in words.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "a boolean",
            Self::Float(_) => "a decimal number",
            Self::Integer(_) => "a whole number",
            Self::List(_) => "a list",
            Self::Moment(_) => "a date or a time",
            Self::Table(_) => "a table",
            Self::Text(_) => "text",
        }
    }

    /// The number, of an integer or a float.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a file that writes an integer for a real number means the nearest double"
    )]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Integer(value) => Some(*value as f64),
            _ => None,
        }
    }
}

impl Table {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Item> {
        self.entry(key).map(|entry| &entry.item)
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Document {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Every syntax error with its line and column, or the reason why the bytes are no text: too large, UTF-16, Latin-1, NUL,
    /// bare carriage returns.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Vec<Fault>> {
        let text = decode(file, bytes).map_err(|fault| vec![*fault])?;
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut faults: Vec<Fault> =
            errors.iter().take(MOST_SYNTAX_FAULTS).map(|error| syntax_fault(file, text, error)).collect();
        let span = root.span();
        let root = table(file, text, root.get_ref(), span, &mut faults);
        if faults.is_empty() { Ok(Self { file: file.to_owned(), text: text.to_owned(), root }) } else { Err(faults) }
    }

    /// The path of the file from the project's folder.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The outermost table.
    pub fn root(&self) -> &Table {
        &self.root
    }

    /// Every string value, at any depth, in the order of the file.
    pub fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        let mut waiting: Vec<&Item> = self.root.entries.iter().rev().map(|entry| &entry.item).collect();
        while let Some(item) = waiting.pop() {
            match &item.content {
                Content::Text(text) => texts.push(text.as_str()),
                Content::List(items) => waiting.extend(items.iter().rev()),
                Content::Table(table) => waiting.extend(table.entries.iter().rev().map(|entry| &entry.item)),
                Content::Boolean(_) | Content::Float(_) | Content::Integer(_) | Content::Moment(_) => {}
            }
        }
        texts
    }

    /// The place of a stretch of bytes.
    pub fn place(&self, span: &Range<usize>) -> Place {
        Place::in_text(&self.file, &self.text, span.start, span.end)
    }

    /// The place of a table: its header; the start of the file for the outermost.
    pub fn table_place(&self, table: &Table) -> Place {
        if std::ptr::eq(table, &self.root) { self.place(&(0..0)) } else { self.place(&table.span) }
    }

    /// The place of a stretch of the text inside a string value, or of the value when the string was written with escapes.
    pub fn place_within(&self, item: &Item, inner: &Range<usize>) -> Place {
        let raw = self.text.get(item.span.clone()).unwrap_or_default();
        match &item.content {
            // At most three quotes and a line break stand before the text of a string.
            Content::Text(text) => match raw.find(text.as_str()).filter(|at| (1..=5).contains(at)) {
                Some(at) => {
                    let start = item.span.start + at;
                    Place::in_text(&self.file, &self.text, start + inner.start, start + inner.end)
                }
                None => self.place(&item.span),
            },
            _ => self.place(&item.span),
        }
    }

    /// The value at a dotted path such as `metrics.guardrail[0].margin`, or the nearest value above it that exists.
    pub fn find(&self, path: &str) -> Option<&Item> {
        let mut found: Option<&Item> = None;
        let mut table = Some(&self.root);
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let (key, indices) = part.split_once('[').unwrap_or((part, ""));
            let Some(item) = table.and_then(|table| table.get(key)) else { break };
            found = Some(item);
            for index in indices.split('[').filter_map(|index| index.trim_end_matches(']').parse::<usize>().ok()) {
                match found.map(|item| &item.content) {
                    Some(Content::List(items)) if index < items.len() => found = items.get(index),
                    _ => break,
                }
            }
            table = match found.map(|item| &item.content) {
                Some(Content::Table(table)) => Some(table),
                _ => None,
            };
        }
        found
    }
}

/// The text of a file, or why it is none.
fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Box<Fault>> {
    let refuse = |message: String, place: Place, help: &str| {
        Err(Box::new(Fault::error("metrics::encoding", message).with_place(place).with_help(help)))
    };
    if bytes.len() > LARGEST_FILE {
        let fault = Fault::error("metrics::too_large", format!("the file has {} bytes", bytes.len()))
            .with_place(Place::file(file))
            .with_help("a definition has at most 1 MiB; put data in a source");
        return Err(Box::new(fault));
    }
    let zeros = bytes.iter().take(64).filter(|byte| **byte == 0).count();
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) || zeros >= 8 {
        let help = "save the file as UTF-8: iconv -f UTF-16 -t UTF-8";
        return refuse("the file is UTF-16, not UTF-8".to_owned(), Place::file(file), help);
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            // The rest of the line is unreadable, so the place is the end of what could be read.
            let readable = std::str::from_utf8(&bytes[..at]).unwrap_or_default();
            let place = Place::in_text(file, readable, at, at);
            let message = format!("the file is not UTF-8: byte 0x{:02X}", bytes[at]);
            return refuse(message, place, "save the file as UTF-8; from Latin-1: iconv -f LATIN1 -t UTF-8");
        }
    };
    if let Some(at) = text.find('\0') {
        let place = Place::in_text(file, text, at, at + 1);
        return refuse("the file holds a NUL character".to_owned(), place, "delete the character");
    }
    let bare = text.match_indices('\r').find(|(at, _)| text.as_bytes().get(at + 1) != Some(&b'\n'));
    if let Some((at, _)) = bare {
        let place = Place::in_text(file, text, at, at + 1);
        let help = "end lines with a line feed (\\n) or \\r\\n";
        return refuse("a carriage return stands without a line feed".to_owned(), place, help);
    }
    Ok(text)
}

fn syntax_fault(file: &str, text: &str, error: &toml::de::Error) -> Fault {
    let span = error.span().unwrap_or(text.len()..text.len());
    let place = Place::in_text(file, text, span.start, span.end);
    if error.message() == "duplicate key" {
        let key = text.get(span.clone()).unwrap_or_default();
        let mut fault = Fault::error("metrics::duplicate_key", format!("the key `{key}` is given twice"))
            .with_place(place)
            .with_field(key)
            .with_label("given again here")
            .with_help("keep one of the two");
        if let Some(first) = first_given(text, &span) {
            fault = fault.with_related("first given here", Place::in_text(file, text, first.start, first.end));
        }
        return fault;
    }
    Fault::error("metrics::syntax", error.message().to_owned())
        .with_place(place)
        .with_help("see https://toml.io for how TOML is written; text stands in quotes")
}

/// Where the key of a duplicate was given first: the nearest stretch before it that reads the same and is a key.
///
/// The parser reports only the second place, and the tables above both are the same, so the nearest one before it is the one.
fn first_given(text: &str, again: &Range<usize>) -> Option<Range<usize>> {
    let key = text.get(again.clone())?;
    let line_start = text[..again.start].rfind('\n').map_or(0, |at| at + 1);
    let header = text[line_start..again.start].trim_start().starts_with('[');
    text[..again.start].rmatch_indices(key).map(|(at, _)| at..at + key.len()).find(|range| {
        let line_start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let before = text[line_start..range.start].trim_start();
        let after = text[range.end..].trim_start_matches([' ', '\t']);
        let as_header = before.starts_with('[') && !before.contains('=') && after.starts_with([']', '.']);
        let as_key =
            (before.is_empty() || before.ends_with(['{', ',', '.']) || before.trim_end().ends_with(['{', ',']))
                && after.starts_with(['=', '.']);
        as_key || (header && as_header) || (before.is_empty() && after.starts_with('='))
    })
}

fn table(file: &str, text: &str, parsed: &DeTable<'_>, span: Range<usize>, faults: &mut Vec<Fault>) -> Table {
    let entries = parsed
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            span: key.span(),
            item: item(file, text, value.get_ref(), value.span(), faults),
        })
        .collect();
    Table { entries, span }
}

fn item(file: &str, text: &str, value: &DeValue<'_>, span: Range<usize>, faults: &mut Vec<Fault>) -> Item {
    let content = match value {
        DeValue::String(value) => Content::Text(value.to_string()),
        DeValue::Boolean(value) => Content::Boolean(*value),
        DeValue::Datetime(_) => Content::Moment(text.get(span.clone()).unwrap_or_default().to_owned()),
        DeValue::Integer(value) => match i64::from_str_radix(value.as_str(), value.radix()) {
            Ok(value) => Content::Integer(value),
            Err(_) => {
                let fault = Fault::error("metrics::bad_value", "the number does not fit 64 bits")
                    .with_place(Place::in_text(file, text, span.start, span.end))
                    .with_help("give a number between -9223372036854775808 and 9223372036854775807");
                faults.push(fault);
                Content::Integer(0)
            }
        },
        // A decimal number too large for a double reads as infinite here, and is refused where it is used.
        DeValue::Float(value) => Content::Float(value.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Array(items) => {
            Content::List(items.iter().map(|value| item(file, text, value.get_ref(), value.span(), faults)).collect())
        }
        DeValue::Table(value) => Content::Table(table(file, text, value, span.clone(), faults)),
    };
    Item { content, span }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        Document::parse("f.toml", bytes).err().unwrap_or_default().iter().map(Fault::line).collect()
    }

    #[test]
    fn a_key_given_twice_names_both_places() {
        let again =
            "f.toml:3:1: label: the key `label` is given twice (first given here: f.toml:1:1); keep one of the two";
        assert_eq!(lines(b"label = 'a'\nkind = 'label'\nlabel = 'b'\n"), [again]);
        let again = "f.toml:3:2: cap: the key `cap` is given twice (first given here: f.toml:1:2); keep one of the two";
        assert_eq!(lines(b"[cap]\nupper = 1\n[cap]\nlower = 2\n"), [again]);
        let again =
            "f.toml:1:18: upper: the key `upper` is given twice (first given here: f.toml:1:7); keep one of the two";
        assert_eq!(lines(b"cap={ upper = 1, upper = 2 }\n"), [again]);
    }

    #[test]
    fn bytes_that_are_no_text_are_named() {
        let utf16: Vec<u8> = "name = 'a'".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let line = "f.toml: the file is UTF-16, not UTF-8; save the file as UTF-8: iconv -f UTF-16 -t UTF-8";
        assert_eq!(lines(&utf16), [line]);
        let line = "f.toml:2:11: the file is not UTF-8: byte 0xE9; save the file as UTF-8; from Latin-1: iconv -f LATIN1 -t UTF-8";
        assert_eq!(lines(b"# x\nname = 'Ren\xE9'\n"), [line.replace("2:11", "2:12")]);
        assert_eq!(lines(b"name = 'a\0b'"), ["f.toml:1:10: the file holds a NUL character; delete the character"]);
        let line =
            "f.toml:1:11: a carriage return stands without a line feed; end lines with a line feed (\\n) or \\r\\n";
        assert_eq!(lines(b"name = 'a'\rlabel = 'b'"), [line]);
        assert!(lines(b"\xEF\xBB\xBFname = 'a'\r\n").is_empty());
    }

    #[test]
    fn places_inside_strings_are_those_of_the_file() {
        let document = Document::parse("f.toml", b"a = 1\nvalue = \"sum(amuont)\"\n").unwrap();
        let item = document.find("value").unwrap();
        let place = document.place_within(item, &(4..10));
        assert_eq!((place.line, place.column, place.width), (2, 14, 6));
    }

    #[test]
    fn sixty_thousand_brackets_are_refused() {
        let text = format!("a = {}", "[".repeat(60_000));
        assert!(!lines(text.as_bytes()).is_empty());
        assert!(lines(text.as_bytes()).len() <= 20);
    }
}
