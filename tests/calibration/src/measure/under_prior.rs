//! Effects drawn from the prior that the estimator is told.

use super::fixed::draw;
use super::tally::{LEVELS, Tally, add_up};
use super::{Ask, DEAR, Measured, Subject, replicates, stream};
use crate::fault::Fault;
use crate::promise::{Belief, Measure};
use crate::sample::sample;
use crate::scenario::{SHAPES, Scale, Scenario, Shape, Size};
use crate::setting::Setting;

/// Coverage under every stated belief.
pub fn run(subjects: &[Subject<'_>], setting: &Setting) -> Result<Vec<Measured>, Fault> {
    let mut measured = Vec::new();
    for subject in subjects {
        for belief in subject.declaration.beliefs {
            let shape = SHAPES.iter().find(|shape| shape.name == belief.shape).ok_or_else(|| Fault::Refused {
                estimator: subject.estimator.name().to_owned(),
                reason: format!("no shape `{}`", belief.shape),
            })?;
            for size in &setting.believed {
                measured.extend(one(*subject, belief, shape, *size, setting)?);
            }
        }
    }
    Ok(measured)
}

fn one(
    subject: Subject<'_>,
    belief: &Belief,
    shape: &Shape,
    size: Size,
    setting: &Setting,
) -> Result<Vec<Measured>, Fault> {
    let usual = Scenario::null(shape, size);
    let ask = Ask::with(subject, (belief.name, belief.options, belief.one_in), &usual)?;
    let name = format!("{} {} {} {}", subject.estimator.name(), belief.name, size.total, size.share);
    let pieces = replicates(setting, setting.belief_replicates, |numbers| {
        let mut tallies = vec![Tally::default(); Scale::ALL.len()];
        for number in numbers.filter(|number| ask.takes(*number)) {
            let mut random = stream(setting, &name, number);
            let scenario = Scenario::with_laws(shape, size, (belief.draw)(&mut random));
            let sample = sample(&ask.needs, scenario.columns(), &draw(&scenario, &mut random))?;
            let levels = LEVELS.into_iter().enumerate().filter(|(_, level)| *level == 0.95 || ask.one_in < DEAR);
            for (at, level) in levels {
                let rows = ask.answer(&ask.design(&scenario, level, number, None), &sample);
                for ((scale, row), tally) in Scale::ALL.into_iter().zip(&rows).zip(&mut tallies) {
                    tally.bounded += u64::from(row.as_ref().is_some_and(|row| row.conf_low.is_some()));
                    tally.count_interval(at, row.as_ref(), scenario.mean_effect(scale));
                }
            }
        }
        Ok(tallies)
    })?;
    let mut measured = Vec::new();
    for (scale, tally) in Scale::ALL.into_iter().zip(add_up(pieces)).filter(|(_, tally)| tally.bounded > 0) {
        for (at, level) in LEVELS.into_iter().enumerate().filter(|(at, _)| tally.intervals[*at] > 0) {
            measured.push(ask.rate(&usual, scale, Measure::UnderPrior(level), tally.covered[at], tally.intervals[at]));
        }
    }
    Ok(measured)
}
