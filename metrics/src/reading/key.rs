//! The keys of each kind of file, declared once.
//!
//! The same lists drive the reader (unknown keys, wrong types, ranges, missing keys) and the JSON Schema for editors, so the two
//! cannot drift apart.

use crate::definition::{Duration, Moment, Zone};
use crate::fault::Fault;
use crate::reading::document::{Content, Document, Item, Table};
use crate::reading::nearest::nearest;

/// One key of a table.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What its value may be.
    pub shape: Shape,
    /// Whether it must be given.
    pub required: bool,
    /// What it means, in one sentence.
    pub doc: &'static str,
}

/// A key that may be left out.
pub const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, required: false, doc }
}

/// A key that must be given.
pub const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, required: true, doc }
}

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// True or false.
    Boolean,
    /// A number of bytes: `"4GiB"`, or a whole number.
    Bytes,
    /// A length of time, such as `"14d"`.
    Duration,
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// A list of at least so many values of one shape.
    List(usize, &'static Shape),
    /// A table whose keys the author chooses, with values of one shape.
    Map(&'static Shape),
    /// A date or a time, as TOML's own or as text.
    Moment,
    /// The name of a definition: a letter, then letters, digits, `_` and `-`; at most 64.
    Name,
    /// A finite number.
    Number,
    /// A number strictly between two bounds.
    Between(f64, f64),
    /// Any of these, told apart by the type of the value.
    OneOf(&'static [Shape]),
    /// Text, a number, or a boolean.
    Scalar,
    /// A table with these keys.
    Table(&'static [Key]),
    /// Text that is not blank.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A time zone.
    Zone,
}

impl Shape {
    /// What is wanted, in words.
    pub fn wanted(&self) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::Bytes => "a size such as \"4GiB\"".to_owned(),
            Self::Duration => "a duration such as \"14d\"".to_owned(),
            Self::Integer(..) => "a whole number".to_owned(),
            Self::List(_, of) => format!("a list of {}", of.plural()),
            Self::Map(_) | Self::Table(_) => "a table".to_owned(),
            Self::Moment => "a date or a time".to_owned(),
            Self::Name => "a name".to_owned(),
            Self::Number | Self::Between(..) => "a number".to_owned(),
            Self::OneOf(shapes) => shapes.iter().map(Self::wanted).collect::<Vec<_>>().join(", or "),
            Self::Scalar => "text, a number, or true or false".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Word(_) => "a word".to_owned(),
            Self::Zone => "a time zone such as \"Europe/Berlin\"".to_owned(),
        }
    }

    fn plural(&self) -> &'static str {
        match self {
            Self::Map(_) | Self::Table(_) => "tables",
            Self::Name => "names",
            Self::OneOf(_) | Self::Scalar => "values",
            Self::Number | Self::Between(..) | Self::Integer(..) => "numbers",
            _ => "texts",
        }
    }

    /// Whether a value has the type of this shape, whatever its content.
    fn takes(&self, content: &Content) -> bool {
        match self {
            Self::Boolean => matches!(content, Content::Boolean(_)),
            Self::Bytes => matches!(content, Content::Text(_) | Content::Integer(_)),
            Self::Integer(..) => matches!(content, Content::Integer(_)),
            Self::List(..) => matches!(content, Content::List(_)),
            Self::Map(_) | Self::Table(_) => matches!(content, Content::Table(_)),
            Self::Moment => matches!(content, Content::Text(_) | Content::Moment(_)),
            Self::Number | Self::Between(..) => matches!(content, Content::Integer(_) | Content::Float(_)),
            Self::OneOf(shapes) => shapes.iter().any(|shape| shape.takes(content)),
            Self::Scalar => !matches!(content, Content::List(_) | Content::Table(_)),
            Self::Duration | Self::Name | Self::Text | Self::Word(_) | Self::Zone => {
                matches!(content, Content::Text(_))
            }
        }
    }
}

/// Most entries of any list or table of a file.
const MOST_ENTRIES: usize = 10_000;

