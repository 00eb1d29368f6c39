//! What an estimator needs to see, declared before the data are asked.

use std::collections::BTreeSet;

/// Name of a column of the unit table (one row per unit), such as `revenue` or `revenue.pre`.
pub type Variable = String;

/// Ending of the name of an indicator: 1 for a unit that has no value of the covariate before it, which then is filled in; else 0.
///
/// Adjustment leaves an indicator that is 0 for every unit out without a note: nothing was missing, so there is nothing to say.
pub const MISSING: &str = ".missing";

/// What a compressed sample keeps of units: distinct rows of features, and of each the count, mean and spread of outcomes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Compression {
    /// Variables whose distinct rows are kept.
    pub features: Vec<Variable>,
    /// Variables of which mean and sum of squares are kept.
    pub outcomes: Vec<Variable>,
}

impl Compression {
    /// Features, then outcomes: the order of the variables of a [`Compressed`](crate::suffstat::Compressed).
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.features.iter().chain(&self.outcomes)
    }
}

/// The union of what estimators need of one metric; the planner asks the data once for all of it.
///
/// Sets, so that the union of any number of requirements is free of duplicates and of order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Joint moments per arm of each listed tuple of variables, over units where all of them are present.
    pub comoments: BTreeSet<Vec<Variable>>,
    /// The compressed sample per arm of each listed choice of variables, over units where all of them are present.
    pub compressed: BTreeSet<Compression>,
    /// Distribution of each variable per arm.
    pub histograms: BTreeSet<Variable>,
    /// Columns of the unit table, one row per unit. The dearest kind: only what cannot be had from moments.
    pub unit_rows: BTreeSet<Variable>,
}

impl Requirements {
    /// Joint moments of `variables` per arm.
    pub fn comoments<I: IntoIterator<Item = impl Into<Variable>>>(variables: I) -> Self {
        Self { comoments: BTreeSet::from([variables.into_iter().map(Into::into).collect()]), ..Self::default() }
    }

    /// The distinct rows of `features` per arm, with the count of units and the mean and spread of `outcomes` in each.
    pub fn compressed<F, O>(features: F, outcomes: O) -> Self
    where
        F: IntoIterator<Item: Into<Variable>>,
        O: IntoIterator<Item: Into<Variable>>,
    {
        let compression = Compression {
            features: features.into_iter().map(Into::into).collect(),
            outcomes: outcomes.into_iter().map(Into::into).collect(),
        };
        Self { compressed: BTreeSet::from([compression]), ..Self::default() }
    }

    /// One row per unit with `variables`.
    pub fn unit_rows<I: IntoIterator<Item = impl Into<Variable>>>(variables: I) -> Self {
        Self { unit_rows: variables.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a variable is read.
    pub fn reads(&self, variable: &str) -> bool {
        let tuples = self.comoments.iter().flatten();
        let rows = self.compressed.iter().flat_map(Compression::variables);
        tuples.chain(rows).chain(&self.histograms).chain(&self.unit_rows).any(|own| own == variable)
    }

    /// Both sets of needs, each thing once.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.comoments.extend(other.comoments);
        self.compressed.extend(other.compressed);
        self.histograms.extend(other.histograms);
        self.unit_rows.extend(other.unit_rows);
        self
    }
}
