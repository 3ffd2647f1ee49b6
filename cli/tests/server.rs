//! A running server that tests ask over HTTP.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use crate::pawl::command;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

/// A server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    address: String,
    /// Held open: a server that cannot say anything any more ends.
    says: BufReader<ChildStderr>,
    /// What it has said so far, as far as it was read.
    said: String,
}

impl Server {
    pub(crate) fn start(directory: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = command(directory, "serve --listen 127.0.0.1:0 --sweep 24h --index 24h");
        command.stderr(Stdio::piped()).stdout(Stdio::null());
        command.envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stderr.take().unwrap());
        let mut server = Self { child, address: String::new(), says, said: String::new() };
        let line = server.says("serves on http://");
        server.address = line.rsplit("http://").next().unwrap().trim().to_owned();
        server
    }

    /// The line with this text, now or as soon as it is said.
    pub(crate) fn says(&mut self, text: &str) -> String {
        loop {
            if let Some(line) = self.said.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            let read = self.says.read_line(&mut self.said).unwrap();
            assert_ne!(read, 0, "the server ended before it said {text:?}: {}", self.said);
        }
    }

    /// Status, headers in lower case, and body.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
