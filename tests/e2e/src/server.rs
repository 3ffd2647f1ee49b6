//! `pawl serve` as a process, and what is asked of it over HTTP.

use crate::{Error, Metrics, Result, Stage, binary, now};
use hmac::{Hmac, KeyInit, Mac};
use pawl_servers::process::Process;
use serde_json::Value;
use sha2::Sha256;
use std::process::ExitStatus;
use std::time::Duration;

/// The key that events are signed with on every stage.
pub const HMAC_KEY: &str = "the key of the demonstration, and of no other";

/// What senders of audit records show on every stage.
pub const AUDIT_TOKEN: &str = "the-token-of-the-demonstration-and-of-no-other";

/// How long it may take to come up, and to go.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `pawl serve`, with its registry in the stage's file. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    process: Process,
    pid: u32,
    url: String,
    http: reqwest::Client,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, `null` when it is no JSON.
    pub body: Value,
}

impl Server {
    /// Starts it with these arguments behind `pawl serve --listen 127.0.0.1:0`, and returns when it listens.
    ///
    /// # Errors
    /// When it is not built or does not come up.
    pub async fn start(stage: &Stage, arguments: &[&str]) -> Result<Self> {
        // The shell tells its process id and then becomes the server.
        let mut command = pawl_servers::process::clean_command("sh");
        command.args(["-c", r#"echo "pid $$"; exec "$0" serve --listen 127.0.0.1:0 "$@""#]);
        command.arg(binary("pawl")?).args(arguments).envs(stage.environment());
        let mut process = Process::start("pawl", &command)?;
        let (pid, url) = process.ready(PATIENCE, async |log| announced(log)).await?;
        // A server with many connections closes those that rest, at a moment when the next request may be on its way.
        let http =
            reqwest::Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(0).build()?;
        Ok(Self { process, pid, url, http })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where it serves, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Hands in an event, signed as the documentation says.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn send(&self, event: &Value) -> Result<Answer> {
        let body = event.to_string();
        let timestamp = now().as_second().to_string();
        let signature = sign(HMAC_KEY, &timestamp, body.as_bytes());
        self.post(&[("x-pawl-timestamp", &timestamp), ("x-pawl-signature", &signature)], body.into_bytes())
            .await
    }

    /// Hands in whatever is given as an event, with these headers.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn post(&self, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Answer> {
        self.post_to("/v1/events", headers, body).await
    }

    /// Posts whatever is given to a path, with these headers.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn post_to(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Answer> {
        let mut request = self.http.post(format!("{}{path}", self.url)).body(body);
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: serde_json::from_str(&answer.text().await?).unwrap_or_default() })
    }

    /// What it counted so far.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn metrics(&self) -> Result<Metrics> {
        let answer = self.http.get(format!("{}/metrics", self.url)).send().await?;
        Ok(Metrics::parse(&answer.error_for_status()?.text().await?))
    }

    /// Everything that it has written so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The most memory that it has had, in bytes.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn peak_memory(&self) -> Result<u64> {
        self.process.peak_memory().ok_or_else(|| Error::Otherwise("its memory is not told".to_owned()))
    }

    /// Tells it to stop, with SIGTERM.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn tell_to_stop(&self) -> Result<()> {
        let mut kill = tokio::process::Command::new("kill");
        let told = kill.args(["-TERM", &self.pid.to_string()]).status().await.map_err(Error::io("kill"))?;
        match told.success() {
            true => Ok(()),
            false => Err(Error::Otherwise("pawl serve had ended before it was told to".to_owned())),
        }
    }

    /// Waits until it has ended. Returns how, and all that it wrote.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn finished(mut self) -> Result<(ExitStatus, String)> {
        let status = self.process.finished(PATIENCE).await?;
        Ok((status, self.process.log()))
    }
}

/// The signature of a request: see the documentation of `pawl serve`.
pub fn sign(key: &str, timestamp: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn announced(log: &str) -> Option<(u32, String)> {
    let behind = |mark: &str| log.lines().find_map(|line| line.strip_prefix(mark));
    Some((behind("pid ")?.parse().ok()?, behind("pawl serves on ")?.to_owned()))
}
