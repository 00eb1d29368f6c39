//! The page of results: what is shown of the numbers, and where.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use crate::fault::Fault;
use crate::promise::{self, Declaration};
use crate::scenario::SHAPES;
use crate::setting::Setting;
use crate::verdict::{FALSE_ALARM, Judged, Verdict};

/// What the template shows.
#[derive(Debug, Serialize)]
struct View {
    setting: &'static str,
    seed: u64,
    replicates: String,
    numbers: String,
    kept: String,
    silent: String,
    broken: usize,
    /// One page in so many shows a false alarm, were every promise kept.
    false_alarm: f64,
    columns: Vec<&'static str>,
    shapes: Vec<(&'static str, &'static str)>,
    faults: Vec<Departure>,
    departures: Vec<Departure>,
    sections: Vec<Section>,
    /// Estimators that are calibrated by another test, with its name.
    elsewhere: Vec<(&'static str, &'static str)>,
}

/// One file with everything in it: no script, no network, light and dark, and narrow.
///
/// # Errors
/// [`Fault::Template`].
pub fn html(rows: &[Judged], setting: &Setting) -> Result<String, Fault> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // Before any template is added: whether to escape is settled when a template is compiled.
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page.html", include_str!("../templates/page.html"))?;
    environment.add_global("style", Value::from_safe_string(include_str!("../templates/page.css").to_owned()));
    let of = |verdict: Verdict| rows.iter().filter(move |row| row.verdict == verdict);
    let count = |verdict: Verdict| grouped(of(verdict).count() as u64);
    let view = View {
        setting: setting.name,
        seed: setting.seed,
        replicates: grouped(setting.replicates),
        numbers: grouped(rows.len() as u64),
        kept: count(Verdict::AsPromised),
        silent: count(Verdict::NotPromised),
        broken: of(Verdict::BrokenPromise).count(),
        false_alarm: FALSE_ALARM.recip().round(),
        columns: COLUMNS.iter().map(|column| column.title).collect(),
        shapes: SHAPES.iter().map(|shape| (shape.name, shape.title)).collect(),
        faults: of(Verdict::BrokenPromise).map(Departure::of).collect(),
        departures: departures(rows),
        sections: promise::ALL
            .iter()
            .map(|one| Section::of(one, rows))
            .filter(|section| !section.strips.is_empty())
            .collect(),
        elsewhere: promise::ALL
            .iter()
            .filter(|one| !one.is_measured())
            .map(|one| (one.estimator, one.promises))
            .collect(),
    };
    Ok(environment.get_template("page.html")?.render(Value::from(Serde(view)))?)
}

/// A number with thin spaces between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.join("\u{202f}")
}

/// A rate without its leading zero, to the digits that a nominal value asks for.
fn rate(value: f64, nominal: Option<f64>) -> String {
    let alpha = nominal.map_or(0.05, |nominal| nominal.min(1.0 - nominal));
    let decimals = if alpha < 0.005 { 4 } else { 3 };
    let text = format!("{value:.decimals$}");
    text.strip_prefix('0').map_or_else(|| text.clone(), str::to_owned)
}

/// One kind of number, as a column of the overview and a table of an estimator.
#[derive(Debug, Clone, Copy)]
struct Column {
    title: &'static str,
    measure: &'static str,
    nominal: Option<f64>,
    scale: &'static str,
    /// Whether it is shown of every variant, or of the defaults alone.
    of_all: bool,
}

const fn column(title: &'static str, measure: &'static str, nominal: Option<f64>, of_all: bool) -> Column {
    Column { title, measure, nominal, scale: "absolute", of_all }
}

const COLUMNS: [Column; 10] = [
    column("Test at .05", "size", Some(0.05), true),
    column("Test at .01", "size", Some(0.01), false),
    column("Test at .001", "size", Some(0.001), false),
    column("95 % interval", "coverage", Some(0.95), true),
    column("90 % interval", "coverage", Some(0.90), false),
    column("99 % interval", "coverage", Some(0.99), false),
    Column { scale: "relative", ..column("95 % interval of the lift", "coverage", Some(0.95), true) },
    column("Any look at .05", "size_over_looks", Some(0.05), true),
    column("95 % intervals of all looks", "coverage_over_looks", Some(0.95), true),
    column("95 % under the prior", "coverage_under_prior", Some(0.95), true),
];

/// What is shown without being judged, of every variant.
const SHOWN: [Column; 4] = [
    column("Power at .05 where a z test has .80", "power", None, true),
    column("Bias in standard deviations", "bias", None, false),
    column("Real spread over standard error", "spread", None, false),
    column("Share without an answer", "unanswered", None, false),
];

impl Column {
    fn takes(&self, row: &Judged) -> bool {
        let of = &row.measured;
        of.measure == self.measure && of.nominal == self.nominal && of.scale == self.scale
    }
}

/// Everything of one estimator.
#[derive(Debug, Serialize)]
struct Section {
    name: &'static str,
    promises: &'static str,
    assumes: String,
    kept: usize,
    broken: usize,
    silent: usize,
    strips: Vec<Strip>,
    variants: Vec<VariantView>,
}

