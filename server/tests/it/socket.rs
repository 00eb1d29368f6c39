//! One server on a real socket.

use std::time::Duration;

use estimand_analysis::demo::trial;
use estimand_analysis::metrics::project::Project;
use estimand_server::{Error, Options, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Sends bytes and reads until the server closes.
async fn exchange(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // The server may close before all of a hostile request is written.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn project(folder: &tempfile::TempDir) -> Project {
    trial::write(folder.path()).unwrap();
    Project::load(folder.path()).unwrap()
}

#[tokio::test]
async fn the_server_answers_on_the_loopback_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::bind(project(&folder), Options { port: 0, log: None }).await.unwrap();
    let address = server.address().unwrap();
    assert!(address.ip().is_loopback());
    let port = address.port();
    let (end, told) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async { drop(told.await) }));

    let page = exchange(port, b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none'"));
    assert!(page.contains("estimand analyze job_training"));

    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", "a".repeat(8_000));
    assert!(exchange(port, long.as_bytes()).await.starts_with("HTTP/1.1 414 "));
    let headers: String = (0..5_000).map(|number| format!("x-{number}: 1\r\n")).collect();
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    assert!(exchange(port, many.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    // Two lengths, a length beside chunks: what one reader takes for a body, another takes for the next request.
    let smuggled: [&[u8]; 3] = [
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ncontent-length: 30\r\n\r\nabcdGET /runs HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /runs HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 44\r\n\r\nGET /runs HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ];
    for request in smuggled {
        let answer = exchange(port, request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert!(exchange(port, b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await.starts_with("HTTP/1.1 421 "));
    assert!(exchange(port, b"hello\r\n\r\n").await.starts_with("HTTP/1.1 400 "));

    let refusal = Server::bind(Project::load(folder.path()).unwrap(), Options { port, log: None }).await.err().unwrap();
    assert!(matches!(refusal, Error::PortInUse { port: taken } if taken == port));
    assert_eq!(
        refusal.to_string(),
        format!("port {port} of 127.0.0.1 is in use; give another with `--port N`, or any free one with `--port 0`")
    );

    // A connection that says nothing does not keep the server from ending.
    let _silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    end.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(8), serving).await.expect("the server ends").unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
