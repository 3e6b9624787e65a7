//! `latchkey people second-step` against a real local gateway: a user who has lost app and codes gets in again.

use tests::gateway::folder;
use tests::{Authenticator, Browser, Customer, Gateway, Operator, Page, Site};

/// Where the sign-in of this user leads after the password.
async fn after_password(site: &Site, ada: &Customer) -> Page {
    let mut browser = Browser::new(site);
    let page = browser.open("/login").await;
    ada.sign_in(&mut browser, &page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_helps_a_user_who_has_lost_the_second_step() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    let site = Site::from(&gateway);
    let ada = Customer::registered(&site, "Ada").await;
    let command = ["people", "second-step", &ada.email];
    let run = |more: &[&str]| operator.run_ok(&[command.as_slice(), more, &["@"]].concat());
    assert_eq!(run(&[]), "authenticator app: off\nrecovery codes left: 0\npasskeys: 0\n");
    assert_eq!(run(&["--remove"]), "the user has no second step\n");
    let mut browser = Browser::new(&site);
    let page = browser.open("/account/two-step/app").await;
    ada.sign_in(&mut browser, &page).await;
    let (app, page) = Authenticator::begin(&site, &mut browser).await;
    browser.submit(&page, "#submit", &[("code", &app.code_at(site.now().await))]).await;
    assert_eq!(after_password(&site, &ada).await.path(), "/login/second-step");
    assert_eq!(run(&[]), "authenticator app: on\nrecovery codes left: 10\npasskeys: 0\n");
    assert!(run(&["--remove"]).contains("removed"));
    let page = after_password(&site, &ada).await;
    assert!(page.text().contains("You are signed in"), "{}", page.text());
    let told = site.mails_to(&ada.email).await;
    assert!(told.iter().any(|mail| mail.subject.contains("removed") || mail.text.contains("removed")), "{told:?}");
    let unknown = operator.run(&["people", "second-step", "unknown@example.com", "@"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("no account"), "{unknown:?}");
}
