//! Evaluates pipelines, commands and operands, and calls functions with arguments of the right types.

use super::builtins::Builtin;
use super::exec::{At, Exec, Result, Seen};
use super::node::{Callee, Command, Function, Operand, OperandKind, PipeId, Shown};
use super::number::Number;
use crate::value::{FuncError, Signature, Type, Value};

/// A named string of sprig: only literals can become one.
const HASH_ALGORITHM: &str = "sprig.HashAlgorithm";

/// The arguments behind a function's name, and the value that the pipeline passes as the last one.
#[derive(Clone, Copy)]
pub(super) struct Args<'a, 't> {
    pub(super) operands: &'t [Operand],
    pub(super) last: Option<&'a Seen>,
}

impl Args<'_, '_> {
    pub(super) const NONE: Self = Self { operands: &[], last: None };

    pub(super) fn is_empty(&self) -> bool {
        self.operands.is_empty() && self.last.is_none()
    }
}

impl<'t> Exec<'t> {
    /// The value of a pipeline. Variables that it declares stay until the enclosing block ends.
    pub(super) fn pipeline(&mut self, dot: &Seen, pipe: PipeId) -> Result<Seen> {
        let pipe = &self.tree.pipes[pipe];
        self.at = At::Pipe(pipe);
        let mut last: Option<Seen> = None;
        for command in &pipe.commands {
            self.step()?;
            let seen = self.command(dot, command, last.as_ref())?;
            last = Some(Seen::plain(seen.value));
        }
        let seen = last.unwrap_or_else(Seen::nothing);
        for variable in &pipe.variables {
            if pipe.assigns {
                self.set_variable(variable, seen.clone())?;
            } else {
                self.push_variable(variable.clone(), seen.clone());
            }
        }
        Ok(seen)
    }

    fn command(&mut self, dot: &Seen, command: &'t Command, last: Option<&Seen>) -> Result<Seen> {
        let Some((first, operands)) = command.args.split_first() else { return Ok(Seen::nothing()) };
        let args = Args { operands, last };
        match &first.kind {
            OperandKind::Field(names) => {
                self.at = At::Operand(first);
                return self.field_chain(dot, dot.clone(), first, names, args);
            }
            OperandKind::Chain { .. } => return self.chain(dot, first, args),
            OperandKind::Function(function) => {
                self.at = At::Operand(first);
                return self.function(dot, function, At::Command(command), args);
            }
            OperandKind::Pipe(pipe) => {
                self.not_a_function(first, args)?;
                return self.nested(|exec| exec.pipeline(dot, *pipe));
            }
            OperandKind::Variable(names) => return self.variable_chain(dot, first, names, args),
            _ => {}
        }
        self.at = At::Operand(first);
        self.not_a_function(first, args)?;
        match &first.kind {
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Nil => Err(self.error("nil is not a command")),
            _ => self.constant(first),
        }
    }

    fn constant(&mut self, operand: &'t Operand) -> Result<Seen> {
        Ok(Seen::plain(match &operand.kind {
            OperandKind::Bool(value) => Value::Bool(*value),
            OperandKind::Text { text, .. } => Value::Str(text.clone()),
            OperandKind::Number(number) => {
                self.at = At::Operand(operand);
                self.number(number)?
            }
            _ => return Err(self.error(format!("can't evaluate command {}", Shown(self.tree, operand)))),
        }))
    }

    /// A number where nothing asks for a type: its form decides.
    fn number(&self, number: &Number) -> Result<Value> {
        match number {
            Number { complex: Some((real, imaginary)), .. } => Ok(Value::Complex(*real, *imaginary)),
            Number { float: Some(float), .. } if !number.looks_integral() => Ok(Value::Float(*float)),
            Number { int: Some(int), .. } => Ok(Value::Int(*int)),
            _ => Err(self.error(format!("{} overflows int", number.text))),
        }
    }

    fn not_a_function(&self, operand: &'t Operand, args: Args<'_, 't>) -> Result<()> {
        if args.is_empty() {
            return Ok(());
        }
        Err(self.error(format!("can't give argument to non-function {}", Shown(self.tree, operand))))
    }

