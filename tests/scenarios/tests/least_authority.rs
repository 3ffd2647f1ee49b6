//! What the templates and examples give away by default: nothing that was not asked for.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read has failed the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The lines of a resource of the template, without its comments.
fn resource(template: &str, name: &str) -> String {
    let begin = format!("  {name}:");
    let lines = template.lines().skip_while(|line| **line != begin);
    let own = lines.skip(1).take_while(|line| line.is_empty() || line.starts_with("    "));
    let found: Vec<&str> = own.filter(|line| !line.trim_start().starts_with('#')).collect();
    assert!(!found.is_empty(), "the template has no {name}");
    found.join("\n")
}

fn templates() -> Vec<(String, String)> {
    let infra = fs::read_dir(root().join("infra")).unwrap().map(|entry| entry.unwrap().path());
    let yaml = infra.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let mut found: Vec<(String, String)> =
        yaml.map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect();
    found.push(("template.yaml".to_owned(), text("template.yaml")));
    found
}

#[test]
fn no_parameter_of_a_template_allows_everything_by_default() {
    for (name, template) in templates() {
        for line in template.lines().map(str::trim) {
            assert!(!matches!(line, "Default: \"*\"" | "Default: '*'" | "Default: *"), "{name}: {line}");
        }
    }
}

#[test]
fn a_condition_on_all_values_does_not_pass_where_there_is_none() {
    for (name, template) in templates() {
        let lines: Vec<&str> = template.lines().collect();
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("ForAllValues:")) {
            let next = lines.get(number + 1).copied().unwrap_or_default();
            assert!(
                next.contains("Null"),
                "{name}: {}: without Null it passes where no key is named",
                line.trim()
            );
        }
    }
}

/// The name of each resource of the template that is of this type.
fn resources_of(template: &str, kind: &str) -> Vec<String> {
    let lines: Vec<&str> = template.lines().collect();
    let is_of = |pair: &&[&str]| pair[1] == format!("    Type: {kind}");
    let names = lines.windows(2).filter(is_of).map(|pair| pair[0].trim().trim_end_matches(':').to_owned());
    names.collect()
}

#[test]
fn every_rule_may_put_what_it_could_not_deliver_where_it_says() {
    let template = text("template.yaml");
    let access = resource(&template, "UndeliveredAccess");
    let rules = resources_of(&template, "AWS::Events::Rule");
    assert!(rules.len() > 4, "{rules:?}");
    for rule in rules {
        let queue = "DeadLetterConfig: { Arn: !GetAtt Undelivered.Arn }";
        assert!(resource(&template, &rule).contains(queue), "{rule} loses what it cannot deliver");
        assert!(access.contains(&format!("!GetAtt {rule}.Arn")), "{rule} may not send to Undelivered");
    }
}

#[test]
fn no_function_may_write_clusters_and_policies() {
    let template = text("template.yaml");
    let state = resource(&template, "StateAccess");
    let denied = state.split("Effect: Deny").nth(1).unwrap_or_default();
    for action in
        ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"]
    {
        assert!(denied.contains(action), "{action}");
    }
    assert!(
        denied.contains("ForAnyValue:StringEquals: { \"dynamodb:LeadingKeys\": [clusters, policies] }"),
        "{denied}"
    );
    // Whoever has a right to the table has this policy.
    let roles = state.lines().find(|line| line.trim().starts_with("Roles:")).unwrap();
    for role in ["SyncRole", "DeliverRole", "SweepRole", "IndexRole", "PushRole"] {
        assert!(roles.contains(role), "{role}");
        assert!(template.contains(&format!("  {role}:\n")));
    }
    // And it is the partition in which they are: an administrator's policy names the same one.
    assert!(resource(&template, "ClusterAdminAccess").contains("[clusters, policies]"));
    assert!(
        resource(&template, "ApplyAccess")
            .contains("ForAllValues:StringNotEquals: { \"dynamodb:LeadingKeys\": [clusters, policies] }")
    );
    let keys = text("shared/aws/src/table/key.rs");
    for partition in ["clusters", "policies"] {
        assert!(keys.contains(&format!("pk: \"{partition}\".to_owned()")), "{partition}");
    }
}

