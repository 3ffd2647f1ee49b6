//! The generators that ask nobody.
#![expect(clippy::unwrap_used, reason = "a test whose generator makes nothing has failed")]

use jiff::Timestamp;
use pawl_domain::generator::{Curve, Encoding, MfaGenerator, PasswordGenerator, SshKeyGenerator, SshKeyType};
use pawl_domain::store::{FakeEntry, FakeStore, SecretKeyRef};
use pawl_domain::{Access, Generator, GeneratorKind, Grant, Kind, Step};
use pawl_generators::OwnGenerators;
use pawl_ports::{Clock, Generation, Generators, Ports};
use pawl_world::{Canary, Fault, Point, World, cluster};
use std::sync::Arc;

#[derive(Clone, Copy)]
pub(crate) struct At(pub(crate) i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap()
    }
}

pub(crate) fn generators(world: &World, at: At) -> OwnGenerators<pawl_world::FakeClusters> {
    OwnGenerators::new(Arc::new(world.clusters().clone()), Arc::new(at))
}

pub(crate) fn access(generator: Generator) -> Access {
    Access {
        backend: generator.into(),
        cluster: Some("blue".parse().unwrap()),
        namespace: Some("shop".parse().unwrap()),
        tags: None,
        grant: Grant::default(),
    }
}

fn text(generation: &Generation, key: &str) -> String {
    generation.values[key].expose_str().unwrap().to_owned()
}

fn password() -> PasswordGenerator {
    PasswordGenerator {
        length: 24,
        digits: None,
        symbols: None,
        symbol_characters: None,
        no_upper: false,
        allow_repeat: false,
        keys: vec!["password".to_owned()],
        encoding: Encoding::Raw,
    }
}

fn put_seed(world: &World, seed: &str) {
    world.add_cluster(cluster("blue"));
    world.clusters().edit("blue/shop/seed", |secret| secret.set("k", seed));
}

fn mfa(when: Option<i64>) -> Generator {
    let seed = SecretKeyRef { name: "seed".parse().unwrap(), key: "k".to_owned(), namespace: None };
    let when = when.map(|second| Timestamp::from_second(second).unwrap());
    Generator::Mfa(MfaGenerator { seed, length: 6, period: 30, when })
}

#[tokio::test]
async fn each_makes_the_keys_that_it_names() {
    let world = World::new();
    let generators = generators(&world, At(59));
    let entry = FakeEntry { key: "a".to_owned(), value: "1".to_owned(), version: String::new() };
    let two = PasswordGenerator { keys: vec!["x".to_owned(), "y".to_owned()], ..password() };
    for generator in [
        Generator::Fake(FakeStore { data: vec![entry], is_refused: false }),
        Generator::Password(password()),
        Generator::Password(two),
        Generator::SshKey(SshKeyGenerator { kind: SshKeyType::Ed25519, comment: "me".to_owned() }),
        Generator::SshKey(SshKeyGenerator { kind: SshKeyType::Ecdsa(Curve::P521), comment: String::new() }),
        Generator::SshKey(SshKeyGenerator { kind: SshKeyType::Rsa(2048), comment: String::new() }),
        Generator::Uuid,
    ] {
        let mut keys: Vec<String> = generator.keys().unwrap().into_iter().map(str::to_owned).collect();
        keys.sort();
        let is_fake = generator.kind() == GeneratorKind::Fake;
        let access = access(generator);
        let (one, other) =
            (generators.generate(&access).await.unwrap(), generators.generate(&access).await.unwrap());
        assert_eq!(one.values.keys().cloned().collect::<Vec<_>>(), keys);
        assert_eq!(one.expires, None);
        for key in &keys {
            assert_eq!(one.values[key] == other.values[key], is_fake, "{key}");
        }
    }
}

#[tokio::test]
async fn each_key_of_a_password_has_its_own() {
    let world = World::new();
    let two = PasswordGenerator { keys: vec!["x".to_owned(), "y".to_owned()], ..password() };
    let made = generators(&world, At(0)).generate(&access(Generator::Password(two))).await.unwrap();
    assert_ne!(text(&made, "x"), text(&made, "y"));
    assert_eq!(text(&made, "x").len(), 24);
}

#[tokio::test]
async fn what_cannot_be_made_is_an_error_of_the_manifest() {
    let world = World::new();
    let short = PasswordGenerator { length: 2, digits: Some(3), symbols: Some(0), ..password() };
    let error = generators(&world, At(0)).generate(&access(Generator::Password(short))).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Fetch, Kind::Invalid));
    assert_eq!(
        error.message(),
        "number of digits and symbols must be less than total length; write a greater length"
    );
}

/// Source of moments and codes: ESO's own tests of its generator.
#[tokio::test]
async fn codes_are_those_that_eso_makes() {
    for (seed, second, code, left) in [
        ("GEZDGNBVGY3TQOJRGIZTINJWG44DSMJS", 59, "016480", 1),
        ("GEZDGNBVGY3TQOJRGIZTINJWG44DSMJS", 1_111_111_109, "785218", 1),
        ("GEZDGNBVGY3TQOJRGIZTINJWG44DSMJS", 1_111_111_111, "081980", 29),
        ("asdf qwer zxcv fghj rtyu ghjk lk", 59, "338356", 1),
        ("asdf qwer zxcv fghj rtyu ghjk lk", 2_000_000_000, "797055", 10),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 59, "983918", 1),
        ("foo", 894_344_705, "674024", 25),
    ] {
        let world = World::new();
        put_seed(&world, seed);
        let made = generators(&world, At(second)).generate(&access(mfa(None))).await.unwrap();
        assert_eq!(
            (text(&made, "token").as_str(), text(&made, "timeLeft")),
            (code, left.to_string()),
            "{seed}"
        );
        assert_eq!(made.expires, Some(At(second + left).now()));
        let given = generators(&world, At(1)).generate(&access(mfa(Some(second)))).await.unwrap();
        assert_eq!((text(&given, "token").as_str(), given.expires), (code, None));
    }
}

#[tokio::test]
async fn a_seed_that_is_none_is_told_and_not_shown() {
    let world = World::new();
    let canary = Canary::new();
    put_seed(&world, &format!("{}====", canary.value()));
    let error = generators(&world, At(0)).generate(&access(mfa(None))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    canary.assert_absent_from("the error", &format!("{error} {error:?}"));
    let empty = World::new();
    empty.add_cluster(cluster("blue"));
    let missing = generators(&empty, At(0)).generate(&access(mfa(None))).await.unwrap_err();
    assert_eq!((missing.step, missing.kind), (Step::Authenticate, Kind::Invalid));
    assert!(missing.message().contains("Secret shop/seed of cluster blue"), "{missing}");
    world.inject(Fault::fail(Kind::Unreachable).at(Point::Credentials));
    let down = generators(&world, At(0)).generate(&access(mfa(None))).await.unwrap_err();
    assert_eq!(down.kind, Kind::Unreachable);
}
