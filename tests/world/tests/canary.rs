//! A canary is found in every form in which a value could get out.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::FutureExt;
use pawl_ports::{Job, Jobs, Ports};
use pawl_world::build::{at, change, id};
use pawl_world::{Canary, World};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn every_form_is_found() {
    let canary = Canary::new();
    let value = canary.value();
    let mut leaks = vec![
        format!("{{\"password\":\"{value}\"}}"),
        serde_like(value),
        value.to_uppercase(),
        value.chars().rev().collect(),
        hex::encode(value),
        hex::encode_upper(value),
        format!("{:?}", value.as_bytes()),
        format!("{:#?}", value.as_bytes()).replace(' ', ""),
        format!("map[password:[{}]]", value.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join(" ")),
        value.bytes().map(|b| format!("%{b:02X}")).collect(),
    ];
    for before in ["", "a", "ab", "abc", "{\"password\":\""] {
        for after in ["", "\"}", "\u{ff}?>"] {
            let text = format!("{before}{value}{after}");
            leaks.push(STANDARD.encode(&text));
            leaks.push(URL_SAFE_NO_PAD.encode(&text));
        }
    }
    for leak in leaks {
        assert!(!canary.absent_from(&leak), "{leak}");
    }
    for fine in ["", "canary", &format!("{:?}", canary.secret()), Canary::new().value(), &value[1..]] {
        assert!(canary.absent_from(fine), "{fine}");
    }
}

/// As JSON would quote it.
fn serde_like(value: &str) -> String {
    format!("\"{}\"", value.escape_default())
}

#[tokio::test]
async fn logs_are_searched_at_every_level_and_in_every_field() {
    let leaks: [fn(&str); 4] = [
        |value| tracing::trace!("value {value}"),
        |value| tracing::error!(password = value, "failed"),
        |value| tracing::debug!(bytes = ?value.as_bytes()),
        |value| drop(tracing::trace_span!("sync", password = value).entered()),
    ];
    for leak in leaks {
        let canary = Canary::new();
        canary.watch(async || tracing::info!("nothing")).await;
        let watched = AssertUnwindSafe(canary.watch(async || leak(canary.value()))).catch_unwind().await;
        let message = *watched.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("the logs") && canary.absent_from(&message), "{message}");
    }
}

#[tokio::test]
async fn results_and_the_worlds_records_are_searched() {
    let canary = Canary::new();
    let returned = AssertUnwindSafe(canary.watch(async || canary.value().to_owned())).catch_unwind().await;
    assert!(returned.is_err());

    let world = World::new();
    world.rotate("app/db", canary.value());
    world.assert_free_of(&canary);
    let change = change(canary.value()).build();
    world
        .jobs()
        .enqueue(&[Job { declarations: vec![id("blue/shop/db")], change: Some(change), at: at(0) }])
        .await
        .unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| world.assert_free_of(&canary))).is_err());
}
