//! Laws of outcomes: what is drawn, and what is known of it in closed form.

use estimand_stats::dist::{Continuous, Normal};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Gamma, Poisson, StandardNormal};

/// A family of distributions in its plainest scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Family {
    /// 1 with probability `share`, else 0.
    Bernoulli {
        /// Probability of 1.
        share: f64,
    },
    /// Grades 1 to 5 with these probabilities: many ties.
    Grades([f64; 5]),
    /// `exp(log_sd·Z)`.
    LogNormal {
        /// Standard deviation of the logarithm.
        log_sd: f64,
    },
    /// Counts whose rate varies between units: `Poisson(mean·G)`, `G` gamma with mean 1 and variance `1/size`.
    NegativeBinomial {
        /// Mean count.
        mean: f64,
        /// Shape of the gamma.
        size: f64,
    },
    /// Standard normal.
    Normal,
    /// `P(X > x) = x^−tail` from 1 on.
    Pareto {
        /// Exponent: moments from this order on are infinite.
        tail: f64,
    },
    /// Counts of events at one rate.
    Poisson {
        /// Mean count.
        rate: f64,
    },
    /// 0, or with probability `share` a log-normal amount: revenue per user.
    ZeroInflated {
        /// Probability of an amount.
        share: f64,
        /// Standard deviation of its logarithm.
        log_sd: f64,
    },
}

/// `shift + factor·X` with `X` of a family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// The family of `X`.
    pub family: Family,
    /// Multiplies.
    pub factor: f64,
    /// Is added.
    pub shift: f64,
}

/// How a treatment moves a law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Every value by the same amount.
    Shift,
    /// Every value by the same factor.
    Scale,
    /// The parameter of the family: a share, a rate, the grades towards their end.
    Parameter,
}

/// The first four cumulants, standardised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cumulants {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
    /// Third cumulant over `sd³`; infinite where there is none.
    pub skewness: f64,
    /// Fourth cumulant over `sd⁴`; infinite where there is none.
    pub excess: f64,
}

impl Cumulants {
    /// From the moments about zero `E X … E X⁴`.
    pub fn of([m1, m2, m3, m4]: [f64; 4]) -> Self {
        let variance = m2 - m1 * m1;
        let third = m3 - 3.0 * m1 * m2 + 2.0 * m1.powi(3);
        let fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1.powi(4);
        let finite = |moment: f64, value: f64| if moment.is_finite() { value } else { f64::INFINITY };
        Self {
            mean: m1,
            variance,
            skewness: finite(m3, third / variance.powf(1.5)),
            excess: finite(m4, fourth / variance.powi(2) - 3.0),
        }
    }
}

/// Moments about zero from `E X(X−1)…(X−k+1)`.
fn from_factorial([f1, f2, f3, f4]: [f64; 4]) -> [f64; 4] {
    [f1, f2 + f1, f3 + 3.0 * f2 + f1, f4 + 6.0 * f3 + 7.0 * f2 + f1]
}

impl Family {
    /// `E X … E X⁴`, infinite where a moment is.
    pub fn moments(self) -> [f64; 4] {
        let by_order = |moment: &dyn Fn(f64) -> f64| [1.0, 2.0, 3.0, 4.0].map(moment);
        match self {
            Self::Bernoulli { share } => [share; 4],
            Self::Grades(weights) => by_order(&|k| grades(weights).map(|(grade, p)| p * grade.powf(k)).sum()),
            Self::LogNormal { log_sd } => by_order(&|k| (0.5 * (k * log_sd).powi(2)).exp()),
            Self::NegativeBinomial { mean, size } => {
                let mut product = 1.0;
                from_factorial([0.0, 1.0, 2.0, 3.0].map(|k| {
                    product *= (size + k) * mean / size;
                    product
                }))
            }
            Self::Normal => [0.0, 1.0, 0.0, 3.0],
            Self::Pareto { tail } => by_order(&|k| if tail > k { tail / (tail - k) } else { f64::INFINITY }),
            Self::Poisson { rate } => from_factorial([1, 2, 3, 4].map(|k| rate.powi(k))),
            Self::ZeroInflated { share, log_sd } => Self::LogNormal { log_sd }.moments().map(|moment| share * moment),
        }
    }

