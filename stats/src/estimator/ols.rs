//! Ordinary least squares on rows, compressed or one per unit.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use nalgebra::{DMatrix, DVector};

use crate::contrast::{DISTRIBUTION, Inference, LIFT, NO_STANDARD_ERROR};
use crate::design::{Design, Population};
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arms::Mean;
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::{Estimator, answer, prepare};
use crate::least_squares::{Fit, Outcomes, Robust, centred};
use crate::potential_outcomes::{ArmMean, LinearContrast, PotentialOutcomes, VarianceComponent};
use crate::requirement::{MISSING, Requirements, Variable};
use crate::sample::{ArmSample, Sample};

/// Estimates the average treatment effect by the regression of the outcome on arm and covariates.
///
/// `y = α + τ·arm + x'β (+ arm·(x − x̄)'γ)`, solved by Householder QR, with a variance that does not believe in one
/// spread for all units: `V = (X'X)⁻¹X'ΩX(X'X)⁻¹`, `Ω` the squared residuals, corrected as `se` says. With
/// `slope=per_arm` the covariates are centred on their mean over both arms and interact with the arm; with `shared`
/// they enter as they are. The means of the potential outcomes are predictions for all units, once in each arm.
///
/// - **Needs** the distinct rows of covariates with count, mean and spread of the outcome, which lose nothing, or a row per unit;
///   units that miss a value are left out and counted.
/// - **Gives** the effect in the unit of the metric and as a share of the predicted baseline mean, then one row per
///   term. With the design's population `sampled` the slopes' spread over the population is added, as in regression
///   adjustment; the terms' own standard errors take the covariates as given.
/// - **Assumes** covariates fixed before exposure and independent units. The regression need not be true.
/// - **Errors** with [`Error::RankDeficient`] naming columns that are combinations of others; a covariate that is constant
///   where it would have a slope, or repeats an earlier one, is left out and named in a note; [`Error::NotFinite`]; [`Error::TooFewUnits`] when an arm has none. No degree of freedom left: a row without
///   standard error and a note.
/// - **Source** MacKinnon & White (1985); Lin (2013) for the interactions; Wong et al. (2021), §4, for compressed rows.
#[derive(Debug)]
pub struct Ols;

const ROWS: OptionSpec = OptionSpec {
    name: "rows",
    kind: OptionKind::Choice(&["compressed", "units"]),
    default: "compressed",
    meaning: "Read distinct rows of covariates with their counts (compressed), or a row per unit (units): the same numbers, in memory that grows with one or the other.",
};

const SE: OptionSpec = OptionSpec {
    name: "se",
    kind: OptionKind::Choice(&["HC0", "HC1", "HC2", "HC3", "classical"]),
    default: "HC2",
    meaning: "Standard errors: heteroskedasticity-consistent HC0 to HC3, or classical; HC2 of two arms alone is Welch's.",
};

const SLOPE: OptionSpec = OptionSpec {
    name: "slope",
    kind: OptionKind::Choice(&["per_arm", "shared"]),
    default: "per_arm",
    meaning: "Slopes of the covariates per arm, by interaction with centred covariates, or shared by both arms.",
};

const INTERCEPT: &str = "(intercept)";

impl Estimator for Ols {
    fn name(&self) -> &str {
        "ols"
    }

    fn summary(&self) -> &str {
        "Least squares of the outcome on arm and covariates, with robust standard errors."
    }

    fn assumes(&self) -> &str {
        "Covariates are fixed before exposure; units are independent and enough for sums over them to be near normal."
    }

    fn source(&self) -> &str {
        "MacKinnon & White (1985), Journal of Econometrics 29; Lin (2013), Annals of Applied Statistics 7."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[DISTRIBUTION, LIFT, ROWS, SE, SLOPE] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        let (options, _) = prepare(self, estimand, design)?;
        Ok(match options.choice(ROWS.name) {
            "units" => Requirements::unit_rows(variables(estimand, design)),
            _ => Requirements::compressed(design.covariates.iter().cloned(), estimand.summary.variables()),
        })
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let mut rows = Rows::of(estimand, design, sample, options.choice(ROWS.name) == "units")?;
        if let Some(at) = rows.units.iter().position(|n| *n == 0) {
            let arm = if at == 0 { &estimand.baseline_arm } else { &estimand.arm };
            return Err(Error::TooFewUnits { metric: estimand.metric.clone(), arm: arm.clone(), n: 0, needed: 1 });
        }
        let per_arm = options.choice(SLOPE.name) == "per_arm";
        let covariates = rows.keep_those_with_a_slope(estimand, &design.covariates, per_arm);
        let model = Model::of(&rows, &covariates, per_arm);
        let fit = Fit::of(&rows.outcomes, &model.columns).map_err(|redundant| Error::RankDeficient {
            metric: estimand.metric.clone(),
            columns: redundant.iter().map(|at| format!("`{}`", model.names[*at])).collect::<Vec<_>>().join(", "),
        })?;
        let covariance = fit.covariance(robust(&options));
        let outcomes = model.outcomes(estimand, design, &rows, &fit, covariance.as_ref());
        let mut estimates = inference.rows(estimand, &outcomes);
        estimates.append(terms(estimand, &inference, &model, &fit, covariance.as_ref()));
        Ok(answer(self, &options, estimates))
    }
}

