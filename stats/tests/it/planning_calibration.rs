//! Is the promised power there? Whole experiments are drawn and analysed by the estimators; the share that rejects is held
//! against the formula, within four of its standard errors.
//!
//! `ESTIMAND_CALIBRATION_REPLICATES` sets the number of experiments; 4,000 without it.

use std::time::Instant;

use estimand_stats::Design;
use estimand_stats::dist::{Alternative, Continuous, StudentT};
use estimand_stats::estimand::{Hypothesis, SummaryKind};
use estimand_stats::multiplicity::Correction;
use estimand_stats::planning::simulation::{Change, Population, Simulated, Simulation, Source};
use estimand_stats::planning::{
    Adjustment, Assignment, Clusters, Effect, Look, Outcome, Plan, ProportionTest, Several, Spread, crossing,
};
use estimand_stats::suffstat::CoMoments;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

fn experiments() -> u32 {
    std::env::var("ESTIMAND_CALIBRATION_REPLICATES").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000)
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(random)
}

fn assert_power(what: &str, simulated: &Simulated, promised: f64) {
    let error = (promised * (1.0 - promised) / f64::from(simulated.experiments)).sqrt();
    let distance = simulated.power - promised;
    println!(
        "{what}: simulated {:.4}, promised {promised:.4}, {:+.1} standard errors",
        simulated.power,
        distance / error
    );
    assert!(distance.abs() <= 4.0 * error, "{what}: simulated {}, promised {promised}", simulated.power);
}

fn assert_share(what: &str, count: u32, promised: f64) {
    let share = f64::from(count) / f64::from(experiments());
    let error = (promised * (1.0 - promised) / f64::from(experiments())).sqrt();
    println!(
        "{what}: simulated {share:.4}, promised {promised:.4}, {:+.1} standard errors",
        (share - promised) / error
    );
    assert!((share - promised).abs() <= 4.0 * error, "{what}: simulated {share}, promised {promised}");
}

fn simulated(simulation: Simulation) -> Simulated {
    Simulation { experiments: experiments(), ..simulation }.run().expect("a simulation that can be")
}

fn gauss(std_dev: f64, covariate: Option<f64>) -> Source {
    Source::Normal { mean: 10.0, std_dev, covariate }
}

/// A plan of a mean of 10 with these arms.
fn mean(std_dev: f64, units: [u64; 2]) -> Plan {
    Plan {
        assignment: Assignment::Arms(units.map(|units| units as f64).to_vec()),
        ..Plan::new(Outcome::mean(10.0, std_dev))
    }
}

fn total(units: [u64; 2]) -> f64 {
    (units[0] + units[1]) as f64
}

#[test]
fn means_have_the_power_that_is_promised() {
    for (units, shift) in [([6, 6], 4.0), ([5, 30], 5.0), ([400, 600], 0.5)] {
        let found = simulated(Simulation::new(gauss(3.0, None), Change::Shift(shift), units));
        let promised = mean(3.0, units).power(total(units), Effect::Absolute(shift)).unwrap();
        assert_power(&format!("Welch, {units:?}"), &found, promised);
    }
    // The treatment multiplies, so its spread is larger.
    let outcome = match Outcome::mean(10.0, 3.0) {
        Outcome::Mean { mean, std_dev, test, .. } => Outcome::Mean { mean, std_dev, spread: Spread::WithLift, test },
        other => other,
    };
    let plan = Plan { outcome, ..mean(3.0, [9, 7]) };
    let found = simulated(Simulation::new(gauss(3.0, None), Change::Lift(0.6), [9, 7]));
    assert_power("Welch, unequal spread", &found, plan.power(16.0, Effect::Relative(0.6)).unwrap());
    let one_sided = Plan { hypothesis: Hypothesis::Greater, ..mean(3.0, [12, 12]) };
    let simulation = Simulation {
        hypothesis: Hypothesis::Greater,
        ..Simulation::new(gauss(3.0, None), Change::Shift(2.0), [12, 12])
    };
    assert_power("Welch, one-sided", &simulated(simulation), one_sided.power(24.0, Effect::Absolute(2.0)).unwrap());
}

