//! Scenarios: shapes of outcomes, sizes of arms, and the truth of each in closed form.

use estimand_stats::estimand::{Direction, Estimand, Hypothesis, Summary, SummaryKind};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::expansion::{Expansion, Part};
use crate::law::{Cumulants, Family, Law, Move, poisson};

/// A kind of outcome, without sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Name in tables; the seed of its data.
    pub name: &'static str,
    /// What it is like, in words.
    pub title: &'static str,
    /// How the outcome is summarised.
    pub kind: SummaryKind,
    /// The outcome of the control arm.
    pub control: Law,
    /// The outcome of the treated arm without an effect on the mean.
    pub treated: Law,
    /// How an effect moves the outcome of the treated arm.
    pub moved: Move,
    /// What else is known of a unit.
    pub beside: Beside,
}

/// What is known of a unit besides its outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// `x`, from before exposure, with mean 0 and variance 1.
    Covariate {
        /// Its correlation with the outcome within an arm.
        correlation: f64,
    },
    /// `d = 1 + Poisson(more)` events, each worth the same draw of the outcome's law: the outcome is their sum.
    Denominator {
        /// Mean of the events after the first.
        more: f64,
    },
}

const fn shape(name: &'static str, title: &'static str, kind: SummaryKind, law: Law, moved: Move) -> Shape {
    Shape { name, title, kind, control: law, treated: law, moved, beside: Beside::Nothing }
}

const NORMAL: Law = Law::scaled(Family::Normal, 3.0, 10.0);
const REVENUE: Law = Law::scaled(Family::ZeroInflated { share: 0.1, log_sd: 1.0 }, 30.0, 0.0);

/// Every shape, by name. To add one, add its entry: every estimator that serves its kind is measured on it.
pub const SHAPES: &[Shape] = &[
    shape(
        "common_share",
        "A share of 30 %",
        SummaryKind::Proportion,
        Law::of(Family::Bernoulli { share: 0.3 }),
        Move::Parameter,
    ),
    shape(
        "counts",
        "Counts, Poisson with mean 3",
        SummaryKind::Mean,
        Law::of(Family::Poisson { rate: 3.0 }),
        Move::Parameter,
    ),
    shape(
        "counts_overdispersed",
        "Counts, negative binomial with mean 3 and variance 12",
        SummaryKind::Mean,
        Law::of(Family::NegativeBinomial { mean: 3.0, size: 1.0 }),
        Move::Parameter,
    ),
    Shape {
        beside: Beside::Covariate { correlation: 0.7 },
        ..shape("covariate_normal", "Normal, with a covariate correlated .7", SummaryKind::Mean, NORMAL, Move::Shift)
    },
    Shape {
        beside: Beside::Covariate { correlation: 0.5 },
        ..shape("covariate_revenue", "Revenue, with a covariate correlated .5", SummaryKind::Mean, REVENUE, Move::Scale)
    },
    shape(
        "grades",
        "Grades 1 to 5: many ties",
        SummaryKind::Mean,
        Law::of(Family::Grades([1.0, 2.0, 4.0, 6.0, 3.0])),
        Move::Parameter,
    ),
    shape(
        "lognormal",
        "Log-normal, log-sd 1: skewness 6",
        SummaryKind::Mean,
        Law::scaled(Family::LogNormal { log_sd: 1.0 }, 10.0, 0.0),
        Move::Scale,
    ),
    shape(
        "lognormal_shifted",
        "Log-normal, log-sd 0.5, moved by a shift",
        SummaryKind::Mean,
        Law::scaled(Family::LogNormal { log_sd: 0.5 }, 10.0, 0.0),
        Move::Shift,
    ),
    shape("normal", "Normal", SummaryKind::Mean, NORMAL, Move::Shift),
    Shape {
        treated: Law::scaled(Family::Normal, 9.0, 10.0),
        ..shape(
            "normal_unequal",
            "Normal, the treated spread three times as wide",
            SummaryKind::Mean,
            NORMAL,
            Move::Shift,
        )
    },
    shape(
        "pareto",
        "Pareto with tail 2.5: no third moment",
        SummaryKind::Mean,
        Law::of(Family::Pareto { tail: 2.5 }),
        Move::Scale,
    ),
    shape(
        "rare_share",
        "A share of 2 %",
        SummaryKind::Proportion,
        Law::of(Family::Bernoulli { share: 0.02 }),
        Move::Parameter,
    ),
    Shape {
        beside: Beside::Denominator { more: 3.0 },
        ..shape(
            "ratio",
            "Value per session, the sum of a user following their sessions",
            SummaryKind::Ratio,
            Law::scaled(Family::Normal, 1.0, 4.0),
            Move::Shift,
        )
    },
    Shape {
        beside: Beside::Denominator { more: 1.0 },
        ..shape(
            "ratio_skewed",
            "Revenue per session, log-normal between users",
            SummaryKind::Ratio,
            Law::scaled(Family::LogNormal { log_sd: 1.0 }, 5.0, 0.0),
            Move::Scale,
        )
    },
    shape("revenue", "Revenue: 90 % zeros, log-normal amounts", SummaryKind::Mean, REVENUE, Move::Scale),
];

