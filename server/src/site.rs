//! What every handler works with: the definitions, the runs, the templates.

use std::sync::Arc;

use axum::response::{Html, IntoResponse, Response};
use estimand_analysis::metrics::project::Project;
use estimand_analysis::run::RunStore;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, HtmlEscape, UndefinedBehavior, Value, context};
use parking_lot::RwLock;
use serde::Serialize;

use crate::layout::Layout;
use crate::library::{Library, Stamp};
use crate::refusal::Refusal;
use crate::{Error, Log, handler};

/// A project that is being shown. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    library: RwLock<Arc<Library>>,
    /// Held by the one request that reads the definitions anew.
    reading: tokio::sync::Mutex<()>,
    runs: RunStore,
    templates: Environment<'static>,
    log: Option<Log>,
}

impl Site {
    /// Opens the runs of a project and its templates.
    ///
    /// # Errors
    /// [`Error::Runs`] when the record of runs cannot be opened.
    pub async fn open(project: Project, log: Option<Log>) -> Result<Self, Error> {
        let runs = RunStore::open(project.root()).await?;
        let stamp = Stamp::of(project.root());
        Ok(Self(Arc::new(Inner {
            library: RwLock::new(Arc::new(Library::new(project, stamp))),
            reading: tokio::sync::Mutex::default(),
            runs,
            templates: templates()?,
            log,
        })))
    }

    /// The definitions as the files are now.
    pub(crate) async fn library(&self) -> Result<Arc<Library>, Refusal> {
        let _reading = self.0.reading.lock().await;
        let (site, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let renewing = tokio::task::spawn_blocking(move || {
            let last = site.last_read();
            let Some(renewed) = last.renewed(&runtime).map(Arc::new) else { return last };
            *site.0.library.write() = Arc::clone(&renewed);
            renewed
        });
        Ok(renewing.await?)
    }

    /// The definitions as they were last read.
    pub(crate) fn last_read(&self) -> Arc<Library> {
        Arc::clone(&self.0.library.read())
    }

    /// The record of runs.
    pub(crate) fn runs(&self) -> &RunStore {
        &self.0.runs
    }

    /// A page made of its template; the view is `page` in there.
    pub(crate) fn render(&self, template: &str, layout: Layout, view: impl Serialize) -> Result<Response, Refusal> {
        let around = Value::from(Serde(layout));
        let page = self.0.templates.get_template(template)?;
        Ok(Html(page.render(context! { layout => around, page => Value::from(Serde(view)) })?).into_response())
    }

    /// A line for the log.
    pub(crate) fn say(&self, line: &str) {
        if let Some(log) = &self.0.log {
            log(line);
        }
    }

    /// Closes the record of runs.
    pub(crate) async fn close(&self) {
        self.0.runs.clone().close().await;
    }
}

fn templates() -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // Before any template is added: whether to escape is settled when a template is compiled.
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.add_filter("encoded", encoded);
    templates.add_filter("ticked", ticked);
    templates.add_template("layout.html", include_str!("../templates/layout.html"))?;
    templates.add_template("macros.html", include_str!("../templates/macros.html"))?;
    templates.add_template("error", include_str!("../templates/error.html"))?;
    for page in handler::ALL {
        if let Some((name, template)) = page.template {
            templates.add_template(name, template)?;
        }
    }
    Ok(templates)
}

/// Text in which what stands between backticks is code.
fn ticked(text: String) -> Value {
    let parts: Vec<String> = text.split('`').map(|part| HtmlEscape(part).to_string()).collect();
    let mut html = String::new();
    for (place, part) in parts.iter().enumerate() {
        // Odd parts stand between ticks; one after a tick that nothing closes is text, tick and all.
        match (place % 2, place + 1 == parts.len()) {
            (0, _) => html += part,
            (_, true) => html += &format!("`{part}"),
            (_, false) => html += &format!("<code>{part}</code>"),
        }
    }
    Value::from_safe_string(html)
}

/// Text as a value in an address.
fn encoded(text: String) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code_and_all_of_it_is_escaped() {
        assert_eq!(ticked("run `<a>` is & `b".to_owned()).to_string(), "run <code>&lt;a&gt;</code> is &amp; `b");
        assert_eq!(ticked(String::new()).to_string(), "");
    }

    #[test]
    fn nothing_in_a_value_ends_it() {
        assert_eq!(encoded("a b&c=é".to_owned()), "a%20b%26c%3D%C3%A9");
    }
}
