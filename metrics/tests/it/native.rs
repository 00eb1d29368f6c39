//! Random unit tables under random specifications: the native operator gives what statements give, to the last bit.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use estimand_metrics::collect::{Doing, collect};
use estimand_metrics::engine::{self, Resources};
use estimand_metrics::native::{EnginePath, Way, routes};
use estimand_metrics::plan::{AsOf, compile};
use estimand_metrics::project::Project;
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use crate::udaf_rows::SplitMix;

const CASES: u64 = 60;

/// Draws of what a case is made of.
struct Dice(SplitMix);

impl Dice {
    fn one_in(&mut self, n: u64) -> bool {
        self.0.below(n) == 0
    }

    fn of<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.0.below(among.len() as u64) as usize]
    }

    fn number(&mut self) -> f64 {
        let cents = self.0.below(2_000_001) as f64 / 100.0 - 10_000.0;
        match self.0.below(30) {
            0 => 0.0,
            1 => -0.0,
            2 => cents * 1e12,
            3 => cents * 1e-12,
            _ => cents,
        }
    }
}

/// The arms of a case: names, and how a row holds them.
enum Arms {
    Integers(Vec<i64>),
    Texts(Vec<&'static str>),
    Booleans,
}

impl Arms {
    fn draw(dice: &mut Dice) -> Self {
        match dice.0.below(5) {
            0 => Self::Integers(vec![0, 1]),
            1 => Self::Integers(vec![-3, 7_000_000_000, 12]),
            2 => Self::Texts(vec!["control", "Ünicode", "it's"]),
            3 => Self::Booleans,
            _ => Self::Texts(vec!["a", "b"]),
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Integers(arms) => arms.iter().map(i64::to_string).collect(),
            Self::Texts(arms) => arms.iter().map(|&arm| arm.to_owned()).collect(),
            Self::Booleans => vec!["false".to_owned(), "true".to_owned()],
        }
    }

