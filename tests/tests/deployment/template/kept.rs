//! The data that a deployment can't lose.

use crate::template::roles::roles;
use crate::template::set;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tests::template::{Template, texts};

#[test]
fn the_tables_are_protected_and_backed_up() {
    // security 144
    let template = Template::load();
    let tables: BTreeMap<&str, &Value> = template.of_type("AWS::DynamoDB::Table").collect();
    assert_eq!(tables.keys().copied().collect::<Vec<_>>(), ["Audit", "Identities", "Keys"]);
    for (name, table) in &tables {
        let properties = &table["Properties"];
        assert_eq!(
            (&table["DeletionPolicy"], &table["UpdateReplacePolicy"]),
            (&json!("RetainExceptOnCreate"), &json!("Retain")),
            "{name}"
        );
        assert_eq!(properties["DeletionProtectionEnabled"], true, "{name}");
        assert_eq!(properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST", "{name}");
        let ttl = json!({ "AttributeName": latchkey::store::item::TTL, "Enabled": true });
        assert_eq!(properties["TimeToLiveSpecification"], ttl, "{name}");
        let [pk, sk] = [latchkey::store::key::PK, latchkey::store::key::SK];
        let schema = json!([{ "AttributeName": pk, "KeyType": "HASH" }, { "AttributeName": sk, "KeyType": "RANGE" }]);
        assert_eq!(properties["KeySchema"], schema, "{name}");
        assert!(properties.get("GlobalSecondaryIndexes").is_none(), "{name}: no decision uses an index (security 133)");
    }
    // A destroyed data key is unrecoverable one day later.
    assert_eq!(tables["Keys"]["Properties"]["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"], 1);
    // The remains of a removed item are not processed.
    assert_eq!(tables["Identities"]["Properties"]["StreamSpecification"], json!({ "StreamViewType": "NEW_IMAGE" }));
    let key = &template.root()["Resources"]["WrappingKey"];
    assert_eq!((&key["DeletionPolicy"], &key["UpdateReplacePolicy"]), (&json!("RetainExceptOnCreate"), &json!("Retain")));
    assert_eq!(key["Properties"]["EnableKeyRotation"], true);
}

/// Resources that hold identities, their keys, or failed records.
const IDENTITY_RESOURCES: [&str; 7] =
    ["Identities", "Keys", "Audit", "WrappingKey", "StreamFailures", "MailDeadLetters", "RetentionDeadLetters"];

/// Whether a value depends on a parameter or a condition.
fn depends_on_parameters(template: &Template, value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(|value| depends_on_parameters(template, value)),
        Value::Object(map) => map.iter().any(|(key, value)| match (key.as_str(), value) {
            ("Fn::If" | "Fn::Transform" | "Fn::FindInMap" | "Fn::ImportValue", _) => true,
            ("Ref", Value::String(name)) => template.root()["Parameters"].get(name).is_some(),
            ("Fn::Sub", text) => {
                let text = text.to_string();
                let mut parameters = template.root()["Parameters"].as_object().unwrap().keys();
                parameters.any(|name| text.contains(&format!("${{{name}}}")))
            }
            (_, value) => depends_on_parameters(template, value),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[test]
fn no_parameter_can_replace_or_unprotect_a_resource_with_identities() {
    // security 144: none of these depends on a parameter, so no parameter of a deployment can delete them.
    let template = Template::load();
    for name in IDENTITY_RESOURCES {
        let holder = &template.root()["Resources"][name];
        assert!(holder.is_object(), "{name}");
        assert_eq!(
            (&holder["DeletionPolicy"], &holder["UpdateReplacePolicy"]),
            (&json!("RetainExceptOnCreate"), &json!("Retain")),
            "{name}"
        );
        assert!(holder.get("Condition").is_none(), "{name} exists with every switch");
        assert!(!depends_on_parameters(&template, holder), "{name} depends on a parameter");
        for named in ["TableName", "BucketName", "QueueName", "KeyId"] {
            assert!(
                holder["Properties"].get(named).is_none(),
                "{name}: a name of one's own is one that can be changed, or taken"
            );
        }
    }
    let table = |name: &str| template.root()["Resources"][name]["Properties"]["AttributeDefinitions"].clone();
    for name in ["Identities", "Keys", "Audit"] {
        let names: BTreeSet<_> =
            table(name).as_array().unwrap().iter().map(|of| of["AttributeName"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, set(["pk", "sk"]), "{name}");
    }
    let key = &template.root()["Resources"]["WrappingKey"]["Properties"];
    for decided in ["KeySpec", "KeyUsage", "Origin", "MultiRegion"] {
        assert!(key.get(decided).is_none(), "{decided}: the default of KMS, never changed");
    }
    assert_eq!(key["PendingWindowInDays"], 30);
    // Log lines are kept, although they hold no identities. Only their retention is a parameter.
    for (name, group) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!(group["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(group["Properties"], json!({ "RetentionInDays": { "Ref": "LogRetention" } }), "{name}");
    }
    let nothing_else =
        template.resources().filter(|(_, of)| of["DeletionPolicy"] == "RetainExceptOnCreate").map(|(name, _)| name);
    let logs = template.of_type("AWS::Logs::LogGroup").map(|(name, _)| name);
    let others = ["StreamFailuresPolicy", "SigningKeyEs256", "SigningKeyRs256"];
    let expected: BTreeSet<&str> = IDENTITY_RESOURCES.into_iter().chain(logs).chain(others).collect();
    assert_eq!(nothing_else.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn failed_stream_records_are_kept_for_two_weeks_and_protected() {
    // security 139, 144
    let template = Template::load();
    let buckets: Vec<_> = template.of_type("AWS::S3::Bucket").map(|(name, _)| name).collect();
    assert_eq!(buckets, ["StreamFailures"]);
    let bucket = &template.root()["Resources"]["StreamFailures"];
    assert_eq!((&bucket["DeletionPolicy"], &bucket["UpdateReplacePolicy"]), (&json!("RetainExceptOnCreate"), &json!("Retain")));
    let properties = template.resolve(&bucket["Properties"]);
    let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"];
    assert_eq!(encryption, &json!([{ "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }]));
    assert_eq!(properties["OwnershipControls"], json!({ "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] }));
    let public = properties["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert!(public.len() == 4 && public.values().all(|blocked| blocked == true), "{public:?}");
    let rules = properties["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!((&rules[0]["Status"], &rules[0]["ExpirationInDays"]), (&json!("Enabled"), &json!(14)));
    assert!(rules[0].get("Prefix").is_none() && rules[0].get("TagFilters").is_none(), "every object expires");
    assert!(properties.get("VersioningConfiguration").is_none(), "an expired object is deleted");
    let policy = template.resolve(&template.root()["Resources"]["StreamFailuresPolicy"]["Properties"]);
    let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
    assert!(statements.iter().all(|statement| statement["Effect"] == "Deny"), "it allows no access: {statements:?}");
    assert_eq!(statements[0]["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
    assert_eq!(texts(&statements[0]["Resource"]), set(["StreamFailures.Arn", "StreamFailures.Arn/*"]));
    // Only the role of the poller has access, and only to put.
    for role in roles(&template) {
        let of_bucket =
            template.statements(&role).into_iter().filter(|s| s.resources.iter().any(|r| r.starts_with("StreamFailures")));
        let actions: BTreeSet<String> = of_bucket
            .inspect(|s| {
                assert_eq!(s.condition, json!({ "StringEquals": { "s3:ResourceAccount": "AWS::AccountId" } }), "{role}")
            })
            .flat_map(|statement| statement.actions)
            .collect();
        let expected = if role == "EventsRole" { set(["s3:ListBucket", "s3:PutObject"]) } else { BTreeSet::new() };
        assert_eq!(actions, expected, "{role}");
    }
}
