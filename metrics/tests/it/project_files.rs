//! The files of an experiment make a project in which it means the same.

use estimand_metrics::plan::{AsOf, compile};
use estimand_metrics::project::Project;

use crate::shop::{self, Shop};

#[test]
fn the_files_of_an_experiment_are_a_project_of_their_own() {
    let whole = Project::load(&shop::folder()).unwrap_or_else(|faults| panic!("{faults}"));
    for experiment in whole.experiments().values() {
        let files = whole.files_of(experiment);
        let texts = files.iter().map(|file| (file.path.as_str(), file.text.as_str()));
        let part = Project::of_texts(whole.root(), texts).unwrap_or_else(|faults| panic!("{faults}"));
        let plan = |project: &Project| {
            let experiment = project.experiment(&experiment.name).unwrap();
            let bindings = project.bind(experiment, &[]).unwrap_or_else(|faults| panic!("{faults}"));
            compile(project, experiment, &bindings, AsOf::At("2026-06-01T00:00:00Z".parse().unwrap())).unwrap()
        };
        assert_eq!(plan(&part), plan(&whole));
        assert!(files.iter().any(|file| file.path == "estimand.toml"));
    }
}

#[test]
fn a_definition_that_the_experiment_does_not_name_is_none_of_its_files() {
    let shop = Shop::new();
    let before = shop.load();
    let name = before.experiments().keys().next().unwrap().clone();
    let paths = |project: &Project| {
        let files = project.files_of(project.experiment(&name).unwrap());
        files.into_iter().map(|file| file.path.clone()).collect::<Vec<_>>()
    };
    let text = std::fs::read(shop::folder().join("metrics/conversion.toml")).unwrap();
    shop.put("metrics/unrelated.toml", &text);
    assert_eq!(paths(&shop.load()), paths(&before));
}
