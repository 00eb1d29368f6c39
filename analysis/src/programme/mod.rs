//! Programmes: what many experiments say together.
//!
//! ```text
//! runs of a project ─┐
//! result tables ─────┼─▶ effects ─▶ by metric: false discoveries, a prior, shrunken effects, pooled effect, totals ─▶ page
//! arm summaries ─────┘
//! ```
//!
//! An experiment is judged by its own test; a programme asks how many of all that were found are false, how large the
//! effects really are that were chosen for being large, and what everything that was launched adds up to. The prior that
//! is fitted here is what the estimator `bayes` takes for the next experiment.

mod effects;
mod page;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use estimand_stats::contrast::Interval;
use estimand_stats::dist::{Normal, TailProbability};
use estimand_stats::empirical_bayes::{Shape, Shrunken, shrink};
use estimand_stats::estimate::{Estimate, Estimates};
use estimand_stats::meta::{self, Estimator, IntervalMethod, Selection, Studies, Study};
use estimand_stats::multiplicity::{Correction, NullShare, q_values};
use estimand_viz::number::Scale;
use serde::Serialize;

pub use effects::{holds_effects, of_runs, of_table};
pub use page::page;
pub(crate) use words::text;

use crate::answered::Answered;
use crate::aside::aside;
use crate::error::Error;

/// What is asked of a programme.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Confidence level; one less it is the false discovery rate.
    pub level: f64,
    /// The scale of the effects that are compared.
    pub scale: Scale,
    /// Only these metrics; all of them when empty.
    pub metrics: Vec<String>,
    /// Metrics of which less is better.
    pub lower_is_better: Vec<String>,
    /// The correction over all effects of a metric.
    pub correction: Correction,
    /// The shape of the prior.
    pub shape: Shape,
    /// How the variance between effects is estimated.
    pub heterogeneity: Estimator,
    /// How the interval of their mean is made.
    pub interval: IntervalMethod,
    /// Standard errors on the good side from which an effect counts as launched.
    pub threshold: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            level: 0.95,
            scale: Scale::Relative,
            metrics: Vec::new(),
            lower_is_better: Vec::new(),
            correction: Correction::BenjaminiHochberg,
            shape: Shape::default(),
            heterogeneity: Estimator::default(),
            interval: IntervalMethod::default(),
            threshold: 1.96,
        }
    }
}

/// What many experiments say together, metric by metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Programme {
    /// Where the effects come from, in words.
    pub of: String,
    /// The metrics, in alphabetical order.
    pub metrics: Vec<MetricProgramme>,
}

/// One metric over many experiments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricProgramme {
    /// The metric.
    pub metric: String,
    /// The scale of its effects: `absolute` or `relative`.
    pub scale: &'static str,
    /// Whether less is better.
    pub lower_is_better: bool,
    /// Confidence level.
    pub level: f64,
    /// How many experiments there are.
    pub experiments: usize,
    /// How many effects: treatment arms of experiments.
    pub effects: usize,
    /// Whether effects of one experiment share their baseline, so that they are not independent.
    pub shared_baselines: bool,
    /// Effects without an estimate or a standard error, which nothing here counts.
    pub left_out: usize,
    /// The correction, in words.
    pub correction: String,
    /// Effects whose corrected p-value is below one less the level.
    pub found: usize,
    /// Effects whose own p-value is.
    pub found_alone: usize,
    /// The estimated share of effects that are none; `None` with too few effects to tell.
    pub null_share: Option<f64>,
    /// The prior, as the option `prior` of the estimator `bayes` takes it; `None` with fewer than three effects.
    pub prior: Option<String>,
    /// Whether the effects differ no more than their standard errors have it.
    pub no_spread: bool,
    /// The common effect, if there were one.
    pub fixed_effect: Option<Part>,
    /// The mean of effects that differ.
    pub random_effects: Option<Part>,
    /// The standard deviation of the effects, and the share of their variance that is between experiments.
    pub spread: Option<Spread>,
    /// Where the effect of a new experiment is to be expected.
    pub next: Option<[f64; 2]>,
    /// What was launched adds up to.
    pub totals: Option<Totals>,
    /// Looking early; `None` where the tests are for one look.
    pub looks: Option<Looks>,
    /// Effects as they were estimated and as they are in the light of all, the most extreme first.
    #[serde(skip)]
    pub(crate) rows: Vec<Row>,
}

/// A number with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Part {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Lower end of its interval.
    pub conf_low: Option<f64>,
    /// Upper end of its interval.
    pub conf_high: Option<f64>,
}

