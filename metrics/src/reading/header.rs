//! What every definition says about itself: name, label, description, owner, tags.

use crate::fault::Fault;
use crate::reading::fields::Fields;
use crate::reading::key::{Key, NAME_HELP, Shape, check_name, optional};

/// The keys of the header.
pub const KEYS: &[Key] = &[
    optional(
        "name",
        Shape::Name,
        "The name by which other files call it; the file's own name without `.toml` unless given.",
    ),
    optional("label", Shape::Text, "The name people read; made from the name unless given."),
    optional("description", Shape::Text, "What it is, in a sentence or two."),
    optional("owner", Shape::Text, "Who answers for it."),
    optional("tags", Shape::List(0, &Shape::Text), "Words to find it by."),
];

/// What every definition says about itself.
#[derive(Clone, Debug)]
pub struct Header {
    /// The name by which other files call it.
    pub name: String,
    /// The name people read.
    pub label: String,
    /// What it is.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

/// Reads the header of a file.
pub fn read(fields: &Fields<'_>, faults: &mut Vec<Fault>) -> Header {
    let stem = stem(fields.file());
    if !fields.has("name")
        && let Err(why) = check_name(stem)
    {
        let fault = Fault::error("metrics::bad_name", why)
            .with_place(fields.key_place("name"))
            .with_field("name")
            .with_help(format!("rename the file, or give `name`; {NAME_HELP}"));
        faults.push(fault);
    }
    let name = fields.text("name").unwrap_or(stem).to_owned();
    Header {
        label: fields.string("label").unwrap_or_else(|| label_of(&name)),
        description: fields.string("description"),
        owner: fields.string("owner"),
        tags: fields.texts("tags"),
        name,
    }
}

/// The name of a file without its folder and suffix.
pub(crate) fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".toml").unwrap_or(name)
}

/// `revenue_per_user` as people read it: `Revenue per user`.
fn label_of(name: &str) -> String {
    let spaced = name.replace(['_', '-'], " ");
    let mut chars = spaced.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
