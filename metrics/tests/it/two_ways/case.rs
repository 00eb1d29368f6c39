//! A random experiment over random files: what is written, and how it is made smaller when it fails.

use std::fmt::Write as _;
use std::path::Path;

use estimand_metrics::fault::Faults;
use estimand_metrics::project::Project;
use jiff::Timestamp;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::table::{Format, Table};

/// An experiment of a project, with the files that it reads.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it was drawn from.
    pub seed: u64,
    /// The zone of dates and of times without one.
    pub zone: &'static str,
    /// The sources that are files.
    pub tables: Vec<Table>,
    /// Other files of the project: path and text.
    pub others: Vec<(String, String)>,
    /// Metrics: name and text. Some are only named by others.
    pub metrics: Vec<(String, String)>,
    /// The metrics asked for, with their roles.
    pub asked: Vec<(String, &'static str)>,
    /// Unit, span, arms.
    pub head: String,
    /// The assignment, as an inline table without its filter.
    pub assignment: String,
    /// Which rows are assignments.
    pub filter: Option<String>,
    /// The trigger, as an inline table.
    pub trigger: Option<String>,
    /// Dimensions, each as it is listed.
    pub dimensions: Vec<String>,
    /// Covariates of every metric.
    pub covariates: Vec<String>,
    /// Nothing from then on is read.
    pub as_of: Timestamp,
    /// Values of parameters.
    pub given: Vec<(String, String)>,
}

/// Name of the experiment.
pub const EXPERIMENT: &str = "experiment";

impl Case {
    /// The text of the experiment.
    pub fn experiment(&self) -> String {
        let mut text = self.head.clone();
        if !self.dimensions.is_empty() {
            let _ = writeln!(text, "dimensions = [{}]", self.dimensions.join(", "));
        }
        let filter = self.filter.as_ref().map_or_else(String::new, |filter| format!(", filter = \"\"\"{filter}\"\"\""));
        let _ = writeln!(text, "assignment = {{ {}{filter} }}", self.assignment);
        if let Some(trigger) = &self.trigger {
            let _ = writeln!(text, "trigger = {{ {trigger} }}");
        }
        let _ = writeln!(text, "\n[metrics]");
        for role in ["primary", "secondary", "informational"] {
            let of_role = self.asked.iter().filter(|(_, other)| *other == role);
            let names: Vec<String> = of_role.map(|(name, _)| format!("\"{name}\"")).collect();
            if !names.is_empty() {
                let _ = writeln!(text, "{role} = [{}]", names.join(", "));
            }
        }
        // Some read the rows of units, or distinct rows with their counts, where others need moments alone.
        let rows = match self.seed % 9 {
            4 => Some("units"),
            7 => Some("compressed"),
            _ => None,
        };
        if rows.is_some() || !self.covariates.is_empty() {
            text += "\n[analysis]\n";
        }
        if !self.covariates.is_empty() {
            let names: Vec<String> = self.covariates.iter().map(|name| format!("\"{name}\"")).collect();
            let _ = writeln!(text, "covariates = [{}]", names.join(", "));
        }
        if let Some(rows) = rows {
            let _ = writeln!(text, "estimator = \"ols\"\noptions = {{ rows = \"{rows}\" }}");
        }
        text
    }

    /// The project: every file by its path, and its text.
    pub fn texts(&self) -> Vec<(String, String)> {
        let manifest = format!("name = \"Case {}\"\n\n[defaults]\ntimezone = \"{}\"\n", self.seed, self.zone);
        let mut texts = vec![("estimand.toml".to_owned(), manifest)];
        texts.extend(self.tables.iter().map(|table| (format!("sources/{}.toml", table.name), table.text())));
        texts.extend(self.others.iter().cloned());
        texts.extend(self.metrics.iter().map(|(name, text)| (format!("metrics/{name}.toml"), text.clone())));
        texts.push((format!("experiments/{EXPERIMENT}.toml"), self.experiment()));
        texts
    }

    /// Writes the data into a folder and reads the project.
    pub fn project(&self, folder: &Path) -> Result<Project, Faults> {
        for table in &self.tables {
            table.write(folder);
        }
        let texts = self.texts();
        Project::of_texts(folder, texts.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// Writes the whole project into a folder, for a look with the command.
    pub fn write(&self, folder: &Path) {
        for table in &self.tables {
            table.write(folder);
        }
        for (path, text) in self.texts() {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    /// The same rows in another order, in other files and row groups.
    pub fn elsewhere(&self) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut case = self.clone();
        for table in &mut case.tables {
            let mut order: Vec<u32> = (0..u32::try_from(table.rows.num_rows()).unwrap()).collect();
            order.shuffle(&mut random);
            *table = table.taken(&order);
            // What a text file holds is told from all of it, so that its first file must not be empty.
            if table.format == Format::Parquet {
                table.files = random.random_range(1..5);
                table.group = random.random_range(1..100);
            }
        }
        case
    }

    /// Cases with something left out, the boldest first.
    pub fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        let mut keep = |change: &dyn Fn(&mut Self)| {
            let mut case = self.clone();
            change(&mut case);
            smaller.push(case);
        };
        // One metric has to stay, and has to be primary.
        if self.asked.len() > 1 {
            for at in 0..self.asked.len() {
                keep(&|case| case.asked = vec![(self.asked[at].0.clone(), "primary")]);
            }
        }
        if self.trigger.is_some() {
            keep(&|case| case.trigger = None);
        }
        if self.filter.is_some() {
            keep(&|case| case.filter = None);
        }
        if !self.covariates.is_empty() {
            keep(&|case| case.covariates.clear());
        }
        for at in 0..self.dimensions.len() {
            keep(&|case| {
                case.dimensions.remove(at);
            });
        }
        for (at, table) in self.tables.iter().enumerate() {
            let rows = u32::try_from(table.rows.num_rows()).unwrap_or(u32::MAX);
            for parts in [2, 4, 16, 64].into_iter().filter(|parts| rows >= *parts) {
                for part in 0..parts {
                    let (from, to) = (rows * part / parts, rows * (part + 1) / parts);
                    let rest: Vec<u32> = (0..rows).filter(|row| !(from..to).contains(row)).collect();
                    keep(&|case| case.tables[at] = table.taken(&rest));
                }
            }
            if table.files > 1 {
                keep(&|case| case.tables[at].files = 1);
            }
            for line in table.head.lines().filter(|line| line.starts_with("columns.")) {
                keep(&|case| case.tables[at].head = table.head.replace(&format!("{line}\n"), ""));
            }
        }
        smaller
    }
}
