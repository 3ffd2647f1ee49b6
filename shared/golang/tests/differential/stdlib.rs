use pawl_golang::base64::{self, Encoding};
use pawl_golang::duration::{self, Duration};
use pawl_golang::number::{self, FloatBits, FloatFormat, NumberError};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::oracle::{assert_none, bytes, samples, stdlib};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    ok: bool,
    text: Option<String>,
    bits: u64,
    error: String,
}

impl Answer {
    fn text(&self) -> Vec<u8> {
        base64::decode(Encoding::Standard, self.text.as_deref().unwrap_or_default()).unwrap()
    }
}

fn size(bits: FloatBits) -> u32 {
    if bits == FloatBits::B32 { 32 } else { 64 }
}

fn bits() -> impl Strategy<Value = FloatBits> {
    prop_oneof![Just(FloatBits::B32), Just(FloatBits::B64)]
}

#[test]
fn floats_are_written_alike() {
    let value = prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<u32>().prop_map(|bits| f64::from(f32::from_bits(bits))),
        (any::<i32>(), -30_i32..30).prop_map(|(digits, power)| f64::from(digits) * 10_f64.powi(power)),
        (-4_000_i32..4_000).prop_map(|eighths| f64::from(eighths) / 8.0),
        (-2000_i32..2000, -1100_i32..1100).prop_map(|(digits, power)| f64::from(digits) * 2_f64.powi(power)),
    ];
    let precision = prop_oneof![Just(None), (0_usize..25).prop_map(Some), (0_usize..1200).prop_map(Some)];
    let format = prop_oneof![
        Just((FloatFormat::Exponent, "e")),
        Just((FloatFormat::Fixed, "f")),
        Just((FloatFormat::General, "g"))
    ];
    let cases = samples(6_000, (value, format, precision, bits()));
    let questions: Vec<_> = cases
        .iter()
        .map(|(value, (_, format), precision, bits)| {
            let precision = precision.map_or(-1, |precision| precision as i64);
            json!({"Bits": value.to_bits(), "Format": format, "Precision": precision, "Size": size(*bits)})
        })
        .collect();
    let Some(answers) = stdlib::<Answer>("format-float", &questions) else { return };
    let mut differences = Vec::new();
    for ((value, (format, _), precision, bits), answer) in cases.iter().zip(answers) {
        let ours = number::format_float(*value, *format, *precision, *bits);
        if ours.as_bytes() != answer.text() {
            let theirs = String::from_utf8(answer.text()).unwrap();
            differences.push(format!("{value:e} {format:?} {precision:?} {bits:?}: {ours} and {theirs}"));
        }
    }
    assert_none(&differences, cases.len());
}

#[test]
fn floats_are_read_alike() {
    let text = prop_oneof![
        "[+-]?[0-9_]{0,25}(\\.[0-9_]{0,25})?([eE][+-]?[0-9_]{0,4})?",
        "[+-]?0[xX][0-9a-fA-F_]{0,20}(\\.[0-9a-fA-F]{0,20})?([pP][+-]?[0-9]{0,4})?",
        "0x[01]{1,60}p-1[01][0-9]{2}",
        "[+-]?(inf|infinity|nan|INF|Infin|NaN)",
        "[0-9+.eExXpP_-]{0,12}",
        any::<f64>().prop_map(|value| format!("{value:e}")),
    ];
    let cases = samples(6_000, (text, bits()));
    let questions: Vec<_> =
        cases.iter().map(|(text, bits)| json!({"Text": bytes(text), "Size": size(*bits)})).collect();
    let Some(answers) = stdlib::<Answer>("parse-float", &questions) else { return };
    let mut differences = Vec::new();
    for ((text, bits), answer) in cases.iter().zip(answers) {
        let ours = number::parse_float(text, *bits);
        let value = ours.unwrap_or_else(NumberError::value);
        let same_value =
            value.to_bits() == answer.bits || value.is_nan() && f64::from_bits(answer.bits).is_nan();
        if !same_value || ours.is_ok() != answer.ok {
            differences.push(format!("{text} {bits:?}: {ours:?} and {:?}", f64::from_bits(answer.bits)));
        }
    }
    assert_none(&differences, cases.len());
}

