//! The definitions of one kind that a project has, whole or faulty.

use std::collections::BTreeMap;

use crate::fault::Fault;
use crate::reading::key::shown;
use crate::reading::nearest::nearest;

/// Definitions by name. A name whose file is faulty is known too: a reference to it is no second fault.
#[derive(Clone, Debug)]
pub struct Known<T> {
    code: &'static str,
    singular: &'static str,
    plural: &'static str,
    by_name: BTreeMap<String, Option<T>>,
}

impl<T> Known<T> {
    /// An empty set of sources, metrics, …; the code is that of an unknown name.
    pub fn new(code: &'static str, singular: &'static str, plural: &'static str) -> Self {
        Self { code, singular, plural, by_name: BTreeMap::new() }
    }

    /// Adds a definition, or only its name when it is faulty.
    pub fn insert(&mut self, name: String, definition: Option<T>) {
        self.by_name.insert(name, definition);
    }

    /// The definition, when it is whole.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.by_name.get(name).and_then(Option::as_ref)
    }

    /// Whether the name is known, whole or faulty.
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The names, whole or faulty.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Makes a definition faulty.
    pub fn spoil(&mut self, name: &str) {
        self.by_name.insert(name.to_owned(), None);
    }

    /// The whole definitions, by name.
    pub fn into_whole(self) -> BTreeMap<String, T> {
        self.by_name.into_iter().filter_map(|(name, definition)| Some((name, definition?))).collect()
    }

    /// Completes a fault about a name that is not known; the place and the field are the caller's.
    pub fn unknown(&self, name: &str) -> Fault {
        let message = format!("no {} `{}`", self.singular, shown(name));
        let mut fault =
            Fault::error(self.code, message).with_valid(self.plural, self.names().map(str::to_owned).collect());
        if let Some(name) = nearest(name, self.names()) {
            fault = fault.with_help(format!("did you mean `{name}`?"));
        } else if self.by_name.is_empty() {
            fault = fault.with_help(format!("add {}/{}.toml", self.plural, shown(name)));
        }
        fault
    }
}
