//! Paths, folders and globs: which files they mean, and what is refused.

use std::fs;

use estimand_metrics::definition::Format;
use estimand_metrics::input::{Hashed, Options, open};

use crate::input::{Declare, Folder, rows, source};

fn names(folder: &Folder, path: &str) -> Vec<String> {
    let input = folder.open(&source(path));
    input.fingerprint().files().iter().map(|file| file.path.clone()).collect()
}

#[test]
fn a_file_a_folder_and_a_glob_name_files_in_order() {
    let folder = Folder::new();
    for name in ["e/b.csv", "e/a.csv", "e/deep/c.csv", "e/.hidden.csv", "e/_SUCCESS", "f.csv"] {
        folder.write(name, "x\n1\n");
    }
    assert_eq!(names(&folder, "f.csv"), ["f.csv"]);
    assert_eq!(names(&folder, "e"), ["e/a.csv", "e/b.csv", "e/deep/c.csv"]);
    assert_eq!(names(&folder, "e/"), ["e/a.csv", "e/b.csv", "e/deep/c.csv"]);
    assert_eq!(names(&folder, "e/*.csv"), ["e/a.csv", "e/b.csv"]);
    assert_eq!(names(&folder, "**/c.csv"), ["e/deep/c.csv"]);
    assert_eq!(names(&folder, "e/[b-z].csv"), ["e/b.csv"]);
    let absolute = folder.file("e").to_str().unwrap().to_owned();
    assert_eq!(names(&folder, &absolute), ["e/a.csv", "e/b.csv", "e/deep/c.csv"]);
}

#[test]
fn a_name_with_signs_of_a_glob_is_a_file_when_it_exists() {
    let folder = Folder::new();
    folder.write("a[1].csv", "x\n1\n");
    assert_eq!(names(&folder, "a[1].csv"), ["a[1].csv"]);
}

#[test]
fn nothing_there_names_what_is() {
    let folder = Folder::new();
    folder.write("data/orders.csv", "x\n1\n");
    folder.write("data/users.csv", "x\n1\n");
    assert_eq!(
        folder.refusal(&source("data/order.csv")),
        "metrics::no_files: no file at `data/order.csv`; did you mean `data/orders.csv`?"
    );
    assert_eq!(
        folder.refusal(&source("data/2026/*.csv")),
        "metrics::no_files: no file at `data/2026/*.csv`; correct the path; `data` is the deepest folder of it that exists"
    );
    fs::create_dir(folder.file("empty")).unwrap();
    assert_eq!(
        folder.refusal(&source("empty")),
        "metrics::no_files: no file at `empty`; put the files there; `empty` is empty"
    );
    folder.write("other/readme.md", "x");
    assert_eq!(
        folder.refusal(&source("other")),
        "metrics::no_files: no csv file under `other`; name the files by a glob, as in `other/*.dat`, if they hold csv"
    );
    assert_eq!(
        folder.refusal(&source("data/orders.csv/x.csv")),
        "metrics::no_files: no file at `data/orders.csv/x.csv`; did you mean `data/orders.csv`?"
    );
}

#[test]
fn a_folder_of_two_formats_is_refused() {
    let folder = Folder::new();
    folder.write("e/a.csv", "x\n1\n");
    folder.write("e/b.ndjson", "{}\n");
    assert_eq!(
        folder.refusal(&source("e")),
        "metrics::mixed_formats: e/b.ndjson: `e` is declared csv and holds `e/b.ndjson`, which is ndjson; name the csv files alone by a glob, as in `e/*.csv`"
    );
    fs::remove_file(folder.file("e/b.ndjson")).unwrap();
    folder.write("e/b.csv.gz", b"\x1f\x8b");
    assert!(folder.refusal(&source("e")).starts_with("metrics::compressed: e/b.csv.gz"));
    fs::remove_file(folder.file("e/b.csv.gz")).unwrap();
    folder.write("e/notes.md", "x");
    let warnings: Vec<String> = folder.open(&source("e")).warnings().iter().map(|fault| fault.line()).collect();
    assert_eq!(warnings, ["`e` also holds files that are not read; not read: e/notes.md"]);
}

#[test]
fn a_column_in_the_name_of_a_folder_is_refused() {
    let folder = Folder::new();
    folder.write("e/day=2026-03-01/a.csv", "x\n1\n");
    assert_eq!(
        folder.refusal(&source("e")),
        "metrics::partitioned_folder: e/day=2026-03-01: the name of folder `e/day=2026-03-01` holds a column, which is not read; write the column into the files, or name the files by a glob, which reads them without it"
    );
    assert_eq!(names(&folder, "e/*/*.csv"), ["e/day=2026-03-01/a.csv"]);
}

