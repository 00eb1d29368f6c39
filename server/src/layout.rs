//! What stands around every page.

use serde::Serialize;

use crate::library::Library;

/// What stands around a page: the project, where the reader is, and what is wrong with the files.
#[derive(Debug, Serialize)]
pub(crate) struct Layout {
    project: Option<String>,
    title: String,
    /// The address of the entry of the navigation that the page belongs to; empty when it belongs to none.
    here: &'static str,
    faults: Vec<String>,
    version: &'static str,
}

impl Layout {
    /// Around a page of the project.
    pub(crate) fn of(library: &Library, title: impl Into<String>, here: &'static str) -> Self {
        Self {
            project: Some(library.project.manifest().name.clone()),
            title: title.into(),
            here,
            faults: library.faults.clone(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Around an error; a bare one does not name the project.
    pub(crate) fn of_error(library: &Library, title: &str, bare: bool) -> Self {
        let layout = Self::of(library, title, "");
        if bare { Self { project: None, faults: Vec::new(), ..layout } } else { layout }
    }
}
