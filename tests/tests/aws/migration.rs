//! Reverse migration: the calls of a user pool's migration trigger, and their answers (docs/cognito.md, "Reverse migration").
#![expect(clippy::expect_used, reason = "this file is test code: a broken expectation ends the test")]

use http::StatusCode;
use latchkey::context::Deadline;
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use migration::{Migration, MigrationError, TryAgainLater};
use serde_json::{Value, json};
use tests::log_lines::LogLines;
use tests::{AccountClient, Browser, Customer};

const POOL: &str = "eu-central-1_Next";

const HANDOVER_SECTION: &str = "[handover]\nuser_pool_id = \"eu-central-1_Next\"\nsub = \"custom:former_sub\"\n";

/// A user with an account here, and the trigger of the target pool.
struct MigrationFixture {
    world: World,
    customer: Customer,
    migration: Migration,
}

impl MigrationFixture {
    async fn new() -> Self {
        Self::to(HANDOVER_SECTION).await
    }
    async fn to(handover: &str) -> Self {
        let document = format!("{DEFAULT_DOCUMENT}\n{handover}");
        let world = World::builder().tenant("default", &document).build().await.expect("a world");
        let customer = Customer::registered(&world, "Ada").await;
        let migration = Migration::new(world.services.clone(), TenantId::default_tenant());
        Self { world, customer, migration }
    }
    async fn ask(&self, event: Value) -> Result<Value, MigrationError> {
        self.migration.handle(event, "request-1", Deadline::default()).await
    }
    /// The answer to the pool when a user signs in there.
    async fn sign_in(&self, email: &str, password: &str) -> Value {
        let answer = self.ask(event("UserMigration_Authentication", email, json!({ "password": password }))).await;
        answer.expect("an answer")["response"].clone()
    }
}

/// An event as the pool sends it.
fn event(source: &str, username: &str, request: Value) -> Value {
    json!({
        "version": "1", "triggerSource": source, "region": "eu-central-1", "userPoolId": POOL, "userName": username,
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1abc" },
        "request": request,
        "response": { "userAttributes": null, "forceAliasCreation": null, "finalUserStatus": null, "messageAction": null, "desiredDeliveryMediums": null },
    })
}

fn is_unknown_user(response: &Value) -> bool {
    response["userAttributes"].is_null() && response["finalUserStatus"].is_null()
}

#[tokio::test]
async fn a_right_password_returns_the_attributes_of_the_account() {
    let trigger = MigrationFixture::new().await;
    let Customer { email, password, given_name, family_name, .. } = &trigger.customer;
    let sub = AccountClient::new(&trigger.world, &trigger.customer).await.tokens.access_claims()["sub"].clone();
    let sent =
        event("UserMigration_Authentication", &email.to_uppercase(), json!({ "password": password, "clientMetadata": null }));
    let answer = trigger.ask(sent.clone()).await.expect("an answer");
    let expected = json!({
        "userAttributes": {
            "email": email, "email_verified": "true", "given_name": given_name, "family_name": family_name,
            "custom:former_sub": sub,
        },
        "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS",
    });
    assert_eq!(answer["response"], expected);
    assert_eq!(
        (&answer["userName"], &answer["triggerSource"], &answer["version"]),
        (&sent["userName"], &sent["triggerSource"], &json!("1"))
    );
    assert!(!answer.to_string().contains(password.as_str()), "the answer does not contain the password");
    // The account stays here too: the old application still signs in.
    let mut browser = Browser::new(&trigger.world);
    let page = browser.open("/login").await;
    trigger.customer.sign_in(&mut browser, &page).await.expect(StatusCode::OK);
    assert_eq!(trigger.sign_in(email, password).await, expected, "the same answer again: the pool may have lost the first one");
}

#[tokio::test]
async fn a_forgotten_password_returns_the_attributes_for_a_verification_at_the_pool() {
    let trigger = MigrationFixture::new().await;
    let answer_to = |email: &str| trigger.ask(event("UserMigration_ForgotPassword", email, json!({ "clientMetadata": null })));
    let answer = answer_to(&trigger.customer.email).await.expect("an answer");
    assert_eq!(answer["response"]["userAttributes"]["email_verified"], "true");
    assert_eq!(answer["response"].get("finalUserStatus"), None, "no password was verified");
    assert!(is_unknown_user(&answer_to("unknown@example.com").await.expect("an answer")["response"]));
}