/// The overview of one variant: a strip for each column.
#[derive(Debug, Serialize)]
struct Strip {
    variant: String,
    cells: Vec<Option<Bins>>,
}

/// How the rates of one column lie around the nominal error.
#[derive(Debug, Serialize)]
struct Bins {
    /// Place, height of what is promised, height of the rest, each in units of the drawing.
    bars: Vec<[f64; 3]>,
    promised: usize,
    broken: usize,
    of: usize,
    range: String,
}

#[derive(Debug, Serialize)]
struct VariantView {
    name: String,
    options: String,
    grids: Vec<Grid>,
    folded: Vec<Grid>,
}

/// Shapes by sizes.
#[derive(Debug, Serialize)]
struct Grid {
    title: &'static str,
    sizes: Vec<[String; 2]>,
    rows: Vec<(String, Vec<Option<Cell>>)>,
}

/// One number of a grid.
#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    /// Class of the verdict: `k`ept, `n`ot promised, `b`roken, or `s`hown.
    class: &'static str,
    /// How far from nominal, −4 (errs far less often) to 4 (far more often).
    heat: i8,
    /// A mark for who does not see the colour.
    mark: &'static str,
}

impl Section {
    fn of(declaration: &Declaration, rows: &[Judged]) -> Self {
        let own: Vec<&Judged> = rows.iter().filter(|row| row.measured.estimator == declaration.estimator).collect();
        let count = |verdict: Verdict| own.iter().filter(|row| row.verdict == verdict).count();
        let mut variants: Vec<&str> = Vec::new();
        for row in &own {
            if !variants.contains(&row.measured.variant.as_str()) {
                variants.push(&row.measured.variant);
            }
        }
        let assumes = estimand_stats::estimator::by_name(declaration.estimator)
            .map_or(String::new(), |estimator| estimator.assumes().to_owned());
        let of = |name: &str| own.iter().copied().filter(|row| row.measured.variant == name).collect::<Vec<_>>();
        Self {
            name: declaration.estimator,
            promises: declaration.promises,
            assumes,
            kept: count(Verdict::AsPromised),
            broken: count(Verdict::BrokenPromise),
            silent: count(Verdict::NotPromised),
            strips: variants
                .iter()
                .map(|name| Strip {
                    variant: (*name).to_owned(),
                    cells: COLUMNS.iter().map(|column| Bins::of(column, &of(name))).collect(),
                })
                .collect(),
            variants: variants
                .iter()
                .enumerate()
                .map(|(at, name)| VariantView::of(declaration, name, at == 0, &of(name)))
                .collect(),
        }
    }
}

/// Bars of a strip, over errors from none to twice the nominal.
const BINS: usize = 21;

impl Bins {
    fn of(column: &Column, rows: &[&Judged]) -> Option<Self> {
        let rows: Vec<&&Judged> = rows.iter().filter(|row| column.takes(row)).collect();
        if rows.is_empty() {
            return None;
        }
        let mut counts = [[0_u32; 2]; BINS];
        for row in &rows {
            let place = (excess(row) * 0.5 * BINS as f64) as usize;
            counts[place.min(BINS - 1)][usize::from(row.verdict == Verdict::NotPromised)] += 1;
        }
        let tallest = counts.iter().map(|[one, other]| one + other).max().unwrap_or(1);
        let height = |count: u32| (16.0 * f64::from(count) / f64::from(tallest) * 10.0).round() / 10.0;
        let bars = counts.iter().enumerate().filter(|(_, counts)| **counts != [0, 0]);
        let promised: Vec<f64> =
            rows.iter().filter(|row| row.verdict != Verdict::NotPromised).map(|row| row.measured.value).collect();
        let end = |of: fn(f64, f64) -> f64, from: f64| rate(promised.iter().copied().fold(from, of), column.nominal);
        let range = if promised.is_empty() {
            "—".to_owned()
        } else {
            format!("{}–{}", end(f64::min, f64::MAX), end(f64::max, f64::MIN))
        };
        Some(Self {
            bars: bars.map(|(at, [one, other])| [at as f64 * 4.0, height(*one), height(*other)]).collect(),
            promised: promised.len(),
            broken: rows.iter().filter(|row| row.verdict == Verdict::BrokenPromise).count(),
            of: rows.len(),
            range,
        })
    }
}

/// Observed over nominal error; 1 of what has no nominal error.
fn excess(row: &Judged) -> f64 {
    let of = &row.measured;
    match of.nominal {
        Some(nominal) if of.measure.starts_with("coverage") => (1.0 - of.value) / (1.0 - nominal),
        Some(nominal) => of.value / nominal,
        None => 1.0,
    }
}

