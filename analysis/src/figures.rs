//! What the charts are given: rows and counts of one analysis in the shapes that `viz` draws.

use std::collections::BTreeMap;

use estimand_metrics::collect::Collected;
use estimand_metrics::definition::{PlanKind, RoleKind};
use estimand_metrics::plan::lower::UnitState;
use estimand_metrics::plan::{Plan, Question};
use estimand_stats::check::CheckResult;
use estimand_stats::estimate::{Estimate, Estimates};
use estimand_viz::arm_distribution::{ArmDistribution, Bin, Distribution};
use estimand_viz::chart::{self, ChartInput};
use estimand_viz::effect::Effects;
use estimand_viz::effect_series::EffectSeries;
use estimand_viz::exposure_series::{ExposureDay, ExposureSeries};
use estimand_viz::number::Measure;
use estimand_viz::{Error, Figure};

/// How many bins a doubling of a value is cut into: fine enough to see a shape, coarse enough to draw.
const DISTRIBUTION_LEVEL: u32 = 2;

/// Figures are drawn of all primary metrics up to this number.
pub const MOST_DRAWN: usize = 8;
/// Of how many they are drawn where there are more: such a page is read in its tables.
pub const FEW_DRAWN: usize = 3;

/// The primary metrics of which figures are drawn, in the order of the file.
pub fn drawn(plan: &Plan) -> impl Iterator<Item = &Question> {
    let primary = || plan.questions.iter().filter(|question| question.role_kind() == RoleKind::Primary);
    let most = if primary().count() > MOST_DRAWN { FEW_DRAWN } else { MOST_DRAWN };
    primary().take(most)
}

/// The figure of a chart; `None` when there is nothing in the input that it could draw.
///
/// # Errors
/// [`Error`] when the rows of the input lack a column.
pub fn draw(name: &str, input: &ChartInput) -> Result<Option<Figure>, Error> {
    chart::named(name).filter(|chart| chart.accepts(input)).map(|chart| chart.figure(input)).transpose()
}

/// The deciding effects on the relative scale, as a notebook and a summary show them.
///
/// # Errors
/// As [`draw`].
pub fn forest(
    title: &str,
    estimates: &Estimates,
    measures: &BTreeMap<String, Measure>,
) -> Result<Option<Figure>, Error> {
    let rows: Estimates = estimates.rows.iter().filter(|row| is_deciding(row, "relative")).cloned().collect();
    if rows.is_empty() {
        return Ok(None);
    }
    draw("forest", &ChartInput::Effects(Effects::of(title, &rows, measures)?))
}

/// Effects of primary metrics by enrolment day, and exposures.
///
/// # Errors
/// As [`draw`].
pub fn over_time(
    plan: &Plan,
    collected: &Collected,
    estimates: &Estimates,
    checks: &[CheckResult],
    measures: &BTreeMap<String, Measure>,
) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for question in drawn(plan) {
        let name = &question.metric.name;
        let of_metric = |row: &&Estimate| {
            row.metric.as_ref() == Some(name) && row.period.is_some() && row.scale.as_deref() == Some("relative")
        };
        let rows = labelled(plan, estimates.rows.iter().filter(of_metric));
        if let (false, Some(measure)) = (rows.is_empty(), measures.get(name)) {
            let sequential = plan.experiment.plan.kind == PlanKind::Sequential;
            let series = EffectSeries::of(&measure.label, &rows, measure, sequential)?;
            figures.extend(draw("cumulative_effect", &ChartInput::EffectSeries(series))?);
        }
    }
    if plan.specification.enrolment.clock.is_some() {
        figures.extend(draw("exposures", &ChartInput::ExposureSeries(exposures(plan, collected, checks)))?);
    }
    Ok(figures)
}

