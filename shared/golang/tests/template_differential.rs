//! Some thousands of generated templates, well and ill formed, against Go's own text/template.

#![expect(clippy::unwrap_used, reason = "what cannot happen may stop a test")]

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use pawl_golang::template::{Functions, MissingKey, Options, Template};
use pawl_golang::value::{Element, Func, List, Signature, Type, Value};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/template.go");
const COUNT: usize = 6_000;

#[test]
fn generated_templates_do_what_they_do_in_go() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut templates: Vec<String> = FIXED.iter().map(|text| (*text).to_owned()).collect();
    templates.extend((0..COUNT).map(|_| random.template()));
    let Some(answers) = ask_go(&templates) else {
        println!("skipped: there is no go on the path");
        return;
    };
    assert_eq!(answers.len(), templates.len());
    let data = data();
    let functions = Functions::new();
    let mut wrong = Vec::new();
    for (text, answer) in templates.iter().zip(&answers) {
        let ours = run(text, &functions, &data);
        if !agrees(&ours, answer) {
            wrong.push(format!("{text:?}\n   go: {answer:?}\n ours: {ours:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        templates.len(),
        wrong[..wrong.len().min(25)].join("\n")
    );
}

struct Answer {
    phase: String,
    out: Vec<u8>,
    error: String,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let out: String = String::from_utf8_lossy(&self.out).chars().take(120).collect();
        write!(f, "{} {out:?} {}", self.phase, self.error)
    }
}

/// Phase and output are equal; the error too, except where Go quotes a value of the data and we do not.
fn agrees(ours: &Answer, go: &Answer) -> bool {
    ours.phase == go.phase
        && (ours.out == go.out || has_address(&go.out))
        && (ours.error == go.error || QUOTING.iter().any(|quote| go.error.contains(quote)))
        // Here Go is stricter than it means to be: its builtin does not look into an interface.
        || go.error.contains("cannot index slice/array with type interface {}")
}

/// Printing the whole data prints the address of the function in it, which is never the same.
fn has_address(out: &[u8]) -> bool {
    String::from_utf8_lossy(out).contains("fun")
}

/// Messages of Go that hold a value, or the name of a Go function's type.
const QUOTING: [&str; 14] = [
    "exceeded maximum template depth (100000)",
    "slice index out of range",
    "range can't iterate over",
    "index out of range: ",
    "non-comparable type",
    "invalid slice index",
    "can't use ",
    "reflect: call of",
    "func(int, int) int",
    "wrong number of args for .",
    "wrong number of args for $",
    "wrong number of args for (",
    "non-function ",
    "invalid syntax",
];

fn run(text: &str, functions: &Functions, data: &Value) -> Answer {
    let options = Options { missing_key: MissingKey::Error, ..Options::new(functions) };
    let (phase, out, error) = match Template::parse("t", text, &options) {
        Err(error) => ("parse", Vec::new(), error.to_string()),
        Ok(template) => match template.execute(data) {
            Err(error) => ("exec", Vec::new(), error.to_string()),
            Ok(out) => ("ok", out, String::new()),
        },
    };
    Answer { phase: phase.to_owned(), out, error }
}

/// The same data as in the Go program.
fn data() -> Value {
    let inner = Value::dict([("c", Value::from("deep"))]);
    let list =
        vec![Value::Int(1), "two".into(), Value::Float(3.0), Value::Nil, Value::list(vec!["in".into()])];
    let add = Func::new(Signature::exactly(&[Type::Int, Type::Int]), |args| match args {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(a.wrapping_add(*b))),
        _ => Ok(Value::Nil),
    });
    Value::dict([
        ("s", "text".into()),
        ("empty", "".into()),
        ("n", Value::Int(3)),
        ("f", Value::Float(1.5)),
        ("t", Value::Bool(true)),
        ("nil", Value::Nil),
        ("big", Value::Float(1e21)),
        ("bytes", Value::text(b"\xffa\x00")),
        ("list", Value::list(list)),
        ("none", Value::list(vec![])),
        ("strs", Value::List(List::new(Element::Str, vec!["b".into(), "a".into()]))),
        ("map", Value::dict([("a", Value::Int(1)), ("b", inner), ("nil", Value::Nil)])),
        ("smap", Value::string_map([("k", "v"), ("x-y", "z")])),
        ("function", Value::Func(add)),
    ])
}

