//! The fused finish of unit rows against a plain computation, row by row and group by group.

use std::collections::BTreeMap;

use estimand_stats::suffstat::{Error, ExactCoMoments, ExactCompressed, Histogram, Values, quantile};
use estimand_stats::unit_aggregation::finish::{
    Columns, Derive, Derived, Finish, Finished, FinishedRow, Finishing, Limit, Readout, UnitBlock, Worker,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::suffstat_exact::any_value;

const ARMS: usize = 3;
const COLUMNS: usize = 3;
const GROUPINGS: usize = 2;

/// One unit: its arm, its groups, its values where there are any.
#[derive(Debug, Clone)]
struct Unit {
    arm: u32,
    groups: [u32; GROUPINGS],
    values: [Option<f64>; COLUMNS],
}

/// All columns of a unit, the derived ones in the most obvious way.
fn columns(unit: &Unit, finishing: &Finishing, limits: &[(Option<f64>, Option<f64>)]) -> Vec<Option<f64>> {
    let mut all = unit.values.to_vec();
    for (derived, found) in finishing.derived.iter().zip(limits) {
        let of = all[derived.of];
        all.push(match derived.how {
            Derive::Clip { lower, upper } => of.map(|value| {
                let at = |limit, found| match limit {
                    Some(Limit::Value(value)) => Some(value),
                    Some(Limit::Percentile { .. }) => found,
                    None => None,
                };
                match (at(lower, found.0), at(upper, found.1)) {
                    (Some(lower), _) if value.total_cmp(&lower).is_lt() => lower,
                    (_, Some(upper)) if value.total_cmp(&upper).is_gt() => upper,
                    _ => value,
                }
            }),
            Derive::Filled => Some(of.unwrap_or(0.0)),
            Derive::Missing => Some(if of.is_none() { 1.0 } else { 0.0 }),
        });
    }
    all
}

fn limits(units: &[Unit], finishing: &Finishing) -> Vec<(Option<f64>, Option<f64>)> {
    let mut limits = Vec::new();
    for derived in &finishing.derived {
        let find = |limit: Option<Limit>| {
            let Some(Limit::Percentile { rank, nonzero }) = limit else { return None };
            let values = units.iter().filter_map(|unit| columns(unit, finishing, &limits)[derived.of]);
            quantile(&mut values.filter(|value| !nonzero || *value != 0.0).collect::<Vec<_>>(), rank)
        };
        limits.push(match derived.how {
            Derive::Clip { lower, upper } => (find(lower), find(upper)),
            Derive::Filled | Derive::Missing => (None, None),
        });
    }
    limits
}

/// The statistics of some rows, each fed row by row.
fn statistics(
    rows: &[Vec<Option<f64>>],
    readout: &Readout,
) -> (Vec<ExactCoMoments>, Vec<ExactCompressed>, Vec<Histogram>) {
    let of_tuple = |tuple: &Vec<usize>| {
        let mut exact = ExactCoMoments::new(tuple.len());
        for row in rows {
            let chosen: Vec<Option<f64>> = tuple.iter().map(|column| row[*column]).collect();
            let missing: Vec<u64> = chosen.iter().map(|value| u64::from(value.is_none())).collect();
            match chosen.into_iter().collect::<Option<Vec<f64>>>() {
                Some(row) => exact.push_row(&row).unwrap(),
                None => exact.record_missing(1, &missing).unwrap(),
            }
        }
        exact
    };
    let of_column = |column: &usize| {
        let mut histogram = Histogram::new();
        for row in rows {
            match row[*column] {
                Some(value) => histogram.add(value),
                None => histogram.record_missing(1),
            }
        }
        histogram
    };
    let of_columns = |kept: &Columns| {
        let mut exact = ExactCompressed::new(kept.features.len(), kept.outcomes.len());
        for row in rows {
            let cells: Vec<Option<f64>> =
                kept.features.iter().chain(&kept.outcomes).map(|column| row[*column]).collect();
            let values: Vec<[f64; 1]> = cells.iter().map(|cell| [cell.unwrap_or(f64::NAN)]).collect();
            let present: Vec<[bool; 1]> = cells.iter().map(|cell| [cell.is_some()]).collect();
            let columns = values.iter().zip(&present);
            let columns: Vec<Values<'_>> =
                columns.map(|(values, present)| Values { values, present: Some(present) }).collect();
            exact.push(&columns, &[0]).unwrap();
        }
        exact
    };
    let compressed = readout.compressions.iter().map(of_columns).collect();
    (readout.tuples.iter().map(of_tuple).collect(), compressed, readout.histograms.iter().map(of_column).collect())
}

fn plainly(units: &[Unit], finishing: &Finishing) -> Finished {
    let limits = limits(units, finishing);
    let of_readout = |readout: &Readout| {
        let mut cells: BTreeMap<(u32, u32), Vec<Vec<Option<f64>>>> = BTreeMap::new();
        for unit in units {
            let group = readout.by.map_or(0, |by| unit.groups[by]);
            cells.entry((group, unit.arm)).or_default().push(columns(unit, finishing, &limits));
        }
        let row = |((group, arm), rows): ((u32, u32), Vec<Vec<Option<f64>>>)| {
            let (comoments, compressed, histograms) = statistics(&rows, readout);
            FinishedRow { arm, group, units: rows.len() as u64, comoments, compressed, histograms }
        };
        cells.into_iter().map(row).collect()
    };
    let readouts = finishing.readouts.iter().map(of_readout).collect();
    Finished { limits, readouts }
}

fn push(worker: &mut Worker, units: &[Unit], always_masked: bool) -> Result<(), Error> {
    let arms: Vec<u32> = units.iter().map(|unit| unit.arm).collect();
    let groups: Vec<Vec<u32>> =
        (0..GROUPINGS).map(|grouping| units.iter().map(|unit| unit.groups[grouping]).collect()).collect();
    let groups: Vec<&[u32]> = groups.iter().map(Vec::as_slice).collect();
    let column = |column: usize| -> (Vec<f64>, Vec<bool>) {
        units.iter().map(|unit| (unit.values[column].unwrap_or(f64::NAN), unit.values[column].is_some())).unzip()
    };
    let columns: Vec<(Vec<f64>, Vec<bool>)> = (0..COLUMNS).map(column).collect();
    let values: Vec<Values<'_>> = columns
        .iter()
        .map(|(values, present)| {
            let present = (always_masked || present.contains(&false)).then_some(present.as_slice());
            Values { values, present }
        })
        .collect();
    worker.push(&UnitBlock { arms: &arms, groups: &groups, values: &values })
}

fn hostile_value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        20 => any_value().prop_map(Some),
        20 => (-50_i32..50).prop_map(|value| Some(f64::from(value) / 8.0)),
        8 => Just(None),
        1 => prop::sample::select(vec![f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(Some),
    ]
}

fn calm_value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![(0..20_000).prop_map(|cents| Some(f64::from(cents) / 100.0)), Just(Some(0.0))]
}

