//! The pause before a message that failed is received again, the same for functions and server.

use rand::RngExt;
use std::time::Duration;

/// The pause after the first reception; it doubles with each further one.
const FIRST: Duration = Duration::from_secs(2);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The pause of a message that was received this often: between half of `2s * 2^(received - 1)` and all of it, at most
/// a quarter of an hour, in whole seconds and never zero. Jitter keeps what failed together from coming back together.
pub fn pause(received: u32) -> Duration {
    let longest = longest(received);
    Duration::from_secs(longest.mul_f64(rand::rng().random_range(0.5..=1.0)).as_secs().max(1))
}

fn longest(received: u32) -> Duration {
    FIRST.saturating_mul(1 << received.saturating_sub(1).min(10)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        for (received, want) in
            [(0, 2), (1, 2), (2, 4), (3, 8), (9, 512), (10, 900), (11, 900), (u32::MAX, 900)]
        {
            let want = Duration::from_secs(want);
            assert_eq!(longest(received), want, "{received}");
            for _ in 0..100 {
                let pause = pause(received);
                assert!(
                    pause >= want / 2 && pause <= want && pause.subsec_nanos() == 0,
                    "{received}: {pause:?}"
                );
            }
        }
    }
}
