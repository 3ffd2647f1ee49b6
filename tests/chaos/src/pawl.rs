//! Pawl's processes: started, killed at any moment, started again. What they logged is kept.

use crate::options::Setting;
use crate::stage::Stage;
use crate::{io, lock};
use pawl_e2e::{Error, HMAC_KEY, Result, binary, now, sign};
use pawl_servers::LambdaEmulator;
use pawl_servers::process::{Process, clean_command};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex as Lock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The functions that run beside the servers, each once.
pub(crate) const FUNCTIONS: [&str; 4] = ["sync", "deliver", "sweep", "index"];
/// How often servers sweep, and read the clusters' own manifests: seldom, for both cost the double of AWS dozens of calls.
const SERVE: [&str; 4] = ["--sweep", "10s", "--index", "20s"];
/// How long a server may take to come up on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(60);

/// All processes of Pawl on a stage.
#[derive(Debug)]
pub(crate) struct Pawl {
    servers: Vec<Mutex<Option<Server>>>,
    /// By how many seconds the clock of each server is wrong that is started from now on.
    clocks: Vec<AtomicI64>,
    functions: Option<Functions>,
    environment: Vec<(String, String)>,
    logs: PathBuf,
    http: reqwest::Client,
    /// What processes did of their own that they must not: they ended, or panicked.
    faults: Lock<Vec<String>>,
    counts: Lock<Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) kills: usize,
    pub(crate) starts: usize,
}

#[derive(Debug)]
struct Server {
    process: Process,
    pid: u32,
    url: String,
}

#[derive(Debug)]
struct Functions {
    lambda: Arc<LambdaEmulator>,
    running: Mutex<[bool; FUNCTIONS.len()]>,
}

