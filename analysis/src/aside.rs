//! Long computations on a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tokio::sync::oneshot;

/// Does work on a thread of its own, so that whoever waits for it can also wait for an interrupt, and end without it.
///
/// A panic of the work goes on here.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waiting) = oneshot::channel();
    // Not one of the runtime's own threads: for these it waits when it ends. Nobody may be left to hear of the result.
    std::thread::spawn(move || done.send(catch_unwind(AssertUnwindSafe(work))).ok());
    match waiting.await {
        Ok(Ok(made)) => made,
        Ok(Err(panic)) => resume_unwind(panic),
        // The thread sends before it ends, whatever the work does.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_while_others_wait() {
        assert_eq!(aside(|| 6 * 7).await, 42);
    }

    #[tokio::test]
    #[should_panic(expected = "of the work")]
    async fn a_panic_goes_on() {
        aside(|| panic!("of the work")).await
    }
}
