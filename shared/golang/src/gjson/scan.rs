//! What values look like, byte by byte. Nothing here requires that the document is JSON.

use memchr::memchr2;

use super::value::{Kind, Value};

/// What the first byte of a value says about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Quote,
    Object,
    Array,
    Literal,
    Number,
    /// No value begins with this byte.
    None,
}

/// What each byte says, except that an `n` is the beginning of a number if no `u` stands behind it.
static LEADS: [Lead; 256] = {
    let mut leads = [Lead::None; 256];
    let mut byte = 0;
    while byte < 256 {
        leads[byte] = match byte as u8 {
            b'"' => Lead::Quote,
            b'{' => Lead::Object,
            b'[' => Lead::Array,
            b'n' | b't' | b'f' => Lead::Literal,
            b'+' | b'-' | b'0'..=b'9' | b'i' | b'I' | b'N' => Lead::Number,
            _ => Lead::None,
        };
        byte += 1;
    }
    leads
};

fn lead(json: &[u8], at: usize) -> Lead {
    match json.get(at) {
        Some(b'n') if json.get(at + 1).is_some_and(|next| *next != b'u') => Lead::Number,
        Some(byte) => LEADS[usize::from(*byte)],
        None => Lead::None,
    }
}

/// A value as it stands in the document.
#[derive(Clone, Copy)]
pub(super) struct Span {
    lead: Lead,
    start: usize,
    /// The place behind the value; one behind the end of the document if a string in it does not end.
    pub(super) end: usize,
    /// Whether it is a string with escapes.
    escaped: bool,
}

impl Span {
    /// The value that starts at `start` with this lead; nothing if it is a string that does not end.
    #[inline]
    pub(super) fn new(json: &[u8], start: usize, lead: Lead) -> Option<Self> {
        if lead != Lead::Quote {
            return Some(Self { lead, start, end: end(json, start, lead), escaped: false });
        }
        let (close, escaped) = closing_quote(json, start + 1);
        (close < json.len()).then_some(Self { lead, start, end: close + 1, escaped })
    }

    /// Whether it is an object or an array.
    pub(super) fn is_group(self) -> bool {
        matches!(self.lead, Lead::Object | Lead::Array)
    }

    pub(super) fn raw(self, json: &[u8]) -> &[u8] {
        &json[self.start..self.end.min(json.len())]
    }

    #[inline]
    pub(super) fn value(self, json: &[u8]) -> Value<'_> {
        let raw = self.raw(json);
        let kind = match self.lead {
            Lead::Quote => return Value::quoted(raw, self.escaped),
            Lead::Object | Lead::Array => Kind::Json,
            Lead::Number => Kind::Number,
            Lead::Literal | Lead::None => match raw[0] {
                b't' => Kind::True,
                b'f' => Kind::False,
                _ => Kind::Null,
            },
        };
        Value::plain(kind, raw)
    }
}

/// The place behind the value at `at`, which is no string.
fn end(json: &[u8], at: usize, lead: Lead) -> usize {
    let end = match lead {
        Lead::Object | Lead::Array => return group_end(json, at),
        Lead::Number => find(json, at + 1, |byte| matches!(byte, 0..=b' ' | b',' | b']' | b'}')),
        Lead::Quote | Lead::Literal | Lead::None => find(json, at + 1, |byte| !byte.is_ascii_lowercase()),
    };
    end.unwrap_or(json.len())
}

/// The next place at or behind `from` where a value begins.
#[inline]
pub(super) fn next(json: &[u8], from: usize) -> Option<(usize, Lead)> {
    let at = find(json, from, |byte| LEADS[usize::from(byte)] != Lead::None)?;
    Some((at, lead(json, at)))
}

/// The next place at or behind `from` where a value begins or the array ends; no lead is its end.
#[inline]
pub(super) fn next_element(json: &[u8], from: usize) -> Option<(usize, Lead)> {
    let at = find(json, from, |byte| byte == b']' || LEADS[usize::from(byte)] != Lead::None)?;
    Some((at, lead(json, at)))
}

/// The next value at or behind `from`; nothing if there is none, or if it is a string that does not end.
pub(super) fn any(json: &[u8], from: usize) -> Option<Span> {
    let (at, lead) = next(json, from)?;
    Span::new(json, at, lead)
}

/// The string whose opening quote is at `at`, and the place behind it; nothing if it does not end.
pub(super) fn string(json: &[u8], at: usize) -> Option<(Value<'_>, usize)> {
    let span = Span::new(json, at, Lead::Quote)?;
    Some((span.value(json), span.end))
}

