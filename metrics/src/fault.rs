//! Faults: what is wrong in a project's files, where, and how to mend it.

use std::fmt;

use serde::Serialize;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The definition cannot be used.
    Error,
    /// The definition can be used, and is probably not what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A stretch of one line of one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Place {
    /// Path of the file from the project's folder, with `/` between its parts.
    pub file: String,
    /// Line, counted from 1; 0 for the file as a whole.
    pub line: usize,
    /// Column of the first character, counted in characters from 1; 0 for the file as a whole.
    pub column: usize,
    /// Number of characters meant, at least 1.
    pub width: usize,
    /// The line's text, shortened around the place when it is very long.
    #[serde(skip)]
    pub(crate) excerpt: String,
    /// Characters cut from the left of the excerpt.
    #[serde(skip)]
    pub(crate) shift: usize,
}

/// Longest excerpt of a line, in characters.
const EXCERPT: usize = 120;

impl Place {
    /// The file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: 0, column: 0, width: 1, excerpt: String::new(), shift: 0 }
    }

    /// The bytes `start..end` of `text`, cut at the end of the first line.
    ///
    /// Offsets past the end, or inside a character, are moved to the nearest character before them.
    pub fn in_text(file: impl Into<String>, text: &str, start: usize, end: usize) -> Self {
        let start = floor_boundary(text, start);
        let end = floor_boundary(text, end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line_text = text[line_start..line_end].trim_end_matches('\r');
        let column = text[line_start..start].chars().count();
        let width = text[start..end.min(line_end)].chars().count().max(1);
        let (mut excerpt, mut shift) = (line_text.to_owned(), 0);
        if line_text.chars().count() > EXCERPT {
            shift = column.saturating_sub(EXCERPT / 3);
            excerpt = line_text.chars().skip(shift).take(EXCERPT).collect();
        }
        Self {
            file: file.into(),
            line: text[..start].bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: column + 1,
            width,
            excerpt,
            shift,
        }
    }
}

impl fmt::Display for Place {
    /// Writes `file:line:column`, or the file alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// Text of a fault, at most 400 characters: it may quote what a file holds, and a file may hold a megabyte.
fn shortened(text: String) -> String {
    const MOST: usize = 400;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// One thing wrong in a project's files, or in what was given on the command line.
///
/// A fault is a value: print it as a block with the line and a caret ([`Fault::render`]), as one line
/// ([`Fault::line`]), or as JSON ([`Fault::json`]). Codes are stable; messages are lower case, without full stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// Stable code, such as `metrics::unknown_column`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where it is wrong; `None` when it is not in a file (a value of the command line).
    pub place: Option<Place>,
    /// Dotted path of the field, such as `metrics.guardrail[0].margin`; empty for the file as a whole.
    pub field: String,
    /// What the caret says.
    pub label: String,
    /// Other places that belong to the fault, each with what it is (`first given here`).
    pub related: Vec<(String, Place)>,
    /// What `valid` lists, such as `columns`.
    pub valid_are: &'static str,
    /// The names or words that would have been right.
    pub valid: Vec<String>,
    /// How to mend it.
    pub help: String,
}

impl Fault {
    /// An error with a code and a message; the other parts are added by the `with_…` functions.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: shortened(message.into()),
            place: None,
            field: String::new(),
            label: String::new(),
            related: Vec::new(),
            valid_are: "",
            valid: Vec::new(),
            help: String::new(),
        }
    }

    /// A warning with a code and a message.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds the place.
    pub fn with_place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds the dotted path of the field.
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = shortened(field.into());
        self
    }

    /// Adds what the caret says.
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = shortened(label.into());
        self
    }

    /// Adds another place and what it is.
    pub fn with_related(mut self, what: impl Into<String>, place: Place) -> Self {
        self.related.push((what.into(), place));
        self
    }

    /// Adds the list of what would have been right.
    pub fn with_valid(mut self, are: &'static str, valid: Vec<String>) -> Self {
        self.valid_are = are;
        self.valid = valid;
        self
    }

    /// Adds how to mend it.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = shortened(help.into());
        self
    }

    /// Whether it stops the definition from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The fault as one line: `file:line:column: field: what; how to mend`.
    pub fn line(&self) -> String {
        let mut line = String::new();
        if let Some(place) = &self.place {
            line.push_str(&format!("{place}: "));
        }
        if !self.field.is_empty() {
            line.push_str(&format!("{}: ", self.field));
        }
        line.push_str(&self.message);
        for (what, place) in &self.related {
            line.push_str(&format!(" ({what}: {place})"));
        }
        match (self.help.is_empty(), self.valid.is_empty()) {
            (false, _) => line.push_str(&format!("; {}", self.help)),
            (true, false) => line.push_str(&format!("; {}: {}", self.valid_are, self.valid_list())),
            (true, true) => {}
        }
        line
    }

    /// The fault as JSON, with every field.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "place": self.place,
            "field": self.field,
            "label": self.label,
            "related": self.related.iter()
                .map(|(what, place)| serde_json::json!({ "what": what, "place": place }))
                .collect::<Vec<_>>(),
            "valid_are": self.valid_are,
            "valid": self.valid,
            "help": self.help,
        })
    }

    /// The fault as a block of lines: message, place, the line with a caret, what is valid, help.
    ///
    /// With `colour` the severity and the caret carry ANSI colours; without, the text is plain.
    pub fn render(&self, colour: bool) -> String {
        let paint = |text: &str| match (colour, self.severity) {
            (false, _) => text.to_owned(),
            (true, Severity::Error) => format!("\u{1b}[1;31m{text}\u{1b}[0m"),
            (true, Severity::Warning) => format!("\u{1b}[1;33m{text}\u{1b}[0m"),
        };
        let mut out = format!("{}: {}\n", paint(&format!("{}[{}]", self.severity, self.code)), self.message);
        let places = self.related.iter().map(|(what, place)| (what, place, false));
        for (label, place, main) in self.place.iter().map(|place| (&self.label, place, true)).chain(places) {
            let margin = place.line.to_string().len();
            let pad = " ".repeat(margin);
            if place.line == 0 {
                let label = if label.is_empty() { String::new() } else { format!(" {label}") };
                out.push_str(&format!("  ─[{place}]{label}\n"));
                continue;
            }
            // A tab is one character wide here, so that the caret stands under its character.
            let excerpt: String = place.excerpt.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let before = " ".repeat((place.column - 1).saturating_sub(place.shift));
            let room = excerpt.chars().count().saturating_sub(before.len()).max(1);
            let caret = "─".repeat(place.width.min(room));
            let caret = if main { paint(&caret) } else { caret };
            out.push_str(&format!(" {pad} ╭─[{place}]\n"));
            out.push_str(&format!(" {} │ {}\n", place.line, excerpt.trim_end()));
            let label = if label.is_empty() { String::new() } else { format!("  {label}") };
            out.push_str(&format!(" {pad} · {before}{caret}{label}\n"));
            out.push_str(&format!(" {pad} ╰─\n"));
        }
        if !self.field.is_empty() && self.place.as_ref().is_none_or(|place| place.line == 0) {
            out.push_str(&format!("  field: {}\n", self.field));
        }
        if !self.valid.is_empty() {
            out.push_str(&format!("  {}: {}\n", self.valid_are, self.valid_list()));
        }
        if !self.help.is_empty() {
            out.push_str(&format!("  help: {}\n", self.help));
        }
        out
    }

    /// At most 30 of the valid names, and how many more there are.
    fn valid_list(&self) -> String {
        const SHOWN: usize = 30;
        let mut list = self.valid.iter().take(SHOWN).cloned().map(shortened).collect::<Vec<_>>().join(", ");
        if self.valid.len() > SHOWN {
            list.push_str(&format!(" and {} more", self.valid.len() - SHOWN));
        }
        list
    }
}

