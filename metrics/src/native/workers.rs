//! Threads of an operator: they share the work, and stop when nobody waits for it any more.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;

use crate::error::Error;

/// Why an operator gave no answer.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It met what it does not name: statements do, or show that it is nothing.
    Refused,
    /// It was not given the memory that it needs: statements may manage with less.
    Memory(Error),
    /// Nobody waits for it.
    Stopped,
    /// Something that would go wrong whatever the way.
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error {
            Error::Memory { .. } => Self::Memory(error),
            // What an expression or the engine refuses is told with its statement.
            Error::Data { .. } | Error::Engine { .. } | Error::Refused { .. } => Self::Refused,
            _ => Self::Failed(error),
        }
    }
}

impl From<estimand_stats::suffstat::Error> for Ended {
    fn from(error: estimand_stats::suffstat::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Says that work is to end; said by itself when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

/// Asks whether work is to end.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    /// What the work asks.
    pub(crate) fn stopping(&self) -> Stopping {
        Stopping(Arc::clone(&self.0))
    }
}

impl Stopping {
    /// Whether the work is to end.
    pub(crate) fn is_due(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends the work when it is to end; asked for every batch.
    pub(crate) fn check(&self) -> Result<(), Ended> {
        if self.is_due() { Err(Ended::Stopped) } else { Ok(()) }
    }
}

/// Does work on so many threads, and gives what each of them made, in their order.
///
/// The work of all ends soon after the work of one failed, and after the future was dropped: it is passed what to ask.
pub(crate) async fn on_threads<T: Send + 'static>(
    threads: usize,
    work: impl Fn(usize, &Stopping) -> Result<T, Ended> + Send + Sync + 'static,
) -> Result<Vec<T>, Ended> {
    let stop = Stop::default();
    let work = Arc::new(work);
    let tasks = (0..threads).map(|thread| {
        let (work, stopping) = (Arc::clone(&work), stop.stopping());
        tokio::task::spawn_blocking(move || {
            let made = work(thread, &stopping);
            if made.is_err() {
                stopping.0.store(true, Ordering::Relaxed);
            }
            made
        })
    });
    let (mut all, mut worst): (Vec<T>, Option<Ended>) = (Vec::with_capacity(threads), None);
    for made in join_all(tasks).await {
        // A task is never aborted, so that what it could not give is a panic: a fault of ours, shown where it would be.
        match made.unwrap_or_else(|panicked| resume_unwind(panicked.into_panic())) {
            Ok(made) => all.push(made),
            Err(ended) if worst.as_ref().is_none_or(|worst| ended.rank() > worst.rank()) => worst = Some(ended),
            Err(_) => {}
        }
    }
    worst.map_or(Ok(all), Err)
}

impl Ended {
    /// Of several, the one that says most is told.
    fn rank(&self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::Refused => 1,
            Self::Memory(_) => 2,
            Self::Failed(_) => 3,
        }
    }
}

/// Does `count` pieces of work on so many threads, each piece once; each thread makes a state of its own, which is given back.
///
/// # Errors
/// The first that a thread met; the others stop before their next piece.
pub(crate) fn share<S: Send>(
    threads: usize,
    count: usize,
    begin: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<(), Ended> + Sync,
) -> Result<Vec<S>, Ended> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let hand = || {
        let mut state = begin();
        while !failed.load(Ordering::Relaxed) {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= count {
                break;
            }
            work(&mut state, piece).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
        }
        Ok(state)
    };
    match threads.min(count) {
        0 | 1 => Ok(vec![hand()?]),
        threads => std::thread::scope(|scope| {
            let hands: Vec<_> = (0..threads).map(|_| scope.spawn(hand)).collect();
            let done = hands.into_iter().map(|hand| match hand.join() {
                Ok(done) => done,
                Err(panic) => resume_unwind(panic),
            });
            done.collect::<Vec<_>>().into_iter().collect()
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn until_stopped(stopping: &Stopping) -> Result<(), Ended> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            stopping.check()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("nothing stopped it");
    }

    #[tokio::test]
    async fn every_thread_gives_its_part_in_order() {
        let parts = on_threads(3, |thread, _| Ok(thread)).await;
        assert_eq!(parts.unwrap(), [0, 1, 2]);
    }

    #[tokio::test]
    async fn one_that_fails_stops_the_others_and_is_told() {
        let ended = on_threads(3, |thread, stopping| match thread {
            1 => Err(Ended::Failed(Error::Sources(Vec::new()))),
            _ => until_stopped(stopping),
        });
        assert!(matches!(ended.await, Err(Ended::Failed(Error::Sources(_)))));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_stops() {
        let (sender, stopped) = std::sync::mpsc::channel();
        let work = on_threads(1, move |_, stopping| {
            let ended = until_stopped(stopping);
            sender.send(matches!(ended, Err(Ended::Stopped))).unwrap();
            ended
        });
        let timeout = tokio::time::timeout(Duration::from_millis(20), work);
        assert!(timeout.await.is_err());
        assert_eq!(stopped.recv_timeout(Duration::from_secs(10)), Ok(true));
    }
}
