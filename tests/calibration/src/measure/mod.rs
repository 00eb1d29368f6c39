//! What is measured: errors, rejections and coverage over replicates.
//!
//! | file | holds |
//! |---|---|
//! | `fixed` | one look: size, power, coverage, bias |
//! | `looks` | many looks: any rejection, coverage at all of them |
//! | `tally` | what replicates add up to |
//! | `under_prior` | effects drawn from a prior |
//!
//! Replicate `r` of a scenario draws from stream `r` of a generator seeded by the scenario's name, so its numbers do
//! not depend on other scenarios, on the estimators that are asked, or on threads.

mod fixed;
mod looks;
mod tally;
mod under_prior;

use estimand_stats::requirement::Requirements;
use estimand_stats::threads::in_order;
use estimand_stats::{Design, Estimand, Estimate, Estimates, Estimator, Sample, estimator};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

pub use looks::PLANNED_LOOKS;

use crate::fault::Fault;
use crate::promise::{self, Case, Claim, Declaration, Measure, Variant};
use crate::scenario::{Scale, Scenario, Shape, Size};
use crate::setting::Setting;

/// An estimator with what is promised of it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The estimator.
    pub estimator: &'a dyn Estimator,
    /// Its declaration.
    pub declaration: &'a Declaration,
}

/// Every built-in estimator with its declaration.
///
/// # Errors
/// [`Fault::Undeclared`] for one that has none.
pub fn subjects() -> Result<Vec<Subject<'static>>, Fault> {
    let subject = |estimator: &'static dyn Estimator| {
        let declaration =
            promise::of(estimator.name()).ok_or_else(|| Fault::Undeclared(estimator.name().to_owned()))?;
        Ok(Subject { estimator, declaration })
    };
    estimator::ALL.iter().copied().map(subject).collect()
}

/// One measured number with what is promised of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// Name of the estimator.
    pub estimator: String,
    /// Name of the options, or of the prior.
    pub variant: String,
    /// Name of the shape.
    pub shape: String,
    /// Units of the control arm.
    pub n_control: usize,
    /// Units of the treated arm.
    pub n_treated: usize,
    /// Scale of the row.
    pub scale: &'static str,
    /// What is measured.
    pub measure: &'static str,
    /// The nominal level in it.
    pub nominal: Option<f64>,
    /// Looks that were taken, where there are several.
    pub looks: Option<usize>,
    /// The number.
    pub value: f64,
    /// How many replicates it is of.
    pub replicates: u64,
    /// How often it happened, of a rate.
    pub count: Option<u64>,
    /// Standard error of the number, of a mean.
    pub std_error: Option<f64>,
    /// Share of intervals that lie wholly below the effect, of coverage.
    pub below: Option<f64>,
    /// Share of intervals that lie wholly above the effect, of coverage.
    pub above: Option<f64>,
    /// What is promised of it.
    #[serde(skip)]
    pub claim: Claim,
}

/// Everything that the setting asks for. `progress` is told each scenario as it starts.
///
/// # Errors
/// [`Fault`] for a declaration that does not fit its estimator.
pub fn run(
    subjects: &[Subject<'_>],
    shapes: &[Shape],
    setting: &Setting,
    progress: &dyn Fn(&str),
) -> Result<Vec<Measured>, Fault> {
    let mut measured = Vec::new();
    for shape in shapes {
        for size in &setting.sizes {
            progress(&format!("{}, {} units {}", shape.name, size.total, size.split()));
            measured.extend(fixed::run(subjects, shape, *size, setting)?);
        }
        for size in setting.looked_at.iter().filter(|_| looks::SHAPES.contains(&shape.name)) {
            progress(&format!("{}, {} units {}, at looks", shape.name, size.total, size.split()));
            measured.extend(looks::run(subjects, shape, *size, setting)?);
        }
    }
    progress("effects drawn from priors");
    measured.extend(under_prior::run(subjects, setting)?);
    Ok(measured)
}

/// An answer that is asked for in one of so many replicates is dear.
const DEAR: u64 = 20;

/// Replicates of one piece of work: few enough to share evenly, enough to add up cheaply.
const PIECE: u64 = 20;

/// Does each replicate, threads sharing the pieces; gives what each piece added up to, in order.
fn replicates<T: Send>(
    setting: &Setting,
    count: u64,
    piece: impl Fn(std::ops::Range<u64>) -> Result<T, Fault> + Sync,
) -> Result<Vec<T>, Fault> {
    let starts: Vec<u64> = (0..count).step_by(PIECE as usize).collect();
    in_order(setting.threads, &starts, |start| piece(*start..(start + PIECE).min(count))).into_iter().collect()
}

/// The random numbers of one replicate of a scenario.
fn stream(setting: &Setting, scenario: &str, replicate: u64) -> ChaCha8Rng {
    // FNV-1a: any fixed map from names to seeds does.
    let name = scenario
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut random = ChaCha8Rng::seed_from_u64(setting.seed ^ name);
    random.set_stream(replicate);
    random
}

/// One way to ask one estimator.
struct Ask<'a> {
    subject: Subject<'a>,
    name: &'a str,
    options: &'a [(&'static str, &'static str)],
    /// One in so many replicates is asked about.
    one_in: u64,
    question: Estimand,
    needs: Requirements,
}

