//! Exact sums and moments against integers of any length.

use estimand_stats::suffstat::{CoMoments, Error, ExactCoMoments, ExactSum, GroupSums, Moments, Rows};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::reference;

/// Doubles as experiments have them, and as nobody wants them.
pub fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-100_000_000_i64..100_000_000).prop_map(|cents| cents as f64 / 100.0),
        3 => (-1000_i64..1000).prop_map(|count| count as f64),
        2 => any::<f64>().prop_filter("finite", |value| value.is_finite()),
        1 => (0_u64..1 << 20).prop_map(f64::from_bits),
        1 => prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN, 1e308, -1e308, f64::MIN_POSITIVE, 1e16, 1.0, -1e16]),
        1 => (1_i64..1_000_000).prop_map(|micros| 1.7e15 + micros as f64),
    ]
}

/// Values no product of which leaves the range of doubles.
fn moderate_value() -> impl Strategy<Value = f64> {
    any_value().prop_map(|value| if value.abs() > 1e150 { value.signum() * value.abs().sqrt() * 1e-10 } else { value })
}

fn bits(value: f64) -> u64 {
    value.to_bits()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sum_is_the_nearest_double(values in vec(any_value(), 0..80)) {
        let one_by_one: ExactSum = values.iter().copied().collect();
        let mut by_slice = ExactSum::new();
        by_slice.add_slice(&values);
        prop_assert_eq!(bits(one_by_one.to_f64()), bits(reference::sum(&values)));
        prop_assert_eq!(one_by_one.encode(), by_slice.encode());
    }

    #[test]
    fn a_sum_of_products_is_the_nearest_double(pairs in vec((any_value(), any_value()), 0..80)) {
        let (left, right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let mut one_by_one = ExactSum::new();
        pairs.iter().for_each(|(x, y)| one_by_one.add_product(*x, *y));
        let mut by_slice = ExactSum::new();
        by_slice.add_products(&left, &right).unwrap();
        prop_assert_eq!(bits(one_by_one.to_f64()), bits(reference::sum_of_products(&left, &right)));
        prop_assert_eq!(one_by_one.encode(), by_slice.encode());
    }

    #[test]
    fn blocks_of_any_kind_of_number_add_up_as_their_values_do(
        values in vec(any_value(), 1..12),
        scale in -150_i32..150,
        length in 100_usize..2600,
    ) {
        // Long columns of few distinct values reach every way through the blocks at little cost.
        let column: Vec<f64> = values.iter().cycle().take(length).map(|value| value.rem_euclid(1e9) * 2_f64.powi(scale)).collect();
        let mirrored: Vec<f64> = column.iter().rev().map(|value| value - 7.0).collect();
        let (mut slow, mut fast, mut products, mut fast_products) = Default::default();
        let (slow, fast, products, fast_products): (&mut ExactSum, &mut ExactSum, &mut ExactSum, &mut ExactSum) =
            (&mut slow, &mut fast, &mut products, &mut fast_products);
        column.iter().for_each(|value| slow.add(*value));
        fast.add_slice(&column);
        column.iter().zip(&mirrored).for_each(|(x, y)| products.add_product(*x, *y));
        fast_products.add_products(&column, &mirrored).unwrap();
        prop_assert_eq!(slow.encode(), fast.encode());
        prop_assert_eq!(products.encode(), fast_products.encode());
    }

    #[test]
    fn every_entry_of_the_comoments_is_the_nearest_double(rows in vec((moderate_value(), moderate_value()), 1..60)) {
        let (x, y): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
        let finished = CoMoments::of(&[&x, &y]).unwrap();
        prop_assert_eq!(bits(finished.mean(0)), bits(reference::mean(&x)));
        prop_assert_eq!(bits(finished.mean(1)), bits(reference::mean(&y)));
        for (i, left) in [&x, &y].iter().enumerate() {
            for (j, right) in [&x, &y].iter().enumerate() {
                prop_assert_eq!(bits(finished.centred(i, j)), bits(reference::centred(left, right)));
            }
        }
    }

    #[test]
    fn group_sums_are_the_nearest_doubles_whatever_the_order(
        rows in vec((0_usize..4, any_value()), 0..60).prop_shuffle(),
        cut in 0_usize..60,
    ) {
        let cut = cut.min(rows.len());
        let table = |rows: &[(usize, f64)]| {
            let mut sums = GroupSums::new();
            sums.resize(4);
            rows.iter().for_each(|(group, value)| sums.add(*group, *value).unwrap());
            sums
        };
        let mut merged = table(&rows[cut..]);
        merged.merge(&table(&rows[..cut])).unwrap();
        for group in 0..4 {
            let values: Vec<f64> = rows.iter().filter(|row| row.0 == group).map(|row| row.1).collect();
            let want = reference::sum(&values);
            match merged.finish(group) {
                Ok(got) => prop_assert_eq!(got.map(bits), (!values.is_empty()).then_some(bits(want))),
                Err(error) => {
                    prop_assert!(want.is_infinite());
                    prop_assert_eq!(error, Error::Overflow { what: "the sum of a group".to_owned() });
                }
            }
        }
    }
}

#[test]
fn cancelling_sums_keep_what_is_left() {
    for tiny in [1.0, 1e-20, f64::MIN_POSITIVE, f64::from_bits(1)] {
        for large in [1e16, 1e100, 1e308, f64::MAX] {
            let sum: ExactSum = [large, tiny, -large].into_iter().collect();
            assert_eq!(sum.to_f64(), tiny);
            assert_eq!(sum.sign(), std::cmp::Ordering::Greater);
        }
    }
}

#[test]
fn a_difference_below_every_double_still_has_a_sign() {
    let mut sum = ExactSum::new();
    sum.add_product(f64::from_bits(1), f64::from_bits(1));
    assert_eq!((sum.to_f64().to_bits(), sum.sign()), (0, std::cmp::Ordering::Greater));
    sum.add_product(-f64::from_bits(1), f64::from_bits(1));
    assert_eq!(sum.sign(), std::cmp::Ordering::Equal);
}

#[test]
fn a_sum_past_the_largest_double_comes_back_or_is_refused() {
    let mut sum: ExactSum = [f64::MAX, f64::MAX].into_iter().collect();
    assert_eq!(sum.value(), Err(Error::Overflow { what: "the sum".to_owned() }));
    sum.add(-f64::MAX);
    assert_eq!(sum.value(), Ok(f64::MAX));
}

#[test]
fn values_that_are_not_finite_are_counted_and_refused_by_variable() {
    let mut exact = ExactCoMoments::new(2);
    let (x, y) = (vec![1.0; 200], [vec![f64::NAN, f64::INFINITY], vec![2.0; 198]].concat());
    exact.push_columns(&[&x, &y], Rows::All).unwrap();
    assert_eq!((exact.n(), exact.non_finite(0), exact.non_finite(1)), (198, 0, 2));
    let refused = exact.finish().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "variable 1 holds 2 values that are infinite or not a number; filter them out or mend them at the source"
    );
}

