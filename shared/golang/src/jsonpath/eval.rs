//! Following a path. Source: `path.go` and `selector.go` of jsonpath, and the conversions of gval.

use super::NoValue;
use super::path::{Node, Step};
use crate::budget::{Budget, Exhausted};
use crate::fmt::display;
use crate::json::Tree;
use crate::number::{FloatBits, parse_float, parse_int};
use crate::value::Value;
use std::borrow::Cow;

/// What a value that is looked at takes until the end.
const PLACE: usize = 64;
/// What a part of a copied document takes.
const PART: usize = 64;

static NULL: Tree = Tree::Null;

/// What the expression is in the document.
pub(super) fn find<'v>(
    node: &'v Node,
    document: &'v Tree,
    budget: &mut Budget,
) -> Result<Cow<'v, Tree>, NoValue> {
    Walk { budget }.value(node, At { root: document, current: &NULL })
}

/// What an expression of constants is, without a document; `None` where it is nothing.
pub(super) fn constant(node: &Node) -> Option<Tree> {
    find(node, &NULL, &mut Budget::default()).ok().map(Cow::into_owned)
}

/// Where an expression stands.
#[derive(Clone, Copy)]
struct At<'v> {
    root: &'v Tree,
    /// What `@` is.
    current: &'v Tree,
}

struct Walk<'b> {
    budget: &'b mut Budget,
}

type Found<'v> = Result<Cow<'v, Tree>, NoValue>;

