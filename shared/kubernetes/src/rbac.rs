//! What Pawl may do in a cluster, as manifests: rights by namespace, and a policy for what RBAC cannot say.
//!
//! RBAC names kinds and verbs but neither labels nor types, so whoever may write Secrets in a namespace may write all of
//! them there. The admission policy keeps Pawl's group to what it keeps up. Tokens are granted for accounts that are
//! named, never for all: whoever may make tokens of every account of a cluster is its administrator.

use pawl_domain::reconcile::MANAGED_LABEL;
use pawl_domain::{Namespace, ObjectName};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is granted, to whom, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rights {
    /// What Pawl does in these namespaces.
    pub profile: Profile,
    /// Whether it also carries out the PushSecrets that live there.
    pub pushes: bool,
    /// The namespaces.
    pub namespaces: BTreeSet<Namespace>,
    /// Whether it makes ExternalSecrets of ClusterExternalSecrets there.
    pub families: bool,
    /// The service accounts of which tokens may be made: `auth.jwt.serviceAccountRef` and the like of stores.
    pub accounts: BTreeSet<(Namespace, ObjectName)>,
    /// The Kubernetes group that Pawl comes as.
    pub group: String,
}

/// What Pawl does in a cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Profile {
    /// It writes the Secrets of declarations that are applied to Pawl.
    Write,
    /// It also reads ExternalSecrets and stores from the cluster, and writes their status.
    Index,
}

impl Rights {
    /// The manifests, in an order in which they can be applied.
    pub fn manifests(&self) -> Vec<Value> {
        let mut all = vec![role("pawl-targets", &TARGETS)];
        all.extend(self.namespaces.iter().map(|namespace| self.binding("pawl-targets", namespace)));
        if self.profile == Profile::Index {
            all.push(role("pawl-declarations", &DECLARATIONS));
            all.extend(self.namespaces.iter().map(|namespace| self.binding("pawl-declarations", namespace)));
            // Kinds that live in no namespace, and Events about them.
            all.push(role("pawl-cluster-stores", &CLUSTER_STORES));
            all.push(self.cluster_binding("pawl-cluster-stores"));
        }
        if self.pushes {
            all.push(role("pawl-pushes", &PUSHES));
            all.extend(self.namespaces.iter().map(|namespace| self.binding("pawl-pushes", namespace)));
        }
        if self.families {
            all.push(role("pawl-children", &CHILDREN));
            all.extend(self.namespaces.iter().map(|namespace| self.binding("pawl-children", namespace)));
            all.push(role("pawl-cluster-external-secrets", &PARENTS));
            all.push(self.cluster_binding("pawl-cluster-external-secrets"));
        }
        for (namespace, account) in &self.accounts {
            let name = format!("pawl-tokens-of-{account}");
            all.push(tokens(&name, namespace, account));
            all.push(self.role_binding(&name, "Role", &name, namespace));
        }
        all.extend([self.policy(), policy_binding()]);
        all
    }

    fn binding(&self, role: &str, namespace: &Namespace) -> Value {
        self.role_binding(role, "ClusterRole", role, namespace)
    }

    fn role_binding(&self, name: &str, kind: &str, role: &str, namespace: &Namespace) -> Value {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": { "name": name, "namespace": namespace.as_str() },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role },
            "subjects": self.subjects(),
        })
    }

    fn cluster_binding(&self, role: &str) -> Value {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": role },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
            "subjects": self.subjects(),
        })
    }

    fn subjects(&self) -> Value {
        json!([{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": self.group }])
    }

    /// Source: Kubernetes 1.30 and newer serve `admissionregistration.k8s.io/v1` ValidatingAdmissionPolicy.
    fn policy(&self) -> Value {
        let managed = |object: &str| {
            let labels = format!("{object}.metadata.labels");
            format!("has({labels}) && '{MANAGED_LABEL}' in {labels} && {labels}['{MANAGED_LABEL}'] == 'true'")
        };
        let deleting = "request.operation == 'DELETE'";
        let (gone, made) = (managed("oldObject"), managed("object"));
        // A text of JSON is one of CEL as well.
        let group = Value::from(self.group.as_str());
        let forbidden = |expression: String, message: &str| json!({ "expression": expression, "message": message, "reason": "Forbidden" });
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": { "name": POLICY },
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": { "resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"],
                    "operations": ["CREATE", "UPDATE", "DELETE"],
                }] },
                "matchConditions": [
                    { "name": "pawl", "expression": format!("{group} in request.userInfo.groups") },
                ],
                "validations": [
                    forbidden(
                        "!request.namespace.startsWith('kube-')".to_owned(),
                        "Pawl writes nothing in the namespaces of Kubernetes",
                    ),
                    forbidden(
                        format!("{deleting} ? ({gone}) : ({made})"),
                        "Pawl keeps up Secrets with its managed label and touches no others",
                    ),
                    forbidden(
                        format!("{deleting} || !has(object.type) || !(object.type in {CREDENTIALS})"),
                        "Pawl makes no Secrets that Kubernetes takes for credentials of its own",
                    ),
                ],
            },
        })
    }
}