#[test]
fn more_files_than_one_source_may_have_are_refused() {
    let folder = Folder::new();
    fs::create_dir(folder.file("e")).unwrap();
    for index in 0..10_001 {
        fs::write(folder.file(&format!("e/{index}.csv")), "").unwrap();
    }
    let expected = "metrics::too_many_files: more than 10000 files: the most one source may have; name fewer files by a narrower glob, or write them into larger ones";
    assert_eq!(folder.refusal(&source("e")), expected);
    assert_eq!(folder.refusal(&source("e/*.csv")), expected);
}

#[cfg(unix)]
#[test]
fn pipes_links_and_folders_are_told_from_files() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let made = std::process::Command::new("mkfifo").arg(folder.file("pipe.csv")).status();
    if made.is_ok_and(|status| status.success()) {
        assert_eq!(
            folder.refusal(&source("pipe.csv")),
            "metrics::not_a_file: pipe.csv: `pipe.csv` is a pipe, a socket or a device, not a file; write the rows to a file first"
        );
    }
    symlink("gone.csv", folder.file("link.csv")).unwrap();
    assert_eq!(
        folder.refusal(&source("link.csv")),
        "metrics::broken_link: link.csv: `link.csv` is a link to `gone.csv`, which does not exist; mend the link, or name the file itself"
    );
    symlink("b.csv", folder.file("a.csv")).unwrap();
    symlink("a.csv", folder.file("b.csv")).unwrap();
    assert!(
        folder
            .refusal(&source("a.csv"))
            .starts_with("metrics::broken_link: a.csv: `a.csv` is a link that leads nowhere")
    );
    folder.write("real.csv", "x\n1\n");
    symlink("real.csv", folder.file("good.csv")).unwrap();
    assert_eq!(names(&folder, "good.csv"), ["good.csv"]);
    fs::create_dir(folder.file("ring")).unwrap();
    folder.write("ring/e.csv", "x\n1\n");
    symlink(".", folder.file("ring/again")).unwrap();
    assert_eq!(names(&folder, "ring"), ["ring/e.csv"]);
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("e.csv", "x\n1\n");
    fs::set_permissions(folder.file("e.csv"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(folder.file("e.csv")).is_ok() {
        println!("skipped: this user may read every file");
        return;
    }
    assert_eq!(
        folder.refusal(&source("e.csv")),
        "metrics::unreadable: e.csv: cannot read `e.csv`: permission denied; check the file and its permissions"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_or_hold_line_breaks_are_read() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    fs::create_dir(folder.file("e")).unwrap();
    fs::write(folder.file("e").join(std::ffi::OsStr::from_bytes(b"a\xff.csv")), "x\n1\n").unwrap();
    fs::write(folder.file("e/b\n.csv"), "x\n2\n").unwrap();
    let input = folder.open(&source("e"));
    assert_eq!(rows(&input, "SELECT sum(x) FROM events"), ["3"]);
    assert_eq!(names(&folder, "e"), ["e/a\\xff.csv", "e/b\\n.csv"]);
}

#[test]
fn a_fingerprint_knows_content_and_not_order() {
    let folder = Folder::new();
    folder.write("e/a.csv", "x\n1\n");
    folder.write("e/b.csv", "x\n2\n");
    let digest = |path: &str| folder.open(&source(path)).fingerprint().digest();
    let before = digest("e");
    assert_eq!(digest("e/*.csv"), before);
    assert_eq!(before.len(), 64);
    let copy = Folder::new();
    copy.write("e/b.csv", "x\n2\n");
    copy.write("e/a.csv", "x\n1\n");
    assert_eq!(copy.open(&source("e")).fingerprint().digest(), before, "a copy of the same bytes is the same input");
    folder.write("e/b.csv", "x\n3\n");
    assert_ne!(digest("e"), before);
    assert_eq!(folder.open(&source("e")).fingerprint().files()[0].of, Hashed::Content);
}

#[test]
fn the_declared_format_decides_for_one_file() {
    let folder = Folder::new();
    folder.write("e.dat", "x\n1\n");
    assert_eq!(rows(&folder.open(&source("e.dat").format(Format::Csv)), "SELECT x FROM events"), ["1"]);
    let refused = open(&source("e.dat").format(Format::Parquet), folder.path(), &Options::default()).unwrap_err();
    assert_eq!(
        refused[0].line(),
        "e.dat: `e.dat` is not Parquet: it is too short; declare the format that it has: `format = \"csv\"` or \"ndjson\""
    );
}
