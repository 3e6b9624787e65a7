//! The funnel of registration and sign-in in the log: each step is counted once, by outcome, and has no personal data.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use http::Method;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use serde_json::{Value, json};
use tests::{AccountClient, Anonymous, Browser, Customer, LogLines, OAuthClient, World};

/// The log of this thread, from now on.
struct Log {
    lines: LogLines,
    metric: jsonschema::Validator,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    fn new() -> Self {
        let (lines, guard) = LogLines::of_this_thread();
        Self { lines, metric: jsonschema::validator_for(&schema()).unwrap(), _guard: guard }
    }

    /// The steps since the last call, as `step method outcome`. Checks each line.
    fn steps(&self) -> Vec<String> {
        let text = self.lines.take();
        for personal in ["example.com", "bicycles", "Quillfeather", "192.0.2.1", "\r", "\u{1b}"] {
            assert!(!text.contains(personal), "{personal:?} in {text}");
        }
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter_map(|line| self.step(&line)).collect()
    }

    fn step(&self, line: &Value) -> Option<String> {
        let is_metric = line.get("_aws").is_some();
        for member in ["step", "method", "outcome", "Steps"] {
            assert_eq!(line.get(member).is_some(), is_metric, "{line}");
        }
        if !is_metric {
            return None;
        }
        // A mail is sent later, by the function that reads the stream. It belongs to an event, not to a request.
        let is_mail = line["step"] == "mail";
        let of_request = line["verb"].is_string() && line["route"].is_string() && line["span"]["request_id"].is_string();
        assert!(if is_mail { line["event_id"].is_string() } else { of_request }, "{line}");
        assert!(self.metric.is_valid(line), "{line}");
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Latchkey");
        assert_eq!(directive["Dimensions"], json!([["step", "outcome"], ["step", "method", "outcome"]]));
        // Names in a directive exist at the root: dimensions as text, metrics as numbers.
        for dimension in directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap()) {
            let value = line[dimension.as_str().unwrap()].as_str().unwrap();
            assert!((1..=1024).contains(&value.len()), "{line}");
        }
        assert_eq!(directive["Metrics"], json!([{ "Name": "Steps", "Unit": "Count" }]));
        assert_eq!(line["Steps"], 1);
        // The clock of these tests is fixed at 1 March 2026, plus an hour or a month.
        assert!((1_772_366_400_000..1_780_000_000_000).contains(&line["_aws"]["Timestamp"].as_i64().unwrap()), "{line}");
        let text = |member: &str| line[member].as_str().unwrap().to_owned();
        let step = [text("step"), text("method"), text("outcome")].join(" ");
        (!is_mail).then_some(step)
    }
}

/// The schema that AWS publishes for the format.
fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["_aws"],
        "properties": { "_aws": {
            "type": "object",
            "additionalProperties": false,
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": { "type": "integer" },
                "CloudWatchMetrics": { "type": "array", "minItems": 1, "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["Namespace", "Dimensions", "Metrics"],
                    "properties": {
                        "Namespace": { "type": "string", "minLength": 1, "maxLength": 1024 },
                        "Dimensions": { "type": "array", "minItems": 1, "items": {
                            "type": "array", "minItems": 1, "maxItems": 30,
                            "items": { "type": "string", "minLength": 1, "maxLength": 250 }
                        } },
                        "Metrics": { "type": "array", "minItems": 1, "maxItems": 100, "items": {
                            "type": "object",
                            "required": ["Name"],
                            "properties": {
                                "Name": { "type": "string", "minLength": 1, "maxLength": 1024 },
                                "Unit": { "enum": ["Seconds", "Milliseconds", "Bytes", "Percent", "Count", "None"] }
                            }
                        } }
                    }
                } }
            }
        } }
    })
}

/// A world, and the log from before its first request.
async fn world() -> (World, Log) {
    let log = Log::new();
    let world = World::new().await.unwrap();
    // The first request of a tenant creates its keys and logs that.
    assert_eq!(Anonymous::new(&world).get("/.well-known/jwks.json").await.status(), 200);
    (world, log)
}

async fn newest_code(world: &World, address: &str) -> String {
    world.mails_to(address).await.unwrap().remove(0).codes.remove(0)
}