impl fmt::Display for Fault {
    /// Writes the plain block of [`Fault::render`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// All faults found in one pass, in the order of file, line and column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Orders the faults by file, line and column, and drops repetitions.
    pub fn new(mut faults: Vec<Fault>) -> Self {
        let key = |fault: &Fault| fault.place.as_ref().map(|place| (place.file.clone(), place.line, place.column));
        faults.sort_by_key(key);
        let mut seen = std::collections::HashSet::new();
        faults.retain(|fault| seen.insert((fault.code, fault.line())));
        Self(faults)
    }

    /// Number of errors and number of warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.0.iter().filter(|fault| fault.is_error()).count();
        (errors, self.0.len() - errors)
    }

    /// The faults.
    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}

impl std::ops::Deref for Faults {
    type Target = [Fault];

    fn deref(&self) -> &[Fault] {
        &self.0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    /// Writes every fault as a plain block, with an empty line between two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks: Vec<String> = self.0.iter().map(|fault| fault.render(false)).collect();
        f.write_str(blocks.join("\n").trim_end())
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters_and_lines_from_one() {
        let text = "a = 1\nß = \"x\"\n";
        let at = text.find('"').unwrap();
        let place = Place::in_text("f.toml", text, at, at + 3);
        assert_eq!((place.line, place.column, place.width), (2, 5, 3));
        assert_eq!(place.to_string(), "f.toml:2:5");
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let place = Place::in_text("f.toml", "ab", 90, 99);
        assert_eq!((place.line, place.column, place.width), (1, 3, 1));
    }

    #[test]
    fn a_very_long_line_is_shortened_around_the_place() {
        let text = format!("{}X{}", "a".repeat(5_000), "b".repeat(5_000));
        let fault = Fault::error("metrics::x", "x").with_place(Place::in_text("f", &text, 5_000, 5_001));
        assert!(fault.render(false).lines().all(|line| line.chars().count() < 140));
        assert!(fault.render(false).contains('X'));
    }
}