fn unit() -> impl Strategy<Value = Unit> {
    let code = || prop::sample::select(vec![0_u32, 1, 2, 3, 4, 40, u32::MAX]);
    (0..ARMS as u32, [code(), code()], (calm_value(), hostile_value(), hostile_value()))
        .prop_map(|(arm, groups, (a, b, c))| Unit { arm, groups, values: [a, b, c] })
}

fn limit() -> impl Strategy<Value = Option<Limit>> {
    prop_oneof![
        Just(None),
        (-20_i32..20).prop_map(|value| Some(Limit::Value(f64::from(value) / 4.0))),
        (0.0..=1.0, any::<bool>()).prop_map(|(rank, nonzero)| Some(Limit::Percentile { rank, nonzero })),
    ]
}

fn finishing() -> impl Strategy<Value = Finishing> {
    let how = prop_oneof![
        4 => (limit(), limit()).prop_map(|(lower, upper)| Derive::Clip { lower, upper }),
        1 => Just(Derive::Filled),
        1 => Just(Derive::Missing),
    ];
    let of = any::<prop::sample::Index>();
    let named = || any::<prop::sample::Index>();
    let kept = (vec(named(), 0..3), vec(named(), 0..3));
    let readout = (prop::option::of(0..GROUPINGS), vec(vec(named(), 1..4), 0..4), vec(kept, 0..2), vec(named(), 0..2));
    (vec((how, of), 0..4), vec(readout, 0..4)).prop_map(|(derived, readouts)| {
        let columns = COLUMNS + derived.len();
        let derived = derived.into_iter().enumerate();
        let derived = derived.map(|(position, (how, of))| Derived { of: of.index(COLUMNS + position), how }).collect();
        let places = |named: &Vec<prop::sample::Index>| named.iter().map(|column| column.index(columns)).collect();
        let readouts = readouts.into_iter().map(|(by, tuples, kept, histograms)| Readout {
            by,
            tuples: tuples.iter().map(places).collect(),
            compressions: kept
                .iter()
                .map(|(features, outcomes)| Columns { features: places(features), outcomes: places(outcomes) })
                .collect(),
            histograms: places(&histograms),
        });
        let readouts: Vec<Readout> = readouts.collect();
        // Arms alone ask again for what the groupings have, as plans do.
        let arms_alone = Readout { by: None, ..readouts.first().cloned().unwrap_or_default() };
        Finishing { columns: COLUMNS, derived, readouts: readouts.into_iter().chain([arms_alone]).collect() }
    })
}

