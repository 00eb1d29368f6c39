//! Numbers that tell texts apart: how a column of texts, such as the cluster of a unit, becomes one of numbers.

use std::hash::Hasher;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use siphasher::sip::SipHasher13;

use crate::expression::Function;

/// Makes the function known to a session.
pub(super) fn register(session: &SessionContext) {
    let (name, inputs) = (Function::TextCode.name(), vec![DataType::Utf8]);
    session.register_udf(create_udf(name, inputs, DataType::Float64, Volatility::Immutable, Arc::new(text_code)));
}

fn text_code(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let [texts] = arguments else { return plan_err!("{} takes one text", Function::TextCode.name()) };
    let texts = ColumnarValue::values_to_arrays(std::slice::from_ref(texts))?;
    let texts = arrow::compute::cast(&texts[0], &DataType::Utf8)?;
    let codes: Float64Array = texts.as_string::<i32>().iter().map(|text| text.map(code)).collect();
    Ok(ColumnarValue::Array(Arc::new(codes) as ArrayRef))
}

/// The upper 53 bits of SipHash-1-3 with the key zero: as many as a double holds, so that no two codes become one.
fn code(text: &str) -> f64 {
    let mut hasher = SipHasher13::new();
    hasher.write(text.as_bytes());
    (hasher.finish() >> 11) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_same_code_on_every_machine() {
        // Made by a second implementation of the hash.
        assert_eq!(code(""), 7_388_120_807_022_986.0);
        assert_eq!(code("school 7"), 6_286_746_544_615_997.0);
    }
}