/// Checks a table against its keys: unknown, missing, wrong type, out of range. Goes on after every fault.
pub fn check_table(document: &Document, table: &Table, path: &str, keys: &[&Key], faults: &mut Vec<Fault>) {
    let names = || keys.iter().map(|key| key.name.to_owned()).collect::<Vec<_>>();
    for entry in &table.entries {
        let field = join(path, &entry.key);
        match keys.iter().find(|key| key.name == entry.key) {
            Some(key) => check(document, &entry.item, &field, &key.shape, faults),
            None => {
                let mut fault = Fault::error("metrics::unknown_key", format!("unknown key `{}`", shown(&entry.key)))
                    .with_place(document.place(&entry.span))
                    .with_field(field)
                    .with_label("not a key of this table")
                    .with_valid("keys", names());
                if let Some(name) = nearest(&entry.key, keys.iter().map(|key| key.name)) {
                    fault = fault.with_help(format!("did you mean `{name}`?"));
                }
                faults.push(fault);
            }
        }
    }
    for key in keys.iter().filter(|key| key.required && table.get(key.name).is_none()) {
        let fault = Fault::error("metrics::missing_key", format!("the key `{}` is missing", key.name))
            .with_place(document.table_place(table))
            .with_label(if path.is_empty() { "in this file" } else { "in this table" })
            .with_field(join(path, key.name))
            .with_help(format!("add `{} = …`: {}", key.name, first_lower(key.doc)));
        faults.push(fault);
    }
}

/// Checks one value against a shape.
pub fn check(document: &Document, item: &Item, path: &str, shape: &Shape, faults: &mut Vec<Fault>) {
    let place = || document.place(&item.span);
    let bad = |message: String, help: String| {
        Fault::error("metrics::bad_value", message).with_place(place()).with_field(path).with_help(help)
    };
    if !shape.takes(&item.content) {
        let found = item.content.type_name();
        let fault = Fault::error("metrics::wrong_type", format!("`{}` is {}, not {found}", last(path), shape.wanted()))
            .with_place(place())
            .with_field(path)
            .with_label(format!("this is {found}"))
            .with_help(format!("write {}", shape.wanted()));
        faults.push(fault);
        return;
    }
    match (shape, &item.content) {
        (Shape::OneOf(shapes), content) => {
            if let Some(shape) = shapes.iter().find(|shape| shape.takes(content)) {
                check(document, item, path, shape, faults);
            }
        }
        (Shape::Table(keys), Content::Table(table)) => {
            check_table(document, table, path, &keys.iter().collect::<Vec<_>>(), faults);
        }
        (Shape::Map(of), Content::Table(table)) => {
            if table.entries.len() > MOST_ENTRIES {
                faults.push(bad(format!("{} entries", table.entries.len()), format!("give at most {MOST_ENTRIES}")));
                return;
            }
            for entry in &table.entries {
                check(document, &entry.item, &join(path, &entry.key), of, faults);
            }
        }
        (Shape::List(least, of), Content::List(items)) => {
            if items.len() > MOST_ENTRIES {
                faults.push(bad(format!("{} entries", items.len()), format!("give at most {MOST_ENTRIES}")));
                return;
            }
            if items.len() < *least {
                let entries = if items.len() == 1 { "entry" } else { "entries" };
                let message = format!("`{}` has {} {entries}", last(path), items.len());
                faults.push(bad(message, format!("give at least {least}")));
            }
            for (index, item) in items.iter().enumerate() {
                check(document, item, &format!("{path}[{index}]"), of, faults);
            }
        }
        (Shape::Integer(least, most), Content::Integer(value)) if value < least || value > most => {
            faults.push(bad(format!("{value} is out of range"), format!("give {least} to {most}")));
        }
        (Shape::Number | Shape::Between(..), content) => {
            let value = content.number().unwrap_or(f64::NAN);
            if !value.is_finite() {
                faults.push(bad(format!("`{}` is not a finite number", last(path)), "give a finite number".to_owned()));
            } else if let Shape::Between(low, high) = shape
                && !(value > *low && value < *high)
            {
                let help = format!("give a number above {low} and below {high}");
                faults.push(bad(format!("{value} is out of range"), help));
            }
        }
        (Shape::Scalar, Content::Float(value)) if !value.is_finite() => {
            faults.push(bad(format!("`{}` is not a finite number", last(path)), "give a finite number".to_owned()));
        }
        (Shape::Bytes, content) if bytes(content).is_none() => {
            faults.push(bad("not a size".to_owned(), "give a size of at least 16MiB, such as \"4GiB\"".to_owned()));
        }
        (Shape::Duration, Content::Text(text)) => {
            if let Err(why) = Duration::parse(text) {
                faults.push(bad(why, "write a number and one of w, d, h, m, s, ms: \"14d\"".to_owned()));
            }
        }
        (Shape::Moment, Content::Text(text) | Content::Moment(text)) => {
            if let Err(why) = Moment::parse(text) {
                faults.push(bad(why, "write 2026-03-01, or 2026-03-01T09:30:00Z".to_owned()));
            }
        }
        (Shape::Zone, Content::Text(text)) => {
            if let Err(why) = Zone::parse(text) {
                faults.push(bad(why, "write a name such as \"Europe/Berlin\", \"UTC\", or \"+02:00\"".to_owned()));
            }
        }
        (Shape::Word(words), Content::Text(text)) if !words.contains(&text.as_str()) => {
            let help = nearest(text, words.iter().copied()).map(|word| format!("did you mean `{word}`?"));
            let help = help.unwrap_or_default();
            let fault = bad(format!("`{}` is no value of `{}`", shown(text), last(path)), help);
            faults.push(fault.with_valid("values", words.iter().map(|word| (*word).to_owned()).collect()));
        }
        (Shape::Text, Content::Text(text)) if text.trim().is_empty() => {
            faults.push(bad(format!("`{}` is blank", last(path)), "write something, or leave the key out".to_owned()));
        }
        (Shape::Name, Content::Text(text)) => {
            if let Err(why) = check_name(text) {
                faults.push(bad(why, NAME_HELP.to_owned()));
            }
        }
        _ => {}
    }
}

