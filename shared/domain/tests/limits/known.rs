//! What once took too long or too much, and its kin: each case is small enough for an API server to store.

use crate::case::{Case, found, found_in, literal, object, property, read};
use crate::{fewer, hold};
use pawl_domain::Provider;
use pawl_domain::declaration::{
    Decoding, Into as Becomes, KeyConversion, Merge, OnConflict, Rewrite, Template, TemplateAs,
};
use std::collections::BTreeMap;

/// So many times in a loop.
fn looped(call: &str) -> String {
    format!("{{{{ range $i := 1000000 }}}}{call}{{{{ end }}}}")
}

fn cryptography() -> Vec<Case> {
    let calls = [
        "genPrivateKey \"rsa\"",
        "genPrivateKey \"dsa\"",
        "genPrivateKey \"ecdsa\"",
        "genPrivateKey \"ed25519\"",
        "genCA \"a\" 1",
        "genSelfSignedCert \"a\" nil nil 1",
        "bcrypt \"x\"",
        "htpasswd \"a\" \"x\" \"bcrypt\"",
        "htpasswd \"a\" .text \"sha\"",
        "derivePassword 1 \"long\" \"p\" \"u\" \"s\"",
        "derivePassword 1 \"maximum\" .text .text .text",
        "encryptAES .text .text",
        "decryptAES \"x\" (encryptAES \"x\" .text)",
        "randBytes 1000000",
        "randAlphaNum 1000000",
        "shuffle .text",
        "sha512sum .text",
    ];
    let loops = calls
        .map(|call| Case::template(call, looped(&format!("{{{{ {} }}}}", call.replace(".text", "$.text")))));
    // Once beside a loop that uses up the rest.
    let rest = looped("{{ $_ := . }}");
    let then =
        calls.map(|call| Case::template(format!("{call}, then a loop"), format!("{{{{ {call} }}}}{rest}")));
    loops.into_iter().chain(then).collect()
}

