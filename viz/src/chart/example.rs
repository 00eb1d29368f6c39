//! Inputs that show what the charts can do: for the gallery, the snapshots and the benches.

use std::collections::BTreeMap;

use estimand_stats::estimand::Direction;
use estimand_stats::{Estimate, Estimates};

use jiff::civil::date;

use crate::arm_distribution::{ArmDistribution, Bin, Distribution};
use crate::effect::{Effects, Interval};
use crate::effect_series::EffectSeries;
use crate::exposure_series::{ExposureDay, ExposureSeries};
use crate::number::{Format, Measure};
use crate::status::Status;

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
            p_adjusted: Some(if matches!(status, "better" | "worse" | "safe") { 0.0004 } else { 0.31 }),
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
            (effect.estimate, effect.outer())
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

/// The same rows for three treatments, as the scorecard of an experiment with four arms.
pub(crate) fn several_arms() -> Effects {
    let mut effects = scorecard();
    let rows = std::mem::take(&mut effects.rows);
    for row in rows.iter().take(3) {
        for (arm, shift) in [("B", 0.0), ("C", -0.018), ("D", 0.009)] {
            let mut row = row.clone();
            row.arm = arm.to_owned();
            row.status = if shift < 0.0 { Some(Status::NoClearEffect) } else { row.status };
            row.estimate = row.estimate.map(|estimate| estimate + shift);
            for interval in &mut row.intervals {
                interval.low = interval.low.map(|low| low + shift);
                interval.high = interval.high.map(|high| high + shift);
            }
            effects.rows.push(row);
        }
    }
    effects.arms = ["A", "B", "C", "D"].map(str::to_owned).to_vec();
    effects
}

/// A block of an experiment whose data cannot be trusted.
pub(crate) fn untrusted() -> Effects {
    let mut effects = scorecard();
    effects.rows.truncate(4);
    effects.rows.iter_mut().for_each(|row| row.status = Some(Status::CheckData));
    effects
}

/// One metric in two dimensions, two arms.
pub(crate) fn segments() -> Effects {
    let mut effects = scorecard();
    let rows = std::mem::take(&mut effects.rows);
    effects.title = "Conversion by segment".to_owned();
    let segments = [
        (None, 0.0, 1.0),
        (Some("platform=Android"), 0.008, 1.6),
        (Some("platform=iOS"), -0.01, 1.9),
        (Some("platform=Web"), 0.002, 2.2),
        (Some("country=DE"), 0.03, 2.4),
        (Some("country=FR"), -0.025, 2.0),
    ];
    for (segment, shift, wider) in segments {
        let Some(mut row) = rows.first().cloned() else { break };
        let centre = row.estimate.unwrap_or(0.0);
        row.segment = segment.map(str::to_owned);
        row.estimate = Some(centre + shift);
        row.status = if segment.is_none() || shift > 0.02 { row.status } else { Some(Status::NoClearEffect) };
        for interval in &mut row.intervals {
            interval.low = interval.low.map(|low| centre + shift + (low - centre) * wider);
            interval.high = interval.high.map(|high| centre + shift + (high - centre) * wider);
        }
        effects.rows.push(row);
    }
    effects
}

/// Two treatments over three weeks, one day of one of them without an interval.
pub(crate) fn two_arms_by_day() -> EffectSeries {
    by_day(&["B", "C"])
}

/// Four treatments over three weeks.
pub(crate) fn five_arms_by_day() -> EffectSeries {
    by_day(&["B", "C", "D", "E"])
}

fn by_day(arms: &[&str]) -> EffectSeries {
    let row = |day: u32, place: usize, arm: &str| {
        let n = 9_000.0 * f64::from(day + 1);
        let std_error = 2.2 / n.sqrt();
        let wave = (f64::from(day) * 0.9 + place as f64).sin();
        let estimate = 0.021 - 0.034 * place as f64 / arms.len() as f64 * 2.0 + std_error * wave;
        let missing = day == 5 && arm == "C";
        Estimate {
            metric: Some("conversion".into()),
            arm: Some(arm.into()),
            baseline_arm: Some("A".into()),
            scale: Some("relative".into()),
            period: Some(format!("2026-11-{:02}", day + 1)),
            estimate: Some(estimate),
            std_error: Some(std_error),
            conf_low: (!missing).then_some(estimate - 1.96 * std_error),
            conf_high: (!missing).then_some(estimate + 1.96 * std_error),
            level: Some(0.95),
            n: Some(n as u64),
            n_baseline: Some(n as u64),
            ..Estimate::default()
        }
    };
    let rows = (0..21).flat_map(|day| arms.iter().enumerate().map(move |(place, arm)| row(day, place, arm)));
    let measure = Measure { format: Format::Percent, ..Measure::labelled("Conversion within 7 days") };
    // Every row has an arm, one scale and a day, so that there is nothing to refuse.
    EffectSeries::of("Conversion within 7 days, over time", &rows.collect(), &measure, false).unwrap_or_default()
}

