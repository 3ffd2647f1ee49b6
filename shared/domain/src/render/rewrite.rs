//! `rewrite`: operations on all keys of an entry, one after the other.

mod merge;

use super::error::{EntryProblem, RewriteProblem};
use super::functions::Functions;
use super::keys::{Data, key_of};
use crate::declaration::{Merge, Rewrite};
use pawl_golang::regexp::Regexp;
use pawl_golang::template::{Options, Template};
use pawl_golang::value::Value;

/// One operation, compiled.
#[derive(Debug)]
pub(super) enum Operation {
    Regexp { source: Regexp, target: String },
    Transform(Template),
    Merge(Merge),
}

/// Compiles the operations of an entry.
pub(super) fn compile(rewrite: &[Rewrite], functions: &Functions) -> Result<Vec<Operation>, EntryProblem> {
    let compile = |(operation, rewrite)| {
        Operation::of(rewrite, functions).map_err(|problem| EntryProblem::Rewrite { operation, problem })
    };
    rewrite.iter().enumerate().map(compile).collect()
}

/// Applies the operations in order.
pub(super) fn apply(operations: &[Operation], data: Data) -> Result<Data, EntryProblem> {
    operations.iter().enumerate().try_fold(data, |data, (operation, it)| {
        it.apply(data).map_err(|problem| EntryProblem::Rewrite { operation, problem })
    })
}

impl Operation {
    fn of(rewrite: &Rewrite, functions: &Functions) -> Result<Self, RewriteProblem> {
        Ok(match rewrite {
            Rewrite::Regexp { source, target } => {
                Self::Regexp { source: Regexp::new(source)?, target: target.clone() }
            }
            Rewrite::Transform { template } => Self::Transform(
                Template::parse("transform", template, &Options::new(functions.table()))
                    .map_err(|error| RewriteProblem::Parse(error.into()))?,
            ),
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

    fn apply(&self, data: Data) -> Result<Data, RewriteProblem> {
        match self {
            Self::Regexp { source, target } => {
                rekeyed(data, |key| Ok(key_of(source.replace_all(key, target))))
            }
            Self::Transform(template) => rekeyed(data, |key| {
                let key = template.execute(&Value::string_map([("value", key)]));
                key.map(key_of).map_err(|error| RewriteProblem::Execute(error.into()))
            }),
            Self::Merge(merge) => merge::apply(merge, data),
        }
    }
}

/// Each value under its new key. Of two keys that become one, the later in the order of the old ones wins; in ESO it is
/// either of them, anew at each refresh.
fn rekeyed(
    data: Data,
    new_key: impl Fn(&str) -> Result<String, RewriteProblem>,
) -> Result<Data, RewriteProblem> {
    data.into_iter().map(|(key, value)| Ok((new_key(&key)?, value))).collect()
}
