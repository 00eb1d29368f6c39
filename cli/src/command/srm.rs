//! `estimand srm`: counts per arm against their allocation.

use std::io::Write;

use estimand_analysis::stats::check::sample_ratio_test;

use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand srm`.
#[derive(Debug, clap::Args)]
pub struct Srm {
    /// Units seen in each arm.
    #[arg(required = true, num_args = 2.., value_name = "COUNT")]
    counts: Vec<u64>,
    /// Planned weights of the arms, in the same order; equal unless given.
    #[arg(long, value_delimiter = ',', value_name = "WEIGHT,…")]
    weights: Vec<f64>,
    /// `text` or `json`.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

impl Srm {
    /// Tests the counts.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let weights = if self.weights.is_empty() { vec![1.0; self.counts.len()] } else { self.weights.clone() };
        if weights.len() != self.counts.len() {
            return Err(Failure::usage(format!(
                "--weights: {} weights for {} counts; give one for each",
                weights.len(),
                self.counts.len()
            )));
        }
        let test = sample_ratio_test(&self.counts, &weights).ok_or_else(|| {
            Failure::usage("--weights: give finite weights, none negative and at least two above zero, for counts that are not all zero")
        })?;
        let mut sink = Sink::open(None, false)?;
        if self.format == "json" {
            let document = serde_json::json!({
                "chi2": test.statistic, "df": test.df, "p_value": test.p_value, "log10_p": test.log10_p, "expected": test.expected,
            });
            writeln!(sink, "{document:#}")?;
        } else {
            let verdict = match test.p_value {
                p if p < 0.001 => "the counts do not match the allocation",
                p if p < 0.01 => "the counts hardly match the allocation",
                _ => "the counts match the allocation",
            };
            writeln!(sink, "chi-square {:.4} on {} df, p = {:.6}: {verdict}", test.statistic, test.df, test.p_value)?;
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
