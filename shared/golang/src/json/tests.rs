use super::{
    DecodeError, EncodeError, Html, MAX_DEPTH, Tree, decode, encode, format_float, indent, object_to_quoted,
    object_to_raw, quote, rewrite, rewrite_object,
};

fn raw(json: &str) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    object_to_raw(json).unwrap().into_iter().map(|(key, value)| (text(key), text(value))).collect()
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn members_are_had_as_they_stand_there() {
    let json = br#" {"a": "te\"xt" , "n":1.50,"o":{"x": [1, "]"]}, "nil":null,"t" : true,"a":"\\"} "#;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let members = object_to_quoted(json).unwrap().into_iter();
    let members: Vec<_> = members.map(|(key, value)| (text(key), text(value))).collect();
    let want = [("a", r#""\\""#), ("n", "1.50"), ("nil", "null"), ("o", r#"{"x": [1, "]"]}"#), ("t", "true")];
    assert_eq!(members, want.map(|(key, value)| pair(key, value)));
    assert_eq!(object_to_quoted("null").unwrap(), [].into());
    assert_eq!(object_to_quoted("[1]"), Err(DecodeError::NotAnObject));
    assert!(matches!(object_to_quoted("{\"a\":}"), Err(DecodeError::Syntax(_))));
}

#[test]
fn an_object_is_taken_apart_with_its_values_kept_as_written() {
    let json = " { \"s\" : \"a\\nb\\u00e9\" , \"n\":1.50, \"i\": 12345678901234567890 ,\"o\":{ \"b\" : [1, \"}\\\"\"] },\n\"l\":[ ] , \"t\":true,\"z\":null,\"\":0}\n";
    let expected = [
        pair("", "0"),
        pair("i", "12345678901234567890"),
        pair("l", "[ ]"),
        pair("n", "1.50"),
        pair("o", "{ \"b\" : [1, \"}\\\"\"] }"),
        pair("s", "a\nb\u{e9}"),
        pair("t", "true"),
        pair("z", ""),
    ];
    assert_eq!(raw(json), expected);
}

#[test]
fn of_equal_keys_the_last_wins() {
    assert_eq!(raw(r#"{"a":1,"\u0061":"2"}"#), [pair("a", "2")]);
}

#[test]
fn null_has_no_keys_and_what_is_no_object_is_refused() {
    assert_eq!(raw(" null "), []);
    assert_eq!(raw("{ }"), []);
    for json in ["[]", "1", "\"{}\"", "true"] {
        assert_eq!(object_to_raw(json), Err(DecodeError::NotAnObject), "{json}");
    }
    for (json, at) in [("", 0), ("{\"a\":1", 6), ("{\"a\":1}x", 7), ("{'a':1}", 1), ("{\"a\":01}", 6)] {
        assert_eq!(object_to_raw(json), Err(DecodeError::Syntax(at)), "{json}");
    }
}

#[test]
fn what_is_not_unicode_is_replaced() {
    let values = object_to_raw(b"{\"a\":\"\\ud800x\\udc00\\ud83d\\ude00\xff\"}").unwrap();
    assert_eq!(values[&b"a"[..]], "\u{fffd}x\u{fffd}\u{1f600}\u{fffd}".as_bytes());
}

#[test]
fn documents_are_read_and_written_back_sorted() {
    let tree =
        decode(r#" {"b":[1,2.50,{"x":[]}],"a":{"<&>":"\u2028"},"c":1e21,"a2":true,"z":null} "#).unwrap();
    let escaped =
        r#"{"a":{"\u003c\u0026\u003e":"\u2028"},"a2":true,"b":[1,2.5,{"x":[]}],"c":1e+21,"z":null}"#;
    assert_eq!(encode(&tree, Html::Escape).unwrap(), escaped.as_bytes());
    let kept = escaped.replace("\\u003c\\u0026\\u003e", "<&>");
    assert_eq!(encode(&tree, Html::Keep).unwrap(), kept.as_bytes());
    assert_eq!(decode("1e400"), Err(DecodeError::Number(0)));
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let tree = decode(nested(MAX_DEPTH)).unwrap();
    assert_eq!(encode(&tree, Html::Escape).unwrap(), nested(MAX_DEPTH).as_bytes());
    assert_eq!(decode(nested(MAX_DEPTH + 1)), Err(DecodeError::TooDeep));
    assert_eq!(decode("[".repeat(1_000_000)), Err(DecodeError::Syntax(10_000)));
    assert_eq!(encode(&Tree::List(vec![tree]), Html::Escape), Err(EncodeError::TooDeep));
    let deep = format!("{{\"a\":{}}}", nested(9_999));
    assert_eq!(object_to_raw(&deep).unwrap()[&b"a"[..]], nested(9_999).as_bytes());
}

#[test]
fn floats_have_exponents_only_at_the_ends() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (1e100, "1e+100"),
    ];
    for (value, text) in cases {
        assert_eq!(format_float(value).as_deref(), Some(text));
    }
    assert_eq!(format_float(f64::NAN), None);
    assert_eq!(encode(&Tree::Float(f64::INFINITY), Html::Keep), Err(EncodeError::NotFinite));
}

#[test]
fn strings_and_lines_are_laid_out_as_go_does() {
    assert_eq!(
        quote(b"\x00\x08\x0c\n\"\\/\xff\x7f<", Html::Escape),
        b"\"\\u0000\\b\\f\\n\\\"\\\\/\\ufffd\x7f\\u003c\""
    );
    let lines = "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\\\"\": \"x:,[\",\n  \"c\": []\n}";
    assert_eq!(indent(br#"{"a":[1,{ }],"b\"":"x:,[","c":[]}"#, "  "), lines.as_bytes());
}

#[test]
fn debug_output_holds_no_value() {
    let tree = decode(r#"{"password":"hunter2","pin":4711}"#).unwrap();
    let debug = format!("{tree:?}");
    assert!(!debug.contains("hunter2") && !debug.contains("password"), "{debug}");
}

/// As printed by Go 1.26 of `json.Marshal` after a `Decoder` with `UseNumber`.
#[test]
fn documents_are_rewritten_with_their_numbers_as_they_are() {
    let document = r#" {"b":[1,2.50,{"x":[ ]},[]],"a":{"<&>":"\u2028\u00e9\b\f\u0001\u007f\/"},"c":1e21,"d":-0,
        "e":12345678901234567890.10,"f":1E+2,"a2":true,"z":null,"b":{ }} "#;
    let written = concat!(
        r#"{"a":{"\u003c\u0026\u003e":"\u2028"#,
        "\u{e9}",
        r#"\b\f\u0001"#,
        "\u{7f}",
        r#"/"},"a2":true,"b":{},"c":1e21,"d":-0,"e":12345678901234567890.10,"f":1E+2,"z":null}"#
    );
    for (document, want) in [
        (document, written),
        (r#"{"a":"\ud800x\ud83d\ude00","":0}"#, "{\"\":0,\"a\":\"\u{fffd}x\u{1f600}\"}"),
        (" [ ] ", "[]"),
        (r#""<""#, r#""\u003c""#),
        ("1.0", "1.0"),
        (" null", "null"),
    ] {
        let rewritten = String::from_utf8(rewrite(document, Html::Escape).unwrap()).unwrap();
        assert_eq!(rewritten, want, "{document}");
    }
    assert_eq!(rewrite(r#"{"<":"&"}"#, Html::Keep).unwrap(), br#"{"<":"&"}"#);
    assert_eq!(rewrite("{", Html::Keep), Err(DecodeError::Syntax(1)));
    let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
    assert_eq!(rewrite(deep, Html::Keep), Err(DecodeError::TooDeep));
}

#[test]
fn objects_of_kubernetes_keep_whole_numbers_and_read_the_others() {
    for (document, want) in [
        (r#"{ "b" : 1, "a":"<é>" }"#, r#"{"a":"\u003cé\u003e","b":1}"#),
        ("[9223372036854775807,-9223372036854775808]", "[9223372036854775807,-9223372036854775808]"),
        ("9223372036854775808", "9223372036854776000"),
        ("12345678901234567890123", "1.2345678901234568e+22"),
        ("[1.0,1.50,-0,-0.0,1e3,1e21,1E-7]", "[1,1.5,0,-0,1000,1e+21,1e-7]"),
        ("[null,true,false,\"\"]", "[null,true,false,\"\"]"),
    ] {
        let rewritten = String::from_utf8(rewrite_object(document, Html::Escape).unwrap()).unwrap();
        assert_eq!(rewritten, want, "{document}");
    }
    assert_eq!(rewrite_object("1e999", Html::Escape), Err(DecodeError::Number(0)));
}
