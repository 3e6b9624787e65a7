//! The permissions of each role.

use crate::template::{guide, logical, set};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tests::deployed::PURPOSES;
use tests::routes;
use tests::template::{Statement, Template, texts};

/// Every identity that SES has verified in the stack's region and account.
const SES_IDENTITIES: [&str; 2] = [
    "arn:AWS::Partition:ses:AWS::Region:AWS::AccountId:identity/*",
    "arn:AWS::Partition:ses:AWS::Region:AWS::AccountId:configuration-set/*",
];

/// The actions that write traces.
const TRACES: [&str; 2] = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"];

pub(crate) fn roles(template: &Template) -> Vec<String> {
    template.of_type("AWS::IAM::Role").map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn no_role_has_a_permission_on_all_resources() {
    // security 144
    let template = Template::load();
    let mut functions: BTreeSet<String> =
        routes::functions().iter().map(|function| format!("{}Role", logical(function))).collect();
    functions.insert("RetentionScheduleRole".to_owned());
    assert_eq!(roles(&template).into_iter().collect::<BTreeSet<_>>(), functions);
    for role in roles(&template) {
        for statement in template.statements(&role) {
            for action in &statement.actions {
                assert!(!action.contains('*'), "{role}: {action}");
                assert!(action != "dynamodb:Scan", "{role}: {action}");
            }
            for resource in &statement.resources {
                // The names of the streams of a table and of the objects of a bucket are not known in advance. Mail is limited
                // by its sender.
                let bound = match resource.as_str() {
                    "Identities.Arn/stream/*" | "StreamFailures.Arn/*" => true,
                    // X-Ray has no resources: another test covers it.
                    "*" => statement.actions == set(TRACES),
                    resource if SES_IDENTITIES.contains(&resource) => {
                        statement.condition == json!({ "StringEquals": { "ses:FromAddress": "SenderAddress" } })
                    }
                    resource => !resource.contains('*'),
                };
                assert!(bound, "{role}: {resource}");
                let is_item = ["Identities.Arn", "Keys.Arn", "Audit.Arn"].contains(&resource.as_str());
                if is_item {
                    assert!(!statement.partitions().is_empty(), "{role}: {statement:?} has no limit on partitions");
                    // A request without keys (a scan) must not count as a request with allowed keys.
                    let guard = json!({ "dynamodb:LeadingKeys": "false" });
                    assert_eq!(statement.condition["Null"], guard, "{role}: {statement:?}");
                    // A reverse migration belongs to one tenant.
                    let is_one_tenants = role == "MigrationRole";
                    assert!(statement.partitions().iter().all(|part| match part.split_once('#') {
                        Some((kind, rest)) if is_one_tenants => {
                            kind.len() == 1 && (rest == "default#*" || (kind, rest) == ("T", "default"))
                        }
                        Some((kind, rest)) => kind.len() == 1 && rest == "*",
                        None => part == "TENANTS",
                    }));
                }
            }
        }
    }
    // In a key's own policy, `*` means the key.
    for (name, key) in template.of_type("AWS::KMS::Key") {
        let policy = key["Properties"]["KeyPolicy"].to_string();
        assert!(!policy.contains("kms:*") && !policy.contains("\"AWS\":\"*\""), "{name}: {policy}");
    }
}

#[test]
fn a_role_is_assumed_by_one_service_of_this_account() {
    // security 144
    let template = Template::load();
    for role in roles(&template) {
        let trust = template.resolve(&template.root()["Resources"][&role]["Properties"]["AssumeRolePolicyDocument"]);
        let statements = trust["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), 1, "{role}");
        let (statement, principal) = (&statements[0], statements[0]["Principal"].as_object().unwrap());
        assert_eq!((&statement["Effect"], &statement["Action"]), (&json!("Allow"), &json!("sts:AssumeRole")), "{role}");
        assert_eq!(principal.len(), 1, "{role}");
        match principal["Service"].as_str().unwrap() {
            // Lambda assumes only roles of its own account, and sends no source.
            "lambda.amazonaws.com" => assert!(statement["Condition"].is_null(), "{role}"),
            "scheduler.amazonaws.com" => {
                assert_eq!(statement["Condition"], json!({ "StringEquals": { "aws:SourceAccount": "AWS::AccountId" } }));
            }
            other => panic!("{role} is assumed by {other}"),
        }
    }
}

#[test]
fn traces_are_written_if_switched_on() {
    let template = Template::load();
    for role in roles(&template).into_iter().filter(|role| role != "RetentionScheduleRole") {
        let of_traces: Vec<_> = template.statements(&role).into_iter().filter(|s| s.resources.contains("*")).collect();
        assert_eq!(of_traces.len(), 1, "{role}");
        assert_eq!(of_traces[0].actions, set(TRACES), "{role}");
    }
    let permission = &template.root()["Resources"]["TracePermission"];
    assert!(!template.exists(permission));
    assert!(Template::load().given("Tracing", "true").exists(permission));
}

/// A role has what it shares before its function runs, and an upgrade attaches that before it takes anything away: so a role names its
/// policies, and they do not name it.
#[test]
fn a_shared_policy_is_named_by_several_roles_and_names_none() {
    let template = Template::load();
    let mut sharers: BTreeMap<String, usize> = BTreeMap::new();
    for role in roles(&template) {
        let named = template.root()["Resources"][&role]["Properties"]["ManagedPolicyArns"].as_array().cloned();
        for policy in named.unwrap_or_default() {
            *sharers.entry(policy["Ref"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    for (name, policy) in template.of_type("AWS::IAM::ManagedPolicy") {
        assert!(sharers.remove(name).is_some_and(|roles| roles > 1), "{name} is not shared");
        for direct in ["Roles", "Users", "Groups", "ManagedPolicyName"] {
            assert!(policy["Properties"].get(direct).is_none(), "{name}: {direct}");
        }
    }
    assert_eq!(sharers, BTreeMap::new(), "these are no policies of this template");
}

/// Action → prefixes of partition keys, over all statements of a function on a table.
fn reach(template: &Template, function: &str, table: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut reach: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for statement in template.statements(&format!("{}Role", logical(function))) {
        if statement.resources.contains(&format!("{table}.Arn")) {
            for action in &statement.actions {
                reach.entry(action.replace("dynamodb:", "")).or_default().extend(statement.kinds());
            }
        }
    }
    reach
}

/// The functions with this permission on these items of a table.
fn functions_with(template: &Template, table: &str, actions: &[&str], partition: &str) -> BTreeSet<String> {
    let may = |function: &String| {
        let reach = reach(template, function, table);
        actions.iter().any(|action| reach.get(*action).is_some_and(|partitions| partitions.contains(partition)))
    };
    routes::functions().into_iter().filter(may).collect()
}

const READS: [&str; 4] = ["GetItem", "BatchGetItem", "Query", "ConditionCheckItem"];
const WRITES: [&str; 2] = ["PutItem", "UpdateItem"];
const DELETES: [&str; 1] = ["DeleteItem"];

#[test]
fn passwords_are_read_and_written_only_by_functions_that_check_or_set_them() {
    let template = Template::load();
    assert_eq!(functions_with(&template, "Identities", &READS, "X#*"), set(["login", "migration", "profile", "retention"]));
    assert_eq!(functions_with(&template, "Identities", &WRITES, "X#*"), set(["login", "profile", "registration"]));
    assert_eq!(functions_with(&template, "Identities", &DELETES, "X#*"), set(["retention"]));
    // An erasure lists the keys of secrets and removes them. Neither returns a secret.
    let statements = template.statements("RetentionRole").into_iter();
    let of_secrets: Vec<_> = statements.filter(|statement| statement.partitions().contains("X#*")).collect();
    let [lists, removes] = &of_secrets[..] else { panic!("{of_secrets:?}") };
    assert_eq!(lists.actions, set(["dynamodb:Query"]));
    assert_eq!(lists.condition["StringEquals"], json!({ "dynamodb:Select": "SPECIFIC_ATTRIBUTES" }));
    assert_eq!(lists.condition["ForAllValues:StringEquals"], json!({ "dynamodb:Attributes": ["pk", "sk"] }));
    assert_eq!(removes.actions, set(["dynamodb:DeleteItem"]));
    assert_eq!(removes.condition["StringEqualsIfExists"], json!({ "dynamodb:ReturnValues": "NONE" }));
}

/// A writer of passkeys could sign in as any user (security 82, 144).
#[test]
fn passkeys_are_written_only_by_functions_that_check_or_add_them() {
    let template = Template::load();
    assert_eq!(functions_with(&template, "Identities", &READS, "P#*"), set(["export", "login", "profile", "retention"]));
    assert_eq!(functions_with(&template, "Identities", &WRITES, "P#*"), set(["login", "profile", "registration"]));
    assert_eq!(functions_with(&template, "Identities", &DELETES, "P#*"), set(["retention"]));
    // The claim of a credential id is only for uniqueness, and says why a passkey is refused.
    assert_eq!(functions_with(&template, "Identities", &READS, "K#*"), set(["login", "profile", "registration"]));
    // `login` claims one only while users are migrated from a pool: then it verifies registrations.
    assert_eq!(functions_with(&template, "Identities", &WRITES, "K#*"), set(["login", "profile", "registration"]));
    assert_eq!(functions_with(&template, "Identities", &DELETES, "K#*"), set(["retention"]));
}

#[test]
fn only_erasure_removes_items_and_an_account_may_free_its_address() {
    // security 144
    let template = Template::load();
    for function in routes::functions() {
        for table in ["Identities", "Keys", "Audit"] {
            let removed = reach(&template, &function, table).remove("DeleteItem").unwrap_or_default();
            match (function.as_str(), table) {
                ("retention", _) => {}
                ("profile", "Identities") => assert_eq!(removed, set(["D#*", "I#*"])),
                // A restoration replaces the record of the request.
                ("profile", "Keys") => assert_eq!(removed, set(["R#*"])),
                _ => assert_eq!(removed, BTreeSet::new(), "{function} removes from {table}"),
            }
        }
    }
}

#[test]
fn the_audit_trail_is_written_by_the_stream_and_read_for_its_user() {
    let template = Template::load();
    // An export has no stream record: its audit record is written directly.
    assert_eq!(functions_with(&template, "Audit", &WRITES, "A#*"), set(["events", "export"]));
    for partition in ["W#*", "N#*"] {
        assert_eq!(functions_with(&template, "Audit", &WRITES, partition), set(["events"]), "{partition}");
    }
    assert_eq!(functions_with(&template, "Audit", &READS, "A#*"), set(["profile", "export"]));
    assert_eq!(functions_with(&template, "Audit", &READS, "W#*"), set(["export"]));
    assert_eq!(functions_with(&template, "Audit", &READS, "N#*"), BTreeSet::new());
}

#[test]
fn a_function_gets_the_keys_of_its_purposes() {
    let template = Template::load();
    let named: BTreeSet<String> = PURPOSES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, routes::functions().into_iter().collect(), "every function is listed");
    for (function, purposes) in PURPOSES {
        let declared: BTreeSet<String> = purposes.iter().map(|purpose| purpose.name().to_owned()).collect();
        let statements = template.statements(&format!("{}Role", logical(function)));
        let with_keys = statements.iter().filter(|statement| statement.resources.contains("WrappingKey.Arn"));
        let (mut wraps, mut unwraps) = (BTreeSet::new(), BTreeSet::new());
        for statement in with_keys {
            let purposes = texts(&statement.condition["StringEquals"]["kms:EncryptionContext:purpose"]);
            assert!(statement.actions.is_subset(&set(["kms:Decrypt", "kms:Encrypt"])), "{function}");
            if statement.actions.contains("kms:Encrypt") {
                wraps.extend(purposes.clone());
            }
            if statement.actions.contains("kms:Decrypt") {
                unwraps.extend(purposes);
            }
        }
        assert_eq!(wraps, declared, "{function}");
        // Only a function that signs unwraps a private half. The others verify, and make the next key when it is due.
        let signs = ["token", "export"].contains(&function);
        let opened: BTreeSet<String> = declared.into_iter().filter(|purpose| signs || purpose != "signing").collect();
        assert_eq!(unwraps, opened, "{function}");
    }
}

#[test]
fn only_events_sends_mail_from_one_address() {
    // security 139, 144
    let template = Template::load();
    for role in roles(&template) {
        let may: BTreeMap<String, BTreeSet<String>> = template
            .statements(&role)
            .into_iter()
            .flat_map(|statement| {
                statement.actions.into_iter().map(move |action| (action, statement.resources.clone())).collect::<Vec<_>>()
            })
            .filter(|(action, resources)| action.starts_with("ses:") || resources.contains("MailQueue.Arn"))
            .collect();
        if role != "EventsRole" {
            assert!(may.is_empty(), "{role}: {may:?}");
            continue;
        }
        let queue = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"];
        let mut expected = BTreeMap::from(queue.map(|action| (action.to_owned(), set(["MailQueue.Arn"]))));
        expected.insert("ses:SendEmail".to_owned(), set(SES_IDENTITIES));
        assert_eq!(may, expected);
    }
    let sender = &template.root()["Parameters"]["SenderAddress"];
    assert!(sender.get("Default").is_none(), "the sender has no default");
}

/// Only login may call a user pool, and only the configured one. Without a pool, only registration creates
/// accounts.
#[test]
fn only_login_may_call_the_user_pool_if_there_is_one() {
    // security 144
    let arn = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_AbCdEfGhI";
    let template = Template::load().given("UserPoolArn", arn);
    for role in roles(&template) {
        let statements = template.statements(&role).into_iter();
        let of_pools: Vec<_> =
            statements.filter(|statement| statement.actions.iter().any(|action| action.starts_with("cognito"))).collect();
        if role != "LoginRole" {
            assert!(of_pools.is_empty(), "{role}: {of_pools:?}");
            continue;
        }
        let [asks] = &of_pools[..] else { panic!("{of_pools:?}") };
        assert_eq!(
            asks.actions,
            set([
                "cognito-idp:AdminGetUser",
                "cognito-idp:AdminInitiateAuth",
                "cognito-idp:AdminListGroupsForUser",
                "cognito-idp:GetUserPoolMfaConfig"
            ])
        );
        assert_eq!(asks.resources, set([arn]));
    }
    assert_eq!(functions_with(&template, "Identities", &WRITES, "I#*"), set(["login", "profile", "registration"]));
    let policy = &template.root()["Resources"]["TakingOver"];
    assert!(template.exists(policy) && !Template::load().exists(policy));
    assert_eq!(policy["Properties"]["Roles"], json!([{ "Ref": "LoginRole" }]));
}

/// Only the configured pool may start the trigger, if it is switched on. Without the switch it reaches nothing.
#[test]
fn a_return_pool_starts_one_function_and_only_if_configured() {
    let arn = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Next";
    let (without, with) = (Template::load(), Template::load().given("ReturnPoolArn", arn));
    for part in ["HandingOver", "MigrationPermission"] {
        assert!(with.exists(&with.root()["Resources"][part]) && !without.exists(&without.root()["Resources"][part]), "{part}");
    }
    let permission = with.resolve(&with.root()["Resources"]["MigrationPermission"]["Properties"]);
    assert_eq!(permission["Principal"], "cognito-idp.amazonaws.com");
    assert_eq!((&permission["SourceArn"], &permission["SourceAccount"]), (&json!(arn), &json!("AWS::AccountId")));
    assert_eq!(with.root()["Resources"]["HandingOver"]["Properties"]["Roles"], json!([{ "Ref": "MigrationRole" }]));
    let own = &with.root()["Resources"]["MigrationRole"]["Properties"]["Policies"];
    assert_eq!(own.as_array().map(Vec::len), Some(1));
    assert_eq!(own[0]["PolicyDocument"]["Statement"].as_array().map(Vec::len), Some(1), "its log only");
    let shared = &with.root()["Resources"]["MigrationRole"]["Properties"]["ManagedPolicyArns"];
    assert!(shared.is_null(), "no shared policy");
    // It reaches no other tenant.
    let acme = with.given("ReturnTenant", "acme");
    let reached: BTreeSet<String> = acme.statements("MigrationRole").iter().flat_map(Statement::partitions).collect();
    assert_eq!(reached, set(["A#acme#*", "D#acme#*", "I#acme#*", "T#acme", "W#acme#*", "X#acme#*"]));
    let keys = acme.statements("MigrationRole").into_iter().find(|statement| statement.resources.contains("WrappingKey.Arn"));
    assert_eq!(keys.unwrap().condition["StringEquals"]["kms:EncryptionContext:tenant"], "acme");
    // A pool waits five seconds for its trigger.
    assert_eq!(acme.function("Migration")["Timeout"], 5);
}

/// `docs/deployment.md` lists the permissions of each role. This test generates its rows.
#[test]
fn the_table_in_the_guide_matches_the_roles() {
    let template = Template::load();
    let page = guide();
    let mut missing = Vec::new();
    for (function, purposes) in PURPOSES {
        let cell = |actions: &[&str]| {
            let mut of_tables = Vec::new();
            for table in ["Identities", "Keys", "Audit"] {
                let reach = reach(&template, function, table);
                let partitions: BTreeSet<&str> =
                    actions.iter().filter_map(|action| reach.get(*action)).flatten().map(String::as_str).collect();
                let letters: Vec<&str> = partitions.into_iter().map(|partition| partition.trim_end_matches("#*")).collect();
                match (letters.is_empty(), table) {
                    (true, _) => {}
                    (false, "Identities") => of_tables.push(letters.join(" ")),
                    (false, _) => of_tables.push(format!("{}: {}", table.to_lowercase(), letters.join(" "))),
                }
            }
            if of_tables.is_empty() { "–".to_owned() } else { of_tables.join("; ") }
        };
        let mut keys: Vec<&str> = purposes.iter().map(|purpose| purpose.name()).collect();
        keys.sort_unstable();
        let keys = if keys.is_empty() { "–".to_owned() } else { keys.join(", ") };
        let row = format!("| `{function}` | {} | {} | {} | {keys} |", cell(&READS), cell(&WRITES), cell(&DELETES));
        if !page.contains(&row) {
            missing.push(row);
        }
    }
    assert!(missing.is_empty(), "docs/deployment.md lacks these rows:\n{}", missing.join("\n"));
}
