//! From text to the tree of an expression.

use std::ops::Range;

use datafusion::sql::sqlparser::ast::{self, Expr, Spanned, Value as SqlValue};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token};

use crate::definition::Moment;
use crate::expression::function::{self, Function};
use crate::expression::gives::{Gives, gives, in_words};
use crate::expression::words::{DEEPEST, PARSER_RECURSION, Words, Wrong, first_lower, on_deep_stack};
use crate::expression::{
    AggregateFunction, BinaryOperator, CastType, Expression, Literal, Mention, Node, Test, UnaryOperator,
};
use crate::reading::key::shown;
use crate::reading::nearest::nearest;

/// Most nodes of an expression.
const MOST_NODES: usize = 1_000;

type Converted<T> = Result<T, Box<Wrong>>;

/// The `value` of a metric as written: an aggregation, or a plain expression that a unit table answers row by row.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) function: Option<AggregateFunction>,
    pub(crate) argument: Option<Expression>,
}

/// Parses one scalar expression.
pub(crate) fn expression(text: &str) -> Converted<Expression> {
    parse(text, |reader, expr| reader.expression(expr))
}

/// Parses a `value`: one aggregation of a scalar expression, or a scalar expression.
pub(crate) fn value(text: &str) -> Converted<Parsed> {
    parse(text, |reader, expr| {
        if let Expr::Function(call) = expr
            && let Some(function) = aggregate_named(&call.name.to_string())
        {
            return reader.aggregation(function, call);
        }
        // At the top of a `value` an unknown function was meant to be an aggregation.
        if let Expr::Function(call) = expr
            && let name = call.name.to_string()
            && Function::named(&name).is_none()
            && never_allowed(&name.to_ascii_lowercase()).is_none()
        {
            let message = format!("unknown aggregation `{}`", shown(&name));
            let mut wrong = Wrong::new("metrics::function", message, reader.span(expr))
                .valid("aggregations", AGGREGATIONS.map(str::to_owned).into());
            let names = ["avg", "count", "first", "last", "max", "min", "sum"];
            if let Some(name) = nearest(&name, names.into_iter().chain(Function::names())) {
                wrong = wrong.help(format!("did you mean `{name}`?"));
            }
            return Err(wrong);
        }
        Ok(Parsed { function: None, argument: Some(reader.expression(expr)?) })
    })
}

fn parse<T: Send>(text: &str, convert: impl FnOnce(&mut Reader<'_>, &Expr) -> Converted<T> + Send) -> Converted<T> {
    let dialect = PostgreSqlDialect {};
    let mut words = Words::read(&dialect, text)?;
    if words.tokens.is_empty() {
        return Err(Wrong::new("metrics::expression", "the expression is empty", 0..1)
            .help("write an expression over the source's columns"));
    }
    let tokens = std::mem::take(&mut words.tokens);
    on_deep_stack(tokens.len(), || {
        let mut parser =
            Parser::new(&dialect).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(tokens);
        let parsed = parser.parse_expr();
        let next = parser.peek_token();
        let at = words.range(text, next.span.start, next.span.end);
        let expr = parsed.map_err(|error| refused(error, at.clone(), &words, text))?;
        if next.token != Token::EOF {
            let found = shown(&next.token.to_string());
            return Err(Wrong::new("metrics::expression", format!("the expression ends before `{found}`"), at)
                .help("write one expression, without a statement around it"));
        }
        convert(&mut Reader { text, words: &words, mentions: Vec::new() }, &expr)
    })
}

/// The parser's own complaint. It names its place at the end of its message; without one the place is where the parser stopped.
pub(crate) fn refused(error: ParserError, stopped: Range<usize>, words: &Words, text: &str) -> Box<Wrong> {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            let message = format!("the text is nested more than {DEEPEST} deep");
            return Wrong::new("metrics::too_large", message, 0..text.len())
                .help("compute the inner part in a source of its own, with `sql`");
        }
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
    };
    let (message, place) = message.split_once(" at Line: ").unwrap_or((&message, ""));
    let place = place.split_once(", Column: ").and_then(|(line, column)| {
        let location = Location::new(line.parse().ok()?, column.trim().parse().ok()?);
        let start = words.range(text, location, location).start;
        let word = text[start..].split(char::is_whitespace).next().unwrap_or_default();
        Some(start..start + word.len())
    });
    let message = first_lower(message).replace("EOF", "the end");
    Wrong::new("metrics::expression", shown(&message), place.unwrap_or(stopped))
        .help("mend the text where it is marked")
}

