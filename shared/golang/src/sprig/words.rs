//! Texts as words: case, abbreviation, wrapping.

use super::Row;
use super::args::{Text, int, text};
use crate::unicode;
use crate::value::Type::{Int, Str};
use crate::value::{FuncError, Value};

pub(super) const TABLE: &[Row] = &[
    Row("upper", &[Str], None, |a| Ok(unicode::map(text(a, 0), unicode::to_upper).into())),
    Row("lower", &[Str], None, |a| Ok(unicode::map(text(a, 0), unicode::to_lower).into())),
    Row("title", &[Str], None, |a| Ok(title(text(a, 0)).into())),
    Row("untitle", &[Str], None, |a| Ok(untitle(text(a, 0)).into())),
    Row("swapcase", &[Str], None, |a| Ok(swap_case(text(a, 0)).into())),
    Row("snakecase", &[Str], None, |a| Ok(connected(text(a, 0), '_').into())),
    Row("kebabcase", &[Str], None, |a| Ok(connected(text(a, 0), '-').into())),
    Row("camelcase", &[Str], None, |a| Ok(pascal_case(text(a, 0)).into())),
    Row("initials", &[Str], None, |a| Ok(initials(text(a, 0)).into())),
    Row("nospace", &[Str], None, |a| Ok(without_space(text(a, 0)).into())),
    Row("abbrev", &[Int, Str], None, |a| Ok(abbreviate(text(a, 1), 0, int(a, 0)))),
    Row("abbrevboth", &[Int, Int, Str], None, abbreviate_both),
    Row("wrap", &[Int, Str], None, |a| wrap(text(a, 1), int(a, 0), b"\n", false)),
    Row("wrapWith", &[Int, Str, Str], None, |a| {
        let separator = if text(a, 1).is_empty() { b"\n" } else { text(a, 1) };
        wrap(text(a, 2), int(a, 0), separator, true)
    }),
];

/// `strings.Title`: a letter behind something that separates words gets its title case.
fn title(text: &[u8]) -> Vec<u8> {
    let mut previous = ' ';
    unicode::map(text, |rune| {
        let first = match previous {
            '0'..='9' | 'a'..='z' | 'A'..='Z' | '_' => false,
            ..='\u{7f}' => true,
            _ if unicode::is_letter(previous) || unicode::is_digit(previous) => false,
            _ => unicode::is_space(previous),
        };
        previous = rune;
        if first { unicode::to_title(rune) } else { rune }
    })
}

fn untitle(text: &[u8]) -> Vec<u8> {
    let mut first = true;
    unicode::map(text, |rune| {
        if unicode::is_space(rune) {
            first = true;
            return rune;
        }
        if std::mem::take(&mut first) { unicode::to_lower(rune) } else { rune }
    })
}

fn swap_case(text: &[u8]) -> Vec<u8> {
    let mut after_space = true;
    unicode::map(text, |rune| {
        if unicode::is_upper(rune) || unicode::is_title(rune) {
            after_space = false;
            unicode::to_lower(rune)
        } else if unicode::is_lower(rune) {
            if std::mem::take(&mut after_space) { unicode::to_title(rune) } else { unicode::to_upper(rune) }
        } else {
            after_space = unicode::is_space(rune);
            rune
        }
    })
}

/// The first byte of each word. Go takes bytes for characters here, and so writes each as a rune of Latin-1.
fn initials(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut after_gap = true;
    for byte in text {
        let rune = char::from(*byte);
        if unicode::is_space(rune) {
            after_gap = true;
        } else if std::mem::take(&mut after_gap) {
            unicode::push(&mut out, rune);
        }
    }
    out
}

/// Also bytewise in Go: a text with a space loses its bytes beyond ASCII to Latin-1.
fn without_space(text: &[u8]) -> Vec<u8> {
    let kept: Vec<char> =
        text.iter().map(|byte| char::from(*byte)).filter(|rune| !unicode::is_space(*rune)).collect();
    if kept.len() == text.len() { text.to_vec() } else { kept.into_iter().collect::<String>().into_bytes() }
}

fn abbreviate_both(a: &[Value]) -> Result<Value, FuncError> {
    let (left, right, text) = (int(a, 0), int(a, 1), text(a, 2));
    if right < 4 || left > 0 && right < 7 {
        return Ok(text.into());
    }
    Ok(abbreviate(text, left, right))
}