#[test]
fn shares_have_the_power_that_is_promised() {
    for (share, shift, units) in [(0.03, 0.09, [70, 70]), (0.2, 0.1, [250, 400]), (0.5, -0.4, [14, 11])] {
        let source = Source::Bernoulli { share };
        let plan = Plan {
            assignment: Assignment::Arms(units.map(|units: u64| units as f64).to_vec()),
            ..Plan::new(Outcome::Proportion { share, test: ProportionTest::Auto })
        };
        let found = simulated(Simulation::new(source, Change::Shift(shift), units));
        let power = plan.power(total(units), Effect::Absolute(shift)).unwrap();
        assert_power(&format!("share {share} {shift:+}"), &found, power);
    }
}

#[test]
fn covariates_give_the_power_that_is_promised() {
    for (r, units, shift) in [(0.7, [12, 12], 3.0), (0.6, [150, 300], 0.7)] {
        let found = simulated(Simulation::new(gauss(3.0, Some(r)), Change::Shift(shift), units));
        let plan = Plan { adjustment: Adjustment::Explained { r_squared: r * r, covariates: 1 }, ..mean(3.0, units) };
        assert_power(
            &format!("adjusted, {units:?}"),
            &found,
            plan.power(total(units), Effect::Absolute(shift)).unwrap(),
        );
    }
}

#[test]
fn ratios_have_the_power_that_is_promised() {
    // Sessions per user, and clicks that go with them: a history of distinct rows with counts.
    let rows = [(0.0, 1.0, 300), (1.0, 1.0, 120), (1.0, 2.0, 200), (2.0, 3.0, 90), (4.0, 5.0, 60), (3.0, 8.0, 30)];
    let columns = vec![rows.map(|row| row.0).to_vec(), rows.map(|row| row.1).to_vec()];
    let counts = rows.map(|row| row.2).to_vec();
    let spread = |column: &[f64]| -> Vec<f64> {
        column.iter().zip(&counts).flat_map(|(value, count)| vec![*value; *count as usize]).collect()
    };
    let history = CoMoments::of(&[&spread(&columns[0]), &spread(&columns[1])]).unwrap();
    let population = Population { kind: SummaryKind::Ratio, columns, counts };
    let units = [1_500, 1_500];
    let found = simulated(Simulation::new(Source::Values(population), Change::Lift(0.05), units));
    // A lift scales the numerator's spread too; at a twentieth the linearised spread moves with it.
    let plan = Plan::new(Outcome::ratio_of_history(&history).unwrap());
    let Outcome::Ratio { numerator, denominator, numerator_std_dev, denominator_std_dev, correlation } =
        plan.outcome.clone()
    else {
        panic!("a ratio")
    };
    let at_lift = Plan::new(Outcome::Ratio {
        numerator: 1.025 * numerator,
        denominator,
        numerator_std_dev: 1.025 * numerator_std_dev,
        denominator_std_dev,
        correlation,
    });
    let effect = Effect::Absolute(found.truth);
    assert!((found.truth - 0.05 * plan.outcome.baseline().unwrap()).abs() < 1e-12);
    let (low, high) = (at_lift.power(total(units), effect).unwrap(), plan.power(total(units), effect).unwrap());
    assert_power("ratio", &found, 0.5 * (low + high));
}

#[test]
fn guardrails_have_the_power_that_is_promised() {
    let hypothesis = Hypothesis::NonInferiority { margin: 0.2 };
    let units = [30, 45];
    let plan = Plan { hypothesis, ..mean(3.0, units) };
    for shift in [0.0, -0.5] {
        let simulation = Simulation { hypothesis, ..Simulation::new(gauss(3.0, None), Change::Shift(shift), units) };
        let promised = plan.power(total(units), Effect::Absolute(shift)).unwrap();
        assert_power(&format!("guardrail {shift:+}"), &simulated(simulation), promised);
    }
    let source = Source::Bernoulli { share: 0.4 };
    let plan = Plan { hypothesis, ..Plan::new(Outcome::proportion(0.4)) };
    let simulation = Simulation { hypothesis, ..Simulation::new(source, Change::None, [300, 300]) };
    assert_power("guardrail of a share", &simulated(simulation), plan.power(600.0, Effect::Absolute(0.0)).unwrap());
}

