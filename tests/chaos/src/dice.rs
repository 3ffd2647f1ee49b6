//! Random numbers from a seed: the same on every machine and in every release, so that a seed can be played again.

/// SplitMix64. Chosen for its size: the generator is part of what a seed means and must not change with a dependency.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another generator, whose numbers do not depend on how often this one is used later.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, and without, `end`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = end.max(1) as u64;
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// True in this many of a thousand cases.
    pub(crate) fn happens(&mut self, of_thousand: usize) -> bool {
        self.below(1000) < of_thousand
    }

    /// A time in milliseconds between the two.
    pub(crate) fn millis(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_always_means_the_same_numbers() {
        let mut dice = Dice::new(7);
        // Known answer of SplitMix64 for the seed 7.
        assert_eq!(dice.next(), 7_191_089_600_892_374_487);
        let (mut a, mut b) = (dice.clone(), dice);
        assert_eq!([a.next(), a.next()], [b.next(), b.next()]);
        assert!((0..1000).all(|_| a.below(3) < 3));
        assert_eq!((0..1000).filter(|_| a.happens(0)).count(), 0);
    }
}