const POLICY: &str = "pawl-targets";
/// The types of Secrets that let somebody into the cluster.
const CREDENTIALS: &str = "['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token']";

fn role(name: &str, rules: &[Rule]) -> Value {
    let rules: Vec<Value> = rules
        .iter()
        .map(|(group, resources, verbs)| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs }))
        .collect();
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": name }, "rules": rules,
    })
}

fn tokens(name: &str, namespace: &Namespace, account: &ObjectName) -> Value {
    let rule = |resource: &str, verb: &str| json!({ "apiGroups": [""], "resources": [resource], "resourceNames": [account.as_str()], "verbs": [verb] });
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": { "name": name, "namespace": namespace.as_str() },
        "rules": [rule("serviceaccounts", "get"), rule("serviceaccounts/token", "create")],
    })
}

type Rule = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Targets, templates beside them, and the namespace's own labels, which conditions of stores look at.
const TARGETS: [Rule; 3] = [
    ("", &["secrets"], &["get", "list", "watch", "create", "patch", "delete"]),
    ("", &["configmaps"], &["get"]),
    ("", &["namespaces"], &["get"]),
];
const DECLARATIONS: [Rule; 4] = [
    ("external-secrets.io", &["externalsecrets", "secretstores"], &["get", "list", "watch"]),
    ("external-secrets.io", &["externalsecrets/status", "secretstores/status"], &["patch"]),
    (GENERATORS, &GENERATOR_KINDS, &["get", "list", "watch"]),
    ("", &["events"], &["create", "patch"]),
];
/// PushSecrets, of which Pawl writes the status and, with `deletionPolicy: Delete`, ESO's finalizer.
const PUSHES: [Rule; 2] = [
    ("external-secrets.io", &["pushsecrets"], &["get", "list", "watch", "patch"]),
    ("external-secrets.io", &["pushsecrets/status"], &["patch"]),
];
const CLUSTER_STORES: [Rule; 3] = [
    ("external-secrets.io", &["clustersecretstores"], &["get", "list", "watch"]),
    ("external-secrets.io", &["clustersecretstores/status"], &["patch"]),
    (GENERATORS, &["clustergenerators"], &["get", "list", "watch"]),
];

const GENERATORS: &str = "generators.external-secrets.io";
/// All of them, also those that are not served yet: they hold references to Secrets, and no values but those of `fakes`.
const GENERATOR_KINDS: [&str; 17] = [
    "acraccesstokens",
    "beyondtrustworkloadcredentialsdynamicsecrets",
    "cloudsmithaccesstokens",
    "ecrauthorizationtokens",
    "fakes",
    "gcraccesstokens",
    "githubaccesstokens",
    "gitlabdeploytokens",
    "grafanas",
    "mfas",
    "passwords",
    "quayaccesstokens",
    "sshkeys",
    "stssessiontokens",
    "uuids",
    "vaultdynamicsecrets",
    "webhooks",
];

/// The ExternalSecrets that are made of ClusterExternalSecrets.
const CHILDREN: [Rule; 1] = [("external-secrets.io", &["externalsecrets"], &["create", "patch", "delete"])];
/// ClusterExternalSecrets, of which only ESO's finalizer is ever changed, and which namespaces there are.
const PARENTS: [Rule; 3] = [
    ("external-secrets.io", &["clusterexternalsecrets"], &["get", "list", "watch", "patch"]),
    ("external-secrets.io", &["clusterexternalsecrets/status"], &["patch"]),
    ("", &["namespaces"], &["list", "watch"]),
];

