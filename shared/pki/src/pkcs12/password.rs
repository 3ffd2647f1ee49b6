//! The two forms of a password in a PKCS#12 file.

use zeroize::Zeroizing;

use crate::{Error, check_size};

pub(super) struct Password {
    /// UTF-16 of the Basic Multilingual Plane with a zero at the end, for derivations of PKCS#12's own.
    wide: Zeroizing<Vec<u8>>,
    /// UTF-8, for PBKDF2.
    text: Zeroizing<String>,
}

impl Password {
    /// A byte that is not UTF-8 counts as U+FFFD, as in Go.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, Error> {
        check_size("the password", bytes)?;
        // Never grows: a grown buffer would leave its contents behind.
        let mut text = Zeroizing::new(String::with_capacity(3 * bytes.len()));
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            chunk.invalid().iter().for_each(|_| text.push(char::REPLACEMENT_CHARACTER));
        }
        let mut wide = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
        wide.extend_from_slice(&Zeroizing::new(bmp(&text)?));
        wide.extend_from_slice(&[0, 0]);
        Ok(Self { wide, text })
    }

    pub(super) fn wide(&self) -> &[u8] {
        &self.wide
    }

    pub(super) fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The other form of the empty password, which has no zero at its end. `None` for every other password.
    pub(super) fn without_end(&self) -> Option<Self> {
        let empty = || Self { wide: Zeroizing::default(), text: Zeroizing::default() };
        self.is_empty().then(empty)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// UTF-16 of text within the Basic Multilingual Plane.
pub(super) fn bmp(text: &str) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(2 * text.len());
    for letter in text.chars() {
        let unit = u16::try_from(u32::from(letter)).map_err(|_| Error::Characters)?;
        out.extend_from_slice(&unit.to_be_bytes());
    }
    Ok(out)
}
