//! People who were brought over without a password: the pool is asked for it once, at their first sign-in or not at all.

use crate::cognito::recovery::{NEW_PASSWORD, recover};
use crate::cognito::{SUB, is_signed_in, pool_and_world, snapshot, try_password, user};
use futures_util::future::join_all;
use http::StatusCode;
use latchkey::domain::account::{Authentication, PasswordHome};
use latchkey::domain::credential::PasswordCredential;
use latchkey::domain::directory::ComingPassword;
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Span;
use latchkey::store::account::SignInSnapshot;
use latchkey_local::fault::{Calls, Fault, When};
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::{DEFAULT_DOCUMENT, World};
use std::time::Duration;
use tests::imported::import_user;
use tests::store::put_document;
use tests::user_pool::{CLIENT_ID, Mode, POOL_ID, PoolUser, UserPool, document};
use tests::{AccountClient, Browser, Customer, Site, invariants};

const ANOTHER: &str = "0cc175b9-c0f1-46b6-a831-c399e269772a";

/// A pool and a world where one of its users was brought over, as an operator brings them.
async fn brought(name: &str) -> (UserPool, World, Customer) {
    let (pool, world, customer) = pool_and_world(name, "").await;
    import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ComingPassword::StaysThere).await;
    (pool, world, customer)
}

async fn standing(world: &World, email: &str) -> (Authentication, Option<PasswordCredential>) {
    match snapshot(world, email).await {
        SignInSnapshot::Known { authentication, password, .. } => (*authentication, password),
        SignInSnapshot::Unknown { .. } => panic!("{email} has no account"),
    }
}

#[tokio::test]
async fn the_first_sign_in_asks_the_pool_and_keeps_the_password() {
    let (pool, world, customer) = brought("Ada").await;
    let (before, password) = standing(&world, &customer.email).await;
    assert!(before.password_home == PasswordHome::Directory && password.is_none());
    let me = AccountClient::new(&world, &customer).await;
    assert_eq!((pool.take_call_count("AdminInitiateAuth"), pool.take_call_count("AdminGetUser")), (1, 1));
    assert_eq!(me.tokens.id_claims()["sub"], before.sub.to_string(), "the account is the one that was there");
    let (after, password) = standing(&world, &customer.email).await;
    assert!(after.password_home == PasswordHome::Here && password.is_some());

    // It is here now: what the pool holds matters no more.
    pool.put(user(&Customer { password: "another one 4 the pool".to_owned(), ..customer.clone() }));
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, "another one 4 the pool").await.status(), 400);
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// security 112, 113: each wrong password is one failure of the account, asked of the pool once; the window closes as for anybody.
#[tokio::test]
async fn a_wrong_password_is_counted_here_and_asked_once_and_the_window_closes() {
    let (pool, world, customer) = brought("Ada").await;
    for failures in 1..=5 {
        try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(pool.take_call_count("AdminInitiateAuth"), 1);
        assert_eq!(standing(&world, &customer.email).await.0.failures.count, failures);
    }
    let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
    assert_eq!((page.status(), pool.take_call_count("AdminInitiateAuth")), (429, 0), "blocked: nobody is asked");
    world.services.clock.advance(Span::minutes(1));
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await));
    assert_eq!(standing(&world, &customer.email).await.0.failures.count, 0);
}

#[tokio::test]
async fn a_pool_that_gives_no_verdict_counts_for_nobody() {
    for mode in [Mode::Down, Mode::Mute, Mode::Throttled, Mode::Broken, Mode::Locked, Mode::Forbidden] {
        let (pool, world, customer) = brought("Ada").await;
        try_password(&mut Browser::new(&world), &customer.email, "not the 9 right one").await.expect(StatusCode::BAD_REQUEST);
        pool.set(mode);
        let page = try_password(&mut Browser::new(&world), &customer.email, &customer.password).await;
        assert_eq!(page.status(), 503, "{mode:?}: {}", page.text());
        assert_eq!(standing(&world, &customer.email).await.0.failures.count, 1, "{mode:?}");
        pool.set(Mode::Up);
        assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, &customer.password).await), "{mode:?}");
    }
}

/// The pool's state holds for who was brought over as for who was not: by password, and by mail.
#[tokio::test]
async fn who_may_not_come_by_now_stays_out_by_password_and_by_mail() {
    let (_, _, customer) = pool_and_world("Ada", "").await;
    let as_is = user(&customer);
    for user in
        [PoolUser { enabled: false, ..as_is.clone() }, PoolUser { second_factor: Some("SOFTWARE_TOKEN_MFA"), ..as_is.clone() }]
    {
        let (pool, world, customer) = brought("Ada").await;
        pool.put(user);
        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
        let (_, page) = recover(&world, &customer.email).await;
        assert!(page.status() == 400 && page.text().contains("needs our support"), "{}", page.text());
        let (still, password) = standing(&world, &customer.email).await;
        assert!(still.password_home == PasswordHome::Directory && password.is_none());
    }
    for status in ["RESET_REQUIRED", "FORCE_CHANGE_PASSWORD", "CONFIRMED"] {
        let (pool, world, customer) = brought("Ada").await;
        pool.put(PoolUser { status, ..as_is.clone() });
        let (_, page) = recover(&world, &customer.email).await;
        assert!(page.status() == 200 && page.text().contains("Your password is changed"), "{status}: {}", page.text());
        assert_eq!(standing(&world, &customer.email).await.0.password_home, PasswordHome::Here);
        // Nor does the pool's password open anything from then on.
        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
        assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0, "{status}");
    }
    // Who is gone from the pool has the mailbox left as proof.
    let (pool, world, customer) = brought("Ada").await;
    pool.remove(&customer.email);
    let (_, page) = recover(&world, &customer.email).await;
    assert!(page.status() == 200 && page.text().contains("Your password is changed"), "{}", page.text());
}

