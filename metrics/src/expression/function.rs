//! The functions an expression may call.

use crate::expression::gives::Gives;

/// A function an expression may call. Each gives the same answer for the same row, at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// Absolute value.
    Abs,
    /// Least integer not below.
    Ceil,
    /// First argument that is not null.
    Coalesce,
    /// Texts one after another.
    Concat,
    /// Part of a date or time: `date_part('hour', t)`, also written `extract(hour from t)`.
    DatePart,
    /// Date or time cut to a unit: `date_trunc('day', t)`.
    DateTrunc,
    /// e to a power.
    Exp,
    /// Greatest integer not above.
    Floor,
    /// Greatest argument.
    Greatest,
    /// Least argument.
    Least,
    /// Number of characters.
    Length,
    /// Natural logarithm.
    Ln,
    /// Logarithm to base 10.
    Log10,
    /// Lower case.
    Lower,
    /// Null when both arguments are equal.
    Nullif,
    /// A number to a power.
    Power,
    /// Rounded half away from zero, to a number of decimals.
    Round,
    /// −1, 0 or 1.
    Sign,
    /// Square root.
    Sqrt,
    /// Whether a text starts with another.
    StartsWith,
    /// Position of a text in another from 1, or 0.
    Strpos,
    /// Part of a text.
    Substr,
    /// A number that tells texts apart: the same for equal ones, and for two others with a chance of 2⁻⁵³.
    TextCode,
    /// Text without blanks at either end.
    Trim,
    /// Upper case.
    Upper,
}

/// What a function needs and gives.
pub(crate) struct Signature {
    pub(crate) function: Function,
    pub(crate) name: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) gives: Gives,
}

/// Most arguments of a function that takes any number.
const MANY: usize = 100;

/// Every function, by name.
pub(crate) const ALL: &[Signature] = &[
    Signature { function: Function::Abs, name: "abs", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Ceil, name: "ceil", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Coalesce, name: "coalesce", least: 1, most: MANY, gives: Gives::Unknown },
    Signature { function: Function::Concat, name: "concat", least: 1, most: MANY, gives: Gives::Text },
    Signature { function: Function::DatePart, name: "date_part", least: 2, most: 2, gives: Gives::Number },
    Signature { function: Function::DateTrunc, name: "date_trunc", least: 2, most: 2, gives: Gives::Time },
    Signature { function: Function::Exp, name: "exp", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Floor, name: "floor", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Greatest, name: "greatest", least: 1, most: MANY, gives: Gives::Unknown },
    Signature { function: Function::Least, name: "least", least: 1, most: MANY, gives: Gives::Unknown },
    Signature { function: Function::Length, name: "length", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Ln, name: "ln", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Log10, name: "log10", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Lower, name: "lower", least: 1, most: 1, gives: Gives::Text },
    Signature { function: Function::Nullif, name: "nullif", least: 2, most: 2, gives: Gives::Unknown },
    Signature { function: Function::Power, name: "power", least: 2, most: 2, gives: Gives::Number },
    Signature { function: Function::Round, name: "round", least: 1, most: 2, gives: Gives::Number },
    Signature { function: Function::Sign, name: "sign", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Sqrt, name: "sqrt", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::StartsWith, name: "starts_with", least: 2, most: 2, gives: Gives::Boolean },
    Signature { function: Function::Strpos, name: "strpos", least: 2, most: 2, gives: Gives::Number },
    Signature { function: Function::Substr, name: "substr", least: 2, most: 3, gives: Gives::Text },
    Signature { function: Function::TextCode, name: "text_code", least: 1, most: 1, gives: Gives::Number },
    Signature { function: Function::Trim, name: "trim", least: 1, most: 1, gives: Gives::Text },
    Signature { function: Function::Upper, name: "upper", least: 1, most: 1, gives: Gives::Text },
];

impl Function {
    /// The names of all functions, in alphabetical order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|signature| signature.name)
    }

    /// The function of a name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        signature_named(name).map(|signature| signature.function)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.signature().name
    }

    pub(crate) fn signature(self) -> &'static Signature {
        // The table holds every function (a test says so), so the first entry is never a wrong answer.
        ALL.iter().find(|signature| signature.function == self).unwrap_or(&ALL[0])
    }
}

pub(crate) fn signature_named(name: &str) -> Option<&'static Signature> {
    ALL.iter().find(|signature| signature.name.eq_ignore_ascii_case(name))
}