#[test]
fn every_queue_wants_tls() {
    let template = text("template.yaml");
    let lines: Vec<&str> = template.lines().collect();
    let queues: BTreeSet<&str> = lines
        .windows(2)
        .filter(|pair| pair[1].trim() == "Type: AWS::SQS::Queue")
        .map(|pair| pair[0].trim().trim_end_matches(':'))
        .collect();
    assert!(queues.len() >= 5, "{queues:?}");
    for queue in queues {
        let policies =
            ["EventsAccess", "UndeliveredAccess", "OtherQueuesAccess"].map(|name| resource(&template, name));
        let of_queue = |policy: &&String| {
            let queues = policy.lines().find(|line| line.trim().starts_with("Queues:")).unwrap();
            queues.split(['[', ']', ',']).any(|word| word.trim() == format!("!Ref {queue}"))
        };
        let policy = policies.iter().find(of_queue).unwrap_or_else(|| panic!("{queue} has no policy"));
        assert!(policy.contains("\"aws:SecureTransport\": \"false\""), "{queue}");
    }
}

#[test]
fn the_url_for_audit_records_is_off_bounded_and_keeps_its_token_to_itself() {
    let template = text("template.yaml");
    assert!(resource(&template, "VaultAuditUrl").contains("Default: none"));
    let function = resource(&template, "VaultAudit");
    assert!(function.contains("ReservedConcurrentExecutions"));
    assert!(function.contains("PAWL_AUDIT_TOKEN_SECRET") && !function.contains("PAWL_AUDIT_TOKEN:"));
    assert!(resource(&template, "VaultAuditFunctionUrl").contains("!If [HasVaultAuditIam, AWS_IAM, NONE]"));
    assert!(resource(&template, "VaultAuditByUrl").contains("Condition: HasVaultAuditToken"));
}

#[test]
fn the_url_for_other_clouds_is_off_bounded_and_keeps_its_token_to_itself() {
    let template = text("template.yaml");
    for parameter in
        ["PubSubAudience", "PubSubAccount", "EventGridTokenSecret", "EventGridTenant", "EventGridAudience"]
    {
        assert!(resource(&template, parameter).contains("Default: \"\""), "{parameter}");
    }
    let function = resource(&template, "Intake");
    assert!(function.contains("ReservedConcurrentExecutions"));
    assert!(
        !function.contains("PAWL_AZURE_EVENT_TOKEN:"),
        "the token does not stand in the function's environment"
    );
    for name in ["IntakeFunctionUrl", "IntakeByUrl", "IntakeOnlyByUrl"] {
        assert!(resource(&template, name).contains("Condition: HasIntake"), "{name}");
    }
    let role = resource(&template, "IntakeRole");
    let actions: Vec<&str> = role.lines().filter_map(|line| line.trim().strip_prefix("Action: ")).collect();
    let want =
        ["[logs:CreateLogStream, logs:PutLogEvents]", "events:PutEvents", "secretsmanager:GetSecretValue"];
    assert_eq!(actions, want);
}

#[test]
fn the_bus_takes_only_what_named_accounts_say_of_stores() {
    let template = text("template.yaml");
    let access = resource(&template, "BusAccess");
    assert!(access.contains("Principal: { AWS: !Ref EventAccounts }"), "{access}");
    assert!(
        access.contains("StringEquals: { \"events:source\": [aws.secretsmanager, aws.ssm, pawl.dev] }"),
        "{access}"
    );
    // Whoever is not of the organization is nobody.
    let access = resource(&template, "BusAccessOfOrganization");
    assert!(access.contains("Condition: HasEventOrganization"), "{access}");
    let (_, condition) = access.split_once("Principal: \"*\"").unwrap();
    assert!(condition.contains("\"aws:PrincipalOrgID\": !Ref EventOrganization"), "{access}");
    assert!(condition.contains("\"events:source\": [aws.secretsmanager, aws.ssm, pawl.dev]"), "{access}");
}

