//! CONTRIBUTING.md to the letter: what it shows is added to a copy of the project, and the files touched are counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::Desk;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace")
}

/// What the page says of one door.
struct Door {
    /// The new file.
    file: String,
    content: String,
    /// The registry, and its two lines, where there is one.
    registry: Option<[String; 3]>,
}

/// The section of the page under a heading.
fn door(heading: &str) -> Door {
    let page = std::fs::read_to_string(root().join("CONTRIBUTING.md")).expect("the page");
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("a section").to_owned();
    let (before, rest) = section.split_once("```").expect("a block of code");
    let (block, after) = rest.split_once("```").expect("its end");
    let indent = before.rsplit('\n').next().unwrap_or_default();
    let lines = block.lines().skip(1).map(|line| line.strip_prefix(indent).unwrap_or(line.trim_start()));
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let registry = after.split_once("in the registry ").map(|(_, line)| {
        let words: Vec<String> = quoted(line).into_iter().filter(|word| word != "ALL").collect();
        [words[0].clone(), words[1].clone(), words[2].clone()]
    });
    Door {
        file: quoted(before).pop().expect("the file is named before its content"),
        content: lines.map(|line| format!("{line}\n")).collect::<String>().trim_end().to_owned() + "\n",
        registry,
    }
}

impl Door {
    /// Does what the page says; gives the files that are new and those that are changed.
    fn apply(&self, copy: &Path) -> (Vec<String>, Vec<String>) {
        let before = files(copy);
        std::fs::write(copy.join(&self.file), &self.content).expect("a new file");
        if let Some([registry, line, entry]) = &self.registry {
            let path = copy.join(registry);
            let text = std::fs::read_to_string(&path).expect("the registry");
            std::fs::write(path, registered(&text, line, entry)).expect("the registry");
        }
        let after = files(copy);
        let new = after.keys().filter(|name| !before.contains_key(*name)).cloned().collect();
        let changed = before.iter().filter(|(name, text)| after.get(*name) != Some(*text));
        (new, changed.map(|(name, _)| name.clone()).collect())
    }
}

/// A registry with a module and an entry more, each in its place by the alphabet.
fn registered(text: &str, module: &str, entry: &str) -> String {
    let (head, list) = text.split_once("pub const ALL").expect("a registry has a list");
    let (kind, rest) = list.split_once("= &[").expect("a list");
    let (inside, rest) = rest.split_once("];").expect("the end of the list");
    let mut entries: Vec<&str> = inside.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    entries.push(entry);
    entries.sort_by_key(|entry| entry.rsplit("::").next().unwrap_or(entry).trim_start_matches('&').to_owned());
    let mut lines: Vec<&str> = head.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("mod ") && *line > module).expect("a module after it");
    lines.insert(at, module);
    format!("{}\npub const ALL{kind}= &[{}];{rest}", lines.join("\n"), entries.join(", "))
}

/// The text of every source of the project, by its path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut waiting) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(place) = waiting.pop() {
        for entry in std::fs::read_dir(&place).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("inside").to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

/// A copy of what cargo needs to check two of the crates, in a folder that is kept between runs.
fn copy() -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contributing");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).expect("the copy of an earlier run is ours");
    }
    for part in ["Cargo.toml", "Cargo.lock", "analysis", "cli", "metrics", "server", "stats", "tests", "viz"] {
        copy_into(&root().join(part), &copy.join(part));
    }
    copy
}

fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().expect("a place")).expect("a folder");
    if from.is_file() {
        std::fs::copy(from, to).expect("a copy");
        return;
    }
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        // What other tools put there is no source.
        if entry.file_name() != "node_modules" && entry.file_name() != "target" {
            copy_into(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

#[test]
fn a_metric_is_one_file() {
    let metric = door("A metric");
    assert!(metric.registry.is_none());
    let desk = Desk::with(&[
        ("estimand.toml", "name = \"Shop\"\n\n[defaults]\ntimezone = \"UTC\"\n"),
        ("sources/orders.toml", "path = \"orders.csv\"\ntimestamp = \"at\"\n\n[keys]\nuser_id = \"text\"\n"),
        ("orders.csv", "user_id,at,amount\nu1,2026-03-01T10:00:00Z,9.5\n"),
        ("metrics/orders.toml", "kind = \"mean\"\nsource = \"orders\"\nvalue = \"count(*)\"\ndirection = \"higher\"\n"),
    ]);
    assert_eq!(metric.apply(desk.path()), (vec!["metrics/revenue_per_user.toml".to_owned()], Vec::new()));
    let checked = desk.run(&["check"]);
    assert_eq!((checked.code, checked.text().as_str()), (Some(0), ""), "{}", checked.talk);
    let shown = desk.run(&["metrics", "show", "revenue_per_user"]).text();
    assert!(shown.starts_with("Revenue per user (mean)\n") && shown.contains("owner:       growth-science"), "{shown}");
}

#[test]
fn an_estimator_and_a_chart_are_a_file_and_their_lines_in_one_registry() {
    let copy = copy();
    for heading in ["An estimator", "A chart"] {
        let door = door(heading);
        let registry = door.registry.as_ref().map(|[registry, ..]| registry.clone()).expect("a registry");
        assert_eq!(door.apply(&copy), (vec![door.file.clone()], vec![registry]), "{heading}");
    }
    // Neither crate knows the engine, so this builds little, and once: what it builds is kept.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let checked = Command::new(cargo)
        .args(["check", "--offline", "--quiet", "-p", "estimand-stats", "-p", "estimand-viz", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("contributing-target"))
        .current_dir(&copy)
        .output()
        .expect("cargo starts");
    let talk = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && talk.is_empty(), "{talk}");
}
