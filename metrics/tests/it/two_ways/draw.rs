//! Drawing a case: who is assigned, what happens and when, and what is asked of it.

use std::fmt::Write as _;

use arrow::array::{ArrayRef, RecordBatch};
use jiff::Timestamp;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::case::Case;
use super::expression::{Columns, Kind, WORDS};
use super::table::{
    Format, Ids, Table, Times, batch, decimals, floats, halves, integers, is_plain, small_integers, texts, truths,
    unsigned,
};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 2026-03-20T00:00:00Z; the clocks of Europe are turned nine days later.
const BASE: i64 = 1_773_964_800 * SECOND;

/// Values at which sums, products and comparisons go wrong first.
const EXTREMES: [f64; 12] = [
    0.0,
    -0.0,
    5e-324,
    -2.2e-308,
    9_007_199_254_740_993.0,
    -9_007_199_254_740_992.0,
    1e300,
    -1e300,
    1e16,
    0.1,
    -1.0,
    1e-300,
];

/// How the experiment is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Assignments and events with times.
    Timed,
    /// One row per unit, by its id.
    Units,
    /// Each row is a unit.
    Rows,
}

struct Draw {
    random: ChaCha8Rng,
    layout: Layout,
    /// Between two possible exposures.
    grid: i64,
    /// The least time by which events miss an edge.
    tick: i64,
    /// Windows as they are written, and their lengths.
    lengths: Vec<(String, i64)>,
    /// Units, by number, with their exposure and arm.
    units: Vec<(i64, i64, usize)>,
    arms: Vec<&'static str>,
    /// Whether arms are written as integers.
    integer_arms: bool,
    ids: Ids,
    parameter: bool,
}

impl Case {
    /// The case of a seed: always the same.
    pub fn draw(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let layout =
            *[Layout::Timed, Layout::Timed, Layout::Timed, Layout::Units, Layout::Rows].choose(&mut random).unwrap();
        let seconds = *[60, 3_600, 21_600, 86_400].choose(&mut random).unwrap();
        let mut lengths: Vec<(String, i64)> =
            [1, 2, 3, 7].map(|times| (format!("{}s", times * seconds), times * seconds * SECOND)).into();
        lengths.push(("1500ms".to_owned(), 1_500_000_000));
        let integer_arms = random.random_bool(0.2);
        let names: &[&'static str] =
            if integer_arms { &["0", "1", "2", "17"] } else { &["control", "new", "ü b", "other"] };
        let arms = names[..*[2, 2, 3, 4].choose(&mut random).unwrap()].to_vec();
        let ids = *[
            Ids::Names,
            Ids::Digits,
            Ids::Int64,
            Ids::Int64,
            Ids::Int32,
            Ids::Int16,
            Ids::UInt32,
            Ids::UInt64,
            Ids::Uuid,
        ]
        .choose(&mut random)
        .unwrap();
        let tick = *[1, 1_000, 1_000_000, SECOND].choose(&mut random).unwrap();
        let parameter = random.random_bool(0.4);
        let mut draw = Draw {
            grid: seconds * SECOND,
            tick,
            lengths,
            units: Vec::new(),
            arms,
            integer_arms,
            ids,
            parameter,
            layout,
            random,
        };
        draw.units();
        draw.case(seed)
    }
}

impl Draw {
    fn units(&mut self) {
        let units = match self.random.random_range(0..20) {
            0 => 0,
            1 => 1,
            2..=15 => self.random.random_range(2..60),
            _ => self.random.random_range(60..400),
        };
        let busiest = self.random.random_range(0..self.arms.len());
        for unit in 0..units {
            let at = BASE + self.random.random_range(0..40) * self.grid;
            // Sometimes nearly everybody is in one arm, so that others are empty.
            let arm = match self.random.random_range(0..4) {
                0 => busiest,
                _ => self.random.random_range(0..self.arms.len()),
            };
            self.units.push((unit, at, arm));
        }
    }

    fn often(&mut self, chance: f64) -> bool {
        self.random.random_bool(chance)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.random_range(0..from.len())]
    }

