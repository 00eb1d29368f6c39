//! `estimand adjust`: p-values corrected for multiplicity.

use std::io::Write;

use estimand_analysis::stats::multiplicity::Correction;

use crate::exit::{ExitCode, Failure};
use crate::sink::Sink;

/// Arguments of `estimand adjust`.
#[derive(Debug, clap::Args)]
pub struct Adjust {
    /// P-values.
    #[arg(required = true, value_name = "P")]
    p_values: Vec<f64>,
    /// The correction.
    #[arg(long, default_value = "holm", value_name = "NAME")]
    method: String,
    /// `text` (one adjusted p-value a line) or `json`.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

impl Adjust {
    /// Corrects the p-values.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let method = Correction::from_name(&self.method).ok_or_else(|| {
            let known: Vec<&str> = Correction::ALL.iter().map(|correction| correction.name()).collect();
            Failure::usage(format!("--method: no correction `{}`; known: {}", self.method, known.join(", ")))
        })?;
        let given: Vec<Option<f64>> = self.p_values.iter().copied().map(Some).collect();
        let adjusted = method.adjust(&given).map_err(Failure::usage)?;
        let adjusted: Vec<f64> = adjusted.into_iter().flatten().collect();
        let mut sink = Sink::open(None, false)?;
        if self.format == "json" {
            let document =
                serde_json::json!({ "method": method.name(), "p_values": self.p_values, "adjusted": adjusted });
            writeln!(sink, "{document:#}")?;
        } else {
            for p in adjusted {
                writeln!(sink, "{p}")?;
            }
        }
        sink.finish()?;
        Ok(ExitCode::Done)
    }
}