/// The text cut to a width, with dots where it was cut. `offset` is the byte that should still be seen.
fn abbreviate(text: &[u8], offset: i64, width: i64) -> Value {
    let length = text.len() as i64;
    if width < 4 || length <= width {
        return text.into();
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    let part = |from: i64, to: i64| &text[from.clamp(0, length) as usize..to.clamp(0, length) as usize];
    if offset <= 4 {
        return [part(0, width - 3), b"..."].concat().into();
    }
    if width < 7 {
        return "".into();
    }
    if offset + width - 3 < length {
        let rest = abbreviate(part(offset, length), 0, width - 3);
        return [b"...", rest.as_text().unwrap_or_default()].concat().into();
    }
    [b"...", part(length - (width - 3), length)].concat().into()
}

fn wrap(text: &[u8], width: i64, separator: &[u8], breaks_words: bool) -> Result<Value, FuncError> {
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let mut out = Text::default();
    let mut at = 0;
    while text.len() - at > width {
        if text[at] == b' ' {
            at += 1;
            continue;
        }
        let end = at + width;
        let space = text[at..=end].iter().rposition(|byte| *byte == b' ').map(|space| space + at);
        let cut = match space {
            Some(space) => space,
            None if breaks_words => {
                out.push(&text[at..end]);
                out.push(separator);
                at = end;
                continue;
            }
            None => match text[end..].iter().position(|byte| *byte == b' ') {
                Some(space) => space + end,
                None => break,
            },
        };
        out.push(&text[at..cut]);
        out.push(separator);
        at = cut + 1;
    }
    out.push(&text[at..]);
    out.finish()
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || unicode::is_space(rune)
}

/// `xstrings.ToPascalCase`.
fn pascal_case(text: &[u8]) -> Vec<u8> {
    let runes: Vec<char> = unicode::runes(text).map(|(_, rune, _)| rune).collect();
    let mut out = String::new();
    let Some(start) = runes.iter().position(|rune| !is_connector(*rune)) else {
        // The last of nothing but connectors is written twice.
        return runes.iter().chain(runes.last()).collect::<String>().into_bytes();
    };
    out.extend(&runes[..start]);
    let mut first_is_upper = unicode::is_upper(runes[start]);
    let mut current = unicode::to_upper(runes[start]);
    for &rune in &runes[start + 1..] {
        let previous = std::mem::replace(&mut current, rune);
        if is_connector(rune) && is_connector(previous) {
            out.push(previous);
        } else if is_connector(previous) {
            first_is_upper = unicode::is_upper(rune);
            current = unicode::to_upper(rune);
        } else {
            if first_is_upper {
                if unicode::is_upper(rune) {
                    current = unicode::to_lower(rune);
                } else {
                    first_is_upper = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(current);
    out.into_bytes()
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`.
fn connected(text: &[u8], connector: char) -> Vec<u8> {
    let mut words = Words { rest: text };
    let mut out = Lowered { out: Vec::new(), connector };
    let (mut kind, mut word) = words.next_word();
    while !words.rest.is_empty() {
        if kind != Word::Connector {
            out.push(kind, word);
        }
        let (previous, last) = (kind, word);
        (kind, word) = words.next_word();
        match previous {
            Word::Number => {
                out.absorb(&mut words, &mut kind, &mut word);
                if !matches!(kind, Word::Invalid | Word::Punctuation | Word::Connector) {
                    out.connect();
                }
            }
            Word::Connector => out.push(previous, last),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punctuation) {
                    out.connect();
                }
            }
            _ if words.rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word) = words.next_word();
                if kind == Word::Alphabet {
                    // Lower case letters behind a number begin a word with it: "HTTP2xx" is "http_2xx".
                    out.connect();
                    out.push(Word::Number, number);
                    out.absorb(&mut words, &mut kind, &mut word);
                    if !matches!(kind, Word::Invalid | Word::Connector | Word::Punctuation) {
                        out.connect();
                    }
                } else {
                    out.push(Word::Number, number);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        out.connect();
                    }
                }
            }
        }
    }
    out.push(kind, word);
    out.out
}

struct Lowered {
    out: Vec<u8>,
    connector: char,
}

impl Lowered {
    fn connect(&mut self) {
        unicode::push(&mut self.out, self.connector);
    }

    /// Takes the letters and numbers that follow one another.
    fn absorb<'a>(&mut self, words: &mut Words<'a>, kind: &mut Word, word: &mut &'a [u8]) {
        while matches!(kind, Word::Alphabet | Word::Number) {
            self.push(*kind, word);
            (*kind, *word) = words.next_word();
        }
    }

    fn push(&mut self, kind: Word, word: &[u8]) {
        match kind {
            Word::UpperCase | Word::Connector => {
                let connector = self.connector;
                for (_, rune, _) in unicode::runes(word) {
                    let lowered = if unicode::is_upper(rune) { unicode::to_lower(rune) } else { rune };
                    unicode::push(&mut self.out, if is_connector(rune) { connector } else { lowered });
                }
            }
            _ => self.out.extend_from_slice(word),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Word {
    Invalid,
    Number,
    UpperCase,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    fn next_word(&mut self) -> (Word, &'a [u8]) {
        let text = self.rest;
        let (first, size) = next_valid(text, char::REPLACEMENT_CHARACTER);
        let (kind, length) = if first == char::REPLACEMENT_CHARACTER {
            (Word::Invalid, size)
        } else {
            class(text, first, size)
        };
        let (word, rest) = text.split_at(length);
        self.rest = rest;
        (kind, word)
    }
}

/// The kind of the word that starts with `first`, and its length.
fn class(text: &[u8], first: char, size: usize) -> (Word, usize) {
    if is_connector(first) {
        return (Word::Connector, run(text, size, first, is_connector));
    }
    if unicode::is_punctuation(first) {
        return (Word::Punctuation, run(text, size, first, unicode::is_punctuation));
    }
    if unicode::is_upper(first) {
        return (Word::UpperCase, upper_case(text, first, size));
    }
    if is_alphabet(first) {
        return (
            Word::Alphabet,
            run(text, size, first, |rune| is_alphabet(rune) && !unicode::is_upper(rune)),
        );
    }
    if unicode::is_number(first) {
        return (Word::Number, run(text, size, first, unicode::is_number));
    }
    let other = |rune| {
        !is_connector(rune)
            && !is_alphabet(rune)
            && !unicode::is_number(rune)
            && !unicode::is_punctuation(rune)
    };
    (Word::Other, run(text, size, first, other))
}

/// An upper case letter with the lower case letters behind it, or upper case letters up to the last that is followed
/// by a lower case one.
fn upper_case(text: &[u8], first: char, size: usize) -> usize {
    if size == text.len() {
        return size;
    }
    let (second, width) = next_valid(&text[size..], first);
    if !unicode::is_upper(second) {
        if !is_alphabet(second) {
            return size;
        }
        return run(text, size + width, second, |rune| is_alphabet(rune) && !unicode::is_upper(rune));
    }
    let (mut at, mut last_width, mut rune) = (size + width, width, second);
    while at < text.len() {
        let (next, width) = next_valid(&text[at..], rune);
        rune = next;
        if !unicode::is_upper(next) {
            break;
        }
        last_width = width;
        at += width;
    }
    if at < text.len() && is_alphabet(rune) { at - last_width } else { at }
}

/// How far the runes of a class go from a position on.
fn run(text: &[u8], from: usize, first: char, class: impl Fn(char) -> bool) -> usize {
    let (mut at, mut rune) = (from, first);
    while at < text.len() {
        let (next, size) = next_valid(&text[at..], rune);
        rune = next;
        if !class(next) {
            break;
        }
        at += size;
    }
    at
}

/// Letters that form words of several, which Chinese characters do not.
fn is_alphabet(rune: char) -> bool {
    let han = matches!(rune, '\u{3400}'..='\u{4D85}' | '\u{4E00}'..='\u{9FCC}' | '\u{20000}'..='\u{2B81D}');
    unicode::is_letter(rune) && !han
}

/// The next rune that is valid, with the invalid bytes before it; the previous one again if there is none.
fn next_valid(text: &[u8], previous: char) -> (char, usize) {
    let mut size = 0;
    for (_, rune, raw) in unicode::runes(text) {
        size += raw.len();
        if rune != char::REPLACEMENT_CHARACTER {
            return (rune, size);
        }
    }
    (previous, size)
}
