//! How wide a text is, without a font: estimates that err on the wide side, so that labels do not collide.

/// Estimated width in px of a text of this size in a common sans-serif face.
pub fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

/// The text in at most `lines` lines of at most `width` px each, broken at spaces; what does not fit ends in `…`.
pub fn wrapped(text: &str, size: f64, width: f64, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if wrapped.len() + 1 >= lines.max(1) {
            wrapped.push(shortened(rest, size, width));
            return wrapped;
        }
        let end = line_end(rest, size, width);
        let (line, remaining) = rest.split_at(end);
        // A first word wider than the line cannot be broken here: it is shortened on a line of its own.
        wrapped.push(shortened(line.trim_end(), size, width));
        rest = remaining.trim_start();
    }
    wrapped
}

/// The text, or its beginning with `…` when it is wider than `width` px.
pub fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let room = width - em('…') * size;
    let mut used = 0.0;
    let kept: String = text
        .chars()
        .take_while(|character| {
            used += em(*character) * size;
            used <= room
        })
        .collect();
    format!("{}…", kept.trim_end())
}

/// Where the first line ends, in bytes: before the last space that fits, or after the first word.
fn line_end(text: &str, size: f64, width: f64) -> usize {
    let mut used = 0.0;
    let mut last_space = None;
    for (at, character) in text.char_indices() {
        if character == ' ' {
            if used > width {
                return last_space.unwrap_or(at);
            }
            last_space = Some(at);
        }
        used += em(character) * size;
    }
    if used > width { last_space.unwrap_or(text.len()) } else { text.len() }
}

/// Width of a character in units of the font size, that of the widest of the common faces.
fn em(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | '\'' | '|' | ':' | ';' | '!' => 0.30,
        '\u{202f}' | '\u{2009}' => 0.22,
        ' ' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '\\' | '-' => 0.40,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.96,
        '+' | '\u{2212}' | '<' | '>' | '=' => 0.80,
        '…' | '—' | '▲' | '▼' | '●' | '◆' => 1.0,
        '0'..='9' => 0.64,
        'A'..='Z' => 0.70,
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0.0,
        // East Asian wide and emoji.
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' => 1.05,
        '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}' => 1.15,
        _ => 0.62,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_broken_at_spaces_and_shortened_at_the_end() {
        assert_eq!(wrapped("Revenue per user", 10.0, 200.0, 2), ["Revenue per user"]);
        assert_eq!(wrapped("Revenue per user", 10.0, 75.0, 2), ["Revenue per", "user"]);
        assert_eq!(wrapped("Revenue per user and more", 10.0, 75.0, 2), ["Revenue per", "user and m…"]);
        assert_eq!(wrapped("Donaudampfschiffahrt faehrt", 10.0, 60.0, 2), ["Donauda…", "faehrt"]);
        assert!(wrapped("  ", 10.0, 60.0, 2).is_empty());
    }

    #[test]
    fn a_shortened_text_is_not_wider_than_its_room() {
        for text in ["", "a", "日本語のとても長い名前", "wwwwwwwwwwwwwwww", "iiiiiiiiiiiiiiiiiiiiiiiii"] {
            assert!(text_width(&shortened(text, 12.0, 50.0), 12.0) <= 50.0, "{text}");
        }
    }
}
