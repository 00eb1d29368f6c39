//! The words of an expression, counted and screened before any recursion.

use std::ops::Range;

use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::fault::{Fault, Place};

/// Longest text of an expression or a statement, in bytes.
pub(crate) const LONGEST_TEXT: usize = 64 << 10;

/// Most words of one text. The engine's own planner overflows its stack from about 2,000 chained terms.
pub(crate) const MOST_WORDS: usize = 4_000;

/// Deepest nesting of brackets, and deepest tree.
pub(crate) const DEEPEST: usize = 64;

/// Recursion the parser is allowed; each bracket takes a few levels of it.
pub(crate) const PARSER_RECURSION: usize = 500;

/// Stack of the thread that parses, in bytes: enough for [`PARSER_RECURSION`] levels and [`MOST_WORDS`] chained terms in a debug build.
const STACK: usize = 64 << 20;

/// A fault inside a text and the bytes it is about.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    pub(crate) fault: Fault,
    pub(crate) span: Range<usize>,
}

impl Wrong {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, span: Range<usize>) -> Box<Self> {
        Box::new(Self { fault: Fault::error(code, message), span })
    }

    pub(crate) fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        self.fault.help = help.into();
        self
    }

    pub(crate) fn valid(mut self: Box<Self>, are: &'static str, valid: Vec<String>) -> Box<Self> {
        self.fault.valid_are = are;
        self.fault.valid = valid;
        self
    }

    /// The fault with its place in a text that stands for itself, such as a value of the command line.
    pub(crate) fn placed(self, origin: &str, text: &str) -> Fault {
        let place = Place::in_text(origin, text, self.span.start, self.span.end);
        self.fault.with_place(place)
    }
}

/// The words of a text without blanks, each with the bytes where it stands.
pub(crate) struct Words {
    pub(crate) tokens: Vec<TokenWithSpan>,
    index: LineIndex,
}

impl Words {
    /// Reads and screens the words of a text.
    ///
    /// # Errors
    /// Too long, too many words, brackets too deep, comments, unclosed quotes, and literals other than plain ones.
    pub(crate) fn read(dialect: &dyn Dialect, text: &str) -> Result<Self, Box<Wrong>> {
        if text.len() > LONGEST_TEXT {
            return Err(Wrong::new("metrics::too_large", format!("the text has {} bytes", text.len()), 0..1)
                .help(format!("write at most {LONGEST_TEXT} bytes")));
        }
        let index = LineIndex::new(text);
        let tokens = Tokenizer::new(dialect, text).tokenize_with_location().map_err(|error| {
            let at = index.offset(text, error.location);
            Wrong::new("metrics::expression", first_lower(&error.message), at..text.len())
                .help("close every quote; write a quote inside text as two quotes")
        })?;
        let count = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).count();
        if count > MOST_WORDS {
            let message = format!("the text has {count} words, more than {MOST_WORDS}");
            return Err(Wrong::new("metrics::too_large", message, 0..text.len())
                .help("write `x IN (…)` for a chain of OR; give long lists as a parameter: `x IN ($list)`"));
        }
        let mut words = Vec::with_capacity(count);
        let (mut depth, mut signs) = (0_usize, 0_usize);
        for token in tokens {
            let span = index.range(text, token.span.start, token.span.end);
            let keyword = match &token.token {
                Token::Word(word) if word.quote_style.is_none() => word.keyword,
                _ => Keyword::NoKeyword,
            };
            if matches!(token.token, Token::Minus | Token::Plus) || keyword == Keyword::NOT {
                signs += 1;
            } else if !matches!(token.token, Token::Whitespace(_)) {
                signs = 0;
            }
            if signs > DEEPEST {
                let message = format!("more than {DEEPEST} signs stand in a row");
                return Err(
                    Wrong::new("metrics::too_large", message, span).help("drop the signs that undo one another")
                );
            }
            match &token.token {
                Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => {
                    return Err(Wrong::new("metrics::expression", "a comment stands in the text", span)
                        .help("write comments outside, after a `#` of the file"));
                }
                Token::Whitespace(_) | Token::EOF => continue,
                Token::Word(_) if keyword == Keyword::END => depth = depth.saturating_sub(1),
                Token::LParen | Token::LBracket | Token::LBrace | Token::Word(_)
                    if keyword == Keyword::CASE || !matches!(token.token, Token::Word(_)) =>
                {
                    depth += 1;
                    if depth > DEEPEST {
                        let message = format!("brackets and CASE are nested more than {DEEPEST} deep");
                        return Err(Wrong::new("metrics::too_large", message, span)
                            .help("compute the inner part in a source of its own, with `sql`"));
                    }
                }
                Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
                Token::Placeholder(name) => check_placeholder(name, &span)?,
                token if is_special_literal(token) => {
                    return Err(Wrong::new("metrics::expression", "only plain text in single quotes is allowed", span)
                        .help("write 'text', with a quote inside as two quotes"));
                }
                Token::Char(c) => {
                    let message = format!("`{}` has no meaning here", c.escape_debug());
                    return Err(
                        Wrong::new("metrics::expression", message, span).help("drop it, or put it in a text: '…'")
                    );
                }
                _ => {}
            }
            words.push(token);
        }
        Ok(Self { tokens: words, index })
    }

    /// The bytes between two locations of the parser.
    pub(crate) fn range(&self, text: &str, start: Location, end: Location) -> Range<usize> {
        self.index.range(text, start, end)
    }
}

