//! One server process of a test: started, watched until it is ready, and never outliving the test.
//!
//! The server runs under a shell in a process group of its own. A second child of that shell reads from a pipe whose other end only the
//! test process holds. When that end closes, because the [`Process`] was dropped or because the test process died of whatever cause, the
//! reader kills the group. So no server is left behind after a panic, an interrupt or a SIGKILL; a server that moved itself to another
//! process group would be, and none of ours does.

use crate::{Error, Result};
use std::{
    ffi::OsStr,
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};
use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep};

/// A running server. Dropping it kills the server and everything in its process group.
#[derive(Debug)]
pub struct Process {
    name: String,
    shell: Child,
    /// Closing it is the order to die.
    lease: Option<ChildStdin>,
    /// Every process of the group holds the other end: its end of file says that all are gone.
    lifeline: Option<ChildStdout>,
    log: NamedTempFile,
}

impl Process {
    /// Starts `command` with its output in a log of its own. `name` is for messages.
    ///
    /// Standard input of the server is empty; whatever else `command` says of standard streams is replaced.
    ///
    /// # Errors
    /// [`Error::Io`] when the shell or the log cannot be made. A program that does not exist shows up in [`Process::ready`].
    pub fn start(name: &str, command: &Command) -> Result<Self> {
        let log = NamedTempFile::with_prefix(format!("pawl-{name}-"))
            .map_err(Error::io("cannot make a log file"))?;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", SUPERVISE, "sh"])
            .arg(log.path())
            .arg(command.get_program())
            .args(command.get_args());
        for (variable, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(variable, value),
                None => shell.env_remove(variable),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = shell.spawn().map_err(Error::io(format!("cannot start {name}")))?;
        let (lease, lifeline) = (shell.stdin.take(), shell.stdout.take());
        Ok(Self { name: name.to_owned(), shell, lease, lifeline, log })
    }

    /// Waits until `probe` answers, asking again every 20 ms.
    ///
    /// # Errors
    /// [`Error::Start`] with the end of the log when the server ends first or `limit` has passed.
    pub async fn ready<T>(
        &mut self,
        limit: Duration,
        mut probe: impl AsyncFnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            let log = self.log();
            // Bounded as well: a server that takes the connection and stays silent must not hold the test.
            if let Ok(Some(answer)) = tokio::time::timeout_at(deadline, probe(&log)).await {
                return Ok(answer);
            }
            if let Some(error) = self.ended() {
                return Err(error);
            }
            if Instant::now() >= deadline {
                return Err(self.failed(format!("it was not ready within {limit:?}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything that the server has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        read_lossy(self.log.path())
    }

    /// The most memory that the server has had, in bytes, where the system tells: that of its largest process.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let shell = self.shell.id();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).ok()?;
        let peak = |process: &str| {
            let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
        };
        children.split_whitespace().filter_map(peak).max()
    }

    /// Waits until the server has ended by itself, as after a signal that it was sent, and says how.
    ///
    /// # Errors
    /// [`Error::Start`] with the end of the log when it still runs after `limit`.
    pub async fn finished(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.shell.try_wait().map_err(Error::io(format!("cannot watch {}", self.name)))?;
            match status {
                Some(status) => return Ok(status),
                None if Instant::now() >= deadline => {
                    return Err(self.failed(format!("it did not end within {limit:?}")));
                }
                None => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Kills the server and everything in its process group, and returns all that it has written.
    pub fn kill(mut self) -> String {
        self.end();
        self.log()
    }

    /// The failure to report when the server has ended by itself; none while it runs.
    pub(crate) fn ended(&mut self) -> Option<Error> {
        match self.shell.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(self.failed(format!("it ended with {status}"))),
            Err(source) => Some(Error::Io { action: format!("cannot watch {}", self.name), source }),
        }
    }

    fn end(&mut self) {
        drop(self.lease.take());
        if let Some(mut lifeline) = self.lifeline.take() {
            let (gone, wait) = mpsc::channel();
            thread::spawn(move || gone.send(lifeline.read_to_end(&mut Vec::new()).is_ok()));
            // A killed process can only be held up by the kernel; the bound keeps even that from hanging the test.
            let _ = wait.recv_timeout(Duration::from_secs(5));
        }
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }

    fn failed(&self, reason: String) -> Error {
        Error::Start { server: self.name.clone(), reason, log: tail(&self.log(), 20) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A loopback port that was free a moment ago. For programs that must be told their port: try again with another when one is taken.
pub(crate) fn free_port() -> Result<u16> {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::io("cannot bind a loopback port"))
}

/// A command that does not see how the user of this machine reaches AWS, a cluster or a proxy: a server of a test has its own settings.
#[must_use]
pub fn clean_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        let reaches_out = name.to_ascii_lowercase().ends_with("_proxy")
            || ["AWS_", "MOTO_", "KUBECONFIG", "ETCD_"].iter().any(|prefix| name.starts_with(prefix));
        if reaches_out {
            command.env_remove(&variable);
        }
    }
    command
}

/// Arguments: the log, then the server's command line. Descriptor 3 is the lease, 4 the lifeline, which the server inherits.
const SUPERVISE: &str = r#"
exec 3<&0 4>&1
log=$1
shift
"$@" </dev/null >"$log" 2>&1 3<&- &
server=$!
{ read -r _ <&3; kill -KILL 0; } >/dev/null 4>&- &
exec 3<&- 4>&-
wait "$server"
"#;

fn read_lossy(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::File,
        path::PathBuf,
        sync::mpsc::{Receiver, TryRecvError},
    };

    #[tokio::test]
    async fn dropping_ends_the_whole_group() {
        let directory = tempfile::tempdir().unwrap();
        let [parent, child] = ["parent", "child"].map(|name| fifo(directory.path(), name));
        let mut command = shell(r#"sh -c "$2" sh "$3" & eval "$2""#, &parent);
        command.arg(STAY).arg(&child);
        let watched = [watch(parent), watch(child)];
        let server = Process::start("family", &command).unwrap();
        for life in &watched {
            assert_eq!(life.recv_timeout(LIMIT), Ok(Life::Began));
            assert_eq!(life.try_recv(), Err(TryRecvError::Empty));
        }
        drop(server);
        for life in &watched {
            assert_eq!(life.recv_timeout(LIMIT), Ok(Life::Ended));
        }
    }

    #[tokio::test]
    async fn a_server_that_ends_is_reported_with_its_status_and_log() {
        let mut server =
            Process::start("short", &shell("echo no such flag; exit 3", Path::new("-"))).unwrap();
        let error = server.ready(LIMIT, async |_| None::<()>).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "short is not running: it ended with exit status: 3; end of its log:\nno such flag"
        );
    }

    #[tokio::test]
    async fn a_silent_server_is_reported_when_the_time_is_over() {
        let mut server = Process::start("silent", &shell("exec sleep 600", Path::new("-"))).unwrap();
        let never = async |_: &str| std::future::pending::<Option<()>>().await;
        let error = server.ready(Duration::from_millis(50), never).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "silent is not running: it was not ready within 50ms; end of its log:\n"
        );
    }

    /// A test process is killed here, so it is another one: this test binary again, running the ignored test below.
    #[test]
    fn a_server_dies_with_a_killed_test_process() {
        let directory = tempfile::tempdir().unwrap();
        let server = fifo(directory.path(), "server");
        let life = watch(server.clone());
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "process::tests::holds_a_server_until_killed"])
            .env(HELD, &server)
            .env("TMPDIR", directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        assert_eq!(life.recv_timeout(LIMIT), Ok(Life::Began));
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert_eq!(life.recv_timeout(LIMIT), Ok(Life::Ended));
    }

    #[tokio::test]
    #[ignore = "only the test above runs it, and kills it"]
    async fn holds_a_server_until_killed() {
        let Some(path) = std::env::var_os(HELD) else { return };
        let _server = Process::start("held", &shell(STAY, Path::new(&path))).unwrap();
        sleep(LIMIT * 2).await;
    }

    const HELD: &str = "PAWL_TEST_HELD_SERVER";
    const LIMIT: Duration = Duration::from_secs(20);
    /// Opens the pipe that `$1` names for as long as it lives, and says that it is there.
    const STAY: &str = r#"exec 5>"$1"; echo >&5; exec sleep 600"#;

    fn shell(script: &str, argument: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(argument);
        command
    }

    fn fifo(directory: &Path, name: &str) -> PathBuf {
        let path = directory.join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[derive(Debug, PartialEq)]
    enum Life {
        Began,
        Ended,
    }

    /// The kernel closes a process's pipes when it dies, whoever reaps it and when.
    fn watch(fifo: PathBuf) -> Receiver<Life> {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut pipe = File::open(fifo).unwrap();
            pipe.read_exact(&mut [0]).unwrap();
            sender.send(Life::Began).unwrap();
            pipe.read_to_end(&mut Vec::new()).unwrap();
            sender.send(Life::Ended).unwrap();
        });
        receiver
    }
}
