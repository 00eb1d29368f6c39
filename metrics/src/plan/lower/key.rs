//! Ids of units, in one form over all sources.

use arrow::datatypes::DataType;
use sea_query::{CaseStatement, Expr, ExprTrait, Func, Keyword};

use crate::plan::lower::Schemas;
use crate::plan::specification::UnitAggregation;
use crate::sql::{cast, column};

/// The form in which ids of units are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// 64-bit integers: every source has an integer column.
    Integer,
    /// Text, to the letter: some source has text, and an integer is written as its digits.
    Text,
}

impl KeyForm {
    /// The form that keeps every id of every source apart.
    pub fn of(specification: &UnitAggregation, schemas: &Schemas) -> Self {
        let enrolment = &specification.enrolment;
        let mut columns = vec![(&enrolment.source, enrolment.unit_column.as_ref())];
        columns.extend(specification.values.iter().map(|value| (&value.source, value.unit_column.as_ref())));
        columns.extend(enrolment.trigger.iter().map(|trigger| (&trigger.source, Some(&trigger.unit_column))));
        columns.extend(enrolment.dimensions.iter().map(|one| (&one.source, Some(&one.unit_column))));
        let integer = columns.into_iter().all(|(source, name)| {
            name.is_none_or(|name| {
                schemas
                    .get(source)
                    .and_then(|schema| schema.field_with_name(name).ok())
                    .is_some_and(|field| field.data_type().is_integer())
            })
        });
        if integer { Self::Integer } else { Self::Text }
    }

    /// The id in column `name` of a source, null when it is blank.
    pub(super) fn expression(self, name: &str, source: &str, schemas: &Schemas) -> Expr {
        let kind = schemas
            .get(source)
            .and_then(|schema| schema.field_with_name(name).ok().map(|field| field.data_type().clone()));
        match (self, kind) {
            (Self::Integer, Some(DataType::Int64)) => column(name),
            (Self::Integer, _) => cast(column(name), "BIGINT"),
            (Self::Text, kind) => {
                let text = match kind {
                    Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => column(name),
                    _ => cast(column(name), "VARCHAR"),
                };
                let blank = Expr::from(Func::cust("trim").arg(text.clone())).eq(Expr::Constant("".into()));
                CaseStatement::new().case(blank, Expr::Keyword(Keyword::Null)).finally(text).into()
            }
        }
    }
}