impl VariantView {
    fn of(declaration: &Declaration, name: &str, default: bool, rows: &[&Judged]) -> Self {
        let all = declaration.variants.iter().chain(declaration.at_looks);
        let options = all
            .filter(|variant| variant.name == name)
            .map(|variant| variant.options)
            .chain(declaration.beliefs.iter().filter(|belief| belief.name == name).map(|belief| belief.options))
            .next()
            .unwrap_or_default();
        let options: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let of_all = |of_all: bool| COLUMNS.iter().chain(&SHOWN).filter(move |column| column.of_all == of_all);
        Self {
            name: name.to_owned(),
            options: options.join(", "),
            grids: of_all(true).filter_map(|column| Grid::of(column, rows)).collect(),
            folded: of_all(false).filter(|_| default).filter_map(|column| Grid::of(column, rows)).collect(),
        }
    }
}

impl Grid {
    fn of(column: &Column, rows: &[&Judged]) -> Option<Self> {
        let rows: Vec<&&Judged> = rows.iter().filter(|row| column.takes(row)).collect();
        let size = |row: &Judged| (row.measured.n_control + row.measured.n_treated, row.measured.n_control);
        let mut sizes: Vec<(usize, usize)> = rows.iter().map(|row| size(row)).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut by_shape: BTreeMap<&str, BTreeMap<(usize, usize), &Judged>> = BTreeMap::new();
        for row in &rows {
            by_shape.entry(&row.measured.shape).or_default().insert(size(row), row);
        }
        let title = |total: usize, control: usize| {
            let share = (100.0 * control as f64 / total as f64).round();
            [grouped(total as u64), format!("{share}/{}", 100.0 - share)]
        };
        (!rows.is_empty()).then(|| Self {
            title: column.title,
            sizes: sizes.iter().map(|(total, control)| title(*total, *control)).collect(),
            rows: by_shape
                .iter()
                .map(|(shape, cells)| {
                    let cells = sizes.iter().map(|size| cells.get(size).map(|row| Cell::of(row))).collect();
                    ((*shape).to_owned(), cells)
                })
                .collect(),
        })
    }
}

impl Cell {
    fn of(row: &Judged) -> Self {
        let of = &row.measured;
        let text = match of.measure {
            "bias" => format!("{:+.3}", of.value).replace('-', "−"),
            "spread" => format!("{:.2}", of.value),
            _ => rate(of.value, of.nominal),
        };
        let class = match row.verdict {
            Verdict::AsPromised => "k",
            Verdict::BrokenPromise => "b",
            Verdict::NotPromised if of.nominal.is_none() => "s",
            Verdict::NotPromised => "n",
        };
        // Only what the replicates can tell from nominal has a colour.
        let surely = match (of.nominal, row.band) {
            (Some(nominal), Some([low, high])) => nominal < low || nominal > high,
            _ => false,
        };
        let steps = excess(row).max(1e-3).log2() * 2.5;
        let heat = if surely { steps.round().clamp(-4.0, 4.0) as i8 } else { 0 };
        let mark = match heat {
            1.. => "▴",
            ..=-1 => "▾",
            0 => "",
        };
        Self { text, class, heat, mark }
    }
}

/// A number that is far from nominal, in words.
#[derive(Debug, Serialize)]
struct Departure {
    estimator: String,
    variant: String,
    what: String,
    place: String,
    because: &'static str,
}

impl Departure {
    fn of(row: &Judged) -> Self {
        let of = &row.measured;
        let nominal = rate(of.nominal.unwrap_or(0.0), of.nominal);
        let value = rate(of.value, of.nominal);
        let what = match of.measure {
            "size" => format!("rejects {value} of nothing where it says {nominal}"),
            "size_over_looks" => format!("rejects {value} of nothing at some look where one look says {nominal}"),
            "bias" => format!("is off by {:+.3} of its standard deviations on average", of.value),
            _ => format!("covers {value} where it says {nominal} ({}, {})", of.scale, of.measure.replace('_', " ")),
        };
        let looks = of.looks.map_or(String::new(), |looks| format!(", {looks} looks"));
        Self {
            estimator: of.estimator.clone(),
            variant: of.variant.clone(),
            what,
            place: format!(
                "{}, {} and {} units{looks}",
                of.shape,
                grouped(of.n_control as u64),
                grouped(of.n_treated as u64)
            ),
            because: row.because,
        }
    }
}

/// Departures shown of each estimator.
const SHOWN_OF_EACH: usize = 2;

/// The largest departures that theory does not exclude: errors above nominal, of the usual test and interval.
fn departures(rows: &[Judged]) -> Vec<Departure> {
    let usual = |row: &&Judged| {
        let measure = row.measured.measure;
        let level = row.measured.nominal.is_some_and(|nominal| nominal == 0.05 || nominal == 0.95);
        let more = row.measured.n_control + row.measured.n_treated >= 100;
        level && more && row.verdict == Verdict::NotPromised && measure != "coverage_under_prior" && excess(row) > 1.5
    };
    let mut far: Vec<&Judged> = rows.iter().filter(usual).collect();
    far.sort_by(|a, b| excess(b).total_cmp(&excess(a)));
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    far.retain(|row| {
        let of_this = shown.entry(&row.measured.estimator).or_default();
        *of_this += 1;
        *of_this <= SHOWN_OF_EACH
    });
    far.into_iter().map(Departure::of).collect()
}
