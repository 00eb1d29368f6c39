//! Ordinary least squares on rows, compressed or one per unit.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use nalgebra::DMatrix;

use crate::contrast::{DISTRIBUTION, Inference, LIFT, NO_STANDARD_ERROR};
use crate::design::{Design, Population};
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::Estimates;
use crate::estimator::arm_regression::{Model, Rows, SLOPE};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::{Estimator, answer, prepare};
use crate::least_squares::{Fit, Robust};
use crate::potential_outcomes::{ArmMean, LinearContrast, PotentialOutcomes, VarianceComponent};
use crate::requirement::{Requirements, Variable};
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
        let by_unit = options.choice(ROWS.name) == "units";
        let mut rows = Rows::of(estimand, sample, design.covariates.len(), |rows, arm| match by_unit {
            true => push_units(rows, estimand, design, arm),
            false => {
                let kept = arm.compressed(&estimand.metric, &design.covariates, &estimand.summary.variables())?;
                Ok(rows.push_compressed(kept))
            }
        })?;
        let per_arm = options.choice(SLOPE.name) == "per_arm";
        let covariates = rows.keep_those_with_a_slope(estimand, &design.covariates, per_arm);
        let model = Model::of(&rows, &covariates, per_arm);
        let fit = model.fit(estimand, &rows)?;
        let covariance = fit.covariance(robust(&options));
        let outcomes = outcomes(estimand, design, &rows, &model, &fit, covariance.as_ref());
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

/// Adds the units of an arm, a row each; gives how many are complete.
fn push_units(rows: &mut Rows, estimand: &Estimand, design: &Design, arm: &ArmSample) -> Result<u64, Error> {
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
    let columns = std::iter::once(&mut rows.outcomes.mean).chain(&mut rows.covariates);
    for (column, cells) in columns.zip(&cells) {
        column.extend(complete.iter().map(|row| cells.value(*row)));
    }
    rows.outcomes.n.resize(rows.outcomes.mean.len(), 1.0);
    rows.outcomes.rest.resize(rows.outcomes.mean.len(), 0.0);
    rows.outcomes.centred.resize(rows.outcomes.mean.len(), 0.0);
    Ok(complete.len() as u64)
}

/// What the model says of the means of both arms.
fn outcomes(
    estimand: &Estimand,
    design: &Design,
    rows: &Rows,
    model: &Model,
    fit: &Fit,
    covariance: Option<&DMatrix<f64>>,
) -> PotentialOutcomes {
    let predictions = [model.prediction(false), model.prediction(true)];
    let mut notes = rows.notes.clone();
    let components = covariance.map(|covariance| {
        let joint = DMatrix::from_fn(2, 2, |i, j| predictions[i].dot(&(covariance * &predictions[j])));
        let mut parts = vec![VarianceComponent { covariance: joint, df: Some(fit.df()) }];
        if design.population == Population::Sampled && !model.means.is_empty() {
            // `βₐ'Σₓβ_b/N`: what the covariates' own sampling adds to the means.
            let (n, moved) = (rows.outcomes.units(), model.moved(rows, &fit.coefficients));
            let covariance = moved.tr_mul(&moved) / (n - 1.0) / n;
            parts.push(VarianceComponent { covariance, df: Some(n - 1.0) });
        }
        parts
    });
    if components.is_none() {
        notes.push(NO_STANDARD_ERROR.to_owned());
    }
    let arm = |at: usize, name: &str| {
        let predicted = model.predicted(&fit.coefficients, at == 1);
        ArmMean {
            arm: name.to_owned(),
            n: rows.units[at],
            mean: Some(predicted.value),
            rest: predicted.rest,
            unadjusted: None,
        }
    };
    PotentialOutcomes { arms: vec![arm(0, &estimand.baseline_arm), arm(1, &estimand.arm)], components, notes }
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