impl Walk<'_> {
    fn value<'v>(&mut self, node: &'v Node, at: At<'v>) -> Found<'v> {
        self.budget.step(1)?;
        match node {
            Node::Constant(value) => Ok(Cow::Borrowed(value)),
            Node::Negative(of) => {
                let number = self.value(of, at).map(|value| number(&value))?;
                Ok(Cow::Owned(Tree::Float(-number.ok_or(NoValue::Nothing)?)))
            }
            Node::Equal { left, right, wanted } => {
                let (left, right) = (self.value(left, at)?, self.value(right, at)?);
                self.visit(&left)?;
                Ok(Cow::Owned(Tree::Bool((left == right) == *wanted)))
            }
            Node::Variable(keys) => self.variable(keys, at).map(Cow::Borrowed),
            Node::Call => Err(NoValue::Nothing),
            Node::Path(steps) => self.path(steps, at),
        }
    }

    /// Source: gval's `variable`. A list that lacks an item is passed over as if it were not named.
    fn variable<'v>(&mut self, keys: &'v [Node], at: At<'v>) -> Result<&'v Tree, NoValue> {
        let mut value = at.root;
        for key in keys {
            let key = self.text(key, at)?;
            value = match value {
                Tree::Map(members) => members.get(&key).unwrap_or(&NULL),
                Tree::List(items) => {
                    let index = parse_int(&key, 10, 64).ok().and_then(|index| usize::try_from(index).ok());
                    index.and_then(|index| items.get(index)).unwrap_or(value)
                }
                _ => return Err(NoValue::Nothing),
            };
        }
        Ok(value)
    }

    fn path<'v>(&mut self, steps: &'v [Step], at: At<'v>) -> Found<'v> {
        let is_plural = steps.iter().any(Step::is_plural);
        let mut values = vec![Cow::Borrowed(at.root)];
        for step in steps {
            let mut next = Vec::new();
            for value in values {
                match self.step(step, value, at, &mut next) {
                    Err(NoValue::Nothing) if is_plural => {}
                    outcome => outcome?,
                }
            }
            values = next;
        }
        if !is_plural {
            return values.pop().ok_or(NoValue::Nothing);
        }
        let items = values.into_iter().map(|value| self.owned(value)).collect::<Result<_, _>>()?;
        Ok(Cow::Owned(Tree::List(items)))
    }

    /// Appends what a step leads to from one value.
    fn step<'v>(
        &mut self,
        step: &'v Step,
        value: Cow<'v, Tree>,
        at: At<'v>,
        out: &mut Vec<Cow<'v, Tree>>,
    ) -> Result<(), NoValue> {
        self.budget.step(1)?;
        self.budget.take(PLACE)?;
        match step {
            Step::Current => out.push(Cow::Borrowed(at.current)),
            Step::Select(key) => {
                let place = self.place(key, &value, at)?;
                out.push(place.of(value).ok_or(NoValue::Nothing)?);
            }
            Step::Script(script) => {
                let found = match value {
                    Cow::Borrowed(current) => self.value(script, At { current, ..at })?,
                    Cow::Owned(current) => {
                        let found = self.value(script, At { current: &current, ..at })?;
                        Cow::Owned(self.owned(found)?)
                    }
                };
                out.push(found);
            }
            Step::Star => out.extend(self.parts(value)?),
            Step::Descend => self.descend(value, out)?,
            Step::Several(keys) => {
                for key in keys {
                    match self.place(key, &value, at) {
                        Ok(place) => {
                            let copy = self.copy(&value)?;
                            out.extend(place.of(copy));
                        }
                        Err(NoValue::Nothing) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Step::Filter(condition) => {
                for part in self.parts(value)? {
                    match self.holds(condition, &part, at) {
                        Ok(true) => out.push(part),
                        Ok(false) | Err(NoValue::Nothing) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Step::Slice(bounds) => self.slice(bounds, value, at, out)?,
        }
        Ok(())
    }

    /// The member or item that a key names in a value.
    fn place<'v>(&mut self, key: &'v Node, value: &'v Tree, at: At<'v>) -> Result<Place, NoValue> {
        let inside = At { current: value, ..at };
        match value {
            Tree::List(_) => {
                let index = usize::try_from(self.index(key, inside)?);
                Ok(Place::Item(index.map_err(|_| NoValue::Nothing)?))
            }
            Tree::Map(_) => self.text(key, inside).map(Place::Member),
            _ => Err(NoValue::Nothing),
        }
    }

    fn holds<'v>(&mut self, condition: &'v Node, part: &'v Tree, at: At<'v>) -> Result<bool, NoValue> {
        let value = self.value(condition, At { current: part, ..at })?;
        truth(&value).ok_or(NoValue::Nothing)
    }

    fn slice<'v>(
        &mut self,
        bounds: &'v [Node; 3],
        value: Cow<'v, Tree>,
        at: At<'v>,
        out: &mut Vec<Cow<'v, Tree>>,
    ) -> Result<(), NoValue> {
        let Tree::List(items) = &*value else { return Ok(()) };
        let inside = At { current: &value, ..at };
        let [from, to, step] = bounds;
        let (from, to) = (self.index(from, inside)?, self.index(to, inside)?);
        let step = self.index(step, inside)?;
        let Some(places) = places(from, to, step, items.len()) else { return Ok(()) };
        let mut parts: Vec<Option<Cow<'v, Tree>>> = self.parts(value)?.into_iter().map(Some).collect();
        out.extend(places.into_iter().filter_map(|place| parts.get_mut(place)?.take()));
        Ok(())
    }

    /// The value and all that is in it: each before what is in itself.
    fn descend<'v>(&mut self, value: Cow<'v, Tree>, out: &mut Vec<Cow<'v, Tree>>) -> Result<(), NoValue> {
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            let copy = self.copy(&value)?;
            let inside = self.parts(copy)?;
            out.push(value);
            open.extend(inside.into_iter().rev());
        }
        Ok(())
    }

    /// The members or items of a value; nothing has none.
    fn parts<'v>(&mut self, value: Cow<'v, Tree>) -> Result<Vec<Cow<'v, Tree>>, Exhausted> {
        let count = match &*value {
            Tree::List(items) => items.len(),
            Tree::Map(members) => members.len(),
            _ => 0,
        };
        self.budget.step(count as u64)?;
        self.budget.take(count.saturating_mul(PLACE))?;
        Ok(match value {
            Cow::Borrowed(Tree::List(items)) => items.iter().map(Cow::Borrowed).collect(),
            Cow::Borrowed(Tree::Map(members)) => members.values().map(Cow::Borrowed).collect(),
            Cow::Owned(Tree::List(items)) => items.into_iter().map(Cow::Owned).collect(),
            Cow::Owned(Tree::Map(members)) => members.into_values().map(Cow::Owned).collect(),
            _ => Vec::new(),
        })
    }

    /// Source: gval's `EvalInt`.
    fn index<'v>(&mut self, node: &'v Node, at: At<'v>) -> Result<i64, NoValue> {
        let value = self.value(node, at)?;
        number(&value).map(whole).ok_or(NoValue::Nothing)
    }

    /// Source: gval's `EvalString`.
    fn text<'v>(&mut self, node: &'v Node, at: At<'v>) -> Result<Vec<u8>, NoValue> {
        let value = self.value(node, at)?;
        self.visit(&value)?;
        match self.owned(value)? {
            Tree::Text(text) => Ok(text),
            other => display(&Value::from(other)).map_err(|_| NoValue::Exhausted(Exhausted::Bytes)),
        }
    }

    fn owned(&mut self, value: Cow<'_, Tree>) -> Result<Tree, Exhausted> {
        if let Cow::Borrowed(value) = value {
            let size = self.visit(value)?;
            self.budget.take(size)?;
        }
        Ok(value.into_owned())
    }

    /// The same value once more: what is borrowed costs nothing.
    fn copy<'v>(&mut self, value: &Cow<'v, Tree>) -> Result<Cow<'v, Tree>, Exhausted> {
        match value {
            Cow::Borrowed(value) => Ok(Cow::Borrowed(*value)),
            Cow::Owned(value) => self.owned(Cow::Borrowed(value)).map(Cow::Owned),
        }
    }

    /// Takes the steps of looking at all of a value, and says what room it takes.
    fn visit(&mut self, value: &Tree) -> Result<usize, Exhausted> {
        let (mut open, mut size) = (vec![value], 0_usize);
        while let Some(value) = open.pop() {
            self.budget.step(1)?;
            size = size.saturating_add(PART);
            match value {
                Tree::Text(text) => {
                    self.budget.read(text.len())?;
                    size = size.saturating_add(text.len());
                }
                Tree::List(items) => open.extend(items),
                Tree::Map(members) => {
                    size = members.keys().fold(size, |size, name| size.saturating_add(name.len()));
                    open.extend(members.values());
                }
                Tree::Null | Tree::Bool(_) | Tree::Int(_) | Tree::Uint(_) | Tree::Float(_) => {}
            }
        }
        Ok(size)
    }
}

