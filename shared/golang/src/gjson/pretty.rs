//! `@pretty` and `@ugly`: documents with and without white space. They work on what is no JSON too.

use std::cmp::Ordering;

use super::budget::{Budget, TooComplex};
use super::scan;
use crate::json::strings::unquote;
use crate::number::{FloatBits, NumberError, parse_float};

/// How `@pretty` lays a document out.
pub(super) struct Layout {
    /// The longest array that is kept on one line. 0 and less keep none.
    pub(super) width: i64,
    /// What every line begins with.
    pub(super) prefix: Vec<u8>,
    /// What a line begins with for each level of depth.
    pub(super) indent: Vec<u8>,
    pub(super) sort_keys: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { width: 80, prefix: Vec::new(), indent: b"  ".to_vec(), sort_keys: false }
    }
}

/// Takes white space and control characters out of a document, except in strings.
pub(super) fn ugly(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut at = 0;
    while at < json.len() {
        let end = if json[at] == b'"' { string_end(json, at) } else { at + 1 };
        if json[at] > b' ' {
            out.extend_from_slice(&json[at..end]);
        }
        at = end;
    }
    out
}

/// Lays a document out in lines.
pub(super) fn pretty(json: &[u8], layout: &Layout, budget: Budget<'_>) -> Result<Vec<u8>, TooComplex> {
    let mut out = Vec::with_capacity(json.len() * 2);
    out.extend_from_slice(&layout.prefix);
    let mut writer = Writer { json, layout, out, line: 0, sort_keys: layout.sort_keys };
    writer.value(0, Place { tabs: 0, single_line: None }, budget)?;
    if !writer.out.is_empty() {
        writer.out.push(b'\n');
    }
    Ok(writer.out)
}

/// Where a value is written.
#[derive(Clone, Copy)]
struct Place {
    tabs: usize,
    /// The width that is left, while an array is tried on one line.
    single_line: Option<i64>,
}

struct Writer<'j> {
    json: &'j [u8],
    layout: &'j Layout,
    out: Vec<u8>,
    /// Where the current line starts in `out`.
    line: usize,
    sort_keys: bool,
}

/// The place behind a value in the document, and whether it may stand on a single line.
type Written = Result<(usize, bool), TooComplex>;

/// A member of an object: the place of its key in the document, and of the whole in the output.
struct Member {
    key: std::ops::Range<usize>,
    written: std::ops::Range<usize>,
}

