//! The audit log of a busy Vault, and a socket that takes it in.

use pawl_runtime::audit::socket::{self, Address, Listener};
use pawl_runtime::audit::{Audit, Peers, feed};
use pawl_runtime::config;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The longest that a soak may take, whatever its size.
const LIMIT: Duration = Duration::from_secs(600);
/// Sizes of chunks, none of which a record has.
const CHUNKS: [usize; 8] = [1, 3, 17, 251, 1021, 4093, 65_521, 131_071];

/// What a soak found.
#[derive(Debug)]
pub struct Soaked {
    /// The ids of the changes that came.
    pub found: BTreeSet<String>,
    /// Those that had to come.
    pub expected: BTreeSet<String>,
    /// The size of the log in bytes.
    pub bytes: usize,
    /// From the first byte written until the last change.
    pub took: Duration,
}

/// Writes so many records of samples to a loopback socket in odd chunks, and gathers the changes that come of it.
pub async fn soak(records: usize) -> Soaked {
    let log = Log::of_samples();
    let listener = Listener::bind(&"tcp://127.0.0.1:0".parse().unwrap(), Peers::new(&[])).await.unwrap();
    let Address::Tcp(address) = listener.address().clone() else { unreachable!("a TCP address was bound") };
    let (near, mut changes) = feed(Arc::new(Audit::new(&config::Audit::default())), 1 << 20);
    let (stop, stopped) = watch::channel(false);
    let listening = tokio::spawn(socket::listen(listener, near, stopped));
    let gathering = tokio::spawn(async move {
        let mut found = BTreeSet::new();
        while let Some(change) = changes.recv().await {
            found.insert(change.id);
        }
        found
    });

    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut expected, mut pending, mut bytes, mut turn) = (BTreeSet::new(), Vec::new(), 0, 0);
    for number in 0..records {
        expected.extend(log.write(number, &mut pending));
        // Many records at a time, so that chunks end anywhere in them; small chunks once in a while, for they are slow.
        if pending.len() > 256 * 1024 || number + 1 == records {
            bytes += pending.len();
            let mut rest = pending.as_slice();
            while !rest.is_empty() {
                let size = if turn % 64 < 32 { CHUNKS[turn % CHUNKS.len()] } else { 65_521 };
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                stream.write_all(chunk).await.unwrap();
                (rest, turn) = (after, turn + 1);
            }
            pending.clear();
        }
    }
    stream.shutdown().await.unwrap();
    // The listener closes its side when it has read everything.
    let closed = tokio::time::timeout(LIMIT, stream.read(&mut [0; 1])).await.unwrap().unwrap();
    assert_eq!(closed, 0, "nothing is ever answered");
    stop.send(true).unwrap();
    listening.await.unwrap();
    let found = tokio::time::timeout(LIMIT, gathering).await.unwrap().unwrap();
    Soaked { found, expected, bytes, took: began.elapsed() }
}

/// Writes the log of a server that is mostly read from: of 100 records one is a write, two or three look like one, and the
/// others are reads and a list.
struct Log {
    read: Sample,
    list: Sample,
    update: Sample,
    delete: Sample,
    first: Sample,
    denied: Sample,
    request: Sample,
}

impl Log {
    /// Made of the samples in `events/vault`.
    fn of_samples() -> Self {
        Self {
            read: Sample::named("kv2-read"),
            list: Sample::named("kv1-list"),
            update: Sample::named("kv2-update"),
            delete: Sample::named("kv2-delete"),
            first: Sample::named("kv1-create"),
            denied: Sample::named("denied-write"),
            request: Sample::named("kv2-update-request"),
        }
    }

    /// Appends the record of this number to the log. Gives the id of the changes that it brings, if it brings any.
    fn write(&self, number: usize, log: &mut Vec<u8>) -> Option<String> {
        let id = id(number);
        let (sample, id, brings) = match number % 100 {
            20 => (&self.list, id, false),
            40 => (&self.request, id, false),
            60 => (&self.denied, id, false),
            // A write, and a copy of it as a second device or a standby tells it.
            80 if number % 300 == 80 => (&self.delete, id, true),
            80 if number % 300 == 180 => (&self.first, id, true),
            80 => (&self.update, id, true),
            81 if number % 300 == 281 => (&self.update, self::id(number - 1), false),
            _ => (&self.read, id, false),
        };
        sample.write(&id, log);
        if number % 1000 == 999 {
            log.extend_from_slice(b"\r\nnot a record\n{\"half\":\n");
        }
        brings.then_some(id)
    }
}

/// A sample in two parts, between which the id of the request stands.
struct Sample(String, String);

impl Sample {
    fn named(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/vault");
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let record: Value = serde_json::from_str(&text).unwrap();
        let line = record.to_string();
        let (head, tail) = line.split_once(record["request"]["id"].as_str().unwrap()).unwrap();
        Self(head.to_owned(), tail.to_owned())
    }

    fn write(&self, id: &str, log: &mut Vec<u8>) {
        for part in [&self.0, id, &self.1, "\n"] {
            log.extend_from_slice(part.as_bytes());
        }
    }
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn exactly_the_changes_of_a_mixed_log_are_found() {
        let soaked = soak(20_000).await;
        assert_eq!(soaked.expected.len(), 200);
        assert_eq!(soaked.found, soaked.expected);
    }
}
