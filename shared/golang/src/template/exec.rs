//! Walks the nodes of a template and writes its output.

use std::sync::Arc;

use super::error::ExecError;
use super::eval::weight;
use super::node::{Branch, Command, ListId, Node, NodeKind, Operand, Pipe, Shown, Tree};
use super::{MissingKey, Parsed, stack};
use crate::budget::{Budget, Exhausted};
use crate::fmt;
use crate::literal;
use crate::value::{Element, List, MAX_TEXT, Map, Value, deep_size};

/// How many bytes of a result are made for the price of one step.
const BYTES_PER_STEP: usize = 64;

/// How many variables are looked at for the price of one step.
const VARIABLES_PER_STEP: usize = 32;

/// Executes the main template.
pub(super) fn execute(parsed: &Parsed, budget: &mut Budget, data: &Value) -> Result<Vec<u8>, ExecError> {
    let dot = Seen { value: data.clone(), boxed: false };
    let mut exec = Exec {
        parsed,
        tree: &parsed.tree,
        template: parsed.name.as_bytes(),
        at: At::Nowhere,
        out: Vec::new(),
        variables: vec![(Arc::from("$"), dot.clone())],
        budget,
        depth: 0,
    };
    let run = match parsed.tree.templates.get(parsed.name.as_bytes()) {
        Some(main) => exec.list(&dot, *main).map(|_| ()),
        None => Err(exec.error("the template is empty")),
    };
    run.map(|()| exec.out).map_err(|error| *error)
}

pub(super) type Result<T, E = Box<ExecError>> = std::result::Result<T, E>;

/// A value, and whether Go would see it through an `interface {}`: as an item of a list or a map of anything.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) value: Value,
    pub(super) boxed: bool,
}

impl Seen {
    pub(super) fn plain(value: Value) -> Self {
        Self { value, boxed: false }
    }

    /// Go's invalid value: nothing was there.
    pub(super) fn nothing() -> Self {
        Self::plain(Value::Nil)
    }

    pub(super) fn is_nothing(&self) -> bool {
        !self.boxed && self.value.is_nil()
    }

    fn item(element: Element, value: Value) -> Self {
        Self { value, boxed: element == Element::Any }
    }

    /// An entry of a map, as Go sees it.
    pub(super) fn entry(map: &Map, value: Value) -> Self {
        Self { value, boxed: !matches!(map.element(), Element::Str | Element::Texts) }
    }
}

/// The part of the tree that errors name.
#[derive(Clone, Copy)]
pub(super) enum At<'t> {
    Nowhere,
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
}

/// How the walk goes on behind a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

pub(super) struct Exec<'t> {
    pub(super) parsed: &'t Parsed,
    pub(super) tree: &'t Tree,
    template: &'t [u8],
    pub(super) at: At<'t>,
    out: Vec<u8>,
    variables: Vec<(Arc<str>, Seen)>,
    budget: &'t mut Budget,
    depth: usize,
}

