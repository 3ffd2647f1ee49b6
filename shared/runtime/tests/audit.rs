//! Audit records as they come from devices: over sockets in odd chunks, from a file that is rotated, and always without
//! making the device wait.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::Change;
use pawl_runtime::audit::socket::{self, Address, Listener};
use pawl_runtime::audit::{Audit, Feed, Full, Peers, feed, follow};
use pawl_runtime::config;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Nothing here takes longer, unless it never ends.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn records_arrive_over_tcp_in_chunks_of_any_size() {
    let (site, mut changes) = Site::listening(&"tcp://127.0.0.1:0".parse().unwrap(), 64).await;
    let Address::Tcp(address) = site.address.clone() else { panic!("{}", site.address) };
    for (round, size) in [1, 2, 3, 7, 61, 1021, 65_537].into_iter().enumerate() {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let first = 10 * round;
        write(&mut stream, &mixed(first..first + 5), size).await;
        assert_eq!(received(&mut changes, 5).await, ids(first..first + 5), "chunks of {size}");
    }
    site.end().await;
    assert!(changes.recv().await.is_none(), "nothing came that was not sent");
}

#[tokio::test]
async fn records_arrive_over_a_unix_socket_and_its_file_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.sock");
    // What a process left behind that is gone.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let (site, mut changes) = Site::listening(&Address::Unix(path.clone()), 64).await;
    assert!(
        Listener::bind(&site.address, Peers::new(&[])).await.is_err(),
        "a socket in use is not taken away"
    );
    let mut stream = UnixStream::connect(&path).await.unwrap();
    write(&mut stream, &mixed(0..5), 13).await;
    assert_eq!(received(&mut changes, 5).await, ids(0..5));
    // The last line of a connection needs no line feed.
    stream.write_all(record(5).as_bytes()).await.unwrap();
    drop(stream);
    assert_eq!(received(&mut changes, 1).await, ids(5..6));
    site.end().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_slow_flow_never_makes_the_device_wait() {
    let (site, mut changes) = Site::listening(&"tcp://127.0.0.1:0".parse().unwrap(), 10).await;
    let Address::Tcp(address) = site.address.clone() else { panic!("{}", site.address) };
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Far more than sockets and channel hold; nobody takes anything out.
    let records: String = (0..20_000).map(|number| record(number) + "\n").collect();
    timeout(PATIENCE, stream.write_all(records.as_bytes())).await.expect("the device waits").unwrap();
    stream.shutdown().await.unwrap();
    site.end_after(&mut stream).await;
    assert_eq!(received(&mut changes, 10).await, ids(0..10), "what found room");
    assert!(changes.recv().await.is_none(), "what found none was dropped");
}

#[tokio::test]
async fn the_connection_that_was_silent_for_longest_makes_room() {
    let (site, mut changes) = Site::listening(&"tcp://127.0.0.1:0".parse().unwrap(), 4096).await;
    let Address::Tcp(address) = site.address.clone() else { panic!("{}", site.address) };
    let mut streams = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all((record(number) + "\n").as_bytes()).await.unwrap();
        streams.push(stream);
        assert_eq!(received(&mut changes, 1).await, ids(number..number + 1), "connection {number}");
    }
    let closed = timeout(PATIENCE, streams[0].read(&mut [0; 1])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)), "the first made room");
    streams[99].write_all((record(100) + "\n").as_bytes()).await.unwrap();
    assert_eq!(received(&mut changes, 1).await, ids(100..101), "the last goes on");
    site.end().await;
}

#[tokio::test]
async fn a_line_that_never_ends_takes_no_room_and_no_later_line() {
    let (site, mut changes) = Site::listening(&"tcp://127.0.0.1:0".parse().unwrap(), 64).await;
    let Address::Tcp(address) = site.address.clone() else { panic!("{}", site.address) };
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&vec![b'x'; 5 * 1024 * 1024]).await.unwrap();
    stream.write_all(format!("\n{}\n", record(1)).as_bytes()).await.unwrap();
    assert_eq!(received(&mut changes, 1).await, ids(1..2));
    site.end().await;
}

