//! The sample of one replicate.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::units::Units;
use crate::error::Error;
use crate::estimand::{Estimand, Summary};
use crate::requirement::{Compression, Requirements, Variable};
use crate::sample::{ArmSample, Sample};
use crate::suffstat::{CoMoments, Compressed, Histogram};

/// Partial sums of a column: independent of each other, so that they are added up side by side.
const LANES: usize = 8;

/// What every replicate is made of.
pub(super) struct Split<'a> {
    units: &'a Units,
    estimand: &'a Estimand,
    tuples: Vec<Tuple<'a>>,
    compressed: Vec<(Compression, Vec<usize>)>,
    histograms: Vec<(Variable, usize)>,
    rows: bool,
    effect: Option<Effect>,
}

/// Variables of which joint moments are asked.
struct Tuple<'a> {
    names: Vec<Variable>,
    columns: Vec<&'a [f64]>,
    places: Vec<usize>,
    /// A point inside each column, from which sums keep their digits.
    pivots: Vec<f64>,
}

/// What happens to the outcome of the treated.
#[derive(Clone, Copy)]
enum Effect {
    /// Its column is multiplied.
    Times { column: usize, factor: f64 },
    /// Units of a value change sides with a probability.
    Turned { column: usize, from: f64, chance: f64 },
}

impl<'a> Split<'a> {
    /// - **Errors** with [`Error::Missing`] for a column that is not there, and [`Error::OutOfRange`] for a lift that takes a
    ///   share above one.
    pub fn of(units: &'a Units, estimand: &'a Estimand, needs: Requirements, lift: f64) -> Result<Split<'a>, Error> {
        let metric = &estimand.metric;
        let tuple = |names: Vec<Variable>| {
            let places = places(units, metric, names.iter())?;
            let columns: Vec<&[f64]> = places.iter().map(|place| units.column(*place)).collect();
            let pivots = columns.iter().map(|column| pivot(column)).collect();
            Ok::<_, Error>(Tuple { names, columns, places, pivots })
        };
        let compressed = needs.compressed.into_iter().map(|asked| {
            let places = places(units, metric, asked.variables())?;
            Ok::<_, Error>((asked, places))
        });
        let histograms = needs.histograms.into_iter().map(|name| {
            let place = units.place(metric, &name)?;
            Ok::<_, Error>((name, place))
        });
        for name in &needs.unit_rows {
            units.place(metric, name)?;
        }
        Ok(Split {
            units,
            estimand,
            tuples: needs.comoments.into_iter().map(tuple).collect::<Result<_, Error>>()?,
            compressed: compressed.collect::<Result<_, Error>>()?,
            histograms: histograms.collect::<Result<_, Error>>()?,
            rows: !needs.unit_rows.is_empty(),
            effect: Effect::of(units, estimand, lift)?,
        })
    }

    /// The sample with these units treated.
    pub fn sample(&self, treated: &[u8], random: &mut ChaCha8Rng) -> Result<Sample, Error> {
        let counts_alone = self.compressed.is_empty() && self.histograms.is_empty() && !self.rows;
        match self.effect {
            None if counts_alone => self.by_sums(treated),
            effect => self.by_columns(treated, effect, random),
        }
    }

    fn arm(&self, at: usize, units: u64) -> ArmSample {
        let name = if at == 0 { &self.estimand.baseline_arm } else { &self.estimand.arm };
        ArmSample { arm: name.clone(), units, ..ArmSample::default() }
    }

    /// Joint moments of both arms in one pass over the columns.
    fn by_sums(&self, treated: &[u8]) -> Result<Sample, Error> {
        let n_1 = treated.iter().map(|unit| u64::from(*unit)).sum::<u64>();
        let sizes = [treated.len() as u64 - n_1, n_1];
        let mut arms = [self.arm(0, sizes[0]), self.arm(1, sizes[1])];
        for tuple in &self.tuples {
            let sums = tuple.sums(treated);
            for ((arm, n), sums) in arms.iter_mut().zip(sizes).zip(sums) {
                arm.comoments.push((tuple.names.clone(), Some(tuple.moments(n, &sums)?)));
            }
        }
        Ok(Sample { arms: arms.into() })
    }

    /// Each arm's columns, with the effect, and of them whatever is asked for.
    fn by_columns(&self, treated: &[u8], effect: Option<Effect>, random: &mut ChaCha8Rng) -> Result<Sample, Error> {
        let arm = |(at, effect): (usize, Option<Effect>)| {
            let own = |column: &[f64]| {
                let pairs = column.iter().zip(treated);
                pairs.filter(|(_, unit)| usize::from(**unit) == at).map(|(value, _)| *value).collect::<Vec<f64>>()
            };
            let mut columns: Vec<Vec<f64>> = self.units.iter().map(|(_, column)| own(column)).collect();
            if let Some(effect) = effect {
                effect.apply(&mut columns, random);
            }
            self.asked(at, &columns)
        };
        let arms = [(0, None), (1, effect)].map(arm);
        Ok(Sample { arms: arms.into_iter().collect::<Result<_, Error>>()? })
    }

    fn asked(&self, at: usize, columns: &[Vec<f64>]) -> Result<ArmSample, Error> {
        let n = columns.first().map_or(0, Vec::len);
        let mut arm = self.arm(at, n as u64);
        for tuple in &self.tuples {
            let own: Vec<&[f64]> = tuple.places.iter().map(|place| columns[*place].as_slice()).collect();
            let own = Tuple { columns: own, names: Vec::new(), places: Vec::new(), pivots: tuple.pivots.clone() };
            let [_, sums] = own.sums(&vec![1; n]);
            arm.comoments.push((tuple.names.clone(), Some(own.moments(n as u64, &sums)?)));
        }
        for (asked, places) in &self.compressed {
            let own: Vec<&[f64]> = places.iter().map(|place| columns[*place].as_slice()).collect();
            let (features, outcomes) = own.split_at(asked.features.len());
            arm.compressed.push((asked.clone(), Compressed::of(features, outcomes)?));
        }
        for (name, place) in &self.histograms {
            let mut histogram = Histogram::new();
            histogram.add_slice(&columns[*place]);
            arm.histograms.push((name.clone(), histogram));
        }
        if self.rows {
            let fields = self.units.iter().map(|(name, _)| Field::new(name, DataType::Float64, true));
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            let arrays = columns.iter().map(|column| Arc::new(Float64Array::from(column.clone())) as ArrayRef);
            // Columns of one length under their own schema are always a batch.
            arm.unit_rows = RecordBatch::try_new(schema, arrays.collect()).ok();
        }
        Ok(arm)
    }
}

