//! The post between stores and Pawl: carries the events of changes, some twice, some late, some not at all.

use crate::plan::{Act, News};
use crate::stage::Stage;
use crate::stores::Stores;
use crate::world::Key;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Events on their way. Dropping it loses them.
#[derive(Debug)]
pub(crate) struct Post {
    stage: Arc<Stage>,
    under_way: JoinSet<()>,
}

impl Post {
    pub(crate) fn new(stage: Arc<Stage>) -> Self {
        Self { stage, under_way: JoinSet::new() }
    }

    /// Sends the event of a change that was made.
    pub(crate) fn send(&mut self, key: Key, act: Act, news: &News) {
        while self.under_way.try_join_next().is_some() {}
        for delay in news.delays.iter().copied() {
            let (stage, event, by_http) = (Arc::clone(&self.stage), Stores::event(key, act), news.by_http);
            self.under_way.spawn(async move {
                tokio::time::sleep(Duration::from_millis(delay)).await;
                let queue = stage.queues.as_ref().map(|queues| &queues.events);
                let sent = match (by_http, queue) {
                    (None, Some(queue)) => {
                        stage.stores.aws.send_message(queue, &event.to_string()).await.is_ok()
                    }
                    (server, _) => {
                        // A webhook that fails is lost, as if the plan had lost it.
                        let server = server.unwrap_or_default();
                        stage.pawl.send(server, &event).await.is_ok_and(|taken| taken)
                    }
                };
                if !sent {
                    stage.journal.note(&format!("event of {key} was not taken"));
                }
            });
        }
    }
}
