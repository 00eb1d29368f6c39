//! A small randomised trial of real people.
//!
//! The National Supported Work Demonstration assigned people with hard prospects on the labour market at random to a year of
//! supported work, or to none. The project holds the 445 men of Dehejia and Wahba (1999), 185 of them treated: a sample on which
//! methods of evaluation have been tried ever since. One row per person, no times; eight covariates from before assignment.
//! The difference in mean earnings of 1978 is 1,794 dollars with a standard error of 671. The truth is not known.
//!
//! - **Source** LaLonde (1986), American Economic Review 76; Dehejia and Wahba (1999), Journal of the American Statistical Association
//!   94. The table is that of the Python package `causaldata`, under the MIT licence; the notice is written beside the data.

use std::fs;
use std::path::Path;

use super::Error;
use super::folder::Folder;

/// Name of the experiment.
pub const EXPERIMENT: &str = "job_training";

/// Path of the table in the project's folder.
const TABLE: &str = "data/people.csv";

/// The table: one row per person.
const PEOPLE: &str = include_str!("../../../../tests/data/nsw/nsw.csv");

/// The files of the project, by path.
const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("project/README.md")),
    ("data/NOTICE", include_str!("../../../../tests/data/nsw/NOTICE")),
    (TABLE, PEOPLE),
    ("estimand.toml", include_str!("project/estimand.toml")),
    ("experiments/job_training.toml", include_str!("project/experiments/job_training.toml")),
    ("metrics/earnings.toml", include_str!("project/metrics/earnings.toml")),
    ("metrics/no_earnings.toml", include_str!("project/metrics/no_earnings.toml")),
    ("sources/people.toml", include_str!("project/sources/people.toml")),
];

/// Writes the trial as a complete project.
///
/// The folder appears whole or not at all. A folder that holds the same table already is left as it is.
///
/// # Errors
/// [`Error::FolderInUse`] when the folder holds anything else; [`Error::Read`] and [`Error::Write`] with the file that failed.
pub fn write(folder: &Path) -> Result<(), Error> {
    if fs::read_to_string(folder.join(TABLE)).is_ok_and(|table| table == PEOPLE) {
        return Ok(());
    }
    let project = Folder::start(folder)?;
    for (path, text) in FILES {
        project.text(path, text)?;
    }
    project.finish()
}