impl<'t> Exec<'t> {
    fn list(&mut self, dot: &Seen, list: ListId) -> Result<Flow> {
        let tree = self.tree;
        for node in &tree.lists[list] {
            self.step()?;
            self.at = At::Node(node);
            let flow = self.node(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn node(&mut self, dot: &Seen, node: &'t Node) -> Result<Flow> {
        match &node.kind {
            NodeKind::Text(text) => self.write(text)?,
            NodeKind::Action(pipe) => {
                let seen = self.pipeline(dot, *pipe)?;
                if self.tree.pipes[*pipe].variables.is_empty() {
                    self.at = At::Node(node);
                    self.print(node, &seen.value)?;
                }
            }
            NodeKind::If(branch) => return self.branch(dot, branch, false),
            NodeKind::With(branch) => return self.branch(dot, branch, true),
            NodeKind::Range(branch) => return self.range(dot, branch),
            NodeKind::Template { name, pipe } => self.template(dot, name, *pipe)?,
            NodeKind::Break => return Ok(Flow::Break),
            NodeKind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn branch(&mut self, dot: &Seen, branch: &'t Branch, rebinds: bool) -> Result<Flow> {
        let mark = self.variables.len();
        let seen = self.pipeline(dot, branch.pipe)?;
        let flow = if seen.value.is_true() {
            self.nested(|exec| exec.list(if rebinds { &seen } else { dot }, branch.body))?
        } else {
            self.otherwise(dot, branch)?
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn otherwise(&mut self, dot: &Seen, branch: &'t Branch) -> Result<Flow> {
        match branch.otherwise {
            Some(list) => self.nested(|exec| exec.list(dot, list)),
            None => Ok(Flow::Next),
        }
    }

    fn range(&mut self, dot: &Seen, branch: &'t Branch) -> Result<Flow> {
        let mark = self.variables.len();
        let seen = self.pipeline(dot, branch.pipe)?;
        let mut flow = self.iterate(&seen.value, branch)?;
        if flow.is_none() {
            flow = Some(self.otherwise(dot, branch)?);
        }
        self.variables.truncate(mark);
        Ok(flow.unwrap_or(Flow::Next))
    }

    /// Executes the body for each item; `None` if there was no item.
    fn iterate(&mut self, value: &Value, branch: &'t Branch) -> Result<Option<Flow>> {
        let number = match value {
            Value::Object(object) => object.underlying(),
            _ => None,
        };
        match number.as_ref().unwrap_or(value) {
            Value::Int(count) => self.count(*count, Value::Int, branch),
            Value::Int64(count) => self.count(*count, Value::Int64, branch),
            Value::Uint(count) => {
                let count = i64::try_from(*count).unwrap_or(i64::MAX);
                self.count(count, |number| Value::Uint(number.unsigned_abs()), branch)
            }
            Value::Byte(count) => self.count((*count).into(), |number| Value::Byte(number as u8), branch),
            Value::List(list) => self.items(list, branch),
            Value::Map(map) => {
                // All entries are copied first, as in Go, and are there as long as the loop is.
                let bytes = map.len() * 2 * size_of::<Value>();
                self.steps(weight(value))?;
                self.take(bytes)?;
                let entries = map.entries().into_iter();
                let entries =
                    entries.map(|(key, value)| (Seen::plain(Value::Str(key)), Seen::entry(map, value)));
                let flow = self.each(entries, branch)?;
                self.budget.give_back(bytes);
                Ok(flow)
            }
            Value::Nil => Ok(None),
            other => Err(self.error(format!("range can't iterate over {}", other.type_name()))),
        }
    }

    fn items(&mut self, list: &List, branch: &'t Branch) -> Result<Option<Flow>> {
        let element = list.element();
        let items = (0..list.len()).filter_map(|index| Some((index, list.get(index)?)));
        self.each(
            items.map(|(index, item)| (Seen::plain(Value::Int(index as i64)), Seen::item(element, item))),
            branch,
        )
    }

    fn count(&mut self, count: i64, number: fn(i64) -> Value, branch: &'t Branch) -> Result<Option<Flow>> {
        if self.tree.pipes[branch.pipe].variables.len() > 1 {
            return Err(self.error("can't use a number to iterate over more than one variable"));
        }
        self.each((0..count).map(|index| (Seen::nothing(), Seen::plain(number(index)))), branch)
    }

    fn each(
        &mut self,
        items: impl Iterator<Item = (Seen, Seen)>,
        branch: &'t Branch,
    ) -> Result<Option<Flow>> {
        let pipe = &self.tree.pipes[branch.pipe];
        let mark = self.variables.len();
        let mut any = None;
        for (index, item) in items {
            self.step()?;
            any = Some(Flow::Next);
            match (pipe.variables.as_slice(), pipe.assigns) {
                ([], _) => {}
                ([one], true) => self.set_variable(one, item.clone())?,
                ([first, second, ..], true) => {
                    self.set_variable(first, index)?;
                    self.set_variable(second, item.clone())?;
                }
                ([_], false) => self.set_top(1, item.clone()),
                ([_, _, ..], false) => {
                    self.set_top(1, item.clone());
                    self.set_top(2, index);
                }
            }
            let flow = self.nested(|exec| exec.list(&item, branch.body))?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(any)
    }

    fn template(&mut self, dot: &Seen, name: &'t [u8], pipe: Option<usize>) -> Result<()> {
        let Some(body) = self.tree.templates.get(name).copied() else {
            let shown = String::from_utf8_lossy(&literal::quote(name)).into_owned();
            return Err(self.error(format!("template {shown} not defined")));
        };
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Seen::nothing(),
        };
        let outer_template = std::mem::replace(&mut self.template, name);
        let outer_variables = std::mem::replace(&mut self.variables, vec![(Arc::from("$"), dot.clone())]);
        self.nested(|exec| exec.list(&dot, body))?;
        self.template = outer_template;
        self.variables = outer_variables;
        Ok(())
    }

    fn print(&mut self, node: &'t Node, value: &Value) -> Result<()> {
        match value {
            Value::Str(text) => self.write(text),
            Value::Nil => self.write(b"<no value>"),
            Value::Func(_) => {
                let shown = Shown(self.tree, node).to_string();
                Err(self.error(format!("can't print {shown} of type {}", value.type_name())))
            }
            other => {
                let text = fmt::display(other).map_err(|error| self.error(error.to_string()))?;
                self.write(&text)
            }
        }
    }

    fn write(&mut self, text: &[u8]) -> Result<()> {
        if text.len() > self.parsed.limits.output.saturating_sub(self.out.len()) {
            return Err(self.limit("the output is longer than allowed"));
        }
        self.take(text.len())?;
        self.out.extend_from_slice(text);
        Ok(())
    }

    pub(super) fn variable(&mut self, name: &str) -> Result<Seen> {
        let place = self.place_of(name)?;
        Ok(self.variables[place].1.clone())
    }

    /// Where the innermost variable of this name is. A template may have thousands, which are looked through.
    fn place_of(&mut self, name: &str) -> Result<usize> {
        let found = self.variables.iter().rposition(|(known, _)| **known == *name);
        self.steps(((self.variables.len() - found.unwrap_or(0)) / VARIABLES_PER_STEP) as u64)?;
        found.ok_or_else(|| self.error(format!("undefined variable: {name}")))
    }

    pub(super) fn push_variable(&mut self, name: Arc<str>, seen: Seen) {
        self.variables.push((name, seen));
    }

    pub(super) fn set_variable(&mut self, name: &str, seen: Seen) -> Result<()> {
        let place = self.place_of(name)?;
        self.variables[place].1 = seen;
        Ok(())
    }

    fn set_top(&mut self, place: usize, seen: Seen) {
        let index = self.variables.len().checked_sub(place);
        if let Some((_, slot)) = index.and_then(|index| self.variables.get_mut(index)) {
            *slot = seen;
        }
    }

    /// Executes one level deeper.
    pub(super) fn nested<T: Send>(&mut self, run: impl FnOnce(&mut Self) -> Result<T> + Send) -> Result<T> {
        if self.depth >= self.parsed.limits.nesting {
            return Err(self.limit("exceeded maximum template depth"));
        }
        let depth = self.depth;
        self.steps(stack::price(depth))?;
        self.depth += 1;
        let result = stack::level(depth, || run(self));
        self.depth = depth;
        result.unwrap_or_else(|| Err(self.limit("no stack left to go deeper")))
    }

    pub(super) fn step(&mut self) -> Result<()> {
        self.steps(1)
    }

    pub(super) fn steps(&mut self, count: u64) -> Result<()> {
        self.budget.step(count).map_err(|exhausted| self.exhausted(exhausted))
    }

    /// Accounts for what a function returned for these arguments.
    pub(super) fn charge(&mut self, value: &Value, args: &[Value]) -> Result<()> {
        let bytes = match value {
            // Functions that change a dict return it. It has grown by an entry, or by those of other dicts.
            Value::Map(map) if args.iter().any(|arg| matches!(arg, Value::Map(it) if it.same(map))) => {
                let added: usize =
                    args.iter().skip(1).map(|arg| if let Value::Map(it) = arg { it.len() } else { 1 }).sum();
                added * 4 * size_of::<Value>()
            }
            Value::Str(text) if text.len() > 2 * MAX_TEXT => {
                return Err(self.limit("a text is longer than allowed"));
            }
            Value::Str(text) => text.len(),
            Value::List(list) => list.len() * size_of::<Value>(),
            Value::Map(map) => map.len() * 4 * size_of::<Value>(),
            _ => 0,
        };
        self.take(bytes)
    }

    /// Accounts for a result with all that is in it.
    pub(super) fn charge_deeply(&mut self, value: &Value) -> Result<()> {
        self.take(deep_size(value, self.budget.bytes_left()))
    }

    /// Room for something new, and the time that it takes to make it.
    fn take(&mut self, bytes: usize) -> Result<()> {
        let taken = self.budget.take(bytes).and_then(|()| self.budget.step((bytes / BYTES_PER_STEP) as u64));
        taken.map_err(|exhausted| self.exhausted(exhausted))
    }

    pub(super) fn fails_on_missing(&self) -> bool {
        self.parsed.missing_key == MissingKey::Error
    }

    fn exhausted(&self, exhausted: Exhausted) -> Box<ExecError> {
        self.limit(&format!("the template {exhausted}"))
    }

    fn limit(&self, message: &str) -> Box<ExecError> {
        let mut error = self.error(message);
        error.limit = true;
        error
    }

    /// An error at the current place.
    pub(super) fn error(&self, message: impl Into<String>) -> Box<ExecError> {
        let (at, context) = match self.at {
            At::Nowhere => (0, String::new()),
            At::Node(node) => (node.at, Shown(self.tree, node).to_string()),
            At::Pipe(pipe) => (pipe.at, Shown(self.tree, pipe).to_string()),
            At::Command(command) => (command.at, Shown(self.tree, command).to_string()),
            At::Operand(operand) => (operand.at, Shown(self.tree, operand).to_string()),
        };
        let before = &self.parsed.text[..at.min(self.parsed.text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        Box::new(ExecError {
            name: self.parsed.name.clone(),
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: before.len() - line_start,
            template: String::from_utf8_lossy(&literal::quote(self.template)).into_owned(),
            context: shortened(context),
            message: message.into(),
            limit: false,
        })
    }
}

/// A part of a template may be as long as the whole.
fn shortened(mut context: String) -> String {
    const LONGEST: usize = 1_000;
    if let Some((end, _)) = context.char_indices().nth(LONGEST) {
        context.truncate(end);
        context.push_str("...");
    }
    context
}