fn growth() -> Vec<Case> {
    [
        ("a text doubles", "{{ $s := .text }}{{ range until 60 }}{{ $s = printf \"%s%s\" $s $s }}{{ end }}{{ $s }}"),
        ("a text is catenated", "{{ $s := .text }}{{ range until 60 }}{{ $s = cat $s $s }}{{ end }}{{ $s }}"),
        ("a list doubles", "{{ $l := list 1 }}{{ range until 200 }}{{ $l = concat $l $l }}{{ end }}"),
        ("a list grows by one", "{{ $l := list 1 }}{{ range $i := 60000 }}{{ $l = append $l 1 }}{{ end }}"),
        ("a dict grows by one", "{{ $d := dict }}{{ range $i := 1000000 }}{{ $_ := set $d (toString $i) $i }}{{ end }}"),
        ("dicts are kept", "{{ $d := dict }}{{ range $i := 1000000 }}{{ $_ := set $d (toString $i) (dict \"a\" $i) }}{{ end }}"),
        ("lists are kept", "{{ $d := dict }}{{ range $i := 1000000 }}{{ $_ := set $d (toString $i) (list $i) }}{{ end }}"),
        ("short texts are kept", "{{ $d := dict }}{{ range $i := 1000000 }}{{ $_ := set $d (toString $i) (printf \"%d\" $i) }}{{ end }}"),
        ("a dict of all lists", "{{ $d := dict }}{{ range $i := 1000000 }}{{ $_ := set $d \"a\" (list (get $d \"a\") $i) }}{{ end }}"),
        ("output", "{{ range $i := 1000000 }}{{ $.text }}{{ end }}"),
        ("a text is split to bytes", "{{ $s := repeat 30 .text }}{{ $l := splitList \"\" (trunc 65000 $s) }}{{ $m := splitList \"\" (trunc 65000 $s) }}"),
        ("a text is split to a dict", "{{ $s := repeat 30 .text }}{{ $l := split \"\" (trunc 65000 $s) }}{{ $m := split \"\" (trunc 65000 $s) }}"),
        ("matches of one byte", "{{ $s := repeat 30 .text }}{{ $l := regexFindAll \"a\" (trunc 65000 $s) -1 }}"),
        ("pieces between matches", "{{ $s := repeat 30 .text }}{{ $l := regexSplit \"a\" (trunc 65000 $s) -1 }}"),
        ("numbers", "{{ $l := until 65000 }}{{ $m := until 65000 }}"),
        ("numbers as texts", "{{ $l := toStrings (until 65000) }}"),
        ("a sequence", "{{ $l := seq 1 65000 }}"),
        ("chunks", "{{ $l := chunk 1 (until 65000) }}"),
        ("JSON of lists", "{{ $l := fromJson (printf \"[%s1]\" (repeat 60000 \"[],\")) }}"),
        ("JSON of objects", "{{ $l := fromJson (printf \"[%s1]\" (repeat 16000 \"{\\\"a\\\":0},\")) }}"),
        ("JSON of texts", "{{ $l := fromJson (printf \"[%s1]\" (repeat 60000 \"\\\"\\\",\")) }}"),
        ("JSON of numbers", "{{ $l := fromJson (printf \"[%s1]\" (repeat 60000 \"1,\")) }}"),
        ("YAML of lists", "{{ $l := fromYaml (repeat 60000 \"-\\n\") }}"),
        ("YAML in flow", "{{ $l := fromYaml (printf \"a: [%s1]\" (repeat 30000 \"[],\")) }}"),
        ("YAML of keys", "{{ $l := fromYaml (printf \"{%s}\" (repeat 20000 \"? a,\")) }}"),
        ("YAML of a long text", "{{ $l := fromYaml (printf \"a: \\\"%s\\\"\" (repeat 30 .text)) }}"),
        ("YAML with aliases", "{{ $l := fromYaml (printf \"a: &a [1,1,1,1,1,1,1,1]\\nb: [%s1]\" (repeat 20000 \"*a,\")) }}"),
        ("a list to YAML", "{{ $l := until 60000 }}{{ $s := toYaml $l }}"),
        ("a list to pretty JSON", "{{ $l := until 60000 }}{{ $s := toPrettyJson $l }}"),
        ("a shared list to YAML", "{{ $l := list 1 }}{{ range until 15 }}{{ $l = list $l $l }}{{ end }}{{ $s := toYaml $l }}"),
        ("a shared list to JSON", "{{ $l := list 1 }}{{ range until 15 }}{{ $l = list $l $l }}{{ end }}{{ $s := toJson $l }}"),
        ("a shared list is copied", "{{ $l := list 1 }}{{ range until 15 }}{{ $l = list $l $l }}{{ end }}{{ $s := deepCopy $l }}"),
        ("a shared dict is copied", "{{ $l := dict \"a\" 1 }}{{ range until 14 }}{{ $l = dict \"a\" $l \"b\" $l }}{{ end }}{{ $s := deepCopy $l }}"),
        ("a shared dict to YAML", "{{ $l := dict \"a\" 1 }}{{ range until 14 }}{{ $l = dict \"a\" $l \"b\" $l }}{{ end }}{{ $s := toYaml $l }}"),
        ("a shared text to JSON", "{{ $l := list .text .text .text .text }}{{ range until 5 }}{{ $l = concat $l $l }}{{ end }}{{ $s := toJson $l }}"),
        ("a shared text is quoted", "{{ $s := repeat 30 .text }}{{ $t := quote $s }}{{ $t = quote $t }}"),
        ("escapes", "{{ $s := repeat 2000000 \"\\x01\" }}{{ $t := toJson $s }}"),
        ("a width", "{{ $s := printf \"%900000d\" 1 }}{{ $s = printf \"%1000000d%900000d\" 1 1 }}"),
    ]
    .map(|(name, text)| Case::template(name, text))
    .into()
}

