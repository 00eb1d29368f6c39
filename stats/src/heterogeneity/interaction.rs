//! Whether an effect changes with a covariate.

use nalgebra::{DMatrix, DVector};

use crate::dist::{ChiSquared, StudentT, TailProbability};
use crate::error::Error;
use crate::least_squares::{CrossProducts, Fit, Outcomes, Robust};
use crate::suffstat::Compressed;

/// A coefficient of the regression.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// `(intercept)`, `arm`, a covariate, or `arm:covariate`.
    pub name: String,
    /// The estimate.
    pub estimate: f64,
    /// Its robust standard error.
    pub std_error: f64,
    /// The test that it is zero; `None` when the standard error is.
    pub tail: Option<TailProbability>,
}

/// A regression of the outcome on arm, covariates and their products.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    /// The coefficients: intercept, arm, covariates, products.
    pub terms: Vec<Term>,
    /// Units minus coefficients.
    pub df: f64,
    /// Wald's statistic that all products are zero, and its test against chi-squared with as many degrees of freedom as
    /// there are products; `None` when the outcome does not vary about the regression.
    pub test: Option<(f64, TailProbability)>,
}

/// Tests whether the effect of an arm changes with covariates.
///
/// `y = α + τ·arm + x'β + arm·x'γ` by least squares, with heteroskedasticity-consistent standard errors; `γ` is by how much
/// the effect rises per unit of the covariate, and `τ` the effect where all covariates are zero. Of one covariate of 0 and 1
/// the four cells decide: with HC2 the standard errors are Welch's.
///
/// - **Needs** the compressed sample of each arm, the covariates as features and the outcome first among the outcomes; one
///   name per covariate.
/// - **Assumes** covariates fixed before exposure, and independent units.
/// - **Errors** with [`Error::TooFewUnits`] for an arm without units, [`Error::RankDeficient`] for covariates that do not
///   vary in an arm or repeat others, and where no degree of freedom is left or, with HC2 and HC3, one unit has all leverage.
/// - **Source** MacKinnon & White (1985); Imbens & Rubin (2015), section 7.6.
pub fn interaction(
    metric: &str,
    covariates: &[String],
    baseline: &Compressed,
    treated: &Compressed,
    kind: Robust,
) -> Result<Interaction, Error> {
    for (arm, rows) in [("baseline", baseline), ("treated", treated)] {
        if rows.units() == 0 {
            return Err(Error::TooFewUnits { metric: metric.to_owned(), arm: arm.to_owned(), n: 0, needed: 1 });
        }
    }
    let both = |of: fn(&Compressed, usize) -> &[f64], k: usize| [of(baseline, k), of(treated, k)].concat();
    let n = [baseline.n(), treated.n()].concat().into_iter().map(|n| n as f64).collect();
    let outcomes = Outcomes {
        n,
        mean: both(Compressed::mean, 0),
        rest: both(Compressed::rest, 0),
        centred: both(Compressed::centred, 0),
    };
    let arm: Vec<f64> = (0..outcomes.n.len()).map(|row| f64::from(u8::from(row >= baseline.rows()))).collect();
    let features: Vec<Vec<f64>> = (0..covariates.len()).map(|k| both(Compressed::feature, k)).collect();
    let product = |x: &Vec<f64>| x.iter().zip(&arm).map(|(x, arm)| x * arm).collect();
    let products: Vec<Vec<f64>> = features.iter().map(product).collect();
    let columns: Vec<Vec<f64>> = std::iter::once(arm).chain(features).chain(products).collect();
    let names: Vec<String> = ["(intercept)".to_owned(), "arm".to_owned()]
        .into_iter()
        .chain(covariates.iter().cloned())
        .chain(covariates.iter().map(|name| format!("arm:{name}")))
        .collect();
    let deficient = |columns: String| Error::RankDeficient { metric: metric.to_owned(), columns };
    let fit = Fit::of(&outcomes, &columns).map_err(|redundant| {
        deficient(redundant.iter().map(|at| format!("`{}`", names[at + 1])).collect::<Vec<_>>().join(", "))
    })?;
    let covariance = fit.covariance(kind).ok_or_else(|| {
        let n = outcomes.units() as u64;
        let needed = names.len() as u64 + 1;
        Error::TooFewUnits { metric: metric.to_owned(), arm: "both arms together".to_owned(), n, needed }
    })?;
    let law = StudentT::new(fit.df());
    let term = |(at, name): (usize, String)| {
        let (estimate, std_error) = (fit.coefficients[at], covariance[(at, at)].sqrt());
        let tail = law.as_ref().and_then(|law| TailProbability::two_sided(law, estimate / std_error));
        Term { name, estimate, std_error, tail }
    };
    let first = 2 + covariates.len();
    let test = wald(
        &fit.coefficients.rows(first, covariates.len()).into_owned(),
        &covariance.view((first, first), (covariates.len(), covariates.len())).into_owned(),
    );
    Ok(Interaction { terms: names.into_iter().enumerate().map(term).collect(), df: fit.df(), test })
}

/// `θ̂'V⁻¹θ̂` against chi-squared; `None` when the covariance has no inverse.
fn wald(estimates: &DVector<f64>, covariance: &DMatrix<f64>) -> Option<(f64, TailProbability)> {
    let inverse = CrossProducts::new(covariance)?;
    let statistic = estimates.dot(&inverse.solve(estimates));
    let tail = TailProbability::upper(&ChiSquared::new(estimates.len() as f64)?, statistic)?;
    Some((statistic, tail))
}
