//! The nearest name, and names that look alike.

/// The name nearest to what was written, when one is near enough to be meant.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are short; a distance to a text of a megabyte would take minutes and help nobody.
    if written.chars().count() > 100 {
        return None;
    }
    let folded = skeleton(written);
    let limit = folded.chars().count().div_ceil(3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&folded, &skeleton(name)), name))
        .filter(|(distance, name)| *distance <= limit && *name != written)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What a name looks like: case folded, letters and digits that are easily confused made one.
pub fn skeleton(name: &str) -> String {
    name.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '-' | '‐' | '‑' | '–' => '_',
            '0' | 'ο' | 'о' => 'o',
            '1' | 'і' | 'ι' | 'i' | 'ı' => 'l',
            'а' | 'α' => 'a',
            'с' => 'c',
            'е' => 'e',
            'ѕ' => 's',
            'р' | 'ρ' => 'p',
            'у' => 'y',
            'х' => 'x',
            'ν' => 'v',
            'к' | 'κ' => 'k',
            'ј' => 'j',
            '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_when_it_is_near() {
        let columns = ["user_id", "ordered_at", "amount"];
        assert_eq!(nearest("amuont", columns), Some("amount"));
        assert_eq!(nearest("Amount", columns), Some("amount"));
        assert_eq!(nearest("country", columns), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), columns), None);
    }

    #[test]
    fn letters_that_look_alike_have_one_skeleton() {
        assert_eq!(skeleton("revenue_l"), skeleton("Revenue-1"));
        assert_eq!(skeleton("аmount"), skeleton("amount"));
        assert_ne!(skeleton("amount"), skeleton("amounts"));
    }
}
