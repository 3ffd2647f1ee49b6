//! Paths, part by part.

use super::SetError;

/// One part of a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Part {
    /// The key, without its escapes.
    pub(super) key: Vec<u8>,
    /// The same as a path of gjson.
    pub(super) searched: Vec<u8>,
    /// Whether a number is a key as well: the part began with a colon.
    forced: bool,
}

impl Part {
    /// The place in an array that it names. An empty part is the first place, as in the original.
    pub(super) fn place(&self) -> Result<Option<usize>, SetError> {
        if self.forced || !self.key.iter().all(u8::is_ascii_digit) {
            return Ok(None);
        }
        let digits = |place: usize, digit: &u8| Some(place * 10 + usize::from(digit - b'0'));
        let bounded = |place: usize, digit: &u8| digits(place, digit).filter(|place| *place <= FARTHEST);
        self.key.iter().try_fold(0, bounded).map(Some).ok_or(SetError::TooFar)
    }

    /// Whether it is the place behind the last one.
    pub(super) fn is_last(&self) -> bool {
        !self.forced && self.key == b"-1"
    }
}

/// What an array may be lengthened to: each place before is filled.
const FARTHEST: usize = 10_000;

/// How many parts a path may have.
const MOST_PARTS: usize = 200;

/// The parts of a path.
pub(super) fn parts(path: &str) -> Result<Vec<Part>, SetError> {
    if path.is_empty() {
        return Err(SetError::Path);
    }
    let (mut parts, mut rest) = (Vec::new(), Some(path.as_bytes()));
    while let Some(path) = rest {
        if parts.len() == MOST_PARTS {
            return Err(SetError::TooFar);
        }
        let (part, behind) = first(path)?;
        parts.push(part);
        rest = behind;
    }
    Ok(parts)
}

fn first(path: &[u8]) -> Result<(Part, Option<&[u8]>), SetError> {
    let forced = path.first() == Some(&b':');
    let path = if forced { &path[1..] } else { path };
    let (mut key, mut searched, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(&byte) = path.get(at) {
        match byte {
            b'.' => return Ok((Part { key, searched, forced }, Some(&path[at + 1..]))),
            b'\\' => {
                searched.push(b'\\');
                at += 1;
                if let Some(&escaped) = path.get(at) {
                    key.push(escaped);
                    searched.push(escaped);
                }
            }
            b'|' | b'#' | b'@' | b'*' | b'?' => return Err(SetError::Path),
            _ => {
                key.push(byte);
                searched.push(byte);
            }
        }
        at += 1;
    }
    Ok((Part { key, searched, forced }, None))
}