    fn column(&self, dice: &mut Dice, rows: usize) -> ArrayRef {
        let mut draw = |count: usize| dice.0.below(count as u64) as usize;
        match self {
            Self::Integers(arms) if arms.iter().all(|arm| i32::try_from(*arm).is_ok()) => {
                Arc::new((0..rows).map(|_| Some(arms[draw(arms.len())] as i32)).collect::<Int32Array>())
            }
            Self::Integers(arms) => Arc::new((0..rows).map(|_| Some(arms[draw(arms.len())])).collect::<Int64Array>()),
            Self::Texts(arms) => Arc::new((0..rows).map(|_| Some(arms[draw(arms.len())])).collect::<StringArray>()),
            Self::Booleans => Arc::new((0..rows).map(|_| Some(draw(2) == 1)).collect::<BooleanArray>()),
        }
    }
}

fn table(dice: &mut Dice, arms: &Arms, rows: usize) -> RecordBatch {
    let missing = if dice.one_in(3) { u64::MAX } else { 2 + dice.0.below(20) };
    let arm = arms.column(dice, rows);
    let x: Float64Array = (0..rows).map(|_| (!dice.one_in(missing)).then(|| dice.number())).collect();
    let y: Float64Array = (0..rows).map(|_| Some(dice.number())).collect();
    let z: Int64Array =
        (0..rows).map(|_| (!dice.one_in(missing)).then(|| dice.0.next() as i64 >> dice.0.below(60))).collect();
    let flag: BooleanArray = (0..rows).map(|_| (!dice.one_in(missing)).then(|| dice.one_in(3))).collect();
    let country: StringArray =
        (0..rows).map(|_| (!dice.one_in(missing)).then(|| dice.of(&["DE", "AT", "CH", "", "Österreich"]))).collect();
    let size: Int32Array = (0..rows).map(|_| (!dice.one_in(missing)).then(|| dice.0.below(6) as i32)).collect();
    let columns: [(&str, ArrayRef); 7] = [
        ("arm", arm),
        ("x", Arc::new(x)),
        ("y", Arc::new(y)),
        ("z", Arc::new(z)),
        ("flag", Arc::new(flag)),
        ("country", Arc::new(country)),
        ("size", Arc::new(size)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn write(dice: &mut Dice, folder: &Path, table: &RecordBatch) -> &'static str {
    fs::create_dir_all(folder.join("data")).unwrap();
    let files = 1 + dice.0.below(3) as usize;
    let rows = table.num_rows().div_ceil(files);
    let suffix = ["parquet", "parquet", "csv", "ndjson"][dice.0.below(4) as usize];
    for file in 0..files {
        let from = (file * rows).min(table.num_rows());
        let part = table.slice(from, rows.min(table.num_rows() - from));
        let output = File::create(folder.join(format!("data/{file}.{suffix}"))).unwrap();
        match suffix {
            "csv" => arrow::csv::Writer::new(output).write(&part).unwrap(),
            "ndjson" => arrow::json::LineDelimitedWriter::new(output).write(&part).unwrap(),
            _ => {
                let group = 1 + dice.0.below(700) as usize;
                let properties = WriterProperties::builder()
                    .set_max_row_group_row_count(Some(group))
                    .set_dictionary_enabled(!dice.one_in(3));
                let mut writer = ArrowWriter::try_new(output, part.schema(), Some(properties.build())).unwrap();
                writer.write(&part).unwrap();
                writer.close().unwrap();
            }
        }
    }
    suffix
}

const NUMBERS: [&str; 9] = [
    "x",
    "y",
    "z",
    "x * 2 - y",
    "CASE WHEN country = 'DE' THEN y END",
    "x / (y * y + 1)",
    "size",
    "length(country)",
    "coalesce(x, size)",
];
const FILTERS: [&str; 5] =
    ["size > 1", "country IN ('DE', 'AT')", "country IS NULL OR flag", "y > -100 AND size <> 3", "country LIKE '%e%'"];

fn unit_value(dice: &mut Dice, text: &mut String) {
    writeln!(text, "source = \"unit\"\nvalue = \"{}\"", dice.of(&NUMBERS)).unwrap();
    if dice.one_in(3) {
        writeln!(text, "filter = \"{}\"", dice.of(&FILTERS)).unwrap();
    }
    match dice.0.below(6) {
        0 => text.push_str("cap = 500\n"),
        1 => text.push_str("cap = { lower = -2000, upper = 1000.5 }\n"),
        2 => text.push_str("cap = { percentile = 0.9 }\n"),
        3 => text.push_str("cap = { percentile = 0.99, of = \"nonzero\" }\n"),
        _ => {}
    }
}

fn metric(dice: &mut Dice) -> String {
    let mut text = "direction = \"higher\"\n".to_owned();
    match dice.0.below(6) {
        0 => {
            writeln!(text, "kind = \"proportion\"\nsource = \"unit\"\nvalue = \"{}\"", dice.of(&FILTERS)).unwrap();
        }
        1 => {
            text.push_str("kind = \"ratio\"\n[numerator]\n");
            unit_value(dice, &mut text);
            text.push_str("[denominator]\nsource = \"unit\"\nvalue = \"1 + size\"\n");
        }
        _ => {
            text.push_str("kind = \"mean\"\n");
            unit_value(dice, &mut text);
            match dice.0.below(4) {
                0 => text.push_str("covariates = [\"x\"]\n"),
                1 => text.push_str("covariates = [\"y\", \"z\"]\n"),
                _ => {}
            }
        }
    }
    text
}

/// Writes the project of a case.
fn project(dice: &mut Dice, folder: &Path, through_sql: bool) {
    let arms = Arms::draw(dice);
    let rows = [3, 40, 700, 3_000][dice.0.below(4) as usize];
    let table = table(dice, &arms, rows);
    let suffix = write(dice, folder, &table);
    let put = |path: &str, text: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("estimand.toml", "name = \"random\"\n");
    let files = format!("path = \"data/*.{suffix}\"\n");
    if through_sql {
        put("sources/file.toml", &format!("label = \"File\"\n{files}"));
        put("sources/unit.toml", "label = \"Rows\"\nsql = \"SELECT * FROM file\"\n");
    } else {
        put("sources/unit.toml", &format!("label = \"Rows\"\n{files}"));
    }
    let metrics = 1 + dice.0.below(4);
    for at in 0..metrics {
        put(&format!("metrics/m{at}.toml"), &metric(dice));
    }
    let names = arms.names();
    let listed = names.iter().map(|name| format!("{{ name = \"{name}\" }}")).collect::<Vec<_>>().join(", ");
    let mut experiment = format!("label = \"Random\"\nunit = \"row\"\ncontrol = \"{}\"\narms = [{listed}]\n", names[0]);
    match dice.0.below(3) {
        0 => experiment.push_str("dimensions = [\"country\", \"size\"]\n"),
        1 => experiment.push_str("dimensions = [\"flag\"]\n"),
        _ => {}
    }
    experiment.push_str("[assignment]\nsource = \"unit\"\narm = \"arm\"\n");
    if dice.one_in(3) {
        writeln!(experiment, "filter = \"{}\"", dice.of(&FILTERS)).unwrap();
    }
    let secondary = (1..metrics).map(|at| format!("\"m{at}\"")).collect::<Vec<_>>().join(", ");
    writeln!(experiment, "[metrics]\nprimary = [\"m0\"]\nsecondary = [{secondary}]").unwrap();
    put("experiments/e.toml", &experiment);
}

/// All that one way collects, or its refusal.
async fn collected(folder: &Path, engine_path: EnginePath, threads: usize) -> Result<String, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let project = Project::load(folder).map_err(|faults| text(&faults))?;
    let experiment = project.experiment("e").unwrap();
    let bindings = project.bind(experiment, &[]).unwrap();
    let plan = compile(&project, experiment, &bindings, AsOf::Now(Timestamp::UNIX_EPOCH)).map_err(|e| text(&e))?;
    let resources = Resources { threads: Some(threads), engine_path, ..Resources::default() };
    let opened = engine::open(&project, experiment, &bindings, &resources).await.map_err(|e| text(&e))?;
    let native = routes(&opened.engine, &plan).iter().all(|route| route.way != Way::Sql);
    assert_eq!(native, engine_path != EnginePath::Sql);
    let collected = collect(opened.engine.as_ref(), &plan, &|_: Doing<'_>| {}).await.map_err(|e| text(&e))?;
    Ok(format!("{collected:#?}"))
}

fn first_difference<'a>(one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
    one.lines().zip(other.lines()).find(|(one, other)| one != other)
}

#[tokio::test]
async fn random_unit_tables_give_the_same_bytes_both_ways() {
    let mut answered = 0;
    for case in 0..CASES {
        let folder = tempfile::tempdir().unwrap();
        let mut dice = Dice(SplitMix(case));
        let through_sql = dice.one_in(8);
        project(&mut dice, folder.path(), through_sql);
        let stated = collected(folder.path(), EnginePath::Sql, 1).await;
        for threads in [1, 2, 5] {
            let native = collected(folder.path(), EnginePath::Native, threads).await;
            if let (Ok(native), Ok(stated)) = (&native, &stated) {
                assert_eq!(first_difference(native, stated), None, "case {case}, {threads} threads");
            }
            assert_eq!(native, stated, "case {case}, {threads} threads");
        }
        answered += u64::from(stated.is_ok());
        if let Err(refused) = stated {
            assert!(refused.contains("no unit is counted"), "case {case}: {refused}");
        }
    }
    assert!(answered > CASES * 3 / 4, "{answered} of {CASES}");
}
