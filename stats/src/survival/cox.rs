//! Cox's proportional hazards.

use nalgebra::{DMatrix, DVector};

use super::concordance::concordance;
use super::cox_exact::exact_terms;
use crate::least_squares::CrossProducts;

/// Most steps of Newton's method; a likelihood with a maximum takes five or six.
const MOST_STEPS: usize = 40;
/// Most halvings of one step.
const MOST_HALVINGS: i32 = 30;

/// How events at one time enter the partial likelihood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// As if all of them were at risk until the last of them: the default of Stata and SAS, towards zero with many ties.
    Breslow,
    /// As on average over the orders in which they can have happened, to first order: R's default.
    #[default]
    Efron,
    /// Over all sets of as many units, as for truly discrete times. Slow with many ties at one time.
    Exact,
}

/// Units with one time, one end and one set of covariates.
#[derive(Clone, Debug, PartialEq)]
pub struct CoxRow {
    /// The time, from entry.
    pub time: f64,
    /// Whether the event was seen at that time; else the units left then.
    pub event: bool,
    /// The baseline hazard that they share with others.
    pub stratum: u32,
    /// How many units.
    pub count: u64,
    /// Covariates, such as 1 for the treated arm.
    pub x: Vec<f64>,
}

/// A fitted model of hazards in proportion: `h(t | x) = h₀(t)·exp(x'β)`, each stratum with an `h₀` of its own.
///
/// - **Assumes** that hazard ratios stay the same over time, and that units leave for reasons that have nothing to do
///   with the event.
/// - **Source** Cox (1972); ties Breslow (1974), Efron (1977); robust errors Lin & Wei (1989).
#[derive(Clone, Debug, PartialEq)]
pub struct Cox {
    /// Log hazard ratios.
    pub coefficients: Vec<f64>,
    /// Their covariance from the information.
    pub covariance: DMatrix<f64>,
    /// The log partial likelihood with all coefficients zero, and at the estimate.
    pub log_likelihood: [f64; 2],
    /// The score test that all coefficients are zero, chi-squared with as many degrees of freedom as coefficients.
    pub score: f64,
    robust: Option<DMatrix<f64>>,
}

/// Why hazards cannot be estimated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CoxError {
    /// No event was seen while others were at risk.
    #[error("no event was seen with other units at risk, so hazards cannot be compared; lengthen the experiment")]
    NoEvents,
    /// A row does not fit the others, or has a value that the model has no place for.
    #[error("row {0} has a time or covariate that cannot be, or another number of covariates than the first row")]
    Row(usize),
    /// Covariates are linear combinations of others among the units at risk.
    #[error("covariates {0:?} (from 0) are linear combinations of the others among units at risk; leave them out")]
    Collinear(Vec<usize>),
    /// The likelihood has no maximum: a covariate tells all that have the event first from all others.
    #[error(
        "the likelihood rises without end: a covariate divides those with the event from all others at risk; leave it out"
    )]
    Diverges,
}

/// The log likelihood and its derivatives.
pub(super) struct Derivatives {
    pub value: f64,
    pub gradient: DVector<f64>,
    /// Minus the second derivatives.
    pub information: DMatrix<f64>,
}

impl Cox {
    /// The fit of rows in any order.
    ///
    /// # Errors
    /// [`CoxError`], with what to change.
    pub fn fit(rows: &[CoxRow], ties: Ties) -> Result<Cox, CoxError> {
        let data = Sorted::of(rows)?;
        let p = data.p;
        let zero = DVector::zeros(p);
        let start = data.derivatives(&zero, ties).ok_or(CoxError::NoEvents)?;
        let redundant = CrossProducts::redundant(&start.information);
        if !redundant.is_empty() {
            return Err(if redundant.len() == p { CoxError::NoEvents } else { CoxError::Collinear(redundant) });
        }
        let solve = |at: &Derivatives| CrossProducts::new(&at.information).map(|cross| cross.solve(&at.gradient));
        let score = solve(&start).ok_or(CoxError::NoEvents)?.dot(&start.gradient);
        let null = start.value;
        let (mut beta, mut at) = (zero, start);
        for _ in 0..MOST_STEPS {
            let step = solve(&at).ok_or(CoxError::Diverges)?;
            let rise = step.dot(&at.gradient);
            let halved = (0..MOST_HALVINGS).find_map(|halvings| {
                let next = &beta + &step * 0.5_f64.powi(halvings);
                let found = data.derivatives(&next, ties).filter(|found| found.value.is_finite())?;
                (found.value >= at.value - 1e-12 * at.value.abs()).then_some((next, found))
            });
            (beta, at) = halved.ok_or(CoxError::Diverges)?;
            // No rise is left to be had, and the predictors stand still: where the likelihood has no maximum, it rises
            // less and less while these go on.
            if rise < 1e-12 && data.moves_at_most(&step, 1e-5) {
                let inverse = inverse(&at.information).ok_or(CoxError::Diverges)?;
                let robust = (ties != Ties::Exact).then(|| &inverse * data.meat(&beta, ties) * &inverse);
                return Ok(Cox {
                    coefficients: beta.iter().copied().collect(),
                    covariance: inverse,
                    log_likelihood: [null, at.value],
                    score,
                    robust,
                });
            }
        }
        Err(CoxError::Diverges)
    }

