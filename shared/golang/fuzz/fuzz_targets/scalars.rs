//! Numbers, durations and base64 out of any text, and back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pawl_golang::base64::{self, Encoding};
use pawl_golang::duration;
use pawl_golang::number::{self, FloatBits, FloatFormat};

fuzz_target!(|input: &[u8]| {
    for base in [0, 2, 8, 10, 16, 36] {
        let _ = number::parse_int(input, base, 64);
    }
    if let Ok(value) = number::parse_float(input, FloatBits::B64) {
        let text = number::format_float(value, FloatFormat::General, None, FloatBits::B64);
        let again = number::parse_float(&text, FloatBits::B64).expect("what is written is a number");
        assert!(again.to_bits() == value.to_bits() || value.is_nan());
    }
    if let Some(duration) = std::str::from_utf8(input).ok().and_then(|text| duration::parse(text).ok()) {
        assert_eq!(duration::parse(&duration.to_string()), Ok(duration));
    }
    for encoding in [Encoding::Standard, Encoding::Url, Encoding::RawStandard, Encoding::RawUrl] {
        if let Ok(bytes) = base64::decode(encoding, input) {
            assert_eq!(base64::decode(encoding, base64::encode(encoding, &bytes)), Ok(bytes));
        }
    }
});
