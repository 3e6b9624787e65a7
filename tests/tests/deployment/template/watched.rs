//! The alarms for the person on call, and the dashboard.

use crate::template::{guide, logical};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::routes::{self, root};
use tests::template::Template;

fn alarms(template: &Template) -> Vec<(&str, &Value)> {
    template.of_type("AWS::CloudWatch::Alarm").collect()
}

/// `Means: … First: …` of an alarm.
fn words(alarm: &Value) -> (String, String) {
    let description = alarm["Properties"]["AlarmDescription"].as_str().unwrap();
    let (means, first) = description.strip_prefix("Means: ").and_then(|rest| rest.split_once(" First: ")).unwrap();
    (means.to_owned(), first.to_owned())
}

/// Every metric of a resource: its namespace, its name, its dimensions.
fn metrics(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().flat_map(metrics).collect(),
        Value::Object(map) if map.contains_key("MetricName") && map.contains_key("Namespace") => vec![value],
        Value::Object(map) => map.values().flat_map(metrics).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[test]
fn every_alarm_says_what_it_means_and_what_to_do_first() {
    let template = Template::load();
    let mut missing = Vec::new();
    for (name, alarm) in alarms(&template) {
        let (means, first) = words(alarm);
        assert!(means.ends_with('.') && first.ends_with('.'), "{name}");
        assert!(means.len() + first.len() < 1_000, "{name}: CloudWatch allows 1,024 characters");
        let row = format!("| `{name}` | {means} | {first} |");
        if !guide().contains(&row) {
            missing.push(row);
        }
        let properties = &alarm["Properties"];
        let (quiet, kind) = (properties["TreatMissingData"].as_str().unwrap(), name);
        let expected = match kind {
            "RetentionMissing" => "breaching",
            "MailBounces" | "MailComplaints" => "ignore",
            _ => "notBreaching",
        };
        assert_eq!(quiet, expected, "{name}: the treatment of missing data is set");
        assert!(
            properties["DatapointsToAlarm"].as_i64().unwrap() <= properties["EvaluationPeriods"].as_i64().unwrap(),
            "{name}"
        );
    }
    assert!(guide().contains(&format!("{} alarms", alarms(&template).len())), "the guide counts them");
    assert!(missing.is_empty(), "docs/deployment.md lacks these rows:\n{}", missing.join("\n"));
}

#[test]
fn alarms_notify_the_address_if_there_is_one() {
    let (silent, telling) = (Template::load(), Template::load().given("AlarmAddress", "oncall@example.com"));
    for (name, alarm) in alarms(&silent) {
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(silent.resolve(&alarm["Properties"][actions]), json!([]), "{name}");
            assert_eq!(telling.resolve(&alarm["Properties"][actions]), json!(["AlarmTopic"]), "{name}");
        }
        assert!(alarm.get("Condition").is_none(), "{name} always exists");
    }
    for name in ["AlarmTopic", "AlarmTopicPolicy", "AlarmSubscription"] {
        let resource = &silent.root()["Resources"][name];
        assert!(!silent.exists(resource) && telling.exists(resource), "{name}");
    }
    // Only alarms of this account.
    let policy =
        telling.resolve(&silent.root()["Resources"]["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]);
    assert_eq!(policy["Principal"], json!({ "Service": "cloudwatch.amazonaws.com" }));
    assert_eq!(policy["Condition"], json!({ "StringEquals": { "aws:SourceAccount": "AWS::AccountId" } }));
}

#[test]
fn each_function_table_queue_and_bucket_is_watched() {
    let template = Template::load();
    let mut watched = BTreeSet::new();
    for (_, alarm) in alarms(&template) {
        for metric in metrics(&alarm["Properties"]) {
            let metric = template.resolve(metric);
            let of =
                metric["Dimensions"].as_array().into_iter().flatten().map(|dimension| dimension["Value"].as_str().unwrap());
            watched.insert(format!("{} {}", metric["MetricName"].as_str().unwrap(), of.collect::<Vec<_>>().join(" ")));
        }
    }
    let mut expected: Vec<String> = Vec::new();
    for function in routes::functions() {
        expected.extend(["Errors", "Throttles"].map(|metric| format!("{metric} {}", logical(&function))));
    }
    for (table, _) in template.of_type("AWS::DynamoDB::Table") {
        expected.extend(["ReadThrottleEvents", "WriteThrottleEvents"].map(|metric| format!("{metric} {table}")));
    }
    for (queue, _) in template.of_type("AWS::SQS::Queue") {
        expected.push(format!("ApproximateNumberOfMessagesVisible {queue}.QueueName"));
    }
    expected.extend(
        [
            "5xx Api",
            "Latency Api",
            "ApproximateAgeOfOldestMessage MailQueue.QueueName",
            "IteratorAge Events",
            "OnFailureDestinationDeliveredEventCount EventsFromStream",
            "DestinationDeliveryFailures Events",
            "SuccessfulRequest WrappingKey.Arn Decrypt",
            "Reputation.BounceRate ",
            "Reputation.ComplaintRate ",
            "Invocations Retention",
            "RetentionStuck ",
            "Steps sign_in wrong_credentials",
        ]
        .map(str::to_owned),
    );
    let missing: Vec<_> = expected.iter().filter(|metric| !watched.contains(*metric)).collect();
    assert!(missing.is_empty(), "no alarm watches {missing:#?} among {watched:#?}");
    let dropped = &template.root()["Resources"]["EventsFromStream"]["Properties"]["MetricsConfig"];
    assert_eq!(dropped, &json!({ "Metrics": ["EventCount"] }), "without it the stream has no metrics");
}

#[test]
fn one_dead_letter_raises_the_alarm() {
    let template = Template::load();
    for (queue, _) in template.of_type("AWS::SQS::Queue").filter(|(name, _)| name.ends_with("DeadLetters")) {
        let alarm = &template.root()["Resources"][format!("{queue}Held")]["Properties"];
        assert_eq!(
            (&alarm["Threshold"], &alarm["ComparisonOperator"]),
            (&json!(1), &json!("GreaterThanOrEqualToThreshold")),
            "{queue}"
        );
        assert_eq!(alarm["Dimensions"][0]["Value"], json!({ "Fn::GetAtt": [queue, "QueueName"] }));
    }
}

/// The counted log lines are the ones that `retention` writes for stuck accounts.
#[test]
fn stuck_accounts_are_counted_by_the_log_messages_of_the_sources() {
    let template = Template::load();
    let filter = &template.root()["Resources"]["RetentionStuckLines"]["Properties"];
    assert_eq!(filter["LogGroupName"], json!({ "Ref": "RetentionLogs" }));
    assert_eq!(filter["FilterPattern"], r#"{ ($.message = "stuck") || ($.message = "retention failed") }"#);
    let source = |file: &str| std::fs::read_to_string(root().join("functions/retention/src").join(file)).unwrap();
    for words in [r#", "stuck");"#, r#", "retention failed");"#] {
        assert!(source("scan.rs").contains(words), "{words}");
    }
    let transformation = template.resolve(&filter["MetricTransformations"][0]);
    let alarm = template.resolve(&template.root()["Resources"]["RetentionStuck"]["Properties"]);
    for (name, of) in [("MetricName", "MetricName"), ("MetricNamespace", "Namespace")] {
        assert_eq!(transformation[name], alarm[of]);
    }
}

#[test]
fn the_dashboard_shows_this_stack_and_every_alarm() {
    let template = Template::load();
    let dashboard = template.resolve(&template.root()["Resources"]["Dashboard"]["Properties"]);
    let body: Value = serde_json::from_str(dashboard["DashboardBody"].as_str().unwrap()).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    assert!(widgets.len() <= 500);
    let shown: BTreeSet<&str> = widgets
        .iter()
        .filter(|widget| widget["type"] == "alarm")
        .flat_map(|widget| widget["properties"]["alarms"].as_array().unwrap())
        .map(|arn| arn.as_str().unwrap().trim_end_matches(".Arn"))
        .collect();
    assert_eq!(shown, alarms(&template).into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>());
    let text = body.to_string();
    for function in routes::functions() {
        let function = logical(&function);
        assert!(text.matches(&format!(r#""FunctionName","{function}""#)).count() >= 4, "{function}");
    }
    for step in
        ["registration_started", "registration_verified", "sign_in", "authorization", "recovery_started", "recovery_completed"]
    {
        assert!(text.contains(&format!(r#"step=\"{step}\""#)), "{step}: {text}");
    }
    for at in widgets {
        let number = |name: &str| at[name].as_i64().unwrap();
        assert!(number("x") + number("width") <= 24, "{at}");
        let overlaps = |other: &&Value| {
            let side = |of: &Value, at: &str, long: &str| {
                (of[at].as_i64().unwrap(), of[at].as_i64().unwrap() + of[long].as_i64().unwrap())
            };
            let (across, down) =
                ((side(at, "x", "width"), side(other, "x", "width")), (side(at, "y", "height"), side(other, "y", "height")));
            [across, down].iter().all(|((from, to), (other_from, other_to))| from < other_to && other_from < to)
        };
        assert_eq!(widgets.iter().filter(overlaps).count(), 1, "overlaps another: {at}");
    }
}
