//! The search of a document for a path.

use std::borrow::Cow;

use super::budget::{Budget, TooComplex};
use super::list::List;
use super::modifiers;
use super::multipath::{self, Selected};
use super::path::{ArrayStep, KeyStep, Tail, split_pipe};
use super::query::Query;
use super::scan::{self, Lead, Span};
use super::text::unescape;
use super::value::Value;

/// Finds the value that `path` names in `json`.
pub(super) fn get<'j>(
    json: &'j [u8],
    path: &[u8],
    budget: Budget<'_>,
) -> Result<Option<Value<'j>>, TooComplex> {
    let budget = budget.search(json, path)?;
    match path {
        [b'@' | b'!' | b'[' | b'{', _, ..] => select(json, path, budget),
        _ => search(json, path, budget),
    }
}

/// The same for a path that seems to start with a modifier, a literal or a multipath.
fn select<'j>(json: &'j [u8], path: &[u8], budget: Budget<'_>) -> Result<Option<Value<'j>>, TooComplex> {
    let selected = match path[0] {
        b'@' => modifiers::apply(json, path, budget)?,
        b'!' => modifiers::literal(path),
        _ => {
            return match multipath::select(json, path, budget)? {
                Selected::List(list, []) => Ok(Some(Value::built(list))),
                Selected::List(list, rest) => get_owned(&list, &rest[1..], budget),
                Selected::Not(rest) => search(json, rest, budget),
            };
        }
    };
    match selected {
        None => search(json, path, budget),
        Some((Cow::Borrowed(result), [b'|' | b'.', rest @ ..])) => get(result, rest, budget),
        Some((Cow::Owned(result), [b'|' | b'.', rest @ ..])) => get_owned(&result, rest, budget),
        Some((Cow::Borrowed(result), _)) => Ok(scan::document(result)),
        Some((Cow::Owned(result), _)) => Ok(scan::owned_document(result)),
    }
}

fn get_owned<'j>(json: &[u8], path: &[u8], budget: Budget<'_>) -> Result<Option<Value<'j>>, TooComplex> {
    Ok(get(json, path, budget)?.map(Value::into_owned))
}

/// Searches the first object or array of the document; for a path that starts with `..`, all values of the document
/// as if they were one array.
fn search<'j>(json: &'j [u8], path: &[u8], budget: Budget<'_>) -> Result<Option<Value<'j>>, TooComplex> {
    let mut walk = Walk { json, found: None, made: None, pipe: None };
    if let Some(path) = path.strip_prefix(b"..") {
        walk.array(0, path, budget)?;
    } else if let Some(at) = json.iter().position(|byte| matches!(byte, b'{' | b'[')) {
        if json[at] == b'{' {
            walk.object(at + 1, path, budget)?;
        } else {
            walk.array(at + 1, path, budget)?;
        }
    }
    match (walk.pipe, walk.found, walk.made) {
        (None, Some(found), _) => Ok(Some(found.value(json))),
        (Some(pipe), Some(found), _) => get(found.raw(json), pipe, budget),
        (None, None, made) => Ok(made),
        (Some(pipe), None, None) => get(b"", pipe, budget),
        (Some(pipe), None, Some(made)) => match made.raw {
            Cow::Borrowed(raw) => get(raw, pipe, budget),
            Cow::Owned(raw) => get_owned(&raw, pipe, budget),
        },
    }
}

struct Walk<'j, 'p> {
    json: &'j [u8],
    /// What was found, if it stands in the document.
    found: Option<Span>,
    /// What was found, if it was put together or found by another search.
    made: Option<Value<'j>>,
    /// The path that waits for the result.
    pipe: Option<&'p [u8]>,
}

/// Where a search goes on, and whether it is over.
type Progress = Result<(usize, bool), TooComplex>;

