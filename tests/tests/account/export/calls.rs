//! `POST /v1/me/exports`, its status and its document: access, lifetime and cost.

use crate::export::{register_user, world};
use data_encoding::BASE64;
use http::Method;
use latchkey::context::Deadline;
use latchkey::domain::time::Span;
use latchkey::runtime::gateway::{self, Event};
use latchkey::web::mount;
use latchkey_local::meter::{Cost, Units};
use serde_json::{Value, json};
use tests::export_package::ExportPackage;
use tests::{AccountClient, OAuthClient};

#[tokio::test]
async fn an_export_is_started_checked_and_downloaded() {
    let world = world().await;
    let (customer, me) = register_user(&world, "Ada").await;
    world.pump().await.expect("pumped");
    let id = me.begin_export().await;
    let status = me.get(&format!("/v1/me/exports/{id}")).await;
    let expires_at = world.services.clock.now() + Span::hours(1);
    assert_eq!(status.json(), json!({ "status": "ready", "expires_at": expires_at.to_string(), "parts": 1 }));
    let answer = me.get(&format!("/v1/me/exports/{id}/document")).await;
    let header = |name| answer.header(name).expect("the header");
    assert_eq!((answer.status(), header("content-type"), header("cache-control")), (200, "application/zip", "no-store"));
    assert_eq!(header("content-disposition"), "attachment; filename=\"export-2026-03-01.zip\"");
    let export = ExportPackage::open(answer.response.body().to_vec());
    let names: Vec<_> = export.files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["README.txt", "export.html", "export.json", "schema.json", "history.csv", "manifest.json", "manifest.jws"];
    assert_eq!(names, expected);
    let document = export.document();
    assert_eq!(document["account"]["sub"], me.tokens.id_claims()["sub"]);
    assert_eq!(document["identifiers"][0]["value"], json!(customer.email));
    let events: Vec<_> = document["history"]["records"].as_array().expect("records").iter().map(|r| &r["event"]).collect();
    // The records of the registration alone are those of its flow, which the account's own record names.
    for event in ["registration_started", "account_created", "signed_in", "data_exported"] {
        assert_eq!(events.iter().filter(|found| **found == event).count(), 1, "{event} in {events:?}");
    }
    tests::invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_128_an_export_needs_a_fresh_sign_in_and_the_scope_of_the_account() {
    let world = world().await;
    let (customer, me) = register_user(&world, "Ada").await;
    let narrow = OAuthClient::demo_app(&world).tokens_for(&customer).await;
    let bearer = format!("Bearer {}", narrow.access());
    let answer = me.client.api.send(Method::POST, "/v1/me/exports", &[("authorization", &bearer)], "").await;
    assert_eq!(answer.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(me.client.api.send(Method::POST, "/v1/me/exports", &[], "").await.status(), 401);
    let id = me.begin_export().await;
    world.advance(Span::minutes(6));
    let answer = me.post("/v1/me/exports", &json!({})).await;
    assert_eq!(answer.refusal(), (401, "insufficient_user_authentication".to_owned()));
    assert!(answer.header("www-authenticate").expect("a challenge").ends_with("max_age=300"));
    // An export that was started after a fresh sign-in can be downloaded for one hour.
    assert_eq!(me.export_part(&id, 1).await.status(), 200);
}

#[tokio::test]
async fn an_export_belongs_to_one_grant_and_lasts_one_hour() {
    let world = world().await;
    let (customer, ada) = register_user(&world, "Ada").await;
    let (_, bob) = register_user(&world, "Bob").await;
    let other_grant = AccountClient::new(&world, &customer).await;
    let id = ada.begin_export().await;
    for (description, me) in [("another person's", &bob), ("the same person's other grant", &other_grant)] {
        assert_eq!(me.export_part(&id, 1).await.refusal(), (404, "not_found".to_owned()), "{description}");
        assert_eq!(me.get(&format!("/v1/me/exports/{id}")).await.status(), 404, "{description}");
    }
    for made_up in ["A", "AAAA", &format!("{id}A"), &id[..id.len() - 1]] {
        assert_eq!(ada.export_part(made_up, 1).await.status(), 404, "{made_up}");
    }
    assert_eq!(ada.export_part(&id, 2).await.status(), 404, "the export has one part");
    for part in ["0", "-1", "x", "70000"] {
        let answer = ada.get(&format!("/v1/me/exports/{id}/document?part={part}")).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{part}");
    }
    // The grant may be refreshed in between: the export belongs to the grant, not to the token.
    world.advance(Span::minutes(59));
    let renewed = ada.client.refresh(ada.tokens.refresh()).await.tokens();
    let ada = AccountClient { tokens: renewed, ..ada };
    assert_eq!(ada.export_part(&id, 1).await.status(), 200);
    world.advance(Span::minutes(1));
    assert_eq!(ada.export_part(&id, 1).await.status(), 404, "the hour is over");
}

#[tokio::test]
async fn an_export_is_stale_after_a_change_of_the_data_and_not_after_mere_use() {
    let world = world().await;
    let (customer, me) = register_user(&world, "Ada").await;
    let stale = (409, "export_stale".to_owned());
    let id = me.begin_export().await;
    // Late audit records, another browser's wrong password, a refreshed token.
    world.pump().await.expect("pumped");
    let mut stranger = tests::Browser::new(&world);
    let page = stranger.open("/login").await;
    stranger.submit(&page, "#submit", &[("identifier", &customer.email), ("password", "a wrong guess")]).await;
    assert_eq!(me.client.refresh(me.tokens.refresh()).await.status(), 200);
    assert_eq!(me.export_part(&id, 1).await.status(), 200);
    let patched = me.patch("/v1/me", &json!({ "given_name": "Augusta" })).await;
    assert_eq!(patched.status(), 200, "{}", patched.text());
    assert_eq!(me.export_part(&id, 1).await.refusal(), stale);
    let id = me.begin_export().await;
    AccountClient::new(&world, &customer).await;
    assert_eq!(me.export_part(&id, 1).await.refusal(), stale, "a new session and a new grant");
}

#[tokio::test]
async fn a_closed_account_has_no_export() {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    let id = me.begin_export().await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    assert_eq!(me.export_part(&id, 1).await.status(), 401);
    assert_eq!(me.get(&format!("/v1/me/exports/{id}")).await.status(), 401);
    assert_eq!(me.post("/v1/me/exports", &json!({})).await.status(), 401);
}

#[tokio::test]
async fn an_export_of_21_items_reads_at_most_eight_units_and_writes_one_record() {
    let world = world().await;
    let (customer, _) = register_user(&world, "Ada").await;
    let web = OAuthClient::demo_web(&world);
    for _ in 0..6 {
        web.tokens_for(&customer).await;
    }
    let me = AccountClient::new(&world, &customer).await;
    world.pump().await.expect("pumped");
    let raw = tests::invariants::read(&world.engine);
    let held = raw.tables["identities"].iter().filter(|item| item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("A#")));
    assert_eq!(held.count(), 21, "account, profile, terms, two consents, eight sessions, eight grants");
    drop(world.meter.take());
    let cost = |requests: usize, read: f64, write: f64| {
        let Cost { requests: sent, engine, .. } = world.meter.take_cost();
        assert_eq!((sent, engine), (requests, Units { read, write }));
        assert!(read <= 8.0);
    };
    let id = me.begin_export().await;
    cost(6, 7.0, 1.0);
    me.get(&format!("/v1/me/exports/{id}")).await;
    cost(1, 2.0, 0.0);
    assert_eq!(me.export_part(&id, 1).await.status(), 200);
    cost(5, 7.0, 0.0);
}

/// A ZIP file is binary: API Gateway gets it as base64.
#[tokio::test]
async fn a_package_passes_api_gateway_unchanged() {
    let world = world().await;
    let (_, me) = register_user(&world, "Ada").await;
    let id = me.begin_export().await;
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": format!("/v1/me/exports/{id}/document"), "rawQueryString": "",
        "headers": { "authorization": format!("Bearer {}", me.tokens.access()) },
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "id.example.com", "domainPrefix": "id",
            "http": { "method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "x" },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default",
            "time": "01/Mar/2026:12:00:00 +0000", "timeEpoch": 1_772_366_400_000_i64
        },
        "isBase64Encoded": false
    });
    let event: Event = serde_json::from_value(event).expect("an event");
    let answer = gateway::answer(mount(world.services.clone(), export::routes()), event, Deadline::default()).await;
    let answer: Value = serde_json::to_value(answer).expect("JSON");
    assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(200), &json!(true)));
    let bytes = BASE64.decode(answer["body"].as_str().expect("a body").as_bytes()).expect("base64");
    assert_eq!(ExportPackage::open(bytes).files.len(), 7);
}