/// How many units, and how they are split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Units of both arms.
    pub total: usize,
    /// Share of the treated arm.
    pub share: f64,
}

impl Size {
    /// Units of the control and of the treated arm.
    pub fn units(self) -> [usize; 2] {
        let treated = (self.total as f64 * self.share).round() as usize;
        [self.total - treated, treated]
    }

    /// The split in words, the larger part first: `90/10`.
    pub fn split(self) -> String {
        let larger = (100.0 * (1.0 - self.share)).round();
        format!("{larger}/{}", 100.0 - larger)
    }
}

/// The scale of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scale {
    /// In the unit of the metric.
    Absolute,
    /// As a share of the baseline.
    Relative,
}

impl Scale {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Absolute, Self::Relative];

    /// The word of the `scale` column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::Relative => "relative",
        }
    }
}

/// One experiment: a shape, a size, and whether the treatment does anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// What outcomes are like.
    pub shape: Shape,
    /// How many units.
    pub size: Size,
    /// The law of each arm's outcome, control first; of each event's, for a ratio.
    pub laws: [Law; 2],
}

/// An effect of so many standard errors of the difference: the normal theory gives it a power of 0.80.
pub const EFFECT: f64 = 2.801_585_218_112_968;

impl Scenario {
    /// The treatment does nothing to the mean.
    pub fn null(shape: &Shape, size: Size) -> Self {
        Self { shape: shape.clone(), size, laws: [shape.control, shape.treated] }
    }

    /// The treatment moves the mean by [`EFFECT`] standard errors.
    pub fn with_effect(shape: &Shape, size: Size) -> Self {
        let null = Self::null(shape, size);
        let variance: f64 = null.parts([-1.0, 1.0]).iter().map(|part| part.unit.variance / part.n).sum();
        let treated = shape.treated.moved(shape.moved, EFFECT * variance.sqrt());
        Self { laws: [shape.control, treated], ..null }
    }

    /// With these laws, as a prior gives them.
    pub fn with_laws(shape: &Shape, size: Size, laws: [Law; 2]) -> Self {
        Self { shape: shape.clone(), size, laws }
    }

    /// The question that is asked of it.
    pub fn question(&self) -> Estimand {
        let outcome = "y".to_owned();
        let summary = match self.shape.kind {
            SummaryKind::Proportion => Summary::Proportion { outcome },
            SummaryKind::Ratio => Summary::Ratio { numerator: outcome, denominator: "d".to_owned() },
            _ => Summary::Mean { outcome },
        };
        Estimand {
            metric: self.shape.name.to_owned(),
            summary,
            arm: "treatment".to_owned(),
            baseline_arm: "control".to_owned(),
            hypothesis: Hypothesis::TwoSided,
            direction: Direction::Higher,
            unit: "unit".to_owned(),
            population: "all units".to_owned(),
            window: String::new(),
        }
    }

