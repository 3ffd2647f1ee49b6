//! `rewrite`: operations on all keys of an entry, one after the other.
//!
//! Each operation may make keys longer, and the next one starts from those: three of them can ask for more bytes than
//! there are. So every new key takes its room from the budget, and is refused above [`LONGEST`].

mod merge;

use super::error::{EntryProblem, RewriteProblem};
use super::functions::Functions;
use super::keys::{Data, key_of};
use super::room::{Room, take_apart};
use crate::declaration::{Merge, Rewrite};
use pawl_golang::budget::Budget;
use pawl_golang::regexp::{Regexp, RegexpError, expanding};
use pawl_golang::template::{Options, Template};
use pawl_golang::value::Value;

/// The longest key between two operations, in bytes. A Secret takes 253; a later operation may shorten the key.
pub(super) const LONGEST: usize = 64 << 10;

/// One operation, compiled.
#[derive(Debug)]
pub(super) enum Operation {
    Regexp { source: Regexp, target: String },
    Transform(Template),
    Merge(Merge),
}

/// Compiles the operations of an entry.
pub(super) fn compile(
    rewrite: &[Rewrite],
    functions: &Functions,
    room: &mut Room,
) -> Result<Vec<Operation>, EntryProblem> {
    let compile = |(operation, rewrite)| {
        let compiled = Operation::of(rewrite, functions, room);
        compiled.map_err(|problem| EntryProblem::Rewrite { operation, problem })
    };
    rewrite.iter().enumerate().map(compile).collect()
}

/// Applies the operations in order.
pub(super) fn apply(operations: &[Operation], data: Data, budget: &mut Budget) -> Result<Data, EntryProblem> {
    operations.iter().enumerate().try_fold(data, |data, (operation, it)| {
        it.apply(data, budget).map_err(|problem| EntryProblem::Rewrite { operation, problem })
    })
}

impl Operation {
    fn of(rewrite: &Rewrite, functions: &Functions, room: &mut Room) -> Result<Self, RewriteProblem> {
        Ok(match rewrite {
            Rewrite::Regexp { source, target } => {
                let source = Regexp::new(source)?;
                room.patterns.step(source.price()).map_err(|_| RegexpError::TooLarge)?;
                room.compiled += source.size();
                Self::Regexp { source, target: target.clone() }
            }
            Rewrite::Transform { template } => {
                let mut options = Options::new(functions.table());
                options.limits.parts = room.parts;
                let template = Template::parse("transform", template, &options);
                let template = template.map_err(|error| RewriteProblem::Parse(error.into()))?;
                room.parts = room.parts.saturating_sub(template.parts());
                Self::Transform(template)
            }
            Rewrite::Merge(merge) => Self::Merge(merge.clone()),
        })
    }

    /// The template in it, if there is one.
    pub(super) fn template(&self) -> Option<&Template> {
        match self {
            Self::Transform(template) => Some(template),
            Self::Regexp { .. } | Self::Merge(_) => None,
        }
    }

    fn apply(&self, data: Data, budget: &mut Budget) -> Result<Data, RewriteProblem> {
        match self {
            Self::Regexp { source, target } => rekeyed(data, |key| {
                budget.step(source.price_of_search(key.len()))?;
                // At each sign there may be a match, for which the target is read.
                budget.step(expanding(key.len(), target.len()))?;
                let replaced = source.replace_all_within(LONGEST, key, target);
                let new = replaced.ok_or(RewriteProblem::TooLong)?;
                budget.take(new.len())?;
                Ok(key_of(new))
            }),
            Self::Transform(template) => rekeyed(data, |key| {
                let new = template.execute_within(budget, &Value::string_map([("value", key)]));
                let new = new.map_err(|error| RewriteProblem::Execute(error.into()))?;
                if new.len() > LONGEST { Err(RewriteProblem::TooLong) } else { Ok(key_of(new)) }
            }),
            Self::Merge(merge) => {
                for value in data.values() {
                    budget.read(value.len().saturating_mul(4))?;
                    take_apart(value, budget)?;
                }
                merge::apply(merge, data)
            }
        }
    }
}

/// Each value under its new key. Of two keys that become one, the later in the order of the old ones wins; in ESO it is
/// either of them, anew at each refresh.
fn rekeyed(
    data: Data,
    mut new_key: impl FnMut(&str) -> Result<String, RewriteProblem>,
) -> Result<Data, RewriteProblem> {
    data.into_iter().map(|(key, value)| Ok((new_key(&key)?, value))).collect()
}
