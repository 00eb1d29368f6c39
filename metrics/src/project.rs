//! A project: a folder of text files, read once, checked whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::bindings::{Bindings, bind};
use crate::definition::{Covariate, Experiment, Manifest, Metric, Parameter, Rows, Source};
use crate::fault::{Fault, Faults, Place};
use crate::reading::columns::ColumnCheck;
pub use crate::reading::columns::SourceSchemas;
use crate::reading::document::Document;
use crate::reading::{folder, load};

/// A project, read and checked.
///
/// Every name in it resolves, every range holds, and the bytes it was read from are known by their hashes.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    manifest: Manifest,
    sources: BTreeMap<String, Source>,
    metrics: BTreeMap<String, Metric>,
    experiments: BTreeMap<String, Experiment>,
    documents: BTreeMap<(&'static str, String), Document>,
    files: Vec<ProjectFile>,
}

/// A file of the project as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Path from the project's folder, with `/` between its parts.
    pub path: String,
    /// Its text.
    pub text: String,
    /// BLAKE3 of the bytes, in hexadecimal.
    pub blake3: String,
}

/// A definition of a project, by its kind and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definition<'a> {
    /// A source.
    Source(&'a str),
    /// A metric.
    Metric(&'a str),
    /// An experiment.
    Experiment(&'a str),
}

impl Project {
    /// Reads the project in a folder.
    ///
    /// # Errors
    /// Every fault of every file, warnings included, when any of them is an error.
    pub fn load(root: &Path) -> Result<Self, Faults> {
        match Self::load_all(root) {
            (Some(project), faults) if !faults.iter().any(Fault::is_error) => Ok(project),
            (_, faults) => Err(faults),
        }
    }

    /// Reads the project in a folder as far as it can be read: definitions without error, and every fault of every file.
    ///
    /// The project is `None` when its manifest is missing or faulty.
    pub fn load_all(root: &Path) -> (Option<Self>, Faults) {
        let mut faults = Vec::new();
        let read = folder::read(root, &mut faults);
        Self::of_read(root, read, faults)
    }

    /// The project that a folder with these files would be, each given by its path from that folder and its text.
    ///
    /// Data are looked for in `root`, so that definitions kept elsewhere can be asked again of the same data.
    ///
    /// # Errors
    /// As [`Project::load`].
    pub fn of_texts<'a>(root: &Path, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Faults> {
        let read = texts.into_iter().map(|(path, text)| folder::FileRead::of_text(path, text)).collect();
        match Self::of_read(root, read, Vec::new()) {
            (Some(project), faults) if !faults.iter().any(Fault::is_error) => Ok(project),
            (_, faults) => Err(faults),
        }
    }

    fn of_read(root: &Path, read: Vec<folder::FileRead>, mut faults: Vec<Fault>) -> (Option<Self>, Faults) {
        let loaded = load::load(&read, &mut faults);
        let files = read
            .into_iter()
            .map(|file| ProjectFile {
                path: file.path,
                text: String::from_utf8_lossy(&file.bytes).into_owned(),
                blake3: blake3::hash(&file.bytes).to_hex().to_string(),
            })
            .collect();
        let faulty_manifest = faults
            .iter()
            .any(|fault| fault.is_error() && fault.place.as_ref().is_some_and(|place| place.file == folder::MANIFEST));
        let project = loaded.manifest.filter(|_| !faulty_manifest).map(|manifest| Self {
            root: root.to_owned(),
            manifest,
            sources: loaded.sources,
            metrics: loaded.metrics,
            experiments: loaded.experiments,
            documents: loaded.documents,
            files,
        });
        (project, Faults::new(faults))
    }

    /// A project that stands in no folder: definitions made by a program, checked by whoever made them.
    pub fn of_definitions(
        root: PathBuf,
        manifest: Manifest,
        sources: Vec<Source>,
        metrics: Vec<Metric>,
        experiments: Vec<Experiment>,
    ) -> Self {
        Self {
            root,
            manifest,
            sources: sources.into_iter().map(|source| (source.name.clone(), source)).collect(),
            metrics: metrics.into_iter().map(|metric| (metric.name.clone(), metric)).collect(),
            experiments: experiments.into_iter().map(|experiment| (experiment.name.clone(), experiment)).collect(),
            documents: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What `estimand.toml` says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The sources by name.
    pub fn sources(&self) -> &BTreeMap<String, Source> {
        &self.sources
    }

    /// A source.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.get(name)
    }

    /// The metrics by name.
    pub fn metrics(&self) -> &BTreeMap<String, Metric> {
        &self.metrics
    }

    /// A metric.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.get(name)
    }

    /// The experiments by name.
    pub fn experiments(&self) -> &BTreeMap<String, Experiment> {
        &self.experiments
    }

    /// An experiment.
    pub fn experiment(&self, name: &str) -> Option<&Experiment> {
        self.experiments.get(name)
    }

    /// The files that were read, the manifest first, then sources, metrics, experiments, each in alphabetical order.
    pub fn files(&self) -> &[ProjectFile] {
        &self.files
    }

    /// The path of the file that holds a definition, from the project's folder.
    pub fn file_of(&self, definition: Definition<'_>) -> Option<&str> {
        self.document(definition).map(Document::file)
    }

    /// The place of a field, by its dotted path such as `analysis.estimator` or `arms[1].name`; the file when the field is not given.
    pub fn place(&self, definition: Definition<'_>, field: &str) -> Option<Place> {
        let document = self.document(definition)?;
        Some(document.find(field).map_or_else(|| Place::file(document.file()), |item| document.place(&item.span)))
    }

    /// An error about a field of a definition, for checks that only the data or another crate can make.
    pub fn fault(
        &self,
        definition: Definition<'_>,
        field: &str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Fault {
        let fault = Fault::error(code, message).with_field(field);
        match self.place(definition, field) {
            Some(place) => fault.with_place(place),
            None => fault,
        }
    }

    /// A fault that reading a source found, with its place in the source's file unless it has one in the data.
    pub fn placed(&self, source: &str, fault: Fault) -> Fault {
        let field = if fault.field.is_empty() { "path" } else { &fault.field };
        match self.place(Definition::Source(source), field) {
            Some(place) if fault.place.is_none() => fault.with_place(place),
            _ => fault,
        }
    }

    /// The sources an experiment reads, those behind SQL sources included.
    pub fn sources_of(&self, experiment: &Experiment) -> BTreeSet<&str> {
        let metrics = self.metrics_of(experiment).into_iter().flat_map(Metric::sources);
        let dimensions = experiment.dimensions.iter().map(|dimension| dimension.source.as_str());
        let trigger = experiment.trigger.iter().map(|trigger| trigger.source.as_str());
        self.sources_behind(metrics.chain(dimensions).chain(trigger).chain([experiment.assignment.source.as_str()]))
    }

    /// These sources, and those that the SQL sources among them read.
    pub fn sources_behind<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&str> {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let mut waiting: Vec<&str> =
            names.into_iter().filter_map(|name| Some(self.source(name)?.name.as_str())).collect();
        while let Some((name, source)) = waiting.pop().and_then(|name| self.sources.get_key_value(name)) {
            if found.insert(name)
                && let Rows::Query(query) = &source.rows
            {
                waiting.extend(query.sources.iter().map(String::as_str));
            }
        }
        found
    }

    /// The metrics an experiment reads: those it names, and those that are their covariates.
    pub fn metrics_of(&self, experiment: &Experiment) -> Vec<&Metric> {
        let named = experiment.metrics.iter().filter_map(|named| self.metric(&named.metric));
        let mut metrics: Vec<&Metric> = named.collect();
        let own = metrics.iter().flat_map(|metric| &metric.covariates);
        let covariates: Vec<&Covariate> = own.chain(&experiment.analysis.covariates).collect();
        for covariate in covariates {
            if let Covariate::Metric(name) = covariate
                && let Some(metric) = self.metric(name)
                && !metrics.iter().any(|known| known.name == metric.name)
            {
                metrics.push(metric);
            }
        }
        metrics
    }

    /// The files that an experiment is made of: those that define it, and whatever they name.
    ///
    /// They make a project of their own, in which the experiment means the same; see [`Project::of_texts`]. A text that happens to be
    /// the name of a definition brings that one along, which changes nothing.
    pub fn files_of(&self, experiment: &Experiment) -> Vec<&ProjectFile> {
        let mut found: BTreeSet<&(&'static str, String)> = BTreeSet::new();
        let mut waiting = vec![("experiments", experiment.name.clone())];
        waiting.extend(self.sources_of(experiment).into_iter().map(|name| ("sources", name.to_owned())));
        while let Some(key) = waiting.pop() {
            let Some((key, document)) = self.documents.get_key_value(&key) else { continue };
            if !found.insert(key) {
                continue;
            }
            for text in document.texts() {
                waiting.extend(["metrics", "sources"].map(|folder| (folder, text.to_owned())));
            }
            if let Some(Rows::Query(query)) = self.source(&key.1).map(|source| &source.rows) {
                waiting.extend(query.sources.iter().map(|name| ("sources", name.clone())));
            }
        }
        let paths: BTreeSet<&str> =
            found.into_iter().filter_map(|key| self.documents.get(key)).map(Document::file).collect();
        self.files.iter().filter(|file| file.path == folder::MANIFEST || paths.contains(file.path.as_str())).collect()
    }

    /// The parameters that an experiment's metrics and sources declare.
    pub fn parameters_of(&self, experiment: &Experiment) -> BTreeMap<&str, &Parameter> {
        let sources = self.sources_of(experiment).into_iter().filter_map(|name| self.source(name));
        let of_sources = sources.flat_map(|source| &source.parameters);
        let of_metrics = self.metrics_of(experiment).into_iter().flat_map(|metric| &metric.parameters);
        of_sources.chain(of_metrics).map(|(name, parameter)| (name.as_str(), parameter)).collect()
    }

    /// Binds the parameters of an experiment to the values of the command line, `-p NAME=VALUE`.
    ///
    /// # Errors
    /// Every value that is given twice, unknown, of the wrong type or not allowed, and every parameter without value or default.
    pub fn bind(&self, experiment: &Experiment, given: &[(String, String)]) -> Result<Bindings, Faults> {
        bind(&self.parameters_of(experiment), given, self.manifest.defaults.timezone.as_ref())
    }

    /// Checks every column that a file names against the columns of its source.
    pub fn check_columns(&self, schemas: &dyn SourceSchemas) -> Faults {
        ColumnCheck::run(self, schemas)
    }

    pub(crate) fn document(&self, definition: Definition<'_>) -> Option<&Document> {
        let key = match definition {
            Definition::Source(name) => ("sources", name.to_owned()),
            Definition::Metric(name) => ("metrics", name.to_owned()),
            Definition::Experiment(name) => ("experiments", name.to_owned()),
        };
        self.documents.get(&key)
    }
}
