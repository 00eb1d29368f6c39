//! Statements as text to read and to paste elsewhere.

use std::fmt::Write;

use estimand_analysis::statements::Statements;

/// The statements one after the other, each with what it does; later ones read earlier ones by name.
pub(crate) fn text(statements: &Statements) -> String {
    let mut text = format!("-- Read: {}.\n", statements.sources.join(", "));
    if statements.bounds_come_later {
        text += "-- Bounds of percentile caps are found after step unit_table and stand in step analysed.\n";
    }
    for step in &statements.steps {
        // Writing into a String cannot fail.
        let _ = write!(text, "\n-- {}: {}\n{};\n", step.name, step.purpose, step.sql);
    }
    text
}
