//! Samples and questions for tests of estimators.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use arrow::record_batch::RecordBatch;
use estimand_stats::estimand::{Direction, Hypothesis, Summary};
use estimand_stats::estimator;
use estimand_stats::requirement::Requirements;
use estimand_stats::suffstat::{CoMoments, ExactCompressed, Values};
use estimand_stats::{ArmSample, Design, Error, Estimand, Estimate, Estimates, Estimator, Sample};

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
        compressed: Vec::new(),
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

pub fn time_to(event: &str, duration: &str) -> Summary {
    Summary::TimeToEvent { duration: duration.to_owned(), event: event.to_owned() }
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

/// The answer of an estimator, with the compressed samples that it asks for made of the rows of units.
pub fn answer(
    estimator: &dyn Estimator,
    estimand: &Estimand,
    design: &Design,
    sample: &Sample,
) -> Result<Estimates, Error> {
    let needs = estimator.requires(estimand, design)?;
    estimator.estimate(estimand, design, &with_compressed(sample, &needs))
}

/// The sample with the compressed samples that are asked for, of its rows of units where it has them.
pub fn with_compressed(sample: &Sample, needs: &Requirements) -> Sample {
    let mut sample = sample.clone();
    for arm in &mut sample.arms {
        let Some(rows) = &arm.unit_rows else { continue };
        for asked in &needs.compressed {
            let column = |name: &String| {
                let column = rows.column_by_name(name).expect("a column of the sample");
                column.as_primitive::<Float64Type>()
            };
            let columns: Vec<&Float64Array> = asked.variables().map(column).collect();
            let present: Vec<Vec<bool>> =
                columns.iter().map(|column| column.iter().map(|value| value.is_some()).collect()).collect();
            let values = columns.iter().zip(&present);
            let values: Vec<Values<'_>> =
                values.map(|(column, present)| Values { values: column.values(), present: Some(present) }).collect();
            let mut exact = ExactCompressed::new(asked.features.len(), asked.outcomes.len());
            exact.push(&values, &(0..rows.num_rows() as u32).collect::<Vec<_>>()).expect("columns of one length");
            arm.compressed.push((asked.clone(), exact.finish().expect("finite columns")));
        }
    }
    sample
}

/// Runs a built-in estimator that must answer.
pub fn run(name: &str, estimand: &Estimand, design: &Design, sample: &Sample) -> Estimates {
    let estimator = estimator::by_name(name).expect("a known estimator");
    answer(estimator, estimand, design, sample).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The effect's row on a scale.
pub fn row<'a>(rows: &'a Estimates, scale: &str) -> &'a Estimate {
    let effect = |row: &&Estimate| row.scale.as_deref() == Some(scale) && row.term.is_none() && row.margin.is_none();
    rows.rows.iter().find(effect).expect("a row on this scale")
}
