//! The quick setting of the calibration programme, and that the programme would see a fault.

use estimand_calibration::measure::{self, Measured, Subject};
use estimand_calibration::promise;
use estimand_calibration::scenario::{SHAPES, Shape};
use estimand_calibration::verdict::{Judged, Verdict, judge};
use estimand_calibration::{Setting, page, table};
use estimand_stats::dist::{Alternative, Normal, TailProbability};
use estimand_stats::estimand::SummaryKind;
use estimand_stats::estimator::{self, OptionSpec};
use estimand_stats::{Design, Error, Estimand, Estimates, Estimator, Requirements, Sample};

fn run(subjects: &[Subject<'_>], shapes: &[Shape], setting: &Setting) -> Vec<Measured> {
    measure::run(subjects, shapes, setting, &|_| ()).unwrap()
}

fn count(rows: &[Judged], verdict: Verdict) -> usize {
    rows.iter().filter(|row| row.verdict == verdict).count()
}

/// A setting of which a test can run two.
fn tiny(threads: usize) -> Setting {
    let quick = Setting::quick();
    let sizes = quick.sizes[..1].to_vec();
    Setting { threads, sizes, replicates: 40, looks: 5, look_replicates: 20, belief_replicates: 20, ..quick }
}

fn ndjson(rows: &[Judged]) -> String {
    let mut bytes = Vec::new();
    table::ndjson(rows, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_promise_is_kept_in_the_quick_setting() {
    let subjects = measure::subjects().unwrap();
    assert_eq!(subjects.len(), estimator::ALL.len());
    let rows = judge(run(&subjects, SHAPES, &Setting::quick()));
    let broken: Vec<&Judged> = rows.iter().filter(|row| row.verdict == Verdict::BrokenPromise).collect();
    let (kept, silent) = (count(&rows, Verdict::AsPromised), count(&rows, Verdict::NotPromised));
    println!("{} numbers: {kept} as promised, {silent} not promised, {} broken", rows.len(), broken.len());
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(kept > 1_000 && silent > 3_000, "{kept} as promised, {silent} not promised");
    // Each estimator is promised something, and each shape is measured.
    for name in promise::ALL.iter().filter(|one| one.is_measured()).map(|declaration| declaration.estimator) {
        let of = |row: &&Judged| row.measured.estimator == name && row.verdict == Verdict::AsPromised;
        assert!(rows.iter().any(|row| of(&row)), "nothing is promised of `{name}`");
    }
    for shape in SHAPES {
        assert!(rows.iter().any(|row| row.measured.shape == shape.name), "`{}` is not measured", shape.name);
    }
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads() {
    let subjects = measure::subjects().unwrap();
    let of = |threads: usize| {
        let setting = tiny(threads);
        let rows = judge(run(&subjects, &SHAPES[..4], &setting));
        (ndjson(&rows), page::html(&rows, &setting).unwrap())
    };
    let (one, three) = (of(1), of(3));
    assert!(one.0.lines().count() > 500);
    assert!(one == three);
}

#[test]
fn numbers_of_a_scenario_do_not_depend_on_what_else_is_run() {
    let subjects = measure::subjects().unwrap();
    let welch: Vec<Subject<'_>> =
        subjects.iter().copied().filter(|subject| subject.estimator.name() == "difference_in_means").collect();
    let normal: Vec<Shape> = SHAPES.iter().filter(|shape| shape.name == "normal").cloned().collect();
    let alone = run(&welch, &normal, &tiny(2));
    let among = run(&subjects, &SHAPES[5..10], &tiny(2));
    let of_both: Vec<&Measured> =
        among.iter().filter(|one| one.estimator == "difference_in_means" && one.shape == "normal").collect();
    assert!(alone.len() > 20);
    assert_eq!(alone.iter().collect::<Vec<_>>(), of_both);
}

/// Welch's test with standard errors half as large as they are.
#[derive(Debug)]
struct TooSure;

impl TooSure {
    fn welch() -> &'static dyn Estimator {
        estimator::by_name("difference_in_means").unwrap()
    }
}

impl Estimator for TooSure {
    fn name(&self) -> &str {
        "too_sure"
    }

    fn summary(&self) -> &str {
        "Welch's test, too sure of itself."
    }

    fn assumes(&self) -> &str {
        "Too much."
    }

    fn source(&self) -> &str {
        "None."
    }

    fn serves(&self) -> &[SummaryKind] {
        Self::welch().serves()
    }

    fn options(&self) -> &[OptionSpec] {
        Self::welch().options()
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        Self::welch().requires(estimand, design)
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let mut rows = Self::welch().estimate(estimand, design, sample)?;
        for row in &mut rows.rows {
            let estimate = row.estimate;
            let halfway = |end: f64| estimate.map_or(end, |estimate| 0.5 * (estimate + end));
            row.std_error = row.std_error.map(|error| 0.5 * error);
            row.statistic = row.statistic.map(|statistic| 2.0 * statistic);
            (row.conf_low, row.conf_high) = (row.conf_low.map(halfway), row.conf_high.map(halfway));
            let p = row.statistic.and_then(|statistic| TailProbability::of(&Normal, statistic, Alternative::TwoSided));
            row.p_value = p.map(|p| p.p);
        }
        Ok(rows)
    }
}

#[test]
fn an_estimator_with_half_its_standard_errors_is_caught() {
    let declaration = promise::of("difference_in_means").unwrap();
    let subject = Subject { estimator: &TooSure, declaration };
    let rows = judge(run(&[subject], SHAPES, &Setting::quick()));
    let of = |measure: &str, nominal: f64| {
        let mut one =
            rows.iter().filter(|row| row.measured.measure == measure && row.measured.nominal == Some(nominal));
        one.find(|row| row.measured.shape == "normal" && row.measured.variant == "default").unwrap()
    };
    assert_eq!(of("size", 0.05).verdict, Verdict::BrokenPromise, "{:?}", of("size", 0.05));
    assert_eq!(of("coverage", 0.95).verdict, Verdict::BrokenPromise, "{:?}", of("coverage", 0.95));
    let page = page::html(&rows, &Setting::quick()).unwrap();
    // The page is of the declared estimators; a stranger's faults still head it.
    assert!(page.contains("Broken promises: do not release."), "{page}");
}

#[test]
fn the_page_stands_alone() {
    let subjects = measure::subjects().unwrap();
    let setting = tiny(2);
    let page = page::html(&judge(run(&subjects, &SHAPES[..3], &setting)), &setting).unwrap();
    for outside in ["http:", "https:", "<script", "src=", "url(", ">NaN", ">inf"] {
        assert!(!page.contains(outside), "the page holds `{outside}`");
    }
    for name in promise::ALL.iter().filter(|one| one.is_measured()).map(|declaration| declaration.estimator) {
        let measured = page.contains(&format!("id=\"{name}\""));
        let on_other_shapes = ["gamma_poisson", "mann_whitney", "quantile", "trimmed_mean", "ratio"].contains(&name);
        assert!(measured || on_other_shapes, "`{name}` has no section");
    }
}
