#!/bin/sh
# Examples of what lets Pawl log in. Take one, and put your own names in. Works with `vault` and with `bao`.
set -eu
vault="${VAULT_CLI:-vault}"

"$vault" policy write pawl "$(dirname "$0")/pawl.hcl"

# Tokens of an hour that are renewed for a day. Without token_max_ttl they are renewed for as long as the system allows.
lives="token_ttl=1h token_max_ttl=24h"

case "${1:-}" in
approle)
  # Store: auth.appRole{roleId, secretRef}. The secret id goes into a Secret of the target cluster.
  "$vault" auth enable approle || true
  # shellcheck disable=SC2086
  "$vault" write auth/approle/role/pawl $lives token_policies=pawl secret_id_ttl=0
  "$vault" read -field=role_id auth/approle/role/pawl/role-id
  ;;
kubernetes)
  # Store: auth.kubernetes{role, serviceAccountRef}. One mount for each cluster, whose API server must be reachable from here.
  "$vault" auth enable -path="${CLUSTER:?the name of the cluster}" kubernetes || true
  "$vault" write "auth/$CLUSTER/config" kubernetes_host="${KUBERNETES_HOST:?its API server}" \
    kubernetes_ca_cert="@${KUBERNETES_CA:?a file with its CA}"
  # Each namespace reads below a folder of its own name. A service account is made by whoever has rights in its namespace, so
  # a role for every namespace would let all of them read the whole mount.
  accessor=$("$vault" auth list -format=json | sed -n "/\"$CLUSTER\/\": {/,/}/s/.*\"accessor\": \"\(.*\)\".*/\1/p")
  sed "s/ACCESSOR/$accessor/" "$(dirname "$0")/pawl-by-namespace.hcl" | "$vault" policy write "pawl-$CLUSTER" -
  # shellcheck disable=SC2086
  "$vault" write "auth/$CLUSTER/role/pawl" $lives token_policies="pawl-$CLUSTER" audience=vault \
    bound_service_account_names=pawl-vault bound_service_account_namespaces="${NAMESPACES:?namespaces by name, with commas}"
  ;;
jwt)
  # Store: auth.jwt{role, kubernetesServiceAccountToken}. Only the cluster's public keys are needed, not its API server.
  "$vault" auth enable -path="${CLUSTER:?the name of the cluster}" jwt || true
  "$vault" write "auth/$CLUSTER/config" oidc_discovery_url="${ISSUER:?the issuer of its tokens}"
  # shellcheck disable=SC2086
  "$vault" write "auth/$CLUSTER/role/pawl" $lives token_policies=pawl role_type=jwt bound_audiences=vault user_claim=sub \
    bound_subject="system:serviceaccount:${NAMESPACE:?the namespace of the account}:pawl-vault"
  ;;
aws)
  # Store: auth.iam{vaultRole, region, vaultAwsIamServerID}. The identity is the one that Pawl runs with, unless the store names another one;
  # PAWL_VAULT_IAM_SERVERS must name this server then.
  "$vault" auth enable aws || true
  # Without a name in the signed request, whoever Pawl logs in to can log in here with the same request.
  "$vault" write auth/aws/config/client iam_server_id_header_value="${SERVER_ID:?this server, such as vault.example.com}"
  # shellcheck disable=SC2086
  "$vault" write auth/aws/role/pawl $lives token_policies=pawl auth_type=iam bound_iam_principal_arn="${PRINCIPAL:?the role of Pawl}"
  ;;
*)
  echo "usage: $0 approle|kubernetes|jwt|aws" >&2
  exit 2
  ;;
esac
