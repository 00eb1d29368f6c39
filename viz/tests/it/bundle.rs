//! The vendored Plotly is the one that its notes say.

use estimand_viz::page::{PLOTLY_JS, PLOTLY_SHA256, PLOTLY_VERSION};
use sha2::{Digest, Sha256};

#[test]
fn the_bundle_has_the_version_and_the_sum_of_its_notes() {
    let sum: String = Sha256::digest(PLOTLY_JS).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sum, PLOTLY_SHA256);
    assert!(PLOTLY_JS.contains(&format!("(cartesian - minified) v{PLOTLY_VERSION}\n")));
    let notes = include_str!("../../assets/README.md");
    assert!(notes.contains(PLOTLY_SHA256) && notes.contains(PLOTLY_VERSION));
    assert!(include_str!("../schema/plot-schema.json").contains(&format!("plotly.js {PLOTLY_VERSION}")));
}

#[test]
fn the_bundle_needs_no_unsafe_eval_and_ends_no_script_element() {
    assert!(!PLOTLY_JS.contains("new Function") && !PLOTLY_JS.contains("</script"));
}
