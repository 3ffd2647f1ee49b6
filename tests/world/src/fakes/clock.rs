use crate::build::at;
use crate::door::lock;
use jiff::Timestamp;
use pawl_ports::Clock;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A clock that stands still until it is moved. It starts at [`EPOCH`](crate::build::EPOCH).
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<Mutex<Timestamp>>);

impl FakeClock {
    /// Moves it to this moment.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.0) = now;
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        *lock(&self.0) += by;
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(at(0))))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}
