//! Weibull's accelerated failure times.

use nalgebra::{DMatrix, DVector};

use super::{CoxError, CoxRow};
use crate::least_squares::CrossProducts;

/// Most steps of Newton's method; a likelihood with a maximum takes ten or so.
const MOST_STEPS: usize = 100;
/// Most halvings of one step.
const MOST_HALVINGS: i32 = 40;

/// Lifetimes of Weibull's form: `ln T = β₀ + x'β + σW` with `W` of the smallest extreme value.
///
/// `exp(β)` is by how much a covariate stretches all times, and `exp(−β/σ)` its hazard ratio.
///
/// - **Assumes** lifetimes of this form, and that units leave for reasons that have nothing to do with the event.
/// - **Source** Kalbfleisch & Prentice (2002), section 3.6; the parameters are those of R's `survreg`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weibull {
    /// The intercept, then a coefficient for each covariate.
    pub coefficients: Vec<f64>,
    /// `σ`: below one where hazards rise with time.
    pub scale: f64,
    /// The log likelihood at the estimate, of the times themselves.
    pub log_likelihood: f64,
}

impl Weibull {
    /// The fit of rows in any order; strata are not told apart.
    ///
    /// # Errors
    /// [`CoxError::Row`] for a row that is not finite, does not fit the others or has a time that is not above zero;
    /// [`CoxError::NoEvents`]; [`CoxError::Collinear`] counting covariates from 0; [`CoxError::Diverges`] when the
    /// likelihood has no maximum, as with events at one time only.
    pub fn fit(rows: &[CoxRow]) -> Result<Self, CoxError> {
        let k = rows.first().map_or(0, |row| row.x.len());
        let odd = |row: &CoxRow| {
            !(row.time > 0.0 && row.time.is_finite() && row.x.len() == k && row.x.iter().all(|x| x.is_finite()))
        };
        if let Some(at) = rows.iter().position(odd) {
            return Err(CoxError::Row(at));
        }
        let seen = |row: &CoxRow| if row.event { row.count as f64 } else { 0.0 };
        let events: f64 = rows.iter().map(seen).sum();
        let units: f64 = rows.iter().map(|row| row.count as f64).sum();
        if events == 0.0 {
            return Err(CoxError::NoEvents);
        }
        // About their means, so that columns far from zero keep their digits.
        let mean = |of: &dyn Fn(&CoxRow) -> f64| rows.iter().map(|row| row.count as f64 * of(row)).sum::<f64>() / units;
        let centre_of_times = mean(&|row| row.time.ln());
        let centres: Vec<f64> = (0..k).map(|at| mean(&|row| row.x[at])).collect();
        // z = τ·ln t − x'γ is linear in (τ, γ), in which the likelihood is concave; τ = 1/σ and γ = β/σ.
        let direction = |row: &CoxRow| {
            let covariates = row.x.iter().zip(&centres).map(|(x, centre)| centre - x);
            DVector::from_iterator(k + 2, [row.time.ln() - centre_of_times, -1.0].into_iter().chain(covariates))
        };
        let data: Vec<(DVector<f64>, f64, f64)> =
            rows.iter().map(|row| (direction(row), row.count as f64, seen(row))).collect();
        let mut at = DVector::zeros(k + 2);
        (at[0], at[1]) = (1.0, (units / events).ln());
        let mut found = Derivatives::at(&data, events, &at).ok_or(CoxError::Diverges)?;
        let redundant = CrossProducts::redundant(&found.information);
        if !redundant.is_empty() {
            let covariates: Vec<usize> = redundant.iter().filter_map(|column| column.checked_sub(2)).collect();
            return Err(if covariates.is_empty() { CoxError::Diverges } else { CoxError::Collinear(covariates) });
        }
        for _ in 0..MOST_STEPS {
            let step = CrossProducts::new(&found.information).ok_or(CoxError::Diverges)?.solve(&found.gradient);
            let rise = step.dot(&found.gradient);
            if rise < 1e-16 * events {
                let tau = at[0];
                let slopes: Vec<f64> = at.iter().skip(2).map(|gamma| gamma / tau).collect();
                let shift: f64 = slopes.iter().zip(&centres).map(|(slope, centre)| slope * centre).sum();
                let intercept = at[1] / tau + centre_of_times - shift;
                let times: f64 = rows.iter().map(|row| seen(row) * row.time.ln()).sum();
                return Ok(Self {
                    coefficients: std::iter::once(intercept).chain(slopes).collect(),
                    scale: 1.0 / tau,
                    log_likelihood: found.value - times,
                });
            }
            let halved = (0..MOST_HALVINGS).find_map(|halvings| {
                let next = &at + &step * 0.5_f64.powi(halvings);
                let there = Derivatives::at(&data, events, &next)?;
                (there.value >= found.value - 1e-13 * found.value.abs()).then_some((next, there))
            });
            (at, found) = halved.ok_or(CoxError::Diverges)?;
        }
        Err(CoxError::Diverges)
    }
}

