//! Any pattern on any text. The first line is the pattern, the second the template.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_golang::regexp::{Regexp, quote_meta};

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (pattern, template, text) = (line(), line(), line());
    if let Ok(regexp) = Regexp::new(pattern) {
        let _ = regexp.replace_all(text, template);
        let joined: usize = regexp.split(text, None).iter().map(|piece| piece.len()).sum();
        assert!(joined <= text.len());
        assert_eq!(regexp.is_match(text), regexp.find(text).is_some());
    }
    if std::str::from_utf8(text).is_ok() && text.len() < 10_000 {
        let quoted = Regexp::new(quote_meta(text)).expect("a quoted text is a pattern");
        assert!(quoted.find(text) == Some(text));
    }
});
