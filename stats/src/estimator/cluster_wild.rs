//! The rows of the wild cluster bootstrap: every interval is what its test does not reject.

use crate::clustered::{Scores, SignWeights, WildBootstrap, WildTest, not_rejected};
use crate::contrast::reference::mirrored;
use crate::contrast::{DIFFERENCE, Inference, Interval, NO_VARIANCE, UNBOUNDED, at_margin};
use crate::design::Design;
use crate::dist::Alternative;
use crate::estimand::{Direction, Estimand};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::cluster_robust::{ClusterModel, ONE_CLUSTER_ALONE};
use crate::estimator::distributions::{alpha, fill};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::replication::{REPLICATES, SEED, set_interval};

/// Fewer clusters than this in an arm get Webb's factors when nobody chooses: signs alone cannot tell so few from zero.
const FEW_FOR_SIGNS: usize = 10;
/// To what share of four standard errors the ends of a lift are found: each takes the bootstrap anew.
const TOLERANCE: f64 = 1e-4;

pub(super) const SCORES: OptionSpec = OptionSpec {
    name: "scores",
    kind: OptionKind::Choice(&["jackknife", "plain"]),
    default: "jackknife",
    meaning: "What the wild bootstrap puts factors on: restricted residuals of a fit without the cluster (31, WCR-S), or as they are (11, WCR-C).",
};

pub(super) const WEIGHTS: OptionSpec = OptionSpec {
    name: "weights",
    kind: OptionKind::Choice(&["automatic", "rademacher", "webb"]),
    default: "automatic",
    meaning: "Factors of the wild bootstrap: signs (rademacher), Webb's six values, or these when an arm has fewer than 10 clusters and signs otherwise.",
};

/// The rows of the effect, and of the test at the margin.
pub(super) fn rows(
    estimand: &Estimand,
    design: &Design,
    model: &ClusterModel,
    options: &Options,
    inference: &Inference,
) -> Estimates {
    let bootstrap = bootstrap(model, options);
    let mut outcomes = model.means();
    let signs = if bootstrap.weights == SignWeights::Rademacher { "Signs" } else { "Webb's factors" };
    outcomes.notes.push(format!("{signs} are drawn for the bootstrap; its interval takes covariates as given."));
    let wild = Wild { estimand, model, bootstrap };
    let alternative = inference.alternative(estimand);
    let row = |scale: &str, alternative| inference.row(estimand, &outcomes, scale, alternative);
    let test = wild.test(DIFFERENCE);
    let mut absolute = row("absolute", alternative);
    absolute.estimate = outcomes.weighted_mean(&DIFFERENCE);
    wild.absolute(&mut absolute, test.as_ref(), alternative);
    let mut relative = row("relative", alternative);
    wild.relative(&mut relative, test.as_ref(), 0.0, alternative);
    let mut rows = vec![absolute, relative];
    if let Some(margin) = estimand.hypothesis.margin() {
        let alternative = match estimand.direction {
            Direction::Higher => Alternative::Greater,
            Direction::Lower => Alternative::Less,
        };
        let weights = at_margin(estimand, margin, model.mean(false).mean);
        let mut row = row("relative", alternative);
        row.margin = Some(margin);
        row.level = Some(1.0 - (1.0 - design.level) / 2.0);
        wild.relative(&mut row, wild.test(weights).as_ref(), -weights[0] - 1.0, alternative);
        rows.push(row);
    }
    Estimates { rows }
}

fn bootstrap(model: &ClusterModel, options: &Options) -> WildBootstrap {
    WildBootstrap {
        weights: match options.choice(WEIGHTS.name) {
            "rademacher" => SignWeights::Rademacher,
            "webb" => SignWeights::Webb,
            _ if model.fewest < FEW_FOR_SIGNS => SignWeights::Webb,
            _ => SignWeights::Rademacher,
        },
        scores: if options.choice(SCORES.name) == "plain" { Scores::Plain } else { Scores::Jackknife },
        replicates: options.whole(REPLICATES.name).unwrap_or(0),
        seed: options.whole(SEED.name).unwrap_or(0),
    }
}

/// What all rows share.
struct Wild<'a> {
    estimand: &'a Estimand,
    model: &'a ClusterModel,
    bootstrap: WildBootstrap,
}

