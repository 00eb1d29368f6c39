//! A project in the browser: its experiments, their runs and reports, and the catalogue of its metrics.
//!
//! ```text
//! connection ──▶ request log ──▶ headers ──▶ error pages ──▶ guard ──▶ router ──▶ handler ──▶ template
//!                                                                        │
//!                                                       Site { library: definitions, runs: records }
//! ```
//!
//! The server shows what is there. It answers `GET` and `HEAD` on the loopback address, keeps no sessions, and **runs no query in a
//! request**: results are read from recorded runs, SQL is compiled from definitions. Nothing it sends asks for anything of another host.
//!
//! - **Definitions** are read when the server starts, and anew by the first request that finds a file of the project changed (size or
//!   time of change). While the files do not hold together, the definitions that last did are shown, with the faults above them.
//! - **Runs** are found by the index of `.estimand`, so one that another process records is there at once. Every file of a run is
//!   compared with its recorded hash before it is sent; a run that was changed is refused by name.
//! - **SQL** needs to know the columns of sources. They are looked up beside the requests, from the footers and the beginnings of
//!   files, whenever definitions were read.
//!
//! To add a page: one file in `handler`, its template in `templates`, and its line in `handler/mod.rs`.
//!
//! ```no_run
//! use estimand_analysis::metrics::project::Project;
//! use estimand_server::{Options, Server};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let project = Project::load("shop".as_ref())?;
//! let server = Server::bind(project, Options::default()).await?;
//! println!("http://{}/", server.address()?);
//! server.serve(async { drop(tokio::signal::ctrl_c().await) }).await;
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod connection;
mod error;
mod error_page;
mod guard;
mod handler;
mod headers;
mod layout;
mod library;
mod phase;
mod refusal;
mod request_log;
mod router;
mod run_line;
mod site;
mod stored;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use estimand_analysis::metrics::project::Project;
use tokio::net::TcpListener;

use crate::connection::Limits;

pub use error::Error;
pub use router::router;
pub use site::Site;

/// The port unless another is asked for.
pub const PORT: u16 = 8642;

/// Where a line for people goes.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// How to serve.
#[derive(Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Where a line per request goes; `None` drops it.
    pub log: Option<Log>,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: PORT, log: None }
    }
}

/// A server that has its port and is ready to answer.
pub struct Server {
    listener: TcpListener,
    site: Site,
}

impl Server {
    /// Opens the runs of a project and takes the port.
    ///
    /// # Errors
    /// [`Error::PortInUse`], [`Error::Port`], and [`Error::Runs`] when the record of runs cannot be opened.
    pub async fn bind(project: Project, options: Options) -> Result<Self, Error> {
        let Options { port, log } = options;
        // Before anything else: a second server on the port is told at once.
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| Error::of_port(port, source))?;
        Ok(Self { listener, site: Site::open(project, log).await? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Error::Port`] when the system does not say.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        self.listener.local_addr().map_err(|source| Error::Port { port: 0, source })
    }

    /// Answers until `stop` ends, then lets requests under way finish.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { listener, site } = self;
        connection::serve(listener, router(site.clone()), Limits::default(), stop).await;
        site.close().await;
    }
}
