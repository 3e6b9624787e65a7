//! Every event in `events/`, through the entry point of Lambda: as API Gateway, DynamoDB Streams and SQS send them.
#![expect(clippy::unwrap_used, reason = "an event that can not be read fails the test")]

use axum::Router;
use events::{Dispatch, Events};
use latchkey::context::{Clock, Deadline};
use latchkey::delivery::Mailer;
use latchkey::domain::time::Span;
use latchkey::runtime::gateway::{self, Event};
use latchkey::services::Services;
use latchkey::web::mount;
use retention::{Continuation, Retention};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tests::template::Template;
use tests::{AccountClient, Customer, World};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

type Routes = fn() -> Router<Services>;

/// An HTTP event: name, routes of its function, status, and a part of the answer's body or `location`.
const HTTP: [(&str, Routes, i64, &str); 22] = [
    ("export-start", export::routes, 401, "invalid_token"),
    ("export-document", export::routes, 401, "invalid_token"),
    ("export-page", export::routes, 303, "/login?"),
    ("login-authorize", login::routes, 303, "/login?"),
    ("login-page", login::routes, 200, "name=\"password\""),
    // A cross-site POST is refused before its content is read (security 120).
    ("login-password", login::routes, 403, ""),
    ("profile-me", profile::routes, 401, "invalid_token"),
    ("profile-edit", profile::routes, 401, "invalid_token"),
    ("profile-password", profile::routes, 401, "invalid_token"),
    ("profile-end-session", profile::routes, 401, "invalid_token"),
    ("profile-page", profile::routes, 303, "/login?"),
    ("profile-restoration", profile::routes, 400, "invalid_code"),
    // The API has no CORS configuration: the function answers a preflight (security 119).
    ("profile-preflight", profile::routes, 204, ""),
    ("registration-form", registration::routes, 200, "given_name"),
    ("registration-page", registration::routes, 200, "name=\"given_name\""),
    ("registration-start", registration::routes, 202, "verification_required"),
    ("token-client-credentials", token::routes, 200, "access_token"),
    ("token-wrong-secret", token::routes, 401, "invalid_client"),
    ("token-discovery", token::routes, 200, "\"https://id.example.com\""),
    ("token-jwks", token::routes, 200, "\"keys\""),
    ("token-healthz", token::routes, 200, "ok"),
    ("token-not-found", token::routes, 404, "not_found"),
];

/// The same for a signed-in user: the token of the file is replaced by a new one.
const SIGNED_IN: [(&str, Routes, i64, &str); 6] = [
    ("export-start", export::routes, 202, "export_id"),
    ("export-document", export::routes, 404, "not_found"),
    ("profile-me", profile::routes, 200, "ada@example.com"),
    ("profile-edit", profile::routes, 200, "Augusta"),
    ("profile-end-session", profile::routes, 404, "not_found"),
    ("profile-password", profile::routes, 204, ""),
];

const BATCHES: [&str; 3] = ["events-stream", "events-stream-poison", "events-queue"];

async fn replay(world: &World, (name, routes, status, words): (&str, Routes, i64, &str), bearer: Option<&str>) {
    let mut event = read(name);
    if let Some(token) = bearer {
        event["headers"]["authorization"] = json!(format!("Bearer {token}"));
    }
    let event: Event = serde_json::from_value(event).unwrap();
    let answer = gateway::answer(mount(world.services.clone(), routes()), event, Deadline::default()).await;
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(answer["statusCode"], status, "{name}: {answer}");
    let (body, location) = (answer["body"].as_str().unwrap_or_default(), answer["headers"]["location"].as_str());
    assert!(body.contains(words) || location.is_some_and(|to| to.contains(words)), "{name}: {answer}");
    // security 117: on every answer.
    assert!(answer["headers"]["strict-transport-security"].is_string(), "{name}: {answer}");
}

#[tokio::test]
async fn http_events_are_answered_by_their_function() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    for event in HTTP {
        replay(&world, event, None).await;
    }
}