#[tokio::test]
async fn a_registration_by_the_api_is_counted() {
    let (world, log) = world().await;
    let (api, ada) = (Anonymous::new(&world), Customer::new("Ada"));
    let _ = log.lines.take();
    api.get("/v1/registration/form").await;
    api.post_json("/v1/registrations", &json!({ "email": "ada@example.com", "password": "short" })).await;
    api.send(Method::POST, "/v1/registrations", &[("content-type", "text/plain")], "{}").await;
    let started = api.post_json("/v1/registrations", &ada.registration()).await.json();
    assert_eq!(
        log.steps(),
        ["registration_started api refused", "registration_started api refused", "registration_started api succeeded"]
    );
    let path = format!("/v1/registrations/{}", started["registration_id"].as_str().unwrap());
    let verify = async |code: &str| api.post_json(&format!("{path}/verification"), &json!({ "code": code })).await;
    let code = newest_code(&world, &ada.email).await;
    verify(if code == "000000" { "000001" } else { "000000" }).await;
    api.post_json(&format!("{path}/resend"), &json!({})).await;
    let code = newest_code(&world, &ada.email).await;
    verify(&code).await;
    verify(&code).await;
    let verified = ["wrong_credentials", "succeeded", "expired"].map(|outcome| format!("registration_verified code {outcome}"));
    assert_eq!(log.steps(), verified);

    // Two flows of one address: the first one to verify wins.
    let late = Customer::new("Late");
    let mut flows = Vec::new();
    for _ in 0..2 {
        let started = api.post_json("/v1/registrations", &late.registration()).await.json();
        flows.push((started["registration_id"].as_str().unwrap().to_owned(), newest_code(&world, &late.email).await));
    }
    log.steps();
    for (id, code) in flows {
        api.post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
    }
    assert_eq!(log.steps(), ["registration_verified code succeeded", "registration_verified code conflict"]);
    // Another tenant or an empty id is not a step.
    api.post_json("/t/unknown/v1/nothing", &json!({})).await;
    api.get("/v1/registrations").await;
    assert_eq!(log.steps(), Vec::<String>::new());
}

#[tokio::test]
async fn a_registration_on_the_pages_is_counted() {
    let (world, log) = world().await;
    let (mut browser, grace) = (Browser::new(&world), Customer::new("Grace"));
    let _ = log.lines.take();
    let page = browser.open("/register").await;
    browser.submit(&page, "#submit", &grace.form_fields()[..2]).await;
    let page = browser.submit(&page, "#submit", &grace.form_fields()).await;
    assert_eq!(log.steps(), ["registration_started page refused", "registration_started page succeeded"]);
    let page = browser.submit(&page, "#submit", &[("code", "00000x")]).await;
    let page = browser.submit(&page, "#resend", &[]).await;
    let foreign = Browser::new(&world).press(&page, "#submit", &[("code", "000000")]).await;
    assert_eq!(foreign.1.status(), 403, "another browser's form");
    let link = world.mails_to(&grace.email).await.unwrap().remove(0).links.remove(0);
    let page = browser.open(&link).await;
    browser.submit(&page, "#confirm", &[]).await;
    assert_eq!(
        log.steps(),
        [
            "registration_verified code wrong_credentials",
            "registration_verified code expired",
            "registration_verified link succeeded"
        ]
    );
}

#[tokio::test]
async fn a_sign_in_is_counted_from_the_request_to_the_tokens() {
    let (world, log) = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let web = OAuthClient::demo_web(&world);
    let mut browser = Browser::new(&world);
    let _ = log.lines.take();
    let page = browser.open(&web.authorize_url(&[])).await;
    assert_eq!(log.steps(), ["authorization session sign_in_required"]);
    for (identifier, password) in
        [("unknown", "x"), ("unknown@example.com", "wrong bicycles 1"), (ada.email.as_str(), "wrong bicycles 1")]
    {
        browser.submit(&page, "#submit", &[("identifier", identifier), ("password", password)]).await;
    }
    assert_eq!(
        log.steps(),
        ["sign_in password refused", "sign_in password wrong_credentials", "sign_in password wrong_credentials"]
    );
    let consent = ada.sign_in(&mut browser, &page).await;
    assert_eq!(log.steps(), ["sign_in password succeeded", "authorization interaction consent_required"]);
    browser.press(&consent, "#deny", &[]).await;
    let callback = browser.submit(&consent, "#allow", &[]).await;
    let code = callback.query("code").unwrap();
    assert_eq!(log.steps(), ["consent page denied", "consent page succeeded", "authorization interaction succeeded"]);
    web.redeem(&code).await;
    web.redeem(&code).await;
    OAuthClient::demo_service(&world).client_credentials().await;
    assert_eq!(log.steps(), ["code_redeemed code succeeded", "code_redeemed code refused"]);
    browser.open(&web.authorize_url(&[])).await;
    browser.open(&web.authorize_url(&[("prompt", "none"), ("max_age", "0")])).await;
    browser.open(&web.authorize_url(&[]).replace("response_type=code", "response_type=token")).await;
    browser.open(&web.authorize_url(&[("id_token_hint", "x"), ("prompt", "none")])).await;
    let mut ended = Browser::new(&world);
    let outcome = ended.press(&consent, "#allow", &[]).await;
    assert_eq!(outcome.1.status(), 303);
    assert_eq!(
        log.steps(),
        [
            "authorization session succeeded",
            "authorization session refused",
            "authorization session refused",
            "authorization session refused",
            "consent page expired"
        ]
    );

    // Five wrong passwords are free. Then the identifier is blocked for a while.
    for _ in 0..6 {
        browser.submit(&page, "#submit", &[("identifier", "x@example.com"), ("password", "wrong bicycles 1")]).await;
    }
    let steps = log.steps();
    assert_eq!(steps.last().unwrap(), "sign_in password locked", "{steps:?}");
    let form = [("content-type", "text/plain")];
    Anonymous::new(&world).send(Method::POST, "/login", &form, "identifier=x").await;
    Anonymous::new(&world).post_form("/login", &[("identifier", "x@example.com"), ("password", "x")]).await;
    assert_eq!(log.steps(), ["sign_in password refused", "sign_in password expired"]);
}