/// Who is known there by another address by now is found by their `sub`, so the pool's state holds for them, too: the mailbox that was theirs
/// is no way around a second factor that they set up.
#[tokio::test]
async fn security_78_a_former_address_is_no_way_around_the_state_of_the_pool() {
    let (_, _, customer) = pool_and_world("Ada", "").await;
    let moved = user(&customer).with("email", "ada@elsewhere.example");
    for user in [PoolUser { second_factor: Some("SOFTWARE_TOKEN_MFA"), ..moved.clone() }, moved] {
        let (pool, world, customer) = brought("Ada").await;
        pool.remove(&customer.email);
        pool.put(user.clone());
        // Somebody else has the address there by now, or nobody has.
        for other in [None, Some(PoolUser { sub: ANOTHER.to_owned(), ..self::user(&customer) })] {
            other.into_iter().for_each(|other| pool.put(other));
            let (_, page) = recover(&world, &customer.email).await;
            assert!(page.status() == 400 && page.text().contains("needs our support"), "{}", page.text());
            let (still, password) = standing(&world, &customer.email).await;
            assert!(still.password_home == PasswordHome::Directory && password.is_none());
        }
    }
}

/// A recovery that began while the tenant had no user pool kept no address to ask it for.
#[tokio::test]
async fn a_recovery_from_before_the_pool_was_named_resets_nothing_that_is_there() {
    let (pool, world, customer) = brought("Ada").await;
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
    assert_eq!(standing(&world, &customer.email).await.0.password_home, PasswordHome::Directory);
}

/// Whoever is brought over while the pool is being asked for them signs in all the same.
#[tokio::test]
async fn an_import_in_the_middle_of_a_sign_in_is_no_wrong_password() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    pool.set(Mode::Slow(Duration::from_secs(1)));
    let meanwhile = async {
        while pool.take_call_count("AdminInitiateAuth") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ComingPassword::StaysThere).await;
    };
    let mut browser = Browser::new(&world);
    let (page, ()) = tokio::join!(try_password(&mut browser, &customer.email, &customer.password), meanwhile);
    assert!(is_signed_in(&page), "{}", page.text());
    let (state, password) = standing(&world, &customer.email).await;
    assert!(state.password_home == PasswordHome::Here && password.is_some() && state.failures.count == 0);
}

/// The pool's user under the same address is another person than the one who was brought over: their password opens nothing.
#[tokio::test]
async fn another_person_of_the_pool_does_not_come_in_by_the_same_address() {
    let (pool, world, customer) = brought("Ada").await;
    pool.put(PoolUser { sub: ANOTHER.to_owned(), ..user(&customer) });
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
    let (still, password) = standing(&world, &customer.email).await;
    assert!(still.password_home == PasswordHome::Directory && password.is_none() && still.failures.count == 1);
}

/// Who came from elsewhere without a password has none in the pool, whatever the pool says.
#[tokio::test]
async fn the_pool_is_not_asked_for_an_account_that_did_not_leave_its_password_there() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ComingPassword::None).await;
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
    assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0);
}

/// T1: one password item, whoever was first; replies are lost on the way.
#[tokio::test]
async fn many_first_sign_ins_at_once_keep_one_password() {
    let (_, world, customer) = brought("Ada").await;
    world.faults.add(Calls::Reads, When::Always, Fault::SlowAfter(Duration::from_millis(100)));
    world.faults.add(Calls::Writes, When::Chance(0.05), Fault::Conflict);
    world.faults.add(Calls::Writes, When::Chance(0.10), Fault::TimeoutAfter);
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
    let (_, password) = standing(&world, &customer.email).await;
    assert_eq!(password.map(|password| password.version), Some(1));
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn the_first_sign_in_reads_nine_units_and_writes_six() {
    let (_, world, customer) = pool_and_world("Ada", "").await;
    // The tenant's keys are made at the first use of them.
    snapshot(&world, &customer.email).await;
    drop(world.meter.take());
    import_user(&world.services, &TenantId::default_tenant(), &customer, SUB, ComingPassword::StaysThere).await;
    let units = Units { read: 0.0, write: 12.0 };
    assert_eq!(world.meter.take_cost(), Cost { requests: 1, engine: units, own: units }, "six items at once");
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    drop(world.meter.take());
    browser.press(&page, "#submit", &[("identifier", &customer.email), ("password", &customer.password)]).await;
    let units = Units { read: 9.0, write: 6.0 };
    assert_eq!(world.meter.take_cost(), Cost { requests: 8, engine: units, own: units });
}