    fn chain(&mut self, dot: &Seen, operand: &'t Operand, args: Args<'_, 't>) -> Result<Seen> {
        self.at = At::Operand(operand);
        let OperandKind::Chain { head, fields } = &operand.kind else { return Ok(Seen::nothing()) };
        let receiver = self.argument(dot, None, head)?;
        self.field_chain(dot, receiver, operand, fields, args)
    }

    fn variable_chain(
        &mut self,
        dot: &Seen,
        operand: &'t Operand,
        names: &'t [std::sync::Arc<str>],
        args: Args<'_, 't>,
    ) -> Result<Seen> {
        self.at = At::Operand(operand);
        let Some((name, fields)) = names.split_first() else { return Ok(Seen::nothing()) };
        let seen = self.variable(name)?;
        if fields.is_empty() {
            self.not_a_function(operand, args)?;
            return Ok(seen);
        }
        self.field_chain(dot, seen, operand, fields, args)
    }

    fn function(
        &mut self,
        dot: &Seen,
        function: &'t Function,
        at: At<'t>,
        args: Args<'_, 't>,
    ) -> Result<Seen> {
        match &function.callee {
            Callee::Builtin(builtin @ (Builtin::And | Builtin::Or)) => {
                self.short_circuit(dot, *builtin, &function.name, args)
            }
            Callee::Builtin(builtin) => {
                let callee = (|args: &[Value]| builtin.price(args), |args: &[Value]| builtin.call(args));
                self.call(dot, &builtin.signature(), callee, at, &function.name, args)
            }
            Callee::Given(func) => {
                let callee = (|args: &[Value]| func.price(args), |args: &[Value]| func.call(args));
                let seen = self.call(dot, func.signature(), callee, at, &function.name, args)?;
                if func.is_fresh() {
                    self.charge_deeply(&seen.value)?;
                }
                Ok(seen)
            }
        }
    }

    /// `and` and `or` evaluate their arguments only until the result is clear.
    fn short_circuit(
        &mut self,
        dot: &Seen,
        builtin: Builtin,
        name: &str,
        args: Args<'_, 't>,
    ) -> Result<Seen> {
        self.check_count(&builtin.signature(), name, args)?;
        let mut seen = Seen::nothing();
        for operand in args.operands {
            seen = self.argument(dot, Some(Type::Raw), operand)?;
            if seen.value.is_true() == (builtin == Builtin::Or) {
                return Ok(seen);
            }
        }
        Ok(args.last.cloned().unwrap_or(seen))
    }

    fn check_count(&self, signature: &Signature, name: &str, args: Args<'_, 't>) -> Result<()> {
        let count = args.operands.len() + usize::from(args.last.is_some());
        let wanted = signature.fixed.len();
        if signature.rest.is_some() && count < wanted {
            let given = args.operands.len();
            return Err(
                self.error(format!("wrong number of args for {name}: want at least {wanted} got {given}"))
            );
        }
        if signature.rest.is_none() && count != wanted {
            return Err(self.error(format!("wrong number of args for {name}: want {wanted} got {count}")));
        }
        Ok(())
    }

    /// Evaluates the arguments, checks them against the signature, and calls.
    pub(super) fn call(
        &mut self,
        dot: &Seen,
        signature: &Signature,
        (price, call): (impl FnOnce(&[Value]) -> u64, impl FnOnce(&[Value]) -> Result<Value, FuncError>),
        at: At<'t>,
        name: &str,
        args: Args<'_, 't>,
    ) -> Result<Seen> {
        self.check_count(signature, name, args)?;
        let mut values = Vec::with_capacity(args.operands.len() + 1);
        for (index, operand) in args.operands.iter().enumerate() {
            let wanted = signature.parameter(index);
            values.push(self.argument(dot, wanted, operand)?.value);
        }
        if let Some(last) = args.last {
            let wanted = signature.parameter(values.len());
            values.push(self.checked(last.clone(), wanted)?.value);
        }
        self.steps(values.iter().map(weight).sum::<u64>().saturating_add(price(&values)))?;
        match call(&values) {
            Ok(value) => {
                self.charge(&value, &values)?;
                Ok(Seen::plain(value))
            }
            Err(error) => {
                self.at = at;
                let spelled = args.operands.iter().all(|arg| matches!(arg.kind, OperandKind::Text { .. }));
                if error.is_spoken() && !(spelled && args.last.is_none()) {
                    return Err(self.error(format!(
                        "error calling {name}: the message is not shown because the template does not spell it out"
                    )));
                }
                Err(self.error(format!("error calling {name}: {error}")))
            }
        }
    }

