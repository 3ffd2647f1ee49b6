//! JSON, written in a fixed order and read with the path of what is wrong.

use jiff::Timestamp;
use pawl_domain::grant::{Glob, HostPattern, Network};
use pawl_domain::{ClusterName, DeclarationId, Namespace, ObjectName, SetName};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write;
use std::time::Duration;

/// Something that stands in a document.
pub trait Part: Sized {
    /// Appends its JSON.
    fn write(&self, out: &mut Out);

    /// Takes it out of JSON.
    ///
    /// # Errors
    /// [`Fault`], with the path from here to the field.
    fn read(value: Value) -> Result<Self, Fault>;
}

/// What is wrong with a document, and at which field.
#[derive(Debug)]
pub struct Fault {
    path: String,
    reason: Cow<'static, str>,
}

impl Fault {
    pub(crate) fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { path: String::new(), reason: reason.into() }
    }

    /// The same, seen from the object that has the field.
    pub(crate) fn under(self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{name}.{}", self.path) };
        Self { path, ..self }
    }

    /// The same, seen from a map, whose keys are content and are not named.
    fn in_a_map(self) -> Self {
        let reason = match self.path.as_str() {
            "" => self.reason,
            path => format!("{path} {}", self.reason).into(),
        };
        Self { path: String::new(), reason: Cow::Owned(format!("{ENTRY}{reason}")) }
    }
}

/// Marks a fault in an entry whose key cannot be named.
const ENTRY: &str = "\u{1}";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.strip_prefix(ENTRY) {
            Some(reason) => write!(f, "an entry of {} {}", self.path, reason.replace(ENTRY, "")),
            None => write!(f, "{} {}", self.path, self.reason),
        }
    }
}

/// JSON in the making.
#[derive(Debug, Default)]
pub struct Out(Vec<u8>);

impl Out {
    pub(crate) fn into_text(self) -> String {
        // Whatever was appended was text.
        String::from_utf8(self.0).unwrap_or_default()
    }

    pub(crate) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        // Memory takes all that is written to it.
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    fn number(&mut self, number: u64) {
        let _ = write!(self.0, "{number}");
    }

    fn list<'a, T: Part + 'a>(&mut self, items: impl IntoIterator<Item = &'a T>) {
        self.raw("[");
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            item.write(self);
        }
        self.raw("]");
    }

    pub(crate) fn object(&mut self) -> Fields<'_> {
        self.raw("{");
        Fields { out: self, first: true }
    }
}

/// An object in the making.
pub(crate) struct Fields<'a> {
    out: &'a mut Out,
    first: bool,
}

impl Fields<'_> {
    pub(crate) fn field(&mut self, name: &str, value: &impl Part) {
        if !std::mem::take(&mut self.first) {
            self.out.raw(",");
        }
        self.out.text(name);
        self.out.raw(":");
        value.write(self.out);
    }

    pub(crate) fn end(self) {
        self.out.raw("}");
    }
}

/// An object that is being read.
pub(crate) struct Object(Map<String, Value>);

impl Object {
    pub(crate) fn of(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(Fault::new("is not an object")),
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    pub(crate) fn must<T: Part>(&mut self, name: &str) -> Result<T, Fault> {
        self.found(name)?.ok_or_else(|| Fault::new("is missing").under(name))
    }

    /// The field, or nothing where the document lacks it.
    pub(crate) fn found<T: Part>(&mut self, name: &str) -> Result<Option<T>, Fault> {
        self.take(name).map(|value| T::read(value).map_err(|fault| fault.under(name))).transpose()
    }
}

/// One of several things: its name, and what comes with it.
pub(crate) fn choice(value: Value) -> Result<(String, Value), Fault> {
    match value {
        Value::String(name) => Ok((name, Value::Null)),
        Value::Object(map) if map.len() == 1 => map.into_iter().next().ok_or_else(unknown),
        _ => Err(unknown()),
    }
}

/// Whether a field says nothing more than its absence would.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A choice that this version does not have.
pub(crate) fn unknown() -> Fault {
    Fault::new("is nothing that this version of Pawl knows")
}

impl Part for String {
    fn write(&self, out: &mut Out) {
        out.text(self);
    }

    fn read(value: Value) -> Result<Self, Fault> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(Fault::new("is not a text")),
        }
    }
}

impl Part for bool {
    fn write(&self, out: &mut Out) {
        out.raw(if *self { "true" } else { "false" });
    }

