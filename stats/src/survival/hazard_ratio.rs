//! The hazard ratio of two arms, with a test and the interval that inverts it.

use super::{LifeTable, Ties};
use crate::contrast::Interval;
use crate::dist::bracketed_root::bracketed_root;
use crate::dist::root_on_line::root_on_line;
use crate::dist::{Alternative, Continuous, Hypergeometric, Normal, TailProbability};

/// A log hazard ratio beyond which nothing is left to distinguish: the share of one arm is then below 1e-130.
const FAR: f64 = 300.0;

/// Cox's model of two arms alone: the partial likelihood as a function of the one log hazard ratio.
///
/// What [`Cox`](super::Cox) gives for an indicator of the treated arm, from counts by time and without matrices; and
/// the test of any ratio, which makes intervals of the likelihood-ratio and of the score test.
///
/// - **Assumes** a hazard ratio that stays the same over time, and that units leave for reasons that have nothing to do
///   with the event.
/// - **Source** Cox (1972); ties Breslow (1974), Efron (1977), Cox (1972) equation (14).
///
/// ```
/// use estimand_stats::survival::{HazardRatio, HazardTest, LifeTable, Ties};
///
/// let control = LifeTable::of([(1.0, true, 6), (2.0, true, 3), (3.0, false, 11)])?;
/// let treated = LifeTable::of([(1.0, true, 2), (2.0, true, 1), (3.0, false, 17)])?;
/// let hazards = HazardRatio::of([&control, &treated], Ties::Efron).ok_or("events beside others at risk")?;
/// assert!(hazards.log_ratio() < 0.0 && hazards.statistic(0.0, HazardTest::Wald) < Some(-1.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HazardRatio {
    times: Vec<Tied>,
    ties: Ties,
    log_ratio: f64,
}

/// How a hazard ratio is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HazardTest {
    /// Twice the gain of the log likelihood over that at the hypothesis.
    #[default]
    LikelihoodRatio,
    /// The slope of the log likelihood at the hypothesis, over its standard error there: with exact ties, or none, the
    /// log-rank test.
    Score,
    /// The distance of the estimate from the hypothesis, over its standard error.
    Wald,
}

/// One time with events at which both arms had units at risk: the control arm first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tied {
    at_risk: [u64; 2],
    events: [u64; 2],
}

impl HazardRatio {
    /// The model of the control and the treated arm; `None` when no time has events with units of both arms at risk, or
    /// those can have fallen in one way only.
    pub fn of([control, treated]: [&LifeTable; 2], ties: Ties) -> Option<Self> {
        let times = tied_times(control, treated);
        let total = |of: &dyn Fn(&Tied) -> u64| times.iter().map(of).sum::<u64>();
        let (least, most) = match ties {
            Ties::Exact => (total(&|tied| tied.law().support().0), total(&|tied| tied.law().support().1)),
            Ties::Breslow | Ties::Efron => (0, total(&Tied::deaths)),
        };
        if least == most {
            return None;
        }
        let treated_events = total(&|tied| tied.events[1]);
        let mut model = Self { times, ties, log_ratio: 0.0 };
        model.log_ratio = if treated_events == least {
            f64::NEG_INFINITY
        } else if treated_events == most {
            f64::INFINITY
        } else {
            root_on_line(0.0, 1.0, false, |beta| {
                let (slope, information) = model.slope(beta);
                (slope, -information)
            })
        };
        Some(model)
    }

    /// The logarithm of the hazard of the treated arm over that of the control; infinite when one of them had no event
    /// while the other was at risk.
    pub fn log_ratio(&self) -> f64 {
        self.log_ratio
    }

    /// Its standard error from the information; `None` when the estimate is infinite.
    pub fn std_error(&self) -> Option<f64> {
        self.log_ratio.is_finite().then(|| 1.0 / self.slope(self.log_ratio).1.sqrt())
    }

    /// The statistic of the hypothesis that the log ratio is `null`, standard normal under it: above zero where the data
    /// lean above. `None` for a Wald test of an infinite estimate.
    pub fn statistic(&self, null: f64, test: HazardTest) -> Option<f64> {
        let statistic = match test {
            HazardTest::Wald => (self.log_ratio - null) / self.std_error()?,
            HazardTest::Score => {
                let (slope, information) = self.slope(null);
                slope / information.sqrt()
            }
            HazardTest::LikelihoodRatio => {
                let gain = self.gain(null, self.log_ratio.clamp(-FAR, FAR)).max(0.0);
                (2.0 * gain).sqrt().copysign(self.log_ratio - null)
            }
        };
        Some(statistic).filter(|statistic| statistic.is_finite())
    }

