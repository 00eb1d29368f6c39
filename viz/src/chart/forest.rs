//! Forest: one interval bar per effect on one shared axis.

use std::collections::BTreeMap;

use estimand_stats::estimand::Direction;

use crate::axis::{Axis, Row, drawable};
use crate::chart::{Chart, ChartInput, example};
use crate::effect::{Effect, Effects};
use crate::error::Error;
use crate::figure::{Figure, Table};
use crate::interval_bar::{Clipped, DOT, IntervalBar, shared_axis};
use crate::number::{self, Scale};
use crate::scene::{Across, Anchor, Dash, Dot, Mark, Panel, Scene, Segment};
use crate::theme::Ink;

/// Draws effects as interval bars: every row of a scorecard block, sub-rows for several arms.
///
/// The axis is symmetric and shared, zero is always drawn, effects under the minimum effect lie in a shaded zone, bars longer than the axis
/// end in an arrow with the value, one-sided intervals fade on their open side. Shape and colour say good or bad by the metric's
/// direction. A row whose interval is unbounded says so and draws nothing.
pub struct Forest;

impl Chart for Forest {
    fn name(&self) -> &'static str {
        "forest"
    }

    fn accepts(&self, input: &ChartInput) -> bool {
        matches!(input, ChartInput::Effects(effects) if !effects.rows.is_empty())
    }

    fn figure(&self, input: &ChartInput) -> Result<Figure, Error> {
        match input {
            ChartInput::Effects(effects) if self.accepts(input) => {
                Ok(figure_of(self.name(), effects, by_metric(effects)))
            }
            _ => Err(Error::Unfit { chart: self.name(), needs: "effects of at least one arm" }),
        }
    }

    fn examples(&self) -> Vec<ChartInput> {
        vec![
            ChartInput::Effects(example::scorecard()),
            ChartInput::Effects(example::several_arms()),
            ChartInput::Effects(example::untrusted()),
        ]
    }
}

/// A forest of the rows of `effects`, whose labels, headings and places are given, one per drawn line.
pub(crate) fn figure_of(name: &'static str, effects: &Effects, lines: Vec<Line>) -> Figure {
    let x = shared_axis(effects, axis_title(effects));
    let mut marks = vec![];
    if let Some(minimum) = effects.minimum() {
        let (from, to) = (x.clamp(-minimum), x.clamp(minimum));
        marks.push(Mark::Zone { across: Across::X, from, to, ink: Ink::Undecided, opacity: 0.13 });
    }
    marks.push(Mark::Rule { across: Across::X, at: 0.0, ink: Ink::Muted, dash: Dash::Solid });
    let placed: Vec<(f64, &Effect)> =
        lines.iter().filter_map(|line| line.effect.map(|place| (line.row.at, &effects.rows[place]))).collect();
    marks.extend(margin_marks(&placed));
    marks.extend(bar_marks(&placed, &x));
    let y = Axis::rows(lines.into_iter().map(|line| line.row).collect());
    let panel = Panel { heading: String::new(), x, y, height: 0.0, marks };
    Figure {
        name,
        title: effects.title.clone(),
        caption: caption(effects),
        summary: summary(effects),
        table: table(effects),
        scene: Scene { panels: vec![panel], keys: Vec::new() },
    }
}

/// A line of the forest: a heading, or one of the effects.
pub(crate) struct Line {
    /// Its texts and place.
    pub row: Row,
    /// Which of the effects it shows.
    pub effect: Option<usize>,
}

/// One line per metric; with several arms, a heading per metric and a line per arm.
fn by_metric(effects: &Effects) -> Vec<Line> {
    if !effects.has_several_arms() {
        return lines_of(effects, |_| None, labelled);
    }
    lines_of(effects, |effect| Some(labelled(effect)), |effect| effect.arm.clone())
}

/// The name of the metric, marked when less is better.
fn labelled(effect: &Effect) -> String {
    match effect.direction {
        Direction::Higher => effect.label.clone(),
        Direction::Lower => format!("{} ↓", effect.label),
    }
}

