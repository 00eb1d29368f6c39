//! Random experiments over random data, answered in two ways: the same bytes.
//!
//! A case is drawn from its seed. `ESTIMAND_CASES=1000000` asks for more cases than the test command does, and `ESTIMAND_CASE=17` for
//! one alone; a case that fails is made smaller, printed with its files and kept in a folder.

mod case;
mod draw;
mod expression;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use estimand_metrics::collect::{self, Collected, Doing};
use estimand_metrics::engine::{self, DataFusion, Resources};
use estimand_metrics::native::{EnginePath, Way, query_units, routes};
use estimand_metrics::plan::{AsOf, Plan, compile};
use estimand_metrics::project::Project;
use estimand_stats::sample::Sample;
use jiff::Timestamp;

use self::case::{Case, EXPERIMENT};
use self::table::{Ids, Table, Times};

/// Experiments of the test command.
const CASES: u64 = 2_000;

/// Least share of the experiments that are answered, and of the answers that the native operator gives.
const LEAST_ANSWERED: f64 = 0.75;
const LEAST_NATIVE: f64 = 0.4;

/// Of so many experiments, one is also asked for the rows of its units.
const ROWS_OF_UNITS: u64 = 8;

/// Of so many, one is also answered with its rows in another order in other files.
const ELSEWHERE: u64 = 3;

/// What came of a case in one way: everything that was collected as text, or the refusal.
type Answer = Result<String, String>;

/// Who gave an answer, when the native operator was to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum By {
    /// The native operator alone.
    Native,
    /// Statements, since the operator cannot carry the plan.
    Statements(String),
    /// Statements, since the operator gave up on the data.
    GivenUp,
}

#[test]
fn random_experiments_give_the_same_bytes_in_both_ways() {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = given("ESTIMAND_CASE") {
        let case = Case::draw(seed);
        println!("{}", shown(&case));
        match same(&case) {
            Err(_) => fail(case),
            Ok((answer, by)) => println!("case {seed}: {by:?}: {answer:?}"),
        }
        return;
    }
    let cases = given("ESTIMAND_CASES").unwrap_or(CASES);
    let (next, failed, counts) = (AtomicU64::new(0), Mutex::new(None), Mutex::new(Counts::default()));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= cases || failed.lock().unwrap().is_some() {
                        break;
                    }
                    let case = Case::draw(seed);
                    match same(&case) {
                        Err(_) => *failed.lock().unwrap() = Some(case),
                        Ok((answer, by)) => counts.lock().unwrap().add(&case, &answer, by),
                    }
                }
            });
        }
    });
    if let Some(case) = failed.into_inner().unwrap() {
        fail(case);
    }
    let Counts { metrics, answered, native, answers, ways } = counts.into_inner().unwrap();
    println!("{cases} experiments with {metrics} metrics in {:.1?}: {answers:#?}{ways:#?}", begun.elapsed());
    let share = |some: u64, of: u64| some as f64 / of.max(1) as f64;
    assert!(share(answered, cases) >= LEAST_ANSWERED, "{answered} of {cases} experiments were answered");
    assert!(share(native, answered) >= LEAST_NATIVE, "{native} of {answered} answers came from the native operator");
}

/// What became of the cases.
#[derive(Default)]
struct Counts {
    metrics: usize,
    answered: u64,
    native: u64,
    answers: BTreeMap<String, u64>,
    ways: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, case: &Case, answer: &Answer, by: By) {
        self.metrics += case.asked.len();
        self.answered += u64::from(answer.is_ok());
        self.native += u64::from(answer.is_ok() && by == By::Native);
        let kind = match answer {
            Ok(_) => "answered",
            // The name of a refusal, without what it says of this case.
            Err(error) => error.split(['(', '{']).next().unwrap_or_default().trim(),
        };
        *self.answers.entry(kind.to_owned()).or_default() += 1;
        if answer.is_ok() {
            *self.ways.entry(format!("{by:?}")).or_default() += 1;
        }
    }
}

