//! Cumulative effect: the effect of all units enrolled up to each day, with its band.

use crate::axis::{Axis, days_of};
use crate::chart::{Chart, ChartInput, example};
use crate::effect_series::{ArmSeries, EffectPoint, EffectSeries};
use crate::error::Error;
use crate::figure::{Figure, Table};
use crate::number;
use crate::scene::{Across, Dash, Dot, Key, Mark, Panel, Scene, arm_dash};
use crate::shape::Shape;
use crate::theme::Ink;

/// Draws the effect against the day of enrolment, one line with its band per arm, zero always drawn.
///
/// Three arms and more stand in panels of their own on one scale. The scale fits the later days: the first days, whose band is
/// widest, may leave it. A day without an interval is a gap.
pub struct CumulativeEffect;

/// Up to this many arms share a panel.
const MOST_TOGETHER: usize = 2;

impl Chart for CumulativeEffect {
    fn name(&self) -> &'static str {
        "cumulative_effect"
    }

    fn accepts(&self, input: &ChartInput) -> bool {
        matches!(input, ChartInput::EffectSeries(series) if points(series).any(|point| point.shown().is_some()))
    }

    fn figure(&self, input: &ChartInput) -> Result<Figure, Error> {
        match input {
            ChartInput::EffectSeries(series) if self.accepts(input) => Ok(Figure {
                name: self.name(),
                title: series.title.clone(),
                caption: caption(series),
                summary: summary(series),
                table: table(series),
                scene: scene(series),
            }),
            _ => Err(Error::Unfit { chart: self.name(), needs: "effects by day, at least one with an interval" }),
        }
    }

    fn examples(&self) -> Vec<ChartInput> {
        vec![
            ChartInput::EffectSeries(example::two_arms_by_day()),
            ChartInput::EffectSeries(example::five_arms_by_day()),
        ]
    }
}

fn points(series: &EffectSeries) -> impl Iterator<Item = &EffectPoint> {
    series.arms.iter().flat_map(|arm| &arm.points)
}

fn scene(series: &EffectSeries) -> Scene {
    let days: Vec<f64> = points(series).map(|point| days_of(point.day)).collect();
    let (first, last) =
        days.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), day| (low.min(*day), high.max(*day)));
    let x = Axis::days(first, last, 7);
    let together = series.arms.len() <= MOST_TOGETHER;
    let y = effect_axis(series, first + (last - first) / 3.0, if together { 5 } else { 3 });
    // The control is arm 0.
    let arms: Vec<(usize, &ArmSeries)> = series.arms.iter().enumerate().map(|(place, arm)| (place + 1, arm)).collect();
    let groups: Vec<&[(usize, &ArmSeries)]> = if together { vec![&arms[..]] } else { arms.chunks(1).collect() };
    let panels = groups
        .into_iter()
        .map(|group| {
            let mut marks = vec![Mark::Rule { across: Across::Y, at: 0.0, ink: Ink::Muted, dash: Dash::Solid }];
            marks.extend(group.iter().flat_map(|(place, arm)| bands(arm, *place, &y)));
            marks.extend(group.iter().flat_map(|(place, arm)| lines(arm, *place, series, &y)));
            let heading = match group {
                [(_, only)] if !together => format!("{} against {}", only.arm, series.baseline_arm),
                _ => String::new(),
            };
            Panel { heading, x: x.clone(), y: y.clone(), height: if together { 230.0 } else { 130.0 }, marks }
        })
        .collect();
    let keys =
        if together && arms.len() > 1 { arms.iter().map(|(place, arm)| key(*place, arm)).collect() } else { vec![] };
    Scene { panels, keys }
}

fn key(place: usize, arm: &ArmSeries) -> Key {
    Key { name: arm.arm.clone(), ink: Ink::Arm(place), dash: Some(arm_dash(place)) }
}

/// The scale of the effects: all estimates, the bands from `settled` on, and zero.
fn effect_axis(series: &EffectSeries, settled: f64, ticks: usize) -> Axis {
    let ends = points(series).filter(|point| point.shown().is_some()).flat_map(|point| {
        let late = days_of(point.day) >= settled;
        let (low, high) = point.ends();
        [point.shown(), low.filter(|_| late), high.filter(|_| late)].into_iter().flatten()
    });
    let (low, high) = ends.fold((0.0, 0.0), |(low, high): (f64, f64), end| (low.min(end), high.max(end)));
    Axis::values("", low, high, ticks, |at, step| match at {
        0.0 => "0".to_owned(),
        _ => series.numbers.for_step(step).effect(Some(at)),
    })
}

