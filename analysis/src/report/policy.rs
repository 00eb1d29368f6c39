//! The content security policy of a report: its own scripts by hash, nothing else, and no network.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use estimand_viz::page::{FIGURE_JS, PLOTLY_JS};
use sha2::{Digest, Sha256};

use super::{PlotlyMode, SCRIPT, THEME_SCRIPT};

/// The policy that a page rendered with this mode carries, for servers that send it as a header too.
///
/// Scripts run only when their text has one of these hashes, so text from a definition can never become one, whatever escaped.
/// Plotly writes styles into the page, hence `'unsafe-inline'` for styles alone.
///
/// ```
/// use estimand_analysis::report::{PlotlyMode, content_security_policy};
///
/// let policy = content_security_policy(PlotlyMode::None);
/// assert!(policy.starts_with("default-src 'none'; "));
/// assert!(!policy.contains("unsafe-eval"));
/// ```
pub fn content_security_policy(plotly: PlotlyMode) -> String {
    let mut scripts = vec![source(THEME_SCRIPT), source(SCRIPT)];
    match plotly {
        PlotlyMode::Embed => scripts.extend([source(PLOTLY_JS), source(FIGURE_JS)]),
        PlotlyMode::Link => scripts.extend(["'self'".to_owned(), source(FIGURE_JS)]),
        PlotlyMode::None => {}
    }
    format!(
        "default-src 'none'; script-src {}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'",
        scripts.join(" ")
    )
}

/// The policy that a stored page carries in its own words, for the header it is served with.
///
/// A page of another version has other scripts, so what it says counts and not what this version would say. `None` when it says
/// nothing that can stand in a header.
///
/// ```
/// use estimand_analysis::report::{PlotlyMode, ReportModel, content_security_policy, policy_of, render};
///
/// let page = render(&ReportModel::default(), PlotlyMode::Link)?;
/// assert_eq!(policy_of(&page), Some(content_security_policy(PlotlyMode::Link).as_str()));
/// assert_eq!(policy_of("<!doctype html><title>none</title>"), None);
/// # Ok::<(), estimand_analysis::report::Error>(())
/// ```
pub fn policy_of(page: &str) -> Option<&str> {
    let (_, after) = page.split_once("<meta http-equiv=\"Content-Security-Policy\" content=\"")?;
    let (policy, _) = after.split_once('"')?;
    let plain = policy.bytes().all(|byte| byte == b' ' || (byte.is_ascii_graphic() && byte != b'&'));
    (plain && policy.starts_with("default-src 'none'")).then_some(policy)
}

fn source(script: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_the_hash_that_browsers_print() {
        assert_eq!(source("alert('Hello, world.');"), "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
    }
}
