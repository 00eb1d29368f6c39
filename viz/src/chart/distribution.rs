//! Distribution: outcomes of units by arm, means marked.

use crate::arm_distribution::{ArmDistribution, Bin, Distribution, total};
use crate::axis::{Axis, Row, Tick, drawable, proper};
use crate::chart::{Chart, ChartInput, example};
use crate::error::Error;
use crate::figure::{Figure, Table};
use crate::number::{self, Numbers};
use crate::scene::{Column, Dash, Dot, Key, Mark, Panel, Scene, Segment, arm_dash};
use crate::shape::Shape;
use crate::theme::Ink;

/// Draws how the outcome is distributed over units, one outline per arm, with a stroke and a triangle at each mean.
///
/// - Few whole values, such as counts, become columns side by side, their height the share of units.
/// - Anything else becomes outlines of equal area over equal bins. A heavy tail gets an axis that is even near zero and logarithmic
///   beyond (inverse hyperbolic sine), so that no unit is left out; a value shared by many units, such as zero, stands apart as a bar.
pub struct DistributionByArm;

/// Bins of the outlines.
const BINS: usize = 48;
/// Counts up to this span are drawn value by value.
const MOST_VALUES: f64 = 30.0;
/// A tail is heavy when the axis would be this many times as long as the middle 98 % of units.
const HEAVY: f64 = 3.0;
/// One value that this share of units has stands apart.
const ATOM: f64 = 0.02;

impl Chart for DistributionByArm {
    fn name(&self) -> &'static str {
        "distribution"
    }

    fn accepts(&self, input: &ChartInput) -> bool {
        matches!(input, ChartInput::Distribution(distribution) if distribution.arms.iter().any(|arm| arm.units() > 0))
    }

    fn figure(&self, input: &ChartInput) -> Result<Figure, Error> {
        match input {
            ChartInput::Distribution(distribution) if self.accepts(input) => {
                let (scene, note) = scene(distribution);
                Ok(Figure {
                    name: self.name(),
                    title: distribution.title.clone(),
                    caption: format!("Stroke and triangle: mean of all units of the arm{note}."),
                    summary: summary(distribution),
                    table: table(distribution),
                    scene,
                })
            }
            _ => Err(Error::Unfit { chart: self.name(), needs: "counts of units in bins, of at least one arm" }),
        }
    }

    fn examples(&self) -> Vec<ChartInput> {
        vec![
            ChartInput::Distribution(example::revenue()),
            ChartInput::Distribution(example::orders()),
            ChartInput::Distribution(example::minutes()),
        ]
    }
}

/// The scene, and what the caption must add.
fn scene(distribution: &Distribution) -> (Scene, String) {
    let keys = distribution
        .arms
        .iter()
        .enumerate()
        .map(|(place, arm)| Key {
            name: series_name(distribution, arm),
            ink: Ink::Arm(place),
            dash: Some(arm_dash(place)),
        })
        .collect();
    if let Some((low, high)) = whole_values(distribution) {
        return (Scene { panels: vec![columns_panel(distribution, low, high)], keys }, String::new());
    }
    let atom = common_value(distribution);
    let rest: Vec<Vec<Bin>> =
        distribution.arms.iter().map(|arm| arm.used().filter(|bin| !is_atom(bin, atom)).copied().collect()).collect();
    let mut panels: Vec<Panel> = atom.map(|value| atom_panel(distribution, value)).into_iter().collect();
    let mut note = atom.map_or(String::new(), |value| format!(", those at {} included", plain(distribution, value)));
    if let Some(warp) = Warp::of(rest.iter().flatten()) {
        if matches!(warp.scale, Some(scale) if scale > 0.0) {
            note.push_str(". The axis is logarithmic away from zero");
        }
        panels.push(outline_panel(distribution, &rest, &warp, atom));
    }
    (Scene { panels, keys }, note)
}

/// The arm with its mean: what the legend shows.
fn series_name(distribution: &Distribution, arm: &ArmDistribution) -> String {
    match drawable(arm.mean) {
        Some(mean) => format!("{}, mean {}", arm.arm, numbers(distribution).value(Some(mean))),
        None => arm.arm.clone(),
    }
}

fn numbers(distribution: &Distribution) -> Numbers {
    Numbers::values(&distribution.measure, distribution.arms.iter().filter_map(|arm| arm.std_error))
}

fn used(distribution: &Distribution) -> impl Iterator<Item = &Bin> {
    distribution.arms.iter().flat_map(ArmDistribution::used)
}

