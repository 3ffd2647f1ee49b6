//! Time: what it is, and waiting with an end.

use crate::{Error, Result};
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// How long anything may take that a test waits for. Far more than it takes: a loaded machine must not fail a test.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Between two looks. Looks at embedded clusters cost microseconds.
const PAUSE: Duration = Duration::from_millis(1);

/// The time, for events and signatures of tests.
#[expect(clippy::disallowed_methods, reason = "the one place where scenes take the time from")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Looks until there is something, and says how long it took.
///
/// # Errors
/// [`Error::Late`] when there is nothing after [`LIMIT`]; `what` tells what did not happen.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> Result<(T, Duration)> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return Ok((found, began.elapsed()));
        }
        if began.elapsed() > LIMIT {
            return Err(Error::Late { what: what.to_owned(), limit: LIMIT });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