#[tokio::test]
async fn a_shipment_without_room_may_come_again_and_tells_nothing_twice() {
    let (near, mut changes) = feed(reader(), 2);
    let shipment: Vec<Vec<u8>> = (0..3).map(|number| record(number).into_bytes()).collect();
    assert_eq!(near.shipment(&shipment), Err(Full));
    assert_eq!(received(&mut changes, 2).await, ids(0..2));
    let counts = near.shipment(&shipment).unwrap();
    assert_eq!((counts.changes, counts.nothing), (1, 2));
    assert_eq!(received(&mut changes, 1).await, ids(2..3));
    // A line that found no room is brought by its next copy, if there is one.
    for number in [3, 4, 5] {
        near.line(record(number).as_bytes());
    }
    assert_eq!(received(&mut changes, 2).await, ids(3..5));
    near.line(record(5).as_bytes());
    assert_eq!(received(&mut changes, 1).await, ids(5..6));
}

#[tokio::test]
async fn a_file_is_followed_through_renaming_and_cutting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    append(&path, &record(0));
    let (near, mut changes) = feed(reader(), 64);
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(follow::follow(path.clone(), near, stopped));
    // What stood there before is not read. When following has begun cannot be seen from outside, so lines are added until
    // the first arrives.
    let mut number = 1;
    let begun = loop {
        append(&path, &record(number));
        match timeout(Duration::from_millis(300), changes.recv()).await {
            Ok(change) => break change.unwrap().id,
            Err(_) => number += 1,
        }
    };
    assert_ne!(begun, id(0));
    drain(&mut changes, number).await;

    // Half a line, then the rest of it.
    let line = record(1000) + "\n";
    let (head, tail) = line.split_at(40);
    append_raw(&path, head);
    tokio::time::sleep(Duration::from_millis(500)).await;
    append_raw(&path, tail);
    assert_eq!(received(&mut changes, 1).await, ids(1000..1001));

    // Renamed, written to a little longer, then replaced.
    let rotated = folder.path().join("audit.log.1");
    std::fs::rename(&path, &rotated).unwrap();
    append(&rotated, &record(1001));
    assert_eq!(received(&mut changes, 1).await, ids(1001..1002));
    append(&rotated, &record(1002));
    append(&path, &record(1003));
    assert_eq!(
        received(&mut changes, 2).await,
        ids(1002..1004),
        "the old file to its end, the new from its start"
    );

    // Cut short, as logrotate's copytruncate does.
    std::fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    append(&path, &record(1004));
    assert_eq!(received(&mut changes, 1).await, ids(1004..1005));

    stop.send(true).unwrap();
    timeout(PATIENCE, task).await.unwrap().unwrap();
    assert!(changes.recv().await.is_none());
}

#[tokio::test]
async fn a_file_that_comes_later_is_read_from_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (near, mut changes) = feed(reader(), 64);
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(follow::follow(path.clone(), near, stopped));
    tokio::time::sleep(Duration::from_millis(500)).await;
    append(&path, &record(0));
    assert_eq!(received(&mut changes, 1).await, ids(0..1));
    stop.send(true).unwrap();
    timeout(PATIENCE, task).await.unwrap().unwrap();
}

#[test]
fn addresses_are_read_as_they_are_shown() {
    for text in ["tcp://127.0.0.1:9090", "tcp://[::1]:9090", "unix:/run/pawl/audit.sock"] {
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }
    for text in ["", "127.0.0.1:9090", "tcp://localhost", "unix:", "udp://127.0.0.1:1"] {
        assert!(text.parse::<Address>().unwrap_err().contains("tcp://"), "{text}");
    }
}