#[test]
fn no_rows_one_row_and_equal_rows_are_each_named() {
    assert_eq!(Moments::of(&[]), Err(Error::Empty));
    let one = Moments::of(&[0.1]).unwrap();
    assert_eq!((one.n, one.mean, one.centred, one.variance()), (1, 0.1, 0.0, None));
    let equal = Moments::of(&[0.1; 1000]).unwrap();
    assert_eq!((equal.mean, equal.variance()), (0.1, Some(0.0)));
}

#[test]
fn squares_past_the_largest_double_are_refused() {
    let refused = Moments::of(&[1e308, -1e308]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the centred product of variables 0 and 0 is larger than a double can hold; rescale the variable"
    );
}

#[test]
fn a_count_of_rows_past_64_bits_is_refused() {
    let mut bytes = ExactCoMoments::new(0).encode();
    bytes[3..11].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut full = ExactCoMoments::decode(&bytes).unwrap();
    assert_eq!(full.merge(&full.clone()), Err(Error::Overflow { what: "the count of rows".to_owned() }));
}

#[test]
fn integers_at_large_offsets_keep_every_digit() {
    for offset in [0.0, 1e6, 1e9, 1e12, 1e15, 1.7e15, -1.7e15] {
        let control: Vec<f64> = (0..997).map(|i| offset + f64::from(i * i % 101)).collect();
        let treated: Vec<f64> = (0..1009).map(|i| offset + f64::from(i * i % 97) + 1.0).collect();
        let small = |values: &[f64]| Moments::of(&values.iter().map(|v| v - offset).collect::<Vec<_>>()).unwrap();
        let t = |a: &Moments, b: &Moments, difference: f64| {
            difference / (a.mean_variance().unwrap() + b.mean_variance().unwrap()).sqrt()
        };
        let (a, b) = (Moments::of(&control).unwrap(), Moments::of(&treated).unwrap());
        assert_eq!(
            (a.variance(), b.variance()),
            (small(&control).variance(), small(&treated).variance()),
            "at {offset}"
        );
        assert_eq!(a.mean, reference::mean(&control));
        // The difference of two rounded means loses digits at such offsets; the pooled pivot of an exact sum does not.
        let exact = small(&treated).mean - small(&control).mean;
        assert_eq!(t(&a, &b, exact), t(&small(&control), &small(&treated), exact));
    }
}

