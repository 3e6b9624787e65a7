//! `latchkey people second-step` against a real local gateway: a user who has lost app and codes gets in again.

use latchkey::delivery::Mail;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
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

/// Support has recognized a user who waits: the delay is shortened, told by mail, and can still be cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_shortens_a_running_removal_and_nothing_else() {
    let folder = folder();
    let data = folder.path().join("data");
    let gateway = Gateway::start(&data, &[]);
    let operator = Operator::new(&gateway, &data, folder.path());
    operator.write("delay.toml", &format!("{DEFAULT_DOCUMENT}\n[sign_in]\nlost_factor = \"delay\"\n"));
    let applied = operator.run_ok(&["config", "apply", "delay.toml", "@", "--yes"]);
    assert!(applied.contains("sign_in.lost_factor"), "{applied}");
    let site = Site::from(&gateway);
    let ada = Customer::registered(&site, "Ada").await;
    let command = ["people", "second-step", &ada.email];
    let run = |more: &[&str]| operator.run(&[command.as_slice(), more, &["@"]].concat());
    let mut browser = Browser::new(&site);
    let page = browser.open("/account/two-step/app").await;
    ada.sign_in(&mut browser, &page).await;
    let (app, page) = Authenticator::begin(&site, &mut browser).await;
    browser.submit(&page, "#submit", &[("code", &app.code_at(site.now().await))]).await;
    let refused = run(&["--shorten"]);
    assert!(refused.code == Some(1) && refused.err.contains("no request to remove lost factors is running"), "{refused:?}");
    for wrong in [&["--shorten", "23"][..], &["--shorten", "72"], &["--shorten", "--remove"]] {
        assert_eq!(run(wrong).code, Some(2), "{wrong:?}");
    }

    site.advance("P8D").await;
    let mut asking = Browser::new(&site);
    let page = asking.open("/login").await;
    let page = ada.sign_in(&mut asking, &page).await;
    let link = page.links().into_iter().find(|link| link.contains("/login/lost-factor")).expect("a link");
    let page = asking.open(&link).await;
    let (page, mail) = site.mail_after(&ada.email, asking.submit(&page, "#send", &[])).await;
    asking.submit(&page, "#submit", &[("mail_code", &mail.codes[0])]).await;
    let asked = mail_about(&site, &ada, "will be removed").await.expect("a mail");
    assert!(run(&[]).out.contains("removal requested"), "{:?}", run(&[]));
    let shortened = run(&["--shorten"]);
    assert!(shortened.out.contains("can be removed from"), "{shortened:?}");
    let told = mail_about(&site, &ada, "will be removed sooner").await.expect("a mail");
    assert_eq!((&told.links, &told.codes), (&asked.links, &asked.codes), "the same link cancels it");
    assert!(run(&["--shorten", "30"]).out.contains("nothing was changed"));
    let link = told.links.iter().find(|link| link.contains("/account/lost-factor")).expect("a link").clone();
    site.advance("PT23H").await;
    assert!(!after_lost(&mut asking, &ada).await.has_button("#remove"));
    site.advance("PT1H").await;
    assert!(after_lost(&mut asking, &ada).await.has_button("#remove"));
    // The owner cancels it by the mail: the shortened one, too.
    let mut owner = Browser::new(&site);
    let page = owner.open(&link).await;
    owner.submit(&page, "#confirm", &[("code", &told.codes[0])]).await;
    assert!(!after_lost(&mut asking, &ada).await.has_button("#remove"));
    assert_eq!(run(&["--shorten"]).code, Some(1));
}

/// The newest mail with these words in its subject, as soon as there is one: over HTTP the stream runs in the background.
async fn mail_about(site: &Site, ada: &Customer, subject: &str) -> Option<Mail> {
    for _ in 0..400 {
        if let Some(mail) = site.mails_to(&ada.email).await.into_iter().find(|mail| mail.subject.ends_with(subject)) {
            return Some(mail);
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    None
}

/// The page of lost factors, after the right password.
async fn after_lost(browser: &mut Browser, ada: &Customer) -> Page {
    let page = browser.open("/login").await;
    let page = ada.sign_in(browser, &page).await;
    let link = page.links().into_iter().find(|link| link.contains("/login/lost-factor"));
    browser.open(&link.unwrap_or_default()).await
}
