//! The command line: 75 to 81.

use std::fs::File;
use std::process::Stdio;

use super::{refused, shop};
use crate::command::{Answer, Desk, program};

#[test]
fn n75_wrong_usage_shows_what_is_right() {
    let shop = shop();
    let first = |arguments: &[&str]| refused(&shop, arguments, 2).lines().take(3).collect::<Vec<_>>().join(" ");
    let usage = refused(&shop, &[], 2);
    assert!(usage.contains("Usage: estimand [OPTIONS] <COMMAND>") && usage.contains("analyze"), "{usage}");
    assert_eq!(
        first(&["analyze", "checkout", "--formt", "csv"]),
        "error: unexpected argument '--formt' found    tip: a similar argument exists: '--format'"
    );
    assert_eq!(
        first(&["analyse", "checkout"]),
        "error: unrecognized subcommand 'analyse'    tip: a similar subcommand exists: 'analyze'"
    );
    assert_eq!(
        first(&["analyze", "checkout", "--format"]),
        "error: a value is required for '--format <FORMAT>' but none was supplied   [possible values: arrow, csv, html, json, markdown, mimebundle, ndjson, parquet, table] "
    );
    assert_eq!(
        first(&["analyze", "checkout", "--format", "xml"]),
        "error: invalid value 'xml' for '--format <FORMAT>'   [possible values: arrow, csv, html, json, markdown, mimebundle, ndjson, parquet, table] "
    );
    assert_eq!(refused(&shop, &["analyze", "chekout"], 2), "no experiment `chekout`; the project has `checkout`");
    assert_eq!(
        refused(&shop, &["analyze", "data/events.csv", "--metric", "sum(amount)"], 2),
        "data/events.csv: --arm is missing; name the column of arms, such as --arm variant"
    );
    assert_eq!(
        refused(&shop, &["srm", "10", "12", "--weights", "1"], 2),
        "--weights: 1 weights for 2 counts; give one for each"
    );
    assert_eq!(refused(&shop, &["adjust", "0.1", "1.2"], 2), "p-value number 2 is 1.2; a p-value lies between 0 and 1");
}

#[test]
fn n76_paths_that_are_no_file_are_named() {
    let shop = shop();
    let analyze = |path: &str, code: i32| {
        refused(&shop, &["analyze", path, "--arm", "arm", "--control", "A", "--metric", "mean(y)"], code)
    };
    assert_eq!(
        analyze("data/nope.csv", 4),
        "no file at `data/nope.csv`; correct the path; `data` is the deepest folder of it that exists"
    );
    assert_eq!(
        analyze("data", 2),
        "FILE: `data` has no suffix that names its format; give a Parquet, CSV or line-delimited JSON file"
    );
    assert_eq!(
        analyze("data/a\nb.csv", 4),
        "no file at `data/a\\nb.csv`; correct the path; `data` is the deepest folder of it that exists"
    );
    assert_eq!(
        analyze("s3://key:secret@bucket/rows.csv", 2),
        "FILE: `s3://bucket/rows.csv` is an address, not a path; copy the file, or mount the store, and give a path"
    );
    assert_eq!(
        refused(&shop, &["analyze", "--summary", "nope.toml"], 4),
        "cannot read `nope.toml`: No such file or directory (os error 2)"
    );
    assert_eq!(
        refused(&Desk::new(), &["analyze", "-"], 2),
        "no estimand.toml here or in a folder above; give `--project DIR`, or begin with `estimand init DIR`"
    );
    assert_eq!(
        refused(&shop, &["plan", "checkout", "--project", "elsewhere"], 2),
        "error[metrics::no_project]: there is no `estimand.toml` in this folder\n  ─[estimand.toml]\n  help: start a project with `estimand init`, or name its folder with --project"
    );
    shop.write("data/new\nline.csv", "arm,y\nA,1\nA,2\nB,3\nB,5\n");
    let words = ["data/new\nline.csv", "--arm", "arm", "--control", "A", "--metric", "mean(y)"];
    assert_eq!(shop.analyze(&words).code, Some(0), "a name with a line break is a name");
}

#[cfg(unix)]
#[test]
fn n76_a_name_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"data/\xFF.csv");
    let answer = Answer::of(shop().command().arg("analyze").arg(name));
    assert_eq!(answer.code, Some(2));
    assert!(answer.talk.starts_with("error: invalid UTF-8 was detected in one or more arguments"), "{}", answer.talk);
}

