use pawl_domain::declaration::{Refresh, RefreshPolicy, SyncWindow, SyncWindows, WindowKind};
use pawl_domain::{Declaration, Home};
use std::time::Duration;

/// ESO's default `refreshInterval`.
const INTERVAL: Duration = Duration::from_secs(3600);

// Without its reads a declaration would empty its target.
fields!(Declaration {
    "id" => must id,
    "home" => must home,
    "uid" => may uid,
    "labels" => may labels,
    "annotations" => may annotations,
    "reads" => must reads,
    "target" => must target,
    "refresh" => must refresh,
    "synced" => later synced,
    "set" => later set,
    "pattern" => later pattern,
});

choices!(Home {
    "applied" => Applied,
    "cluster" => Cluster(name),
});

fields!(Refresh {
    "policy" => may policy,
    "interval" => (INTERVAL) interval,
    "windows" => may windows,
});

choices!(RefreshPolicy {
    "CreatedOnce" => CreatedOnce,
    "Periodic" => Periodic,
    "OnChange" => OnChange,
});

fields!(SyncWindows {
    "kind" => must kind,
    "windows" => must windows,
});

choices!(WindowKind {
    "Allow" => Allow,
    "Deny" => Deny,
});

fields!(SyncWindow {
    "schedule" => must schedule,
    "duration" => must duration,
});
