//! Recovery of a user who is not imported yet: the mailed code verifies the address and imports the user with the new password
//! (security 92, 93).

use crate::cognito::{is_known, is_signed_in, pool_and_world, try_password, user};
use http::StatusCode;
use tests::user_pool::{Mode, PoolUser};
use tests::{AccountClient, Browser, Customer, Page, Site, invariants};

pub(crate) const NEW_PASSWORD: &str = "a quite different 9 umbrellas";

/// Requests a code, and sends it with a new password. Returns the browser and the last page.
pub(crate) async fn recover(site: impl Into<Site>, email: &str) -> (Browser, Page) {
    let site = site.into();
    let mut browser = Browser::new(site.clone());
    let page = browser.open("/recover").await.expect(StatusCode::OK);
    let page = browser.submit(&page, "#submit", &[("identifier", email)]).await.expect(StatusCode::OK);
    let mail = site.mail_to(email).await;
    let code = mail.codes.first().expect("a code").clone();
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", NEW_PASSWORD)]).await;
    (browser, page)
}

#[tokio::test]
async fn a_mailed_code_imports_a_user_with_a_new_password() {
    for status in ["CONFIRMED", "RESET_REQUIRED", "FORCE_CHANGE_PASSWORD"] {
        let (pool, world, customer) = pool_and_world("Ada", "").await;
        pool.put(PoolUser { status, ..user(&customer) });
        let (mut browser, done) = recover(&world, &customer.email).await;
        assert!(done.status() == 200 && done.text().contains("Your password is changed"), "{status}: {}", done.text());
        assert!(browser.open("/login").await.has_field("password"), "a recovery opens no session");
        assert_eq!((pool.take_call_count("AdminInitiateAuth"), pool.take_call_count("AdminGetUser")), (0, 1));

        assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
        let customer = Customer { password: NEW_PASSWORD.to_owned(), ..customer };
        let me = AccountClient::new(&world, &customer).await;
        assert_eq!(me.get("/v1/me").await.json()["given_name"], customer.given_name);
        assert_eq!(pool.take_call_count("AdminInitiateAuth"), 0, "{status}");
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
    }
}

/// Only a user with a verified address learns that there is no account, or that it can't be imported.
#[tokio::test]
async fn a_user_who_can_not_be_imported_learns_it_after_the_verification() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let as_is = user(&customer);
    for (user, words) in [
        (PoolUser { enabled: false, ..as_is.clone() }, "needs our support"),
        (PoolUser { second_factor: Some("SMS_MFA"), ..as_is }, "needs our support"),
    ] {
        pool.put(user);
        let (_, page) = recover(&world, &customer.email).await;
        assert!(page.status() == 400 && page.text().contains(words), "{}", page.text());
        assert!(!is_known(&world, &customer.email).await);
    }
    // The pool requires a second factor of every user, and hides her setting.
    pool.put(user(&customer));
    pool.require_second_factor();
    let (_, page) = recover(&world, &customer.email).await;
    assert!(page.status() == 400 && page.text().contains("needs our support"), "{}", page.text());
    // An address that was not verified in the pool has no user: the owner of the mailbox gets no old data.
    pool.put(user(&customer).with_attribute("email_verified", "false"));
    let (pool, world, customer) = pool_and_world("Ada", "sub = \"keep\"").await;
    pool.put(user(&customer).with_attribute("email_verified", "false"));
    let (_, page) = recover(&world, &customer.email).await;
    assert!(page.status() == 400 && page.text().contains("There is no account yet"), "{}", page.text());
    assert!(!is_known(&world, &customer.email).await);
    let (_, page) = recover(&world, "unknown@example.com").await;
    assert!(page.status() == 400 && page.text().contains("There is no account yet"), "{}", page.text());
    let register = page.links().into_iter().find(|link| link.contains("/register"));
    assert!(register.is_some(), "{:?}", page.links());
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

/// A case-sensitive pool is asked for the typed name. The mail goes to the canonical address.
#[tokio::test]
async fn a_user_is_found_by_the_spelling_of_the_pool() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    pool.set_case_sensitive();
    pool.put_as("Ada@Example.com", user(&customer));
    pool.put_as("ada@example.com", PoolUser { enabled: false, ..user(&Customer::new("Twin")) });
    let mut browser = Browser::new(&world);
    let page = browser.open("/recover").await.expect(StatusCode::OK);
    let page = browser.submit(&page, "#submit", &[("identifier", "Ada@Example.com")]).await.expect(StatusCode::OK);
    let code = Site::from(&world).mail_to(&customer.email).await.codes.first().expect("a code").clone();
    let page = browser.submit(&page, "#submit", &[("code", &code), ("password", NEW_PASSWORD)]).await;
    assert!(page.status() == 200 && page.text().contains("Your password is changed"), "{}", page.text());
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, NEW_PASSWORD).await));
}

/// A pool failure does not use up the code: it works when the pool is back.
#[tokio::test]
async fn an_outage_does_not_use_up_the_code() {
    let (pool, world, customer) = pool_and_world("Ada", "").await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/recover").await.expect(StatusCode::OK);
    let form = browser.submit(&page, "#submit", &[("identifier", &customer.email)]).await.expect(StatusCode::OK);
    let code = Site::from(&world).mail_to(&customer.email).await.codes.first().expect("a code").clone();
    for mode in [Mode::Down, Mode::Throttled, Mode::Broken, Mode::Forbidden] {
        pool.set(mode);
        let page = browser.submit(&form, "#submit", &[("code", &code), ("password", NEW_PASSWORD)]).await;
        assert_eq!(page.status(), 503, "{mode:?}: {}", page.text());
        assert!(page.header("retry-after").is_some(), "{mode:?}");
    }
    pool.set(Mode::Up);
    let page = browser.submit(&form, "#submit", &[("code", &code), ("password", NEW_PASSWORD)]).await;
    assert!(page.status() == 200 && page.text().contains("Your password is changed"), "{}", page.text());
    assert!(is_signed_in(&try_password(&mut Browser::new(&world), &customer.email, NEW_PASSWORD).await));
}

/// A user with an account here recovers as usual. The pool is not asked.
#[tokio::test]
async fn a_recovery_of_an_account_here_does_not_ask_the_pool() {
    let (pool, world, _) = pool_and_world("Ada", "").await;
    let here = Customer::registered(&world, "Bob").await;
    // The verification of the registration asked the pool.
    assert_eq!(pool.take_call_count("AdminGetUser"), 1);
    let (_, done) = recover(&world, &here.email).await;
    assert!(done.status() == 200 && done.text().contains("Your password is changed"), "{}", done.text());
    assert_eq!(pool.take_call_count("AdminGetUser"), 0);
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}
