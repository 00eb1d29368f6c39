//! Data sets kept outside the repository, read as columns of text.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

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

    /// One number of a column; `None` where the cell holds none.
    pub fn numbers_at(&self, column: &str, row: usize) -> Option<f64> {
        self.text(column)[row].as_deref()?.parse().ok()
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

/// One snapshot of the ASOS experiments: control first.
pub struct Snapshot {
    pub time: f64,
    pub count: [f64; 2],
    pub mean: [f64; 2],
    pub variance: [f64; 2],
}

/// The snapshots of one metric and variant of an ASOS experiment that have variances, by time.
pub fn asos(experiment: &str, variant: i64, metric: i64) -> Vec<Snapshot> {
    let folder = std::env::var("ESTIMAND_SHARED").expect("the folder of the data sets");
    let path = std::path::Path::new(&folder).join("data/asos_experiments.parquet");
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|file| file.build()).expect("a Parquet file");
    let mut snapshots = Vec::new();
    for batch in reader {
        let batch = batch.expect("rows of one shape");
        let column = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
        let number = |name: &str, row: usize| {
            let column = column(name).as_primitive::<Float64Type>();
            column.is_valid(row).then(|| column.value(row))
        };
        let whole = |name: &str, row: usize| column(name).as_primitive::<Int64Type>().value(row);
        let ids = column("experiment_id").as_string::<i64>();
        for row in 0..batch.num_rows() {
            let wanted = ids.value(row) == experiment
                && whole("variant_id", row) == variant
                && whole("metric_id", row) == metric;
            let pair = |name: &str| Some([number(&format!("{name}_c"), row)?, number(&format!("{name}_t"), row)?]);
            if let (true, Some(variance)) = (wanted, pair("variance")) {
                let (count, mean) = (pair("count").expect("counts"), pair("mean").expect("means"));
                let time = number("time_since_start", row).expect("a time");
                snapshots.push(Snapshot { time, count, mean, variance });
            }
        }
    }
    snapshots.sort_by(|a, b| a.time.total_cmp(&b.time));
    snapshots
}
