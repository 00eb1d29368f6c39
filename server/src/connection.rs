//! Connections: how many, for how long, and how much may be sent on one.
//!
//! HTTP/1 answers one request of a connection at a time, so the bound on connections is the bound on requests under way.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What connections may take up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at a time; further ones wait to be accepted.
    connections: usize,
    /// How long a head may take to arrive, the wait for the next one on a kept connection included.
    head: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 256, head: Duration::from_secs(15) }
    }
}

/// Most bytes of a request's head, and most lines in it; hyper answers 431 beyond.
const LARGEST_HEAD: usize = 32 << 10;
const MOST_HEADERS: usize = 64;
/// How long a connection may live, so that a reader who never reads does not hold it for ever.
const LONGEST_LIFE: Duration = Duration::from_secs(600);
/// How long requests under way may take once the server is to end.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Answers until `stop` ends, then lets requests under way finish.
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let (end, ending) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                let (router, ending) = (router.clone(), ending.clone());
                connections.spawn(async move {
                    answer(stream, router, limits.head, ending).await;
                    drop(slot);
                });
            }
            // Too many open files, for one: others may close some.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    // Nobody is left to hear it when no connection is open.
    let _ = end.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    // What is not finished by now is dropped with the set.
    let _ = timeout(LAST_PATIENCE, all).await;
}

async fn answer(stream: TcpStream, router: Router, patience: Duration, mut ending: watch::Receiver<bool>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // An error here is the other side's: it went away, or it does not speak HTTP. Nothing is to be done about either.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.changed() => {}
        () = sleep(LONGEST_LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_PATIENCE, connection).await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Serves a router on a free port for as long as the test runs.
    async fn serving(router: Router, limits: Limits) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(serve(listener, router, limits, std::future::pending()));
        port
    }

    async fn exchange(port: u16, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn no_more_requests_are_under_way_than_connections_are_let_in() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (inside, seen) = (Arc::clone(&now), Arc::clone(&most));
        let router = Router::new().route(
            "/",
            get(move || async move {
                seen.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(Duration::from_millis(5)).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                "done"
            }),
        );
        let port = serving(router, Limits { connections: 4, ..Limits::default() }).await;
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let mut clients: JoinSet<String> = (0..64).map(|_| exchange(port, request)).collect();
        while let Some(answer) = clients.join_next().await {
            assert!(answer.unwrap().ends_with("done"));
        }
        assert_eq!((now.load(Ordering::SeqCst), most.load(Ordering::SeqCst)), (0, 4));
    }

    #[tokio::test]
    async fn a_head_that_never_ends_is_not_waited_for() {
        let limits = Limits { head: Duration::from_millis(50), ..Limits::default() };
        let port = serving(Router::new(), limits).await;
        for beginning in ["", "GET / HTTP/1.1\r\nhost: loc"] {
            let closed = timeout(Duration::from_secs(5), exchange(port, beginning.as_bytes())).await;
            let answer = closed.expect("the server closes");
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
        }
    }
}
