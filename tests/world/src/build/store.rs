use super::{REGION, namespace, store_id};
use pawl_domain::store::{
    AwsAuth, AwsDeletion, AwsService, AwsStore, Backend, Condition, SessionTagsPolicy, VaultStore,
};
use pawl_domain::{Home, Store};

/// An applied ClusterSecretStore of Secrets Manager in [`REGION`], read with the identity that Pawl runs with.
pub fn secrets_manager(name: &str) -> StoreBuilder {
    aws(name, AwsService::SecretsManager)
}

/// The same of Parameter Store.
pub fn parameter_store(name: &str) -> StoreBuilder {
    aws(name, AwsService::ParameterStore)
}

/// An applied ClusterSecretStore of Vault's KV version 2 at `secret/`, read without a token.
pub fn vault(name: &str) -> Store {
    let vault = VaultStore {
        server: "https://vault.example.com".to_owned(),
        path: Some("secret".to_owned()),
        ..VaultStore::default()
    };
    Store {
        id: store_id(name),
        backend: Backend::Vault(Box::new(vault)),
        conditions: Vec::new(),
        labels: [].into(),
        set: None,
    }
}

/// Builds a [`Store`].
#[derive(Clone, Debug)]
pub struct StoreBuilder(Store);

impl StoreBuilder {
    /// In another region.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.aws().region = region.to_owned();
        self
    }

    /// With this role, which also says the account.
    #[must_use]
    pub fn role(mut self, arn: &str) -> Self {
        self.aws().role = Some(arn.to_owned());
        self
    }

    /// With another identity to start from.
    #[must_use]
    pub fn auth(mut self, auth: AwsAuth) -> Self {
        self.aws().auth = auth;
        self
    }

    /// With this before each key.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.aws().prefix = Some(prefix.to_owned());
        self
    }

    /// Found in another home.
    #[must_use]
    pub fn home(mut self, home: Home) -> Self {
        self.0.id.home = home;
        self
    }

    /// A SecretStore of this namespace.
    #[must_use]
    pub fn namespaced(mut self, name: &str) -> Self {
        self.0.id.namespace = Some(namespace(name));
        self
    }

    /// One more label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.0.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// One more condition under which a namespace may use it.
    #[must_use]
    pub fn condition(mut self, condition: Condition) -> Self {
        self.0.conditions.push(condition);
        self
    }

    /// Any part of it that has no method here.
    #[must_use]
    pub fn with(mut self, edit: impl FnOnce(&mut AwsStore)) -> Self {
        edit(self.aws());
        self
    }

    /// The store.
    pub fn build(self) -> Store {
        self.0
    }

    fn aws(&mut self) -> &mut AwsStore {
        match &mut self.0.backend {
            Backend::Aws(aws) => aws,
            other => panic!("{other:?} is not of AWS"),
        }
    }
}

impl From<StoreBuilder> for Store {
    fn from(builder: StoreBuilder) -> Self {
        builder.build()
    }
}

fn aws(name: &str, service: AwsService) -> StoreBuilder {
    StoreBuilder(Store {
        id: store_id(name),
        backend: Backend::Aws(AwsStore {
            service,
            region: REGION.to_owned(),
            auth: AwsAuth::Ambient,
            role: None,
            additional_roles: Vec::new(),
            external_id: None,
            session_tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            session_tags_policy: SessionTagsPolicy::None,
            prefix: None,
            max_retries: None,
            deletion: AwsDeletion::Default,
        }),
        conditions: Vec::new(),
        labels: [].into(),
        set: None,
    })
}
