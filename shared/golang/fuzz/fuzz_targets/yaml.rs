//! A document that can be read can be written, and reads back as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_golang::yaml;

fuzz_target!(|input: &[u8]| {
    let _ = yaml::read_strings(input);
    let Ok(tree) = yaml::read(input) else { return };
    // Not every text has a way over JSON.
    if let Ok(written) = yaml::write(&tree) {
        assert!(yaml::read(written).is_ok());
    }
});
