//! Somebody who looks at the pages of a world, with a canary in it that none of them may show.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use futures::FutureExt;
use http_body_util::BodyExt;
use pawl_console::{Desk, Door, Queue};
use pawl_domain::policy::Allow;
use pawl_domain::{DigestKey, SecretValue, StorePolicy};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::Ports;
use pawl_world::build::{patterns, policy};
use pawl_world::{Canary, World, cluster, declaration, secrets_manager};
use std::sync::Arc;
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Visitor {
    pub(crate) world: World,
    pub(crate) canary: Canary,
    pub(crate) routes: Router,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Visitor {
    /// Of a world with a store and the clusters blue and green.
    pub(crate) fn new() -> Self {
        let canary = Canary::new();
        let world = World::new();
        world.add_store(secrets_manager("aws"));
        for name in ["blue", "green"] {
            world.add_cluster(cluster(name));
        }
        let allow = Allow { own_identity: true, keys: patterns(&["*"]), ..Allow::default() };
        world.registry().add_policy(StorePolicy { allow, ..policy("everything") });
        Self::of(world, canary, Queue::default())
    }

    pub(crate) fn of(world: World, canary: Canary, queue: Queue) -> Self {
        let desk: Desk = Arc::new(move |_| futures::future::ready(Ok(queue.clone())).boxed());
        let routes = pawl_console::routes(Arc::new(flow(&world)), desk, Door::new(SecretValue::new(TOKEN)));
        Self { world, canary, routes }
    }

    pub(crate) fn pipeline(&self) -> Arc<Pipeline<World>> {
        Arc::new(flow(&self.world))
    }

    pub(crate) fn declare(&self, id: &str, key: &str) {
        self.world.declare(declaration(id).reads(key));
    }

    /// Rotates a key to the canary and writes all that read it.
    pub(crate) async fn rotate(&self, key: &str) {
        let change = self.world.rotate(key, self.canary.value());
        flow(&self.world).sync(&change).await.unwrap();
    }

    /// Tries declarations; what they read may not be there.
    pub(crate) async fn deliver(&self, ids: &[&str]) {
        let ids: Vec<_> = ids.iter().map(|id| id.parse().unwrap()).collect();
        for job in pawl_ports::Job::chunks(&ids, None, pawl_ports::Clock::now(self.world.clock())) {
            flow(&self.world).deliver(&job).await.unwrap();
        }
    }

    /// The page at this path, which is well formed and shows no value.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        let answer = self.ask(Request::get(path).header("authorization", format!("Bearer {TOKEN}"))).await;
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
        super::html::check(path, &answer.text);
        answer
    }

    /// The same of a page that there is.
    pub(crate) async fn text(&self, path: &str) -> String {
        let answer = self.page(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.text
    }

    pub(crate) async fn ask(&self, request: axum::http::request::Builder) -> Answer {
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let path = request.uri().to_string();
        let (head, body) = self.routes.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        self.canary.assert_absent_from(&path, &text);
        self.canary.assert_absent_from(&path, &format!("{:?}", head.headers));
        self.canary.assert_absent_from_logs();
        assert!(!text.contains(TOKEN), "{path} shows the token");
        Answer { status: head.status, headers: head.headers, text }
    }
}

fn flow(world: &World) -> Pipeline<World> {
    let key = DigestKey::new(SecretValue::new("a key of digests that has 32 bytes")).unwrap();
    Pipeline::new(world.clone(), Settings::default(), key)
}
