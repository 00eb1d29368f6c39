//! Certification: an experiment's own units, assigned anew thousands of times, analysed as the experiment would be.
//!
//! ```text
//! experiment ─▶ unit table, read once ─▶ metric × estimator ─▶ thousands of random assignments ─▶ certificates
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use estimand_metrics::collect::{self, Doing};
use estimand_metrics::plan::{Asked, Plan, Question};
use estimand_stats::certification::{Certificate, Certification, Performance, Rate, Units};
use estimand_stats::dist::{Binomial, Discrete};
use estimand_stats::estimand::Estimand;
use estimand_stats::estimator;
use estimand_stats::sample::Sample;
use estimand_viz::number;
use serde::Serialize;

use crate::analyze::{Prepared, Request, prepare};
use crate::aside::aside;
use crate::error::Error;
use crate::output::{Style, table_of};

/// How an experiment is certified.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Every estimator that serves a metric, and not only those that the experiment names.
    pub every_estimator: bool,
    /// Assignments drawn for each metric and estimator.
    pub replicates: u32,
    /// Seed of the assignments.
    pub seed: u64,
    /// A relative effect given to the treated: rates are then those of a true finding.
    pub lift: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { every_estimator: false, replicates: 1_000, seed: 0, lift: 0.0 }
    }
}

/// What many assignments showed of each metric with each estimator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certified {
    /// Name of the experiment.
    pub experiment: String,
    /// One for each metric and estimator.
    pub certificates: Vec<OfAnswer>,
    /// Metrics and estimators of which there is none, with the reason.
    pub refused: Vec<Refused>,
}

/// The certificate of one of the answers to a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfAnswer {
    /// What sets the answer apart from the one that decides, such as `unadjusted`; empty for that one.
    pub variant: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub certificate: Certificate,
}

/// A metric and estimator without a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Name of the metric.
    pub metric: String,
    /// Name of the estimator.
    pub estimator: String,
    /// Why.
    pub reason: String,
}

/// Certifies what an experiment asks: each of its metrics with each estimator that answers it there.
///
/// - **Assumes** that units were assigned one by one; the estimator of a sequential plan is certified at one look.
///
/// # Errors
/// As [`analyze`](crate::analyze::analyze). An estimator that refuses the metric is told in the answer.
pub async fn certify(
    request: &Request,
    settings: &Settings,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<Certified, Error> {
    say("reading definitions");
    let Prepared { mut plan, opened, .. } = prepare(request).await?;
    let tasks = tasks(&plan, settings)?;
    let mut variables: BTreeSet<String> = BTreeSet::new();
    for task in &tasks {
        variables.extend(task.certification(settings, [1.0, 1.0])?.variables()?);
    }
    plan.unit_rows = variables;
    let progress = |doing: Doing<'_>| say(&doing.to_string());
    let collected = collect::collect(opened.engine.as_ref(), &plan, &progress).await?;
    opened.unchanged()?;
    let mut certified =
        Certified { experiment: plan.experiment.name.clone(), certificates: Vec::new(), refused: Vec::new() };
    let (sample, threads) = (Arc::new(collected.all), opened.engine.threads());
    for task in tasks {
        let (metric, estimator) = (task.estimand.metric.clone(), task.asked.estimator.clone());
        let variant = task.asked.variant;
        say(&format!("{metric}, {estimator}: {} assignments", settings.replicates));
        let (sample, settings) = (Arc::clone(&sample), settings.clone());
        match aside(move || task.run(&settings, &sample, threads)).await {
            Ok(certificate) => certified.certificates.push(OfAnswer { variant, certificate }),
            Err(error) => certified.refused.push(Refused { metric, estimator, reason: error.to_string() }),
        }
    }
    Ok(certified)
}

/// One metric with one estimator.
struct Task {
    estimand: Estimand,
    asked: Asked,
}

impl Task {
    fn run(&self, settings: &Settings, sample: &Sample, threads: usize) -> Result<Certificate, Error> {
        if self.asked.design.cluster.is_some() {
            return Err(Error::AssignedInClusters);
        }
        let units = |arm: &String| sample.arms.iter().find(|one| one.arm == *arm).map_or(0.0, |one| one.units as f64);
        let sizes = [&self.estimand.baseline_arm, &self.estimand.arm].map(units);
        // Arms that are empty so far are taken as equal.
        let sizes = if sizes.iter().all(|size| *size > 0.0) { sizes } else { [1.0, 1.0] };
        let certification = self.certification(settings, sizes)?;
        let units = Units::of(&self.estimand.metric, sample, &certification.variables()?)?;
        Ok(certification.run_on(&units, threads)?)
    }

    fn certification(&self, settings: &Settings, allocation: [f64; 2]) -> Result<Certification<'_>, Error> {
        Ok(Certification {
            allocation,
            replicates: settings.replicates,
            seed: settings.seed,
            lift: settings.lift,
            ..Certification::new(estimator::by_name(&self.asked.estimator)?, &self.estimand, &self.asked.design)
        })
    }
}

