//! Fields: entries of maps, fields of structs, and methods.

use std::sync::Arc;

use super::MissingKey;
use super::eval::Args;
use super::exec::{At, Exec, Result, Seen};
use super::node::Operand;
use crate::literal;
use crate::prices;
use crate::value::{Element, Value};

impl<'t> Exec<'t> {
    /// Follows `.a.b.c` from a value. The last one may be a method, which gets the arguments.
    pub(super) fn field_chain(
        &mut self,
        dot: &Seen,
        receiver: Seen,
        operand: &'t Operand,
        names: &'t [Arc<str>],
        args: Args<'_, 't>,
    ) -> Result<Seen> {
        let Some((last, path)) = names.split_last() else { return Ok(receiver) };
        let mut receiver = receiver;
        for name in path {
            receiver = self.field(dot, name, operand, Args::NONE, receiver)?;
        }
        self.field(dot, last, operand, args, receiver)
    }

    fn field(
        &mut self,
        dot: &Seen,
        name: &str,
        operand: &'t Operand,
        args: Args<'_, 't>,
        receiver: Seen,
    ) -> Result<Seen> {
        if receiver.is_nothing() {
            if self.fails_on_missing() {
                return Err(self.error(format!("nil data; no entry for key {}", quoted(name))));
            }
            return Ok(receiver);
        }
        let type_name = if receiver.boxed { "interface {}".into() } else { receiver.value.type_name() };
        match &receiver.value {
            Value::Nil => return Err(self.error(format!("nil pointer evaluating {type_name}.{name}"))),
            Value::Object(object) => {
                if let Some(signature) = object.method(name) {
                    let call = |args: &[Value]| object.call(name, args);
                    let callee = (prices::dated, call);
                    return self.call(dot, &signature, callee, At::Operand(operand), name, args);
                }
                if let Some((_, field)) = object.fields().into_iter().find(|(known, _)| *known == name) {
                    if !args.is_empty() {
                        return Err(
                            self.error(format!("{name} has arguments but cannot be invoked as function"))
                        );
                    }
                    return Ok(Seen::plain(field));
                }
            }
            Value::Map(map) => {
                if !args.is_empty() {
                    return Err(self.error(format!("{name} is not a method but has arguments")));
                }
                return match (map.get(name.as_bytes()), self.parsed.missing_key) {
                    (Some(entry), _) => Ok(Seen::entry(map, entry)),
                    (None, MissingKey::Invalid) => Ok(Seen::nothing()),
                    (None, MissingKey::Zero) if matches!(map.element(), Element::Str | Element::Texts) => {
                        Ok(Seen::plain(map.zero()))
                    }
                    (None, MissingKey::Zero) => Ok(Seen { value: Value::Nil, boxed: true }),
                    (None, MissingKey::Error) => {
                        Err(self.error(format!("map has no entry for key {}", quoted(name))))
                    }
                };
            }
            _ => {}
        }
        Err(self.error(format!("can't evaluate field {name} in type {type_name}")))
    }
}

fn quoted(name: &str) -> String {
    String::from_utf8_lossy(&literal::quote(name.as_bytes())).into_owned()
}