#[test]
fn roles_are_trusted_by_name_and_by_nobody_else_of_the_account() {
    let template = text("template.yaml");
    for role in ["ClusterRole", "OwnSecretsRole"] {
        let role = resource(&template, role);
        let (trust, _) = role.split_once("Policies:").unwrap();
        assert!(trust.contains(":root\""), "{trust}");
        let (_, condition) =
            trust.split_once("Condition:\n            ").unwrap_or_else(|| panic!("{trust}"));
        assert!(condition.contains("ArnEquals:") && condition.contains("aws:PrincipalArn:"), "{trust}");
        assert_eq!(trust.matches("Effect: Allow").count(), 1, "{trust}");
        assert!(!condition.contains('*'), "{condition}");
    }
}

#[test]
fn codedeploy_may_move_the_aliases_and_nothing_else() {
    let role = resource(&text("template.yaml"), "DeploymentRole");
    assert!(
        role.contains("Service: codedeploy.amazonaws.com") && !role.contains("ManagedPolicyArns"),
        "{role}"
    );
    let (_, statements) = role.split_once("Policies:").unwrap();
    let actions: Vec<&str> = statements.lines().filter(|line| line.contains("Action:")).collect();
    let [aliases, alarms] = actions[..] else { panic!("{actions:?}") };
    assert!(
        aliases.contains("[lambda:GetAlias, lambda:UpdateAlias, lambda:GetProvisionedConcurrencyConfig]")
    );
    assert!(alarms.contains("cloudwatch:DescribeAlarms"), "{alarms}");
    for function in ["Sync", "Deliver", "Sweep", "Index"] {
        assert!(statements.contains(&format!("\"${{{function}.Arn}}:live\"")), "{function}");
    }
    assert_eq!(statements.matches("\"*\"").count(), 1, "alarms alone cannot be narrowed: {statements}");
}

#[test]
fn roles_of_vault_are_for_namespaces_by_name_and_for_one_server() {
    let roles = text("infra/vault/roles.sh");
    let kubernetes = roles.split("kubernetes)").nth(1).unwrap().split(";;").next().unwrap();
    assert!(!roles.contains("='*'"), "a role for every namespace reads whatever its policy allows");
    assert!(kubernetes.contains("bound_service_account_namespaces=\"${NAMESPACES:?"), "{kubernetes}");
    assert!(
        kubernetes.contains("pawl-by-namespace.hcl") && kubernetes.contains("audience=vault"),
        "{kubernetes}"
    );
    assert!(text("infra/vault/pawl-by-namespace.hcl").contains("metadata.service_account_namespace}}/*"));
    let aws = roles.split("aws)").nth(1).unwrap();
    assert!(aws.contains("iam_server_id_header_value=\"${SERVER_ID:?"), "{aws}");
}

#[test]
fn what_is_known_of_advisories_has_a_date() {
    let deny = text("deny.toml");
    let advisories = deny.split("[advisories]").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(advisories.contains("yanked = \"deny\"") && advisories.contains("ignore = []"), "{advisories}");
    let dated = advisories.split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        word.len() == 10 && word.split('-').map(str::len).eq([4, 2, 2])
    });
    assert!(dated, "{advisories}");
}

/// The policies of a role: those that name it, and its own.
fn policies_of(template: &str, role: &str) -> Vec<String> {
    let lines: Vec<&str> = template.lines().collect();
    let managed = lines.windows(2).filter(|pair| pair[1].trim() == "Type: AWS::IAM::ManagedPolicy");
    let managed = managed.map(|pair| resource(template, pair[0].trim().trim_end_matches(':')));
    let name = format!("!Ref {role}");
    let named = |policy: &String| {
        let roles = policy.lines().find(|line| line.trim().starts_with("Roles:")).unwrap_or_default();
        roles.split(['[', ']', ',']).any(|word| word.trim() == name)
    };
    managed.filter(named).chain([resource(template, role)]).collect()
}

