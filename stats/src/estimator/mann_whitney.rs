//! The Mann–Whitney test with Hodges and Lehmann's shift.

use crate::contrast::Interval;
use crate::design::Design;
use crate::dist::Alternative;
use crate::empirical::Empirical;
use crate::error::Error;
use crate::estimand::{Estimand, SummaryKind};
use crate::estimate::{Estimate, Estimates};
use crate::estimator::distributions::{Distributions, Rows, TwoSamples, alpha, fill, requirements, tail};
use crate::estimator::option::{OptionKind, OptionSpec, Options};
use crate::estimator::{Estimator, answer, prepare};
use crate::ranks::{Acceptance, ExactRankSum, MOST_PAIRS, Pairs, Pairwise, RankSum, Superiority};
use crate::requirement::Requirements;
use crate::sample::Sample;

/// Tests whether one arm tends to larger values, and estimates by how much, from ranks alone.
///
/// The effect is Hodges and Lehmann's: the median difference of a treated and a control unit; relative, their median
/// ratio. The interval holds the shifts that the test does not reject, with the ties as observed. A row of its own, the
/// term `superiority`, has the probability that a treated unit has the larger value, ties counting half, with Brunner
/// and Munzel's interval: with many ties, such as zeros, that is what the test is about and the shift may be 0.
///
/// | `method` | test | assumes under the hypothesis |
/// | --- | --- | --- |
/// | `exact` | all assignments counted, ties as they are; up to 2,500 pairs | equal distributions |
/// | `normal` | the normal approximation with the variance given the ties | equal distributions |
/// | `brunner_munzel` | Brunner and Munzel's t | neither arm tends to larger values |
/// | `auto` | `exact` up to 2,500 pairs, then `normal` | equal distributions |
///
/// - **Needs** the distinct values of the outcome per arm, with counts.
/// - **Gives** the shift in the unit of the metric; the ratio only where all values are positive. `mean` holds the
///   medians of the arms. A guardrail compares with the baseline values times `1 − δ`, of outcomes not below zero.
/// - **Assumes** independent units; for the shift, that the treatment moves every value by the same amount.
/// - **Errors** as the trait says; units that are all tied give rows without a test and a note.
/// - **Source** Mann & Whitney (1947); Hodges & Lehmann (1963); Lehmann (1975), chapters 1 and 2; Brunner & Munzel
///   (2000).
#[derive(Debug)]
pub struct MannWhitney;

const CONTINUITY: OptionSpec = OptionSpec {
    name: "continuity",
    kind: OptionKind::Flag,
    default: "true",
    meaning: "Whether the normal approximation is corrected by one half of a count.",
};

const METHOD: OptionSpec = OptionSpec {
    name: "method",
    kind: OptionKind::Choice(&["auto", "brunner_munzel", "exact", "normal"]),
    default: "auto",
    meaning: "The test: exact up to 2,500 pairs of units and normal beyond (auto), or the one named.",
};

impl Estimator for MannWhitney {
    fn name(&self) -> &str {
        "mann_whitney"
    }

    fn summary(&self) -> &str {
        "Whether one arm tends to larger values, and the median difference of two units, from ranks alone."
    }

    fn assumes(&self) -> &str {
        "Units are independent; without an effect both arms have one distribution, and an effect moves every value alike."
    }

    fn source(&self) -> &str {
        "Mann & Whitney (1947), Annals of Mathematical Statistics 18; Hodges & Lehmann (1963), ibid. 34; Brunner & Munzel (2000), Biometrical Journal 42."
    }

    fn serves(&self) -> &[SummaryKind] {
        &[SummaryKind::Mean]
    }

    fn options(&self) -> &[OptionSpec] {
        const { &[CONTINUITY, METHOD] }
    }

    fn requires(&self, estimand: &Estimand, design: &Design) -> Result<Requirements, Error> {
        prepare(self, estimand, design)?;
        Ok(requirements(estimand))
    }

