use pawl_domain::generator::{
    AcrGenerator, AwsIdentitySpec, CloudsmithGenerator, Curve, EcrGenerator, Encoding, Generator,
    GeneratorKind, GithubGenerator, MfaGenerator, PasswordGenerator, QuayGenerator, ShownAccount,
    SshKeyGenerator, SshKeyType, StsGenerator, VaultGenerator, VaultMethod, VaultResult,
};

choices!(Generator {
    "Cloudsmith" => Cloudsmith(cloudsmith),
    "Ecr" => Ecr(ecr),
    "Fake" => Fake(fake),
    "Github" => Github(github),
    "Mfa" => Mfa(mfa),
    "Password" => Password(password),
    "Quay" => Quay(quay),
    "SshKey" => SshKey(key),
    "Sts" => Sts(sts),
    "Uuid" => Uuid,
    "Webhook" => Webhook(webhook),
    "Vault" => Vault(vault),
    "Gcr" => Gcr(gcp),
    "Acr" => Acr(acr),
});

choices!(GeneratorKind {
    "ACRAccessToken" => AcrAccessToken,
    "BeyondtrustWorkloadCredentialsDynamicSecret" => BeyondtrustWorkloadCredentialsDynamicSecret,
    "CloudsmithAccessToken" => CloudsmithAccessToken,
    "ClusterGenerator" => ClusterGenerator,
    "ECRAuthorizationToken" => EcrAuthorizationToken,
    "Fake" => Fake,
    "GCRAccessToken" => GcrAccessToken,
    "GithubAccessToken" => GithubAccessToken,
    "GitlabDeployToken" => GitlabDeployToken,
    "Grafana" => Grafana,
    "MFA" => Mfa,
    "Password" => Password,
    "QuayAccessToken" => QuayAccessToken,
    "SSHKey" => SshKey,
    "STSSessionToken" => StsSessionToken,
    "UUID" => Uuid,
    "VaultDynamicSecret" => VaultDynamicSecret,
    "Webhook" => Webhook,
});

fields!(AcrGenerator {
    "server" => must server,
    "registry" => must registry,
    "tenant" => must tenant,
    "scope" => must scope,
});

// Without its method, parameters or query another thing would be made.
fields!(VaultGenerator {
    "server" => must server,
    "path" => must path,
    "method" => must method,
    "parameters" => must parameters,
    "query" => must query,
    "result" => must result,
    "allows_empty" => must allows_empty,
});

choices!(VaultMethod {
    "Read" => Read,
    "List" => List,
    "Delete" => Delete,
    "Write" => Write,
});

choices!(VaultResult {
    "Data" => Data,
    "Auth" => Auth,
    "Raw" => Raw,
});

fields!(MfaGenerator {
    "seed" => must seed,
    "length" => must length,
    "period" => must period,
    "when" => may when,
});

fields!(PasswordGenerator {
    "length" => must length,
    "digits" => may digits,
    "symbols" => may symbols,
    "symbol_characters" => may symbol_characters,
    "no_upper" => must no_upper,
    "allow_repeat" => must allow_repeat,
    "keys" => must keys,
    "encoding" => must encoding,
});

choices!(Encoding {
    "Raw" => Raw,
    "Base64" => Base64,
    "Base64Url" => Base64Url,
    "Base32" => Base32,
    "Hex" => Hex,
});

fields!(SshKeyGenerator {
    "kind" => must kind,
    "comment" => may comment,
});

choices!(SshKeyType {
    "Rsa" => Rsa(bits),
    "Ecdsa" => Ecdsa(curve),
    "Ed25519" => Ed25519,
});

choices!(Curve {
    "P256" => P256,
    "P384" => P384,
    "P521" => P521,
});

fields!(AwsIdentitySpec {
    "region" => must region,
    "auth" => must auth,
    "role" => may role,
});

fields!(EcrGenerator {
    "identity" => must identity,
    "public" => must public,
});

fields!(StsGenerator {
    "identity" => must identity,
    "seconds" => may seconds,
    "serial_number" => may serial_number,
    "token_code" => may token_code,
});

// Without its limits a token would be good for more.
fields!(GithubGenerator {
    "url" => must url,
    "app_id" => must app_id,
    "install_id" => must install_id,
    "private_key" => must private_key,
    "repositories" => must repositories,
    "permissions" => must permissions,
});

fields!(ShownAccount {
    "name" => must name,
    "audiences" => must audiences,
});

fields!(CloudsmithGenerator {
    "url" => must url,
    "organization" => must organization,
    "service" => must service,
    "account" => must account,
});

fields!(QuayGenerator {
    "url" => must url,
    "robot" => must robot,
    "account" => must account,
});
