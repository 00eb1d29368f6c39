//! `estimand srm`: counts per arm against their allocation.

use std::io::Write;

use estimand_analysis::stats::check::SampleRatioMethod;

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
    /// The test that is valid at every look, however often the counts were looked at before.
    #[arg(long)]
    sequential: bool,
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
        let method = if self.sequential { SampleRatioMethod::SEQUENTIAL } else { SampleRatioMethod::ChiSquared };
        let test = method.test(&self.counts, &weights).ok_or_else(|| {
            Failure::usage("--weights: give finite weights, none negative and at least two above zero, for counts that are not all zero")
        })?;
        let mut sink = Sink::open(None, false)?;
        if self.format == "json" {
            let statistic = if self.sequential { "ln_e" } else { "chi2" };
            let document = serde_json::json!({
                statistic: test.statistic, "df": test.df, "p_value": test.p_value, "log10_p": test.log10_p, "expected": test.expected,
            });
            writeln!(sink, "{document:#}")?;
        } else {
            let verdict = match test.p_value {
                p if p < 0.001 => "the counts do not match the allocation",
                p if p < 0.01 => "the counts hardly match the allocation",
                _ => "the counts match the allocation",
            };
            let statistic = match self.sequential {
                true => format!("evidence ln e {:.4}, valid at every look", test.statistic),
                false => format!("chi-square {:.4} on {} df", test.statistic, test.df),
            };
            writeln!(sink, "{statistic}, p = {:.6}: {verdict}", test.p_value)?;
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
