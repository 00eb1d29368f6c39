//! Checking the SQL of a source: one SELECT over other sources, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};

use datafusion::sql::sqlparser::ast::{
    self, Expr, GroupByExpr, JoinConstraint, JoinOperator, ObjectName, Query, Select, SetExpr, Spanned, TableFactor,
    Value as SqlValue, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::definition::{JoinedSource, Piece, Query as CheckedQuery};
use crate::expression::{Function, PARSER_RECURSION, Words, Wrong, never_allowed, on_deep_stack, refused};
use crate::reading::join::{conjuncts, joined_source};
use crate::reading::key::shown;
use crate::reading::nearest::nearest;

/// Most SELECTs of one statement, those of unions and subqueries included.
const MOST_SELECTS: usize = 64;

/// Deepest expression. The engine plans expressions by recursion.
const DEEPEST_EXPRESSION: usize = 128;

/// Functions over rows whose answer does not depend on the order in which rows come.
const ROW_FUNCTIONS: [&str; 12] = [
    "bool_and",
    "bool_or",
    "count",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "max",
    "min",
    "rank",
    "row_number",
];

/// A checked statement, with the places of the names in it.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) query: CheckedQuery,
    /// Each source it reads and where it is first named.
    pub(crate) sources: BTreeMap<String, Range<usize>>,
    /// The names its `WITH` gives, each with its place.
    pub(crate) ctes: BTreeMap<String, Range<usize>>,
    /// Each use of a parameter: name, place, and whether it is the whole list of an `IN`.
    pub(crate) parameters: Vec<(String, Range<usize>, bool)>,
}

/// Parses and checks the SQL of a source.
pub(crate) fn read(text: &str) -> Result<Statement, Box<Wrong>> {
    let dialect = GenericDialect {};
    let mut words = Words::read(&dialect, text)?;
    let mut tokens = std::mem::take(&mut words.tokens);
    while tokens.last().is_some_and(|token| token.token == Token::SemiColon) {
        tokens.pop();
    }
    if let Some(token) = tokens.iter().find(|token| token.token == Token::SemiColon) {
        let at = words.range(text, token.span.start, token.span.end);
        return Err(Wrong::new("metrics::statement", "more than one statement", at).help("keep one SELECT"));
    }
    let Some(first) = tokens.first() else {
        return Err(Wrong::new("metrics::statement", "the statement is empty", 0..1).help("write one SELECT"));
    };
    let word = first.token.to_string();
    if !["select", "with"].iter().any(|allowed| word.eq_ignore_ascii_case(allowed)) && first.token != Token::LParen {
        let at = words.range(text, first.span.start, first.span.end);
        let message = format!("a source is one SELECT, and this starts with `{}`", shown(&word));
        return Err(Wrong::new("metrics::statement", message, at).help("start with SELECT or WITH"));
    }
    on_deep_stack(tokens.len(), || {
        let mut parser =
            Parser::new(&dialect).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(tokens);
        let parsed = parser.parse_query();
        let next = parser.peek_token();
        let at = words.range(text, next.span.start, next.span.end);
        let query = parsed.map_err(|error| refused(error, at.clone(), &words, text))?;
        if next.token != Token::EOF {
            let message = format!("the statement ends before `{}`", shown(&next.token.to_string()));
            return Err(Wrong::new("metrics::statement", message, at).help("keep one SELECT"));
        }
        let mut gate = Gate {
            text,
            words: &words,
            selects: 0,
            depth: 0,
            ctes: BTreeMap::new(),
            found: Vec::new(),
            listed: BTreeSet::new(),
            parameters: Vec::new(),
            joined: BTreeSet::new(),
        };
        if let ControlFlow::Break(wrong) = query.visit(&mut gate) {
            return Err(wrong);
        }
        let canonical = query.to_string();
        let pieces = cut(&dialect, &canonical, text)?;
        let mut sources = BTreeMap::new();
        for (name, span) in gate.found {
            if !gate.ctes.contains_key(&name) {
                sources.entry(name).or_insert(span);
            }
        }
        let parameters: Vec<_> = gate
            .parameters
            .into_iter()
            .map(|(name, span)| {
                let whole = gate.listed.contains(&span.start);
                (name, span, whole)
            })
            .collect();
        let query = CheckedQuery {
            text: text.to_owned(),
            pieces,
            sources: sources.keys().cloned().collect(),
            parameters: parameters.iter().map(|(name, ..)| name.clone()).collect(),
            joined: gate.joined.into_iter().filter(|joined| sources.contains_key(&joined.source)).collect(),
        };
        Ok(Statement { query, sources, ctes: gate.ctes, parameters })
    })
}

