//! The regression of an outcome on arm and covariates: its rows, its columns, and what it predicts for each arm.

use nalgebra::{DMatrix, DVector};

use crate::error::Error;
use crate::estimand::Estimand;
use crate::estimator::arms::Mean;
use crate::estimator::option::{OptionKind, OptionSpec};
use crate::least_squares::{Fit, Outcomes, centred};
use crate::requirement::{MISSING, Variable};
use crate::sample::{ArmSample, Sample};
use crate::suffstat::Compressed;

/// The option for the slopes of covariates in a regression.
pub(super) const SLOPE: OptionSpec = OptionSpec {
    name: "slope",
    kind: OptionKind::Choice(&["per_arm", "shared"]),
    default: "per_arm",
    meaning: "Slopes of the covariates per arm, by interaction with centred covariates, or shared by both arms.",
};

/// Whether several units have the same value; of one unit nothing can be said.
fn is_constant(values: &[f64], units: u64) -> bool {
    units > 1 && values.windows(2).all(|pair| pair[0] == pair[1])
}

/// Complete rows of both arms, the baseline first.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Units of each arm.
    pub units: [u64; 2],
    /// How many rows are of the baseline.
    of_baseline: usize,
    pub outcomes: Outcomes,
    /// Features, a column each.
    pub covariates: Vec<Vec<f64>>,
    pub notes: Vec<String>,
}

impl Rows {
    /// The rows of both arms, each with so many features; `push` adds those of one arm and gives its complete units.
    ///
    /// # Errors
    /// [`Error::UnknownArm`], [`Error::TooFewUnits`] for an arm without complete units, and those of `push`.
    pub fn of(
        estimand: &Estimand,
        sample: &Sample,
        features: usize,
        mut push: impl FnMut(&mut Self, &ArmSample) -> Result<u64, Error>,
    ) -> Result<Self, Error> {
        let mut rows = Self { covariates: vec![Vec::new(); features], ..Self::default() };
        let names = [&estimand.baseline_arm, &estimand.arm];
        for (at, name) in names.into_iter().enumerate() {
            let arm = sample.arm(&estimand.metric, name)?;
            if arm.units == 0 {
                continue;
            }
            rows.units[at] = push(&mut rows, arm)?;
            if at == 0 {
                rows.of_baseline = rows.outcomes.n.len();
            }
            let left_out = arm.units.saturating_sub(rows.units[at]);
            if left_out > 0 {
                let units = arm.units;
                rows.notes.push(format!("{left_out} of {units} units of arm `{name}` have no value and are left out."));
            }
        }
        match names.into_iter().zip(rows.units).find(|(_, units)| *units == 0) {
            Some((arm, n)) => {
                Err(Error::TooFewUnits { metric: estimand.metric.clone(), arm: arm.clone(), n, needed: 1 })
            }
            None => Ok(rows),
        }
    }

    /// Adds the distinct rows of a compressed arm with its first outcome; gives its complete units.
    pub fn push_compressed(&mut self, kept: &Compressed) -> u64 {
        self.outcomes.mean.extend(kept.mean(0));
        self.outcomes.rest.extend(kept.rest(0));
        self.outcomes.centred.extend(kept.centred(0));
        self.push_features(kept)
    }

    /// Adds the features of the distinct rows of an arm, and how many units each stands for.
    pub fn push_features(&mut self, kept: &Compressed) -> u64 {
        self.outcomes.n.extend(kept.n().iter().map(|n| *n as f64));
        for (at, column) in self.covariates.iter_mut().enumerate() {
            column.extend(kept.feature(at));
        }
        kept.units()
    }

    /// Leaves out covariates that say nothing, as indicators of missing values do when none is missing, or when two
    /// covariates miss the same units; gives the names of the others.
    pub fn keep_those_with_a_slope(&mut self, estimand: &Estimand, names: &[Variable], per_arm: bool) -> Vec<Variable> {
        let mut kept: Vec<(Variable, Vec<f64>)> = Vec::with_capacity(names.len());
        for (name, values) in names.iter().zip(std::mem::take(&mut self.covariates)) {
            let (baseline, treated) = values.split_at(self.of_baseline);
            let [in_baseline, in_arm] = self.units;
            let constant = match (is_constant(baseline, in_baseline), is_constant(treated, in_arm)) {
                (true, _) if per_arm => Some(format!("constant in arm `{}`", estimand.baseline_arm)),
                (_, true) if per_arm => Some(format!("constant in arm `{}`", estimand.arm)),
                _ => is_constant(&values, in_baseline + in_arm).then(|| "constant".to_owned()),
            };
            let equal =
                || kept.iter().find(|(_, other)| *other == values).map(|(other, _)| format!("equal to `{other}`"));
            let nothing_missing = name.ends_with(MISSING) && values.iter().all(|value| *value == 0.0);
            match constant.or_else(equal) {
                Some(_) if nothing_missing => {}
                Some(reason) => self.notes.push(format!("Covariate `{name}` is {reason} and was left out.")),
                None => kept.push((name.clone(), values)),
            }
        }
        let (names, columns) = kept.into_iter().unzip();
        self.covariates = columns;
        names
    }

