//! The true effects of the shop, from its model alone.

use std::collections::BTreeMap;

use super::compound::GammaPoisson;
use super::model::{ACTIVITY_SHAPE, Arm, COUNTRIES, ON_EDGE, PLATFORMS, REFUNDED, REVENUE_CAP, Stratum, VISITORS};
use crate::demo::truth::{Effect, MetricTruth, Scale};

/// A metric and its closed form.
struct ClosedForm {
    metric: &'static str,
    derivation: &'static str,
    summary: Summary,
}

/// How the expectations of strata make the metric of a population.
enum Summary {
    /// `Σ w·E[Y]`
    Mean(fn(&Expectation) -> f64),
    /// `Σ w·E[Y] / Σ w·E[X]`
    Ratio(fn(&Expectation) -> f64, fn(&Expectation) -> f64),
}

/// Expected outcomes of a unit of one stratum under one arm.
struct Expectation {
    conversion: f64,
    orders: f64,
    page_load_time: f64,
    refunds: f64,
    return_visits: f64,
    revenue: f64,
    revenue_uncapped: f64,
    searches: f64,
}

/// Every metric of the experiment, by name.
const ALL: &[ClosedForm] = &[
    ClosedForm {
        metric: "conversion",
        derivation: "P(N > 0) = 1 - (1 + m/k)^-k, N orders in 7 days, m = 7 x rate of orders",
        summary: Summary::Mean(|unit| unit.conversion),
    },
    ClosedForm { metric: "orders", derivation: "14 x rate of orders", summary: Summary::Mean(|unit| unit.orders) },
    ClosedForm {
        metric: "page_load_time",
        derivation: "mean of a log-normal value rounded up: the sum over j >= 0 of P(Z > ln(j/median)/sigma)",
        summary: Summary::Mean(|unit| unit.page_load_time),
    },
    ClosedForm {
        metric: "refunds",
        derivation: "14 x rate of orders x share refunded",
        summary: Summary::Mean(|unit| unit.refunds),
    },
    ClosedForm {
        metric: "return_visits",
        derivation: "7 x rate of visits + share of users with a visit on the edge where the window opens",
        summary: Summary::Mean(|unit| unit.return_visits),
    },
    ClosedForm {
        metric: "revenue",
        derivation: "E[min(S, c)] = c - sum over s < c of (c - s) P(S = s), P(S = s) by Panjer's recursion over whole euros",
        summary: Summary::Mean(|unit| unit.revenue),
    },
    ClosedForm {
        metric: "revenue_per_order",
        derivation: "expected revenue over expected orders, both in 14 days",
        summary: Summary::Ratio(|unit| unit.revenue_uncapped, |unit| unit.orders),
    },
    ClosedForm {
        metric: "revenue_uncapped",
        derivation: "14 x rate of orders x mean order value, a log-normal value rounded up",
        summary: Summary::Mean(|unit| unit.revenue_uncapped),
    },
    ClosedForm {
        metric: "searches",
        derivation: "14 x rate of searches, the same in both arms: exactly zero",
        summary: Summary::Mean(|unit| unit.searches),
    },
];

/// The expectations of every stratum under both arms; computed once, since the sums behind them are long.
struct Table {
    rows: Vec<(Stratum, Expectation, Expectation)>,
}

impl Table {
    fn new() -> Self {
        // Keyed by the bits of the median: few medians, many strata.
        let mut means = BTreeMap::new();
        let mut mean = |of: super::log_normal::CeiledLogNormal| {
            *means.entry((of.median.to_bits(), of.sigma.to_bits())).or_insert_with(|| of.mean())
        };
        let mut expect = |stratum: Stratum, arm: Arm| {
            let rates = stratum.rates(arm);
            let orders = |days: f64| GammaPoisson { shape: ACTIVITY_SHAPE, mean: days * rates.orders };
            let price = stratum.price(arm);
            Expectation {
                conversion: orders(7.0).any(),
                orders: orders(14.0).mean,
                page_load_time: mean(stratum.load(arm)),
                refunds: orders(14.0).mean * REFUNDED,
                return_visits: 7.0 * rates.visits + ON_EDGE,
                revenue: orders(14.0).capped_mean(|amount| price.probability(amount), REVENUE_CAP),
                revenue_uncapped: orders(14.0).mean * mean(price),
                searches: 14.0 * rates.searches,
            }
        };
        let rows = Stratum::all()
            .map(|stratum| (stratum, expect(stratum, Arm::Control), expect(stratum, Arm::OnePage)))
            .collect();
        Self { rows }
    }

