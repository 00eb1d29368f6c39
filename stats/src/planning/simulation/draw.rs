//! Drawing the joint moments of an arm.
//!
//! Where the moments' own distribution is known they are drawn, not the units: a binomial count, a normal mean and a
//! chi-squared spread, the counts of each distinct row of a history. The experiment is the same, and its cost does not grow
//! with the units.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, ChiSquared, Distribution, Gamma, LogNormal, Poisson, StandardNormal};

use super::source::{Change, Source};
use crate::error::Error;
use crate::estimand::SummaryKind;
use crate::planning::refuse;
use crate::suffstat::CoMoments;

/// The numbers of one experiment: a stream of its own under the seed.
pub(super) fn stream(seed: u64, experiment: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(experiment);
    random
}

/// One arm of every experiment, made ready once.
#[derive(Debug, Clone)]
pub(super) enum Arm {
    Bernoulli {
        share: f64,
    },
    Normal {
        mean: f64,
        std_dev: f64,
        covariate: Option<f64>,
    },
    /// Units drawn one by one.
    Units {
        law: Law,
        factor: f64,
        shift: f64,
    },
    /// Distinct rows, by row, and the share of each.
    Rows {
        kind: SummaryKind,
        rows: Vec<Vec<f64>>,
        shares: Vec<f64>,
    },
}

/// A law of units.
#[derive(Debug, Clone, Copy)]
pub(super) enum Law {
    Poisson(Poisson<f64>, f64),
    NegativeBinomial(Gamma<f64>, f64),
    LogNormal { share: f64, law: LogNormal<f64>, mean: f64 },
}

impl Arm {
    /// The arm that this change makes of the source.
    pub fn of(source: &Source, change: Change) -> Result<Arm, Error> {
        source.check()?;
        let (factor, shift) = match change {
            Change::None => (1.0, 0.0),
            Change::Shift(shift) => (1.0, shift),
            Change::Lift(lift) => (1.0 + lift, 0.0),
        };
        if !(factor.is_finite() && shift.is_finite()) {
            return Err(refuse("change", "infinite", "a finite change"));
        }
        let impossible = |_| refuse("source", "impossible", "parameters within the range of doubles");
        let units = |law: Law| Ok(Arm::Units { law, factor, shift });
        match source {
            Source::Bernoulli { share } => Ok(Arm::Bernoulli { share: changed_share(*share, factor, shift)? }),
            Source::Normal { mean, std_dev, covariate } => {
                Ok(Arm::Normal { mean: mean * factor + shift, std_dev: std_dev * factor.abs(), covariate: *covariate })
            }
            Source::Counts { mean, size } => {
                // The mean is changed, and the counts stay counts.
                let mean = mean * factor + shift;
                if mean <= 0.0 {
                    return Err(refuse("change", mean, "it leaves counts a mean above 0"));
                }
                let law = match size {
                    None => Law::Poisson(Poisson::new(mean).map_err(|_| impossible(()))?, mean),
                    Some(size) => {
                        Law::NegativeBinomial(Gamma::new(*size, mean / size).map_err(|_| impossible(()))?, mean)
                    }
                };
                Ok(Arm::Units { law, factor: 1.0, shift: 0.0 })
            }
            Source::LogNormal { mean, std_dev } => units(log_normal(1.0, *mean, *std_dev).map_err(|_| impossible(()))?),
            Source::ZeroInflated { share, mean, std_dev } => {
                units(log_normal(*share, *mean, *std_dev).map_err(|_| impossible(()))?)
            }
            Source::Values(population) => {
                let total: u64 = population.counts.iter().sum();
                let mut shares: Vec<f64> = population.counts.iter().map(|count| *count as f64 / total as f64).collect();
                let mut rows: Vec<Vec<f64>> = (0..shares.len())
                    .map(|row| population.columns.iter().map(|column| column[row]).collect())
                    .collect();
                if population.kind == SummaryKind::Proportion {
                    // Successes are made more likely, each row as much as the next, so that they stay 0 and 1.
                    let share: f64 = rows.iter().zip(&shares).map(|(row, share)| row[0] * share).sum();
                    let treated = changed_share(share, factor, shift)?;
                    let scale =
                        |row: &[f64]| if row[0] == 1.0 { treated / share } else { (1.0 - treated) / (1.0 - share) };
                    shares
                        .iter_mut()
                        .zip(&rows)
                        .filter(|(part, _)| **part > 0.0)
                        .for_each(|(part, row)| *part *= scale(row));
                } else {
                    rows.iter_mut().for_each(|row| row[0] = row[0] * factor + shift);
                }
                Ok(Arm::Rows { kind: population.kind, rows, shares })
            }
        }
    }

