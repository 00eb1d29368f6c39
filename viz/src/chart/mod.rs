//! Charts, by name: each turns one kind of input into a [`Figure`].
//!
//! A chart reads no data and owns no colours. To add one, add a file here and its line in [`ALL`]; the conformance tests, the snapshots
//! and the gallery then find it, and draw its [`Chart::examples`].

mod cumulative_effect;
mod distribution;
mod example;
mod exposures;
mod forest;
mod segments;

use crate::arm_distribution::Distribution;
use crate::effect::Effects;
use crate::effect_series::EffectSeries;
use crate::error::Error;
use crate::exposure_series::ExposureSeries;
use crate::figure::Figure;

pub use cumulative_effect::CumulativeEffect;
pub use distribution::DistributionByArm;
pub use exposures::Exposures;
pub use forest::Forest;
pub use segments::Segments;

/// What a chart can be given.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ChartInput {
    /// Outcomes of units by arm.
    Distribution(Distribution),
    /// Effects of one metric day by day.
    EffectSeries(EffectSeries),
    /// Effects on one scale.
    Effects(Effects),
    /// Units exposed day by day.
    ExposureSeries(ExposureSeries),
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

    /// Inputs that show what the chart can do, for the gallery and the snapshots; the first is the usual case.
    fn examples(&self) -> Vec<ChartInput>;
}

/// Every chart, by name.
pub const ALL: &[&dyn Chart] = &[&CumulativeEffect, &DistributionByArm, &Exposures, &Forest, &Segments];

/// The chart of this name.
pub fn named(name: &str) -> Option<&'static dyn Chart> {
    ALL.iter().copied().find(|chart| chart.name() == name)
}
