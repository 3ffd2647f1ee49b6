//! Templates against what Go's text/template with ESO's sprig answered, and the bounds that Go does not have.

use std::collections::BTreeMap;

use pawl_golang::budget::Budget;
use pawl_golang::sprig::{self, Environment};
use pawl_golang::template::{Functions, Limits, MissingKey, Options, Template};
use pawl_golang::value::Value;
use proptest::prelude::*;

#[path = "../examples/template.rs"]
#[expect(dead_code, reason = "the test calls what main calls")]
mod example;

use example::{Answer, answer};

const CASES: &str = include_str!("data/go-template-cases.jsonl");
const EXPECTED: &str = include_str!("data/go-template-expected.jsonl");

/// Where our error text is not Go's, and why. Phase and output are Go's in all cases.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("range#67", "Go quotes the value that cannot be ranged over"),
    ("cmp#163", "Go quotes the values that cannot be compared"),
    ("index#178", "Go quotes the index"),
    ("index#189", "Go quotes the index"),
    ("func#241", "Go quotes a character of the text that is no JSON"),
];

#[test]
fn recorded_cases_answer_as_in_go() {
    let expected: Vec<Answer> = EXPECTED.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let functions = example::functions();
    let ours: Vec<Answer> =
        CASES.lines().map(|line| answer(serde_json::from_str(line).unwrap(), &functions)).collect();
    assert_eq!(ours.len(), expected.len());
    let mut wrong = Vec::new();
    for (ours, go) in ours.iter().zip(&expected) {
        assert_eq!(ours.name, go.name);
        let phase = |answer: &Answer| answer.err.split(':').next().unwrap_or_default().to_owned();
        let same = ours.ok == go.ok && (!go.ok || ours.out == go.out) && phase(ours) == phase(go);
        let other_words = OTHER_WORDS.iter().any(|(name, _)| *name == go.name);
        if !same || (ours.err == go.err) == other_words {
            wrong.push(format!("go:   {go:?}\nours: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn functions() -> Functions {
    sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH))
}

fn execute(text: &str, limits: Limits) -> Result<Vec<u8>, String> {
    execute_within(Budget::default(), text, limits)
}

fn execute_within(mut budget: Budget, text: &str, limits: Limits) -> Result<Vec<u8>, String> {
    let functions = functions();
    let options = Options { missing_key: MissingKey::Error, limits, ..Options::new(&functions) };
    let template = Template::parse("t", text, &options).map_err(|error| error.to_string())?;
    let data = Value::string_map([("password", "hunter2"), ("n", "3")]);
    template.execute_within(&mut budget, &data).map_err(|error| error.to_string())
}

#[test]
fn every_limit_ends_in_a_clear_error() {
    let small = Limits { nesting: 500, output: 1_000, ..Limits::default() };
    let budget = Budget::new(200_000, 1 << 20);
    let cases = [
        ("{{ range 100000000000 }}{{ end }}", "more steps"),
        ("{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}", "more steps"),
        ("{{ range 100 }}aaaaaaaaaaaaaaaaaaaaaaaa{{ end }}", "output is longer"),
        ("{{ define \"r\" }}{{ template \"r\" . }}{{ end }}{{ template \"r\" . }}", "maximum template depth"),
        ("{{ $x := \"aaaaaaaaaaaaaaaa\" }}{{ range 1000 }}{{ $x = print $x $x }}{{ end }}", "more memory"),
        ("{{ $l := list }}{{ range 1000 }}{{ $l = list $l }}{{ end }}{{ $l }}", "nested too deeply"),
        ("{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}", "too large"),
        ("{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ toRawJson $l }}", "more steps"),
        (
            "{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ deepEqual $l (deepCopy $l) }}",
            "more steps",
        ),
        ("{{ $d := dict }}{{ $_ := set $d \"d\" (list $d) }}", "into itself"),
        ("{{ repeat 1000000000 \"abcdefgh\" }}", "too large"),
        ("{{ untilStep 0 1000000000 1 }}", "too large"),
        ("{{ indent 2000000000 \"a\" }}", "too large"),
        (
            "{{ printf \"%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d%999999d\" 1 2 3 4 5 6 7 8 9 }}",
            "too large",
        ),
        ("{{ $s := repeat 500000 \"a\" }}{{ range 1000 }}{{ $_ := sha256sum $s }}{{ end }}", "more steps"),
        (
            "{{ $s := repeat 500000 \"ab\" }}{{ range 1000 }}{{ if contains \"b\" $s }}{{ end }}{{ end }}",
            "more steps",
        ),
        (
            "{{ $s := repeat 100000 \"a\" }}{{ $l := list }}{{ range 90 }}{{ $l = append $l $s }}{{ end }}{{ toRawJson $l }}",
            "more steps",
        ),
        (
            "{{ $l := list }}{{ range 300 }}{{ $l = list $l 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 }}{{ end }}{{ range 1000 }}{{ $_ := deepCopy $l }}{{ end }}",
            "more memory",
        ),
        (
            "{{ $s := fromJson \"[[1,2],[3,4],[5,6],[7,8],[9,0]]\" }}{{ range 9000 }}{{ $s = fromJson (toJson (list $s)) }}{{ end }}",
            "more memory",
        ),
        ("{{ range 1000 }}{{ $_ := bcrypt \"a\" }}{{ end }}", "more steps"),
        ("{{ regexReplaceAll \"\" (repeat 10000 \"a\") (repeat 10000 \"b\") }}", "more steps"),
    ];
    for (text, expected) in cases {
        let error = execute_within(budget.clone(), text, small).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn what_is_shared_many_times_is_paid_for_as_often() {
    for loops in [
        "{{ $l := list 1 }}{{ range 14 }}{{ $l = list $l $l }}{{ end }}{{ range 1000 }}{{ $_ := deepEqual $l $l }}{{ end }}",
        "{{ $l := list 1 }}{{ range 14 }}{{ $l = list $l $l }}{{ end }}{{ range 1000 }}{{ $_ := has 1 (list $l) }}{{ end }}",
        "{{ $d := dict }}{{ range 12 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ range 1000 }}{{ $_ := merge $d $d }}{{ end }}",
        "{{ $d := dict }}{{ range 12 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}{{ range 1000 }}{{ $_ := set (dict) \"a\" $d }}{{ end }}",
    ] {
        let error = execute_within(Budget::new(2_000_000, 1 << 20), loops, Limits::default()).unwrap_err();
        assert!(error.contains("more steps"), "{loops}: {error}");
    }
}

#[test]
fn a_dict_that_is_filled_is_not_paid_for_anew_with_each_entry() {
    let fill =
        "{{ $d := dict }}{{ range $i := 1500 }}{{ $_ := set $d (toString $i) $i }}{{ end }}{{ len $d }}";
    assert_eq!(execute_within(Budget::new(8_000_000, 2 << 20), fill, Limits::default()).unwrap(), b"1500");
}

#[test]
fn a_template_has_so_many_parts_and_no_more() {
    let error = execute(&"{{.n}}".repeat(40_000), Limits::default()).unwrap_err();
    assert!(error.contains("too many parts"), "{error}");
    assert!(execute(&"{{.n}}".repeat(10_000), Limits::default()).is_ok());
}

#[test]
fn functions_that_swallow_errors_do_not_swallow_limits() {
    let deep = "{{ $l := list }}{{ range 600 }}{{ $l = list $l }}{{ end }}";
    let pattern = "(".repeat(400) + &")".repeat(400);
    let cases = [
        (format!("{deep}{{{{ toJson $l }}}}"), "nested too deeply"),
        (format!("{deep}{{{{ toPrettyJson $l }}}}"), "nested too deeply"),
        (format!("{{{{ fromJson \"{}1{}\" }}}}", "[".repeat(600), "]".repeat(600)), "nested too deeply"),
        (format!("{{{{ regexMatch \"{pattern}\" \"a\" }}}}"), "too large"),
    ];
    for (text, expected) in cases {
        let error = execute(&text, Limits::default()).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn deep_templates_run_on_a_small_stack() {
    let run = std::thread::Builder::new().stack_size(512 << 10).spawn(|| {
        let deep = 3_000;
        let parens = format!("{{{{ {}.n{} }}}}", "(".repeat(deep), ")".repeat(deep));
        assert_eq!(execute(&parens, Limits::default()).unwrap(), b"3");
        let blocks = "{{ if .n }}".repeat(deep / 3) + "x" + &"{{ end }}".repeat(deep / 3);
        assert_eq!(execute(&blocks, Limits::default()).unwrap(), b"x");
        let chain = "{{ if eq .n \"0\" }}".to_owned() + &"{{ else if eq .n \"1\" }}".repeat(deep / 3) + "{{ end }}";
        assert_eq!(execute(&chain, Limits::default()).unwrap(), b"");
        let recursion = "{{ define \"r\" }}{{ if gt . 0 }}{{ template \"r\" (sub . 1) }}{{ end }}{{ end }}{{ template \"r\" 500 }}";
        assert_eq!(execute(recursion, Limits::default()).unwrap(), b"");
        let too_deep = "(".repeat(100_000);
        assert!(execute(&format!("{{{{ {too_deep} }}}}"), Limits::default()).unwrap_err().contains("depth exceeded"));
    });
    run.unwrap().join().unwrap();
}

#[test]
fn errors_hold_no_value_of_the_data() {
    let templates = [
        "{{ range .password }}{{ end }}",
        "{{ .password.x }}",
        "{{ .password 1 }}",
        "{{ fail .password }}",
        "{{ fail (printf \"bad %s\" .password) }}",
        "{{ .password | fail }}",
        "{{ mustFromJson .password }}",
        "{{ mustToDate \"2006\" .password }}",
        "{{ semver .password }}",
        "{{ semverCompare .password \"1\" }}",
        "{{ mustRegexMatch (print .password \"(\") \"a\" }}",
        "{{ urlParse (print .password \"%zz\") }}",
        "{{ index (list) .password }}",
        "{{ index (list 1) (atoi \"77777\") }}",
        "{{ slice .password 9 }}",
        "{{ eq .password 1 }}",
        "{{ eq (list .password) (list) }}",
        "{{ genSelfSignedCert .password (list .password) nil 1 }}",
        "{{ decryptAES .password .password }}",
        "{{ dig .password .password }}",
        "{{ mustDateModify .password now }}",
        "{{ call .password }}",
        "{{ urlJoin (dict \"host\" (list .password)) }}",
        "{{ template \"x\" .password }}",
        "{{ mustAppend .password 1 }}",
    ];
    for text in templates {
        let error = execute(text, Limits::default()).expect_err(text);
        assert!(!error.contains("hunter2") && !error.contains("77777)"), "{error}");
    }
    assert!(execute("{{ fail \"spelled out\" }}", Limits::default()).unwrap_err().ends_with("spelled out"));
}

#[test]
fn one_template_executes_in_many_threads() {
    let functions = functions();
    let template = Template::parse(
        "t",
        "{{ range $k, $v := . }}{{ $k }}={{ $v | upper }};{{ end }}",
        &Options::new(&functions),
    )
    .unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let template = &template;
            scope.spawn(move || {
                let data = Value::string_map(BTreeMap::from([
                    ("a", "x"),
                    ("n", if number % 2 == 0 { "even" } else { "odd" }),
                ]));
                let expected = if number % 2 == 0 { "a=X;n=EVEN;" } else { "a=X;n=ODD;" };
                assert_eq!(template.execute(&data).unwrap(), expected.as_bytes());
            });
        }
    });
}

const FRAGMENTS: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "(",
    ")",
    "|",
    "\"",
    "`",
    "'a'",
    ".",
    "$",
    "$x",
    ":=",
    "=",
    ",",
    " ",
    "\n",
    ".n",
    ".password",
    "if ",
    "else",
    "end",
    "range ",
    "with ",
    "define ",
    "template ",
    "block ",
    "break",
    "continue",
    "nil",
    "true",
    "1",
    "-1",
    "1e9",
    "0x",
    "1i",
    "\"a\"",
    "\"%v %*d %[3]q\"",
    "printf ",
    "print ",
    "index ",
    "slice ",
    "len ",
    "eq ",
    "lt ",
    "and ",
    "or ",
    "list ",
    "dict ",
    "set ",
    "append ",
    "first ",
    "rest ",
    "chunk ",
    "merge ",
    "dig ",
    "join ",
    "split ",
    "repeat ",
    "substr ",
    "trunc ",
    "indent ",
    "wrap ",
    "abbrevboth ",
    "snakecase ",
    "camelcase ",
    "title ",
    "until ",
    "untilStep ",
    "seq ",
    "round ",
    "divf ",
    "mulf ",
    "div ",
    "mod ",
    "add ",
    "toJson ",
    "fromJson ",
    "b64dec ",
    "b32dec ",
    "hexdec ",
    "date ",
    "toDate ",
    "duration ",
    "durationRound ",
    "dateModify ",
    "now ",
    "semver ",
    "semverCompare ",
    "urlParse ",
    "urlJoin ",
    "regexFindAll ",
    "regexReplaceAll ",
    "regexSplit ",
    "typeOf ",
    "deepEqual ",
    "ternary ",
    "default ",
    "decryptAES ",
    "randAlpha ",
    "shuffle ",
    "\u{e9}\u{0}",
    "{{/* ",
    " */}}",
    "{{end}}",
    "{{else}}",
    "9223372036854775807",
];

#[test]
fn a_template_tells_which_functions_it_calls() {
    let functions = sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH));
    for (text, want) in [
        ("plain", vec![]),
        ("{{ .a }}", vec![]),
        ("{{ .a | upper | upper }}", vec!["upper"]),
        ("{{ if eq .a 1 }}{{ now.Year }}{{ else }}{{ (uuidv4).x }}{{ end }}", vec!["eq", "now", "uuidv4"]),
        ("{{ define \"u\" }}{{ hello }}{{ end }}{{ template \"u\" (list 1) }}", vec!["hello", "list"]),
        (
            "{{ range $i := until (len .a) }}{{ $x := printf \"%d\" $i }}{{ end }}",
            vec!["len", "printf", "until"],
        ),
    ] {
        let template = Template::parse("t", text, &Options::new(&functions)).unwrap();
        assert_eq!(template.functions().into_iter().collect::<Vec<_>>(), want, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any text is a template or an error, and any template ends.
    #[test]
    fn no_text_panics_or_hangs(pieces in proptest::collection::vec(prop_oneof![
        8 => proptest::sample::select(FRAGMENTS).prop_map(str::to_owned),
        1 => "\\PC{0,4}",
    ], 0..24)) {
        let budget = Budget::new(50_000, 16 << 20);
        let _ = execute_within(budget.clone(), &pieces.concat(), Limits::default());
        let _ = execute_within(budget, &format!("{{{{ {} }}}}", pieces.concat()), Limits::default());
    }

    /// Formats and arguments of every kind end in a text.
    #[test]
    fn no_format_panics(format in "(%[-+# 0]{0,3}[0-9*]{0,2}(\\.[0-9*]{0,2})?(\\[[0-9]{1,2}\\])?[a-zA-Z%!]|.){0,5}", text in any::<Vec<u8>>(), number in any::<i64>(), float in any::<f64>()) {
        let args = [Value::text(&text), Value::Int(number), Value::Float(float), Value::Nil, Value::list(vec![Value::Bool(true), Value::Complex(float, 1.0)]), Value::dict([("k", Value::Uint(number as u64))])];
        let _ = pawl_golang::fmt::sprintf(format.as_bytes(), &args);
    }
}
