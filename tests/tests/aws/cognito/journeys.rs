//! The first sign-in, the second one, and the data of an imported user.

use crate::cognito::{SUB, is_known, is_signed_in, pool_and_world, try_password, user};
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use serde_json::json;
use tests::user_pool::{POOL_ID, UserPool};
use tests::{AccountClient, Browser, Customer, Site, invariants};

/// The first sign-in asks the pool and creates the account. The second one does not ask the pool.
pub(crate) async fn sign_in_and_import(site: &Site, customer: &Customer) {
    let me = AccountClient::new(site, customer).await;
    let claims = me.get("/v1/me").await.json();
    assert_eq!(claims["email"], customer.email);
    assert_eq!((&claims["given_name"], &claims["family_name"]), (&json!(customer.given_name), &json!(customer.family_name)));
    assert_eq!(claims["customer_type"], "private");
    assert_eq!((claims["email_verified"].as_bool(), claims.get("tier")), (Some(true), None), "{claims}");
    let again = try_password(&mut Browser::new(site), &customer.email, &customer.password).await;
    assert!(is_signed_in(&again), "{}", again.text());
}

#[tokio::test]
async fn the_first_sign_in_asks_the_pool_and_the_second_does_not() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    sign_in_and_import(&Site::from(&world), &customer).await;
    assert_eq!((pool.take_call_count("AdminInitiateAuth"), pool.take_call_count("AdminGetUser")), (1, 1));

    // The password is stored here now: the pool's password no longer matters, and the pool is not asked about a wrong one.
    pool.put(user(&Customer { password: "another one 4 the pool".to_owned(), ..customer.clone() }));
    let page = try_password(&mut Browser::new(&world), &customer.email, "another one 4 the pool").await;
    assert_eq!(page.status(), 400);
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// The pool decides about case and spelling of an address. Here it is one account.
#[tokio::test]
async fn another_spelling_of_the_address_is_the_same_account() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    for typed in [" ADA@Example.com ", "ada@example.com", "Ada@EXAMPLE.com"] {
        let page = try_password(&mut Browser::new(&world), typed, &customer.password).await;
        assert!(is_signed_in(&page), "{typed}: {}", page.text());
    }
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 1);
}

#[tokio::test]
async fn the_pools_sub_is_an_alias_or_kept() {
    for (more, kept) in [("sub = \"alias\"", false), ("sub = \"keep\"", true)] {
        let (_, world, customer) = pool_and_world("Ada", more).await;
        let me = AccountClient::new(&world, &customer).await;
        let sub = me.tokens.id_claims()["sub"].as_str().expect("a sub").to_owned();
        assert_eq!(sub == SUB, kept, "{more}");
        world.pump().await.expect("pumped");
        // The subject is the same in the access token, at userinfo, in the export and in a hint.
        assert_eq!(me.get("/v1/me").await.json()["sub"], json!(sub));
        assert_eq!(me.app().userinfo(me.tokens.access()).await.json()["sub"], json!(sub));
        let document = me.export().await.document();
        assert_eq!(document["account"]["sub"], json!(sub));
        let linked = &document["linked_identities"];
        assert_eq!(linked[0]["subject"], SUB);
        assert_eq!(linked[0]["issuer"], format!("https://cognito-idp.eu-central-1.amazonaws.com/{POOL_ID}"));
        let events: Vec<_> = document["history"]["records"].as_array().expect("records").iter().map(|r| &r["event"]).collect();
        assert!(events.contains(&&json!("account_imported")) && !events.contains(&&json!("sign_in_failed")), "{events:?}");
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
    }
}

/// The sign-in continues the application's request, as any sign-in does. The history names the origin of the account.
#[tokio::test]
async fn the_history_names_the_origin_of_the_account() {
    let (_, world, customer) = pool_and_world("Ada", "").await;
    let mut browser = Browser::new(&world);
    assert!(is_signed_in(&try_password(&mut browser, &customer.email, &customer.password).await));
    world.pump().await.expect("pumped");
    let page = browser.open("/account/security").await.expect(StatusCode::OK);
    assert!(page.text().contains("imported from the previous sign-in service"), "{}", page.text());
}

/// security 111: an erased user does not come back with the old password. The next user of the address gets a new account.
#[tokio::test]
async fn security_111_an_erased_user_is_not_imported_again() {
    let (pool, world, customer) = pool_and_world("Ada", "sub = \"keep\"").await;
    let me = AccountClient::new(&world, &customer).await;
    let deleted = me.call(http::Method::DELETE, "/v1/me", &[], None).await;
    assert_eq!(deleted.status(), 202, "{}", deleted.text());
    // Within the grace period the account exists, and is closed.
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
    world.advance(Span::days(31));
    world.run_job(&json!({"job": "retention", "time": world.services.clock.now().to_string()})).await.expect("a run");
    assert!(!is_known(&world, &customer.email).await);
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 1);

    let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
    assert_eq!((page.status(), pool.take_call_count("AdminInitiateAuth")), (400, 1));
    assert!(page.text().contains("not right"), "{}", page.text());
    assert!(!is_known(&world, &customer.email).await);

    let sub = customer.register(&world).await;
    assert_ne!(sub, SUB);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// A tenant without a pool makes no call, whatever the function could do.
#[tokio::test]
async fn a_tenant_without_a_pool_makes_no_call() {
    let (pool, customer) = (UserPool::default(), Customer::new("Ada"));
    pool.put(user(&customer));
    let world = World::builder().legacy_directory(pool.legacy_directory()).build().await.expect("a world");
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0);
}
