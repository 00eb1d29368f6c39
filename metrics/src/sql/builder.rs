//! The dialect of DataFusion, as a sea-query builder of our own.
//!
//! The PostgreSQL builder writes five things that DataFusion reads differently or not at all; each is mended here:
//! a frame without a space (`6PRECEDING`), a whole float without a decimal point (which turns division into integer
//! division), names of functions written as they come, borrowed identifiers whose quotes are not doubled, and string
//! literals with backslash escapes.

use std::fmt::Write;

use sea_query::{
    BinOper, DynIden, EscapeBuilder, ExplainStatement, Expr, Frame, Func, Oper, OperLeftAssocDecider,
    PostgresQueryBuilder, PrecedenceDecider, QueryBuilder, Quote, QuotedBuilder, SelectInto, SqlWriter,
    SubQueryStatement, TableRefBuilder, Value,
};

/// Renders statements for DataFusion.
#[derive(Debug, Default, Clone, Copy)]
pub struct DataFusionBuilder;

impl QuotedBuilder for DataFusionBuilder {
    fn quote(&self) -> Quote {
        Quote::new(b'"')
    }

    fn prepare_iden(&self, iden: &DynIden, sql: &mut impl SqlWriter) {
        // Writing into a String cannot fail; the trait has no way to say so.
        let _ = write!(sql, "\"{}\"", iden.inner().replace('"', "\"\""));
    }
}

impl EscapeBuilder for DataFusionBuilder {
    fn needs_escape(&self, text: &str) -> bool {
        text.contains('\'')
    }

    fn write_escaped(&self, buffer: &mut impl Write, text: &str) {
        let _ = buffer.write_str(&text.replace('\'', "''"));
    }

    fn unescape_string(&self, text: &str) -> String {
        text.replace("''", "'")
    }
}

impl TableRefBuilder for DataFusionBuilder {}

impl OperLeftAssocDecider for DataFusionBuilder {
    fn well_known_left_associative(&self, operator: &BinOper) -> bool {
        PostgresQueryBuilder.well_known_left_associative(operator)
    }
}

impl PrecedenceDecider for DataFusionBuilder {
    fn inner_expr_well_known_greater_precedence(&self, inner: &Expr, outer: &Oper) -> bool {
        PostgresQueryBuilder.inner_expr_well_known_greater_precedence(inner, outer)
    }
}

impl QueryBuilder for DataFusionBuilder {
    fn placeholder(&self) -> (&'static str, bool) {
        ("$", true)
    }

    fn prepare_query_statement(&self, query: &SubQueryStatement, sql: &mut impl SqlWriter) {
        if let SubQueryStatement::SelectStatement(select) = query {
            self.prepare_select_statement(select, sql);
        }
    }

    fn prepare_select_into(&self, _: &SelectInto, _: &mut impl SqlWriter) {}

    fn prepare_explain_statement(&self, _: &ExplainStatement, _: &mut impl SqlWriter) {}

    fn prepare_value(&self, value: Value, sql: &mut impl SqlWriter) {
        sql.push_param(value, self as _);
    }

    fn write_value(&self, buffer: &mut impl Write, value: &Value) -> std::fmt::Result {
        match value {
            // Debug keeps the point of a whole number and every digit of the others.
            Value::Double(Some(number)) => write!(buffer, "{number:?}"),
            Value::Float(Some(number)) => write!(buffer, "{number:?}"),
            _ => self.write_value_common(buffer, value),
        }
    }

    fn prepare_bin_oper(&self, operator: &BinOper, sql: &mut impl SqlWriter) {
        // The operators of PostgreSQL, ILIKE and || among them, mean the same here.
        PostgresQueryBuilder.prepare_bin_oper(operator, sql);
    }

    fn prepare_frame(&self, frame: &Frame, sql: &mut impl SqlWriter) {
        let _ = match frame {
            Frame::UnboundedPreceding => sql.write_str("UNBOUNDED PRECEDING"),
            Frame::Preceding(rows) => write!(sql, "{rows} PRECEDING"),
            Frame::CurrentRow => sql.write_str("CURRENT ROW"),
            Frame::Following(rows) => write!(sql, "{rows} FOLLOWING"),
            Frame::UnboundedFollowing => sql.write_str("UNBOUNDED FOLLOWING"),
        };
    }

    fn prepare_function_name(&self, function: &Func, sql: &mut impl SqlWriter) {
        match function {
            // Only letters, digits and underscores reach the text: a name can never end a call and begin another.
            Func::Custom(name) => {
                let name: String = name.inner().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let _ = sql.write_str(&name);
            }
            _ => self.prepare_function_name_common(function, sql),
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_query::{Alias, ExprTrait, Query};

    use super::*;

    fn written(expression: Expr) -> String {
        Query::select().expr(expression).to_owned().to_string(DataFusionBuilder)
    }

    #[test]
    fn a_whole_float_keeps_its_point() {
        assert_eq!(written(Expr::val(5).div(2.0)), "SELECT 5 / 2.0");
    }

    #[test]
    fn quotes_in_names_and_texts_are_doubled() {
        assert_eq!(written(Expr::col(Alias::new("a\"b")).eq("it's \\")), "SELECT \"a\"\"b\" = 'it''s \\'");
    }

    #[test]
    fn operators_of_postgres_are_written() {
        use sea_query::extension::postgres::{PgBinOper, PgExpr};
        let (a, b) = (|| Expr::col(Alias::new("a")), || Expr::col(Alias::new("b")));
        assert_eq!(written(a().binary(PgBinOper::ILike, b())), r#"SELECT "a" ILIKE "b""#);
        assert_eq!(written(a().binary(PgBinOper::NotILike, b())), r#"SELECT "a" NOT ILIKE "b""#);
        assert_eq!(written(a().concat(b())), r#"SELECT "a" || "b""#);
    }

    #[test]
    fn a_function_name_cannot_break_out() {
        assert_eq!(written(Func::cust(Alias::new("lower(x), upper")).arg(1).into()), "SELECT lowerxupper(1)");
    }

    #[test]
    fn values_are_bound_in_order() {
        let (text, values) =
            Query::select().expr(Expr::val(1).add(2)).and_where(Expr::val("x").eq("y")).build(DataFusionBuilder);
        assert_eq!(text, "SELECT $1 + $2 WHERE $3 = $4");
        assert_eq!(values.0.len(), 4);
    }
}
