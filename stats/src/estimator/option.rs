//! Typed options of an estimator: declared once, validated for all.

use crate::design::Design;
use crate::error::Error;
use crate::estimator::Estimator;
use crate::posterior::Prior;

/// One option: its name, what it takes, its default and its meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionSpec {
    /// Name in files and after `--option`.
    pub name: &'static str,
    /// What it takes.
    pub kind: OptionKind,
    /// Value when nobody gives one, as text.
    pub default: &'static str,
    /// What it changes, in one sentence.
    pub meaning: &'static str,
}

/// What an option takes.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionKind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A number inside these bounds, ends included.
    Number {
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// `true` or `false`.
    Flag,
    /// Any number of numbers inside these bounds, ends included, separated by spaces.
    Numbers {
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// A whole number inside these bounds, ends included: a count, or a seed.
    Whole {
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
    },
    /// A prior for an effect, as [`Prior`] is written.
    Prior,
}

impl OptionSpec {
    fn check(&self, estimator: &str, value: &str) -> Result<(), Error> {
        let (ok, expected) = match &self.kind {
            OptionKind::Choice(words) => (words.contains(&value), format!("one of {}", words.join(", "))),
            OptionKind::Number { min, max } => (
                value.parse::<f64>().is_ok_and(|number| number >= *min && number <= *max),
                format!("a number from {min} to {max}"),
            ),
            OptionKind::Flag => (matches!(value, "true" | "false"), "`true` or `false`".to_owned()),
            OptionKind::Numbers { min, max } => {
                let inside = |word: &str| word.parse::<f64>().is_ok_and(|number| number >= *min && number <= *max);
                (value.split_whitespace().all(inside), format!("numbers from {min} to {max}, separated by spaces"))
            }
            OptionKind::Whole { min, max } => (
                value.parse::<u64>().is_ok_and(|number| (*min..=*max).contains(&number)),
                format!("a whole number from {min} to {max}"),
            ),
            OptionKind::Prior => (value.parse::<Prior>().is_ok(), Prior::FORMS.to_owned()),
        };
        if ok {
            return Ok(());
        }
        Err(Error::InvalidOption {
            estimator: estimator.to_owned(),
            option: self.name.to_owned(),
            value: value.to_owned(),
            expected,
        })
    }
}

/// The options of one call after validation: given values over defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    values: Vec<(&'static str, String)>,
}

impl Options {
    /// The options of `design` for `estimator`, checked and completed by the defaults.
    ///
    /// # Errors
    /// [`Error::UnknownOption`] or [`Error::InvalidOption`].
    pub fn of(estimator: &dyn Estimator, design: &Design) -> Result<Self, Error> {
        let specs = estimator.options();
        for (name, value) in &design.options {
            let spec = specs.iter().find(|spec| spec.name == name).ok_or_else(|| Error::UnknownOption {
                estimator: estimator.name().to_owned(),
                option: name.clone(),
                known: if specs.is_empty() {
                    "none".to_owned()
                } else {
                    specs.iter().map(|spec| spec.name).collect::<Vec<_>>().join(", ")
                },
            })?;
            spec.check(estimator.name(), value)?;
        }
        let value =
            |spec: &OptionSpec| design.options.get(spec.name).cloned().unwrap_or_else(|| spec.default.to_owned());
        Ok(Self { values: specs.iter().map(|spec| (spec.name, value(spec))).collect() })
    }

    /// The word of a choice; empty for an option that was never declared.
    pub fn choice(&self, name: &str) -> &str {
        self.values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.choice(name) == "true"
    }

    /// The number of a numeric option; `None` for one that was never declared.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.choice(name).parse().ok()
    }

    /// The numbers of an option that takes several; none for one that was never declared.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.choice(name).split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    /// The whole number of an option; `None` for one that was never declared.
    pub fn whole(&self, name: &str) -> Option<u64> {
        self.choice(name).parse().ok()
    }

    /// All of them as `name=value`, comma separated, for the result table.
    pub fn describe(&self) -> String {
        self.values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
    }
}
