//! Every pair of experiments.

use super::{Crossed, Interaction};
use crate::error::Error;
use crate::multiplicity::Correction;
use crate::ranks::Test;

/// What was found of one pair of experiments.
#[derive(Clone, Debug, PartialEq)]
pub struct PairOfExperiments {
    /// Whether the assignments depend on each other; `None` when an arm has no units.
    pub dependence: Option<Test>,
    /// Its p-value, corrected for the number of pairs.
    pub dependence_adjusted: Option<f64>,
    /// How the effects depend on the other's arm, or why that cannot be told.
    pub interaction: Result<Interaction, Error>,
    /// The p-value of the joint test, corrected for the number of pairs.
    pub interaction_adjusted: Option<f64>,
}

/// Tests every pair of crossed experiments, the two families of p-values each corrected for its number.
///
/// - **Gives** one answer per pair, in their order.
/// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1).
pub fn all_pairs(pairs: &[Crossed], level: f64, correction: Correction) -> Result<Vec<PairOfExperiments>, Error> {
    crate::meta::check_level(level)?;
    let dependence: Vec<Option<Test>> = pairs.iter().map(Crossed::dependence).collect();
    let interactions: Vec<Result<Interaction, Error>> = pairs.iter().map(|pair| pair.interaction(level)).collect();
    let adjust = |p_values: Vec<Option<f64>>| {
        correction.adjust(&p_values).map_err(|refused| Error::OutOfRange {
            field: "p_value".to_owned(),
            value: refused.value.to_string(),
            expected: "a probability".to_owned(),
        })
    };
    let of_dependence = adjust(dependence.iter().map(|test| test.map(|test| test.tail.p)).collect())?;
    let joint = |found: &Result<Interaction, Error>| found.as_ref().ok().and_then(|found| found.test);
    let of_interaction = adjust(interactions.iter().map(|found| joint(found).map(|test| test.tail.p)).collect())?;
    let adjusted = of_dependence.into_iter().zip(of_interaction);
    let answer = |((dependence, interaction), (dependence_adjusted, interaction_adjusted))| PairOfExperiments {
        dependence,
        dependence_adjusted,
        interaction,
        interaction_adjusted,
    };
    Ok(dependence.into_iter().zip(interactions).zip(adjusted).map(answer).collect())
}
