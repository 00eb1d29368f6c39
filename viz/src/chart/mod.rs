//! Charts, by name: each turns one kind of input into a [`Figure`].
//!
//! A chart reads no data and owns no colours. To add one, add a file here and its line in [`ALL`]; the conformance tests, the snapshots
//! and the gallery then find it, and draw its [`Chart::example`].

mod example;
mod forest;

use crate::effect::Effects;
use crate::error::Error;
use crate::figure::Figure;

pub use forest::Forest;

/// What a chart can be given.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ChartInput {
    /// Effects on one scale.
    Effects(Effects),
}

/// A kind of figure.
///
/// `figure` succeeds for every input that `accepts` is true for, whatever its numbers: infinite, missing, all alike.
pub trait Chart: Sync {
    /// Its name, that of its file.
    fn name(&self) -> &'static str;

    /// Whether it can draw this input.
    fn accepts(&self, input: &ChartInput) -> bool;

    /// The figure of this input.
    ///
    /// # Errors
    /// [`Error::Unfit`] for an input that it does not accept.
    fn figure(&self, input: &ChartInput) -> Result<Figure, Error>;

    /// An input that shows what the chart can do, for the gallery and the snapshots.
    fn example(&self) -> ChartInput;
}

/// Every chart, by name.
pub const ALL: &[&dyn Chart] = &[&Forest];

/// The chart of this name.
pub fn named(name: &str) -> Option<&'static dyn Chart> {
    ALL.iter().copied().find(|chart| chart.name() == name)
}