fn work() -> Vec<Case> {
    let nested = |levels: usize, inner: &str| {
        format!("{}{inner}{}", "{{ if true }}".repeat(levels), "{{ end }}".repeat(levels))
    };
    let variables: String = (0..4_000).map(|number| format!("{{{{ $a{number} := 1 }}}}")).collect();
    let shared = "{{ $l := list 1 2 }}{{ range until 14 }}{{ $l = list $l $l }}{{ end }}";
    let dicts = "{{ $m := dict \"a\" 1 }}{{ $n := dict \"a\" 1 }}{{ range until 14 }}\
        {{ $m = dict \"a\" $m \"b\" $m }}{{ $n = dict \"a\" $n \"b\" $n }}{{ end }}";
    let held = "{{ $l := list }}{{ range $i := 20000 }}{{ $l = append $l (list $i) }}{{ if gt $i 300 }}{{ break }}{{ end }}{{ end }}\
        {{ range until 6 }}{{ $l = concat $l $l }}{{ end }}{{ $h := dict \"l\" $l }}{{ $d := dict }}";
    let of = |name: &str, text: String| Case::template(name, text);
    vec![
        of("a block deep down", nested(46, &looped("{{ if true }}{{ if true }}x{{ end }}{{ end }}"))),
        of("parentheses deep down", nested(46, &looped("{{ ((1)) }}"))),
        of("templates that call themselves", "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}".to_owned()),
        of("templates that call two", "{{ define \"a\" }}{{ if lt (len .) 60 }}{{ template \"a\" (append . 1) }}{{ template \"a\" (append . 1) }}{{ end }}{{ end }}{{ template \"a\" (list 1) }}".to_owned()),
        of("many variables", format!("{variables}{}", looped("{{ $a0 }}"))),
        of("many variables are set", format!("{variables}{}", looped("{{ $a0 = 2 }}"))),
        of("shared lists are compared", format!("{shared}{}", looped("{{ $_ := deepEqual $l $l }}"))),
        of("shared dicts are compared", format!("{dicts}{}", looped("{{ $_ := deepEqual $m $n }}"))),
        of("shared dicts are merged", format!("{dicts}{}", looped("{{ $_ := merge $m $n }}"))),
        of("a shared list is looked for", format!("{shared}{}", looped("{{ $_ := has $l (list $l) }}"))),
        of("shared lists are made one", format!("{shared}{}", looped("{{ $_ := uniq (list $l $l) }}"))),
        of("a dict takes what holds many", format!("{held}{}", looped("{{ $_ := set $d \"a\" $h }}"))),
        of("long texts are sorted", format!("{{{{ $l := list }}}}{{{{ range $i := 400 }}}}{{{{ $l = append $l (printf \"%s%d\" $.text (sub 400 $i)) }}}}{{{{ end }}}}{}", looped("{{ $_ := sortAlpha $l }}"))),
        of("numbers are sorted", format!("{{{{ $l := until 60000 }}}}{}", looped("{{ $_ := sortAlpha $l }}"))),
        of("keys of a large dict", format!("{{{{ $d := dict }}}}{{{{ range $i := 20000 }}}}{{{{ $_ := set $d (toString $i) 1 }}}}{{{{ end }}}}{}", looped("{{ $_ := first (keys $d) }}"))),
        of("a large dict is gone through", format!("{{{{ $d := dict }}}}{{{{ range $i := 20000 }}}}{{{{ $_ := set $d (toString $i) 1 }}}}{{{{ end }}}}{}", looped("{{ range $d }}{{ break }}{{ end }}"))),
        of("a large list is gone through", format!("{{{{ $l := until 60000 }}}}{}", looped("{{ range $l }}{{ break }}{{ end }}"))),
        of("a number of many digits", looped("{{ $_ := mulf 1.7976931348623157e308 1.7976931348623157e308 1.7976931348623157e308 1.7976931348623157e308 }}")),
        of("a division of many digits", looped("{{ $_ := divf 1.7976931348623157e308 4.9e-324 }}")),
        of("a date of a long layout", looped("{{ $_ := date $.text now }}")),
        of("a semver of a long text", looped("{{ $_ := semverCompare \">=1.0.0 || <2 || ~1.2 || ^1.3\" \"1.2.3\" }}")),
        of("an address", looped("{{ $_ := urlParse $.text }}")),
        of("an error that is swallowed", looped("{{ $_ := fromJson $.text }}")),
        of("YAML that is none", looped("{{ $_ := fromYaml $.text }}")),
        of("YAML of one key", looped("{{ $_ := fromYaml \"a: b\" }}")),
        of("a small dict to YAML", looped("{{ $_ := toYaml (dict \"a\" \"b\") }}")),
    ]
}

