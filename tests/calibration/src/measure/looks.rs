//! Many looks at one experiment: how often any of them errs.

use estimand_stats::requirement::Requirements;
use estimand_stats::suffstat::CoMoments;
use estimand_stats::{ArmSample, Sample};

use super::tally::{ALPHAS, Tally, add_up};
use super::{Ask, Measured, Subject, asks, place, replicates, stream};
use crate::fault::Fault;
use crate::promise::Measure;
use crate::sample::{Columns, sample};
use crate::scenario::{Scale, Scenario, Shape, Size};
use crate::setting::Setting;

/// Looks of a plan that names its looks.
pub const PLANNED_LOOKS: usize = 5;

/// Shapes that are looked at again and again, by name.
pub const SHAPES: &[&str] =
    &["common_share", "covariate_normal", "lognormal", "normal", "rare_share", "ratio", "revenue"];

/// Everything that is measured of a shape over looks.
pub fn run(subjects: &[Subject<'_>], shape: &Shape, size: Size, setting: &Setting) -> Result<Vec<Measured>, Fault> {
    let mut measured = Vec::new();
    for (scenario, has_effect) in [(Scenario::null(shape, size), false), (Scenario::with_effect(shape, size), true)] {
        let asks = asks(subjects, &scenario, |declaration| declaration.at_looks)?;
        let name = place(shape, size, if has_effect { "looks with effect" } else { "looks" });
        let pieces = replicates(setting, setting.look_replicates, |numbers| {
            let mut tallies = vec![Tally::default(); asks.len() * Scale::ALL.len()];
            for number in numbers {
                let looks = Looks::draw(&scenario, setting, &name, number, &asks)?;
                let asked = asks.iter().zip(tallies.chunks_mut(Scale::ALL.len())).filter(|(ask, _)| ask.takes(number));
                for (ask, tallies) in asked {
                    looks.count(ask, &scenario, number, has_effect, tallies);
                }
            }
            Ok(tallies)
        })?;
        let tallies = add_up(pieces);
        for (ask, tallies) in asks.iter().zip(tallies.chunks(Scale::ALL.len())) {
            for (scale, tally) in Scale::ALL.into_iter().zip(tallies) {
                let looks = if is_planned(ask) { PLANNED_LOOKS } else { setting.looks };
                let over_looks = |rate: Measured| Measured { looks: Some(looks), ..rate };
                if has_effect && tally.bounded > 0 {
                    let covered = Measure::AllLooks(0.95);
                    measured.push(over_looks(ask.rate(&scenario, scale, covered, tally.covered[1], tally.asked)));
                }
                if !has_effect && tally.tested > 0 && scale == Scale::Absolute {
                    for (alpha, count) in ALPHAS.into_iter().zip(tally.rejected).take(2) {
                        let rate = ask.rate(&scenario, scale, Measure::AnyLook(alpha), count, tally.asked);
                        measured.push(over_looks(rate));
                    }
                }
            }
        }
    }
    Ok(measured)
}

/// Whether the options name the looks that were taken before.
fn is_planned(ask: &Ask<'_>) -> bool {
    ask.options.iter().any(|(_, value)| value.contains("{earlier}"))
}

/// One experiment at each of its looks.
struct Looks {
    /// Units of both arms at each look, and what is known then.
    samples: Vec<(usize, Sample)>,
}

impl Looks {
    /// Units come one after another, each to an arm by chance; what is asked for must add up over looks.
    fn draw(scenario: &Scenario, setting: &Setting, name: &str, number: u64, asks: &[Ask<'_>]) -> Result<Self, Fault> {
        let needs = super::union(asks.iter());
        let mut random = stream(setting, name, number);
        let units: Vec<(usize, [f64; 2])> = scenario.arrivals(&mut random).collect();
        let between = units.len().div_ceil(setting.looks);
        let mut samples: Vec<(usize, Sample)> = Vec::new();
        for units in units.chunks(between) {
            let mut arms: [Columns; 2] = Default::default();
            for (arm, unit) in units {
                arms[*arm].iter_mut().zip(unit).for_each(|(column, value)| column.push(*value));
            }
            let part = sample(&needs, scenario.columns(), &arms)?;
            let (seen, sum) = match samples.last() {
                Some((seen, before)) => (*seen, add(before, &part, &needs)?),
                None => (0, part),
            };
            samples.push((seen + units.len(), sum));
        }
        Ok(Self { samples })
    }

    /// Counts an error of any look once.
    fn count(&self, ask: &Ask<'_>, scenario: &Scenario, number: u64, has_effect: bool, tallies: &mut [Tally]) {
        let every = if is_planned(ask) { (self.samples.len() / PLANNED_LOOKS).max(1) } else { 1 };
        let mut earlier: Vec<String> = Vec::new();
        let mut seen = vec![Tally::default(); tallies.len()];
        for (units, sample) in self.samples.iter().skip(every - 1).step_by(every) {
            let last = *units == scenario.size.total;
            let design = ask.design(scenario, 0.95, number, Some((&earlier.join(" "), last)));
            for ((at, row), tally) in ask.answer(&design, sample).iter().enumerate().zip(&mut seen) {
                let truth = ask.truth(scenario, Scale::ALL[at]).filter(|_| has_effect);
                tally.count(row.as_ref(), None);
                truth.into_iter().for_each(|truth| tally.count_interval(1, row.as_ref(), truth));
            }
            earlier.push(units.to_string());
        }
        for (tally, seen) in tallies.iter_mut().zip(seen) {
            tally.asked += 1;
            tally.tested += seen.tested.min(1);
            tally.bounded += seen.bounded.min(1);
            tally.rejected.iter_mut().zip(seen.rejected).for_each(|(all, any)| *all += any.min(1));
            tally.covered[1] += u64::from(seen.covered == seen.intervals);
        }
    }
}

/// The sample of both parts together.
fn add(before: &Sample, part: &Sample, needs: &Requirements) -> Result<Sample, Fault> {
    let arms = before.arms.iter().zip(&part.arms).map(|(before, part)| {
        let mut arm = ArmSample { arm: before.arm.clone(), units: before.units + part.units, ..ArmSample::default() };
        for tuple in &needs.comoments {
            let of = |sample: &ArmSample| -> Option<CoMoments> {
                sample.comoments.iter().find(|(names, _)| names == tuple).and_then(|(_, moments)| moments.clone())
            };
            let both = match (of(before), of(part)) {
                (Some(before), Some(part)) => Some(before.merge(&part)?),
                (before, part) => before.or(part),
            };
            arm.comoments.push((tuple.clone(), both));
        }
        Ok(arm)
    });
    Ok(Sample { arms: arms.collect::<Result<_, Fault>>()? })
}
