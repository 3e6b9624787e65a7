//! `latchkey cognito import`, `status` and `export` against a real local gateway and a user pool on loopback: exact counts over
//! all pages.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this file is test code: a broken expectation ends the test")]

mod export;
mod import;

use latchkey::context::{Deadline, RequestContext};
use latchkey::domain::account::AccountStatus;
use latchkey::domain::erasure::{DueErasure, Erasure, erase};
use latchkey::domain::id::AccountId;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tests::gateway::folder;
use tests::user_pool::{CLIENT_ID, Mode, POOL_ID, PoolUser, UserPool, document};
use tests::{AccountClient, Browser, Customer, Gateway, Operator, Site};

const ISSUER: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Former";
const PASSWORD: &str = "a 9 Password that is unique";
const IMPORT: [&str; 9] = ["people", "import", "realm.json", "--from", "keycloak", "--issuer", ISSUER, "--yes", "@"];
const STATUS: [&str; 5] = ["cognito", "status", "--user-pool-id", POOL_ID, "@"];
const IMPORT_POOL: [&str; 5] = ["cognito", "import", "--yes", "--json", "@"];

fn sub(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn email(number: usize) -> String {
    format!("person{number:03}@example.com")
}

/// A gateway, and a pool of 150 users: more than two pages.
async fn start_gateway(pool: &UserPool) -> (TempDir, Gateway, Operator) {
    for number in 0..150 {
        pool.put(PoolUser::confirmed(&email(number), PASSWORD, &sub(number)));
    }
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let key = || "local".to_owned();
    let operator = Operator::new(&gateway, &data, folder.path()).with_env(vec![
        ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", pool.serve().await),
        ("AWS_ACCESS_KEY_ID", key()),
        ("AWS_SECRET_ACCESS_KEY", key()),
        ("AWS_REGION", "us-east-1".to_owned()),
    ]);
    (folder, gateway, operator)
}

/// Stores a document that names the pool.
async fn name_user_pool(gateway: &Gateway, data: &Path) {
    gateway.put_in_force(data, &document(POOL_ID, CLIENT_ID, "")).await;
}

/// Imports users by their numbers in the pool.
fn import_users(operator: &Operator, numbers: std::ops::Range<usize>) {
    let users: Vec<Value> = numbers
        .map(|number| json!({ "id": sub(number), "username": email(number), "email": email(number), "emailVerified": true, "enabled": true }))
        .collect();
    operator.write("realm.json", &json!({ "realm": "shop", "users": users }).to_string());
    let done = operator.run_ok(&IMPORT);
    assert!(done.contains("newly imported"), "{done}");
}

/// Runs only the first step of a due erasure.
async fn begin_erasure(gateway: &Gateway, data: &Path, sub: &str) {
    let items = gateway.tables(data).scan().table_name("identities").send().await.unwrap().items.unwrap();
    let state = items.iter().find(|item| item.get("sub").is_some_and(|theirs| theirs.as_s().unwrap() == sub)).unwrap();
    let account: AccountId = state["pk"].as_s().unwrap().rsplit('#').next().unwrap().parse().unwrap();
    let store = gateway.store(data);
    let authentication = store.find_authentication(account).await.unwrap().unwrap();
    let AccountStatus::ErasureDue { due, .. } = authentication.status else { panic!("{:?}", authentication.status) };
    let request = RequestContext {
        request_id: "erasure-1".parse().unwrap(),
        now: due,
        attempt: 1,
        address_hash: None,
        deadline: Deadline::default(),
    };
    let identifier = authentication.identifier;
    let decided = erase(Some(&authentication), &DueErasure { account, identifier, due, requested_at: None }, request.now);
    assert_eq!(decided.outcome, Erasure::Remove { at: due });
    store.commit(&decided.changes, &request).await.unwrap();
}

fn counts(operator: &Operator) -> Value {
    serde_json::from_str(&operator.run_ok(&[&STATUS[..], &["--json"]].concat())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_of_the_pool_is_counted_once_by_state() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    let state = |number, status| PoolUser { status, ..PoolUser::confirmed(&email(number), PASSWORD, &sub(number)) };
    pool.put(state(100, "UNCONFIRMED"));
    pool.put(state(101, "RESET_REQUIRED"));
    pool.put(PoolUser { enabled: false, ..state(102, "CONFIRMED") });
    pool.put(state(103, "CONFIRMED").with_attribute("email_verified", "false"));

    let before = counts(&operator);
    let expected = json!({
        "in_the_pool": 150, "moved": 0, "active": 0, "closed": 0, "erased": 0, "left": 150,
        "left_by_state": {
            "can come at their next sign-in": 146, "disabled in the pool": 1, "need a new password by mail": 1,
            "never confirmed their registration": 1, "their address was never proven": 1,
        },
        "by_day": {},
    });
    assert_eq!(before, expected);
    assert_eq!(pool.take_call_count("ListUsers"), 3);

    import_users(&operator, 0..70);
    let after = counts(&operator);
    assert_eq!((&after["moved"], &after["active"], &after["left"]), (&json!(70), &json!(0), &json!(80)));
    let days = after["by_day"].as_object().unwrap();
    assert_eq!(days.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 70, "{days:?}");
    assert!(days.keys().all(|day| day.len() == 10 && day.starts_with("20")), "{days:?}");

    // A user is active after a sign-in here. This user first sets a password by mail.
    let site = Site::from(&gateway);
    let mut browser = Browser::new(&site);
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &email(7))]).await;
    let code = site.mail_to(&email(7)).await.codes[0].clone();
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", PASSWORD)]).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    assert_eq!(counts(&operator)["active"], 0, "not signed in yet");
    let customer = Customer { email: email(7), password: PASSWORD.to_owned(), ..Customer::new("Seven") };
    let me = AccountClient::new(&site, &customer).await;
    assert_eq!(counts(&operator)["active"], 1);

    let output = operator.run_ok(&STATUS);
    assert!(output.contains("moved") && output.contains("46.7 %") && output.contains("imported by day (UTC)"), "{output}");
    assert!(output.contains(&"#".repeat(40)) && !output.contains('@'), "the output has no personal data: {output}");

    // A closed account still counts as moved. An erased one does not, and its day of import is gone.
    let moved = |counted: &Value| ["moved", "closed", "erased", "left"].map(|name| counted[name].as_u64().unwrap());
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    assert_eq!(moved(&counts(&operator)), [70, 1, 0, 80]);
    site.advance("P40D").await;
    // An erasure that is interrupted after its first step, then at its last step, then completed.
    begin_erasure(&gateway, &folder.path().join("data"), me.tokens.access_claims()["sub"].as_str().unwrap()).await;
    assert_eq!(moved(&counts(&operator)), [69, 0, 1, 80]);
    site.run_job(&json!({ "job": "retention" })).await;
    let erased = counts(&operator);
    assert_eq!((&erased["moved"], &erased["closed"], &erased["erased"]), (&json!(69), &json!(0), &json!(1)));
    assert_eq!((&erased["left"], &erased["in_the_pool"]), (&json!(80), &json!(150)));
    let days = erased["by_day"].as_object().unwrap();
    assert_eq!(days.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 69, "{days:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_pool_gives_no_count() {
    let pool = UserPool::default();
    let (_folder, _gateway, operator) = start_gateway(&pool).await;
    let without_pool = operator.run(&["cognito", "status", "@"]);
    assert_eq!(without_pool.code, Some(1));
    assert!(without_pool.err.contains("names no user pool: give its id with --user-pool-id"), "{without_pool:?}");
    let malformed = operator.run(&["cognito", "status", "--user-pool-id", "shop", "@"]);
    assert_eq!(malformed.code, Some(2));

    pool.set(Mode::Forbidden);
    let refused = operator.run(&STATUS);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("cannot be read") && refused.err.contains("AccessDenied"), "{refused:?}");
    assert_eq!(refused.out, "", "no partial count");
}

/// The quota of the pool is shared: the calls keep the given rate.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_is_called_no_faster_than_the_rate() {
    let pool = UserPool::default();
    let (folder, gateway, operator) = start_gateway(&pool).await;
    gateway.put_in_force(&folder.path().join("data"), &document(POOL_ID, CLIENT_ID, "")).await;
    let calls = |operation: &str, words: &[&str]| -> Vec<Duration> {
        pool.take_call_times(operation);
        let _ = operator.run_ok(words);
        let times = pool.take_call_times(operation);
        times.windows(2).map(|two| two[1] - two[0]).collect()
    };
    // Lower bounds with a little tolerance: a slow machine does not break them.
    let pages = calls("ListUsers", &[&STATUS[..], &["--rate", "2"]].concat());
    assert!(pages.len() == 2 && pages.iter().all(|gap| *gap >= Duration::from_millis(450)), "{pages:?}");
    let looks = calls("AdminGetUser", &[&IMPORT_POOL[..], &["--dry-run", "--user-rate", "50"]].concat());
    let all: Duration = looks.iter().sum();
    assert!(looks.len() == 149 && all >= Duration::from_millis(149 * 19), "{all:?}");
}
