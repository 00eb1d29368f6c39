//! True effects, known because the data are simulated.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use estimand_metrics::definition::Experiment;
use estimand_metrics::project::Project;
use estimand_stats::Estimate;
use serde::{Deserialize, Serialize};

use super::Error;

/// Name of the file in a project's folder.
pub const FILE: &str = "truth.toml";

/// What a simulated experiment's effects are in truth: the estimands of its report, computed from the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// The experiment.
    pub experiment: String,
    /// The seed of the simulation.
    pub seed: u64,
    /// The number of users simulated.
    pub users: u64,
    /// The definitions that the effects are of: BLAKE3 of each file, by path. A changed window asks another question.
    pub definitions: BTreeMap<String, String>,
    /// The metrics, by name.
    #[serde(rename = "metric")]
    pub metrics: Vec<MetricTruth>,
}

/// The true effects on one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricTruth {
    /// The metric.
    pub name: String,
    /// The formula behind the values, in words.
    pub derivation: String,
    /// The effects: all units first, then each segment; absolute before relative.
    pub effects: Vec<Effect>,
}

/// One true effect. The fields are those of the result table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// The segment as `dimension=value`; `None` for all units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// The arm that the effect is of.
    pub arm: String,
    /// The arm compared against.
    pub baseline_arm: String,
    /// The scale of `value`.
    pub scale: Scale,
    /// The true effect.
    pub value: f64,
    /// The expected metric under the arm.
    pub mean: f64,
    /// The expected metric under the baseline arm.
    pub mean_baseline: f64,
}

/// The scale of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// A difference, in the unit of the metric.
    Absolute,
    /// A difference by the mean of the baseline arm.
    Relative,
}

impl Scale {
    /// The word of the result table's column `scale`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Absolute => "absolute",
            Self::Relative => "relative",
        }
    }
}

/// The text of [`FILE`] in a project's folder; `None` when there is none, as in every project of real data.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read.
pub fn text_of(folder: &Path) -> Result<Option<String>, Error> {
    let path = folder.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path, source }),
    }
}

impl Truth {
    /// The true effect of an arm on a metric, for all units (`segment` is `None`) or for a segment such as `platform=web`.
    ///
    /// `scale` is the word of the result table. `None` when the simulation knows no such effect.
    pub fn effect(&self, metric: &str, segment: Option<&str>, arm: &str, scale: &str) -> Option<&Effect> {
        self.metrics
            .iter()
            .find(|truth| truth.name == metric)?
            .effects
            .iter()
            .find(|effect| effect.segment.as_deref() == segment && effect.arm == arm && effect.scale.word() == scale)
    }

    /// The true effect behind a row of the result table.
    ///
    /// Only rows that decide have one: a row shown beside may answer another question, such as the same without its cap. Rows
    /// by period have the truth of all units, since effects do not depend on the day of enrolment.
    pub fn of_row(&self, row: &Estimate) -> Option<&Effect> {
        let is_effect = row.term.is_none() && row.cohort.is_none() && row.quantile.is_none();
        if !is_effect || row.decides != Some(true) {
            return None;
        }
        let effect =
            self.effect(row.metric.as_deref()?, row.segment.as_deref(), row.arm.as_deref()?, row.scale.as_deref()?)?;
        (row.baseline_arm.as_ref() == Some(&effect.baseline_arm)).then_some(effect)
    }

