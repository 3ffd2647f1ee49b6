//! Constraints such as `>=1.2, <2 || ^3.1.x || 4.0 - 4.5`.

use std::sync::LazyLock;

use regex::Regex;

use super::Version;
use crate::value::FuncError;

const VERSION: &str = r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const OPERATOR: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";

/// Alternatives, each of constraints that must all hold.
pub(super) struct Constraints(Vec<Vec<Constraint>>);

struct Constraint {
    operator: String,
    version: Version,
    /// Which parts of the version were left open.
    open: Open,
}

#[derive(Clone, Copy, PartialEq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    All,
}

struct Patterns {
    one: Regex,
    find: Regex,
    valid: Regex,
    range: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    Some(Patterns {
        one: Regex::new(&format!(r"^\s*({OPERATOR})\s*({VERSION})\s*$")).ok()?,
        find: Regex::new(&format!(r"({OPERATOR})\s*({VERSION})")).ok()?,
        valid: Regex::new(&format!(
            r"^(\s*({OPERATOR})\s*({VERSION})\s*)((?:\s+|,\s*)({OPERATOR})\s*({VERSION})\s*)*$"
        ))
        .ok()?,
        range: Regex::new(&format!(r"\s*({VERSION})\s+-\s+({VERSION})\s*")).ok()?,
    })
});

impl Constraints {
    pub(super) fn parse(text: &[u8]) -> Result<Self, FuncError> {
        let improper = || FuncError::new("improper constraint");
        let text = std::str::from_utf8(text).map_err(|_| improper())?;
        let patterns = PATTERNS.as_ref().ok_or_else(improper)?;
        let text = patterns.range.replace_all(text, ">= $1, <= $11 ");
        let alternative = |part: &str| {
            if !patterns.valid.is_match(part) {
                return Err(improper());
            }
            let mut all = Vec::new();
            for found in patterns.find.find_iter(part) {
                all.push(Constraint::parse(found.as_str(), patterns)?);
            }
            Ok(all)
        };
        text.split("||").map(alternative).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn allow(&self, version: &Version) -> bool {
        self.0.iter().any(|all| {
            let prereleases = all.iter().any(|constraint| !constraint.version.prerelease.is_empty());
            (version.prerelease.is_empty() || prereleases)
                && all.iter().all(|constraint| constraint.allows(version))
        })
    }
}

impl Constraint {
    fn parse(text: &str, patterns: &Patterns) -> Result<Self, FuncError> {
        let parts = patterns.one.captures(text).ok_or_else(|| FuncError::new("improper constraint"))?;
        let part = |index: usize| parts.get(index).map_or("", |part| part.as_str());
        let open = |part: &str| matches!(part.trim_start_matches('.'), "" | "x" | "X" | "*");
        let (major, minor, patch, prerelease) = (part(3), part(4), part(5), part(6));
        let (version, open) = if open(major) {
            (format!("0.0.0{prerelease}"), Open::All)
        } else if open(minor) {
            (format!("{major}.0.0{prerelease}"), Open::Minor)
        } else if open(patch) {
            (format!("{major}{minor}.0{prerelease}"), Open::Patch)
        } else {
            (part(2).to_owned(), Open::Nothing)
        };
        let version =
            Version::parse(version.as_bytes()).map_err(|_| FuncError::new("constraint parser error"))?;
        Ok(Self { operator: part(1).to_owned(), version, open })
    }

    fn allows(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        let (same_major, same_minor) =
            (version.major == self.version.major, version.minor == self.version.minor);
        match self.operator.as_str() {
            "!=" => match self.open {
                Open::Nothing => order.is_ne(),
                Open::Minor => !same_major,
                Open::Patch => {
                    !same_major
                        || !same_minor
                        || (!version.prerelease.is_empty() || !self.version.prerelease.is_empty())
                            && super::compare_prerelease(&version.prerelease, &self.version.prerelease)
                                .is_ne()
                }
                Open::All => {
                    !same_major || !same_minor || version.patch != self.version.patch || order.is_ne()
                }
            },
            ">" => match self.open {
                Open::Nothing => order.is_gt(),
                _ if !same_major => version.major > self.version.major,
                Open::Minor => false,
                Open::Patch => version.minor > self.version.minor,
                Open::All => order.is_gt(),
            },
            "<" => order.is_lt(),
            ">=" | "=>" => order.is_ge(),
            "<=" | "=<" => match self.open {
                Open::Nothing => order.is_le(),
                _ => {
                    version.major < self.version.major
                        || same_major && (version.minor <= self.version.minor || self.open == Open::Minor)
                }
            },
            "^" => order.is_ge() && self.caret(version),
            "" | "=" if self.open == Open::Nothing => order.is_eq(),
            _ => order.is_ge() && self.tilde(version),
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if wanted.major == 0
            && wanted.minor == 0
            && wanted.patch == 0
            && matches!(self.open, Open::Nothing | Open::All)
        {
            return true;
        }
        version.major == wanted.major && (version.minor == wanted.minor || self.open == Open::Minor)
    }

    fn caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if wanted.major > 0 || self.open == Open::Minor {
            return version.major == wanted.major;
        }
        if version.major > 0 {
            return false;
        }
        if wanted.minor > 0 || self.open == Open::Patch {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }
}