impl Pawl {
    /// The processes of a setting, none of which runs yet but the functions.
    pub(crate) async fn new(
        setting: Setting,
        environment: Vec<(String, String)>,
        logs: PathBuf,
    ) -> Result<Self> {
        let (servers, functions) = match setting {
            Setting::File => (1, None),
            Setting::Table => {
                let binaries = FUNCTIONS.map(|name| Ok((name, binary(&format!("pawl-{name}"))?)));
                let binaries = binaries.into_iter().collect::<Result<Vec<_>>>()?;
                let environment: Vec<(&str, &str)> =
                    environment.iter().map(|(name, value)| (&**name, &**value)).collect();
                let lambda = Arc::new(LambdaEmulator::start(&binaries, &environment).await?);
                (2, Some(Functions { lambda, running: Mutex::new([true; FUNCTIONS.len()]) }))
            }
        };
        Ok(Self {
            servers: (0..servers).map(|_| Mutex::new(None)).collect(),
            clocks: (0..servers).map(|_| AtomicI64::new(0)).collect(),
            functions,
            environment,
            logs,
            http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(70)).build()?,
            faults: Lock::default(),
            counts: Lock::default(),
        })
    }

    /// How many processes there are to be killed.
    pub(crate) fn count(&self) -> usize {
        self.servers.len() + self.functions.as_ref().map_or(0, |_| FUNCTIONS.len())
    }

    pub(crate) fn counts(&self) -> Counts {
        *lock(&self.counts)
    }

    pub(crate) fn lambda(&self) -> Option<&Arc<LambdaEmulator>> {
        self.functions.as_ref().map(|functions| &functions.lambda)
    }

    /// Kills one with SIGKILL. One that is not there is left alone.
    pub(crate) async fn kill(&self, which: usize) {
        if let Some(server) = self.servers.get(which) {
            if let Some(mut server) = server.lock().await.take() {
                // One that ended before it was killed did so by itself.
                if let Ok(status) = server.process.finished(Duration::ZERO).await {
                    self.fault(format!("server {which} ended by itself: {status}"));
                }
                self.keep(&format!("server-{which}"), &server.process.kill());
            }
        } else if let Some(functions) = &self.functions {
            let which = which - self.servers.len();
            let mut running = functions.running.lock().await;
            if std::mem::replace(&mut running[which], false) {
                self.keep(FUNCTIONS[which], &functions.lambda.kill(FUNCTIONS[which]));
            }
        }
        lock(&self.counts).kills += 1;
    }

    /// Starts whatever is not there. What does not come up is noted, and tried again the next time.
    pub(crate) async fn start_missing(&self, stage: &Stage) {
        for (index, server) in self.servers.iter().enumerate() {
            let mut server = server.lock().await;
            if server.is_none() {
                match self.start_server(index, stage).await {
                    Ok(started) => *server = Some(started),
                    // While calls to AWS fail a server may not come up: whoever supervises it starts it again.
                    Err(error) => {
                        stage.journal.note(&format!("server {index} does not come up: {}", error));
                    }
                }
            }
        }
        let Some(functions) = &self.functions else { return };
        let mut running = functions.running.lock().await;
        for (index, name) in FUNCTIONS.iter().enumerate() {
            if !running[index] && functions.lambda.launch(name).is_ok() {
                running[index] = true;
                lock(&self.counts).starts += 1;
            }
        }
    }

    /// Kills one of the servers, counted round, and starts it with a clock that is wrong by so many seconds.
    pub(crate) async fn set_clock(&self, which: usize, skew: i64, stage: &Stage) {
        let which = which % self.servers.len();
        self.clocks[which].store(skew, Ordering::SeqCst);
        self.kill(which).await;
        self.start_missing(stage).await;
    }

    /// Kills the servers whose clock is wrong; they are missing then, and start with the right one.
    pub(crate) async fn right_clocks(&self) {
        for (which, clock) in self.clocks.iter().enumerate() {
            if clock.swap(0, Ordering::SeqCst) != 0 {
                self.kill(which).await;
            }
        }
    }

    async fn start_server(&self, index: usize, stage: &Stage) -> Result<Server> {
        // Output goes through a pipe, so that a limit on the size of files cannot strike it. The inner shell tells its
        // process id, lets a write beyond the limit fail instead of ending the process, and becomes the server.
        let inner = r#"echo "pid $$"; trap "" XFSZ; exec "$0" "$@""#;
        let outer = r#"inner=$1; shift; { sh -c "$inner" "$@"; } 2>&1 | cat"#;
        let mut command = clean_command("sh");
        command.args(["-c", outer, "sh", inner]).arg(binary("pawl")?);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(SERVE);
        if let Some(queues) = &stage.queues {
            command.args(["--events", &queues.events.url]);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("PAWL_TEST_CLOCK_SKEW", self.clocks[index].load(Ordering::SeqCst).to_string());
        let mut process = Process::start("pawl", &command)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some((pid, url)) = announced(&process.log()) {
                lock(&self.counts).starts += 1;
                return Ok(Server { process, pid, url });
            }
            let has_ended = process.finished(Duration::ZERO).await.is_ok();
            if has_ended || Instant::now() > deadline {
                let log = process.kill();
                self.keep("server-not-up", &log);
                let reason = log.lines().last().unwrap_or_default().to_owned();
                return Err(Error::Otherwise(reason));
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Hands an event to a server by HTTP. Says whether it was taken.
    pub(crate) async fn send(&self, which: usize, event: &Value) -> Result<bool> {
        let which = which % self.servers.len();
        let url = self.servers[which].lock().await.as_ref().map(|server| server.url.clone());
        let Some(url) = url else { return Ok(false) };
        let (body, timestamp) = (event.to_string(), now().as_second().to_string());
        let request = self.http.post(format!("{url}/v1/events"));
        let request = request.header("x-pawl-signature", sign(HMAC_KEY, &timestamp, body.as_bytes()));
        let answer = request.header("x-pawl-timestamp", timestamp).body(body).send().await?;
        Ok(answer.status().is_success())
    }

    /// Runs `pawl` with these arguments until it ends. Says how, with all that it wrote.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<(bool, String)> {
        let mut command = tokio::process::Command::from(clean_command(binary("pawl")?));
        command.args(arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let what = || format!("pawl {}", arguments.first().unwrap_or(&""));
        let ended = tokio::time::timeout(COMMAND, command.output()).await;
        let output = ended.map_err(|_| Error::Late { what: what(), limit: COMMAND })?.map_err(io(what()))?;
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let text = text.concat();
        self.keep("commands", &text);
        Ok((output.status.success(), text))
    }

    /// Limits the size of files that servers may write from now on, or ends the limit.
    pub(crate) async fn limit_files(&self, bytes: Option<u64>) {
        for server in &self.servers {
            let Some(pid) = server.lock().await.as_ref().map(|server| server.pid) else { continue };
            let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
            let mut command = tokio::process::Command::new("prlimit");
            // A soft limit, which can be lifted again. Without prlimit disks are never full, as the README says.
            command.args(["--pid", &pid.to_string(), &format!("--fsize={limit}:unlimited")]);
            let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        }
    }

    /// What each server counts.
    pub(crate) async fn metrics(&self) -> Result<String> {
        let mut all = String::new();
        for server in &self.servers {
            let url = server.lock().await.as_ref().map(|server| server.url.clone());
            if let Some(url) = url {
                all += &self.http.get(format!("{url}/metrics")).send().await?.text().await?;
            }
        }
        Ok(all)
    }

    /// Kills everything and puts all that was logged into files. Says what processes did that they must not.
    pub(crate) async fn end(&self) -> Vec<String> {
        for which in 0..self.count() {
            self.kill(which).await;
        }
        lock(&self.faults).clone()
    }

    fn keep(&self, name: &str, log: &str) {
        if let Some(line) = log.lines().find(|line| line.contains("panicked at")) {
            self.fault(format!("{name}: {line}"));
        }
        let mut file = std::fs::File::options();
        let file = file.create(true).append(true).open(self.logs.join(format!("{name}.log")));
        // A log that cannot be kept is missed when it is searched.
        let _ = file.and_then(|mut file| std::io::Write::write_all(&mut file, log.as_bytes()));
    }

    fn fault(&self, text: String) {
        lock(&self.faults).push(text);
    }
}

/// The process id and the address that a server told.
fn announced(log: &str) -> Option<(u32, String)> {
    let behind = |mark: &str| log.lines().find_map(|line| line.strip_prefix(mark));
    Some((behind("pid ")?.parse().ok()?, behind("pawl serves on ")?.to_owned()))
}