impl<'j, 'p> Walk<'j, 'p> {
    /// Searches the object whose content starts at `at`.
    fn object(&mut self, mut at: usize, path: &'p [u8], budget: Budget<'_>) -> Progress {
        let budget = budget.deeper()?;
        let json = self.json;
        let step = KeyStep::parse(path);
        if let Tail::Pipe(pipe) = step.tail {
            self.pipe = Some(pipe);
        }
        loop {
            let Some(start) = scan::find(json, at, |byte| matches!(byte, b'"' | b'}')) else {
                return Ok((json.len(), false));
            };
            if json[start] == b'}' {
                return Ok((start + 1, false));
            }
            let (close, escaped) = scan::closing_quote(json, start + 1);
            if close == json.len() {
                return Ok((close, false));
            }
            let key = &json[start + 1..close];
            let is_match =
                if escaped { step.matches(&unescape(key), budget)? } else { step.matches(key, budget)? };
            let Some((value_at, lead)) = scan::next(json, close + 1) else {
                return Ok((json.len(), false));
            };
            let inside = match step.tail {
                Tail::Steps(rest) if is_match => Some(rest),
                _ => None,
            };
            at = match self.value(value_at, lead, inside, budget)? {
                Step::Over(behind) => return Ok((behind, true)),
                Step::Broken => return Ok((json.len(), false)),
                Step::Searched(behind) => behind,
                Step::Passed(value) if is_match && inside.is_none() => {
                    self.found = Some(value);
                    return Ok((value.end, true));
                }
                Step::Passed(value) => value.end,
            };
        }
    }

    /// Searches the array whose content starts at `at`. The end of the document closes it.
    fn array(&mut self, mut at: usize, path: &'p [u8], budget: Budget<'_>) -> Progress {
        let budget = budget.deeper()?;
        let json = self.json;
        let (step, tail) = ArrayStep::parse(path);
        if let Tail::Pipe(pipe) = tail {
            self.pipe = Some(pipe);
        }
        let mut selection = Selection::new(&step, tail);
        for count in 0_u64.. {
            if at > json.len() {
                break;
            }
            let next = scan::next_element(json, at);
            let Some((value_at, lead)) = next.filter(|(_, lead)| *lead != Lead::None) else {
                let end = next.map_or(json.len(), |(end, _)| end) + 1;
                return Ok((end, self.array_end(at, &step, count, selection, budget)?));
            };
            let is_match = matches!(step, ArrayStep::Index(Some(index)) if index == count);
            let inside = match tail {
                Tail::Steps(rest) if is_match => Some(rest),
                _ => None,
            };
            let value = match self.value(value_at, lead, inside, budget)? {
                Step::Over(behind) => return Ok((behind, true)),
                Step::Broken => return Ok((json.len(), false)),
                Step::Searched(behind) => {
                    at = behind;
                    continue;
                }
                Step::Passed(value) => value,
            };
            at = value.end;
            match &step {
                ArrayStep::Query(query) if self.query(query, &mut selection, value, budget)? => {
                    return Ok((at, true));
                }
                ArrayStep::Each(_) => self.each(&mut selection, value, budget)?,
                _ if is_match && inside.is_none() => {
                    self.found = Some(value);
                    return Ok((at, true));
                }
                _ => {}
            }
        }
        Ok((at, false))
    }