/// Cuts a statement at its parameters.
fn cut(dialect: &GenericDialect, canonical: &str, text: &str) -> Result<Vec<Piece>, Box<Wrong>> {
    let tokens = Tokenizer::new(dialect, canonical).tokenize().map_err(|error| {
        Wrong::new(
            "metrics::statement",
            format!("the statement cannot be written anew: {}", error.message),
            0..text.len(),
        )
    })?;
    let (mut pieces, mut sql) = (Vec::new(), String::new());
    for token in tokens {
        match token {
            Token::Placeholder(name) => {
                pieces.push(Piece::Sql(std::mem::take(&mut sql)));
                pieces.push(Piece::Parameter(name.trim_start_matches('$').to_owned()));
            }
            // The tokenizer undoubles quotes, so text is written by the syntax tree's own printer.
            Token::SingleQuotedString(value) => sql.push_str(&SqlValue::SingleQuotedString(value).to_string()),
            other => sql.push_str(&other.to_string()),
        }
    }
    pieces.push(Piece::Sql(sql));
    Ok(pieces)
}

struct Gate<'a> {
    text: &'a str,
    words: &'a Words,
    selects: usize,
    depth: usize,
    ctes: BTreeMap<String, Range<usize>>,
    found: Vec<(String, Range<usize>)>,
    listed: BTreeSet<usize>,
    parameters: Vec<(String, Range<usize>)>,
    joined: BTreeSet<JoinedSource>,
}

type Step = ControlFlow<Box<Wrong>>;

