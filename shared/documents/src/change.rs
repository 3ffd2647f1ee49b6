use pawl_domain::{Change, Location, Moved, Provider};

fields!(Change {
    "id" => must id,
    "location" => must location,
    "names" => must names,
    "version" => may version,
    "moved" => must moved,
    "at" => must at,
});

fields!(Location {
    "provider" => must provider,
    "region" => may region,
    "account" => may account,
});

choices!(Provider {
    "fake" => Fake,
    "parameter-store" => ParameterStore,
    "secrets-manager" => SecretsManager,
    "vault" => Vault,
});

choices!(Moved {
    "current" => Current,
    "label" => Label(name),
    "someLabel" => SomeLabel,
    "existence" => Existence,
    "metadata" => Metadata,
});
