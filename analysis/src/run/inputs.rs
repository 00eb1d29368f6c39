//! The inputs of a run: everything that may change a result, and nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RunId;
use crate::bare::BareFile;
use crate::change::Change;

/// Everything that may change a result of a run.
///
/// Two runs with equal inputs are the same run. The order of definitions and sources does not matter; that of statements does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The experiment; of a bare file its stem.
    pub experiment: String,
    /// What was said of a bare file; `None` for an experiment of a project.
    pub file: Option<BareFile>,
    /// What was changed of the experiment for this run.
    pub change: Change,
    /// The files that define it, with their text.
    pub definitions: Vec<Definition>,
    /// The statements asked of the data.
    pub statements: Vec<BoundStatement>,
    /// Parameters given by the user.
    pub parameters: BTreeMap<String, String>,
    /// What was read.
    pub sources: Vec<Fingerprint>,
    /// The build that ran: version, target, commit.
    pub build: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// The instant up to which data count, in RFC 3339; `None` counts all.
    pub as_of: Option<String>,
}

/// A file that defines a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Definition {
    /// Its path inside the project.
    pub path: String,
    /// BLAKE3 of its text.
    pub hash: String,
    /// Its text.
    pub text: String,
}

impl Definition {
    /// A definition with the hash of its text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { path: path.into(), hash: blake3::hash(text.as_bytes()).to_hex().to_string(), text }
    }
}

/// A statement with the values bound to its placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundStatement {
    /// What it asks.
    pub title: String,
    /// Its text.
    pub sql: String,
    /// Each placeholder with the value bound to it, as a literal.
    pub values: Vec<(String, String)>,
}

/// What identifies a file or table that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The source that reads it.
    pub source: String,
    /// Where it is, from the project's folder when it is inside.
    pub location: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of its last change, in RFC 3339, where only a footer was hashed; a copy of wholly hashed bytes is the same input.
    pub modified: Option<String>,
    /// BLAKE3 of the footer of a Parquet file, or of all of any other.
    pub hash: Option<String>,
}

impl Inputs {
    /// The same inputs with the lists that have no order of their own in the order of the record.
    pub fn sorted(mut self) -> Self {
        self.definitions.sort();
        self.sources.sort();
        self
    }

    /// The bytes that the id is the hash of: compact JSON, keys in the order of the fields, lists without an order of their own sorted.
    pub fn canonical(&self) -> Vec<u8> {
        // Strings, numbers and maps with string keys only, which always serialise.
        serde_json::to_vec(&self.clone().sorted()).unwrap_or_default()
    }

    /// The id of the run.
    pub fn id(&self) -> RunId {
        RunId::of(&self.canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Inputs {
        Inputs {
            experiment: "email".into(),
            definitions: vec![Definition::new("b.toml", "b"), Definition::new("a.toml", "a")],
            sources: vec![Fingerprint { source: "orders".into(), bytes: 3, ..Fingerprint::default() }],
            seed: 7,
            ..Inputs::default()
        }
    }

    #[test]
    fn the_order_of_definitions_does_not_matter_and_everything_else_does() {
        let base = inputs();
        let mut shuffled = inputs();
        shuffled.definitions.reverse();
        assert_eq!(base.id(), shuffled.id());
        let changes: [fn(&mut Inputs); 8] = [
            |inputs| inputs.experiment.push('x'),
            |inputs| inputs.definitions[0].text.push('x'),
            |inputs| inputs.sources[0].bytes += 1,
            |inputs| inputs.build.push('x'),
            |inputs| inputs.seed += 1,
            |inputs| inputs.as_of = Some(String::new()),
            |inputs| drop(inputs.parameters.insert("country".into(), "DE".into())),
            |inputs| inputs.change.level = Some(0.9),
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut changed = inputs();
            change(&mut changed);
            assert_ne!(base.id(), changed.id(), "change {place}");
        }
    }

    #[test]
    fn canonical_inputs_can_be_read_back() {
        let base = inputs();
        let read: Inputs = serde_json::from_slice(&base.canonical()).unwrap();
        assert_eq!(read.id(), base.id());
    }
}
