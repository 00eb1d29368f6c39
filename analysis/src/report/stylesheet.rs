//! The style of the report as a sheet, so that pages around it look as of one piece with it.

use estimand_viz::page::FIGURE_CSS;
use estimand_viz::theme::Theme;

use super::STYLE;

/// The colours of both grounds, then the style of figures and of the report.
///
/// ```
/// let sheet = estimand_analysis::report::stylesheet();
/// assert!(sheet.starts_with(":root{"));
/// assert!(sheet.contains("prefers-color-scheme:dark"));
/// ```
pub fn stylesheet() -> String {
    format!("{}\n{FIGURE_CSS}\n{STYLE}", colours())
}

/// Light unless the system or the reader asks for dark; light on paper.
pub(crate) fn colours() -> String {
    let (light, dark) = (Theme::LIGHT.declarations(), Theme::DARK.declarations());
    format!(
        ":root{{ {light} color-scheme:light}}\n\
         :root[data-theme=dark]{{ {dark} color-scheme:dark}}\n\
         @media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{ {dark} color-scheme:dark}}}}\n\
         @media print{{:root,:root[data-theme]{{ {light} color-scheme:light}}}}"
    )
}
