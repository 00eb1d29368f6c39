//! The mean of one number per unit.

use crate::definition::NumberStyle;
use crate::kind::{MetricKind, Outcome};
use crate::reading::fields::Fields;
use crate::reading::key::Key;
use crate::reading::metric::{CAP, FILTER, MetricReader, SOURCE, VALUE, WHEN_EMPTY};

/// The mean over units of one number per unit: revenue per user, sessions per user.
pub struct Mean;

impl MetricKind for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn doc(&self) -> &'static str {
        "The mean over units of one number per unit."
    }

    fn keys(&self) -> &'static [Key] {
        &[SOURCE, VALUE, FILTER, CAP, WHEN_EMPTY]
    }

    fn style(&self) -> NumberStyle {
        NumberStyle::Number
    }

    fn read(&self, fields: &Fields<'_>, reader: &mut MetricReader<'_>) -> Option<Outcome> {
        reader.number(fields).map(Outcome::Mean)
    }
}
