//! Functions and the types of their parameters.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Element, Value};

/// The type of a parameter: what a template may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: anything, nil included.
    Any,
    /// `reflect.Value`: anything, nil included; what Go's builtins take.
    Raw,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `float64`.
    Float,
    /// `string`.
    Str,
    /// `map[string]interface {}`; nil is an empty map.
    Dict,
    /// `[]interface {}`; nil is an empty list.
    List,
    /// The type of an [`Object`](super::Object) by its name, such as `time.Time`.
    Named(&'static str),
}

impl Type {
    /// Go's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Raw => "reflect.Value",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Str => "string",
            Self::Dict => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Named(name) => name,
        }
    }

    /// Whether nil may be passed.
    pub fn takes_nil(self) -> bool {
        match self {
            Self::Any | Self::Raw | Self::Dict | Self::List => true,
            Self::Named(name) => name.starts_with('*'),
            Self::Bool | Self::Int | Self::Int64 | Self::Uint32 | Self::Float | Self::Str => false,
        }
    }

    /// Whether a value that is not nil may be passed. As in Go there is no conversion between numbers.
    pub fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any | Self::Raw, _)
            | (Self::Bool, Value::Bool(_))
            | (Self::Int, Value::Int(_))
            | (Self::Int64, Value::Int64(_))
            | (Self::Float, Value::Float(_))
            | (Self::Str, Value::Str(_)) => true,
            (Self::Dict, Value::Map(map)) => map.element() == Element::Any,
            (Self::List, Value::List(list)) => list.element() == Element::Any,
            (Self::Named(name), Value::Object(object)) => object.type_name() == name,
            _ => false,
        }
    }
}

/// The parameters of a function or a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The parameters that must be there.
    pub fixed: Cow<'static, [Type]>,
    /// The type of any number of further arguments.
    pub rest: Option<Type>,
}

impl Signature {
    /// A function of exactly these parameters.
    pub const fn exactly(fixed: &'static [Type]) -> Self {
        Self { fixed: Cow::Borrowed(fixed), rest: None }
    }

    /// A function of these parameters and any number of further ones.
    pub const fn with_rest(fixed: &'static [Type], rest: Type) -> Self {
        Self { fixed: Cow::Borrowed(fixed), rest: Some(rest) }
    }

    /// The type of the argument at an index, from 0.
    pub fn parameter(&self, index: usize) -> Option<Type> {
        self.fixed.get(index).copied().or(self.rest)
    }
}

/// Why a function failed.
///
/// The message must not quote an argument, because arguments are often secret. [`FuncError::spoken`] is the one
/// exception: its text is an argument, and the engine shows it only if the template spells it out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FuncError {
    message: Cow<'static, str>,
    spoken: bool,
}

impl FuncError {
    /// An error with a message that quotes no argument.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), spoken: false }
    }

    /// An error whose message is an argument, as `fail` raises it.
    pub fn spoken(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), spoken: true }
    }

    /// Whether the message is an argument.
    pub fn is_spoken(&self) -> bool {
        self.spoken
    }

    /// The result would be longer than a function may produce.
    pub fn too_large() -> Self {
        Self::new("the result is too large")
    }

    /// The value is nested deeper than functions follow.
    pub fn too_deep() -> Self {
        Self::new("the value is nested too deeply")
    }
}

impl From<super::Cycle> for FuncError {
    fn from(cycle: super::Cycle) -> Self {
        Self::new(cycle.to_string())
    }
}

type Body = dyn Fn(&[Value]) -> Result<Value, FuncError> + Send + Sync;

/// A function with its parameters. Arguments are checked before it is called, so it may rely on their types.
#[derive(Clone)]
pub struct Func {
    signature: Signature,
    body: Arc<Body>,
    price: Price,
    fresh: bool,
}

/// The steps that a call costs beyond its own one and those of reading its arguments.
#[derive(Clone, Copy)]
enum Price {
    Fixed(u64),
    By(fn(&[Value]) -> u64),
}

impl Func {
    /// A function of this signature.
    pub fn new(
        signature: Signature,
        body: impl Fn(&[Value]) -> Result<Value, FuncError> + Send + Sync + 'static,
    ) -> Self {
        Self { signature, body: Arc::new(body), price: Price::Fixed(0), fresh: false }
    }

    /// The same function, of which each call counts as so many steps: for those that take long.
    #[must_use]
    pub fn with_cost(self, cost: u64) -> Self {
        Self { price: Price::Fixed(cost), ..self }
    }

    /// The same function, of which the arguments tell how many steps a call counts as.
    #[must_use]
    pub fn with_cost_by(self, cost: fn(&[Value]) -> u64) -> Self {
        Self { price: Price::By(cost), ..self }
    }

    /// The same function, of which each result is accounted for with all that is in it: for those that build nested
    /// lists or dicts, such as readers of documents.
    #[must_use]
    pub fn with_fresh_result(self) -> Self {
        Self { fresh: true, ..self }
    }

    /// Whether each result is new down to its leaves.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// How many steps a call with these arguments counts as, beyond its own one and those of reading them.
    pub fn price(&self, args: &[Value]) -> u64 {
        match self.price {
            Price::Fixed(cost) => cost,
            Price::By(cost) => cost(args),
        }
    }

    /// The parameters.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Calls the function. The arguments must fit the signature.
    ///
    /// # Errors
    /// What the function itself refuses.
    pub fn call(&self, args: &[Value]) -> Result<Value, FuncError> {
        (self.body)(args)
    }

    pub(super) fn type_name(&self) -> String {
        let mut parameters: Vec<String> = self.signature.fixed.iter().map(|t| t.name().to_owned()).collect();
        parameters.extend(self.signature.rest.map(|rest| format!("...{}", rest.name())));
        format!("func({}) interface {{}}", parameters.join(", "))
    }
}