/// One line per effect, below a heading wherever the heading changes.
pub(crate) fn lines_of(
    effects: &Effects,
    heading: impl Fn(&Effect) -> Option<String>,
    label: impl Fn(&Effect) -> String,
) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut above = None;
    for (place, effect) in effects.rows.iter().enumerate() {
        let over = heading(effect);
        if over != above
            && let Some(over) = &over
        {
            let row = Row { at: lines.len() as f64, label: over.clone(), heading: true, ..Row::default() };
            lines.push(Line { row, effect: None });
        }
        let status = effect.status.map(|status| format!(" · {}", status.word())).unwrap_or_default();
        let mut note = match (effect.point(), effect.outer()) {
            (Some(point), Some(outer)) => {
                vec![effect.numbers.effect(Some(point)), effect.numbers.interval(outer.low, outer.high)]
            }
            _ => vec![effect.sentence()],
        };
        match effect.point() {
            Some(_) => note[0].push_str(&status),
            None => note.extend(effect.status.map(|status| status.word().to_owned())),
        }
        let row = Row { at: lines.len() as f64, label: label(effect), note, heading: false, indented: over.is_some() };
        lines.push(Line { row, effect: Some(place) });
        above = over;
    }
    lines
}

/// The margin of each guardrail, as a short dashed stroke across its row.
fn margin_marks(placed: &[(f64, &Effect)]) -> Option<Mark> {
    let segments: Vec<Segment> = placed
        .iter()
        .filter_map(|(at, effect)| Some((*at, effect.margin_effect()?)))
        .map(|(at, margin)| Segment { from: (margin, at - 0.35), to: (margin, at + 0.35) })
        .collect();
    (!segments.is_empty()).then_some(Mark::Segments { segments, ink: Ink::Caution, opacity: 1.0, thickness: 2.0 })
}

fn bar_marks(placed: &[(f64, &Effect)], axis: &Axis) -> Vec<Mark> {
    // Pieces that look alike become one mark, lines first: few marks for many rows, and points on top.
    let mut alike: BTreeMap<(u64, Ink, u64), Vec<Segment>> = BTreeMap::new();
    let (mut points, mut arrows, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (at, effect) in placed {
        let bar = IntervalBar::of(effect, axis);
        for piece in &bar.pieces {
            let look = (piece.thickness.to_bits(), bar.ink, piece.opacity.to_bits());
            alike.entry(look).or_default().push(Segment { from: (piece.from, *at), to: (piece.to, *at) });
        }
        let said = said_of(effect);
        points.extend(bar.point.map(|point| Dot {
            at: (point, *at),
            shape: bar.shape,
            ink: bar.ink,
            said: said.clone(),
        }));
        for Clipped { at: end, shape, value } in bar.clipped {
            let (anchor, shift) = if end < 0.0 { (Anchor::Start, 4.0) } else { (Anchor::End, -4.0) };
            values.push(Mark::Text { at: (end, *at), shift: (shift, 12.0), text: value, ink: bar.ink, anchor });
            arrows.push(Dot { at: (end, *at), shape, ink: bar.ink, said: said.clone() });
        }
    }
    let bars = alike.into_iter().map(|((thickness, ink, opacity), segments)| Mark::Segments {
        segments,
        ink,
        opacity: f64::from_bits(opacity),
        thickness: f64::from_bits(thickness),
    });
    let dots = [(points, DOT), (arrows, DOT)].into_iter().filter(|(dots, _)| !dots.is_empty());
    bars.chain(dots.map(|(dots, size)| Mark::Dots { dots, size })).chain(values).collect()
}

/// What is shown when a row is pointed at.
fn said_of(effect: &Effect) -> Vec<String> {
    let mut said = vec![effect.label.clone(), format!("{} against {}", effect.arm, effect.baseline_arm)];
    said.extend(effect.segment.clone());
    said.push(format!("effect {}", effect.numbers.effect(drawable(effect.estimate))));
    for interval in effect.drawn() {
        let ends = effect.numbers.interval(interval.low, interval.high);
        said.push(format!("{} interval {ends}", number::level(interval.level)));
    }
    if let (Some(arm), Some(baseline)) = effect.n {
        said.push(format!("units {} and {}", number::count(arm), number::count(baseline)));
    }
    if effect.p_value.is_some() {
        said.push(number::p_statement(effect.p_value));
    }
    said.extend(effect.status.map(|status| status.word().to_owned()));
    said
}

fn axis_title(effects: &Effects) -> &'static str {
    match effects.scale {
        Scale::Relative => "effect relative to the baseline mean",
        Scale::Absolute => "effect in the unit of the metric",
    }
}

