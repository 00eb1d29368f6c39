//! Normal-model Bayes on the difference and the lift.

use crate::contrast::{Inference, LIFT_OVER};
use crate::design::Design;
use crate::dist::{Alternative, Continuous, Normal};
use crate::error::Error;
use crate::estimand::{Direction, Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::credible::{INTERVAL, ROPE, ROPE_SCALE, Reading};
use crate::estimator::option::{OptionKind, OptionSpec};
use crate::estimator::ratio::COVARIATES;
use crate::estimator::regression_adjustment::{SLOPE, variables};
use crate::estimator::{Estimator, answer, prepare, usual_model};
use crate::posterior::{NormalMixture, Prior};
use crate::potential_outcomes::{LinearContrast, PotentialOutcomes};
use crate::requirement::Requirements;
use crate::sample::Sample;

/// Updates a prior for the effect by its estimate, taken as normal with a known standard error.
///
/// `δ̂ | δ ~ N(δ, se²)`: under a flat prior `δ | δ̂ ~ N(δ̂, se²)`; under `N(m, s²)` the mean is
/// `(m/s² + δ̂/se²)·v` with `1/v = 1/s² + 1/se²`; under Student's t or a mixture of normals it is a mixture of such
/// posteriors. The means are those of the usual model of the metric: adjusted when there are covariates, ratios by
/// linearisation. The lift has the standard error of the delta method.
///
/// - **Needs** the joint moments of outcome and covariates per arm.
/// - **Gives** on each scale the posterior mean and standard deviation, the credible interval, the probability to beat
///   the baseline, the expected loss of either choice, and with `rope` the probability of an effect too small to
///   matter. A guardrail's row at its margin has the probability of not being worse by so much. There is no p-value.
///   Flat, or with `prior=normal:0:0.3`, these are the numbers of GrowthBook's Bayesian engine.
/// - **Assumes** enough units that the estimate is near normal and its standard error near true; a prior chosen before
///   looking.
/// - **Errors** as the trait says; without a standard error, or with one of zero, the row has no posterior and a note.
/// - **Source** Gelman et al. (2013), section 2.5; Deng (2015) on priors for experiments.
#[derive(Debug)]
pub struct Bayes;

const PRIOR: OptionSpec = OptionSpec {
    name: "prior",
    kind: OptionKind::Prior,
    default: "flat",
    meaning: "What was believed of the effect before, on `prior_scale`.",
};

const PRIOR_SCALE: OptionSpec = OptionSpec {
    name: "prior_scale",
    kind: OptionKind::Choice(&["absolute", "relative"]),
    default: "relative",
    meaning: "Scale of `prior`: the unit of the metric, or a share of the baseline mean.",
};

/// Degrees of freedom below which taking the standard error as known is worth a word.
const FEW: f64 = 30.0;

impl Estimator for Bayes {
    fn name(&self) -> &str {
        "bayes"
    }

    fn summary(&self) -> &str {
        "The posterior of the difference and the lift under a normal model and a stated prior, flat unless given."
    }

    fn assumes(&self) -> &str {
        "The estimate is near normal with a standard error near true, and the prior was chosen before looking."
    }

    fn source(&self) -> &str {
        "Gelman et al. (2013), Bayesian Data Analysis, section 2.5; Deng (2015), WWW Companion."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean, SummaryKind::Proportion, SummaryKind::Ratio]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[COVARIATES, INTERVAL, LIFT_OVER, PRIOR, PRIOR_SCALE, ROPE, ROPE_SCALE, SLOPE] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        let (options, _) = prepare(self, estimand, design)?;
        usual_model::check(self.name(), estimand, design, &options)?;
        Ok(Requirements::comoments(variables(estimand, design)))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        usual_model::check(self.name(), estimand, design, &options)?;
        let outcomes = usual_model::outcomes(estimand, design, sample, &options)?;
        let model = NormalModel {
            reading: Reading::of(design, &options),
            prior: options.choice(PRIOR.name).parse().unwrap_or_default(),
            prior_is_absolute: options.choice(PRIOR_SCALE.name) == "absolute",
            inference: &inference,
            estimand,
            outcomes: &outcomes,
            critical: Normal.isf((1.0 - design.level) / 2.0).unwrap_or(0.0),
        };
        let mut rows = vec![model.absolute(), model.relative(None)];
        rows.extend(estimand.hypothesis.margin().map(|margin| model.relative(Some(margin))));
        Ok(answer(self, &options, Estimates { rows }))
    }
}

