//! The kinds that the cluster serves.

/// A kind of object, as one API group serves it.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    /// Served versions; the first is preferred, and the one that objects are stored in.
    pub(crate) versions: &'static [&'static str],
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) short: &'static [&'static str],
    pub(crate) namespaced: bool,
    /// Defined by a CustomResourceDefinition in a real cluster, which changes many details of its behaviour.
    pub(crate) custom: bool,
    /// Objects of kinds with the same name here are the same objects (events, in two groups).
    pub(crate) storage: &'static str,
    /// Columns of `kubectl get` beside the name, for custom kinds.
    pub(crate) columns: &'static [Column],
}

/// A column of `kubectl get` for a custom kind.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// `string` or `date`.
    pub(crate) format: &'static str,
    pub(crate) path: Path,
}

/// Where a column's value stands.
#[derive(Debug)]
pub(crate) enum Path {
    /// A JSON pointer.
    At(&'static str),
    /// This field of the condition of type Ready.
    Ready(&'static str),
}

const AGE: Column = Column { name: "Age", format: "date", path: Path::At("/metadata/creationTimestamp") };
const STATUS: Column = Column { name: "Status", format: "string", path: Path::Ready("reason") };
const READY: Column = Column { name: "Ready", format: "string", path: Path::Ready("status") };
const STORE_COLUMNS: &[Column] = &[
    AGE,
    STATUS,
    Column { name: "Capabilities", format: "string", path: Path::At("/status/capabilities") },
    READY,
];

const CORE: Kind = Kind {
    group: "",
    versions: &["v1"],
    kind: "",
    plural: "",
    singular: "",
    short: &[],
    namespaced: true,
    custom: false,
    storage: "",
    columns: &[],
};

const ESO: Kind = Kind {
    group: "external-secrets.io",
    versions: &["v1", "v1beta1"],
    custom: true,
    columns: STORE_COLUMNS,
    ..CORE
};

const GENERATOR: Kind = Kind {
    group: "generators.external-secrets.io",
    versions: &["v1alpha1"],
    custom: true,
    columns: &[AGE],
    ..CORE
};

/// Everything that is served, in discovery order.
pub(crate) static KINDS: &[Kind] = &[
    Kind {
        kind: "ConfigMap",
        plural: "configmaps",
        singular: "configmap",
        short: &["cm"],
        storage: "configmaps",
        ..CORE
    },
    Kind { kind: "Event", plural: "events", singular: "event", short: &["ev"], storage: "events", ..CORE },
    Kind {
        kind: "Namespace",
        plural: "namespaces",
        singular: "namespace",
        short: &["ns"],
        namespaced: false,
        storage: "namespaces",
        ..CORE
    },
    Kind { kind: "Secret", plural: "secrets", singular: "secret", storage: "secrets", ..CORE },
    Kind {
        kind: "ServiceAccount",
        plural: "serviceaccounts",
        singular: "serviceaccount",
        short: &["sa"],
        storage: "serviceaccounts",
        ..CORE
    },
    Kind {
        group: "events.k8s.io",
        kind: "Event",
        plural: "events",
        singular: "event",
        short: &["ev"],
        storage: "events",
        ..CORE
    },
    Kind {
        kind: "ExternalSecret",
        plural: "externalsecrets",
        singular: "externalsecret",
        short: &["es"],
        storage: "externalsecrets",
        columns: &[
            Column { name: "StoreType", format: "string", path: Path::At("/spec/secretStoreRef/kind") },
            Column { name: "Store", format: "string", path: Path::At("/spec/secretStoreRef/name") },
            Column { name: "Refresh Interval", format: "string", path: Path::At("/spec/refreshInterval") },
            STATUS,
            READY,
            Column { name: "Last Sync", format: "date", path: Path::At("/status/refreshTime") },
        ],
        ..ESO
    },
    Kind {
        kind: "SecretStore",
        plural: "secretstores",
        singular: "secretstore",
        short: &["ss"],
        storage: "secretstores",
        ..ESO
    },
    Kind {
        kind: "ClusterSecretStore",
        plural: "clustersecretstores",
        singular: "clustersecretstore",
        short: &["css"],
        namespaced: false,
        storage: "clustersecretstores",
        ..ESO
    },
    Kind {
        versions: &["v1alpha1"],
        kind: "PushSecret",
        plural: "pushsecrets",
        singular: "pushsecret",
        short: &["ps"],
        storage: "pushsecrets",
        columns: &[
            AGE,
            STATUS,
            Column { name: "Last Sync", format: "date", path: Path::At("/status/refreshTime") },
        ],
        ..ESO
    },
    Kind {
        kind: "ClusterExternalSecret",
        plural: "clusterexternalsecrets",
        singular: "clusterexternalsecret",
        short: &["ces"],
        namespaced: false,
        storage: "clusterexternalsecrets",
        columns: &[
            Column {
                name: "Store",
                format: "string",
                path: Path::At("/spec/externalSecretSpec/secretStoreRef/name"),
            },
            Column { name: "Refresh Interval", format: "string", path: Path::At("/spec/refreshTime") },
            READY,
        ],
        ..ESO
    },
    Kind {
        kind: "ClusterGenerator",
        plural: "clustergenerators",
        singular: "clustergenerator",
        storage: "clustergenerators",
        namespaced: false,
        ..GENERATOR
    },
    Kind { kind: "Fake", plural: "fakes", singular: "fake", storage: "fakes", ..GENERATOR },
    Kind { kind: "MFA", plural: "mfas", singular: "mfa", storage: "mfas", ..GENERATOR },
    Kind { kind: "Password", plural: "passwords", singular: "password", storage: "passwords", ..GENERATOR },
    Kind { kind: "SSHKey", plural: "sshkeys", singular: "sshkey", storage: "sshkeys", ..GENERATOR },
    Kind { kind: "UUID", plural: "uuids", singular: "uuid", storage: "uuids", ..GENERATOR },
    Kind {
        kind: "CloudsmithAccessToken",
        plural: "cloudsmithaccesstokens",
        singular: "cloudsmithaccesstoken",
        storage: "cloudsmithaccesstokens",
        ..GENERATOR
    },
    Kind {
        kind: "ECRAuthorizationToken",
        plural: "ecrauthorizationtokens",
        singular: "ecrauthorizationtoken",
        storage: "ecrauthorizationtokens",
        ..GENERATOR
    },
    Kind {
        kind: "GithubAccessToken",
        plural: "githubaccesstokens",
        singular: "githubaccesstoken",
        storage: "githubaccesstokens",
        ..GENERATOR
    },
    Kind {
        kind: "QuayAccessToken",
        plural: "quayaccesstokens",
        singular: "quayaccesstoken",
        storage: "quayaccesstokens",
        ..GENERATOR
    },
    Kind {
        kind: "STSSessionToken",
        plural: "stssessiontokens",
        singular: "stssessiontoken",
        storage: "stssessiontokens",
        ..GENERATOR
    },
    Kind {
        group: "pawl.dev",
        versions: &["v1alpha1"],
        kind: "Cluster",
        plural: "clusters",
        singular: "cluster",
        short: &[],
        namespaced: false,
        custom: true,
        storage: "clusters",
        columns: &[AGE, READY],
    },
];

impl Kind {
    /// The kind that answers at this address.
    pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        KINDS.iter().find(|k| k.group == group && k.plural == plural && k.versions.contains(&version))
    }

    /// The kind of an object, by its `apiVersion` and `kind`.
    pub(crate) fn of(api_version: &str, kind: &str) -> Option<&'static Self> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        KINDS.iter().find(|k| k.group == group && k.kind == kind && k.versions.contains(&version))
    }

    /// The kind whose objects are stored under this name, in the group that stores them.
    pub(crate) fn stored_as(storage: &str) -> Option<&'static Self> {
        KINDS.iter().find(|k| k.storage == storage)
    }

    /// `secrets`, `externalsecrets.external-secrets.io`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Secret`, `ExternalSecret.external-secrets.io`.
    pub(crate) fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// `v1`, `external-secrets.io/v1beta1`.
    pub(crate) fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// Whether the objects are served in other words than they are stored in.
    pub(crate) fn is_converted(&self) -> bool {
        self.storage == "events" && !self.group.is_empty()
    }
}
