//! SQL as readable HTML: everything escaped, keywords, strings, comments and placeholders marked.

use minijinja::HtmlEscape;

const KEYWORDS: &[&str] = &[
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CROSS",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "FALSE",
    "FILTER",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "RIGHT",
    "ROWS",
    "SELECT",
    "THEN",
    "TRUE",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
];

/// The statement as HTML that is safe to insert.
pub fn highlighted(sql: &str) -> String {
    let mut html = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (length, class) = token(rest, first);
        let (text, after) = rest.split_at(length);
        match class {
            Some(class) => html += &format!("<i class=\"{class}\">{}</i>", HtmlEscape(text)),
            None => html += &HtmlEscape(text).to_string(),
        }
        rest = after;
    }
    html
}

/// Bytes of the token that begins here, and its class. Never zero: `first` is its first character.
fn token(rest: &str, first: char) -> (usize, Option<&'static str>) {
    let until = |end: usize| end.clamp(first.len_utf8(), rest.len());
    let word = |belongs: fn(char) -> bool| until(rest.find(|c| !belongs(c)).unwrap_or(rest.len()));
    match first {
        '-' if rest.starts_with("--") => (until(rest.find('\n').unwrap_or(rest.len())), Some("comment")),
        '/' if rest.starts_with("/*") => (until(rest.find("*/").map_or(rest.len(), |at| at + 2)), Some("comment")),
        '\'' => (until(quoted(rest, '\'')), Some("string")),
        '"' => (until(quoted(rest, '"')), None),
        '$' => (1 + rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1), Some("value")),
        c if c.is_alphabetic() || c == '_' => {
            let length = word(|c| c.is_alphanumeric() || c == '_');
            let upper = rest[..length].to_ascii_uppercase();
            (length, KEYWORDS.binary_search(&upper.as_str()).is_ok().then_some("keyword"))
        }
        c if c.is_ascii_digit() => (word(|c| c.is_alphanumeric() || c == '.'), None),
        c => (c.len_utf8(), None),
    }
}

/// Bytes up to and with the closing quote; a doubled quote stands for itself.
fn quoted(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted_for_the_search() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn words_are_marked_and_everything_is_escaped() {
        assert_eq!(
            highlighted("select \"a<b\", 'it''s' from t where x >= $1 -- why & how"),
            "<i class=\"keyword\">select</i> &quot;a&lt;b&quot;, <i class=\"string\">&#x27;it&#x27;&#x27;s&#x27;</i> \
             <i class=\"keyword\">from</i> t <i class=\"keyword\">where</i> x &gt;= <i class=\"value\">$1</i> \
             <i class=\"comment\">-- why &amp; how</i>"
        );
    }

    #[test]
    fn unfinished_quotes_and_foreign_letters_end_with_the_text() {
        for sql in ["'open", "\"open", "/* open", "größe ≥ 'é", "$", "--", "x''"] {
            let plain = highlighted(sql);
            assert!(!plain.is_empty(), "{sql}");
        }
        assert_eq!(highlighted("größe"), "größe");
    }
}