#[test]
fn clusters_and_pairs_have_the_power_that_is_promised() {
    // Clusters of 20 with a correlation of 0.1, analysed by Welch's test on their means.
    let (per_arm, size, correlation, shift) = (8_u32, 20_u32, 0.1_f64, 1.5);
    let clusters = Clusters { size: f64::from(size), correlation, size_variation: 0.0 };
    let plan = Plan { clusters: Some(clusters), ..mean(3.0, [1, 1]) };
    let promised = plan.power(f64::from(2 * per_arm * size), Effect::Absolute(shift)).unwrap();
    let spread = 3.0 * ((1.0 + f64::from(size - 1) * correlation) / f64::from(size)).sqrt();
    let rejected = (0..experiments())
        .filter(|seed| {
            let mut random = ChaCha8Rng::seed_from_u64(u64::from(*seed));
            let mut arm = |mean: f64| -> (f64, f64) {
                let means: Vec<f64> = (0..per_arm).map(|_| mean + spread * normal(&mut random)).collect();
                let centre = means.iter().sum::<f64>() / f64::from(per_arm);
                let variance = means.iter().map(|mean| (mean - centre).powi(2)).sum::<f64>() / f64::from(per_arm - 1);
                (centre, variance / f64::from(per_arm))
            };
            let ((a, va), (b, vb)) = (arm(0.0), arm(shift));
            let df = (va + vb).powi(2) / (va * va + vb * vb) * f64::from(per_arm - 1);
            let critical = StudentT::new(df).unwrap().isf(0.025).unwrap();
            (b - a).abs() > critical * (va + vb).sqrt()
        })
        .count();
    assert_share("clusters", rejected as u32, promised);

    let (pairs, within) = (12_u32, 0.6_f64);
    let plan = Plan { assignment: Assignment::Pairs { correlation: within }, ..Plan::new(Outcome::mean(10.0, 3.0)) };
    let promised = plan.power(f64::from(2 * pairs), Effect::Absolute(2.0)).unwrap();
    let critical = StudentT::new(f64::from(pairs - 1)).unwrap().isf(0.025).unwrap();
    let rejected = (0..experiments())
        .filter(|seed| {
            let mut random = ChaCha8Rng::seed_from_u64(u64::from(*seed));
            let gaps: Vec<f64> = (0..pairs)
                .map(|_| {
                    let (shared, a, b) = (normal(&mut random), normal(&mut random), normal(&mut random));
                    let unit = |own: f64| 3.0 * (within.sqrt() * shared + (1.0 - within).sqrt() * own);
                    2.0 + unit(b) - unit(a)
                })
                .collect();
            let centre = gaps.iter().sum::<f64>() / f64::from(pairs);
            let variance = gaps.iter().map(|gap| (gap - centre).powi(2)).sum::<f64>() / f64::from(pairs - 1);
            centre.abs() > critical * (variance / f64::from(pairs)).sqrt()
        })
        .count();
    assert_share("pairs", rejected as u32, promised);
}

#[test]
fn sequential_plans_have_the_power_that_is_promised() {
    let looks: Vec<Look> = [(0.25, 3.2, Some(-0.2)), (0.5, 2.6, Some(0.4)), (0.8, 2.2, Some(1.1)), (1.0, 2.05, None)]
        .map(|(information, reject, futility)| Look { information, reject, futility })
        .to_vec();
    for (drift, alternative) in
        [(2.8, Alternative::Greater), (2.5, Alternative::TwoSided), (0.0, Alternative::TwoSided)]
    {
        let two_sided = alternative == Alternative::TwoSided;
        let looks: Vec<Look> =
            looks.iter().map(|look| Look { futility: look.futility.filter(|_| !two_sided), ..*look }).collect();
        let promised = crossing(&looks, drift, alternative);
        let (mut rejected, mut spent) = (0, 0.0);
        for seed in 0..experiments() {
            let mut random = ChaCha8Rng::seed_from_u64(u64::from(seed));
            let (mut motion, mut before) = (0.0, 0.0);
            for look in &looks {
                let step: f64 = look.information - before;
                motion += drift * step + step.sqrt() * normal(&mut random);
                before = look.information;
                let z = motion / look.information.sqrt();
                let rejects = z >= look.reject || two_sided && z <= -look.reject;
                rejected += u32::from(rejects);
                if rejects || look.futility.is_some_and(|futility| z <= futility) || look.information == 1.0 {
                    spent += look.information;
                    break;
                }
            }
        }
        assert_share("looks", rejected, promised.rejection.above + promised.rejection.below);
        let mean = spent / f64::from(experiments());
        assert!((mean - promised.information).abs() < 0.02, "{mean} is not {}", promised.information);
    }
}