/// In a pool with the address as an alias, the address can't be the username.
#[tokio::test]
async fn a_pool_with_address_aliases_gets_a_username_from_both_triggers() {
    let trigger = MigrationFixture::to(&format!("{HANDOVER_SECTION}username = \"sub\"\n")).await;
    let Customer { email, password, .. } = &trigger.customer;
    let sub = AccountClient::new(&trigger.world, &trigger.customer).await.tokens.access_claims()["sub"].clone();
    let forgot = trigger.ask(event("UserMigration_ForgotPassword", email, json!({}))).await.expect("an answer");
    for response in [&trigger.sign_in(email, password).await, &forgot["response"]] {
        let attributes = &response["userAttributes"];
        assert_eq!(
            (&attributes["username"], &attributes["email"], &attributes["email_verified"]),
            (&sub, &json!(email), &json!("true"))
        );
    }
}

/// security 112, 113: the trigger is another way to guess, but with the same windows: failures there block here, and the reverse.
#[tokio::test]
async fn security_112_guesses_through_the_pool_are_counted_like_any_other() {
    let trigger = MigrationFixture::new().await;
    let Customer { email, password, .. } = &trigger.customer;
    for _ in 0..6 {
        assert!(is_unknown_user(&trigger.sign_in(email, "not the 9 right one").await));
        assert!(is_unknown_user(&trigger.sign_in("unknown@example.com", "not the 9 right one").await));
    }
    assert!(
        is_unknown_user(&trigger.sign_in(email, password).await),
        "a blocked identifier: the right password is not evaluated"
    );
    for email in [email.as_str(), "unknown@example.com"] {
        let mut browser = Browser::new(&trigger.world);
        let page = browser.open("/login").await;
        let page = browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await;
        assert_eq!(page.status(), 429, "{email}: {}", page.text());
    }
    trigger.world.services.clock.advance(Span::minutes(5));
    assert!(!is_unknown_user(&trigger.sign_in(email, password).await));
    assert!(is_unknown_user(&trigger.sign_in(email, "not the 9 right one").await));
    assert!(!is_unknown_user(&trigger.sign_in(email, password).await), "the right password resets the window");
}

