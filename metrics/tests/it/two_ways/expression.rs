//! Random expressions of the language of `value` and `filter`.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// What a column holds, as far as an expression can use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Integers small enough to be multiplied, floats and decimals.
    Number,
    /// Numbers at the ends of their type: to be added and compared, not multiplied.
    Extreme,
    /// Few or many different texts.
    Text,
    /// True or false.
    Truth,
    /// Days.
    Day,
    /// Instants.
    Time,
}

/// The columns that an expression may name.
#[derive(Clone, Debug, Default)]
pub struct Columns(pub Vec<(String, Kind)>);

/// Texts that occur in the columns of texts, and one that does not.
pub const WORDS: [&str; 9] = ["buy", "view", "Buy", "", " ", "ä", "o'clock", "50%_off", "nowhere"];

impl Columns {
    /// A column of a kind, when there is one.
    pub fn any(&self, random: &mut ChaCha8Rng, kind: Kind) -> Option<String> {
        let of_kind: Vec<&String> = self.0.iter().filter(|(_, other)| *other == kind).map(|(name, _)| name).collect();
        of_kind.choose(random).map(|name| (*name).clone())
    }

    /// A column of any kind.
    pub fn one(&self, random: &mut ChaCha8Rng) -> String {
        self.0.choose(random).map_or_else(|| "1".to_owned(), |(name, _)| name.clone())
    }

    /// A number; `$name` of a parameter is one, where there is one.
    pub fn number(&self, random: &mut ChaCha8Rng, depth: u32, parameter: Option<&str>) -> String {
        if depth == 0 || random.random_bool(0.25) {
            return match random.random_range(0..8) {
                0 => random.random_range(-3..4_i32).to_string(),
                1 => format!("{:?}", f64::from(random.random_range(-40..41_i32)) / 8.0),
                2 => parameter.map_or_else(|| "7".to_owned(), |name| format!("${name}")),
                _ => self.any(random, Kind::Number).unwrap_or_else(|| "1".to_owned()),
            };
        }
        let below = depth - 1;
        let one = |random: &mut ChaCha8Rng| self.number(random, below, parameter);
        match random.random_range(0..22) {
            0 => format!("({} + {})", one(random), one(random)),
            1 => format!("({} - {})", one(random), one(random)),
            2 => format!("({} * {})", one(random), one(random)),
            3 => format!("({} / nullif({}, 0))", one(random), one(random)),
            4 => format!("({} % 7)", one(random)),
            5 => format!("-({})", one(random)),
            6 => format!("abs({})", one(random)),
            7 => format!("floor({})", one(random)),
            8 => format!("ceil({})", one(random)),
            9 => format!("round({})", one(random)),
            10 => format!("sqrt(abs({}))", one(random)),
            11 => format!("ln(abs({}) + 1)", one(random)),
            12 => format!("sign({})", one(random)),
            13 => format!("greatest({}, {})", one(random), one(random)),
            14 => format!("least({}, {})", one(random), one(random)),
            15 => format!("coalesce({}, {})", one(random), one(random)),
            16 => {
                let (then, otherwise) = (one(random), one(random));
                format!("CASE WHEN {} THEN {then} ELSE {otherwise} END", self.truth(random, below, parameter))
            }
            17 => {
                let then = one(random);
                format!("CASE WHEN {} THEN {then} END", self.truth(random, below, parameter))
            }
            18 => format!("length({})", self.text(random, below)),
            19 => format!("strpos({}, 'u')", self.text(random, below)),
            20 => match self.any(random, Kind::Time) {
                Some(time) => {
                    let part = ["year", "month", "week", "day", "hour", "minute", "dow"].choose(random);
                    format!("date_part('{}', {time})", part.unwrap_or(&"day"))
                }
                None => one(random),
            },
            _ => format!("CAST({} AS double)", one(random)),
        }
    }

