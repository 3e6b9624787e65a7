//! The deployment says what the sources say: routes, variables, keys, tables; and each role may do no more than its function does
//! (security 139, 141, 142, 144). Whether it may do enough is held by `deployed.rs`.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tests::deployed::PURPOSES;
use tests::routes::{self, root};
use tests::template::{Template, texts};

/// `token` → `Token`.
fn logical(function: &str) -> String {
    let (first, rest) = function.split_at(1);
    first.to_uppercase() + rest
}

fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.map(str::to_owned).into()
}

#[test]
fn every_reference_leads_somewhere_and_nothing_waits_for_itself() {
    let template = Template::load();
    for part in ["Globals", "Resources", "Outputs"] {
        assert!(template.resolve(&template.root()[part]).is_object(), "{part}");
    }
    let mut waiting = template.dependencies();
    while !waiting.is_empty() {
        let made: BTreeSet<String> =
            waiting.iter().filter(|(_, needs)| needs.is_empty()).map(|(name, _)| (*name).to_owned()).collect();
        assert!(!made.is_empty(), "these need one another: {waiting:?}");
        waiting.retain(|name, _| !made.contains(*name));
        waiting.values_mut().for_each(|needs| needs.retain(|name| !made.contains(name)));
    }
}

#[test]
fn the_routes_are_those_of_the_sources_for_the_default_tenant_and_for_others() {
    let template = Template::load();
    let mut expected = BTreeMap::from([("$default".to_owned(), "integrations/TokenIntegration".to_owned())]);
    for route in routes::in_the_sources() {
        let Some(function) = route.function else { continue };
        let target = format!("integrations/{}Integration", logical(&function));
        let of_tenant = match route.path.as_str() {
            // RFC 8414 §3.1: the well-known segment stands first.
            metadata @ "/.well-known/oauth-authorization-server" => format!("{metadata}/t/{{tenant}}"),
            path => format!("/t/{{tenant}}{path}"),
        };
        for path in [route.path, of_tenant] {
            // ANY: a wrong method, HEAD and a preflight reach the function that knows the path.
            let other = expected.insert(format!("ANY {path}"), target.clone());
            assert!(other.is_none_or(|other| other == target), "{path} is of two functions");
        }
    }
    let mut routed = BTreeMap::new();
    for (name, route) in template.of_type("AWS::ApiGatewayV2::Route") {
        let properties = template.resolve(&route["Properties"]);
        assert_eq!(properties["ApiId"], "Api", "{name}");
        assert!(properties["AuthorizationType"].is_null(), "{name}: the functions admit callers");
        let key = properties["RouteKey"].as_str().unwrap().to_owned();
        assert!(routed.insert(key, properties["Target"].as_str().unwrap().to_owned()).is_none(), "{name} stands twice");
    }
    let missing: Vec<_> = expected.iter().filter(|(key, _)| !routed.contains_key(*key)).collect();
    let gone: Vec<_> = routed.iter().filter(|(key, _)| !expected.contains_key(*key)).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not in the template: {missing:#?}; not in the sources: {gone:#?}");
    assert_eq!(routed, expected);
    assert!(routed.len() <= 300, "an API has at most 300 routes");
}

#[test]
fn the_api_hands_every_request_over_as_it_came() {
    let template = Template::load();
    let (_, api) = template.of_type("AWS::ApiGatewayV2::Api").next().unwrap();
    assert_eq!(api["Properties"]["ProtocolType"], "HTTP");
    assert!(api["Properties"].get("CorsConfiguration").is_none(), "a preflight is the function's to answer (security 119)");
    for (name, integration) in template.of_type("AWS::ApiGatewayV2::Integration") {
        let properties = template.resolve(&integration["Properties"]);
        let function = name.strip_suffix("Integration").unwrap();
        assert_eq!(properties["IntegrationUri"], format!("{function}.Arn"));
        assert_eq!(properties["PayloadFormatVersion"], "2.0");
        // security 141: the function ends before the gateway gives up.
        let timeout = properties["TimeoutInMillis"].as_i64().unwrap();
        assert_eq!(timeout, 29_000);
        assert!(template.function(function)["Timeout"].as_i64().unwrap() * 1000 < timeout, "{function}");
        let permission = &template.root()["Resources"][format!("{function}Permission")]["Properties"];
        let permission = template.resolve(permission);
        assert_eq!(permission["Principal"], "apigateway.amazonaws.com");
        assert_eq!(permission["FunctionName"], function);
        let arn = "arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:Api/*";
        assert_eq!(permission["SourceArn"], arn, "{function}: this API and no other");
    }
}

#[test]
fn every_function_is_there_and_built_as_its_binary() {
    let template = Template::load();
    let declared: Vec<String> = template.of_type("AWS::Serverless::Function").map(|(name, _)| name.to_owned()).collect();
    let mut expected: Vec<String> = routes::functions().iter().map(|function| logical(function)).collect();
    expected.sort();
    assert_eq!(declared.iter().cloned().collect::<BTreeSet<_>>(), expected.into_iter().collect());
    for name in declared {
        let (function, properties) = (name.to_lowercase(), template.function(&name));
        let metadata = &template.root()["Resources"][&name]["Metadata"];
        assert_eq!(metadata, &json!({ "BuildMethod": "rust-cargolambda", "BuildProperties": { "Binary": function } }));
        assert_eq!(properties["CodeUri"], format!("functions/{function}"));
        assert_eq!(properties["Runtime"], "provided.al2023");
        assert_eq!(properties["Architectures"], json!(["arm64"]));
        // Those that hash passwords have a whole processor.
        let hashes = ["login", "registration", "profile"].contains(&function.as_str());
        assert_eq!(properties["MemorySize"], if hashes { 1769 } else { 512 }, "{function}");
        assert_eq!(properties["Role"], format!("{name}Role.Arn"), "{function}: a role of its own");
        assert_eq!(properties["LoggingConfig"]["LogGroup"], format!("{name}Logs"));
        let logs = &template.root()["Resources"][format!("{name}Logs")];
        assert_eq!(template.resolve(&logs["Properties"]["RetentionInDays"]), 90, "log lines end");
        assert!(properties.get("Events").is_none(), "{function}: SAM's events hide what they make");
        for hidden in ["Policies", "VpcConfig", "Layers", "FunctionUrlConfig"] {
            assert!(properties.get(hidden).is_none(), "{function}: {hidden}");
        }
    }
}

#[test]
fn the_variables_are_those_that_are_read_and_none_is_a_secret() {
    let template = Template::load();
    let source = std::fs::read_to_string(root().join("shared/src/runtime/environment.rs")).unwrap();
    let source = source.split("#[cfg(test)]").next().unwrap();
    let read: BTreeSet<String> = source
        .split("required(\"")
        .skip(1)
        .filter_map(|call| call.split('"').next())
        // Lambda sets these itself.
        .filter(|name| !name.starts_with("AWS_"))
        .map(str::to_owned)
        .collect();
    let variables = template.root()["Globals"]["Function"]["Environment"]["Variables"].as_object().unwrap();
    assert_eq!(variables.keys().cloned().collect::<BTreeSet<_>>(), read);
    for (_, function) in template.of_type("AWS::Serverless::Function") {
        assert!(function["Properties"].get("Environment").is_none(), "one list for all");
    }
    // security 142: each names a thing of this stack; none is a value of somebody's.
    let resolved = template.resolve(&Value::Object(variables.clone()));
    assert_eq!(
        resolved,
        json!({
            "LATCHKEY_ORIGIN": "Api.ApiEndpoint", "LATCHKEY_IDENTITIES_TABLE": "Identities", "LATCHKEY_KEYS_TABLE": "Keys",
            "LATCHKEY_AUDIT_TABLE": "Audit", "LATCHKEY_KMS_KEY_ID": "WrappingKey.Arn",
        })
    );
}

#[test]
fn the_tables_keep_what_they_hold() {
    // security 144
    let template = Template::load();
    let tables: BTreeMap<&str, &Value> = template.of_type("AWS::DynamoDB::Table").collect();
    assert_eq!(tables.keys().copied().collect::<Vec<_>>(), ["Audit", "Identities", "Keys"]);
    for (name, table) in &tables {
        let properties = &table["Properties"];
        assert_eq!((&table["DeletionPolicy"], &table["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")), "{name}");
        assert_eq!(properties["DeletionProtectionEnabled"], true, "{name}");
        assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST", "{name}");
        let ttl = json!({ "AttributeName": latchkey::store::item::TTL, "Enabled": true });
        assert_eq!(properties["TimeToLiveSpecification"], ttl, "{name}");
        let [pk, sk] = [latchkey::store::key::PK, latchkey::store::key::SK];
        let schema = json!([{ "AttributeName": pk, "KeyType": "HASH" }, { "AttributeName": sk, "KeyType": "RANGE" }]);
        assert_eq!(properties["KeySchema"], schema, "{name}");
        assert!(properties.get("GlobalSecondaryIndexes").is_none(), "{name}: nothing is decided by an index (security 133)");
    }
    // A destroyed data key is beyond recovery a day later.
    assert_eq!(tables["Keys"]["Properties"]["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"], 1);
    // What a removal leaves behind is never projected.
    assert_eq!(tables["Identities"]["Properties"]["StreamSpecification"], json!({ "StreamViewType": "NEW_IMAGE" }));
    let key = &template.root()["Resources"]["WrappingKey"];
    assert_eq!((&key["DeletionPolicy"], &key["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    assert_eq!(key["Properties"]["EnableKeyRotation"], true);
}

fn roles(template: &Template) -> Vec<String> {
    template.of_type("AWS::IAM::Role").map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn no_role_may_do_anything_to_everything() {
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
                // The streams of one table have names that are not known before it is made.
                let open = resource.contains('*') && resource != "Identities.Arn/stream/*";
                assert!(!open, "{role}: {resource}");
                let is_item = ["Identities.Arn", "Keys.Arn", "Audit.Arn"].contains(&resource.as_str());
                if is_item {
                    assert!(!statement.partitions().is_empty(), "{role}: {statement:?} is not fenced");
                    // A request without keys (a scan) must not pass for one whose keys are all well.
                    let guard = json!({ "dynamodb:LeadingKeys": "false" });
                    assert_eq!(statement.condition["Null"], guard, "{role}: {statement:?}");
                    assert!(
                        statement.partitions().iter().all(|part| part.len() == 3 && part.ends_with("#*") || part == "TENANTS")
                    );
                }
            }
        }
    }
    // In a key's own policy, `*` is the key.
    let policy = template.root()["Resources"]["WrappingKey"]["Properties"]["KeyPolicy"].to_string();
    assert!(!policy.contains("kms:*") && !policy.contains("\"AWS\":\"*\""), "{policy}");
}

/// Action → the beginnings of partitions, over all statements of a function on a table.
fn reach(template: &Template, function: &str, table: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut reach: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for statement in template.statements(&format!("{}Role", logical(function))) {
        if statement.resources.contains(&format!("{table}.Arn")) {
            for action in &statement.actions {
                reach.entry(action.replace("dynamodb:", "")).or_default().extend(statement.partitions());
            }
        }
    }
    reach
}

/// Who may do this to these items of a table.
fn who(template: &Template, table: &str, actions: &[&str], partition: &str) -> BTreeSet<String> {
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
fn passwords_are_read_and_written_by_those_who_check_and_set_them() {
    let template = Template::load();
    assert_eq!(who(&template, "Identities", &READS, "X#*"), set(["login", "profile"]));
    assert_eq!(who(&template, "Identities", &WRITES, "X#*"), set(["login", "profile", "registration"]));
    assert_eq!(who(&template, "Identities", &DELETES, "X#*"), set(["profile", "retention"]));
    // A removal may not hand out what it removed.
    for statement in template.statements("RetentionRole").into_iter().filter(|statement| statement.partitions().contains("X#*"))
    {
        assert_eq!(statement.condition["StringEqualsIfExists"], json!({ "dynamodb:ReturnValues": "NONE" }));
        assert_eq!(statement.actions, set(["dynamodb:DeleteItem"]));
    }
}

#[test]
fn only_erasure_removes_and_an_account_may_free_its_address() {
    // security 144
    let template = Template::load();
    for function in routes::functions() {
        for table in ["Identities", "Keys", "Audit"] {
            let removed = reach(&template, &function, table).remove("DeleteItem").unwrap_or_default();
            match (function.as_str(), table) {
                ("retention", _) => {}
                ("profile", "Identities") => assert_eq!(removed, set(["D#*", "I#*", "X#*"])),
                _ => assert_eq!(removed, BTreeSet::new(), "{function} removes from {table}"),
            }
        }
    }
}

#[test]
fn the_audit_trail_is_written_by_the_stream_and_read_for_its_person() {
    let template = Template::load();
    // An export changes nothing that a stream could tell of: its record is put by itself.
    assert_eq!(who(&template, "Audit", &WRITES, "A#*"), set(["events", "export"]));
    for partition in ["W#*", "N#*"] {
        assert_eq!(who(&template, "Audit", &WRITES, partition), set(["events"]), "{partition}");
    }
    assert_eq!(who(&template, "Audit", &READS, "A#*"), set(["profile", "export"]));
    assert_eq!(who(&template, "Audit", &READS, "N#*"), BTreeSet::new());
}

#[test]
fn a_function_gets_the_keys_of_its_purposes() {
    let template = Template::load();
    let named: BTreeSet<String> = PURPOSES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, routes::functions().into_iter().collect(), "every function is here");
    for (function, purposes) in PURPOSES {
        let declared: BTreeSet<String> = purposes.iter().map(|purpose| purpose.name().to_owned()).collect();
        let statements = template.statements(&format!("{}Role", logical(function)));
        let mut with_keys = statements.iter().filter(|statement| statement.resources.contains("WrappingKey.Arn"));
        let allowed = with_keys.next().map(|statement| {
            assert_eq!(statement.actions, set(["kms:Decrypt", "kms:Encrypt"]), "{function}");
            texts(&statement.condition["StringEquals"]["kms:EncryptionContext:purpose"])
        });
        assert_eq!(allowed.unwrap_or_default(), declared, "{function}");
        assert!(with_keys.next().is_none(), "{function}");
    }
}

#[test]
fn retention_is_started_every_hour_with_its_own_payload() {
    let template = Template::load();
    let (_, schedule) = template.of_type("AWS::Scheduler::Schedule").next().unwrap();
    let properties = template.resolve(&schedule["Properties"]);
    let input: Value = serde_json::from_str(properties["Target"]["Input"].as_str().unwrap()).unwrap();
    assert_eq!(input, json!({ "job": "retention", "time": "<aws.scheduler.scheduled-time>" }));
    assert_eq!(properties["Target"]["Arn"], "Retention.Arn");
    assert_eq!(properties["ScheduleExpression"], "cron(7 * * * ? *)");
    let role = template.statements("RetentionScheduleRole");
    let may: BTreeSet<(String, String)> =
        role.iter().flat_map(|s| s.actions.iter().flat_map(|a| s.resources.iter().map(|r| (a.clone(), r.clone())))).collect();
    let expected = [("lambda:InvokeFunction", "Retention.Arn"), ("sqs:SendMessage", "RetentionDeadLetters.Arn")];
    assert_eq!(may, expected.map(|(a, r)| (a.to_owned(), r.to_owned())).into());
    // It goes on by starting itself, and may start nothing else.
    let started: BTreeSet<String> = template
        .statements("RetentionRole")
        .into_iter()
        .filter(|statement| statement.actions.contains("lambda:InvokeFunction"))
        .flat_map(|statement| statement.resources)
        .collect();
    assert_eq!(started, set(["Retention.Arn"]));
}

/// Whether a filter of an event source lets a record in; `exists` is all that ours say.
fn admits(pattern: &Value, record: &Value) -> bool {
    pattern.as_object().unwrap().iter().all(|(name, inner)| match inner {
        Value::Array(any) => {
            assert_eq!(any, &[json!({ "exists": true })]);
            record.get(name).is_some()
        }
        inner => record.get(name).is_some_and(|record| admits(inner, record)),
    })
}

#[test]
fn the_stream_hands_over_what_carries_an_event_and_repeats_what_failed() {
    // security 139
    let template = Template::load();
    let stream = template.resolve(&template.root()["Resources"]["EventsFromStream"]["Properties"]);
    assert_eq!((&stream["FunctionName"], &stream["EventSourceArn"]), (&json!("Events"), &json!("Identities.StreamArn")));
    assert_eq!(stream["BisectBatchOnFunctionError"], true);
    assert_eq!(stream["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert!((1..=100).contains(&stream["MaximumRetryAttempts"].as_i64().unwrap()), "a poisoned record gives way");
    assert!((1..86_400).contains(&stream["MaximumRecordAgeInSeconds"].as_i64().unwrap()), "before the stream forgets it");
    assert_eq!(stream["DestinationConfig"]["OnFailure"]["Destination"], "StreamDeadLetters.Arn");
    let filters = stream["FilterCriteria"]["Filters"].as_array().unwrap();
    assert_eq!(filters.len(), 1);
    let pattern: Value = serde_json::from_str(filters[0]["Pattern"].as_str().unwrap()).unwrap();
    let text = std::fs::read_to_string(root().join("events/events-stream.json")).unwrap();
    let batch: Value = serde_json::from_str(&text).unwrap();
    let record = &batch["Records"][0];
    assert!(admits(&pattern, record), "a change with an event");
    let mut without = record.clone();
    without["dynamodb"]["NewImage"].as_object_mut().unwrap().remove(latchkey::store::item::EVENT).unwrap();
    assert!(!admits(&pattern, &without), "a change without one");
    let mut removed = record.clone();
    removed["dynamodb"].as_object_mut().unwrap().remove("NewImage").unwrap();
    assert!(!admits(&pattern, &removed), "a removal");
}

#[test]
fn every_queue_gives_up_into_one_that_is_kept() {
    // security 139
    let template = Template::load();
    let queues: BTreeMap<&str, &Value> = template.of_type("AWS::SQS::Queue").collect();
    let timeout = template.function("Events")["Timeout"].as_i64().unwrap();
    for (name, queue) in &queues {
        let properties = template.resolve(&queue["Properties"]);
        assert_eq!(properties["SqsManagedSseEnabled"], true, "{name}");
        if name.ends_with("DeadLetters") {
            assert_eq!(properties["MessageRetentionPeriod"], 14 * 86_400, "{name}");
            assert_eq!(queue["DeletionPolicy"], "Retain", "{name}");
        } else {
            assert!(
                properties["RedrivePolicy"]["deadLetterTargetArn"].as_str().unwrap().ends_with("DeadLetters.Arn"),
                "{name}"
            );
            assert!(properties["VisibilityTimeout"].as_i64().unwrap() >= 6 * timeout, "{name}: longer than its function works");
        }
    }
    for (name, source) in template.of_type("AWS::Lambda::EventSourceMapping") {
        assert_eq!(source["Properties"]["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{name}");
    }
}

/// `docs/deployment.md` says what each role may do; its rows are made here.
#[test]
fn the_table_of_the_guide_is_that_of_the_roles() {
    let template = Template::load();
    let page = std::fs::read_to_string(root().join("docs/deployment.md")).unwrap();
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
