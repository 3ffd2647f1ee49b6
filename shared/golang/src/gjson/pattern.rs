//! Keys and strings against patterns with `*` and `?`.

use super::budget::{Budget, TooComplex};

/// Whether `text` matches `pattern`: `*` stands for any characters, `?` for any single one, a backslash takes the
/// meaning from the sign behind it. A backslash at the very end matches itself behind a star, and nothing without one.
pub(super) fn matches(text: &[u8], pattern: &[u8], budget: Budget<'_>) -> Result<bool, TooComplex> {
    if pattern == b"*" {
        return Ok(true);
    }
    // Going back to the last star is all that is ever needed, so the cost is the product at most.
    budget.read((text.len() + 1).saturating_mul(pattern.len()))?;
    let (mut at, mut piece_at) = (0, 0);
    // What stands behind the last star, and where in the text that was tried last.
    let mut star = None;
    while at < text.len() {
        let (found, behind) = character(text, at);
        match Piece::read(pattern, piece_at) {
            Some((Piece::AnySequence, next)) => {
                star = Some((next, at));
                piece_at = next;
            }
            Some((piece, next)) if piece.is(found, star.is_some()) => (piece_at, at) = (next, behind),
            _ => {
                let Some((next, from)) = star else { return Ok(false) };
                let (_, from) = character(text, from);
                star = Some((next, from));
                (piece_at, at) = (next, from);
            }
        }
    }
    Ok(pattern[piece_at..].iter().all(|sign| *sign == b'*'))
}

/// One piece of a pattern.
enum Piece {
    Character(char),
    AnyCharacter,
    AnySequence,
    /// A backslash with nothing behind it.
    Backslash,
}

impl Piece {
    /// The piece at `at`, and the place behind it.
    fn read(pattern: &[u8], at: usize) -> Option<(Self, usize)> {
        let (sign, behind) = match pattern.get(at)? {
            b'*' => return Some((Self::AnySequence, at + 1)),
            b'?' => return Some((Self::AnyCharacter, at + 1)),
            b'\\' if at + 1 == pattern.len() => return Some((Self::Backslash, at + 1)),
            b'\\' => character(pattern, at + 1),
            _ => character(pattern, at),
        };
        Some((Self::Character(sign), behind))
    }

    fn is(&self, found: char, is_behind_star: bool) -> bool {
        match self {
            Self::Character(wanted) => *wanted == found,
            Self::AnyCharacter => true,
            Self::AnySequence => false,
            Self::Backslash => is_behind_star && found == '\\',
        }
    }
}

/// The character at `at`, and the place behind it; a byte that belongs to none counts as U+FFFD.
fn character(text: &[u8], at: usize) -> (char, usize) {
    if text[at].is_ascii() {
        return (char::from(text[at]), at + 1);
    }
    let longest = &text[at..text.len().min(at + 4)];
    let valid = longest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    valid.map_or((char::REPLACEMENT_CHARACTER, at + 1), |sign| (sign, at + sign.len_utf8()))
}