    /// The p-value of the hypothesis that the log ratio is `null`.
    pub fn p_value(&self, null: f64, test: HazardTest, alternative: Alternative) -> Option<TailProbability> {
        TailProbability::of(&Normal, self.statistic(null, test)?, alternative)
    }

    /// The log ratios that the test does not reject with this probability of error on each side that it has; open where
    /// the data set no bound, and for a tail outside (0, 1/2].
    pub fn interval(&self, test: HazardTest, tail: f64, alternative: Alternative) -> Interval {
        let Some(critical) = Normal.isf(tail).filter(|critical| *critical >= 0.0 && critical.is_finite()) else {
            return Interval::default();
        };
        let end = |sign: f64| match test {
            HazardTest::Wald => self.std_error().map(|error| self.log_ratio + sign * critical * error),
            _ => self.crossing(test, -sign * critical),
        };
        Interval { low: end(-1.0), high: end(1.0) }.facing(alternative)
    }

    /// The null value whose statistic has this height.
    fn crossing(&self, test: HazardTest, height: f64) -> Option<f64> {
        let estimate = self.log_ratio.clamp(-FAR, FAR);
        let far = if height > 0.0 { -FAR } else { FAR };
        let gap = |null: f64| self.statistic(null, test).unwrap_or(0.0) - height;
        // Without a change of sign the data set no bound on this side.
        (far != estimate && gap(far) * height > 0.0).then(|| bracketed_root(far, estimate, gap))
    }

    /// The slope of the log likelihood and minus its curvature.
    fn slope(&self, beta: f64) -> (f64, f64) {
        let (mut slope, mut information) = (0.0, 0.0);
        for tied in &self.times {
            let [control, treated] = tied.events.map(|events| events as f64);
            if self.ties == Ties::Exact {
                let law = Tilted::of(tied.law(), beta);
                let beyond = law.average(|distance| distance);
                slope += (treated - law.mode) - beyond;
                information += law.average(|distance| (distance - beyond).powi(2));
                continue;
            }
            let (mut expected, mut spared) = (0.0, 0.0);
            for (sets, at_risk) in tied.risk_sets(self.ties) {
                let [rest, share] = shares(at_risk, beta);
                (expected, spared) = (expected + sets * share, spared + sets * rest);
                information += sets * share * rest;
            }
            // Two ways to the same number: the one whose terms go to zero with the slope.
            slope += if beta <= 0.0 { treated - expected } else { spared - control };
        }
        (slope, information)
    }

    /// By how much the log likelihood is higher at `to` than at `from`, without taking one from the other.
    fn gain(&self, from: f64, to: f64) -> f64 {
        let step = to - from;
        let of = |tied: &Tied| {
            let own = step * tied.events[1] as f64;
            if self.ties == Ties::Exact {
                return own - Tilted::of(tied.law(), from).cumulant(step);
            }
            let lost = |(sets, at_risk): (f64, [f64; 2])| {
                let log_odds = (at_risk[1] / at_risk[0]).ln();
                let cumulant = if step.abs() < 1.0 {
                    (shares(at_risk, from)[1] * step.exp_m1()).ln_1p()
                } else {
                    softplus(log_odds + to) - softplus(log_odds + from)
                };
                sets * cumulant
            };
            own - tied.risk_sets(self.ties).map(lost).sum::<f64>()
        };
        self.times.iter().map(of).sum()
    }
}

/// Times with events at which both arms have units at risk.
fn tied_times(control: &LifeTable, treated: &LifeTable) -> Vec<Tied> {
    let arms = [control, treated];
    let mut times: Vec<f64> =
        arms.iter().flat_map(|arm| arm.rows().iter().filter(|row| row.events > 0).map(|row| row.time)).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut passed = [0_usize; 2];
    let mut at = |time: f64| {
        let mut tied = Tied { at_risk: [0; 2], events: [0; 2] };
        for (arm, rows) in arms.iter().map(|arm| arm.rows()).enumerate() {
            passed[arm] += rows[passed[arm]..].partition_point(|row| row.time < time);
            if let Some(row) = rows.get(passed[arm]) {
                tied.at_risk[arm] = row.at_risk;
                tied.events[arm] = if row.time == time { row.events } else { 0 };
            }
        }
        tied
    };
    times.into_iter().map(&mut at).filter(|tied| tied.at_risk.iter().all(|n| *n > 0)).collect()
}

