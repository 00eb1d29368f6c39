//! Expressions as text: one way to write each tree, readable by the parser again.

use std::fmt::{self, Display, Formatter, Write};

use crate::expression::{
    AggregateFunction, Aggregation, BinaryOperator, CastType, Expression, Literal, Node, Test, UnaryOperator,
};

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.node().fmt(f)
    }
}

impl Display for Aggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.function, &self.argument) {
            (AggregateFunction::Row, Some(argument)) => argument.fmt(f),
            (AggregateFunction::CountDistinct, Some(argument)) => write!(f, "count(distinct {argument})"),
            (AggregateFunction::Count, None) => f.write_str("count(*)"),
            (function, Some(argument)) => write!(f, "{}({argument})", function.word()),
            (function, None) => f.write_str(function.word()),
        }
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between { operand, low, high, negated } => {
                write!(f, "{} {}BETWEEN {} AND {}", Inner(operand), not(*negated), Inner(low), Inner(high))
            }
            Self::Binary { operator, left, right } => {
                chained(f, left, *operator)?;
                write!(f, " {operator} ")?;
                // Only AND and OR may drop the brackets of a right operand: the others do not associate.
                match operator {
                    BinaryOperator::And | BinaryOperator::Or => chained(f, right, *operator),
                    _ => Inner(right).fmt(f),
                }
            }
            Self::Call { function, arguments } => {
                write!(f, "{}(", function.name())?;
                list(f, arguments)?;
                f.write_char(')')
            }
            Self::Case { operand, branches, otherwise } => {
                f.write_str("CASE")?;
                if let Some(operand) = operand {
                    write!(f, " {}", Inner(operand))?;
                }
                for (when, then) in branches {
                    write!(f, " WHEN {when} THEN {then}")?;
                }
                if let Some(otherwise) = otherwise {
                    write!(f, " ELSE {otherwise}")?;
                }
                f.write_str(" END")
            }
            Self::Cast { operand, to } => write!(f, "CAST({operand} AS {to})"),
            Self::Column(name) => {
                let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                    && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
                if plain { f.write_str(name) } else { write!(f, "\"{}\"", name.replace('"', "\"\"")) }
            }
            Self::InList { operand, list: entries, negated } => {
                write!(f, "{} {}IN (", Inner(operand), not(*negated))?;
                list(f, entries)?;
                f.write_char(')')
            }
            Self::Is { operand, test, negated } => {
                let test = match test {
                    Test::False => "FALSE",
                    Test::Null => "NULL",
                    Test::True => "TRUE",
                };
                write!(f, "{} IS {}{test}", Inner(operand), not(*negated))
            }
            Self::Like { operand, pattern, negated, any_case } => {
                let word = if *any_case { "ILIKE" } else { "LIKE" };
                write!(f, "{} {}{word} {}", Inner(operand), not(*negated), Inner(pattern))
            }
            Self::Literal(literal) => literal.fmt(f),
            Self::Parameter(name) => write!(f, "${name}"),
            Self::Unary { operator: UnaryOperator::Minus, operand } => write!(f, "-{}", Inner(operand)),
            Self::Unary { operator: UnaryOperator::Not, operand } => write!(f, "NOT {}", Inner(operand)),
        }
    }
}

/// An operand: in brackets unless it is one word or a call.
struct Inner<'a>(&'a Node);

impl Display for Inner<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // A negative literal after a minus sign would read as a comment.
        let simple = match self.0 {
            Node::Call { .. } | Node::Cast { .. } | Node::Column(_) | Node::Parameter(_) => true,
            Node::Literal(Literal::Integer(value)) => *value >= 0,
            Node::Literal(Literal::Float(value)) => value.is_sign_positive(),
            Node::Literal(_) => true,
            _ => false,
        };
        if simple { self.0.fmt(f) } else { write!(f, "({})", self.0) }
    }
}

fn chained(f: &mut Formatter<'_>, operand: &Node, operator: BinaryOperator) -> fmt::Result {
    match operand {
        Node::Binary { operator: same, .. } if *same == operator => operand.fmt(f),
        other => Inner(other).fmt(f),
    }
}

fn list(f: &mut Formatter<'_>, nodes: &[Node]) -> fmt::Result {
    for (index, node) in nodes.iter().enumerate() {
        write!(f, "{}{node}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

fn not(negated: bool) -> &'static str {
    if negated { "NOT " } else { "" }
}

impl Display for BinaryOperator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::And => "AND",
            Self::Concat => "||",
            Self::Divide => "/",
            Self::Equal => "=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Minus => "-",
            Self::Multiply => "*",
            Self::NotEqual => "<>",
            Self::Or => "OR",
            Self::Plus => "+",
            Self::Remainder => "%",
        })
    }
}

impl Display for CastType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Float => "double",
            Self::Integer => "bigint",
            Self::Text => "text",
            Self::Timestamp => "timestamp",
        })
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Date(value) => write!(f, "DATE '{value}'"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Null => f.write_str("NULL"),
            Self::Text(value) => write!(f, "'{}'", value.replace('\'', "''")),
            Self::Timestamp(value) => write!(f, "TIMESTAMP '{value}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back_as_the_same_tree() {
        for text in [
            "amount",
            "\"Order Total\" * 2 - -3",
            "a - (b - c) - d",
            "(a + b) * c / d % 7",
            "a = 1 OR b = 2 AND NOT (c IS NULL OR d IS NOT TRUE)",
            "country IN ('DE', 'it''s') AND kind NOT IN ($kinds)",
            "x BETWEEN -1 AND 1.5e3",
            "name ILIKE 'a%' AND name NOT LIKE '%\\_'",
            "CASE WHEN a > 0 THEN 1 WHEN b THEN 2 ELSE NULL END",
            "CASE kind WHEN 'a' THEN 1 END",
            "CAST(a AS double) + b::bigint",
            "date_trunc('day', at) >= DATE '2026-03-01'",
            "at < TIMESTAMP '2026-03-01T00:00:00+01:00'",
            "extract(hour from at) = 3",
            "coalesce(nullif(a, 0), round(b, 2), -9223372036854775808)",
            "substring(name from 1 for 2) || trim(city)",
        ] {
            let first = Expression::parse("test", text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            let printed = first.to_string();
            let second = Expression::parse("test", &printed).unwrap_or_else(|fault| panic!("{printed}: {fault}"));
            assert_eq!(first, second, "{text} → {printed}");
        }
    }
}