    /// What the end of an array brings, after `count` elements of which the last ended at `at`. True when the search
    /// is over.
    fn array_end(
        &mut self,
        at: usize,
        step: &ArrayStep<'p>,
        count: u64,
        mut selection: Selection<'p>,
        budget: Budget<'_>,
    ) -> Result<bool, TooComplex> {
        match step {
            ArrayStep::Count => self.made = Some(Value::count(count)),
            ArrayStep::Each(_) => {
                // Behind a last comma the original takes the next value, even if that is outside of the array.
                let rest = crate::json::syntax::skip_space(self.json, at);
                if self.json.get(rest).is_some_and(|byte| *byte != b']')
                    && let Some(value) = scan::any(self.json, rest)
                {
                    self.each(&mut selection, value, budget)?;
                }
                self.pipe = selection.pipe.or(self.pipe);
                self.made = Some(Value::built(selection.list.close()));
            }
            _ => {
                if selection.all && self.found.is_none() && self.made.is_none() {
                    self.made = Some(Value::built(selection.list.close()));
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads the value at `at`, or goes on with the steps `inside` of it.
    #[inline]
    fn value(
        &mut self,
        at: usize,
        lead: Lead,
        inside: Option<&'p [u8]>,
        budget: Budget<'_>,
    ) -> Result<Step, TooComplex> {
        let (behind, over) = match (lead, inside) {
            (Lead::Object, Some(path)) => self.object(at + 1, path, budget)?,
            (Lead::Array, Some(path)) => self.array(at + 1, path, budget)?,
            _ => return Ok(Span::new(self.json, at, lead).map_or(Step::Broken, Step::Passed)),
        };
        Ok(if over { Step::Over(behind) } else { Step::Searched(behind) })
    }

    /// Applies the path behind a `#` to one element.
    fn each(
        &mut self,
        selection: &mut Selection<'p>,
        element: Span,
        budget: Budget<'_>,
    ) -> Result<(), TooComplex> {
        let path = selection.rest.unwrap_or_default();
        if let Some(result) = get(element.raw(self.json), path, budget)? {
            budget.write(result.raw.len() + 1)?;
            selection.list.push(&result.raw);
        }
        Ok(())
    }

    /// Applies a query to one element. True when the search is over.
    fn query(
        &mut self,
        query: &Query<'p>,
        selection: &mut Selection<'p>,
        element: Span,
        budget: Budget<'_>,
    ) -> Result<bool, TooComplex> {
        let raw = element.raw(self.json);
        let matches = if element.is_group() {
            query.matches(get(raw, query.path, budget)?.as_ref(), budget)?
        } else {
            query.path.is_empty() && query.matches(Some(&element.value(self.json)), budget)?
        };
        if !matches {
            return Ok(false);
        }
        let result = match selection.rest {
            None if !query.all => {
                self.found = Some(element);
                return Ok(true);
            }
            None => Some(element.value(self.json)),
            Some(rest) => {
                let (rest, pipe) = split_pipe(rest).map_or((rest, None), |(rest, pipe)| (rest, Some(pipe)));
                selection.rest = Some(rest);
                self.pipe = pipe.or(self.pipe);
                get(raw, rest, budget)?
            }
        };
        if !query.all {
            self.made = result;
            return Ok(true);
        }
        if let Some(result) = result {
            budget.write(result.raw.len() + 1)?;
            selection.list.push(&result.raw);
        }
        Ok(false)
    }
}

/// What became of one value of an object or array.
enum Step {
    /// The search ended inside of it.
    Over(usize),
    /// It was searched from inside without success, and ends here.
    Searched(usize),
    /// It does not end.
    Broken,
    Passed(Span),
}

/// What a path or query over all elements has selected so far.
struct Selection<'p> {
    /// The path applied to elements.
    rest: Option<&'p [u8]>,
    /// The path applied to the list of all results.
    pipe: Option<&'p [u8]>,
    /// Whether a list is wanted.
    all: bool,
    list: List,
}

impl<'p> Selection<'p> {
    fn new(step: &ArrayStep<'p>, tail: Tail<'p>) -> Self {
        let none = Self { rest: None, pipe: None, all: false, list: List::default() };
        match (step, tail) {
            (ArrayStep::Each(path), _) => match split_pipe(path) {
                Some((rest, pipe)) => Self { rest: Some(rest), pipe: Some(pipe), ..none },
                None => Self { rest: Some(path), ..none },
            },
            (ArrayStep::Query(query), Tail::Steps(rest)) => Self { rest: Some(rest), all: query.all, ..none },
            (ArrayStep::Query(query), _) => Self { all: query.all, ..none },
            _ => none,
        }
    }
}