    /// The metric under control and under treatment in the strata of a segment.
    fn means(&self, summary: &Summary, segment: &Segment) -> (f64, f64) {
        // Activity is independent of strata, so weights are shares; their scale cancels in a ratio of sums and is divided out of a mean.
        let sum = |of: &dyn Fn(&Expectation) -> f64| {
            let inside = self.rows.iter().filter(|(stratum, ..)| segment.holds(*stratum));
            inside.fold((0.0, 0.0), |(control, treated), (stratum, under_control, under_treatment)| {
                (control + stratum.share() * of(under_control), treated + stratum.share() * of(under_treatment))
            })
        };
        let (numerator, denominator) = match summary {
            Summary::Mean(value) => (sum(value), sum(&|_| 1.0)),
            Summary::Ratio(value, per) => (sum(value), sum(per)),
        };
        (numerator.0 / denominator.0, numerator.1 / denominator.1)
    }
}

/// All users, or those with one value of one dimension.
enum Segment {
    All,
    Value { dimension: &'static str, value: &'static str },
}

impl Segment {
    /// The whole, then every value of every dimension, in the order of the model.
    fn all() -> Vec<Self> {
        let values = |dimension, values: Vec<&'static str>| {
            values.into_iter().map(move |value| Self::Value { dimension, value })
        };
        std::iter::once(Self::All)
            .chain(values("country", COUNTRIES.iter().map(|country| country.name).collect()))
            .chain(values("platform", PLATFORMS.iter().map(|platform| platform.name).collect()))
            .chain(values("visitor", VISITORS.iter().map(|visitor| visitor.name).collect()))
            .collect()
    }

    fn holds(&self, stratum: Stratum) -> bool {
        match self {
            Self::All => true,
            Self::Value { value, .. } => {
                [stratum.country.name, stratum.platform.name, stratum.visitor.name].contains(value)
            }
        }
    }

    /// As the result table writes it.
    fn written(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Value { dimension, value } => Some(format!("{dimension}={value}")),
        }
    }
}