impl Gate<'_> {
    fn at(&self, node: &impl Spanned) -> Range<usize> {
        let span = node.span();
        self.words.range(self.text, span.start, span.end)
    }

    fn ident(&self, ident: &ast::Ident) -> Range<usize> {
        self.words.range(self.text, ident.span.start, ident.span.end)
    }

    fn refuse(&self, node: &impl Spanned, what: &str, help: &str) -> Step {
        let message = format!("{what} is not allowed in a source");
        ControlFlow::Break(Wrong::new("metrics::statement", message, self.at(node)).help(help))
    }

    fn body(&mut self, query: &Query) -> Step {
        let mut waiting = vec![query.body.as_ref()];
        while let Some(body) = waiting.pop() {
            match body {
                SetExpr::Select(_) => {}
                // The nested query is visited, and counted, on its own.
                SetExpr::Query(_) => {}
                SetExpr::SetOperation { left, right, set_quantifier, .. } => {
                    use ast::SetQuantifier as Quantifier;
                    if !matches!(set_quantifier, Quantifier::All | Quantifier::Distinct | Quantifier::None) {
                        return self.refuse(body, "a union by name", "name the columns in each SELECT");
                    }
                    waiting.extend([right.as_ref(), left.as_ref()]);
                }
                SetExpr::Values(_) => {
                    return self.refuse(body, "VALUES", "put the rows in a file and read it by `path`");
                }
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                    return self.refuse(body, "a statement that writes", "keep one SELECT");
                }
                SetExpr::Table(_) => return self.refuse(body, "TABLE", "write SELECT * FROM the source"),
            }
        }
        Step::Continue(())
    }

    fn join(&mut self, join: &ast::Join) -> Step {
        use JoinOperator as Kind;
        self.joined.extend(joined_source(join));
        let constraint = match &join.join_operator {
            Kind::Join(constraint)
            | Kind::Inner(constraint)
            | Kind::Left(constraint)
            | Kind::LeftOuter(constraint)
            | Kind::Right(constraint)
            | Kind::RightOuter(constraint)
            | Kind::FullOuter(constraint)
            | Kind::Semi(constraint)
            | Kind::LeftSemi(constraint)
            | Kind::RightSemi(constraint)
            | Kind::Anti(constraint)
            | Kind::LeftAnti(constraint)
            | Kind::RightAnti(constraint) => constraint,
            Kind::CrossJoin(_) => return self.cartesian(&join.relation),
            _ => return self.refuse(&join.relation, "this kind of join", "join with ON or USING"),
        };
        match constraint {
            JoinConstraint::Using(columns) if !columns.is_empty() => Step::Continue(()),
            JoinConstraint::On(condition) if equates_columns(condition) => Step::Continue(()),
            JoinConstraint::Natural => {
                self.refuse(&join.relation, "a natural join", "name the columns: USING (column)")
            }
            _ => self.cartesian(&join.relation),
        }
    }

    fn cartesian(&self, relation: &TableFactor) -> Step {
        let message = "the join has no key, so every row would meet every row";
        ControlFlow::Break(
            Wrong::new("metrics::cartesian_join", message, self.at(relation))
                .help("join with ON left.column = right.column, or USING (column)"),
        )
    }

    fn function(&self, expr: &Expr, call: &ast::Function) -> Step {
        let written = call.name.to_string();
        let name = written.to_ascii_lowercase();
        let wrong = |message: String| Wrong::new("metrics::function", message, self.at(expr));
        if let Some(why) = never_allowed(&name) {
            let message = format!("`{}` is not allowed: {why}", shown(&written));
            return ControlFlow::Break(wrong(message).help("declare a parameter and give its value with -p"));
        }
        if ROW_FUNCTIONS.contains(&name.as_str()) || Function::named(&name).is_some() {
            return Step::Continue(());
        }
        if matches!(name.as_str(), "sum" | "avg" | "mean" | "stddev" | "var" | "var_samp" | "stddev_samp" | "median") {
            let message = format!("`{name}` is not allowed in a source: its last digits depend on the order of rows");
            let help = "let the source give rows, and aggregate in a metric: value = \"sum(x)\"";
            return ControlFlow::Break(wrong(message).help(help));
        }
        let names = || Function::names().chain(ROW_FUNCTIONS);
        let mut wrong = wrong(format!("unknown function `{}`", shown(&written)))
            .valid("functions", names().map(str::to_owned).collect());
        if let Some(name) = nearest(&name, names()) {
            wrong = wrong.help(format!("did you mean `{name}`?"));
        }
        ControlFlow::Break(wrong)
    }
}