    fn estimate(&self, estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Estimates, Error> {
        let (options, inference) = prepare(self, estimand, design)?;
        let mut arms = Distributions::of(estimand, sample)?;
        let samples = arms.both();
        let outcomes = arms.outcomes(|law| law.quantile(0.5));
        let rows =
            Rows { inference: &inference, estimand, outcomes: &outcomes, level: design.level, name: "hodges_lehmann" };
        Ok(answer(self, &options, effects(&rows, samples, &options)))
    }
}

fn effects(rows: &Rows<'_>, samples: Option<TwoSamples<'_>>, options: &Options) -> Estimates {
    let mut effects = vec![rows.row("absolute"), rows.row("relative")];
    let margin = rows.estimand.hypothesis.margin();
    effects.extend(margin.map(|margin| rows.margin_row(margin).0));
    let mut superiority = rows.row("absolute");
    superiority.term = Some("superiority".to_owned());
    superiority.estimand = Some("superiority".to_owned());
    if let Some(samples) = samples {
        let test = RankTest::of(samples, options);
        shift(&mut effects[0], &test, Pairwise::Difference, rows.alternative());
        shift(&mut effects[1], &test, Pairwise::Lift, rows.alternative());
        if let Some(margin) = margin {
            non_inferiority(rows, &mut effects[2], samples, options, margin);
        }
        superior(&mut superiority, samples, rows.alternative());
    }
    effects.push(superiority);
    Estimates { rows: effects }
}

/// Fills in the shift or the ratio with the test and the interval that inverts it.
fn shift(row: &mut Estimate, test: &RankTest<'_>, of: Pairwise, alternative: Alternative) {
    let Some(pairs) = Pairs::new(test.samples.treated, test.samples.control, of) else {
        row.note(match of {
            Pairwise::Lift => NOT_POSITIVE,
            Pairwise::Difference => "A difference of two units leaves the range of numbers.",
        });
        return;
    };
    row.estimate = pairs.median();
    test.fill(row, alternative);
    let Some(accepted) = test.acceptance(alpha(row), alternative) else { return };
    let interval = pairs.interval(accepted);
    set(row, interval);
    if test.method == "brunner_munzel" {
        row.note(AS_THEY_LIE);
    }
    if row.p_value.is_some_and(|p| p < alpha(row)) && !interval.excludes(0.0) {
        row.note(
            "With so many tied units the shift can be 0 where the test rejects: see the probability of superiority.",
        );
    }
}

const AS_THEY_LIE: &str = "The interval takes the variance of the ranks as the arms lie, not as they would at the shift: far from zero, and with arms \
     of very different size, it covers less than it says.";

const NOT_POSITIVE: &str =
    "The relative effect is the median ratio of two units, which needs values above zero in both arms.";

fn set(row: &mut Estimate, interval: Interval) {
    (row.conf_low, row.conf_high) = (interval.low, interval.high);
    if interval == Interval::default() {
        row.note("So few units bound the effect on no side at this level.");
    }
}

/// Tests the treated values against the baseline values times the factor of the margin.
fn non_inferiority(rows: &Rows<'_>, row: &mut Estimate, samples: TwoSamples<'_>, options: &Options, margin: f64) {
    let (_, alternative, factor) = rows.margin_row(margin);
    let negative = |law: Empirical<'_>| law.range().is_some_and(|(low, _)| low < 0.0);
    if negative(samples.treated) || negative(samples.control) {
        row.note("A margin on ranks scales the baseline values, which needs outcomes not below zero.");
        return;
    }
    let (values, counts) = samples.control_times(factor);
    let Ok(control) = Empirical::new(&values, &counts) else {
        row.note("The baseline values at the margin leave the range of numbers.");
        return;
    };
    let test = RankTest::of(TwoSamples { treated: samples.treated, control }, options);
    test.fill(row, alternative);
    let Some(pairs) = Pairs::new(samples.treated, control, Pairwise::Lift) else {
        row.note(NOT_POSITIVE);
        return;
    };
    let over_baseline = |lift: f64| (1.0 + lift) * factor - 1.0;
    row.estimate = pairs.median().map(over_baseline);
    if let Some(accepted) = test.acceptance(alpha(row), alternative) {
        let interval = pairs.interval(accepted);
        set(row, Interval { low: interval.low.map(over_baseline), high: interval.high.map(over_baseline) });
    }
}

/// Fills in the probability of superiority, with the test that it is one half.
fn superior(row: &mut Estimate, samples: TwoSamples<'_>, alternative: Alternative) {
    let Some(superiority) = Superiority::of(samples.treated, samples.control) else { return };
    (row.mean, row.mean_baseline) = (None, None);
    row.estimate = Some(superiority.probability);
    (row.std_error, row.df) = (superiority.std_error, superiority.df);
    match superiority.test(alternative) {
        Some(test) => fill(row, Some(test.statistic), test.tail),
        None => row.note(NO_PLACEMENTS),
    }
    if let Some(interval) = superiority.interval(tail(row, alternative), alternative) {
        set(row, interval);
    }
}

const NO_PLACEMENTS: &str =
    "The arms do not overlap, are all tied or have one unit, so Brunner and Munzel's variance is undefined.";

/// The test that the options ask for.
struct RankTest<'a> {
    samples: TwoSamples<'a>,
    method: &'static str,
    continuity: bool,
    exact: Option<ExactRankSum>,
}

