//! From an expression of a project file to a sea-query expression.

use sea_query::extension::postgres::{PgBinOper, PgExpr};
use sea_query::{Alias, BinOper, CaseStatement, Expr, ExprTrait, Func, Keyword};

use crate::bindings::Bindings;
use crate::definition::Value;
use crate::expression::{BinaryOperator, CastType, Function, Literal, Node, Test, UnaryOperator};

/// A column by its name to the letter.
pub(crate) fn column(name: &str) -> Expr {
    Expr::col(Alias::new(name))
}

/// A call of a function of our own lists.
pub(crate) fn call(name: &str, arguments: impl IntoIterator<Item = Expr>) -> sea_query::FunctionCall {
    Func::cust(Alias::new(name)).args(arguments)
}

/// `operand` as another type; `to` comes from a list, never from a user.
pub(crate) fn cast(operand: Expr, to: &'static str) -> Expr {
    operand.cast_as(Alias::new(to))
}

/// The SQL of an expression, its columns named as in the source, its parameters and constants bound.
pub fn lower(node: &Node, bindings: &Bindings) -> Expr {
    let lower = |node: &Node| lower(node, bindings);
    match node {
        Node::Between { operand, low, high, negated } => {
            let between = lower(operand).between(lower(low), lower(high));
            if *negated { between.not() } else { between }
        }
        Node::Binary { operator, left, right } => binary(*operator, lower(left), lower(right)),
        Node::Call { function: function @ (Function::DatePart | Function::DateTrunc), arguments } => {
            // The word decides the type of the answer, so the engine wants it in the text of the statement.
            let word = |node: &Node| match node {
                Node::Literal(Literal::Text(word)) => Expr::Constant(word.as_str().into()),
                other => lower(other),
            };
            let mut arguments = arguments.iter();
            let first = arguments.next().map(word);
            call(function.name(), first.into_iter().chain(arguments.map(lower))).into()
        }
        Node::Call { function: Function::Sign, arguments } => call("signum", arguments.iter().map(lower)).into(),
        Node::Call { function: Function::TextCode, arguments } => {
            let texts = arguments.iter().map(|argument| cast(lower(argument), "VARCHAR"));
            call(Function::TextCode.name(), texts).into()
        }
        Node::Call { function, arguments } => call(function.name(), arguments.iter().map(lower)).into(),
        Node::Case { operand, branches, otherwise } => {
            let mut case = CaseStatement::new();
            for (when, then) in branches {
                let when = match operand {
                    Some(operand) => lower(operand).eq(lower(when)),
                    None => lower(when),
                };
                case = case.case(when, lower(then));
            }
            match otherwise {
                Some(otherwise) => case.finally(lower(otherwise)).into(),
                None => case.into(),
            }
        }
        Node::Cast { operand, to } => cast(
            lower(operand),
            match to {
                CastType::Boolean => "BOOLEAN",
                CastType::Date => "DATE",
                CastType::Float => "DOUBLE",
                CastType::Integer => "BIGINT",
                CastType::Text => "VARCHAR",
                CastType::Timestamp => "TIMESTAMP",
            },
        ),
        Node::Column(name) => column(name),
        Node::InList { operand, list, negated } => {
            let values: Vec<Expr> = list.iter().flat_map(|entry| entries(entry, bindings)).collect();
            if *negated { lower(operand).is_not_in(values) } else { lower(operand).is_in(values) }
        }
        Node::Is { operand, test, negated } => {
            let operand = lower(operand);
            let constant = match test {
                Test::Null => Expr::Keyword(Keyword::Null),
                Test::True => Expr::Constant(true.into()),
                Test::False => Expr::Constant(false.into()),
            };
            if *negated { operand.is_not(constant) } else { operand.is(constant) }
        }
        Node::Like { operand, pattern, negated, any_case } => {
            let (operand, pattern) = (lower(operand), lower(pattern));
            match (negated, any_case) {
                (false, false) => operand.binary(BinOper::Like, pattern),
                (true, false) => operand.binary(BinOper::NotLike, pattern),
                (false, true) => operand.binary(PgBinOper::ILike, pattern),
                (true, true) => operand.binary(PgBinOper::NotILike, pattern),
            }
        }
        Node::Literal(literal) => constant(literal),
        Node::Parameter(name) => bindings.get(name).map_or(Expr::Keyword(Keyword::Null), value),
        Node::Unary { operator: UnaryOperator::Minus, operand } => Expr::val(0_i64).sub(lower(operand)),
        Node::Unary { operator: UnaryOperator::Not, operand } => lower(operand).not(),
    }
}

fn binary(operator: BinaryOperator, left: Expr, right: Expr) -> Expr {
    match operator {
        BinaryOperator::And => left.and(right),
        BinaryOperator::Concat => left.concat(right),
        // DataFusion divides integers as integers; the files promise real numbers.
        BinaryOperator::Divide => cast(left, "DOUBLE").div(cast(right, "DOUBLE")),
        BinaryOperator::Equal => left.eq(right),
        BinaryOperator::Greater => left.gt(right),
        BinaryOperator::GreaterOrEqual => left.gte(right),
        BinaryOperator::Less => left.lt(right),
        BinaryOperator::LessOrEqual => left.lte(right),
        BinaryOperator::Minus => left.sub(right),
        BinaryOperator::Multiply => left.mul(right),
        BinaryOperator::NotEqual => left.ne(right),
        BinaryOperator::Or => left.or(right),
        BinaryOperator::Plus => left.add(right),
        BinaryOperator::Remainder => left.modulo(right),
    }
}

fn entries(entry: &Node, bindings: &Bindings) -> Vec<Expr> {
    match entry {
        Node::Parameter(name) => match bindings.get(name) {
            Some(Value::List(_, values)) => values.iter().map(value).collect(),
            _ => vec![lower(entry, bindings)],
        },
        _ => vec![lower(entry, bindings)],
    }
}

fn constant(literal: &Literal) -> Expr {
    match literal {
        Literal::Boolean(value) => Expr::val(*value),
        Literal::Date(value) => cast(Expr::val(value.to_string()), "DATE"),
        Literal::Float(value) => Expr::val(*value),
        Literal::Integer(value) => Expr::val(*value),
        Literal::Null => Expr::Keyword(Keyword::Null),
        Literal::Text(value) => Expr::val(value.clone()),
        Literal::Timestamp(value) => instant(*value),
    }
}

fn value(value: &Value) -> Expr {
    match value {
        Value::Boolean(value) => Expr::val(*value),
        Value::Date(value) => cast(Expr::val(value.to_string()), "DATE"),
        Value::Float(value) => Expr::val(*value),
        Value::Integer(value) => Expr::val(*value),
        Value::Text(value) => Expr::val(value.clone()),
        Value::Timestamp(value) => instant(*value),
        // A list stands only in IN, which takes it value by value; the reader of expressions refuses any other place.
        Value::List(..) => Expr::Keyword(Keyword::Null),
    }
}

/// An instant as a UTC timestamp without a zone, as every clock inside a statement is.
pub(crate) fn instant(at: jiff::Timestamp) -> Expr {
    cast(Expr::val(at.strftime("%Y-%m-%dT%H:%M:%S%.f").to_string()), "TIMESTAMP")
}