/// A member or an item.
enum Place {
    Item(usize),
    Member(Vec<u8>),
}

impl Place {
    fn of(self, value: Cow<'_, Tree>) -> Option<Cow<'_, Tree>> {
        match (self, value) {
            (Self::Item(index), Cow::Borrowed(Tree::List(items))) => items.get(index).map(Cow::Borrowed),
            (Self::Item(index), Cow::Owned(Tree::List(items))) => {
                items.into_iter().nth(index).map(Cow::Owned)
            }
            (Self::Member(name), Cow::Borrowed(Tree::Map(members))) => members.get(&name).map(Cow::Borrowed),
            (Self::Member(name), Cow::Owned(Tree::Map(mut members))) => members.remove(&name).map(Cow::Owned),
            _ => None,
        }
    }
}

/// The places of a slice in a list of so many items; `None` where the bounds are the wrong way round, as they stand.
fn places(from: i64, to: i64, step: i64, count: usize) -> Option<Vec<usize>> {
    if from > to {
        return None;
    }
    let count = i64::try_from(count).ok()?;
    let within = |bound: i64| if bound < 0 { bound.saturating_add(count).max(0) } else { bound.min(count) };
    let (from, to) = (within(from), within(to));
    let (mut place, step) = if step < 0 { (to - 1, step) } else { (from, step.max(1)) };
    let mut places = Vec::new();
    while from <= place && place < to {
        places.push(usize::try_from(place).ok()?);
        // Beyond all numbers there is no item.
        let Some(next) = place.checked_add(step) else { break };
        place = next;
    }
    Some(places)
}

/// Source: gval's `convertToFloat`.
fn number(value: &Tree) -> Option<f64> {
    match value {
        Tree::Float(value) => Some(*value),
        Tree::Int(value) => Some(*value as f64),
        Tree::Uint(value) => Some(*value as f64),
        Tree::Text(text) => parse_float(text, FloatBits::B64).ok(),
        Tree::Null | Tree::Bool(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}

/// Go's `int(float64)` on the machines that ESO runs on: what is none is the lowest.
fn whole(value: f64) -> i64 {
    let is_within = value >= i64::MIN as f64 && value < i64::MAX as f64;
    if is_within { value as i64 } else { i64::MIN }
}

/// Source: gval's `convertToBool`.
fn truth(value: &Tree) -> Option<bool> {
    match value {
        Tree::Null => Some(false),
        Tree::Bool(value) => Some(*value),
        Tree::Text(text) => match text.as_slice() {
            b"true" | b"TRUE" => Some(true),
            b"false" | b"FALSE" => Some(false),
            _ => number(value).map(|number| number != 0.0),
        },
        _ => number(value).map(|number| number != 0.0),
    }
}