impl Visitor for Gate<'_> {
    type Break = Box<Wrong>;

    fn pre_visit_query(&mut self, query: &Query) -> Step {
        // Every field is named, so that a new one of the parser has to be looked at before it is let in.
        let Query {
            with,
            body: _,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if limit_clause.is_some() || fetch.is_some() {
            return self.refuse(query, "LIMIT", "which rows are left would be chance; filter with WHERE");
        }
        if order_by.is_some() {
            return self.refuse(query, "ORDER BY", "the rows of a source have no order; drop it");
        }
        let extra = !locks.is_empty()
            || for_clause.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || !pipe_operators.is_empty();
        if extra {
            return self.refuse(query, "a clause after the SELECT", "drop it");
        }
        if let Some(with) = with {
            if with.recursive {
                return self.refuse(query, "WITH RECURSIVE", "write the steps as sources of their own");
            }
            for cte in &with.cte_tables {
                let span = self.ident(&cte.alias.name);
                if self.ctes.insert(cte.alias.name.value.clone(), span).is_some() {
                    let message = format!("`{}` is named twice by WITH", shown(&cte.alias.name.value));
                    return ControlFlow::Break(
                        Wrong::new("metrics::statement", message, self.ident(&cte.alias.name))
                            .help("give each its own name"),
                    );
                }
            }
        }
        self.body(query)
    }

    fn pre_visit_select(&mut self, select: &Select) -> Step {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection: _,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection: _,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having: _,
            named_window: _,
            qualify: _,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        self.selects += 1;
        if self.selects > MOST_SELECTS {
            let message = format!("the statement has more than {MOST_SELECTS} SELECTs");
            return ControlFlow::Break(
                Wrong::new("metrics::too_large", message, self.at(select))
                    .help("split it into sources that build on one another"),
            );
        }
        if top.is_some() {
            return self.refuse(select, "TOP", "which rows are left would be chance; filter with WHERE");
        }
        if into.is_some() {
            return self.refuse(select, "INTO", "a source only reads");
        }
        if matches!(distinct, Some(ast::Distinct::On(_))) {
            return self.refuse(select, "DISTINCT ON", "number the rows with row_number() and keep the first");
        }
        let odd = !optimizer_hints.is_empty()
            || select_modifiers.is_some()
            || exclude.is_some()
            || !lateral_views.is_empty()
            || prewhere.is_some()
            || !connect_by.is_empty()
            || !cluster_by.is_empty()
            || !distribute_by.is_empty()
            || !sort_by.is_empty()
            || value_table_mode.is_some()
            || !matches!(flavor, ast::SelectFlavor::Standard)
            || matches!(group_by, GroupByExpr::All(_))
            || matches!(group_by, GroupByExpr::Expressions(_, modifiers) if !modifiers.is_empty());
        if odd {
            return self.refuse(select, "this form of SELECT", "write plain SELECT … FROM … WHERE … GROUP BY … HAVING");
        }
        if from.is_empty() {
            return self.refuse(select, "a SELECT without FROM", "read from a source");
        }
        if let Some(second) = from.get(1) {
            return self.cartesian(&second.relation);
        }
        for table in from {
            for join in &table.joins {
                self.join(join)?;
            }
        }
        Step::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Step {
        match factor {
            TableFactor::Table {
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
                ..
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => Step::Continue(()),
            TableFactor::Table { args: Some(_), .. }
            | TableFactor::TableFunction { .. }
            | TableFactor::Function { .. } => {
                self.refuse(factor, "a table function", "read from the project's sources")
            }
            TableFactor::Derived { lateral: false, sample: None, .. } => Step::Continue(()),
            TableFactor::NestedJoin { table_with_joins, .. } => {
                for join in &table_with_joins.joins {
                    self.join(join)?;
                }
                Step::Continue(())
            }
            other => self.refuse(other, "this kind of table", "read from the project's sources"),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> Step {
        match relation.0.as_slice() {
            [ast::ObjectNamePart::Identifier(ident)] => {
                self.found.push((ident.value.clone(), self.ident(ident)));
                Step::Continue(())
            }
            _ => {
                let message = format!("`{}` is no source of the project", shown(&relation.to_string()));
                ControlFlow::Break(
                    Wrong::new("metrics::unknown_source", message, self.at(relation))
                        .help("a source is named by one word"),
                )
            }
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Step {
        self.depth += 1;
        if self.depth > DEEPEST_EXPRESSION {
            let message = format!("an expression is more than {DEEPEST_EXPRESSION} deep");
            return ControlFlow::Break(
                Wrong::new("metrics::too_large", message, self.at(expr)).help("write `x IN (…)` for a chain of OR"),
            );
        }
        match expr {
            Expr::Function(call) => self.function(expr, call),
            Expr::Subquery(_) => self.refuse(expr, "a subquery as a value", "join it, or test with IN or EXISTS"),
            Expr::Value(value) => {
                if let SqlValue::Placeholder(name) = &value.value {
                    self.parameters.push((name.trim_start_matches('$').to_owned(), self.at(expr)));
                }
                Step::Continue(())
            }
            Expr::InList { list, .. } => {
                if let [only] = list.as_slice() {
                    self.listed.insert(self.at(only).start);
                }
                Step::Continue(())
            }
            _ => Step::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, _: &Expr) -> Step {
        self.depth -= 1;
        Step::Continue(())
    }
}

/// Whether a join condition sets a column equal to another, in one of its parts joined by AND.
fn equates_columns(condition: &Expr) -> bool {
    conjuncts(condition).into_iter().any(|part| match part {
        Expr::BinaryOp { left, op: ast::BinaryOperator::Eq, right } => {
            has_column(left) && has_column(right) && left.to_string() != right.to_string()
        }
        _ => false,
    })
}

fn has_column(expr: &Expr) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Finder).is_break()
}