/// The shares of the arms in the hazard of all at risk, each to its last digit.
fn shares([control, treated]: [f64; 2], beta: f64) -> [f64; 2] {
    let odds = treated / control * beta.exp();
    [1.0 / (1.0 + odds), odds / (1.0 + odds)]
}

/// `ln(1 + eˣ)`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

impl Tied {
    fn deaths(&self) -> u64 {
        self.events[0] + self.events[1]
    }

    /// How many of the events are the treated arm's, were hazards alike.
    fn law(&self) -> Hypergeometric {
        Hypergeometric::of_table(self.events[1], self.at_risk[1], self.events[0], self.at_risk[0])
    }

    /// The units at risk that each event is held against, and how many events each such set stands for.
    fn risk_sets(&self, ties: Ties) -> impl Iterator<Item = (f64, [f64; 2])> + use<> {
        let (deaths, Tied { at_risk, events }) = (self.deaths(), *self);
        let (sets, each) = if ties == Ties::Efron { (deaths, 1.0) } else { (1, deaths as f64) };
        (0..sets).map(move |passed| {
            let gone = passed as f64 / deaths as f64;
            (each, [0, 1].map(|arm| at_risk[arm] as f64 - gone * events[arm] as f64))
        })
    }
}

/// The law of the treated arm's events under a hazard ratio: distances from the mode, with their weights.
struct Tilted {
    law: Hypergeometric,
    beta: f64,
    mode: f64,
    total: f64,
    weights: Vec<(f64, f64)>,
}

impl Tilted {
    fn of(law: Hypergeometric, beta: f64) -> Self {
        let (ratio, (low, high)) = (beta.exp(), law.support());
        let mode = law.mode(ratio);
        let mut weights = vec![(0.0, 1.0)];
        let mut walk = |up: bool| {
            let (mut k, mut weight) = (mode, 1.0);
            // What is below the smallest double next to the mode's weight adds nothing to any sum.
            while weight > f64::MIN_POSITIVE && if up { k < high } else { k > low } {
                weight *= if up { law.ratio_up(k) * ratio } else { 1.0 / (law.ratio_up(k - 1) * ratio) };
                k = if up { k + 1 } else { k - 1 };
                weights.push((k as f64 - mode as f64, weight));
            }
        };
        walk(true);
        walk(false);
        let total = weights.iter().map(|(_, weight)| weight).sum();
        Self { law, beta, mode: mode as f64, total, weights }
    }

    /// The mean of a function of the distance from the mode.
    fn average(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.weights.iter().map(|(distance, weight)| weight * of(*distance)).sum::<f64>() / self.total
    }

    /// `ln E exp(step·X)`.
    fn cumulant(&self, step: f64) -> f64 {
        let (low, high) = self.law.support();
        if step.abs() * ((high - low) as f64) < 1.0 {
            return step * self.mode + self.average(|distance| (step * distance).exp_m1()).ln_1p();
        }
        Self::of(self.law, self.beta + step).ln_total() - self.ln_total()
    }

    /// `ln E exp(beta·X)` of counts under a ratio of one.
    fn ln_total(&self) -> f64 {
        self.law.ln_pmf(self.mode as u64) + self.beta * self.mode + self.total.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cox, CoxRow, Weighting, log_rank};
    use super::*;

    const TESTS: [HazardTest; 3] = [HazardTest::LikelihoodRatio, HazardTest::Score, HazardTest::Wald];

    fn table(units: &[(f64, bool, u64)]) -> LifeTable {
        LifeTable::of(units.iter().copied()).unwrap()
    }

    fn arms() -> [Vec<(f64, bool, u64)>; 2] {
        [
            vec![(1.0, true, 4), (2.0, true, 3), (2.0, false, 1), (3.0, true, 5), (5.0, false, 9), (4.0, true, 1)],
            vec![(1.0, true, 1), (2.0, true, 3), (3.0, true, 2), (4.0, false, 2), (6.0, true, 4), (5.0, true, 3)],
        ]
    }