/// One question with its means and its prior.
struct NormalModel<'a> {
    reading: Reading,
    prior: Prior,
    prior_is_absolute: bool,
    inference: &'a Inference,
    estimand: &'a Estimand,
    outcomes: &'a PotentialOutcomes,
    /// How many standard errors from zero a baseline mean must be for a lift to be near normal.
    critical: f64,
}

impl NormalModel<'_> {
    fn absolute(&self) -> Estimate {
        let side = self.inference.alternative(self.estimand);
        let mut row = self.inference.row(self.estimand, self.outcomes, "absolute", side);
        let Some(difference) = self.outcomes.contrast(&[-1.0, 1.0]) else { return row };
        let prior = if self.prior_is_absolute {
            Some(self.prior.clone())
        } else {
            row.mean_baseline.and_then(|mean| self.prior.scaled(mean))
        };
        if let Some(posterior) = posterior(&mut row, prior, difference.estimate, difference.variance) {
            self.reading.fill(&mut row, &posterior, self.estimand, side, false);
            note_few(&mut row, difference);
        }
        row
    }

    /// The lift, or the lift at a margin.
    fn relative(&self, margin: Option<f64>) -> Estimate {
        let side = match (margin, self.estimand.direction) {
            (None, _) => self.inference.alternative(self.estimand),
            (Some(_), Direction::Higher) => Alternative::Greater,
            (Some(_), Direction::Lower) => Alternative::Less,
        };
        let mut row = self.inference.row(self.estimand, self.outcomes, "relative", side);
        row.margin = margin;
        let lift = self.inference.start_lift(&mut row, self.outcomes);
        (row.estimate, row.std_error, row.df) = (None, None, None);
        let (Some((difference, lift)), Some(mean_0)) = (lift, row.mean_baseline) else { return row };
        let prior = if self.prior_is_absolute { self.prior.scaled(mean_0.recip()) } else { Some(self.prior.clone()) };
        let Some(posterior) = posterior(&mut row, prior, lift.lift, lift.variance()) else { return row };
        let turned = mean_0 < 0.0;
        match margin {
            None => self.reading.fill(&mut row, &posterior, self.estimand, side, turned),
            Some(margin) => self.reading.fill_at_margin(&mut row, &posterior, self.estimand, margin, turned),
        }
        note_few(&mut row, difference);
        if self.outcomes.covariance(0, 0).is_some_and(|var_0| mean_0.abs() <= self.critical * var_0.sqrt()) {
            row.note("The baseline mean is not distinguishable from zero, so the lift is not near normal.");
        }
        row
    }
}

/// The posterior of an effect, or the note that says why there is none.
fn posterior(row: &mut Estimate, prior: Option<Prior>, estimate: f64, variance: f64) -> Option<NormalMixture> {
    let Some(prior) = prior else {
        row.note("The baseline mean is zero, so a prior for the relative effect says nothing of the absolute one.");
        return None;
    };
    let posterior = prior.posterior(estimate, variance.sqrt());
    if posterior.is_none() {
        let reason = if variance == 0.0 {
            "The estimated variance is zero, so there is no posterior."
        } else {
            "The posterior leaves the range of numbers."
        };
        row.note(reason);
    }
    posterior
}

/// Says so when the standard error is an estimate from few units.
fn note_few(row: &mut Estimate, difference: LinearContrast) {
    if let Some(df) = difference.df.filter(|df| *df < FEW) {
        row.note(&format!("The standard error is taken as known, but has {df:.1} degrees of freedom: too narrow."));
    }
}