/// Stretches of days that follow each other with an interval each.
fn stretches(arm: &ArmSeries) -> impl Iterator<Item = &[EffectPoint]> {
    arm.points.split(|point| point.shown().is_none()).filter(|stretch| !stretch.is_empty())
}

fn bands<'a>(arm: &'a ArmSeries, place: usize, y: &'a Axis) -> impl Iterator<Item = Mark> + 'a {
    stretches(arm).map(move |stretch| Mark::Band {
        points: stretch
            .iter()
            .map(|point| {
                let (low, high) = point.ends();
                (days_of(point.day), low.map_or(y.low, |low| y.clamp(low)), high.map_or(y.high, |high| y.clamp(high)))
            })
            .collect(),
        ink: Ink::Arm(place),
        opacity: 0.18,
        series: arm.arm.clone(),
    })
}

fn lines<'a>(
    arm: &'a ArmSeries,
    place: usize,
    series: &'a EffectSeries,
    y: &'a Axis,
) -> impl Iterator<Item = Mark> + 'a {
    let at = |point: &EffectPoint| (days_of(point.day), y.clamp(point.shown().unwrap_or(0.0)));
    stretches(arm).flat_map(move |stretch| {
        let line = Mark::Line {
            points: stretch.iter().map(at).collect(),
            said: stretch.iter().map(|point| said(point, arm, series)).collect(),
            ink: Ink::Arm(place),
            dash: arm_dash(place),
            thickness: 2.0,
            series: arm.arm.clone(),
        };
        // The last day of a stretch is marked: it is where one looks, and the only trace of a single day.
        let end = stretch.last().map(|point| Mark::Dots {
            dots: vec![Dot { at: at(point), shape: Shape::Circle, ink: Ink::Arm(place), said: Vec::new() }],
            size: 7.0,
        });
        [line].into_iter().chain(end)
    })
}

fn said(point: &EffectPoint, arm: &ArmSeries, series: &EffectSeries) -> Vec<String> {
    let mut said = vec![format!("{} {}", arm.arm, told(point, series))];
    said.extend(point.n.map(|n| format!("{} units", number::count(n))));
    said
}

/// Effect and interval of a day.
fn told(point: &EffectPoint, series: &EffectSeries) -> String {
    format!("{} ({})", series.numbers.effect(point.shown()), interval(point, series))
}

fn interval(point: &EffectPoint, series: &EffectSeries) -> String {
    let (low, high) = point.ends();
    series.numbers.interval(low, high)
}

fn caption(series: &EffectSeries) -> String {
    let level = number::level(series.level);
    let band = if series.sequential {
        format!("band: {level} confidence sequence, valid at all days at once")
    } else {
        format!("band: {level} interval of each day by itself, not for stopping early")
    };
    let against = if series.arms.len() == 1 {
        format!("Effect of {} against {}", series.arms[0].arm, series.baseline_arm)
    } else {
        format!("Effects against {}", series.baseline_arm)
    };
    format!("{against}, of all units enrolled up to each day; {band}.")
}

fn summary(series: &EffectSeries) -> String {
    let sentences: Vec<String> = series
        .arms
        .iter()
        .filter_map(|arm| {
            let shown = |point: &&EffectPoint| point.shown().is_some();
            let (first, last) = (arm.points.iter().find(shown)?, arm.points.iter().rev().find(shown)?);
            let (early, late) = (told(first, series), told(last, series));
            Some(format!("{}: {early} on {}, {late} on {}.", arm.arm, first.day, last.day))
        })
        .collect();
    sentences.join(" ")
}

fn table(series: &EffectSeries) -> Table {
    let of_level = format!("{} interval", number::level(series.level));
    let rows = series.arms.iter().flat_map(|arm| {
        arm.points.iter().map(|point| {
            vec![
                point.day.to_string(),
                arm.arm.clone(),
                series.numbers.effect(point.shown()),
                point.shown().map_or(number::UNKNOWN.to_owned(), |_| interval(point, series)),
                point.n.map_or(number::UNKNOWN.to_owned(), number::count),
            ]
        })
    });
    Table { header: ["Day", "Arm", "Effect", &of_level, "Units"].map(str::to_owned).to_vec(), rows: rows.collect() }
}