    /// A condition.
    pub fn truth(&self, random: &mut ChaCha8Rng, depth: u32, parameter: Option<&str>) -> String {
        if depth > 0 && random.random_bool(0.4) {
            let below = depth - 1;
            let one = |random: &mut ChaCha8Rng| self.truth(random, below, parameter);
            return match random.random_range(0..4) {
                0 => format!("({} AND {})", one(random), one(random)),
                1 => format!("({} OR {})", one(random), one(random)),
                2 => format!("NOT ({})", one(random)),
                _ => {
                    format!("({}) IS {}", one(random), ["TRUE", "NOT TRUE", "FALSE"].choose(random).unwrap_or(&"TRUE"))
                }
            };
        }
        let below = depth.saturating_sub(1);
        let compared = ["=", "<>", "<", "<=", ">", ">="].choose(random).copied().unwrap_or("=");
        match random.random_range(0..13) {
            0 | 1 => match self.any(random, Kind::Text) {
                Some(text) => format!("{text} = {}", quoted(random)),
                None => "1 = 1".to_owned(),
            },
            2 => match self.any(random, Kind::Text) {
                Some(text) => {
                    let not = if random.random_bool(0.3) { "NOT " } else { "" };
                    format!("{text} {not}IN ({}, {})", quoted(random), quoted(random))
                }
                None => "1 < 2".to_owned(),
            },
            3 => match self.any(random, Kind::Text) {
                Some(text) => {
                    let like = ["LIKE", "NOT LIKE", "ILIKE"].choose(random).unwrap_or(&"LIKE");
                    let pattern = ["b%", "%u_", "%", "50%", "_"].choose(random).unwrap_or(&"%");
                    format!("{text} {like} '{pattern}'")
                }
                None => "2 > 1".to_owned(),
            },
            4 => format!("starts_with({}, 'b')", self.text(random, below)),
            5 => match self.any(random, Kind::Truth) {
                Some(flag) => flag,
                None => "1 = 1".to_owned(),
            },
            6 => {
                let not = if random.random_bool(0.5) { "NOT " } else { "" };
                format!("{} IS {not}NULL", self.one(random))
            }
            7 => format!(
                "{} BETWEEN {} AND {}",
                self.number(random, below, parameter),
                random.random_range(-2..3_i32),
                random.random_range(3..9_i32)
            ),
            8 => match self.any(random, Kind::Time) {
                Some(time) => {
                    format!("{time} {compared} TIMESTAMP '2026-03-{:02}T06:00:00Z'", random.random_range(1..29))
                }
                None => "1 = 1".to_owned(),
            },
            9 => match self.any(random, Kind::Day) {
                Some(day) => format!("{day} {compared} DATE '2026-03-{:02}'", random.random_range(1..29)),
                None => "1 = 1".to_owned(),
            },
            10 => match self.any(random, Kind::Extreme) {
                Some(extreme) => format!(
                    "{extreme} {compared} {}",
                    ["0", "9007199254740993", "-1e300"].choose(random).unwrap_or(&"0")
                ),
                None => "1 = 1".to_owned(),
            },
            _ => format!(
                "{} {compared} {}",
                self.number(random, below, parameter),
                self.number(random, below, parameter)
            ),
        }
    }

    /// A text.
    pub fn text(&self, random: &mut ChaCha8Rng, depth: u32) -> String {
        let column = self.any(random, Kind::Text).unwrap_or_else(|| "'buy'".to_owned());
        if depth == 0 {
            return column;
        }
        match random.random_range(0..9) {
            0 => format!("lower({column})"),
            1 => format!("upper({column})"),
            2 => format!("trim({column})"),
            3 => format!("substr({column}, 2)"),
            4 => format!("({column} || 'u')"),
            5 => format!("coalesce({column}, 'bu')"),
            6 => format!("nullif({column}, {})", quoted(random)),
            _ => column,
        }
    }
}

fn quoted(random: &mut ChaCha8Rng) -> String {
    format!("'{}'", WORDS.choose(random).unwrap_or(&"").replace('\'', "''"))
}