fn caption(effects: &Effects) -> String {
    let levels: Vec<String> = effects.levels().into_iter().map(number::level).collect();
    let mut caption = match levels.as_slice() {
        [] => "Point: estimate.".to_owned(),
        [only] => format!("Point: estimate; line: {only} interval."),
        [outer, inner @ ..] => format!("Point: estimate; line: {outer} interval; bars: {}.", inner.join(" and ")),
    };
    if let Some(minimum) = effects.minimum()
        && let Some(row) = effects.rows.first()
    {
        let numbers =
            if effects.scale == Scale::Relative { number::Numbers::relative([]) } else { row.numbers.clone() };
        caption.push_str(&format!(
            " Shaded: effects under {} do not matter.",
            numbers.for_step(minimum).value(Some(minimum))
        ));
    }
    if effects.rows.iter().any(|row| row.margin.is_some()) {
        caption.push_str(" Upright stroke: margin of the guardrail.");
    }
    if effects.rows.iter().any(|row| row.direction == Direction::Lower) {
        caption.push_str(" ↓ less is better.");
    }
    caption
}

/// At most this many rows are read out; the table beside the figure has all.
const MOST_READ: usize = 12;

fn summary(effects: &Effects) -> String {
    let mut sentences: Vec<String> = effects
        .rows
        .iter()
        .take(MOST_READ)
        .map(|effect| {
            let arm = if effects.has_several_arms() { format!(", {}", effect.arm) } else { String::new() };
            let segment = effect.segment.as_ref().map(|segment| format!(", {segment}")).unwrap_or_default();
            let status = effect.status.map(|status| format!(", {}", status.word())).unwrap_or_default();
            format!("{}{arm}{segment}: {}{status}.", effect.label, effect.sentence())
        })
        .collect();
    if effects.rows.len() > MOST_READ {
        sentences.push(format!("{} more in the table.", effects.rows.len() - MOST_READ));
    }
    sentences.join(" ")
}

fn table(effects: &Effects) -> Table {
    let segmented = effects.rows.iter().any(|row| row.segment.is_some());
    let level = effects.levels().first().map_or_else(String::new, |outer| format!("{} ", number::level(*outer)));
    let shown = [true, effects.has_several_arms(), segmented, true, true, true, true];
    let only_shown = |cells: [String; 7]| cells.into_iter().zip(shown).filter_map(|(cell, show)| show.then_some(cell));
    let unknown = || number::UNKNOWN.to_owned();
    let header = ["Metric", "Arm", "Segment", "Effect", &format!("{level}interval"), "p", "Status"].map(str::to_owned);
    let cells = |row: &Effect| {
        [
            row.label.clone(),
            row.arm.clone(),
            row.segment.clone().unwrap_or_else(|| "all".to_owned()),
            row.numbers.effect(row.point()),
            row.drawn().next().map_or_else(unknown, |outer| row.numbers.interval(outer.low, outer.high)),
            number::p_value(row.p_value),
            row.status.map_or_else(unknown, |status| status.word().to_owned()),
        ]
    };
    Table {
        header: only_shown(header).collect(),
        rows: effects.rows.iter().map(|row| only_shown(cells(row)).collect()).collect(),
    }
}
