//! Reference cases and data sets kept outside the repository, found by `ESTIMAND_SHARED`: a folder that holds
//! `oracles/` and `data/`.

use std::path::PathBuf;

use serde_json::Value;

/// The folder; `None`, with a line that says why, when the variable is not set.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("ESTIMAND_SHARED").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: ESTIMAND_SHARED does not name the folder of the reference cases and data sets");
    }
    folder
}

/// A data set by its name.
pub fn data(name: &str) -> Option<PathBuf> {
    let path = folder()?.join("data").join(name);
    assert!(path.is_file(), "{} is not there", path.display());
    Some(path)
}

/// All cases of a family.
pub fn cases(family: &str) -> Option<Vec<Value>> {
    let path = folder()?.join("oracles").join(format!("{family}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