#[test]
fn pooling_arms_gives_the_moments_of_all_rows() {
    let (x, y): (Vec<f64>, Vec<f64>) = (0..500).map(|i| (f64::from(i % 37) * 0.1, f64::from(i * i % 91) - 3.0)).unzip();
    let (first, second) =
        (CoMoments::of(&[&x[..180], &y[..180]]).unwrap(), CoMoments::of(&[&x[180..], &y[180..]]).unwrap());
    let (pooled, all) = (first.merge(&second).unwrap(), CoMoments::of(&[&x, &y]).unwrap());
    assert_eq!(pooled.n(), all.n());
    for i in 0..2 {
        assert!(reference::digits(pooled.mean(i), all.mean(i)) > 14.0);
        for j in 0..2 {
            assert!(reference::digits(pooled.centred(i, j), all.centred(i, j)) > 13.0);
        }
    }
    assert_eq!(all.select(&[1]).moments(0), all.moments(1));
    assert_eq!(all.select(&[1, 0]).covariance(0, 1), all.covariance(0, 1));
}

#[test]
fn rows_may_be_chosen_by_mask_or_by_position() {
    let column: Vec<f64> = (0..400).map(|i| f64::from(i) * 0.3).collect();
    let mask: Vec<bool> = (0..400).map(|i| i % 3 == 1).collect();
    let at: Vec<u32> = (0..400).filter(|i| i % 3 == 1).collect();
    let chosen: Vec<f64> = at.iter().map(|i| column[*i as usize]).collect();
    let made = |rows: Rows, column: &[f64]| {
        let mut exact = ExactCoMoments::new(1);
        exact.push_columns(&[column], rows).unwrap();
        exact.encode()
    };
    assert_eq!(made(Rows::Mask(&mask), &column), made(Rows::All, &chosen));
    assert_eq!(made(Rows::At(&at), &column), made(Rows::All, &chosen));
    let mut exact = ExactCoMoments::new(1);
    let beyond = exact.push_columns(&[&column], Rows::At(&[0, 400]));
    assert_eq!(beyond, Err(Error::Shape { what: "rows a position may name", expected: 400, got: 400 }));
    assert_eq!(exact, ExactCoMoments::new(1));
}

#[test]
fn summary_numbers_make_the_moments_they_describe_or_are_refused() {
    let moments = Moments::from_summary(3461, 0.70, 38.44).unwrap();
    assert_eq!((moments.n, moments.mean), (3461, 0.70));
    assert!(reference::digits(moments.variance().unwrap(), 38.44) > 15.0);
    let joint = |rows: [[f64; 2]; 2]| CoMoments::from_summary(10, &[1.0, 2.0], &rows.map(Vec::from));
    assert_eq!(joint([[4.0, 1.0], [1.0, 9.0]]).unwrap().covariance(1, 0), Some(1.0));
    let reasons = [
        joint([[4.0, 1.0], [2.0, 9.0]]),
        joint([[-4.0, 0.0], [0.0, 9.0]]),
        joint([[4.0, 6.5], [6.5, 9.0]]),
        CoMoments::from_summary(1, &[0.0], &[vec![1.0]]),
        CoMoments::from_summary(2, &[f64::NAN], &[vec![1.0]]),
    ]
    .map(|refused| refused.unwrap_err().to_string());
    assert_eq!(
        reasons,
        [
            "impossible summary: covariance (1, 0) is 2 but (0, 1) is 1",
            "impossible summary: the variance of variable 0 is negative",
            "impossible summary: the correlation of variables 0 and 1 is beyond 1",
            "impossible summary: one unit has no variance, but 1 is given",
            "impossible summary: NaN is no mean and no covariance",
        ]
    );
    assert_eq!(CoMoments::from_summary(0, &[], &[]), Err(Error::Empty));
}

#[test]
fn stored_comoments_come_back_or_are_refused() {
    let comoments = CoMoments::of(&[&[0.25, 0.5, 0.75], &[1.0, -1.0, 3.0]]).unwrap();
    let text = serde_json::to_string(&comoments).unwrap();
    assert_eq!(serde_json::from_str::<CoMoments>(&text).unwrap(), comoments);
    let refused = serde_json::from_str::<CoMoments>(r#"{"n":3,"mean":[0.5],"cross":[1.0,2.0]}"#).unwrap_err();
    assert_eq!(refused.to_string(), "cross products: expected 1, got 2");
}

#[test]
fn a_billion_carries_do_not_overflow() {
    // 2^28 deposits force a carry; merging with itself reaches such counts quickly.
    let mut sum: ExactSum = [f64::MAX, -1.5, 3e-310].into_iter().collect();
    let mut products = ExactSum::new();
    products.add_product(f64::MAX, -f64::MAX);
    for _ in 0..40 {
        sum.merge(&sum.clone());
        products.merge(&products.clone());
    }
    sum.add_product(-f64::MAX, (1_u64 << 40) as f64);
    sum.add_product(1.5, (1_u64 << 40) as f64);
    sum.add_product(-3e-310, (1_u64 << 40) as f64);
    assert_eq!(sum.encode(), ExactSum::new().encode());
    products.add_product(f64::MAX * 2_f64.powi(-40), f64::MAX);
    assert_eq!(products.sign(), std::cmp::Ordering::Less);
    assert_eq!(ExactSum::decode(&products.encode()), Ok(products));
}