/// How far effects differ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Cochran's Q: the squared distances from the common effect, in standard errors.
    pub q: f64,
    /// Standard deviation of the effects.
    pub tau: f64,
    /// Share of the variance of a typical effect that is between experiments.
    pub i_squared: f64,
    /// The probability of effects as different, were all the same.
    pub p_value: f64,
}

/// The sum of the effects of what was launched.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Totals {
    /// How many were.
    pub launched: usize,
    /// The sum as estimated, too large by the luck that chose them.
    pub naive: Part,
    /// Less the bias of the choice.
    pub corrected: Part,
    /// Under the prior.
    pub shrunken: Part,
}

/// What looking early was worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Looks {
    /// Effects with more than one look.
    pub watched: usize,
    /// Of those, effects that some look decided.
    pub decided: usize,
    /// The median share of its looks after which an effect was decided, of those that were.
    pub median_share: Option<f64>,
}

/// One effect, as it was estimated and as it is in the light of all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// As it was estimated, its corrected p-value that of the programme.
    pub estimated: Estimate,
    /// Under the prior.
    pub shrunken: Option<Shrunken>,
    /// Given that it was chosen for being large: its median-unbiased estimate and interval.
    pub chosen: Option<Part>,
}

impl Part {
    fn of(estimate: f64, std_error: f64, interval: Interval) -> Self {
        Self { estimate, std_error, conf_low: interval.low, conf_high: interval.high }
    }

    fn of_total(total: meta::Total) -> Self {
        Self::of(total.estimate, total.std_error, total.interval)
    }
}

impl Programme {
    /// What the deciding effects of many experiments say together.
    ///
    /// - **Needs** rows with metric, estimate and standard error; those with a `period` are looks at an effect.
    /// - **Errors** with [`Error::NoEffects`] when no row is left, and what the estimators refuse.
    pub async fn read(source: String, estimates: Estimates, settings: Settings) -> Result<Self, Error> {
        aside(move || Self::of(&source, &estimates, &settings)).await
    }

    /// As [`Programme::read`], on this thread.
    ///
    /// # Errors
    /// As [`Programme::read`].
    pub fn of(source: &str, estimates: &Estimates, settings: &Settings) -> Result<Self, Error> {
        let scale = settings.scale.name();
        let wanted = |row: &&Estimate| {
            let named = row
                .metric
                .as_ref()
                .is_some_and(|metric| settings.metrics.is_empty() || settings.metrics.contains(metric));
            let of_effect = row.segment.is_none() && row.term.is_none() && row.margin.is_none();
            named && of_effect && row.decides != Some(false) && row.scale.as_deref().is_none_or(|own| own == scale)
        };
        let rows: Vec<&Estimate> = estimates.rows.iter().filter(wanted).collect();
        let names: BTreeSet<&String> = rows.iter().filter_map(|row| row.metric.as_ref()).collect();
        let mut metrics = Vec::new();
        for name in names {
            let of_metric: Vec<&Estimate> =
                rows.iter().copied().filter(|row| row.metric.as_ref() == Some(name)).collect();
            metrics.extend(MetricProgramme::of(name, &of_metric, settings)?);
        }
        if metrics.is_empty() {
            return Err(Error::NoEffects { of: source.to_owned(), scale });
        }
        Ok(Self { of: source.to_owned(), metrics })
    }

    /// The programme as an answer, whose result table holds effects as estimated, shrunken and given their choice, and the
    /// pooled effects.
    pub fn answer(self) -> Answered {
        let estimates = self.metrics.iter().flat_map(MetricProgramme::estimates).collect();
        Answered { estimates, programme: Some(self), ..Answered::default() }
    }
}