#[tokio::test]
async fn a_server_failure_is_counted_as_failed() {
    let (world, log) = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&OAuthClient::demo_app(&world).authorize_url(&[])).await;
    let _ = log.lines.take();
    for fault in [Fault::Throttle, Fault::Panic] {
        world.faults.add(Calls::Any, Trigger::Always, fault);
        ada.sign_in(&mut browser, &page).await;
        world.faults.clear();
        assert_eq!(log.steps(), ["sign_in password failed"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_recovery_is_counted() {
    let (world, log) = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let _ = log.lines.take();
    let page = browser.open("/recover").await;
    browser.submit(&page, "#submit", &[("identifier", "no address")]).await;
    browser.submit(&page, "#submit", &[("identifier", "unknown@example.com")]).await;
    let page = browser.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    assert_eq!(
        log.steps(),
        ["recovery_started page refused", "recovery_started page succeeded", "recovery_started page succeeded"]
    );
    let mail = world.mails_to(&ada.email).await.unwrap().remove(0);
    let new = "another 3 green bicycles";
    browser.submit(&page, "#submit", &[("code", &mail.codes[0]), ("password", "short")]).await;
    browser.submit(&page, "#submit", &[("code", "AAAAAAAAAA"), ("password", new)]).await;
    let link = browser.open(&mail.links[0]).await;
    browser.submit(&link, "#submit", &[("password", new)]).await;
    browser.submit(&page, "#submit", &[("code", &mail.codes[0]), ("password", "a third 4 orange bicycles")]).await;
    assert_eq!(
        log.steps(),
        [
            "recovery_completed code refused",
            "recovery_completed code wrong_credentials",
            "recovery_completed link succeeded",
            "recovery_completed code expired"
        ]
    );
}

#[tokio::test]
async fn closing_and_restoring_an_account_is_counted() {
    let (world, log) = world().await;
    let ada = Customer::registered(&world, "Ada").await;
    let old = AccountClient::new(&world, &ada).await;
    world.advance(Span::hours(1));
    let me = AccountClient::new(&world, &ada).await;
    let _ = log.lines.take();
    Anonymous::new(&world).send(Method::DELETE, "/v1/me", &[], "").await;
    // An hour after its sign-in, with a token that has expired in one of two ways.
    old.delete("/v1/me").await;
    me.delete("/v1/me").await;
    assert_eq!(
        log.steps(),
        ["account_deleted api sign_in_required", "account_deleted api sign_in_required", "account_deleted api succeeded"]
    );
    let mut mail = world.mails_to(&ada.email).await.unwrap().remove(0);
    let (link, code) = (mail.links.remove(0), mail.codes.remove(0));
    let token = link.split_once("token=").unwrap().1;
    for _ in 0..2 {
        Anonymous::new(&world).post_json("/v1/me/restoration", &json!({ "token": token, "code": code })).await;
    }
    assert_eq!(log.steps(), ["account_restored api succeeded", "account_restored api expired"]);

    let mut browser = Browser::new(&world);
    AccountClient::signed_in(&mut browser, &world, &ada).await;
    let page = browser.open("/account/delete").await;
    log.steps();
    Browser::new(&world).press(&page, "#confirm", &[]).await;
    browser.press(&page, "#confirm", &[]).await;
    let mut mail = world.mails_to(&ada.email).await.unwrap().remove(0);
    let page = browser.open(&mail.links.remove(0)).await;
    let code = mail.codes.remove(0);
    browser.press(&page, "#confirm", &[("code", "AAAAAAAAAA")]).await;
    browser.press(&page, "#confirm", &[("code", &code)]).await;
    browser.press(&page, "#confirm", &[("code", &code)]).await;
    assert_eq!(
        log.steps(),
        [
            "account_deleted page sign_in_required",
            "account_deleted page succeeded",
            "account_restored page wrong_credentials",
            "account_restored page succeeded",
            "account_restored page expired"
        ]
    );
}
