//! From drawn units to what estimators read.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use estimand_stats::requirement::{Requirements, Variable};
use estimand_stats::suffstat::{CoMoments, Compressed};
use estimand_stats::{ArmSample, Sample};

use crate::fault::Fault;

/// The drawn units of an arm, a column per variable.
pub type Columns = [Vec<f64>; 2];

/// Everything that is needed of both arms, control first.
pub fn sample(needs: &Requirements, names: [&str; 2], arms: &[Columns; 2]) -> Result<Sample, Fault> {
    let arms = ["control", "treatment"].into_iter().zip(arms).map(|(name, columns)| arm(name, needs, names, columns));
    Ok(Sample { arms: arms.collect::<Result<_, Fault>>()? })
}

fn arm(name: &str, needs: &Requirements, names: [&str; 2], columns: &Columns) -> Result<ArmSample, Fault> {
    let column = |variable: &Variable| {
        let at = names.iter().position(|name| name == variable);
        at.map(|at| columns[at].as_slice()).ok_or_else(|| Fault::NoColumn(variable.clone()))
    };
    let units = columns[0].len();
    let mut arm = ArmSample { arm: name.to_owned(), units: units as u64, ..ArmSample::default() };
    for tuple in &needs.comoments {
        let slices = tuple.iter().map(column).collect::<Result<Vec<_>, Fault>>()?;
        let moments = if units == 0 { None } else { Some(CoMoments::of(&slices)?) };
        arm.comoments.push((tuple.clone(), moments));
    }
    for asked in &needs.compressed {
        let of = |variables: &[Variable]| variables.iter().map(column).collect::<Result<Vec<_>, Fault>>();
        arm.compressed.push((asked.clone(), Compressed::of(&of(&asked.features)?, &of(&asked.outcomes)?)?));
    }
    if !needs.unit_rows.is_empty() {
        let fields: Vec<Field> =
            needs.unit_rows.iter().map(|variable| Field::new(variable, DataType::Float64, true)).collect();
        let values = needs.unit_rows.iter().map(|variable| {
            let values = Float64Array::from(column(variable)?.to_vec());
            Ok(Arc::new(values) as _)
        });
        let values = values.collect::<Result<_, Fault>>()?;
        arm.unit_rows = Some(RecordBatch::try_new(Arc::new(Schema::new(fields)), values)?);
    }
    Ok(arm)
}
