use super::{FloatBits, FloatFormat, NumberError, format_float, parse_float, parse_int, parse_uint};

fn general(value: f64) -> String {
    format_float(value, FloatFormat::General, None, FloatBits::B64)
}

fn fixed(value: f64, precision: Option<usize>) -> String {
    format_float(value, FloatFormat::Fixed, precision, FloatBits::B64)
}

#[test]
fn shortest_general_form_switches_to_exponents_at_six_digits_and_below_minus_four() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (5432.0, "5432"),
        (100_000.0, "100000"),
        (100_000.5, "100000.5"),
        (1e6, "1e+06"),
        (1_234_567.0, "1.234567e+06"),
        (123_456_789.0, "1.23456789e+08"),
        (1e20, "1e+20"),
        (0.0001, "0.0001"),
        (0.000_01, "1e-05"),
        (1e-7, "1e-07"),
        (1e100, "1e+100"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ];
    for (value, expected) in cases {
        assert_eq!(general(value), expected);
    }
}

#[test]
fn precise_forms_round_half_to_even_on_the_exact_value() {
    assert_eq!(general(-1.672_291_564_941_406_3e1), "-16.722915649414062");
    assert_eq!(fixed(2.5, Some(0)), "2");
    assert_eq!(fixed(3.5, Some(0)), "4");
    assert_eq!(fixed(0.125, Some(2)), "0.12");
    assert_eq!(fixed(1.005, Some(2)), "1.00");
    assert_eq!(fixed(1e21, None), "1000000000000000000000");
    assert_eq!(fixed(12_345_678_901_234_567_890.0, None), "12345678901234567000");
    assert_eq!(format_float(25.0, FloatFormat::Exponent, Some(0), FloatBits::B64), "2e+01");
    assert_eq!(format_float(0.0, FloatFormat::Exponent, Some(2), FloatBits::B64), "0.00e+00");
    assert_eq!(format_float(1234.5678, FloatFormat::General, Some(3), FloatBits::B64), "1.23e+03");
    assert_eq!(format_float(100.0, FloatFormat::General, Some(3), FloatBits::B64), "100");
    assert_eq!(format_float(123_456_789.123, FloatFormat::General, None, FloatBits::B32), "1.2345679e+08");
    assert_eq!(fixed(0.5, Some(1500)).len(), 1502);
    assert_eq!(fixed(1.0, Some(usize::MAX)).len(), 1_000_002);
}

#[test]
fn floats_are_read_as_go_reads_them() {
    let good = [
        ("1", 1.0),
        ("+1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("0x1p-2", 0.25),
        ("0X1.8p1", 3.0),
        ("0x_1F.8p0", 31.5),
        ("1_000.5", 1000.5),
        ("-iNf", f64::NEG_INFINITY),
        ("Infinity", f64::INFINITY),
        ("0x1p-1074", 5e-324),
        ("0x1p-1075", 0.0),
        ("0x1.8p-1075", 5e-324),
        ("0x1p1023", f64::MAX / 2.0 + 2_f64.powi(969)),
    ];
    for (text, expected) in good {
        assert_eq!(parse_float(text, FloatBits::B64), Ok(expected), "{text}");
    }
    for text in [
        "", "+", ".", "e5", "1e", "1e+", "0x1", "0x", "1__0", "_1", "1_", "infin", "1 ", " 1", "1.2.3",
        "-nan",
    ] {
        assert_eq!(parse_float(text, FloatBits::B64), Err(NumberError::Syntax), "{text}");
    }
    assert!(parse_float("NaN", FloatBits::B64).unwrap().is_nan());
    assert_eq!(parse_float("-1e400", FloatBits::B64), Err(NumberError::Range(f64::NEG_INFINITY)));
    assert_eq!(parse_float("1e39", FloatBits::B32), Err(NumberError::Range(f64::INFINITY)));
    assert_eq!(parse_float("0x1p1024", FloatBits::B64).unwrap_err().value(), f64::INFINITY);
}

#[test]
fn integers_are_read_as_go_reads_them() {
    let good = [
        ("0", 0, 0),
        ("0755", 0, 493),
        ("0o17", 0, 15),
        ("0x_1F", 0, 31),
        ("1_000", 0, 1000),
        ("-0b11", 0, -3),
    ];
    for (text, base, expected) in good {
        assert_eq!(parse_int(text, base, 64), Ok(expected), "{text}");
    }
    assert_eq!(parse_int("-9223372036854775808", 10, 64), Ok(i64::MIN));
    assert_eq!(parse_int("9223372036854775808", 10, 64), Err(NumberError::Range(i64::MAX)));
    assert_eq!(parse_int("-9223372036854775809", 10, 0), Err(NumberError::Range(i64::MIN)));
    assert_eq!(parse_int("128", 10, 8), Err(NumberError::Range(127)));
    assert_eq!(parse_int("-128", 10, 8), Ok(-128));
    assert_eq!(parse_uint("18446744073709551615", 10, 64), Ok(u64::MAX));
    assert_eq!(parse_uint("zz", 36, 64), Ok(1295));
    for (text, base) in
        [("", 10), ("08", 0), ("1_000", 10), ("0x", 0), ("1__0", 0), ("9", 8), ("1", 1), ("1", 37), ("é", 10)]
    {
        assert_eq!(parse_int(text, base, 64), Err(NumberError::Syntax), "{text}");
    }
}
