//! Effects by day since exposure, of units that were there on all days.
//!
//! An effect that fades is novelty, one that grows is learning; either says that the experiment's mean over its days is not
//! what will stay. The same units make every day's effect, so the days are correlated, and both questions need the joint
//! covariance: one [`CoMoments`] per arm with a variable per day, from one pass.
//!
//! ```
//! use estimand_stats::days_since_exposure::DailyEffects;
//! use estimand_stats::suffstat::CoMoments;
//!
//! let arm = |means: [f64; 3]| {
//!     let covariance = [[4.0, 1.0, 1.0], [1.0, 4.0, 1.0], [1.0, 1.0, 4.0]].map(Vec::from);
//!     CoMoments::from_summary(10_000, &means, &covariance)
//! };
//! let effects = DailyEffects::of(&arm([1.0, 1.0, 1.0])?, &arm([1.3, 1.2, 1.1])?)?;
//! let trend = effects.trend(0.95)?;
//! assert!((trend.slope + 0.1).abs() < 1e-12 && trend.tail.ok_or("days vary")?.p < 1e-4);
//! assert!(effects.constancy().ok_or("days vary")?.tail.p < 1e-4);
//! assert!(effects.band(0.95)?[2].simultaneous.low > Some(0.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use nalgebra::{DMatrix, DVector};

use crate::contrast::Interval;
use crate::dist::{Alternative, Continuous, MaximumModulus, MultivariateNormal, Normal, StudentT, TailProbability};
use crate::error::Error;
use crate::least_squares::CrossProducts;
use crate::meta::check_level;
use crate::several_arms::FTest;
use crate::suffstat::CoMoments;

/// The effect on each day, with the joint covariance of all days.
#[derive(Clone, Debug, PartialEq)]
pub struct DailyEffects {
    estimates: DVector<f64>,
    /// Of each arm: the covariance of its daily means, and its degrees of freedom.
    arms: [(DMatrix<f64>, f64); 2],
}

/// By how much the effect changes per day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// The least-squares slope of the daily effects, per day.
    pub slope: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Satterthwaite's degrees of freedom; `None` when nothing varies.
    pub df: Option<f64>,
    /// The two-sided test of no trend; `None` when nothing varies.
    pub tail: Option<TailProbability>,
    /// Its interval; open when nothing varies.
    pub interval: Interval,
}

/// The effect on one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DayPoint {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// The interval of this day alone; open when nothing varies.
    pub pointwise: Interval,
    /// The interval that covers together with those of all days; open when nothing varies.
    pub simultaneous: Interval,
}

impl DailyEffects {
    /// The difference of the arms' daily means.
    ///
    /// - **Needs** the joint moments of the outcomes per day, a variable each, in the order of the days.
    /// - **Errors** with [`Error::OutOfRange`] for fewer than two days, more than 200, unequal days, or an arm of fewer than two
    ///   units.
    pub fn of(baseline: &CoMoments, treated: &CoMoments) -> Result<DailyEffects, Error> {
        let refuse = |field: &str, value: String, expected: &str| {
            Err(Error::OutOfRange { field: field.to_owned(), value, expected: expected.to_owned() })
        };
        let k = baseline.k();
        if treated.k() != k {
            return refuse("days", format!("{k} and {}", treated.k()), "both arms have the same days");
        }
        if !(2..=MultivariateNormal::MOST).contains(&k) {
            return refuse("days", k.to_string(), "a curve has 2 to 200 days");
        }
        if let Some(few) = [baseline, treated].into_iter().find(|arm| arm.n() < 2) {
            return refuse("units of an arm", few.n().to_string(), "a covariance needs at least 2");
        }
        let of_arm = |arm: &CoMoments| {
            let (n, df) = (arm.n() as f64, arm.df() as f64);
            (DMatrix::from_fn(k, k, |i, j| arm.centred(i, j) / df / n), df)
        };
        let difference =
            |i: usize, _: usize| (treated.mean(i) - baseline.mean(i)) + (treated.mean_rest(i) - baseline.mean_rest(i));
        Ok(DailyEffects { estimates: DVector::from_fn(k, difference), arms: [of_arm(baseline), of_arm(treated)] })
    }

    /// The effects, a day each.
    pub fn estimates(&self) -> &[f64] {
        self.estimates.as_slice()
    }

    /// Tests whether the effect rises or falls from day to day: the weights of a least-squares line, `(t − t̄)/Σ(t − t̄)²`.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1).
    /// - **Assumes** daily means that are near normal.
    pub fn trend(&self, level: f64) -> Result<Trend, Error> {
        check_level(level)?;
        let k = self.estimates.len() as f64;
        let squares = k * (k * k - 1.0) / 12.0;
        let weights = DVector::from_fn(self.estimates.len(), |i, _| (i as f64 - 0.5 * (k - 1.0)) / squares);
        let slope = weights.dot(&self.estimates);
        let (variance, df) = self.variance(&weights);
        let (tail, interval) = judged(slope, variance.sqrt(), df, StudentTail::Level(level));
        Ok(Trend { slope, std_error: variance.sqrt(), df, tail, interval })
    }

