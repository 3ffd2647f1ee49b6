//! Go's `text/template`: parse once, execute many times, from any thread.
//!
//! Everything that Go refuses at parse time (undefined functions and variables, unbalanced actions, bad numbers) is a
//! [`ParseError`]; everything else that goes wrong is an [`ExecError`]. Both have Go's words and positions, except that
//! no error quotes a value of the data.
//!
//! Start reading at `parse.rs` (what a template is) and `exec.rs` (what it does); `eval.rs` has the expressions.

mod builtins;
mod compare;
mod error;
mod escape;
mod eval;
mod exec;
mod field;
mod lex;
mod node;
mod number;
mod parse;
mod stack;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub use error::{ExecError, ParseError};
pub use escape::query as query_escaped;

use crate::budget::Budget;
use crate::value::{Func, MAX_TEXT, Value};

/// A parsed template with the templates that it defines.
#[derive(Clone)]
pub struct Template {
    inner: Arc<Parsed>,
}

struct Parsed {
    name: String,
    text: Arc<[u8]>,
    tree: node::Tree,
    missing_key: MissingKey,
    limits: Limits,
}

impl Template {
    /// Parses a template. The name appears in errors, and the template can call itself by it.
    ///
    /// # Errors
    /// The first thing that Go would refuse, with its line.
    pub fn parse(name: &str, text: impl AsRef<[u8]>, options: &Options<'_>) -> Result<Self, ParseError> {
        let text = text.as_ref();
        let tree = parse::parse(name, text, options)?;
        let (missing_key, limits) = (options.missing_key, options.limits);
        let inner = Parsed { name: name.to_owned(), text: Arc::from(text), tree, missing_key, limits };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Executes the template on the data, which is `.` and `$` in it, with the default [`Budget`].
    ///
    /// Functions such as `set` can change the data if it is a dict.
    ///
    /// # Errors
    /// The first thing that fails, with its position, or the limit that was reached. There is no partial output.
    pub fn execute(&self, data: &Value) -> Result<Vec<u8>, ExecError> {
        self.execute_within(&mut Budget::default(), data)
    }

    /// As [`Template::execute`], within what is left of a budget: for templates that belong together.
    ///
    /// # Errors
    /// As [`Template::execute`].
    pub fn execute_within(&self, budget: &mut Budget, data: &Value) -> Result<Vec<u8>, ExecError> {
        exec::execute(&self.inner, budget, data)
    }

    /// The name that the template was parsed with.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// How many operands and pipelines it has, which says how much memory it takes.
    pub fn parts(&self) -> usize {
        self.inner.tree.parts
    }

    /// The names of the functions that the text calls anywhere, Go's builtins among them.
    pub fn functions(&self) -> BTreeSet<&str> {
        self.inner.tree.functions()
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({})", self.inner.name)
    }
}

/// How a template is read and executed.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The left delimiter; `{{` if empty.
    pub left: &'a str,
    /// The right delimiter; `}}` if empty.
    pub right: &'a str,
    /// What `.key` gives when a map has no such key.
    pub missing_key: MissingKey,
    /// The functions beside Go's builtins, which they may replace.
    pub functions: &'a Functions,
    /// What one execution may use.
    pub limits: Limits,
}

impl<'a> Options<'a> {
    /// Go's defaults, with these functions.
    pub fn new(functions: &'a Functions) -> Self {
        Self { left: "", right: "", missing_key: MissingKey::default(), functions, limits: Limits::default() }
    }
}

/// Go's option `missingkey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// `<no value>`.
    #[default]
    Invalid,
    /// The zero value of the entries' type: an empty string, or nil.
    Zero,
    /// An error.
    Error,
}

/// How deep a template may nest and how much it may write before it fails with a clear error. Time and memory are
/// bounded by the [`Budget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels of blocks, parentheses and template calls within one another.
    pub nesting: usize,
    /// Bytes of output.
    pub output: usize,
    /// Operands and pipelines in the text; each takes some hundred bytes.
    pub parts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nesting: 4_000, output: MAX_TEXT, parts: 1 << 16 }
    }
}

/// A table of functions by name.
#[derive(Clone, Default)]
pub struct Functions {
    by_name: HashMap<String, Func>,
}

impl Functions {
    /// An empty table: Go's builtins only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, in place of one that has the same name.
    pub fn insert(&mut self, name: impl Into<String>, func: Func) {
        self.by_name.insert(name.into(), func);
    }

    /// The function of a name.
    pub fn get(&self, name: &str) -> Option<&Func> {
        self.by_name.get(name)
    }

    /// The names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

impl Extend<(String, Func)> for Functions {
    fn extend<T: IntoIterator<Item = (String, Func)>>(&mut self, functions: T) {
        self.by_name.extend(functions);
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
