//! Why a request gets no answer, in the words of whoever can mend it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use estimand_analysis::run;

use crate::error_page::ErrorPage;

/// Why a request gets no answer.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nothing is at this address.
    NoPage,
    /// An experiment that is neither in the project nor among its runs.
    NoExperiment { name: String, nearest: Option<String> },
    /// A metric that is not in the project.
    NoMetric { name: String, nearest: Option<String> },
    /// No run begins like this.
    NoRun { prefix: String },
    /// Several runs begin like this.
    AmbiguousRun { prefix: String, candidates: Vec<String> },
    /// A run whose results are out of sight while it is replayed.
    HiddenRun { id: String },
    /// A run whose files are not what was recorded.
    DamagedRun { id: String, faults: Vec<String> },
    /// A run without this artefact.
    NoArtefact { id: String, name: String },
    /// A method other than GET and HEAD.
    Method { method: String },
    /// The name asked for is not the loopback's.
    ForeignHost,
    /// The page of another site asks.
    ForeignOrigin,
    /// A request with a body.
    Body,
    /// An address that is too long.
    LongAddress { length: usize, most: usize },
    /// An address, or a query in it, that is no text.
    BadAddress,
    /// An answer that took too long.
    Slow,
    /// A fault of ours, or of the machine; the details are for the log.
    Internal { detail: String },
}

impl Refusal {
    /// The page that says so.
    fn page(self) -> ErrorPage {
        match self {
            Self::NoPage => {
                ErrorPage::new(StatusCode::NOT_FOUND, "There is no such page", "Nothing is at this address.")
            }
            Self::NoExperiment { name, nearest } => {
                let sentence = format!("This project has no experiment `{}`, and no run of one.", shown(&name));
                let page = ErrorPage::new(StatusCode::NOT_FOUND, "There is no such experiment", sentence);
                let way = |nearest: String| (format!("Did you mean {nearest}?"), format!("/experiments/{nearest}"));
                page.with_link(nearest.map(way))
                    .with_mend("An experiment is a file `experiments/NAME.toml` of the project.")
            }
            Self::NoMetric { name, nearest } => {
                let sentence = format!("This project has no metric `{}`.", shown(&name));
                let page = ErrorPage::new(StatusCode::NOT_FOUND, "There is no such metric", sentence);
                let way = |nearest: String| (format!("Did you mean {nearest}?"), format!("/metrics/{nearest}"));
                page.with_link(nearest.map(way)).with_mend("A metric is a file `metrics/NAME.toml` of the project.")
            }
            Self::NoRun { prefix } => {
                let sentence = format!("No run of this project begins with `{}`.", shown(&prefix));
                ErrorPage::new(StatusCode::NOT_FOUND, "There is no such run", sentence)
                    .with_mend("The id of a run is made of 64 digits 0 to 9 and a to f; its beginning is enough.")
                    .with_link(Some(("All runs".to_owned(), "/runs".to_owned())))
            }
            Self::AmbiguousRun { prefix, candidates } => {
                let sentence = format!("The ids of {} runs or more begin with `{}`.", candidates.len(), shown(&prefix));
                let page = ErrorPage::new(StatusCode::MULTIPLE_CHOICES, "Which run?", sentence);
                let way = |id: String| Some((format!("Run {id}"), format!("/runs/{id}")));
                candidates.into_iter().fold(page, |page, id| page.with_link(way(id)))
            }
            Self::HiddenRun { id } => {
                let sentence = format!("Run `{}` is being replayed, and hidden until that ends.", short(&id));
                ErrorPage::new(StatusCode::SERVICE_UNAVAILABLE, "The run is being replayed", sentence).with_mend(
                    "Load this page again when the replay is done. If its process was ended, the next `estimand` command puts the run back.",
                )
            }
            Self::DamagedRun { id, faults } => {
                let sentence = format!(
                    "Run `{}` is not what was recorded, so it is not shown: {}.",
                    short(&id),
                    faults.join("; ")
                );
                ErrorPage::new(StatusCode::INTERNAL_SERVER_ERROR, "The run is damaged", sentence)
                    .with_mend("Other runs are not touched by this. Compute it again from its inputs:")
                    .with_command(format!("estimand replay {}", short(&id)))
            }
            Self::NoArtefact { id, name } => {
                let sentence = format!("Run `{}` was recorded without `{name}`.", short(&id));
                ErrorPage::new(StatusCode::NOT_FOUND, "The run has no such file", sentence)
            }
            Self::Method { method } => {
                let sentence = format!("`{method}` is not answered here: pages are read with GET or HEAD.");
                ErrorPage::new(StatusCode::METHOD_NOT_ALLOWED, "Only reading", sentence)
                    .with_mend("Runs are made on the command line, with `estimand analyze`.")
            }
            Self::ForeignHost => {
                let sentence = "This server answers to the names 127.0.0.1 and localhost only.";
                ErrorPage::new(StatusCode::MISDIRECTED_REQUEST, "Another name", sentence).bare()
            }
            Self::ForeignOrigin => {
                let sentence = "A page of another site asked for this, and gets no answer.";
                ErrorPage::new(StatusCode::FORBIDDEN, "Another site", sentence).bare()
            }
            Self::Body => {
                let sentence = "The request has a body, and pages are only read here.";
                ErrorPage::new(StatusCode::BAD_REQUEST, "A request with a body", sentence)
            }
            Self::LongAddress { length, most } => {
                let sentence = format!("The address has {length} bytes, and {most} are the most.");
                ErrorPage::new(StatusCode::URI_TOO_LONG, "The address is too long", sentence)
            }
            Self::BadAddress => {
                let sentence = "The address cannot be read: it is not percent-encoded UTF-8, or gives one value twice.";
                ErrorPage::new(StatusCode::BAD_REQUEST, "The address cannot be read", sentence)
            }
            Self::Slow => {
                let sentence = "The answer took too long and was given up.";
                ErrorPage::new(StatusCode::SERVICE_UNAVAILABLE, "Too slow", sentence)
                    .with_mend("Load the page again; when it stays slow, the disk or the machine is busy.")
            }
            Self::Internal { detail } => {
                let sentence = "The page could not be made. Why stands in the terminal of `estimand serve`, on the line with the number of this request.";
                ErrorPage::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", sentence).with_detail(detail)
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.page().into_response()
    }
}

/// What the store says, without the places of files: those are for the log.
impl From<run::Error> for Refusal {
    fn from(error: run::Error) -> Self {
        match error {
            run::Error::UnknownRun { prefix, .. } => Self::NoRun { prefix },
            run::Error::AmbiguousRun { prefix, candidates } => Self::AmbiguousRun { prefix, candidates },
            run::Error::Hidden { id } => Self::HiddenRun { id: id.to_string() },
            run::Error::Damaged { id, faults } => Self::DamagedRun { id: id.to_string(), faults },
            run::Error::UnknownArtefact { id, name, .. } => Self::NoArtefact { id: id.to_string(), name },
            other => Self::Internal { detail: other.to_string() },
        }
    }
}

impl From<minijinja::Error> for Refusal {
    fn from(error: minijinja::Error) -> Self {
        Self::Internal { detail: format!("{error:#}") }
    }
}

impl From<tokio::task::JoinError> for Refusal {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Internal { detail: error.to_string() }
    }
}

/// What was asked for, shortened: an address may hold two thousand characters.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
