//! PEM blocks, found and written as Go's `encoding/pem` finds and writes them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::{Error, check_size};

/// What Go's decoder takes: padding must be there, bits behind the last byte may be anything.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";
const COLUMNS: usize = 64;

/// One PEM block.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// What stands behind `BEGIN`, such as `CERTIFICATE`. Bytes, since nothing says that it is text.
    pub label: Vec<u8>,
    /// Names and values between the first line and the content; of equal names the last one counts.
    pub headers: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What the block holds, decoded.
    pub content: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Block {
    /// Without headers and content, which may be secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let label = String::from_utf8_lossy(&self.label);
        formatter.debug_struct("Block").field("label", &label).finish_non_exhaustive()
    }
}

impl Block {
    /// The block as text: headers sorted, `Proc-Type` before all others, lines of 64 characters.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut headers = Zeroizing::new(Vec::new());
        let first = self.headers.get_key_value(b"Proc-Type".as_slice());
        let others = self.headers.iter().filter(|(name, _)| *name != b"Proc-Type");
        for (name, value) in first.into_iter().chain(others) {
            headers.extend_from_slice(&[name, b": ".as_slice(), value, b"\n"].concat());
        }
        if !headers.is_empty() {
            headers.push(b'\n');
        }
        let packed = Zeroizing::new(BASE64.encode(&self.content));
        let length =
            packed.len() + packed.len().div_ceil(COLUMNS) + headers.len() + 2 * self.label.len() + 40;
        // Never grows: a grown buffer would leave its contents behind.
        let mut text = Zeroizing::new(Vec::with_capacity(length));
        for part in [BEGIN, &self.label, DASHES, b"\n", &headers] {
            text.extend_from_slice(part);
        }
        for line in packed.as_bytes().chunks(COLUMNS) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        for part in [&END[1..], &self.label, DASHES, b"\n"] {
            text.extend_from_slice(part);
        }
        text
    }
}

/// A block of this label without headers, as text.
#[must_use]
pub fn encode(label: &str, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let content = Zeroizing::new(content.to_vec());
    Block { label: label.into(), headers: BTreeMap::new(), content }.encode()
}

/// The first whole block and what follows it. Broken blocks before it are skipped.
///
/// A block begins at the start of a line and ends with a line of its own; spaces, tabs and carriage returns at the ends
/// of lines do not matter. `None` if there is no block.
#[must_use]
pub fn decode(text: &[u8]) -> Option<(Block, &[u8])> {
    let mut from = 0;
    loop {
        let end = from + find(text.get(from..)?, END)?;
        let behind_end = end + END.len();
        let begin = rfind(&text[from..end], BEGIN).map(|at| from + at);
        if let Some(begin) = begin.filter(|begin| *begin == from || text[begin - 1] == b'\n') {
            match block(text, begin + BEGIN.len(), end) {
                Attempt::Block(block) => return Some((block, line(&text[behind_end..]).1)),
                Attempt::Broken => {}
                Attempt::Overrun => return None,
            }
        }
        from = behind_end;
    }
}

/// The blocks with this label, in any mixture of upper and lower case, written anew one after another; headers stay.
///
/// Text before the first block does not matter. Without any such block the result is empty, if nothing but other
/// blocks was there.
///
/// # Errors
/// [`Error::Junk`] if no block has the label and something that is no block is left; [`Error::TooLarge`].
pub fn filter(label: &str, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    check_size("the PEM text", text)?;
    let mut rest = from_first_begin(text);
    let mut found = Zeroizing::new(Vec::with_capacity(2 * text.len()));
    while let Some((block, behind)) = decode(rest) {
        rest = behind;
        if same_letters(&block.label, label) {
            found.extend_from_slice(&block.encode());
        }
    }
    if found.is_empty() && !rest.is_empty() { Err(Error::Junk) } else { Ok(found) }
}

/// The text without what stands before the first `-----BEGIN`, be that within a line.
pub(crate) fn from_first_begin(text: &[u8]) -> &[u8] {
    find(text, &BEGIN[..BEGIN.len() - 1]).map_or(text, |begin| &text[begin..])
}

/// All blocks up to the first thing that is none.
pub(crate) fn blocks(text: &[u8]) -> impl Iterator<Item = Block> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (block, behind) = decode(rest)?;
        rest = behind;
        Some(block)
    })
}

enum Attempt {
    Block(Block),
    /// No block here; the search goes on behind the line with `END`.
    Broken,
    /// What looks like headers goes beyond the line with `END`: the search is over, as in Go.
    Overrun,
}

/// Reads the block whose label begins at `label` and whose content ends with the line break at `end`.
fn block(text: &[u8], label: usize, end: usize) -> Attempt {
    let behind_end = end + END.len();
    let (first, mut rest) = line(&text[label..]);
    let Some(label) = first.strip_suffix(DASHES) else { return Attempt::Broken };
    let mut headers = BTreeMap::new();
    loop {
        if rest.is_empty() {
            return Attempt::Overrun;
        }
        let (header, behind) = line(rest);
        let Some(colon) = header.iter().position(|byte| *byte == b':') else { break };
        headers.insert(trim(&header[..colon]).to_vec(), trim(&header[colon + 1..]).to_vec());
        rest = behind;
    }
    let content = text.len() - rest.len();
    if content > end && !headers.is_empty() {
        return if content > behind_end { Attempt::Overrun } else { Attempt::Broken };
    }
    let closed = text[behind_end..].strip_prefix(label).and_then(|rest| rest.strip_prefix(DASHES));
    if closed.is_none_or(|rest| !line(rest).0.is_empty()) {
        return Attempt::Broken;
    }
    let packed = text.get(content..end).unwrap_or_default().iter().copied();
    let packed: Zeroizing<Vec<u8>> =
        Zeroizing::new(packed.filter(|byte| !b" \t\r\n".contains(byte)).collect());
    match BASE64.decode(&*packed) {
        Ok(bytes) => Attempt::Block(Block { label: label.to_vec(), headers, content: Zeroizing::new(bytes) }),
        Err(_) => Attempt::Broken,
    }
}

/// The first line without blanks at its end, and what follows it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (text[..at].strip_suffix(b"\r").unwrap_or(&text[..at]), &text[at + 1..]),
        None => (text, &[][..]),
    };
    let used = line.iter().rposition(|byte| !b" \t".contains(byte)).map_or(0, |last| last + 1);
    (&line[..used], rest)
}

/// Without white space at both ends, also such of Unicode; what is not UTF-8 is not white space.
fn trim(text: &[u8]) -> &[u8] {
    let Some(head) = text.utf8_chunks().next() else { return text };
    let text = &text[head.valid().len() - head.valid().trim_start().len()..];
    match text.utf8_chunks().last() {
        Some(tail) if tail.invalid().is_empty() => {
            &text[..text.len() - (tail.valid().len() - tail.valid().trim_end().len())]
        }
        _ => text,
    }
}

/// Whether two labels differ in the case of their letters only.
fn same_letters(label: &[u8], other: &str) -> bool {
    let Ok(label) = std::str::from_utf8(label) else { return false };
    let same = |(a, b): (char, char)| {
        a == b || a.to_lowercase().eq(b.to_lowercase()) || a.to_uppercase().eq(b.to_uppercase())
    };
    label.chars().count() == other.chars().count() && label.chars().zip(other.chars()).all(same)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn rfind(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).rposition(|window| window == part)
}
