use super::{YamlError, read, read_strings, write};
use crate::json::{EncodeError, Html, Tree, decode, encode};

/// The document as JSON.
fn json(yaml: &str) -> String {
    String::from_utf8(encode(&read(yaml).unwrap(), Html::Keep).unwrap()).unwrap()
}

/// The text that the scalar becomes.
fn text(scalar: &str) -> String {
    let mut members = read_strings(format!("k: {scalar}\n")).unwrap();
    String::from_utf8(members.remove(&b"k"[..]).unwrap()).unwrap()
}

#[test]
fn scalars_are_typed_before_they_become_text() {
    let cases = [
        ("1", "1"),
        ("yes", "true"),
        ("on", "true"),
        ("y", "true"),
        ("true", "true"),
        ("no", "false"),
        ("off", "false"),
        ("n", "false"),
        ("0123", "83"),
        ("0o17", "15"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("1.10", "1.1"),
        ("1e3", "1000"),
        ("1e+30", "1e+30"),
        (".inf", "+Inf"),
        ("-.inf", "-Inf"),
        (".nan", "NaN"),
        ("1.0", "1"),
        ("123456789.123", "1.2345679e+08"),
        ("16777217.0", "1.6777216e+07"),
        ("09", "9"),
        (".5", "0.5"),
        ("1E5", "100000"),
        ("18446744073709551615", "18446744073709551615"),
        ("123456789012345678901234567890", "1.2345679e+29"),
        ("+1", "1"),
        ("-0", "0"),
        ("0b11", "3"),
        ("1__0", "10"),
        ("2020-01-01", "2020-01-01"),
        ("1:30", "1:30"),
        ("null", ""),
        ("~", ""),
        ("", ""),
        ("!!binary aGk=", "hi"),
        ("=", "="),
        ("12e03", "12000"),
        ("0777", "511"),
        ("\"0123\"", "0123"),
        ("'no'", "no"),
        ("!!str 0123", "0123"),
        ("|\n  a\n  b", "a\nb\n"),
        (">-\n  a\n  b", "a b"),
    ];
    for (scalar, expected) in cases {
        assert_eq!(text(scalar), expected, "{scalar}");
    }
}

#[test]
fn keys_are_typed_too_and_the_last_of_equal_keys_wins() {
    let members = read_strings("1: a\ntrue: b\nyes: c\n0x10: d\n1.50: e\nx: f\nx: g\n").unwrap();
    let members: Vec<_> = members.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
    assert_eq!(
        members,
        [(&b"1"[..], &b"a"[..]), (b"1.5", b"e"), (b"16", b"d"), (b"true", b"c"), (b"x", b"g")]
    );
    assert!(read_strings("~: a").is_err());
    assert!(read_strings("? [a]\n: b").is_err());
}

#[test]
fn only_mappings_of_scalars_are_strings() {
    assert!(read_strings("").unwrap().is_empty());
    assert!(read_strings("# nothing\n---\n").unwrap().is_empty());
    assert!(read_strings("a: [b]").is_err());
    assert!(read_strings("a: {b: c}").is_err());
    assert_eq!(read_strings("a: [b]\na: c\n").unwrap()[&b"a"[..]], b"c");
    assert!(read_strings("a: c\na: [b]\n").is_err());
    assert_eq!(read_strings("- a"), Err(YamlError::NotAMapping));
    assert_eq!(read_strings("a"), Err(YamlError::NotAMapping));
    assert_eq!(read_strings("a: 1\n---\nb: [").unwrap().len(), 1);
}

#[test]
fn documents_are_read_as_trees() {
    assert_eq!(
        json("a:\n- 1\n- b: {c: d, e: }\n? f\n: |+\n  x\n\ng: 'it''s'\n"),
        r#"{"a":[1,{"b":{"c":"d","e":null}}],"f":"x\n\n","g":"it's"}"#
    );
    assert_eq!(
        json("%YAML 1.1\n---\n- \"a\\x41\\u00e9\\\n  b\"\n- [1.5, 0.1e-7, x: z]\n...\n"),
        "[\"aA\u{e9}b\",[1.5,1e-8,{\"x\":\"z\"}]]"
    );
    assert_eq!(
        json("a: &x {b: 1}\nc: *x\nd:\n  b: 0\n  <<: *x\n  e: 2\n"),
        r#"{"a":{"b":1},"c":{"b":1},"d":{"b":1,"e":2}}"#
    );
    assert_eq!(json("a: {<<: [{b: 1}, {b: 2, c: 3}]}"), r#"{"a":{"b":1,"c":3}}"#);
    assert_eq!(
        json("plain text\n  over lines\n\n  and paragraphs"),
        "\"plain text over lines\\nand paragraphs\""
    );
}

#[test]
fn errors_name_the_place_and_no_content() {
    let error = read("a: 1\nhunter2: [secret\n").unwrap_err();
    assert!(matches!(error, YamlError::Invalid { line: 3, .. }), "{error}");
    assert!(!error.to_string().contains("secret") && !error.to_string().contains("hunter2"));
    for bad in [
        "a: b: c",
        "a: 'x",
        "\tb: 1",
        "a: *x",
        "a: &x [*x]",
        "- a\nb: c",
        "a: %",
        "a: \u{1}",
        "!!int x",
        "a: .inf",
    ] {
        assert!(matches!(read(bad), Err(YamlError::Invalid { .. })), "{bad:?}");
    }
    assert!(matches!(read(b"a: \xff"), Err(YamlError::Invalid { line: 1, column: 4, .. })));
}

#[test]
fn documents_cannot_expand_without_end() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..20 {
        let below = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [*a{below},*a{below},*a{below},*a{below},*a{below},*a{below},*a{below},*a{below}]\n"));
    }
    assert_eq!(read(&bomb), Err(YamlError::TooLarge));
    let long = format!("a: &a \"{}\"\nb: [{}]", "x".repeat(1 << 20), vec!["*a"; 90].join(","));
    assert_eq!(read(long), Err(YamlError::TooLarge));
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
        let deep = format!("{}x{}", open.repeat(100_000), close.repeat(100_000));
        assert!(read(&deep).is_err(), "{open}");
    }
    let mut chain = String::from("a0: &a0 x\n");
    for level in 1..2_000 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert_eq!(read(&chain), Err(YamlError::TooLarge));
}

