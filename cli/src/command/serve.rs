//! `estimand serve`: the project in the browser.

use std::sync::Arc;

use estimand_server::{Error, Log, Options, PORT, Server};

use crate::arguments::Common;
use crate::command::{open_project, runtime};
use crate::exit::{ExitCode, Failure};

/// Arguments of `estimand serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    port: u16,
}

impl Serve {
    /// Serves until it is interrupted, terminated, or its time is up: all three are its ordinary end.
    pub fn run(&self, common: &Common) -> Result<ExitCode, Failure> {
        let project = open_project(common)?;
        let name = project.manifest().name.clone();
        let log: Option<Log> = (!common.quiet).then(|| Arc::new(|line: &str| eprintln!("{line}")) as Log);
        let timeout = common.timeout;
        runtime(common)?.block_on(async {
            let server = Server::bind(project, Options { port: self.port, log }).await?;
            eprintln!("{name} is served at http://{}/ (end with ctrl-c)", server.address()?);
            server
                .serve(async {
                    tokio::select! {
                        () = ended() => {}
                        () = async { tokio::time::sleep(timeout.unwrap_or_default()).await }, if timeout.is_some() => {}
                    }
                })
                .await;
            Ok(ExitCode::Done)
        })
    }
}

/// Waits for an interrupt, or to be told to end.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut told) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = told.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without a way to be told there is still the interrupt; when that fails too, only killing is left.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A port is an argument; the record of runs speaks for itself.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Runs(error) => estimand_analysis::Error::from(error).into(),
            Error::PortInUse { .. } | Error::Port { .. } => Self::usage(error),
            error => Self::new(ExitCode::Failed, error),
        }
    }
}
