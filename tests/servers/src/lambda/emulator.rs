use crate::{
    Error, Result,
    process::{Process, clean_command, free_port},
    tools_directory,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

/// cargo-lambda's emulator of the Lambda service, and the real binaries of functions that poll it.
///
/// Unlike Lambda, it answers an asynchronous invocation only when that is done, and a function's error with HTTP 500.
#[derive(Debug)]
pub struct LambdaEmulator {
    address: String,
    http: reqwest::Client,
    functions: Vec<(String, PathBuf)>,
    environment: Vec<(String, String)>,
    running: Mutex<Vec<(String, Process)>>,
    _emulator: Process,
    _project: TempDir,
}

impl LambdaEmulator {
    /// Starts the emulator and one process per entry of `functions`, each a function's name and its binary. A name that is listed twice
    /// runs twice, as Lambda does under load. All see `environment` and, of the test's own, nothing that begins with `AWS_`. As at Lambda
    /// each has an identity of its own: where `environment` has an access key, a function's is its name.
    ///
    /// A function that does not come up shows at its first invocation.
    ///
    /// # Errors
    /// [`Error::Missing`] without the tools or a binary, [`Error::Start`] when the emulator does not come up.
    pub async fn start(functions: &[(&str, PathBuf)], environment: &[(&str, &str)]) -> Result<Self> {
        if let Some((name, binary)) = functions.iter().find(|(_, binary)| !binary.is_file()) {
            let what = format!("{}, the binary of the function {name}", binary.display());
            return Err(Error::Missing { what, remedy: "build it first; `make test` does".to_owned() });
        }
        let project = project(functions)?;
        let (address, emulator) = match launch(&project).await {
            // Another process took the port between our choice and the emulator's use of it.
            Err(Error::Start { .. }) => launch(&project).await?,
            result => result?,
        };
        let emulator = Self {
            address,
            http: client()?,
            functions: functions.iter().map(|(name, binary)| ((*name).to_owned(), binary.clone())).collect(),
            environment: environment
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            running: Mutex::default(),
            _emulator: emulator,
            _project: project,
        };
        for (name, binary) in &emulator.functions {
            emulator.launch_function(name, binary)?;
        }
        Ok(emulator)
    }

    /// Invokes a function and waits for its answer, at most a minute.
    ///
    /// # Errors
    /// [`Error::Refused`] with the function's error, [`Error::Start`] with the end of its log when its process is gone,
    /// [`Error::Unreachable`] when the time is over.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let call = format!("invoking {function}");
        let url = format!("http://{}/2015-03-31/functions/{function}/invocations", self.address);
        let request = self.http.post(url).body(event.to_string()).send();
        let answer = tokio::select! {
            answer = request => answer.map_err(Error::unreachable(&call))?,
            error = self.gone(function) => return Err(error),
        };
        let status = answer.status();
        let body = answer.text().await.map_err(Error::unreachable(&call))?;
        match status.is_success() {
            true if body.is_empty() => Ok(Value::Null),
            true => serde_json::from_str(&body).map_err(|_| Error::Incomplete { call, field: "a JSON body" }),
            false => Err(Error::Refused { call, status: status.as_u16(), body }),
        }
    }

    /// Kills all processes of a function, in the middle of whatever they do. Returns what they have logged.
    pub fn kill(&self, function: &str) -> String {
        let killed: Vec<_> = self.running().extract_if(.., |(name, _)| name == function).collect();
        killed.into_iter().map(|(_, process)| process.kill()).collect()
    }

    /// Starts one more process of a function that [`LambdaEmulator::start`] was told of, as after [`LambdaEmulator::kill`].
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such function.
    pub fn launch(&self, function: &str) -> Result<()> {
        let known = self.functions.iter().find(|(name, _)| name == function);
        let missing = || Error::Missing {
            what: format!("the function {function}"),
            remedy: "list it at the start".to_owned(),
        };
        let (name, binary) = known.ok_or_else(missing)?;
        self.launch_function(name, binary)
    }

    /// What the running processes of a function have logged.
    #[must_use]
    pub fn log(&self, function: &str) -> String {
        self.running().iter().filter(|(name, _)| name == function).map(|(_, process)| process.log()).collect()
    }

    /// The most memory that a running process of a function has had, in bytes, where the system tells.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        self.running().iter().filter_map(|(_, process)| process.peak_memory()).max()
    }

    fn launch_function(&self, name: &str, binary: &PathBuf) -> Result<()> {
        let mut command = clean_command(binary);
        command
            .env("AWS_LAMBDA_RUNTIME_API", format!("http://{}/.rt/{name}", self.address))
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        if self.environment.iter().any(|(name, _)| name == "AWS_ACCESS_KEY_ID") {
            command.env("AWS_ACCESS_KEY_ID", name);
        }
        self.running().push((name.to_owned(), Process::start(name, &command)?));
        Ok(())
    }

    /// Waits until no process of the function is left, which would leave an invocation waiting for nobody.
    async fn gone(&self, function: &str) -> Error {
        loop {
            if let Some(error) = self.ended(function) {
                return error;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn ended(&self, function: &str) -> Option<Error> {
        let mut last = Error::Missing {
            what: format!("a process of the function {function}"),
            remedy: "launch one".to_owned(),
        };
        for (_, process) in self.running().iter_mut().filter(|(name, _)| name == function) {
            last = process.ended()?;
        }
        Some(last)
    }

    fn running(&self) -> MutexGuard<'_, Vec<(String, Process)>> {
        // A panic elsewhere leaves the list whole: entries are only pushed and removed.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The emulator only knows functions that are binaries of the cargo project it runs in, so it gets one made up of their names.
fn project(functions: &[(&str, PathBuf)]) -> Result<TempDir> {
    let names: BTreeSet<&str> = functions.iter().map(|(name, _)| *name).collect();
    let binaries: String =
        names.iter().map(|name| format!("[[bin]]\nname = \"{name}\"\npath = \"main.rs\"\n")).collect();
    let manifest = format!(
        "[package]\nname = \"functions\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n{binaries}"
    );
    let directory = TempDir::with_prefix("pawl-lambda-").map_err(Error::io("cannot make a directory"))?;
    for (file, content) in [("Cargo.toml", manifest.as_str()), ("main.rs", "fn main() {}\n")] {
        fs::write(directory.path().join(file), content).map_err(Error::io(format!("cannot write {file}")))?;
    }
    Ok(directory)
}

async fn launch(project: &TempDir) -> Result<(String, Process)> {
    let port = free_port()?;
    let address = format!("127.0.0.1:{port}");
    let mut command = clean_command(tools_directory()?.join("bin/cargo-lambda"));
    command.current_dir(project.path()).args(["lambda", "watch", "--only-lambda-apis", "--ignore-changes"]);
    command.args(["--invoke-address", "127.0.0.1", "--invoke-port", &port.to_string()]);
    let mut emulator = Process::start("cargo-lambda", &command)?;
    emulator.ready(Duration::from_secs(60), async |_| TcpStream::connect(&address).await.ok()).await?;
    Ok((address, emulator))
}

fn client() -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    builder.timeout(Duration::from_secs(60)).build().map_err(Error::unreachable("the HTTP client"))
}
