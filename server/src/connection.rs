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

/// Connections at a time; further ones wait to be accepted.
const MOST_CONNECTIONS: usize = 256;
/// Most bytes of a request's head, and most lines in it; hyper answers 431 beyond.
const LARGEST_HEAD: usize = 32 << 10;
const MOST_HEADERS: usize = 64;
/// How long a head may take to arrive, the wait for the next one on a kept connection included.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection may live, so that a reader who never reads does not hold it for ever.
const LONGEST_LIFE: Duration = Duration::from_secs(600);
/// How long requests under way may take once the server is to end.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Answers until `stop` ends, then lets requests under way finish.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
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
                    answer(stream, router, ending).await;
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

async fn answer(stream: TcpStream, router: Router, mut ending: watch::Receiver<bool>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
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
