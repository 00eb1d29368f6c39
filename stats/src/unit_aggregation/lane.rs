//! How arguments travel with rows: in 32 bits where the values that are met fit, else as they are.
//!
//! Rows are made of halves: pieces of 32 bits. An argument takes two of them, a key of 128 bits four; but most columns hold
//! small numbers, days, or doubles that were singles, and those take one. Which form fits is learned from the rows, batch by
//! batch: a batch with a value that the form of the last one does not hold has another form, and rows that were written before
//! keep theirs. Every form gives back the very words, so that none of this can be seen in a result.

use std::sync::Arc;

use super::program::Argument;
use super::scatter::Cells;
use parking_lot::RwLock;

/// The form in which an argument travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// As so many words.
    Whole(u8),
    /// One half: how many steps of `1 << shift` a word lies after `base`, around the end of numbers if need be.
    Steps {
        /// The least word.
        base: u64,
        /// At most 32.
        shift: u32,
    },
    /// One half: a double that is a single.
    Single,
}

/// The place of an argument in a row, in halves, and its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    pub(super) at: usize,
    pub(super) form: Form,
}

/// Bits of a word that a half does not hold, `shift` places up.
const fn outside(shift: u32) -> u64 {
    !((u32::MAX as u64) << shift)
}

/// The double of a word as a single.
#[inline]
fn single(word: u64) -> f32 {
    f64::from_bits(word) as f32
}

/// The word of the double that is a single.
#[inline]
pub(super) fn of_single(half: u32) -> u64 {
    f64::from(f32::from_bits(half)).to_bits()
}

impl Form {
    /// How many halves it takes.
    pub(super) const fn halves(self) -> usize {
        match self {
            Self::Whole(words) => words as usize * 2,
            Self::Steps { .. } | Self::Single => 1,
        }
    }

    /// Whether it gives this word back.
    fn holds(self, word: u64) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Steps { base, shift } => word.wrapping_sub(base) & outside(shift) == 0,
            Self::Single => of_single(single(word).to_bits()) == word,
        }
    }

    /// Writes the words as halves, unless they travel whole; whether it holds all that are there.
    fn halve(self, cells: &Cells<'_>, halves: &mut Vec<u32>) -> bool {
        if matches!(self, Self::Whole(_)) {
            return true;
        }
        if halves.len() < cells.words.len() {
            halves.resize(cells.words.len(), 0);
        }
        let both = halves.iter_mut().zip(cells.words);
        let mut lost = 0;
        match self {
            Self::Whole(_) => {}
            Self::Steps { base, shift } => both.for_each(|(half, word)| {
                let steps = word.wrapping_sub(base);
                lost |= steps & outside(shift);
                *half = (steps >> shift) as u32;
            }),
            Self::Single => both.for_each(|(half, word)| {
                *half = single(*word).to_bits();
                lost |= of_single(*half) ^ word;
            }),
        }
        // What lies where nothing is may be anything.
        lost == 0 || cells.valid.is_some_and(|valid| valid.valid_indices().all(|row| self.holds(cells.words[row])))
    }
}

/// Changes of form after which an argument travels whole: some values follow no form for long.
const CHANGES: u8 = 8;

/// What is known of the words of an argument that did not fit.
#[derive(Clone, Copy, Debug)]
struct Met {
    /// The least and the greatest, as signed integers.
    ends: Option<(i64, i64)>,
    /// Bits in which they differ from each other, at most.
    differing: u64,
    changes: u8,
}

impl Met {
    fn add(&mut self, word: u64) {
        let word = word as i64;
        let (least, most) = self.ends.get_or_insert((word, word));
        // A difference of multiples of a power of two is one as well.
        self.differing |= word.wrapping_sub(*least) as u64;
        (*least, *most) = ((*least).min(word), (*most).max(word));
    }

