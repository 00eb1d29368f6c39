//! The numbers as rows: NDJSON and CSV.

use std::io::Write;

use serde_json::Value;

use crate::fault::Fault;
use crate::verdict::Judged;

/// One JSON object a line.
///
/// # Errors
/// [`Fault::Json`] when the writer fails.
pub fn ndjson(rows: &[Judged], mut to: impl Write) -> Result<(), Fault> {
    for row in rows {
        serde_json::to_writer(&mut to, row)?;
        to.write_all(b"\n").map_err(serde_json::Error::io)?;
    }
    Ok(())
}

/// A header and one line a number; cells that do not apply are empty.
///
/// # Errors
/// [`Fault::Json`] when the writer fails.
pub fn csv(rows: &[Judged], mut to: impl Write) -> Result<(), Fault> {
    let mut header = None;
    for row in rows {
        let Value::Object(mut cells) = serde_json::to_value(row)? else { continue };
        // Two cells in the place of a pair.
        let band = cells.remove("band").unwrap_or(Value::Null);
        for (at, name) in ["band_low", "band_high"].into_iter().enumerate() {
            cells.insert(name.to_owned(), band.get(at).cloned().unwrap_or(Value::Null));
        }
        if header.is_none() {
            let names: Vec<String> = cells.keys().cloned().collect();
            writeln!(to, "{}", names.join(",")).map_err(serde_json::Error::io)?;
            header = Some(names);
        }
        let line: Vec<String> = cells.values().map(cell).collect();
        writeln!(to, "{}", line.join(",")).map_err(serde_json::Error::io)?;
    }
    Ok(())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.contains([',', '"', '\n']) => format!("\"{}\"", text.replace('"', "\"\"")),
        Value::String(text) => text.clone(),
        number => number.to_string(),
    }
}