/// Three arms at 50:25:25 over three weeks.
pub(crate) fn three_arms_exposed() -> ExposureSeries {
    exposed(&["A", "B", "C"], &[0.5, 0.25, 0.25])
}

/// Two arms at 50:50 over three weeks.
pub(crate) fn two_arms_exposed() -> ExposureSeries {
    exposed(&["control", "new checkout"], &[0.5, 0.5])
}

fn exposed(arms: &[&str], planned: &[f64]) -> ExposureSeries {
    let days = (0..21i8).map(|day| {
        let quiet = if day % 7 >= 5 { 0.6 } else { 1.0 };
        let noise = |place: usize| 1.0 + 0.012 * (f64::from(day) * 1.7 + place as f64 * 2.0).sin();
        let units = planned.iter().enumerate().map(|(place, share)| (9_000.0 * quiet * share * noise(place)) as u64);
        ExposureDay { day: date(2026, 11, day + 1), units: units.collect() }
    });
    ExposureSeries {
        title: "Exposures".to_owned(),
        arms: arms.iter().map(|arm| (*arm).to_owned()).collect(),
        planned: planned.to_vec(),
        days: days.collect(),
        sample_ratio_p: Some(0.41),
    }
}

/// Revenue of two arms: most units at zero, the rest log-normal with a heavy tail.
pub(crate) fn revenue() -> Distribution {
    let arm = |name: &str, zeros: u64, centre: f64, mean: f64| {
        let edge = |bin: i32| 0.25 * 1.25f64.powi(bin);
        let tail = (0..48).map(|bin| {
            let low = edge(bin);
            let height = (-((low.ln() - centre) / 1.1).powi(2) / 2.0).exp();
            Bin { low, high: edge(bin + 1), count: (9_000.0 * height) as u64 }
        });
        let bins = [Bin { low: 0.0, high: 0.0, count: zeros }].into_iter().chain(tail).collect();
        ArmDistribution { arm: name.to_owned(), mean: Some(mean), std_error: Some(0.12), bins }
    };
    Distribution {
        title: "Revenue per user, by arm".to_owned(),
        measure: Measure {
            measured_in: Some("EUR".into()),
            format: Format::Currency,
            ..Measure::labelled("Revenue per user")
        },
        arms: vec![arm("A", 240_000, 3.0, 9.42), arm("B", 232_000, 3.1, 10.31)],
    }
}

/// Orders of two arms: counts, drawn value by value.
pub(crate) fn orders() -> Distribution {
    let arm = |name: &str, counts: [u64; 6], mean: f64| ArmDistribution {
        arm: name.to_owned(),
        mean: Some(mean),
        std_error: Some(0.01),
        bins: counts
            .into_iter()
            .zip([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
            .map(|(count, value)| Bin { low: value, high: value * 1.015, count })
            .collect(),
    };
    Distribution {
        title: "Orders".to_owned(),
        measure: Measure::labelled("Orders"),
        arms: vec![arm("A", [700, 200, 60, 25, 10, 5], 0.46), arm("B", [680, 205, 70, 28, 11, 6], 0.5)],
    }
}

/// Minutes of three arms: even bins, no heavy tail.
pub(crate) fn minutes() -> Distribution {
    let arm = |name: &str, centre: f64| {
        let bins = (0..80).map(|bin| {
            let low = f64::from(bin) * 0.5;
            let height = (-((low + 0.25 - centre) / 5.0).powi(2) / 2.0).exp();
            Bin { low, high: low + 0.5, count: (800.0 * height) as u64 }
        });
        ArmDistribution { arm: name.to_owned(), mean: Some(centre), std_error: Some(0.06), bins: bins.collect() }
    };
    Distribution {
        title: "Minutes per user, by arm".to_owned(),
        measure: Measure { measured_in: Some("min".into()), ..Measure::labelled("Minutes per user") },
        arms: vec![arm("A", 17.0), arm("B", 18.1), arm("C", 20.3)],
    }
}
