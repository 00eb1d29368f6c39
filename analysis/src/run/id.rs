//! The id of a run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of a run: the BLAKE3 hash of its canonical inputs, 64 hexadecimal digits.
///
/// ```
/// use estimand_analysis::run::Inputs;
///
/// let id = Inputs::default().id();
/// assert_eq!(id.short().len(), 12);
/// assert_eq!(id.to_string().parse(), Ok(id));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// The id of these canonical inputs.
    pub(super) fn of(canonical: &[u8]) -> Self {
        Self(blake3::hash(canonical).to_hex().to_string())
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text that is not the id of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a run: that is 64 hexadecimal digits")]
pub struct NotAnId(String);

impl FromStr for RunId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, NotAnId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({})", self.short())
    }
}