    /// Steps that hold all that was met, with as much room below as above.
    fn steps(&self) -> Option<Form> {
        let (least, most) = self.ends?;
        let shift = if self.differing == 0 { 0 } else { self.differing.trailing_zeros().min(32) };
        let width = most.wrapping_sub(least) as u64 >> shift;
        let room = u64::from(u32::MAX).checked_sub(width)?;
        Some(Form::Steps { base: (least as u64).wrapping_sub((room / 2) << shift), shift })
    }
}

/// The forms of all arguments of a source at some time.
#[derive(Debug)]
pub(super) struct Forms {
    /// Which they are, among those there were.
    pub(super) version: u32,
    pub(super) forms: Vec<Form>,
}

/// The forms of the arguments of a source, as they are learned by all threads.
pub(super) struct Lanes {
    arguments: Vec<Argument>,
    learned: RwLock<(Arc<Forms>, Vec<Met>)>,
}

impl Lanes {
    /// The forms before any row; arguments that no row carries are of no form, whatever their cells hold.
    pub(super) fn new(arguments: &[Argument], is_carried: impl Fn(usize) -> bool) -> Self {
        let form = |(number, argument): (usize, &Argument)| match argument {
            _ if !is_carried(number) => Form::Whole(0),
            Argument::Integer | Argument::Decimal { .. } | Argument::Unsigned => Form::Steps { base: 0, shift: 0 },
            Argument::Float => Form::Single,
            Argument::Wide => Form::Whole(2),
        };
        let forms = Forms { version: 0, forms: arguments.iter().enumerate().map(form).collect() };
        let met = vec![Met { ends: None, differing: 0, changes: 0 }; arguments.len()];
        Self { arguments: arguments.to_vec(), learned: RwLock::new((Arc::new(forms), met)) }
    }

    /// Writes the arguments of a batch as halves, and gives the forms in which they are.
    pub(super) fn halve(&self, arguments: &[Cells<'_>], halves: &mut Vec<Vec<u32>>) -> Arc<Forms> {
        halves.resize_with(arguments.len(), Vec::new);
        loop {
            let forms = Arc::clone(&self.learned.read().0);
            let mut each = forms.forms.iter().zip(arguments).zip(halves.iter_mut());
            let Some(unfit) = each.position(|((form, cells), halves)| !form.halve(cells, halves)) else {
                return forms;
            };
            self.change(unfit, &arguments[unfit], &forms);
        }
    }

    /// Finds another form for an argument that the one there was does not hold.
    fn change(&self, argument: usize, cells: &Cells<'_>, unfit: &Forms) {
        let mut learned = self.learned.write();
        let (forms, met) = &mut *learned;
        if forms.version != unfit.version {
            // Another thread was faster; its form may do.
            return;
        }
        let met = &mut met[argument];
        met.changes += 1;
        let steps = match self.arguments[argument] {
            Argument::Integer | Argument::Decimal { .. } | Argument::Unsigned if met.changes < CHANGES => {
                match cells.valid {
                    Some(valid) => valid.valid_indices().for_each(|row| met.add(cells.words[row])),
                    None => cells.words.iter().for_each(|word| met.add(*word)),
                }
                met.steps()
            }
            _ => None,
        };
        let mut changed = forms.forms.clone();
        changed[argument] = steps.unwrap_or(Form::Whole(1));
        *forms = Arc::new(Forms { version: forms.version + 1, forms: changed });
    }
}

#[cfg(test)]
mod tests {
    use arrow::buffer::NullBuffer;

    use super::*;

    const DAY: u64 = 86_400_000_000;

    fn given_back(form: Form, half: u32) -> u64 {
        match form {
            Form::Whole(_) => unreachable!("not halved"),
            Form::Steps { base, shift } => base.wrapping_add(u64::from(half) << shift),
            Form::Single => of_single(half),
        }
    }

