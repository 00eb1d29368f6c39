//! One JSON object of representations by media type, as notebooks display them.

use std::io::Write;

use estimand_viz::Theme;
use estimand_viz::page::WIDE;
use serde_json::{Map, Value};

use crate::answered::Answered;
use crate::output::rows::{self, Style};
use crate::output::{Error, Format, encode};

/// MIME bundle: what `IPython.display.display(bundle, raw=True)` takes.
///
/// The HTML is a fragment with the scorecard's table and its forest as static SVG, complete without scripts.
pub struct MimeBundle;

impl Format for MimeBundle {
    fn name(&self) -> &'static str {
        "mimebundle"
    }

    fn purpose(&self) -> &'static str {
        "representations by media type, for `IPython.display.display(bundle, raw=True)`"
    }

    fn write(&self, answered: &Answered, sink: &mut dyn Write) -> Result<(), Error> {
        let mut bundle = Map::new();
        if let Some(forest) = &answered.forest {
            let plotly = serde_json::from_str(&forest.plotly_json(&Theme::LIGHT, WIDE));
            bundle.insert(
                "application/vnd.plotly.v1+json".to_owned(),
                plotly.map_err(|error| encode("mimebundle", error))?,
            );
        }
        bundle.insert("text/html".to_owned(), Value::String(rows::html(answered)));
        bundle.insert("text/markdown".to_owned(), Value::String(rows::text(answered, Style::Markdown)));
        bundle.insert("text/plain".to_owned(), Value::String(rows::text(answered, Style::Terminal)));
        let mut text = serde_json::to_vec(&bundle).map_err(|error| encode("mimebundle", error))?;
        text.push(b'\n');
        Ok(sink.write_all(&text)?)
    }
}
