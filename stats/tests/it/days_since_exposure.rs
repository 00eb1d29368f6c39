//! Curves over days since exposure: identities with simpler tests, and simulation.

use estimand_stats::days_since_exposure::DailyEffects;
use estimand_stats::suffstat::{CoMoments, Moments};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::calibration::{normal, replications};
use crate::samples::{Arm, design, effect, mean_of, row, run, sample};

/// Units that have a habit over all days.
fn arm(random: &mut ChaCha8Rng, n: usize, days: usize, spread: f64) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::with_capacity(n); days];
    for _ in 0..n {
        let habit = normal(random);
        columns.iter_mut().for_each(|column| column.push(spread * (habit + normal(random))));
    }
    columns
}

fn moments(columns: &[Vec<f64>]) -> CoMoments {
    CoMoments::of(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap()
}

fn near(got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-10 * (1.0 + want.abs()), "got {got}, want {want}");
}

#[test]
fn two_days_are_welchs_test_of_the_change() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (control, treated) = (arm(&mut random, 9, 2, 1.0), arm(&mut random, 14, 2, 2.0));
    let effects = DailyEffects::of(&moments(&control), &moments(&treated)).unwrap();
    let change =
        |columns: &[Vec<f64>]| -> Vec<f64> { columns[1].iter().zip(&columns[0]).map(|(b, a)| b - a).collect() };
    let (control_change, treated_change) = (change(&control), change(&treated));
    let arms =
        sample(&[Arm::new("control", &[("y", &control_change)]), Arm::new("treated", &[("y", &treated_change)])]);
    let rows = run("difference_in_means", &effect(mean_of("y"), "treated", "control"), &design(&[], &[]), &arms);
    let welch = row(&rows, "absolute");
    let (trend, constancy) = (effects.trend(0.95).unwrap(), effects.constancy().unwrap());
    near(trend.slope, welch.estimate.unwrap());
    near(trend.std_error, welch.std_error.unwrap());
    near(trend.df.unwrap(), welch.df.unwrap());
    near(trend.tail.unwrap().p, welch.p_value.unwrap());
    near(trend.interval.low.unwrap(), welch.conf_low.unwrap());
    near(constancy.tail.p, welch.p_value.unwrap());
    near(constancy.denominator_df, welch.df.unwrap());
    // Each day by itself is Welch's test of that day.
    let first = sample(&[Arm::new("control", &[("y", &control[0])]), Arm::new("treated", &[("y", &treated[0])])]);
    let rows = run("difference_in_means", &effect(mean_of("y"), "treated", "control"), &design(&[], &[]), &first);
    let point = effects.band(0.95).unwrap()[0];
    near(point.pointwise.low.unwrap(), row(&rows, "absolute").conf_low.unwrap());
    assert!(point.simultaneous.low < point.pointwise.low && point.simultaneous.high > point.pointwise.high);
}

#[test]
fn equal_arms_of_one_covariance_are_hotellings_test() {
    // T² of the mean change of one sample is a known quadratic form; two equal arms halve it.
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let units = arm(&mut random, 30, 3, 1.0);
    let zero: Vec<Vec<f64>> = units.iter().map(|day| day.iter().map(|value| -value).collect()).collect();
    let effects = DailyEffects::of(&moments(&zero), &moments(&units)).unwrap();
    let steps: Vec<Vec<f64>> =
        (0..2).map(|k| units[k + 1].iter().zip(&units[k]).map(|(b, a)| b - a).collect()).collect();
    let [a, b] = [0, 1].map(|k: usize| Moments::of(&steps[k]).unwrap());
    let joint = moments(&steps);
    let (saa, sbb, sab) = (a.variance().unwrap(), b.variance().unwrap(), joint.covariance(0, 1).unwrap());
    let det = saa * sbb - sab * sab;
    let t2 = 30.0 * (sbb * a.mean.powi(2) - 2.0 * sab * a.mean * b.mean + saa * b.mean.powi(2)) / det * 2.0;
    let test = effects.constancy().unwrap();
    near(test.denominator_df, 58.0 - 1.0);
    near(test.statistic, t2 * 57.0 / (58.0 * 2.0));
}

#[test]
fn days_without_anybody_and_days_that_are_none() {
    let columns = vec![vec![1.0, 2.0, 4.0, 3.0], vec![0.0; 4], vec![0.0; 4]];
    let effects = DailyEffects::of(&moments(&columns), &moments(&columns)).unwrap();
    let band = effects.band(0.95).unwrap();
    assert!(band[0].simultaneous.low.is_some());
    assert_eq!((band[1].pointwise.low, band[1].simultaneous.high, band[1].std_error), (None, None, 0.0));
    // One day alone is in the band like a single test.
    near(band[0].simultaneous.low.unwrap(), band[0].pointwise.low.unwrap());
    assert_eq!(effects.constancy(), None);
    let one = moments(&columns[..1]);
    let said = |a: &CoMoments, b: &CoMoments| DailyEffects::of(a, b).unwrap_err().to_string();
    assert_eq!(said(&one, &one), "`days` is 1; a curve has 2 to 200 days");
    assert_eq!(said(&one, &moments(&columns)), "`days` is 1 and 3; both arms have the same days");
    let single = moments(&[vec![1.0], vec![2.0]]);
    assert_eq!(said(&single, &single), "`units of an arm` is 1; a covariance needs at least 2");
    let flat = moments(&vec![vec![2.0; 5]; 2]);
    let flat = DailyEffects::of(&flat, &flat).unwrap();
    assert_eq!((flat.trend(0.95).unwrap().tail, flat.constancy()), (None, None));
    assert_eq!(
        flat.band(1.0).unwrap_err().to_string(),
        "`level` is 1; a confidence level lies between 0 and 1, such as 0.95"
    );
}

#[test]
fn tests_and_bands_of_a_steady_effect_err_once_in_twenty() {
    let runs = replications(250);
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let [mut trend, mut constancy, mut band, mut pointwise] = [0_u32; 4];
    for _ in 0..runs {
        let (control, treated) = (arm(&mut random, 60, 7, 1.0), arm(&mut random, 40, 7, 2.0));
        let effects = DailyEffects::of(&moments(&control), &moments(&treated)).unwrap();
        trend += u32::from(effects.trend(0.95).unwrap().tail.unwrap().p < 0.05);
        constancy += u32::from(effects.constancy().unwrap().tail.p < 0.05);
        let points = effects.band(0.95).unwrap();
        band += u32::from(points.iter().any(|point| point.simultaneous.excludes(0.0)));
        pointwise += u32::from(points.iter().any(|point| point.pointwise.excludes(0.0)));
    }
    let rate = |count: u32| f64::from(count) / f64::from(runs);
    println!(
        "trend {:.4}, constancy {:.4}, band {:.4}, pointwise {:.4} of {runs}",
        rate(trend),
        rate(constancy),
        rate(band),
        rate(pointwise)
    );
    let allowed = 3.3 * (0.05 * 0.95 / f64::from(runs)).sqrt() + 0.005;
    for count in [trend, constancy, band] {
        assert!((rate(count) - 0.05).abs() < allowed, "{}", rate(count));
    }
    assert!(rate(pointwise) > rate(band));
}
