//! The search of a document for a path.

use std::borrow::Cow;

use super::budget::{Budget, TooComplex};
use super::modifiers;
use super::multipath::{self, Selected};
use super::path::{ArrayStep, KeyStep, Tail, split_pipe};
use super::pattern;
use super::query::Query;
use super::scan::{self, Lead};
use super::value::{Kind, Value};

/// Finds the value that `path` names in `json`.
pub(super) fn get<'j>(
    json: &'j [u8],
    path: &[u8],
    budget: Budget<'_>,
) -> Result<Option<Value<'j>>, TooComplex> {
    let budget = budget.deeper()?;
    budget.read(json.len() + path.len())?;
    if path.len() > 1 {
        let selected = match path[0] {
            b'@' => modifiers::apply(json, path, budget)?,
            b'!' => modifiers::literal(path),
            b'[' | b'{' => {
                return match multipath::select(json, path, budget)? {
                    Selected::List(list, []) => Ok(Some(Value::built(list))),
                    Selected::List(list, rest) => get_owned(&list, &rest[1..], budget),
                    Selected::Not(rest) => search(json, rest, budget),
                };
            }
            _ => None,
        };
        if let Some((result, rest)) = selected {
            return match (result, rest) {
                (Cow::Borrowed(result), [b'|' | b'.', rest @ ..]) => get(result, rest, budget),
                (Cow::Owned(result), [b'|' | b'.', rest @ ..]) => get_owned(&result, rest, budget),
                (Cow::Borrowed(result), _) => Ok(scan::document(result)),
                (Cow::Owned(result), _) => Ok(scan::document(&result).map(Value::into_owned)),
            };
        }
    }
    search(json, path, budget)
}

fn get_owned<'j>(json: &[u8], path: &[u8], budget: Budget<'_>) -> Result<Option<Value<'j>>, TooComplex> {
    Ok(get(json, path, budget)?.map(Value::into_owned))
}

/// Searches the first object or array of the document; for a path that starts with `..`, all values of the document
/// as if they were one array.
fn search<'j>(json: &'j [u8], path: &[u8], budget: Budget<'_>) -> Result<Option<Value<'j>>, TooComplex> {
    let mut walk = Walk { json, found: None, pipe: None };
    if let Some(path) = path.strip_prefix(b"..") {
        walk.array(0, path, budget)?;
    } else if let Some(at) = json.iter().position(|byte| matches!(byte, b'{' | b'[')) {
        if json[at] == b'{' {
            walk.object(at + 1, path, budget)?;
        } else {
            walk.array(at + 1, path, budget)?;
        }
    }
    let Some(pipe) = walk.pipe else { return Ok(walk.found) };
    match walk.found.map(|value| value.raw) {
        None => get(b"", pipe, budget),
        Some(Cow::Borrowed(raw)) => get(raw, pipe, budget),
        Some(Cow::Owned(raw)) => get_owned(&raw, pipe, budget),
    }
}

