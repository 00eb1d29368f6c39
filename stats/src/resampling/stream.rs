//! The counter-based stream of a replicate.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The random numbers of one replicate: stream `replicate` of the generator with this seed.
///
/// ChaCha computes any block of any stream from its number alone, so a replicate does not depend on those before it.
pub(crate) fn stream(seed: u64, replicate: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(replicate);
    random
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn a_replicate_has_numbers_of_its_own() {
        let first = |seed, replicate| stream(seed, replicate).random::<u64>();
        assert_eq!(first(1, 2), first(1, 2));
        assert!(first(1, 2) != first(1, 3) && first(1, 2) != first(2, 2));
    }
}