impl Wild<'_> {
    /// The test of a weighted sum of the means.
    fn test(&self, of_means: [f64; 2]) -> Option<WildTest> {
        self.model.reason.is_none().then(|| self.bootstrap.test(&self.model.fit, &self.model.weights(of_means)))?
    }

    /// Fills in the test of zero; false, with a note, when there is none.
    fn filled(&self, row: &mut Estimate, test: Option<&WildTest>, alternative: Alternative) -> bool {
        let tested = test.and_then(|test| Some((test, test.p_value(0.0, alternative)?)));
        let Some((test, p)) = tested else {
            let flat = self.model.reason.as_deref().or_else(|| {
                let contrast = self.model.fit.contrast(&self.model.weights(DIFFERENCE), Default::default());
                contrast.is_none().then_some(ONE_CLUSTER_ALONE)
            });
            row.note(flat.unwrap_or(NO_VARIANCE));
            return false;
        };
        fill(row, Some(test.statistic(0.0)), p);
        true
    }

    fn absolute(&self, row: &mut Estimate, test: Option<&WildTest>, alternative: Alternative) {
        if !self.filled(row, test, alternative) {
            return;
        }
        let Some(test) = test else { return };
        row.std_error = Some(test.std_error());
        let bound = |side: f64| test.bound(side, alpha(row), alternative);
        let interval = Interval { low: bound(-1.0), high: bound(1.0) }.facing(alternative);
        set_interval(row, interval);
        self.note_open_ends(row, alternative);
    }

    /// Fills in the lift, whose test is that of the sum that is zero at the lift `null`.
    fn relative(&self, row: &mut Estimate, test: Option<&WildTest>, null: f64, alternative: Alternative) {
        let [baseline, arm] = [false, true].map(|treated| self.model.mean(treated).mean.unwrap_or(0.0));
        if baseline == 0.0 {
            row.note("The baseline mean is zero, so there is no relative effect.");
            return;
        }
        if baseline < 0.0 {
            row.note("The baseline mean is negative, so a negative relative effect is a rise.");
        }
        let lift = self.model.means().weighted_mean(&DIFFERENCE).unwrap_or(arm - baseline) / baseline;
        row.estimate = Some(lift).filter(|lift| lift.is_finite());
        if !self.filled(row, test, alternative) {
            return;
        }
        // The standard error of what is zero at the estimate, by the delta method.
        let at_estimate = self.model.weights([-(1.0 + lift), 1.0]);
        let error = self.model.fit.contrast(&at_estimate, crate::clustered::Correction::Cr1s);
        let Some(error) = error.map(|contrast| contrast.variance.sqrt() / baseline.abs()) else { return };
        row.std_error = Some(error).filter(|error| *error > 0.0 && error.is_finite());
        let Some(step) = row.std_error.map(|error| 4.0 * error) else {
            row.note(NO_VARIANCE);
            return;
        };
        let of_baseline = self.test([1.0, 0.0]).and_then(|test| test.p_value(0.0, Alternative::TwoSided));
        let level = if alternative == Alternative::TwoSided { alpha(row) } else { 2.0 * alpha(row) };
        if of_baseline.is_none_or(|tail| tail.p >= level) {
            row.note(UNBOUNDED);
            return;
        }
        let p_value = |lift: f64| Some(self.test([-(1.0 + lift), 1.0])?.p_value(0.0, alternative)?.p);
        let bound = |side: f64| not_rejected(lift, side * step, TOLERANCE, null, alpha(row), p_value);
        let side = if baseline < 0.0 { mirrored(alternative) } else { alternative };
        let interval = match side {
            Alternative::TwoSided => Interval { low: bound(-1.0), high: bound(1.0) },
            Alternative::Greater => Interval { low: bound(-1.0), high: None },
            Alternative::Less => Interval { low: None, high: bound(1.0) },
        };
        set_interval(row, interval);
        self.note_open_ends(row, side);
    }

    /// Says so when the replicates can reject nothing on a side.
    fn note_open_ends(&self, row: &mut Estimate, alternative: Alternative) {
        let open = match alternative {
            Alternative::TwoSided => row.conf_low.is_none() || row.conf_high.is_none(),
            Alternative::Greater => row.conf_low.is_none(),
            Alternative::Less => row.conf_high.is_none(),
        };
        if open {
            let unit = &self.estimand.unit;
            row.note(&format!(
                "There are too few clusters of {unit}, or replicates, to reject at this level: the interval is open."
            ));
        }
    }
}