    /// Twice the gain of the log likelihood: the likelihood-ratio test that all coefficients are zero.
    pub fn likelihood_ratio(&self) -> f64 {
        2.0 * (self.log_likelihood[1] - self.log_likelihood[0])
    }

    /// The Wald test that all coefficients are zero, with this covariance of theirs; `None` when it is singular.
    pub fn wald(&self, covariance: &DMatrix<f64>) -> Option<f64> {
        let beta = DVector::from_column_slice(&self.coefficients);
        Some(beta.dot(&CrossProducts::new(covariance)?.solve(&beta)))
    }

    /// The share of comparable pairs in which the unit with the higher predictor has the event first, equal predictors
    /// counting half; `None` without a comparable pair.
    ///
    /// - **Source** Harrell, Lee & Mark (1996); two events at one time are not compared, and a unit that left at the time
    ///   of an event had it later, as in R's `concordance`.
    pub fn concordance(&self, rows: &[CoxRow]) -> Option<f64> {
        concordance(rows, &self.coefficients)
    }

    /// The covariance of the coefficients that is right also when hazards are not in proportion; `None` with exact ties.
    ///
    /// - **Source** Lin & Wei (1989), equation (2.5), without a factor for small samples.
    pub fn robust_covariance(&self) -> Option<&DMatrix<f64>> {
        self.robust.as_ref()
    }
}

/// Rows by stratum, and from the last time to the first; covariates less their means.
struct Sorted<'a> {
    rows: Vec<(&'a CoxRow, DVector<f64>)>,
    p: usize,
}

/// Sums over units at risk: of `exp(x'β)`, that times `x`, and times `xx'`.
#[derive(Clone)]
struct RiskSums {
    s0: f64,
    s1: DVector<f64>,
    s2: DMatrix<f64>,
}

impl RiskSums {
    fn new(p: usize) -> Self {
        Self { s0: 0.0, s1: DVector::zeros(p), s2: DMatrix::zeros(p, p) }
    }

    fn add(&mut self, weight: f64, x: &DVector<f64>) {
        self.s0 += weight;
        self.s1.axpy(weight, x, 1.0);
        self.s2.ger(weight, x, x, 1.0);
    }

    /// These less a share of others.
    fn less(&self, share: f64, others: &RiskSums) -> RiskSums {
        RiskSums {
            s0: self.s0 - share * others.s0,
            s1: &self.s1 - &others.s1 * share,
            s2: &self.s2 - &others.s2 * share,
        }
    }
}

impl<'a> Sorted<'a> {
    fn of(rows: &'a [CoxRow]) -> Result<Self, CoxError> {
        let p = rows.first().map_or(0, |row| row.x.len());
        let odd = |row: &CoxRow| row.x.len() != p || !row.time.is_finite() || !row.x.iter().all(|x| x.is_finite());
        if let Some(at) = rows.iter().position(odd) {
            return Err(CoxError::Row(at));
        }
        let total: f64 = rows.iter().map(|row| row.count as f64).sum();
        if p == 0 || total == 0.0 {
            return Err(CoxError::NoEvents);
        }
        let sum = |k: usize| rows.iter().map(|row| row.count as f64 * row.x[k]).sum::<f64>();
        let means = DVector::from_fn(p, |k, _| sum(k) / total);
        let centred = |row: &'a CoxRow| (row, DVector::from_column_slice(&row.x) - &means);
        let mut rows: Vec<_> = rows.iter().filter(|row| row.count > 0).map(centred).collect();
        rows.sort_by(|(a, _), (b, _)| a.stratum.cmp(&b.stratum).then(b.time.total_cmp(&a.time)));
        Ok(Self { rows, p })
    }

    /// Whether a step of the coefficients changes no predictor by more than this.
    fn moves_at_most(&self, step: &DVector<f64>, most: f64) -> bool {
        self.rows.iter().all(|(_, x)| x.dot(step).abs() <= most)
    }

