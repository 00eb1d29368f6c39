//! Data sets kept outside the repository, read as columns of text.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema};

/// A table of text cells, `None` where a cell is empty.
pub struct Table {
    columns: BTreeMap<String, Vec<Option<String>>>,
}

/// The data set of a case, by its path in the case. Only called once the folder is known to be there.
pub fn table(path: &str) -> Table {
    let folder = std::env::var("ESTIMAND_SHARED").expect("the folder of the data sets");
    let path = std::path::Path::new(&folder).join(path.trim_start_matches("shared/"));
    let open = || File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (inferred, _) = Format::default().with_header(true).infer_schema(open(), Some(1)).expect("a header");
    let text = inferred.fields().iter().map(|field| Field::new(field.name(), DataType::Utf8, true));
    let schema = Arc::new(Schema::new(text.collect::<Vec<_>>()));
    let reader = ReaderBuilder::new(schema.clone()).with_header(true).build(open()).expect("a CSV file");
    let mut columns = BTreeMap::new();
    for batch in reader {
        let batch = batch.expect("rows of one shape");
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            let cells = column.as_string::<i32>().iter().map(|cell| cell.map(str::to_owned));
            columns.entry(field.name().clone()).or_insert_with(Vec::new).extend(cells);
        }
    }
    Table { columns }
}

impl Table {
    pub fn text(&self, column: &str) -> &[Option<String>] {
        self.columns.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// A column of numbers; truth counts 1, and an empty cell is not a number.
    pub fn numbers(&self, column: &str) -> Vec<f64> {
        let number = |cell: &Option<String>| match cell.as_deref() {
            Some("True" | "true" | "TRUE") => 1.0,
            Some("False" | "false" | "FALSE") => 0.0,
            Some(text) => text.parse().unwrap_or(f64::NAN),
            None => f64::NAN,
        };
        self.text(column).iter().map(number).collect()
    }
}
