//! Inputs that show what the charts can do: for the gallery, the snapshots and the benches.

use std::collections::BTreeMap;

use estimand_stats::estimand::Direction;
use estimand_stats::{Estimate, Estimates};

use crate::effect::{Effects, Interval};
use crate::number::{Format, Measure};

/// A scorecard block with every case: good and bad by direction, an unbounded interval, a one-sided guardrail, a clipped bar.
pub(crate) fn scorecard() -> Effects {
    let conversion = Measure { format: Format::Percent, ..Measure::labelled("Conversion within 7 days") };
    let revenue =
        Measure { measured_in: Some("EUR".into()), format: Format::Currency, ..Measure::labelled("Revenue per user") };
    let load = Measure {
        measured_in: Some("ms".into()),
        direction: Direction::Lower,
        ..Measure::labelled("Page load time, 95th percentile of all page views of the user")
    };
    let measures: BTreeMap<String, Measure> = [
        ("conversion", conversion),
        ("refunds", Measure { direction: Direction::Lower, ..Measure::labelled("Refunds") }),
        ("load", load),
        ("revenue", revenue),
        ("support", Measure::labelled("Support <calls> & chats")),
        ("gifts", Measure::labelled("Gifts sent")),
        ("sessions", Measure::labelled("Sessions")),
    ]
    .into_iter()
    .map(|(name, measure)| (name.to_owned(), measure))
    .collect();

    let row =
        |metric: &str, estimate: f64, std_error: f64, low: Option<f64>, high: Option<f64>, status: &str| Estimate {
            metric: Some(metric.into()),
            arm: Some("B".into()),
            baseline_arm: Some("A".into()),
            scale: Some("relative".into()),
            estimate: Some(estimate),
            std_error: Some(std_error),
            conf_low: low,
            conf_high: high,
            level: Some(0.95),
            n: Some(99_871),
            n_baseline: Some(100_129),
            p_adjusted: Some(0.0004),
            status: Some(status.into()),
            ..Estimate::default()
        };
    let rows = [
        row("conversion", 0.021, 0.0077, Some(0.006), Some(0.036), "better"),
        row("revenue", 0.012, 0.016, Some(-0.019), Some(0.043), "no clear effect"),
        row("refunds", 0.034, 0.009, Some(0.016), Some(0.052), "worse"),
        row("sessions", 0.001, 0.002, Some(-0.003), Some(0.005), "too small to matter"),
        Estimate { margin: Some(0.02), ..row("load", -0.004, 0.006, None, Some(0.006), "safe") },
        row("support", 0.08, 0.12, Some(-0.14), Some(0.33), "no clear effect"),
        row("gifts", 0.4, 0.9, None, None, "no clear effect"),
    ];
    let estimates: Estimates = rows.into_iter().collect();
    // The measures above name every metric of the rows, and the statuses are those of the table.
    let mut effects = Effects::of("Primary metrics", &estimates, &measures).unwrap_or_default();
    for effect in &mut effects.rows {
        if let (Some(point), Some(Interval { low: Some(low), high: Some(high), .. })) =
            (effect.estimate, effect.outer().copied())
        {
            for (level, part) in [(0.8, 0.654), (0.5, 0.344)] {
                let (low, high) = (point - (point - low) * part, point + (high - point) * part);
                *effect = effect.clone().with_interval(Interval { level, low: Some(low), high: Some(high) });
            }
        }
    }
    effects.minimum_effect = Some(0.005);
    effects
}
