//! The units of a question as they were assigned: all together, within strata, in clusters.

use crate::design::Design;
use crate::empirical::Empirical;
use crate::error::Error;
use crate::estimand::Estimand;
use crate::potential_outcomes::{ArmMean, PotentialOutcomes, VarianceComponent};
use crate::requirement::{Requirements, Variable};
use crate::resampling::{ClusterStratum, ClusterTotal, Permutation, Stratum};
use crate::sample::Sample;
use crate::suffstat::Compressed;

/// What [`Assigned::of`] reads: strata and clusters where the design names them.
pub(super) fn requirements(estimand: &Estimand, design: &Design) -> Requirements {
    let (features, outcomes) = variables(estimand, design);
    Requirements::compressed(features, outcomes)
}

/// Features and outcomes: with clusters their units and means, without them every distinct outcome.
fn variables(estimand: &Estimand, design: &Design) -> (Vec<Variable>, Vec<Variable>) {
    let outcome = estimand.summary.variables();
    let groups = design.stratum.iter().chain(&design.cluster).cloned();
    match design.cluster {
        Some(_) => (groups.collect(), outcome),
        None => (groups.chain(outcome).collect(), Vec::new()),
    }
}

/// The units as they were assigned, the strata with units in one arm only left out.
#[derive(Debug)]
pub(super) struct Assigned {
    strata: Vec<Group>,
    names: [String; 2],
    notes: Vec<String>,
    /// Whether the outcomes of clusters are kept, not those of units.
    clustered: bool,
}

/// One stratum, or all units: its arms, the baseline first.
#[derive(Debug, Clone, Default)]
struct Group {
    code: f64,
    arms: [Outcomes; 2],
}

/// The distinct outcomes of units with their counts, or the means of clusters with their units.
#[derive(Debug, Clone, Default)]
struct Outcomes {
    values: Vec<f64>,
    counts: Vec<u64>,
}

impl Assigned {
    /// Of both arms of the estimand. Units without a value are counted in a note.
    ///
    /// # Errors
    /// [`Error::UnknownArm`], [`Error::Missing`].
    pub fn of(estimand: &Estimand, design: &Design, sample: &Sample) -> Result<Self, Error> {
        let (features, outcomes) = variables(estimand, design);
        let names = [estimand.baseline_arm.clone(), estimand.arm.clone()];
        let (mut notes, mut strata) = (Vec::new(), Vec::<Group>::new());
        let mut units = [0, 0];
        for (at, name) in names.iter().enumerate() {
            let arm = sample.arm(&estimand.metric, name)?;
            let kept = arm.compressed(&estimand.metric, &features, &outcomes)?;
            units[at] = kept.units();
            let left_out = arm.units.saturating_sub(units[at]);
            if left_out > 0 {
                notes
                    .push(format!("{left_out} of {} units of arm `{name}` have no value and are left out.", arm.units));
            }
            if units[at] == 0 {
                notes.push(format!("Arm `{name}` has no units with a value."));
            }
            gather(&mut strata, kept, at, design);
        }
        let mut assigned = Self { strata, names, notes, clustered: design.cluster.is_some() };
        if units.iter().all(|units| *units > 0) {
            assigned.leave_out_single_arms();
            assigned.describe();
        }
        Ok(assigned)
    }

    fn leave_out_single_arms(&mut self) {
        let empty = |group: &Group| group.arms.iter().any(|arm| arm.counts.is_empty());
        let left_out: Vec<u64> = self.strata.iter().filter(|group| empty(group)).map(Group::units).collect();
        self.strata.retain(|group| !empty(group));
        if !left_out.is_empty() {
            let (strata, units) = (left_out.len(), left_out.iter().sum::<u64>());
            self.notes.push(format!(
                "{strata} strat{} with {units} unit{} of one arm only: left out.",
                if strata == 1 { "um" } else { "a" },
                if units == 1 { "" } else { "s" }
            ));
        }
        if self.strata.is_empty() {
            self.notes.push("No stratum has units in both arms.".to_owned());
        }
    }

    /// Says how the assignment is drawn anew, where it is not among all units.
    fn describe(&mut self) {
        let strata = self.strata.len();
        let within = if strata > 1 { format!(" within {strata} strata") } else { String::new() };
        if self.clustered {
            let of = |arm: usize| self.strata.iter().map(|group| group.arms[arm].counts.len()).sum::<usize>();
            let [baseline, arm] = [of(0), of(1)];
            let [name_0, name_1] = &self.names;
            self.notes.push(format!(
                "Whole clusters are drawn anew{within}: {arm} in arm `{name_1}`, {baseline} in `{name_0}`."
            ));
        } else if strata > 1 {
            self.notes.push(format!("Units are drawn anew{within}."));
        }
    }

    /// Whether one of several strata has one unit, or one cluster, in an arm: of its variance nothing is known.
    pub fn has_single_places(&self) -> bool {
        let places = |arm: &Outcomes| if self.clustered { arm.counts.len() as u64 } else { arm.units() };
        self.strata.len() > 1 && self.strata.iter().flat_map(|group| &group.arms).any(|arm| places(arm) == 1)
    }

