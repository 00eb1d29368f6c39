//! The scorecard: one table per role, one group of rows per metric, one row per arm.

use estimand_stats::Estimate;
use estimand_stats::estimand::Direction;
use estimand_stats::family::Role;
use estimand_viz::axis::Axis;
use estimand_viz::number::{self, Numbers, Scale, UNKNOWN};
use estimand_viz::status::Status;
use estimand_viz::theme;
use minijinja::HtmlEscape;
use serde::Serialize;

use super::Error;
use super::interval_bar::{IntervalBar, shared_extent, ticks};
use super::model::{MetricCard, Phase, ReportModel};
use super::numbers_table::{Line, lines};

/// Scales in the order of the page: the first is shown, the others wait for the switch.
pub(super) const SCALES: [Scale; 2] = [Scale::Relative, Scale::Absolute];

/// The table of one role.
#[derive(Debug, Serialize)]
pub(super) struct Block {
    role: &'static str,
    title: &'static str,
    correction: String,
    level: String,
    /// The ticks of the shared relative axis: place and text.
    ticks: Vec<(String, String)>,
    metrics: Vec<Group>,
}

/// The rows of one metric.
#[derive(Debug, Serialize)]
struct Group {
    name: String,
    label: String,
    kind: String,
    arrow: char,
    tags: String,
    /// The control's value when it is the same in every row.
    control: Option<Value>,
    rows: Vec<Row>,
    lines: Vec<Line>,
    /// For sorting: the largest relative effect and the smallest p-value of the rows.
    sort_effect: String,
    sort_p: String,
}

/// The effect of one arm.
#[derive(Debug, Serialize)]
struct Row {
    arm: String,
    place: usize,
    control: Value,
    treatment: Value,
    effects: Vec<Effect>,
    p_adjusted: String,
    p_raw: Option<String>,
    status: Option<Chip>,
    notes: Vec<String>,
}

/// A mean and the units behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Value {
    mean: String,
    units: String,
}

/// The effect on one scale.
#[derive(Debug, Serialize)]
struct Effect {
    scale: &'static str,
    text: String,
    interval: String,
    beside: Option<String>,
    /// Why there is no interval on this scale.
    reason: Option<&'static str>,
    bar: String,
}

/// A status word with its ink and shape.
#[derive(Debug, Serialize)]
struct Chip {
    word: &'static str,
    ink: &'static str,
    shape: &'static str,
    /// Whether the effect would be decided without the correction only.
    outlined: bool,
}

/// One arm's rows of the result table: deciding and beside, per scale.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Contrast<'a> {
    pub(super) deciding: [Option<&'a Estimate>; 2],
    pub(super) beside: [Option<&'a Estimate>; 2],
}

impl<'a> Contrast<'a> {
    fn of(model: &'a ReportModel, card: &MetricCard, arm: &str) -> Self {
        let mut contrast = Self::default();
        let rows = model.estimates.rows.iter().filter(|row| {
            row.metric.as_deref() == Some(card.name.as_str()) && row.arm.as_deref() == Some(arm) && is_overall(row)
        });
        for row in rows {
            let Some(scale) = row.scale.as_deref().and_then(Scale::named) else { continue };
            let place = if scale == SCALES[0] { 0 } else { 1 };
            let side = if row.decides == Some(false) { &mut contrast.beside } else { &mut contrast.deciding };
            side[place].get_or_insert(row);
        }
        contrast
    }

    /// The row that carries status and p-values: they are the same on both scales.
    pub(super) fn any(&self) -> Option<&'a Estimate> {
        self.deciding[1].or(self.deciding[0])
    }
}

fn is_overall(row: &Estimate) -> bool {
    row.segment.is_none() && row.term.is_none() && row.period.is_none() && row.cohort.is_none()
}

/// The tables of all roles that have metrics, in the order of the page.
pub(super) fn blocks(model: &ReportModel) -> Result<Vec<Block>, Error> {
    Role::ALL
        .into_iter()
        .map(|role| block(model, role))
        .filter(|block| !matches!(block, Ok(block) if block.metrics.is_empty()))
        .collect()
}