impl Writer<'_> {
    fn value(&mut self, from: usize, place: Place, budget: Budget<'_>) -> Written {
        let json = self.json;
        for at in from..json.len() {
            let number = json[at] == b'n' && json.get(at + 1).is_some_and(|next| *next != b'u');
            return match json[at] {
                b'"' => Ok((self.copy(at, string_end(json, at)), true)),
                b'{' | b'[' => self.group(at, place, budget.deeper()?),
                b'0'..=b'9' | b'-' | b'i' | b'I' | b'+' | b'N' => {
                    Ok((self.copy(at, number_end(json, at)), true))
                }
                b'n' if number => Ok((self.copy(at, number_end(json, at)), true)),
                b't' => Ok((self.word(b"true", at), true)),
                b'f' => Ok((self.word(b"false", at), true)),
                b'n' => Ok((self.word(b"null", at), true)),
                _ => continue,
            };
        }
        Ok((json.len().max(from), true))
    }

    fn group(&mut self, at: usize, place: Place, budget: Budget<'_>) -> Written {
        let is_object = self.json[at] == b'{';
        if self.layout.width > 0 {
            match place.single_line {
                None if !is_object => {
                    let room = self.layout.width.saturating_sub((self.out.len() - self.line) as i64);
                    if room > 3 {
                        let (start, line) = (self.out.len(), self.line);
                        let (end, fits) =
                            self.body(at, Place { tabs: 0, single_line: Some(room) }, budget)?;
                        self.line = line;
                        let written = self.out.len() - start;
                        budget.write(written)?;
                        if fits && written as i64 <= room {
                            return Ok((end, true));
                        }
                        self.out.truncate(start);
                    }
                }
                Some(_) if is_object => return Ok((at, false)),
                _ => {}
            }
        }
        self.body(at, place, budget)
    }

    fn body(&mut self, open_at: usize, place: Place, budget: Budget<'_>) -> Written {
        let json = self.json;
        let open = json[open_at];
        let is_object = open == b'{';
        let in_lines = place.single_line.is_none();
        self.out.push(open);
        let mut members = Vec::new();
        let mut count = 0_usize;
        let mut at = open_at + 1;
        while at < json.len() {
            let byte = json[at];
            if byte == open + 2 {
                if in_lines {
                    self.close_lines(open, count, place.tabs, &members);
                }
                self.out.push(byte);
                return Ok((at + 1, !is_object));
            }
            if byte <= b' ' || is_object && byte != b'"' {
                at += 1;
                continue;
            }
            budget.write(
                self.layout.indent.len().saturating_mul(place.tabs + 1) + self.layout.prefix.len() + 2,
            )?;
            if count > 0 {
                self.out.push(b',');
                if self.layout.width != -1 && !is_object {
                    self.out.push(b' ');
                }
            }
            if in_lines {
                self.break_line();
            }
            let written = self.out.len();
            if in_lines {
                self.indent(place.tabs + 1);
            }
            let key = at;
            if is_object {
                at = self.copy(at, string_end(json, at));
                self.out.push(b':');
                if in_lines {
                    self.out.push(b' ');
                }
            }
            let key = key..at;
            let (end, fits) = self.value(at, Place { tabs: place.tabs + 1, ..place }, budget)?;
            if !in_lines && !fits {
                return Ok((end, false));
            }
            if is_object && self.sort_keys {
                members.push(Member { key, written: written..self.out.len() });
            }
            at = end;
            count += 1;
        }
        Ok((at, !is_object))
    }

    fn close_lines(&mut self, open: u8, count: usize, tabs: usize, members: &[Member]) {
        if open == b'{' && self.sort_keys {
            self.sort(members);
        }
        if count > 0 {
            self.break_line();
        }
        if self.out.last() != Some(&open) {
            self.indent(tabs);
        }
    }

    /// Ends the line, with a space at its end removed.
    fn break_line(&mut self) {
        self.line = self.out.len();
        match self.out.last_mut() {
            Some(last) if *last == b' ' => *last = b'\n',
            _ => self.out.push(b'\n'),
        }
    }

    fn indent(&mut self, tabs: usize) {
        self.out.extend_from_slice(&self.layout.prefix);
        for _ in 0..tabs {
            self.out.extend_from_slice(&self.layout.indent);
        }
    }

    fn copy(&mut self, at: usize, end: usize) -> usize {
        self.out.extend_from_slice(&self.json[at..end]);
        end
    }

    fn word(&mut self, word: &[u8], at: usize) -> usize {
        self.out.extend_from_slice(word);
        at + word.len()
    }

    /// Sorts the members that were just written, by key and among equal keys by value.
    fn sort(&mut self, members: &[Member]) {
        let (Some(first), Some(last)) = (members.first(), members.last()) else { return };
        let mut order: Vec<(Vec<u8>, Rank<'_>, &[u8])> = members
            .iter()
            .map(|member| {
                let text = &self.out[member.written.clone()];
                let value = text.trim_ascii().get(member.key.len() + 1..).unwrap_or_default();
                let key = unquote_leniently(&self.json[member.key.clone()]);
                (key, Rank::of(value.trim_ascii()), text)
            })
            .collect();
        order.sort_by(|(key, rank, _), (other_key, other_rank, _)| {
            key.cmp(other_key).then_with(|| rank.compare(other_rank))
        });
        let sorted = order.iter().map(|(_, _, text)| *text).collect::<Vec<_>>().join(&b",\n"[..]);
        let tail = self.out.split_off(last.written.end);
        self.out.truncate(first.written.start);
        self.out.extend_from_slice(&sorted);
        self.out.extend_from_slice(&tail);
    }
}

/// A value as the sorting sees it.
enum Rank<'v> {
    Word(u8, &'v [u8]),
    Number(f64),
    Text(Vec<u8>),
}

impl<'v> Rank<'v> {
    fn of(value: &'v [u8]) -> Self {
        match value.first() {
            None | Some(b'n') => Self::Word(0, value),
            Some(b'f') => Self::Word(1, value),
            Some(b'"') => Self::Text(unquote_leniently(value)),
            Some(b't') => Self::Word(4, value),
            Some(b'[' | b'{') => Self::Word(5, value),
            Some(_) => Self::Number(parse_float(value, FloatBits::B64).unwrap_or_else(NumberError::value)),
        }
    }

    fn place(&self) -> u8 {
        match self {
            Self::Word(place, _) => *place,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Word(_, one), Self::Word(_, two)) if self.place() == other.place() => one.cmp(two),
            (Self::Number(one), Self::Number(two)) => one.total_cmp(two),
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            _ => self.place().cmp(&other.place()),
        }
    }
}

/// The content of a string; as it stands if it has no escapes, nothing if it has bad ones.
fn unquote_leniently(quoted: &[u8]) -> Vec<u8> {
    match quoted.iter().skip(1).position(|byte| matches!(byte, b'"' | b'\\')) {
        Some(end) if quoted[end + 1] == b'"' => quoted[1..=end].to_vec(),
        Some(_) => unquote(quoted).unwrap_or_default(),
        None => Vec::new(),
    }
}

/// The place behind the string whose opening quote is at `at`.
fn string_end(json: &[u8], at: usize) -> usize {
    (scan::closing_quote(json, at + 1).0 + 1).min(json.len())
}

fn number_end(json: &[u8], at: usize) -> usize {
    let ends = |byte: &u8| matches!(byte, 0..=b' ' | b',' | b':' | b']' | b'}');
    json[at + 1..].iter().position(ends).map_or(json.len(), |offset| at + 1 + offset)
}
