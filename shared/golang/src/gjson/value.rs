//! What a search finds.

use std::borrow::Cow;

use super::budget::{Budget, TooComplex};
use super::scan;
use super::text::unescape;
use crate::number::{FloatBits, FloatFormat, NumberError, format_float, parse_float, parse_int};

/// The type of a found value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `false`.
    False,
    /// A number, or what begins like one.
    Number,
    /// A string.
    String,
    /// `true`.
    True,
    /// An object or an array.
    Json,
}

/// A value that a search found, with the text it was read from.
#[derive(Clone, PartialEq, Eq)]
pub struct Value<'j> {
    pub(super) kind: Kind,
    pub(super) raw: Cow<'j, [u8]>,
    content: Content,
}

/// What stands between the quotes of a string. Other values have plain content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Plain,
    Escaped,
    /// There is no closing quote.
    Unended,
}

impl<'j> Value<'j> {
    /// The type of the value.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value as it stands in the document, strings with their quotes and escapes.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The value as ESO puts it into a Secret: strings without quotes and escapes, integers as written, other numbers
    /// in shortest decimal form without exponent, `null` as nothing, objects and arrays as they stand.
    #[inline]
    pub fn string(&self) -> Cow<'_, [u8]> {
        match self.kind {
            Kind::String => self.text(),
            Kind::Json => Cow::Borrowed(&self.raw),
            _ => self.scalar(),
        }
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.kind == Kind::Json && self.raw.first() == Some(&b'{')
    }

    /// Whether the value is an array.
    pub fn is_array(&self) -> bool {
        self.kind == Kind::Json && self.raw.first() == Some(&b'[')
    }

    /// The same value, independent of the document it was found in.
    pub fn into_owned(self) -> Value<'static> {
        Value { kind: self.kind, raw: Cow::Owned(self.raw.into_owned()), content: self.content }
    }

    fn scalar(&self) -> Cow<'_, [u8]> {
        match self.kind {
            Kind::False => Cow::Borrowed(b"false"),
            Kind::True => Cow::Borrowed(b"true"),
            Kind::Number
                if self.raw.strip_prefix(b"-").unwrap_or(&self.raw).iter().all(u8::is_ascii_digit) =>
            {
                Cow::Borrowed(&self.raw)
            }
            Kind::Number => {
                let digits = format_float(self.number(), FloatFormat::Fixed, None, FloatBits::B64);
                Cow::Owned(digits.into_bytes())
            }
            Kind::Null | Kind::String | Kind::Json => Cow::Borrowed(b""),
        }
    }

    /// An object or array that stands in the document.
    pub(super) fn json(raw: &'j [u8]) -> Self {
        Self::plain(Kind::Json, raw)
    }

    /// An object or array that was put together.
    pub(super) fn built(raw: Vec<u8>) -> Self {
        Self { kind: Kind::Json, raw: Cow::Owned(raw), content: Content::Plain }
    }

    /// The number of something.
    pub(super) fn count(count: u64) -> Self {
        Self { kind: Kind::Number, raw: Cow::Owned(count.to_string().into_bytes()), content: Content::Plain }
    }

    /// A string that stands in the document, with its quotes.
    pub(super) fn quoted(raw: &'j [u8], is_escaped: bool) -> Self {
        let content = if is_escaped { Content::Escaped } else { Content::Plain };
        Self { kind: Kind::String, raw: Cow::Borrowed(raw), content }
    }

    /// A string that reaches to the end of the document because it has no closing quote.
    pub(super) fn unended(raw: &'j [u8]) -> Self {
        Self { kind: Kind::String, raw: Cow::Borrowed(raw), content: Content::Unended }
    }

    /// A value whose kind says all.
    pub(super) fn plain(kind: Kind, raw: &'j [u8]) -> Self {
        Self { kind, raw: Cow::Borrowed(raw), content: Content::Plain }
    }

    /// The content of a string, with escapes undone; empty for every other kind.
    #[inline]
    pub(super) fn text(&self) -> Cow<'_, [u8]> {
        match (self.content, &*self.raw) {
            (Content::Plain, [b'"', content @ .., b'"']) => Cow::Borrowed(content),
            (Content::Escaped, [b'"', content @ .., b'"']) => Cow::Owned(unescape(content)),
            (Content::Unended, [b'"', content @ ..]) if content.contains(&b'\\') => {
                Cow::Owned(unescape(content))
            }
            (Content::Unended, [b'"', content @ ..]) => Cow::Borrowed(content),
            _ => Cow::Borrowed(b""),
        }
    }

    /// The number that the raw text stands for; zero for what Go cannot parse.
    pub(super) fn number(&self) -> f64 {
        parse_float(&self.raw, FloatBits::B64).unwrap_or_else(NumberError::value)
    }

    /// The truth that gjson reads from an argument: `true`, a number other than zero, a string that Go's
    /// `strconv.ParseBool` takes for true.
    pub(super) fn is_trueish(&self) -> bool {
        match self.kind {
            Kind::True => true,
            Kind::String => parse_bool(&self.text()) == Some(true),
            Kind::Number => self.number() != 0.0,
            Kind::Null | Kind::False | Kind::Json => false,
        }
    }

    pub(super) fn is_falseish(&self) -> bool {
        match self.kind {
            Kind::Null | Kind::False => true,
            Kind::String => parse_bool(&self.text()) == Some(false),
            Kind::Number => self.number() == 0.0,
            Kind::True | Kind::Json => false,
        }
    }

    /// The integer that gjson reads from an argument.
    pub(super) fn integer(&self) -> i64 {
        match self.kind {
            Kind::True => 1,
            Kind::String => parse_int(&*self.text(), 10, 64).unwrap_or_else(NumberError::value),
            Kind::Number => self.number() as i64,
            Kind::Null | Kind::False | Kind::Json => 0,
        }
    }

    /// Visits the members of an object or the elements of an array, in the order of the document; a scalar visits
    /// itself. The key is nothing except in objects.
    pub(super) fn for_each(
        &self,
        budget: Budget<'_>,
        mut visit: impl FnMut(Option<&Value<'_>>, Value<'_>) -> Result<(), TooComplex>,
    ) -> Result<(), TooComplex> {
        if self.kind != Kind::Json {
            return visit(None, Value::clone(self));
        }
        let json = &*self.raw;
        budget.read(json.len())?;
        let Some(start) = json.iter().position(|byte| *byte > b' ') else { return Ok(()) };
        let is_object = match json[start] {
            b'{' => true,
            b'[' => false,
            _ => return Ok(()),
        };
        let mut at = start + 1;
        while at < json.len() {
            let mut key = None;
            if is_object {
                if json[at] != b'"' {
                    at += 1;
                    continue;
                }
                let Some((name, behind)) = scan::string(json, at) else { return Ok(()) };
                key = Some(name);
                at = behind;
            }
            let rest = json.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|byte| matches!(byte, 0..=b' ' | b',' | b':')).count();
            let Some(value) = scan::any(json, at) else { return Ok(()) };
            visit(key.as_ref(), value.value(json))?;
            // One byte is always passed over behind a value; a comma, if the document is JSON.
            at = value.end + 1;
        }
        Ok(())
    }
}

/// Only the type: what was found may be a secret.
impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Value").field("kind", &self.kind).field("bytes", &self.raw.len()).finish()
    }
}

fn parse_bool(text: &[u8]) -> Option<bool> {
    match text.to_ascii_lowercase().as_slice() {
        b"1" | b"t" | b"true" => Some(true),
        b"0" | b"f" | b"false" => Some(false),
        _ => None,
    }
}