    fn read(value: Value) -> Result<Self, Fault> {
        value.as_bool().ok_or_else(|| Fault::new("is neither true nor false"))
    }
}

impl Part for u64 {
    fn write(&self, out: &mut Out) {
        out.number(*self);
    }

    fn read(value: Value) -> Result<Self, Fault> {
        value.as_u64().ok_or_else(|| Fault::new("is not a whole number in its range"))
    }
}

impl Part for u32 {
    fn write(&self, out: &mut Out) {
        out.number((*self).into());
    }

    fn read(value: Value) -> Result<Self, Fault> {
        u64::read(value)?.try_into().map_err(|_| Fault::new("is not a whole number in its range"))
    }
}

impl Part for Duration {
    fn write(&self, out: &mut Out) {
        let mut object = out.object();
        object.field("secs", &self.as_secs());
        object.field("nanos", &self.subsec_nanos());
        object.end();
    }

    fn read(value: Value) -> Result<Self, Fault> {
        let mut object = Object::of(value)?;
        let (secs, nanos) = (object.must("secs")?, object.must("nanos")?);
        if nanos >= 1_000_000_000_u32 {
            return Err(Fault::new("is not a whole number in its range").under("nanos"));
        }
        Ok(Self::new(secs, nanos))
    }
}

impl<T: Part> Part for Option<T> {
    fn write(&self, out: &mut Out) {
        match self {
            Some(inner) => inner.write(out),
            None => out.raw("null"),
        }
    }

    fn read(value: Value) -> Result<Self, Fault> {
        if value.is_null() { Ok(None) } else { T::read(value).map(Some) }
    }
}

impl<T: Part> Part for Box<T> {
    fn write(&self, out: &mut Out) {
        (**self).write(out);
    }

    fn read(value: Value) -> Result<Self, Fault> {
        T::read(value).map(Self::new)
    }
}

impl<T: Part> Part for Vec<T> {
    fn write(&self, out: &mut Out) {
        out.list(self);
    }

    fn read(value: Value) -> Result<Self, Fault> {
        items(value)
    }
}

impl<T: Part + Ord> Part for BTreeSet<T> {
    fn write(&self, out: &mut Out) {
        out.list(self);
    }

    fn read(value: Value) -> Result<Self, Fault> {
        items(value)
    }
}

fn items<T: Part, C: FromIterator<T>>(value: Value) -> Result<C, Fault> {
    let Value::Array(items) = value else { return Err(Fault::new("is not a list")) };
    let item = |(index, item)| T::read(item).map_err(|fault| fault.under(&format!("{index}")));
    items.into_iter().enumerate().map(item).collect()
}

impl<T: Part> Part for BTreeMap<String, T> {
    fn write(&self, out: &mut Out) {
        let mut object = out.object();
        for (key, value) in self {
            object.field(key, value);
        }
        object.end();
    }

    fn read(value: Value) -> Result<Self, Fault> {
        let Object(map) = Object::of(value)?;
        let entry = |(key, value)| Ok((key, T::read(value).map_err(Fault::in_a_map)?));
        map.into_iter().map(entry).collect()
    }
}

impl<A: Part, B: Part> Part for (A, B) {
    fn write(&self, out: &mut Out) {
        out.raw("[");
        self.0.write(out);
        out.raw(",");
        self.1.write(out);
        out.raw("]");
    }

    fn read(value: Value) -> Result<Self, Fault> {
        let Value::Array(items) = value else { return Err(Fault::new("is not a pair")) };
        let Ok([first, second]) = <[Value; 2]>::try_from(items) else {
            return Err(Fault::new("is not a pair"));
        };
        Ok((A::read(first)?, B::read(second)?))
    }
}

/// Types that have a form as text.
macro_rules! texts {
    ($($type:ty, $what:literal;)*) => {$(
        impl Part for $type {
            fn write(&self, out: &mut Out) {
                out.text(&self.to_string());
            }

            fn read(value: Value) -> Result<Self, Fault> {
                String::read(value)?.parse().map_err(|_| Fault::new(concat!("is not a valid ", $what)))
            }
        }
    )*};
}

texts! {
    ClusterName, "cluster name";
    Namespace, "namespace";
    ObjectName, "object name";
    SetName, "set name";
    DeclarationId, "id of a declaration";
    Timestamp, "time";
    Glob, "pattern";
    HostPattern, "pattern of hosts";
    Network, "range of addresses";
}
