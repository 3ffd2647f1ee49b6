//! Values with methods: times, durations, versions, certificates.

use std::any::Any;

use super::{FuncError, Signature, Value};

/// Go's `reflect.Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Go's")]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int64,
    Uint8,
    Uint64,
    Float64,
    Complex128,
    String,
    Slice,
    Map,
    Struct,
    Pointer,
    Func,
}

impl Kind {
    /// Go's name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Pointer => "ptr",
            Self::Func => "func",
        }
    }
}

/// A Go type with a name of its own: a struct such as `time.Time`, or a named number such as `time.Month`.
pub trait Object: Any + Send + Sync {
    /// Go's name of the type, such as `time.Time`.
    fn type_name(&self) -> &'static str;

    /// Go's kind of the type.
    fn kind(&self) -> Kind {
        Kind::Struct
    }

    /// The number that a named number type is; `None` for structs.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// What the `String` method returns, if the type has one.
    fn text(&self) -> Option<Vec<u8>> {
        None
    }

    /// The exported fields of a struct, in their order.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// What JSON has for the value, if the type marshals itself.
    fn json(&self) -> Option<Value> {
        None
    }

    /// The parameters of a method; `None` if there is no such method.
    fn method(&self, name: &str) -> Option<Signature> {
        let _ = name;
        None
    }

    /// Calls a method that [`Object::method`] knows, with arguments that fit its parameters.
    ///
    /// # Errors
    /// What the method itself refuses.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, FuncError> {
        let _ = args;
        Err(FuncError::new(format!("no method {name}")))
    }

    /// Whether Go's `==` (for comparable types) and `reflect.DeepEqual` hold between this and another value.
    fn equals(&self, other: &dyn Object) -> bool;

    /// For downcasts.
    fn as_any(&self) -> &dyn Any;
}
