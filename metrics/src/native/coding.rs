//! Texts of arms and of dimensions as small numbers, one for each row.

use std::cmp::Ordering;
use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use parking_lot::Mutex;

use crate::plan::Enrolment;

/// The code of a row whose arm is not declared.
pub(crate) const UNDECLARED: u32 = u32::MAX;

/// The declared arms, and the code of each: its position among them.
#[derive(Clone, Debug)]
pub(crate) struct ArmCodes {
    texts: Vec<String>,
    /// The arms that can be met in a column of integers.
    integers: Vec<(i64, u32)>,
    /// The codes of integers from `first` on, where the arms lie close together.
    first: i64,
    table: Vec<u32>,
}

impl ArmCodes {
    /// The codes of the declared arms.
    pub(crate) fn of(enrolment: &Enrolment) -> Self {
        const WIDEST: i64 = 4_096;
        // An integer is written in one way only: no other name can be that of an arm.
        let integer = |(code, name): (u32, &String)| {
            name.parse::<i64>().ok().filter(|number| number.to_string() == *name).map(|number| (number, code))
        };
        let integers: Vec<(i64, u32)> = (0..).zip(&enrolment.arms).filter_map(integer).collect();
        let first = integers.iter().map(|(number, _)| *number).min().unwrap_or(0);
        let last = integers.iter().map(|(number, _)| *number).max().unwrap_or(0);
        let mut table = Vec::new();
        if let Some(width) = last.checked_sub(first).filter(|width| *width < WIDEST) {
            table = vec![UNDECLARED; width as usize + 1];
            integers.iter().for_each(|(number, code)| table[(number - first) as usize] = *code);
        }
        Self { texts: enrolment.arms.clone(), integers, first, table }
    }

    /// The code of each row of a column of integers or of text; [`UNDECLARED`] also for a missing one.
    pub(crate) fn codes(&self, column: &ArrayRef, codes: &mut Vec<u32>) -> Result<(), arrow::error::ArrowError> {
        codes.clear();
        if let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() {
            let mut of_value = Vec::new();
            self.codes(dictionary.values(), &mut of_value)?;
            codes.extend(by_keys(dictionary.keys(), &of_value, UNDECLARED));
        } else if column.data_type().is_integer() {
            // What does not fit is no arm.
            let column = cast(column, &DataType::Int64)?;
            self.integers(column.as_primitive(), codes);
        } else {
            let column = texts(column)?;
            let code = |text: &str| self.texts.iter().position(|name| name == text).map_or(UNDECLARED, |at| at as u32);
            codes.extend(column.iter().map(|text| text.map_or(UNDECLARED, code)));
        }
        Ok(())
    }

    fn integers(&self, column: &Int64Array, codes: &mut Vec<u32>) {
        let of_table = |number: i64| {
            let place = number.wrapping_sub(self.first) as u64;
            self.table.get(usize::try_from(place).unwrap_or(usize::MAX)).copied().unwrap_or(UNDECLARED)
        };
        let of_list =
            |number: i64| self.integers.iter().find(|(arm, _)| *arm == number).map_or(UNDECLARED, |(_, code)| *code);
        match (column.null_count(), self.table.is_empty()) {
            (0, false) => codes.extend(column.values().iter().map(|number| of_table(*number))),
            (0, true) => codes.extend(column.values().iter().map(|number| of_list(*number))),
            _ => codes.extend(column.iter().map(|number| number.map_or(UNDECLARED, of_list))),
        }
    }
}

/// The code of a row without a text.
pub(crate) const MISSING: u32 = 0;

/// The texts of one dimension as they are met, by all threads: the code of each is its position, after that of
/// [`MISSING`].
#[derive(Debug, Default)]
pub(crate) struct TextCodes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    codes: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl TextCodes {
    /// How many texts were met.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().texts.len()
    }

    /// The texts by their codes, [`MISSING`] first.
    pub(crate) fn texts(&self) -> Vec<Option<String>> {
        let known = self.0.lock();
        std::iter::once(None).chain(known.texts.iter().map(|text| Some(text.to_string()))).collect()
    }

    /// Which of two texts comes first, by their codes.
    pub(crate) fn compare(&self, one: u32, other: u32) -> Ordering {
        let known = self.0.lock();
        let text = |code: u32| known.texts.get((code as usize).wrapping_sub(1));
        text(one).cmp(&text(other))
    }

    fn code(&self, text: &str) -> u32 {
        let mut known = self.0.lock();
        if let Some(code) = known.codes.get(text) {
            return *code;
        }
        known.texts.push(text.into());
        // A run is refused long before there are so many.
        let code = u32::try_from(known.texts.len()).unwrap_or(u32::MAX);
        known.codes.insert(text.into(), code);
        code
    }
}

/// What one thread knows of the codes of a dimension, so that it seldom asks the others.
#[derive(Debug, Default)]
pub(crate) struct OwnCodes(HashMap<Box<str>, u32>);

impl OwnCodes {
    /// The code of each row of a column of text.
    pub(crate) fn codes(
        &mut self,
        all: &TextCodes,
        column: &ArrayRef,
        codes: &mut Vec<u32>,
    ) -> Result<(), arrow::error::ArrowError> {
        codes.clear();
        if let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() {
            let mut of_value = Vec::new();
            self.codes(all, dictionary.values(), &mut of_value)?;
            codes.extend(by_keys(dictionary.keys(), &of_value, MISSING));
            return Ok(());
        }
        let column = texts(column)?;
        for text in &column {
            codes.push(match text {
                None => MISSING,
                Some(text) => match self.0.get(text) {
                    Some(code) => *code,
                    None => {
                        let code = all.code(text);
                        self.0.insert(text.into(), code);
                        code
                    }
                },
            });
        }
        Ok(())
    }
}

fn texts(column: &ArrayRef) -> Result<StringViewArray, arrow::error::ArrowError> {
    Ok(cast(column, &DataType::Utf8View)?.as_string_view().clone())
}

fn by_keys<'a>(
    keys: &'a arrow::array::Int32Array,
    of_value: &'a [u32],
    of_null: u32,
) -> impl Iterator<Item = u32> + 'a {
    let has_nulls = keys.null_count() > 0;
    keys.values().iter().enumerate().map(
        move |(row, key)| {
            if has_nulls && keys.is_null(row) { of_null } else { of_value[*key as usize] }
        },
    )
}