    /// The true summary of the arm, in the unit of the metric.
    pub fn summary(&self) -> f64 {
        match self {
            Arm::Bernoulli { share } => *share,
            Arm::Normal { mean, .. } => *mean,
            Arm::Units { law, factor, shift } => {
                let mean = match law {
                    Law::Poisson(_, mean) | Law::NegativeBinomial(_, mean) => *mean,
                    Law::LogNormal { share, mean, .. } => share * mean,
                };
                mean * factor + shift
            }
            Arm::Rows { kind, rows, shares } => {
                let mean = |column: usize| rows.iter().zip(shares).map(|(row, share)| row[column] * share).sum::<f64>();
                if *kind == SummaryKind::Ratio { mean(0) / mean(1) } else { mean(0) }
            }
        }
    }

    /// The joint moments of so many units.
    pub fn draw(&self, units: u64, random: &mut ChaCha8Rng) -> Result<CoMoments, Error> {
        match self {
            Arm::Bernoulli { share } => {
                let ones = binomial(units, *share, random) as f64;
                let (n, p) = (units as f64, ones / units as f64);
                let variance = if units > 1 { n * p * (1.0 - p) / (n - 1.0) } else { 0.0 };
                Ok(CoMoments::from_summary(units, &[p], &[vec![variance]])?)
            }
            Arm::Normal { mean, std_dev, covariate } => Ok(normal(units, *mean, *std_dev, *covariate, random)?),
            Arm::Units { law, factor, shift } => {
                let mut sums = Sums::about(&[self.summary()]);
                for _ in 0..units {
                    sums.add(&[law.sample(random) * factor + shift], 1.0);
                }
                sums.moments(units)
            }
            Arm::Rows { rows, shares, .. } => {
                let about: Vec<f64> = (0..rows[0].len())
                    .map(|column| rows.iter().zip(shares).map(|(row, share)| row[column] * share).sum())
                    .collect();
                let mut sums = Sums::about(&about);
                // A multinomial, as binomials of what is left.
                let (mut left, mut share_left) = (units, 1.0_f64);
                for (row, share) in rows.iter().zip(shares) {
                    if left == 0 {
                        break;
                    }
                    let count = if *share >= share_left { left } else { binomial(left, share / share_left, random) };
                    share_left -= share;
                    left -= count;
                    if count > 0 {
                        sums.add(row, count as f64);
                    }
                }
                // What rounding of the shares left over belongs to the last row.
                if let (Some(last), true) = (rows.last(), left > 0) {
                    sums.add(last, left as f64);
                }
                sums.moments(units)
            }
        }
    }
}

impl Law {
    fn sample(&self, random: &mut ChaCha8Rng) -> f64 {
        match self {
            Law::Poisson(law, _) => law.sample(random),
            // A Poisson number whose mean is gamma-distributed.
            Law::NegativeBinomial(law, _) => {
                let mean = law.sample(random);
                if mean > 0.0 { Poisson::new(mean).map_or(0.0, |law| law.sample(random)) } else { 0.0 }
            }
            Law::LogNormal { share, law, .. } => {
                if *share >= 1.0 || random.random::<f64>() < *share {
                    law.sample(random)
                } else {
                    0.0
                }
            }
        }
    }
}

/// The log-normal with this mean and standard deviation of its own.
fn log_normal(share: f64, mean: f64, std_dev: f64) -> Result<Law, rand_distr::NormalError> {
    let variance = (std_dev / mean).powi(2).ln_1p();
    Ok(Law::LogNormal { share, law: LogNormal::new(mean.ln() - variance / 2.0, variance.sqrt())?, mean })
}

