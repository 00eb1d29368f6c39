//! Estimates with standard errors, checked once.

use crate::error::Error;
use crate::estimate::Estimate;

/// One experiment's estimate of an effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Study {
    /// The estimate, in the unit that all studies share.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
}

/// The studies of one effect: at least one, finite, with positive standard errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Studies {
    studies: Vec<Study>,
}

impl Study {
    /// The effect of a row of a result table; `None` where it has no estimate or no standard error.
    pub fn of(row: &Estimate) -> Option<Self> {
        Some(Self { estimate: row.estimate?, std_error: row.std_error? })
    }

    /// The estimate over its standard error.
    pub fn z(&self) -> f64 {
        self.estimate / self.std_error
    }
}

impl Studies {
    /// The studies, checked.
    ///
    /// - **Errors** with [`Error::OutOfRange`] when there is none, or at the first one whose estimate is not finite or
    ///   whose standard error is not positive.
    pub fn new(studies: Vec<Study>) -> Result<Self, Error> {
        let out_of_range = |field: String, value: String, expected: &str| {
            Err(Error::OutOfRange { field, value, expected: expected.to_owned() })
        };
        if studies.is_empty() {
            return out_of_range("studies".to_owned(), "empty".to_owned(), "give at least one estimate");
        }
        for (place, study) in studies.iter().enumerate() {
            let field = |what: &str| format!("{what} of study {}", place + 1);
            if !study.estimate.is_finite() {
                return out_of_range(field("estimate"), study.estimate.to_string(), "an estimate is a finite number");
            }
            // Its square must be a number too, and not zero.
            if !(study.std_error > 1e-150 && study.std_error < 1e150) {
                let expected = "a standard error is above 0; leave a study without one out";
                return out_of_range(field("standard error"), study.std_error.to_string(), expected);
            }
        }
        Ok(Self { studies })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.studies.len()
    }

    /// One after another.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Study> + Clone {
        self.studies.iter()
    }

    /// All but the one at this place.
    pub(crate) fn without(&self, place: usize) -> Self {
        let others = self.studies.iter().enumerate().filter(|(at, _)| *at != place);
        Self { studies: others.map(|(_, study)| *study).collect() }
    }

    /// Refuses fewer studies than something needs.
    pub(crate) fn at_least(&self, needed: usize, what: &str) -> Result<(), Error> {
        if self.count() >= needed {
            return Ok(());
        }
        Err(Error::OutOfRange {
            field: "studies".to_owned(),
            value: self.count().to_string(),
            expected: format!("{what} needs at least {needed}"),
        })
    }

    /// The weights `1/(σᵢ² + τ²)`.
    pub(crate) fn weights(&self, tau2: f64) -> impl Iterator<Item = f64> + Clone {
        self.studies.iter().map(move |study| (study.std_error.powi(2) + tau2).recip())
    }

    /// The weighted mean and the sum of the weights.
    pub(crate) fn weighted_mean(&self, tau2: f64) -> (f64, f64) {
        let total: f64 = self.weights(tau2).sum();
        let sum: f64 = self.studies.iter().zip(self.weights(tau2)).map(|(study, w)| w * study.estimate).sum();
        (sum / total, total)
    }

    /// `Σ(yᵢ − μ̂)²/(σᵢ² + τ²)`: Cochran's Q, with `τ²` added to each variance.
    pub(crate) fn q(&self, tau2: f64) -> f64 {
        let (mean, _) = self.weighted_mean(tau2);
        self.studies.iter().zip(self.weights(tau2)).map(|(study, w)| w * (study.estimate - mean).powi(2)).sum()
    }
}

/// Refuses a level that is none.
pub(crate) fn check_level(level: f64) -> Result<(), Error> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Error::OutOfRange {
        field: "level".to_owned(),
        value: level.to_string(),
        expected: "a confidence level lies between 0 and 1, such as 0.95".to_owned(),
    })
}
