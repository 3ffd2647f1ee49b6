use pawl_domain::StorePolicy;
use pawl_domain::policy::{Allow, Rule, StoreSelector};

// Nothing may stand in for a field that is missing: a policy would allow more than was written.
fields!(StorePolicy {
    "name" => must name,
    "clusters" => must clusters,
    "namespaces" => must namespaces,
    "stores" => must stores,
    "allow" => must allow,
});

fields!(StoreSelector {
    "found" => must found,
    "applied" => must applied,
    "names" => must names,
});

fields!(Allow {
    "own_identity" => must own_identity,
    "roles" => must roles,
    "keys" => must keys,
    "hosts" => must hosts,
    "addresses" => must addresses,
});

choices!(Rule {
    "own-identity" => OwnIdentity,
    "role" => Role,
    "key" => Key,
    "host" => Host,
    "address" => Address,
    "own-secret" => OwnSecret,
    "region" => Region,
    "header" => Header,
    "fake-store" => FakeStore,
    "unreadable" => Unreadable,
    "whitelist" => Whitelist,
});
