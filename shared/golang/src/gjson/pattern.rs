//! Keys and strings against patterns with `*` and `?`.

use super::budget::{Budget, TooComplex};

/// One piece of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Character(char),
    AnyCharacter,
    AnySequence,
    /// Matches nothing: an escape with nothing behind it.
    Never,
}

/// Whether `text` matches `pattern`: `*` stands for any characters, `?` for any single one, a backslash takes the
/// meaning from the sign behind it.
pub(super) fn matches(text: &[u8], pattern: &[u8], budget: Budget<'_>) -> Result<bool, TooComplex> {
    if pattern == b"*" {
        return Ok(true);
    }
    // Going back to the last star is all that is ever needed, so the cost is the product at most.
    budget.read((text.len() + 1).saturating_mul(pattern.len()))?;
    let text = characters(text);
    let pieces = pieces(&characters(pattern));
    let (mut at, mut piece) = (0, 0);
    let mut star = None;
    while at < text.len() {
        match pieces.get(piece) {
            Some(Piece::AnySequence) => {
                star = Some((piece + 1, at));
                piece += 1;
                continue;
            }
            Some(Piece::AnyCharacter) => {}
            Some(Piece::Character(wanted)) if *wanted == text[at] => {}
            _ => {
                let Some((behind, from)) = star else { return Ok(false) };
                star = Some((behind, from + 1));
                (piece, at) = (behind, from + 1);
                continue;
            }
        }
        piece += 1;
        at += 1;
    }
    Ok(pieces[piece..].iter().all(|piece| *piece == Piece::AnySequence))
}

/// A backslash at the very end matches itself behind a star, and nothing without one.
fn pieces(pattern: &[char]) -> Vec<Piece> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut rest = pattern.iter();
    while let Some(sign) = rest.next() {
        out.push(match sign {
            '*' => Piece::AnySequence,
            '?' => Piece::AnyCharacter,
            '\\' => match rest.next() {
                Some(escaped) => Piece::Character(*escaped),
                None if out.contains(&Piece::AnySequence) => Piece::Character('\\'),
                None => Piece::Never,
            },
            plain => Piece::Character(*plain),
        });
    }
    out
}

/// The characters of a text; a byte that belongs to none counts as U+FFFD.
fn characters(text: &[u8]) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        out.extend(chunk.valid().chars());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}
