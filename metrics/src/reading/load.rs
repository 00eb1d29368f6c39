//! From a folder's files to definitions that know one another.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::{Experiment, Manifest, Metric, Parameter, Source};
use crate::fault::{Fault, Place};
use crate::reading::document::Document;
use crate::reading::fields::Fields;
use crate::reading::folder::{FileRead, MANIFEST};
use crate::reading::known::Known;
use crate::reading::metric::Surroundings;
use crate::reading::nearest::skeleton;
use crate::reading::source::Draft;
use crate::reading::statement::Statement;
use crate::reading::{experiment, header, manifest, metric, source};

/// Longest chain of definitions that build on one another.
const LONGEST_CHAIN: usize = 64;

/// The definitions of a project, and the document of each.
pub(crate) struct Loaded {
    pub(crate) manifest: Option<Manifest>,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) metrics: BTreeMap<String, Metric>,
    pub(crate) experiments: BTreeMap<String, Experiment>,
    /// Documents by folder and name of the definition, such as `("metrics", "revenue")`.
    pub(crate) documents: BTreeMap<(&'static str, String), Document>,
}

/// Reads every file, reports every fault.
pub(crate) fn load(files: &[FileRead], faults: &mut Vec<Fault>) -> Loaded {
    let manifest_document = files.iter().find(|file| file.path == MANIFEST).and_then(|file| parse(file, faults));
    let manifest = manifest_document.as_ref().map(|document| manifest::read(document, faults));
    // A faulty manifest is reported; the other files are checked against one that says nothing.
    let nothing =
        Document::parse(MANIFEST, b"name = 'x'").ok().map(|document| manifest::read(&document, &mut Vec::new()));
    let Some(assumed) = manifest.clone().or(nothing) else {
        return Loaded {
            manifest,
            sources: BTreeMap::new(),
            metrics: BTreeMap::new(),
            experiments: BTreeMap::new(),
            documents: BTreeMap::new(),
        };
    };
    let mut documents = BTreeMap::new();
    let sources = read_sources(files, &assumed, &mut documents, faults);
    let metrics = read_metrics(files, &assumed, &sources, &mut documents, faults);
    let experiments = read_experiments(files, &assumed, &sources, &metrics, &mut documents, faults);
    let loaded = Loaded {
        manifest,
        sources: sources.into_whole(),
        metrics: metrics.into_whole(),
        experiments: experiments.into_whole(),
        documents,
    };
    check_parameters_agree(&loaded, faults);
    loaded
}

fn parse(file: &FileRead, faults: &mut Vec<Fault>) -> Option<Document> {
    match Document::parse(&file.path, &file.bytes) {
        Ok(document) => Some(document),
        Err(found) => {
            faults.extend(found);
            None
        }
    }
}

/// The documents of one folder by name. Names given by two files are reported, and neither file is used.
fn by_name(
    files: &[FileRead],
    folder: &'static str,
    faults: &mut Vec<Fault>,
) -> (BTreeMap<String, Document>, BTreeSet<String>) {
    let mut grouped: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    let mut faulty = BTreeSet::new();
    let prefix = format!("{folder}/");
    for file in files.iter().filter(|file| file.path.starts_with(&prefix)) {
        match parse(file, faults) {
            Some(document) => grouped.entry(metric::name_of(&document).to_owned()).or_default().push(document),
            None => {
                faulty.insert(header::stem(&file.path).to_owned());
            }
        }
    }
    let place = |document: &Document| match document.find("name") {
        Some(item) => document.place(&item.span),
        None => Place::file(document.file()),
    };
    let mut single = BTreeMap::new();
    for (name, mut documents) in grouped {
        if documents.len() == 1 {
            single.extend(documents.pop().map(|document| (name, document)));
            continue;
        }
        faulty.insert(name.clone());
        let kind = folder.trim_end_matches('s');
        if let Some((last, earlier)) = documents.split_last() {
            let mut fault = Fault::error(
                "metrics::duplicate_name",
                format!("{kind} `{name}` is given by {} files", documents.len()),
            )
            .with_place(place(last))
            .with_field("name")
            .with_help("give each its own name; none of them is used");
            for document in earlier {
                fault = fault.with_related("also here", place(document));
            }
            faults.push(fault);
        }
    }
    warn_look_alike(folder, &single, &place, faults);
    (single, faulty)
}

