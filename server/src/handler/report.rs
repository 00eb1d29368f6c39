//! The report of a run, as it was recorded, under a line that leads back to the project.

use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use estimand_analysis::keep::PAGE as PAGE_OF_RUN;
use estimand_analysis::report::policy_of;
use estimand_analysis::run;
use minijinja::HtmlEscape;

use crate::handler::{Name, Page};
use crate::refusal::Refusal;
use crate::run_line::is_address;
use crate::site::Site;
use crate::stored::{Keep, bytes, find, read};

pub(crate) const PAGE: Page = Page { paths: &["/runs/{id}"], template: None, routes: || get(show) };

/// The policy of a page that has none that could stand in a header: nothing runs.
const STILL: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

async fn show(State(site): State<Site>, Name(id): Name, asked: HeaderMap) -> Result<Response, Response> {
    let run = find(&site, &id, "").await?;
    let (page, experiment) = read(run, |run| {
        let page = run.artefact(PAGE_OF_RUN)?;
        let page = String::from_utf8(page).map_err(|_| run::Error::Unreadable {
            path: run.folder().join(PAGE_OF_RUN),
            reason: "it is not UTF-8".to_owned(),
        })?;
        Ok((page, run.inputs()?.experiment))
    })
    .await?;
    let policy = format!("{}; frame-ancestors 'none'", policy_of(&page).unwrap_or(STILL));
    // Checked by `policy_of`, which lets only plain characters through.
    let policy = HeaderValue::from_str(&policy)
        .map_err(|error| Refusal::Internal { detail: error.to_string() }.into_response())?;
    let project = &site.last_read().project;
    let label = project.experiment(&experiment).map_or(experiment.as_str(), |experiment| experiment.label.as_str());
    let page = with_way_back(page, &project.manifest().name, &experiment, label);
    let mut response = bytes(&asked, "text/html; charset=utf-8", Keep::Asking, page.into_bytes());
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// The page with a line of links before everything in it but the link that skips to the content; on paper the line is left out.
fn with_way_back(page: String, project: &str, experiment: &str, label: &str) -> String {
    let Some(place) = end_of(&page, "<a class=\"skip\"", "</a>").or_else(|| end_of(&page, "<body", ">")) else {
        return page;
    };
    let mut links = format!("<a href=\"/\">{}</a>", HtmlEscape(project));
    if is_address(experiment) {
        links += &format!("<a href=\"/experiments/{experiment}\">{}</a>", HtmlEscape(label));
    }
    let (before, after) = page.split_at(place);
    format!(
        "{before}\n<style>{WAY_BACK_STYLE}</style><nav class=\"way-back\" aria-label=\"Project\">{links}</nav>{after}"
    )
}

/// Where the first thing that begins and ends like this ends.
fn end_of(page: &str, begins: &str, ends: &str) -> Option<usize> {
    let begins = page.find(begins)?;
    Some(begins + page[begins..].find(ends)? + ends.len())
}

const WAY_BACK_STYLE: &str = ".way-back{display:flex;flex-wrap:wrap;gap:2px 8px;padding-top:14px;font-size:13px;color:var(--muted)}\
                              .way-back a{display:inline-block;min-height:24px}\
                              .way-back a+a::before{content:\"›\";display:inline-block;margin-right:8px;color:var(--muted)}\
                              @media print{.way-back{display:none}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stands_first_in_the_body_and_is_escaped() {
        let page = "<html><body class=\"untrusted\">\n<p>x</p></body></html>".to_owned();
        let page = with_way_back(page, "a <b>", "checkout", "One & two");
        assert!(page.starts_with("<html><body class=\"untrusted\">\n<style>"));
        let links = "<a href=\"/\">a &lt;b&gt;</a><a href=\"/experiments/checkout\">One &amp; two</a></nav>\n<p>x</p>";
        assert!(page.contains(links), "{page}");
    }

    #[test]
    fn the_link_that_skips_to_the_content_stays_the_first() {
        let page = "<body><a class=\"skip\" href=\"#main\">Skip</a><p>x</p></body>".to_owned();
        let page = with_way_back(page, "p", "e", "E");
        assert!(page.starts_with("<body><a class=\"skip\" href=\"#main\">Skip</a>\n<style>"), "{page}");
    }

    #[test]
    fn a_page_without_a_body_is_left_as_it_is() {
        assert_eq!(with_way_back("<p>x".to_owned(), "p", "e", "E"), "<p>x");
    }
}
