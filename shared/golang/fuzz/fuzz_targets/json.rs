//! A document that can be read can be written, and reads back as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_golang::json::{self, Html};

fuzz_target!(|input: &[u8]| {
    let _ = json::object_to_raw(input);
    let Ok(tree) = json::decode(input) else { return };
    assert!(json::is_valid(input));
    for html in [Html::Escape, Html::Keep] {
        let written = json::encode(&tree, html).expect("what was read has a JSON form");
        assert!(json::decode(&written).as_ref() == Ok(&tree));
        assert!(json::decode(json::indent(&written, "\t")).as_ref() == Ok(&tree));
    }
});
