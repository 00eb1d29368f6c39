//! What the effects of segments say together: whether they differ, where, and each in the light of all.

use std::collections::BTreeMap;

use estimand_stats::estimate::{Estimate, Estimates};
use estimand_stats::heterogeneity::{SegmentEffect, Segments};
use estimand_stats::multiplicity::Correction;
use estimand_stats::threads::in_order;
use estimand_viz::number::{self, Measure, Numbers, Scale};

use crate::error::Error;

/// The term of a row that tests whether the effects of a dimension's values are one.
pub const HETEROGENEITY: &str = "heterogeneity";
/// The term of a row that compares a segment with all other units.
pub const AGAINST_REST: &str = "against_rest";
/// The term of a row that holds a segment's effect in the light of all.
pub const SHRUNKEN: &str = "shrunken";

/// Rows about the deciding effects of the values of each dimension, on each scale.
///
/// - **Gives** one row of term [`HETEROGENEITY`] per metric, arm, scale and dimension, whose `segment` is the dimension and
///   whose `estimate` is the standard deviation of the effects, its `p_adjusted` by Benjamini and Hochberg over all such tests
///   of a scale; per segment one of term [`SHRUNKEN`]; and where the test rejects at the level of the rows one of term
///   [`AGAINST_REST`], its `p_adjusted` paying for the search. Segments without a standard error are passed over; of fewer than two
///   nothing is said.
///
/// # Errors
/// What the statistics refuse: effects beyond the range of numbers.
pub fn together(segments: &Estimates, threads: usize) -> Result<Estimates, Error> {
    let mut families: BTreeMap<Family<'_>, Vec<&Estimate>> = BTreeMap::new();
    for row in &segments.rows {
        if let Some(family) = Family::of(row) {
            families.entry(family).or_default().push(row);
        }
    }
    let families: Vec<(Family<'_>, Vec<&Estimate>)> = families.into_iter().collect();
    let mut rows = Estimates::default();
    let answers = in_order(threads, &families, |(family, members)| {
        let usable =
            |row: &&Estimate| row.estimate.is_some_and(f64::is_finite) && row.std_error.is_some_and(|own| own > 0.0);
        let members: Vec<&Estimate> = members.iter().copied().filter(usable).collect();
        if members.len() > 1 { of_family(family, &members) } else { Ok(Estimates::default()) }
    });
    for answer in answers {
        rows.append(answer?);
    }
    for scale in ["absolute", "relative"] {
        correct(&mut rows, scale)?;
    }
    Ok(rows)
}

/// Corrects the tests of heterogeneity of one scale, of all metrics, arms and dimensions, for their number.
fn correct(rows: &mut Estimates, scale: &str) -> Result<(), Error> {
    let of_scale = |row: &&mut Estimate| is(row, HETEROGENEITY) && row.scale.as_deref() == Some(scale);
    let mut tests: Vec<&mut Estimate> = rows.rows.iter_mut().filter(of_scale).collect();
    let p: Vec<Option<f64>> = tests.iter().map(|row| row.p_value).collect();
    let adjusted = Correction::BenjaminiHochberg.adjust(&p);
    let adjusted = adjusted.map_err(|source| Error::NotAPValue { metric: HETEROGENEITY.to_owned(), source })?;
    tests.iter_mut().zip(adjusted).for_each(|(row, p)| row.p_adjusted = p);
    Ok(())
}

/// The effects that are compared with each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Family<'a> {
    metric: &'a str,
    arm: &'a str,
    dimension: &'a str,
    scale: &'a str,
}

impl<'a> Family<'a> {
    fn of(row: &'a Estimate) -> Option<Self> {
        let decides = row.decides == Some(true) && row.term.is_none() && row.margin.is_none() && row.period.is_none();
        let (dimension, _) = row.segment.as_deref().filter(|_| decides)?.split_once('=')?;
        Some(Self { metric: row.metric.as_deref()?, arm: row.arm.as_deref()?, dimension, scale: row.scale.as_deref()? })
    }
}

