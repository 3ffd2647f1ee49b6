//! The functions of sprig that External Secrets Operator gives to its templates: 209 names, exact to the byte.
//!
//! [`functions`] makes the table. Each family is a file with its own table of name, parameters and body; the engine has
//! checked the arguments against the parameters before a body runs. What needs the outside (the clock, the local time
//! zone) is passed in as [`Environment`].
//!
//! Differences from Go, all on purpose: `keys` and `values` are sorted instead of shuffled, a dict cannot be put into
//! itself, results are bounded in size, no error quotes an argument, and `genPrivateKey "dsa"` is refused.

mod args;
mod cast;
mod crypto;
mod date;
mod decimal;
mod defaults;
mod dicts;
mod encode;
mod json;
mod layout;
mod layout_parse;
mod lists;
mod merge;
mod numbers;
mod paths;
mod reflect;
mod regex;
mod semver;
mod strings;
mod time;
mod url;
mod words;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::prices;
use crate::template::Functions;
use crate::value::{Func, FuncError, Signature, Type, Value};

/// What the functions need from outside.
#[derive(Clone)]
pub struct Environment {
    /// The clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The time zone that Go calls `Local`; UTC in ESO's own image.
    pub local: TimeZone,
}

impl Environment {
    /// An environment with this clock, in UTC.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), local: TimeZone::UTC }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").field("local", &self.local).finish_non_exhaustive()
    }
}

/// The table of all functions.
pub fn functions(environment: &Environment) -> Functions {
    let mut functions = Functions::new();
    let plain: [&[Row]; 14] = [
        strings::TABLE,
        words::TABLE,
        encode::TABLE,
        numbers::TABLE,
        decimal::TABLE,
        defaults::TABLE,
        json::TABLE,
        reflect::TABLE,
        regex::TABLE,
        paths::TABLE,
        lists::TABLE,
        dicts::TABLE,
        semver::TABLE,
        url::TABLE,
    ];
    for Row(name, fixed, rest, body) in plain.into_iter().flatten() {
        let signature = Signature { fixed: (*fixed).into(), rest: *rest };
        let func = Func::new(signature, body);
        let func = match price(name) {
            Some(price) => func.with_cost_by(price),
            None => func,
        };
        functions.insert(*name, if FRESH.contains(name) { func.with_fresh_result() } else { func });
    }
    functions.extend(date::table(environment));
    functions.extend(crypto::table(environment));
    functions
}

/// Functions whose results are new down to the leaves.
const FRESH: [&str; 16] = [
    "chunk",
    "deepCopy",
    "fromJson",
    "mustChunk",
    "mustDeepCopy",
    "mustFromJson",
    "mustRegexFindAll",
    "mustRegexSplit",
    "regexFindAll",
    "regexSplit",
    "sortAlpha",
    "split",
    "splitList",
    "splitn",
    "toStrings",
    "urlParse",
];

/// What a call costs beyond the reading of its arguments, for those functions where that is not next to nothing.
fn price(name: &str) -> Option<fn(&[Value]) -> u64> {
    let plain = name.strip_prefix("must").unwrap_or(name).to_ascii_lowercase();
    Some(match plain.as_str() {
        regex if regex.contains("regex") => regex::price,
        "deepequal" | "has" | "uniq" | "without" => prices::walked,
        "cat" | "join" | "quote" | "squote" | "todecimal" | "tojson" | "toprettyjson" | "torawjson"
        | "tostring" | "tostrings" => prices::written,
        "deepcopy" | "merge" | "mergeoverwrite" | "sortalpha" => prices::copied,
        "add1f" | "addf" | "divf" | "mulf" | "subf" => prices::decimal,
        "semver" | "semvercompare" => prices::versioned,
        "dict" => prices::keyed,
        "set" => prices::put,
        "camelcase" | "kebabcase" | "snakecase" => prices::by_word,
        "contains" | "replace" | "split" | "splitlist" | "splitn" => prices::searched,
        "fromjson" => prices::json,
        "adler32sum" | "b32dec" | "b32enc" | "hexdec" | "sha1sum" | "sha256sum" | "sha512sum" => {
            prices::summed
        }
        "b64dec" | "b64enc" | "initials" | "lower" | "nospace" | "swapcase" | "title" | "trimall"
        | "untitle" | "upper" | "urlparse" | "wrap" | "wrapwith" => prices::by_character,
        _ => return None,
    })
}

type Body = fn(&[Value]) -> Result<Value, FuncError>;

/// A function that needs nothing but its arguments: its name, its parameters, the type of further arguments, its body.
struct Row(&'static str, &'static [Type], Option<Type>, Body);
