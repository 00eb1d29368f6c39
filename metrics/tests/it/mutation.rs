//! Files damaged in two thousand ways: no panic, no long wait, and every refusal names a file and a place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use estimand_metrics::project::Project;

use crate::shop::{self, Shop};

/// Mutations of one file; the example project has 14 of them.
const PER_FILE: usize = 150;

/// A small generator with a fixed seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    /// A byte at which a character starts.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.roll(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

const VALUES: &[&str] = &[
    "0",
    "-1",
    "1e309",
    "nan",
    "-inf",
    "true",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "[[[]]]",
    "1979-05-27",
    "9223372036854775808",
    "'''\n'''",
    "{ a = { b = 1 } }",
    "\"\\u0000\"",
    "\"é\u{202e}\"",
    "0x7fffffffffffffff",
    "07:32:00",
    "\"-7d\"",
    "\"$x\"",
    "\"sum(sum(x))\"",
    "\"((((((((((x))))))))))\"",
    "\"a = a = a\"",
    "\"count(*) OVER ()\"",
    "\"; DROP TABLE x\"",
];

const FRAGMENTS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'''",
    "=",
    ".",
    ",",
    "#",
    "\\",
    "\0",
    "\r",
    "\t",
    "\u{feff}",
    "\u{0430}",
    "-- ",
    "$",
    "(",
    ")",
    "[[arms]]\n",
    "[parameters.x]\n",
    "name = \"x\"\n",
    " OR ",
    " UNION ALL SELECT * FROM users ",
];

fn mutate(text: &str, how: usize, dice: &mut Dice) -> (String, Vec<u8>) {
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| lines.join("\n").into_bytes();
    match how % 12 {
        0 => {
            let at = dice.roll(lines.len());
            let kept: Vec<&str> =
                lines.iter().enumerate().filter(|(line, _)| *line != at).map(|(_, text)| *text).collect();
            (format!("delete line {at}"), joined(&kept))
        }
        1 => {
            let at = dice.roll(lines.len());
            let mut twice = lines.clone();
            twice.insert(at, lines[at]);
            (format!("duplicate line {at}"), joined(&twice))
        }
        2 => {
            let (a, b) = (dice.roll(lines.len()), dice.roll(lines.len()));
            let mut swapped = lines.clone();
            swapped.swap(a, b);
            (format!("swap lines {a} and {b}"), joined(&swapped))
        }
        3 => {
            let at = dice.place(text);
            (format!("truncate at {at}"), text.as_bytes()[..at].to_vec())
        }
        4 => {
            let at = dice.roll(lines.len());
            let value = dice.pick(VALUES);
            let key = lines[at].split('=').next().unwrap_or_default();
            let changed = format!("{key}= {value}");
            let mut other = lines.clone();
            other[at] = &changed;
            (format!("line {at} is {changed}"), joined(&other))
        }
        5 => {
            let (at, fragment) = (dice.place(text), dice.pick(FRAGMENTS));
            (format!("insert {fragment:?} at {at}"), format!("{}{fragment}{}", &text[..at], &text[at..]).into_bytes())
        }
        6 => {
            let at = dice.roll(text.len());
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1 << dice.roll(8);
            (format!("flip a bit of byte {at}"), bytes)
        }
        7 => {
            let (from, to) = (dice.place(text), dice.place(text));
            let (from, to) = (from.min(to), from.max(to));
            (format!("delete bytes {from} to {to}"), format!("{}{}", &text[..from], &text[to..]).into_bytes())
        }
        8 => {
            let words: Vec<(usize, &str)> = text
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .filter(|word| !word.is_empty())
                .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
                .collect();
            let ((at, word), (_, other)) = (*dice.pick(&words), *dice.pick(&words));
            let changed = format!("{}{other}{}", &text[..at], &text[at + word.len()..]);
            (format!("{word} at {at} becomes {other}"), changed.into_bytes())
        }
        9 => {
            let (at, piece) = (
                dice.place(text),
                dice.pick(&["(", "[", " OR x = 1", "a", "-", " UNION ALL SELECT * FROM users", "\n", "x + "]),
            );
            let times = *dice.pick(&[100_usize, 3_000, 20_000]);
            let huge = piece.repeat(times);
            (format!("{times} times {piece:?} at {at}"), format!("{}{huge}{}", &text[..at], &text[at..]).into_bytes())
        }
        10 => {
            // A huge text inside the value of a line, so that its own reader meets it.
            let at = dice.roll(lines.len());
            let piece = dice.pick(&[
                "(",
                "x OR ",
                "1 + ",
                "NOT ",
                "- ",
                "CASE WHEN x THEN ",
                "é",
                "SELECT * FROM users UNION ALL ",
                "''",
            ]);
            let key = lines[at].split('=').next().unwrap_or_default();
            let changed = format!("{key}= \"{}\"", piece.repeat(*dice.pick(&[70, 500, 4_000])));
            let mut other = lines.clone();
            other[at] = &changed;
            (format!("line {at} is a huge {piece:?}"), joined(&other))
        }
        _ => {
            let at = dice.place(text);
            let huge = "#".repeat(2 << 20);
            (format!("2 MiB at {at}"), format!("{}{huge}{}", &text[..at], &text[at..]).into_bytes())
        }
    }
}

#[test]
fn two_thousand_damaged_files_are_refused_with_a_place_or_read() {
    let (mut dice, mut refused, mut read, mut slowest) = (Dice(20_260_301), 0, 0, Duration::ZERO);
    for (path, text) in shop::files() {
        let shop = Shop::new();
        for round in 0..PER_FILE {
            let (what, bytes) = mutate(&text, round, &mut dice);
            shop.put(&path, &bytes);
            let start = Instant::now();
            let loaded = catch_unwind(AssertUnwindSafe(|| Project::load(shop.path())));
            let took = start.elapsed();
            slowest = slowest.max(took);
            let loaded = loaded.unwrap_or_else(|_| panic!("{path}: {what}: panicked"));
            assert!(took < Duration::from_secs(5), "{path}: {what}: took {took:?}");
            let Err(faults) = loaded else {
                read += 1;
                continue;
            };
            refused += 1;
            assert!(faults.iter().any(|fault| fault.is_error()), "{path}: {what}: no error");
            for fault in faults.iter() {
                let place =
                    fault.place.as_ref().unwrap_or_else(|| panic!("{path}: {what}: no place: {}", fault.line()));
                assert!(place.file.ends_with(".toml"), "{path}: {what}: {}", fault.line());
                let mended = !fault.help.is_empty() || !fault.valid.is_empty();
                assert!(mended, "{path}: {what}: no mend: {}", fault.line());
                let shown = fault.render(false);
                assert!(
                    shown.len() < 10_000,
                    "{path}: {what}: too long: {}",
                    shown.chars().take(1_000).collect::<String>()
                );
            }
        }
    }
    println!("{refused} refused, {read} read, slowest {slowest:?}");
    assert!(refused + read >= 2_000);
    assert!(refused > read, "{read} of the damaged files were read");
}