    /// Names of the covariates.
    pub fn covariates(&self) -> &'static [&'static str] {
        if matches!(self.shape.beside, Beside::Covariate { .. }) { &["x"] } else { &[] }
    }

    /// The effect on the mean, or on the ratio of means.
    pub fn mean_effect(&self, scale: Scale) -> f64 {
        let [control, treated] = self.laws.map(|law| law.mean());
        match scale {
            Scale::Absolute => treated - control,
            Scale::Relative => treated / control - 1.0,
        }
    }

    /// Whether both arms have one law, so that labels can be exchanged.
    pub fn arms_are_alike(&self) -> bool {
        self.laws[0] == self.laws[1]
    }

    /// Whether the arms differ by a shift at most.
    pub fn is_shift(&self) -> bool {
        self.laws[0].family == self.laws[1].family && self.laws[0].factor == self.laws[1].factor
    }

    /// Whether both arms spread alike.
    pub fn spreads_alike(&self) -> bool {
        let [control, treated] = self.laws.map(|law| law.cumulants().variance);
        (treated / control - 1.0).abs() < 1e-9
    }

    /// Units of the smaller arm.
    pub fn least_units(&self) -> usize {
        self.size.units().into_iter().min().unwrap_or(0)
    }

    /// What one unit adds to the estimated mean of each arm, adjusted and linearised.
    pub fn parts(&self, weights: [f64; 2]) -> [Part; 2] {
        let units = self.size.units();
        [0, 1].map(|arm| {
            let own = self.laws[arm].cumulants();
            let (unit, step) = match self.shape.beside {
                Beside::Nothing => (own, self.laws[arm].step()),
                Beside::Covariate { correlation } => (residual(own, correlation), None),
                Beside::Denominator { more } => (linearised(own, more), None),
            };
            Part { weight: weights[arm], unit, n: units[arm] as f64, step }
        })
    }

    /// The expansion of the studentised effect on a scale: that of `μ₁ − (1 + λ)μ₀` at the true lift.
    pub fn expansion(&self, scale: Scale) -> Expansion {
        let factor = if scale == Scale::Relative { 1.0 + self.mean_effect(Scale::Relative) } else { 1.0 };
        Expansion::of(self.parts([-factor, 1.0]))
    }

    /// Standard error of the baseline's mean as a share of it.
    pub fn baseline_error(&self) -> f64 {
        let [baseline, _] = self.parts([1.0, 1.0]);
        (baseline.unit.variance / baseline.n).sqrt() / self.laws[0].mean().abs()
    }

    /// One unit of an arm: its outcome, and what is known beside it, 0 where nothing is.
    pub fn unit(&self, arm: usize, random: &mut impl Rng) -> [f64; 2] {
        let law = &self.laws[arm];
        let outcome = law.draw(random);
        match self.shape.beside {
            Beside::Nothing => [outcome, 0.0],
            Beside::Covariate { correlation } => {
                let Cumulants { mean, variance, .. } = law.cumulants();
                let noise: f64 = StandardNormal.sample(random);
                let score = (outcome - mean) / variance.sqrt();
                [outcome, correlation * score + (1.0 - correlation * correlation).sqrt() * noise]
            }
            Beside::Denominator { more } => {
                let events = 1.0 + poisson(more, random);
                [events * outcome, events]
            }
        }
    }

    /// The names of what [`Scenario::unit`] gives.
    pub fn columns(&self) -> [&'static str; 2] {
        match self.shape.beside {
            Beside::Covariate { .. } | Beside::Nothing => ["y", "x"],
            Beside::Denominator { .. } => ["y", "d"],
        }
    }

    /// Units one after another, each to an arm by chance: the outcomes of each arm and the arm of each unit.
    pub fn arrivals(&self, random: &mut impl Rng) -> impl Iterator<Item = (usize, [f64; 2])> {
        (0..self.size.total).map(|_| {
            let arm = usize::from(random.random::<f64>() < self.size.share);
            (arm, self.unit(arm, random))
        })
    }
}

