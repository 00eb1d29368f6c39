//! The joins of a source's SQL: what they add, and by which key.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::ast::{self, Expr, JoinConstraint, JoinOperator, TableFactor};

use crate::definition::JoinedSource;

/// The source that a join adds to its rows and the key by which it does; `None` when the join says more than that
/// columns are equal, so that its author has to know how often a row meets another, and when it only leaves rows out.
pub(crate) fn joined_source(join: &ast::Join) -> Option<JoinedSource> {
    use JoinOperator as Kind;
    let TableFactor::Table { name, alias, .. } = &join.relation else { return None };
    let [ast::ObjectNamePart::Identifier(source)] = name.0.as_slice() else { return None };
    let constraint = match &join.join_operator {
        Kind::Join(constraint)
        | Kind::Inner(constraint)
        | Kind::Left(constraint)
        | Kind::LeftOuter(constraint)
        | Kind::Right(constraint)
        | Kind::RightOuter(constraint)
        | Kind::FullOuter(constraint) => constraint,
        _ => return None,
    };
    let called = alias.as_ref().map_or(source, |alias| &alias.name);
    let key: Option<BTreeSet<String>> = match constraint {
        JoinConstraint::Using(columns) => columns
            .iter()
            .map(|column| match column.0.as_slice() {
                [ast::ObjectNamePart::Identifier(column)] => Some(column.value.clone()),
                _ => None,
            })
            .collect(),
        JoinConstraint::On(condition) => conjuncts(condition).into_iter().map(|part| equated(part, called)).collect(),
        _ => None,
    };
    Some(JoinedSource { source: source.value.clone(), key: key? })
}

/// The column of the table `called` that a condition sets equal to a column of another.
fn equated(condition: &Expr, called: &ast::Ident) -> Option<String> {
    let Expr::BinaryOp { left, op: ast::BinaryOperator::Eq, right } = condition else { return None };
    let (Expr::CompoundIdentifier(left), Expr::CompoundIdentifier(right)) = (left.as_ref(), right.as_ref()) else {
        return None;
    };
    let of_called = |name: &[ast::Ident]| match name {
        [table, column] if table.value == called.value => Some(column.value.clone()),
        _ => None,
    };
    match (of_called(left), of_called(right)) {
        (Some(column), None) | (None, Some(column)) => Some(column),
        _ => None,
    }
}

/// The parts of a condition that all must hold.
pub(crate) fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    let (mut waiting, mut parts) = (vec![condition], Vec::new());
    while let Some(part) = waiting.pop() {
        match part {
            Expr::Nested(inner) => waiting.push(inner),
            Expr::BinaryOp { left, op: ast::BinaryOperator::And, right } => {
                waiting.extend([left.as_ref(), right.as_ref()]);
            }
            part => parts.push(part),
        }
    }
    parts
}
