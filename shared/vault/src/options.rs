//! The bounds of everything that is asked of a server.

use std::time::Duration;

/// Bounds on time, number and size.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a connection may take to come about, TLS included.
    pub connect_timeout: Duration,
    /// How long one attempt of a call may take.
    pub attempt_timeout: Duration,
    /// How long a call may take with all its attempts.
    pub deadline: Duration,
    /// How often a call is tried again, where the store does not say it.
    pub retries: u32,
    /// The pause before the first retry; each further one is twice as long, and each is shortened by chance.
    pub first_pause: Duration,
    /// The longest pause. A server that asks for a longer one is not asked again.
    pub last_pause: Duration,
    /// How many calls one question may have on the way at a time.
    pub concurrency: usize,
    /// The longest answer that is read, in bytes.
    pub largest_answer: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(25),
            // As Vault's own client does.
            retries: 2,
            first_pause: Duration::from_millis(200),
            last_pause: Duration::from_secs(5),
            concurrency: 16,
            largest_answer: 16 * 1024 * 1024,
        }
    }
}
