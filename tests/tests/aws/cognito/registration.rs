//! Registration of a user who is not imported yet: after the verification the pool is asked, and a known user is imported with the
//! typed data (security 92, 111).

use crate::cognito::{SUB, is_known, is_signed_in, pool_and_world, try_password, user};
use http::StatusCode;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::journeys::register_on_pages;
use tests::user_pool::{Mode, PoolUser};
use tests::{AccountClient, Anonymous, Browser, Customer, Site, invariants};

/// This user with a new password and given name.
fn with_new_password(customer: &Customer) -> Customer {
    Customer { password: "a quite different 9 umbrellas".to_owned(), given_name: "Adele".to_owned(), ..customer.clone() }
}

/// Starts a registration by the API. Returns its id and the mailed code.
async fn begin(world: &World, customer: &Customer) -> (Anonymous, String, String) {
    let (site, api) = (Site::from(world), Anonymous::new(world));
    let (started, mail) = site.mail_after(&customer.email, api.post_json("/v1/registrations", &customer.registration())).await;
    let id = started.json()["registration_id"].as_str().expect("an id").to_owned();
    (api, id, mail.codes.first().expect("a code").clone())
}

async fn submit_code(api: &Anonymous, id: &str, code: &str) -> (u16, Value) {
    let answer = api.post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
    (answer.status(), answer.json())
}

#[tokio::test]
async fn a_user_of_the_pool_is_imported_with_the_typed_data() {
    for (more, kept) in [("sub = \"alias\"", false), ("sub = \"keep\"", true)] {
        let (pool, world, customer) = pool_and_world("Ada", more).await;
        let customer = with_new_password(&customer);
        let sub = customer.register(&world).await;
        assert_eq!(sub == SUB, kept, "{more}");
        assert_eq!((pool.take_call_count("AdminGetUser"), pool.take_call_count("AdminInitiateAuth")), (1, 0));
        let me = AccountClient::new(&world, &customer).await;
        let claims = me.get("/v1/me").await.json();
        // Typed values win. The pool fills in the others.
        assert_eq!((&claims["given_name"], &claims["customer_type"]), (&json!("Adele"), &json!("private")));
        // The old password does not work, and there is no second import.
        let old = Customer::new("Ada").password;
        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &old).await.status(), 400);
        assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0);
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
    }
}

#[tokio::test]
async fn a_registration_on_pages_imports_too() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    register_on_pages(&Site::from(&world), &with_new_password(&customer)).await;
    assert_eq!(pool.take_call_count("AdminGetUser"), 1);
}

/// The state of the pool's user holds: only a caller with a verified address learns it, and no account is created.
#[tokio::test]
async fn a_user_who_can_not_be_imported_gets_no_account_by_registration() {
    let (_, _, customer) = pool_and_world("Ada", "").await;
    for user in [PoolUser { enabled: false, ..user(&customer) }, PoolUser { second_factor: Some("SMS_MFA"), ..user(&customer) }]
    {
        let (pool, world, customer) = pool_and_world("Ada", "").await;
        pool.put(user);
        let (api, id, code) = begin(&world, &customer).await;
        let (status, problem) = submit_code(&api, &id, &code).await;
        assert!(status == 409 && problem["detail"].as_str().is_some_and(|text| text.contains("contact support")), "{problem}");
        assert!(!is_known(&world, &customer.email).await);
        // On the page, in words for users.
        let mut browser = Browser::new(&world);
        let form = browser.open("/register").await.expect(StatusCode::OK);
        let chosen = Customer { password: "a quite different 9 umbrellas".to_owned(), ..customer.clone() };
        let page = browser.submit(&form, "#submit", &chosen.form_fields()).await;
        let code = Site::from(&world).mail_to(&customer.email).await.codes.first().expect("a code").clone();
        let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
        assert!(page.status() == 409 && page.text().contains("needs our support"), "{}: {}", page.status(), page.text());
        assert!(!is_known(&world, &customer.email).await);
    }
}

/// An address that was not verified in the pool, an erased user, or a user imported under another address: registration creates
/// a new account without old data.
#[tokio::test]
async fn an_unverified_or_already_imported_user_gets_a_new_account() {
    let (pool, world, customer) = pool_and_world("Ada", "sub = \"keep\"").await;
    pool.put(user(&customer).with_attribute("email_verified", "false"));
    assert_ne!(with_new_password(&customer).register(&world).await, SUB);

    // The same user of the pool, with two addresses one after the other.
    let (pool, world, customer) = pool_and_world("Ada", "sub = \"keep\"").await;
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
    let moved = Customer::new("Moved");
    pool.remove(&customer.email);
    pool.put(PoolUser { sub: SUB.to_owned(), ..user(&moved) });
    assert_ne!(moved.register(&world).await, SUB);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn an_outage_does_not_use_up_the_code() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let (api, id, code) = begin(&world, &customer).await;
    for mode in [Mode::Down, Mode::Throttled, Mode::Broken, Mode::Forbidden] {
        pool.set(mode);
        assert_eq!(submit_code(&api, &id, &code).await.0, 503, "{mode:?}");
    }
    pool.set(Mode::Up);
    // A wrong code does not cause a call to the pool.
    let _ = pool.take_call_count("AdminGetUser");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!((submit_code(&api, &id, wrong).await.0, pool.take_call_count("AdminGetUser")), (400, 0));
    assert_eq!(submit_code(&api, &id, &code).await.0, 201);
}

/// T1: a verification and a sign-in with the old password at the same moment create one account.
#[tokio::test]
async fn a_concurrent_verification_and_sign_in_make_one_account() {
    let (_, world, customer) = pool_and_world("Ada", "").await;
    let (api, id, code) = begin(&world, &with_new_password(&customer)).await;
    world.faults.add(Calls::Writes, Trigger::Chance(0.10), Fault::TimeoutAfter);
    let mut browser = Browser::new(&world);
    let (proof, page) =
        tokio::join!(submit_code(&api, &id, &code), try_password(&mut browser, &customer.email, &customer.password));
    world.faults.clear();
    assert!(matches!(proof.0, 201 | 409), "{proof:?}");
    assert!(proof.0 == 201 || is_signed_in(&page), "{proof:?} {}", page.text());
    let raw = invariants::read(&world.engine);
    let accounts = raw.tables["identities"].iter().filter(|item| item["kind"]["S"] == "authentication").count();
    assert_eq!(accounts, 1);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn the_verification_of_a_pool_user_reads_one_unit_and_writes_four_more() {
    let mut costs = Vec::new();
    for name in ["Ada", "Unknown"] {
        let (_, world, _) = pool_and_world("Ada", "").await;
        let (api, id, code) = begin(&world, &Customer::new(name)).await;
        drop(world.meter.take());
        assert_eq!(submit_code(&api, &id, &code).await.0, 201);
        costs.push(world.meter.take_cost());
    }
    let cost = |requests, read, write| {
        let units = Units { read, write };
        Cost { requests, engine: units, own: units }
    };
    assert_eq!(costs, [cost(3, 3.0, 18.0), cost(2, 2.0, 14.0)]);
}