/// The aggregations of a `value`.
pub(crate) fn aggregate_named(name: &str) -> Option<AggregateFunction> {
    let function = match name.to_ascii_lowercase().as_str() {
        "avg" => AggregateFunction::Avg,
        "count" => AggregateFunction::Count,
        "first" => AggregateFunction::First,
        "last" => AggregateFunction::Last,
        "max" => AggregateFunction::Max,
        "min" => AggregateFunction::Min,
        "sum" => AggregateFunction::Sum,
        _ => return None,
    };
    Some(function)
}

/// Names of aggregations, as they are written.
pub(crate) const AGGREGATIONS: [&str; 9] =
    ["avg(x)", "count(*)", "count(distinct x)", "count(x)", "first(x)", "last(x)", "max(x)", "min(x)", "sum(x)"];

struct Reader<'a> {
    text: &'a str,
    words: &'a Words,
    mentions: Vec<Mention>,
}

impl Reader<'_> {
    fn span(&self, expr: &Expr) -> Range<usize> {
        let span = expr.span();
        self.words.range(self.text, span.start, span.end)
    }

    fn ident_span(&self, ident: &ast::Ident) -> Range<usize> {
        self.words.range(self.text, ident.span.start, ident.span.end)
    }

    fn wrong(&self, expr: &Expr, message: impl Into<String>) -> Box<Wrong> {
        Wrong::new("metrics::expression", message, self.span(expr))
            .help("an expression is one scalar formula over the source's columns")
    }

    fn expression(&mut self, expr: &Expr) -> Converted<Expression> {
        let node = self.node(expr)?;
        let (nodes, depth) = size(&node);
        let limit = |message: String| {
            Wrong::new("metrics::too_large", message, self.span(expr))
                .help("compute parts of it in a source of its own, with `sql`")
        };
        if nodes > MOST_NODES {
            return Err(limit(format!("the expression has {nodes} parts, more than {MOST_NODES}")));
        }
        if depth > DEEPEST {
            return Err(limit(format!("the expression is {depth} deep, more than {DEEPEST}")));
        }
        Ok(Expression { node, mentions: std::mem::take(&mut self.mentions) })
    }

    fn aggregation(&mut self, function: AggregateFunction, call: &ast::Function) -> Converted<Parsed> {
        let whole = 0..self.text.len();
        let name = function.word();
        self.plain_call(call)?;
        let ast::FunctionArguments::List(list) = &call.args else {
            return Err(Wrong::new("metrics::expression", format!("`{name}` needs an argument"), whole));
        };
        if !list.clauses.is_empty() {
            return Err(Wrong::new("metrics::expression", format!("`{name}` takes no clause"), whole)
                .help("`first` and `last` order by the source's timestamp"));
        }
        let distinct = matches!(list.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct));
        let function = match (function, distinct) {
            (AggregateFunction::Count, true) => AggregateFunction::CountDistinct,
            (_, true) => {
                return Err(Wrong::new("metrics::expression", format!("`{name}` takes no `distinct`"), whole)
                    .help("only `count(distinct x)` does"));
            }
            (function, false) => function,
        };
        match list.args.as_slice() {
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Wildcard)] if function == AggregateFunction::Count => {
                Ok(Parsed { function: Some(function), argument: None })
            }
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(argument))] => {
                let span = self.span(argument);
                let argument = self.expression(argument)?;
                let sums = matches!(function, AggregateFunction::Sum | AggregateFunction::Avg);
                let gives = gives(&argument.node);
                if sums && !matches!(gives, Gives::Number | Gives::Unknown) {
                    let message = format!("`{name}` needs a number, and this is {}", in_words(gives));
                    return Err(Wrong::new("metrics::expression", message, span)
                        .help("count rows with `count(*)` and a `filter`"));
                }
                Ok(Parsed { function: Some(function), argument: Some(argument) })
            }
            arguments => {
                let message = format!("`{name}` takes one argument, not {}", arguments.len());
                Err(Wrong::new("metrics::expression", message, whole).help(format!("write `{name}(x)`")))
            }
        }
    }

    fn boxed(&mut self, expr: &Expr) -> Converted<Box<Node>> {
        self.node(expr).map(Box::new)
    }

    fn truth(&mut self, expr: &Expr) -> Converted<Node> {
        let node = self.node(expr)?;
        match gives(&node) {
            Gives::Boolean | Gives::Unknown => Ok(node),
            other => Err(self.wrong(expr, format!("this is {}, not true or false", in_words(other)))),
        }
    }

    fn number(&mut self, expr: &Expr) -> Converted<Node> {
        let node = self.node(expr)?;
        match gives(&node) {
            Gives::Number | Gives::Unknown => Ok(node),
            other => Err(self.wrong(expr, format!("this is {}, not a number", in_words(other)))),
        }
    }

    fn node(&mut self, expr: &Expr) -> Converted<Node> {
        match expr {
            Expr::Nested(inner) => self.node(inner),
            Expr::Identifier(ident) => Ok(self.column(ident)),
            Expr::CompoundIdentifier(parts) => {
                let name = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
                Err(self.wrong(expr, format!("`{}` names a table", shown(&name))).help(
                    "an expression reads one source: write the column alone, in double quotes when its name has a dot",
                ))
            }
            Expr::Value(value) => self.literal(expr, &value.value),
            Expr::TypedString(typed) => self.typed_literal(expr, typed),
            Expr::UnaryOp { op, expr: operand } => self.unary(expr, op, operand),
            Expr::BinaryOp { left, op, right } => self.binary(expr, left, op, right),
            Expr::IsNull(operand) => self.is(operand, Test::Null, false),
            Expr::IsNotNull(operand) => self.is(operand, Test::Null, true),
            Expr::IsTrue(operand) => self.is(operand, Test::True, false),
            Expr::IsNotTrue(operand) => self.is(operand, Test::True, true),
            Expr::IsFalse(operand) => self.is(operand, Test::False, false),
            Expr::IsNotFalse(operand) => self.is(operand, Test::False, true),
            Expr::InList { expr: operand, list, negated } => {
                let operand = self.boxed(operand)?;
                let list = list.iter().map(|entry| self.node(entry)).collect::<Converted<Vec<_>>>()?;
                if list.is_empty() {
                    return Err(self.wrong(expr, "the list of `IN` is empty").help("write at least one value"));
                }
                Ok(Node::InList { operand, list, negated: *negated })
            }
            Expr::Between { expr: operand, negated, low, high } => Ok(Node::Between {
                operand: self.boxed(operand)?,
                low: self.boxed(low)?,
                high: self.boxed(high)?,
                negated: *negated,
            }),
            Expr::Like { negated, any: false, expr: operand, pattern, escape_char: None } => {
                self.like(operand, pattern, *negated, false)
            }
            Expr::ILike { negated, any: false, expr: operand, pattern, escape_char: None } => {
                self.like(operand, pattern, *negated, true)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let compared = operand.is_some();
                let operand = operand.as_ref().map(|operand| self.boxed(operand)).transpose()?;
                let branches = conditions
                    .iter()
                    .map(|branch| {
                        let when = if compared { self.node(&branch.condition) } else { self.truth(&branch.condition) }?;
                        Ok((when, self.node(&branch.result)?))
                    })
                    .collect::<Converted<Vec<_>>>()?;
                let otherwise = else_result.as_ref().map(|result| self.boxed(result)).transpose()?;
                Ok(Node::Case { operand, branches, otherwise })
            }
            Expr::Cast {
                kind: ast::CastKind::Cast | ast::CastKind::DoubleColon,
                expr: operand,
                data_type,
                format: None,
                ..
            } => Ok(Node::Cast { to: self.cast_type(expr, data_type)?, operand: self.boxed(operand)? }),
            Expr::Extract { field, expr: operand, .. } => {
                let part = self.date_part(expr, &field.to_string().to_ascii_lowercase())?;
                Ok(Node::Call { function: Function::DatePart, arguments: vec![part, self.node(operand)?] })
            }
            Expr::Ceil { expr: operand, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                Ok(Node::Call { function: Function::Ceil, arguments: vec![self.number(operand)?] })
            }
            Expr::Floor { expr: operand, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                Ok(Node::Call { function: Function::Floor, arguments: vec![self.number(operand)?] })
            }
            Expr::Position { expr: part, r#in: whole } => {
                Ok(Node::Call { function: Function::Strpos, arguments: vec![self.node(whole)?, self.node(part)?] })
            }
            Expr::Substring { expr: operand, substring_from: Some(from), substring_for, .. } => {
                let mut arguments = vec![self.node(operand)?, self.number(from)?];
                if let Some(length) = substring_for {
                    arguments.push(self.number(length)?);
                }
                Ok(Node::Call { function: Function::Substr, arguments })
            }
            Expr::Trim { trim_where: None, trim_what: None, expr: operand, trim_characters: None } => {
                Ok(Node::Call { function: Function::Trim, arguments: vec![self.node(operand)?] })
            }
            Expr::Function(call) => self.call(expr, call),
            other => Err(self
                .wrong(expr, format!("{} is not allowed in an expression", named(other)))
                .help("an expression is one scalar formula over the source's columns")),
        }
    }

    fn column(&mut self, ident: &ast::Ident) -> Node {
        let span = self.ident_span(ident);
        self.mentions.push(Mention { name: ident.value.clone(), parameter: false, span });
        Node::Column(ident.value.clone())
    }

    fn is(&mut self, operand: &Expr, test: Test, negated: bool) -> Converted<Node> {
        let operand = if test == Test::Null { self.node(operand)? } else { self.truth(operand)? };
        Ok(Node::Is { operand: Box::new(operand), test, negated })
    }

    fn like(&mut self, operand: &Expr, pattern: &Expr, negated: bool, any_case: bool) -> Converted<Node> {
        Ok(Node::Like { operand: self.boxed(operand)?, pattern: self.boxed(pattern)?, negated, any_case })
    }

    fn unary(&mut self, expr: &Expr, op: &ast::UnaryOperator, operand: &Expr) -> Converted<Node> {
        match op {
            ast::UnaryOperator::Not => {
                let operand = Box::new(self.truth(operand)?);
                Ok(Node::Unary { operator: UnaryOperator::Not, operand })
            }
            ast::UnaryOperator::Plus => self.number(operand),
            ast::UnaryOperator::Minus => {
                // The least integer has no positive twin, so a minus sign belongs to its literal.
                if let Expr::Value(value) = operand
                    && let SqlValue::Number(digits, _) = &value.value
                {
                    return self.number_literal(expr, &format!("-{digits}"));
                }
                Ok(Node::Unary { operator: UnaryOperator::Minus, operand: Box::new(self.number(operand)?) })
            }
            other => Err(self.wrong(expr, format!("the operator `{other}` is not allowed"))),
        }
    }

    fn binary(&mut self, expr: &Expr, left: &Expr, op: &ast::BinaryOperator, right: &Expr) -> Converted<Node> {
        use ast::BinaryOperator as Op;
        let operator = match op {
            Op::And | Op::Or => return self.chain(expr, op),
            Op::Plus => BinaryOperator::Plus,
            Op::Minus => BinaryOperator::Minus,
            Op::Multiply => BinaryOperator::Multiply,
            Op::Divide => BinaryOperator::Divide,
            Op::Modulo => BinaryOperator::Remainder,
            Op::Eq => BinaryOperator::Equal,
            Op::NotEq => BinaryOperator::NotEqual,
            Op::Lt => BinaryOperator::Less,
            Op::LtEq => BinaryOperator::LessOrEqual,
            Op::Gt => BinaryOperator::Greater,
            Op::GtEq => BinaryOperator::GreaterOrEqual,
            Op::StringConcat => BinaryOperator::Concat,
            other => {
                return Err(self
                    .wrong(expr, format!("the operator `{other}` is not allowed"))
                    .valid("operators", OPERATORS.iter().map(|operator| (*operator).to_owned()).collect()));
            }
        };
        let compared_with_null = matches!(operator, BinaryOperator::Equal | BinaryOperator::NotEqual)
            && [left, right].iter().any(|side| matches!(side, Expr::Value(value) if value.value == SqlValue::Null));
        if compared_with_null {
            return Err(self
                .wrong(expr, "a comparison with NULL is never true")
                .help("write `x IS NULL` or `x IS NOT NULL`"));
        }
        let (left, right) = match operator {
            BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Remainder => {
                (self.number(left)?, self.number(right)?)
            }
            _ => (self.node(left)?, self.node(right)?),
        };
        Ok(Node::Binary { operator, left: Box::new(left), right: Box::new(right) })
    }

    /// A chain of one of `AND`, `OR`, as a balanced tree: a long chain then is no deep tree.
    fn chain(&mut self, expr: &Expr, op: &ast::BinaryOperator) -> Converted<Node> {
        let operator = if *op == ast::BinaryOperator::And { BinaryOperator::And } else { BinaryOperator::Or };
        let (mut waiting, mut operands) = (vec![expr], Vec::new());
        while let Some(next) = waiting.pop() {
            match next {
                Expr::BinaryOp { left, op: same, right } if same == op => {
                    waiting.extend([right.as_ref(), left.as_ref()])
                }
                Expr::Nested(inner) if matches!(inner.as_ref(), Expr::BinaryOp { op: same, .. } if same == op) => {
                    waiting.push(inner);
                }
                operand => operands.push(self.truth(operand)?),
            }
        }
        Ok(balanced(operator, operands))
    }

    fn literal(&mut self, expr: &Expr, value: &SqlValue) -> Converted<Node> {
        match value {
            SqlValue::Number(digits, _) => self.number_literal(expr, digits),
            SqlValue::SingleQuotedString(text) => Ok(Node::Literal(Literal::Text(text.clone()))),
            SqlValue::Boolean(value) => Ok(Node::Literal(Literal::Boolean(*value))),
            SqlValue::Null => Ok(Node::Literal(Literal::Null)),
            SqlValue::Placeholder(name) => {
                let name = name.trim_start_matches('$').to_owned();
                let span = self.span(expr);
                self.mentions.push(Mention { name: name.clone(), parameter: true, span });
                Ok(Node::Parameter(name))
            }
            other => Err(self.wrong(expr, format!("`{}` is not a plain literal", shown(&other.to_string())))),
        }
    }

    fn number_literal(&self, expr: &Expr, digits: &str) -> Converted<Node> {
        if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            return digits.parse().map(|value| Node::Literal(Literal::Integer(value))).map_err(|_| {
                self.wrong(expr, "the number does not fit 64 bits").help("write it with a decimal point, or smaller")
            });
        }
        match digits.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Node::Literal(Literal::Float(value))),
            _ => Err(self.wrong(expr, format!("`{}` is not a finite number", shown(digits)))),
        }
    }

    fn typed_literal(&self, expr: &Expr, typed: &ast::TypedString) -> Converted<Node> {
        let SqlValue::SingleQuotedString(text) = &typed.value.value else {
            return Err(self.wrong(expr, "only plain text in single quotes is allowed"));
        };
        let moment = Moment::parse(text).map_err(|why| self.wrong(expr, why));
        match (&typed.data_type, moment?) {
            (ast::DataType::Date, Moment::Date(date)) => Ok(Node::Literal(Literal::Date(date))),
            (ast::DataType::Timestamp(..), Moment::Instant(instant)) => Ok(Node::Literal(Literal::Timestamp(instant))),
            (ast::DataType::Timestamp(..), _) => Err(self
                .wrong(expr, format!("the time `{}` has no zone", shown(text)))
                .help("write TIMESTAMP '2026-03-01T09:30:00Z', with Z or an offset")),
            (other, _) => Err(self
                .wrong(expr, format!("`{}` literals are not allowed", shown(&other.to_string())))
                .help("write DATE '2026-03-01' or TIMESTAMP '2026-03-01T09:30:00Z'")),
        }
    }

    fn cast_type(&self, expr: &Expr, data_type: &ast::DataType) -> Converted<CastType> {
        use ast::DataType as Type;
        match data_type {
            Type::Boolean | Type::Bool => Ok(CastType::Boolean),
            Type::Date => Ok(CastType::Date),
            Type::Double(_) | Type::DoublePrecision | Type::Float(_) | Type::Float8 => Ok(CastType::Float),
            Type::BigInt(None) | Type::Integer(None) | Type::Int(None) | Type::Int8(None) => Ok(CastType::Integer),
            Type::Text | Type::Varchar(None) => Ok(CastType::Text),
            Type::Timestamp(None, _) => Ok(CastType::Timestamp),
            other => Err(self.wrong(expr, format!("a cast to `{}` is not allowed", shown(&other.to_string()))).valid(
                "types",
                ["bigint", "boolean", "date", "double", "text", "timestamp"].map(str::to_owned).into(),
            )),
        }
    }

    fn date_part(&self, expr: &Expr, part: &str) -> Converted<Node> {
        if DATE_PARTS.contains(&part) {
            return Ok(Node::Literal(Literal::Text(part.to_owned())));
        }
        Err(self
            .wrong(expr, format!("`{}` is no part of a date", shown(part)))
            .valid("parts", DATE_PARTS.iter().map(|part| (*part).to_owned()).collect()))
    }

    /// Refuses everything that makes a call more than a name and arguments.
    fn plain_call(&self, call: &ast::Function) -> Converted<()> {
        let span = self.words.range(self.text, call.span().start, call.span().end);
        let name = shown(&call.name.to_string());
        let refuse = |what: &str, help: &str| {
            Err(Wrong::new("metrics::expression", format!("`{name}` {what}"), span.clone()).help(help))
        };
        if call.over.is_some() {
            return refuse("is used as a window function", "compute it in a source of its own, with `sql`");
        }
        if call.filter.is_some() {
            return refuse("carries a FILTER", "write the condition as the metric's `filter`");
        }
        let bare = !call.uses_odbc_syntax
            && call.null_treatment.is_none()
            && call.within_group.is_empty()
            && matches!(call.parameters, ast::FunctionArguments::None);
        if bare { Ok(()) } else { refuse("carries a clause", "write the name and its arguments only") }
    }

    fn call(&mut self, expr: &Expr, call: &ast::Function) -> Converted<Node> {
        let written = call.name.to_string();
        let name = written.to_ascii_lowercase();
        if aggregate_named(&name).is_some() {
            return Err(self
                .wrong(expr, format!("the aggregation `{}` stands inside an expression", shown(&written)))
                .help("`value` is one aggregation around a whole expression, such as sum(price * quantity)"));
        }
        if let Some(why) = never_allowed(&name) {
            return Err(Wrong::new(
                "metrics::function",
                format!("`{}` is not allowed: {why}", shown(&written)),
                self.span(expr),
            )
            .help("use the metric's window and filter, or a parameter"));
        }
        let Some(signature) = function::signature_named(&name) else {
            let names = || Function::names();
            let mut wrong =
                Wrong::new("metrics::function", format!("unknown function `{}`", shown(&written)), self.span(expr))
                    .valid("functions", names().map(str::to_owned).collect());
            if let Some(name) = nearest(&name, names()) {
                wrong = wrong.help(format!("did you mean `{name}`?"));
            }
            return Err(wrong);
        };
        self.plain_call(call)?;
        let arguments = match &call.args {
            ast::FunctionArguments::List(list) if list.duplicate_treatment.is_none() && list.clauses.is_empty() => {
                &list.args
            }
            _ => return Err(self.wrong(expr, format!("`{name}` takes plain arguments only"))),
        };
        if !(signature.least..=signature.most).contains(&arguments.len()) {
            let wanted = match (signature.least, signature.most) {
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            let plural = if wanted == "1" { "" } else { "s" };
            let message = format!("`{name}` takes {wanted} argument{plural}, not {}", arguments.len());
            return Err(self.wrong(expr, message));
        }
        let mut converted = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(argument)) = argument else {
                return Err(self.wrong(expr, format!("`{name}` takes plain arguments only")));
            };
            converted.push(self.node(argument)?);
        }
        if matches!(signature.function, Function::DatePart | Function::DateTrunc) {
            let part = match converted.first() {
                Some(Node::Literal(Literal::Text(part))) => part.to_ascii_lowercase(),
                _ => return Err(self.wrong(expr, format!("the first argument of `{name}` is a word such as 'day'"))),
            };
            converted[0] = self.date_part(expr, &part)?;
        }
        Ok(Node::Call { function: signature.function, arguments: converted })
    }
}