fn variables(estimand: &Estimand, design: &Design) -> Vec<Variable> {
    estimand.summary.variables().into_iter().chain(design.covariates.iter().cloned()).collect()
}

fn robust(options: &Options) -> Robust {
    match options.choice(SE.name) {
        "classical" => Robust::Classical,
        "HC0" => Robust::Hc0,
        "HC1" => Robust::Hc1,
        "HC3" => Robust::Hc3,
        _ => Robust::Hc2,
    }
}

/// Whether several units have the same value; of one unit nothing can be said.
fn is_constant(values: &[f64], units: u64) -> bool {
    units > 1 && values.windows(2).all(|pair| pair[0] == pair[1])
}

/// Complete rows of both arms, the baseline first.
#[derive(Default)]
struct Rows {
    /// Units of each arm.
    units: [u64; 2],
    /// How many rows are of the baseline.
    of_baseline: usize,
    outcomes: Outcomes,
    covariates: Vec<Vec<f64>>,
    notes: Vec<String>,
}

impl Rows {
    fn of(estimand: &Estimand, design: &Design, sample: &Sample, by_unit: bool) -> Result<Self, Error> {
        let mut rows = Self { covariates: vec![Vec::new(); design.covariates.len()], ..Self::default() };
        for (at, name) in [&estimand.baseline_arm, &estimand.arm].into_iter().enumerate() {
            let arm = sample.arm(&estimand.metric, name)?;
            if arm.units == 0 {
                continue;
            }
            rows.units[at] = match by_unit {
                true => rows.push_units(estimand, design, arm)?,
                false => rows.push_compressed(estimand, design, arm)?,
            };
            if at == 0 {
                rows.of_baseline = rows.outcomes.n.len();
            }
            let left_out = arm.units.saturating_sub(rows.units[at]);
            if left_out > 0 {
                let units = arm.units;
                rows.notes.push(format!("{left_out} of {units} units of arm `{name}` have no value and are left out."));
            }
        }
        Ok(rows)
    }

    /// Adds the distinct rows of an arm; gives its complete units.
    fn push_compressed(&mut self, estimand: &Estimand, design: &Design, arm: &ArmSample) -> Result<u64, Error> {
        let kept = arm.compressed(&estimand.metric, &design.covariates, &estimand.summary.variables())?;
        self.outcomes.n.extend(kept.n().iter().map(|n| *n as f64));
        self.outcomes.mean.extend(kept.mean(0));
        self.outcomes.rest.extend(kept.rest(0));
        self.outcomes.centred.extend(kept.centred(0));
        for (at, column) in self.covariates.iter_mut().enumerate() {
            column.extend(kept.feature(at));
        }
        Ok(kept.units())
    }

    /// Adds the units of an arm, a row each; gives how many are complete.
    fn push_units(&mut self, estimand: &Estimand, design: &Design, arm: &ArmSample) -> Result<u64, Error> {
        let variables = variables(estimand, design);
        let batch = arm.unit_rows(&estimand.metric, &variables)?;
        let cells = variables.iter().map(|variable| {
            let column = batch.column_by_name(variable).and_then(|column| column.as_primitive_opt::<Float64Type>());
            column.ok_or_else(|| Error::Missing {
                metric: estimand.metric.clone(),
                what: "unit rows",
                variables: format!("`{variable}`"),
            })
        });
        let cells = cells.collect::<Result<Vec<_>, Error>>()?;
        for (variable, column) in variables.iter().zip(&cells) {
            let count = column.iter().flatten().filter(|value| !value.is_finite()).count() as u64;
            if count > 0 {
                let (metric, variable) = (estimand.metric.clone(), variable.clone());
                return Err(Error::NotFinite { metric, variable, count });
            }
        }
        let complete = |row: &usize| cells.iter().all(|column| column.is_valid(*row));
        let complete: Vec<usize> = (0..batch.num_rows()).filter(complete).collect();
        let columns = std::iter::once(&mut self.outcomes.mean).chain(&mut self.covariates);
        for (column, cells) in columns.zip(&cells) {
            column.extend(complete.iter().map(|row| cells.value(*row)));
        }
        self.outcomes.n.resize(self.outcomes.mean.len(), 1.0);
        self.outcomes.rest.resize(self.outcomes.mean.len(), 0.0);
        self.outcomes.centred.resize(self.outcomes.mean.len(), 0.0);
        Ok(complete.len() as u64)
    }

