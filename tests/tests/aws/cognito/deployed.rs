//! The same at a deployed stack, which `tests/deploy` creates, with a pool that holds the first two of the users in
//! `LATCHKEY_COMES`. The third user was imported.

use crate::cognito::journeys::sign_in_and_import;
use crate::cognito::recovery::recover;
use crate::cognito::refusals::WRONG;
use crate::cognito::{is_signed_in, try_password};
use tests::{Browser, Customer, Site};

#[tokio::test]
#[ignore = "needs a deployed stack with a user pool, which .ci/run user_pool makes"]
#[expect(clippy::disallowed_methods, reason = "the environment names the users")]
async fn users_are_imported_at_a_deployed_stack() {
    let site = Site::from_env().await.expect("LATCHKEY_URL: the address of a stack");
    let names = std::env::var("LATCHKEY_COMES").expect("LATCHKEY_COMES: two users of the pool, and an imported user");
    let [by_password, by_mail, imported] = names.split(',').collect::<Vec<_>>()[..] else { panic!("three names: {names}") };
    let wrong = try_password(&mut Browser::new(&site), &Customer::new(by_password).email, "not the 9 right one").await;
    assert!(wrong.status() == 400 && wrong.text().contains(WRONG), "{}: {}", wrong.status(), wrong.text());
    sign_in_and_import(&site, &Customer::new(by_password)).await;
    let (_, done) = recover(&site, &Customer::new(by_mail).email).await;
    assert!(done.status() == 200 && done.text().contains("Your password is changed"), "{}", done.text());
    let imported = Customer::new(imported);
    for _ in 0..2 {
        let page = try_password(&mut Browser::new(&site), &imported.email, &imported.password).await;
        assert!(is_signed_in(&page), "{}: {}", page.status(), page.text());
    }
}

#[tokio::test]
#[ignore = "needs a deployed stack with a user pool, which .ci/run user_pool makes"]
#[expect(clippy::disallowed_methods, reason = "the environment names the user")]
async fn an_imported_user_signs_in_at_a_deployed_stack() {
    let site = Site::from_env().await.expect("LATCHKEY_URL: the address of a stack");
    let person = Customer::new(&std::env::var("LATCHKEY_COMES").expect("LATCHKEY_COMES: an imported user"));
    let wrong = try_password(&mut Browser::new(&site), &person.email, "not the 9 right one").await;
    assert!(wrong.status() == 400 && wrong.text().contains(WRONG), "{}: {}", wrong.status(), wrong.text());
    sign_in_and_import(&site, &person).await;
}