#[test]
fn index_may_assume_no_role_of_a_store_and_read_no_secret() {
    let template = text("template.yaml");
    let index = policies_of(&template, "IndexRole");
    assert!(index.len() >= 3, "state, clusters and its own: {index:?}");
    for policy in &index {
        for other in ["StoreRoles", "ReadableSecrets", "ReadableParameters", "DecryptableKeys"] {
            assert!(!policy.contains(other), "index has {other}: {policy}");
        }
        // What it may assume are the roles of clusters and that of Pawl's own secrets, and no pattern.
        let (_, own) = policy.split_once("Policies:").unwrap_or(("", policy));
        for (number, line) in own.lines().enumerate().filter(|(_, line)| line.contains("sts:AssumeRole")) {
            let resource = own.lines().nth(number + 1).unwrap().trim();
            let allowed = [
                "Resource: !If [MakesClusterRole, !GetAtt ClusterRole.Arn, !Ref ExistingClusterRole]",
                "Resource: !Ref ClusterRoles",
                "Resource: !If [MakesOwnSecretsRole, !GetAtt OwnSecretsRole.Arn, !Ref OwnSecretsRoleArn]",
            ];
            assert!(allowed.contains(&resource), "{line}: {resource}");
        }
    }
    for role in ["SyncRole", "DeliverRole", "SweepRole"] {
        let policies = policies_of(&template, role);
        assert!(policies.iter().any(|policy| policy.contains("Resource: !Ref StoreRoles")), "{role}");
    }
    // So it cannot validate stores, and leaves that to the sweep.
    assert!(template.contains("PAWL_STORE_STATUS_INTERVAL: !Sub \"${IndexInterval}m\""));
    // Roles of stores elsewhere are told to trust those that read stores, and no others.
    let outputs = template.split("StoreFunctionRoleArns:").nth(1).unwrap();
    let value = outputs.lines().find(|line| line.trim().starts_with("Value:")).unwrap();
    assert!(value.contains("SweepRole.Arn") && !value.contains("IndexRole"), "{value}");
}

#[test]
fn own_secrets_are_read_by_one_role_and_by_no_function_itself() {
    let template = text("template.yaml");
    let own = resource(&template, "OwnSecretsRole");
    let key = "Resource: !If [MakesLedgerKey, !Ref LedgerKey, !Ref ExistingLedgerKey]";
    for secret in [key, "Resource: !Ref ClusterTokenSecrets"] {
        assert!(own.contains(secret), "{secret}");
    }
    // Sessions of stores have tags; a trust policy without sts:TagSession does not let them in.
    assert!(own.contains("Action: sts:AssumeRole") && !own.contains("TagSession"), "{own}");
    assert!(
        !own.contains("VaultAuditRole") && !own.contains("IntakeRole"),
        "who reads what others send reads no key and no token of a cluster"
    );
    assert!(template.contains("PAWL_OWN_SECRETS_ROLE: !If [MakesOwnSecretsRole"));

    for role in ["SyncRole", "DeliverRole", "SweepRole", "IndexRole", "PushRole"] {
        let policies = policies_of(&template, role).join("\n");
        let statements: Vec<&str> = policies.split("- Effect: ").collect();
        for secret in [
            "!Ref LedgerKey",
            "!Ref ClusterTokenSecrets",
            "!Ref VaultAuditTokenSecret",
            "!Ref EventGridTokenSecret",
        ] {
            let of_secret = statements.iter().filter(|statement| statement.contains(secret));
            let effects: Vec<&str> = of_secret.map(|statement| statement.lines().next().unwrap()).collect();
            assert_eq!(effects, ["Deny"], "{role}: {secret}");
        }
    }
}

/// What a sink calls is granted for what stores without a role write, but for resource policies, which open a secret to others.
#[test]
fn push_may_call_what_its_sinks_call_and_no_more_for_its_stores_without_a_role() {
    let template = text("template.yaml");
    let granted = resource(&template, "PushValueAccess");
    let left_out = ["GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy"];
    let mut called = BTreeSet::new();
    for (service, files) in [
        ("secretsmanager", &["secrets_manager/push.rs", "secrets_manager/push/around.rs"][..]),
        ("ssm", &["parameter_store/push.rs"][..]),
    ] {
        for file in files {
            let code: String = text(&format!("shared/aws/src/sources/{file}")).split_whitespace().collect();
            // What reads call as well stands with them.
            let code = code.replace("self.describe(", "self.client.describe_parameters(");
            for call in code.split("self.client.").skip(1) {
                let (name, _) = call.split_once('(').unwrap();
                let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
                let action = words.collect::<String>();
                if !left_out.contains(&action.as_str()) {
                    called.insert(format!("{service}:{action}"));
                }
            }
        }
    }
    let own = ["secretsmanager:", "ssm:"];
    let words = granted.split_whitespace().filter(|word| own.iter().any(|service| word.starts_with(service)));
    assert_eq!(words.map(str::to_owned).collect::<BTreeSet<_>>(), called);
}