fn block(model: &ReportModel, role: Role) -> Result<Block, Error> {
    let cards = model.metrics.iter().filter(|card| card.role == role);
    let contrasts: Vec<(&MetricCard, Vec<(usize, Contrast)>)> = cards
        .map(|card| {
            let arms = model.header.arms.iter().enumerate().skip(1);
            let arms = arms.map(|(place, arm)| (place, Contrast::of(model, card, &arm.name)));
            (card, arms.filter(|(_, contrast)| contrast.any().is_some()).collect::<Vec<_>>())
        })
        .filter(|(_, arms)| !arms.is_empty())
        .collect();

    let bars: Vec<IntervalBar> = contrasts
        .iter()
        .flat_map(|(card, arms)| arms.iter().filter_map(|(_, contrast)| bar(model, card, contrast, 0)))
        .collect();
    let errors =
        contrasts.iter().flat_map(|(_, arms)| arms).filter_map(|(_, contrast)| contrast.deciding[0]?.std_error);
    let axis = shared_extent(bars.iter()).map(|extent| Axis::symmetric("", extent, &Numbers::relative(errors)));
    let groups = contrasts.iter().map(|(card, arms)| group(model, card, arms, axis.as_ref()));
    let metrics = groups.collect::<Result<_, _>>()?;
    let level = contrasts.iter().flat_map(|(_, arms)| arms).find_map(|(_, contrast)| contrast.any()?.level);
    Ok(Block {
        role: role.name(),
        title: match role {
            Role::Primary => "Primary",
            Role::Guardrail => "Guardrails",
            Role::Secondary => "Secondary",
            Role::Informational => "Informational",
        },
        correction: model
            .corrections
            .iter()
            .filter(|correction| correction.role == role)
            .map(|correction| correction.sentence.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        level: level.map_or_else(String::new, number::level),
        ticks: axis.iter().flat_map(|axis| ticks(axis, &Numbers::relative([]))).collect(),
        metrics,
    })
}

fn group(
    model: &ReportModel,
    card: &MetricCard,
    arms: &[(usize, Contrast)],
    shared: Option<&Axis>,
) -> Result<Group, Error> {
    let scale_numbers = numbers(card, arms);
    let own: Vec<IntervalBar> = arms.iter().filter_map(|(_, contrast)| bar(model, card, contrast, 1)).collect();
    let own = shared_extent(own.iter()).map(|extent| Axis::symmetric("", extent, &scale_numbers[1]));
    let rows = arms
        .iter()
        .map(|(place, contrast)| row(model, card, *place, contrast, &scale_numbers, [shared, own.as_ref()]))
        .collect::<Result<Vec<_>, _>>()?;
    let control = rows.first().map(|row| row.control.clone());
    let decided = arms.iter().filter_map(|(_, contrast)| contrast.any());
    Ok(Group {
        name: card.name.clone(),
        label: card.label.clone(),
        kind: card.kind.clone(),
        arrow: if card.direction == Direction::Higher { '↑' } else { '↓' },
        tags: card.tags.join(" "),
        control: control.filter(|control| rows.iter().all(|row| row.control == *control)),
        lines: lines(model, arms, &scale_numbers, &values(card, arms)),
        sort_effect: sort_key(arms.iter().filter_map(|(_, contrast)| contrast.deciding[0]?.estimate).reduce(f64::max)),
        sort_p: sort_key(decided.filter_map(|row| row.p_adjusted.or(row.p_value)).reduce(f64::min)),
        rows,
    })
}

/// A number for the script to sort by; empty when there is none.
fn sort_key(number: Option<f64>) -> String {
    number.map_or_else(String::new, |number| format!("{number:.4e}"))
}

/// How effects are written per scale: alike in all rows of the metric.
fn numbers(card: &MetricCard, arms: &[(usize, Contrast)]) -> [Numbers; 2] {
    [0, 1].map(|place| {
        let errors = arms.iter().filter_map(|(_, contrast)| contrast.deciding[place]?.std_error);
        Numbers::effects(&card.measure(), SCALES[place], errors)
    })
}

/// How means are written: with the decimals of the effect between them.
fn values(card: &MetricCard, arms: &[(usize, Contrast)]) -> Numbers {
    Numbers::values(&card.measure(), arms.iter().filter_map(|(_, contrast)| contrast.deciding[1]?.std_error))
}

fn row(
    model: &ReportModel,
    card: &MetricCard,
    place: usize,
    contrast: &Contrast,
    numbers: &[Numbers; 2],
    axes: [Option<&Axis>; 2],
) -> Result<Row, Error> {
    let decided = contrast.any();
    let means = values(card, &[(place, *contrast)]);
    let value = |mean: Option<f64>, units: Option<u64>| Value {
        mean: means.value(mean),
        units: units.map_or_else(|| UNKNOWN.to_owned(), number::count),
    };
    let mut effects = Vec::with_capacity(SCALES.len());
    for (at, scale) in SCALES.into_iter().enumerate() {
        effects.push(effect(model, card, contrast, at, scale, numbers, axes));
    }
    let tested = card.role != Role::Informational;
    let p_raw = decided.and_then(|row| row.p_value).filter(|_| tested);
    let p_adjusted = decided.and_then(|row| row.p_adjusted).filter(|_| tested);
    let status = decided.and_then(|row| row.status.as_deref()).map(|word| chip(card, word, decided)).transpose()?;
    let mut notes: Vec<String> = decided.and_then(|row| row.notes.clone()).into_iter().collect();
    if status.as_ref().is_some_and(|chip| chip.outlined) {
        notes.push("Significant only before the correction for multiplicity.".to_owned());
    }
    let arm = model.header.arms.get(place);
    Ok(Row {
        arm: arm.map(|arm| arm.label.clone()).unwrap_or_default(),
        place: place % theme::ARMS,
        control: value(decided.and_then(|row| row.mean_baseline), decided.and_then(|row| row.n_baseline)),
        treatment: value(decided.and_then(|row| row.mean), decided.and_then(|row| row.n)),
        effects,
        p_adjusted: number::p_value(p_adjusted.or(p_raw)),
        // A guardrail's test is not corrected: one number says it.
        p_raw: p_adjusted.and(p_raw).filter(|_| card.role != Role::Guardrail).map(|p| number::p_value(Some(p))),
        status,
        notes,
    })
}

fn chip(card: &MetricCard, word: &str, row: Option<&Estimate>) -> Result<Chip, Error> {
    let named = Status::ALL.into_iter().find(|status| status.word() == word);
    let status = named.ok_or_else(|| Error::UnknownStatus {
        metric: card.name.clone(),
        status: word.to_owned(),
        known: Status::ALL.iter().map(|known| format!("`{}`", known.word())).collect::<Vec<_>>().join(", "),
    })?;
    let alpha = row.and_then(|row| row.level).map(|level| 1.0 - level);
    let before = row.zip(alpha).is_some_and(|(row, alpha)| {
        row.p_value.is_some_and(|p| p < alpha) && row.p_adjusted.is_some_and(|p| p >= alpha)
    });
    Ok(Chip {
        word: status.word(),
        ink: theme::variable(estimand_viz::status::ink(status)).trim_start_matches("--"),
        shape: shape(status),
        outlined: status == Status::NoClearEffect && before,
    })
}

fn shape(status: Status) -> &'static str {
    use estimand_viz::shape::Shape;
    match estimand_viz::status::shape(status) {
        _ if status == Status::Running => "ring",
        Shape::Up => "up",
        Shape::Down => "down",
        Shape::Diamond => "diamond",
        Shape::Alert => "alert",
        Shape::Circle | Shape::Left | Shape::Right => "circle",
    }
}

