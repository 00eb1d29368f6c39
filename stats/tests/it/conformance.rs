//! Every estimator against the contract of the trait, on samples of every shape: ordinary, tiny, empty, constant, huge.

use arrow::array::Float64Array;
use estimand_stats::estimand::{Direction, Hypothesis, SummaryKind};
use estimand_stats::{Design, Error, Estimand, Estimates, Estimator, Sample, estimator};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::samples::{Arm, answer, effect, mean_of, proportion_of, ratio_of, sample, time_to, with_compressed};

const SHAPES: [&str; 10] = [
    "ordinary",
    "one unit",
    "two units",
    "empty arm",
    "no variance",
    "no variance, means differ",
    "huge",
    "tiny",
    "negative",
    "zeros",
];

/// Columns in the unit of the metric: what is rescaled.
const IN_UNITS: [&str; 2] = ["amount", "duration"];

/// Absolute effects that have no unit.
const WITHOUT_UNIT: [&str; 3] = ["hazard_ratio", "log_rank", "survival_difference"];

/// Two arms with an outcome of 0 and 1, an amount, a count that is positive, two covariates, and a time that ends with an
/// event or without.
fn arms(shape: &str, seed: u64) -> [Arm; 2] {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut arm = |name: &str, n: usize, shift: f64| {
        let mut columns: Vec<Vec<f64>> = vec![Vec::new(); 9];
        for unit in 0..n {
            let x: f64 = random.random();
            let share = f64::from(u8::from(random.random::<f64>() < 0.3 + shift));
            let amount = 2.0 * x + random.random::<f64>() + shift;
            let count = 1.0 + (4.0 * random.random::<f64>()).floor();
            let covariates = [x, random.random::<f64>()];
            let duration = 1.0 + ((20.0 + 20.0 * shift) * random.random::<f64>()).floor();
            let event = f64::from(u8::from(random.random::<f64>() < 0.7));
            // Five units to a cluster of one arm, and both arms in each of four strata.
            let cluster = (unit / 5) as f64 + if shift > 0.0 { 100.0 } else { 0.0 };
            let stratum = (unit / 5 % 4) as f64;
            let row = [share, amount, count, covariates[0], covariates[1], duration, event, cluster, stratum];
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        let change: fn(f64) -> f64 = match shape {
            "huge" => |value| value * 1e150,
            "tiny" => |value| value * 1e-150,
            "negative" => |value| -value,
            "zeros" => |_| 0.0,
            _ => |value| value,
        };
        columns[1].iter_mut().for_each(|value| *value = change(*value));
        // Times are never below zero.
        columns[5].iter_mut().for_each(|value| *value = change(*value).abs());
        if shape.starts_with("no variance") {
            let level = if shape.ends_with("differ") { shift } else { 0.0 };
            columns[0].fill(f64::from(u8::from(level > 0.0)));
            columns[1].fill(3.0 + level);
            columns[2].fill(2.0);
            columns[5].fill(3.0 + level);
            columns[6].fill(1.0);
        }
        let names = ["share", "amount", "count", "x", "z", "duration", "event", "cluster", "stratum"];
        let columns = names.iter().zip(columns).map(|(name, values)| ((*name).to_owned(), values)).collect();
        Arm { name: name.to_owned(), columns }
    };
    let n = match shape {
        "one unit" => [40, 1],
        "two units" => [2, 2],
        "empty arm" => [40, 0],
        _ => [60, 50],
    };
    [arm("control", n[0], 0.0), arm("treatment", n[1], 0.2)]
}

fn questions(served: &[SummaryKind]) -> Vec<Estimand> {
    let summaries = [
        (SummaryKind::Mean, mean_of("amount")),
        (SummaryKind::Proportion, proportion_of("share")),
        (SummaryKind::Ratio, ratio_of("amount", "count")),
        (SummaryKind::TimeToEvent, time_to("event", "duration")),
    ];
    let hypotheses =
        [Hypothesis::TwoSided, Hypothesis::Greater, Hypothesis::Less, Hypothesis::NonInferiority { margin: 0.1 }];
    let mut questions = Vec::new();
    for (_, summary) in summaries.into_iter().filter(|(kind, _)| served.contains(kind)) {
        for hypothesis in hypotheses {
            for direction in [Direction::Higher, Direction::Lower] {
                questions.push(Estimand { hypothesis, direction, ..effect(summary.clone(), "treatment", "control") });
            }
        }
    }
    questions
}

fn designs(estimator: &dyn Estimator) -> Vec<Design> {
    // As few replicates as there may be: the contract does not depend on them.
    let few = estimator.options().iter().find(|spec| spec.name == "replicates").map(|spec| (spec.name, "99"));
    let with = |covariates: &[&str], option: Option<(&str, &str)>| {
        let options: Vec<(&str, &str)> = few.into_iter().chain(option).collect();
        crate::samples::design(covariates, &options)
    };
    let mut designs = vec![with(&[], None), with(&["x"], None), with(&["x", "z"], None)];
    for spec in estimator.options() {
        if let estimator::OptionKind::Choice(words) = &spec.kind {
            designs.extend(words.iter().map(|word| with(&["x", "z"], Some((spec.name, *word)))));
        }
    }
    assigned(estimator, designs)
}

/// The designs as the estimator can be asked with: with clusters, strata or both where these change what it needs, and
/// without where it can do without.
fn assigned(estimator: &dyn Estimator, designs: Vec<Design>) -> Vec<Design> {
    let question = questions(estimator.serves()).remove(0);
    let mut all: Vec<Design> = Vec::new();
    for design in designs {
        let mut seen = Vec::new();
        for (cluster, stratum) in [(false, false), (true, false), (false, true), (true, true)] {
            let name = |set: bool, name: &str| set.then(|| name.to_owned());
            let design =
                Design { cluster: name(cluster, "cluster"), stratum: name(stratum, "stratum"), ..design.clone() };
            let needs = estimator.requires(&question, &design);
            if !matches!(needs, Err(Error::NotInDesign { .. })) && !seen.contains(&needs) {
                seen.push(needs);
                all.push(design);
            }
        }
    }
    all
}

/// The plainest design that the estimator can be asked with.
fn plainest(estimator: &dyn Estimator, design: Design) -> Design {
    assigned(estimator, vec![design]).remove(0)
}

/// Calls `check` with every estimator × shape × question × design.
fn every_call(shapes: &[&str], mut check: impl FnMut(&str, &dyn Estimator, &Estimand, &Design, &[Arm; 2])) -> usize {
    let mut calls = 0;
    for estimator in estimator::ALL.iter().copied() {
        for (seed, shape) in shapes.iter().enumerate() {
            let arms = arms(shape, seed as u64);
            for question in questions(estimator.serves()) {
                for design in designs(estimator) {
                    let place = format!("{} on {shape}: {question:?} {design:?}", estimator.name());
                    check(&place, estimator, &question, &design, &arms);
                    calls += 1;
                }
            }
        }
    }
    calls
}

#[test]
fn names_are_unique_sorted_and_described() {
    let names: Vec<&str> = estimator::ALL.iter().map(|estimator| estimator.name()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
    for estimator in estimator::ALL {
        for sentence in [estimator.summary(), estimator.assumes(), estimator.source()] {
            assert!(sentence.ends_with('.'), "{}: {sentence}", estimator.name());
        }
        let options: Vec<&str> = estimator.options().iter().map(|option| option.name).collect();
        assert!(options.is_sorted(), "{}: {options:?}", estimator.name());
        for option in estimator.options() {
            let design = plainest(*estimator, crate::samples::design(&["x", "z"], &[(option.name, option.default)]));
            assert!(option.meaning.ends_with('.'), "{}", option.meaning);
            for question in questions(estimator.serves()) {
                assert!(
                    estimator.requires(&question, &design).is_ok(),
                    "{}: the default of {}",
                    estimator.name(),
                    option.name
                );
            }
        }
    }
}

#[test]
fn every_file_of_the_folder_is_declared() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    for folder in ["estimator", "check"] {
        let registry = std::fs::read_to_string(format!("{source}{folder}/mod.rs")).unwrap();
        for file in std::fs::read_dir(format!("{source}{folder}")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let module = name.trim_end_matches(".rs");
            assert!(module == "mod" || registry.contains(&format!("mod {module};")), "{folder}/{name} is not declared");
        }
    }
}

#[test]
fn every_answer_is_finite_or_null_with_a_reason_and_no_p_value_is_zero() {
    let calls = every_call(&SHAPES, |place, estimator, question, design, arms| {
        let rows = match answer(estimator, question, design, &sample(arms)) {
            Ok(rows) => rows,
            Err(Error::TooFewUnits { .. } | Error::RankDeficient { .. } | Error::InvalidOption { .. }) => return,
            Err(error) => panic!("{place}: {error}"),
        };
        for scale in ["absolute", "relative"] {
            assert!(rows.rows.iter().any(|row| row.scale.as_deref() == Some(scale)), "{place}: no {scale} row");
        }
        for row in &rows.rows {
            let numbers = [
                row.mean,
                row.mean_baseline,
                row.estimate,
                row.std_error,
                row.df,
                row.statistic,
                row.conf_low,
                row.conf_high,
                row.p_value,
                row.log10_p,
                row.prob_beat,
                row.prob_equivalent,
                row.prob_superior,
                row.expected_loss,
                row.expected_loss_baseline,
                row.log10_e,
            ];
            assert!(numbers.iter().flatten().all(|number| number.is_finite()), "{place}: {row:?}");
            assert!(row.p_value.is_none_or(|p| p > 0.0 && p <= 1.0), "{place}: {row:?}");
            assert!(row.std_error.is_none_or(|error| error >= 0.0), "{place}: {row:?}");
            assert!(row.std_error != Some(0.0) || row.p_value.is_none(), "{place}: {row:?}");
            assert!(row.prob_beat.is_none_or(|p| p > 0.0 && p <= 1.0), "{place}: {row:?}");
            let judged = row.p_value.is_some() || row.prob_beat.is_some();
            let gap = row.estimate.is_none() || !judged || (row.conf_low.is_none() && row.conf_high.is_none());
            assert!(!gap || row.notes.is_some(), "{place}: a gap without a reason in {row:?}");
            assert_eq!(row.estimator.as_deref(), Some(estimator.name()), "{place}");
            let options = row.options.clone().unwrap();
            assert!(estimator.options().iter().all(|option| options.contains(option.name)), "{place}: {options}");
            if let (Some(estimate), Some(low)) = (row.estimate, row.conf_low) {
                assert!(low <= estimate, "{place}: {row:?}");
            }
            if let (Some(estimate), Some(high)) = (row.estimate, row.conf_high) {
                assert!(high >= estimate, "{place}: {row:?}");
            }
        }
    });
    println!("{calls} calls");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    every_call(&["ordinary", "two units"], |place, estimator, question, design, arms| {
        let rows =
            || answer(estimator, question, design, &sample(arms)).map(|rows| serde_json::to_string(&rows).unwrap());
        assert_eq!(rows(), rows(), "{place}");
    });
}

#[test]
fn nothing_is_read_that_was_not_required() {
    every_call(&["ordinary"], |place, estimator, question, design, arms| {
        let Ok(needs) = estimator.requires(question, design) else { return };
        let whole = with_compressed(&sample(arms), &needs);
        let mut lean = Sample::default();
        for arm in &whole.arms {
            let mut kept = estimand_stats::ArmSample { arm: arm.arm.clone(), units: arm.units, ..Default::default() };
            for tuple in &needs.comoments {
                kept.comoments.push((tuple.clone(), arm.comoments(&question.metric, tuple).unwrap()));
            }
            for asked in &needs.compressed {
                let kept_of = arm.compressed(&question.metric, &asked.features, &asked.outcomes).unwrap();
                kept.compressed.push((asked.clone(), kept_of.clone()));
            }
            if !needs.unit_rows.is_empty() {
                let rows = arm.unit_rows.as_ref().unwrap();
                let columns: Vec<usize> =
                    needs.unit_rows.iter().map(|name| rows.schema().index_of(name).unwrap()).collect();
                kept.unit_rows = Some(rows.project(&columns).unwrap());
            }
            lean.arms.push(kept);
        }
        assert_eq!(
            estimator.estimate(question, design, &lean),
            estimator.estimate(question, design, &whole),
            "{place}"
        );
    });
}

fn absolute(rows: &Estimates) -> Option<f64> {
    crate::samples::row(rows, "absolute").estimate
}

#[test]
fn swapping_arms_flips_the_sign() {
    every_call(&["ordinary", "two units", "negative"], |place, estimator, question, design, arms| {
        let sample = sample(arms);
        let swapped =
            Estimand { arm: question.baseline_arm.clone(), baseline_arm: question.arm.clone(), ..question.clone() };
        let (Ok(one), Ok(other)) =
            (answer(estimator, question, design, &sample), answer(estimator, &swapped, design, &sample))
        else {
            return;
        };
        let (one, other) = (absolute(&one), absolute(&other));
        assert_eq!(one.is_some(), other.is_some(), "{place}");
        if let (Some(one), Some(other)) = (one, other) {
            assert!((one + other).abs() <= 1e-12 * one.abs().max(1e-300), "{place}: {one} and {other}");
        }
    });
}

#[test]
fn rescaling_the_outcome_rescales_the_effect_and_leaves_the_lift() {
    every_call(&["ordinary"], |place, estimator, question, design, arms| {
        if question.summary.kind() == SummaryKind::Proportion {
            return;
        }
        let scaled = arms.clone().map(|mut arm| {
            // A power of two, so that not even the last bit may change.
            let scaled = arm.columns.iter_mut().filter(|(name, _)| IN_UNITS.contains(&name.as_str()));
            scaled.for_each(|(_, values)| values.iter_mut().for_each(|value| *value *= 1024.0));
            arm
        });
        let (Ok(one), Ok(other)) =
            (answer(estimator, question, design, &sample(arms)), answer(estimator, question, design, &sample(&scaled)))
        else {
            return;
        };
        for (one, other) in one.rows.iter().zip(&other.rows).filter(|(row, _)| row.term.is_none()) {
            let has_unit = one.scale.as_deref() == Some("absolute")
                && one.estimand.as_deref().is_some_and(|estimand| !WITHOUT_UNIT.contains(&estimand));
            let factor = if has_unit { 1024.0 } else { 1.0 };
            let alike = |one: Option<f64>, other: Option<f64>, factor: f64| match (one, other) {
                (Some(one), Some(other)) => (factor * one - other).abs() <= 1e-11 * other.abs(),
                (one, other) => one == other,
            };
            assert!(alike(one.estimate, other.estimate, factor), "{place}: {one:?} {other:?}");
            assert!(alike(one.std_error, other.std_error, factor), "{place}: {one:?} {other:?}");
            assert!(alike(one.p_value, other.p_value, 1.0), "{place}: {one:?} {other:?}");
        }
    });
}

#[test]
fn units_without_a_value_are_left_out_and_counted() {
    for estimator in estimator::ALL {
        for question in questions(estimator.serves()) {
            let design = plainest(*estimator, Design::default());
            let mut sample = sample(&arms("ordinary", 7));
            sample.arms[0].units += 5;
            let names = sample.arms[0].comoments[0].0.clone();
            let needs = estimator.requires(&question, &design).unwrap();
            if let Some(rows) = &sample.arms[0].unit_rows {
                let columns = rows.columns().iter().map(|column| {
                    let values = column.as_any().downcast_ref::<Float64Array>().unwrap();
                    std::sync::Arc::new(values.iter().chain([None; 5]).collect::<Float64Array>()) as _
                });
                let columns = columns.collect();
                sample.arms[0].unit_rows =
                    Some(arrow::record_batch::RecordBatch::try_new(rows.schema(), columns).unwrap());
            }
            for tuple in &needs.comoments {
                let at: Vec<usize> =
                    tuple.iter().map(|name| names.iter().position(|known| known == name).unwrap()).collect();
                let block = sample.arms[0].comoments[0].1.as_ref().unwrap().select(&at);
                sample.arms[0].comoments.push((tuple.clone(), Some(block)));
            }
            let rows = answer(*estimator, &question, &design, &sample).unwrap();
            let row = crate::samples::row(&rows, "absolute");
            assert_eq!(row.n_baseline, Some(60));
            let note = "5 of 65 units of arm `control` have no value and are left out.";
            assert!(row.notes.as_deref().is_some_and(|notes| notes.contains(note)), "{:?}", row.notes);
        }
    }
}

#[test]
fn what_cannot_be_asked_is_refused_by_name() {
    for estimator in estimator::ALL {
        let name = estimator.name();
        let question = questions(estimator.serves()).remove(0);
        let refusal = |design: &Design, question: &Estimand| estimator.requires(question, design).unwrap_err();
        let unknown = refusal(&crate::samples::design(&[], &[("colour", "red")]), &question);
        assert!(matches!(&unknown, Error::UnknownOption { option, .. } if option == "colour"), "{name}: {unknown}");
        if let Some(option) = estimator.options().first() {
            let wrong = refusal(&crate::samples::design(&[], &[(option.name, "purple")]), &question);
            assert!(matches!(&wrong, Error::InvalidOption { value, .. } if value == "purple"), "{name}: {wrong}");
        }
        let level = refusal(&Design { level: 1.0, ..Design::default() }, &question);
        assert_eq!(level.to_string(), "`level` is 1; a confidence level lies between 0 and 1, such as 0.95");
        let itself = Estimand { arm: "control".to_owned(), ..question.clone() };
        let itself = refusal(&Design::default(), &itself);
        assert_eq!(itself.to_string(), "`arm` is `control`; an arm is compared with another one than itself");
        let stranger = Estimand { arm: "Treatment".to_owned(), ..question };
        let design = plainest(*estimator, Design::default());
        let stranger = answer(*estimator, &stranger, &design, &sample(&arms("ordinary", 1))).unwrap_err();
        assert!(
            matches!(&stranger, Error::UnknownArm { found, .. } if found == "`control`, `treatment`"),
            "{stranger}"
        );
    }
}
