//! Why the server cannot start.

use std::io;

use estimand_analysis::run;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum Error {
    /// Something else listens on the port.
    #[error("port {port} of 127.0.0.1 is in use; give another with `--port N`, or any free one with `--port 0`")]
    #[diagnostic(code(server::port_in_use))]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The system does not give the port.
    #[error("cannot listen on port {port} of 127.0.0.1: {source}; give another with `--port N`")]
    #[diagnostic(code(server::port))]
    Port {
        /// The port.
        port: u16,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The record of runs cannot be opened.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Runs(#[from] run::Error),
    /// A template is broken: a fault of ours.
    #[error("a template cannot be read: {0}; please report this")]
    #[diagnostic(code(server::template))]
    Template(#[from] minijinja::Error),
}

impl Error {
    /// The error of a port that could not be taken.
    pub(crate) fn of_port(port: u16, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { port },
            _ => Self::Port { port, source },
        }
    }
}