    /// Groups of rows with one time, from the last of each stratum to its first.
    fn times(&self) -> impl Iterator<Item = &[(&'a CoxRow, DVector<f64>)]> {
        self.rows.chunk_by(|(a, _), (b, _)| a.stratum == b.stratum && a.time == b.time)
    }

    /// `None` when nothing is left of a sum, or there are too many ties for an exact one.
    fn derivatives(&self, beta: &DVector<f64>, ties: Ties) -> Option<Derivatives> {
        let p = self.p;
        let mut all = Derivatives { value: 0.0, gradient: DVector::zeros(p), information: DMatrix::zeros(p, p) };
        let (mut stratum, mut risk, mut passed) = (None, RiskSums::new(p), 0);
        let mut first = 0;
        for tied in self.times() {
            if stratum != Some(tied[0].0.stratum) {
                (stratum, risk, first) = (Some(tied[0].0.stratum), RiskSums::new(p), passed);
            }
            passed += tied.len();
            let (mut dead, mut deaths) = (RiskSums::new(p), 0_u64);
            for (row, x) in tied {
                let (predictor, count) = (x.dot(beta), row.count as f64);
                risk.add(count * predictor.exp(), x);
                if row.event {
                    dead.add(count * predictor.exp(), x);
                    deaths += row.count;
                    all.value += count * predictor;
                    all.gradient.axpy(count, x, 1.0);
                }
            }
            if deaths == 0 {
                continue;
            }
            if ties == Ties::Exact && deaths > 1 {
                let at_risk = self.rows[first..passed].iter().map(|(row, x)| (row.count, x));
                exact_terms(at_risk, beta, deaths, &mut all)?;
                continue;
            }
            let share = |k: u64| if ties == Ties::Efron { k as f64 / deaths as f64 } else { 0.0 };
            // Breslow's terms are all one.
            let (terms, times) = if ties == Ties::Efron { (deaths, 1.0) } else { (1, deaths as f64) };
            for k in 0..terms {
                let sums = risk.less(share(k), &dead);
                let mean = &sums.s1 / sums.s0;
                all.value -= times * sums.s0.ln();
                all.gradient.axpy(-times, &mean, 1.0);
                all.information += (sums.s2 / sums.s0 - &mean * mean.transpose()) * times;
            }
        }
        all.value.is_finite().then_some(all)
    }

    /// `Σ UU'` over units, of their score residuals.
    fn meat(&self, beta: &DVector<f64>, ties: Ties) -> DMatrix<f64> {
        let p = self.p;
        let mut meat = DMatrix::zeros(p, p);
        for stratum in self.rows.chunk_by(|(a, _), (b, _)| a.stratum == b.stratum) {
            // What a unit at risk at each event time pays there: hazard, and hazard times the mean of those at risk.
            let mut risk = RiskSums::new(p);
            let mut paid = Vec::new();
            for tied in stratum.chunk_by(|(a, _), (b, _)| a.time == b.time) {
                let (mut dead, mut deaths) = (RiskSums::new(p), 0_u64);
                for (row, x) in tied {
                    let weight = row.count as f64 * x.dot(beta).exp();
                    risk.add(weight, x);
                    if row.event {
                        dead.add(weight, x);
                        deaths += row.count;
                    }
                }
                paid.push((tied, Payment::of(&risk, &dead, deaths, ties)));
            }
            // From the first time on: all that was paid at earlier times is paid by every unit still there.
            let (mut hazard, mut towards) = (0.0, DVector::zeros(p));
            for (tied, payment) in paid.into_iter().rev() {
                let (before, towards_before) = (hazard, towards.clone());
                hazard += payment.hazard;
                towards += &payment.towards;
                for (row, x) in tied {
                    let weight = x.dot(beta).exp();
                    let residual = if row.event {
                        let own = x * (before + payment.hazard_of_dead) - (&towards_before + &payment.towards_of_dead);
                        x - &payment.mean - own * weight
                    } else {
                        (x * hazard - &towards) * -weight
                    };
                    meat.ger(row.count as f64, &residual, &residual, 1.0);
                }
            }
        }
        meat
    }
}

/// What the events at one time take from the units at risk, in units of their own `exp(x'β)`.
struct Payment {
    hazard: f64,
    towards: DVector<f64>,
    /// The same of those who have the event themselves: by Efron only part of them is still at risk.
    hazard_of_dead: f64,
    towards_of_dead: DVector<f64>,
    /// The mean of those at risk that an event is held against.
    mean: DVector<f64>,
}

impl Payment {
    fn of(risk: &RiskSums, dead: &RiskSums, deaths: u64, ties: Ties) -> Payment {
        let zero = DVector::zeros(risk.s1.len());
        let mut payment = Payment {
            hazard: 0.0,
            towards: zero.clone(),
            hazard_of_dead: 0.0,
            towards_of_dead: zero.clone(),
            mean: zero,
        };
        let (terms, times) = if ties == Ties::Efron { (deaths, 1.0) } else { (deaths.min(1), deaths as f64) };
        for k in 0..terms {
            let share = if ties == Ties::Efron { k as f64 / deaths as f64 } else { 0.0 };
            let sums = risk.less(share, dead);
            let (hazard, mean) = (times / sums.s0, &sums.s1 / sums.s0);
            payment.hazard += hazard;
            payment.towards.axpy(hazard, &mean, 1.0);
            payment.hazard_of_dead += (1.0 - share) * hazard;
            payment.towards_of_dead.axpy((1.0 - share) * hazard, &mean, 1.0);
            payment.mean.axpy(times / deaths as f64, &mean, 1.0);
        }
        payment
    }
}

fn inverse(information: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let cross = CrossProducts::new(information)?;
    let p = information.nrows();
    let columns: Vec<DVector<f64>> =
        (0..p).map(|k| cross.solve(&DVector::from_fn(p, |i, _| f64::from(u8::from(i == k))))).collect();
    Some(DMatrix::from_columns(&columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(time: f64, event: bool, count: u64, x: f64) -> CoxRow {
        CoxRow { time, event, stratum: 0, count, x: vec![x] }
    }

    #[test]
    fn without_ties_all_three_agree_and_the_score_is_the_log_rank() {
        let rows: Vec<CoxRow> =
            (0..24).map(|i| row(f64::from(i * 7 % 24) + 1.0, i % 5 > 0, 1, f64::from(i % 2))).collect();
        let fits = [Ties::Breslow, Ties::Efron, Ties::Exact].map(|ties| Cox::fit(&rows, ties).unwrap());
        for fit in &fits {
            assert!((fit.coefficients[0] - fits[0].coefficients[0]).abs() < 1e-9);
            assert!((fit.covariance[(0, 0)] / fits[0].covariance[(0, 0)] - 1.0).abs() < 1e-9);
        }
        let arm = |x: f64| {
            let units = rows.iter().filter(|row| row.x[0] == x).map(|row| (row.time, row.event, row.count));
            super::super::LifeTable::of(units).unwrap()
        };
        let test = super::super::log_rank(&[vec![arm(0.0), arm(1.0)]], super::super::Weighting::default()).unwrap();
        assert!((test.statistic / fits[0].score - 1.0).abs() < 1e-12);
    }

    #[test]
    fn counts_stand_for_units() {
        let counted = [row(1.0, true, 3, 0.0), row(1.0, true, 1, 1.0), row(2.0, true, 2, 1.0), row(3.0, false, 4, 0.5)];
        let single: Vec<CoxRow> = counted
            .iter()
            .flat_map(|row| std::iter::repeat_n(CoxRow { count: 1, ..row.clone() }, row.count as usize))
            .collect();
        for ties in [Ties::Breslow, Ties::Efron, Ties::Exact] {
            let (one, other) = (Cox::fit(&counted, ties).unwrap(), Cox::fit(&single, ties).unwrap());
            assert!((one.coefficients[0] - other.coefficients[0]).abs() < 1e-9, "{ties:?}");
            assert!((one.log_likelihood[1] - other.log_likelihood[1]).abs() < 1e-9, "{ties:?}");
            if let (Some(one), Some(other)) = (one.robust_covariance(), other.robust_covariance()) {
                assert!((one[(0, 0)] / other[(0, 0)] - 1.0).abs() < 1e-9, "{ties:?}");
            }
        }
    }

    #[test]
    fn what_has_no_estimate_is_refused_with_its_reason() {
        let fit = |rows: &[CoxRow]| Cox::fit(rows, Ties::Efron).unwrap_err();
        assert_eq!(fit(&[row(1.0, false, 3, 0.0), row(2.0, false, 3, 1.0)]), CoxError::NoEvents);
        assert_eq!(fit(&[row(f64::NAN, true, 3, 0.0)]), CoxError::Row(0));
        assert_eq!(fit(&[row(1.0, true, 3, 0.0), row(2.0, false, 3, 1.0)]), CoxError::Diverges);
        let twice: Vec<CoxRow> = (0..8)
            .map(|i| CoxRow { x: vec![f64::from(i % 3), 2.0 * f64::from(i % 3)], ..row(f64::from(i), true, 1, 0.0) })
            .collect();
        assert_eq!(fit(&twice), CoxError::Collinear(vec![1]));
    }
}
