//! Every event is lost, and the sweep keeps the promise of `refreshInterval`.
#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod absent;
mod fair;
mod interrupted;
mod promise;
mod retries;
mod statuses;
mod untold;
mod watching;

use crate::story::Story;
use pawl_ports::Ports;
use pawl_world::declaration;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A story whose declarations were all written once and swept once.
async fn settled(count: usize) -> Story {
    let story = Story::new();
    for number in 0..count {
        let key = format!("app/key-{number}");
        story.declare(&format!("blue/shop/db-{number:03}"), &key);
        story.world.rotate(&key, story.value(1));
    }
    story.world.advance(HOUR);
    story.flow().sweep(true).await.unwrap();
    story.world.advance(HOUR);
    story.world.forget_calls();
    story
}

/// A declaration that was written, an hour before the event of a rotation is lost.
async fn written(id: &str, key: &str) -> Story {
    let story = Story::new();
    story.world.declare(declaration(id).reads(key));
    story.world.rotate(key, story.value(1));
    story.flow().sweep(true).await.unwrap();
    work_off(&story).await;
    assert_eq!(story.world.value(id, "value"), Some(story.value(1)));
    story
}

/// Does what waits in the job queue.
async fn work_off(story: &Story) {
    for job in story.world.jobs().take() {
        story.flow().deliver(&job).await.unwrap();
    }
}

/// Hours with a sweep every ten minutes, and a worker at the job queue.
async fn sweep_for(story: &Story, hours: u32) {
    for _ in 0..hours * 6 {
        story.world.advance(10 * MINUTE);
        // A sweep that fails is followed by the next.
        let _ = story.flow().sweep(false).await;
        work_off(story).await;
    }
}
