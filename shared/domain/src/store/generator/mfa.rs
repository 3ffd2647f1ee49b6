//! The codes of a second factor: time-based one-time passwords of RFC 6238.

use crate::store::SecretKeyRef;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// `spec` of an MFA.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct MfaGenerator {
    /// `secret`: where the seed is, in Base32.
    pub seed: SecretKeyRef,
    /// `length`: how many digits a code has, from 1 to [`MfaGenerator::LONGEST`].
    pub length: u32,
    /// `timePeriod`: after how many seconds there is another code; at least 1.
    pub period: u32,
    /// `when`: the moment whose code is made; this moment where there is none.
    pub when: Option<Timestamp>,
}

/// One code.
#[derive(Debug)]
pub struct Code {
    /// How many seconds it stays the code of the moment.
    pub seconds_left: i64,
    /// What a message authentication code with SHA-1 and the seed as its key is made over.
    pub counter: [u8; 8],
}

/// The seed is not Base32 without padding; blanks and small letters are. The message says nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the seed is not Base32; write it in the letters A to Z and 2 to 7, without = at its end")]
pub struct InvalidSeed;

impl MfaGenerator {
    /// ESO's default of `length`.
    pub const LENGTH: u32 = 6;
    /// ESO's default of `timePeriod`.
    pub const PERIOD: u32 = 30;
    /// A code is made of 31 bits: it has no more digits.
    pub const LONGEST: u32 = 10;

    /// How long a code is good for; for ever where the moment is given.
    pub fn lifetime(&self) -> Option<Duration> {
        self.when.is_none().then(|| Duration::from_secs(self.period.into()))
    }

    /// The code of this moment, unless another one is given.
    pub fn code(&self, now: Timestamp) -> Code {
        let second = self.when.unwrap_or(now).as_second();
        let period = i64::from(self.period.max(1));
        let counter = second.div_euclid(period).to_be_bytes();
        // As Go's remainder, which is negative before 1970.
        Code { seconds_left: period - second % period, counter }
    }

    /// The digits of a code, of the authentication code over its counter.
    pub fn digits(&self, mac: [u8; 20]) -> Zeroizing<String> {
        let offset = usize::from(mac[19] & 0xf);
        let bytes = [mac[offset] & 0x7f, mac[offset + 1], mac[offset + 2], mac[offset + 3]];
        let length = self.length.min(Self::LONGEST);
        let value = u64::from(u32::from_be_bytes(bytes)) % 10_u64.pow(length);
        Zeroizing::new(format!("{value:0width$}", width = length as usize))
    }

    /// The key that a seed stands for: blanks are passed over, and letters may be small.
    ///
    /// # Errors
    /// [`InvalidSeed`]. A seed that ends within a byte is cut off before its last letters, as Go's decoder has it.
    pub fn key(seed: &[u8]) -> Result<Zeroizing<Vec<u8>>, InvalidSeed> {
        let mut key = Zeroizing::new(Vec::with_capacity(seed.len()));
        let (mut bits, mut held, mut letters) = (0_u32, 0_u32, 0_usize);
        // Go's decoder passes over line ends.
        for byte in seed.iter().filter(|byte| !matches!(byte, b' ' | b'\n' | b'\r')) {
            let value = match byte.to_ascii_uppercase() {
                letter @ b'A'..=b'Z' => letter - b'A',
                digit @ b'2'..=b'7' => digit - b'2' + 26,
                _ => return Err(InvalidSeed),
            };
            bits = bits << 5 | u32::from(value);
            held += 5;
            letters += 1;
            if held >= 8 {
                held -= 8;
                key.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
                bits &= (1 << held) - 1;
            }
        }
        // One, three and six letters end within a byte.
        if matches!(letters % 8, 1 | 3 | 6) {
            key.truncate(letters / 8 * 5);
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(length: u32, period: u32, when: Option<i64>) -> MfaGenerator {
        let seed = SecretKeyRef { name: "seed".parse().unwrap(), key: "k".to_owned(), namespace: None };
        MfaGenerator {
            seed,
            length,
            period,
            when: when.map(|second| Timestamp::from_second(second).unwrap()),
        }
    }

    #[test]
    fn the_counter_is_the_number_of_whole_periods() {
        for (second, period, counter, left) in [
            (59, 30, 1, 1),
            (60, 30, 2, 30),
            (0, 30, 0, 30),
            (894_345_905, 30, 29_811_530, 25),
            (100, 60, 1, 20),
        ] {
            let code = spec(6, period, None).code(Timestamp::from_second(second).unwrap());
            assert_eq!((i64::from_be_bytes(code.counter), code.seconds_left), (counter, left), "{second}");
        }
        let given = spec(6, 30, Some(59)).code(Timestamp::from_second(1_000_000).unwrap());
        assert_eq!(given.seconds_left, 1);
    }

    #[test]
    fn seeds_are_base32_without_padding() {
        for (seed, key) in [
            ("", Ok(&b""[..])),
            ("GEZDGNBV", Ok(b"12345")),
            ("gezd gnbv\n", Ok(b"12345")),
            ("foo7", Ok(&[0x2b, 0x9d][..])),
            ("GE======", Err(InvalidSeed)),
            ("a6mr*", Err(InvalidSeed)),
            ("foo", Ok(b"")),
            ("GEZDGNBVA", Ok(b"12345")),
            ("GEZDGNBVAAA", Ok(b"12345")),
        ] {
            let found = MfaGenerator::key(seed.as_bytes());
            assert_eq!(found.as_ref().map(|key| key.as_slice()), key.as_ref().copied(), "{seed}");
        }
        assert!(!InvalidSeed.to_string().contains("a6mr"));
    }

    #[test]
    fn digits_are_taken_from_the_middle_and_filled_with_zeros() {
        // RFC 4226, 5.4.
        let mac = [
            0x1f, 0x86, 0x98, 0x69, 0x0e, 0x02, 0xca, 0x16, 0x61, 0x85, 0x50, 0xef, 0x7f, 0x19, 0xda, 0x8e,
            0x94, 0x5b, 0x55, 0x5a,
        ];
        assert_eq!(spec(6, 30, None).digits(mac).as_str(), "872921");
        assert_eq!(spec(8, 30, None).digits(mac).as_str(), "57872921");
        assert_eq!(spec(10, 30, None).digits(mac).as_str(), "1357872921");
        assert_eq!(spec(6, 30, None).digits([0; 20]).as_str(), "000000");
    }
}