#[test]
fn integers_are_read_alike() {
    let text =
        prop_oneof!["[+-]?(0[xXoObB]?)?[0-9a-f_]{0,22}", any::<i128>().prop_map(|value| value.to_string())];
    let base = prop_oneof![Just(0_u32), Just(10), Just(16), Just(8), 2_u32..37];
    let size = prop_oneof![Just(0_u32), Just(8), Just(16), Just(32), Just(64)];
    let cases = samples(6_000, (text, base, size));
    let questions: Vec<_> = cases
        .iter()
        .map(|(text, base, size)| json!({"Text": bytes(text), "Base": base, "Size": size}))
        .collect();
    let Some(answers) = stdlib::<Answer>("parse-int", &questions) else { return };
    let mut differences = Vec::new();
    for ((text, base, size), answer) in cases.iter().zip(answers) {
        let ours = number::parse_int(text, *base, *size);
        if ours.unwrap_or_else(NumberError::value) != answer.bits as i64 || ours.is_ok() != answer.ok {
            differences.push(format!("{text} {base} {size}: {ours:?} and {}", answer.bits as i64));
        }
    }
    assert_none(&differences, cases.len());
}

#[test]
fn durations_are_read_alike() {
    let text = prop_oneof![
        "[+-]?([0-9]{0,3}(\\.[0-9]{0,21})?(ns|us|µs|μs|ms|s|m|h|d|)){1,4}",
        "[+-]?[0-9]{0,20}(\\.[0-9]{0,21})?(ns|us|µs|ms|s|m|h|d|)",
        "[0-9hms.+ -]{0,8}",
    ];
    let cases = samples(6_000, text);
    let questions: Vec<_> = cases.iter().map(|text| json!({"Text": bytes(text)})).collect();
    let Some(answers) = stdlib::<Answer>("parse-duration", &questions) else { return };
    let mut differences = Vec::new();
    for (text, answer) in cases.iter().zip(answers) {
        let ours = duration::parse(text);
        if ours.ok().map(Duration::as_nanos) != answer.ok.then_some(answer.bits as i64) {
            differences.push(format!("{text}: {ours:?} and {} {}", answer.ok, answer.bits as i64));
        }
    }
    assert_none(&differences, cases.len());
}

#[test]
fn durations_are_written_alike() {
    let nanos = prop_oneof![
        any::<i64>(),
        (any::<i32>(), 0_u32..10).prop_map(|(n, zeros)| i64::from(n) * 10_i64.pow(zeros))
    ];
    let cases = samples(6_000, nanos);
    let questions: Vec<_> = cases.iter().map(|nanos| json!({"Bits": *nanos as u64})).collect();
    let Some(answers) = stdlib::<Answer>("format-duration", &questions) else { return };
    let mut differences = Vec::new();
    for (nanos, answer) in cases.iter().zip(answers) {
        let ours = duration::format(Duration::from_nanos(*nanos));
        if ours.as_bytes() != answer.text() {
            differences.push(format!("{nanos}: {ours} and {}", String::from_utf8_lossy(&answer.text())));
        }
    }
    assert_none(&differences, cases.len());
}

#[test]
fn base64_is_read_alike() {
    let text = prop_oneof!["[A-Za-z0-9+/_-]{0,13}={0,3}[\r\n]{0,2}", "[ABCab=\r\n_/!-]{0,12}"];
    let cases = samples(4_000, (text, 0_usize..4));
    let questions: Vec<_> =
        cases.iter().map(|(text, kind)| json!({"Text": bytes(text), "Base": kind})).collect();
    let Some(answers) = stdlib::<Answer>("base64", &questions) else { return };
    let kinds = [Encoding::Standard, Encoding::Url, Encoding::RawStandard, Encoding::RawUrl];
    let mut differences = Vec::new();
    for ((text, kind), answer) in cases.iter().zip(answers) {
        let ours = base64::decode(kinds[*kind], text).map_err(|error| error.to_string());
        let theirs = if answer.ok { Ok(answer.text()) } else { Err(answer.error) };
        if ours != theirs {
            differences.push(format!("{text:?} {:?}: {ours:?} and {theirs:?}", kinds[*kind]));
        }
    }
    assert_none(&differences, cases.len());
}