/// Everything to the last byte: doubles of limits by their bits, statistics by their encoding.
fn bytes(finished: &Finished) -> impl PartialEq + std::fmt::Debug + use<> {
    let bits = |limit: Option<f64>| limit.map(f64::to_bits);
    let limits: Vec<_> = finished.limits.iter().map(|(lower, upper)| (bits(*lower), bits(*upper))).collect();
    let row = |row: &FinishedRow| {
        let comoments: Vec<Vec<u8>> = row.comoments.iter().map(ExactCoMoments::encode).collect();
        let histograms: Vec<Vec<u8>> = row.histograms.iter().map(Histogram::encode).collect();
        let compressed: Vec<Vec<u8>> = row.compressed.iter().map(ExactCompressed::encode).collect();
        (row.arm, row.group, row.units, comoments, compressed, histograms)
    };
    let readouts: Vec<Vec<_>> = finished.readouts.iter().map(|rows| rows.iter().map(row).collect()).collect();
    (limits, readouts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finishing_equals_a_plain_computation_however_rows_are_split(
        units in vec(unit(), 0..400),
        finishing in finishing(),
        cuts in vec((any::<prop::sample::Index>(), any::<bool>()), 0..6),
        workers in 1_usize..4,
    ) {
        let finish = Finish::new(finishing.clone(), ARMS).unwrap();
        let mut workers: Vec<Worker> = (0..workers).map(|_| finish.worker()).collect();
        let mut edges: Vec<usize> = cuts.iter().map(|(cut, _)| cut.index(units.len() + 1)).chain([0, units.len()]).collect();
        edges.sort_unstable();
        for (part, edge) in edges.windows(2).enumerate() {
            let masked = cuts.get(part).is_some_and(|(_, masked)| *masked);
            let worker = part % workers.len();
            push(&mut workers[worker], &units[edge[0]..edge[1]], masked).unwrap();
        }
        let finished = finish.conclude(workers).unwrap();
        prop_assert_eq!(bytes(&finished), bytes(&plainly(&units, &finishing)));
    }
}

#[test]
fn many_groups_of_few_rows_are_read_like_few_groups_of_many() {
    let units: Vec<Unit> = (0..20_000_u32)
        .map(|row| Unit {
            arm: row % 3,
            groups: [row % 4_001, row.wrapping_mul(2_654_435_761) >> 27],
            values: [
                Some(f64::from(row % 977) * 0.01),
                (row % 7 > 0).then_some(f64::from(row % 31)),
                Some(1.0 / f64::from(row + 1)),
            ],
        })
        .collect();
    let derived = vec![Derived {
        of: 0,
        how: Derive::Clip { lower: None, upper: Some(Limit::Percentile { rank: 0.99, nonzero: true }) },
    }];
    let readout = |by| Readout {
        by,
        tuples: vec![vec![0], vec![0, 2], vec![3, 1], vec![3]],
        compressions: vec![Columns { features: vec![1], outcomes: vec![0, 3] }],
        histograms: vec![1, 3],
    };
    let readouts = vec![readout(Some(0)), readout(None), readout(Some(1))];
    let finishing = Finishing { columns: COLUMNS, derived, readouts };
    let finish = Finish::new(finishing.clone(), ARMS).unwrap();
    let mut workers = vec![finish.worker(), finish.worker()];
    units.chunks(1_500).enumerate().for_each(|(part, units)| push(&mut workers[part % 2], units, false).unwrap());
    assert_eq!(bytes(&finish.conclude(workers).unwrap()), bytes(&plainly(&units, &finishing)));
}

#[test]
fn no_rows_give_readouts_without_rows_and_no_limits() {
    let capped = Derive::Clip { lower: None, upper: Some(Limit::Percentile { rank: 0.9, nonzero: false }) };
    let readouts = vec![Readout { tuples: vec![vec![1]], ..Readout::default() }];
    let finishing = Finishing { columns: 1, derived: vec![Derived { of: 0, how: capped }], readouts };
    let finish = Finish::new(finishing, 2).unwrap();
    let empty = Finished { limits: vec![(None, None)], readouts: vec![vec![]] };
    assert_eq!(finish.conclude(vec![]), Ok(empty.clone()));
    assert_eq!(finish.conclude(vec![finish.worker()]), Ok(empty));
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = |what, expected, got| Error::Shape { what, expected, got };
    let readout = Readout { by: Some(0), tuples: vec![vec![0, 1]], ..Readout::default() };
    let refused = |finishing: Finishing| Finish::new(finishing, 2).map(|_| ()).unwrap_err();
    let finishing = Finishing { columns: 1, derived: vec![], readouts: vec![readout.clone()] };
    assert_eq!(refused(finishing), shape("columns a readout may name", 1, 1));
    let derived = vec![Derived { of: 1, how: Derive::Filled }];
    let finishing = Finishing { columns: 1, derived, readouts: vec![] };
    assert_eq!(refused(finishing), shape("columns a derived column may be made of", 1, 1));

    let finish = Finish::new(Finishing { columns: 2, derived: vec![], readouts: vec![readout] }, 2).unwrap();
    let mut worker = finish.worker();
    let column = |values| Values { values, present: None };
    let two = [column(&[1.0, 2.0]), column(&[3.0, 4.0])];
    let mut refused = |arms: &[u32], groups: &[&[u32]], values: &[Values<'_>]| {
        worker.push(&UnitBlock { arms, groups, values }).unwrap_err()
    };
    assert_eq!(refused(&[0, 1], &[&[0, 0]], &two[..1]), shape("columns", 2, 1));
    assert_eq!(refused(&[0, 1], &[], &two), shape("groupings", 1, 0));
    assert_eq!(refused(&[0, 1], &[&[0]], &two), shape("rows of a grouping", 2, 1));
    assert_eq!(refused(&[0], &[&[0]], &two), shape("rows of a column", 1, 2));
    assert_eq!(refused(&[0, 2], &[&[0, 0]], &two), shape("arms", 2, 2));
}