    /// The truth that a project's folder holds; `None` when it has no [`FILE`], as every project of real data.
    ///
    /// # Errors
    /// [`Error::Read`] when the file cannot be read, [`Error::Truth`] when it says something else than truths.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let parsed =
            |text: String| toml::from_str(&text).map_err(|source| Error::Truth { path, source: Box::new(source) });
        text_of(folder)?.map(parsed).transpose()
    }

    /// The truth about an experiment as its definitions are now: `None` when its folder has no [`FILE`], when that is about another
    /// experiment, or when a definition has been changed since, which makes it the truth of another question.
    ///
    /// # Errors
    /// As [`Truth::read`].
    pub fn of(project: &Project, experiment: &Experiment) -> Result<Option<Self>, Error> {
        let files = project.files_of(experiment);
        let is_of = |truth: &Self| {
            truth.experiment == experiment.name
                && files.iter().all(|file| truth.definitions.get(&file.path) == Some(&file.blake3))
        };
        // Definitions that were made from a command line stand in no folder that could hold truths about them.
        if files.is_empty() { Ok(None) } else { Ok(Self::read(project.root())?.filter(is_of)) }
    }

    /// The text of the file: one effect a line, floats with all their digits.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let mut text = format!(
            "# The true effects of this simulated experiment, computed from its model and not from its data.\n\
             # A 95 % interval covers its line 19 times in 20 over seeds. `derivation` is the expectation of one unit of one country,\n\
             # platform and kind of visitor, under one arm; means and effects average it over all units, or over a segment.\n\
             # It holds for the definitions of these hashes: a changed window asks another question.\n\
             experiment = {}\nseed = {}\nusers = {}\n\n[definitions]\n",
            quoted(&self.experiment),
            self.seed,
            self.users
        );
        for (path, blake3) in &self.definitions {
            let _ = writeln!(text, "{} = {}", quoted(path), quoted(blake3));
        }
        for metric in &self.metrics {
            let _ = write!(
                text,
                "\n[[metric]]\nname = {}\nderivation = {}\neffects = [\n",
                quoted(&metric.name),
                quoted(&metric.derivation)
            );
            for effect in &metric.effects {
                let segment = effect.segment.as_deref().map(|segment| format!("segment = {}, ", quoted(segment)));
                let _ = writeln!(
                    text,
                    "    {{ {}arm = {}, baseline_arm = {}, scale = \"{}\", value = {:?}, mean = {:?}, mean_baseline = {:?} }},",
                    segment.unwrap_or_default(),
                    quoted(&effect.arm),
                    quoted(&effect.baseline_arm),
                    effect.scale.word(),
                    effect.value,
                    effect.mean,
                    effect.mean_baseline
                );
            }
            text.push_str("]\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> Truth {
        let effect = |segment: Option<&str>, value| Effect {
            segment: segment.map(str::to_owned),
            arm: "b".to_owned(),
            baseline_arm: "a".to_owned(),
            scale: Scale::Relative,
            value,
            mean: 1.0 / 3.0,
            mean_baseline: 1e-300,
        };
        let orders = MetricTruth {
            name: "orders".to_owned(),
            derivation: "\"rate\" x days".to_owned(),
            effects: vec![effect(None, 0.1 + 0.2), effect(Some("platform=web"), -0.0)],
        };
        Truth {
            experiment: "test".to_owned(),
            seed: 3,
            users: 5,
            definitions: BTreeMap::from([("metrics/orders.toml".to_owned(), "00ff".to_owned())]),
            metrics: vec![orders],
        }
    }

    #[test]
    fn a_truth_survives_its_file_to_the_last_digit() {
        assert_eq!(toml::from_str::<Truth>(&truth().to_toml()).unwrap(), truth());
    }

    #[test]
    fn only_a_deciding_row_of_the_same_question_has_a_truth() {
        let text = |text: &str| Some(text.to_owned());
        let row = Estimate {
            metric: text("orders"),
            arm: text("b"),
            baseline_arm: text("a"),
            scale: text("relative"),
            decides: Some(true),
            ..Estimate::default()
        };
        let value = |row: &Estimate| truth().of_row(row).map(|effect| effect.value);
        assert_eq!(value(&row), Some(0.1 + 0.2));
        assert_eq!(value(&Estimate { segment: text("platform=web"), ..row.clone() }), Some(0.0));
        for other in [
            Estimate { metric: text("visits"), ..row.clone() },
            Estimate { segment: text("platform=ios"), ..row.clone() },
            Estimate { arm: text("c"), ..row.clone() },
            Estimate { baseline_arm: text("c"), ..row.clone() },
            Estimate { scale: text("absolute"), ..row.clone() },
            Estimate { decides: Some(false), ..row.clone() },
            Estimate { term: text("age"), ..row.clone() },
            Estimate { quantile: Some(0.5), ..row.clone() },
        ] {
            assert_eq!(value(&other), None, "{other:?}");
        }
    }
}
