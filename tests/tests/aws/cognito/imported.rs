//! Users imported without a password: the pool is asked for the password at their first sign-in, and never after it.

use crate::cognito::recovery::{NEW_PASSWORD, recover};
use crate::cognito::{SUB, is_signed_in, pool_and_world, snapshot, try_password, user};
use futures_util::future::join_all;
use http::StatusCode;
use latchkey::domain::account::{AccountState, PasswordHome};
use latchkey::domain::credential::PasswordCredential;
use latchkey::domain::id::TenantId;
use latchkey::domain::legacy_directory::ImportedPassword;
use latchkey::domain::time::Span;
use latchkey::store::account::SignInSnapshot;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use std::time::Duration;
use tests::imported::import_user;
use tests::store::put_document;
use tests::user_pool::{CLIENT_ID, Mode, POOL_ID, PoolUser, UserPool, document};
use tests::{AccountClient, Browser, Customer, Site, invariants};

const OTHER_SUB: &str = "0cc175b9-c0f1-46b6-a831-c399e269772a";

/// A pool and a world where one of its users was imported, as an operator imports them.
async fn imported_user(name: &str) -> (UserPool, World, Customer) {
    let (pool, world, customer) = pool_and_world(name, "").await;
    import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ImportedPassword::StaysThere).await;
    (pool, world, customer)
}

async fn stored_account(world: &World, email: &str) -> (AccountState, Option<PasswordCredential>) {
    match snapshot(world, email).await {
        SignInSnapshot::Known { authentication, password, .. } => (*authentication, password),
        SignInSnapshot::Unknown { .. } => panic!("{email} has no account"),
    }
}

#[tokio::test]
async fn the_first_sign_in_asks_the_pool_and_keeps_the_password() {
    let (pool, world, customer) = imported_user("Ada").await;
    let (before, password) = stored_account(&world, &customer.email).await;
    assert!(before.password_home == PasswordHome::Directory && password.is_none());
    let me = AccountClient::new(&world, &customer).await;
    assert_eq!((pool.take_call_count("AdminInitiateAuth"), pool.take_call_count("AdminGetUser")), (1, 1));
    assert_eq!(me.tokens.id_claims()["sub"], before.sub.to_string(), "the sub of the imported account");
    let (after, password) = stored_account(&world, &customer.email).await;
    assert!(after.password_home == PasswordHome::Here && password.is_some());

    // The password is stored here now: the pool's password no longer matters.
    pool.put(user(&Customer { password: "another one 4 the pool".to_owned(), ..customer.clone() }));
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, "another one 4 the pool").await.status(), 400);
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// security 112, 113: each wrong password counts once at the account and is sent to the pool once. The window closes as for any
/// account.
#[tokio::test]
async fn a_wrong_password_is_counted_and_sent_to_the_pool_once() {
    let (pool, world, customer) = imported_user("Ada").await;
    for failures in 1..=5 {
        try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(pool.take_call_count("AdminInitiateAuth"), 1);
        assert_eq!(stored_account(&world, &customer.email).await.0.failures.count, failures);
    }
    let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
    assert_eq!((page.status(), pool.take_call_count("AdminInitiateAuth")), (429, 0), "blocked: the pool is not asked");
    world.services.clock.advance(Span::minutes(1));
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
    assert_eq!(stored_account(&world, &customer.email).await.0.failures.count, 0);
}

#[tokio::test]
async fn a_pool_failure_is_not_counted_as_a_wrong_password() {
    for mode in [Mode::Down, Mode::Mute, Mode::Throttled, Mode::Broken, Mode::Locked, Mode::Forbidden] {
        let (pool, world, customer) = imported_user("Ada").await;
        try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.expect(StatusCode::BAD_REQUEST);
        pool.set(mode);
        let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
        assert_eq!(page.status(), 503, "{mode:?}: {}", page.text());
        assert_eq!(stored_account(&world, &customer.email).await.0.failures.count, 1, "{mode:?}");
        pool.set(Mode::Up);
        assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await), "{mode:?}");
    }
}

