//! One look at the end: size, power, coverage, bias.

use estimand_stats::Sample;

use super::tally::{ALPHAS, LEVELS, Tally, add_up};
use super::{Ask, Measured, Subject, asks, place, replicates, stream, union};
use crate::fault::Fault;
use crate::promise::Measure;
use crate::sample::{Columns, sample};
use crate::scenario::{Scale, Scenario, Shape, Size};
use crate::setting::Setting;

/// Everything that is measured of a shape at a size.
pub fn run(subjects: &[Subject<'_>], shape: &Shape, size: Size, setting: &Setting) -> Result<Vec<Measured>, Fault> {
    let mut measured = Vec::new();
    for (scenario, has_effect) in [(Scenario::null(shape, size), false), (Scenario::with_effect(shape, size), true)] {
        let asks = asks(subjects, &scenario, |declaration| declaration.variants)?;
        let name = place(shape, size, if has_effect { "effect" } else { "null" });
        let pieces = replicates(setting, setting.replicates_of(size), |numbers| {
            let mut tallies = vec![Tally::default(); asks.len() * Scale::ALL.len()];
            for number in numbers {
                let taking: Vec<usize> = (0..asks.len()).filter(|at| asks[*at].takes(number)).collect();
                let mut random = stream(setting, &name, number);
                let arms = draw(&scenario, &mut random);
                let needs = union(taking.iter().map(|at| &asks[*at]));
                let sample = sample(&needs, scenario.columns(), &arms)?;
                for at in taking {
                    let tallies = &mut tallies[at * Scale::ALL.len()..][..Scale::ALL.len()];
                    count(&asks[at], &scenario, number, has_effect, &sample, tallies);
                }
            }
            Ok(tallies)
        })?;
        let tallies = add_up(pieces);
        for (ask, tallies) in asks.iter().zip(tallies.chunks(Scale::ALL.len())) {
            for (scale, tally) in Scale::ALL.into_iter().zip(tallies) {
                let read = if has_effect { with_effect } else { without_effect };
                measured.extend(read(ask, &scenario, scale, tally));
            }
        }
    }
    Ok(measured)
}

/// The units of both arms, control first.
pub fn draw(scenario: &Scenario, random: &mut rand_chacha::ChaCha8Rng) -> [Columns; 2] {
    let units = scenario.size.units();
    [0, 1].map(|arm| {
        let mut columns = [Vec::with_capacity(units[arm]), Vec::with_capacity(units[arm])];
        for _ in 0..units[arm] {
            let unit = scenario.unit(arm, random);
            columns.iter_mut().zip(unit).for_each(|(column, value)| column.push(value));
        }
        columns
    })
}

/// Asks one estimator about one sample.
fn count(ask: &Ask<'_>, scenario: &Scenario, number: u64, has_effect: bool, sample: &Sample, tallies: &mut [Tally]) {
    let truths = Scale::ALL.map(|scale| ask.truth(scenario, scale));
    for (at, level) in LEVELS.into_iter().enumerate() {
        let usual = level == 0.95;
        if !(usual || has_effect && ask.at_all_levels()) {
            continue;
        }
        let rows = ask.answer(&ask.design(scenario, level, number, None), sample);
        for ((tally, row), truth) in tallies.iter_mut().zip(&rows).zip(truths) {
            if usual {
                tally.count(row.as_ref(), truth);
            }
            if let Some(truth) = truth {
                tally.count_interval(at, row.as_ref(), truth);
            }
        }
    }
}

/// The numbers of an experiment in which the treatment does nothing.
fn without_effect(ask: &Ask<'_>, scenario: &Scenario, scale: Scale, tally: &Tally) -> Vec<Measured> {
    // The relative row has the test of the absolute one, but where the lift is undefined.
    if tally.tested == 0 || scale == Scale::Relative {
        return Vec::new();
    }
    // Arms of one mean and another spread differ in what is not a mean.
    if ask.truth(scenario, scale).is_some_and(|effect| effect.abs() > 1e-9) {
        return Vec::new();
    }
    let sizes = ALPHAS.into_iter().zip(tally.rejected);
    sizes.map(|(alpha, count)| ask.rate(scenario, scale, Measure::Size(alpha), count, tally.asked)).collect()
}

/// The numbers of an experiment with an effect.
fn with_effect(ask: &Ask<'_>, scenario: &Scenario, scale: Scale, tally: &Tally) -> Vec<Measured> {
    let mut measured = Vec::new();
    if tally.bounded > 0 {
        for (at, level) in LEVELS.into_iter().enumerate().filter(|(at, _)| tally.intervals[*at] > 0) {
            let asked = tally.intervals[at];
            let mut rate = ask.rate(scenario, scale, Measure::Coverage(level), tally.covered[at], asked);
            if level == 0.95 {
                let share = |count: u64| Some(count as f64 / asked as f64);
                (rate.below, rate.above) = (share(tally.below), share(tally.above));
            }
            measured.push(rate);
        }
    }
    if tally.tested > 0 && scale == Scale::Absolute {
        measured.push(ask.rate(scenario, scale, Measure::Power, tally.rejected[0], tally.asked));
    }
    if let Some((mean, sd)) = tally.bias().filter(|(_, sd)| *sd > 0.0) {
        let errors = tally.errors[0];
        let bias = ask.measured(scenario, scale, Measure::Bias, mean / sd, errors as u64);
        measured.push(Measured { std_error: Some(errors.sqrt().recip()), ..bias });
    }
    if let Some(spread) = tally.spread() {
        measured.push(ask.measured(scenario, scale, Measure::Spread, spread, tally.answered));
    }
    let unanswered = tally.asked - tally.answered;
    measured.push(ask.rate(scenario, scale, Measure::Unanswered, unanswered, tally.asked));
    measured
}