    /// The distance of neighbouring values, of laws that have whole numbers only.
    fn step(self) -> Option<f64> {
        match self {
            Self::Bernoulli { .. } | Self::Grades(_) | Self::NegativeBinomial { .. } | Self::Poisson { .. } => {
                Some(1.0)
            }
            Self::LogNormal { .. } | Self::Normal | Self::Pareto { .. } | Self::ZeroInflated { .. } => None,
        }
    }

    /// The value below which a share `u` lies, of laws with a density.
    fn quantile(self, u: f64) -> Option<f64> {
        let z = || Normal.isf(1.0 - u);
        match self {
            Self::LogNormal { log_sd } => Some((log_sd * z()?).exp()),
            Self::Normal => z(),
            Self::Pareto { tail } => Some((1.0 - u).powf(-1.0 / tail)),
            _ => None,
        }
    }

    fn draw(self, random: &mut impl Rng) -> f64 {
        let mut normal = || -> f64 { StandardNormal.sample(random) };
        match self {
            Self::LogNormal { log_sd } => (log_sd * normal()).exp(),
            Self::Normal => normal(),
            Self::Bernoulli { share } => f64::from(u8::from(random.random::<f64>() < share)),
            Self::Grades(weights) => {
                let u: f64 = random.random();
                let mut below = 0.0;
                let inside = grades(weights).take(4).take_while(|(_, p)| {
                    below += p;
                    below <= u
                });
                1.0 + inside.count() as f64
            }
            Self::NegativeBinomial { mean, size } => {
                let rate = Gamma::new(size, mean / size).map_or(0.0, |gamma| gamma.sample(random));
                poisson(rate, random)
            }
            Self::Pareto { tail } => (1.0 - random.random::<f64>()).powf(-1.0 / tail),
            Self::Poisson { rate } => poisson(rate, random),
            Self::ZeroInflated { share, log_sd } => {
                if random.random::<f64>() < share {
                    Self::LogNormal { log_sd }.draw(random)
                } else {
                    0.0
                }
            }
        }
    }
}

/// A Poisson count; none at a rate of zero.
pub fn poisson(rate: f64, random: &mut impl Rng) -> f64 {
    Poisson::new(rate).map_or(0.0, |counts| counts.sample(random))
}

/// Grades with their probabilities, of which the weights are multiples.
fn grades(weights: [f64; 5]) -> impl Iterator<Item = (f64, f64)> {
    let total: f64 = weights.iter().sum();
    weights.into_iter().enumerate().map(move |(at, weight)| (1.0 + at as f64, weight / total))
}

impl Law {
    /// A family as it is.
    pub const fn of(family: Family) -> Self {
        Self { family, factor: 1.0, shift: 0.0 }
    }

    /// `shift + factor·X`.
    pub const fn scaled(family: Family, factor: f64, shift: f64) -> Self {
        Self { family, factor, shift }
    }

    /// The first four cumulants.
    pub fn cumulants(&self) -> Cumulants {
        let own = Cumulants::of(self.family.moments());
        Cumulants { mean: self.shift + self.factor * own.mean, variance: own.variance * self.factor.powi(2), ..own }
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.shift + self.factor * self.family.moments()[0]
    }

    /// The distance of neighbouring values, where they are whole numbers.
    pub fn step(&self) -> Option<f64> {
        self.family.step().map(|step| step * self.factor)
    }

    /// Whether no two units have the same value.
    pub fn is_continuous(&self) -> bool {
        self.family.quantile(0.5).is_some()
    }

    /// The value below which a share `u` lies; `None` for a law without a density.
    pub fn quantile(&self, u: f64) -> Option<f64> {
        Some(self.shift + self.factor * self.family.quantile(u)?)
    }

    /// The mean without a share `trim` at each end: the midpoint rule over the quantile function.
    pub fn trimmed_mean(&self, trim: f64) -> Option<f64> {
        const POINTS: u32 = 20_000;
        let width = (1.0 - 2.0 * trim) / f64::from(POINTS);
        let values = (0..POINTS).map(|k| self.quantile(trim + (f64::from(k) + 0.5) * width));
        Some(values.sum::<Option<f64>>()? / f64::from(POINTS))
    }

    /// One unit.
    pub fn draw(&self, random: &mut impl Rng) -> f64 {
        self.shift + self.factor * self.family.draw(random)
    }

