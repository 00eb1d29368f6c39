//! The status words of a row, each with the shape and the ink that stand for it.
//!
//! Good and bad are by the metric's direction, never plain up and down, and colour is never the only carrier: the shape says it too.

use crate::theme::Ink;

/// What the plan of analysis lets a reader conclude from a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The corrected test rejects, on the good side.
    Better,
    /// The corrected test rejects, on the bad side.
    Worse,
    /// Neither.
    NoClearEffect,
    /// The whole interval is inside the minimum effect.
    TooSmallToMatter,
    /// The plan has not ended.
    Running,
    /// A trust check failed.
    CheckData,
    /// A guardrail inside its margin.
    Safe,
    /// A guardrail wholly on the bad side.
    Harmed,
    /// A guardrail that is neither.
    NotShownSafe,
}

/// The form of a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Shape {
    /// ▲: good.
    Up,
    /// ▼: bad.
    Down,
    /// ●: undecided.
    #[default]
    Circle,
    /// ◆: too small to matter.
    Diamond,
    /// !: check the data.
    Alert,
    /// ◀: the value is further left than the axis shows.
    Left,
    /// ▶: the value is further right than the axis shows.
    Right,
}

impl Status {
    /// Every status, in the order of the status table.
    pub const ALL: &[Self] = &[
        Self::CheckData,
        Self::Running,
        Self::TooSmallToMatter,
        Self::Better,
        Self::Worse,
        Self::NoClearEffect,
        Self::Safe,
        Self::Harmed,
        Self::NotShownSafe,
    ];

    /// The word of the `status` column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoClearEffect => "no clear effect",
            Self::TooSmallToMatter => "too small to matter",
            Self::Running => "running",
            Self::CheckData => "check data",
            Self::Safe => "safe",
            Self::Harmed => "harmed",
            Self::NotShownSafe => "not shown safe",
        }
    }

    /// The status of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.word() == word)
    }

    /// The shape that stands for it.
    pub fn shape(self) -> Shape {
        match self {
            Self::Better | Self::Safe => Shape::Up,
            Self::Worse | Self::Harmed => Shape::Down,
            Self::NoClearEffect | Self::Running | Self::NotShownSafe => Shape::Circle,
            Self::TooSmallToMatter => Shape::Diamond,
            Self::CheckData => Shape::Alert,
        }
    }

    /// The ink that stands for it.
    pub fn ink(self) -> Ink {
        match self {
            Self::Better | Self::Safe => Ink::Good,
            Self::Worse | Self::Harmed => Ink::Bad,
            Self::NoClearEffect | Self::Running | Self::NotShownSafe | Self::TooSmallToMatter => Ink::Undecided,
            Self::CheckData => Ink::Caution,
        }
    }
}

impl Shape {
    /// The character that shows the shape in text.
    pub fn glyph(self) -> char {
        match self {
            Self::Up => '▲',
            Self::Down => '▼',
            Self::Circle => '●',
            Self::Diamond => '◆',
            Self::Alert => '!',
            Self::Left => '◀',
            Self::Right => '▶',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_word() {
        for status in Status::ALL {
            assert_eq!(Status::named(status.word()), Some(*status));
        }
        assert_eq!(Status::named("Better"), None);
    }

    #[test]
    fn no_two_inks_of_decided_statuses_share_a_shape() {
        for one in Status::ALL {
            for other in Status::ALL {
                assert!(one.ink() == other.ink() || one.shape() != other.shape(), "{one:?} and {other:?}");
            }
        }
    }
}