fn of_family(family: &Family<'_>, members: &[&Estimate]) -> Result<Estimates, Error> {
    let level = members[0].level.unwrap_or(0.95);
    let effect = |row: &&Estimate| SegmentEffect {
        label: row.segment.clone().unwrap_or_default(),
        estimate: row.estimate.unwrap_or_default(),
        std_error: row.std_error.unwrap_or_default(),
        df: row.df,
        n: row.n.unwrap_or(0).saturating_add(row.n_baseline.unwrap_or(0)).max(1),
    };
    let segments = Segments::new(members.iter().map(effect).collect())?;
    let about = |row: &Estimate, term: &str| Estimate {
        experiment: row.experiment.clone(),
        metric: row.metric.clone(),
        role: row.role.clone(),
        segment: row.segment.clone(),
        arm: row.arm.clone(),
        baseline_arm: row.baseline_arm.clone(),
        term: Some(term.to_owned()),
        scale: row.scale.clone(),
        n: row.n,
        n_baseline: row.n_baseline,
        level: Some(level),
        alternative: Some("two_sided".to_owned()),
        decides: Some(false),
        estimator: row.estimator.clone(),
        options: row.options.clone(),
        ..Estimate::default()
    };
    let equality = segments.equality(level)?;
    let test = equality.test();
    let statistic = equality.welch.map_or(equality.spread.q, |welch| welch.statistic);
    let mut rows = vec![Estimate {
        segment: Some(family.dimension.to_owned()),
        n: None,
        n_baseline: None,
        estimate: Some(equality.spread.tau2.sqrt()),
        statistic: Some(statistic),
        p_value: Some(test.p),
        log10_p: Some(test.log10_p),
        ..about(members[0], HETEROGENEITY)
    }];
    // Who stands out is asked only where something does: its joint law is dear, and most dimensions change nothing.
    let searched = if test.p < 1.0 - level { segments.against_rest(level)? } else { Vec::new() };
    for (row, rest) in members.iter().zip(searched) {
        rows.push(Estimate {
            estimate: Some(rest.difference),
            std_error: Some(rest.std_error),
            df: rest.df,
            statistic: Some(rest.statistic),
            conf_low: rest.interval.low,
            conf_high: rest.interval.high,
            p_value: Some(rest.raw.p),
            log10_p: Some(rest.raw.log10_p),
            p_adjusted: Some(rest.tail.p),
            ..about(row, AGAINST_REST)
        });
    }
    // Two effects say too little of their spread.
    if members.len() > 2 {
        for (row, shrunken) in members.iter().zip(segments.shrunken(level)?) {
            rows.push(Estimate {
                estimate: Some(shrunken.estimate),
                std_error: Some(shrunken.std_error),
                conf_low: shrunken.interval.low,
                conf_high: shrunken.interval.high,
                ..about(row, SHRUNKEN)
            });
        }
    }
    Ok(rows.into_iter().collect())
}

/// Where lifts differ between the values of a dimension and which value stands out, a sentence each, and at the end of how
/// many comparisons nothing of the kind can be said.
pub fn sentences(
    together: &Estimates,
    measures: &BTreeMap<String, Measure>,
    label: impl Fn(&str) -> String,
    several_arms: bool,
) -> Vec<String> {
    let relative = |row: &&Estimate| is(row, HETEROGENEITY) && row.scale.as_deref() == Some("relative");
    let tests: Vec<&Estimate> = together.rows.iter().filter(relative).collect();
    let found = tests.iter().filter_map(|test| sentence(test, together, measures, &label, several_arms));
    let mut sentences: Vec<String> = found.collect();
    let rest = tests.len() - sentences.len();
    if rest > 0 {
        let other = if sentences.is_empty() { "" } else { "other " };
        let plural = if rest == 1 { "" } else { "s" };
        sentences.push(format!(
            "In {rest} {other}comparison{plural} of a metric's effect between the values of a dimension nothing shows that it \
             differs, the number of comparisons paid for."
        ));
    }
    sentences
}

/// What is said of a dimension between whose values the effect differs; `None` of one between whose it need not.
fn sentence(
    test: &Estimate,
    together: &Estimates,
    measures: &BTreeMap<String, Measure>,
    label: impl Fn(&str) -> String,
    several_arms: bool,
) -> Option<String> {
    let (metric, dimension) = (test.metric.as_deref()?, test.segment.as_deref()?);
    let alpha = 1.0 - test.level?;
    test.p_adjusted.filter(|p| *p < alpha)?;
    let measure = measures.get(metric).cloned().unwrap_or_else(|| Measure::labelled(metric));
    let arm = if several_arms { format!(", {}", label(test.arm.as_deref()?)) } else { String::new() };
    let p = number::p_statement(test.p_adjusted);
    let spread = Numbers::effects(&measure, Scale::Relative, test.estimate).value(test.estimate);
    let mut sentence = format!(
        "{}{arm} by {dimension}: the effect differs between values ({p}, the number of comparisons paid for), with a standard \
         deviation of {spread}.",
        measure.label
    );
    for row in together.rows.iter().filter(|row| is(row, AGAINST_REST)) {
        let same = (&row.metric, &row.arm, &row.scale) == (&test.metric, &test.arm, &test.scale);
        let (own, value) = row.segment.as_deref().and_then(|segment| segment.split_once('='))?;
        if same && own == dimension && row.p_adjusted.is_some_and(|p| p < alpha) {
            let difference = Numbers::effects(&measure, Scale::Relative, row.std_error).effect(row.estimate);
            let p = number::p_statement(row.p_adjusted);
            sentence
                .push_str(&format!(" {value} stands out by {difference} from the rest ({p}, the search paid for)."));
        }
    }
    Some(sentence)
}

fn is(row: &Estimate, term: &str) -> bool {
    row.term.as_deref() == Some(term)
}
