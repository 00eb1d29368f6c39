//! Hashes of the artefacts of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The BLAKE3 hash of each artefact by name.
///
/// What depends on the clock is not among them, so that a replay has the same hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hashes(BTreeMap<String, String>);

impl Hashes {
    /// The hashes of these artefacts.
    pub fn of<'a>(artefacts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self(artefacts.into_iter().map(|(name, bytes)| (name.to_owned(), hash(bytes))).collect())
    }

    /// The artefacts whose hashes are not the same in both, or that only one has, by name.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut names: Vec<&String> = self.0.keys().chain(other.0.keys()).collect();
        names.sort();
        names.dedup();
        names.into_iter().filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect()
    }

    /// The names of the artefacts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The hash of an artefact.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// As written in a run's folder: one artefact a line.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Strings only, which always serialise.
        serde_json::to_vec_pretty(&self.0).unwrap_or_default()
    }
}

/// BLAKE3 of bytes, in hexadecimal.
pub(super) fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_once_whichever_side_lacks_them() {
        let one = Hashes::of([("a", b"1".as_slice()), ("b", b"2"), ("c", b"3")]);
        let other = Hashes::of([("b", b"2".as_slice()), ("c", b"4"), ("d", b"5")]);
        assert_eq!(one.differences(&other), ["a", "c", "d"]);
        assert!(one.differences(&one).is_empty());
    }
}
