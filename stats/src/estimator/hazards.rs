//! Rows of two hazards compared: what time to event has to say on the scale of a ratio.

use crate::contrast::Interval;
use crate::contrast::reference::{mirrored, word};
use crate::dist::Alternative;
use crate::estimate::{Estimate, Estimates};
use crate::estimator::distributions::Rows;
use crate::estimator::log_ratio::{LogRatio, fill_logarithm, fill_ratio};
use crate::estimator::replication::set_interval;

/// The rows of the effect: the log ratio, the ratio less one, and for a guardrail the test at its margin.
///
/// The metric is the time, so its sign is that of the time: of the hazard of the baseline over that of the arm, above
/// zero where the arm goes longer without the event. `h₀/h₁ − 1` is by how much longer on average, were hazards constant.
/// `h₁/h₀`, as it is usually printed, has a row of its own.
pub(super) fn effects(rows: &Rows<'_>, hazards: Option<&dyn LogRatio>) -> Estimates {
    let alternative = rows.alternative();
    let mut effects = vec![rows.row("absolute"), rows.row("relative")];
    let at_margin = rows.estimand.hypothesis.margin().map(|margin| rows.margin_row(margin));
    if let Some(hazards) = hazards {
        fill_logarithm(&mut effects[0], hazards, alternative);
        fill_ratio(&mut effects[1], hazards, 0.0, alternative);
    }
    effects.extend(at_margin.map(|(mut row, alternative, factor)| {
        hazards.into_iter().for_each(|hazards| fill_ratio(&mut row, hazards, factor.ln(), alternative));
        row
    }));
    if let Some(hazards) = hazards {
        effects.push(usual(rows, hazards, alternative));
        effects.iter_mut().for_each(|row| explain(row, hazards));
    }
    Estimates { rows: effects }
}

/// The hazard of the arm over that of the baseline, as it is usually printed, with the same test.
fn usual(rows: &Rows<'_>, hazards: &dyn LogRatio, alternative: Alternative) -> Estimate {
    let mut row = rows.row("relative");
    row.term = Some("hazard_ratio".to_owned());
    fill_logarithm(&mut row, hazards, alternative);
    // Seen in a mirror: a longer time is a smaller hazard.
    row.alternative = Some(word(mirrored(alternative)).to_owned());
    row.statistic = row.statistic.map(|statistic| -statistic);
    row.estimate = row.estimate.map(|log| (-log).exp());
    row.std_error = row.estimate.zip(row.std_error).map(|(ratio, error)| ratio * error);
    let ends = Interval { low: row.conf_high.map(|log| (-log).exp()), high: row.conf_low.map(|log| (-log).exp()) };
    set_interval(&mut row, ends);
    row
}

/// Says why there is no estimate or no test.
fn explain(row: &mut Estimate, hazards: &dyn LogRatio) {
    if hazards.estimate().is_infinite() {
        let (arm, baseline) = (row.arm.clone().unwrap_or_default(), row.baseline_arm.clone().unwrap_or_default());
        let (without, other) = if hazards.estimate() > 0.0 { (arm, baseline) } else { (baseline, arm) };
        row.note(&format!(
            "Arm `{without}` has no event while units of arm `{other}` are at risk: the ratio has no estimate."
        ));
    }
    if row.p_value.is_none() {
        row.note("This test needs events in both arms: `test=likelihood_ratio` and `test=score` do not.");
    }
}
