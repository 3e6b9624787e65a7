//! security 143, T14: a function answers any JSON, and refuses an event that is not a request of the gateway.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use events::{Dispatch, Events};
use latchkey::context::Deadline;
use latchkey::delivery::Mailer;
use latchkey::runtime::gateway::{self, Event};
use latchkey::web::mount;
use retention::{Continuation, Retention, RetentionError};
use serde_json::{Value, json};
use std::path::Path;
use tests::World;
use tests::deployed::HTTP_FUNCTIONS;

/// The number of changed events for each function.
const ROUNDS: usize = 600;

/// Every event in `events/`, and events of other hosts.
fn seeds() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut seeds: Vec<Value> =
        files.iter().map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()).collect();
    seeds.extend([
        // A REST API (payload 1.0), a load balancer, a scheduled rule, a notification, a direct invocation.
        json!({
            "version": "1.0", "resource": "/userinfo", "path": "/userinfo", "httpMethod": "GET", "body": null,
            "headers": {"host": "id.example.com"}, "multiValueHeaders": {"host": ["id.example.com"]}, "isBase64Encoded": false,
            "queryStringParameters": null, "pathParameters": {}, "stageVariables": null,
            "requestContext": {"accountId": "1", "apiId": "a", "httpMethod": "GET", "path": "/userinfo", "requestId": "r",
                "resourcePath": "/userinfo", "stage": "prod", "identity": {"sourceIp": "203.0.113.42"}},
        }),
        json!({
            "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/x/1"}},
            "httpMethod": "POST", "path": "/oauth2/token", "queryStringParameters": {}, "headers": {}, "body": "",
            "isBase64Encoded": false,
        }),
        json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}, "resources": []}),
        json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "x"}}]}),
        json!({"job": "retention", "dry_run": true}),
        json!({"Records": []}),
    ]);
    seeds
}

/// A deterministic random number generator.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// The places inside a value, outermost first.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, value) in inside {
        places(value, &format!("{at}/{name}"), into);
    }
}

fn strange_value(numbers: &mut Rng, seeds: &[Value]) -> Value {
    let texts = [
        "",
        "/",
        "//",
        "/t/",
        "/t/default/userinfo",
        "/t/acme/oauth2/token",
        "/%",
        "/%00",
        "/\u{0}",
        "\u{202e}",
        "ä\r\nx: y",
        "\\",
        "{",
        "\"",
        "true",
        "-1",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "$default",
        "1.0",
        "aws:sqs",
        "aws:dynamodb",
        "::1",
        "999.1.1.1",
        "application/json",
        "application/x-www-form-urlencoded",
        "Bearer x.y.z",
        "Basic Og==",
        "a=%zz&a=b",
        "AA==",
        "@@@",
        "A#default#x",
    ];
    match numbers.below(9) {
        0 => Value::Null,
        1 => json!(numbers.below(2) == 0),
        2 => numbers.one(&[json!(0), json!(-1), json!(u64::MAX), json!(i64::MIN), json!(1e308), json!(0.5)]).clone(),
        3 => json!([strange_value(numbers, seeds), {"x": strange_value(numbers, seeds)}]),
        4 => json!({"S": strange_value(numbers, seeds), "M": {}, "N": "1e999"}),
        5 => json!("x".repeat(numbers.below(70_000))),
        // A part of another event.
        6 => {
            let other = numbers.one(seeds);
            let mut parts = Vec::new();
            places(other, "", &mut parts);
            other.pointer(numbers.one(&parts).as_str()).cloned().unwrap_or_default()
        }
        _ => json!(numbers.one(&texts)),
    }
}

/// An event with one to four changes: a replaced, removed or duplicated part.
fn changed(numbers: &mut Rng, seeds: &[Value]) -> Value {
    let mut event = numbers.one(seeds).clone();
    for _ in 0..=numbers.below(4) {
        let mut parts = Vec::new();
        places(&event, "", &mut parts);
        // The outermost place is the whole event: it is chosen rarely.
        let place = numbers.one(&parts).clone();
        let part = event.pointer_mut(&place).unwrap();
        match (numbers.below(4), &mut *part) {
            (0, Value::Object(map)) if !map.is_empty() => {
                let name = map.keys().nth(numbers.below(map.len())).unwrap().clone();
                map.remove(&name);
            }
            (1, Value::Array(list)) if !list.is_empty() => {
                let again = numbers.one(list).clone();
                list.push(again);
            }
            (2, Value::String(text)) => text.push(*numbers.one(&['%', '\u{0}', '=', 'é', 'A'])),
            (_, part) => *part = strange_value(numbers, seeds),
        }
    }
    event
}