/// What both ways give, else the first line at which they differ: statements on one thread; the native operator on some, and
/// again with the rows in another order in other files.
fn same(case: &Case) -> Result<(Answer, By), (String, String)> {
    let (stated, _) = answer(case, EnginePath::Sql, 1);
    let (native, by) = answer(case, EnginePath::Auto, 1 + usize::try_from(case.seed % 5).unwrap());
    let difference = |one: &Answer, other: &Answer| {
        let text = |answer: &Answer| answer.clone().unwrap_or_else(|error| error);
        let (one, other) = (text(one), text(other));
        let first = one.lines().zip(other.lines()).find(|(a, b)| a != b);
        first.map_or_else(|| (one.clone(), other.clone()), |(a, b)| (a.to_owned(), b.to_owned()))
    };
    if stated != native {
        return Err(difference(&stated, &native));
    }
    if stated.is_ok() && by == By::Native && case.seed.is_multiple_of(ELSEWHERE) {
        let (again, _) = answer(&case.elsewhere(), EnginePath::Auto, 3);
        if again != native {
            return Err(difference(&native, &again));
        }
    }
    Ok((stated, by))
}

/// Makes a failing case as small as it goes, shows it and keeps it.
fn fail(case: Case) -> ! {
    let mut smallest = case;
    while let Some(smaller) = smallest.smaller().into_iter().find(|smaller| same(smaller).is_err()) {
        smallest = smaller;
    }
    let folder = std::env::temp_dir().join(format!("estimand-case-{}", smallest.seed));
    smallest.write(&folder);
    let (one, other) = same(&smallest).err().unwrap_or_default();
    panic!(
        "case {} differs; ESTIMAND_CASE={} draws it again, and it lies in {}, made smaller:\n{}\nby statements: {one}\nnative: {other}",
        smallest.seed,
        smallest.seed,
        folder.display(),
        shown(&smallest)
    );
}

fn shown(case: &Case) -> String {
    let mut text = String::new();
    for (path, content) in case.texts() {
        let _ = writeln!(text, "--- {path}\n{content}");
    }
    for table in &case.tables {
        let rows = arrow::util::pretty::pretty_format_batches(&[table.rows.slice(0, table.rows.num_rows().min(40))]);
        let _ = writeln!(text, "--- {} ({} rows)\n{}", table.name, table.rows.num_rows(), rows.unwrap());
    }
    let _ = writeln!(text, "as of {}, given {:?}", case.as_of, case.given);
    text
}

fn answer(case: &Case, path: EnginePath, threads: usize) -> (Answer, By) {
    let folder = tempfile::tempdir().unwrap();
    let project = match case.project(folder.path()) {
        Ok(project) => project,
        Err(faults) => return (Err(format!("Project({faults})")), By::GivenUp),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut by = By::GivenUp;
    let answer = runtime.block_on(answered(case, &project, path, threads, &mut by));
    (answer, by)
}

async fn answered(case: &Case, project: &Project, path: EnginePath, threads: usize, by: &mut By) -> Answer {
    let experiment = project.experiment(EXPERIMENT).unwrap();
    let bindings = project.bind(experiment, &case.given).map_err(|faults| format!("Bindings({faults})"))?;
    let plan = compile(project, experiment, &bindings, AsOf::At(case.as_of)).map_err(|error| format!("{error:?}"))?;
    let resources = Resources { threads: Some(threads), engine_path: path, ..Resources::default() };
    let opened =
        engine::open(project, experiment, &bindings, &resources).await.map_err(|error| format!("Open({error:?})"))?;
    let faults = opened.check(project, &plan);
    if !faults.is_empty() {
        return Err(format!("Check({faults:?})"));
    }
    opened.check_values(&plan).map_err(|error| format!("Values({error:?})"))?;
    let routes = routes(opened.engine.as_ref(), &plan);
    let stated = AtomicBool::new(false);
    let progress = |doing: Doing<'_>| {
        if let Doing::Step(_) = doing {
            stated.store(true, Ordering::Relaxed);
        }
    };
    let collected = collect::collect(opened.engine.as_ref(), &plan, &progress).await;
    *by = match routes.iter().find(|route| route.way == Way::Sql) {
        Some(route) => By::Statements(route.why.clone()),
        None if stated.load(Ordering::Relaxed) => By::GivenUp,
        None => By::Native,
    };
    let mut text = whole(&plan, &collected.map_err(|error| format!("{error:?}"))?);
    if case.seed.is_multiple_of(ROWS_OF_UNITS) {
        text += &units(&opened.engine, &plan).await?;
    }
    Ok(text)
}