    /// An operand as an argument of a wanted type; no type is wanted of the head of a chain.
    pub(super) fn argument(
        &mut self,
        dot: &Seen,
        wanted: Option<Type>,
        operand: &'t Operand,
    ) -> Result<Seen> {
        self.at = At::Operand(operand);
        let seen = match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil => {
                return match wanted {
                    Some(wanted) if !wanted.takes_nil() => {
                        Err(self.error(format!("cannot assign nil to {}", wanted.name())))
                    }
                    _ => Ok(Seen::nothing()),
                };
            }
            OperandKind::Field(names) => self.field_chain(dot, dot.clone(), operand, names, Args::NONE)?,
            OperandKind::Variable(names) => self.variable_chain(dot, operand, names, Args::NONE)?,
            OperandKind::Pipe(pipe) => self.nested(|exec| exec.pipeline(dot, *pipe))?,
            OperandKind::Function(function) => {
                self.function(dot, function, At::Operand(operand), Args::NONE)?
            }
            OperandKind::Chain { .. } => self.chain(dot, operand, Args::NONE)?,
            _ => return self.literal(wanted.unwrap_or(Type::Any), operand),
        };
        self.checked(seen, wanted)
    }

    /// A literal takes the type that is wanted, if it can.
    fn literal(&mut self, wanted: Type, operand: &'t Operand) -> Result<Seen> {
        let value = match (wanted, &operand.kind) {
            (Type::Any | Type::Raw, _) => return self.constant(operand),
            (Type::Bool, OperandKind::Bool(value)) => Some(Value::Bool(*value)),
            (Type::Str | Type::Named(HASH_ALGORITHM), OperandKind::Text { text, .. }) => {
                Some(Value::Str(text.clone()))
            }
            (Type::Int, OperandKind::Number(number)) => number.int.map(Value::Int),
            (Type::Int64 | Type::Named("time.Duration"), OperandKind::Number(number)) => {
                number.int.map(Value::Int64)
            }
            (Type::Uint32, OperandKind::Number(number)) => {
                number.uint.map(|value| Value::Uint(value & u64::from(u32::MAX)))
            }
            (Type::Float, OperandKind::Number(number)) => number.float.map(Value::Float),
            _ => None,
        };
        if let Some(value) = value {
            return Ok(Seen::plain(value));
        }
        let shown = Shown(self.tree, operand);
        let kind = match wanted {
            Type::Bool => "bool",
            Type::Str | Type::Named(HASH_ALGORITHM) => "string",
            Type::Int | Type::Int64 | Type::Named("time.Duration") => "integer",
            Type::Uint32 => "unsigned integer",
            Type::Float => "float",
            _ => return Err(self.error(format!("can't handle {shown} for arg of type {}", wanted.name()))),
        };
        Err(self.error(format!("expected {kind}; found {shown}")))
    }

    fn checked(&self, seen: Seen, wanted: Option<Type>) -> Result<Seen> {
        let Some(wanted) = wanted else { return Ok(seen) };
        if seen.is_nothing() {
            if wanted.takes_nil() {
                return Ok(seen);
            }
            return Err(self.error(format!("invalid value; expected {}", wanted.name())));
        }
        let fits = match seen.value {
            Value::Nil => matches!(wanted, Type::Any | Type::Raw),
            ref value => wanted.takes(value),
        };
        if fits {
            return Ok(seen);
        }
        let got = if seen.value.is_nil() { "interface {}".into() } else { seen.value.type_name() };
        Err(self.error(format!("wrong type for value; expected {}; got {got}", wanted.name())))
    }
}

/// How many steps it takes to look at an argument: most functions read it from end to end.
pub(super) fn weight(value: &Value) -> u64 {
    (match value {
        Value::Str(text) => text.len() / 64,
        Value::List(list) => list.len() / 4,
        Value::Map(map) => map.len() / 2,
        _ => 0,
    }) as u64
}
