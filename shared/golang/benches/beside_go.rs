//! How long this crate and Go take for the same inputs, in one run, turn by turn, with the same results.
//!
//! The inputs are in `data/beside-go.jsonl`: `parse` is a template to parse, `template` one to execute on `json`, `path` a
//! path into `json`. `items` times `item`, with its number for each `#`, stand in `json` where it has a `@`.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use pawl_golang::template::{Functions, Options, Template};
use pawl_golang::{gjson, json, value::Value};
use serde_json::json;

/// How long each side works in one turn.
const TURN: Duration = Duration::from_millis(20);
/// Turns per input; the median of them counts.
const TURNS: usize = 11;

type Failure = Box<dyn Error>;

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn main() -> Result<(), Failure> {
    let mut go = match Go::start() {
        Ok(go) => go,
        Err(reason) => {
            println!("comparison with Go skipped: {reason}");
            return Ok(());
        }
    };
    println!("| input | ours, ns | Go, ns | Go / ours |\n|---|--:|--:|--:|");
    for line in include_str!("data/beside-go.jsonl").lines() {
        let case: Case = serde_json::from_str(line)?;
        let case = case.with_items();
        let (ours, theirs) = case.compare(&mut go).map_err(|error| format!("{}: {error}", case.name))?;
        println!("| {} | {ours:.0} | {theirs:.0} | {:.1} |", case.name, theirs / ours);
    }
    Ok(go.stop()?)
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Case {
    name: String,
    parse: String,
    template: String,
    path: String,
    json: String,
    item: String,
    items: usize,
}

impl Case {
    fn with_items(mut self) -> Self {
        if self.items > 0 {
            let items: Vec<_> = (0..self.items).map(|n| self.item.replace('#', &n.to_string())).collect();
            self.json = self.json.replacen('@', &items.join(","), 1);
        }
        self
    }

    /// Nanoseconds per operation: ours and Go's.
    fn compare(&self, go: &mut Go) -> Result<(f64, f64), Failure> {
        let expected = go.prepare(self)?;
        let functions = Functions::new();
        let options = Options::new(&functions);
        if !self.parse.is_empty() {
            Template::parse("t", &self.parse, &options)?;
            return alternate(go, || drop(black_box(Template::parse("t", black_box(&self.parse), &options))));
        }
        if !self.template.is_empty() {
            let template = Template::parse("t", &self.template, &options)?;
            let data = Value::from(json::decode(&self.json)?.with_floats());
            same(&template.execute(&data)?, &expected)?;
            return alternate(go, || drop(black_box(template.execute(black_box(&data)))));
        }
        let document = self.json.as_str();
        let found = gjson::get(document, &self.path)?.ok_or("nothing found")?;
        same(&found.string(), &expected)?;
        alternate(go, || {
            if let Ok(Some(found)) = gjson::get(black_box(document), black_box(&self.path)) {
                drop(black_box(found.string()));
            }
        })
    }
}

fn same(ours: &[u8], theirs: &[u8]) -> Result<(), Failure> {
    if ours == theirs {
        return Ok(());
    }
    let (ours, theirs) = (String::from_utf8_lossy(ours), String::from_utf8_lossy(theirs));
    Err(format!("the results differ: ours {ours:?}, Go's {theirs:?}").into())
}

/// The medians of both sides. They take turns, so that what else the machine does hits both alike.
fn alternate(go: &mut Go, mut run: impl FnMut()) -> Result<(f64, f64), Failure> {
    let mut ours = |count: u32| {
        let start = Instant::now();
        (0..count).for_each(|_| run());
        Ok(start.elapsed())
    };
    let (our_count, their_count) = (per_turn(&mut ours)?, per_turn(|count| go.measure(count))?);
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        our_times.push(ours(our_count)?.as_nanos() as f64 / f64::from(our_count));
        their_times.push(go.measure(their_count)?.as_nanos() as f64 / f64::from(their_count));
    }
    Ok((median(our_times), median(their_times)))
}

/// How many repetitions take about [`TURN`].
fn per_turn(mut measure: impl FnMut(u32) -> Result<Duration, Failure>) -> Result<u32, Failure> {
    let mut count = 1;
    while measure(count)? < TURN && count < 1 << 26 {
        count *= 2;
    }
    Ok(count)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The Go program, waiting for the next line.
struct Go {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    nanoseconds: u64,
    output: Option<String>,
}

impl Go {
    fn start() -> Result<Self, String> {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("beside-go");
        let build = Command::new("go")
            .args([Path::new("build"), Path::new("-o"), &program, Path::new("./speed")])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/modules"))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("go cannot be started: {error}"))?;
        if !build.status.success() {
            return Err(String::from_utf8_lossy(&build.stderr).trim().replace('\n', "; "));
        }
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the Go program cannot be started: {error}"))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(questions), Some(answers)) => {
                Ok(Self { child, questions, answers: BufReader::new(answers) })
            }
            _ => Err("the Go program has no pipes".to_owned()),
        }
    }

    /// Makes this the case that is measured next, and returns Go's result.
    fn prepare(&mut self, case: &Case) -> Result<Vec<u8>, Failure> {
        let Case { parse, template, path, json, .. } = case;
        let question = json!({ "Parse": parse, "Template": template, "Path": path, "Json": json });
        let output = self.ask(&question)?.output.unwrap_or_default();
        Ok(pawl_golang::base64::decode(pawl_golang::base64::Encoding::Standard, output)?)
    }

    fn measure(&mut self, count: u32) -> Result<Duration, Failure> {
        Ok(Duration::from_nanos(self.ask(&json!({ "Repeat": count }))?.nanoseconds))
    }

    fn ask(&mut self, question: &serde_json::Value) -> Result<Answer, Failure> {
        writeln!(self.questions, "{question}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|error| format!("the Go program gave no answer: {error}"))?)
    }

    fn stop(self) -> std::io::Result<()> {
        let Self { mut child, questions, answers } = self;
        drop((questions, answers));
        child.wait().map(|_| ())
    }
}
