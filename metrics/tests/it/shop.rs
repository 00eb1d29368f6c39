//! The example project, whole or with one file changed.

use std::path::{Path, PathBuf};

use estimand_metrics::fault::Fault;
use estimand_metrics::project::Project;

/// The folder of the example project.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples")
}

/// The files of the example project: path from its folder, and text.
pub fn files() -> Vec<(String, String)> {
    let mut files = vec![("estimand.toml".to_owned(), read(&folder().join("estimand.toml")))];
    for part in ["sources", "metrics", "experiments"] {
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(folder().join(part)).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.sort();
        for file in found {
            files.push((format!("{part}/{}", file.file_name().unwrap().to_string_lossy()), read(&file)));
        }
    }
    files
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A copy of the example project in a folder of its own, to be changed.
pub struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    /// An unchanged copy.
    pub fn new() -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files() {
            shop.put(&path, text.as_bytes());
        }
        shop
    }

    /// Writes a file, with its folder.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        let file = self.folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// Replaces text that must occur in a file.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = read(&self.folder.path().join(path));
        assert!(text.contains(from), "`{from}` does not occur in {path}");
        self.put(path, text.replacen(from, to, 1).as_bytes());
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The faults of the project.
    pub fn faults(&self) -> Vec<Fault> {
        Project::load_all(self.path()).1.into_vec()
    }

    /// The faults as lines.
    pub fn lines(&self) -> Vec<String> {
        self.faults().iter().map(Fault::line).collect()
    }

    /// The faults as blocks, as a terminal shows them.
    pub fn rendered(&self) -> String {
        let blocks: Vec<String> = self.faults().iter().map(|fault| fault.render(false)).collect();
        blocks.join("\n")
    }

    /// The project, which has to be whole.
    pub fn load(&self) -> Project {
        Project::load(self.path()).unwrap_or_else(|faults| panic!("{faults}"))
    }
}