/// A JSON document as YAML.
fn yaml(json: &str) -> String {
    write(&decode(json).unwrap()).unwrap()
}

#[test]
fn trees_are_written_in_block_style() {
    let json = r#"{"b":[1,[2,{"x":[]}],{}],"a":{"c":"d","e":null},"f":1e6,"g":1.5e21,"h":true,"i":"a\nb","j":"a\n\n"}"#;
    let expected = "a:\n  c: d\n  e: null\nb:\n- 1\n- - 2\n  - x: []\n- {}\nf: 1000000\ng: 1.5e+21\nh: true\ni: |-\n  a\n  b\nj: |+\n  a\n\n";
    assert_eq!(yaml(json), expected);
    assert_eq!(yaml("[]"), "[]\n");
    assert_eq!(yaml("\"x\""), "x\n");
}

#[test]
fn texts_are_quoted_where_they_would_be_read_as_something_else() {
    for text in ["yes", "012", "1e3", "2020-01-01", "", "~", "null", "1:30", "0x1", ".5", "+1"] {
        assert_eq!(yaml(&format!("[\"{text}\"]")), format!("- \"{text}\"\n"));
    }
    for text in ["a: b", " lead", "x #y", "- a", "trail ", "a:", "#a", "{a", "---", "@a"] {
        assert_eq!(yaml(&format!("[\"{text}\"]")), format!("- '{text}'\n"));
    }
    for text in ["a:b", "a#b", "-a", "a b", "=", "1a", "it's", "<<", "é"] {
        assert_eq!(yaml(&format!("[\"{text}\"]")), format!("- {text}\n"));
    }
    assert_eq!(yaml(r#"["\u0001\t\u2028\ud83c\udf89"]"#), "- \"\\x01\\t\\L\\U0001F389\"\n");
}

#[test]
fn keys_are_in_natural_order() {
    let keys = ["_", "\"1\"", "\"2\"", "\"10\"", "B", "a", "a-b", "a2", "a10", "aB", "ab"];
    let tree =
        Tree::Map(keys.iter().map(|key| (key.trim_matches('"').as_bytes().to_vec(), Tree::Int(0))).collect());
    assert_eq!(write(&tree).unwrap(), keys.map(|key| format!("{key}: 0\n")).concat());
}

#[test]
fn what_has_no_way_over_json_is_refused() {
    assert_eq!(write(&Tree::Float(f64::NAN)), Err(YamlError::Json(EncodeError::NotFinite)));
    assert!(matches!(write(&Tree::Text(vec![0x7f])), Err(YamlError::Invalid { .. })));
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_read_again(text in "[a-c :#\\-\n\t'\"0-2.~é\u{1f600}]{0,20}", key in "[a-c0-2 ]{0,4}") {
        let tree = Tree::Map([(key.into_bytes(), Tree::List(vec![Tree::Text(text.into_bytes())]))].into());
        proptest::prop_assert_eq!(read(write(&tree).unwrap()), Ok(tree));
    }

    #[test]
    fn any_document_is_read_or_refused(bytes: Vec<u8>, text in "[-?:,\\[\\]{}#&*!|>'\"%@` \n\tab01.<=~]{0,40}") {
        let _ = read(&bytes);
        let _ = read(&text);
        let _ = read_strings(&text);
    }
}
