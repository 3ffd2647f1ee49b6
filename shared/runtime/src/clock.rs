//! The machine's clock.

use jiff::{SignedDuration, Timestamp};
use pawl_ports::Clock;
use std::sync::LazyLock;

/// The machine's clock. Nothing else looks at it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.saturating_add(*SKEW).unwrap_or(now)
    }
}

/// By how much the clock of this process is wrong, for tests that want to see what comes of it. A release build asks for no
/// such thing.
#[expect(clippy::disallowed_methods, reason = "no setting: it must be found where the clock is read")]
static SKEW: LazyLock<SignedDuration> = LazyLock::new(|| {
    let told = if cfg!(debug_assertions) { std::env::var("PAWL_TEST_CLOCK_SKEW").ok() } else { None };
    SignedDuration::from_secs(told.and_then(|seconds| seconds.parse().ok()).unwrap_or_default())
});
