//! What answers take of the memory, and what is left of them there.

use futures::future::join_all;
use pawl_domain::grant::Reach;
use pawl_domain::{Access, ClusterName, Provider, Step};
use pawl_ports::Error;
use pawl_stores::kit::{Ask, Bounds, Call, Cells, Link, Material, PlainHttp, Reply, Room, Server};
use pawl_world::secrets_manager;
use reqwest::Method;
use reqwest::header::HeaderMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};
use zeroize::Zeroizing;

const MIB: usize = 1 << 20;

fn call(address: &str) -> Call<'_> {
    let server = Server { provider: Provider::Fake, address, field: "url" };
    Call { step: Step::Fetch, server, action: "read", subject: "a" }
}

/// A server with an answer of 1 MiB at `/large` and one of 1 KiB at `/small`.
async fn server() -> MockServer {
    let server = MockServer::start().await;
    for (at, size) in [("/large", MIB), ("/small", 1024)] {
        let answer = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; size]);
        Mock::given(path(at)).respond_with(answer).mount(&server).await;
    }
    server
}

async fn link(server: &MockServer, room: &Room) -> Link {
    let bounds = Bounds { room: room.clone(), ..Bounds::default() };
    let address = server.uri();
    Link::open(&call(&address), Material::default(), &bounds, &Reach::Anywhere, PlainHttp::Allowed)
        .await
        .unwrap()
}

async fn get(link: &Link, server: &MockServer, part: &str) -> Result<Reply, Error> {
    let largest = link.bounds().largest_answer;
    let ask = || {
        let (headers, query) = (HeaderMap::new(), Vec::new());
        Ok(Ask { method: Method::GET, path: vec![part], query, headers, body: None, largest })
    };
    link.send(&call(&server.uri()), &ask, &|_| false).await
}

#[tokio::test]
async fn large_answers_wait_for_room_and_small_ones_do_not() {
    let (server, room) = (server().await, Room::of(2 * MIB));
    let link = link(&server, &room).await;
    let (first, second) =
        (get(&link, &server, "large").await.unwrap(), get(&link, &server, "large").await.unwrap());
    assert_eq!((first.body.len(), room.free()), (MIB, 0), "two fill it");

    let third = get(&link, &server, "large");
    tokio::pin!(third);
    let waited = tokio::time::timeout(Duration::from_millis(500), &mut third).await;
    assert!(waited.is_err(), "there is no room for a third");
    let small = get(&link, &server, "small").await.unwrap();
    assert_eq!(small.body.len(), 1024, "what is small is read at once");
    drop(first);
    assert_eq!(third.await.unwrap().body.len(), MIB, "and it comes when there is");
    drop(second);
    assert_eq!(room.free(), 2 * MIB, "what was dropped is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_large_answers_come_at_once_they_have_so_much_memory_together() {
    let (server, room) = (server().await, Room::of(4 * MIB));
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let read = async || {
        // An identity has a connection of its own.
        let link = link(&server, &room).await;
        let reply = get(&link, &server, "large").await.unwrap();
        most.fetch_max(
            now.fetch_add(reply.body.capacity(), Ordering::SeqCst) + reply.body.capacity(),
            Ordering::SeqCst,
        );
        tokio::task::yield_now().await;
        now.fetch_sub(reply.body.capacity(), Ordering::SeqCst);
        reply.body.len()
    };
    let sizes = join_all((0..64).map(|_| read())).await;
    assert!(sizes.iter().all(|size| *size == MIB), "all come in the end");
    let most = most.into_inner();
    assert!((MIB..=4 * MIB).contains(&most), "{most} bytes at a time");
}

#[tokio::test]
async fn an_answer_that_is_too_long_gives_its_room_back() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; MIB + 1]);
    Mock::given(path("/large")).respond_with(answer).mount(&server).await;
    let room = Room::of(2 * MIB);
    let link = link(&server, &room).await;
    let error = get(&link, &server, "large").await.err().unwrap();
    assert!(error.message().ends_with("the answer is longer than 1048576 bytes"), "{error}");
    assert_eq!(room.free(), 2 * MIB);
}

/// The type is what keeps it so: this does not compile with a body that is not wiped.
#[tokio::test]
async fn the_body_of_an_answer_is_wiped_when_it_is_dropped() {
    let (server, room) = (server().await, Room::of(2 * MIB));
    let reply = get(&link(&server, &room).await, &server, "small").await.unwrap();
    let body: Zeroizing<Vec<u8>> = reply.body;
    assert_eq!(body.len(), 1024);
}

#[test]
fn a_tenant_with_thousands_of_identities_makes_nobody_else_log_in_anew() {
    let cells = Cells::<()>::default();
    let access = |name: &str, namespace: &str| -> Access {
        let store = secrets_manager(name).namespaced(namespace).build();
        let cluster: ClusterName = "blue".parse().unwrap();
        let own = store.own_access(&cluster).unwrap();
        Access { cluster: Some(cluster), tags: Some((namespace.parse().unwrap(), store.id)), ..own }
    };
    let bank = cells.of(&access("bank", "bank"));
    for number in 0..5000 {
        cells.of(&access(&format!("store-{number}"), "evil"));
    }
    assert!(Arc::ptr_eq(&bank, &cells.of(&access("bank", "bank"))), "it is the cell that it was");
    assert_eq!(cells.take().len(), 4096, "there are never more");
}
