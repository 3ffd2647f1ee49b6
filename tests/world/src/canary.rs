//! A value that must show up nowhere but in its target, and the search for it.

use crate::door::lock;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use pawl_domain::SecretValue;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// A value like no other. While there is a canary, every log line that the process writes from then on is kept, at level
/// TRACE, and can be searched.
///
/// ```
/// use pawl_world::Canary;
/// let canary = Canary::new();
/// assert!(!canary.absent_from(&format!("password is {}", canary.value())));
/// assert!(!canary.absent_from(&format!("{:?}", canary.value().as_bytes())));
/// tracing::trace!("a value was fetched");
/// canary.assert_absent_from_logs();
/// ```
#[derive(Clone, Debug)]
pub struct Canary {
    value: String,
    listening: Arc<Listening>,
}

impl Default for Canary {
    fn default() -> Self {
        Self::new()
    }
}

impl Canary {
    /// A new value: letters and digits only, so that no way of quoting changes it.
    ///
    /// # Panics
    /// When the process already has a subscriber that is not the canaries': nothing could be heard then.
    pub fn new() -> Self {
        let listening = Arc::new(Listening { since: logs().listen() });
        let random = || RandomState::new().hash_one(0);
        Self { value: format!("canary{:016x}{:016x}", random(), random()), listening }
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value, wrapped.
    pub fn secret(&self) -> SecretValue {
        SecretValue::new(self.value.as_str())
    }

    /// Whether a text holds the value in none of the forms that values take on their way: as it is (JSON, YAML and
    /// URL quoting leave it so), base64 of it or of something around it, hex, bytes in decimal, reversed.
    pub fn absent_from(&self, text: &str) -> bool {
        self.form_in(text).is_none()
    }

    /// Panics when a text holds the value; `what` names the text.
    pub fn assert_absent_from(&self, what: &str, text: &str) {
        if let Some(form) = self.form_in(text) {
            let at = text.to_lowercase().find(&form.to_lowercase()).unwrap_or_default();
            let start =
                (0..=at.saturating_sub(300)).rev().find(|start| text.is_char_boundary(*start)).unwrap_or(0);
            let before = text.get(start..at).unwrap_or_default();
            panic!("the canary shows up in {what}, behind: {before}");
        }
    }

    /// Panics when any log line of this process since the canary holds the value.
    pub fn assert_absent_from_logs(&self) {
        let text = logs().text(self.listening.since);
        self.assert_absent_from("the logs", &text);
    }

    /// Whether a warning that holds this text was logged in this process since the canary. Other stories log beside this one:
    /// look for what is this story's own.
    pub fn warned(&self, text: &str) -> bool {
        let logged = logs().text(self.listening.since);
        logged.lines().any(|line| line.contains(" WARN ") && line.contains(text))
    }

    /// Runs `work` and panics when the logs hold the value then, or what `work` returns does, seen through Debug.
    pub async fn watch<T: std::fmt::Debug>(&self, work: impl AsyncFnOnce() -> T) -> T {
        let result = work().await;
        self.assert_absent_from("the result", &format!("{result:?}"));
        self.assert_absent_from_logs();
        result
    }

    fn form_in(&self, text: &str) -> Option<String> {
        let lower = text.to_lowercase();
        let found = |form: &String| text.contains(form) || lower.contains(&form.to_lowercase());
        self.forms().into_iter().find(found)
    }

    fn forms(&self) -> Vec<String> {
        let bytes = self.value.as_bytes();
        let decimal = |separator: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
        let mut forms = vec![
            self.value.clone(),
            self.value.chars().rev().collect(),
            hex::encode(bytes),
            bytes.iter().map(|byte| format!("%{byte:02x}")).collect(),
            decimal(", "),
            decimal(","),
            decimal(" "),
            decimal(",\n"),
        ];
        // Within a longer text, base64 of the value depends on where it begins; its middle is one of three.
        for shift in 0..3 {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(bytes);
            // Whole groups of three bytes, without the first group if it holds a byte that is not the value's.
            padded.truncate(padded.len() / 3 * 3);
            let own = &padded[if shift == 0 { 0 } else { 3 }..];
            forms.extend([STANDARD_NO_PAD.encode(own), URL_SAFE_NO_PAD.encode(own)]);
        }
        forms
    }
}

/// All that was logged in this process since the oldest canary that there is.
#[derive(Clone, Debug, Default)]
struct Logs(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How many bytes were logged before those.
    before: usize,
    /// How many canaries listen since when, in bytes logged before them.
    listening: BTreeMap<usize, usize>,
}

/// The time of one canary and its clones.
#[derive(Debug)]
struct Listening {
    since: usize,
}

impl Drop for Listening {
    fn drop(&mut self) {
        logs().leave(self.since);
    }
}

impl Logs {
    fn listen(&self) -> usize {
        let mut kept = lock(&self.0);
        let now = kept.before + kept.bytes.len();
        *kept.listening.entry(now).or_default() += 1;
        now
    }

    /// Forgets what nobody listens for any more, once it is most of what is kept.
    fn leave(&self, since: usize) {
        let mut kept = lock(&self.0);
        if let Some(count) = kept.listening.get_mut(&since) {
            *count -= 1;
            if *count == 0 {
                kept.listening.remove(&since);
            }
        }
        let oldest = kept.listening.keys().next().copied();
        let unheard = oldest.map_or(kept.bytes.len(), |oldest| oldest - kept.before);
        if unheard > kept.bytes.len() / 2 {
            kept.bytes.drain(..unheard);
            kept.before += unheard;
        }
    }

    fn text(&self, since: usize) -> String {
        let kept = lock(&self.0);
        String::from_utf8_lossy(&kept.bytes[since - kept.before..]).into_owned()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn logs() -> &'static Logs {
    static LOGS: OnceLock<Logs> = OnceLock::new();
    LOGS.get_or_init(|| {
        let logs = Logs::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(logs.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber)
            .expect("canaries listen to the whole process: make the first one before any other subscriber");
        logs
    })
}
