//! The server as a shell sees it: where it says it is, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

fn estimand(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_estimand"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = estimand(&["init", &folder.path().join("project").display().to_string()]).output().unwrap();
    assert!(made.status.success());
    folder
}

fn in_project<'a>(folder: &'a Path, arguments: &[&'a str]) -> Command {
    let mut command = estimand(&["serve", "--project"]);
    command.arg(folder.join("project")).args(arguments);
    command
}

/// Starts a server on a free port; gives what it says after the first line too.
fn started(folder: &Path, arguments: &[&str]) -> (Child, String, BufReader<ChildStderr>) {
    let mut server = in_project(folder, &["--port", "0"]).args(arguments).spawn().unwrap();
    let mut talk = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    talk.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{line}");
    (server, address, talk)
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_server_says_where_it_is_and_ends_well_when_its_time_is_up() {
    let folder = project();
    let (mut server, address, mut talk) = started(folder.path(), &["--timeout", "2s"]);
    assert!(get(&address, "/").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get(&address, "/nowhere").starts_with("HTTP/1.1 404 "));
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    talk.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(": GET / 200 in ") && rest.contains(": GET /nowhere 404 in "), "{rest}");
    let mut data = String::new();
    server.stdout.take().unwrap().read_to_string(&mut data).unwrap();
    assert_eq!(data, "", "all of it is talk");
}

#[cfg(unix)]
#[test]
fn an_interrupt_and_a_request_to_end_are_its_ordinary_end() {
    for signal in ["-INT", "-TERM"] {
        let folder = project();
        let (mut server, address, _talk) = started(folder.path(), &["--quiet"]);
        assert!(get(&address, "/").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap().success());
        assert_eq!(server.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_port_in_use_is_named_with_the_mend() {
    let folder = project();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = in_project(folder.path(), &["--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("port {port} of 127.0.0.1 is in use; give another with `--port N`, or any free one with `--port 0`\n")
    );
}

#[test]
fn a_project_with_faults_is_refused_with_the_faults_of_check() {
    let folder = project();
    let root = folder.path().join("project");
    std::fs::write(root.join("metrics/broken.toml"), "kind = \"maen\"\n").unwrap();
    let output = in_project(folder.path(), &["--port", "0"]).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{talk}");
    assert!(talk.contains("metrics/broken.toml:1:8") && talk.contains("did you mean `mean`?"), "{talk}");
    let check = estimand(&["check", "--no-data", "--project", &root.display().to_string()]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&check.stdout).trim_end(), talk.trim_end());
}

/// The text of the one `<code>` inside a `<pre>`, without marks and escapes.
fn code(page: &str) -> String {
    let (_, after) = page.rsplit_once("<pre").expect("the page holds code");
    let (code, _) = after.split_once("</code>").unwrap();
    let (_, code) = code.split_once("<code>").unwrap();
    let mut text = String::new();
    for part in code.split('<') {
        text += part.split_once('>').filter(|_| part.starts_with(['i', '/'])).map_or(part, |(_, rest)| rest);
    }
    let escapes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    escapes.iter().fold(text, |text, (escape, meant)| text.replace(escape, meant))
}

#[test]
fn the_sql_of_a_metric_is_that_of_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let made = estimand(&["demo", &folder.path().display().to_string(), "--users", "1000"]).output().unwrap();
    assert!(made.status.success());
    std::fs::rename(folder.path().join("shop"), folder.path().join("project")).unwrap();
    let root = folder.path().join("project");
    let experiment = std::fs::read_to_string(root.join("experiments/one_page_checkout.toml")).unwrap();
    let (design, _) = experiment.split_once("[metrics]").unwrap();
    let (mut server, address, _talk) = started(folder.path(), &["--timeout", "20s"]);
    for metric in ["revenue", "page_load_time", "revenue_per_order"] {
        let only = format!("{design}[metrics]\nprimary = [\"{metric}\"]\n\n[plan]\nkind = \"fixed\"\n");
        std::fs::write(root.join(format!("experiments/only_{metric}.toml")), only).unwrap();
        let shown = code(&get(&address, &format!("/metrics/{metric}?in=only_{metric}")));
        let only = format!("only_{metric}");
        let plan = estimand(&["plan", &only, "--project", &root.display().to_string()]).output().unwrap();
        let plan = String::from_utf8(plan.stdout).unwrap();
        // Below its first line a plan says which way each source goes, which is of this machine's files.
        let sql = plan.lines().skip(1).skip_while(|line| line.starts_with("-- Way of "));
        let plan: String = sql.map(|line| format!("{line}\n")).collect();
        assert!(plan.contains("exact_sum") && shown == plan, "{metric}: shown\n{shown}\nplanned\n{plan}");
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_record_of_runs_that_cannot_be_read_is_refused_with_its_mend() {
    let folder = project();
    let kept = folder.path().join("project/.estimand");
    std::fs::create_dir_all(&kept).unwrap();
    std::fs::write(kept.join("index.sqlite"), "this is no index, though long enough to be looked at".repeat(100))
        .unwrap();
    let output = in_project(folder.path(), &["--port", "0"]).output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("index.sqlite` cannot be used: "), "{talk}");
    assert!(talk.contains("move the index away and it is made anew from them"), "{talk}");
}
