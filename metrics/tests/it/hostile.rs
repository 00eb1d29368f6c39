//! Bad inputs that no single edit of one file can show, and values of the command line.

use std::collections::BTreeMap;
use std::fmt::Write;

use estimand_metrics::definition::Value;
use estimand_metrics::expression::{Aggregation, Expression};
use estimand_metrics::fault::Fault;
use estimand_metrics::project::Project;

use crate::shop::Shop;

fn line_of(result: Result<Expression, Box<Fault>>) -> String {
    match result {
        Ok(expression) => format!("read as {expression}"),
        Err(fault) => fault.line(),
    }
}

fn filter(text: &str) -> String {
    line_of(Expression::parse("filter", text))
}

#[test]
fn one_name_in_two_files_uses_neither() {
    let shop = Shop::new();
    shop.put(
        "metrics/more/sales.toml",
        b"name = \"conversion\"\nkind = \"proportion\"\nsource = \"orders\"\ndirection = \"higher\"\n",
    );
    assert_eq!(
        shop.lines(),
        [
            "metrics/more/sales.toml:1:8: name: metric `conversion` is given by 2 files (also here: metrics/conversion.toml); give each its own name; none of them is used"
        ]
    );
    let (project, _) = Project::load_all(shop.path());
    let project = project.unwrap();
    assert!(project.metric("conversion").is_none());
    assert!(project.experiment("checkout").is_none(), "what names a faulty metric is not used either");
    assert!(project.experiment("newsletter").is_some());
}

#[test]
fn names_that_look_alike_are_warned_of() {
    let shop = Shop::new();
    shop.put("metrics/Conversi0n.toml", b"kind = \"proportion\"\nsource = \"orders\"\ndirection = \"higher\"\n");
    assert_eq!(
        shop.lines(),
        [
            "metrics/conversion.toml: name: metrics `Conversi0n` and `conversion` look alike (the other: metrics/Conversi0n.toml); rename one of them"
        ]
    );
    assert!(Project::load(shop.path()).is_ok(), "a warning stops nothing");
}

#[test]
fn a_cycle_of_ratios_names_its_path() {
    let shop = Shop::new();
    for (name, other) in [("a", "b"), ("b", "c"), ("c", "a")] {
        let text = format!(
            "kind = \"ratio\"\ndirection = \"higher\"\nnumerator = \"{other}\"\ndenominator = {{ source = \"orders\", value = \"count(*)\" }}\n"
        );
        shop.put(&format!("metrics/{name}.toml"), text.as_bytes());
    }
    assert_eq!(
        shop.lines(),
        [
            "metrics/c.toml:3:13: numerator: metrics build on one another: a → b → c → a; write one of the parts as a table"
        ]
    );
}

#[test]
fn a_chain_of_two_thousand_sources_is_refused_at_sixty_four() {
    let shop = Shop::new();
    shop.put("sources/s0.toml", b"path = \"s0.csv\"\n");
    for link in 1..2_000 {
        let text = format!("sql = \"SELECT * FROM s{}\"\n", link - 1);
        shop.put(&format!("sources/s{link}.toml"), text.as_bytes());
    }
    let lines: Vec<String> = shop.faults().iter().filter(|fault| fault.is_error()).map(Fault::line).collect();
    assert_eq!(
        lines,
        [
            "sources/s64.toml:1:22: sql: `s64` ends a chain of 65 sources, more than 64; write out a middle step to a file"
        ]
    );
}

#[test]
fn long_expressions_are_refused_before_they_are_parsed() {
    let or = vec!["a = 1"; 3_000].join(" OR ");
    assert_eq!(
        filter(&or),
        "filter:1:1: the text has 11999 words, more than 4000; write `x IN (…)` for a chain of OR; give long lists as a parameter: `x IN ($list)`"
    );
    let plus = vec!["a"; 30_000].join("+");
    assert!(filter(&plus).starts_with("filter:1:1: the text has 59999 words, more than 4000"), "{}", filter(&plus));
    let text = format!("a = '{}'", "x".repeat(70_000));
    assert_eq!(filter(&text), "filter:1:1: the text has 70006 bytes; write at most 65536 bytes");
    let sum = vec!["a"; 70].join(" + ");
    assert_eq!(
        filter(&sum),
        "filter:1:1: the expression is 70 deep, more than 64; compute parts of it in a source of its own, with `sql`"
    );
    let many = vec!["a"; 1_500].join(" + ");
    assert!(filter(&many).contains("parts, more than 1000"), "{}", filter(&many));
}