#[test]
fn what_is_bound_in_a_whole_cluster_makes_no_tokens() {
    let rights = text("infra/kubernetes/rbac.yaml");
    let documents: Vec<&str> = rights.split("\n---\n").collect();
    let named = |kind: &str, name: &str| {
        let is_meant = |document: &&&str| {
            document.contains(&format!("\nkind: {kind}\n"))
                && document.contains(&format!("\n  name: {name}\n"))
        };
        documents.iter().find(is_meant).map(|document| (*document).to_owned())
    };
    let bound: BTreeSet<&str> = documents
        .iter()
        .filter(|document| document.contains("\nkind: ClusterRoleBinding\n"))
        .map(|document| {
            let role = document.split("kind: ClusterRole, name: ").nth(1).unwrap();
            role.split(' ').next().unwrap()
        })
        .collect();
    assert_eq!(
        bound,
        BTreeSet::from(["pawl", "pawl-index"]),
        "and the other roles are bound by namespace, if at all"
    );
    for role in bound {
        let role = named("ClusterRole", role).unwrap();
        let rules: Vec<&str> = role.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        let rules = rules.join("\n");
        for never in ["serviceaccounts", "*", "impersonate", "escalate", "bind]", "rolebindings", "pods"] {
            assert!(!rules.contains(never), "{never}: {rules}");
        }
    }
    // Rights by namespace come first.
    let (before, _) = rights.split_once("apiVersion:").unwrap();
    assert!(before.lines().take(4).any(|line| line.contains("pawl rbac --namespaces")), "{before}");
}

/// Whoever has no `pawl` at hand takes the Kustomize base, and gets the same.
#[test]
fn the_kustomize_base_grants_what_pawl_rbac_prints() {
    let printed = text("cli/tests/offline/rbac-index/expected.txt").replace("pawl-blue", "pawl");
    let (_, printed) = printed.split_once("standard output:\n").unwrap();
    let (printed, _) = printed.split_once("\nstandard error").unwrap();
    let base: String = [
        "write/targets.yaml",
        "write/policy.yaml",
        "index/declarations.yaml",
        "namespace/write/targets.yaml",
        "namespace/index/declarations.yaml",
    ]
    .map(|file| text(&format!("infra/kubernetes/{file}")))
    .concat();
    let mut found = 0;
    for document in printed.split("\n---\n") {
        // Tokens are for named accounts, which only `pawl rbac` can know.
        if document.contains("pawl-tokens-of-") {
            continue;
        }
        let document = document.replace("  namespace: shop\n", "");
        assert!(base.contains(document.trim_end()), "the base differs from:\n{document}");
        found += 1;
    }
    assert_eq!(base.matches("\nkind: ").count(), found, "the base has more than pawl rbac prints");
}

#[test]
fn accounts_that_pawl_serves_let_in_its_functions_by_name_and_index_not_to_their_stores() {
    let member = text("infra/member.yaml");
    let reads = ["sync", "deliver", "sweep"];
    for (role, functions) in
        [("StoreRole", &reads[..]), ("ClusterRole", &["sync", "deliver", "sweep", "index"])]
    {
        let role = resource(&member, role);
        let (trust, _) = role.split_once("Policies:").unwrap();
        let name =
            |line: &'_ str| line.split_once("${PawlRolePrefix}-")?.1.strip_suffix('"').map(str::to_owned);
        let trusted: Vec<String> = trust.lines().filter_map(name).collect();
        assert_eq!(trusted, functions, "{trust}");
        assert!(
            trust.contains("ArnEquals:\n                aws:PrincipalArn:") && !trust.contains('*'),
            "{trust}"
        );
    }
    let module = text("infra/terraform/main.tf");
    let (_, store) = module.split_once("resource \"aws_iam_role\" \"store\"").unwrap();
    let (store, _) = store.split_once("\n}\n").unwrap();
    assert!(store.contains("for name, arn in local.pawl_roles : arn if name != \"index\""), "{store}");
}
