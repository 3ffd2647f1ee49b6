use super::{Reason, Regexp, RegexpError, quote_meta};

fn regexp(pattern: &str) -> Regexp {
    Regexp::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

fn replaced(pattern: &str, text: &str, template: &str) -> String {
    String::from_utf8(regexp(pattern).replace_all(text, template)).unwrap()
}

#[test]
fn what_only_go_accepts_works() {
    for (pattern, text) in [
        (r"^\Qa.b*\E*$", "a.b***"),
        (r"^a{,3}$", "a{,3}"),
        (r"^{$", "{"),
        (r"^a{$", "a{"),
        (r"^\07\101$", "\u{7}A"),
        (r"^[a&&b]+$", "&ab"),
        (r"^[+--b]+$", ",b"),
        (r"^[[a]b]$", "ab]"),
        (r"^[]a]+$", "]a"),
        (r"^\pN\p{Greek}\p{^Lu}$", "1λx"),
        (r"(?P<n>a)(?<n>b)", "ab"),
        (r"(?)a(?i)*$", "AaA"),
        (r"^[^\d]$", "٣"),
        (r"é\b", "éa"),
    ] {
        assert!(regexp(pattern).is_match(text), "{pattern} on {text}");
    }
    for (pattern, text) in [(r"\d", "٣"), (r"\w", "é"), (r"\s", "\u{b}"), (r"\s", "\u{a0}"), ("a$", "a\n")]
    {
        assert!(!regexp(pattern).is_match(text), "{pattern} on {text}");
    }
}

#[test]
fn what_go_refuses_is_refused_where_it_stands() {
    for (pattern, reason, at) in [
        ("a**", Reason::InvalidRepeatOp, 2),
        ("x(*", Reason::MissingRepeatArgument, 2),
        ("a|+", Reason::MissingRepeatArgument, 2),
        ("a{1001}", Reason::InvalidRepeatSize, 1),
        ("a{3,2}", Reason::InvalidRepeatSize, 1),
        ("((a{100}){100})", Reason::InvalidRepeatSize, 9),
        ("a(b", Reason::MissingParen, 3),
        ("a)b", Reason::UnexpectedParen, 1),
        ("a[b", Reason::MissingBracket, 1),
        ("[b-a]", Reason::InvalidCharRange, 1),
        ("[[:nope:]]", Reason::InvalidCharRange, 1),
        (r"\p{Nope}", Reason::InvalidCharRange, 0),
        (r"a\C", Reason::InvalidEscape, 1),
        (r"a\1", Reason::InvalidEscape, 1),
        (r"\u00e9", Reason::InvalidEscape, 0),
        ("a\\", Reason::TrailingBackslash, 1),
        ("(?x)a", Reason::InvalidPerlOp, 0),
        ("(?=a)", Reason::InvalidPerlOp, 0),
        ("(?P<n", Reason::InvalidNamedCapture, 0),
    ] {
        assert_eq!(Regexp::new(pattern).unwrap_err(), RegexpError::Syntax { reason, at }, "{pattern}");
    }
    assert_eq!(
        Regexp::new(b"a\xff").unwrap_err(),
        RegexpError::Syntax { reason: Reason::InvalidUtf8, at: 1 }
    );
    assert_eq!(Regexp::new("(".repeat(100_000)).unwrap_err(), RegexpError::TooLarge);
    assert_eq!(Regexp::new(r"(\pL{1000}){1,1}\pL{1000}\pL{1000}").unwrap_err(), RegexpError::TooLarge);
}

#[test]
fn templates_name_groups_greedily() {
    assert_eq!(replaced("(a)(b)?", "ab-a", "$1_x"), "-");
    assert_eq!(replaced("(a)(b)?", "ab-a", "${1}_x[$2]$"), "a_x[b]$-a_x[]$");
    assert_eq!(replaced("(?P<key>[a-z]+)=", "a=b=", "$key:$$${key}$nope$"), "a:$a$b:$b$");
    assert_eq!(replaced("a*", "baac", "x"), "xbxcx");
    assert_eq!(regexp("a").replace_all_literal(4, "bab", "$0").unwrap(), b"b$0b");
}

#[test]
fn bytes_outside_of_utf8_are_kept() {
    assert_eq!(regexp("^.b.$").replace_all(b"\xffb\xfe", "$0$0"), b"\xffb\xfe\xffb\xfe");
    assert_eq!(regexp("b").split(b"\xffb\xfe\xfdbx", None), [&b"\xff"[..], b"\xfe\xfd", b"x"]);
    assert_eq!(regexp("[^a]").find(b"a\xc3"), Some(&b"\xc3"[..]));
}

#[test]
fn texts_are_split_as_go_splits_them() {
    let split = |pattern: &str, text: &str, limit: Option<usize>| {
        let pieces = regexp(pattern).split(text, limit);
        pieces.iter().map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(split("a", "banana", None), ["b", "n", "n", ""]);
    assert_eq!(split("a", "banana", Some(2)), ["b", "nana"]);
    assert_eq!(split("a", "banana", Some(1)), ["banana"]);
    assert_eq!(split("z*", "pizza", None), ["p", "i", "a"]);
    assert_eq!(split("", "äb", None), ["ä", "b"]);
    assert_eq!(split("a", "", None), [""]);
    assert!(split("", "", None).is_empty());
    assert!(split("a", "banana", Some(0)).is_empty());
}

#[test]
fn a_quoted_text_matches_itself() {
    let text = br"a.b*c\d[e]{2}^$|(f)+?";
    assert_eq!(regexp(std::str::from_utf8(&quote_meta(text)).unwrap()).find(text), Some(&text[..]));
    assert_eq!(quote_meta("a.b-é"), "a\\.b-é".as_bytes());
}

proptest::proptest! {
    #[test]
    fn any_pattern_compiles_or_is_refused(pattern: Vec<u8>, text: Vec<u8>) {
        if let Ok(regexp) = Regexp::new(&pattern) {
            let _ = regexp.replace_all(&text, &pattern);
        }
    }
}

#[test]
fn a_result_that_would_be_too_long_is_none() {
    let grows = regexp("(.*)");
    assert_eq!(grows.replace_all_within(4, "ab", "$1$1").as_deref(), Some(&b"abab"[..]));
    assert_eq!(grows.replace_all_within(3, "ab", "$1$1"), None);
    assert_eq!(grows.replace_all_within(1 << 20, "ab".repeat(1 << 16), "$1".repeat(1 << 16)), None);
    assert_eq!(regexp("x").replace_all_within(1, "ab", ""), None, "what no match touches counts as well");
    assert_eq!(regexp("").replace_all_literal(9, "ab", "1234"), None);
}

#[test]
fn large_patterns_and_long_texts_cost_more() {
    let (small, large) = (regexp("^db-([a-z]+)$"), regexp(r"[01]*1[\pL]{90}"));
    assert!(
        small.price() < 10_000 && large.price() > 4 * small.price(),
        "{} {}",
        small.price(),
        large.price()
    );
    assert!(large.price_of_search(1 << 16) > 4 * small.price_of_search(1 << 16));
    assert!(small.price_of_search(1 << 16) > 10 * small.price_of_search(1 << 10));
}
