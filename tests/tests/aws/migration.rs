//! People who go back to a user pool: what its user migration trigger asks, and what it is told (docs/cognito.md, "The way back").
#![expect(clippy::expect_used, reason = "this file is test code: a broken expectation ends the test")]

use http::StatusCode;
use latchkey::context::Deadline;
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, When};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::{DEFAULT_DOCUMENT, World};
use migration::{Migration, MigrationError, TryAgainLater};
use serde_json::{Value, json};
use tests::log_lines::LogLines;
use tests::{Browser, Customer, Me};

const POOL: &str = "eu-central-1_Next";

const HANDOVER: &str = "[handover]\nuser_pool_id = \"eu-central-1_Next\"\nsub = \"custom:former_sub\"\n";

/// Somebody who registered here, and the trigger of the pool that they go to.
struct Returning {
    world: World,
    customer: Customer,
    migration: Migration,
}

impl Returning {
    async fn new() -> Self {
        Self::to(HANDOVER).await
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
    /// What the pool is told of somebody who signs in there.
    async fn sign_in(&self, email: &str, password: &str) -> Value {
        let answer = self.ask(event("UserMigration_Authentication", email, json!({ "password": password }))).await;
        answer.expect("an answer")["response"].clone()
    }
}

/// As the pool sends it.
fn event(source: &str, username: &str, request: Value) -> Value {
    json!({
        "version": "1", "triggerSource": source, "region": "eu-central-1", "userPoolId": POOL, "userName": username,
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1abc" },
        "request": request,
        "response": { "userAttributes": null, "forceAliasCreation": null, "finalUserStatus": null, "messageAction": null, "desiredDeliveryMediums": null },
    })
}

fn is_nobody(response: &Value) -> bool {
    response["userAttributes"].is_null() && response["finalUserStatus"].is_null()
}

#[tokio::test]
async fn who_signs_in_there_with_the_password_of_here_is_told_as_attributes() {
    let there = Returning::new().await;
    let Customer { email, password, given_name, family_name, .. } = &there.customer;
    let sub = Me::of(&there.world, &there.customer).await.tokens.access_claims()["sub"].clone();
    let sent =
        event("UserMigration_Authentication", &email.to_uppercase(), json!({ "password": password, "clientMetadata": null }));
    let answer = there.ask(sent.clone()).await.expect("an answer");
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
    assert!(!answer.to_string().contains(password.as_str()), "the password is sent back to nobody");
    // They are in both places: whoever opens the old application still signs in.
    let mut browser = Browser::new(&there.world);
    let page = browser.open("/login").await;
    there.customer.sign_in(&mut browser, &page).await.expect(StatusCode::OK);
    assert_eq!(there.sign_in(email, password).await, expected, "and again: the pool may have lost the answer");
}

#[tokio::test]
async fn who_forgot_theirs_is_told_by_the_address_alone_and_proves_it_there() {
    let there = Returning::new().await;
    let asked = |email: &str| there.ask(event("UserMigration_ForgotPassword", email, json!({ "clientMetadata": null })));
    let answer = asked(&there.customer.email).await.expect("an answer");
    assert_eq!(answer["response"]["userAttributes"]["email_verified"], "true");
    assert_eq!(answer["response"].get("finalUserStatus"), None, "they have not shown a password");
    assert!(is_nobody(&asked("nobody@example.com").await.expect("an answer")["response"]));
}

/// Where the address is an alias the pool would take it for the username, and refuse that.
#[tokio::test]
async fn a_pool_with_the_address_as_alias_is_told_a_username_by_either_source() {
    let there = Returning::to(&format!("{HANDOVER}username = \"sub\"\n")).await;
    let Customer { email, password, .. } = &there.customer;
    let sub = Me::of(&there.world, &there.customer).await.tokens.access_claims()["sub"].clone();
    let forgot = there.ask(event("UserMigration_ForgotPassword", email, json!({}))).await.expect("an answer");
    for response in [&there.sign_in(email, password).await, &forgot["response"]] {
        let told = &response["userAttributes"];
        assert_eq!((&told["username"], &told["email"], &told["email_verified"]), (&sub, &json!(email), &json!("true")));
    }
}

/// security 112, 113: one more way to guess, and no other windows: what fails there blocks here, and the other way round.
#[tokio::test]
async fn security_112_guesses_by_way_of_the_pool_are_counted_like_any() {
    let there = Returning::new().await;
    let Customer { email, password, .. } = &there.customer;
    for _ in 0..6 {
        assert!(is_nobody(&there.sign_in(email, "not the 9 right one").await));
        assert!(is_nobody(&there.sign_in("nobody@example.com", "not the 9 right one").await));
    }
    assert!(is_nobody(&there.sign_in(email, password).await), "while the window blocks even the right one is not evaluated");
    for email in [email.as_str(), "nobody@example.com"] {
        let mut browser = Browser::new(&there.world);
        let page = browser.open("/login").await;
        let page = browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await;
        assert_eq!(page.status(), 429, "{email}: {}", page.text());
    }
    there.world.services.clock.advance(Span::minutes(5));
    assert!(!is_nobody(&there.sign_in(email, password).await));
    assert!(is_nobody(&there.sign_in(email, "not the 9 right one").await));
    assert!(!is_nobody(&there.sign_in(email, password).await), "a right one begins the window anew");
}

#[tokio::test]
async fn security_113_parallel_guesses_evaluate_no_more_than_they_would_in_a_row() {
    let there = Returning::new().await;
    let Customer { email, password, .. } = &there.customer;
    for _ in 0..5 {
        assert!(is_nobody(&there.sign_in(email, "not the 9 right one").await));
    }
    // The window blocks after the next one: of sixty-four at once, one right among them, no more is learned than that one.
    let guesses = (0..64).map(|guess| {
        let password = if guess == 63 { password.clone() } else { format!("guess {guess}") };
        let there = &there;
        async move { there.ask(event("UserMigration_Authentication", email, json!({ "password": password }))).await }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let right = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|answer| !is_nobody(&answer["response"]))).count();
    assert!(right <= 1, "{right}");
    let after = there.sign_in(email, password).await;
    assert!(right == 1 || is_nobody(&after), "blocked, unless the right one came first");
}

#[tokio::test]
async fn whose_account_is_closed_or_has_no_password_is_nobody_there() {
    let there = Returning::new().await;
    assert_eq!(Me::of(&there.world, &there.customer).await.delete("/v1/me").await.status(), 202);
    let Customer { email, password, .. } = &there.customer;
    assert!(is_nobody(&there.sign_in(email, password).await));
    let forgot = there.ask(event("UserMigration_ForgotPassword", email, json!({}))).await.expect("an answer");
    assert!(is_nobody(&forgot["response"]));
}

#[tokio::test]
async fn security_143_only_the_trigger_of_the_pool_that_the_document_names_is_answered() {
    let there = Returning::new().await;
    let Customer { email, password, .. } = &there.customer;
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
        assert!(matches!(there.ask(event.clone()).await, Err(MigrationError::Refused(_))), "{event}");
        // The pool shows it to whoever signs in: no cause of ours.
        let told = there.migration.answer(event.clone(), "request-1", Deadline::default()).await;
        assert_eq!(told, Err(TryAgainLater), "{event}");
    }
    assert_eq!(TryAgainLater.to_string(), "this is not possible just now, please try again later");
    // What anybody can type at the pool is no failure of ours, and costs no hash.
    let hashed = there.world.services.hasher.hashes_computed();
    for password in [String::new(), "x".repeat(1025)] {
        assert!(is_nobody(&there.sign_in(email, &password).await), "{} bytes", password.len());
    }
    assert_eq!(there.world.services.hasher.hashes_computed(), hashed);
    for username in ["", "ada", "+4930123456", "8f14e45f-ceea-467f-a3c1-0d2a4d6f1b7e"] {
        let answer = there.ask(with("userName", json!(username))).await.expect("an answer");
        assert!(is_nobody(&answer["response"]), "{username}: people here have addresses");
    }
    assert!(is_nobody(&there.ask(with("userName", json!(7))).await.expect("an answer")["response"]));
    let world = World::new().await.expect("a world");
    let nowhere = Migration::new(world.services.clone(), TenantId::default_tenant());
    assert!(matches!(nowhere.handle(good, "request-1", Deadline::default()).await, Err(MigrationError::Refused(_))));
}