/// The state of the pool's user holds for an imported user too: at sign-in and at recovery.
#[tokio::test]
async fn a_user_disabled_in_the_pool_can_not_sign_in_or_recover() {
    let (_, _, customer) = pool_and_world("Ada", "").await;
    let as_is = user(&customer);
    for user in
        [PoolUser { enabled: false, ..as_is.clone() }, PoolUser { second_factor: Some("SOFTWARE_TOKEN_MFA"), ..as_is.clone() }]
    {
        let (pool, world, customer) = imported_user("Ada").await;
        pool.put(user);
        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
        let (_, page) = recover(&world, &customer.email).await;
        assert!(page.status() == 400 && page.text().contains("needs our support"), "{}", page.text());
        let (still, password) = stored_account(&world, &customer.email).await;
        assert!(still.password_home == PasswordHome::Directory && password.is_none());
    }
    for status in ["RESET_REQUIRED", "FORCE_CHANGE_PASSWORD", "CONFIRMED"] {
        let (pool, world, customer) = imported_user("Ada").await;
        pool.put(PoolUser { status, ..as_is.clone() });
        let (_, page) = recover(&world, &customer.email).await;
        assert!(page.status() == 200 && page.text().contains("Your password is changed"), "{status}: {}", page.text());
        assert_eq!(stored_account(&world, &customer.email).await.0.password_home, PasswordHome::Here);
        // From now on the pool's password does not work.
        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
        assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0, "{status}");
    }
    // For a user who was deleted from the pool, the mailbox is the only proof.
    let (pool, world, customer) = imported_user("Ada").await;
    pool.remove(&customer.email);
    let (_, page) = recover(&world, &customer.email).await;
    assert!(page.status() == 200 && page.text().contains("Your password is changed"), "{}", page.text());
}

/// A user with a changed address in the pool is found by `sub`, so the state of the pool's user holds for them too. The former
/// mailbox does not get past a second factor that they set up.
#[tokio::test]
async fn security_78_a_former_address_does_not_bypass_the_state_of_the_pools_user() {
    let (_, _, customer) = pool_and_world("Ada", "").await;
    let moved = user(&customer).with_attribute("email", "ada@other.example");
    for user in [PoolUser { second_factor: Some("SOFTWARE_TOKEN_MFA"), ..moved.clone() }, moved] {
        let (pool, world, customer) = imported_user("Ada").await;
        pool.remove(&customer.email);
        pool.put(user.clone());
        // Another user of the pool has the address now, or no user has it.
        for other in [None, Some(PoolUser { sub: OTHER_SUB.to_owned(), ..self::user(&customer) })] {
            other.into_iter().for_each(|other| pool.put(other));
            let (_, page) = recover(&world, &customer.email).await;
            assert!(page.status() == 400 && page.text().contains("needs our support"), "{}", page.text());
            let (still, password) = stored_account(&world, &customer.email).await;
            assert!(still.password_home == PasswordHome::Directory && password.is_none());
        }
    }
}

/// A recovery that started while the tenant had no user pool has no stored address for a lookup in the pool.
#[tokio::test]
async fn a_recovery_from_before_the_pool_was_named_resets_no_password_in_the_pool() {
    let (pool, world, customer) = imported_user("Ada").await;
    pool.put(PoolUser { enabled: false, ..user(&customer) });
    let with_pool = document(POOL_ID, CLIENT_ID, "");
    put_document(&world, DEFAULT_DOCUMENT).await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/recover").await.expect(StatusCode::OK);
    let page = browser.submit(&page, "#submit", &[("identifier", &customer.email)]).await.expect(StatusCode::OK);
    let code = Site::from(&world).mail_to(&customer.email).await.codes.first().expect("a code").clone();
    put_document(&world, &with_pool).await;
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", NEW_PASSWORD)]).await;
    assert!(page.status() == 400 && page.text().contains("needs our support"), "{}", page.text());
    assert_eq!(stored_account(&world, &customer.email).await.0.password_home, PasswordHome::Directory);
}