fn places<'n>(units: &Units, metric: &str, names: impl Iterator<Item = &'n Variable>) -> Result<Vec<usize>, Error> {
    names.map(|name| units.place(metric, name)).collect()
}

impl Tuple<'_> {
    /// Sums of each column and of each product of two, from the pivots, in the baseline and in the arm.
    fn sums(&self, treated: &[u8]) -> [Vec<f64>; 2] {
        let mut sums = [Vec::new(), Vec::new()];
        let mut push = |[zero, one]: [f64; 2]| {
            sums[0].push(zero);
            sums[1].push(one);
        };
        for (i, (x, pivot)) in self.columns.iter().zip(&self.pivots).enumerate() {
            push(by_arm(treated, x, x, |x, _| x - pivot));
            for (y, other) in self.columns[..=i].iter().zip(&self.pivots) {
                push(by_arm(treated, x, y, |x, y| (x - pivot) * (y - other)));
            }
        }
        sums
    }

    /// The moments of an arm of its sums.
    fn moments(&self, n: u64, sums: &[f64]) -> Result<CoMoments, Error> {
        let (k, count) = (self.columns.len(), n as f64);
        let row = |i: usize| i + i * (i + 1) / 2;
        let shift = |i: usize| sums[row(i)] / count;
        let means: Vec<f64> = (0..k).map(|i| self.pivots[i] + shift(i)).collect();
        let centred = |i: usize, j: usize| sums[row(i) + 1 + j] - count * shift(i) * shift(j);
        // What rounding leaves of a constant is no variance.
        let spread = |i: usize| {
            let centred = centred(i, i);
            if centred <= 64.0 * f64::EPSILON * sums[row(i) + 1 + i] { 0.0 } else { centred }
        };
        let covariance = |i: usize, j: usize| {
            let bound = (spread(i) * spread(j)).sqrt();
            let product = if i == j { spread(i) } else { centred(i.max(j), i.min(j)).clamp(-bound, bound) };
            product / (count - 1.0)
        };
        let matrix: Vec<Vec<f64>> = (0..k).map(|i| (0..k).map(|j| covariance(i, j)).collect()).collect();
        Ok(CoMoments::from_summary(n, &means, &matrix)?)
    }
}

