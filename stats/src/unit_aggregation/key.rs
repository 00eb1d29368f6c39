//! Ids of units, as values of fixed size that compare fast.

use std::hash::{BuildHasher, Hasher};

use arrow::array::{Array, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use foldhash::quality::RandomState;
use siphasher::sip128::{Hasher128, SipHasher13};

/// What stands for an id in tables and comparisons.
pub trait Key: Copy + Eq + Ord + Default + Send + Sync + 'static {
    /// How many words it takes.
    const WORDS: usize;

    /// The hash that decides where it lies.
    fn hash(self, seed: &Seed) -> u64;

    /// Writes it as words.
    fn store(self, words: &mut [u64]);

    /// Reads what [`store`](Key::store) wrote.
    fn load(words: &[u64]) -> Self;
}

/// A 64-bit integer, as it is.
impl Key for i64 {
    const WORDS: usize = 1;

    #[inline]
    fn hash(self, seed: &Seed) -> u64 {
        seed.integers.hash_one(self)
    }

    #[inline]
    fn store(self, words: &mut [u64]) {
        words[0] = self as u64;
    }

    #[inline]
    fn load(words: &[u64]) -> Self {
        words[0] as i64
    }
}

/// A text by 128 bits of a keyed hash.
///
/// Two of 100 million ids share these with a probability below 10⁻²², whoever chose the ids: the key is drawn anew in each process.
impl Key for u128 {
    const WORDS: usize = 2;

    #[inline]
    fn hash(self, _: &Seed) -> u64 {
        self as u64
    }

    #[inline]
    fn store(self, words: &mut [u64]) {
        (words[0], words[1]) = (self as u64, (self >> 64) as u64);
    }

    #[inline]
    fn load(words: &[u64]) -> Self {
        u128::from(words[1]) << 64 | u128::from(words[0])
    }
}

/// The secret of the hashes, drawn once in each process: nobody can choose ids that collide.
#[derive(Clone, Debug)]
pub struct Seed {
    integers: RandomState,
    /// A hasher that has read nothing yet.
    texts: SipHasher13,
}

impl Default for Seed {
    fn default() -> Self {
        let integers = RandomState::default();
        let texts = SipHasher13::new_with_keys(integers.hash_one(0_u8), integers.hash_one(1_u8));
        Self { integers, texts }
    }
}

impl Seed {
    /// The key of a text.
    #[inline]
    pub fn of_text(&self, text: &[u8]) -> u128 {
        let mut hasher = self.texts;
        hasher.write(text);
        hasher.finish128().as_u128()
    }
}

/// A column of ids.
pub trait KeyColumn {
    /// What stands for an id.
    type Key: Key;

    /// The ids of all rows, anything where there is none, written to `keys`; and which rows have one, `None` when all have.
    fn read(&self, seed: &Seed, keys: &mut Vec<Self::Key>) -> Option<NullBuffer>;
}

/// Ids that are 64-bit integers.
#[derive(Clone, Copy)]
pub struct Integers<'a>(pub &'a dyn Array);

impl KeyColumn for Integers<'_> {
    type Key = i64;

    fn read(&self, _: &Seed, keys: &mut Vec<i64>) -> Option<NullBuffer> {
        keys.clear();
        match self.0.as_primitive_opt::<Int64Type>() {
            Some(column) => keys.extend_from_slice(column.values()),
            None => return none(self.0.len(), keys),
        }
        self.0.nulls().cloned()
    }
}

/// Ids that are text or bytes; one of nothing but blanks is none.
#[derive(Clone, Copy)]
pub struct Texts<'a>(pub &'a dyn Array);

impl KeyColumn for Texts<'_> {
    type Key = u128;

    fn read(&self, seed: &Seed, keys: &mut Vec<u128>) -> Option<NullBuffer> {
        let array = self.0;
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            let mut of_value = Vec::new();
            let named = Texts(dictionary.values().as_ref()).read(seed, &mut of_value);
            let is_named = |code: Option<i32>| {
                code.filter(|code| named.as_ref().is_none_or(|named| named.is_valid(*code as usize)))
            };
            keys.clear();
            let codes = || dictionary.keys().iter().map(is_named);
            keys.extend(codes().map(|code| code.map_or(0, |code| of_value[code as usize])));
            return Some(codes().map(|code| code.is_some()).collect::<Vec<bool>>().into());
        }
        keys.clear();
        let mut present = Vec::with_capacity(array.len());
        let mut add = |text: Option<&[u8]>| {
            let text = text.filter(|text| !text.iter().all(|byte| *byte == b' '));
            present.push(text.is_some());
            keys.push(text.map_or(0, |text| seed.of_text(text)));
        };
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().for_each(|text| add(text.map(str::as_bytes))),
            DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(|text| add(text.map(str::as_bytes))),
            DataType::Utf8View => array.as_string_view().iter().for_each(|text| add(text.map(str::as_bytes))),
            DataType::Binary => array.as_binary::<i32>().iter().for_each(&mut add),
            DataType::LargeBinary => array.as_binary::<i64>().iter().for_each(&mut add),
            DataType::BinaryView => array.as_binary_view().iter().for_each(&mut add),
            DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().iter().for_each(&mut add),
            _ => return none(array.len(), keys),
        }
        present.contains(&false).then(|| present.into())
    }
}

/// A column that holds no ids of this kind.
fn none<K: Key>(rows: usize, keys: &mut Vec<K>) -> Option<NullBuffer> {
    keys.resize(rows, K::default());
    Some(NullBuffer::new_null(rows))
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, DictionaryArray, StringArray, StringViewArray};

    use super::*;

    #[test]
    fn a_text_has_one_key_in_every_encoding_and_a_blank_has_none() {
        let seed = Seed::default();
        let texts = vec![Some("ann"), None, Some("  "), Some(""), Some("bob "), Some("bob")];
        let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
        let one = Texts(&StringArray::from(texts.clone())).read(&seed, &mut first);
        let two = Texts(&StringViewArray::from(texts.clone())).read(&seed, &mut second);
        let bytes: Vec<Option<&[u8]>> = texts.iter().map(|text| text.map(str::as_bytes)).collect();
        let three = Texts(&BinaryArray::from(bytes)).read(&seed, &mut third);
        assert_eq!((&first, &one), (&second, &two));
        assert_eq!((&first, &one), (&third, &three));
        assert_eq!(one, Some(vec![true, false, false, false, true, true].into()));
        let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
        let four = Texts(&dictionary).read(&seed, &mut second);
        assert_eq!((&first, &one), (&second, &four));
        assert_ne!(first[4], first[5]);
    }
}