    /// Whether the row belongs to the arm that the effect is of.
    pub fn treated(&self, row: usize) -> bool {
        row >= self.of_baseline
    }
}

/// The columns of the regression with their names, and what it predicts for each arm.
#[derive(Debug)]
pub(super) struct Model {
    pub names: Vec<String>,
    pub columns: Vec<Vec<f64>>,
    /// Means over all units of the covariates as they enter the model.
    pub means: Vec<f64>,
    per_arm: bool,
}

impl Model {
    pub fn of(rows: &Rows, covariates: &[Variable], per_arm: bool) -> Self {
        let arm: Vec<f64> = (0..rows.outcomes.n.len()).map(|row| f64::from(u8::from(rows.treated(row)))).collect();
        let (mut names, mut columns) = (vec!["arm".to_owned()], vec![arm]);
        let mut means = Vec::with_capacity(covariates.len());
        for (name, values) in covariates.iter().zip(&rows.covariates) {
            let (mean, centred) = centred(values, &rows.outcomes.n);
            names.push(name.clone());
            columns.push(if per_arm { centred } else { values.clone() });
            means.push(if per_arm { 0.0 } else { mean });
        }
        if per_arm {
            for at in 1..=covariates.len() {
                names.push(format!("arm:{}", names[at]));
                let interact = |(row, x): (usize, &f64)| if rows.treated(row) { *x } else { 0.0 };
                columns.push(columns[at].iter().enumerate().map(interact).collect());
            }
        }
        Self { names, columns, means, per_arm }
    }

    /// Weights of the coefficients in the mean outcome, had all units been in the arm.
    pub fn prediction(&self, treated: bool) -> DVector<f64> {
        let covariates = self.means.iter().copied();
        let interactions = self.means.iter().map(|mean| if treated { *mean } else { 0.0 });
        let weights = [1.0, f64::from(u8::from(treated))].into_iter().chain(covariates);
        let mut weights: Vec<f64> = weights.collect();
        if self.per_arm {
            weights.extend(interactions);
        }
        DVector::from_vec(weights)
    }

    /// The fit of the outcomes on the columns.
    ///
    /// # Errors
    /// [`Error::RankDeficient`] with the names of the redundant ones.
    pub fn fit(&self, estimand: &Estimand, rows: &Rows) -> Result<Fit, Error> {
        Fit::of(&rows.outcomes, &self.columns).map_err(|redundant| Error::RankDeficient {
            metric: estimand.metric.clone(),
            columns: redundant.iter().map(|at| format!("`{}`", self.names[*at])).collect::<Vec<_>>().join(", "),
        })
    }

    /// The predicted mean outcome, had all units been in the arm.
    pub fn predicted(&self, coefficients: &DVector<f64>, treated: bool) -> Mean {
        // The intercept carries the level of the outcome; the rest is small against it and keeps its own digits.
        let weights = self.prediction(treated);
        let level = Mean::from(coefficients[0]);
        level.plus(weights.iter().zip(coefficients.iter()).skip(1).map(|(weight, beta)| weight * beta).sum())
    }

    /// How far the covariates of each row move its prediction from the mean one, rows × arms, each row times the root of
    /// its count: the covariates' own part in the spread of the means.
    pub fn moved(&self, rows: &Rows, coefficients: &DVector<f64>) -> DMatrix<f64> {
        let k = self.means.len();
        let slopes = |treated: bool| {
            let interaction = |j: usize| if treated && self.per_arm { coefficients[2 + k + j] } else { 0.0 };
            DVector::from_fn(k, |j, _| coefficients[2 + j] + interaction(j))
        };
        let root = |row: usize| rows.outcomes.n[row].sqrt();
        let apart =
            DMatrix::from_fn(rows.outcomes.n.len(), k, |row, j| root(row) * (self.columns[1 + j][row] - self.means[j]));
        DMatrix::from_columns(&[&apart * slopes(false), &apart * slopes(true)])
    }
}
