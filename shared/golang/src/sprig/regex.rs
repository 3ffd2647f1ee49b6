//! Regular expressions. The plain forms and the `must` forms fail alike, except that `regexMatch` takes a bad pattern
//! for one that does not match. A pattern that only we find too large is an error in all.

use std::cell::RefCell;

use super::Row;
use super::args::{int, text, typed_list};
use crate::regexp::{Regexp, RegexpError, expanding, quote_meta};
use crate::value::Type::{Int, Str};
use crate::value::{Element, FuncError, List, MAX_ITEMS, MAX_TEXT, Value};

pub(super) const TABLE: &[Row] = &[
    Row("regexMatch", &[Str, Str], None, |a| match is_match(a) {
        Err(error) if error == FuncError::too_large() => Err(error),
        matched => Ok(matched.unwrap_or(Value::Bool(false))),
    }),
    Row("mustRegexMatch", &[Str, Str], None, is_match),
    Row("regexFind", &[Str, Str], None, find),
    Row("mustRegexFind", &[Str, Str], None, find),
    Row("regexFindAll", &[Str, Str, Int], None, find_all),
    Row("mustRegexFindAll", &[Str, Str, Int], None, find_all),
    Row("regexReplaceAll", &[Str, Str, Str], None, replace_all),
    Row("mustRegexReplaceAll", &[Str, Str, Str], None, replace_all),
    Row("regexReplaceAllLiteral", &[Str, Str, Str], None, replace_all_literal),
    Row("mustRegexReplaceAllLiteral", &[Str, Str, Str], None, replace_all_literal),
    Row("regexSplit", &[Str, Str, Int], None, split),
    Row("mustRegexSplit", &[Str, Str, Int], None, split),
    Row("regexQuoteMeta", &[Str], None, |a| Ok(quote_meta(text(a, 0)).into())),
];

/// The steps of a call that searches next to nothing.
const CALL: u64 = 40;

/// The steps that a call costs: to compile its pattern, which may be forgotten again, and to search its text.
pub(super) fn price(a: &[Value]) -> u64 {
    // `regexQuoteMeta` has one argument, and searches nothing.
    let [pattern, searched, ..] = a else { return 0 };
    let (Value::Str(pattern), Value::Str(searched)) = (pattern, searched) else { return 0 };
    let expanded = match a.get(2) {
        Some(Value::Str(template)) => expanding(searched.len(), template.len()),
        _ => 0,
    };
    found(pattern).map_or(0, |(regexp, is_new)| {
        CALL + expanded + regexp.price_of_search(searched.len()) + if is_new { regexp.price() } else { 0 }
    })
}

/// Patterns of a template are few and come again in each turn of a loop. So many bytes of them are kept in each thread.
const REMEMBERED: usize = 4 << 20;

thread_local! {
    static COMPILED: RefCell<Vec<(Vec<u8>, Regexp)>> = const { RefCell::new(Vec::new()) };
}

fn compiled(pattern: &[u8]) -> Result<Regexp, FuncError> {
    found(pattern).map(|(regexp, _)| regexp)
}

/// A pattern, and whether it had to be compiled.
fn found(pattern: &[u8]) -> Result<(Regexp, bool), FuncError> {
    COMPILED.with_borrow_mut(|compiled| {
        if let Some((_, regexp)) = compiled.iter().find(|(known, _)| known == pattern) {
            return Ok((regexp.clone(), false));
        }
        let regexp = Regexp::new(pattern).map_err(|error| match error {
            RegexpError::TooLarge => FuncError::too_large(),
            other => FuncError::new(other.to_string()),
        })?;
        let mut size: usize = regexp.size() + compiled.iter().map(|(_, known)| known.size()).sum::<usize>();
        while size > REMEMBERED && !compiled.is_empty() {
            size -= compiled.remove(0).1.size();
        }
        compiled.push((pattern.to_vec(), regexp.clone()));
        Ok((regexp, true))
    })
}

fn is_match(a: &[Value]) -> Result<Value, FuncError> {
    Ok(compiled(text(a, 0))?.is_match(text(a, 1)).into())
}

fn find(a: &[Value]) -> Result<Value, FuncError> {
    Ok(compiled(text(a, 0))?.find(text(a, 1)).unwrap_or_default().into())
}

/// How many results are wanted; one more than allowed if all are.
fn limit(number: i64) -> Option<usize> {
    Some(usize::try_from(number).unwrap_or(usize::MAX).min(MAX_ITEMS + 1))
}

fn find_all(a: &[Value]) -> Result<Value, FuncError> {
    let regexp = compiled(text(a, 0))?;
    strings(regexp.find_all(text(a, 1), limit(int(a, 2))))
}

fn split(a: &[Value]) -> Result<Value, FuncError> {
    let regexp = compiled(text(a, 0))?;
    if int(a, 2) < 0 {
        if text(a, 1).len() > MAX_ITEMS && regexp.find_all(text(a, 1), limit(-1)).len() > MAX_ITEMS {
            return Err(FuncError::too_large());
        }
        return strings(regexp.split(text(a, 1), None));
    }
    strings(regexp.split(text(a, 1), limit(int(a, 2))))
}

/// No result at all is Go's nil slice.
fn strings(found: Vec<&[u8]>) -> Result<Value, FuncError> {
    if found.is_empty() {
        return Ok(Value::List(List::nil(Element::Str)));
    }
    typed_list(Element::Str, found.into_iter().map(Value::from).collect())
}

fn replace_all(a: &[Value]) -> Result<Value, FuncError> {
    let replaced = compiled(text(a, 0))?.replace_all_within(MAX_TEXT, text(a, 1), text(a, 2));
    Ok(replaced.ok_or_else(FuncError::too_large)?.into())
}

fn replace_all_literal(a: &[Value]) -> Result<Value, FuncError> {
    let replaced = compiled(text(a, 0))?.replace_all_literal(MAX_TEXT, text(a, 1), text(a, 2));
    Ok(replaced.ok_or_else(FuncError::too_large)?.into())
}