    fn case(mut self, seed: u64) -> Case {
        let mut tables = vec![self.assignments()];
        let mut others = Vec::new();
        let mut sources: Vec<(String, Columns)> = Vec::new();
        if self.layout != Layout::Rows {
            tables.push(self.users());
            sources.push(("users".to_owned(), columns(&tables[1].rows)));
        }
        if self.layout == Layout::Timed {
            for name in if self.often(0.5) { vec!["events"] } else { vec!["events", "orders"] } {
                let table = self.events(name);
                sources.push((name.to_owned(), columns(&table.rows)));
                tables.push(table);
            }
            if self.often(0.1) {
                let text = "sql = \"SELECT uid, at, word, amount, quantity FROM events WHERE quantity IS NOT NULL\"\n\
                            timestamp = \"at\"\ntimezone = \"UTC\"\n";
                others.push(("sources/few.toml".to_owned(), text.to_owned()));
                let known = ["word", "amount", "quantity"].map(str::to_owned);
                let few = columns(&tables[2].rows).0.into_iter().filter(|(name, _)| known.contains(name)).collect();
                sources.push(("few".to_owned(), Columns(few)));
            }
        }
        let own = columns(&tables[0].rows);
        let metrics = self.metrics(&own, &sources);
        let mut asked: Vec<(String, &'static str)> = Vec::new();
        for (name, _) in metrics.iter().filter(|(name, _)| !name.starts_with("part")) {
            let role = if asked.is_empty() { "primary" } else { self.pick(&["primary", "secondary", "informational"]) };
            asked.push((name.clone(), role));
        }
        let timed = self.layout == Layout::Timed;
        let (start, end) = (BASE + 4 * self.grid, BASE + 34 * self.grid);
        let mut head = String::new();
        let _ = writeln!(head, "unit = \"{}\"", if self.layout == Layout::Rows { "row" } else { "uid" });
        if timed {
            let _ = writeln!(head, "start = {}\nend = {}", written(start), written(end));
        }
        let _ = writeln!(head, "control = \"{}\"", self.arms[0]);
        let arms: Vec<String> = self.arms.iter().map(|arm| format!("{{ name = \"{arm}\" }}")).collect();
        let _ = writeln!(head, "arms = [{}]", arms.join(", "));
        let zone = self.pick(&["UTC", "UTC", "UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata"]);
        if zone != "UTC" && self.often(0.5) {
            let _ = writeln!(head, "timezone = \"{zone}\"");
        }
        let mut dimensions = Vec::new();
        if self.often(0.5) {
            dimensions.push(format!("\"{}\"", self.pick(&["word", "grp", "flag", "level"])));
        }
        if self.often(0.2) && self.layout == Layout::Timed {
            let column = self.pick(&["country", "grp"]);
            dimensions.push(format!("{{ name = \"Of user\", source = \"users\", column = \"{column}\" }}"));
        }
        let filter = self.often(0.3).then(|| {
            let some = own.truth(&mut self.random, 1, None);
            if self.random.random_bool(0.3) { some } else { format!("({some}) IS NOT TRUE OR grp > 1") }
        });
        let mut trigger = None;
        if timed && self.often(0.2) {
            let (source, columns) = sources[1..].choose(&mut self.random).unwrap().clone();
            let mut text = format!("source = \"{source}\"");
            if self.often(0.4) {
                let _ = write!(text, ", filter = \"\"\"{}\"\"\"", columns.truth(&mut self.random, 1, None));
            }
            trigger = Some(text);
        }
        let mut covariates = Vec::new();
        if self.often(0.2) {
            covariates.push("level".to_owned());
        }
        let as_of = match self.random.random_range(0..4) {
            // At the last tick of a window, to the tick.
            0 => BASE + 20 * self.grid + self.pick(&[-1, 0, 1]) * self.tick,
            1 => end + self.pick(&[0, 1]) * self.grid,
            _ => end + 20 * self.grid,
        };
        let given =
            if self.parameter && self.often(0.5) { vec![("p".to_owned(), "2.5".to_owned())] } else { Vec::new() };
        let uses_parameter = metrics.iter().any(|(_, text)| text.contains("[parameters.p]"));
        Case {
            seed,
            zone,
            tables,
            others,
            metrics,
            asked,
            head,
            assignment: format!(
                "source = \"seen_by\", arm = \"{}\"",
                if self.integer_arms { "arm_number" } else { "arm" }
            ),
            filter,
            trigger,
            dimensions,
            covariates,
            as_of: Timestamp::from_nanosecond(i128::from(as_of)).unwrap(),
            given: if uses_parameter { given } else { Vec::new() },
        }
    }

    fn table(&mut self, name: &str, head: String, rows: RecordBatch) -> Table {
        let plain = rows.schema().fields().iter().all(|field| is_plain(field.data_type()));
        let format = match self.random.random_range(0..10) {
            0 if plain && rows.num_rows() > 0 => Format::Csv,
            1 if plain && rows.num_rows() > 0 => Format::Ndjson,
            _ => Format::Parquet,
        };
        let files = if format == Format::Parquet { self.pick(&[1, 1, 2, 3]) } else { 1 };
        let mut head = head;
        if format != Format::Parquet {
            // Types of text follow from its values; those of columns that may hold none are said.
            for (column, kind) in columns(&rows).0 {
                let word = match kind {
                    Kind::Number | Kind::Extreme => "float",
                    Kind::Text => "text",
                    Kind::Truth => "boolean",
                    Kind::Day => "date",
                    Kind::Time => "timestamp",
                };
                let _ = writeln!(head, "columns.{column} = \"{word}\"");
            }
        }
        let mut table =
            Table { name: name.to_owned(), head, rows, files, group: self.pick(&[1, 3, 7, 50, 1_000]), format };
        if self.often(0.5) {
            let mut order: Vec<u32> = (0..u32::try_from(table.rows.num_rows()).unwrap()).collect();
            order.shuffle(&mut self.random);
            table = table.taken(&order);
        }
        table
    }

    /// Columns that every table may have, of as many rows.
    fn measures(&mut self, rows: usize, rich: bool) -> Vec<(&'static str, ArrayRef)> {
        let nulls = self.pick(&[0.0, 0.1, 0.1, 0.5, 1.0]);
        let wild = self.often(0.15);
        let random = &mut self.random;
        let some = |random: &mut ChaCha8Rng| !random.random_bool(nulls);
        let mut columns: Vec<(&'static str, ArrayRef)> = Vec::new();
        macro_rules! column {
            ($name:literal, $make:ident, $value:expr) => {{
                let values: Vec<_> =
                    (0..rows).map(|_| if some(random) { Some($value(&mut *random)) } else { None }).collect();
                columns.push(($name, $make(values)));
            }};
        }
        column!("amount", floats, |random: &mut ChaCha8Rng| f64::from(random.random_range(-500..5_000_i32)) / 100.0);
        column!("word", texts, |random: &mut ChaCha8Rng| WORDS[random.random_range(0..8)]);
        column!("quantity", small_integers, |random: &mut ChaCha8Rng| random.random_range(-3..12_i32));
        column!("flag", truths, |random: &mut ChaCha8Rng| random.random_bool(0.3));
        column!("level", floats, |random: &mut ChaCha8Rng| random.random::<f64>());
        if rich {
            column!("session", integers, |random: &mut ChaCha8Rng| random.random_range(0..9_i64) << 40);
            column!("page", texts, |random: &mut ChaCha8Rng| format!("/p/{}", random.random_range(0..40)));
            column!("day", days, |random: &mut ChaCha8Rng| BASE + random.random_range(-3..30) * DAY);
            column!("seen", moments, |random: &mut ChaCha8Rng| BASE + random.random_range(0..30 * DAY));
            column!("small", halves, |random: &mut ChaCha8Rng| f32::from(random.random_range(-9..9_i16)) / 3.0);
            column!("price", decimals, |random: &mut ChaCha8Rng| i128::from(random.random_range(-100..99_999_i32)));
        }
        if rich && wild {
            column!("wild", floats, |random: &mut ChaCha8Rng| EXTREMES[random.random_range(0..EXTREMES.len())]);
            column!("huge", integers, |random: &mut ChaCha8Rng| *[i64::MAX, i64::MIN, (1 << 53) + 1, -1, 0]
                .choose(random)
                .unwrap());
            column!("vast", unsigned, |random: &mut ChaCha8Rng| *[u64::MAX, 1 << 63, 0, 3].choose(random).unwrap());
        }
        columns
    }

    fn assignments(&mut self) -> Table {
        let (mut units, mut times, mut arms) = (Vec::new(), Vec::new(), Vec::new());
        let (again, crossed) = (self.pick(&[0.0, 0.2]), self.pick(&[0.0, 0.0, 0.1]));
        for (unit, at, arm) in self.units.clone() {
            units.push(Some(unit));
            times.push(Some(at));
            arms.push(Some(arm));
            let repeated = self.layout == Layout::Timed || self.often(0.01);
            if repeated && self.often(again) {
                let later = self.pick(&[0, 0, 1, 5]) * self.grid + self.pick(&[0, 0, self.tick]);
                units.push(Some(unit));
                times.push(Some(at + later));
                arms.push(Some(if self.often(crossed) { (arm + 1) % self.arms.len() } else { arm }));
            }
        }
        if self.often(0.2) {
            // Rows without an id, without a time.
            for _ in 0..self.random.random_range(1..4) {
                units.push(None);
                times.push(Some(BASE + 5 * self.grid));
                arms.push(Some(0));
            }
        }
        if self.often(0.1) && !times.is_empty() {
            let at = self.random.random_range(0..times.len());
            times[at] = None;
        }
        let mut name = |arm: &Option<usize>| arm.map(|arm| self.arms[arm]);
        let mut named: Vec<Option<&str>> = arms.iter().map(&mut name).collect();
        if !named.is_empty() && self.random.random_bool(0.02) {
            let at = self.random.random_range(0..named.len());
            named[at] =
                if self.random.random_bool(0.3) { None } else { Some(if self.integer_arms { "99" } else { "who" }) };
        }
        let mut all: Vec<(&str, ArrayRef)> = vec![("uid", self.ids.column(&units))];
        if self.integer_arms {
            all.push(("arm_number", integers(named.iter().map(|arm| arm.map(|arm| arm.parse().unwrap())))));
        } else {
            all.push(("arm", texts(named)));
        }
        let rows = units.len();
        let groups: Vec<Option<i64>> = (0..rows).map(|_| Some(self.random.random_range(0..4))).collect();
        all.push(("grp", integers(groups)));
        let rich = self.layout != Layout::Timed;
        all.extend(self.measures(rows, rich));
        let mut head = String::new();
        if self.layout == Layout::Timed {
            let kind = self.clock(true);
            all.push(("at", kind.column(&times)));
            head = kind.head();
        }
        if self.layout != Layout::Rows {
            let _ = writeln!(head, "keys.uid = \"{}\"", self.ids.word());
        }
        self.table("seen_by", head, batch(all))
    }

    fn clock(&mut self, of_exposure: bool) -> Times {
        let all = [
            Times::Nanoseconds,
            Times::Microseconds,
            Times::Microseconds,
            Times::Milliseconds,
            Times::Zoned("UTC"),
            Times::Zoned("America/New_York"),
            Times::Local("Asia/Kolkata"),
            Times::Local("Europe/Berlin"),
            Times::Counted("s"),
            Times::Counted("ms"),
            Times::Counted("us"),
            Times::Counted("ns"),
            Times::Text,
            Times::Days,
        ];
        match self.pick(&all) {
            // Days put most exposures before the start when the grid is fine.
            Times::Days if of_exposure && self.grid < DAY => Times::Microseconds,
            kind => kind,
        }
    }

    /// Another way to hold the same ids.
    fn other_ids(&mut self) -> Ids {
        let digits = self.often(0.15);
        match self.ids {
            Ids::Names | Ids::Uuid => self.ids,
            _ if digits => Ids::Digits,
            _ => self.pick(&[Ids::Int64, Ids::Int32, Ids::UInt32, self.ids]),
        }
    }

    /// What happens: most of it near the edges of windows.
    fn events(&mut self, name: &str) -> Table {
        let rows = match self.random.random_range(0..12) {
            0 => 0,
            1 => 1,
            2..=9 => self.random.random_range(2..200),
            _ => self.random.random_range(200..1_500),
        };
        let heaviest = self.random.random_range(0..self.units.len().max(1));
        let (mut units, mut times) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let known = match self.random.random_range(0..10) {
                0..=2 => self.units.get(heaviest).copied(),
                3 => None,
                _ => self.units.choose(&mut self.random).copied(),
            };
            let Some((unit, exposed, _)) = known else {
                // A unit that was never assigned, or a row without an id.
                units.push(self.often(0.7).then_some(20_000));
                times.push(Some(BASE + 9 * self.grid));
                continue;
            };
            let length = self.lengths[self.random.random_range(0..self.lengths.len())].1;
            let delay = self.lengths[self.random.random_range(0..self.lengths.len())].1;
            let edge = match self.random.random_range(0..6) {
                0 => 0,
                1 => length,
                2 => -length,
                3 => length + delay,
                4 => self.random.random_range(-9..15) * self.grid,
                _ => self.random.random_range(-9 * self.grid..15 * self.grid),
            };
            let at = exposed + edge + self.pick(&[-1, 0, 0, 1]) * self.tick;
            units.push(Some(unit));
            times.push((!self.often(0.01)).then_some(at));
        }
        let (ids, clock) = (self.other_ids(), self.clock(false));
        let mut all = vec![("uid", ids.column(&units)), ("at", clock.column(&times))];
        all.extend(self.measures(rows, true));
        if rows > 0 && self.often(0.03) {
            let mut values: Vec<Option<f64>> = vec![Some(1.0); rows];
            values[rows / 2] = Some(self.pick(&[f64::NAN, f64::INFINITY]));
            all.push(("odd", floats(values)));
        }
        let head = format!("{}keys.uid = \"{}\"\n", clock.head(), ids.word());
        self.table(name, head, batch(all))
    }

    /// What is known of units: one row each, mostly.
    fn users(&mut self) -> Table {
        let (mut units, mut countries) = (Vec::new(), Vec::new());
        for (unit, ..) in self.units.clone() {
            if self.often(0.15) {
                continue;
            }
            let country = WORDS.get(self.random.random_range(0..12)).copied();
            units.push(Some(unit));
            countries.push(country);
            if self.often(0.001) {
                units.push(Some(unit));
                countries.push(if self.often(0.5) { country } else { Some("elsewhere") });
            }
        }
        if self.often(0.2) {
            units.push(None);
            countries.push(Some("nowhere"));
        }
        let rows = units.len();
        let groups: Vec<Option<i64>> = units.iter().map(|unit| unit.map(|unit| unit % 3)).collect();
        let ids = self.other_ids();
        let mut all = vec![("uid", ids.column(&units)), ("country", texts(countries)), ("grp", integers(groups))];
        all.extend(self.measures(rows, true));
        self.table("users", format!("keys.uid = \"{}\"\n", ids.word()), batch(all))
    }

    fn metrics(&mut self, own: &Columns, sources: &[(String, Columns)]) -> Vec<(String, String)> {
        let mut metrics: Vec<(String, String)> = Vec::new();
        let mut with_lookback: Vec<String> = Vec::new();
        let wanted = self.random.random_range(3..13);
        let assigned = ("seen_by".to_owned(), own.clone());
        while metrics.len() < wanted {
            let of_units: Vec<&(String, Columns)> = match self.layout {
                Layout::Timed => sources.iter().collect(),
                Layout::Units => std::iter::once(&assigned).chain(sources).collect(),
                Layout::Rows => vec![&assigned],
            };
            let (source, columns) = of_units[self.random.random_range(0..of_units.len())].clone();
            let timed = !matches!(source.as_str(), "seen_by" | "users");
            let name = format!("m{}", metrics.len());
            let mut text = format!("direction = \"{}\"\n", self.pick(&["higher", "lower"]));
            let mut window = String::new();
            if timed {
                let pick = |draw: &mut Self| draw.lengths[draw.random.random_range(0..draw.lengths.len())].0.clone();
                if self.often(0.6) {
                    let _ = writeln!(window, "window = \"{}\"", pick(self));
                    if self.often(0.5) {
                        let _ = writeln!(window, "matured = {}", self.pick(&["true", "false"]));
                    }
                }
                if self.often(0.3) {
                    let _ = writeln!(window, "delay = \"{}\"", pick(self));
                }
            }
            let mut lookback = String::new();
            if timed && self.often(0.3) {
                let length = self.lengths[self.random.random_range(0..self.lengths.len())].0.clone();
                let _ = writeln!(lookback, "lookback = \"{length}\"");
            }
            let kind = self.random.random_range(0..10);
            match kind {
                0..=5 => {
                    let (number, _) = self.number(&source, &columns, timed);
                    let _ = write!(text, "kind = \"mean\"\n{window}{lookback}{number}");
                    if !lookback.is_empty() {
                        with_lookback.push(name.clone());
                    }
                }
                6 | 7 => {
                    let _ = write!(text, "kind = \"proportion\"\n{window}{lookback}source = \"{source}\"\n");
                    if !timed || self.often(0.4) {
                        let value = columns.truth(&mut self.random, 2, None);
                        let _ = writeln!(text, "value = \"\"\"{value}\"\"\"");
                    }
                    if self.often(0.5) {
                        let filter = columns.truth(&mut self.random, 2, None);
                        let _ = writeln!(text, "filter = \"\"\"{filter}\"\"\"");
                    }
                }
                _ => {
                    let (numerator, _) = self.number(&source, &columns, timed);
                    let (denominator, _) = self.number(&source, &columns, timed);
                    let _ = write!(
                        text,
                        "kind = \"ratio\"\n{window}{lookback}\n[numerator]\n{numerator}\n[denominator]\n{denominator}"
                    );
                }
            }
            if text.contains("$p") {
                text.push_str("\n[parameters.p]\ntype = \"float\"\ndefault = 1.5\n");
            }
            if kind <= 5 && self.often(0.15) {
                let others: Vec<&String> = with_lookback.iter().filter(|other| **other != name).collect();
                if let Some(other) = others.choose(&mut self.random) {
                    text = format!("covariates = [\"{other}\"]\n{text}");
                } else {
                    text = format!("covariates = [\"level\"]\n{text}");
                }
            }
            metrics.push((name, text));
        }
        metrics
    }

    /// One number per unit: the keys that say how.
    fn number(&mut self, source: &str, columns: &Columns, timed: bool) -> (String, bool) {
        let parameter = self.parameter.then_some("p");
        let random = &mut self.random;
        let number = |random: &mut ChaCha8Rng| match random.random_range(0..6) {
            0..=2 => columns.any(random, Kind::Number).unwrap_or_else(|| "1".to_owned()),
            3 => columns.any(random, Kind::Extreme).unwrap_or_else(|| "amount".to_owned()),
            _ => columns.number(random, 2, parameter),
        };
        let row = !timed && random.random_bool(0.7);
        let (value, is_count) = match random.random_range(0..12) {
            _ if row => (number(random), false),
            0 | 1 => ("count(*)".to_owned(), true),
            2 => (format!("count({})", columns.one(random)), true),
            3 => {
                // Of decimals there are none to be counted apart.
                let column = columns.one(random);
                (format!("count(distinct {})", if column == "price" { "quantity" } else { &column }), true)
            }
            4..=6 => (format!("sum({})", number(random)), false),
            7 => (format!("avg({})", number(random)), false),
            8 => (format!("min({})", number(random)), false),
            9 => (format!("max({})", number(random)), false),
            10 if timed => (format!("first({})", number(random)), false),
            11 if timed => (format!("last({})", number(random)), false),
            _ => (format!("sum({})", number(random)), false),
        };
        let mut text = format!("source = \"{source}\"\nvalue = \"\"\"{value}\"\"\"\n");
        if random.random_bool(0.5) {
            let _ = writeln!(text, "filter = \"\"\"{}\"\"\"", columns.truth(random, 2, parameter));
        }
        if !row && random.random_bool(0.15) {
            let _ = writeln!(text, "when_empty = {}", ["\"null\"", "0", "-1.5"].choose(random).unwrap());
        }
        if random.random_bool(0.3) {
            let cap = [
                "2",
                "{ lower = -1.5 }",
                "{ upper = 10, lower = 0 }",
                "{ percentile = 0.9 }",
                "{ percentile = 0.75, of = \"nonzero\" }",
                "{ lower_percentile = 0.1, percentile = 0.999 }",
                "{ lower = 0, percentile = 0.5, of = \"nonzero\" }",
            ];
            let _ = writeln!(text, "cap = {}", cap.choose(random).unwrap());
        }
        (text, is_count)
    }
}

fn days(values: Vec<Option<i64>>) -> ArrayRef {
    Times::Days.column(&values)
}

fn moments(values: Vec<Option<i64>>) -> ArrayRef {
    Times::Microseconds.column(&values)
}

fn written(at: i64) -> String {
    Timestamp::from_nanosecond(i128::from(at)).unwrap().to_string()
}

/// The columns of a table that expressions may name.
fn columns(rows: &RecordBatch) -> Columns {
    let kind = |name: &str| match name {
        "amount" | "quantity" | "level" | "small" | "price" | "grp" | "session" => Some(Kind::Number),
        "wild" | "huge" | "vast" | "odd" => Some(Kind::Extreme),
        "word" | "page" | "country" => Some(Kind::Text),
        "flag" => Some(Kind::Truth),
        "day" => Some(Kind::Day),
        "seen" => Some(Kind::Time),
        _ => None,
    };
    let schema = rows.schema();
    Columns(schema.fields().iter().filter_map(|field| Some((field.name().clone(), kind(field.name())?))).collect())
}