fn check_placeholder(name: &str, span: &Range<usize>) -> Result<(), Box<Wrong>> {
    let bare = name.strip_prefix('$').unwrap_or(name);
    if name.starts_with('$') && bare.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(());
    }
    Err(Wrong::new("metrics::parameter", format!("`{}` is no parameter", name.escape_debug()), span.clone())
        .help("declare [parameters.NAME] and write $NAME"))
}

fn is_special_literal(token: &Token) -> bool {
    !matches!(token, Token::SingleQuotedString(_) | Token::DoubleQuotedString(_))
        && matches!(
            token,
            Token::TripleSingleQuotedString(_)
                | Token::TripleDoubleQuotedString(_)
                | Token::DollarQuotedString(_)
                | Token::SingleQuotedByteStringLiteral(_)
                | Token::DoubleQuotedByteStringLiteral(_)
                | Token::TripleSingleQuotedByteStringLiteral(_)
                | Token::TripleDoubleQuotedByteStringLiteral(_)
                | Token::SingleQuotedRawStringLiteral(_)
                | Token::DoubleQuotedRawStringLiteral(_)
                | Token::TripleSingleQuotedRawStringLiteral(_)
                | Token::TripleDoubleQuotedRawStringLiteral(_)
                | Token::NationalStringLiteral(_)
                | Token::QuoteDelimitedStringLiteral(_)
                | Token::NationalQuoteDelimitedStringLiteral(_)
                | Token::EscapedStringLiteral(_)
                | Token::UnicodeStringLiteral(_)
                | Token::HexStringLiteral(_)
        )
}

/// Runs a parse on a thread whose stack the screened text cannot overflow.
pub(crate) fn on_deep_stack<T: Send>(
    words: usize,
    parse: impl FnOnce() -> Result<T, Box<Wrong>> + Send,
) -> Result<T, Box<Wrong>> {
    // Few words cannot nest deep, and starting a thread costs more than parsing them.
    if words <= 64 {
        return parse();
    }
    std::thread::scope(|scope| match std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parse) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(error) => {
            let message = format!("no thread could be started to read the text: {error}");
            Err(Wrong::new("metrics::unreadable", message, 0..1).help("try again when the machine has memory to spare"))
        }
    })
}

/// The bytes of a text's lines and characters. Looked up once per word: counting anew each time would take minutes on a long line.
struct LineIndex {
    /// The byte at which each character starts, and the end of the text.
    characters: Vec<usize>,
    /// The character with which each line starts.
    lines: Vec<usize>,
}

impl LineIndex {
    fn new(text: &str) -> Self {
        let (mut characters, mut lines) = (Vec::with_capacity(text.len() + 1), vec![0]);
        for (index, (at, c)) in text.char_indices().enumerate() {
            characters.push(at);
            if c == '\n' {
                lines.push(index + 1);
            }
        }
        characters.push(text.len());
        Self { characters, lines }
    }

    /// The byte at a location: a line and a column in characters, both counted from 1.
    fn offset(&self, text: &str, location: Location) -> usize {
        let line = usize::try_from(location.line).unwrap_or(usize::MAX).saturating_sub(1);
        let column = usize::try_from(location.column).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.lines.get(line) else { return text.len() };
        self.characters.get(start.saturating_add(column)).copied().unwrap_or(text.len())
    }

    fn range(&self, text: &str, start: Location, end: Location) -> Range<usize> {
        // The parser marks what it made up itself with line 0.
        if start.line == 0 {
            return 0..text.len();
        }
        let start = self.offset(text, start);
        start..self.offset(text, end).max(start)
    }
}

pub(crate) fn first_lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
