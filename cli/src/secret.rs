//! Words of the command line that look like secrets.

/// Parts of names that people give to what nobody else may know.
const SUSPECT: [&str; 6] = ["api_key", "apikey", "credential", "password", "secret", "token"];

/// Says of each `NAME=VALUE` whose name speaks of a secret that it is none any more: the command line is seen by other
/// users and kept by the shell, and values of parameters stand in reports.
pub fn warn() {
    for name in suspects(std::env::args().skip(1)) {
        eprintln!(
            "warning: `{name}` looks like a secret: the command line is kept by the shell, and parameters stand in reports; leave it out, and change it"
        );
    }
}

fn suspects(words: impl Iterator<Item = String>) -> Vec<String> {
    let name = |word: String| word.split_once('=').map(|(name, _)| name.trim_start_matches('-').to_owned());
    let suspect = |name: &String| SUSPECT.iter().any(|part| name.to_ascii_lowercase().contains(part));
    words.filter_map(name).filter(suspect).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_and_values_are_not() {
        let words = ["analyze", "-p", "api_key=sk-1", "--option", "lift=log", "--password=x"].map(str::to_owned);
        assert_eq!(suspects(words.into_iter()), ["api_key", "password"]);
    }
}
