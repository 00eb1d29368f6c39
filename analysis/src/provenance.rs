//! What an answer came from: the inputs of its run, the command that gives it again, and the same in words for the report.

use estimand_metrics::collect::Collected;
use estimand_metrics::definition::{Rows, Source};
use estimand_metrics::engine::Opened;
use estimand_metrics::input::Hashed;
use estimand_metrics::plan::Plan;
use estimand_metrics::plan::lower::Step;
use estimand_metrics::project::{Definition as Named, Project};
use estimand_stats::estimate::Estimates;
use jiff::Timestamp;

use crate::analyze::{Request, Target};
use crate::bare::BareFile;
use crate::change::Change;
use crate::demo;
use crate::error::Error;
use crate::report::{Fact, Input, Provenance, Statement};
use crate::run::{BoundStatement, Definition, Fingerprint, Inputs, RunId};

/// The build that runs: version, platform, profile, and a hash of all code that a digit may depend on.
pub const BUILD: &str = env!("ESTIMAND_BUILD");

/// Name under which the file of true effects of a simulated project is listed among the sources.
const TRUTH: &str = "truth";

/// Everything that may change the answer to a request.
///
/// # Errors
/// The file of true effects of a simulated project cannot be read.
pub fn inputs(
    request: &Request,
    project: &Project,
    plan: &Plan,
    opened: &Opened,
    collected: &Collected,
) -> Result<Inputs, Error> {
    let (file, change) = match &request.target {
        Target::Experiment { change, .. } => (None, change.clone()),
        Target::File(file) => (Some(BareFile::clone(file)), Change::default()),
    };
    let inputs = Inputs {
        experiment: plan.experiment.name.clone(),
        file,
        change,
        definitions: project
            .files_of(&plan.experiment)
            .into_iter()
            .map(|file| Definition::new(&file.path, &file.text))
            .collect(),
        statements: collected.steps.iter().map(bound).collect(),
        parameters: request.parameters.iter().cloned().collect(),
        sources: fingerprints(project, opened)?,
        build: BUILD.to_owned(),
        seed: 0,
        as_of: plan.specification.enrolment.as_of.map(|as_of| as_of.to_string()),
    };
    Ok(inputs.sorted())
}

fn bound(step: &Step) -> BoundStatement {
    let value = |(at, binding): (usize, &estimand_metrics::sql::Binding)| (format!("${}", at + 1), binding.literal());
    BoundStatement {
        title: title(step),
        sql: step.statement.text.clone(),
        values: step.statement.bindings.iter().enumerate().map(value).collect(),
    }
}

fn title(step: &Step) -> String {
    format!("{}: {}", step.name, step.purpose)
}

/// Every file that is read, with what tells it from another version of itself.
///
/// # Errors
/// As [`inputs`].
pub fn fingerprints(project: &Project, opened: &Opened) -> Result<Vec<Fingerprint>, Error> {
    let mut prints: Vec<Fingerprint> = Vec::new();
    for (source, input) in &opened.inputs {
        prints.extend(input.fingerprint().files().iter().map(|file| {
            Fingerprint {
                source: source.clone(),
                location: file.path.clone(),
                bytes: file.size,
                modified: (file.of == Hashed::Footer)
                    .then(|| Timestamp::from_nanosecond(i128::from(file.modified_ns)).ok())
                    .flatten()
                    .map(|modified| modified.to_string()),
                hash: Some(file.blake3.clone()),
            }
        }));
    }
    // Definitions made from a command line stand in no folder that could hold truths about them.
    let truth = if project.files().is_empty() { None } else { demo::truth::text_of(project.root())? };
    if let Some(text) = truth {
        prints.push(Fingerprint {
            source: TRUTH.to_owned(),
            location: demo::truth::FILE.to_owned(),
            bytes: text.len() as u64,
            modified: None,
            hash: Some(blake3::hash(text.as_bytes()).to_hex().to_string()),
        });
    }
    Ok(prints)
}

/// Names in every row what it came from: the metric's definition, the data, the run when there will be one.
pub fn stamp(estimates: &mut Estimates, project: &Project, plan: &Plan, opened: &Opened, run: Option<&RunId>) {
    let mut snapshot = blake3::Hasher::new();
    for (source, input) in &opened.inputs {
        snapshot.update(source.as_bytes()).update(b"\0").update(input.fingerprint().digest().as_bytes());
    }
    let snapshot = snapshot.finalize().to_hex().to_string();
    let definition = |name: &str| match project.file_of(Named::Metric(name)) {
        Some(path) => project.files().iter().find(|file| file.path == path).map(|file| file.blake3.clone()),
        // Of a bare file the metric's name is its definition.
        None => Some(blake3::hash(name.as_bytes()).to_hex().to_string()),
    };
    let hashes: Vec<(&str, Option<String>)> = plan
        .questions
        .iter()
        .map(|question| (question.metric.name.as_str(), definition(&question.metric.name)))
        .collect();
    for row in &mut estimates.rows {
        let hash = hashes.iter().find(|(name, _)| Some(*name) == row.metric.as_deref());
        row.metric_hash = hash.and_then(|(_, hash)| hash.clone());
        row.data_snapshot = Some(snapshot.clone());
        row.run_id = run.map(|id| id.as_str().to_owned());
    }
}

