//! Names the build: runs promise equal bytes for one build, so anything that may change a digit must change its name.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Code that a result can depend on, from the workspace's folder; the lock file stands for everything from elsewhere.
const CODE: [&str; 5] = ["stats/src", "metrics/src", "viz/src", "analysis/src", "analysis/templates"];

fn main() -> io::Result<()> {
    let workspace = Path::new("..");
    let mut hasher = DefaultHasher::new();
    for part in CODE.iter().copied().chain(["viz/assets", "Cargo.lock"]) {
        let path = workspace.join(part);
        println!("cargo::rerun-if-changed={}", path.display());
        for file in files(&path)? {
            file.strip_prefix(workspace).unwrap_or(&file).hash(&mut hasher);
            fs::read(&file)?.hash(&mut hasher);
        }
    }
    let of = |name: &str| env::var(name).unwrap_or_default();
    println!(
        "cargo::rustc-env=ESTIMAND_BUILD=estimand {} {} {} {:016x}",
        of("CARGO_PKG_VERSION"),
        of("TARGET"),
        of("PROFILE"),
        hasher.finish()
    );
    Ok(())
}

/// Every file below a path, in the order of their names.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        found.extend(files(&entry)?);
    }
    Ok(found)
}