/// The rows of all units, in order, one line each.
async fn units(engine: &Arc<DataFusion>, plan: &Plan) -> Answer {
    let mut rows =
        query_units(Arc::clone(engine), plan, None, &|_: Doing<'_>| {}).await.map_err(|e| format!("{e:?}"))?;
    let mut text = String::new();
    let _ = writeln!(text, "units {:?}", rows.schema().fields().iter().map(|field| field.name()).collect::<Vec<_>>());
    while let Some(batch) = rows.next().await.map_err(|error| format!("{error:?}"))? {
        let columns: Vec<ArrayRef> =
            batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells = columns
                .iter()
                .map(|column| column.as_string::<i32>())
                .map(|column| column.is_valid(row).then(|| column.value(row)));
            let _ = writeln!(text, "unit {:?}", cells.collect::<Vec<_>>());
        }
    }
    Ok(text)
}

/// Everything that was collected, each number to its last bit, one line each.
fn whole(plan: &Plan, collected: &Collected) -> String {
    let mut text = String::new();
    for row in &collected.census {
        let _ = writeln!(text, "census {row:?}");
    }
    for (name, rows) in &collected.census_by {
        for row in rows {
            let _ = writeln!(text, "census by {name} {row:?}");
        }
    }
    for (name, caps) in &collected.caps {
        let _ = writeln!(text, "cap {name} {caps:?}");
    }
    sample(&mut text, "all", &collected.all);
    for ((name, value), segment) in &collected.segments {
        sample(&mut text, &format!("{name}={value:?}"), segment);
    }
    for (day, arms) in &collected.daily {
        for arm in arms {
            let _ = writeln!(text, "day {day} arm {} units {}", arm.arm, arm.units);
            for (names, sums) in &arm.comoments {
                let _ = writeln!(text, "day {day} arm {} {names:?} {}", arm.arm, hex(&sums.encode()));
            }
            for (kept, rows) in &arm.compressed {
                let _ = writeln!(text, "day {day} arm {} {kept:?} {}", arm.arm, hex(&rows.encode()));
            }
        }
    }
    for (arm, rows) in &collected.dated {
        let _ = writeln!(text, "arm {arm} rows {rows:?}");
    }
    for step in &collected.steps {
        let _ = writeln!(text, "step {} {:?}", step.name, step.statement);
    }
    let _ = writeln!(text, "rows of {:?}", plan.unit_rows);
    text
}