    /// The test, with the baseline outcomes times a factor; `None` when no stratum has units in both arms, or the
    /// outcomes leave the range of numbers.
    pub fn test(&self, factor: f64, studentised: bool, replicates: u64, seed: u64) -> Option<Permutation> {
        if self.clustered {
            let strata: Vec<ClusterStratum> = self.strata.iter().map(|group| group.clusters(factor)).collect();
            let finite = |cluster: &ClusterTotal| cluster.sum.is_finite();
            let mut all = strata.iter().flat_map(|stratum| stratum.treated.iter().chain(&stratum.control));
            return all.all(finite).then(|| Permutation::of_clusters(&strata, studentised, replicates, seed))?;
        }
        let scaled: Vec<Outcomes> = self.strata.iter().map(|group| group.arms[0].times(factor)).collect();
        let strata: Option<Vec<Stratum<'_>>> = self
            .strata
            .iter()
            .zip(&scaled)
            .map(|(group, control)| Some(Stratum { treated: group.arms[1].law()?, control: control.law()? }))
            .collect();
        Permutation::of(&strata?, studentised, replicates, seed)
    }

    /// The means of both arms over strata, weighted by their units, with the variance of each.
    pub fn outcomes(&self) -> PotentialOutcomes {
        let both = !self.strata.is_empty()
            && self.strata.iter().all(|group| group.arms.iter().all(|arm| !arm.counts.is_empty()));
        let total: u64 = self.strata.iter().map(Group::units).sum();
        let of_arm = |at: usize| {
            let (mut mean, mut variance, mut own) = (0.0, 0.0, 0);
            for group in &self.strata {
                let units = group.arms[at].units();
                let Some((own_mean, own_variance)) = group.mean_and_variance(at, self.clustered) else { continue };
                own += units;
                // An arm alone has its plain mean.
                let share = if both { group.units() as f64 / total as f64 } else { units as f64 };
                mean += share * own_mean;
                variance += share * share * own_variance;
            }
            let mean = if both { Some(mean) } else { (own > 0).then(|| mean / own as f64) };
            (ArmMean { arm: self.names[at].clone(), n: own, mean, rest: 0.0, unadjusted: None }, variance)
        };
        let [(zero, variance_0), (one, variance_1)] = [of_arm(0), of_arm(1)];
        let component = |arm: usize, variance: f64| VarianceComponent::of_arm(2, arm, variance, f64::INFINITY);
        let components = both.then(|| vec![component(0, variance_0), component(1, variance_1)]);
        PotentialOutcomes { arms: vec![zero, one], components, notes: self.notes.clone() }
    }
}

/// Adds the rows of an arm to the strata, which stand in rising order of their codes.
fn gather(strata: &mut Vec<Group>, kept: &Compressed, arm: usize, design: &Design) {
    let codes = design.stratum.is_some().then(|| kept.feature(0));
    let values = match design.cluster {
        Some(_) => kept.mean(0),
        None => kept.feature(usize::from(design.stratum.is_some())),
    };
    for (row, (value, n)) in values.iter().zip(kept.n()).enumerate() {
        let code = codes.map_or(0.0, |codes| codes[row]);
        let at = match strata.binary_search_by(|group| group.code.total_cmp(&code)) {
            Ok(at) => at,
            Err(at) => {
                strata.insert(at, Group { code, ..Group::default() });
                at
            }
        };
        let own = &mut strata[at].arms[arm];
        own.values.push(*value);
        own.counts.push(*n);
    }
}

impl Group {
    fn units(&self) -> u64 {
        self.arms.iter().map(Outcomes::units).sum()
    }

    fn clusters(&self, factor: f64) -> ClusterStratum {
        let [control, treated] = &self.arms;
        ClusterStratum { treated: treated.clusters(1.0), control: control.clusters(factor) }
    }

    fn mean_and_variance(&self, arm: usize, clustered: bool) -> Option<(f64, f64)> {
        if clustered {
            return ClusterStratum::mean_and_variance(&self.arms[arm].clusters(1.0));
        }
        let law = self.arms[arm].law()?;
        let n = law.n() as f64;
        Some((law.mean()?, if n > 1.0 { law.centred() / (n - 1.0) / n } else { 0.0 }))
    }
}

impl Outcomes {
    fn units(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn law(&self) -> Option<Empirical<'_>> {
        Empirical::new(&self.values, &self.counts).ok()
    }

    fn clusters(&self, factor: f64) -> Vec<ClusterTotal> {
        let total = |(mean, n): (&f64, &u64)| ClusterTotal { n: *n as f64, sum: factor * mean * *n as f64 };
        self.values.iter().zip(&self.counts).map(total).collect()
    }

    /// Every value times a positive factor.
    fn times(&self, factor: f64) -> Outcomes {
        let mut scaled = Outcomes::default();
        for (value, count) in self.values.iter().zip(&self.counts) {
            match scaled.values.last() {
                // Neighbouring doubles can become one.
                Some(last) if *last >= value * factor => *scaled.counts.last_mut().unwrap_or(&mut 0) += count,
                _ => {
                    scaled.values.push(value * factor);
                    scaled.counts.push(*count);
                }
            }
        }
        scaled
    }
}