fn changed_share(share: f64, factor: f64, shift: f64) -> Result<f64, Error> {
    let treated = share * factor + shift;
    match (0.0..=1.0).contains(&treated) {
        true => Ok(treated),
        false => Err(refuse("change", treated, "it leaves the share between 0 and 1")),
    }
}

fn binomial(trials: u64, share: f64, random: &mut ChaCha8Rng) -> u64 {
    Binomial::new(trials, share.clamp(0.0, 1.0)).map_or(0, |law| law.sample(random))
}

/// Mean and spread of normals, and those of a covariate with variance one beside them: Bartlett's decomposition.
fn normal(
    units: u64,
    mean: f64,
    std_dev: f64,
    covariate: Option<f64>,
    random: &mut ChaCha8Rng,
) -> Result<CoMoments, crate::suffstat::Error> {
    let (n, df) = (units as f64, units.saturating_sub(1) as f64);
    let standard = |random: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(random) };
    let chi_squared = |df: f64, random: &mut ChaCha8Rng| ChiSquared::new(df).map_or(0.0, |law| law.sample(random));
    let (x, z) = (standard(random) / n.sqrt(), standard(random) / n.sqrt());
    let Some(r) = covariate else {
        let variance = if units > 1 { std_dev * std_dev * chi_squared(df, random) / df } else { 0.0 };
        return CoMoments::from_summary(units, &[mean + std_dev * x], &[vec![variance]]);
    };
    let rest = (1.0 - r * r).max(0.0).sqrt();
    // Σ(x − x̄)² = a², Σ(x − x̄)(z − z̄) = ab, Σ(z − z̄)² = b² + c².
    let (a, b) = (chi_squared(df, random).sqrt(), standard(random));
    let c = if units > 2 { chi_squared(df - 1.0, random) } else { 0.0 };
    let (xx, xz, zz) = if units > 1 { (a * a / df, a * b / df, (b * b + c) / df) } else { (0.0, 0.0, 0.0) };
    let (of_y, cross) = (r * r * xx + 2.0 * r * rest * xz + rest * rest * zz, r * xx + rest * xz);
    let covariance = [vec![std_dev * std_dev * of_y, std_dev * cross], vec![std_dev * cross, xx]];
    CoMoments::from_summary(units, &[mean + std_dev * (r * x + rest * z), x], &covariance)
}

/// Sums of distances from a point near the mean, so that squares do not cancel.
struct Sums {
    about: Vec<f64>,
    first: Vec<f64>,
    second: Vec<Vec<f64>>,
}

impl Sums {
    fn about(about: &[f64]) -> Self {
        let k = about.len();
        Self { about: about.to_vec(), first: vec![0.0; k], second: vec![vec![0.0; k]; k] }
    }

    fn add(&mut self, row: &[f64], count: f64) {
        let distances: Vec<f64> = row.iter().zip(&self.about).map(|(value, about)| value - about).collect();
        for (i, (first, second)) in self.first.iter_mut().zip(&mut self.second).enumerate() {
            *first += count * distances[i];
            for (cell, other) in second.iter_mut().zip(&distances[..=i]) {
                *cell += count * distances[i] * other;
            }
        }
    }

    fn moments(&self, units: u64) -> Result<CoMoments, Error> {
        let (n, k) = (units as f64, self.about.len());
        let means: Vec<f64> = (0..k).map(|i| self.about[i] + self.first[i] / n).collect();
        let centred = |i: usize, j: usize| {
            let (i, j) = (i.max(j), i.min(j));
            self.second[i][j] - self.first[i] * self.first[j] / n
        };
        let covariance = |i: usize, j: usize| {
            if units < 2 {
                return 0.0;
            }
            let value = centred(i, j) / (n - 1.0);
            // Of equal values rounding leaves a trace that is no variance.
            if value.abs() <= 1e-14 * self.second[i.max(j)][i.min(j)].abs() / n || i == j && value < 0.0 {
                0.0
            } else {
                value
            }
        };
        let matrix: Vec<Vec<f64>> = (0..k).map(|i| (0..k).map(|j| covariance(i, j)).collect()).collect();
        Ok(CoMoments::from_summary(units, &means, &matrix)?)
    }
}
