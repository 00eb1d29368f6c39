//! Samples and questions for tests of estimators.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use estimand_stats::estimand::{Direction, Hypothesis, Summary};
use estimand_stats::estimator;
use estimand_stats::suffstat::CoMoments;
use estimand_stats::{ArmSample, Design, Estimand, Estimate, Estimates, Sample};

/// One arm as columns, a value per unit.
#[derive(Debug, Clone, Default)]
pub struct Arm {
    pub name: String,
    pub columns: Vec<(String, Vec<f64>)>,
}

impl Arm {
    pub fn new(name: &str, columns: &[(&str, &[f64])]) -> Self {
        let columns = columns.iter().map(|(name, values)| ((*name).to_owned(), values.to_vec())).collect();
        Self { name: name.to_owned(), columns }
    }
}

/// The sample with everything that an estimator may ask: joint moments of all columns in the order given, and unit rows.
pub fn sample(arms: &[Arm]) -> Sample {
    Sample { arms: arms.iter().map(arm_sample).collect() }
}

fn arm_sample(arm: &Arm) -> ArmSample {
    let units = arm.columns.first().map_or(0, |(_, values)| values.len());
    let names: Vec<String> = arm.columns.iter().map(|(name, _)| name.clone()).collect();
    let slices: Vec<&[f64]> = arm.columns.iter().map(|(_, values)| values.as_slice()).collect();
    let moments = (units > 0).then(|| CoMoments::of(&slices).expect("finite columns"));
    let fields: Vec<Field> = names.iter().map(|name| Field::new(name, DataType::Float64, true)).collect();
    let columns = arm.columns.iter().map(|(_, values)| Arc::new(Float64Array::from(values.clone())) as _).collect();
    ArmSample {
        arm: arm.name.clone(),
        units: units as u64,
        comoments: vec![(names, moments)],
        histograms: Vec::new(),
        unit_rows: Some(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("equal columns")),
    }
}

/// The sample of arms of which only count, mean and variance of `y` are known.
pub fn summary(arms: &[(&str, u64, f64, f64)]) -> Sample {
    let arm = |(name, n, mean, variance): &(&str, u64, f64, f64)| ArmSample {
        arm: (*name).to_owned(),
        units: *n,
        comoments: vec![(
            vec!["y".to_owned()],
            Some(CoMoments::from_summary(*n, &[*mean], &[vec![*variance]]).expect("possible")),
        )],
        ..ArmSample::default()
    };
    Sample { arms: arms.iter().map(arm).collect() }
}

pub fn mean_of(outcome: &str) -> Summary {
    Summary::Mean { outcome: outcome.to_owned() }
}

pub fn proportion_of(outcome: &str) -> Summary {
    Summary::Proportion { outcome: outcome.to_owned() }
}

pub fn ratio_of(numerator: &str, denominator: &str) -> Summary {
    Summary::Ratio { numerator: numerator.to_owned(), denominator: denominator.to_owned() }
}

/// The effect of `arm` against `baseline` on a summary, two-sided, more is better.
pub fn effect(summary: Summary, arm: &str, baseline: &str) -> Estimand {
    Estimand {
        metric: "metric".to_owned(),
        summary,
        arm: arm.to_owned(),
        baseline_arm: baseline.to_owned(),
        hypothesis: Hypothesis::TwoSided,
        direction: Direction::Higher,
        unit: "user".to_owned(),
        population: "all users".to_owned(),
        window: String::new(),
    }
}

pub fn design(covariates: &[&str], options: &[(&str, &str)]) -> Design {
    Design {
        covariates: covariates.iter().map(|name| (*name).to_owned()).collect(),
        options: options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        ..Design::default()
    }
}

/// Runs a built-in estimator that must answer.
pub fn run(name: &str, estimand: &Estimand, design: &Design, sample: &Sample) -> Estimates {
    let estimator = estimator::by_name(name).expect("a known estimator");
    estimator.estimate(estimand, design, sample).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The effect's row on a scale.
pub fn row<'a>(rows: &'a Estimates, scale: &str) -> &'a Estimate {
    let effect = |row: &&Estimate| row.scale.as_deref() == Some(scale) && row.term.is_none() && row.margin.is_none();
    rows.rows.iter().find(effect).expect("a row on this scale")
}
