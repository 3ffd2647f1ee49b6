//! A place in a pattern, and what Go says about what stands there.

use super::RegexpError;
use thiserror::Error;

/// Matches nothing.
pub(super) const NEVER: &str = r"[^\x{0}-\x{10FFFF}]";

/// What Go says about a pattern that it refuses.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Reason {
    #[error("invalid UTF-8")]
    InvalidUtf8,
    #[error("invalid character class range")]
    InvalidCharRange,
    #[error("invalid escape sequence")]
    InvalidEscape,
    #[error("invalid named capture")]
    InvalidNamedCapture,
    #[error("invalid or unsupported Perl syntax")]
    InvalidPerlOp,
    #[error("invalid nested repetition operator")]
    InvalidRepeatOp,
    #[error("invalid repeat count")]
    InvalidRepeatSize,
    #[error("missing closing ]")]
    MissingBracket,
    #[error("missing closing )")]
    MissingParen,
    #[error("missing argument to repetition operator")]
    MissingRepeatArgument,
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    #[error("unexpected )")]
    UnexpectedParen,
}

/// A place in the pattern.
pub(super) struct Input<'p> {
    pub(super) text: &'p str,
    pub(super) at: usize,
}

impl<'p> Input<'p> {
    pub(super) fn rest(&self) -> &'p str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let sign = self.peek()?;
        self.at += sign.len_utf8();
        Some(sign)
    }

    /// Passes `prefix`, if it is next.
    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    pub(super) fn error(&self, reason: Reason) -> RegexpError {
        self.error_at(self.at, reason)
    }

    pub(super) fn error_at(&self, at: usize, reason: Reason) -> RegexpError {
        RegexpError::Syntax { reason, at }
    }

    /// The code point that the escape at this place stands for.
    pub(super) fn escape(&mut self) -> Result<u32, RegexpError> {
        let start = self.at;
        let invalid = self.error_at(start, Reason::InvalidEscape);
        self.at += 1;
        let sign = self.next().ok_or(self.error_at(start, Reason::TrailingBackslash))?;
        let is_octal = |sign: Option<char>| sign.is_some_and(|sign| matches!(sign, '0'..='7'));
        Ok(match sign {
            '0'..='7' if sign == '0' || is_octal(self.peek()) => {
                let mut value = u32::from(sign) - u32::from('0');
                for _ in 0..2 {
                    if is_octal(self.peek()) {
                        value = value * 8 + self.next().and_then(|digit| digit.to_digit(8)).unwrap_or(0);
                    }
                }
                value
            }
            'x' if self.eat("{") => {
                let end = self.rest().find('}').ok_or(invalid)?;
                let digits = &self.rest()[..end];
                self.at += end + 1;
                let fold = |sum: u32, digit: char| {
                    Some(sum * 16 + digit.to_digit(16)?).filter(|sum| *sum <= 0x10_ffff)
                };
                digits.chars().try_fold(0, fold).filter(|_| !digits.is_empty()).ok_or(invalid)?
            }
            'x' => {
                let mut digit = || self.next().and_then(|digit| digit.to_digit(16)).ok_or(invalid);
                digit()? * 16 + digit()?
            }
            'a' => 0x07,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'v' => 0x0b,
            sign if sign.is_ascii() && !sign.is_ascii_alphanumeric() => u32::from(sign),
            _ => return Err(invalid),
        })
    }
}