/// The sum of a function of two columns over the units of each arm, in an order that only the units fix.
fn by_arm(treated: &[u8], x: &[f64], y: &[f64], f: impl Fn(f64, f64) -> f64) -> [f64; 2] {
    let (mut zero, mut one) = ([0.0; LANES], [0.0; LANES]);
    let mut add = |treated: &[u8], x: &[f64], y: &[f64]| {
        for (lane, ((unit, x), y)) in treated.iter().zip(x).zip(y).enumerate() {
            let value = f(*x, *y);
            // Exact: all of the value, or none.
            let own = value * f64::from(*unit);
            one[lane] += own;
            zero[lane] += value - own;
        }
    };
    let whole = treated.len() / LANES * LANES;
    let (units, rest) = treated.split_at(whole);
    let ((x, x_rest), (y, y_rest)) = (x.split_at(whole), y.split_at(whole));
    for ((units, x), y) in
        units.as_chunks::<LANES>().0.iter().zip(x.as_chunks::<LANES>().0).zip(y.as_chunks::<LANES>().0)
    {
        add(units, x, y);
    }
    add(rest, x_rest, y_rest);
    [zero.iter().sum(), one.iter().sum()]
}

/// The mean of a column, near enough.
fn pivot(column: &[f64]) -> f64 {
    let first = column.first().copied().unwrap_or(0.0);
    first + column.iter().map(|value| value - first).sum::<f64>() / column.len().max(1) as f64
}

impl Effect {
    fn of(units: &Units, estimand: &Estimand, lift: f64) -> Result<Option<Effect>, Error> {
        if lift == 0.0 {
            return Ok(None);
        }
        let place = |name: &str| units.place(&estimand.metric, name);
        let (Summary::Mean { outcome }
        | Summary::Proportion { outcome }
        | Summary::Ratio { numerator: outcome, .. }
        | Summary::TimeToEvent { duration: outcome, .. }) = &estimand.summary;
        let column = place(outcome)?;
        let values = units.column(column);
        let zero_or_one = values.iter().all(|value| *value == 0.0 || *value == 1.0);
        if matches!(estimand.summary, Summary::Ratio { .. } | Summary::TimeToEvent { .. }) || !zero_or_one {
            return Ok(Some(Effect::Times { column, factor: 1.0 + lift }));
        }
        if lift < 0.0 {
            return Ok(Some(Effect::Turned { column, from: 1.0, chance: -lift }));
        }
        let share = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let chance = lift * share / (1.0 - share);
        if share == 0.0 || chance.is_nan() || chance > 1.0 {
            return Err(Error::OutOfRange {
                field: "lift".to_owned(),
                value: lift.to_string(),
                expected: format!("a share of {share} does not rise by so much"),
            });
        }
        Ok(Some(Effect::Turned { column, from: 0.0, chance }))
    }

    fn apply(self, columns: &mut [Vec<f64>], random: &mut ChaCha8Rng) {
        match self {
            Effect::Times { column, factor } => columns[column].iter_mut().for_each(|value| *value *= factor),
            Effect::Turned { column, from, chance } => {
                for value in columns[column].iter_mut().filter(|value| **value == from) {
                    if random.random::<f64>() < chance {
                        *value = 1.0 - from;
                    }
                }
            }
        }
    }
}