    /// The form of an argument after some batches, each of which it must give back.
    fn form_after(argument: Argument, batches: &[&[u64]]) -> Form {
        let lanes = Lanes::new(&[argument], |_| true);
        let (mut halves, mut last) = (Vec::new(), Form::Whole(0));
        for words in batches {
            let forms = lanes.halve(&[Cells { words, valid: None }], &mut halves);
            last = forms.forms[0];
            if !matches!(last, Form::Whole(_)) {
                let again: Vec<u64> = halves[0].iter().take(words.len()).map(|half| given_back(last, *half)).collect();
                assert_eq!(&again, words);
            }
        }
        last
    }

    #[test]
    fn small_numbers_take_half_a_word() {
        assert_eq!(form_after(Argument::Unsigned, &[&[0, 7, u64::from(u32::MAX)]]), Form::Steps { base: 0, shift: 0 });
        let around_zero = form_after(Argument::Integer, &[&[3], &[-5_i64 as u64]]);
        assert!(matches!(around_zero, Form::Steps { shift: 0, .. }));
        let ends = [i64::MAX as u64, i64::MAX as u64 - 1];
        assert!(matches!(form_after(Argument::Integer, &[&ends]), Form::Steps { .. }));
    }

    #[test]
    fn days_in_microseconds_take_half_a_word() {
        let (one, year): (Vec<u64>, Vec<u64>) =
            (vec![20_000 * DAY; 3], (20_000..20_365).map(|day| day * DAY).collect());
        assert!(matches!(form_after(Argument::Integer, &[&one, &year, &one]), Form::Steps { shift: 13, .. }));
    }

    #[test]
    fn words_that_follow_no_form_travel_whole() {
        let hashes: Vec<u64> = (1..100_u64).map(|one| one.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        assert_eq!(form_after(Argument::Integer, &[&hashes]), Form::Whole(1));
        assert_eq!(form_after(Argument::Integer, &[&[i64::MIN as u64, i64::MAX as u64]]), Form::Whole(1));
        // Each batch needs finer steps than the one before.
        let finer: Vec<[u64; 2]> = (0..12).map(|batch| [1 << 40, 1 << (32 - batch)]).collect();
        let finer: Vec<&[u64]> = finer.iter().map(<[u64; 2]>::as_slice).collect();
        assert!(matches!(form_after(Argument::Integer, &finer[..4]), Form::Steps { shift: 29, .. }));
        assert_eq!(form_after(Argument::Integer, &finer), Form::Whole(1));
    }

    #[test]
    fn only_doubles_that_are_singles_take_half_a_word() {
        let words = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<u64>>();
        let singles = words(&[0.5, -0.0, 3.0, f64::INFINITY, f64::NEG_INFINITY, 16_777_216.0]);
        assert_eq!(form_after(Argument::Float, &[&singles]), Form::Single);
        for other in [0.1, 1e300, 16_777_217.0, f64::MIN_POSITIVE] {
            assert_eq!(form_after(Argument::Float, &[&singles, &words(&[other])]), Form::Whole(1));
        }
    }

    #[test]
    fn what_lies_under_a_missing_value_decides_nothing() {
        let lanes = Lanes::new(&[Argument::Integer], |_| true);
        let valid: NullBuffer = vec![true, false, true].into();
        let cells = Cells { words: &[1, u64::MAX / 3, 2], valid: Some(&valid) };
        let mut halves = Vec::new();
        assert_eq!(lanes.halve(&[cells], &mut halves).forms, [Form::Steps { base: 0, shift: 0 }]);
        assert_eq!((halves[0][0], halves[0][2]), (1, 2));
    }

    #[test]
    fn an_argument_that_no_row_carries_needs_no_words() {
        let lanes = Lanes::new(&[Argument::Integer], |_| false);
        let valid: NullBuffer = vec![true, false].into();
        let cells = Cells { words: &[], valid: Some(&valid) };
        assert_eq!(lanes.halve(&[cells], &mut Vec::new()).forms, [Form::Whole(0)]);
    }
}