/// Cumulants of `y − βx` with `x = ρz + √(1 − ρ²)ε`, `z` the standardised outcome and `ε` normal: the normal part has
/// none past the second.
fn residual(own: Cumulants, correlation: f64) -> Cumulants {
    let left = 1.0 - correlation * correlation;
    Cumulants {
        mean: own.mean,
        variance: own.variance * left,
        skewness: own.skewness * left.powf(1.5),
        excess: own.excess * left.powi(2),
    }
}

/// Cumulants of `d(g − θ)/E d` with `d = 1 + Poisson(more)`.
fn linearised(own: Cumulants, more: f64) -> Cumulants {
    let sd = own.variance.sqrt();
    let centred = [0.0, own.variance, own.skewness * sd.powi(3), (own.excess + 3.0) * sd.powi(4)];
    let [p1, p2, p3, p4] = Family::Poisson { rate: more }.moments();
    let events =
        [1.0 + p1, 1.0 + 2.0 * p1 + p2, 1.0 + 3.0 * p1 + 3.0 * p2 + p3, 1.0 + 4.0 * p1 + 6.0 * p2 + 4.0 * p3 + p4];
    let moment = |k: usize| events[k] * centred[k] / events[0].powi(k as i32 + 1);
    Cumulants { mean: own.mean, ..Cumulants::of([0.0, moment(1), moment(2), moment(3)]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn shapes_are_sorted_and_have_no_effect_of_their_own() {
        assert!(SHAPES.is_sorted_by_key(|shape| shape.name));
        for shape in SHAPES {
            let null = Scenario::null(shape, Size { total: 100, share: 0.5 });
            assert!(null.mean_effect(Scale::Absolute).abs() < 1e-12, "{}", shape.name);
        }
    }

    #[test]
    fn what_a_unit_adds_has_the_variance_that_is_said() {
        for shape in SHAPES.iter().filter(|shape| shape.name != "pareto") {
            let scenario = Scenario::null(shape, Size { total: 100, share: 0.5 });
            let mut random = ChaCha8Rng::seed_from_u64(7);
            let units: Vec<[f64; 2]> = (0..300_000).map(|_| scenario.unit(0, &mut random)).collect();
            let mean = |i: usize| units.iter().map(|unit| unit[i]).sum::<f64>() / units.len() as f64;
            let product =
                |i: usize, j: usize| units.iter().map(|unit| unit[i] * unit[j]).sum::<f64>() / units.len() as f64;
            let covariance = |i: usize, j: usize| product(i, j) - mean(i) * mean(j);
            let variance = match shape.beside {
                Beside::Nothing => covariance(0, 0),
                Beside::Covariate { .. } => covariance(0, 0) - covariance(0, 1).powi(2) / covariance(1, 1),
                Beside::Denominator { .. } => {
                    let ratio = mean(0) / mean(1);
                    (covariance(0, 0) - 2.0 * ratio * covariance(0, 1) + ratio * ratio * covariance(1, 1))
                        / mean(1).powi(2)
                }
            };
            let said = scenario.parts([1.0, 1.0])[0].unit.variance;
            // A variance of heavy tails varies itself, by their fourth moment.
            let centre = mean(0);
            let fourth = units.iter().map(|unit| (unit[0] - centre).powi(4)).sum::<f64>() / units.len() as f64;
            let own = (fourth / covariance(0, 0).powi(2) / units.len() as f64).sqrt();
            assert!((variance / said - 1.0).abs() < 5.0 * own, "{}: {variance} and {said}, {own}", shape.name);
        }
    }

    #[test]
    fn splits_read_as_people_say_them() {
        let size = Size { total: 1_000, share: 0.1 };
        assert_eq!((size.split().as_str(), size.units()), ("90/10", [900, 100]));
        assert_eq!(Size { total: 1_000, share: 0.01 }.split(), "99/1");
    }
}
