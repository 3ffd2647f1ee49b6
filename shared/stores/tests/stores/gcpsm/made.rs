//! The generator GCRAccessToken.

use super::{World, world};
use pawl_domain::store::{Backend, GcpStore};
use pawl_domain::{Access, Generator, GeneratorKind, Kind, Step};
use pawl_ports::{Clock, Error, Generation, Generators, Sources};
use std::time::Duration;

/// The world, with a generator that has the store's identity.
async fn generator() -> World {
    let world = world(|_| {}).await;
    let spec: GcpStore = world.access.backend.as_gcpsm().unwrap().clone();
    let backend: Backend = Generator::Gcr(Box::new(spec)).into();
    World { access: Access { backend, ..world.access.clone() }, ..world }
}

async fn made(world: &World) -> Result<Generation, Error> {
    world.sources.generate(&world.access).await
}

fn text(generation: &Generation, key: &str) -> String {
    generation.values[key].expose_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_identitys_token_is_a_password_of_registries() {
    let world = generator().await;
    assert_eq!(world.sources.kinds(), [GeneratorKind::GcrAccessToken]);
    let first = made(&world).await.unwrap();
    let keys: Vec<&String> = first.values.keys().collect();
    assert_eq!(keys, ["expiry", "password", "username"]);
    assert_eq!(text(&first, "username"), "oauth2accesstoken");
    // The double says so, as Google does.
    let end = world.clock.now() + Duration::from_secs(3599);
    assert_eq!((first.expires, text(&first, "expiry")), (Some(end), end.as_second().to_string()));
    let second = made(&world).await.unwrap();
    assert_ne!(text(&first, "password"), text(&second, "password"), "each has its whole life before it");
    let asked = world.google.asked();
    assert!(asked.iter().all(|asked| asked.ends_with("/token")), "{asked:?}");
}

#[tokio::test]
async fn an_identity_that_is_refused_makes_nothing_and_says_no_value() {
    for (status, body, told) in [
        (400, r#"{"error":"canary"}"#, (Step::Authenticate, Kind::Denied)),
        (200, r#"{"token":"canary"}"#, (Step::Authenticate, Kind::Transient)),
        (200, "<html>canary", (Step::Authenticate, Kind::Transient)),
        (302, "canary", (Step::Authenticate, Kind::Invalid)),
    ] {
        let world = generator().await;
        world.google.answer("/token", status, body, &[]);
        let error = made(&world).await.unwrap_err();
        assert_eq!((error.step, error.kind), told, "{status} {body}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    let world = generator().await;
    world.clusters.edit("blue/shop/gcp", |secret| secret.set("key.json", "canary"));
    let error = made(&world).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_generator_is_no_store() {
    let world = generator().await;
    let error = world.sources.validate(&world.access).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
}
