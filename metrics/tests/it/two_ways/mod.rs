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
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use estimand_metrics::collect::{self, Collected};
use estimand_metrics::engine::{self, Resources};
use estimand_metrics::plan::{AsOf, Plan, compile};
use estimand_metrics::project::Project;
use estimand_stats::sample::Sample;

use self::case::{Case, EXPERIMENT};

/// Cases of the test command.
const CASES: u64 = 200;

/// How the numbers of a case are obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    threads: usize,
}

const ONE: Way = Way { threads: 1 };
const OTHER: Way = Way { threads: 3 };

/// What came of a case in one way: everything that was collected as text, or the refusal.
type Answer = Result<String, String>;

#[test]
fn random_experiments_give_the_same_bytes_in_both_ways() {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = given("ESTIMAND_CASE") {
        let case = Case::draw(seed);
        println!("{}", shown(&case));
        match same(&case) {
            Err(_) => fail(case),
            Ok(answer) => println!("case {seed}: {answer:?}"),
        }
        return;
    }
    let cases = given("ESTIMAND_CASES").unwrap_or(CASES);
    let (next, failed, counts) = (AtomicU64::new(0), Mutex::new(None), Mutex::new(Counts::default()));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= cases || failed.lock().unwrap().is_some() {
                        break;
                    }
                    let case = Case::draw(seed);
                    match same(&case) {
                        Err(_) => *failed.lock().unwrap() = Some(case),
                        Ok(answer) => counts.lock().unwrap().add(&case, &answer),
                    }
                }
            });
        }
    });
    if let Some(case) = failed.into_inner().unwrap() {
        fail(case);
    }
    let counts = counts.into_inner().unwrap();
    println!("{cases} experiments with {} metrics in {:.1?}: {:#?}", counts.metrics, begun.elapsed(), counts.answers);
    let answered = counts.answers.get("answered").copied().unwrap_or_default();
    assert!(answered * 4 >= cases * 3, "only {answered} of {cases} experiments were answered");
}

/// What became of the cases.
#[derive(Default)]
struct Counts {
    metrics: usize,
    answers: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, case: &Case, answer: &Answer) {
        self.metrics += case.asked.len();
        let kind = match answer {
            Ok(_) => "answered",
            // Its name, without what it says of this case.
            Err(error) => error.split(['(', '{']).next().unwrap_or_default().trim(),
        };
        *self.answers.entry(kind.to_owned()).or_default() += 1;
    }
}

/// What both ways give, else the first line at which they differ.
fn same(case: &Case) -> Result<Answer, (String, String)> {
    let (one, other) = (answer(case, ONE), answer(case, OTHER));
    if one == other {
        return Ok(one);
    }
    let (one, other) = (one.unwrap_or_else(|error| error), other.unwrap_or_else(|error| error));
    let mut lines = one.lines().zip(other.lines()).filter(|(a, b)| a != b);
    Err(lines.next().map_or_else(|| (one.clone(), other.clone()), |(a, b)| (a.to_owned(), b.to_owned())))
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
        "case {} differs; ESTIMAND_CASE={} draws it again, and it lies in {}, made smaller:\n{}\none way: {one}\nthe other: {other}",
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

fn answer(case: &Case, way: Way) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let project = case.project(folder.path()).map_err(|faults| format!("Project({faults})"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(answered(case, &project, folder.path(), way))
}

async fn answered(case: &Case, project: &Project, _folder: &Path, way: Way) -> Answer {
    let experiment = project.experiment(EXPERIMENT).unwrap();
    let bindings = project.bind(experiment, &case.given).map_err(|faults| format!("bindings: {faults}"))?;
    let plan = compile(project, experiment, &bindings, AsOf::At(case.as_of)).map_err(|error| format!("{error:?}"))?;
    let resources = Resources { threads: Some(way.threads), ..Resources::default() };
    let opened =
        engine::open(project, experiment, &bindings, &resources).await.map_err(|error| format!("Open({error:?})"))?;
    let faults = opened.check(project, &plan);
    if !faults.is_empty() {
        return Err(format!("Check({faults:?})"));
    }
    opened.check_values(&plan).map_err(|error| format!("Values({error:?})"))?;
    let collected = collect::collect(&opened.engine, &plan, &|_| {}).await.map_err(|error| format!("{error:?}"))?;
    Ok(whole(&plan, &collected))
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
            for (names, sums) in &arm.sums {
                let _ = writeln!(text, "day {day} arm {} {names:?} {}", arm.arm, hex(&sums.encode()));
            }
        }
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
const USES: [&str; 25] = [
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
    assert!(same(&case).unwrap().is_ok());
}