#[test]
fn deep_expressions_are_refused_before_they_are_parsed() {
    let brackets = format!("{}a{}", "(".repeat(1_000), ")".repeat(1_000));
    assert_eq!(
        filter(&brackets),
        "filter:1:65: brackets and CASE are nested more than 64 deep; compute the inner part in a source of its own, with `sql`"
    );
    let not = format!("{} a", "NOT ".repeat(3_000));
    let signs = "more than 64 signs stand in a row; drop the signs that undo one another";
    assert_eq!(filter(&not), format!("filter:1:257: {signs}"));
    let minus = format!("{} a", "- ".repeat(3_000));
    assert_eq!(filter(&minus), format!("filter:1:129: {signs}"));
    let case = format!("{} a {}", "CASE WHEN ".repeat(300), "THEN 1 END ".repeat(300));
    assert_eq!(
        filter(&case),
        "filter:1:641: brackets and CASE are nested more than 64 deep; compute the inner part in a source of its own, with `sql`"
    );
    assert!(filter(&format!("{}a{}", "(".repeat(64), ")".repeat(64))).starts_with("read as a"));
}

#[test]
fn chains_of_or_and_long_lists_within_the_limits_are_read() {
    let or = vec!["a = 1"; 240].join(" OR ");
    assert!(filter(&or).starts_with("read as"), "{}", filter(&or));
    let list = format!("a IN ({})", vec!["'x'"; 900].join(", "));
    assert!(filter(&list).starts_with("read as"));
}

#[test]
fn four_thousand_unions_are_refused() {
    for (times, part) in [(4_000, "words, more than 4000"), (100, "more than 64 SELECTs")] {
        let shop = Shop::new();
        let sql = vec!["SELECT * FROM users"; times].join(" UNION ALL ");
        let text = format!("sql = \"{sql}\"\n");
        // 4,000 unions fit a file, and pass the limit of a text before that of words.
        shop.put("sources/many.toml", text.as_bytes());
        let lines = shop.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(part) || lines[0].contains("bytes; write at most 65536 bytes"), "{}", lines[0]);
        assert!(lines[0].starts_with("sources/many.toml:1:"), "{}", lines[0]);
    }
}

#[test]
fn a_file_of_ten_megabytes_is_refused_unread() {
    let shop = Shop::new();
    shop.put("metrics/conversion.toml", "# x\n".repeat(2_500_000).as_bytes());
    assert_eq!(
        shop.lines(),
        ["metrics/conversion.toml: the file has 1048577 bytes; a definition has at most 1 MiB; put data in a source"]
    );
}

#[test]
fn encodings_are_named_and_a_byte_order_mark_is_taken() {
    let text = std::fs::read_to_string(crate::shop::folder().join("metrics/conversion.toml")).unwrap();
    let shop = Shop::new();
    shop.put("metrics/conversion.toml", &[b"\xEF\xBB\xBF", text.as_bytes()].concat());
    assert_eq!(shop.lines(), [""; 0]);
    shop.put("metrics/conversion.toml", text.replace('\n', "\r\n").as_bytes());
    assert_eq!(shop.lines(), [""; 0]);
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    shop.put("metrics/conversion.toml", &[b"\xFF\xFE", utf16.as_slice()].concat());
    assert_eq!(
        shop.lines(),
        ["metrics/conversion.toml: the file is UTF-16, not UTF-8; save the file as UTF-8: iconv -f UTF-16 -t UTF-8"]
    );
    shop.put("metrics/conversion.toml", text.replace('\n', "\r").as_bytes());
    assert_eq!(
        shop.lines(),
        [
            "metrics/conversion.toml:1:21: a carriage return stands without a line feed; end lines with a line feed (\\n) or \\r\\n"
        ]
    );
}

