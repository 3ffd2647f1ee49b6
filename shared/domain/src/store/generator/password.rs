//! Passwords: of which signs they are made, and how many of each.

use crate::secret::SecretValue;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// `spec` of a Password. Source: ESO's generator, and github.com/sethvargo/go-password, which it calls.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct PasswordGenerator {
    /// `length`: how many signs.
    pub length: u32,
    /// `digits`: how many of them are digits; a quarter where nothing is said.
    pub digits: Option<u32>,
    /// `symbols`: how many of them are symbols; a quarter where nothing is said.
    pub symbols: Option<u32>,
    /// `symbolCharacters`: which symbols; [`PasswordGenerator::SYMBOLS`] where nothing is said.
    pub symbol_characters: Option<String>,
    /// `noUpper`: no capital letters.
    pub no_upper: bool,
    /// `allowRepeat`: a sign may come more than once.
    pub allow_repeat: bool,
    /// `secretKeys`: the keys that get a password, each its own; never empty.
    pub keys: Vec<String>,
    /// `encoding`: how a password is written.
    pub encoding: Encoding,
}

/// How a password is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Encoding {
    /// As it is.
    #[default]
    Raw,
    /// In Base64.
    Base64,
    /// In Base64 of the URL alphabet.
    Base64Url,
    /// In Base32.
    Base32,
    /// In hexadecimal digits.
    Hex,
}

/// No password can be made so.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoPassword {
    /// Digits and symbols alone are more than the whole.
    #[error("number of digits and symbols must be less than total length; write a greater length")]
    TooShort,
    /// There are not enough letters.
    #[error(
        "number of letters exceeds available letters and repeats are not allowed; write allowRepeat: true"
    )]
    Letters,
    /// There are not enough digits.
    #[error("number of digits exceeds available digits and repeats are not allowed; write allowRepeat: true")]
    Digits,
    /// There are not enough symbols.
    #[error(
        "number of symbols exceeds available symbols and repeats are not allowed; write allowRepeat: true"
    )]
    Symbols,
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

impl PasswordGenerator {
    /// ESO's default of `length`.
    pub const LENGTH: u32 = 24;
    /// No password is longer: a Secret would not hold it.
    pub const LONGEST: u32 = 1 << 16;
    /// So many signs may all passwords of a generator have together: in UTF-8 and any encoding they then fit a Secret's 1 MiB.
    pub const MOST_SIGNS: usize = 1 << 17;
    /// ESO's default of `symbolCharacters`, also where they are empty.
    pub const SYMBOLS: &str = "~!@#$%^&*()_+`-={}|[]\\:\"<>?,./";
    /// ESO's default of `secretKeys`.
    pub const KEY: &str = "password";

    /// Whether a password can be made at all.
    ///
    /// # Errors
    /// [`NoPassword`]; the manifest needs mending.
    pub fn check(&self) -> Result<(), NoPassword> {
        self.make(&mut |_| 0).map(drop)
    }

    /// One password. `random` gives a number below its argument, which is at least 1, each equally often.
    ///
    /// # Errors
    /// As for [`PasswordGenerator::check`].
    pub fn make(&self, random: &mut dyn FnMut(usize) -> usize) -> Result<SecretValue, NoPassword> {
        let quarter = self.length / 4;
        let (digits, symbols) = (self.digits.unwrap_or(quarter), self.symbols.unwrap_or(quarter));
        let letters = digits.checked_add(symbols).and_then(|others| self.length.checked_sub(others));
        let letters = letters.ok_or(NoPassword::TooShort)?;
        let alphabet = if self.no_upper { LOWER.to_owned() } else { [LOWER, UPPER].concat() };
        let given = self.symbol_characters.as_deref().filter(|given| !given.is_empty());
        let mut signs = Zeroizing::new(Vec::with_capacity(self.length as usize));
        self.add(letters, &alphabet, NoPassword::Letters, &mut signs, random)?;
        self.add(digits, DIGITS, NoPassword::Digits, &mut signs, random)?;
        self.add(symbols, given.unwrap_or(Self::SYMBOLS), NoPassword::Symbols, &mut signs, random)?;
        // Fisher and Yates: every order equally often, as inserting each sign anywhere gives.
        for last in (1..signs.len()).rev() {
            let other = random(last + 1).min(last);
            signs.swap(last, other);
        }
        let text: Zeroizing<String> = Zeroizing::new(signs.iter().collect());
        Ok(SecretValue::new(text.as_bytes()))
    }

