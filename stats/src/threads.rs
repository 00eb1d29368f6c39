//! Work that some threads share.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does the work on so many threads, this one among them, and gives what each made, in their order. Each is told its number.
///
/// A panic of one of them goes on here once all have ended.
pub fn on_threads<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        let own = work(0);
        let joined = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(own).chain(joined).collect()
    })
}

/// Pieces of work that a thread takes for each of all threads: enough to even out long and short ones.
const PIECES: usize = 8;

/// Does the work on each item by up to so many threads, and gives what came of each, in the order of the items.
///
/// A panic of one of them goes on here once all have ended.
pub fn in_order<I: Sync, T: Send>(threads: usize, items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let threads = threads.clamp(1, items.len().max(1));
    let piece = items.len().div_ceil(PIECES * threads).max(1);
    let next = AtomicUsize::new(0);
    let done = on_threads(threads, |_| {
        let pieces = std::iter::from_fn(|| {
            let number = next.fetch_add(1, Ordering::Relaxed);
            items.chunks(piece).nth(number).map(|items| (number, items.iter().map(&work).collect::<Vec<T>>()))
        });
        pieces.collect::<Vec<_>>()
    });
    let mut done: Vec<(usize, Vec<T>)> = done.into_iter().flatten().collect();
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_gives_its_part_in_order() {
        assert_eq!(on_threads(3, |thread| thread * 10), [0, 10, 20]);
        assert_eq!(on_threads(0, |thread| thread), [0]);
    }

    #[test]
    fn results_stand_in_the_order_of_their_items() {
        let items: Vec<u32> = (0..1_000).collect();
        for threads in [0, 1, 2, 7] {
            assert_eq!(
                in_order(threads, &items, |item| item * 2),
                items.iter().map(|item| item * 2).collect::<Vec<_>>()
            );
        }
        assert!(in_order(3, &[], |item: &u32| *item).is_empty());
    }

    #[test]
    #[should_panic(expected = "the second")]
    fn a_panic_of_one_goes_on() {
        on_threads(2, |thread| assert!(thread == 0, "the second"));
    }
}