fn tasks(plan: &Plan, settings: &Settings) -> Result<Vec<Task>, Error> {
    let mut tasks = Vec::new();
    for question in &plan.questions {
        let Some(arm) = plan.experiment.treatments().next() else { continue };
        let estimand = |asked: &Asked| question.estimand(asked, &arm.name, &plan.experiment.control);
        for asked in answers(question, settings) {
            let task = Task { estimand: estimand(&asked), asked };
            // An estimator that needs what the experiment does not say, such as clusters, is none of its ways.
            let served = estimator::by_name(&task.asked.estimator)?.requires(&task.estimand, &task.asked.design);
            if task.asked.decides || served.is_ok() {
                tasks.push(task);
            }
        }
    }
    Ok(tasks)
}

/// The ways in which a question is answered: those that the experiment names, then every other that serves it.
fn answers(question: &Question, settings: &Settings) -> Vec<Asked> {
    let mut answers: Vec<Asked> = question.asked.clone();
    let Some(decides) = question.asked.first().filter(|_| settings.every_estimator) else { return answers };
    for rule in estimator::ALL.iter().filter(|rule| rule.serves().contains(&decides.summary.kind())) {
        if answers.iter().any(|asked| asked.estimator == rule.name()) {
            continue;
        }
        let mut other = Asked { estimator: rule.name().to_owned(), decides: false, variant: "", ..decides.clone() };
        // Options are of the estimator that was named.
        other.design.options.clear();
        answers.push(other);
    }
    answers
}

impl Certified {
    /// The certificates as a table for people.
    pub fn text(&self) -> String {
        let rejects = match self.certificates.first().map(|one| &one.certificate) {
            Some(first) if first.lift != 0.0 => format!("power at {}", number::share(first.lift)),
            Some(first) => format!("false positives (want {})", number::share(first.alpha)),
            None => "false positives".to_owned(),
        };
        let header = ["metric", "estimator", &rejects, "covered", "uniform", "error stated : true", "detectable"];
        let rows = self.certificates.iter().map(|one| line(one).to_vec());
        let table = table_of(Style::Terminal, &header, &[2, 3, 4, 5, 6], rows);
        let mut text = format!("{table}\n");
        for (one, scale) in self.broken() {
            text.push_str(&format!(
                "\n{}, {}: its tests reject {} where nothing was done, which chance does not explain\n",
                one.certificate.metric,
                one.name(),
                share(&scale.rejected)
            ));
        }
        for Refused { metric, estimator, reason } in &self.refused {
            text.push_str(&format!("\n{metric}, {estimator}: {reason}\n"));
        }
        text
    }

    /// Whether any test rejects more often than it says.
    pub fn has_broken_promise(&self) -> bool {
        self.broken().next().is_some()
    }

    /// The certificates whose tests reject more often than chance explains, at a thousandth over all of them.
    fn broken(&self) -> impl Iterator<Item = (&OfAnswer, &Performance)> {
        let tests = self.certificates.len().max(1) as f64;
        let null = self.certificates.iter().filter(|one| one.certificate.lift == 0.0);
        null.filter_map(move |one| {
            let scale = one.certificate.scales.first()?;
            let Rate { count, of, .. } = scale.rejected;
            let expected = Binomial::new(of, one.certificate.alpha)?;
            (count > 0 && expected.sf(count - 1) * tests < 1e-3).then_some((one, scale))
        })
    }
}

impl OfAnswer {
    /// The estimator, and what sets the answer apart.
    fn name(&self) -> String {
        match self.variant {
            variant if variant.is_empty() || variant == self.certificate.estimator => {
                self.certificate.estimator.clone()
            }
            variant => format!("{} ({variant})", self.certificate.estimator),
        }
    }
}

fn line(one: &OfAnswer) -> [String; 7] {
    let unknown = || number::UNKNOWN.to_owned();
    let certificate = &one.certificate;
    let scale = certificate.scales.first();
    let relative = certificate.scale("relative").and_then(|scale| scale.minimum_detectable_effect);
    let detectable = match (scale.and_then(|scale| scale.minimum_detectable_effect), relative) {
        (_, Some(relative)) => number::share(relative),
        (Some(absolute), None) => format!("{absolute:.4}"),
        (None, None) => unknown(),
    };
    [
        certificate.metric.clone(),
        one.name(),
        scale.map_or_else(unknown, |scale| share(&scale.rejected)),
        scale.map_or_else(unknown, |scale| share(&scale.covered)),
        scale.and_then(|scale| scale.uniformity).map_or_else(unknown, |own| number::p_statement(Some(own.p_value))),
        scale.and_then(|scale| scale.std_error_ratio).map_or_else(unknown, |ratio| format!("{ratio:.3}")),
        detectable,
    ]
}

fn share(rate: &Rate) -> String {
    match rate.rate {
        Some(share) => format!(
            "{} ({} to {})",
            number::share(share),
            number::share(rate.low).trim_end_matches(['%', '\u{202f}']),
            number::share(rate.high)
        ),
        None => number::UNKNOWN.to_owned(),
    }
}
