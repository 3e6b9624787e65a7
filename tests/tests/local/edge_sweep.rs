//! The edge on Lambda, at every route: every refusal is our answer with every header, and no change that API Gateway or CloudFront
//! makes to a request bypasses a check.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use axum::Router;
use data_encoding::{BASE64, HEXLOWER};
use latchkey::context::Deadline;
use latchkey::digest::sha256;
use latchkey::domain::time::Span;
use latchkey::runtime::gateway::front::Front;
use latchkey::runtime::gateway::{self, Event};
use latchkey::services::Services;
use latchkey::web::{TenantHandle, mount};
use latchkey_local::assemble;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::fault::{Calls, Fault, Trigger};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::routes::{SourceRoute, in_the_sources};
use tests::{AccountClient, Browser, Customer, OAuthClient, World};

const SECRET: &str = "a-secret-of-the-distribution";

fn front() -> Front {
    Front::parse(&HEXLOWER.encode(&sha256(SECRET.as_bytes()))).unwrap()
}

fn event(method: &str, path: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": { "accept": "application/json", "content-type": "application/json" },
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "id.example.com", "domainPrefix": "id",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "x" },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default",
            "time": "01/Mar/2026:12:00:00 +0000", "timeEpoch": 1_772_366_400_000_i64
        },
        "isBase64Encoded": false
    })
}

struct Answer(Value);

impl Answer {
    async fn of(front: &Front, router: &Router, event: Value, deadline: Deadline) -> Self {
        let event: Event = serde_json::from_value(event).unwrap();
        Self(serde_json::to_value(gateway::answer_behind(front, router.clone(), event, deadline).await).unwrap())
    }
    fn status(&self) -> i64 {
        self.0["statusCode"].as_i64().unwrap()
    }
    fn header(&self, name: &str) -> &str {
        self.0["headers"][name].as_str().unwrap_or_default()
    }
    fn body(&self) -> &str {
        self.0["body"].as_str().unwrap_or_default()
    }
}

/// security 117, 118: the headers of every answer.
#[track_caller]
fn assert_headers(answer: &Answer, what: &str) {
    for (name, value) in [
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), value, "{what}: {}", answer.0);
    }
    let policy = answer.header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action ", "base-uri 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(
        answer.header("cache-control") == "no-store" || (answer.status() == 200 && answer.0["cookies"] == json!([])),
        "{what}"
    );
    assert!(!answer.header("content-type").is_empty() || answer.body().is_empty(), "{what}");
}

fn routes() -> BTreeSet<(String, String)> {
    let filled = |path: &str| {
        path.split('/').map(|part| if part.starts_with('{') { "AAAA" } else { part }).collect::<Vec<_>>().join("/")
    };
    let of_functions = in_the_sources().into_iter().filter(|route| route.function.is_some());
    of_functions.map(|SourceRoute { method, path, .. }| (method, filled(&path))).collect()
}

#[tokio::test]
async fn security_117_every_refusal_at_every_route_is_ours_and_carries_every_header() {
    let world = World::builder().origin("https://id.example.com").tenant("acme", DEFAULT_DOCUMENT).build().await.unwrap();
    let router = mount(world.services.clone(), assemble::routes());
    let routes = routes();
    assert!(routes.len() > 50, "{}", routes.len());
    let (mut failed, mut panicked, mut late) = (0, 0, 0);
    for (method, path) in &routes {
        for base in ["", "/t/acme"] {
            let path = format!("{base}{path}");
            let ordinary = || event(method, &path);
            let changed = |place: &str, value: Value| {
                let mut event = ordinary();
                let (parent, name) = place.rsplit_once('/').unwrap();
                event.pointer_mut(parent).unwrap()[name] = value;
                event
            };
            let ask = async |event: Value| Answer::of(&Front::None, &router, event, Deadline::default()).await;
            let what = format!("{method} {path}");
            let plain = ask(ordinary()).await;
            assert!((200..500).contains(&plain.status()), "{what}: {}", plain.0);
            assert_headers(&plain, &what);

            let mut large = changed("/body", json!(BASE64.encode(&vec![b' '; 64 * 1024 + 1])));
            large["isBase64Encoded"] = json!(true);
            let mut broken = changed("/body", json!("no base64"));
            broken["isBase64Encoded"] = json!(true);
            for (event, status, code) in [
                (large, 413, "too_large"),
                (changed("/body", json!("x".repeat(64 * 1024 + 1))), 413, "too_large"),
                (changed("/headers/x-long", json!("x".repeat(9 * 1024))), 431, "headers_too_large"),
                (changed("/rawQueryString", json!("a=%zz")), 400, "invalid_request"),
                (changed("/headers/content-encoding", json!("gzip")), 415, "unsupported_media_type"),
                (changed("/headers/content-encoding", json!("identity,gzip")), 415, "unsupported_media_type"),
                (changed("/requestContext/http/method", json!("PROPFIND")), 405, "method_not_allowed"),
                (changed("/rawPath", json!(format!("{path}/nothing/here"))), 404, "not_found"),
                (changed("/requestContext/apiId", Value::Null), 403, "forbidden"),
                (broken, 403, "forbidden"),
                (json!({ "path": path, "httpMethod": method }), 403, "forbidden"),
            ] {
                let answer = ask(event).await;
                assert_eq!(answer.status(), status, "{what}: {}", answer.0);
                assert_headers(&answer, &what);
                let problem: Value = serde_json::from_str(answer.body()).unwrap();
                assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{what}");
                assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
            }

            // Internal failures, and no time left. The tenant's document is read again after a minute.
            for (fault, count) in [(Fault::Internal, &mut failed), (Fault::Panic, &mut panicked)] {
                world.advance(Span::seconds(61));
                world.faults.add(Calls::Any, Trigger::Always, fault);
                let answer = ask(ordinary()).await;
                world.faults.clear();
                assert_headers(&answer, &what);
                assert!(!answer.body().contains("hunter2") && !answer.body().contains("injected"), "{what}: {}", answer.0);
                *count += usize::from(answer.status() >= 500);
            }
            world.advance(Span::seconds(61));
            world.faults.add(Calls::Any, Trigger::Always, Fault::Slow(Duration::from_millis(50)));
            let answer = Answer::of(&Front::None, &router, ordinary(), Deadline::after(Duration::ZERO)).await;
            world.faults.clear();
            assert_headers(&answer, &what);
            if answer.status() == 503 {
                late += 1;
                assert!(!answer.header("retry-after").is_empty(), "{what}");
            }
            assert_eq!(ask(ordinary()).await.status(), plain.status(), "{what}: as before");
        }
    }
    // All routes, except those that answer independently of the tenant.
    let most = routes.len() * 2 * 9 / 10;
    assert!(failed > most && panicked > most && late > most, "{failed} failed, {panicked} panicked, {late} late");
}

