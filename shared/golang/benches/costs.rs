//! What the slow functions cost: the time of one call, counted in steps of a plain loop in the same run, beside the
//! steps that a template pays for it. A function that pays less than it takes lets a template run too long.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that cannot go on has failed")]

use pawl_golang::budget::Budget;
use pawl_golang::sprig::{self, Environment};
use pawl_golang::template::{Functions, Options, Template};
use pawl_golang::value::Value;
use std::time::{Duration, Instant};

/// What one step stands for: see [`Budget`].
const STEP: Duration = Duration::from_nanos(100);

const CALLS: [(&str, u32); 12] = [
    (r#"{{ genPrivateKey "rsa" }}"#, 5),
    (r#"{{ genPrivateKey "dsa" }}"#, 5),
    (r#"{{ genPrivateKey "ecdsa" }}"#, 50),
    (r#"{{ genPrivateKey "ed25519" }}"#, 50),
    (r#"{{ genCA "a" 1 }}"#, 10),
    (r#"{{ genSelfSignedCert "a" nil nil 1 }}"#, 10),
    (r#"{{ bcrypt "x" }}"#, 5),
    (r#"{{ htpasswd "a" "x" "bcrypt" }}"#, 5),
    (r#"{{ derivePassword 1 "long" "p" "u" "s" }}"#, 5),
    (r#"{{ encryptAES "p" "x" }}"#, 50),
    ("{{ randBytes 1000000 }}", 5),
    (r#"{{ regexReplaceAll "([a-z]+)([0-9]*)" (repeat 20000 "abc12 ") "${2}$1" }}"#, 5),
];

fn main() {
    let functions = sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH));
    let step = step(&functions);
    println!("one step: {step:?}");
    println!("{:<90} {:>12} {:>10} {:>10}", "TEMPLATE", "TIME", "STEPS", "PAID");
    for (text, times) in CALLS {
        let took = time(&functions, text, times);
        let mut budget = Budget::default();
        let before = budget.steps_left();
        Template::parse("t", text, &Options::new(&functions))
            .unwrap()
            .execute_within(&mut budget, &Value::Nil)
            .unwrap();
        let paid = before - budget.steps_left();
        let steps = took.as_nanos() / STEP.as_nanos();
        println!("{text:<90.90} {:>12} {steps:>10} {paid:>10}", format!("{took:?}"));
    }
}

/// The time of one step of a loop that does next to nothing.
fn step(functions: &Functions) -> Duration {
    const ROUNDS: u32 = 100_000;
    let text = format!("{{{{ range {ROUNDS} }}}}{{{{ . }}}}{{{{ end }}}}");
    // Two steps a round: the action and its command, as `exec` counts them.
    time(functions, &text, 5) / (2 * ROUNDS)
}

fn time(functions: &Functions, text: &str, times: u32) -> Duration {
    let template = Template::parse("t", text, &Options::new(functions)).unwrap();
    template.execute(&Value::Nil).unwrap();
    let start = Instant::now();
    for _ in 0..times {
        template.execute(&Value::Nil).unwrap();
    }
    start.elapsed() / times
}
