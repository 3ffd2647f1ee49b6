use crate::part::{Fault, Out, Part};
use pawl_domain::push::{
    ByNameOrLabels, PushData, PushDataTo, PushDeletion, PushRecord, PushSource, PushUpdate, PushedEntry,
    Standing, StoreChoice,
};
use pawl_domain::{PushSecret, RemoteEntry};
use serde_json::Value;
use std::time::Duration;

/// ESO's default `refreshInterval`.
const INTERVAL: Duration = Duration::from_secs(3600);

// Without its entries a PushSecret would remove from the stores what it pushed.
fields!(PushSecret {
    "id" => must id,
    "home" => must home,
    "uid" => may uid,
    "stores" => must stores,
    "source" => must source,
    "data" => must data,
    "data_to" => must data_to,
    "template" => may template,
    "update" => may update,
    "deletion" => may deletion,
    "interval" => (INTERVAL) interval,
    "synced" => later synced,
    "deleting" => later deleting,
    "set" => later set,
});

fields!(StoreChoice {
    "cluster_wide" => must cluster_wide,
    "by" => must by,
});

choices!(ByNameOrLabels {
    "Name" => Name(name),
    "Labels" => Labels(selector),
});

choices!(PushSource {
    "Secret" => Secret(secret),
});

fields!(PushData {
    "secret_key" => may secret_key,
    "to" => must to,
    "metadata" => may metadata,
    "reverses_unicode" => may reverses_unicode,
});

fields!(RemoteEntry {
    "key" => must key,
    "property" => may property,
});

fields!(PushDataTo {
    "store" => must store,
    "bundle" => may bundle,
    "pattern" => may pattern,
    "rewrite" => may rewrite,
    "metadata" => may metadata,
    "reverses_unicode" => may reverses_unicode,
});

choices!(PushUpdate {
    "Replace" => Replace,
    "IfNotExists" => IfNotExists,
});

choices!(PushDeletion {
    "Delete" => Delete,
    "None" => None,
});

fields!(PushRecord {
    "declared" => must declared,
    "at" => must at,
    "refreshed" => may refreshed,
    "state" => must state,
    "entries" => must entries,
    "begun" => later begun,
    "not_before" => later not_before,
    "told" => later told,
});

choices!(Standing {
    "Pending" => Pending,
    "Done" => Done,
    "SourceGone" => SourceGone,
    "Failed" => Failed(failure),
});

fields!(PushedEntry {
    "store" => must store,
    "data" => must data,
    "stands" => may stands,
    "digest" => may digest,
    "version" => later version,
    "at" => later at,
    "failure" => later failure,
});

/// What a manifest says to a provider, as it stands there.
impl Part for Value {
    fn write(&self, out: &mut Out) {
        out.raw(&self.to_string());
    }

    fn read(value: Value) -> Result<Self, Fault> {
        Ok(value)
    }
}
