//! The page of a report.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use estimand_analysis::report::{PlotlyMode, ReportModel, SECTIONS, content_security_policy, render};
use sha2::{Digest, Sha256};

use crate::report_example as example;

fn page(model: &ReportModel) -> String {
    render(model, PlotlyMode::None).unwrap()
}

/// The texts of the scripts that a browser would run.
fn scripts(page: &str) -> Vec<&str> {
    page.split("<script>").skip(1).filter_map(|rest| rest.split("</script>").next()).collect()
}

/// The part of the page between two texts.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    page.split(from).nth(1).unwrap_or_default().split(to).next().unwrap_or_default()
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    for (name, model) in example::all() {
        assert!(page(&model) == page(&model.clone()), "{name}");
    }
}

#[test]
fn every_script_of_the_page_is_named_in_its_policy_and_nothing_else_may_run() {
    for mode in [PlotlyMode::Embed, PlotlyMode::Link, PlotlyMode::None] {
        let page = render(&example::email(), mode).unwrap();
        let policy = content_security_policy(mode);
        assert!(page.contains(&policy), "{mode:?}");
        for script in scripts(&page) {
            let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script)));
            assert!(policy.contains(&hash), "{mode:?}: {}", &script[..60.min(script.len())]);
        }
        assert!(!policy.contains("unsafe-eval") && !policy.contains("script-src 'unsafe-inline'"));
    }
}

#[test]
fn text_of_users_never_becomes_markup() {
    let page = page(&example::hostile_text());
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for markup in ["<script>alert", "<img", "49</style>", "onerror=alert(1)>\n"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert_eq!(scripts(&page).len(), scripts(&self::page(&example::two_arms())).len());
}

#[test]
fn the_page_asks_nothing_of_the_network() {
    for (name, model) in example::all() {
        let page = page(&model);
        for attribute in ["src=\"", "url(", "@import", "<link"] {
            let outside: Vec<&str> = page
                .match_indices(attribute)
                .map(|(at, _)| &page[at..(at + 60).min(page.len())])
                .filter(|text| !text.starts_with("url(#"))
                .collect();
            assert!(outside.is_empty(), "{name}: {outside:?}");
        }
        assert!(!page.contains("href=\"http"), "{name}");
    }
}

#[test]
fn a_failed_check_replaces_the_verdict() {
    let page = page(&example::failed_check());
    assert!(page.contains("Do not read effects yet</h2>"));
    assert!(!page.contains("id=\"verdict\"") && !page.contains("Both e-mails raise"));
    assert!(page.contains("<body class=\"untrusted\">"));
    assert!(page.contains("check data</span>"));
}

#[test]
fn a_running_experiment_has_no_verdict_and_folds_its_intervals() {
    let page = page(&example::running());
    assert!(page.contains("Running · day 9 of 14"));
    assert!(page.contains("<details class=\"early\"><summary>Show intervals so far: not for decisions</summary>"));
    assert!(!page.contains("class=\"eyebrow\">Verdict</h2>"));
}

#[test]
fn an_unbounded_relative_interval_is_not_drawn_and_the_absolute_effect_stands_in_its_place() {
    let page = page(&example::unbounded_lift());
    let row = between(&page, "<tbody data-metric=\"donations\"", "</tbody>");
    assert!(row.contains("<span class=\"rel\"><b>+€0.0077</b>"), "{row}");
    assert!(row.contains("absolute effect: the relative interval is unbounded, the control is too close to zero"));
    assert!(!row.contains("<svg class=\"rel\""), "{row}");
}

#[test]
fn numbers_are_rounded_by_their_standard_error_and_alike_within_a_metric() {
    let page = page(&example::email()).replace('\u{202f}', " ");
    let row = between(&page, "<tbody data-metric=\"visit\"", "</tbody>");
    for text in ["10.60 %", "18.28 %", "15.14 %", "+72.5 %", "+42.8 %", "+7.68 pp", "&lt;0.001"] {
        assert!(row.contains(text), "{text} in {row}");
    }
}

#[test]
fn an_effect_that_only_the_raw_p_value_decides_is_outlined_and_says_so() {
    let page = page(&example::email());
    let row = between(&page, "<tbody data-metric=\"spend\"", "</tbody>");
    assert!(row.contains("chip undecided outlined"));
    assert!(row.contains("Significant only before the correction for multiplicity."));
}

#[test]
fn an_unknown_status_is_refused_by_metric() {
    let mut model = example::two_arms();
    for row in &mut model.estimates.rows {
        row.status = row.status.as_ref().map(|_| "wonderful".into());
    }
    let refusal = render(&model, PlotlyMode::None).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "row of metric `orders` has the status `wonderful`; the statuses are `check data`, `running`, \
         `too small to matter`, `better`, `worse`, `no clear effect`, `safe`, `harmed`, `not shown safe`"
    );
}

#[test]
fn a_model_without_anything_is_still_a_page() {
    let page = page(&ReportModel::default());
    assert!(page.contains("id=\"provenance\"") && !page.contains("id=\"scorecard\""));
}

#[test]
fn fifty_metrics_keep_to_their_budget_of_bytes() {
    let model = example::fifty_metrics();
    let without = page(&model).len();
    assert!(without <= 250_000, "{without} bytes without Plotly");
    let with = render(&model, PlotlyMode::Embed).unwrap().len();
    assert!(with <= 2_200_000, "{with} bytes with Plotly");
}

#[test]
fn every_template_of_the_folder_is_a_section_or_part_of_the_page() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/report");
    let found: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".html").map(str::to_owned))
        .collect();
    let listed = SECTIONS.iter().map(|section| section.name.to_owned());
    let expected: BTreeSet<String> = listed.chain(["macros".to_owned(), "page".to_owned()]).collect();
    assert_eq!(found, expected);
}

/// Writes every example to a folder, for the browser tests and for eyes: `REPORT_EXAMPLES=folder`.
#[test]
fn examples_are_written_where_asked() {
    let Some(folder) = std::env::var_os("REPORT_EXAMPLES") else {
        println!("not written: set REPORT_EXAMPLES to a folder");
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, model) in example::all() {
        std::fs::write(folder.join(format!("{name}.html")), render(&model, PlotlyMode::Embed).unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}-static.html")), page(&model)).unwrap();
    }
}