#[tokio::test]
async fn security_115_a_request_past_the_distribution_is_refused_at_every_route() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let router = mount(world.services.clone(), assemble::routes());
    let mut refusals = BTreeSet::new();
    for (method, path) in routes() {
        for secret in [None, Some(""), Some("wrong"), Some(&SECRET[1..]), Some(&format!("{SECRET},{SECRET}"))] {
            let mut event = event(&method, &path);
            event["headers"]["cloudfront-viewer-address"] = json!("198.51.100.10:1");
            event["headers"]["origin"] = json!("https://id.example.com");
            if let Some(secret) = secret {
                event["headers"]["x-latchkey-origin"] = json!(secret);
            }
            let answer = Answer::of(&front(), &router, event, Deadline::default()).await;
            assert_eq!(answer.status(), 403, "{method} {path} {secret:?}");
            assert_headers(&answer, &path);
            assert_eq!(answer.header("access-control-allow-origin"), "");
            refusals.insert(answer.body().to_owned());
        }
        let mut through = event(&method, &path);
        through["headers"]["x-latchkey-origin"] = json!(SECRET);
        let through = Answer::of(&front(), &router, through, Deadline::default()).await;
        let direct = Answer::of(&Front::None, &router, event(&method, &path), Deadline::default()).await;
        assert_eq!(through.status(), direct.status(), "{method} {path}");
    }
    // The same answer for every request: it tells nothing about the function.
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(!refusals.first().unwrap().contains("latchkey-origin"));
}

/// A route that returns the address that a handler sees, and all headers that reach it.
fn addresses() -> Router<Services> {
    let show = async |handle: TenantHandle, headers: http::HeaderMap| {
        let address = handle.client_address.map(|address| address.to_string());
        let names: Vec<_> = headers.keys().map(ToString::to_string).collect();
        axum::Json(json!({ "address": address, "hash": handle.request.address_hash, "headers": names }))
    };
    Router::new().route("/address", axum::routing::get(show))
}

