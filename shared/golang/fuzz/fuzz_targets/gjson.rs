//! Any path in any document: nothing may panic or run on. The first line is the path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_golang::gjson;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (path, json) = input.split_at(end);
    if let Ok(Some(value)) = gjson::get(json, path) {
        let _ = value.string();
    }
});