    /// Leaves out covariates that say nothing, as indicators of missing values do when none is missing, or when two
    /// covariates miss the same units; gives the names of the others.
    fn keep_those_with_a_slope(&mut self, estimand: &Estimand, names: &[Variable], per_arm: bool) -> Vec<Variable> {
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
    fn treated(&self, row: usize) -> bool {
        row >= self.of_baseline
    }
}

/// The columns of the regression with their names, and what it predicts for each arm.
struct Model {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    /// Means over all units of the covariates as they enter the model.
    means: Vec<f64>,
    per_arm: bool,
}

impl Model {
    fn of(rows: &Rows, covariates: &[Variable], per_arm: bool) -> Self {
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
    fn prediction(&self, treated: bool) -> DVector<f64> {
        let covariates = self.means.iter().copied();
        let interactions = self.means.iter().map(|mean| if treated { *mean } else { 0.0 });
        let weights = [1.0, f64::from(u8::from(treated))].into_iter().chain(covariates);
        let mut weights: Vec<f64> = weights.collect();
        if self.per_arm {
            weights.extend(interactions);
        }
        DVector::from_vec(weights)
    }

    fn outcomes(
        &self,
        estimand: &Estimand,
        design: &Design,
        rows: &Rows,
        fit: &Fit,
        covariance: Option<&DMatrix<f64>>,
    ) -> PotentialOutcomes {
        let predictions = [self.prediction(false), self.prediction(true)];
        // The intercept carries the level of the outcome; the rest is small against it and keeps its own digits.
        let level = Mean::from(fit.coefficients[0]);
        let predicted = predictions.each_ref().map(|weights| {
            level.plus(weights.iter().zip(fit.coefficients.iter()).skip(1).map(|(weight, beta)| weight * beta).sum())
        });
        let mut notes = rows.notes.clone();
        let components = covariance.map(|covariance| {
            let joint = DMatrix::from_fn(2, 2, |i, j| predictions[i].dot(&(covariance * &predictions[j])));
            let mut parts = vec![VarianceComponent { covariance: joint, df: Some(fit.df()) }];
            if design.population == Population::Sampled && !self.means.is_empty() {
                parts.push(self.spread(rows, fit));
            }
            parts
        });
        if components.is_none() {
            notes.push(NO_STANDARD_ERROR.to_owned());
        }
        let arm = |at: usize, name: &str| ArmMean {
            arm: name.to_owned(),
            n: rows.units[at],
            mean: Some(predicted[at].value),
            rest: predicted[at].rest,
            unadjusted: None,
        };
        PotentialOutcomes { arms: vec![arm(0, &estimand.baseline_arm), arm(1, &estimand.arm)], components, notes }
    }

    /// `βₐ'Σₓβ_b/N`: what the covariates' own sampling adds to the means.
    fn spread(&self, rows: &Rows, fit: &Fit) -> VarianceComponent {
        let (n, k) = (rows.outcomes.units(), self.means.len());
        let slopes = |treated: bool| {
            let interaction = |j: usize| if treated && self.per_arm { fit.coefficients[2 + k + j] } else { 0.0 };
            DVector::from_fn(k, |j, _| fit.coefficients[2 + j] + interaction(j))
        };
        let root = |row: usize| rows.outcomes.n[row].sqrt();
        let apart =
            DMatrix::from_fn(rows.outcomes.n.len(), k, |row, j| root(row) * (self.columns[1 + j][row] - self.means[j]));
        let fitted = [&apart * slopes(false), &apart * slopes(true)];
        let covariance = DMatrix::from_fn(2, 2, |i, j| fitted[i].dot(&fitted[j]) / (n - 1.0) / n);
        VarianceComponent { covariance, df: Some(n - 1.0) }
    }
}

/// One row per coefficient.
fn terms(
    estimand: &Estimand,
    inference: &Inference,
    model: &Model,
    fit: &Fit,
    covariance: Option<&DMatrix<f64>>,
) -> Estimates {
    let names = std::iter::once(INTERCEPT).chain(model.names.iter().map(String::as_str));
    let row = |(at, name): (usize, &str)| {
        let contrast = covariance.map(|covariance| LinearContrast {
            estimate: fit.coefficients[at],
            variance: covariance[(at, at)],
            df: Some(fit.df()),
        });
        inference.term(estimand, name, fit.coefficients[at], contrast)
    };
    names.enumerate().map(row).collect()
}
