//! Semantic versions and constraints on them, as Masterminds/semver reads them.

mod constraint;

use std::any::Any as StdAny;
use std::cmp::Ordering;

use constraint::Constraints;

use super::Row;
use super::args::text;
use crate::value::Type::{Named, Str};
use crate::value::{FuncError, Kind, Object, Signature, Value};

pub(super) const TABLE: &[Row] = &[
    Row("semver", &[Str], None, |a| Ok(Value::object(Version::parse(text(a, 0))?))),
    Row("semverCompare", &[Str, Str], None, |a| {
        let constraints = Constraints::parse(text(a, 0))?;
        Ok(constraints.allow(&Version::parse(text(a, 1))?).into())
    }),
];

const TYPE: &str = "*semver.Version";

/// A version. Minor and patch may be left out, a leading `v` is allowed.
#[derive(Clone, Debug)]
struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: String,
    metadata: String,
    original: String,
}

impl Version {
    fn parse(text: &[u8]) -> Result<Self, FuncError> {
        let invalid = || FuncError::new("invalid semantic version");
        let original = std::str::from_utf8(text).map_err(|_| invalid())?;
        let rest = original.strip_prefix('v').unwrap_or(original);
        let (rest, metadata) = rest.split_once('+').map_or((rest, None), |(rest, tail)| (rest, Some(tail)));
        let (numbers, prerelease) =
            rest.split_once('-').map_or((rest, None), |(rest, tail)| (rest, Some(tail)));
        for part in [prerelease, metadata].into_iter().flatten() {
            if !part.split('.').all(|part| !part.is_empty() && part.bytes().all(is_identifier)) {
                return Err(invalid());
            }
        }
        if prerelease.is_some_and(|prerelease| prerelease.split('.').any(has_leading_zero)) {
            return Err(FuncError::new("version segment starts with 0"));
        }
        let numbers: Vec<&str> = numbers.split('.').collect();
        if numbers.len() > 3
            || !numbers.iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(invalid());
        }
        let number = |index: usize| {
            numbers.get(index).map_or(Ok(0), |number| {
                number
                    .parse()
                    .map_err(|_| FuncError::new("error parsing version segment: value out of range"))
            })
        };
        Ok(Self {
            major: number(0)?,
            minor: number(1)?,
            patch: number(2)?,
            prerelease: prerelease.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: original.to_owned(),
        })
    }

    /// By precedence: metadata do not count.
    fn compare(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| compare_prerelease(&self.prerelease, &other.prerelease))
    }

    fn text(&self) -> String {
        let mut text = format!("{}.{}.{}", self.major, self.minor, self.patch);
        for (mark, part) in [('-', &self.prerelease), ('+', &self.metadata)] {
            if !part.is_empty() {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }

    fn next(&self, major: u64, minor: u64, patch: u64) -> Self {
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        let mut next =
            Self { major, minor, patch, prerelease: String::new(), metadata: String::new(), ..self.clone() };
        next.original = format!("{prefix}{}", next.text());
        next
    }
}

impl Object for Version {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn kind(&self) -> Kind {
        Kind::Pointer
    }

    fn text(&self) -> Option<Vec<u8>> {
        Some(Self::text(self).into_bytes())
    }

    fn json(&self) -> Option<Value> {
        Some(Self::text(self).into())
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "IncMajor"
            | "IncMinor" | "IncPatch" => Some(Signature::exactly(&[])),
            "Compare" | "Equal" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" => {
                Some(Signature::exactly(&[Named(TYPE)]))
            }
            "SetMetadata" | "SetPrerelease" => Some(Signature::exactly(&[Str])),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, FuncError> {
        let other = match args.first() {
            Some(Value::Object(object)) => object.as_any().downcast_ref::<Self>(),
            _ => None,
        };
        let order = || {
            other.map(|other| self.compare(other)).ok_or_else(|| FuncError::new("nil pointer dereference"))
        };
        Ok(match name {
            "Major" => Value::Uint(self.major),
            "Minor" => Value::Uint(self.minor),
            "Patch" => Value::Uint(self.patch),
            "Prerelease" => self.prerelease.as_str().into(),
            "Metadata" => self.metadata.as_str().into(),
            "Original" => self.original.as_str().into(),
            "String" => Self::text(self).into(),
            "IncMajor" => Value::object(self.next(self.major.wrapping_add(1), 0, 0)),
            "IncMinor" => Value::object(self.next(self.major, self.minor.wrapping_add(1), 0)),
            "IncPatch" => {
                let step = u64::from(self.prerelease.is_empty());
                Value::object(self.next(self.major, self.minor, self.patch.wrapping_add(step)))
            }
            "Compare" => Value::Int(order()? as i64),
            "Equal" => order()?.is_eq().into(),
            "LessThan" => order()?.is_lt().into(),
            "LessThanEqual" => order()?.is_le().into(),
            "GreaterThan" => order()?.is_gt().into(),
            "GreaterThanEqual" => order()?.is_ge().into(),
            "SetMetadata" | "SetPrerelease" => {
                let mark = if name == "SetMetadata" { "+" } else { "-" };
                let part = String::from_utf8_lossy(text(args, 0)).into_owned();
                if !part.is_empty() {
                    Self::parse(format!("0{mark}{part}").as_bytes())?;
                }
                let mut next = self.clone();
                *(if name == "SetMetadata" { &mut next.metadata } else { &mut next.prerelease }) = part;
                next.original = next.text();
                Value::object(next)
            }
            _ => return Err(FuncError::new(format!("no method {name}"))),
        })
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .as_any()
            .downcast_ref::<Self>()
            .is_some_and(|other| self.original == other.original && self.text() == other.text())
    }

    fn as_any(&self) -> &dyn StdAny {
        self
    }
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn has_leading_zero(part: &str) -> bool {
    part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// A release comes after its prereleases; these compare part by part, numbers before words.
fn compare_prerelease(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}