impl<'a> RankTest<'a> {
    fn of(samples: TwoSamples<'a>, options: &Options) -> Self {
        let exact = || ExactRankSum::of(samples.treated, samples.control);
        let (method, exact) = match options.choice(METHOD.name) {
            "brunner_munzel" => ("brunner_munzel", None),
            "normal" => ("normal", None),
            "exact" => ("exact", exact()),
            _ => match exact() {
                Some(exact) => ("exact", Some(exact)),
                None => ("normal", None),
            },
        };
        Self { samples, method, continuity: options.flag(CONTINUITY.name), exact }
    }

    /// Whether all units have one value: no assignment then differs from another.
    fn all_tied(&self) -> bool {
        self.samples.treated.range() == self.samples.control.range()
            && self.samples.treated.range().is_some_and(|(low, high)| low == high)
    }

    fn fill(&self, row: &mut Estimate, alternative: Alternative) {
        if self.all_tied() {
            row.note("All units have the same value, so the test is undefined.");
            return;
        }
        let TwoSamples { treated, control } = self.samples;
        let test = match self.method {
            "exact" => match &self.exact {
                Some(exact) => Some((RankSum::of(treated, control).map(|ranks| ranks.u()), exact.p_value(alternative))),
                None => {
                    row.note(&format!(
                        "`method=exact` counts assignments up to {MOST_PAIRS} pairs of units; there `normal` agrees with it."
                    ));
                    return;
                }
            },
            "brunner_munzel" => Superiority::of(treated, control)
                .and_then(|superiority| superiority.test(alternative))
                .map(|test| (Some(test.statistic), test.tail)),
            _ => RankSum::of(treated, control)
                .and_then(|ranks| ranks.normal_test(alternative, self.continuity))
                .map(|test| (Some(test.statistic), test.tail)),
        };
        match test {
            Some((statistic, tail)) => fill(row, statistic, tail),
            None => row.note(NO_PLACEMENTS),
        }
    }

    fn acceptance(&self, alpha: f64, alternative: Alternative) -> Option<Acceptance> {
        if self.all_tied() {
            return None;
        }
        let TwoSamples { treated, control } = self.samples;
        match self.method {
            "exact" => self.exact.as_ref().map(|exact| exact.acceptance(alpha, alternative)),
            "brunner_munzel" => Superiority::of(treated, control)?.acceptance(alpha, alternative),
            _ => RankSum::of(treated, control)?.acceptance(alpha, alternative, self.continuity),
        }
    }
}