/// How a name is mended.
pub(crate) const NAME_HELP: &str =
    "a name starts with a letter and holds only a–z, A–Z, 0–9, `_` and `-`, at most 64 of them";

/// Whether text is the name of a definition.
///
/// # Errors
/// Says which character is wrong.
pub(crate) fn check_name(text: &str) -> Result<(), String> {
    if let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))) {
        return Err(format!("`{}` is no name: it holds `{}` (U+{:04X})", shown(text), c.escape_debug(), u32::from(c)));
    }
    match text.chars().next() {
        None => Err("a name is empty".to_owned()),
        Some(first) if !first.is_ascii_alphabetic() => Err(format!("`{}` starts with `{first}`", shown(text))),
        Some(_) if text.len() > 64 => Err(format!("`{}` is longer than 64", shown(text))),
        Some(_) => Ok(()),
    }
}

/// A number of bytes, at least 16 MiB.
pub(crate) fn bytes(content: &Content) -> Option<u64> {
    const UNITS: [(&str, u32); 6] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("M", 20), ("G", 30)];
    let size = match content {
        Content::Integer(size) => u64::try_from(*size).ok()?,
        Content::Text(text) => {
            let (unit, shift) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
            text.strip_suffix(unit)?.trim_end().parse::<u32>().ok().map(|number| u64::from(number) << shift)?
        }
        _ => return None,
    };
    (16 << 20..1 << 50).contains(&size).then_some(size)
}

/// A key below a path.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The last key of a path, without its index.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Text of the user's, shortened for a message.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}

fn first_lower(doc: &str) -> String {
    let doc = doc.trim_end_matches('.');
    let mut chars = doc.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