#[test]
fn experiments_have_at_most_two_hundred_metrics() {
    let shop = Shop::new();
    let names: Vec<String> = (0..201).map(|index| format!("\"m{index}\"")).collect();
    shop.edit("experiments/newsletter.toml", "\"spend_at_sign_up\"", &names.join(", "));
    assert_eq!(
        shop.lines(),
        [
            "experiments/newsletter.toml:7:2: metrics: 201 metrics, more than 200; split the experiment's metrics over two files"
        ]
    );
}

#[test]
fn a_source_may_not_have_the_name_of_a_step() {
    for name in ["units", "assigned", "users_per_unit", "dimensions_of_users"] {
        let shop = Shop::new();
        shop.put(&format!("sources/{name}.toml"), b"path = \"data/users.csv\"\n");
        let line = format!(
            "sources/{name}.toml:1:1: name: `{name}` is the name of a step of a plan; rename the file, or give the source another `name`"
        );
        assert_eq!(shop.lines(), [line]);
    }
}

#[test]
fn a_folder_without_a_project_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Project::load(folder.path()).unwrap_err();
    assert_eq!(
        faults[0].line(),
        "estimand.toml: there is no `estimand.toml` in this folder; start a project with `estimand init`, or name its folder with --project"
    );
}

#[test]
fn files_that_are_not_read_are_named() {
    let shop = Shop::new();
    shop.put("metrics/late.yaml", b"kind: mean\n");
    shop.put("metrics/LOUD.TOML", b"");
    shop.put("metrics/README.md", b"Notes.\n");
    shop.put("metrics/.draft.toml", b"not TOML at all");
    assert_eq!(
        shop.lines(),
        [
            "metrics/LOUD.TOML: `metrics/LOUD.TOML` is not read; definitions are files that end in .toml",
            "metrics/late.yaml: `metrics/late.yaml` is not read; definitions are files that end in .toml",
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_pipes_and_folders_in_the_place_of_files_are_named() {
    use std::os::unix::fs::symlink;
    let shop = Shop::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("far.toml"), "kind = \"mean\"\n").unwrap();
    let metrics = shop.path().join("metrics");
    symlink(outside.path().join("far.toml"), metrics.join("far.toml")).unwrap();
    symlink("loop_b.toml", metrics.join("loop_a.toml")).unwrap();
    symlink("loop_a.toml", metrics.join("loop_b.toml")).unwrap();
    symlink("nowhere.toml", metrics.join("lost.toml")).unwrap();
    symlink(outside.path(), metrics.join("team")).unwrap();
    std::fs::create_dir(metrics.join("x.toml")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(metrics.join("pipe.toml")).status();
    let mut expected = vec![
        "metrics/far.toml: the link `metrics/far.toml` leads out of the project; copy the file into the project",
        "metrics/loop_a.toml: the link `metrics/loop_a.toml` leads nowhere: Too many levels of symbolic links (os error 40); mend the link, or put the file itself here",
        "metrics/loop_b.toml: the link `metrics/loop_b.toml` leads nowhere: Too many levels of symbolic links (os error 40); mend the link, or put the file itself here",
        "metrics/lost.toml: the link `metrics/lost.toml` leads nowhere: No such file or directory (os error 2); mend the link, or put the file itself here",
    ];
    if made.is_ok_and(|status| status.success()) {
        expected.push("metrics/pipe.toml: `metrics/pipe.toml` is a pipe or a device, not a file; rename it, or put a file in its place");
    }
    expected.push("metrics/team: `metrics/team` is a link to a folder, and such links are not followed; put the folder itself here");
    expected.push("metrics/x.toml: `metrics/x.toml` is a folder, not a file; rename it, or put a file in its place");
    assert_eq!(shop.lines(), expected);
}

#[cfg(unix)]
#[test]
fn a_link_within_the_project_is_followed() {
    let shop = Shop::new();
    std::fs::create_dir(shop.path().join("shared")).unwrap();
    let metric = shop.path().join("metrics/conversion.toml");
    std::fs::rename(&metric, shop.path().join("shared/conversion.toml")).unwrap();
    std::os::unix::fs::symlink("../shared/conversion.toml", &metric).unwrap();
    assert_eq!(shop.lines(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::new();
    let metric = shop.path().join("metrics/conversion.toml");
    std::fs::set_permissions(&metric, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&metric).is_ok() {
        println!("skipped: this user may read every file");
        return;
    }
    assert_eq!(
        shop.lines(),
        [
            "metrics/conversion.toml: `metrics/conversion.toml` cannot be read: permission denied; give yourself the right to read it, or move it out of the project"
        ]
    );
}

#[test]
fn the_files_read_are_hashed_into_the_project() {
    let shop = Shop::new();
    let before = shop.load().files().to_vec();
    shop.edit("metrics/conversion.toml", "\"7d\"", "\"8d\"");
    let after = shop.load().files().to_vec();
    let changed: Vec<&str> = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after)
        .map(|(file, _)| file.path.as_str())
        .collect();
    assert_eq!(changed, ["metrics/conversion.toml"]);
    assert!(before.iter().all(|file| file.blake3.len() == 64));
}

#[test]
fn sql_is_written_anew_without_its_last_semicolon_and_cut_at_parameters() {
    use estimand_metrics::definition::{Piece, Rows};
    let shop = Shop::new();
    shop.edit("sources/orders.toml", "FROM returned)\n", "FROM returned) AND o.city <> 'L''Aquila $x -- '\n;\n");
    let project = shop.load();
    let Rows::Query(query) = &project.source("orders").unwrap().rows else { panic!("no query") };
    let mut text = String::new();
    for piece in &query.pieces {
        match piece {
            Piece::Sql(sql) => text.push_str(sql),
            Piece::Parameter(name) => write!(text, "<{name}>").unwrap(),
        }
    }
    assert!(text.contains("o.currency = <currency> AND"), "{text}");
    assert!(text.ends_with("AND o.city <> 'L''Aquila $x -- '"), "{text}");
    assert_eq!(query.sources.iter().map(String::as_str).collect::<Vec<_>>(), ["order_events", "users"]);
}

#[test]
fn parameters_never_stand_for_names() {
    let shop = Shop::new();
    shop.edit("sources/orders.toml", "JOIN users u", "JOIN $currency u");
    assert_eq!(
        shop.lines(),
        ["sources/orders.toml:12:6: sql: expected: identifier, found: $currency; mend the text where it is marked"]
    );
    let shop = Shop::new();
    shop.edit("metrics/revenue_per_user.toml", "sum(amount)", "sum($countries)");
    assert!(
        shop.lines()[0].contains("`$countries` is a list, and stands where one value is needed"),
        "{:?}",
        shop.lines()
    );
}

/// Binds the parameters of the checkout experiment.
fn bind(given: &[(&str, &str)]) -> Result<BTreeMap<String, Value>, Vec<String>> {
    let project = Shop::new().load();
    let given: Vec<_> = given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let bound = project.bind(project.experiment("checkout").unwrap(), &given);
    bound.map_err(|faults| faults.iter().map(Fault::line).collect())
}

#[test]
fn values_that_look_like_sql_are_values() {
    for text in ["' OR 1=1 --", "$1", "?", "U&'\\0041'", "\"; DROP TABLE users", "{{x}}", ""] {
        let bound = bind(&[("countries", &format!("DE,{text}"))]).unwrap();
        let Value::List(_, values) = &bound["countries"] else { panic!("no list") };
        assert_eq!(values.last(), Some(&Value::Text(text.to_owned())));
    }
}

#[test]
fn defaults_stand_for_what_is_not_given() {
    let bound = bind(&[("least", "12.5")]).unwrap();
    assert_eq!(bound["least"], Value::Float(12.5));
    assert_eq!(bound["currency"], Value::Text("EUR".to_owned()));
    assert_eq!(bound["countries"].to_string(), "DE,AT,CH");
}

#[test]
fn values_that_are_none_are_refused_by_name() {
    for (name, text, line) in [
        ("least", "NaN", "-p least: `NaN` is not a finite number; give a value of type float: -p least=…"),
        ("least", "inf", "-p least: `inf` is not a finite number; give a value of type float: -p least=…"),
        ("least", "1e309", "-p least: `1e309` is not a finite number; give a value of type float: -p least=…"),
        ("least", "1,5", "-p least: `1,5` is no float; give a value of type float: -p least=…"),
        (
            "currency",
            "USD",
            "-p currency: `USD` is not allowed; allowed: EUR, CHF; give a value of type text: -p currency=…",
        ),
        (
            "countries",
            "",
            "-p countries: the list is empty; give at least one value; give a value of type text[]: -p countries=…",
        ),
        ("country", "DE", "-p country: no parameter `country` is used here; did you mean `-p countries=…`?"),
        ("zzz", "1", "-p zzz: no parameter `zzz` is used here; parameters: countries, currency, least"),
    ] {
        assert_eq!(bind(&[(name, text)]).unwrap_err(), [line]);
    }
    assert_eq!(
        bind(&[("least", "1"), ("least", "2")]).unwrap_err(),
        ["-p least: parameter `least` is given twice; give one value; a list is A,B,C"]
    );
    let long = "x".repeat((1 << 20) + 1);
    assert!(bind(&[("currency", &long)]).unwrap_err()[0].contains("the value has 1048577 bytes, more than 1 MiB"));
    let many = vec!["DE"; 100_000].join(",");
    assert!(bind(&[("countries", &many)]).unwrap_err()[0].contains("the list has 100000 values, more than 10000"));
    assert_eq!(bind(&[("least", "-0")]).unwrap()["least"], Value::Float(-0.0));
}

#[test]
fn dates_of_parameters_exist_and_times_have_a_zone() {
    let shop = Shop::new();
    shop.edit("metrics/slowest_page.toml", "load_ms IS NOT NULL", "at >= $since AND day = $day");
    let declared = "[parameters.since]\ntype = \"timestamp\"\n[parameters.day]\ntype = \"date\"\n";
    shop.edit("metrics/slowest_page.toml", "measured_in = \"s\"\n", &format!("measured_in = \"s\"\n{declared}"));
    let bind = |since: &str, day: &str| {
        let project = shop.load();
        let given = [("since".to_owned(), since.to_owned()), ("day".to_owned(), day.to_owned())];
        match project.bind(project.experiment("checkout").unwrap(), &given) {
            Ok(bound) => format!("{} {}", bound["since"], bound["day"]),
            Err(faults) => faults.iter().map(Fault::line).collect::<Vec<_>>().join("\n"),
        }
    };
    assert_eq!(bind("2026-03-01T00:00:00Z", "2026-03-01"), "2026-03-01T00:00:00Z 2026-03-01");
    // The project's zone, Europe/Berlin, is applied to a time that has none.
    assert_eq!(bind("2026-03-01", "2026-03-01"), "2026-02-28T23:00:00Z 2026-03-01");
    let help = "give a value of type date: -p day=…";
    assert_eq!(bind("2026-03-01", "2026-02-30"), format!("-p day: there is no day 2026-02-30; {help}"));
    assert_eq!(bind("2026-03-01", "9999999"), format!("-p day: `9999999` is not a date or a time; {help}"));
    let project = shop.load();
    let faults = project.bind(project.experiment("checkout").unwrap(), &[]).unwrap_err();
    let lines: Vec<String> = faults.iter().map(Fault::line).collect();
    assert_eq!(
        lines,
        [
            "-p day: parameter `day` has no value; give one of type date: -p day=…",
            "-p since: parameter `since` has no value; give one of type timestamp: -p since=…",
        ]
    );
}

#[test]
fn values_of_the_command_line_have_places_too() {
    let fault = Aggregation::parse("--metric", "sum(revenue").unwrap_err();
    assert_eq!(fault.line(), "--metric:1:1: expected: ), found: the end; mend the text where it is marked");
    assert_eq!(Aggregation::parse("--metric", "sum(revenue)").unwrap().to_string(), "sum(revenue)");
}