fn effect(
    model: &ReportModel,
    card: &MetricCard,
    contrast: &Contrast,
    at: usize,
    scale: Scale,
    numbers: &[Numbers; 2],
    axes: [Option<&Axis>; 2],
) -> Effect {
    let name = if scale == Scale::Relative { "rel" } else { "abs" };
    let unbounded = |row: &Estimate| row.conf_low.is_none() && row.conf_high.is_none();
    if let Some(row) = contrast.deciding[at].filter(|row| !unbounded(row)) {
        let bar = bar(model, card, contrast, at).zip(axes[at]);
        let grid = if scale == Scale::Relative { card.role.name() } else { "zero" };
        return Effect {
            scale: name,
            text: numbers[at].effect(row.estimate),
            interval: numbers[at].interval(row.conf_low, row.conf_high),
            beside: beside(card, contrast.beside[at], &numbers[at]),
            reason: None,
            bar: bar.map(|(bar, axis)| bar.svg(axis, &format!("grid-{grid}"), &numbers[at])).unwrap_or_default(),
        };
    }
    // A relative effect without a bounded interval is not shown: the absolute one stands in its place, and says so.
    let absolute = contrast.deciding[1].filter(|row| scale == Scale::Relative && !unbounded(row));
    Effect {
        scale: name,
        text: absolute.map_or_else(|| UNKNOWN.to_owned(), |row| numbers[1].effect(row.estimate)),
        interval: absolute.map_or_else(|| UNKNOWN.to_owned(), |row| numbers[1].interval(row.conf_low, row.conf_high)),
        beside: absolute.and_then(|_| beside(card, contrast.beside[1], &numbers[1])),
        reason: Some(match (absolute, contrast.deciding[at]) {
            (Some(_), _) => "absolute effect: the relative interval is unbounded, the control is too close to zero",
            (None, Some(_)) => "no interval",
            (None, None) => "not estimated",
        }),
        bar: String::new(),
    }
}