impl<'a> Ask<'a> {
    fn of(subject: Subject<'a>, variant: &'a Variant, scenario: &Scenario) -> Result<Self, Fault> {
        Self::with(subject, (variant.name, variant.options, variant.one_in), scenario)
    }

    fn with(
        subject: Subject<'a>,
        (name, options, one_in): (&'a str, &'a [(&'static str, &'static str)], u64),
        scenario: &Scenario,
    ) -> Result<Self, Fault> {
        let question = scenario.question();
        let design = promise::design(options, scenario, 0.95, 0, None);
        let needs = subject.estimator.requires(&question, &design).map_err(|error| Fault::Refused {
            estimator: subject.estimator.name().to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { subject, name, options, one_in, question, needs })
    }

    fn design(&self, scenario: &Scenario, level: f64, replicate: u64, looks: Option<(&str, bool)>) -> Design {
        promise::design(self.options, scenario, level, replicate, looks)
    }

    /// The rows of the effect itself by scale; none of an estimator that refuses the sample.
    fn answer(&self, design: &Design, sample: &Sample) -> [Option<Estimate>; 2] {
        let answer = self.subject.estimator.estimate(&self.question, design, sample);
        let Ok(Estimates { rows }) = answer else { return [None, None] };
        let mut by_scale = [None, None];
        for row in rows.into_iter().filter(|row| row.term.is_none() && row.margin.is_none()) {
            let at = Scale::ALL.iter().position(|scale| row.scale.as_deref() == Some(scale.name()));
            if let Some(place) = at.and_then(|at| by_scale.get_mut(at)) {
                *place = Some(row);
            }
        }
        by_scale
    }

    /// Whether replicate `number` is one that this estimator is asked about.
    fn takes(&self, number: u64) -> bool {
        number.is_multiple_of(self.one_in)
    }

    /// Whether intervals are asked for at every level, or at the usual one alone: where an answer is dear, or options
    /// differ from the first ones.
    fn at_all_levels(&self) -> bool {
        let first = self.subject.declaration.variants.first().is_some_and(|variant| variant.name == self.name);
        self.one_in < DEAR && first
    }

    fn truth(&self, scenario: &Scenario, scale: Scale) -> Option<f64> {
        (self.subject.declaration.truth)(scenario, scale, self.name)
    }

    /// A number of this estimator in a scenario, with what is promised of it.
    fn measured(&self, scenario: &Scenario, scale: Scale, measure: Measure, value: f64, replicates: u64) -> Measured {
        let [n_control, n_treated] = scenario.size.units();
        Measured {
            estimator: self.subject.estimator.name().to_owned(),
            variant: self.name.to_owned(),
            shape: scenario.shape.name.to_owned(),
            n_control,
            n_treated,
            scale: scale.name(),
            measure: measure.name(),
            nominal: measure.nominal(),
            looks: None,
            value,
            replicates,
            count: None,
            std_error: None,
            below: None,
            above: None,
            claim: (self.subject.declaration.claim)(&Case { scenario, variant: self.name, scale, measure }),
        }
    }

    /// A rate of this estimator in a scenario.
    fn rate(&self, scenario: &Scenario, scale: Scale, measure: Measure, count: u64, replicates: u64) -> Measured {
        let rate = count as f64 / replicates as f64;
        Measured { count: Some(count), ..self.measured(scenario, scale, measure, rate, replicates) }
    }
}

/// Whether an estimator reads the covariates of a scenario: else it has been measured without them.
fn reads_covariates(subject: Subject<'_>, variant: &Variant, scenario: &Scenario) -> bool {
    let question = scenario.question();
    let with = promise::design(variant.options, scenario, 0.95, 0, None);
    let without = Design { covariates: Vec::new(), ..with.clone() };
    let needs = |design: &Design| subject.estimator.requires(&question, design).ok();
    with.covariates.is_empty() || needs(&with) != needs(&without)
}

/// The variants of every subject that make sense of a scenario.
fn asks<'a>(
    subjects: &[Subject<'a>],
    scenario: &Scenario,
    variants: impl Fn(&'a Declaration) -> &'a [Variant],
) -> Result<Vec<Ask<'a>>, Fault> {
    let mut asks = Vec::new();
    for subject in subjects.iter().copied() {
        let serves = subject.estimator.serves().contains(&scenario.shape.kind);
        if !serves || !(subject.declaration.fits)(scenario) {
            continue;
        }
        for variant in variants(subject.declaration) {
            if scenario.size.total <= variant.most_units && reads_covariates(subject, variant, scenario) {
                asks.push(Ask::of(subject, variant, scenario)?);
            }
        }
    }
    Ok(asks)
}

/// The union of what some asks need.
fn union<'a>(asks: impl Iterator<Item = &'a Ask<'a>>) -> Requirements {
    asks.fold(Requirements::default(), |all, ask| all.union(ask.needs.clone()))
}

/// The size of a scenario, for names of streams.
fn place(shape: &Shape, size: Size, what: &str) -> String {
    format!("{} {} {} {what}", shape.name, size.total, size.share)
}
