//! Expressions: the small language of `value` and `filter`.
//!
//! An expression is one scalar formula over the columns of one source. It is parsed by the engine's own parser, converted to the
//! tree here, and everything that the tree cannot hold is refused by name: subqueries, window functions, clocks, randomness.
//! Column names are taken to the letter, whether quoted or not. `/` divides real numbers, integers too.

mod function;
mod gives;
mod parse;
mod print;
mod words;

use std::ops::Range;

pub use function::Function;
pub use gives::Gives;
use jiff::{Timestamp, civil};

use crate::definition::WhenEmpty;
use crate::fault::Fault;
pub(crate) use gives::in_words;
pub(crate) use parse::{AGGREGATIONS, never_allowed, refused};
pub(crate) use words::{PARSER_RECURSION, Words, Wrong, on_deep_stack};

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Expression {
    node: Node,
    mentions: Vec<Mention>,
}

impl PartialEq for Expression {
    /// Two expressions are equal when their trees are, however they were written.
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl Expression {
    /// The expression that is one column and nothing else.
    pub fn of_column(name: &str) -> Self {
        let mention = Mention { name: name.to_owned(), parameter: false, span: 0..name.len() };
        Self { node: Node::Column(name.to_owned()), mentions: vec![mention] }
    }

    /// The expression that is [`Function::TextCode`] of one column.
    pub fn code_of_column(name: &str) -> Self {
        let Self { node, mentions } = Self::of_column(name);
        Self { node: Node::Call { function: Function::TextCode, arguments: vec![node] }, mentions }
    }

    pub(crate) fn read(text: &str) -> Result<Self, Box<Wrong>> {
        parse::expression(text)
    }

    pub(crate) fn mentions(&self) -> &[Mention] {
        &self.mentions
    }

    /// Parses one scalar expression that stands in no file; `origin` is what its faults call it, such as `--filter`.
    ///
    /// # Errors
    /// The first thing in the text that is no scalar expression, with its place.
    pub fn parse(origin: &str, text: &str) -> Result<Self, Box<Fault>> {
        parse::expression(text).map_err(|wrong| Box::new(wrong.placed(origin, text)))
    }

    /// The kind of value it gives, as far as its text tells.
    pub fn gives(&self) -> Gives {
        gives::gives(&self.node)
    }

    /// The tree. At most 1,000 nodes, at most 64 deep.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The names of columns in it, in the order of the text, repetitions included.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.mentions.iter().filter(|mention| !mention.parameter).map(|mention| mention.name.as_str())
    }

    /// The names of parameters in it, in the order of the text, repetitions included.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.mentions.iter().filter(|mention| mention.parameter).map(|mention| mention.name.as_str())
    }
}

impl Node {
    /// The nodes directly below.
    pub fn children(&self) -> Vec<&Node> {
        match self {
            Self::Between { operand, low, high, .. } => vec![operand, low, high],
            Self::Binary { left, right, .. } => vec![left, right],
            Self::Call { arguments, .. } => arguments.iter().collect(),
            Self::Case { operand, branches, otherwise } => operand
                .iter()
                .map(AsRef::as_ref)
                .chain(branches.iter().flat_map(|(when, then)| [when, then]))
                .chain(otherwise.iter().map(AsRef::as_ref))
                .collect(),
            Self::Cast { operand, .. } | Self::Is { operand, .. } | Self::Unary { operand, .. } => vec![operand],
            Self::Column(_) | Self::Literal(_) | Self::Parameter(_) => Vec::new(),
            Self::InList { operand, list, .. } => std::iter::once(operand.as_ref()).chain(list).collect(),
            Self::Like { operand, pattern, .. } => vec![operand, pattern],
        }
    }
}

/// A name in an expression and the bytes of the text where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) name: String,
    pub(crate) parameter: bool,
    pub(crate) span: Range<usize>,
}

