//! The second lowering of the unit aggregation: an operator that reads it directly.

#[allow(dead_code, reason = "the operators that read by it follow")]
mod reading;

/// The way from rows to statistics. Every way gives the same bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EnginePath {
    /// The native operator where it can carry the specification, else statements.
    #[default]
    Auto,
    /// Statements alone.
    Sql,
    /// The native operator alone; refused where it cannot.
    Native,
}

impl EnginePath {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Sql, Self::Native];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Sql => "sql",
            Self::Native => "native",
        }
    }

    /// The one with this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.word() == word)
    }
}