    #[test]
    fn it_is_the_general_model_with_one_indicator() {
        let arms = arms();
        let rows: Vec<CoxRow> = (0..2)
            .flat_map(|arm| arms[arm].iter().map(move |(time, event, count)| (arm, *time, *event, *count)))
            .map(|(arm, time, event, count)| CoxRow { time, event, stratum: 0, count, x: vec![arm as f64] })
            .collect();
        let [control, treated] = arms.map(|arm| table(&arm));
        for ties in [Ties::Breslow, Ties::Efron, Ties::Exact] {
            let (one, general) = (HazardRatio::of([&control, &treated], ties).unwrap(), Cox::fit(&rows, ties).unwrap());
            let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-9 * want.abs(), "{ties:?}: {got} {want}");
            near(one.log_ratio(), general.coefficients[0]);
            near(one.std_error().unwrap(), general.covariance[(0, 0)].sqrt());
            near(one.statistic(0.0, HazardTest::LikelihoodRatio).unwrap().powi(2), general.likelihood_ratio());
            near(one.statistic(0.0, HazardTest::Score).unwrap().powi(2), general.score);
        }
        let exact = HazardRatio::of([&control, &treated], Ties::Exact).unwrap();
        let test = log_rank(&[vec![control, treated]], Weighting::default()).unwrap();
        assert!((exact.statistic(0.0, HazardTest::Score).unwrap() - test.signed_root().unwrap()).abs() < 1e-12);
    }

    #[test]
    fn an_end_of_an_interval_is_where_the_test_turns() {
        let [control, treated] = arms().map(|arm| table(&arm));
        for ties in [Ties::Breslow, Ties::Efron, Ties::Exact] {
            let hazards = HazardRatio::of([&control, &treated], ties).unwrap();
            for test in TESTS {
                let interval = hazards.interval(test, 0.025, Alternative::TwoSided);
                for end in [interval.low.unwrap(), interval.high.unwrap()] {
                    let p = hazards.p_value(end, test, Alternative::TwoSided).unwrap().p;
                    assert!((p - 0.05).abs() < 1e-10, "{ties:?} {test:?}: {p}");
                }
                assert_eq!(hazards.interval(test, 0.025, Alternative::Greater).high, None);
            }
        }
    }

    #[test]
    fn a_gain_is_the_integral_of_the_slope() {
        let [control, treated] = arms().map(|arm| table(&arm));
        for ties in [Ties::Breslow, Ties::Efron, Ties::Exact] {
            let hazards = HazardRatio::of([&control, &treated], ties).unwrap();
            let simpson: f64 = (0..1_000)
                .map(|at| {
                    let (low, high) = (-1.5 + f64::from(at) * 0.003, -1.5 + f64::from(at + 1) * 0.003);
                    0.0005
                        * [low, (low + high) / 2.0, high]
                            .map(|beta| hazards.slope(beta).0)
                            .iter()
                            .zip([1.0, 4.0, 1.0])
                            .map(|(s, w)| s * w)
                            .sum::<f64>()
                })
                .sum();
            let gain = hazards.gain(-1.5, 1.5);
            assert!((gain - simpson).abs() < 1e-9 && (gain + hazards.gain(1.5, -1.5)).abs() < 1e-12, "{ties:?}");
            let small = hazards.gain(0.0, 1e-9) / 1e-9;
            assert!((small / hazards.slope(0.0).0 - 1.0).abs() < 1e-6, "{ties:?}");
        }
    }

    #[test]
    fn an_arm_without_events_bounds_the_ratio_on_one_side() {
        let control = table(&[(1.0, true, 4), (2.0, true, 3), (9.0, false, 13)]);
        let treated = table(&[(9.0, false, 20)]);
        let hazards = HazardRatio::of([&control, &treated], Ties::Efron).unwrap();
        assert_eq!((hazards.log_ratio(), hazards.std_error()), (f64::NEG_INFINITY, None));
        assert_eq!(hazards.statistic(0.0, HazardTest::Wald), None);
        for test in [HazardTest::LikelihoodRatio, HazardTest::Score] {
            let interval = hazards.interval(test, 0.025, Alternative::TwoSided);
            assert!(interval.low.is_none() && interval.high.is_some_and(|high| high < 0.0), "{test:?} {interval:?}");
            assert!(hazards.p_value(0.0, test, Alternative::TwoSided).unwrap().p < 0.05);
        }
        assert_eq!(HazardRatio::of([&treated, &treated], Ties::Efron), None);
        // Everybody has the event at one time: exactly, that can have fallen in one way only.
        let all = table(&[(1.0, true, 3)]);
        assert_eq!(HazardRatio::of([&all, &all], Ties::Exact), None);
    }
}
