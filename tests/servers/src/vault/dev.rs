use super::VaultApi;
use crate::{
    Error, Result,
    process::{Process, clean_command, free_port},
};
use serde_json::json;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    task::JoinSet,
};

/// A real server in dev mode, on a loopback port and with its values in memory: unsealed, a version 2 engine at `secret/`, an audit device
/// that writes to a file and one that writes to a socket. Dropping it ends the server.
#[derive(Debug)]
pub struct Vault {
    api: VaultApi,
    // Fields drop in this order: the server before what it writes to.
    _process: Process,
    receiver: Receiver,
    directory: TempDir,
}

/// Takes what the socket device sends.
#[derive(Debug)]
struct Receiver {
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    _task: JoinSet<()>,
}

/// The dev server's root token.
const TOKEN: &str = "root";
const LIMIT: Duration = Duration::from_secs(30);

impl Vault {
    /// The program that `PAWL_TEST_VAULT_BIN` names: OpenBao's `bao` or HashiCorp's `vault`. Tests that can do without ask this first.
    #[must_use]
    pub fn available() -> Option<PathBuf> {
        std::env::var_os("PAWL_TEST_VAULT_BIN").filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Starts a server of a program.
    ///
    /// # Errors
    /// [`Error::Start`] when it does not come up within 30 s, three times on different ports.
    pub async fn start_dev(program: &Path) -> Result<Self> {
        let mut failure = None;
        for _ in 0..3 {
            match Self::attempt(program).await {
                Err(error @ Error::Start { .. }) => failure = Some(error),
                outcome => return outcome,
            }
        }
        Err(failure.unwrap_or_else(|| Error::Missing {
            what: program.display().to_string(),
            remedy: "PAWL_TEST_VAULT_BIN names a bao or vault program".to_owned(),
        }))
    }

    /// A client with the root token.
    #[must_use]
    pub fn api(&self) -> &VaultApi {
        &self.api
    }

    /// The root token.
    #[must_use]
    pub fn root_token(&self) -> &str {
        TOKEN
    }

    /// The file that one audit device writes.
    #[must_use]
    pub fn audit_file(&self) -> PathBuf {
        self.directory.path().join(AUDIT_FILE)
    }

    /// The lines of that file so far. A request's records are there before its answer is.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn audit_lines(&self) -> Result<Vec<String>> {
        let text =
            std::fs::read_to_string(self.audit_file()).map_err(Error::io("cannot read the audit log"))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The lines that the socket device has sent so far. They may come a little later than the answer.
    #[must_use]
    pub fn socket_lines(&self) -> Vec<String> {
        self.receiver.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn attempt(program: &Path) -> Result<Self> {
        let directory = tempfile::tempdir().map_err(Error::io("cannot make a directory"))?;
        let receiver = Receiver::start().await?;
        let [file, settings] = [AUDIT_FILE, "server.hcl"].map(|name| directory.path().join(name));
        let declared = declares_audit(program).await?;
        let stanzas = if declared { stanzas(&file, receiver.address) } else { String::new() };
        std::fs::write(&settings, stanzas).map_err(Error::io("cannot write the settings"))?;

        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = clean_command(program);
        for variable in
            ["VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "BAO_ADDR", "BAO_TOKEN", "BAO_NAMESPACE"]
        {
            command.env_remove(variable);
        }
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-listen-address={address}"))
            .arg(format!("-dev-root-token-id={TOKEN}"))
            .arg("-config")
            .arg(&settings);
        let mut process = Process::start("vault", &command)?;
        let api = VaultApi::new(&format!("http://{address}"), TOKEN)?;
        let mounted = async |_: &str| api.must("GET", "sys/mounts/secret", None).await.ok();
        process.ready(LIMIT, mounted).await?;
        if !declared {
            for (name, options) in devices(&file, receiver.address) {
                let body = json!({ "type": name, "options": options });
                api.must("POST", &format!("sys/audit/{name}"), Some(&body)).await?;
            }
        }
        Ok(Self { api, _process: process, receiver, directory })
    }
}

const AUDIT_FILE: &str = "audit.log";

impl Receiver {
    async fn start() -> Result<Self> {
        let failed = || Error::io("cannot listen for audit records");
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                connections.spawn(async move {
                    let mut lines = BufReader::new(stream).lines();
                    while let Ok(Some(line)) = lines.next_line().await {
                        kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                    }
                });
            }
        });
        Ok(Self { address, lines, _task: task })
    }
}

/// OpenBao wants audit devices in its configuration; Vault does not know them there, and makes them by its API.
async fn declares_audit(program: &Path) -> Result<bool> {
    let action = format!("cannot run {}", program.display());
    let version =
        tokio::process::Command::from(clean_command(program)).arg("version").kill_on_drop(true).output();
    let version = tokio::time::timeout(LIMIT, version).await;
    let version =
        version.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(Error::io(action))?;
    Ok(String::from_utf8_lossy(&version.stdout).contains("OpenBao"))
}

fn devices(file: &Path, socket: SocketAddr) -> [(&'static str, serde_json::Value); 2] {
    [
        ("file", json!({ "file_path": file })),
        ("socket", json!({ "address": socket.to_string(), "socket_type": "tcp" })),
    ]
}

fn stanzas(file: &Path, socket: SocketAddr) -> String {
    let stanza = |(name, options): (&str, serde_json::Value)| {
        let pairs = options.as_object().into_iter().flatten();
        let pairs: String = pairs.map(|(key, value)| format!("    {key} = {value}\n")).collect();
        format!("audit \"{name}\" \"{name}\" {{\n  options = {{\n{pairs}  }}\n}}\n")
    };
    devices(file, socket).into_iter().map(stanza).collect()
}