#[tokio::test]
async fn what_it_costs_and_a_store_that_fails() {
    let there = Returning::new().await;
    let Customer { email, password, .. } = &there.customer;
    let cost = |requests: usize, read: f64, write: f64| {
        let units = Units { read, write };
        Cost { requests, engine: units, own: units }
    };
    drop(there.sign_in(email, password).await);
    drop(there.world.meter.take());
    drop(there.sign_in(email, password).await);
    // The sign-in's reads, the window, the profile with its key.
    assert_eq!(there.world.meter.take_cost(), cost(4, 7.0, 1.0));
    drop(there.sign_in(email, "not the 9 right one").await);
    assert_eq!(there.world.meter.take_cost(), cost(3, 4.0, 1.0));
    drop(there.sign_in("nobody@example.com", "not the 9 right one").await);
    assert_eq!(there.world.meter.take_cost(), cost(3, 4.0, 1.0), "security 71: nobody's is read and written alike");
    there.world.faults.add(Calls::Named("PutItem"), When::Nth(1), Fault::TimeoutAfter);
    assert!(!is_nobody(&there.sign_in(email, password).await), "a lost reply is recognized");
    there.world.faults.clear();
    there.world.faults.add(Calls::Reads, When::Always, Fault::Throttle);
    let failed = there.ask(event("UserMigration_Authentication", email, json!({ "password": password }))).await;
    assert!(matches!(failed, Err(MigrationError::Store(_))), "{failed:?}");
}

/// Lists of stolen passwords may be tried by way of the pool: the alarm counts these guesses with those of the page.
#[tokio::test]
async fn guesses_by_way_of_the_pool_are_counted_in_the_funnel() {
    let (lines, _guard) = LogLines::of_this_thread();
    let there = Returning::new().await;
    let Customer { email, password, .. } = &there.customer;
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
    drop(there.sign_in(email, password).await);
    assert_eq!(counted(&lines), step("succeeded"));
    for email in [email.as_str(), "nobody@example.com"] {
        for outcome in ["wrong_credentials"; 5].into_iter().chain(["locked"]) {
            drop(there.sign_in(email, "not the 9 right one").await);
            assert_eq!(counted(&lines), step(outcome), "{email}");
        }
    }
    drop(there.ask(event("UserMigration_ForgotPassword", email, json!({}))).await);
    assert_eq!(counted(&lines), [""; 0], "nobody signs in by it");
}

#[tokio::test]
async fn security_126_nothing_of_the_person_is_logged() {
    let (lines, _guard) = LogLines::of_this_thread();
    let there = Returning::new().await;
    let Customer { email, password, .. } = &there.customer;
    drop(there.sign_in(email, password).await);
    drop(there.sign_in(email, "not the 9 right one").await);
    let text = lines.take();
    assert!(text.contains("the user pool asked for a user"), "{text}");
    for secret in [email.as_str(), password, "not the 9 right one", &there.customer.given_name] {
        assert!(!text.contains(secret), "{secret}");
    }
}
