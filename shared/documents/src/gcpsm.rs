use pawl_domain::store::{GcpAuth, GcpCluster, GcpFederation, GcpServiceAccount, GcpStore, GcpSubject};

// Without its location a store would read other secrets than were declared, and without falls_back other versions.
fields!(GcpStore {
    "project" => must project,
    "location" => must location,
    "falls_back" => must falls_back,
    "auth" => must auth,
});

choices!(GcpAuth {
    "Key" => Key(at),
    "WorkloadIdentity" => WorkloadIdentity {
        "account" => must account,
        "cluster" => must cluster,
    },
    "Federation" => Federation(federation),
});

fields!(GcpServiceAccount {
    "name" => must name,
    "namespace" => may namespace,
    "audiences" => must audiences,
});

fields!(GcpCluster {
    "project" => must project,
    "location" => must location,
    "name" => must name,
});

// Without its service account a store would read with another identity than was declared.
fields!(GcpFederation {
    "subject" => must subject,
    "audience" => must audience,
    "token_endpoint" => must token_endpoint,
    "service_account" => must service_account,
});

choices!(GcpSubject {
    "Configured" => Configured(at),
    "ServiceAccount" => ServiceAccount(account),
    "Aws" => Aws {
        "region" => must region,
        "secret" => must secret,
        "namespace" => may namespace,
    },
});