fn ask_go(templates: &[String]) -> Option<Vec<Answer>> {
    let mut child = Command::new("go")
        .args(["run", PROGRAM])
        .env("GO111MODULE", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let input: String = templates.iter().map(|text| serde_json::to_string(text).unwrap() + "\n").collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the Go program failed");
    let lines = String::from_utf8(output.stdout).unwrap();
    Some(
        lines
            .lines()
            .map(|line| {
                let answer: serde_json::Value = serde_json::from_str(line).unwrap();
                let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
                let out = base64::engine::general_purpose::STANDARD.decode(text("out")).unwrap();
                Answer { phase: text("phase"), out, error: text("error") }
            })
            .collect(),
    )
}

/// Templates that the generator would hit seldom.
const FIXED: &[&str] = &[
    "{{/* a */}}{{- /* b */ -}}x",
    "{{/* a",
    "{{/* a */ }}",
    "{{ /* a */ }}",
    "{{\"a\n\"}}",
    "{{`a\nb`}}{{bad}}",
    "{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}{{template \"a\"}}",
    "{{define \"a\"}} {{end}}{{define \"a\"}}2{{end}}{{template \"a\"}}",
    "{{define \"t\"}}2{{end}}x",
    "{{define \"t\"}}2{{end}}",
    "{{block \"a\" .s}}[{{.}}]{{end}}{{define \"a\"}}x{{end}}",
    "{{template \"t\" .}}",
    "{{template \"a\" 1 2}}",
    "{{range $i, $e = .list}}{{end}}",
    "{{$i := 0}}{{$e := 0}}{{range $i, $e = .list}}{{$i}}{{$e}}{{end}}{{$i}}{{$e}}",
    "{{range $i := 3}}{{$i}}{{end}}{{range $i, $j := 3}}{{end}}",
    "{{range 0}}a{{else}}b{{end}}{{range -1}}a{{else}}b{{end}}",
    "{{with .nil}}a{{else with .s}}{{.}}{{else}}c{{end}}",
    "{{if .nil}}a{{else with .s}}{{.}}{{end}}",
    "{{if .nil}}a{{else if .empty}}b{{else if .s}}c{{else}}d{{end}}",
    "{{(.map).b.c}}{{.map.b.c}}{{$x := .map}}{{$x.b.c}}",
    "{{.nil.x}}",
    "{{(.nil).x}}",
    "{{$x := .nil}}{{$x.x}}",
    "{{.map.nil.x}}",
    "{{.list.x}}",
    "{{(index .list 1).x}}",
    "{{index .smap \"nope\"}}|{{index .map \"nope\"}}|",
    "{{index .map 1}}",
    "{{index .map nil}}",
    "{{index .list \"a\"}}",
    "{{index .list 5}}",
    "{{index .s 9}}",
    "{{len nil}}",
    "{{len .nil}}",
    "{{.function}}",
    "{{call .function 1 2}}",
    "{{call .function 1}}",
    "{{call .function 1 \"a\"}}",
    "{{call .s}}",
    "{{.function 1 2}}",
    "{{printf .n}}",
    "{{printf nil}}",
    "{{printf \"%s\" nil}}",
    "{{print nil}}{{println}}{{print}}",
    "{{html nil}}{{html .nil .s}}{{html 1 2}}{{js .bytes}}{{urlquery .bytes}}",
    "{{slice .s 1}}{{slice .s 1 2}}{{slice .list 1 3}}{{slice .s}}",
    "{{slice .s 3 1}}",
    "{{slice .s 1 2 3}}",
    "{{slice .list 1 2 3 4}}",
    "{{slice .strs 1 2 2}}",
    "{{eq .nil nil}}{{eq .none nil}}{{eq nil .none}}{{ne .nil 1}}{{eq 1 nil}}",
    "{{eq .map .map}}",
    "{{eq .list .map}}",
    "{{eq (index .s 0) 116}}{{lt (index .s 0) -1}}{{lt -1 (index .s 0)}}",
    "{{lt nil 1}}",
    "{{lt .map 1}}",
    "{{not .nil}}{{not 1}}{{and}}",
    "{{1 | and 0}}{{1 | and 2}}{{0 | or}}{{nil | or 1}}",
    "{{and 1 nil}}",
    "{{and 1 .nope}}",
    "{{or 1 .nope}}",
    "{{0x1p-2}} {{0X1F}} {{0b1}} {{0o7}} {{1_0}} {{'a'}} {{'\\n'}} {{'\\x41'}} {{1e1}} {{1E-2}} {{-0}} {{-0.0}}",
    "{{1i}} {{1+2i}} {{1.5e3-2.5i}} {{0i}} {{-1i}}",
    "{{9223372036854775808}}",
    "{{18446744073709551615}}",
    "{{18446744073709551616}}",
    "{{1e19}}{{1e400}}",
    "{{08}}",
    "{{0x}}",
    "{{1__0}}",
    "{{''}}",
    "{{'ab'}}",
    "{{'\\z'}}",
    "{{\"\\z\"}}",
    "{{1.x}}",
    "{{true.x}}",
    "{{nil.x}}",
    "{{\"a\".x}}",
    "{{..x}}",
    "{{.x.}}",
    "{{$.s}}{{$.map.b}}",
    "{{$x}}",
    "{{$x := 1}}{{$x = 2}}{{$x}}{{$y = 1}}",
    "{{if $x := 1}}{{$x}}{{end}}{{$x}}",
    "{{$x, $y := .}}",
    "{{range $x, $y, $z := .}}{{end}}",
    "{{range $x, .}}{{end}}",
    "{{len print}}",
    "{{print | len}}",
    "{{print.x}}",
    "{{(print 1).x}}",
    "{{break}}",
    "{{range .list}}{{if .}}{{continue}}{{end}}{{break}}{{end}}",
    "{{range .list}}{{break 1}}{{end}}",
    "{{range .list}}{{define \"x\"}}{{break}}{{end}}{{end}}",
    "{{range .list}}{{block \"x\" .}}{{break}}{{end}}{{end}}",
    "{{range .list}}a{{else}}b{{else}}c{{end}}",
    "{{if 1}}a{{else}}b{{else}}c{{end}}",
    "{{if}}{{end}}",
    "{{else}}",
    "{{end}}",
    "{{if 1}}",
    "{{if 1}}{{else if}}{{end}}",
    "{{(1}}",
    "{{1)}}",
    "{{()}}",
    "{{(1)(2)}}",
    "{{1 2}}",
    "{{.s 1}}",
    "{{(1) 2}}",
    "{{1 | 2}}",
    "{{1 | .s}}",
    "{{1 | (print)}}",
    "{{1 | $}}",
    "{{ , }}",
    "{{ : }}",
    "{{ = }}",
    "{{a:b}}",
    "{{é}}",
    "{{\u{1}}}",
    "{{\u{200b}}}",
    "{{.é}}",
    "{{.s\u{e9}!}}",
    "{{print \"%d\" 1 | printf}}",
    "{{- 1 -}} {{- 2}}  {{3 -}}  x",
    "{{-1}}{{- -1}}{{1 -}}",
    "a\n\nb{{\n\n.nope}}",
    "{{print 1\n\n(bad)}}",
    "{{print 1\n\n\"}}",
    "{{- }}",
    "{{-}}",
    "{{(1 -}}",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn pick(&mut self, items: &[&str]) -> String {
        items[self.below(items.len())].to_owned()
    }

    fn template(&mut self) -> String {
        let mut text = self.nodes(3);
        for _ in 0..self.below(3) {
            text = self.broken(&text);
        }
        text
    }

    fn nodes(&mut self, depth: usize) -> String {
        (0..=self.below(3)).map(|_| self.node(depth)).collect()
    }

    fn node(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.action();
        }
        match self.below(12) {
            0 => self.pick(&[" ", "\n", "a", "{ }", "\n  b\n"]),
            1 | 2 => {
                let (pipe, body) = (self.pipe(2), self.nodes(depth - 1));
                let word = self.pick(&["if", "with"]);
                let end = match self.below(4) {
                    0 => format!("{{{{else}}}}{}", self.nodes(depth - 1)),
                    1 => format!("{{{{else {word} {}}}}}{}", self.pipe(1), self.nodes(depth - 1)),
                    _ => String::new(),
                };
                format!("{{{{{word} {pipe}}}}}{body}{end}{{{{end}}}}")
            }
            3 | 4 => {
                let head = self.pick(&["", "", "$v := ", "$k, $v := ", "$x = "]);
                let over =
                    self.pick(&[".list", ".map", ".smap", ".none", ".strs", "3", ".nil", ".s", "$", "."]);
                let body = self.nodes(depth - 1);
                let jump = self.pick(&["", "", "", "{{break}}", "{{if .}}{{continue}}{{end}}"]);
                format!("{{{{range {head}{over}}}}}{body}{jump}{{{{$v}}}}{{{{end}}}}")
                    .replace("{{$v}}", if head.contains("$v") { "{{$v}}" } else { "" })
            }
            5 => format!("{{{{define \"d\"}}}}{}{{{{end}}}}", self.nodes(1)),
            6 => {
                let pipe = self.pick(&["", " .", " .map", " .s"]);
                format!("{{{{template \"d\"{pipe}}}}}")
            }
            7 => format!("{{{{$x := {}}}}}", self.pipe(2)),
            _ => self.action(),
        }
    }

    fn action(&mut self) -> String {
        let (open, close) = (self.pick(&["{{", "{{", "{{- "]), self.pick(&["}}", "}}", " -}}"]));
        format!("{open}{}{close}", self.pipe(2))
    }

    fn pipe(&mut self, depth: usize) -> String {
        let mut text = self.command(depth);
        if self.below(4) == 0 {
            text += &format!(" | {}", self.call(depth));
        }
        text
    }

    fn command(&mut self, depth: usize) -> String {
        if self.below(3) == 0 { self.operand(depth) } else { self.call(depth) }
    }

    fn call(&mut self, depth: usize) -> String {
        const NAMES: &[&str] = &[
            "print",
            "println",
            "printf",
            "len",
            "index",
            "slice",
            "not",
            "and",
            "or",
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "html",
            "js",
            "urlquery",
            "call .function",
            "print",
            "printf \"%v|%5d|%q\"",
            "printf \"%x %X %T %#v\"",
            "printf \"%08.3f|%+d|%-6s|\"",
            "printf \"%[2]*[1]d %e %g %t\"",
        ];
        let name = if self.below(5) == 0 { format!("printf {:?}", self.format()) } else { self.pick(NAMES) };
        let args: Vec<String> = (0..self.below(4)).map(|_| self.operand(depth)).collect();
        format!("{name} {}", args.join(" "))
    }

    /// A format of some directives, most of them good.
    fn format(&mut self) -> String {
        let mut format = self.pick(&["", "x", "%%"]);
        for _ in 0..=self.below(3) {
            format += "%";
            format += &self.pick(&["", "", "-", "+", "#", " ", "0", "+ ", "-0", "#+0"]);
            format += &self.pick(&["", "", "", "[1]", "[2]", "[9]", "[x]", "[]"]);
            format += &self.pick(&["", "", "1", "12", "*", "0"]);
            format += &self.pick(&["", "", ".", ".0", ".3", ".*", ".40"]);
            format += &self.pick(&[
                "v", "v", "s", "d", "q", "x", "X", "T", "t", "b", "o", "O", "c", "U", "e", "E", "f", "F",
                "g", "G", "w", "!", "z",
            ]);
        }
        format
    }

    fn operand(&mut self, depth: usize) -> String {
        const PLAIN: &[&str] = &[
            ".", "$", ".s", ".n", ".f", ".t", ".nil", ".list", ".none", ".strs", ".map", ".smap", ".map.a",
            ".map.b.c", ".smap.k", ".nope", ".big", ".bytes", ".empty", "$.s", "$.map.b", "1", "-2", "0",
            "1.5", "1e3", "'x'", "\"str\"", "`raw`", "true", "false", "nil", "\"k\"", "\"a\"", "0x10", "3i",
        ];
        if depth > 0 && self.below(4) == 0 {
            let field = self.pick(&["", "", ".a", ".b.c", ".k"]);
            return format!("({}){field}", self.pipe(depth - 1));
        }
        self.pick(PLAIN)
    }

    /// The text with one small mistake.
    fn broken(&mut self, text: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        if characters.is_empty() {
            return "{{".to_owned();
        }
        let at = self.below(characters.len());
        let (head, tail) = characters.split_at(at);
        let (head, tail): (String, String) = (head.iter().collect(), tail.iter().collect());
        match self.below(5) {
            0 => head + &tail.chars().skip(1).collect::<String>(),
            1 => {
                let extra = self.pick(&[
                    "{{",
                    "}}",
                    "(",
                    ")",
                    "|",
                    "\"",
                    "`",
                    "'",
                    ".",
                    "$",
                    " ",
                    ",",
                    ":=",
                    "-",
                    "\\",
                    "1",
                    "{{end}}",
                    "{{else}}",
                    "{{if .s}}",
                    "nil",
                    "\n",
                    "@",
                ]);
                head + &extra + &tail
            }
            2 => head,
            3 => head + &tail.chars().skip(2 + self.below(4)).collect::<String>(),
            _ => {
                let length = self.below(8);
                let copied: String = tail.chars().take(length).collect();
                head + &copied + &tail
            }
        }
    }
}