fn beside(card: &MetricCard, row: Option<&Estimate>, numbers: &Numbers) -> Option<String> {
    let word = card.beside.as_deref().unwrap_or("other estimator");
    Some(format!("{word} {}", numbers.effect(row?.estimate)))
}

/// The bar of one row on one scale; `None` where the interval is unbounded.
fn bar(model: &ReportModel, card: &MetricCard, contrast: &Contrast, at: usize) -> Option<IntervalBar> {
    let row = contrast.deciding[at]?;
    let estimate = row.estimate.filter(|estimate| estimate.is_finite())?;
    row.conf_low.or(row.conf_high)?;
    // On the absolute scale a share of the control is drawn at that share of the control mean.
    let unit = if at == 0 { Some(1.0) } else { row.mean_baseline.map(f64::abs) };
    let towards_bad = if card.direction == Direction::Higher { -1.0 } else { 1.0 };
    let mut inner: Vec<(f64, f64)> = model
        .inner_intervals
        .rows
        .iter()
        .filter(|other| {
            (&other.metric, &other.arm, &other.scale) == (&row.metric, &row.arm, &row.scale) && is_overall(other)
        })
        .filter_map(|other| Some((other.conf_low?, other.conf_high?)))
        .collect();
    inner.sort_by(|one, other| (other.1 - other.0).total_cmp(&(one.1 - one.0)));
    Some(IntervalBar {
        estimate,
        outer: (row.conf_low, row.conf_high),
        inner,
        minimum_effect: card.minimum_effect.zip(unit).map(|(effect, unit)| effect * unit),
        margin: row.margin.zip(unit).map(|(margin, unit)| towards_bad * margin * unit),
    })
}

/// The lines behind all bars of each block, once: zero, and the ticks of the shared axis.
pub(super) fn grids(blocks: &[Block]) -> String {
    let line = |x: &str, class: &str| format!("<line class=\"{class}\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"100%\"/>");
    let mut svg = format!("<g id=\"grid-zero\">{}</g>", line("50%", "zero"));
    for block in blocks {
        let ticks: String =
            block.ticks.iter().map(|(x, _)| if x == "50%" { line(x, "zero") } else { line(x, "tick") }).collect();
        svg += &format!("<g id=\"grid-{}\">{ticks}</g>", HtmlEscape(block.role));
    }
    svg
}

impl ReportModel {
    /// Whether the plan has not ended.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.header.phase, Phase::Running { .. })
    }
}
