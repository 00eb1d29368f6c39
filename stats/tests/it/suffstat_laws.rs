//! The laws every small mergeable statistic keeps to the last byte, for all members of the registry.

use std::collections::BTreeSet;

use estimand_stats::suffstat::{
    ALL, Empty, Error, ExactCoMoments, ExactSum, Histogram, Rows, SufficientStatistic, TupleCoMoments, Tuples, Values,
    Workspace,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::suffstat_exact::any_value;

/// A statistic of some rows. Each row is one value; further variables are derived from it.
fn of(empty: Empty, rows: &[f64]) -> Box<dyn SufficientStatistic> {
    let mut statistic = empty();
    let columns: Vec<Vec<f64>> =
        (0..statistic.arity()).map(|i| rows.iter().map(|x| x / (1 + 2 * i) as f64).collect()).collect();
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    statistic.observe(&columns).unwrap();
    statistic
}

/// Merges parts along a random tree.
fn merged(mut parts: Vec<Box<dyn SufficientStatistic>>, choices: &[usize]) -> Vec<u8> {
    for choice in choices.iter().cycle() {
        if parts.len() < 2 {
            break;
        }
        let taken = parts.swap_remove(choice % parts.len());
        let into = choice / 7 % parts.len();
        parts[into].absorb(&taken.encode()).unwrap();
    }
    parts.pop().map(|last| last.encode()).unwrap_or_default()
}

/// Values among which some are not finite.
fn hostile_value() -> impl Strategy<Value = f64> {
    prop_oneof![30 => any_value(), 1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tuples_read_together_equal_each_tuple_read_alone(
        rows in vec((hostile_value(), hostile_value(), any_value(), 0_u32..40), 0..400),
        tuples in vec(vec(0_usize..3, 1..4), 1..6),
    ) {
        let columns: [Vec<f64>; 3] = [
            rows.iter().map(|row| row.0).collect(),
            rows.iter().map(|row| row.1).collect(),
            rows.iter().map(|row| row.2).collect(),
        ];
        // The last column misses values; the others have all.
        let present: Vec<bool> = rows.iter().map(|row| row.3 > 0).collect();
        let all = [None, None, present.contains(&false).then_some(present.as_slice())];
        let tuples: Vec<Vec<usize>> = tuples.into_iter().chain([vec![2, 1, 0]]).collect();
        let mut together = TupleCoMoments::new(Tuples::new(tuples.clone()));
        let values: Vec<Values<'_>> =
            columns.iter().zip(all).map(|(values, present)| Values { values, present }).collect();
        together.push(&values, &mut Workspace::default()).unwrap();
        let alone = tuples.iter().map(|tuple| {
            let complete: Vec<bool> = present.iter().map(|present| *present || !tuple.contains(&2)).collect();
            let dropped = complete.iter().filter(|complete| !**complete).count() as u64;
            let missing: Vec<u64> = tuple.iter().map(|column| if *column == 2 { dropped } else { 0 }).collect();
            let mut exact = ExactCoMoments::new(tuple.len());
            exact.record_missing(dropped, &missing).unwrap();
            let chosen: Vec<&[f64]> = tuple.iter().map(|column| columns[*column].as_slice()).collect();
            exact.push_columns(&chosen, Rows::Mask(&complete)).unwrap();
            exact.encode()
        });
        let together: Vec<Vec<u8>> = together.tuples().iter().map(ExactCoMoments::encode).collect();
        prop_assert_eq!(together, alone.collect::<Vec<_>>());
    }

    #[test]
    fn order_split_and_merge_tree_do_not_change_a_byte(
        rows in vec(hostile_value(), 0..300),
        shuffle in any::<prop::sample::Index>(),
        cuts in vec(any::<prop::sample::Index>(), 0..9),
        choices in vec(any::<usize>(), 1..9),
    ) {
        for empty in ALL {
            let whole = of(*empty, &rows).encode();
            let mut other_order = rows.clone();
            if !rows.is_empty() {
                other_order.rotate_left(shuffle.index(rows.len()));
                other_order.sort_by_key(|value| value.to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15));
            }
            let mut edges: Vec<usize> = cuts.iter().map(|cut| cut.index(rows.len() + 1)).chain([0, rows.len()]).collect();
            edges.sort_unstable();
            let parts = edges.windows(2).map(|edge| of(*empty, &other_order[edge[0]..edge[1]])).collect();
            prop_assert_eq!(&merged(parts, &choices), &whole);
        }
    }

    #[test]
    fn an_empty_statistic_changes_nothing(rows in vec(hostile_value(), 0..50)) {
        for empty in ALL {
            let (mut left, mut right) = (of(*empty, &rows), empty());
            left.absorb(&empty().encode()).unwrap();
            right.absorb(&of(*empty, &rows).encode()).unwrap();
            prop_assert_eq!(left.encode(), of(*empty, &rows).encode());
            prop_assert_eq!(right.encode(), left.encode());
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_are_another_canonical_value(
        rows in vec(hostile_value(), 0..20),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        for empty in ALL {
            let mut bytes = of(*empty, &rows).encode();
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let mut read = empty();
            if read.absorb(&bytes).is_ok() {
                prop_assert_eq!(read.encode(), bytes, "{} read what it cannot have written", read.name());
            }
        }
    }
}

#[test]
fn each_member_has_a_file_and_a_name_of_its_own() {
    let names: Vec<&str> = ALL.iter().map(|empty| empty().name()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "two members share a name: {names:?}");
    assert!(names.is_sorted(), "the registry is in alphabetical order: {names:?}");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/suffstat");
    let members: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("impl SufficientStatistic for"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(members, names.iter().map(|name| (*name).to_owned()).collect(), "files with a member, and the registry");
}

#[test]
fn bytes_of_another_kind_are_refused_by_name() {
    let sum = ExactSum::new().encode();
    let refused = |error: Error| error.to_string();
    assert_eq!(
        refused(Histogram::decode(&sum).unwrap_err()),
        "these bytes are no encoded histogram: the first byte is 81, not 72"
    );
    assert_eq!(
        refused(ExactSum::decode(&sum[..5]).unwrap_err()),
        "these bytes are no encoded exact sum: the count of non-finite values needs 8 bytes, 4 are left"
    );
    assert_eq!(
        refused(ExactSum::decode(&[&sum[..], &[0]].concat()).unwrap_err()),
        "these bytes are no encoded exact sum: 1 bytes are left over"
    );
    assert_eq!(
        refused(ExactCoMoments::decode(&[]).unwrap_err()),
        "these bytes are no encoded co-moments: the tag needs 1 bytes, 0 are left"
    );
}

#[test]
fn another_number_of_variables_is_refused() {
    let (mut two, three) = (ExactCoMoments::new(2), ExactCoMoments::new(3));
    let shape = |what, expected, got| Err(Error::Shape { what, expected, got });
    assert_eq!(two.merge(&three), shape("variables", 2, 3));
    assert_eq!(two.push_columns(&[&[1.0]], Rows::All), shape("columns", 2, 1));
    assert_eq!(two.push_columns(&[&[1.0], &[]], Rows::All), shape("rows of a column", 1, 0));
    assert_eq!(two.push_columns(&[&[1.0], &[1.0]], Rows::Mask(&[])), shape("entries of the mask", 1, 0));
    assert_eq!(two, ExactCoMoments::new(2));
}
