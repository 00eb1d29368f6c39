//! A project with recorded runs, and a router to ask.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use estimand_analysis::demo::shop;
use estimand_analysis::metrics::project::Project;
use estimand_analysis::report::{Arm, Header, PlotlyMode, ReportModel, render};
use estimand_analysis::run::{Inputs, Log, Run, RunId, RunStore, Summary};
use estimand_analysis::stats::check::{CheckResult, Outcome};
use estimand_analysis::stats::verdict::{Verdict, VerdictKind};
use estimand_analysis::stats::{Estimate, Estimates};
use estimand_server::{Site, router};
use tower::ServiceExt;

/// The simulated shop, its record of runs, and a router that shows both.
pub struct Desk {
    pub folder: tempfile::TempDir,
    pub store: RunStore,
    router: Router,
    log: Arc<Mutex<Vec<String>>>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Desk {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        shop::write(folder.path(), &shop::ShopOptions { users: 1_000, seed: 1 }).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let say = Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()));
        let site = Site::open(Project::load(folder.path()).unwrap(), Some(say)).await.unwrap();
        let store = RunStore::open(folder.path()).await.unwrap();
        Self { router: router(site), store, folder, log }
    }

    /// Records a run and gives its id.
    pub async fn record(&self, run: &Run) -> RunId {
        self.store.insert(run).await.unwrap().id
    }

    /// Asks for an address as a browser on this machine does.
    pub async fn get(&self, address: &str) -> Answer {
        self.ask(Request::get(address).header("host", "127.0.0.1:8642")).await
    }

    pub async fn ask(&self, request: axum::http::request::Builder) -> Answer {
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, bytes: to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the project anew.
    pub fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let path = self.path(name);
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, change(text)).unwrap();
    }

    /// The last line of the log.
    pub fn last_line(&self) -> String {
        self.log.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

impl Answer {
    /// The body as text, with slashes as people write them: the escape of templates is thorough.
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap().replace("&#x2f;", "/")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless the page has this status, says this, and carries what every page must.
    #[track_caller]
    pub fn must(&self, status: u16, sentence: &str) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert!(self.text().contains(sentence), "`{sentence}` is not in:\n{}", self.text());
        self.is_kept_in()
    }

    /// Fails unless the headers keep the page to itself.
    #[track_caller]
    pub fn is_kept_in(&self) -> &Self {
        assert!(self.header("content-security-policy").starts_with("default-src 'none'; "));
        assert!(self.header("content-security-policy").ends_with("frame-ancestors 'none'"));
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(self.header("x-frame-options"), "DENY");
        assert_eq!(self.header("referrer-policy"), "no-referrer");
        assert_eq!(self.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(self.header("cross-origin-opener-policy"), "same-origin");
        assert!(self.header("cache-control").starts_with("private") || self.header("cache-control") == "no-store");
        assert!(self.header("x-request-id").parse::<u64>().is_ok());
        self
    }
}

/// Run number `seed` of an experiment.
pub fn run(experiment: &str, seed: u64) -> Run {
    let row = Estimate { metric: Some("conversion".into()), estimate: Some(0.0625), ..Estimate::default() };
    let results: Estimates = [row].into_iter().collect();
    let verdict = Verdict { kind: VerdictKind::Decided, sentence: "`one_page` improves `conversion`.".into() };
    let report = ReportModel {
        header: Header {
            name: experiment.into(),
            label: "One-page checkout".into(),
            arms: vec![Arm { name: "control".into(), label: "Four steps".into(), units: 500, ..Arm::default() }],
            ..Header::default()
        },
        checks: vec![CheckResult {
            name: "sample_ratio".into(),
            outcome: Outcome::Pass,
            message: "500 and 500 units arrived where 500 each were planned.".into(),
            p_value: Some(1.0),
            details: Vec::new(),
            help: String::new(),
        }],
        verdict: verdict.sentence.clone(),
        estimates: results.clone(),
        ..ReportModel::default()
    };
    Run {
        inputs: Inputs { experiment: experiment.into(), build: "0.1.0".into(), seed, ..Inputs::default() },
        results,
        summary: Summary { title: "One-page checkout".into(), verdict },
        artefacts: BTreeMap::from([
            ("report.html".into(), render(&report, PlotlyMode::Link).unwrap().into_bytes()),
            ("report.json".into(), serde_json::to_vec(&report).unwrap()),
        ]),
        log: Log { started: Some("2026-03-15T09:30:59Z".into()), ..Log::default() },
    }
}
