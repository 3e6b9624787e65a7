//! Registration of somebody who has not come yet: once the address is proven the pool is asked, and whom it knows comes over with what
//! they typed (security 92, 111).

use crate::cognito::{SUB, is_known, is_signed_in, pool_and_world, try_password, user};
use http::StatusCode;
use latchkey_local::fault::{Calls, Fault, When};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::journeys::registers_on_pages;
use tests::user_pool::{Mode, PoolUser};
use tests::{Anonymous, Browser, Customer, Me, Site, invariants};

/// This person again, with a password of their own choice.
fn anew(customer: &Customer) -> Customer {
    Customer { password: "a quite different 9 umbrellas".to_owned(), given_name: "Adele".to_owned(), ..customer.clone() }
}

/// Begins a registration by the API: its id, and the mailed code.
async fn begin(world: &World, customer: &Customer) -> (Anonymous, String, String) {
    let (site, api) = (Site::from(world), Anonymous::new(world));
    let (started, mail) = site.mail_after(&customer.email, api.post_json("/v1/registrations", &customer.registration())).await;
    let id = started.json()["registration_id"].as_str().expect("an id").to_owned();
    (api, id, mail.codes.first().expect("a code").clone())
}

async fn prove(api: &Anonymous, id: &str, code: &str) -> (u16, Value) {
    let answer = api.post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
    (answer.status(), answer.json())
}

#[tokio::test]
async fn whom_the_pool_knows_comes_over_with_what_they_typed() {
    for (more, kept) in [("sub = \"alias\"", false), ("sub = \"keep\"", true)] {
        let (pool, world, customer) = pool_and_world("Ada", more).await;
        let customer = anew(&customer);
        let sub = customer.register(&world).await;
        assert_eq!(sub == SUB, kept, "{more}");
        assert_eq!((pool.take_asked("AdminGetUser"), pool.take_asked("AdminInitiateAuth")), (1, 0));
        let me = Me::of(&world, &customer).await;
        let claims = me.get("/v1/me").await.json();
        // What was typed wins, and what was not is filled in.
        assert_eq!((&claims["given_name"], &claims["customer_type"]), (&json!("Adele"), &json!("private")));
        // The old password opens nothing, and nobody comes a second time.
        let old = Customer::new("Ada").password;
        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &old).await.status(), 400);
        assert_eq!(pool.take_asked("AdminInitiateAuth"), 0);
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
    }
}

#[tokio::test]
async fn on_pages_too() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    registers_on_pages(&Site::from(&world), &anew(&customer)).await;
    assert_eq!(pool.take_asked("AdminGetUser"), 1);
}

/// The pool's state holds: only who has proven the address is told, and nothing is made.
#[tokio::test]
async fn who_can_not_come_gets_no_second_account_by_registering() {
    let (_, _, customer) = pool_and_world("Ada", "").await;
    for user in [PoolUser { enabled: false, ..user(&customer) }, PoolUser { second_factor: Some("SMS_MFA"), ..user(&customer) }]
    {
        let (pool, world, customer) = pool_and_world("Ada", "").await;
        pool.put(user);
        let (api, id, code) = begin(&world, &customer).await;
        let (status, problem) = prove(&api, &id, &code).await;
        assert!(status == 409 && problem["detail"].as_str().is_some_and(|text| text.contains("contact support")), "{problem}");
        assert!(!is_known(&world, &customer.email).await);
        // On the page, in words of people.
        let mut browser = Browser::new(&world);
        let form = browser.open("/register").await.expect(StatusCode::OK);
        let fields = [
            ("identifier", &*customer.email),
            ("password", "a quite different 9 umbrellas"),
            ("given_name", "Ada"),
            ("family_name", "Quillfeather"),
            ("terms.terms", "1"),
        ];
        let page = browser.submit(&form, "#submit", &fields).await;
        let code = Site::from(&world).mail_to(&customer.email).await.codes.first().expect("a code").clone();
        let page = browser.submit(&page, "#submit", &[("code", &code)]).await;
        assert!(page.status() == 409 && page.text().contains("needs our support"), "{}: {}", page.status(), page.text());
        assert!(!is_known(&world, &customer.email).await);
    }
}

/// An address that was never proven there, an erased person, somebody who has come under another address: somebody new, who inherits
/// nothing.
#[tokio::test]
async fn who_is_not_known_to_be_that_person_is_somebody_new() {
    let (pool, world, customer) = pool_and_world("Ada", "sub = \"keep\"").await;
    pool.put(user(&customer).with("email_verified", "false"));
    assert_ne!(anew(&customer).register(&world).await, SUB);

    // The same user of the pool, by two addresses one after the other.
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
async fn an_outage_uses_no_code_up() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let (api, id, code) = begin(&world, &customer).await;
    for mode in [Mode::Down, Mode::Throttled, Mode::Broken, Mode::Forbidden] {
        pool.set(mode);
        assert_eq!(prove(&api, &id, &code).await.0, 503, "{mode:?}");
    }
    pool.set(Mode::Up);
    // Nor is the pool asked for a wrong code.
    let _ = pool.take_asked("AdminGetUser");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!((prove(&api, &id, wrong).await.0, pool.take_asked("AdminGetUser")), (400, 0));
    assert_eq!(prove(&api, &id, &code).await.0, 201);
}

/// T1: somebody proves their registration and signs in with the old password at the same moment: one account.
#[tokio::test]
async fn a_proof_and_a_sign_in_at_once_make_one_account() {
    let (_, world, customer) = pool_and_world("Ada", "").await;
    let (api, id, code) = begin(&world, &anew(&customer)).await;
    world.faults.add(Calls::Writes, When::Chance(0.10), Fault::TimeoutAfter);
    let mut browser = Browser::new(&world);
    let (proof, page) = tokio::join!(prove(&api, &id, &code), try_password(&mut browser, &customer.email, &customer.password));
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
async fn the_proof_reads_one_unit_more_and_writes_four_more_for_whom_the_pool_knows() {
    let mut costs = Vec::new();
    for name in ["Ada", "Nobody"] {
        let (_, world, _) = pool_and_world("Ada", "").await;
        let (api, id, code) = begin(&world, &Customer::new(name)).await;
        drop(world.meter.take());
        assert_eq!(prove(&api, &id, &code).await.0, 201);
        costs.push(world.meter.take_cost());
    }
    let cost = |requests, read, write| {
        let units = Units { read, write };
        Cost { requests, engine: units, own: units }
    };
    assert_eq!(costs, [cost(4, 3.0, 19.0), cost(3, 2.0, 15.0)]);
}
