//! Segments: a forest by dimension.

use crate::chart::forest::{figure_of, lines_of};
use crate::chart::{Chart, ChartInput, example};
use crate::effect::{Effect, Effects};
use crate::error::Error;
use crate::figure::Figure;

/// Draws the effects of one metric in segments: a heading per dimension, a row per value and arm, on one shared axis.
///
/// The caption states how many comparisons are shown, since among many some stand out by chance.
pub struct Segments;

impl Chart for Segments {
    fn name(&self) -> &'static str {
        "segments"
    }

    fn accepts(&self, input: &ChartInput) -> bool {
        matches!(input, ChartInput::Effects(effects) if effects.rows.iter().any(|row| row.segment.is_some()))
    }

    fn figure(&self, input: &ChartInput) -> Result<Figure, Error> {
        match input {
            ChartInput::Effects(effects) if self.accepts(input) => {
                let several = effects.has_several_arms();
                let lines = lines_of(effects, dimension, |row| value(row, several));
                let mut figure = figure_of(self.name(), effects, lines);
                figure.caption.push_str(&comparisons(effects));
                Ok(figure)
            }
            _ => Err(Error::Unfit { chart: self.name(), needs: "effects with a segment" }),
        }
    }

    fn examples(&self) -> Vec<ChartInput> {
        vec![ChartInput::Effects(example::segments())]
    }
}

fn dimension(effect: &Effect) -> Option<String> {
    let segment = effect.segment.as_deref()?;
    Some(segment.split_once('=').map_or(segment, |(dimension, _)| dimension).to_owned())
}

fn value(effect: &Effect, several_arms: bool) -> String {
    let value = match effect.segment.as_deref() {
        Some(segment) => segment.split_once('=').map_or(segment, |(_, value)| value),
        None => "All units",
    };
    if several_arms { format!("{value} · {}", effect.arm) } else { value.to_owned() }
}

fn comparisons(effects: &Effects) -> String {
    let count = effects.rows.iter().filter(|row| row.segment.is_some()).count();
    format!(" {count} comparisons: some may stand out by chance.")
}
