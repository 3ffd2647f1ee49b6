//! Passwords, keys and certificates. What is random is made by the operating system's generator.

mod certificate;
mod der;
mod dsa;
mod key;
mod password;
mod pem;
mod random;

use super::Environment;
use crate::prices;
use crate::value::{Func, FuncError, Signature, Type, Value};

/// The functions of this family. Slow ones count as many steps, so that a loop of them reaches its limit in time.
pub(super) fn table(environment: &Environment) -> Vec<(String, Func)> {
    [random::TABLE, password::TABLE, key::TABLE, certificate::TABLE]
        .into_iter()
        .flatten()
        .map(|Row { name, parameters, cost, body }| {
            let (environment, body) = (environment.clone(), *body);
            let func = Func::new(Signature::exactly(parameters), move |args| body(&environment, args));
            let func = match *name {
                "genPrivateKey" => func.with_cost_by(key::price),
                "randAlpha" | "randAlphaNum" | "randAscii" | "randBytes" | "randInt" | "randNumeric"
                | "uuidv4" => func.with_cost_by(prices::random),
                "decryptAES" | "encryptAES" | "shuffle" => func.with_cost_by(prices::by_character),
                _ => func.with_cost(*cost),
            };
            ((*name).to_owned(), func)
        })
        .collect()
}

type Body = fn(&Environment, &[Value]) -> Result<Value, FuncError>;

struct Row {
    name: &'static str,
    parameters: &'static [Type],
    cost: u64,
    body: Body,
}

const fn row(name: &'static str, parameters: &'static [Type], cost: u64, body: Body) -> Row {
    Row { name, parameters, cost, body }
}
