//! The path language of gjson, by which ESO's `property` picks a value out of a JSON document:
//! `servers.#(name=="db").ports.0`, wildcards, modifiers, multipaths.
//!
//! Start at [`get`]. A path is read piece by piece in `path`, the document is searched in `walk`, what a value
//! looks like byte by byte stands in `scan`; `modifiers` holds the functions behind `@`, `multipath` the selections
//! `{a,b}` and `[a,b]`.
//!
//! The language is that of tidwall/gjson v1.18, with its leniency: a document that is no JSON is searched as far as it
//! goes, and nothing that does not parse is an error. Where the original panics or would run on without
//! end, [`get`] finds nothing or answers [`TooComplex`].

mod budget;
mod list;
mod modifiers;
mod multipath;
mod path;
mod pattern;
mod pretty;
mod query;
mod scan;
mod text;
mod value;
mod walk;

pub use budget::TooComplex;
pub use value::{Kind, Value};

use budget::Budget;

/// Finds the value that `path` names in `json`. Nothing found is `None`; a JSON `null` that was found is a [`Value`].
///
/// The value borrows from `json` where it can; results of modifiers and multipaths are owned.
///
/// # Errors
/// [`TooComplex`] when path and document together nest deeper or cost more than the limits allow. The answer is
/// unknown then: do not take it for "missing".
pub fn get<'j, J>(json: &'j J, path: impl AsRef<[u8]>) -> Result<Option<Value<'j>>, TooComplex>
where
    J: AsRef<[u8]> + ?Sized,
{
    let json = json.as_ref();
    Budget::run(json.len(), |budget| walk::get(json, path.as_ref(), budget))
}

/// As [`get`], at the cost of what it reads and writes, within what is left of a budget.
///
/// # Errors
/// As [`get`]; also when the budget is used up.
pub fn get_within<'j, J>(
    budget: &mut crate::budget::Budget,
    json: &'j J,
    path: impl AsRef<[u8]>,
) -> Result<Option<Value<'j>>, TooComplex>
where
    J: AsRef<[u8]> + ?Sized,
{
    let json = json.as_ref();
    Budget::run_within(budget, json.len(), |budget| walk::get(json, path.as_ref(), budget))
}

/// The elements of an array as they stand in the document; nothing for what is none.
pub(crate) fn elements(json: &[u8]) -> Result<Vec<Vec<u8>>, TooComplex> {
    Budget::run(json.len(), |budget| {
        let mut elements = Vec::new();
        Value::json(json).for_each(budget, |_, element| {
            elements.push(element.raw().to_vec());
            Ok(())
        })?;
        Ok(elements)
    })
}

/// The path under which a key with dots in it is found as one key: `tls.crt` becomes `tls\.crt`.
/// Other signs of the path language keep their meaning, as in ESO.
pub fn escape_dots(path: &str) -> String {
    path.replace('.', "\\.")
}

#[cfg(test)]
mod tests;
