//! The table `[analysis]` of an experiment: how effects are estimated.

use std::collections::BTreeMap;

use estimand_stats::family::Corrections;
use estimand_stats::multiplicity::Correction;

use crate::definition::{Analysis, Covariate, ExperimentMetric, MetricAnalysis, OptionValue, Population};
use crate::fault::Fault;
use crate::reading::document::Content;
use crate::reading::estimator;
use crate::reading::experiment::{Surroundings, no_metric};
use crate::reading::fields::Fields;
use crate::reading::key::{Key, Shape, optional};
use crate::reading::metric::resolve_covariates;

const CORRECTIONS: &[&str] = &{
    let mut names = [""; Correction::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = Correction::ALL[at].name();
        at += 1;
    }
    names
};

pub(crate) const ANALYSIS: &[Key] = &[
    optional(
        "level",
        Shape::Between(0.5, 1.0),
        "Confidence level of two-sided intervals; the project's default unless given.",
    ),
    optional(
        "alpha",
        Shape::Between(0.0, 0.5),
        "Size of the one-sided tests of guardrails; (1 − level) / 2 unless given.",
    ),
    optional("estimator", Shape::Text, "The estimator that decides; chosen by metric and covariates unless given."),
    optional(
        "covariates",
        Shape::List(0, &Shape::Text),
        "Covariates of every metric: metrics, or columns of the assignment source.",
    ),
    optional(
        "population",
        Shape::Word(&["enrolled", "superpopulation"]),
        "For whom effects are stated; `superpopulation` unless given.",
    ),
    optional("correction", Shape::Table(CORRECTION), "The corrections for multiplicity."),
    optional("options", Shape::Map(&Shape::Scalar), "Options of the estimator."),
    optional(
        "by_metric",
        Shape::Map(&Shape::Table(METRIC_ANALYSIS)),
        "The estimator and options of single metrics, in place of those of all.",
    ),
    optional(
        "beside",
        Shape::List(0, &Shape::Text),
        "Estimators whose answers are shown beside the one that decides, where they serve the metric.",
    ),
];

const METRIC_ANALYSIS: &[Key] = &[
    optional("estimator", Shape::Text, "The estimator that decides; chosen by metric and covariates unless given."),
    optional("options", Shape::Map(&Shape::Scalar), "Options of the estimator."),
];

const CORRECTION: &[Key] = &[
    optional("primary", Shape::Word(CORRECTIONS), "Over primary metrics and arms; `holm` unless given."),
    optional(
        "secondary",
        Shape::Word(CORRECTIONS),
        "Over secondary metrics and arms; `benjamini_hochberg` unless given.",
    ),
    optional("segments", Shape::Word(CORRECTIONS), "Within a dimension and metric; `benjamini_hochberg` unless given."),
];

/// Reads the table.
pub(crate) fn read(
    fields: &Fields<'_>,
    metrics: &[(ExperimentMetric, String)],
    around: &Surroundings<'_>,
    faults: &mut Vec<Fault>,
) -> Analysis {
    let table = fields.table("analysis");
    if let Some(table) = &table {
        estimator::check(table, faults);
    }
    let number = |key: &str| table.as_ref().and_then(|table| table.number(key));
    let level = number("level").unwrap_or(around.manifest.defaults.level);
    let mut covariates: Vec<Covariate> =
        table.iter().flat_map(|table| table.texts("covariates")).map(Covariate::Column).collect();
    let path = "analysis.covariates";
    resolve_covariates(&mut covariates, None, around.metrics, around.sources, fields.document(), path, faults);
    let corrections = table.as_ref().and_then(|table| table.table("correction"));
    let correction = |key: &str, otherwise: Correction| {
        let named = corrections.as_ref().and_then(|table| table.text(key)).and_then(Correction::from_name);
        named.unwrap_or(otherwise)
    };
    let usual = Corrections::default();
    let enrolled = table.as_ref().and_then(|table| table.text("population")) == Some("enrolled");
    Analysis {
        level,
        alpha: number("alpha").unwrap_or((1.0 - level) / 2.0),
        estimator: table.as_ref().and_then(|table| table.string("estimator")),
        covariates,
        population: if enrolled { Population::Enrolled } else { Population::Superpopulation },
        correction: Corrections {
            primary: correction("primary", usual.primary),
            secondary: correction("secondary", usual.secondary),
            segments: correction("segments", usual.segments),
        },
        options: table.as_ref().map(options).unwrap_or_default(),
        by_metric: table.as_ref().map(|table| by_metric(table, metrics, faults)).unwrap_or_default(),
        beside: table.iter().flat_map(|table| beside(table, faults)).collect(),
    }
}

/// The options of an estimator.
fn options(table: &Fields<'_>) -> BTreeMap<String, OptionValue> {
    let entries = table.table("options");
    let entries = entries.iter().flat_map(Fields::entries);
    entries.filter_map(|(name, item)| Some((name.to_owned(), option(&item.content)?))).collect()
}

/// The estimators of single metrics.
fn by_metric(
    analysis: &Fields<'_>,
    metrics: &[(ExperimentMetric, String)],
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, MetricAnalysis> {
    let Some(table) = analysis.table("by_metric") else { return BTreeMap::new() };
    let mut by_metric = BTreeMap::new();
    for (name, _) in table.entries() {
        let Some(own) = table.table(name) else { continue };
        let names = || metrics.iter().map(|(metric, _)| metric.metric.as_str());
        if !names().any(|metric| metric == name) {
            faults.push(no_metric(&table, name, names()));
        }
        estimator::check(&own, faults);
        let analysis = MetricAnalysis { estimator: own.string("estimator"), options: options(&own) };
        by_metric.insert(name.to_owned(), analysis);
    }
    by_metric
}

/// The estimators shown beside the one that decides, each once.
fn beside(analysis: &Fields<'_>, faults: &mut Vec<Fault>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (path, item) in analysis.list("beside") {
        let Content::Text(name) = &item.content else { continue };
        faults.extend(estimator::unknown(name, |code, message| analysis.fault_at(item, &path, code, message)));
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn option(content: &Content) -> Option<OptionValue> {
    match content {
        Content::Boolean(value) => Some(OptionValue::Boolean(*value)),
        Content::Float(value) => Some(OptionValue::Float(*value)),
        Content::Integer(value) => Some(OptionValue::Integer(*value)),
        Content::Text(value) | Content::Moment(value) => Some(OptionValue::Text(value.clone())),
        Content::List(_) | Content::Table(_) => None,
    }
}
