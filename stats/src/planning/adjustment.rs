//! What a covariate from before exposure takes from the variance.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::least_squares::CrossProducts;
use crate::planning::refuse;
use crate::suffstat::CoMoments;

/// Regression adjustment (CUPED) of the planned analysis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// None.
    #[default]
    None,
    /// The same share of variance explained in both arms.
    Explained {
        /// `R²` of the outcome on the covariates.
        r_squared: f64,
        /// How many covariates.
        covariates: u32,
    },
    /// Lin's form with a slope per arm.
    PerArm {
        /// `R²` within the baseline arm.
        baseline: f64,
        /// `R²` within the treated arm.
        treated: f64,
        /// How many covariates.
        covariates: u32,
    },
}

impl Adjustment {
    /// The gain that the metric's own history shows: variable 0 is the outcome, all others are covariates.
    ///
    /// - **Errors** with [`Error::OutOfRange`] without a covariate, without variance, or with fewer units than the regression
    ///   needs.
    pub fn of_history(history: &CoMoments) -> Result<Self, Error> {
        let k = history.k().saturating_sub(1);
        if k == 0 || history.n() < k as u64 + 3 || history.centred(0, 0) <= 0.0 {
            let what = format!("{} units, {k} covariates", history.n());
            return Err(refuse(
                "history",
                what,
                "a regression needs covariates, an outcome that varies and units to spare",
            ));
        }
        let cross = nalgebra::DMatrix::from_fn(k, k, |i, j| history.centred(i + 1, j + 1));
        let outcome = nalgebra::DVector::from_fn(k, |i, _| history.centred(0, i + 1));
        let kept: Vec<usize> = (0..k).filter(|at| !CrossProducts::redundant(&cross).contains(at)).collect();
        let (cross, outcome) = (cross.select_rows(&kept).select_columns(&kept), outcome.select_rows(&kept));
        let explained = CrossProducts::new(&cross).map_or(0.0, |cross| cross.solve(&outcome).dot(&outcome));
        let r_squared = (explained / history.centred(0, 0)).clamp(0.0, 1.0 - 1e-9);
        Ok(Self::Explained { r_squared, covariates: kept.len() as u32 })
    }

    /// How many covariates.
    pub fn covariates(&self) -> u32 {
        match self {
            Self::None => 0,
            Self::Explained { covariates, .. } | Self::PerArm { covariates, .. } => *covariates,
        }
    }

    /// `R²` per arm, the baseline first.
    pub(super) fn explained(&self) -> [f64; 2] {
        match self {
            Self::None => [0.0; 2],
            Self::Explained { r_squared, .. } => [*r_squared; 2],
            Self::PerArm { baseline, treated, .. } => [*baseline, *treated],
        }
    }

    /// The part of the variance of the difference that sampling of the covariates adds, times the units of both arms:
    /// `(β₁ − β₀)'Σₓ(β₁ − β₀)` when the slopes point the same way.
    pub(super) fn leaning(&self, std_devs: [f64; 2]) -> f64 {
        let [baseline, treated] = self.explained();
        (treated.sqrt() * std_devs[1] - baseline.sqrt() * std_devs[0]).powi(2)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if *self != Self::None && self.covariates() == 0 {
            return Err(refuse("covariates", 0, "adjustment has at least one covariate"));
        }
        match self.explained().into_iter().find(|r| !(0.0..1.0).contains(r)) {
            Some(r) => {
                Err(refuse("r_squared", r, "a share of variance explained is at least 0 and below 1, such as 0.3"))
            }
            None => Ok(()),
        }
    }
}
