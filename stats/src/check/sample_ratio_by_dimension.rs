//! Sample ratio by the values of each dimension.

use crate::check::{Check, Detail, Evidence, Finding, Outcome, p_in_words};

/// Corrected p-value below which a value of a dimension is named.
const WARN: f64 = 0.001;

/// Looks for the values of a dimension whose units do not match the allocation: where a sample ratio mismatch comes
/// from.
///
/// - **Needs** units by first arm for each value of each dimension.
/// - **Gives** a p-value per value, by Bonferroni over all values of all dimensions; the worst first.
/// - **Source** as the sample ratio.
#[derive(Debug)]
pub struct SampleRatioByDimension;

impl Check for SampleRatioByDimension {
    fn name(&self) -> &'static str {
        "sample_ratio_by_dimension"
    }

    fn summary(&self) -> &'static str {
        "Units per arm match the allocation within every value of every dimension; a warning below a corrected p of 0.001."
    }

    fn check(&self, evidence: &Evidence) -> Finding {
        let weights: Vec<f64> = evidence.arms.iter().map(|arm| arm.weight).collect();
        let tests: Vec<(Detail, f64)> = evidence
            .dimensions
            .iter()
            .filter_map(|cell| {
                let test = evidence.sample_ratio.test(&cell.assigned, &weights)?;
                let what = format!("{}={}", cell.dimension, cell.value);
                let count = Some(cell.assigned.iter().sum());
                Some((Detail { what, count, ..Detail::default() }, test.p_value))
            })
            .collect();
        if tests.is_empty() {
            return Finding::not_applicable("There is no dimension to look at.");
        }
        let number = tests.len() as f64;
        let mut details: Vec<Detail> =
            tests.into_iter().map(|(detail, p)| Detail { p_value: Some((p * number).min(1.0)), ..detail }).collect();
        details.sort_by(|a, b| {
            let p = |detail: &Detail| detail.p_value.unwrap_or(1.0);
            p(a).total_cmp(&p(b)).then_with(|| a.what.cmp(&b.what))
        });
        let worst = details.first().cloned().unwrap_or_default();
        let p_value = worst.p_value.unwrap_or(1.0);
        let found = details.iter().filter(|detail| detail.p_value.is_some_and(|p| p < WARN)).count();
        let (outcome, message, help) = if found == 0 {
            (Outcome::Pass, format!("Units per arm match the allocation in all {number} groups."), String::new())
        } else {
            let message = format!(
                "Units per arm do not match the allocation in {found} of {number} groups, most in `{}` ({}).",
                worst.what,
                p_in_words(p_value)
            );
            (Outcome::Warn, message, "look at how units of these groups are assigned and logged".to_owned())
        };
        Finding { p_value: Some(p_value), details, help, ..Finding::new(outcome, message) }
    }
}