/// The command that gives the answer again, with the instant that was resolved.
pub fn recreate(request: &Request, as_of: Option<Timestamp>) -> String {
    let mut words: Vec<String> = vec!["estimand".to_owned(), "analyze".to_owned()];
    match &request.target {
        Target::Experiment { name, change, .. } => {
            words.push(name.clone());
            of_change(&mut words, change);
        }
        Target::File(file) => of_file(&mut words, file),
    }
    for (name, value) in &request.parameters {
        say(&mut words, "-p", format!("{name}={value}"));
    }
    if let Some(as_of) = as_of {
        say(&mut words, "--as-of", as_of.to_string());
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn of_change(words: &mut Vec<String>, change: &Change) {
    change.metrics.iter().for_each(|metric| say(words, "--metric", metric));
    change.dimensions.iter().for_each(|dimension| say(words, "--by", dimension));
    change.estimator.iter().for_each(|estimator| say(words, "--estimator", estimator));
    change.options.iter().for_each(|(name, value)| say(words, "--option", format!("{name}={value}")));
    change.level.iter().for_each(|level| say(words, "--level", level.to_string()));
}

fn of_file(words: &mut Vec<String>, file: &BareFile) {
    words.push(file.path.display().to_string());
    file.unit.iter().for_each(|unit| say(words, "--unit", unit));
    say(words, "--arm", &file.arm);
    say(words, "--control", &file.control);
    if !file.weights.is_empty() {
        let weights: Vec<String> = file.weights.iter().map(|(arm, weight)| format!("{arm}={weight}")).collect();
        say(words, "--weights", weights.join(","));
    }
    file.metrics.iter().for_each(|metric| say(words, "--metric", metric));
    file.lower_is_better.iter().for_each(|metric| say(words, "--lower-is-better", metric));
    file.covariates.iter().for_each(|covariate| say(words, "--covariate", covariate));
    file.cluster.iter().for_each(|cluster| say(words, "--cluster", cluster));
    file.stratum.iter().for_each(|stratum| say(words, "--stratum", stratum));
    file.filter.iter().for_each(|filter| say(words, "--filter", filter));
    file.dimensions.iter().for_each(|dimension| say(words, "--by", dimension));
    file.estimator.iter().for_each(|estimator| say(words, "--estimator", estimator));
    file.options.iter().for_each(|(name, value)| say(words, "--option", format!("{name}={value}")));
    if file.level != BareFile::LEVEL {
        say(words, "--level", file.level.to_string());
    }
}

fn say(words: &mut Vec<String>, flag: &str, value: impl Into<String>) {
    words.push(flag.to_owned());
    words.push(value.into());
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_alphanumeric() || "-_./=:,".contains(c));
    if plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// The statements that were asked, for the report.
pub fn statements(collected: &Collected) -> Vec<Statement> {
    let fact = |(name, value): (String, String)| Fact::new(name, value);
    collected
        .steps
        .iter()
        .map(bound)
        .map(|step| Statement {
            title: step.title,
            sql: step.sql,
            parameters: step.values.into_iter().map(fact).collect(),
        })
        .collect()
}

/// What the numbers came from, for the report.
pub fn provenance(project: &Project, inputs: &Inputs, opened: &Opened) -> Provenance {
    let mut facts = vec![Fact::new("Build", &inputs.build)];
    facts.extend(inputs.as_of.iter().map(|as_of| Fact::new("As of", as_of)));
    facts.extend(inputs.definitions.iter().map(|definition| Fact::new(&definition.path, &definition.hash)));
    let read = opened
        .inputs
        .iter()
        .map(|(source, input)| Input {
            source: source.clone(),
            location: project.source(source).map(location).unwrap_or_default(),
            size: format!("{} rows", estimand_viz::number::count(input.rows())),
            fingerprint: input.fingerprint().digest(),
        })
        .collect();
    Provenance { facts, inputs: read, log: Vec::new() }
}

fn location(source: &Source) -> String {
    match &source.rows {
        Rows::Files(files) => files.path.clone(),
        Rows::Query(_) => "SQL over other sources".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_says_all_that_was_asked_in_words_of_a_shell() {
        let file = BareFile {
            path: "my orders.csv".into(),
            arm: "variant".to_owned(),
            control: "A".to_owned(),
            metrics: vec!["sum(revenue)".to_owned()],
            filter: Some("country = 'DE'".to_owned()),
            level: 0.9,
            ..BareFile::default()
        };
        let request = Request {
            target: Target::File(Box::new(file)),
            parameters: Vec::new(),
            as_of: None,
            resources: estimand_metrics::engine::Resources::default(),
            recorded: false,
        };
        assert_eq!(
            recreate(&request, None),
            "estimand analyze 'my orders.csv' --arm variant --control A --metric 'sum(revenue)' \
             --filter 'country = '\\''DE'\\''' --level 0.9"
        );
    }
}
