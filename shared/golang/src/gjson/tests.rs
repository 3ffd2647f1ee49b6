use super::{Kind, TooComplex, get};

/// What a path finds, as text.
fn find(json: &str, path: &str) -> Option<String> {
    get(json, path).unwrap().map(|value| String::from_utf8(value.string().into_owned()).unwrap())
}

#[test]
fn a_step_finds_a_member_an_element_or_nothing() {
    let json = r#"{"a":{"b":[1,{"c":"d"}]},"tls.crt":"x","n":null,"e":""}"#;
    assert_eq!(find(json, "a.b.1.c").as_deref(), Some("d"));
    assert_eq!(find(json, "a.b.2"), None);
    assert_eq!(find(json, "tls.crt"), None);
    assert_eq!(find(json, &super::escape_dots("tls.crt")).as_deref(), Some("x"));
    assert_eq!(find(json, "n").as_deref(), Some(""));
    assert_eq!(find(json, "e").as_deref(), Some(""));
    assert_eq!(get(json, "n").unwrap().unwrap().kind(), Kind::Null);
}

#[test]
fn doubling_modifiers_are_stopped() {
    let doubling = vec!["@tostr"; 60].join("|");
    assert_eq!(get(r#"{"a":"\\"}"#, &doubling), Err(TooComplex));
    let copying = vec!["[@this,@this]"; 60].join("|");
    assert_eq!(get("{}", &copying), Err(TooComplex));
}

#[test]
fn many_searches_of_next_to_nothing_are_stopped() {
    let nested = format!("{}1{}", "[".repeat(14), "]".repeat(14));
    assert_eq!(get(&nested, "@dig:".repeat(8) + "x"), Err(TooComplex));
}

#[test]
fn depth_is_limited_on_a_small_stack() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    let lists = deep("[", "]");
    let objects = deep("{\"a\":", "}");
    let work = move || {
        let long = |step: &str, sign: &str| vec![step; 10_000].join(sign);
        for (json, path) in [
            (&lists, long("0", ".")),
            (&objects, long("a", ".")),
            (&lists, long("0", "|")),
            (&lists, long("#", ".")),
            (&objects, long("@this", "|")),
            (&lists, format!("{}{}", "#(".repeat(1_000), ")".repeat(1_000))),
            (&lists, format!("{}{}", "[".repeat(1_000), "]".repeat(1_000))),
            (&lists, "@pretty".to_owned()),
            (&objects, "@pretty".to_owned()),
            (&lists, "@flatten:{\"deep\":true}".to_owned()),
            (&lists, "@dig:x".to_owned()),
        ] {
            assert_eq!(get(json, &path), Err(TooComplex), "{:.20}", path);
        }
        for path in
            ["@ugly", "@valid", "@fromstr", "@reverse", "@tostr", "@keys", "@values", "@join", "@group"]
        {
            assert!(get(&lists, path).is_ok(), "{path}");
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn debug_output_holds_no_value() {
    let value = get(r#"{"password":"hunter2"}"#, "password").unwrap().unwrap();
    assert!(!format!("{value:?}").contains("hunter2"));
}
