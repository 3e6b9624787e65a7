//! The triggers of `retention` and `events`, and the destinations of failures.

use crate::template::set;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tests::routes::root;
use tests::template::Template;

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
    // It continues by starting itself, and may start nothing else.
    let started: BTreeSet<String> = template
        .statements("RetentionRole")
        .into_iter()
        .filter(|statement| statement.actions.contains("lambda:InvokeFunction"))
        .flat_map(|statement| statement.resources)
        .collect();
    assert_eq!(started, set(["Retention.Arn"]));
}

/// Whether a filter of an event source accepts a record. Our filters use only `exists`.
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
fn the_stream_delivers_records_with_an_event_and_repeats_failures() {
    // security 139
    let template = Template::load();
    let stream = template.resolve(&template.root()["Resources"]["EventsFromStream"]["Properties"]);
    assert_eq!((&stream["FunctionName"], &stream["EventSourceArn"]), (&json!("Events"), &json!("Identities.StreamArn")));
    assert_eq!(stream["BisectBatchOnFunctionError"], true);
    assert_eq!(stream["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert!((1..=100).contains(&stream["MaximumRetryAttempts"].as_i64().unwrap()), "a poison record is dropped");
    assert!((1..86_400).contains(&stream["MaximumRecordAgeInSeconds"].as_i64().unwrap()), "before the stream expires it");
    assert_eq!(stream["DestinationConfig"]["OnFailure"]["Destination"], "StreamFailures.Arn");
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
fn every_queue_has_a_dead_letter_queue_that_is_kept() {
    // security 139
    let template = Template::load();
    let queues: BTreeMap<&str, &Value> = template.of_type("AWS::SQS::Queue").collect();
    let timeout = template.function("Events")["Timeout"].as_i64().unwrap();
    for (name, queue) in &queues {
        let properties = template.resolve(&queue["Properties"]);
        assert_eq!(properties["SqsManagedSseEnabled"], true, "{name}");
        if name.ends_with("DeadLetters") {
            assert_eq!(properties["MessageRetentionPeriod"], 14 * 86_400, "{name}");
            assert_eq!(queue["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        } else {
            assert!(
                properties["RedrivePolicy"]["deadLetterTargetArn"].as_str().unwrap().ends_with("DeadLetters.Arn"),
                "{name}"
            );
            assert!(
                properties["VisibilityTimeout"].as_i64().unwrap() >= 6 * timeout,
                "{name}: longer than the timeout of its function"
            );
        }
    }
    for (name, source) in template.of_type("AWS::Lambda::EventSourceMapping") {
        assert_eq!(source["Properties"]["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{name}");
    }
}