#[test]
fn correlated_metrics_are_found_together_as_promised() {
    let plan = Plan::new(Outcome::mean(10.0, 3.0));
    let (correlation, n) = (0.5_f64, 400_u32);
    let tests = vec![
        (plan.clone(), Effect::Absolute(0.6)),
        (plan.clone(), Effect::Absolute(0.5)),
        (plan, Effect::Absolute(-0.55)),
    ];
    let corr = vec![
        vec![1.0, correlation, -correlation],
        vec![correlation, 1.0, -correlation],
        vec![-correlation, -correlation, 1.0],
    ];
    for correction in [Correction::Bonferroni, Correction::Holm] {
        let several = Several { tests: tests.clone(), correlation: corr.clone(), correction, seed: 3 };
        let promised = several.power(f64::from(2 * n)).unwrap();
        let (mut any, mut all) = (0, 0);
        let error = 3.0 * (2.0 / f64::from(n)).sqrt();
        for seed in 0..experiments() {
            let mut random = ChaCha8Rng::seed_from_u64(u64::from(seed));
            let shared = normal(&mut random);
            let z: Vec<f64> = [(0.6, 1.0), (0.5, 1.0), (-0.55, -1.0)]
                .map(|(effect, sign)| {
                    let noise = sign * (correlation.sqrt() * shared) + (1.0 - correlation).sqrt() * normal(&mut random);
                    effect / error + noise
                })
                .to_vec();
            let law = StudentT::new(f64::from(2 * n - 2)).unwrap();
            let p: Vec<Option<f64>> = z.iter().map(|z| Some(2.0 * law.sf(z.abs()))).collect();
            let adjusted = correction.adjust(&p).unwrap();
            let hits = adjusted
                .iter()
                .zip(&z)
                .zip([1.0, 1.0, -1.0])
                .filter(|((p, z), sign)| p.unwrap() < 0.05 && **z * sign > 0.0)
                .count();
            any += u32::from(hits > 0);
            all += u32::from(hits == 3);
        }
        assert_share("any", any, promised.any);
        assert_share("all", all, promised.all);
    }
}

#[test]
fn without_effect_a_simulation_rejects_at_the_level_and_its_intervals_cover() {
    let found = simulated(Simulation::new(gauss(3.0, None), Change::None, [50, 80]));
    assert_power("level", &found, 0.05);
    assert!((found.coverage.unwrap() - 0.95).abs() < 0.014 && found.truth == 0.0 && found.wrong_side == 0.0);
}

#[test]
fn a_simulation_is_the_same_on_any_number_of_threads() {
    let source = Source::ZeroInflated { share: 0.1, mean: 40.0, std_dev: 60.0 };
    let simulation = Simulation { experiments: 301, seed: 9, ..Simulation::new(source, Change::Lift(0.1), [400, 300]) };
    let once = simulation.run_on(1).unwrap();
    for threads in [2, 3, 7, 16, 1_000] {
        assert_eq!(simulation.run_on(threads).unwrap(), once);
    }
    assert_ne!(Simulation { seed: 10, ..simulation }.run_on(1).unwrap(), once);
}

#[test]
fn heavy_tails_lose_the_power_that_the_formula_promises() {
    // Half a per cent of units spend, and much: the formula's normal mean is not there yet, and the simulation says so.
    let source = Source::ZeroInflated { share: 0.005, mean: 50.0, std_dev: 150.0 };
    let found = simulated(Simulation { seed: 4, ..Simulation::new(source, Change::Lift(1.0), [1_000, 1_000]) });
    let (mean, std_dev) = (0.25, (0.005_f64 * (150.0 * 150.0 + 2_500.0) - 0.0625).sqrt());
    let outcome = Outcome::Mean { mean: Some(mean), std_dev, spread: Spread::WithLift, test: Default::default() };
    let formula = Plan::new(outcome).power(2_000.0, Effect::Relative(1.0)).unwrap();
    println!("simulated {:.3}, by formula {formula:.3}, intervals cover {:.3}", found.power, found.coverage.unwrap());
    assert!((found.power - formula).abs() > 0.02);
}

