//! A value shows up nowhere but in the answer: a canary goes every way that a secret can go.

use crate::stores::pushes::place::{property, pushed};
use crate::stores::support::{access, current, sources};
use pawl_domain::store::AwsService;
use pawl_domain::{Access, Find, Keep, Provider};
use pawl_ports::{Error, Sink, Sources, Wanted};
use serde_json::{Value, json};
use std::io;
use std::sync::{Arc, Mutex};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, ResponseTemplate};

const CANARY: &str = "canary-7f3a9c";

#[tokio::test]
async fn no_value_is_in_a_log_or_an_error() {
    let (logs, guard) = Logs::capture(Targets::new().with_default(LevelFilter::TRACE));
    let mut shown = String::new();
    for provider in [AwsService::SecretsManager, AwsService::ParameterStore] {
        let access = access(provider);
        let (single, many) = ([current("a")], ["a", "b", "c"].map(current));
        for wanted in [&single[..], &many] {
            for body in bodies() {
                shown += &asked(&access, wanted, body).await;
            }
        }
    }
    drop(guard);
    logs.assert_clean(&["fetch", "find"], &shown);
}

/// The SDK shows requests at its finest level, which no log of Pawl's has.
#[tokio::test]
async fn no_pushed_value_is_in_a_log_or_an_error() {
    let ours = Targets::new().with_default(LevelFilter::WARN).with_target("pawl", LevelFilter::TRACE);
    let (logs, guard) = Logs::capture(ours);
    let mut shown = String::new();
    for provider in [AwsService::SecretsManager, AwsService::ParameterStore] {
        // Of a write AWS may say what was wrong with it.
        let quoting = json!({ "__type": "ValidationException", "message": format!("not valid: {CANARY}") });
        for body in bodies().into_iter().chain([(400, quoting.to_string())]) {
            let aws = answering(body).await;
            let (sources, access) = (sources(&aws.uri()), access(provider));
            for pushed in [pushed("a", CANARY, None), property("a", "b", CANARY, None)] {
                let outcome = sources.push(&access, &pushed).await;
                let exists = sources.exists(&access, &pushed.to).await;
                let removed = sources.remove(&access, &pushed.to).await;
                shown += &format!("{outcome:?} {exists:?} {removed:?}");
                let errors = [outcome.err(), exists.err(), removed.err()].into_iter().flatten();
                shown += &errors.map(|error| told(&error)).collect::<String>();
            }
        }
    }
    drop(guard);
    logs.assert_clean(&["push", "exists", "remove"], &shown);
}

/// Whole, cut in the middle, of the wrong form, and within a refusal.
fn bodies() -> Vec<(u16, String)> {
    let secret =
        json!({ "Name": "a", "SecretString": CANARY, "VersionId": "1", "VersionStages": ["AWSCURRENT"] });
    let managed = json!([{ "Key": "managed-by", "Value": "external-secrets" }]);
    let parameter = json!({ "Name": "a", "Value": CANARY, "Version": 1, "Type": "SecureString" });
    let whole = json!({
        "Name": "a", "SecretString": CANARY, "VersionId": "1", "Parameter": parameter,
        "SecretValues": [secret], "Parameters": [parameter], "Errors": [], "InvalidParameters": [],
        "Tags": managed, "TagList": managed, "VersionIdsToStages": { "1": ["AWSCURRENT"] },
    });
    let text = whole.to_string();
    let wrong = json!({ "SecretString": [CANARY], "Parameter": CANARY, "SecretValues": CANARY, "Parameters": CANARY });
    vec![
        (200, text.clone()),
        (200, text[..text.len() - 20].to_owned()),
        (200, wrong.to_string()),
        (200, format!("\"{CANARY}")),
        (400, text.clone()),
        (500, Value::from(CANARY).to_string()),
    ]
}

/// Everything that anybody could print of what comes back, but the value.
async fn asked(access: &Access, wanted: &[Wanted], body: (u16, String)) -> String {
    let aws = answering(body).await;
    let sources = sources(&aws.uri());
    let answers = sources.fetch(access, wanted).await;
    let find = Find { name: Some("a".to_owned()), ..Find::default() };
    let found = sources.find(access, &find, &Keep::everything(Provider::SecretsManager)).await;
    let errors = answers.iter().filter_map(|answer| answer.as_ref().err()).chain(found.as_ref().err());
    format!("{answers:?} {found:?}{}", errors.map(told).collect::<String>())
}

async fn answering((status, body): (u16, String)) -> MockServer {
    let aws = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_raw(body, "application/x-amz-json-1.1");
    // A list holds no values.
    let list = Mock::given(header("x-amz-target", "secretsmanager.ListSecrets"));
    list.respond_with(ResponseTemplate::new(200).set_body_json(json!({ "SecretList": [{ "Name": "a" }] })))
        .mount(&aws)
        .await;
    Mock::given(header("content-type", "application/x-amz-json-1.1")).respond_with(answer).mount(&aws).await;
    aws
}

fn told(error: &Error) -> String {
    tracing::error!(error = error as &(dyn std::error::Error + 'static), "failed");
    format!("{error} {error:#?} {:?}", error.to_failure(1))
}

/// What this thread logs, at every level.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    fn capture(filter: Targets) -> (Self, tracing::subscriber::DefaultGuard) {
        let logs = Self::default();
        let writer = logs.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::NEW)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (logs, tracing::subscriber::set_default(subscriber.with(filter)))
    }

    /// Each of these calls was logged, and the canary is neither there nor in what was shown.
    fn assert_clean(&self, calls: &[&str], shown: &str) {
        let logs = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        for call in calls {
            let span = format!("{call}{{store.provider");
            assert!(logs.contains(&span), "{call} has no span: {}", &logs[..logs.len().min(2_000)]);
        }
        for (place, text) in [("a log", logs.as_str()), ("an answer", shown)] {
            if let Some(at) = text.find(CANARY) {
                let from = text.floor_char_boundary(at.saturating_sub(400));
                panic!("the canary is in {place}: {}", &text[from..text.ceil_char_boundary(at + 40)]);
            }
        }
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
