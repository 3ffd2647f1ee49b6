//! Chance, from the operating system's generator of it.

use pawl_domain::{Kind, Step};
use pawl_ports::Error;

/// Fills with random bytes.
///
/// # Errors
/// When the machine has no randomness.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| none())
}

/// A number below `below`, which is at least 1; each equally often.
///
/// # Errors
/// As for [`fill`].
pub(crate) fn below(below: usize) -> Result<usize, Error> {
    let below = below.max(1) as u64;
    // What lies behind the last whole multiple would make small numbers likelier.
    let most = u64::MAX - u64::MAX % below;
    loop {
        let mut bytes = [0; 8];
        fill(&mut bytes)?;
        let drawn = u64::from_ne_bytes(bytes);
        if drawn < most {
            return usize::try_from(drawn % below).map_err(|_| none());
        }
    }
}

fn none() -> Error {
    Error::new(
        Step::Fetch,
        Kind::Transient,
        "this machine has no randomness at the moment; it is tried again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_and_none_beyond() {
        let mut seen = [0_u32; 7];
        for _ in 0..7_000 {
            seen[below(7).unwrap()] += 1;
        }
        // Six standard deviations of a fair draw.
        assert!(seen.iter().all(|times| times.abs_diff(1_000) < 180), "{seen:?}");
        assert_eq!((below(1).unwrap(), below(0).unwrap()), (0, 0));
    }
}