#[tokio::test]
async fn security_115_the_address_comes_from_the_trusted_hop() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let router = mount(world.services.clone(), addresses());
    let garbage = [
        ("x-forwarded-for", "203.0.113.9, junk, ::1"),
        ("forwarded", "for=\"[2001:db8::9]\";proto=gopher"),
        ("x-real-ip", "127.0.0.1"),
        ("true-client-ip", "127.0.0.1"),
        ("cf-connecting-ip", "127.0.0.1"),
    ];
    let seen = async |front: Front, viewer: Option<&str>, with_garbage: bool| {
        let mut event = event("GET", "/address");
        event["headers"]["x-latchkey-origin"] = json!(SECRET);
        if let Some(viewer) = viewer {
            event["headers"]["cloudfront-viewer-address"] = json!(viewer);
        }
        for (name, value) in garbage.into_iter().filter(|_| with_garbage) {
            event["headers"][name] = json!(value);
        }
        let answer = Answer::of(&front, &router, event, Deadline::default()).await;
        let body: Value = serde_json::from_str(answer.body()).unwrap();
        assert!(!body["headers"].as_array().unwrap().contains(&json!("x-latchkey-origin")), "the secret is not passed on");
        (body["address"].as_str().unwrap().to_owned(), body["hash"].clone())
    };
    for with_garbage in [false, true] {
        // Without a distribution, a header in its name comes from the caller.
        let direct = seen(Front::None, Some("198.51.100.10:46532"), with_garbage).await;
        assert_eq!(direct.0, "192.0.2.7");
        for (viewer, address) in
            [("198.51.100.10:46532", "198.51.100.10"), ("[2001:db8::1]:443", "2001:db8::1"), ("2001:db8::1:443", "2001:db8::1")]
        {
            assert_eq!(seen(front(), Some(viewer), with_garbage).await.0, address);
        }
        // An unreadable header is ignored: the gateway's address is used, so that a limit by address still works.
        for unreadable in [None, Some(""), Some("junk"), Some("198.51.100.10"), Some("198.51.100.10:1,203.0.113.9:1")] {
            assert_eq!(seen(front(), unreadable, with_garbage).await, direct, "{unreadable:?}");
        }
    }
    let hash = async |viewer: &str| seen(front(), Some(viewer), false).await.1;
    assert_eq!(hash("[2001:db8:0:1::1]:1").await, hash("2001:db8:0:1:ffff::2:2").await, "IPv6 counts by /64");
    assert_ne!(hash("[2001:db8:0:1::1]:1").await, hash("[2001:db8:0:2::1]:1").await);
}

/// API Gateway joins repeated headers with a comma: two checks must not read the result differently.
#[tokio::test]
async fn joined_headers_bypass_no_check() {
    let world = World::builder().origin("https://id.example.com").build().await.unwrap();
    let router = mount(world.services.clone(), assemble::routes());
    let me = AccountClient::new(&world, &Customer::registered(&world, "Ada").await).await;
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)], cookies: Value, body: &str| {
        let mut event = event(method, path);
        for (name, value) in headers {
            event["headers"][*name] = json!(value);
        }
        (event["cookies"], event["body"]) = (cookies, json!(body));
        Answer::of(&Front::None, &router, event, Deadline::default()).await
    };
    let bearer = format!("Bearer {}", me.tokens.access());
    for (authorization, status) in [
        (bearer.clone(), 200),
        (format!("{bearer},{bearer}"), 401),
        (format!("{bearer}, Bearer x"), 401),
        (format!("Bearer x, {bearer}"), 401),
        (format!("Basic eDp5,{bearer}"), 401),
    ] {
        for path in ["/userinfo", "/v1/me"] {
            let answer = ask("GET", path, &[("authorization", &authorization)], Value::Null, "").await;
            assert_eq!(answer.status(), status, "{path} {authorization}");
        }
    }

    // A form of the sign-in page, sent by its own browser.
    let mut browser = Browser::new(&world);
    let page = browser.open(&OAuthClient::demo_app(&world).authorize_url(&[])).await;
    let query = page.url.split_once('?').unwrap().1.to_owned();
    let anti_forgery = page.form("#submit").fields.iter().find(|(name, _)| name == "anti_forgery").unwrap().1.clone();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("anti_forgery", anti_forgery.as_str()), ("identifier", "unknown@example.com"), ("password", "x")])
        .finish();
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
    let post = async |more: &[(&str, &str)], cookies: Value| {
        let mut event = event("POST", "/login");
        event["rawQueryString"] = json!(query);
        for (name, value) in [FORM].iter().chain(more) {
            event["headers"][*name] = json!(value);
        }
        (event["cookies"], event["body"]) = (cookies, json!(body));
        Answer::of(&Front::None, &router, event, Deadline::default()).await.status()
    };
    let own = "https://id.example.com";
    let ours = json!(cookies);
    // 400: the password is wrong, but the form was accepted.
    assert_eq!(post(&[("origin", own), ("sec-fetch-site", "same-origin")], ours.clone()).await, 400);
    for joined in [
        ("sec-fetch-site", "same-origin,cross-site"),
        ("sec-fetch-site", "cross-site, same-origin"),
        ("sec-fetch-site", "none,cross-site"),
        ("origin", "https://id.example.com,https://evil.test"),
        ("origin", "https://evil.test, https://id.example.com"),
        ("origin", "null,https://evil.test"),
    ] {
        assert_eq!(post(&[joined], ours.clone()).await, 403, "{joined:?}");
    }
    for joined in ["application/x-www-form-urlencoded,text/plain", "text/plain, application/x-www-form-urlencoded"] {
        assert_eq!(post(&[("content-type", joined)], ours.clone()).await, 415, "{joined}");
    }
    // A repeated cookie is ignored. A cookie header next to the gateway's list is not read.
    assert_eq!(post(&[], json!([cookies.clone(), cookies.clone()].concat())).await, 403);
    assert_eq!(post(&[("cookie", &cookies.join("; "))], json!(["a=b"])).await, 403);
    // Joined origins may not read the answer.
    let joined = format!("{own},https://evil.test");
    let answer = ask("GET", "/userinfo", &[("origin", &joined)], Value::Null, "").await;
    assert_eq!((answer.status(), answer.header("access-control-allow-origin")), (401, ""));
}
