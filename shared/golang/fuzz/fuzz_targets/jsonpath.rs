//! Any path in any document: nothing may panic or run on. The first line is the path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_golang::budget::Budget;
use pawl_golang::json;
use pawl_golang::jsonpath::JsonPath;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (path, document) = input.split_at(end);
    let Some(path) = std::str::from_utf8(path).ok().and_then(|path| JsonPath::parse(path).ok()) else {
        return;
    };
    if let Ok(document) = json::decode(document) {
        let _ = path.find(&document, &mut Budget::default());
    }
});
