//! The console as a process: by itself, and as a part of the server.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use super::server::Server;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn a_server_has_a_console_for_whoever_knows_its_token_and_none_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    for path in ["/console", "/console/jobs"] {
        let (status, _, body) = server.ask("GET", path, &[], "");
        assert!(status == 404 && body.contains("set PAWL_CONSOLE_TOKEN"), "{status} {body}");
    }
    drop(server);

    let server = Server::start(directory.path(), &[("PAWL_CONSOLE_TOKEN", TOKEN)]);
    let bearer = format!("authorization: Bearer {TOKEN}");
    for (headers, want) in [(&[][..], 401), (&[&bearer[..]], 200), (&["authorization: Bearer x"], 401)] {
        for path in ["/console", "/console/declarations", "/console/jobs"] {
            let (status, head, body) = server.ask("GET", path, headers, "");
            assert_eq!(status, want, "{path} {body}");
            assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
        }
    }
    let form = format!("token={TOKEN}");
    let (status, head, _) = server.ask("POST", "/console/login", &[], &form);
    assert!(status == 303 && head.contains("set-cookie: pawl_console="), "{status} {head}");
    assert_eq!(server.ask("GET", "/healthz", &[], "").0, 200);
}

#[test]
fn a_token_that_can_be_guessed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pawl"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(directory.path())
        .env_clear()
        .env("HOME", directory.path())
        .env("PAWL_CONSOLE_TOKEN", "hunter2")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("PAWL_CONSOLE_TOKEN"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn pawl_console_prints_an_address_that_lets_in() {
    let directory = tempfile::tempdir().unwrap();
    let pawl = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pawl"));
        command.args(arguments).current_dir(directory.path()).env_clear().env("HOME", directory.path());
        command.stderr(Stdio::piped());
        command
    };
    let refused = pawl(&["console", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));

    let mut child = pawl(&["console"]).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let (_, url) = line.trim().split_once("http://").unwrap();
    let (address, path) = url.split_once('/').unwrap();
    let ask = |path: &str, cookie: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{cookie}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("/console", "").starts_with("HTTP/1.1 401"));
    let answer = ask(&format!("/{path}"), "");
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    let session = answer.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let page = ask("/console", &format!("cookie: {session}\r\n"));
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("No cluster is registered"), "{page}");

    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().unwrap().success(), "it ends well when it is told to");
}
