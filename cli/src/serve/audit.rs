//! The audit records of Vault and OpenBao that a server takes in: sockets, a file, and a request's body.

use super::crew::Crew;
use super::schedule::{Stopped, every};
use crate::args::Serve;
use crate::error::Error;
use crate::output;
use pawl_pipeline::Pipeline;
use pawl_ports::{Ports, Registry};
use pawl_runtime::audit::socket::{self, Listener};
use pawl_runtime::audit::{self, Admission, Audit, Feed, Peers};
use pawl_runtime::{World, config};
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Changes that may wait to be synced. Some minutes of a busy server, and a few megabytes.
const ROOM: usize = 4096;
/// How often the registry is asked which KV versions the mounts of its stores have.
const LOOK: Duration = Duration::from_secs(60);

/// Where the HTTP side hands records in, and whom it lets.
pub(super) struct Intake {
    pub(super) feed: Feed,
    pub(super) admission: Admission,
}

/// Begins to take records in wherever `serve` says, and to sync what they tell. The sync ends by itself when all that
/// takes records in has ended.
pub(super) async fn start(
    config: &config::Audit,
    serve: &Serve,
    pipeline: &Arc<Pipeline<World>>,
    crew: &mut Crew,
    stopped: &Stopped,
) -> Result<Intake, Error> {
    let reader = Arc::new(Audit::new(config));
    let (feed, changes) = audit::feed(Arc::clone(&reader), ROOM);
    for address in &serve.vault_audit_listen {
        let failed = |source| Error::File { path: address.to_string(), source };
        let peers = Peers::new(&serve.vault_audit_peers);
        let listener = Listener::bind(address, peers).await.map_err(failed)?;
        info!(address = %listener.address(), "taking audit records");
        output::note(&format!("pawl takes audit records at {}", listener.address()));
        crew.spawn("audit socket", socket::listen(listener, feed.clone(), stopped.clone()));
    }
    if let Some(path) = &serve.vault_audit_file {
        crew.spawn("audit file", audit::follow::follow(path.clone(), feed.clone(), stopped.clone()));
    }
    crew.spawn("audit records", audit::feed::sync(Arc::clone(pipeline), changes));
    crew.spawn("mounts of Vault", learn(Arc::clone(pipeline), reader, stopped.clone()));
    Ok(Intake { feed, admission: Admission::new(config) })
}

/// Keeps what is known of mounts as the registry's stores say.
async fn learn(pipeline: Arc<Pipeline<World>>, reader: Arc<Audit>, stopped: Stopped) {
    let look = || async {
        match pipeline.ports().registry().swept_stores().await {
            Ok(stores) => reader.learn(stores.iter().map(|swept| &swept.store)),
            // Records are understood all the same, at the price of a look-up.
            Err(problem) => warn!("mounts of Vault: {problem}"),
        }
    };
    every(LOOK, stopped, look).await;
}