/// The range of values, when all are whole numbers and few.
fn whole_values(distribution: &Distribution) -> Option<(f64, f64)> {
    let whole = used(distribution).all(|bin| bin.low.fract() == 0.0 && bin.high - bin.low < 1.0);
    let (low, high) = used(distribution)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), bin| (low.min(bin.low), high.max(bin.low)));
    (whole && high - low <= MOST_VALUES).then_some((low, high))
}

fn columns_panel(distribution: &Distribution, low: f64, high: f64) -> Panel {
    let arms = distribution.arms.len() as f64;
    let width = 0.84 / arms;
    let mut tallest: f64 = 0.0;
    let mut marks = Vec::new();
    for (place, arm) in distribution.arms.iter().enumerate() {
        let units = arm.units() as f64;
        let shift = (place as f64 - (arms - 1.0) / 2.0) * width;
        let columns = arm
            .used()
            .map(|bin| {
                let share = bin.count as f64 / units;
                tallest = tallest.max(share);
                let said = vec![format!("{} {}: {} of units", arm.arm, bin.low, number::share(share))];
                Column { x: bin.low + shift, width: width * 0.92, base: 0.0, top: share, said }
            })
            .collect();
        marks.push(Mark::Columns { columns, ink: Ink::Arm(place), series: series_name(distribution, arm) });
    }
    let mut x = Axis::values(&axis_title(distribution), low - 0.5, high + 0.5, 10, |at, _| number::compact(at));
    // Ticks at values only, and no further than the columns.
    (x.low, x.high, x.grid) = (low - 0.5, high + 0.5, false);
    let every = ((high - low) / 10.0).ceil().max(1.0);
    x.ticks = (0..)
        .map(|step| low + f64::from(step) * every)
        .take_while(|at| *at <= high)
        .map(|at| Tick { at, text: number::compact(at) })
        .collect();
    let y = Axis::values("", 0.0, tallest, 4, percent_tick);
    marks.extend(mean_marks(distribution, |mean| mean, y.high, &x));
    Panel { heading: "Share of units".into(), x, y, height: 200.0, marks }
}

fn percent_tick(at: f64, step: f64) -> String {
    let percent = number::Measure { format: number::Format::Percent, ..number::Measure::default() };
    if at == 0.0 { "0".to_owned() } else { Numbers::values(&percent, []).for_step(step).value(Some(at)) }
}

fn axis_title(distribution: &Distribution) -> String {
    match distribution.measure.measured_in.as_deref() {
        Some(unit) if !unit.is_empty() => format!("{} ({unit})", distribution.measure.label),
        _ => distribution.measure.label.clone(),
    }
}

/// The single value that most units have, when enough of them do.
fn common_value(distribution: &Distribution) -> Option<f64> {
    let all = total(used(distribution));
    let mut atoms: Vec<&Bin> = used(distribution).filter(|bin| bin.low == bin.high).collect();
    atoms.sort_by(|a, b| a.low.total_cmp(&b.low));
    atoms
        .chunk_by(|a, b| a.low == b.low)
        .map(|same| (same[0].low, total(same.iter().copied())))
        .filter(|(_, count)| *count as f64 >= ATOM * all as f64)
        .max_by_key(|(_, count)| *count)
        .map(|(value, _)| value)
}

fn is_atom(bin: &Bin, atom: Option<f64>) -> bool {
    bin.low == bin.high && Some(bin.low) == atom
}

/// How many units of each arm have exactly the common value.
fn atom_panel(distribution: &Distribution, value: f64) -> Panel {
    let shares: Vec<f64> = distribution
        .arms
        .iter()
        .map(|arm| total(arm.used().filter(|bin| is_atom(bin, Some(value)))) as f64 / (arm.units() as f64).max(1.0))
        .collect();
    let rows = distribution.arms.iter().zip(&shares).enumerate().map(|(place, (arm, share))| Row {
        at: place as f64 * 0.75,
        label: arm.arm.clone(),
        note: vec![number::share(*share)],
        ..Row::default()
    });
    let marks = shares
        .iter()
        .enumerate()
        .map(|(place, share)| {
            let at = place as f64 * 0.75;
            let segments = vec![Segment { from: (0.0, at), to: (*share, at) }];
            Mark::Segments { segments, ink: Ink::Arm(place), opacity: 1.0, thickness: 12.0 }
        })
        .collect();
    let mut x = Axis::values("", 0.0, 1.0, 4, percent_tick);
    x.grid = false;
    Panel {
        heading: format!("Units at exactly {}", plain(distribution, value)),
        x,
        y: Axis::rows(rows.collect()),
        height: 0.0,
        marks,
    }
}

