//! The shape and the ink that stand for each status word.
//!
//! Good and bad are by the metric's direction, never plain up and down, and colour is never the only carrier: the shape says it too.

pub use estimand_stats::status::Status;

use crate::shape::Shape;
use crate::theme::Ink;

/// The shape that stands for a status.
pub fn shape(status: Status) -> Shape {
    match status {
        Status::Better | Status::Safe => Shape::Up,
        Status::Worse | Status::Harmed => Shape::Down,
        Status::NoClearEffect | Status::Running | Status::NotShownSafe => Shape::Circle,
        Status::TooSmallToMatter => Shape::Diamond,
        Status::CheckData => Shape::Alert,
    }
}

/// The ink that stands for a status.
pub fn ink(status: Status) -> Ink {
    match status {
        Status::Better | Status::Safe => Ink::Good,
        Status::Worse | Status::Harmed => Ink::Bad,
        Status::NoClearEffect | Status::Running | Status::NotShownSafe | Status::TooSmallToMatter => Ink::Undecided,
        Status::CheckData => Ink::Caution,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_inks_share_a_shape() {
        for one in Status::ALL {
            for other in Status::ALL {
                assert!(ink(one) == ink(other) || shape(one) != shape(other), "{one:?} and {other:?}");
            }
        }
    }
}
