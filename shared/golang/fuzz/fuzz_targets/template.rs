//! Any template with any texts as its data: nothing may panic, run on or grow without bound. The first line holds the
//! value of `.a`, the second that of `.b`; the template is the rest. Its functions are Go's own.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_golang::budget::Budget;
use pawl_golang::template::{Functions, Limits, MissingKey, Options, Template};
use pawl_golang::value::Value;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (a, b, text) = (line(), line(), line());
    let functions = Functions::new();
    let limits = Limits { nesting: 200, output: 1 << 20, ..Limits::default() };
    let options = Options { missing_key: MissingKey::Error, limits, ..Options::new(&functions) };
    let Ok(template) = Template::parse("fuzz", text, &options) else { return };
    let data = Value::string_map([("a", a), ("b", b)]);
    if let Ok(out) = template.execute_within(&mut Budget::new(200_000, 8 << 20), &data) {
        assert!(out.len() <= limits.output);
    }
});
