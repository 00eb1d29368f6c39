//! Work that some threads share.

use std::panic::resume_unwind;

/// Does the work on so many threads, this one among them, and gives what each made, in their order. Each is told its number.
///
/// A panic of one of them goes on here once all have ended.
pub(crate) fn on_threads<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        let own = work(0);
        let joined = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(own).chain(joined).collect()
    })
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
    #[should_panic(expected = "the second")]
    fn a_panic_of_one_goes_on() {
        on_threads(2, |thread| assert!(thread == 0, "the second"));
    }
}
