//! Exposures: units per day and arm, and how far the running shares are from the plan.

use crate::axis::{Axis, days_of};
use crate::chart::{Chart, ChartInput, example};
use crate::error::Error;
use crate::exposure_series::ExposureSeries;
use crate::figure::{Figure, Table};
use crate::number::{self, Format, Measure, Numbers};
use crate::scene::{Across, Column, Dash, Key, Mark, Panel, Scene, arm_dash};
use crate::theme::Ink;

/// Draws units first exposed per day, stacked by arm, and below it the share of each arm so far less its planned share.
///
/// With the plan as the zero line, any number of arms and any allocation read alike: lines run into zero when units are assigned as
/// planned. Of two arms only the treatment is drawn, since the control mirrors it.
pub struct Exposures;

impl Chart for Exposures {
    fn name(&self) -> &'static str {
        "exposures"
    }

    fn accepts(&self, input: &ChartInput) -> bool {
        matches!(input, ChartInput::ExposureSeries(series)
            if !series.arms.is_empty()
                && series.planned.len() == series.arms.len()
                && series.planned.iter().all(|planned| (0.0..=1.0).contains(planned))
                && series.days.iter().any(|day| day.units.iter().any(|units| *units > 0)))
    }

    fn figure(&self, input: &ChartInput) -> Result<Figure, Error> {
        match input {
            ChartInput::ExposureSeries(series) if self.accepts(input) => Ok(Figure {
                name: self.name(),
                title: series.title.clone(),
                caption: caption(series),
                summary: summary(series),
                table: table(series),
                scene: scene(series),
            }),
            _ => Err(Error::Unfit { chart: self.name(), needs: "units per day of arms with planned shares" }),
        }
    }

    fn examples(&self) -> Vec<ChartInput> {
        vec![
            ChartInput::ExposureSeries(example::three_arms_exposed()),
            ChartInput::ExposureSeries(example::two_arms_exposed()),
        ]
    }
}

fn scene(series: &ExposureSeries) -> Scene {
    let days: Vec<f64> = series.days.iter().map(|day| days_of(day.day)).collect();
    let (first, last) =
        days.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), day| (low.min(*day), high.max(*day)));
    let x = Axis::days(first, last, 7);
    let filled = |place: usize| Key { name: series.arms[place].clone(), ink: Ink::Arm(place), dash: None };
    Scene {
        panels: vec![units_panel(series, x.clone()), share_panel(series, x)],
        keys: (0..series.arms.len()).map(filled).collect(),
    }
}

fn units_panel(series: &ExposureSeries, x: Axis) -> Panel {
    let tallest = series.days.iter().map(|day| day.units.iter().map(|units| *units as f64).sum::<f64>());
    let y = Axis::values("", 0.0, tallest.fold(0.0, f64::max), 4, |at, _| number::compact(at));
    let mut bases = vec![0.0; series.days.len()];
    let marks = series
        .arms
        .iter()
        .enumerate()
        .map(|(place, arm)| {
            let columns = series
                .units(place)
                .zip(&mut bases)
                .map(|((day, units), base)| {
                    let from = *base;
                    *base += units as f64;
                    let said = vec![format!("{arm} {} units", number::count(units))];
                    Column { x: days_of(day), width: 0.8, base: from, top: *base, said }
                })
                .collect();
            Mark::Columns { columns, ink: Ink::Arm(place), series: arm.clone() }
        })
        .collect();
    Panel { heading: "Units first exposed per day".into(), x, y, height: 130.0, marks }
}

fn points() -> Measure {
    Measure { format: Format::Percent, ..Measure::default() }
}

/// Share so far less planned share of an arm, on the days that have one.
fn deviations(series: &ExposureSeries, place: usize) -> Vec<(jiff::civil::Date, f64, f64)> {
    let planned = series.planned[place];
    let shares = series.running_share(place).into_iter();
    shares.filter_map(|(day, share)| share.map(|share| (day, share, share - planned))).collect()
}