fn plain(distribution: &Distribution, value: f64) -> String {
    Numbers::values(&distribution.measure, []).value(Some(value))
}

/// The map from values to places on the axis: even, or sinh⁻¹(value/scale), even near zero and logarithmic beyond.
struct Warp {
    scale: Option<f64>,
    low: f64,
    high: f64,
}

impl Warp {
    /// The map for these bins; `None` when there are none.
    fn of<'a>(bins: impl Iterator<Item = &'a Bin>) -> Option<Self> {
        let mut bins: Vec<&Bin> = bins.collect();
        bins.sort_by(|a, b| a.low.total_cmp(&b.low));
        let (low, high) = (bins.first()?.low, bins.iter().map(|bin| bin.high).fold(f64::NEG_INFINITY, f64::max));
        let all = total(bins.iter().copied());
        let quantile = |q: f64| {
            let mut below = 0.0;
            bins.iter().find(|bin| {
                below += bin.count as f64;
                below >= q * all as f64
            })
        };
        let (first, middle, last) = (quantile(0.01)?.low, quantile(0.5)?, quantile(0.99)?.high);
        let heavy = high - low > HEAVY * (last - first);
        let scale = (middle.low.abs().max(middle.high.abs()) / 4.0).max((last - first) * 1e-3);
        let scale = (heavy && scale > 0.0 && scale.is_finite()).then_some(scale);
        let warp = Self { scale, low, high };
        let (low, high) = (warp.place(low), warp.place(high));
        let (low, high) = proper(low, high);
        Some(Self { scale, low, high })
    }

    fn place(&self, value: f64) -> f64 {
        self.scale.map_or(value, |scale| (value / scale).asinh())
    }

    fn value(&self, place: f64) -> f64 {
        self.scale.map_or(place, |scale| place.sinh() * scale)
    }

    fn axis(&self, distribution: &Distribution) -> Axis {
        let title = axis_title(distribution);
        let mut axis = match self.scale {
            None => Axis::values(&title, self.low, self.high, 6, |at, _| number::compact(at)),
            Some(_) => Axis::values(&title, self.low, self.high, 6, |_, _| String::new()),
        };
        if let Some(scale) = self.scale {
            (axis.low, axis.high) = (self.low, self.high);
            let first = scale.log10().floor() as i32;
            let decades = (first..first + 20).map(|power| 10f64.powi(power));
            let values = decades.flat_map(|decade| [-decade, decade]).chain([0.0]);
            let mut ticks: Vec<Tick> = values
                .map(|value| Tick { at: self.place(value), text: number::compact(value) })
                .filter(|tick| (self.low..=self.high).contains(&tick.at))
                .collect();
            ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
            axis.ticks = ticks;
        }
        axis.grid = false;
        axis
    }
}

fn outline_panel(distribution: &Distribution, rest: &[Vec<Bin>], warp: &Warp, atom: Option<f64>) -> Panel {
    let x = warp.axis(distribution);
    let width = (warp.high - warp.low) / BINS as f64;
    let heights: Vec<Vec<f64>> = rest.iter().map(|bins| rebinned(bins, warp, width)).collect();
    let tallest = heights.iter().flatten().copied().fold(0.0, f64::max);
    let mut y = Axis::values("", 0.0, tallest.max(f64::MIN_POSITIVE), 3, |_, _| String::new());
    (y.ticks, y.high) = (Vec::new(), tallest * 1.06);
    let mut marks = Vec::new();
    for (place, heights) in heights.iter().enumerate() {
        let ink = Ink::Arm(place);
        let series = series_name(distribution, &distribution.arms[place]);
        let edge = |bin: usize| warp.low + bin as f64 * width;
        let steps: Vec<(f64, f64)> = heights
            .iter()
            .enumerate()
            .flat_map(|(bin, height)| [(edge(bin), *height), (edge(bin + 1), *height)])
            .collect();
        let filled = steps.iter().map(|(at, height)| (*at, 0.0, *height)).collect();
        marks.push(Mark::Band { points: filled, ink, opacity: 0.10, series: series.clone() });
        let said = steps.iter().enumerate().map(|(step, (_, share))| {
            let (from, to) = (warp.value(edge(step / 2)), warp.value(edge(step / 2 + 1)));
            let arm = &distribution.arms[place].arm;
            vec![format!("{arm} {} to {}: {}", number::compact(from), number::compact(to), number::share(*share))]
        });
        marks.push(Mark::Line {
            said: said.collect(),
            points: steps,
            ink,
            dash: arm_dash(place),
            thickness: 1.5,
            series,
        });
    }
    marks.extend(mean_marks(distribution, |mean| warp.place(mean), y.high, &x));
    let heading = match atom {
        Some(value) => format!("All other units (share of those not at {})", plain(distribution, value)),
        None => "Share of units".to_owned(),
    };
    Panel { heading, x, y, height: 190.0, marks }
}