fn exposures(plan: &Plan, collected: &Collected, checks: &[CheckResult]) -> ExposureSeries {
    let arms: Vec<String> = plan.experiment.arms.iter().map(|arm| arm.name.clone()).collect();
    let mut days: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let enrolled = [UnitState::Counted.word(), UnitState::TwoArms.word(), UnitState::Untriggered.word()];
    for row in collected.census.iter().filter(|row| enrolled.contains(&row.state.as_str())) {
        let at = arms.iter().position(|arm| Some(arm) == row.arm.as_ref());
        if let (Some(day), Some(at)) = (&row.day, at)
            && let Some(cell) = days.entry(day).or_insert_with(|| vec![0; arms.len()]).get_mut(at)
        {
            *cell += row.units;
        }
    }
    ExposureSeries {
        title: "Exposures".to_owned(),
        planned: plan.experiment.arms.iter().map(|arm| arm.allocation).collect(),
        arms: arms.iter().map(|arm| label(plan, arm)).collect(),
        days: days.into_iter().filter_map(|(day, units)| Some(ExposureDay { day: day.parse().ok()?, units })).collect(),
        sample_ratio_p: checks.iter().find(|check| check.name == "sample_ratio").and_then(|check| check.p_value),
    }
}

/// Distributions of primary metrics by arm.
///
/// # Errors
/// As [`draw`].
pub fn distributions(
    plan: &Plan,
    collected: &Collected,
    measures: &BTreeMap<String, Measure>,
) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for question in drawn(plan) {
        let estimand_stats::estimand::Summary::Mean { outcome } = &question.asked[0].summary else { continue };
        let Some(measure) = measures.get(&question.metric.name) else { continue };
        let mut arms = Vec::new();
        for arm in &collected.all.arms {
            let Some((_, histogram)) = arm.histograms.iter().find(|(name, _)| name == outcome) else { continue };
            let moments = arm
                .comoments
                .iter()
                .find(|(names, _)| names.first() == Some(outcome))
                .and_then(|(_, block)| block.as_ref())
                .map(|block| block.moments(0));
            arms.push(ArmDistribution {
                arm: label(plan, &arm.arm),
                mean: moments.as_ref().map(|moments| moments.mean),
                std_error: moments.as_ref().and_then(|moments| moments.mean_variance()).map(f64::sqrt),
                bins: histogram
                    .bins(DISTRIBUTION_LEVEL)
                    .into_iter()
                    .map(|bin| Bin { low: bin.low, high: bin.high, count: bin.count })
                    .collect(),
            });
        }
        if !arms.is_empty() {
            let input = Distribution { title: measure.label.clone(), measure: measure.clone(), arms };
            figures.extend(draw("distribution", &ChartInput::Distribution(input))?);
        }
    }
    Ok(figures)
}

/// Effects of primary metrics by the value of each dimension, beside the effect of all units.
///
/// # Errors
/// As [`draw`].
pub fn segments(
    plan: &Plan,
    estimates: &Estimates,
    measures: &BTreeMap<String, Measure>,
) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    for question in drawn(plan) {
        let name = &question.metric.name;
        let of_metric = |row: &&Estimate| row.metric.as_ref() == Some(name) && is_deciding_cut(row, "relative");
        let rows = labelled(plan, estimates.rows.iter().filter(of_metric));
        if let (true, Some(measure)) = (rows.rows.iter().any(|row| row.segment.is_some()), measures.get(name)) {
            figures.extend(draw("segments", &ChartInput::Effects(Effects::of(&measure.label, &rows, measures)?))?);
        }
    }
    Ok(figures)
}

/// Rows whose arms have their names for people, as the rest of the page writes them.
fn labelled<'a>(plan: &Plan, rows: impl Iterator<Item = &'a Estimate>) -> Estimates {
    let name = |arm: &Option<String>| arm.as_ref().map(|arm| label(plan, arm));
    rows.map(|row| Estimate { arm: name(&row.arm), baseline_arm: name(&row.baseline_arm), ..row.clone() }).collect()
}

/// The name of an arm for people.
pub fn label(plan: &Plan, arm: &str) -> String {
    let known = plan.experiment.arms.iter().find(|known| known.name == arm);
    known.map_or_else(|| arm.to_owned(), |known| known.label.clone())
}

fn is_deciding(row: &Estimate, scale: &str) -> bool {
    is_deciding_cut(row, scale) && row.segment.is_none()
}

/// A deciding row of all units or of a segment.
fn is_deciding_cut(row: &Estimate, scale: &str) -> bool {
    row.decides == Some(true) && row.scale.as_deref() == Some(scale) && row.period.is_none() && row.term.is_none()
}