/// A whole document as one value: the first value in it. Objects and arrays reach to the end of the document.
pub(super) fn document(json: &[u8]) -> Option<Value<'_>> {
    let at = find(json, 0, |byte| byte > b' ')?;
    match lead(json, at) {
        Lead::None => None,
        Lead::Object | Lead::Array => Some(Value::json(&json[at..])),
        lead => Some(
            Span::new(json, at, lead).map_or_else(|| Value::unended(&json[at..]), |span| span.value(json)),
        ),
    }
}

/// The same for a document that was made, without a copy of an object or array.
pub(super) fn owned_document(json: Vec<u8>) -> Option<Value<'static>> {
    if matches!(json.first(), Some(b'{' | b'[')) {
        return Some(Value::built(json));
    }
    document(&json).map(Value::into_owned)
}

/// The place behind the bracket that closes the one at `at`. Kinds of brackets are not told apart, strings are passed
/// over; without a closing bracket it is the end of the document, and one more if a string does not end.
pub(super) fn group_end(json: &[u8], at: usize) -> usize {
    let mut depth = 1_usize;
    let mut at = at + 1;
    while let Some(byte) = json.get(at) {
        at += 1;
        match GROUP_BORDERS[usize::from(*byte)] {
            Border::None => {}
            Border::Quote => at = closing_quote(json, at).0 + 1,
            Border::Open => depth += 1,
            Border::Close => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
        }
    }
    json.len().max(at)
}

/// The length of the group or string that `text` starts with. Any other first byte counts as an opening bracket.
pub(super) fn squash(text: &[u8]) -> usize {
    if text.first() == Some(&b'"') {
        (closing_quote(text, 1).0 + 1).min(text.len())
    } else {
        group_end(text, 0).min(text.len())
    }
}

/// The place of the quote that ends a string whose content starts at `at`, and whether there are escapes before it.
/// Without such a quote it is the end of the document.
#[inline]
pub(super) fn closing_quote(json: &[u8], at: usize) -> (usize, bool) {
    let mut escaped = false;
    let mut at = at;
    while let Some(rest) = json.get(at..)
        && let Some(offset) = quote_or_backslash(rest)
    {
        if rest[offset] == b'"' {
            return (at + offset, escaped);
        }
        escaped = true;
        at += offset + 2;
    }
    (json.len(), escaped)
}

#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    // Most names and values are over before a call of memchr pays.
    let (near, far) = text.split_at(text.len().min(32));
    let (eights, rest) = near.as_chunks::<8>();
    for (count, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        let borders = zeroes(eight ^ QUOTES) | zeroes(eight ^ BACKSLASHES);
        if borders != 0 {
            return Some(count * 8 + borders.trailing_zeros() as usize / 8);
        }
    }
    let is_border = |byte: &u8| matches!(byte, b'"' | b'\\');
    rest.iter()
        .position(is_border)
        .map(|offset| eights.len() * 8 + offset)
        .or_else(|| memchr2(b'"', b'\\', far).map(|offset| near.len() + offset))
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);

/// The high bit of the first byte that is zero, and perhaps of some behind it. Source: Mycroft's test.
fn zeroes(eight: u64) -> u64 {
    eight.wrapping_sub(ONES) & !eight & (ONES << 7)
}

/// The bytes without white space and control characters at both ends.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let Some(start) = text.iter().position(|byte| *byte > b' ') else { return b"" };
    let end = text.iter().rposition(|byte| *byte > b' ').map_or(0, |last| last + 1);
    &text[start..end]
}

/// The first place at or behind `from` with such a byte.
#[inline]
pub(super) fn find(json: &[u8], from: usize, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    json.get(from..)?.iter().position(|byte| is_wanted(*byte)).map(|offset| from + offset)
}

/// What a byte does to the depth of brackets.
#[derive(Clone, Copy, PartialEq)]
enum Border {
    None,
    Quote,
    Open,
    Close,
}

static GROUP_BORDERS: [Border; 256] = {
    let mut borders = [Border::None; 256];
    borders[b'"' as usize] = Border::Quote;
    borders[b'{' as usize] = Border::Open;
    borders[b'[' as usize] = Border::Open;
    borders[b'(' as usize] = Border::Open;
    borders[b'}' as usize] = Border::Close;
    borders[b']' as usize] = Border::Close;
    borders[b')' as usize] = Border::Close;
    borders
};