impl MetricProgramme {
    fn of(metric: &str, rows: &[&Estimate], settings: &Settings) -> Result<Option<Self>, Error> {
        let lower_is_better = settings.lower_is_better.iter().any(|name| name == metric);
        let last: Vec<&Estimate> = rows.iter().copied().filter(|row| row.period.is_none()).collect();
        let usable = |row: &&&Estimate| {
            row.estimate.is_some_and(f64::is_finite) && row.std_error.is_some_and(|error| error > 0.0)
        };
        let looks = looks_by_effect(rows);
        let sequential = !looks.is_empty();
        let mut effects: Vec<Estimate> = last.iter().filter(usable).map(|row| (**row).clone()).collect();
        effects.iter_mut().for_each(|effect| best_look(effect, &looks));
        if effects.is_empty() {
            return Ok(None);
        }
        let studies = Studies::new(effects.iter().filter_map(Study::of).collect())?;
        let p: Vec<Option<f64>> =
            effects.iter().zip(studies.iter()).map(|(row, study)| row.p_value.or_else(|| tail(*study))).collect();
        let adjusted = settings.correction.adjust(&p);
        let adjusted = adjusted.map_err(|source| Error::NotAPValue { metric: metric.to_owned(), source })?;
        let alpha = 1.0 - settings.level;
        let below = |p: &[Option<f64>]| p.iter().flatten().filter(|p| **p < alpha).count();
        let fitted = settings.shape.fit(&studies).ok();
        let shrunken = fitted.as_ref().map(|fitted| shrink(&studies, &fitted.prior, settings.level)).transpose()?;
        let random = studies.random_effects(settings.heterogeneity, settings.interval, settings.level).ok();
        let fixed = studies.fixed_effect(settings.level)?;
        let totals =
            fitted.as_ref().map(|fitted| totals(&studies, &fitted.prior, lower_is_better, settings)).transpose()?;
        let experiments: BTreeSet<&Option<String>> = effects.iter().map(|row| &row.experiment).collect();
        let mut table: Vec<Row> = Vec::with_capacity(effects.len());
        for (place, (estimated, study)) in effects.iter().zip(studies.iter()).enumerate() {
            let chosen = study.z().abs() > settings.threshold;
            let selection =
                chosen.then(|| study.given_selection(Selection::Beyond(settings.threshold), settings.level));
            let chosen = selection.transpose()?;
            let chosen = chosen.map(|chosen| Part::of(chosen.median_unbiased, study.std_error, chosen.interval));
            let estimated = Estimate { p_value: p[place], p_adjusted: adjusted[place], ..estimated.clone() };
            table.push(Row { estimated, shrunken: shrunken.as_ref().map(|all| all[place]), chosen });
        }
        let z = |row: &Row| Study::of(&row.estimated).map_or(0.0, |study| study.z().abs());
        table.sort_by(|one, other| z(other).total_cmp(&z(one)));
        Ok(Some(Self {
            metric: metric.to_owned(),
            scale: settings.scale.name(),
            lower_is_better,
            level: settings.level,
            experiments: experiments.len(),
            effects: effects.len(),
            shared_baselines: experiments.len() < effects.len(),
            left_out: last.len() - effects.len(),
            correction: settings.correction.label().to_owned(),
            found: below(&adjusted),
            found_alone: below(&p),
            // A p-value that is valid at every look is not uniform at any.
            null_share: (effects.len() >= FEWEST_FOR_A_SHARE && !sequential)
                .then(|| q_values(&p, NullShare::At(0.5)).ok())
                .flatten()
                .map(|values| values.null_share),
            prior: fitted.as_ref().map(|fitted| fitted.prior.to_string()),
            no_spread: fitted.as_ref().is_some_and(|fitted| fitted.no_spread),
            fixed_effect: Some(Part::of(fixed.estimate, fixed.std_error, fixed.interval)),
            random_effects: random.map(|all| Part::of(all.pooled.estimate, all.pooled.std_error, all.pooled.interval)),
            spread: random.map(|all| Spread {
                q: all.heterogeneity.q,
                tau: all.heterogeneity.tau2.sqrt(),
                i_squared: all.heterogeneity.i_squared,
                p_value: all.heterogeneity.tail.p,
            }),
            next: random.and_then(|all| all.prediction).and_then(|next| Some([next.low?, next.high?])),
            totals,
            looks: looked(looks, alpha),
            rows: table,
        }))
    }

    /// The rows of the result table.
    fn estimates(&self) -> Vec<Estimate> {
        let mut rows = Vec::with_capacity(2 * self.rows.len() + 2);
        let pooled = [("fixed_effect", self.fixed_effect), ("random_effects", self.random_effects)];
        for (estimator, part) in pooled {
            rows.extend(part.map(|part| Estimate {
                metric: Some(self.metric.clone()),
                scale: Some(self.scale.to_owned()),
                ..with(part, estimator, self.level)
            }));
        }
        for Row { estimated, shrunken, chosen } in &self.rows {
            rows.push(estimated.clone());
            let of = |row: Estimate| Estimate {
                experiment: estimated.experiment.clone(),
                metric: estimated.metric.clone(),
                arm: estimated.arm.clone(),
                baseline_arm: estimated.baseline_arm.clone(),
                scale: Some(self.scale.to_owned()),
                n: estimated.n,
                n_baseline: estimated.n_baseline,
                ..row
            };
            rows.extend(shrunken.map(|shrunken| {
                let part = Part::of(shrunken.estimate, shrunken.std_error, shrunken.interval);
                let beat = if self.lower_is_better { 1.0 - shrunken.prob_positive } else { shrunken.prob_positive };
                let mut row = of(Estimate { prob_beat: Some(beat), ..with(part, "empirical_bayes", self.level) });
                row.note(&format!(
                    "The sign is wrong with probability {:.4}; among this and all surer effects the share of wrong signs is {:.4}.",
                    shrunken.false_sign_rate, shrunken.s_value
                ));
                row
            }));
            rows.extend(chosen.map(|chosen| {
                let mut row = of(with(chosen, "selected_effect", self.level));
                row.note("Median-unbiased, given that it was chosen for being large.");
                row
            }));
        }
        rows
    }
}