#[tokio::test]
async fn security_113_parallel_guesses_evaluate_no_more_than_sequential_ones() {
    let trigger = MigrationFixture::new().await;
    let Customer { email, password, .. } = &trigger.customer;
    for _ in 0..5 {
        assert!(is_unknown_user(&trigger.sign_in(email, "not the 9 right one").await));
    }
    // The window blocks after the next failure: of 64 concurrent guesses, among them the right one, only one is evaluated.
    let guesses = (0..64).map(|guess| {
        let password = if guess == 63 { password.clone() } else { format!("guess {guess}") };
        let trigger = &trigger;
        async move { trigger.ask(event("UserMigration_Authentication", email, json!({ "password": password }))).await }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let right =
        answers.iter().filter(|answer| answer.as_ref().is_ok_and(|answer| !is_unknown_user(&answer["response"]))).count();
    assert!(right <= 1, "{right}");
    let after = trigger.sign_in(email, password).await;
    assert!(right == 1 || is_unknown_user(&after), "blocked, unless the right one was first");
}

#[tokio::test]
async fn a_closed_account_or_one_without_password_is_unknown_to_the_pool() {
    let trigger = MigrationFixture::new().await;
    assert_eq!(AccountClient::new(&trigger.world, &trigger.customer).await.delete("/v1/me").await.status(), 202);
    let Customer { email, password, .. } = &trigger.customer;
    assert!(is_unknown_user(&trigger.sign_in(email, password).await));
    let forgot = trigger.ask(event("UserMigration_ForgotPassword", email, json!({}))).await.expect("an answer");
    assert!(is_unknown_user(&forgot["response"]));
}

#[tokio::test]
async fn security_143_only_the_trigger_of_the_configured_pool_is_answered() {
    let trigger = MigrationFixture::new().await;
    let Customer { email, password, .. } = &trigger.customer;
    let good = event("UserMigration_Authentication", email, json!({ "password": password }));
    let with = |name: &str, value: Value| {
        let mut event = good.clone();
        event[name] = value;
        event
    };
    let refused = [
        with("userPoolId", json!("eu-central-1_Other")),
        with("userPoolId", Value::Null),
        with("triggerSource", json!("PreSignUp_SignUp")),
        with("triggerSource", Value::Null),
        with("request", json!({})),
        with("request", json!({ "password": 7 })),
        json!({}),
        json!([1]),
        json!("UserMigration_Authentication"),
        Value::Null,
    ];
    for event in refused {
        assert!(matches!(trigger.ask(event.clone()).await, Err(MigrationError::Refused(_))), "{event}");
        // The pool shows this to the user: it must not name our cause.
        let attributes = trigger.migration.answer(event.clone(), "request-1", Deadline::default()).await;
        assert_eq!(attributes, Err(TryAgainLater), "{event}");
    }
    assert_eq!(TryAgainLater.to_string(), "this is not possible just now, please try again later");
    // Invalid input of a user is not our failure, and costs no hash.
    let hashed = trigger.world.services.hasher.hashes_computed();
    for password in [String::new(), "x".repeat(1025)] {
        assert!(is_unknown_user(&trigger.sign_in(email, &password).await), "{} bytes", password.len());
    }
    assert_eq!(trigger.world.services.hasher.hashes_computed(), hashed);
    for username in ["", "ada", "+4930123456", "8f14e45f-ceea-467f-a3c1-0d2a4d6f1b7e"] {
        let answer = trigger.ask(with("userName", json!(username))).await.expect("an answer");
        assert!(is_unknown_user(&answer["response"]), "{username}: identifiers here are addresses");
    }
    assert!(is_unknown_user(&trigger.ask(with("userName", json!(7))).await.expect("an answer")["response"]));
    let world = World::new().await.expect("a world");
    let nowhere = Migration::new(world.services.clone(), TenantId::default_tenant());
    assert!(matches!(nowhere.handle(good, "request-1", Deadline::default()).await, Err(MigrationError::Refused(_))));
}

#[tokio::test]
async fn the_cost_of_a_call_and_a_store_failure() {
    let trigger = MigrationFixture::new().await;
    let Customer { email, password, .. } = &trigger.customer;
    let cost = |requests: usize, read: f64, write: f64| {
        let units = Units { read, write };
        Cost { requests, engine: units, own: units }
    };
    drop(trigger.sign_in(email, password).await);
    drop(trigger.world.meter.take());
    drop(trigger.sign_in(email, password).await);
    // The reads of a sign-in, the window, the profile with its key.
    assert_eq!(trigger.world.meter.take_cost(), cost(4, 7.0, 1.0));
    drop(trigger.sign_in(email, "not the 9 right one").await);
    assert_eq!(trigger.world.meter.take_cost(), cost(3, 4.0, 1.0));
    drop(trigger.sign_in("unknown@example.com", "not the 9 right one").await);
    assert_eq!(
        trigger.world.meter.take_cost(),
        cost(3, 4.0, 1.0),
        "security 71: an unknown address has the same reads and writes"
    );
    trigger.world.faults.add(Calls::Named("PutItem"), Trigger::Nth(1), Fault::TimeoutAfter);
    assert!(!is_unknown_user(&trigger.sign_in(email, password).await), "a lost reply is recognized");
    trigger.world.faults.clear();
    trigger.world.faults.add(Calls::Reads, Trigger::Always, Fault::Throttle);
    let failed = trigger.ask(event("UserMigration_Authentication", email, json!({ "password": password }))).await;
    assert!(matches!(failed, Err(MigrationError::Store(_))), "{failed:?}");
}

/// Attackers may try stolen passwords through the pool: the alarm counts these guesses with those of the sign-in page.
#[tokio::test]
async fn guesses_through_the_pool_are_counted_in_the_funnel() {
    let (lines, _guard) = LogLines::of_this_thread();
    let trigger = MigrationFixture::new().await;
    let Customer { email, password, .. } = &trigger.customer;
    drop(lines.take());
    let counted = |lines: &LogLines| {
        let text = lines.take();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let metrics = lines.filter(|line| line.get("_aws").is_some());
        metrics
            .map(|line| format!("{} {} {} {}", line["step"], line["method"], line["outcome"], line["Steps"]))
            .collect::<Vec<_>>()
    };
    let step = |outcome: &str| [format!("\"sign_in\" \"password\" \"{outcome}\" 1")];
    drop(trigger.sign_in(email, password).await);
    assert_eq!(counted(&lines), step("succeeded"));
    for email in [email.as_str(), "unknown@example.com"] {
        for outcome in ["wrong_credentials"; 5].into_iter().chain(["locked"]) {
            drop(trigger.sign_in(email, "not the 9 right one").await);
            assert_eq!(counted(&lines), step(outcome), "{email}");
        }
    }
    drop(trigger.ask(event("UserMigration_ForgotPassword", email, json!({}))).await);
    assert_eq!(counted(&lines), [""; 0], "this call is not a sign-in");
}

#[tokio::test]
async fn security_126_no_personal_data_is_logged() {
    let (lines, _guard) = LogLines::of_this_thread();
    let trigger = MigrationFixture::new().await;
    let Customer { email, password, .. } = &trigger.customer;
    drop(trigger.sign_in(email, password).await);
    drop(trigger.sign_in(email, "not the 9 right one").await);
    let text = lines.take();
    assert!(text.contains("the user pool asked for a user"), "{text}");
    for secret in [email.as_str(), password, "not the 9 right one", &trigger.customer.given_name] {
        assert!(!text.contains(secret), "{secret}");
    }
}
