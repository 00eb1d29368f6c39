//! Whether another reasonable method would decide otherwise: the answers shown beside those that decide.

use std::collections::BTreeMap;

use estimand_stats::estimate::{Estimate, Estimates};
use estimand_viz::number::{self, Measure};

/// How the sentence begins that names what a row beside the deciding one is.
pub(crate) const BESIDE: &str = "Shown beside the deciding row: ";

/// What a row says by itself, before any correction for the number of tests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finding {
    Higher,
    Lower,
    /// An effect whose estimate is zero: of many tied units the median difference is, whatever their ranks say.
    Either,
    Nothing,
}

impl Finding {
    /// `None` of a row without test and interval.
    fn of(row: &Estimate) -> Option<Self> {
        let (estimate, alpha) = (row.estimate?, 1.0 - row.level?);
        let found = match row.p_value {
            Some(p) => p < alpha,
            None if row.conf_low.is_none() && row.conf_high.is_none() => return None,
            None => row.conf_low.is_some_and(|low| low > 0.0) || row.conf_high.is_some_and(|high| high < 0.0),
        };
        Some(match found {
            false => Self::Nothing,
            true if estimate > 0.0 => Self::Higher,
            true if estimate < 0.0 => Self::Lower,
            true => Self::Either,
        })
    }

    fn agrees(self, other: Self) -> bool {
        let either = self == Self::Either || other == Self::Either;
        self == other || either && self != Self::Nothing && other != Self::Nothing
    }

    fn words(self) -> &'static str {
        match self {
            Self::Higher => "a higher value",
            Self::Lower => "a lower value",
            Self::Either => "an effect",
            Self::Nothing => "no clear effect",
        }
    }
}

/// A sentence for each answer beside that finds something else than the one that decides, and one that counts the rest.
pub fn sentences(
    estimates: &Estimates,
    measures: &BTreeMap<String, Measure>,
    label: impl Fn(&str) -> String,
    several_arms: bool,
) -> Vec<String> {
    let whole = |row: &&Estimate| {
        let part = [&row.segment, &row.period, &row.term, &row.cohort].into_iter().any(Option::is_some);
        !part && row.margin.is_none() && row.quantile.is_none() && row.scale.as_deref() == Some("absolute")
    };
    let rows: Vec<&Estimate> = estimates.rows.iter().filter(whole).collect();
    let (mut sentences, mut agree) = (Vec::new(), 0_usize);
    for beside in rows.iter().filter(|row| row.decides == Some(false)) {
        let same =
            |row: &&&Estimate| row.decides == Some(true) && (&row.metric, &row.arm) == (&beside.metric, &beside.arm);
        let Some(decides) = rows.iter().find(same) else { continue };
        let (Some(own), Some(other)) = (Finding::of(decides), Finding::of(beside)) else { continue };
        if own.agrees(other) {
            agree += 1;
            continue;
        }
        let metric = beside.metric.as_deref().unwrap_or_default();
        let name = measures.get(metric).map_or(metric, |measure| measure.label.as_str());
        let arm = beside.arm.as_deref().filter(|_| several_arms).map(|arm| format!(", {}", label(arm)));
        sentences.push(format!(
            "{name}{}: {} finds {} ({}), {}, which decides, {} ({}).",
            arm.unwrap_or_default(),
            method(beside),
            other.words(),
            said(beside),
            decides.estimator.as_deref().unwrap_or_default(),
            own.words(),
            said(decides),
        ));
    }
    if agree > 0 {
        let (others, verb) =
            (if sentences.is_empty() { "" } else { " other" }, if agree == 1 { "agrees" } else { "agree" });
        let plural = if agree == 1 { "" } else { "s" };
        sentences.push(format!("{agree}{others} answer{plural} shown beside those that decide {verb} with them."));
    }
    sentences
}

/// The estimator, and what sets its answer apart.
fn method(row: &Estimate) -> String {
    let estimator = row.estimator.as_deref().unwrap_or_default();
    let variant = row.notes.as_deref().and_then(|notes| notes.split_once(BESIDE));
    let variant = variant.and_then(|(_, rest)| rest.split('.').next()).filter(|variant| *variant != estimator);
    variant.map_or_else(|| estimator.to_owned(), |variant| format!("{estimator} ({variant})"))
}

fn said(row: &Estimate) -> String {
    match (row.p_value, row.prob_beat) {
        (Some(p), _) => number::p_statement(Some(p)),
        (None, Some(beat)) => format!("better with probability {}", number::share(beat)),
        (None, None) => "by its interval".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(estimator: &str, decides: bool, estimate: f64, p: f64) -> Estimate {
        let mut row = Estimate {
            metric: Some("revenue".into()),
            arm: Some("B".into()),
            scale: Some("absolute".into()),
            estimate: Some(estimate),
            p_value: Some(p),
            level: Some(0.95),
            decides: Some(decides),
            estimator: Some(estimator.into()),
            ..Estimate::default()
        };
        if !decides {
            row.note(&format!("{BESIDE}unadjusted."));
        }
        row
    }

    #[test]
    fn a_method_that_would_decide_otherwise_is_named_and_the_rest_counted() {
        let rows = [
            row("regression_adjustment", true, 1.0, 0.01),
            row("difference_in_means", false, 0.9, 0.2),
            row("mann_whitney", false, 0.8, 0.03),
            row("mann_whitney", false, 0.0, 0.01),
        ];
        let measures = BTreeMap::from([("revenue".to_owned(), Measure::labelled("Revenue"))]);
        assert_eq!(
            sentences(&rows.into_iter().collect(), &measures, str::to_owned, false),
            [
                "Revenue: difference_in_means (unadjusted) finds no clear effect (p = 0.200), regression_adjustment, which \
                 decides, a higher value (p = 0.010).",
                "2 other answers shown beside those that decide agree with them."
            ]
        );
        assert!(sentences(&Estimates::default(), &measures, str::to_owned, false).is_empty());
    }
}