#[tokio::test]
async fn over_tcp_only_this_machine_is_heard() {
    for own in ["tcp://127.0.0.1:1", "tcp://127.1.2.3:1", "tcp://[::1]:1", "tcp://[::ffff:127.0.0.1]:1"] {
        assert!(own.parse::<Address>().is_ok(), "{own}");
    }
    for open in [
        "0.0.0.0:0",
        "[::]:0",
        "10.0.0.1:0",
        "192.168.1.2:0",
        "[fe80::1]:0",
        "[::ffff:0.0.0.0]:0",
        "8.8.8.8:0",
    ] {
        let told = format!("tcp://{open}").parse::<Address>().unwrap_err();
        for word in [open, "127.0.0.1", "unix:<path>", "/v1/vault/audit", "PAWL_AUDIT_TOKEN"] {
            assert!(told.contains(word), "{told}");
        }
        let refused = Listener::bind(&Address::Tcp(open.parse().unwrap()), Peers::new(&[])).await;
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::InvalidInput, "{open}");
    }
}

/// A listener with its task.
struct Site {
    address: Address,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Site {
    async fn listening(address: &Address, room: usize) -> (Self, mpsc::Receiver<Change>) {
        let (near, changes): (Feed, _) = feed(reader(), room);
        let (stop, stopped) = watch::channel(false);
        let listener = Listener::bind(address, Peers::new(&[])).await.unwrap();
        let address = listener.address().clone();
        let task = tokio::spawn(socket::listen(listener, near, stopped));
        (Self { address, stop, task }, changes)
    }

    /// Ends when the listener has read all of a stream that was shut down: it closes its side then.
    async fn end_after(self, stream: &mut TcpStream) {
        let mut byte = [0; 1];
        assert_eq!(
            timeout(PATIENCE, stream.read(&mut byte)).await.unwrap().unwrap(),
            0,
            "nothing is ever answered"
        );
        self.end().await;
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

fn reader() -> Arc<Audit> {
    Arc::new(Audit::new(&config::Audit::default()))
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn ids(numbers: std::ops::Range<usize>) -> BTreeSet<String> {
    numbers.map(id).collect()
}

/// A write of KV version 2, of which one change comes.
fn record(number: usize) -> String {
    let id = id(number);
    format!(
        r#"{{"time":"2026-11-22T10:00:00Z","type":"response","request":{{"id":"{id}","operation":"update","mount_point":"secret/","mount_type":"kv","mount_class":"secret","namespace":{{"id":"root"}},"path":"secret/data/app/db"}},"response":{{"mount_type":"kv","data":{{"version":{}}}}}}}"#,
        number + 1
    )
}

/// Writes, each between reads, its own copy, nonsense and empty lines.
fn mixed(numbers: std::ops::Range<usize>) -> String {
    let read = |number| record(number).replace(r#""update""#, r#""read""#);
    let each = |number| format!("{}\n{}\n\n{}\nnonsense\n", read(number), record(number), record(number));
    numbers.map(each).collect()
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), text: &str, size: usize) {
    for chunk in text.as_bytes().chunks(size) {
        stream.write_all(chunk).await.unwrap();
        stream.flush().await.unwrap();
    }
}

async fn received(changes: &mut mpsc::Receiver<Change>, count: usize) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for _ in 0..count {
        let change =
            timeout(PATIENCE, changes.recv()).await.expect("a change comes").expect("it does not end");
        assert!(ids.insert(change.id), "no change comes twice");
    }
    ids
}

/// Takes changes up to that of the record of this number.
async fn drain(changes: &mut mpsc::Receiver<Change>, last: usize) {
    while let Ok(Some(change)) = timeout(Duration::from_secs(1), changes.recv()).await {
        if change.id == id(last) {
            return;
        }
    }
}

fn append(path: &Path, line: &str) {
    append_raw(path, &format!("{line}\n"));
}

fn append_raw(path: &Path, text: &str) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