#[test]
fn n77_an_output_is_replaced_only_when_asked_for_and_is_whole() {
    let shop = shop();
    let words = ["analyze", "checkout", "--output", "answer.csv"];
    shop.write("answer.csv", "mine");
    assert_eq!(refused(&shop, &words, 2), "`answer.csv` is there already; give `--force` to replace it");
    assert_eq!(std::fs::read_to_string(shop.file("answer.csv")).expect("the file"), "mine");
    // A failure leaves the file as it was, and nothing beside it.
    refused(&shop, &[&words, ["--force", "-p", "x=1"].as_slice()].concat(), 2);
    assert_eq!(std::fs::read_to_string(shop.file("answer.csv")).expect("the file"), "mine");
    assert_eq!(parts(&shop), 0, "no part of an output stays behind");
    assert_eq!(shop.run(&[&words, ["--force"].as_slice()].concat()).code, Some(0));
    let replaced = std::fs::read_to_string(shop.file("answer.csv")).expect("the file");
    assert!(replaced.starts_with("experiment,metric,"), "{replaced}");
    let refused = |path: &str, code: i32| refused(&shop, &["analyze", "checkout", "--force", "--output", path], code);
    assert_eq!(refused("data", 2), "`data` is a folder; name a file in it");
    assert_eq!(
        refused("nowhere/answer.csv", 4),
        "cannot write `nowhere/answer.csv`: No such file or directory (os error 2)"
    );
    #[cfg(unix)]
    assert_eq!(
        refused("/dev/null", 2),
        "`/dev/null` is a device or a pipe, not a file; leave `--output` out, and send standard output there"
    );
}

/// Files in the shop's folder that were to become others.
fn parts(shop: &Desk) -> usize {
    let names = std::fs::read_dir(shop.path()).expect("the folder");
    names.filter(|name| name.as_ref().is_ok_and(|name| name.file_name().to_string_lossy().ends_with(".part"))).count()
}

#[test]
fn n78_a_reader_who_has_seen_enough_is_no_failure() {
    let shop = shop();
    for format in ["table", "json", "ndjson", "csv", "arrow", "parquet", "markdown", "html", "mimebundle"] {
        let mut command = shop.command();
        command.args(["analyze", "checkout", "--format", format]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("an end");
        assert_eq!(output.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&output.stderr));
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(talk.starts_with("run ") && talk.lines().count() == 1, "{format}: only the run is told: {talk}");
    }
}

#[cfg(unix)]
#[test]
fn n79_an_interrupt_ends_with_130_and_stores_nothing() {
    let rows: String = (0..1_500_000).map(|row| format!("{},{row}\n", ["A", "B"][row % 2])).collect();
    let desk = Desk::with(&[("rows.csv", &format!("arm,y\n{rows}"))]);
    let mut command = desk.command();
    let words = ["--metric", "mean(y)", "--metric", "mean(y * y)", "--output", "answer.json", "--threads", "1"];
    command.args(["analyze", "rows.csv", "--arm", "arm", "--control", "A"]).args(words).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    // Its output is made before anything is read, so that what is there already is told at once.
    while parts(&desk) == 0 && child.try_wait().expect("a child").is_none() {
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "the interrupt is sent while it runs");
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("interrupted; nothing was stored\n"));
    assert!(!desk.file("answer.json").exists());
    assert_eq!(parts(&desk), 0, "no part of an output stays behind");
}

#[cfg(unix)]
#[test]
fn n80_a_full_disk_is_said() {
    let shop = shop();
    for arguments in
        [["list", "formats"].as_slice(), &["analyze", "checkout", "--format", "json"], &["plan", "checkout"]]
    {
        let full = File::options().write(true).open("/dev/full").expect("a device that is full");
        let answer = Answer::of(shop.command().args(arguments).stdout(full));
        assert_eq!(answer.code, Some(1), "{arguments:?}");
        assert!(answer.talk.ends_with("No space left on device (os error 28)\n"), "{arguments:?}: {}", answer.talk);
    }
}

#[cfg(unix)]
#[test]
fn n80_a_folder_that_must_not_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let shop = shop();
    std::fs::create_dir(shop.file("fixed")).expect("a folder");
    std::fs::set_permissions(shop.file("fixed"), std::fs::Permissions::from_mode(0o555)).expect("rights");
    if std::fs::write(shop.file("fixed/probe"), "").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let talk = refused(&shop, &["analyze", "checkout", "--output", "fixed/answer.json"], 4);
    assert_eq!(talk, "cannot write `fixed/answer.json`: Permission denied (os error 13)");
}

#[test]
fn n80_without_a_home_a_language_or_a_terminal_the_answer_is_the_same() {
    let shop = shop();
    let usual = shop.analyze(&["checkout"]).data;
    let mut bare = std::process::Command::new(program());
    bare.env_clear().env("LC_ALL", "C").env("TERM", "dumb").current_dir(shop.path()).stdin(Stdio::null());
    let answer = Answer::of(bare.args(["analyze", "checkout"]));
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    assert_eq!(answer.data, usual, "JSON goes into a pipe");
}

#[test]
fn n81_what_looks_like_a_secret_is_warned_of_and_not_repeated() {
    let shop = shop();
    shop.edit(
        "metrics/revenue.toml",
        "window",
        "filter = \"user_id <> $token\"\nparameters.token.type = \"text\"\nwindow",
    );
    let answer = shop.run(&["analyze", "checkout", "--format", "csv", "-p", "token=hunter2"]);
    assert_eq!(answer.code, Some(0), "{}", answer.talk);
    assert_eq!(
        answer.talk.lines().next(),
        Some(
            "warning: `token` looks like a secret: the command line is kept by the shell, and parameters stand in reports; leave it out, and change it"
        )
    );
    let unknown = refused(&super::shop(), &["analyze", "checkout", "-p", "api_key=hunter2"], 2);
    assert!(
        unknown.contains("-p api_key: no parameter `api_key` is used here") && !unknown.contains("hunter2"),
        "{unknown}"
    );
}
