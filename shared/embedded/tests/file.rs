//! The file: who may read it, what else it may be, and what is left of it when a process dies.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use futures::{FutureExt, StreamExt};
use pawl_domain::Kind;
use pawl_embedded::{Embedded, Error};
use pawl_ports::{Catalogue, Job, Jobs, Ledger, Put, Registry, Revision};
use pawl_world::build::{at, id, index_keys};
use pawl_world::declaration;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (name, before) in [("new.db", None), ("open.db", Some(0o644))] {
        let path = directory.path().join(name);
        if let Some(before) = before {
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(before)).unwrap();
        }
        let file = Embedded::open(&path).await.unwrap();
        file.put_cluster(&pawl_world::cluster("blue").build()).await.unwrap();
        file.clusters().await.unwrap();
        for beside in ["", "-wal", "-shm"] {
            let path = directory.path().join(format!("{name}{beside}"));
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);

    std::fs::write(at("text"), "this is no database, and it is longer than a header would be: ".repeat(20))
        .unwrap();
    assert!(matches!(Embedded::open(at("text")).await, Err(Error::Foreign)));
    assert!(std::fs::read_to_string(at("text")).unwrap().starts_with("this is no database"));

    rusqlite::Connection::open(at("other")).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    assert!(matches!(Embedded::open(at("other")).await, Err(Error::Foreign)));

    drop(Embedded::open(at("newer")).await.unwrap());
    rusqlite::Connection::open(at("newer")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Embedded::open(at("newer")).await, Err(Error::Newer { found: 99, known: 5 })));

    let missing = Embedded::open(directory.path().join("missing/pawl.db")).await.unwrap_err();
    assert!(matches!(missing, Error::Open { .. }) && !missing.is_retryable(), "{missing}");
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pawl.db");
    let db = declaration("blue/shop/db").reads("app/db").build();
    let file = Embedded::open(&path).await.unwrap();
    Catalogue::put(&file, &db, &index_keys(["app/db"]), None).await.unwrap();
    file.set_mark("sweep", at(7)).await.unwrap();
    drop(file);
    let file = Embedded::open(&path).await.unwrap();
    assert_eq!(Catalogue::put(&file, &db, &index_keys(["app/db"]), None).await.unwrap(), Put::Unchanged);
    assert_eq!(file.candidates(&index_keys(["app/db"])).await.unwrap(), [id("blue/shop/db")]);
    assert_eq!(file.mark("sweep").await.unwrap(), Some(at(7)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_open_a_new_file_together_all_get_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pawl.db");
    let opened = futures::future::join_all((0..8).map(|_| Embedded::open(&path))).await;
    for (number, file) in opened.into_iter().enumerate() {
        let name = format!("blue/shop/d{number}");
        let declared = declaration(&name).reads("a").build();
        let put = Catalogue::put(&file.unwrap(), &declared, &index_keys(["a"]), None).await;
        assert_eq!(put.unwrap(), Put::Created, "{name}");
    }
    let file = Embedded::open(&path).await.unwrap();
    assert_eq!(file.candidates(&index_keys(["a"])).await.unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_another_process_is_an_error_to_try_again_and_stops_no_reader() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pawl.db");
    let file = Embedded::open(&path).await.unwrap();
    file.put_cluster(&pawl_world::cluster("blue").build()).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let green = pawl_world::cluster("green").build();
    let refused = file.put_cluster(&green);
    let (refused, read) = tokio::join!(refused, file.clusters());
    assert_eq!(read.unwrap().len(), 1);
    assert_eq!(refused.unwrap_err().kind, Kind::Transient);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(file.put_cluster(&green).await.unwrap(), Put::Created);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_write_that_fails_takes_no_other_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = Embedded::open(directory.path().join("pawl.db")).await.unwrap();
    let record = |text: &str| pawl_domain::Record::pending(&declaration(text).build(), at(0));
    let (ids, records): (Vec<_>, Vec<_>) =
        (0..100).map(|n| format!("blue/shop/d{n:02}")).map(|text| (id(&text), record(&text))).unzip();
    // Every second one expects what is not there, in the midst of a commit that it shares with the others.
    let puts = ids.iter().zip(&records).enumerate().map(|(number, (id, record))| {
        let expected = (number % 2 == 1).then_some(Revision(7));
        Ledger::put(&file, id, record, expected)
    });
    for (number, put) in futures::future::join_all(puts).await.into_iter().enumerate() {
        match put {
            Ok(_) => assert_eq!(number % 2, 0, "{number}"),
            Err(error) => assert_eq!((number % 2, error.kind), (1, Kind::Conflict), "{number}"),
        }
    }
    assert_eq!(file.entries(&ids).await.unwrap().len(), 50);
}

/// Callers that go away at any moment leave a write whole or not done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_leave_nothing_half_done() {
    let directory = tempfile::tempdir().unwrap();
    let file = Embedded::open(directory.path().join("pawl.db")).await.unwrap();
    let keys = |number: usize| [format!("left/{number}"), format!("right/{number}")];
    for number in 0..200 {
        let db = declaration(&format!("blue/shop/d{number}")).reads("a").build();
        let keys = keys(number);
        let index = index_keys(keys.iter().map(String::as_str));
        let mut put = Box::pin(Catalogue::put(&file, &db, &index, None));
        for _ in 0..number % 4 {
            if (&mut put).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // Later than all that went before it in the queue.
    file.set_mark("end", at(0)).await.unwrap();
    let mut whole = 0;
    for number in 0..200 {
        let name = id(&format!("blue/shop/d{number}"));
        let stands = file.declarations(std::slice::from_ref(&name)).await.unwrap().len();
        for key in keys(number) {
            let found = file.candidates(&index_keys([key.as_str()])).await.unwrap();
            assert_eq!(found.len(), stands, "{key} of {name}");
        }
        whole += stands;
    }
    assert!(whole < 200, "at least those that were never polled are not there");
}

const CHILD: &str = "PAWL_EMBEDDED_CHILD_FILE";

/// A process that is killed in the midst of writing: all that it had acknowledged is there, and nothing by halves.
#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    for acknowledged in [1, 40, 250] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pawl.db");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "file::the_process_that_is_killed", "--ignored", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut lines = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<usize>().ok());
        let mut numbers: Vec<usize> = lines.by_ref().take(acknowledged).collect();
        child.kill().unwrap();
        numbers.extend(lines);
        child.wait().unwrap();
        assert!(numbers.len() >= acknowledged, "the process ended on its own");
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(check(&path, &numbers));
    }
}

async fn check(path: &Path, acknowledged: &[usize]) {
    let file = Embedded::open(path).await.unwrap();
    for number in acknowledged {
        let text = format!("blue/shop/d{number}");
        let key = format!("key/{number}");
        assert_eq!(file.candidates(&index_keys([key.as_str()])).await.unwrap(), [id(&text)], "declared");
        assert_eq!(file.entries(&[id(&text)]).await.unwrap().len(), 1, "recorded");
    }
    let mut jobs = Vec::new();
    for leased in file.lease(at(0), usize::MAX, Duration::from_secs(60)).await.unwrap() {
        jobs.extend(Job::from_wire(&leased.document).unwrap().declarations);
    }
    for number in acknowledged {
        assert!(jobs.contains(&id(&format!("blue/shop/d{number}"))), "job {number} is lost");
    }
    drop(file);
    let file = rusqlite::Connection::open(path).unwrap();
    let text = |text: &str| file.query_row(text, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    let halves = "SELECT count(*) FROM declarations FULL JOIN index_keys USING (id)
        WHERE declarations.number IS NULL OR index_keys.key IS NULL";
    assert_eq!(
        file.query_row(halves, [], |row| row.get::<_, i64>(0)).unwrap(),
        0,
        "no key without a declaration"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_killed_process_loses_nothing_that_it_acknowledged, which kills it"]
async fn the_process_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let file = Embedded::open(Path::new(&path)).await.unwrap();
    let writes = (0..).map(|number: usize| {
        let file = &file;
        async move {
            let db = declaration(&format!("blue/shop/d{number}")).reads("a").build();
            let key = format!("key/{number}");
            Catalogue::put(file, &db, &index_keys([key.as_str()]), None).await.unwrap();
            let record = pawl_domain::Record::pending(&db, at(0));
            Ledger::put(file, &db.id, &record, None).await.unwrap();
            file.enqueue(&[Job { declarations: vec![db.id], change: None, at: at(0) }]).await.unwrap();
            println!("acknowledged {number}");
        }
    });
    futures::stream::iter(writes).buffer_unordered(5).collect::<Vec<_>>().await;
}