/// The looks at each effect, by experiment and arm, in their order.
type LooksByEffect<'a> = BTreeMap<(Option<&'a str>, Option<&'a str>), Vec<&'a Estimate>>;

fn effect_of(row: &Estimate) -> (Option<&str>, Option<&str>) {
    (row.experiment.as_deref(), row.arm.as_deref())
}

/// The looks of which each is a test of its own; none where the tests are for one look.
fn looks_by_effect<'a>(rows: &[&'a Estimate]) -> LooksByEffect<'a> {
    let mut looks = LooksByEffect::new();
    for row in rows.iter().copied().filter(|row| row.period.is_some() && row.log10_e.is_some()) {
        looks.entry(effect_of(row)).or_default().push(row);
    }
    looks
}

/// Gives an effect the smallest p-value of its looks: evidence that was there once stays.
fn best_look(effect: &mut Estimate, looks: &LooksByEffect<'_>) {
    let own = looks.get(&effect_of(effect)).into_iter().flatten();
    let best = own.filter_map(|row| Some((row.p_value?, row.log10_p, row.log10_e)));
    let Some((p, log10_p, log10_e)) = best.min_by(|one, other| one.0.total_cmp(&other.0)) else { return };
    if effect.p_value.is_none_or(|own| p < own) {
        (effect.p_value, effect.log10_p, effect.log10_e) = (Some(p), log10_p, log10_e);
    }
}

/// Fewest effects from which the share of those that are none is estimated.
const FEWEST_FOR_A_SHARE: usize = 20;

fn with(part: Part, estimator: &str, level: f64) -> Estimate {
    Estimate {
        estimate: Some(part.estimate),
        std_error: Some(part.std_error),
        conf_low: part.conf_low,
        conf_high: part.conf_high,
        level: Some(level),
        alternative: Some("two_sided".to_owned()),
        decides: Some(false),
        estimator: Some(estimator.to_owned()),
        ..Estimate::default()
    }
}

/// The p-value of an estimate that came without one.
fn tail(study: Study) -> Option<f64> {
    TailProbability::two_sided(&Normal, study.z()).map(|tail| tail.p)
}

/// The sums of what was launched: effects on the good side, turned so that more is better.
fn totals(
    studies: &Studies,
    prior: &estimand_stats::posterior::Prior,
    lower_is_better: bool,
    settings: &Settings,
) -> Result<Totals, Error> {
    let side = if lower_is_better { -1.0 } else { 1.0 };
    let turned = studies.iter().map(|study| Study { estimate: side * study.estimate, ..*study }).collect();
    let turned_prior = prior.scaled(side).unwrap_or_else(|| prior.clone());
    let programme = meta::Programme::new(Studies::new(turned)?, settings.threshold)?;
    let naive = programme.naive_total(settings.level)?;
    Ok(Totals {
        launched: naive.launched,
        naive: Part::of_total(naive),
        corrected: Part::of_total(programme.corrected_total(settings.level)?),
        shrunken: Part::of_total(programme.shrunken_total(&turned_prior, settings.level)?),
    })
}

/// After which share of its looks each effect was decided, where every look is a test of its own.
fn looked(mut effects: LooksByEffect<'_>, alpha: f64) -> Option<Looks> {
    effects.retain(|_, looks| looks.len() > 1);
    let first = |looks: &[&Estimate]| looks.iter().position(|row| row.p_value.is_some_and(|p| p < alpha));
    let mut shares: Vec<f64> =
        effects.values().filter_map(|looks| Some((first(looks)? + 1) as f64 / looks.len() as f64)).collect();
    shares.sort_by(f64::total_cmp);
    (!effects.is_empty()).then(|| Looks {
        watched: effects.len(),
        decided: shares.len(),
        median_share: shares.get(shares.len() / 2).copied(),
    })
}