/// The true effects of every metric, for all users and for each segment, on both scales.
pub(super) fn effects() -> Vec<MetricTruth> {
    let table = Table::new();
    let of = |form: &ClosedForm, segment: &Segment| {
        let (mean_baseline, mean) = table.means(&form.summary, segment);
        [(Scale::Absolute, mean - mean_baseline), (Scale::Relative, mean / mean_baseline - 1.0)].map(
            |(scale, value)| Effect {
                segment: segment.written(),
                arm: Arm::OnePage.name().to_owned(),
                baseline_arm: Arm::Control.name().to_owned(),
                scale,
                value,
                mean,
                mean_baseline,
            },
        )
    };
    ALL.iter()
        .map(|form| MetricTruth {
            name: form.metric.to_owned(),
            derivation: form.derivation.to_owned(),
            effects: Segment::all().iter().flat_map(|segment| of(form, segment)).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::outcome::{VARIABLES, outcomes};
    use super::super::unit::{Enrolment, Simulator};
    use super::*;

    /// Sums over pairs (control, treated) of both potential outcomes of each unit that counts.
    #[derive(Clone)]
    struct Sums {
        n: f64,
        /// Σ(y₁ − c₁), Σ(y₀ − c₀) and their cross products, per metric; for a ratio, of `y − r·x`.
        rows: Vec<[f64; 5]>,
    }

    fn column(name: &str) -> usize {
        VARIABLES.iter().position(|variable| *variable == name).unwrap()
    }

    /// The outcome behind a metric of kind mean.
    fn variable(metric: &str) -> &str {
        match metric {
            "revenue" => "revenue.capped",
            "revenue_uncapped" => "revenue",
            metric => metric,
        }
    }

    /// The linearised outcome of a unit, whose mean is zero when the truth holds.
    fn residual(form: &ClosedForm, y: &[f64], mean: f64) -> f64 {
        match form.summary {
            Summary::Mean(_) => y[column(variable(form.metric))] - mean,
            Summary::Ratio(..) => y[column("revenue")] - mean * y[column("orders")],
        }
    }

    /// Both potential outcomes of a range of users, summed.
    fn simulate(seed: u64, users: std::ops::Range<u64>, means: &[(f64, f64)]) -> Sums {
        let mut simulator = Simulator::new(seed);
        let mut sums = Sums { n: 0.0, rows: vec![[0.0; 5]; ALL.len()] };
        for index in users {
            let [control, treated] = [Arm::Control, Arm::OnePage].map(|arm| simulator.unit_under(index, arm));
            if control.enrolment != Enrolment::Counted {
                continue;
            }
            sums.n += 1.0;
            let [y0, y1] = [control, treated].map(|unit| outcomes(&unit.events, unit.assignments[0].0));
            for ((row, form), (m0, m1)) in sums.rows.iter_mut().zip(ALL).zip(means) {
                let (e0, e1) = (residual(form, &y0, *m0), residual(form, &y1, *m1));
                for (sum, term) in row.iter_mut().zip([e0, e1, e0 * e0, e1 * e1, (e1 - e0).powi(2)]) {
                    *sum += term;
                }
            }
        }
        sums
    }

    /// How many standard errors the simulated means of control, treatment and their difference are from the truth.
    fn deviations(seed: u64, users: u64) -> Vec<(&'static str, [f64; 3])> {
        let table = Table::new();
        let means: Vec<_> = ALL.iter().map(|form| table.means(&form.summary, &Segment::All)).collect();
        let half = users / 2;
        let parts: Vec<Sums> = thread::scope(|scope| {
            let workers = [0..half, half..users].map(|range| scope.spawn(|| simulate(seed, range, &means)));
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        let n: f64 = parts.iter().map(|part| part.n).sum();
        ALL.iter()
            .enumerate()
            .map(|(at, form)| {
                let sum = |of: usize| parts.iter().map(|part| part.rows[at][of]).sum::<f64>();
                let [e0, e1, s0, s1, s] = [0, 1, 2, 3, 4].map(sum);
                let z = |e: f64, s: f64| if s == 0.0 { e } else { e / (s - e * e / n).sqrt() };
                (form.metric, [z(e0, s0), z(e1, s1), z(e1 - e0, s)])
            })
            .collect()
    }

    fn agrees(users: u64) {
        for (metric, deviations) in deviations(2026, users) {
            assert!(deviations.iter().all(|z| z.abs() < 5.0), "{metric}: {deviations:.2?} standard errors");
        }
    }

    #[test]
    fn the_truth_is_what_both_potential_outcomes_average_to() {
        agrees(250_000);
    }

    /// Ten million users under either arm.
    #[test]
    #[ignore = "a minute of computing"]
    fn the_truth_is_what_twenty_million_potential_outcomes_average_to() {
        let found = deviations(1, 10_000_000);
        for (metric, z) in &found {
            println!("{metric:18} control {:+.2}  treated {:+.2}  difference {:+.2} s.e.", z[0], z[1], z[2]);
        }
        assert!(found.iter().all(|(_, z)| z.iter().all(|z| z.abs() < 5.0)));
    }

    #[test]
    fn the_effect_on_searches_is_exactly_zero() {
        let effects = effects();
        let searches = effects.iter().find(|metric| metric.name == "searches").unwrap();
        assert!(searches.effects.iter().all(|effect| effect.value == 0.0));
        assert_eq!(searches.effects.len(), 2 * (1 + 4 + 3 + 2));
    }

    #[test]
    fn segments_average_to_the_whole() {
        let table = Table::new();
        for form in ALL.iter().filter(|form| matches!(form.summary, Summary::Mean(_))) {
            let (_, whole) = table.means(&form.summary, &Segment::All);
            let parts: f64 = PLATFORMS
                .iter()
                .map(|platform| {
                    let segment = Segment::Value { dimension: "platform", value: platform.name };
                    platform.share * table.means(&form.summary, &segment).1
                })
                .sum();
            assert!((whole - parts).abs() < 1e-12 * whole, "{}", form.metric);
        }
    }
}