fn warn_look_alike(
    folder: &str,
    documents: &BTreeMap<String, Document>,
    place: &dyn Fn(&Document) -> Place,
    faults: &mut Vec<Fault>,
) {
    let mut seen: BTreeMap<String, (&String, &Document)> = BTreeMap::new();
    for (name, document) in documents {
        if let Some((other, earlier)) = seen.insert(skeleton(name), (name, document)) {
            let message = format!("{folder} `{other}` and `{name}` look alike");
            let fault = Fault::warning("metrics::look_alike", message)
                .with_place(place(document))
                .with_field("name")
                .with_related("the other", place(earlier))
                .with_help("rename one of them");
            faults.push(fault);
        }
    }
}

fn read_sources(
    files: &[FileRead],
    manifest: &Manifest,
    kept: &mut BTreeMap<(&'static str, String), Document>,
    faults: &mut Vec<Fault>,
) -> Known<Source> {
    let mut known = Known::new("metrics::unknown_source", "source", "sources");
    let (documents, faulty) = by_name(files, "sources", faults);
    faulty.into_iter().for_each(|name| known.insert(name, None));
    let mut statements: BTreeMap<String, Statement> = BTreeMap::new();
    for (name, document) in &documents {
        let Draft { source, statement } = source::read(document, manifest, faults);
        known.insert(name.clone(), source);
        statements.extend(statement.map(|statement| (name.clone(), statement)));
    }
    for (name, statement) in &statements {
        let Some((document, item)) = documents.get(name).and_then(|document| Some((document, document.find("sql")?)))
        else {
            continue;
        };
        let before = faults.len();
        for (read, span) in statement.sources.iter().filter(|(read, _)| !known.contains(read)) {
            faults.push(known.unknown(read).with_place(document.place_within(item, span)).with_field("sql"));
        }
        for (cte, span) in statement.ctes.iter().filter(|(cte, _)| known.contains(cte)) {
            let fault = Fault::error("metrics::conflict", format!("WITH names `{cte}`, which is a source already"))
                .with_place(document.place_within(item, span))
                .with_field("sql")
                .with_help("give it another name");
            faults.push(fault);
        }
        if faults.len() > before {
            known.spoil(name);
        }
    }
    check_chains(&documents, &statements, &mut known, faults);
    // What reads a faulty source is faulty too, without a fault of its own.
    loop {
        let faulty = |statement: &Statement| statement.sources.keys().any(|read| known.get(read).is_none());
        let Some(name) = statements.iter().find(|(name, statement)| known.get(name).is_some() && faulty(statement))
        else {
            break;
        };
        known.spoil(name.0);
    }
    kept.extend(documents.into_iter().map(|(name, document)| (("sources", name), document)));
    known
}

/// Finds sources that build on themselves, and chains that are too long.
fn check_chains(
    documents: &BTreeMap<String, Document>,
    statements: &BTreeMap<String, Statement>,
    known: &mut Known<Source>,
    faults: &mut Vec<Fault>,
) {
    // Longest chain below each source that has been finished; a loop, not recursion, as chains are of any length here.
    let mut finished: BTreeMap<&str, usize> = BTreeMap::new();
    for start in statements.keys() {
        let mut path: Vec<(&str, std::collections::btree_map::Keys<'_, String, _>)> = Vec::new();
        let mut next = Some(start.as_str()).filter(|name| !finished.contains_key(name));
        while let Some(name) = next.take() {
            if let Some(statement) = statements.get(name) {
                path.push((name, statement.sources.keys()));
            } else {
                finished.insert(name, 1);
            }
            while let Some((name, below)) = path.last_mut() {
                let Some(read) = below.next() else {
                    let depth = statements[*name].sources.keys().filter_map(|read| finished.get(read.as_str())).max();
                    finished.insert(name, depth.map_or(1, |depth| depth + 1));
                    path.pop();
                    continue;
                };
                let reader = *name;
                if let Some(at) = path.iter().position(|(name, _)| name == read) {
                    let mut cycle: Vec<&str> = path[at..].iter().map(|(name, _)| *name).collect();
                    cycle.push(read);
                    report_chain(
                        documents,
                        statements,
                        reader,
                        read,
                        format!("sources read one another: {}", cycle.join(" → ")),
                        "metrics::cycle",
                        "let one of them read files",
                        faults,
                    );
                    known.spoil(reader);
                    continue;
                }
                if !finished.contains_key(read.as_str()) {
                    next = Some(read.as_str());
                    break;
                }
            }
        }
    }
    for (name, length) in finished.into_iter().filter(|(_, length)| *length == LONGEST_CHAIN + 1) {
        if let Some(read) = statements.get(name).and_then(|statement| statement.sources.keys().next()) {
            let message = format!("`{name}` ends a chain of {length} sources, more than {LONGEST_CHAIN}");
            report_chain(
                documents,
                statements,
                name,
                read,
                message,
                "metrics::too_large",
                "write out a middle step to a file",
                faults,
            );
            known.spoil(name);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one place where both faults of chains are written")]
fn report_chain(
    documents: &BTreeMap<String, Document>,
    statements: &BTreeMap<String, Statement>,
    name: &str,
    read: &str,
    message: String,
    code: &'static str,
    help: &str,
    faults: &mut Vec<Fault>,
) {
    let mut fault = Fault::error(code, message).with_field("sql").with_help(help);
    let span = statements.get(name).and_then(|statement| statement.sources.get(read));
    if let (Some(document), Some(span)) = (documents.get(name), span)
        && let Some(item) = document.find("sql")
    {
        fault = fault.with_place(document.place_within(item, span));
    }
    faults.push(fault);
}

/// Metrics while they are read: each is read once, when its turn comes or when another builds on it.
struct MetricsInProgress<'a> {
    documents: &'a BTreeMap<String, Document>,
    faulty: &'a BTreeSet<String>,
    surroundings: &'a Surroundings<'a>,
    done: BTreeMap<String, Option<Metric>>,
    stack: Vec<String>,
}

impl MetricsInProgress<'_> {
    fn read(&mut self, name: &str, faults: &mut Vec<Fault>) -> Option<Metric> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let document = self.documents.get(name)?;
        self.stack.push(name.to_owned());
        let surroundings = self.surroundings;
        let metric = metric::read(
            document,
            surroundings,
            &mut |other, fields, key, faults| self.other(other, fields, key, faults),
            faults,
        );
        self.stack.pop();
        self.done.insert(name.to_owned(), metric.clone());
        metric
    }

    fn other(&mut self, name: &str, fields: &Fields<'_>, key: &str, faults: &mut Vec<Fault>) -> Option<Metric> {
        if self.faulty.contains(name) {
            return None;
        }
        if !self.documents.contains_key(name) {
            let mut known: Known<()> = Known::new("metrics::unknown_metric", "metric", "metrics");
            self.documents.keys().for_each(|name| known.insert(name.clone(), None));
            faults.push(known.unknown(name).with_place(fields.place(key)).with_field(fields.path(key)));
            return None;
        }
        if let Some(at) = self.stack.iter().position(|reading| reading == name) {
            let mut cycle = self.stack[at..].to_vec();
            cycle.push(name.to_owned());
            let fault =
                fields.fault(key, "metrics::cycle", format!("metrics build on one another: {}", cycle.join(" → ")));
            faults.push(fault.with_help("write one of the parts as a table"));
            return None;
        }
        if self.stack.len() >= LONGEST_CHAIN {
            let message = format!("`{name}` ends a chain of more than {LONGEST_CHAIN} metrics");
            faults.push(fields.fault(key, "metrics::too_large", message).with_help("write the part as a table"));
            return None;
        }
        self.read(name, faults)
    }
}

fn read_metrics(
    files: &[FileRead],
    manifest: &Manifest,
    sources: &Known<Source>,
    kept: &mut BTreeMap<(&'static str, String), Document>,
    faults: &mut Vec<Fault>,
) -> Known<Metric> {
    let (documents, faulty) = by_name(files, "metrics", faults);
    let surroundings = Surroundings { manifest, sources };
    let mut progress = MetricsInProgress {
        documents: &documents,
        faulty: &faulty,
        surroundings: &surroundings,
        done: BTreeMap::new(),
        stack: Vec::new(),
    };
    for name in documents.keys() {
        progress.read(name, faults);
    }
    let done = progress.done;
    let mut known = Known::new("metrics::unknown_metric", "metric", "metrics");
    faulty.into_iter().for_each(|name| known.insert(name, None));
    for (name, metric) in &done {
        known.insert(name.clone(), metric.clone());
    }
    for (name, metric) in done {
        let (Some(mut metric), Some(document)) = (metric, documents.get(&name)) else { continue };
        let before = faults.len();
        let covariates = &mut metric.covariates;
        metric::resolve_covariates(covariates, Some(&name), &known, sources, document, "covariates", faults);
        known.insert(name, (faults.len() == before).then_some(metric));
    }
    kept.extend(documents.into_iter().map(|(name, document)| (("metrics", name), document)));
    known
}

fn read_experiments(
    files: &[FileRead],
    manifest: &Manifest,
    sources: &Known<Source>,
    metrics: &Known<Metric>,
    kept: &mut BTreeMap<(&'static str, String), Document>,
    faults: &mut Vec<Fault>,
) -> Known<Experiment> {
    let mut known = Known::new("metrics::unknown_experiment", "experiment", "experiments");
    let (documents, faulty) = by_name(files, "experiments", faults);
    faulty.into_iter().for_each(|name| known.insert(name, None));
    let surroundings = experiment::Surroundings { manifest, sources, metrics };
    for (name, document) in &documents {
        let experiment = experiment::read(document, &surroundings, faults);
        known.insert(name.clone(), experiment);
    }
    kept.extend(documents.into_iter().map(|(name, document)| (("experiments", name), document)));
    known
}

/// One `-p NAME=VALUE` gives the value everywhere, so every declaration of a name has to be the same.
fn check_parameters_agree(loaded: &Loaded, faults: &mut Vec<Fault>) {
    let sources = loaded.sources.iter().map(|(name, source)| ("sources", name, &source.parameters));
    let metrics = loaded.metrics.iter().map(|(name, metric)| ("metrics", name, &metric.parameters));
    let mut first: BTreeMap<&str, (&Parameter, Option<Place>)> = BTreeMap::new();
    for (folder, owner, parameters) in sources.chain(metrics) {
        let document = loaded.documents.get(&(folder, owner.clone()));
        for (name, parameter) in parameters {
            let field = format!("parameters.{name}");
            let own = document.and_then(|document| Some((document, document.find("parameters")?)));
            let Some((document, table)) = own else { continue };
            let place = match &table.content {
                crate::reading::document::Content::Table(table) => {
                    table.entry(name).map(|entry| document.place(&entry.span))
                }
                _ => None,
            };
            // A parameter that a metric took over from another one is declared in the other's file.
            let Some(place) = place else { continue };
            let Some((other, earlier)) = first.get(name.as_str()) else {
                first.insert(name, (parameter, Some(place)));
                continue;
            };
            let same = other.kind == parameter.kind
                && other.default == parameter.default
                && other.allowed == parameter.allowed;
            if !same {
                let mut fault =
                    Fault::error("metrics::conflict", format!("parameter `{name}` is declared in two ways"))
                        .with_place(place)
                        .with_field(field)
                        .with_help("give both the same type, default and allowed values, or one another name");
                if let Some(earlier) = earlier {
                    fault = fault.with_related("the other", earlier.clone());
                }
                faults.push(fault);
            }
        }
    }
}
