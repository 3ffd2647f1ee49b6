//! Any template with sprig's functions, except those that make keys or hashes and are slow on purpose: nothing may
//! panic, run on or grow without bound. The first line holds the value of `.a`, the second that of `.b`; the template is
//! the rest.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pawl_golang::sprig::{self, Environment};
use pawl_golang::budget::Budget;
use pawl_golang::template::{Functions, Limits, MissingKey, Options, Template};
use pawl_golang::value::Value;

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    let all = sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH));
    let slow = |name: &str| {
        matches!(name, "bcrypt" | "htpasswd" | "derivePassword") || name.starts_with("gen")
    };
    let mut functions = Functions::new();
    for name in all.names().into_iter().filter(|name| !slow(name)) {
        functions.insert(name, all.get(name).expect("a name of the table").clone());
    }
    functions
});

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (a, b, text) = (line(), line(), line());
    let limits = Limits { nesting: 200, output: 1 << 20, ..Limits::default() };
    let options = Options { missing_key: MissingKey::Error, limits, ..Options::new(&FUNCTIONS) };
    let Ok(template) = Template::parse("fuzz", text, &options) else { return };
    let data = Value::string_map([("a", a), ("b", b)]);
    if let Ok(out) = template.execute_within(&mut Budget::new(200_000, 8 << 20), &data) {
        assert!(out.len() <= limits.output);
    }
});