#[tokio::test]
async fn http_events_of_a_signed_in_user_are_answered_by_their_function() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let me = AccountClient::new(&world, &Customer::registered(&world, "Ada").await).await;
    for event in SIGNED_IN {
        replay(&world, event, Some(me.tokens.access())).await;
    }
}

/// An event file that is sent to a deployment reaches the function in its name.
#[test]
fn http_events_name_the_route_that_the_template_has() {
    let template = Template::load();
    let routes: BTreeSet<(String, String)> = template
        .of_type("AWS::ApiGatewayV2::Route")
        .map(|(_, route)| template.resolve(&route["Properties"]))
        .map(|route| (route["RouteKey"].as_str().unwrap().to_owned(), route["Target"].as_str().unwrap().to_lowercase()))
        .collect();
    for (name, ..) in HTTP {
        let event = read(name);
        let function = name.split('-').next().unwrap();
        let key = event["routeKey"].as_str().unwrap().to_owned();
        assert_eq!(event["requestContext"]["routeKey"], key, "{name}");
        assert!(routes.contains(&(key.clone(), format!("integrations/{function}integration"))), "{name}: {key}");
    }
}

#[tokio::test]
async fn batches_are_answered_with_exactly_what_failed() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let (mailer, mut mails) = Mailer::mailbox();
    let events = Events::new(world.services.clone(), Dispatch::Direct(mailer)).unwrap();
    let failed = |ids: &[&str]| {
        let ids: Vec<Value> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
        json!({ "batchItemFailures": ids })
    };
    let expected = [failed(&[]), failed(&["4421584500000000017450439092"]), failed(&["2e1424d4-f796-459a-8184-9c92662be6da"])];
    for (name, expected) in BATCHES.into_iter().zip(expected) {
        assert_eq!(events.handle(&read(name), Deadline::default()).await.unwrap(), expected, "{name}");
    }
    // The recovery is for an unknown address: no mail is sent, and nothing failed.
    assert!(mails.try_recv().is_err());
}

/// An event of the schedule or of an operator, and a part of its answer, in the order of sending.
const JOBS: [(&str, &str, i64); 6] = [
    ("retention-hold", "", 0),
    ("retention-dry-run", "/rules/erasure/deferred", 1),
    ("retention-release", "", 0),
    ("retention-dry-run", "/rules/erasure/erased", 1),
    ("retention-schedule", "/rules/erasure/erased", 1),
    ("retention-replay", "/rules/erasure/due", 1),
];

#[tokio::test]
async fn jobs_answer_with_their_result() {
    let clock = Clock::frozen("2026-10-01T00:00:00Z".parse().unwrap());
    let world = World::builder().origin("https://id.example.com").clock(clock).build().await.unwrap();
    let ada = Customer::registered(&world, "Ada").await;
    assert_eq!(AccountClient::new(&world, &ada).await.delete("/v1/me").await.status(), 202);
    // 24 November, 09:15.
    world.advance(Span::seconds((54 * 24 + 9) * 3600 + 15 * 60));
    let retention = Retention::new(world.services.clone(), Continuation::Caller);
    for (name, place, number) in JOBS {
        let answer = retention.handle(&read(name), Deadline::default()).await.unwrap();
        assert!(place.is_empty() || answer.pointer(place) == Some(&json!(number)), "{name}: {answer}");
    }
    // An event of another service is not a job.
    for other in HTTP.map(|(name, ..)| name).into_iter().chain(BATCHES) {
        assert!(retention.handle(&read(other), Deadline::default()).await.is_err(), "security 143: {other}");
    }
}

#[test]
fn every_file_is_replayed() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<String> = files.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect();
    let replayed: BTreeSet<String> =
        HTTP.iter().map(|(name, ..)| *name).chain(BATCHES).chain(JOBS.map(|(name, ..)| name)).map(str::to_owned).collect();
    assert_eq!(files, replayed);
}
