use jiff::{SignedDuration, Timestamp};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What the double takes for the time. It runs with the machine's clock until a test moves or stops it.
#[derive(Debug, Clone, Default)]
pub struct VaultClock(Arc<Mutex<Hands>>);

#[derive(Debug, Default)]
struct Hands {
    stopped: Option<Timestamp>,
    ahead: SignedDuration,
}

impl VaultClock {
    /// The time of the double.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the double takes the time from")]
    pub fn now(&self) -> Timestamp {
        let hands = self.hands();
        // Only a test that moves the clock beyond the year 9999 meets the fallback.
        hands.stopped.unwrap_or_else(|| Timestamp::now().checked_add(hands.ahead).unwrap_or(Timestamp::MAX))
    }

    /// Stops the clock at a time: from here on only [`VaultClock::advance`] moves it.
    pub fn stop_at(&self, time: Timestamp) {
        self.hands().stopped = Some(time);
    }

    /// Moves the clock forward, running or stopped.
    pub fn advance(&self, time: Duration) {
        let mut hands = self.hands();
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        match &mut hands.stopped {
            Some(stopped) => *stopped = stopped.checked_add(time).unwrap_or(Timestamp::MAX),
            None => hands.ahead = hands.ahead.saturating_add(time),
        }
    }

    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time without its fraction of a second.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compares with the machine's clock")]
    fn it_runs_can_be_stopped_and_moved() {
        let clock = VaultClock::default();
        let before = Timestamp::now();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() >= before + SignedDuration::from_hours(1));
        let noon: Timestamp = "2026-01-02T12:00:00Z".parse().unwrap();
        clock.stop_at(noon);
        assert_eq!(clock.now(), noon);
        clock.advance(Duration::from_secs(61));
        assert_eq!(clock.clone().now().to_string(), "2026-01-02T12:01:01Z");
    }
}