#[test]
fn a_history_of_values_is_drawn_quickly_and_right() {
    // 500 distinct values, most of them rare, half a million units in each experiment.
    let values: Vec<f64> = (0..500).map(|value| f64::from(value * value)).collect();
    let counts: Vec<u64> = (0..500).map(|value| 1_000_000 / (1 + value * value)).collect();
    let source = Source::Values(Population::of_values(SummaryKind::Mean, &values, &counts));
    let simulation =
        Simulation { experiments: 1_000, ..Simulation::new(source, Change::Lift(0.01), [250_000, 250_000]) };
    let start = Instant::now();
    let found = simulation.run().unwrap();
    println!("1,000 experiments of 500,000 units: {:?}", start.elapsed());
    assert!((found.mean_estimate.unwrap() / found.truth - 1.0).abs() < 0.2, "{found:?}");
    assert!((found.coverage.unwrap() - 0.95).abs() < 0.03);
    let start = Instant::now();
    let source = Source::Normal { mean: 10.0, std_dev: 3.0, covariate: Some(0.5) };
    let many = Simulation::new(source, Change::Lift(0.001), [1_000_000, 1_000_000]).run().unwrap();
    println!("10,000 adjusted experiments of 2,000,000 units: {:?}", start.elapsed());
    assert_eq!(many.experiments, 10_000);
}

#[test]
fn impossible_simulations_are_refused_by_field() {
    let refused = |simulation: Simulation, want: &str| {
        assert_eq!(simulation.run().expect_err(want).to_string(), want);
    };
    let half = Source::Bernoulli { share: 0.5 };
    refused(
        Simulation::new(half.clone(), Change::Shift(0.6), [10, 10]),
        "`change` is 1.1; it leaves the share between 0 and 1",
    );
    refused(Simulation::new(half.clone(), Change::None, [0, 10]), "`units` is 0; an arm has 1 to 1e12 units");
    refused(
        Simulation { experiments: 0, ..Simulation::new(half.clone(), Change::None, [10, 10]) },
        "`experiments` is 0; there are 1 to 100,000,000",
    );
    refused(Simulation::new(gauss(0.0, None), Change::None, [10, 10]), "`std_dev` is 0; a positive number");
    refused(
        Simulation::new(gauss(1.0, Some(1.5)), Change::None, [10, 10]),
        "`covariate` is 1.5; a correlation lies between -1 and 1",
    );
    let counts = Source::Counts { mean: 2.0, size: Some(0.0) };
    refused(Simulation::new(counts, Change::None, [10, 10]), "`size` is 0; a positive number");
    let lost = Source::Counts { mean: 2.0, size: None };
    refused(Simulation::new(lost, Change::Lift(-1.0), [10, 10]), "`change` is 0; it leaves counts a mean above 0");
    let values = |kind, values: &[f64], counts: &[u64]| Source::Values(Population::of_values(kind, values, counts));
    refused(
        Simulation::new(values(SummaryKind::Mean, &[1.0, 2.0], &[1]), Change::None, [10, 10]),
        "`columns` is 2; one value for each of the 1 counts",
    );
    refused(
        Simulation::new(values(SummaryKind::Mean, &[1.0], &[0]), Change::None, [10, 10]),
        "`counts` is none; at least one unit, and fewer than 2⁶⁴",
    );
    refused(
        Simulation::new(values(SummaryKind::Proportion, &[0.0, 2.0], &[3, 1]), Change::None, [10, 10]),
        "`columns` is 2; the outcome of a proportion is 0 or 1",
    );
    refused(
        Simulation::new(values(SummaryKind::Ratio, &[1.0], &[3]), Change::None, [10, 10]),
        "`columns` is 1; an outcome; a ratio has a denominator beside it",
    );
    let unknown =
        Simulation { estimator: Some("welsh".to_owned()), ..Simulation::new(half.clone(), Change::None, [10, 10]) };
    assert!(unknown.run().unwrap_err().to_string().starts_with("no estimator `welsh`; known: "));
    let level = Simulation {
        design: Design { level: 1.0, ..Design::default() },
        ..Simulation::new(half, Change::None, [10, 10])
    };
    refused(level, "`level` is 1; a confidence level lies between 0 and 1, such as 0.95");
}

#[test]
fn what_never_varies_has_no_answer() {
    let never =
        Simulation { experiments: 50, ..Simulation::new(Source::Bernoulli { share: 0.0 }, Change::None, [20, 20]) };
    let found = never.run().unwrap();
    assert_eq!((found.power, found.without_answer, found.exaggeration), (0.0, 50, None));
    let values = Population::of_values(SummaryKind::Mean, &[3.0], &[7]);
    let constant =
        Simulation { experiments: 20, ..Simulation::new(Source::Values(values), Change::Lift(0.5), [20, 20]) };
    let found = constant.run().unwrap();
    assert_eq!((found.power, found.without_answer, found.mean_estimate), (0.0, 20, Some(1.5)));
}