/// Operators between two operands, as they are written.
const OPERATORS: [&str; 14] = ["+", "-", "*", "/", "%", "||", "=", "<>", "<", "<=", ">", ">=", "AND", "OR"];

/// Parts of a date or time.
const DATE_PARTS: [&str; 9] = ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "dow"];

/// Why a well-known function can never be part of a definition.
pub(crate) fn never_allowed(name: &str) -> Option<&'static str> {
    match name {
        "now" | "current_timestamp" | "current_date" | "current_time" | "localtime" | "localtimestamp" | "today"
        | "clock_timestamp" => Some("its answer changes with the time of the run"),
        "random" | "rand" | "uuid" | "gen_random_uuid" | "setseed" => Some("its answer changes with every run"),
        "repeat" | "lpad" | "rpad" | "string_agg" | "array_agg" => Some("its answer can be larger than memory"),
        "regexp_match" | "regexp_like" | "regexp_replace" | "regexp_count" => Some("a pattern can take for ever"),
        "version" | "current_user" | "current_database" | "pg_sleep" | "pg_read_file" => Some("it asks the system"),
        _ => None,
    }
}

/// What kind of thing the tree cannot hold.
fn named(expr: &Expr) -> &'static str {
    match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => "a subquery",
        Expr::Interval(_) => "an interval",
        Expr::Array(_) | Expr::InUnnest { .. } | Expr::AnyOp { .. } | Expr::AllOp { .. } => "an array",
        Expr::Tuple(_) | Expr::Struct { .. } => "a row of values",
        Expr::AtTimeZone { .. } => "AT TIME ZONE",
        Expr::RLike { .. } | Expr::SimilarTo { .. } => "a regular expression",
        Expr::Like { .. } | Expr::ILike { .. } => "LIKE with an escape or a list",
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => "IS DISTINCT FROM",
        Expr::Cast { .. } | Expr::Convert { .. } => "this form of cast",
        Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => "`*`",
        Expr::Collate { .. } => "COLLATE",
        Expr::JsonAccess { .. } | Expr::CompoundFieldAccess { .. } => "access into a nested value",
        _ => "this form",
    }
}

fn balanced(operator: BinaryOperator, mut operands: Vec<Node>) -> Node {
    while operands.len() > 1 {
        let mut halved = Vec::with_capacity(operands.len().div_ceil(2));
        let mut pairs = operands.into_iter();
        while let Some(left) = pairs.next() {
            halved.push(match pairs.next() {
                Some(right) => Node::Binary { operator, left: Box::new(left), right: Box::new(right) },
                None => left,
            });
        }
        operands = halved;
    }
    operands.pop().unwrap_or(Node::Literal(Literal::Null))
}

/// Number of nodes and depth of a tree.
fn size(node: &Node) -> (usize, usize) {
    node.children()
        .into_iter()
        .map(size)
        .fold((1, 1), |(nodes, depth), (more, below)| (nodes + more, depth.max(below + 1)))
}
