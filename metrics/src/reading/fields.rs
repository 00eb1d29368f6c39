//! Typed access to a table whose keys were checked.

use std::ops::Range;

use crate::definition::{Duration, Moment, Zone};
use crate::fault::{Fault, Place};
use crate::reading::document::{Content, Document, Item, Table};
use crate::reading::key::{Key, bytes, check_table, join};

/// A table of a file, its path, and its document.
///
/// The functions that read a key give `None` both when the key is absent and when its value has the wrong type: the
/// check of the keys has reported the latter already, so a reader never reports one mistake twice.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    document: &'a Document,
    table: &'a Table,
    path: String,
}

impl<'a> Fields<'a> {
    /// The outermost table of a file, after checking it against the keys of its kind.
    pub fn checked(document: &'a Document, keys: &[&Key], faults: &mut Vec<Fault>) -> Self {
        check_table(document, document.root(), "", keys, faults);
        Self { document, table: document.root(), path: String::new() }
    }

    /// The file's path from the project's folder.
    pub fn file(&self) -> &'a str {
        self.document.file()
    }

    /// The document the table is part of.
    pub fn document(&self) -> &'a Document {
        self.document
    }

    /// The dotted path of a key of this table.
    pub fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The value of a key.
    pub fn item(&self, key: &str) -> Option<&'a Item> {
        self.table.get(key)
    }

    /// Whether the key is given.
    pub fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        match &self.item(key)?.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a key, owned.
    pub fn string(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// The boolean of a key.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        match self.item(key)?.content {
            Content::Boolean(value) => Some(value),
            _ => None,
        }
    }

    /// The number of a key, when it is finite.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.item(key)?.content.number().filter(|number| number.is_finite())
    }

    /// The whole number of a key, when it is not negative.
    pub fn whole(&self, key: &str) -> Option<u64> {
        match self.item(key)?.content {
            Content::Integer(value) => u64::try_from(value).ok(),
            _ => None,
        }
    }

    /// The size in bytes of a key.
    pub fn bytes(&self, key: &str) -> Option<u64> {
        bytes(&self.item(key)?.content)
    }

    /// The duration of a key.
    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.text(key).and_then(|text| Duration::parse(text).ok())
    }

    /// The zone of a key.
    pub fn zone(&self, key: &str) -> Option<Zone> {
        self.text(key).and_then(|text| Zone::parse(text).ok())
    }

    /// The date or time of a key.
    pub fn moment(&self, key: &str) -> Option<Moment> {
        match &self.item(key)?.content {
            Content::Text(text) | Content::Moment(text) => Moment::parse(text).ok(),
            _ => None,
        }
    }

    /// The entries of a list, each with its path.
    pub fn list(&self, key: &str) -> Vec<(String, &'a Item)> {
        match self.item(key).map(|item| &item.content) {
            Some(Content::List(items)) => {
                items.iter().enumerate().map(|(index, item)| (format!("{}[{index}]", self.path(key)), item)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The texts of a list; entries of another type are left out.
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.list(key)
            .into_iter()
            .filter_map(|(_, item)| match &item.content {
                Content::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect()
    }

    /// The table of a key.
    pub fn table(&self, key: &str) -> Option<Self> {
        self.within(self.item(key)?, self.path(key))
    }

    /// The tables of a list of tables.
    pub fn tables(&self, key: &str) -> Vec<Self> {
        self.list(key).into_iter().filter_map(|(path, item)| self.within(item, path)).collect()
    }

    /// A table of the same document.
    pub fn within(&self, item: &'a Item, path: String) -> Option<Self> {
        match &item.content {
            Content::Table(table) => Some(Self { document: self.document, table, path }),
            _ => None,
        }
    }

    /// The keys of the table and their values, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Item)> {
        self.table.entries.iter().map(|entry| (entry.key.as_str(), &entry.item))
    }

    /// The place of a key's value, or of the table without it.
    pub fn place(&self, key: &str) -> Place {
        match self.item(key) {
            Some(item) => self.document.place(&item.span),
            None => self.document.table_place(self.table),
        }
    }

    /// The place of a key, not of its value.
    pub fn key_place(&self, key: &str) -> Place {
        match self.table.entry(key) {
            Some(entry) => self.document.place(&entry.span),
            None => self.document.table_place(self.table),
        }
    }

    /// The place of a stretch inside the text of a key.
    pub fn place_within(&self, key: &str, inner: &Range<usize>) -> Place {
        self.item(key).map_or_else(|| self.place(key), |item| self.document.place_within(item, inner))
    }

    /// An error about the value of a key.
    pub fn fault(&self, key: &str, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::error(code, message).with_place(self.place(key)).with_field(self.path(key))
    }

    /// An error about an entry of a list or map of this table.
    pub fn fault_at(&self, item: &Item, path: &str, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::error(code, message).with_place(self.document.place(&item.span)).with_field(path)
    }
}