    /// Tests whether the effect is one on all days, in any way.
    ///
    /// Hotelling's `T² = d'V⁻¹d` of the differences of each day from the one before, `V` the sum of both arms', with Yao's
    /// degrees of freedom `ν`: `T²(ν − q + 1)/(νq)` against F with `q` and `ν − q + 1`.
    ///
    /// - **Gives** `None` when the differences have no joint variance, as when nobody acts on two days, or when there are not
    ///   more degrees of freedom than days.
    /// - **Assumes** daily means that are near normal.
    /// - **Source** Yao (1965), "An approximate degrees of freedom solution to the multivariate Behrens–Fisher problem".
    pub fn constancy(&self) -> Option<FTest> {
        let q = self.estimates.len() - 1;
        let steps = DMatrix::from_fn(q, q + 1, |i, j| {
            if j == i {
                -1.0
            } else if j == i + 1 {
                1.0
            } else {
                0.0
            }
        });
        let parts = self.arms.each_ref().map(|(covariance, df)| (&steps * covariance * steps.transpose(), *df));
        let inverse = CrossProducts::new(&(&parts[0].0 + &parts[1].0))?;
        let differences = &steps * &self.estimates;
        let solved = inverse.solve(&differences);
        let statistic = differences.dot(&solved);
        // Of no difference at all the shares do not exist; the fewest degrees of freedom stand.
        let share = |part: &DMatrix<f64>| solved.dot(&(part * &solved)) / statistic;
        let inverse_df: f64 = parts.iter().map(|(part, df)| share(part).powi(2) / df).sum();
        let fewest = parts[0].1.min(parts[1].1);
        let df = Some(1.0 / inverse_df).filter(|df| df.is_finite()).unwrap_or(fewest);
        let (q, rest) = (q as f64, df - q as f64 + 1.0);
        if rest <= 0.0 {
            return None;
        }
        FTest::of(statistic * rest / (df * q), q, rest)
    }

    /// The curve with intervals of each day alone and of all days at once.
    ///
    /// Simultaneous intervals take as many standard errors as the largest of all days' statistics has, by their joint law;
    /// degrees of freedom are those of each day. Days on which nothing varies have no interval.
    ///
    /// - **Errors** with [`Error::OutOfRange`] for a level outside (0, 1).
    /// - **Source** Montiel Olea & Plagborg-Møller (2019), "Simultaneous confidence bands", algorithm 1.
    pub fn band(&self, level: f64) -> Result<Vec<DayPoint>, Error> {
        check_level(level)?;
        let k = self.estimates.len();
        let covariance = &self.arms[0].0 + &self.arms[1].0;
        let varying: Vec<usize> = (0..k).filter(|day| covariance[(*day, *day)] > 0.0).collect();
        let correlation = DMatrix::from_fn(varying.len(), varying.len(), |i, j| {
            let (a, b) = (varying[i], varying[j]);
            let r = covariance[(a, b)] / (covariance[(a, a)].sqrt() * covariance[(b, b)].sqrt());
            if i == j { 1.0 } else { r.clamp(-1.0, 1.0) }
        });
        let law = MultivariateNormal::new(correlation).and_then(|law| MaximumModulus::new(law, None));
        // Bonferroni's bound where rounding left the correlations none.
        let bound = || Normal.isf((1.0 - level) / 2.0 / varying.len().max(1) as f64);
        let critical = law.and_then(|law| law.isf(1.0 - level)).or_else(bound).unwrap_or(f64::INFINITY);
        let point = |day: usize| {
            let weights = DVector::from_fn(k, |i, _| if i == day { 1.0 } else { 0.0 });
            let (variance, df) = self.variance(&weights);
            let (estimate, std_error) = (self.estimates[day], variance.sqrt());
            let interval = |tail| judged(estimate, std_error, df, tail).1;
            DayPoint {
                estimate,
                std_error,
                pointwise: interval(StudentTail::Level(level)),
                simultaneous: interval(StudentTail::Beyond(critical)),
            }
        };
        Ok((0..k).map(point).collect())
    }

    /// The variance of a weighted sum of days, and Satterthwaite's degrees of freedom.
    fn variance(&self, weights: &DVector<f64>) -> (f64, Option<f64>) {
        let parts = self.arms.each_ref().map(|(covariance, df)| (weights.dot(&(covariance * weights)).max(0.0), *df));
        let variance = parts[0].0 + parts[1].0;
        let inverse: f64 = parts.iter().map(|(part, df)| (part / variance).powi(2) / df).sum();
        (variance, Some(1.0 / inverse).filter(|df| df.is_finite()))
    }
}

/// What an interval leaves outside.
#[derive(Clone, Copy)]
enum StudentTail {
    /// One minus this level.
    Level(f64),
    /// As much as lies beyond so many standard deviations of a normal.
    Beyond(f64),
}

/// The test of zero and the interval of an estimate; nothing and an open one when it does not vary.
fn judged(estimate: f64, std_error: f64, df: Option<f64>, tail: StudentTail) -> (Option<TailProbability>, Interval) {
    let Some(law) = df.and_then(StudentT::new).filter(|_| std_error > 0.0) else { return (None, Interval::default()) };
    let outside = match tail {
        StudentTail::Level(level) => (1.0 - level) / 2.0,
        StudentTail::Beyond(critical) => Normal.sf(critical),
    };
    let around = |critical: f64| Interval::around(estimate, critical * std_error, Alternative::TwoSided);
    let interval = law.isf(outside).map(around).unwrap_or_default();
    (TailProbability::two_sided(&law, estimate / std_error), interval)
}
