//! What kind of value an expression gives, before any data are seen.

use crate::expression::{BinaryOperator, CastType, Literal, Node, UnaryOperator};

/// The kind of value an expression gives, as far as its text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gives {
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A date or a time.
    Time,
    /// Only the data tell.
    Unknown,
}

/// The kind of value a tree gives, as far as its text tells.
pub(crate) fn gives(node: &Node) -> Gives {
    match node {
        Node::Between { .. } | Node::InList { .. } | Node::Is { .. } | Node::Like { .. } => Gives::Boolean,
        Node::Binary { operator, left, right } => match operator {
            BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Remainder => Gives::Number,
            BinaryOperator::Plus | BinaryOperator::Minus => match (gives(left), gives(right)) {
                (Gives::Number, Gives::Number) => Gives::Number,
                _ => Gives::Unknown,
            },
            BinaryOperator::Concat => Gives::Text,
            _ => Gives::Boolean,
        },
        Node::Call { function, .. } => function.signature().gives,
        Node::Case { branches, otherwise, .. } => {
            let mut results =
                branches.iter().map(|(_, then)| gives(then)).chain(otherwise.iter().map(|node| gives(node)));
            let first = results.next().unwrap_or(Gives::Unknown);
            if results.all(|gives| gives == first) { first } else { Gives::Unknown }
        }
        Node::Cast { to, .. } => match to {
            CastType::Boolean => Gives::Boolean,
            CastType::Date | CastType::Timestamp => Gives::Time,
            CastType::Float | CastType::Integer => Gives::Number,
            CastType::Text => Gives::Text,
        },
        Node::Literal(literal) => match literal {
            Literal::Boolean(_) => Gives::Boolean,
            Literal::Date(_) | Literal::Timestamp(_) => Gives::Time,
            Literal::Float(_) | Literal::Integer(_) => Gives::Number,
            Literal::Null => Gives::Unknown,
            Literal::Text(_) => Gives::Text,
        },
        Node::Unary { operator: UnaryOperator::Minus, .. } => Gives::Number,
        Node::Unary { operator: UnaryOperator::Not, .. } => Gives::Boolean,
        Node::Column(_) | Node::Parameter(_) => Gives::Unknown,
    }
}

pub(crate) fn in_words(gives: Gives) -> &'static str {
    match gives {
        Gives::Boolean => "true or false",
        Gives::Number => "a number",
        Gives::Text => "text",
        Gives::Time => "a date or a time",
        Gives::Unknown => "unknown",
    }
}
