//! Who is treated in a replicate.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A random choice of exactly so many units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assignment {
    pub seed: u64,
    pub units: u64,
    pub treated: u64,
}

impl Assignment {
    /// The random numbers of a replicate: a stream of its own under the seed.
    pub fn stream(&self, replicate: u32) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(u64::from(replicate));
        random
    }

    /// One where a unit is treated, else zero; every choice of so many units is equally likely.
    ///
    /// First each unit by a coin of its own, of which a byte is enough; then units of the arm that is too large, drawn at
    /// random, change sides. All units being alike in both steps, no choice of the right size is likelier than another.
    pub fn draw(&self, random: &mut ChaCha8Rng) -> Vec<u8> {
        let mut treated = vec![0_u8; self.units as usize];
        random.fill_bytes(&mut treated);
        let bound = (256.0 * (self.treated as f64 / self.units as f64)).round() as u16;
        let mut count = 0_u64;
        for chunk in treated.chunks_mut(128) {
            // So few that their sum is a byte.
            let mut ones = 0_u8;
            for unit in chunk {
                *unit = u8::from(u16::from(*unit) < bound);
                ones += *unit;
            }
            count += u64::from(ones);
        }
        let too_many = u8::from(count > self.treated);
        let mut left = count.abs_diff(self.treated);
        while left > 0 {
            let unit = random.random_range(0..treated.len());
            if treated[unit] == too_many {
                treated[unit] = 1 - too_many;
                left -= 1;
            }
        }
        treated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_of_two_in_five_is_equally_likely() {
        let assignment = Assignment { seed: 3, units: 5, treated: 2 };
        let mut counts = std::collections::BTreeMap::new();
        for replicate in 0..20_000 {
            let drawn = assignment.draw(&mut assignment.stream(replicate));
            assert_eq!(drawn.iter().map(|unit| u32::from(*unit)).sum::<u32>(), 2);
            *counts.entry(drawn).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 10);
        let chi_square: f64 = counts.values().map(|count| (f64::from(*count) - 2_000.0).powi(2) / 2_000.0).sum();
        assert!(chi_square < 27.9, "{chi_square}");
    }

    #[test]
    fn rare_and_common_arms_have_their_size() {
        for treated in [2, 1_000, 99_998] {
            let assignment = Assignment { seed: 3, units: 100_000, treated };
            let drawn = assignment.draw(&mut assignment.stream(0));
            assert_eq!(drawn.iter().map(|unit| u64::from(*unit)).sum::<u64>(), treated);
        }
    }
}
