//! Queries over the elements of an array: `#(name=="db")`, `#(port>1024)#`, `#(tags.#(%"a*"))`.

use std::borrow::Cow;

use super::budget::{Budget, TooComplex};
use super::pattern;
use super::scan::trim;
use super::text::unescape;
use super::value::{Kind, Value};
use crate::number::{FloatBits, NumberError, parse_float};

/// How an element is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Operator {
    /// It is enough that there is a value.
    #[default]
    Exists,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    NotLike,
    /// A `!` with nothing behind it: no value satisfies it.
    Never,
}

/// One query.
#[derive(Clone, Default)]
pub(super) struct Query<'p> {
    /// What is looked at in each element; empty for the element itself.
    pub(super) path: &'p [u8],
    /// Whether all elements are wanted and not only the first.
    pub(super) all: bool,
    operator: Operator,
    value: Cow<'p, [u8]>,
}

impl<'p> Query<'p> {
    /// Reads the query at the start of `path`, and the place behind its closing bracket.
    pub(super) fn parse(path: &'p [u8]) -> Option<(Self, usize)> {
        let (mut depth, mut escaped) = (1_usize, false);
        let mut operator_at = None;
        let mut at = 2;
        loop {
            match path.get(at)? {
                b'!' | b'=' | b'<' | b'>' | b'%' if depth == 1 && operator_at.is_none() => {
                    operator_at = Some(at)
                }
                b'\\' => at += 1,
                b'[' | b'(' => depth += 1,
                b']' | b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                b'"' => {
                    at += 1;
                    while *path.get(at)? != b'"' {
                        if path[at] == b'\\' {
                            escaped = true;
                            at += 1;
                        }
                        at += 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        let Some(start) = operator_at else {
            return Some((Self { path: trim(&path[2..at]), ..Self::default() }, at + 1));
        };
        let (operator, value) = Operator::parse(trim(&path[start..at]));
        let value = match trim(value) {
            [b'"', inner @ .., b'"'] if escaped => Cow::Owned(unescape(inner)),
            [b'"', inner @ .., b'"'] => Cow::Borrowed(inner),
            plain => Cow::Borrowed(plain),
        };
        Some((Self { path: trim(&path[2..start]), all: false, operator, value }, at + 1))
    }

    /// Whether what was found in an element satisfies the query.
    pub(super) fn matches(&self, found: Option<&Value<'_>>, budget: Budget<'_>) -> Result<bool, TooComplex> {
        if let Some(name) = self.value.strip_prefix(b"~") {
            let truth = match name {
                b"*" => found.is_some(),
                b"null" => found.is_none_or(|value| value.kind == Kind::Null),
                b"true" => found.is_some_and(Value::is_trueish),
                b"false" => found.is_none_or(Value::is_falseish),
                _ => return Ok(false),
            };
            let kind = if truth { Kind::True } else { Kind::False };
            return self.compare(&Value::plain(kind, b""), b"true", budget);
        }
        found.map_or(Ok(false), |value| self.compare(value, &self.value, budget))
    }

    fn compare(&self, found: &Value<'_>, wanted: &[u8], budget: Budget<'_>) -> Result<bool, TooComplex> {
        if self.operator == Operator::Exists {
            return Ok(true);
        }
        Ok(match found.kind {
            Kind::String => match self.operator {
                Operator::Like => pattern::matches(&found.text(), wanted, budget)?,
                Operator::NotLike => !pattern::matches(&found.text(), wanted, budget)?,
                operator => operator.holds(&*found.text(), wanted),
            },
            Kind::Number => {
                let wanted = parse_float(wanted, FloatBits::B64).unwrap_or_else(NumberError::value);
                self.operator.holds(&found.number(), &wanted)
            }
            Kind::True => match self.operator {
                Operator::Equal => wanted == b"true",
                Operator::NotEqual => wanted != b"true",
                Operator::Greater => wanted == b"false",
                operator => operator == Operator::GreaterOrEqual,
            },
            Kind::False => match self.operator {
                Operator::Equal => wanted == b"false",
                Operator::NotEqual => wanted != b"false",
                Operator::Less => wanted == b"true",
                operator => operator == Operator::LessOrEqual,
            },
            Kind::Null | Kind::Json => false,
        })
    }
}

impl Operator {
    /// Splits the operator from the value behind it. A `!` before anything but `=` and `%` is part of the value.
    fn parse(text: &[u8]) -> (Self, &[u8]) {
        match text {
            [b'!', b'=', value @ ..] => (Self::NotEqual, value),
            [b'!', b'%', value @ ..] => (Self::NotLike, value),
            [b'<', b'=', value @ ..] => (Self::LessOrEqual, value),
            [b'>', b'=', value @ ..] => (Self::GreaterOrEqual, value),
            [b'=', b'=', value @ ..] | [b'=', value @ ..] => (Self::Equal, value),
            [b'<', value @ ..] => (Self::Less, value),
            [b'>', value @ ..] => (Self::Greater, value),
            [b'%', value @ ..] => (Self::Like, value),
            [b'!'] => (Self::Never, b""),
            value => (Self::Exists, value),
        }
    }

    fn holds<T: PartialOrd + ?Sized>(self, found: &T, wanted: &T) -> bool {
        match self {
            Self::Equal => found == wanted,
            Self::NotEqual => found != wanted,
            Self::Less => found < wanted,
            Self::LessOrEqual => found <= wanted,
            Self::Greater => found > wanted,
            Self::GreaterOrEqual => found >= wanted,
            Self::Exists | Self::Like | Self::NotLike | Self::Never => false,
        }
    }
}