fn share_panel(series: &ExposureSeries, x: Axis) -> Panel {
    let drawn = if series.arms.len() == 2 { 1..2 } else { 0..series.arms.len() };
    let of_arms: Vec<(usize, Vec<_>)> = drawn.map(|place| (place, deviations(series, place))).collect();
    let furthest = of_arms.iter().flat_map(|(_, days)| days).map(|(.., off)| off.abs()).fold(0.001, f64::max);
    let numbers = Numbers::absolute(&points(), []);
    let y = Axis::values("", -furthest, furthest, 4, |at, step| match at {
        0.0 => "plan".to_owned(),
        _ => numbers.for_step(step).effect(Some(at)),
    });
    let mut marks = vec![Mark::Rule { across: Across::Y, at: 0.0, ink: Ink::Muted, dash: Dash::Dash }];
    marks.extend(of_arms.into_iter().map(|(place, days)| {
        let arm = &series.arms[place];
        let planned = number::share(series.planned[place]);
        Mark::Line {
            points: days.iter().map(|(day, _, off)| (days_of(*day), *off)).collect(),
            said: days
                .iter()
                .map(|(_, share, _)| {
                    vec![format!("{arm} {} of units so far, planned {planned}", precise_share(*share))]
                })
                .collect(),
            ink: Ink::Arm(place),
            dash: arm_dash(place),
            thickness: 2.0,
            series: arm.clone(),
        }
    }));
    let whose =
        if series.arms.len() == 2 { format!("Share of {} so far", series.arms[1]) } else { "Shares so far".into() };
    Panel { heading: format!("{whose}, less the plan"), x, y, height: 100.0, marks }
}

/// A share to two decimals of a per cent: near the plan the second one matters.
fn precise_share(share: f64) -> String {
    Numbers::values(&points(), []).for_step(0.0001).value(Some(share))
}

fn totals(series: &ExposureSeries) -> Vec<u64> {
    let total = |place| series.units(place).fold(0, |total: u64, (_, units)| total.saturating_add(units));
    (0..series.arms.len()).map(total).collect()
}

fn all_units(series: &ExposureSeries) -> u64 {
    totals(series).into_iter().fold(0, u64::saturating_add)
}

fn caption(series: &ExposureSeries) -> String {
    let total = all_units(series);
    let check = match series.sample_ratio_p {
        Some(p) => format!(" Sample ratio check: {}.", number::p_statement(Some(p))),
        None => String::new(),
    };
    format!("{} units on {} days.{check}", number::count(total), series.days.len())
}

fn summary(series: &ExposureSeries) -> String {
    let totals = totals(series);
    let all = all_units(series);
    let arms = series.arms.iter().zip(&totals).zip(&series.planned).map(|((arm, units), planned)| {
        format!(
            "{arm}: {} units, {} of all, planned {}.",
            number::count(*units),
            precise_share(*units as f64 / all as f64),
            number::share(*planned)
        )
    });
    arms.collect::<Vec<_>>().join(" ")
}

fn table(series: &ExposureSeries) -> Table {
    let mut header = vec!["Day".to_owned()];
    header.extend(series.arms.iter().map(|arm| format!("{arm}, units")));
    header.extend(series.arms.iter().map(|arm| format!("{arm}, share so far")));
    let shares: Vec<Vec<(_, Option<f64>)>> = (0..series.arms.len()).map(|place| series.running_share(place)).collect();
    let rows = series.days.iter().enumerate().map(|(at, day)| {
        let units = (0..series.arms.len()).map(|arm| number::count(day.units.get(arm).copied().unwrap_or(0)));
        let so_far = shares.iter().map(|of_arm| of_arm[at].1.map_or(number::UNKNOWN.to_owned(), precise_share));
        [day.day.to_string()].into_iter().chain(units).chain(so_far).collect()
    });
    Table { header, rows: rows.collect() }
}