/// A node of an expression's tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `low <= operand <= high`, bounds included.
    Between {
        /// What is compared.
        operand: Box<Node>,
        /// The lower bound.
        low: Box<Node>,
        /// The upper bound.
        high: Box<Node>,
        /// Whether `NOT` stands before it.
        negated: bool,
    },
    /// Two operands and an operator. Chains of `AND` and of `OR` are balanced: their depth is the logarithm of their length.
    Binary {
        /// The operator.
        operator: BinaryOperator,
        /// The left operand.
        left: Box<Node>,
        /// The right operand.
        right: Box<Node>,
    },
    /// A function of the allow-list; the number of arguments is right.
    Call {
        /// The function.
        function: Function,
        /// Its arguments.
        arguments: Vec<Node>,
    },
    /// `CASE [operand] WHEN … THEN … [ELSE …] END`; at least one branch.
    Case {
        /// What each `WHEN` is compared with.
        operand: Option<Box<Node>>,
        /// The branches: when, then.
        branches: Vec<(Node, Node)>,
        /// The value when no branch fits; null without it.
        otherwise: Option<Box<Node>>,
    },
    /// A change of type; null never becomes a value, and what cannot be changed is an error of the data.
    Cast {
        /// What is changed.
        operand: Box<Node>,
        /// The new type.
        to: CastType,
    },
    /// A column of the source, by its name to the letter.
    Column(String),
    /// Membership in a list of values; a list parameter is the only entry of its list.
    InList {
        /// What is looked up.
        operand: Box<Node>,
        /// The list, never empty.
        list: Vec<Node>,
        /// Whether `NOT` stands before it.
        negated: bool,
    },
    /// A truth test that is never null: `IS NULL`, `IS TRUE`, `IS FALSE`, and their negations.
    Is {
        /// What is tested.
        operand: Box<Node>,
        /// What it is tested for.
        test: Test,
        /// Whether `NOT` stands in it.
        negated: bool,
    },
    /// `LIKE` with `%` and `_`, without an escape character.
    Like {
        /// The text.
        operand: Box<Node>,
        /// The pattern.
        pattern: Box<Node>,
        /// Whether `NOT` stands before it.
        negated: bool,
        /// Whether case is ignored (`ILIKE`).
        any_case: bool,
    },
    /// A constant.
    Literal(Literal),
    /// A declared parameter, by its name without `$`; its value is bound.
    Parameter(String),
    /// An operand and an operator before it.
    Unary {
        /// The operator.
        operator: UnaryOperator,
        /// The operand.
        operand: Box<Node>,
    },
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    /// `AND`
    And,
    /// `||`
    Concat,
    /// `/`, of real numbers
    Divide,
    /// `=`
    Equal,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `-`
    Minus,
    /// `*`
    Multiply,
    /// `<>`
    NotEqual,
    /// `OR`
    Or,
    /// `+`
    Plus,
    /// `%`
    Remainder,
}

/// An operator before one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `-`
    Minus,
    /// `NOT`
    Not,
}

/// What an `IS` tests for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// `IS FALSE`
    False,
    /// `IS NULL`
    Null,
    /// `IS TRUE`
    True,
}

/// The types a value may be changed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CastType {
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// A double.
    Float,
    /// A 64-bit integer.
    Integer,
    /// Text.
    Text,
    /// An instant, in UTC.
    Timestamp,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// True or false.
    Boolean(bool),
    /// `DATE '2026-03-01'`
    Date(civil::Date),
    /// A finite double.
    Float(f64),
    /// A 64-bit integer.
    Integer(i64),
    /// `NULL`
    Null,
    /// A text.
    Text(String),
    /// `TIMESTAMP '2026-03-01T00:00:00Z'`, written with its offset.
    Timestamp(Timestamp),
}

/// How the rows of a unit become one number: the `value` of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// The function over rows.
    pub function: AggregateFunction,
    /// What is aggregated; `None` only for [`AggregateFunction::Any`] and `count(*)`.
    pub argument: Option<Expression>,
}

impl Aggregation {
    /// Parses a `value` that stands in no file: one aggregation, or a plain expression, which becomes [`AggregateFunction::Row`].
    ///
    /// # Errors
    /// The first thing in the text that is neither, with its place.
    pub fn parse(origin: &str, text: &str) -> Result<Self, Box<Fault>> {
        Self::read(text).map_err(|wrong| Box::new(wrong.placed(origin, text)))
    }

    pub(crate) fn read(text: &str) -> Result<Self, Box<Wrong>> {
        let parsed = parse::value(text)?;
        Ok(Self { function: parsed.function.unwrap_or(AggregateFunction::Row), argument: parsed.argument })
    }

    /// The value of a unit without rows, where nothing else is said: 0 for sums and counts, missing for the rest.
    pub const fn when_empty(&self) -> WhenEmpty {
        match self.function {
            AggregateFunction::Any
            | AggregateFunction::Count
            | AggregateFunction::CountDistinct
            | AggregateFunction::Sum => WhenEmpty::Value(0.0),
            AggregateFunction::Avg
            | AggregateFunction::First
            | AggregateFunction::Last
            | AggregateFunction::Max
            | AggregateFunction::Min
            | AggregateFunction::Row => WhenEmpty::Null,
        }
    }
}

/// A function over the rows of a unit that count. Rows whose argument is null are left out, except by [`AggregateFunction::Row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// 1 when a row counts, else 0; with an argument, 1 when it is true for a row.
    Any,
    /// `avg(x)`
    Avg,
    /// `count(*)`, `count(x)`
    Count,
    /// `count(distinct x)`
    CountDistinct,
    /// `first(x)`: of the earliest row; ties break by the value.
    First,
    /// `last(x)`: of the latest row; ties break by the value.
    Last,
    /// `max(x)`
    Max,
    /// `min(x)`
    Min,
    /// The unit's single row of a unit table, as it is; more than one row per unit is an error of the data.
    Row,
    /// `sum(x)`
    Sum,
}

impl AggregateFunction {
    /// Whether it looks at which rows there are and not at their values: its argument need be no number.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Any | Self::Count | Self::CountDistinct)
    }

    /// The word for it in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::CountDistinct => "count distinct",
            Self::First => "first",
            Self::Last => "last",
            Self::Max => "max",
            Self::Min => "min",
            Self::Row => "row",
            Self::Sum => "sum",
        }
    }
}
