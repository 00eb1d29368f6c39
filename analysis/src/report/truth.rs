//! Estimates beside the true effects of simulated data.

use estimand_viz::axis::Axis;
use estimand_viz::number::{self, Numbers, Scale};
use serde::Serialize;

use super::interval_bar::{IntervalBar, shared_extent};
use super::model::{MetricCard, ReportModel, Truth};

/// Truths and the estimates that should cover them.
#[derive(Debug, Serialize)]
pub(super) struct TruthView {
    covered: usize,
    asked: usize,
    level: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    metric: String,
    arm: String,
    scale: String,
    truth: String,
    estimate: String,
    interval: String,
    covers: bool,
    bar: String,
}

/// The truths that have an estimate with an interval, in the model's order.
pub(super) fn truth(model: &ReportModel) -> TruthView {
    let rows: Vec<Row> = model.truth.iter().filter_map(|truth| row(model, truth)).collect();
    let level = model.estimates.rows.iter().find_map(|row| row.level);
    TruthView {
        covered: rows.iter().filter(|row| row.covers).count(),
        asked: rows.len(),
        level: level.map_or_else(String::new, number::level),
        rows,
    }
}

fn row(model: &ReportModel, truth: &Truth) -> Option<Row> {
    let card: &MetricCard = model.metrics.iter().find(|card| card.name == truth.metric)?;
    let arm = model.header.arms.iter().find(|arm| arm.name == truth.arm)?;
    let estimate = model.estimates.rows.iter().find(|row| {
        (row.metric.as_deref(), row.arm.as_deref(), row.scale.as_deref())
            == (Some(&truth.metric), Some(&truth.arm), Some(&truth.scale))
            && row.decides != Some(false)
            && row.segment.is_none()
            && row.period.is_none()
    })?;
    let scale = Scale::named(&truth.scale)?;
    let numbers = Numbers::effects(&card.measure(), scale, estimate.std_error);
    let (low, high) = (estimate.conf_low, estimate.conf_high);
    low.or(high)?;
    // Centred on the truth: what matters is whether the interval reaches it.
    let bar = IntervalBar {
        estimate: estimate.estimate? - truth.effect,
        outer: (low.map(|low| low - truth.effect), high.map(|high| high - truth.effect)),
        ..IntervalBar::default()
    };
    let axis = Axis::symmetric("", shared_extent(std::iter::once(&bar))?, &numbers);
    Some(Row {
        metric: card.label.clone(),
        arm: arm.label.clone(),
        scale: truth.scale.clone(),
        truth: numbers.effect(Some(truth.effect)),
        estimate: numbers.effect(estimate.estimate),
        interval: numbers.interval(low, high),
        covers: low.is_none_or(|low| low <= truth.effect) && high.is_none_or(|high| truth.effect <= high),
        bar: bar.svg(&axis, "grid-zero", &numbers),
    })
}