    /// The law with a mean larger by `by`; a share stays a share, and grades stay between theirs.
    #[must_use]
    pub fn moved(self, how: Move, by: f64) -> Self {
        match how {
            Move::Shift => Self { shift: self.shift + by, ..self },
            Move::Scale => {
                let ratio = (self.mean() + by) / self.mean();
                Self { factor: self.factor * ratio, shift: self.shift * ratio, ..self }
            }
            Move::Parameter => Self { family: self.family.towards(by / self.factor), ..self },
        }
    }
}

impl Family {
    fn towards(self, by: f64) -> Self {
        match self {
            Self::Bernoulli { share } => Self::Bernoulli { share: (share + by).min(0.95) },
            Self::Grades(weights) => {
                let goal = (Self::Grades(weights).moments()[0] + by).min(4.9);
                let tilted = |tilt: f64| {
                    let mut weights = weights;
                    weights.iter_mut().enumerate().for_each(|(at, weight)| *weight *= (tilt * at as f64).exp());
                    Self::Grades(weights)
                };
                let (mut low, mut high) = (0.0, 20.0);
                for _ in 0..60 {
                    let middle = 0.5 * (low + high);
                    if tilted(middle).moments()[0] < goal { low = middle } else { high = middle }
                }
                tilted(low)
            }
            Self::NegativeBinomial { mean, size } => Self::NegativeBinomial { mean: mean + by, size },
            Self::Poisson { rate } => Self::Poisson { rate: rate + by },
            Self::ZeroInflated { share, log_sd } => {
                let amount = Self::LogNormal { log_sd }.moments()[0];
                Self::ZeroInflated { share: (share + by / amount).min(0.95), log_sd }
            }
            Self::LogNormal { .. } | Self::Normal | Self::Pareto { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const FAMILIES: [Family; 7] = [
        Family::Bernoulli { share: 0.2 },
        Family::Grades([1.0, 2.0, 4.0, 2.0, 3.0]),
        Family::LogNormal { log_sd: 0.4 },
        Family::NegativeBinomial { mean: 2.0, size: 3.0 },
        Family::Normal,
        Family::Poisson { rate: 1.5 },
        Family::ZeroInflated { share: 0.4, log_sd: 0.3 },
    ];

    #[test]
    fn what_is_drawn_has_the_cumulants_that_are_said() {
        for family in FAMILIES {
            let law = Law::scaled(family, 2.0, 1.0);
            let mut random = ChaCha8Rng::seed_from_u64(1);
            let values: Vec<f64> = (0..400_000).map(|_| law.draw(&mut random)).collect();
            let moment = |k: i32| values.iter().map(|value| value.powi(k)).sum::<f64>() / values.len() as f64;
            let (drawn, said) = (Cumulants::of([1, 2, 3, 4].map(moment)), law.cumulants());
            assert!((drawn.mean / said.mean - 1.0).abs() < 0.01, "{family:?}: {drawn:?} {said:?}");
            assert!((drawn.variance / said.variance - 1.0).abs() < 0.02, "{family:?}: {drawn:?} {said:?}");
            assert!((drawn.skewness - said.skewness).abs() < 0.1, "{family:?}: {drawn:?} {said:?}");
            assert!((drawn.excess - said.excess).abs() < 0.5, "{family:?}: {drawn:?} {said:?}");
        }
    }

    #[test]
    fn a_move_raises_the_mean_by_so_much() {
        let ways = [
            (Law::of(FAMILIES[0]), Move::Parameter),
            (Law::of(FAMILIES[1]), Move::Parameter),
            (Law::scaled(FAMILIES[2], 3.0, 0.0), Move::Scale),
            (Law::of(FAMILIES[3]), Move::Parameter),
            (Law::scaled(FAMILIES[4], 2.0, 5.0), Move::Shift),
            (Law::of(FAMILIES[6]), Move::Parameter),
        ];
        for (law, how) in ways {
            let moved = law.moved(how, 0.25);
            assert!((moved.mean() - law.mean() - 0.25).abs() < 1e-12, "{law:?}: {moved:?}");
        }
    }

    #[test]
    fn a_symmetric_law_has_its_centre_as_trimmed_mean() {
        let law = Law::scaled(Family::Normal, 2.0, 5.0);
        assert!((law.trimmed_mean(0.2).unwrap() - 5.0).abs() < 1e-9);
        assert_eq!(Law::of(Family::Poisson { rate: 1.0 }).trimmed_mean(0.2), None);
    }
}
