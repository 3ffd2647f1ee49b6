use super::{entry::Entry, hash::Salt};
use crate::vault::{ids, json::encode};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tokio::{
    fs::OpenOptions,
    io::{AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

/// Where audit records go, one JSON object a line, and how they are written.
#[derive(Debug, Clone)]
pub struct AuditDevice {
    target: Target,
    prefix: String,
    raw: bool,
    clear_accessors: bool,
    counted_lists: bool,
}

#[derive(Debug, Clone)]
enum Target {
    Memory,
    File(PathBuf),
    Tcp(SocketAddr),
    Unix(PathBuf),
    Http { url: String, headers: Vec<(String, String)> },
}

impl AuditDevice {
    /// Keeps the lines for [`VaultDouble::audit_lines`](crate::vault::VaultDouble::audit_lines).
    #[must_use]
    pub fn memory() -> Self {
        Self::new(Target::Memory)
    }

    /// Appends to a file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Target::File(path.into()))
    }

    /// Writes to a TCP connection that it opens with the first record, and once more when a write fails.
    #[must_use]
    pub fn tcp(address: SocketAddr) -> Self {
        Self::new(Target::Tcp(address))
    }

    /// Writes to a Unix socket, as [`AuditDevice::tcp`].
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::new(Target::Unix(path.into()))
    }

    /// Posts each record by itself, with nothing but the given headers: not even a content type, as OpenBao does. A status of 300 and more,
    /// as well as no answer within two seconds, is a failure.
    #[must_use]
    pub fn http(url: impl Into<String>, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::new(Target::Http { url: url.into(), headers })
    }

    /// Puts a text before each line (`prefix`).
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Writes strings as they are (`log_raw`): secrets too.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// Leaves accessors of tokens as they are (`hmac_accessor=false`).
    #[must_use]
    pub fn clear_accessors(mut self) -> Self {
        self.clear_accessors = true;
        self
    }

    /// Writes how many names a list has instead of the names (`elide_list_responses`).
    #[must_use]
    pub fn counted_lists(mut self) -> Self {
        self.counted_lists = true;
        self
    }

    fn new(target: Target) -> Self {
        Self { target, prefix: String::new(), raw: false, clear_accessors: false, counted_lists: false }
    }
}

/// The devices of a server and what they hold open.
pub(crate) struct Devices {
    devices: Vec<Open>,
    lines: Vec<String>,
    http: reqwest::Client,
}

struct Open {
    device: AuditDevice,
    salt: Salt,
    stream: Option<Box<dyn AsyncWrite + Send + Sync + Unpin>>,
}

/// As long as a device may take over one record.
const PATIENCE: Duration = Duration::from_secs(2);

impl Devices {
    pub(crate) fn new(devices: Vec<AuditDevice>) -> Self {
        let mut all = Self { devices: Vec::new(), lines: Vec::new(), http: reqwest::Client::new() };
        devices.into_iter().for_each(|device| all.add(device));
        all
    }

    pub(crate) fn add(&mut self, device: AuditDevice) {
        self.devices.push(Open { device, salt: Salt(ids::uuid()), stream: None });
    }

    pub(crate) fn remove_all(&mut self) {
        self.devices.clear();
    }

    /// What the memory device got.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// How the first device hashes a text.
    pub(crate) fn hash(&self, text: &str) -> Option<String> {
        self.devices.first().map(|open| open.salt.hash(text))
    }

    /// Hands the entry to every device. False when there are devices and none took it.
    pub(crate) async fn log(&mut self, entry: &Entry) -> bool {
        let mut taken = self.devices.is_empty();
        for open in &mut self.devices {
            let line = open.line(entry);
            let written = tokio::time::timeout(PATIENCE, open.write(&self.http, &mut self.lines, line));
            taken |= matches!(written.await, Ok(true));
        }
        taken
    }
}

impl Open {
    fn line(&self, entry: &Entry) -> String {
        let mut entry = match self.device.raw {
            true => entry.clone(),
            false => self.salt.veil(entry.clone(), !self.device.clear_accessors),
        };
        if self.device.counted_lists {
            entry.count_list();
        }
        format!("{}{}", self.device.prefix, encode(&entry))
    }

    async fn write(&mut self, http: &reqwest::Client, lines: &mut Vec<String>, line: String) -> bool {
        match &self.device.target {
            Target::Memory => {
                lines.push(line);
                true
            }
            Target::Http { url, headers } => {
                let request =
                    headers.iter().fold(http.post(url), |request, (name, value)| request.header(name, value));
                let answer = request.body(line).send().await;
                answer.is_ok_and(|answer| answer.status().as_u16() < 300)
            }
            target => {
                let target = target.clone();
                // A peer that went away shows up in a write; the second try has a connection of its own.
                for _ in 0..2 {
                    if self.stream.is_none() {
                        self.stream = target.open().await.ok();
                    }
                    let Some(stream) = &mut self.stream else { continue };
                    if stream.write_all(line.as_bytes()).await.is_ok() && stream.flush().await.is_ok() {
                        return true;
                    }
                    self.stream = None;
                }
                false
            }
        }
    }
}

impl Target {
    async fn open(&self) -> std::io::Result<Box<dyn AsyncWrite + Send + Sync + Unpin>> {
        Ok(match self {
            Self::File(path) => Box::new(OpenOptions::new().append(true).create(true).open(path).await?),
            Self::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Self::Memory | Self::Http { .. } => return Err(std::io::ErrorKind::Unsupported.into()),
        })
    }
}