fn sample(text: &mut String, of: &str, sample: &Sample) {
    for arm in &sample.arms {
        let _ = writeln!(text, "{of} arm {} units {}", arm.arm, arm.units);
        for (names, moments) in &arm.comoments {
            let _ = writeln!(text, "{of} arm {} {names:?} {moments:?}", arm.arm);
        }
        for (kept, rows) in &arm.compressed {
            let _ = writeln!(text, "{of} arm {} {kept:?} {rows:?}", arm.arm);
        }
        for (name, histogram) in &arm.histograms {
            let _ = writeln!(text, "{of} arm {} histogram of {name} {}", arm.arm, hex(&histogram.encode()));
        }
        if let Some(rows) = &arm.unit_rows {
            let _ = writeln!(text, "{of} arm {} rows {rows:?}", arm.arm);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A use of every function of the language that is not an aggregation.
const USES: [&str; 26] = [
    "abs(amount)",
    "ceil(amount)",
    "coalesce(amount, 1)",
    "length(concat(word, 'u'))",
    "date_part('hour', seen)",
    "date_part('day', date_trunc('month', seen))",
    "exp(level)",
    "floor(amount)",
    "greatest(amount, quantity)",
    "least(amount, quantity)",
    "length(word)",
    "text_code(word)",
    "ln(level + 1)",
    "log10(level + 1)",
    "length(lower(word))",
    "nullif(amount, 1)",
    "power(level, 2)",
    "round(amount, 1)",
    "sign(amount)",
    "sqrt(abs(amount))",
    "CASE WHEN starts_with(word, 'b') THEN 1 ELSE 0 END",
    "strpos(word, 'u')",
    "length(substr(word, 2))",
    "length(trim(word))",
    "length(upper(word))",
    "extract(minute from seen)",
];

#[test]
fn every_function_of_the_language_is_one_of_the_engine() {
    let mut case = (0..).map(Case::draw).find(|case| case.tables.iter().any(|table| table.name == "events")).unwrap();
    case.trigger = None;
    case.filter = None;
    for name in estimand_metrics::expression::Function::names() {
        assert!(USES.iter().any(|text| text.contains(&format!("{name}("))), "no use of `{name}`");
    }
    let text = |value: &str| {
        format!("kind = \"mean\"\nsource = \"events\"\nvalue = \"\"\"max({value})\"\"\"\ndirection = \"higher\"\n")
    };
    case.metrics = USES.iter().enumerate().map(|(at, value)| (format!("m{at}"), text(value))).collect();
    case.asked = case.metrics.iter().map(|(name, _)| (name.clone(), "primary")).collect();
    let (answer, _) = same(&case).unwrap();
    assert!(answer.is_ok(), "{answer:?}");
}

/// An assignment each hour and an event each hour after it, their clocks held in this way, read up to the middle of a window.
fn clocked(times: Times) -> Case {
    const HOUR: i64 = 3_600_000_000_000;
    let begin = Timestamp::from_second(1_773_964_800).unwrap();
    let hours = |from: i64, to: i64| (from..to).map(|hour| Some(begin.as_second() * 1_000_000_000 + hour * HOUR));
    let units: Vec<Option<i64>> = (0..24).map(Some).collect();
    let arm = |unit: &Option<i64>| unit.map(|unit| if unit % 2 == 0 { "a" } else { "b" });
    let assigned = vec![
        ("uid", Ids::Int64.column(&units)),
        ("arm", table::texts(units.iter().map(arm))),
        ("at", times.column(&hours(0, 24).collect::<Vec<_>>())),
    ];
    let happened: Vec<Option<i64>> = hours(-24, 48).collect();
    let by: Vec<Option<i64>> = (0..happened.len()).map(|row| Some((row % 24) as i64)).collect();
    let events = vec![("uid", Ids::Int64.column(&by)), ("at", times.column(&happened))];
    let table = |name: &str, columns: Vec<(&str, ArrayRef)>| Table {
        name: name.to_owned(),
        head: format!("{}keys.uid = \"integer\"\n", times.head()),
        rows: table::batch(columns),
        files: 1,
        group: 5,
        format: table::Format::Parquet,
    };
    let metric =
        "kind = \"mean\"\nsource = \"events\"\nvalue = \"count(*)\"\nlookback = \"1d\"\ndirection = \"higher\"\n";
    Case {
        seed: 0,
        zone: "UTC",
        tables: vec![table("seen_by", assigned), table("events", events)],
        others: Vec::new(),
        metrics: vec![("happened".to_owned(), metric.to_owned())],
        asked: vec![("happened".to_owned(), "primary")],
        head: format!(
            "unit = \"uid\"\nstart = {begin}\nend = {}\ncontrol = \"a\"\narms = [{{ name = \"a\" }}, {{ name = \"b\" }}]\n",
            begin + jiff::SignedDuration::from_hours(24)
        ),
        assignment: "source = \"seen_by\", arm = \"arm\"".to_owned(),
        filter: None,
        trigger: None,
        dimensions: Vec::new(),
        covariates: Vec::new(),
        as_of: begin + jiff::SignedDuration::from_hours(20),
        given: Vec::new(),
    }
}

#[test]
fn times_are_the_same_however_a_clock_holds_them() {
    let numbers = |times: Times| {
        let (answer, _) = same(&clocked(times)).unwrap();
        let lines: Vec<String> =
            answer.unwrap().lines().filter(|line| !line.starts_with("step ")).map(str::to_owned).collect();
        lines
    };
    let usual = numbers(Times::Microseconds);
    for times in [
        Times::Nanoseconds,
        Times::Milliseconds,
        Times::Zoned("America/New_York"),
        Times::Local("America/Los_Angeles"),
        Times::Local("Asia/Kolkata"),
        Times::Counted("s"),
        Times::Counted("ns"),
        Times::Text,
    ] {
        assert_eq!(numbers(times), usual, "{times:?}");
    }
}
