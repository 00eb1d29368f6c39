//! The house keeps its shape: edges between crates, registries, one copy of the engine, no word that does not belong.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace").to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(path: &str) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Members of the workspace named in a table of dependencies.
fn members_of(table: &toml::Table, name: &str) -> BTreeSet<String> {
    let dependencies = table.get(name).and_then(toml::Value::as_table);
    dependencies
        .into_iter()
        .flat_map(toml::Table::keys)
        .filter_map(|name| name.strip_prefix("estimand-"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_depend_only_downwards() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("stats", &[] as &[&str]),
        ("metrics", &["stats"]),
        ("viz", &["stats"]),
        ("analysis", &["metrics", "stats", "viz"]),
        ("server", &["analysis"]),
        ("cli", &["analysis", "server"]),
    ]);
    for (name, allowed) in allowed {
        let found = members_of(&manifest(&format!("{name}/Cargo.toml")), "dependencies");
        let wrong: Vec<&String> = found.iter().filter(|edge| !allowed.contains(&edge.as_str())).collect();
        assert!(wrong.is_empty(), "{name}/Cargo.toml: `{name}` may depend on {allowed:?} and depends on {wrong:?}");
    }
}

#[test]
fn the_ground_and_the_figures_are_free_of_the_engine() {
    for name in ["stats", "viz"] {
        let table = manifest(&format!("{name}/Cargo.toml"));
        for kind in ["dependencies", "dev-dependencies"] {
            let dependencies = table.get(kind).and_then(toml::Value::as_table);
            let engine: Vec<&String> = dependencies
                .into_iter()
                .flat_map(toml::Table::keys)
                .filter(|dependency| dependency.starts_with("datafusion") || *dependency == "sea-query")
                .collect();
            assert!(engine.is_empty(), "{name}/Cargo.toml [{kind}] names {engine:?}");
        }
    }
}

#[test]
fn there_is_one_copy_of_the_engine() {
    let lock = manifest("Cargo.lock");
    let packages = lock.get("package").and_then(toml::Value::as_array).expect("Cargo.lock lists packages");
    for name in ["arrow", "datafusion", "object_store", "parquet", "sqlparser"] {
        let copies =
            packages.iter().filter(|package| package.get("name").and_then(toml::Value::as_str) == Some(name)).count();
        assert_eq!(copies, 1, "Cargo.lock holds {copies} copies of {name}");
    }
}

/// Folders in which every file is a member of a family.
const FAMILIES: &[&str] = &[
    "analysis/src/output",
    "metrics/src/kind",
    "metrics/src/udaf",
    "server/src/handler",
    "stats/src/estimator",
    "viz/src/chart",
];

#[test]
fn every_file_of_a_family_is_in_its_registry() {
    for family in FAMILIES {
        let registry = read(format!("{family}/mod.rs"));
        for entry in fs::read_dir(root().join(family)).unwrap_or_else(|error| panic!("{family}: {error}")) {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            if name != "mod" {
                let listed =
                    [format!("mod {name};"), format!("mod {name} {{")].iter().any(|line| registry.contains(line));
                assert!(listed, "{family}/{name}.rs is not named in {family}/mod.rs: add `mod {name};` and its entry");
            }
        }
    }
}

#[test]
fn names_in_a_registry_are_distinct_and_sorted() {
    let registries: [(&str, Vec<String>); 2] = [
        ("estimators", estimand_stats::estimator::ALL.iter().map(|one| one.name().to_owned()).collect()),
        ("formats", estimand_analysis::output::ALL.iter().map(|one| one.name().to_owned()).collect()),
    ];
    for (registry, names) in registries {
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(names, sorted, "the registry of {registry} is in alphabetical order, each name once");
    }
}

/// Text files of the project, without what is built, vendored or locked.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | "node_modules" | "assets" | "golden") {
                sources(&path, found);
            }
        } else if path
            .extension()
            .is_some_and(|suffix| ["rs", "md", "toml", "html", "css", "py"].iter().any(|one| suffix == *one))
        {
            found.push(path);
        }
    }
}

#[test]
fn no_file_names_a_machine_or_a_registry_host() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    assert!(files.len() > 50, "only {} files were found", files.len());
    let words = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("crates", ".io"),
        concat!("pypi", ".org"),
        concat!("registry.npm", "js"),
    ];
    for path in files {
        let text = fs::read_to_string(&path).unwrap_or_default();
        for word in words {
            assert!(!text.contains(word), "{} names `{word}`", path.display());
        }
    }
}