#[tokio::test]
async fn security_143_every_http_function_answers_any_event() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let (seeds, mut numbers) = (seeds(), Rng(143));
    let requests: Vec<Value> = seeds.iter().filter(|seed| seed["requestContext"]["http"].is_object()).cloned().collect();
    let (mut answered, mut refused) = (0, 0);
    for (name, _, routes) in HTTP_FUNCTIONS {
        let router = mount(world.services.clone(), routes());
        let changed: Vec<Value> = (0..ROUNDS).map(|_| changed(&mut numbers, &requests)).collect();
        for event in seeds.iter().chain(&changed) {
            let parsed: Event = serde_json::from_slice(event.to_string().as_bytes()).unwrap();
            let answer = gateway::answer(router.clone(), parsed, Deadline::default()).await;
            let status = answer.status_code;
            // A panic inside a route would be a 500.
            assert!((200..500).contains(&status), "{name}: {status} to {event}");
            assert!(answer.headers.contains_key("strict-transport-security"), "security 117: {name}: {event}");
            let context = &event["requestContext"];
            let of_gateway = ["/apiId", "/requestId", "/http/sourceIp"]
                .iter()
                .all(|part| context.pointer(part).is_some_and(Value::is_string));
            assert!(of_gateway || status == 403, "{name}: {status} to {event}, which the gateway did not send");
            answered += usize::from(status != 403);
            refused += usize::from(status == 403);
        }
    }
    assert!(
        answered > ROUNDS && refused > ROUNDS,
        "{answered} answered, {refused} refused: the changes are too mild or too wild"
    );
}

#[tokio::test]
async fn security_143_the_events_function_reports_only_ids_of_its_input() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let (mailer, _mails) = Mailer::mailbox();
    let events = Events::new(world.services.clone(), Dispatch::Direct(mailer)).unwrap();
    let (seeds, mut numbers) = (seeds(), Rng(139));
    let batches: Vec<Value> = seeds.iter().filter(|seed| seed["Records"].is_array()).cloned().collect();
    let (mut handled, mut refused) = (0, 0);
    let changed: Vec<Value> = (0..2 * ROUNDS).map(|_| changed(&mut numbers, &batches)).collect();
    for event in seeds.iter().chain(&changed) {
        let Ok(answer) = events.handle(event, Deadline::default()).await else {
            refused += 1;
            continue;
        };
        handled += 1;
        let given = event.to_string();
        for failure in answer["batchItemFailures"].as_array().unwrap() {
            let id = failure["itemIdentifier"].as_str().unwrap();
            assert!(given.contains(&json!(id).to_string()) || id.is_empty(), "{id:?} of {given}");
        }
    }
    assert!(handled > ROUNDS / 2 && refused > ROUNDS / 10, "{handled} handled, {refused} refused");
}

#[tokio::test]
async fn security_143_the_retention_function_accepts_only_its_jobs() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let retention = Retention::new(world.services.clone(), Continuation::Caller);
    let (seeds, mut numbers) = (seeds(), Rng(140));
    let jobs: Vec<Value> = seeds.iter().filter(|seed| seed["job"].is_string()).cloned().collect();
    let (mut done, mut refused) = (0, 0);
    let changed: Vec<Value> = (0..2 * ROUNDS).map(|_| changed(&mut numbers, &jobs)).collect();
    for event in seeds.iter().chain(&changed) {
        match retention.handle(event, Deadline::default()).await {
            Ok(_) => {
                let known = ["retention", "hold", "release", "replay_erasures"].iter().any(|job| event["job"] == *job);
                assert!(known, "{event}");
                done += 1;
            }
            Err(RetentionError::Refused(_)) => refused += 1,
            Err(error) => panic!("{error:?}: {event}"),
        }
    }
    // So small an event seldom stays valid.
    assert!(done > 10 && refused > ROUNDS, "{done} done, {refused} refused");
}

#[tokio::test]
async fn security_143_broken_json_is_not_an_event() {
    let (seeds, mut numbers) = (seeds(), Rng(7));
    let mut read = 0;
    for _ in 0..ROUNDS {
        let mut text = numbers.one(&seeds).to_string().into_bytes();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(text.len());
            text[at] = u8::try_from(numbers.below(256)).unwrap();
        }
        read += usize::from(serde_json::from_slice::<Event>(&text).is_ok());
    }
    assert!(read > 0 && read < ROUNDS, "{read} of {ROUNDS} read");
}