struct Walk<'j, 'p> {
    json: &'j [u8],
    found: Option<Value<'j>>,
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
            let Some(start) = (at..json.len()).find(|at| matches!(json[*at], b'"' | b'}')) else {
                return Ok((json.len(), false));
            };
            if json[start] == b'}' {
                return Ok((start + 1, false));
            }
            let Some((key, behind)) = scan::string(json, start) else { return Ok((json.len(), false)) };
            let is_match = if step.is_wild {
                pattern::matches(&key.text, &step.key, budget)?
            } else {
                key.text == step.key
            };
            let Some(value_at) = (behind..json.len()).find(|at| scan::lead(json, *at) != Lead::None) else {
                return Ok((json.len(), false));
            };
            let inside = match step.tail {
                Tail::Steps(rest) if is_match => Some(rest),
                _ => None,
            };
            let (behind, value) = match self.value(value_at, inside, budget)? {
                Step::Over(behind) => return Ok((behind, true)),
                Step::Broken => return Ok((json.len(), false)),
                Step::Passed(behind, value) => (behind, value),
            };
            if is_match && inside.is_none() {
                self.found = value;
                return Ok((behind, true));
            }
            at = behind;
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
        let mut starts = Vec::new();
        let mut selection = Selection::new(&step, tail);
        for count in 0_u64.. {
            if at > json.len() {
                break;
            }
            if matches!(step, ArrayStep::Each(_)) {
                starts.push(at);
            }
            let next = (at..json.len()).find(|at| json[*at] == b']' || scan::lead(json, *at) != Lead::None);
            let Some(value_at) = next.filter(|at| json[*at] != b']') else {
                let end = next.unwrap_or(json.len()) + 1;
                let over = match step {
                    ArrayStep::Count => {
                        let digits = count.to_string().into_bytes();
                        self.found = Some(Value {
                            kind: Kind::Number,
                            raw: Cow::Owned(digits),
                            text: Cow::Borrowed(b""),
                        });
                        true
                    }
                    ArrayStep::Each(rest) => {
                        self.each(&starts, rest, budget)?;
                        true
                    }
                    _ => {
                        self.found = self.found.take().or_else(|| selection.list());
                        false
                    }
                };
                return Ok((end, over));
            };
            let is_match = matches!(step, ArrayStep::Index(Some(index)) if index == count);
            let inside = match tail {
                Tail::Steps(rest) if is_match => Some(rest),
                _ => None,
            };
            let (behind, value) = match self.value(value_at, inside, budget)? {
                Step::Over(behind) => return Ok((behind, true)),
                Step::Broken => return Ok((json.len(), false)),
                Step::Passed(behind, value) => (behind, value),
            };
            at = behind;
            if let (ArrayStep::Query(query), Some(value)) = (&step, value.as_ref()) {
                if self.query(query, &mut selection, value, budget)? {
                    return Ok((at, true));
                }
            } else if is_match && inside.is_none() {
                self.found = value;
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// Reads the value at `at`, or goes on with the steps `inside` of it.
    fn value(
        &mut self,
        at: usize,
        inside: Option<&'p [u8]>,
        budget: Budget<'_>,
    ) -> Result<Step<'j>, TooComplex> {
        let json = self.json;
        Ok(match (scan::lead(json, at), inside) {
            (Lead::Quote, _) => match scan::string(json, at) {
                Some((value, behind)) => Step::Passed(behind, Some(value)),
                None => Step::Broken,
            },
            (Lead::Open(open), Some(path)) => {
                let (behind, over) = if open == b'{' {
                    self.object(at + 1, path, budget)?
                } else {
                    self.array(at + 1, path, budget)?
                };
                if over { Step::Over(behind) } else { Step::Passed(behind, None) }
            }
            (Lead::Open(_), None) => {
                let behind = scan::group_end(json, at);
                Step::Passed(behind, Some(Value::json(&json[at..behind.min(json.len())])))
            }
            (lead, _) => {
                let (value, behind) = scan::scalar(json, at, lead);
                Step::Passed(behind, Some(value))
            }
        })
    }

    /// Applies a query to one element. True when the search is over.
    fn query(
        &mut self,
        query: &Query<'p>,
        selection: &mut Selection<'p>,
        element: &Value<'j>,
        budget: Budget<'_>,
    ) -> Result<bool, TooComplex> {
        // Elements are parts of the document, so their raw text is always borrowed.
        let Cow::Borrowed(raw) = element.raw else { return Ok(false) };
        let matches = if element.kind == Kind::Json {
            query.matches(get(raw, query.path, budget)?.as_ref(), budget)?
        } else {
            query.path.is_empty() && query.matches(Some(element), budget)?
        };
        if !matches {
            return Ok(false);
        }
        let result = match selection.rest {
            None => Some(element.clone()),
            Some(rest) => {
                let (rest, pipe) = split_pipe(rest).map_or((rest, None), |(rest, pipe)| (rest, Some(pipe)));
                selection.rest = Some(rest);
                self.pipe = pipe.or(self.pipe);
                get(raw, rest, budget)?
            }
        };
        if !query.all {
            self.found = result;
            return Ok(true);
        }
        if let Some(result) = result {
            budget.write(result.raw.len() + 1)?;
            selection.push(&result);
        }
        Ok(false)
    }

    /// Applies a path to every element and lists what is found.
    fn each(&mut self, starts: &[usize], path: &'p [u8], budget: Budget<'_>) -> Result<(), TooComplex> {
        let (path, pipe) = split_pipe(path).map_or((path, None), |(path, pipe)| (path, Some(pipe)));
        self.pipe = pipe.or(self.pipe);
        let mut list = vec![b'['];
        for start in starts {
            let start = crate::json::syntax::skip_space(self.json, *start);
            if self.json.get(start).is_none_or(|byte| *byte == b']') {
                continue;
            }
            let (_, Some(element)) = scan::any(self.json, start) else { continue };
            if let Some(result) = get(&element.raw, path, budget)? {
                budget.write(result.raw.len() + 1)?;
                if list.len() > 1 {
                    list.push(b',');
                }
                list.extend_from_slice(&result.raw);
            }
        }
        list.push(b']');
        self.found = Some(Value::built(list));
        Ok(())
    }
}

/// What became of one value of an object or array.
enum Step<'j> {
    /// The search ended inside of it.
    Over(usize),
    /// It does not end.
    Broken,
    /// It ends here; nothing if it was searched from inside without success.
    Passed(usize, Option<Value<'j>>),
}

/// What a query over all elements has selected so far.
struct Selection<'p> {
    /// The path applied to selected elements.
    rest: Option<&'p [u8]>,
    all: bool,
    list: Vec<u8>,
}

impl<'p> Selection<'p> {
    fn new(step: &ArrayStep<'p>, tail: Tail<'p>) -> Self {
        let all = matches!(step, ArrayStep::Query(query) if query.all);
        let rest = match tail {
            Tail::Steps(rest) => Some(rest),
            Tail::End | Tail::Pipe(_) => None,
        };
        Self { rest, all, list: Vec::new() }
    }

    fn push(&mut self, result: &Value<'_>) {
        self.list.push(if self.list.is_empty() { b'[' } else { b',' });
        self.list.extend_from_slice(&result.raw);
    }

    /// The selected values as an array, if all were asked for.
    fn list<'j>(&mut self) -> Option<Value<'j>> {
        if !self.all {
            return None;
        }
        let mut list = std::mem::take(&mut self.list);
        if list.is_empty() {
            list.push(b'[');
        }
        list.push(b']');
        Some(Value::built(list))
    }
}