    /// Adds signs of one kind. Without repeats, none that is there already, whatever kind it came as.
    fn add(
        &self,
        number: u32,
        of: &str,
        otherwise: NoPassword,
        signs: &mut Vec<char>,
        random: &mut dyn FnMut(usize) -> usize,
    ) -> Result<(), NoPassword> {
        // ESO takes symbols byte by byte, so that a sign beyond ASCII becomes several others; here it stays one.
        let mut left: Vec<char> = of.chars().collect();
        if !self.allow_repeat {
            left.sort_unstable();
            left.dedup();
            left.retain(|sign| !signs.contains(sign));
        }
        for _ in 0..number {
            if left.is_empty() {
                return Err(otherwise);
            }
            let chosen = random(left.len()).min(left.len() - 1);
            signs.push(if self.allow_repeat { left[chosen] } else { left.swap_remove(chosen) });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn spec() -> PasswordGenerator {
        PasswordGenerator {
            length: 24,
            digits: None,
            symbols: None,
            symbol_characters: None,
            no_upper: false,
            allow_repeat: false,
            keys: vec!["password".to_owned()],
            encoding: Encoding::Raw,
        }
    }

    /// Numbers that look random, the same each time.
    fn steps() -> impl FnMut(usize) -> usize {
        let mut state = 7_usize;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }

    fn made(spec: &PasswordGenerator) -> Result<String, NoPassword> {
        spec.make(&mut steps()).map(|value| value.expose_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn each_kind_of_sign_comes_as_often_as_it_should() {
        let count = |text: &str, is: fn(char) -> bool| text.chars().filter(|sign| is(*sign)).count();
        let is_symbol = |sign: char| PasswordGenerator::SYMBOLS.contains(sign);
        for (spec, letters, digits, symbols) in [
            (spec(), 12, 6, 6),
            (PasswordGenerator { length: 7, ..spec() }, 5, 1, 1),
            (PasswordGenerator { length: 1, ..spec() }, 1, 0, 0),
            (PasswordGenerator { length: 12, digits: Some(3), symbols: Some(0), ..spec() }, 9, 3, 0),
            (PasswordGenerator { length: 8, digits: Some(8), symbols: Some(0), ..spec() }, 0, 8, 0),
            (PasswordGenerator { length: 8, digits: Some(0), symbols: Some(8), ..spec() }, 0, 0, 8),
        ] {
            let text = made(&spec).unwrap();
            let found = (
                count(&text, |sign| sign.is_ascii_alphabetic()),
                count(&text, |sign| sign.is_ascii_digit()),
                text.chars().filter(|sign| is_symbol(*sign)).count(),
            );
            assert_eq!(found, (letters, digits, symbols), "{text}");
            assert_eq!(text.chars().collect::<BTreeSet<_>>().len(), text.len(), "nothing repeats: {text}");
        }
    }

    #[test]
    fn the_manifest_says_which_signs() {
        let lower =
            PasswordGenerator { length: 26, digits: Some(0), symbols: Some(0), no_upper: true, ..spec() };
        let sorted: BTreeSet<char> = made(&lower).unwrap().chars().collect();
        assert_eq!(sorted.into_iter().collect::<String>(), LOWER);
        let own =
            PasswordGenerator {
                length: 2, symbols: Some(2), symbol_characters: Some("é-".into()), ..spec()
            };
        let own: BTreeSet<char> = made(&own).unwrap().chars().collect();
        assert_eq!(own, BTreeSet::from(['-', 'é']));
        let repeating = PasswordGenerator { length: 400, allow_repeat: true, ..spec() };
        assert_eq!(made(&repeating).unwrap().len(), 400);
    }

    #[test]
    fn what_cannot_be_made_says_so_and_ends() {
        let of = |length, digits, symbols| PasswordGenerator {
            length,
            digits: Some(digits),
            symbols: Some(symbols),
            ..spec()
        };
        for (spec, wanted) in [
            (of(4, 3, 2), NoPassword::TooShort),
            (of(8, u32::MAX, u32::MAX), NoPassword::TooShort),
            (of(53, 0, 0), NoPassword::Letters),
            (PasswordGenerator { no_upper: true, ..of(27, 0, 0) }, NoPassword::Letters),
            (of(11, 11, 0), NoPassword::Digits),
            (of(40, 0, 40), NoPassword::Symbols),
            // ESO never comes to an end with these.
            (PasswordGenerator { symbol_characters: Some("--".into()), ..of(2, 0, 2) }, NoPassword::Symbols),
            (
                PasswordGenerator { symbol_characters: Some("01".into()), ..of(11, 10, 1) },
                NoPassword::Symbols,
            ),
        ] {
            assert_eq!(made(&spec), Err(wanted));
            assert_eq!(spec.check(), Err(wanted));
        }
    }
}