/// The share of units in each of the outline's bins; a bin that overlaps several is split evenly over its places.
fn rebinned(bins: &[Bin], warp: &Warp, width: f64) -> Vec<f64> {
    let all: f64 = bins.iter().map(|bin| bin.count as f64).sum::<f64>().max(1.0);
    let mut shares = vec![0.0; BINS];
    for bin in bins {
        let (low, high) = ((warp.place(bin.low) - warp.low) / width, (warp.place(bin.high) - warp.low) / width);
        let place = |at: f64| (at.max(0.0) as usize).min(BINS - 1);
        let (first, last) = (place(low), place(high));
        let share = bin.count as f64 / all;
        if first == last || high <= low {
            shares[first] += share;
            continue;
        }
        for (at, held) in shares.iter_mut().enumerate().take(last + 1).skip(first) {
            let overlap = (high.min(at as f64 + 1.0) - low.max(at as f64)).max(0.0);
            *held += share * overlap / (high - low);
        }
    }
    shares
}

/// A stroke up the panel and a triangle below it at the mean of each arm.
fn mean_marks(distribution: &Distribution, place: impl Fn(f64) -> f64, top: f64, x: &Axis) -> Vec<Mark> {
    let means = distribution.arms.iter().enumerate().filter_map(|(arm, of)| {
        let at = place(drawable(of.mean)?);
        (x.low..=x.high).contains(&at).then_some((arm, at))
    });
    let means: Vec<(usize, f64)> = means.collect();
    let strokes = means.iter().map(|(arm, at)| Mark::Line {
        points: vec![(*at, 0.0), (*at, top)],
        said: Vec::new(),
        ink: Ink::Arm(*arm),
        dash: Dash::Dot,
        thickness: 1.5,
        series: series_name(distribution, &distribution.arms[*arm]),
    });
    let dots = means.iter().map(|(arm, at)| Dot {
        at: (*at, 0.0),
        shape: Shape::Up,
        ink: Ink::Arm(*arm),
        said: vec![series_name(distribution, &distribution.arms[*arm])],
    });
    let dots = Mark::Dots { dots: dots.collect(), size: 9.0 };
    strokes.chain([dots]).collect()
}

/// A quantile of the units of an arm, to the bin it lies in.
fn quantile(arm: &ArmDistribution, q: f64, whole: bool) -> Option<f64> {
    let mut bins: Vec<&Bin> = arm.used().collect();
    bins.sort_by(|a, b| a.low.total_cmp(&b.low));
    let wanted = q * arm.units() as f64;
    let mut below = 0.0;
    for bin in bins {
        let count = bin.count as f64;
        if below + count >= wanted {
            // A whole value lies at the lower edge of its bin.
            let inside = if whole { 0.0 } else { ((wanted - below) / count).clamp(0.0, 1.0) };
            return Some(bin.low + (bin.high - bin.low) * inside);
        }
        below += count;
    }
    None
}

fn summary(distribution: &Distribution) -> String {
    let values = Numbers::values(&distribution.measure, []);
    let whole = whole_values(distribution).is_some();
    let arms = distribution.arms.iter().map(|arm| {
        format!(
            "{}: {} units, median {}, 95 % of units up to {}.",
            series_name(distribution, arm),
            number::count(arm.units()),
            values.value(quantile(arm, 0.5, whole)),
            values.value(quantile(arm, 0.95, whole))
        )
    });
    arms.collect::<Vec<_>>().join(" ")
}

fn table(distribution: &Distribution) -> Table {
    let values = Numbers::values(&distribution.measure, []);
    let whole = whole_values(distribution).is_some();
    let rows = distribution.arms.iter().map(|arm| {
        let quantiles = [0.05, 0.25, 0.5, 0.75, 0.95, 0.99].map(|q| values.value(quantile(arm, q, whole)));
        let mut row =
            vec![arm.arm.clone(), number::count(arm.units()), numbers(distribution).value(drawable(arm.mean))];
        row.extend(quantiles);
        row
    });
    let header = ["Arm", "Units", "Mean", "5 %", "25 %", "50 %", "75 %", "95 %", "99 %"].map(str::to_owned);
    Table { header: header.to_vec(), rows: rows.collect() }
}