fn patterns() -> Vec<Case> {
    let groups = "(a?)".repeat(100);
    let alternatives: String = (0..3_000).map(|number| format!("|w{number}x")).collect();
    let rewrites = |source: &str, target: &str, times: usize| {
        vec![Rewrite::Regexp { source: source.to_owned(), target: target.to_owned() }; times]
    };
    let keys = format!(r#"{{"{}":1,"{}":2}}"#, "a".repeat(30_000), "b".repeat(30_000));
    vec![
        Case::template(
            "a large pattern",
            looped("{{ $_ := regexMatch \"[01]*1[01]{900}x\" (repeat 4000 \"01\") }}"),
        ),
        Case::template(
            "a new pattern each time",
            looped("{{ $_ := regexMatch (printf \"a{%d}\" $i) \"a\" }}"),
        ),
        Case::template(
            "a new large pattern each time",
            looped("{{ $_ := regexMatch (printf \"\\\\pL{%d}\" (add 100 $i)) \"a\" }}"),
        ),
        Case::template(
            "many groups",
            looped(&format!("{{{{ $_ := regexReplaceAll \"{groups}\" $.text \"$1\" }}}}")),
        ),
        Case::template(
            "many groups of a large pattern",
            format!("{{{{ $_ := regexReplaceAll \"{groups}[\\\\pL\\\\pN]{{900}}\" .text \"$1\" }}}}"),
        ),
        Case::template(
            "many groups of a large pattern in a short text",
            format!(
                "{{{{ $_ := regexReplaceAll \"{groups}[\\\\pL\\\\pN]{{200}}\" (repeat 100 \"a\") \"$1\" }}}}"
            ),
        ),
        Case::template(
            "some groups of a large pattern",
            looped(&format!(
                "{{{{ $_ := regexReplaceAll \"{}[\\\\pL\\\\pN]{{200}}\" (repeat 100 \"a\") \"$1\" }}}}",
                "(a?)".repeat(14)
            )),
        ),
        Case::template(
            "groups that are repeated",
            "{{ $_ := regexReplaceAll \"((((((((a)b?)c?)d?)e?)f?)g?){900})*\" .text \"$1\" }}",
        ),
        Case::template(
            "alternatives",
            looped(&format!("{{{{ $_ := regexReplaceAll \"a{alternatives}\" $.text \"b\" }}}}")),
        ),
        Case::template(
            "a pattern of any letters",
            looped("{{ $_ := regexFindAll \"(?i)[\\\\pL\\\\pN]+[^a-z]\" $.text -1 }}"),
        ),
        Case::rewriting(
            "names that grow",
            r#"{"k":"v"}"#.to_owned(),
            rewrites("^(.*)$", &"$1".repeat(4_000), 3),
        ),
        Case::rewriting("names that grow often", r#"{"k":"v"}"#.to_owned(), rewrites("(.*)", "$1$1$1$1", 24)),
        Case::rewriting("many rewrites", object(2_000, "1"), rewrites("k(.*)", "k$1", 1_000)),
        Case::rewriting("long names", keys.clone(), rewrites("(a|b)*?$", "$0", 1_000)),
        Case::rewriting(
            "many groups in a rewrite",
            keys.clone(),
            rewrites(&format!("{groups}[\\pL\\pN]{{300}}"), "$1", 100),
        ),
        Case::rewriting(
            "many large patterns",
            keys.clone(),
            (0..500)
                .map(|n| Rewrite::Regexp { source: format!("[\\pL]{{{}}}", 400 + n), target: "x".into() })
                .collect(),
        ),
        Case::rewriting("a pattern that is too large", keys, rewrites("(([\\pL\\pN]{900}){900})", "x", 2)),
        Case::rewriting(
            "templates for names",
            object(3_000, "1"),
            vec![Rewrite::Transform { template: "{{ range until 1000 }}{{ $.value }}{{ end }}".into() }; 10],
        ),
    ]
}

fn reads() -> Vec<Case> {
    let merge = Merge {
        into: None,
        priority: Vec::new(),
        ignore_missing_priority: false,
        on_conflict: OnConflict::Ignore,
    };
    let into = Merge { into: Some("all".into()), ..merge.clone() };
    let texts = format!(r#""{}""#, object(2_000, "1").replace('"', "\\\""));
    let modifiers = "{".to_owned() + &"a:@this|@pretty|@ugly,".repeat(50) + "b:k0}";
    let wild = |times: usize| format!("{}x", "*a".repeat(times));
    let many = |count: usize, path: &str, document: String| {
        let reads = (0..count).map(|number| property(path, format!("k{number}"))).collect();
        let found = found(document);
        (reads, vec![found; count])
    };
    let case = |name: &str, (reads, values)| Case::reading(name, reads, values);
    let mut unicode = read(Becomes::Every { conversion: Some(KeyConversion::Unicode), rewrite: Vec::new() });
    unicode.decoding = Decoding::Auto;
    let vault = vec![found_in(Provider::Vault, object(20_000, "[[],[],{},1.5]"))];
    let lists = vec![found_in(Provider::Vault, object(1, &format!("[{}0]", "[],".repeat(450_000))))];
    let every = read(Becomes::Every { conversion: None, rewrite: Vec::new() });
    vec![
        Case::reading("a document of lists", vec![every], lists),
        Case::rewriting(
            "documents in a document are merged",
            object(14, &texts),
            vec![Rewrite::Merge(merge); 20],
        ),
        Case::rewriting("documents are merged into one", object(14, &texts), vec![Rewrite::Merge(into); 20]),
        case("many properties", many(2_000, "k1999", object(5_000, "1"))),
        case("many searches", many(2_000, &modifiers, object(500, "1"))),
        case("wildcards", many(50, &wild(2_000), object(2_000, "1"))),
        case(
            "a document that is made pretty",
            many(200, "@pretty|@pretty|@ugly|@valid", object(5_000, "[[[]]]")),
        ),
        case("a document that is turned", many(200, "@keys|@reverse|#(>\"a\")#|@join", object(5_000, "1"))),
        case(
            "a document that is multiplied",
            many(1, &format!("[{}@this]", "@this,".repeat(5_000)), object(5_000, "1")),
        ),
        case("a document that doubles", many(1, &"[@this,@this]|".repeat(30), object(500, "1"))),
        Case::reading(
            "names of other scripts",
            vec![unicode],
            vec![found(format!(
                "{{{}}}",
                (0..200).map(|n| format!("\"{}{n}\":1", "é".repeat(130))).collect::<Vec<_>>().join(",")
            ))],
        ),
        Case::reading(
            "a large document of a Vault",
            vec![read(Becomes::Every { conversion: None, rewrite: Vec::new() })],
            vault,
        ),
        Case::reading(
            "many documents of a Vault",
            vec![read(Becomes::Every { conversion: None, rewrite: Vec::new() }); 200],
            vec![found_in(Provider::Vault, object(40_000, "[[],[],{},1.5]")); 200],
        ),
        Case::reading(
            "deep JSON",
            vec![read(Becomes::Every { conversion: None, rewrite: Vec::new() })],
            vec![found(format!("{{\"a\":{}1{}}}", "[".repeat(30_000), "]".repeat(30_000)))],
        ),
    ]
}

fn texts() -> Vec<Case> {
    let actions = "{{.text}}".repeat(20_000);
    let data = |count: usize, text: &str| vec![text.to_owned(); count];
    let from = |texts: Vec<String>| Template {
        from: texts.into_iter().map(literal).collect(),
        ..Template::default()
    };
    let labels = Template {
        labels: BTreeMap::from([("a".to_owned(), looped("{{ $.text }}"))]),
        ..Template::default()
    };
    let defined: String =
        (0..20_000).map(|number| format!("{{{{define \"t{number}\"}}}}x{{{{end}}}}")).collect();
    let declared: String = (0..16_000).map(|number| format!("{{{{$a{number}:=1}}}}")).collect();
    let used: String = (0..16_000).map(|number| format!("{{{{$a{}}}}}", number % 16_000)).collect();
    let numbers: String = (0..15_000).map(|_| "{{0x1p-1000}}{{1e300}}").collect();
    vec![
        Case::template("a long template", actions.clone()),
        Case::template("a long pipeline", format!("{{{{ 1{} }}}}", "|print".repeat(60_000))),
        Case::template("a long list of arguments", format!("{{{{ print{} }}}}", " .text".repeat(60_000))),
        Case::template("a long chain", format!("{{{{ .text{} }}}}", ".a".repeat(60_000))),
        Case::template("deep blocks", "{{if true}}".repeat(3_900) + &"{{end}}".repeat(3_900)),
        Case::template("deep parentheses", format!("{{{{{}1{}}}}}", "(".repeat(3_900), ")".repeat(3_900))),
        Case::template(
            "too deep parentheses",
            format!("{{{{{}1{}}}}}", "(".repeat(200_000), ")".repeat(200_000)),
        ),
        Case::template("many templates in one", defined),
        Case::template("many variables, and their use", declared + &used),
        Case::template("many numbers", numbers),
        Case::template("a long comment", format!("{{{{/* {} */}}}}", "x".repeat(900_000))),
        Case::template("a long text that is quoted", format!("{{{{ \"{}\" }}}}", "\\u00e9".repeat(150_000))),
        Case::in_object("a long template in an object", actions, TemplateAs::Values),
        Case::in_object("YAML of an object", "a: 1\n".repeat(30_000), TemplateAs::KeysAndValues),
        Case::in_object(
            "flow of an object",
            format!("a: [{}]", "[],".repeat(60_000)),
            TemplateAs::KeysAndValues,
        ),
        Case::templates("many templates", data(900, &looped("x"))),
        Case::templates("many templates of much text", data(200, "{{ repeat 30 .text }}")),
        Case::with(
            "keys of a rendered document",
            from(vec!["{{ range $i := 30000 }}k{{ $i }}: v\n{{ end }}".into()]),
        ),
        Case::with("a rendered list", from(vec!["{{ repeat 30 .text | replace \"a\" \"- \\n\" }}".into()])),
        Case::with(
            "many rendered documents",
            from(vec!["{{ range $i := 1000 }}k{{ $i }}: v\n{{ end }}".into(); 300]),
        ),
        Case::with("long labels", labels),
    ]
}

#[test]
fn cryptography_keeps_to_the_limits() {
    hold(cryptography(), fewer(1, 80));
}

#[test]
fn growth_keeps_to_the_limits() {
    hold(growth(), fewer(1, 20));
}

#[test]
fn work_keeps_to_the_limits() {
    hold(work(), fewer(1, 80));
}

#[test]
fn patterns_keep_to_the_limits() {
    hold(patterns(), fewer(1, 20));
}

#[test]
fn reads_keep_to_the_limits() {
    hold(reads(), fewer(1, 40));
}

#[test]
fn long_texts_keep_to_the_limits() {
    hold(texts(), fewer(1, 40));
}