/// A user who is imported during a call to the pool can still sign in.
#[tokio::test]
async fn an_import_during_a_sign_in_is_not_a_wrong_password() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    pool.set(Mode::Slow(Duration::from_secs(1)));
    let meanwhile = async {
        while pool.take_call_count("AdminInitiateAuth") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ImportedPassword::StaysThere).await;
    };
    let mut browser = Browser::new(&world);
    let (page, ()) = tokio::join!(try_password(&mut browser, &customer.email, &customer.password), meanwhile);
    assert!(is_signed_in(&page), "{}", page.text());
    let (state, password) = stored_account(&world, &customer.email).await;
    assert!(state.password_home == PasswordHome::Here && password.is_some() && state.failures.count == 0);
}

/// The pool's user with the same address is not the imported user: their password does not work.
#[tokio::test]
async fn another_user_of_the_pool_can_not_sign_in_with_the_same_address() {
    let (pool, world, customer) = imported_user("Ada").await;
    pool.put(PoolUser { sub: OTHER_SUB.to_owned(), ..user(&customer) });
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
    let (still, password) = stored_account(&world, &customer.email).await;
    assert!(still.password_home == PasswordHome::Directory && password.is_none() && still.failures.count == 1);
}

/// A user imported from another system without a password has none in the pool, whatever the pool answers.
#[tokio::test]
async fn the_pool_is_not_asked_for_an_account_without_a_password_there() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ImportedPassword::None).await;
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0);
}

/// T1: one password item, whichever sign-in is first, also with lost replies.
#[tokio::test]
async fn concurrent_first_sign_ins_store_one_password() {
    let (_, world, customer) = imported_user("Ada").await;
    world.faults.add(Calls::Reads, Trigger::Always, Fault::SlowAfter(Duration::from_millis(100)));
    world.faults.add(Calls::Writes, Trigger::Chance(0.05), Fault::Conflict);
    world.faults.add(Calls::Writes, Trigger::Chance(0.10), Fault::TimeoutAfter);
    let tries = (0..32).map(|_| async {
        let mut browser = Browser::new(&world);
        try_password(&mut browser, &customer.email, &customer.password).await
    });
    let pages = join_all(tries).await;
    world.faults.clear();
    assert!(pages.iter().any(is_signed_in));
    for page in &pages {
        assert!(page.status() == 429 || is_signed_in(page), "{}: {}", page.status(), page.text());
    }
    let (_, password) = stored_account(&world, &customer.email).await;
    assert_eq!(password.map(|password| password.version), Some(1));
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn the_first_sign_in_reads_nine_units_and_writes_six() {
    let (_, world, customer) = pool_and_world("Ada", "").await;
    // The tenant's keys are created at their first use.
    snapshot(&world, &customer.email).await;
    drop(world.meter.take());
    import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ImportedPassword::StaysThere).await;
    let units = Units { read: 0.0, write: 12.0 };
    assert_eq!(world.meter.take_cost(), Cost { requests: 1, engine: units, own: units }, "six items at once");
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    drop(world.meter.take());
    browser.press(&page, "#submit", &[("identifier", &customer.email), ("password", &customer.password)]).await;
    let units = Units { read: 9.0, write: 6.0 };
    assert_eq!(world.meter.take_cost(), Cost { requests: 8, engine: units, own: units });
}

/// The directory may have disabled the user, or ask for a second factor: the mailbox alone does not decide.
#[tokio::test]
async fn security_54_a_mailed_code_opens_no_account_with_its_password_in_the_pool() {
    let (pool, world, customer) = pool_and_world("Ada", "\n[sign_in]\nmail_code = true\n").await;
    import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ImportedPassword::StaysThere).await;
    pool.put(PoolUser { enabled: false, ..user(&customer) });
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let page = browser.submit(&page, "#mail-code", &[("identifier", &customer.email)]).await;
    assert!(page.has_field("code"), "the same page as for every address: {}", page.text());
    assert!(world.mails_to(&customer.email).await.expect("mails").is_empty());
}