/// The log likelihood of the logarithms of times, and its derivatives.
struct Derivatives {
    value: f64,
    gradient: DVector<f64>,
    /// Minus the second derivatives.
    information: DMatrix<f64>,
}

impl Derivatives {
    /// `None` outside the parameters' range, and where a sum leaves that of doubles.
    fn at(data: &[(DVector<f64>, f64, f64)], events: f64, at: &DVector<f64>) -> Option<Self> {
        let (tau, p) = (at[0], at.len());
        if tau.is_nan() || tau <= 0.0 {
            return None;
        }
        let (mut value, mut gradient) = (events * tau.ln(), DVector::zeros(p));
        let mut information = DMatrix::zeros(p, p);
        gradient[0] = events / tau;
        information[(0, 0)] = events / tau / tau;
        for (direction, count, seen) in data {
            let z = direction.dot(at);
            let hazard = count * z.exp();
            value += seen * z - hazard;
            gradient.axpy(seen - hazard, direction, 1.0);
            information.ger(hazard, direction, direction, 1.0);
        }
        value.is_finite().then_some(Self { value, gradient, information })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(time: f64, event: bool, count: u64, x: f64) -> CoxRow {
        CoxRow { time, event, stratum: 0, count, x: vec![x] }
    }

    #[test]
    fn times_in_other_units_move_the_intercept_alone() {
        let rows: Vec<CoxRow> = (1..40).map(|i| row(f64::from(i * 17 % 41), i % 4 > 0, 1, f64::from(i % 2))).collect();
        let weeks: Vec<CoxRow> = rows.iter().map(|own| CoxRow { time: own.time / 7.0, ..own.clone() }).collect();
        let (days, weeks) = (Weibull::fit(&rows).unwrap(), Weibull::fit(&weeks).unwrap());
        assert!((days.coefficients[0] - weeks.coefficients[0] - 7.0_f64.ln()).abs() < 1e-9);
        assert!((days.coefficients[1] - weeks.coefficients[1]).abs() < 1e-9 && (days.scale - weeks.scale).abs() < 1e-9);
    }

    #[test]
    fn what_has_no_estimate_is_refused_with_its_reason() {
        assert_eq!(Weibull::fit(&[row(1.0, false, 3, 0.0)]), Err(CoxError::NoEvents));
        assert_eq!(Weibull::fit(&[row(1.0, true, 3, 0.0), row(0.0, true, 1, 1.0)]), Err(CoxError::Row(1)));
        let constant: Vec<CoxRow> = (1..9).map(|i| row(f64::from(i), true, 1, 2.0)).collect();
        assert_eq!(Weibull::fit(&constant), Err(CoxError::Collinear(vec![0])));
        let at_once = [row(3.0, true, 5, 0.0), row(3.0, true, 5, 1.0)];
        assert_eq!(Weibull::fit(&at_once), Err(CoxError::Diverges));
    }
}
