//! The console as a process: by itself, and as a part of the server.

use crate::pawl::{Pawl, command};
use crate::server::Server;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

const DECLARATIONS: &str = "
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  secretStoreRef: {name: fake, kind: ClusterSecretStore}
  target: {template: {data: {p: 'canary-7f3c {{ .p }}'}}}
  data: [{secretKey: p, remoteRef: {key: app, version: v1}}]
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: lost, namespace: shop}
spec:
  secretStoreRef: {name: fake, kind: ClusterSecretStore}
  data: [{secretKey: p, remoteRef: {key: none}}]
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: damaged, namespace: shop}
spec:
  secretStoreRef: {name: fake, kind: ClusterSecretStore}
  data: [{secretKey: p, remoteRef: {key: app}}]
";

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

/// Every page that a page leads to is there, of a registry in which one document cannot be read; and no page shows a value,
/// though the values of a fake store stand in the registry.
#[test]
fn every_link_of_every_page_leads_to_a_page_and_no_page_shows_a_value() {
    let pawl = Pawl::with(DECLARATIONS);
    let (code, said) = pawl.run("apply --clusters -f manifests.yaml --cluster blue --now");
    assert_eq!(code, 1, "nothing can be written: {said}");
    let file = rusqlite::Connection::open(pawl.path().join("pawl.db")).unwrap();
    // Ids are stored with spaces between their parts.
    let query = "UPDATE declarations SET document = '' WHERE id = 'blue shop damaged'";
    assert_eq!(file.execute(query, []).unwrap(), 1);

    let variables = [&[("PAWL_CONSOLE_TOKEN", TOKEN)][..], &pawl.variables()].concat();
    let server = Server::start(pawl.path(), &variables);
    let bearer = format!("authorization: Bearer {TOKEN}");
    let (mut seen, mut open) = (BTreeSet::new(), vec!["/console".to_owned()]);
    let mut texts = String::new();
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        assert!(seen.len() < 500, "the links have no end: {path}");
        let (status, _, body) = server.ask("GET", &path, &[&bearer], "");
        assert_eq!(status, 200, "{path}: {body}");
        assert!(!body.contains("canary"), "{path} shows a value");
        let links =
            body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"));
        open.extend(links.filter(|link| link.starts_with('/')));
        texts.push_str(&body);
    }
    assert!(seen.contains("/console/declarations/blue/shop/lost") && seen.len() > 20, "{seen:?}");
    for part in ["Documents that cannot be read (1)", "declaration blue/shop/damaged cannot be read", "PAWL-"]
    {
        assert!(texts.contains(part), "no page says {part}");
    }
}

#[test]
fn a_token_that_can_be_guessed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command(directory.path(), "serve --listen 127.0.0.1:0");
    let output = command.env("PAWL_CONSOLE_TOKEN", "hunter2").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("PAWL_CONSOLE_TOKEN"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn pawl_console_prints_an_address_that_lets_in() {
    let directory = tempfile::tempdir().unwrap();
    let refused = command(directory.path(), "console --listen 0.0.0.0:0").output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));

    let mut child = command(directory.path(), "console").stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let (_, url) = line.trim().split_once("http://").unwrap();
    let (address, path) = url.split_once('/').unwrap();
    let ask_at = |host: &str, path: &str, cookie: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{cookie}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let ask = |path: &str, cookie: &str| ask_at(address, path, cookie);
    assert!(ask("/console", "").starts_with("HTTP/1.1 401"));
    // A site whose name leads to this machine asks as its own name has it.
    let port = address.rsplit(':').next().unwrap();
    for (host, want) in [
        (format!("localhost:{port}"), "401"),
        (format!("LOCALHOST:{port}"), "401"),
        (format!("evil.example:{port}"), "421"),
        (format!("{address}.evil.example"), "421"),
        ("127.0.0.1".to_owned(), "421"),
        (String::new(), "421"),
    ] {
        let answer = ask_at(&host, "/console", "");
        assert!(answer.starts_with(&format!("HTTP/1.1 {want}")), "{host}: {answer}");
        assert!(ask_at(&host, &format!("/{path}"), "").contains("set-cookie") == (want == "401"), "{host}");
    }
    let answer = ask(&format!("/{path}"), "");
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    let session = answer.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let page = ask("/console", &format!("cookie: {session}\r\n"));
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("No cluster is registered"), "{page}");

    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().unwrap().success(), "it ends well when it is told to");
}