fn policy_binding() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": { "name": POLICY },
        "spec": { "policyName": POLICY, "validationActions": ["Deny"] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(profile: Profile, accounts: &[(&str, &str)]) -> Vec<Value> {
        let accounts =
            accounts.iter().map(|(namespace, name)| (namespace.parse().unwrap(), name.parse().unwrap()));
        let namespaces = ["shop", "till"].map(|name| name.parse().unwrap()).into();
        let rights = Rights {
            profile,
            pushes: false,
            families: false,
            namespaces,
            accounts: accounts.collect(),
            group: "pawl".to_owned(),
        };
        rights.manifests()
    }

    fn titles(manifests: &[Value]) -> Vec<String> {
        let title = |one: &Value| {
            let place = one["metadata"]["namespace"].as_str().map(|it| format!("{it}/")).unwrap_or_default();
            format!("{} {place}{}", one["kind"].as_str().unwrap(), one["metadata"]["name"].as_str().unwrap())
        };
        manifests.iter().map(title).collect()
    }

    #[test]
    fn secrets_and_tokens_are_never_granted_in_the_whole_cluster() {
        let all = rights(Profile::Index, &[("shop", "reader")]);
        for binding in all.iter().filter(|one| one["kind"] == "ClusterRoleBinding") {
            let named = |one: &&Value| one["kind"] == "ClusterRole" && one["metadata"] == binding["metadata"];
            let role = all.iter().find(named).unwrap().to_string();
            assert!(!role.contains("secrets\"") && !role.contains("token"), "{role}");
        }
        let tokens = all.iter().find(|one| one["kind"] == "Role").unwrap();
        for rule in tokens["rules"].as_array().unwrap() {
            assert_eq!(rule["resourceNames"], json!(["reader"]));
        }
    }

    #[test]
    fn a_profile_has_what_it_needs_and_no_more() {
        let policy =
            ["ValidatingAdmissionPolicy pawl-targets", "ValidatingAdmissionPolicyBinding pawl-targets"];
        let targets =
            ["ClusterRole pawl-targets", "RoleBinding shop/pawl-targets", "RoleBinding till/pawl-targets"];
        assert_eq!(titles(&rights(Profile::Write, &[])), [&targets[..], &policy].concat());
        let index = [
            "ClusterRole pawl-declarations",
            "RoleBinding shop/pawl-declarations",
            "RoleBinding till/pawl-declarations",
            "ClusterRole pawl-cluster-stores",
            "ClusterRoleBinding pawl-cluster-stores",
        ];
        assert_eq!(titles(&rights(Profile::Index, &[])), [&targets[..], &index, &policy].concat());
    }

    #[test]
    fn push_secrets_are_granted_where_they_are_asked_for() {
        let namespaces = ["shop".parse().unwrap()].into();
        let (profile, accounts) = (Profile::Index, BTreeSet::new());
        let rights =
            Rights { profile, pushes: true, families: false, namespaces, accounts, group: "pawl".to_owned() };
        let titles = titles(&rights.manifests());
        for title in ["ClusterRole pawl-pushes", "RoleBinding shop/pawl-pushes"] {
            assert!(titles.iter().any(|one| one == title), "{titles:?}");
        }
    }

    #[test]
    fn what_is_made_of_cluster_external_secrets_is_granted_by_namespace() {
        let namespaces = ["shop".parse().unwrap()].into();
        let (accounts, group) = (BTreeSet::new(), "pawl".to_owned());
        let all =
            Rights { profile: Profile::Index, families: true, pushes: false, namespaces, accounts, group }
                .manifests();
        let more: Vec<String> = titles(&all)
            .into_iter()
            .filter(|it| it.contains("children") || it.contains("external-secrets"))
            .collect();
        assert_eq!(
            more,
            [
                "ClusterRole pawl-children",
                "RoleBinding shop/pawl-children",
                "ClusterRole pawl-cluster-external-secrets",
                "ClusterRoleBinding pawl-cluster-external-secrets",
            ]
        );
        let in_the_cluster =
            all.iter().find(|one| one["metadata"]["name"] == "pawl-cluster-external-secrets").unwrap();
        for rule in in_the_cluster["rules"].as_array().unwrap() {
            assert_ne!(
                rule["resources"],
                json!(["externalsecrets"]),
                "no ExternalSecret is written everywhere"
            );
        }
    }

    #[test]
    fn a_group_is_quoted() {
        let rights = Rights {
            profile: Profile::Write,
            pushes: false,
            families: false,
            namespaces: BTreeSet::new(),
            accounts: BTreeSet::new(),
            group: "a'\"b".to_owned(),
        };
        let policy = rights.policy();
        let condition = &policy["spec"]["matchConditions"][0]["expression"];
        assert_eq!(condition, r#""a'\"b" in request.userInfo.groups"#);
    }
}
