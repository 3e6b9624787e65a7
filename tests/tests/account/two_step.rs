//! The account pages of two-step sign-in, in a browser without JavaScript (security 72–77).
#![expect(clippy::expect_used, reason = "a broken expectation ends the test")]

use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::fault::{Calls, Fault, Trigger};
use tests::authenticator::recovery_codes;
use tests::{AccountClient, Authenticator, Browser, Customer, Page, World, invariants};

async fn world() -> World {
    World::new().await.expect("a world")
}

/// A browser that has just signed in.
async fn signed_in(world: &World, customer: &Customer) -> Browser {
    let mut browser = Browser::new(world);
    let page = browser.open("/account/security").await;
    let page = customer.sign_in(&mut browser, &page).await;
    assert_eq!((page.status(), page.path().as_str()), (200, "/account/security"), "{}", page.text());
    browser
}

/// Signs in with password and code.
async fn sign_in_with(browser: &mut Browser, world: &World, customer: &Customer, app: &Authenticator) -> Page {
    let page = browser.open("/account/security").await;
    let page = customer.sign_in(browser, &page).await;
    assert!(page.has_field("code"), "{}", page.text());
    browser.submit(&page, "#submit", &[("code", &app.code(world))]).await
}

async fn subjects(world: &World, customer: &Customer) -> Vec<String> {
    world.mails_to(&customer.email).await.expect("mails").into_iter().map(|mail| mail.subject).collect()
}

#[tokio::test]
async fn security_75_an_app_is_set_up_with_its_first_code_and_the_codes_are_shown_once() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let page = browser.open("/account/security").await;
    assert!(page.text().contains("Two-step sign-in Off"), "{}", page.text());
    let (app, page) = Authenticator::begin(&world, &mut browser).await;
    assert!(page.html().contains("<svg") && page.html().contains("otpauth:"), "{}", page.html());
    assert_eq!(app.seed().len(), 20);
    let again = browser.open("/account/two-step/app").await;
    assert_eq!(Authenticator::of_page(&again).seed(), app.seed(), "a reload shows the same key");
    assert!(browser.open("/account/security").await.text().contains("Two-step sign-in Off"), "nothing is on yet");

    let page = browser.submit(&again, "#submit", &[("code", &app.code(&world))]).await;
    let codes = recovery_codes(&page);
    assert_eq!((page.path().as_str(), codes.len()), ("/account/two-step/codes", 10), "{}", page.text());
    let file = page.links().into_iter().find(|link| link.contains("/codes/file")).expect("a link to the file");
    let file = browser.open(&file).await;
    assert_eq!(file.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(file.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
    assert!(codes.iter().all(|code| file.html().contains(code)));

    let wrong = browser.submit(&page, "#submit", &[("code", "0000-0000-0000-0000")]).await;
    assert_eq!((wrong.status(), recovery_codes(&wrong)), (400, codes.clone()), "the codes are still there");
    let kept = browser.submit(&wrong, "#submit", &[("code", &codes[7].to_lowercase().replace('-', " "))]).await;
    assert!(kept.text().contains("10 of 10 are left") && kept.text().contains("in safe keeping"), "{}", kept.text());
    let gone = browser.open(&page.url).await;
    assert_eq!(recovery_codes(&gone), Vec::<String>::new(), "they are shown no more");
    assert!(browser.open("/account/security").await.text().contains("10 recovery codes"));
    assert_eq!(subjects(&world, &customer).await[0], "Two-step sign-in is on at Latchkey Demo");

    // From now on a password is not enough.
    world.advance(Span::seconds(30));
    let mut other = Browser::new(&world);
    let page = sign_in_with(&mut other, &world, &customer, &app).await;
    assert_eq!(page.path(), "/account/security", "{}", page.text());
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_77_the_first_factor_needs_a_code_from_the_mailbox() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let page = browser.open("/account/two-step/app").await;
    // A form without the step is answered with the step.
    let (_, response) = browser.press(&page, "#submit", &[("send", "")]).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let page = browser.open("/account/two-step/app").await;
    assert!(page.has_field("mail_code") && page.text().contains(&customer.email), "{}", page.text());
    let skipped = browser.submit(&page, "#submit", &[("code", "123456"), ("mail_code", "")]).await;
    assert!(skipped.status() == 400 && !skipped.html().contains("otpauth"), "{}", skipped.text());
    for left in ["4 tries left", "3 tries left", "2 tries left", "one try left"] {
        let wrong = browser.submit(&page, "#submit", &[("mail_code", "AAAAAAAAAA")]).await;
        assert!(wrong.status() == 400 && wrong.text().contains(left), "{left}: {}", wrong.text());
    }
    let over = browser.submit(&page, "#submit", &[("mail_code", "AAAAAAAAAA")]).await;
    assert!(over.text().contains("Request a new one"), "{}", over.text());
    let code = world.mails_to(&customer.email).await.expect("mails").remove(0).codes.remove(0);
    let late = browser.submit(&page, "#submit", &[("mail_code", &code)]).await;
    assert!(!late.html().contains("otpauth"), "the code is used up by wrong ones: {}", late.text());
    // Another session's proof does not count.
    let (_, _) = Authenticator::begin(&world, &mut browser).await;
    let mut other = signed_in(&world, &customer).await;
    assert!(!other.open("/account/two-step/app").await.html().contains("otpauth"));
    let again = other.open("/account/two-step/app").await;
    assert!(again.text().contains("we first send a code"), "{}", again.text());
}

#[tokio::test]
async fn a_user_who_has_just_registered_proves_the_address_no_second_time() {
    let world = world().await;
    let (customer, mut browser) = (Customer::new("Newcomer"), Browser::new(&world));
    let page = browser.open("/register").await;
    let page = browser.submit(&page, "#submit", &customer.form_fields()).await;
    let code = world.mails_to(&customer.email).await.expect("mails").remove(0).codes.remove(0);
    browser.submit(&page, "#submit", &[("code", &code)]).await;
    let page = browser.open("/account/two-step/app").await;
    let page = browser.submit(&page, "#submit", &[]).await;
    assert_eq!(Authenticator::of_page(&page).seed().len(), 20);
}

#[tokio::test]
async fn security_72_the_confirming_code_does_not_sign_in() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (app, page) = Authenticator::begin(&world, &mut browser).await;
    browser.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
    let mut other = Browser::new(&world);
    let page = sign_in_with(&mut other, &world, &customer, &app).await;
    assert!(page.has_field("code") && page.text().contains("used before"), "{}", page.text());
    world.advance(Span::seconds(30));
    let page = other.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
    assert_eq!(page.path(), "/account/security", "{}", page.text());
}

#[tokio::test]
async fn security_73_a_wrong_code_turns_nothing_on_and_the_page_says_what_to_do() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (app, page) = Authenticator::begin(&world, &mut browser).await;
    let right = app.code(&world);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for (code, words) in [
        (wrong.to_owned(), "does not fit"),
        ("12345".to_owned(), "six digits"),
        (app.code_after(&world, Span::seconds(-150)), "3 minutes slow"),
        (app.code_after(&world, Span::seconds(60)), "a minute fast"),
        (app.code_after(&world, Span::minutes(10)), "does not fit"),
    ] {
        let refused = browser.submit(&page, "#submit", &[("code", &code)]).await;
        assert!(refused.status() == 400 && refused.text().contains(words), "{code}: {}", refused.text());
        assert_eq!(Authenticator::of_page(&refused).seed(), app.seed());
    }
    assert!(browser.open("/account/security").await.text().contains("Two-step sign-in Off"));
    let page = browser.submit(&page, "#submit", &[("code", &app.code_after(&world, Span::seconds(-30)))]).await;
    assert_eq!(recovery_codes(&page).len(), 10, "the step before is accepted");
}

#[tokio::test]
async fn security_75_a_set_up_ends_after_fifteen_minutes() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (app, _) = Authenticator::begin(&world, &mut browser).await;
    world.advance(Span::minutes(15));
    let page = browser.open("/account/two-step/app").await;
    let page = customer.sign_in(&mut browser, &page).await;
    assert!(page.path() == "/account/two-step/app" && !page.has_field("code"), "{}", page.text());
    let late = browser.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
    assert!(late.status() == 400 && late.text().contains("took too long"), "{}", late.text());
    let (other, page) = Authenticator::begin(&world, &mut browser).await;
    assert_ne!(other.seed(), app.seed());
    let page = browser.submit(&page, "#cancel", &[]).await;
    assert!(page.path() == "/account/two-step" && page.text().contains("Set up"), "{}", page.text());
    assert!(!browser.open("/account/two-step/app").await.has_field("code"));
}

#[tokio::test]
async fn security_59_a_second_factor_ends_other_sessions_unless_the_user_keeps_them() {
    for keeps in [false, true] {
        let world = world().await;
        let customer = Customer::registered(&world, "Ada").await;
        let mut browser = signed_in(&world, &customer).await;
        let mut other = signed_in(&world, &customer).await;
        let stolen = browser.clone();
        let (app, mut page) = Authenticator::begin(&world, &mut browser).await;
        if keeps {
            // A box that is not ticked is not sent.
            let body = page.html().replace(" checked", "");
            let response = page.response.take().expect("a page").map(|_| body.into());
            page.response = Some(response);
        }
        let page = browser.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
        assert_eq!(recovery_codes(&page).len(), 10, "{}", page.text());
        assert_eq!(other.open("/account/sessions").await.path() == "/account/sessions", keeps);
        let mut stolen = stolen;
        assert_eq!(stolen.open("/account/sessions").await.path(), "/login", "a copied cookie does not gain a second factor");
        assert_eq!(browser.open("/account/sessions").await.path(), "/account/sessions");
    }
}

#[tokio::test]
async fn security_77_a_removal_needs_the_second_factor_and_ends_other_sessions() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (app, codes) = Authenticator::set_up(&world, &mut browser).await;
    let mut other = Browser::new(&world);
    sign_in_with(&mut other, &world, &customer, &app).await;
    world.advance(Span::minutes(6));
    // The password alone does not reach the page.
    let page = browser.open("/account/two-step/remove").await;
    let page = customer.sign_in(&mut browser, &page).await;
    assert_ne!(page.path(), "/account/two-step/remove", "{}", page.text());
    let page = browser.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
    assert_eq!(page.path(), "/account/two-step/remove", "{}", page.text());
    let page = browser.submit(&page, "#submit", &[]).await;
    assert!(page.path() == "/account/two-step" && page.text().contains("is removed"), "{}", page.text());
    assert_eq!(other.open("/account/sessions").await.path(), "/login");
    assert_eq!(subjects(&world, &customer).await[0], "Your authenticator app at Latchkey Demo was removed");
    // The password is enough again, and no code opens anything.
    signed_in(&world, &customer).await;
    let page = browser.open("/account/two-step").await;
    assert!(!page.text().contains("Recovery codes"), "{}", page.text());
    assert_eq!(browser.open("/account/two-step/remove").await.path(), "/account/two-step");
    assert_eq!(browser.open("/account/two-step/codes").await.path(), "/account/two-step");
    assert!(!codes.is_empty());
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_75_another_app_replaces_the_first_only_once_it_is_confirmed() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (first, codes) = Authenticator::set_up(&world, &mut browser).await;
    let mut other = Browser::new(&world);
    sign_in_with(&mut other, &world, &customer, &first).await;
    let (second, page) = Authenticator::begin(&world, &mut browser).await;
    world.advance(Span::seconds(30));
    let still = sign_in_with(&mut Browser::new(&world), &world, &customer, &first).await;
    assert_eq!(still.path(), "/account/security", "the first app works until the second is confirmed");
    let page = browser.submit(&page, "#submit", &[("code", &second.code(&world))]).await;
    assert!(page.path() == "/account/two-step" && page.text().contains("new app is set up"), "{}", page.text());
    assert!(page.text().contains("10 of 10"), "the recovery codes stay: {}", page.text());
    assert_eq!(other.open("/account/sessions").await.path(), "/login");
    world.advance(Span::seconds(30));
    let mut third = Browser::new(&world);
    let refused = sign_in_with(&mut third, &world, &customer, &first).await;
    assert!(refused.has_field("code"), "{}", refused.text());
    let page = third.submit(&refused, "#submit", &[("code", &second.code(&world))]).await;
    assert_eq!(page.path(), "/account/security", "{}", page.text());
    assert_eq!(codes.len(), 10);
}

#[tokio::test]
async fn security_76_new_recovery_codes_end_the_old_ones() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (_, old) = Authenticator::set_up(&world, &mut browser).await;
    let page = browser.open("/account/two-step/codes").await;
    let page = browser.submit(&page, "#submit", &[]).await;
    let new = recovery_codes(&page);
    assert!(new.len() == 10 && new.iter().all(|code| !old.contains(code)), "{}", page.text());
    let refused = browser.submit(&page, "#submit", &[("code", &old[0])]).await;
    assert_eq!(refused.status(), 400, "{}", refused.text());
    assert!(subjects(&world, &customer).await[0].starts_with("New recovery codes"));
}

#[tokio::test]
async fn security_120_a_form_of_another_session_or_browser_is_refused() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let (mut browser, mut foreign) = (signed_in(&world, &customer).await, signed_in(&world, &customer).await);
    let (app, page) = Authenticator::begin(&world, &mut browser).await;
    let (_, response) = foreign.press(&page, "#submit", &[("code", &app.code(&world))]).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let own = foreign.open("/account/two-step/app").await;
    assert!(!own.has_field("code"), "another session does not see the key: {}", own.text());
    let stranger = Customer::registered(&world, "Eve").await;
    let mut stranger = signed_in(&world, &stranger).await;
    let (_, response) = stranger.press(&page, "#submit", &[("code", &app.code(&world))]).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

/// Another person's link shows no codes.
#[tokio::test]
async fn security_76_the_address_of_the_codes_opens_in_its_own_browser_and_account_only() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (app, page) = Authenticator::begin(&world, &mut browser).await;
    let shown = browser.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
    assert_eq!(recovery_codes(&shown).len(), 10);
    world.advance(Span::seconds(30));
    let mut other = Browser::new(&world);
    sign_in_with(&mut other, &world, &customer, &app).await;
    assert_eq!(recovery_codes(&other.open(&shown.url).await), Vec::<String>::new(), "another browser");
    let eve = Customer::registered(&world, "Eve").await;
    let mut eve = signed_in(&world, &eve).await;
    assert_eq!(recovery_codes(&eve.open(&shown.url).await), Vec::<String>::new(), "another account");
    world.advance(Span::minutes(16));
    let page = browser.open(&shown.url).await;
    let page = customer.sign_in(&mut browser, &page).await;
    let page = browser.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
    assert_eq!((page.path().as_str(), recovery_codes(&page).len()), ("/account/two-step/codes", 0), "later");
}

#[tokio::test]
async fn of_many_confirmations_at_once_exactly_one_counts() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (app, page) = Authenticator::begin(&world, &mut browser).await;
    let code = app.code(&world);
    let attempts = (0..16).map(|_| {
        let (mut browser, page, code) = (browser.clone(), page.clone(), code.clone());
        async move {
            let (_, response) = browser.press(&page, "#submit", &[("code", &code)]).await;
            let location = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert!(response.status().as_u16() < 500, "{}", response.status());
            location.contains("/account/two-step/codes?")
        }
    });
    let won = futures_util::future::join_all(attempts).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(subjects(&world, &customer).await.iter().filter(|subject| subject.contains("is on at")).count(), 1);
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn a_crash_during_a_confirmation_leaves_the_app_on_or_off_and_never_half() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::TimeoutAfter] {
        let world = world().await;
        let customer = Customer::registered(&world, "Ada").await;
        let mut browser = signed_in(&world, &customer).await;
        let (app, page) = Authenticator::begin(&world, &mut browser).await;
        world.faults.add(Calls::Named("TransactWriteItems"), Trigger::Nth(1), fault);
        let code = app.code(&world);
        let (mut attempt, fields) = (browser.clone(), [("code", code.as_str())]);
        tokio::select! {
            _ = attempt.press(&page, "#submit", &fields) => {}
            () = world.faults.crashed() => {}
        }
        world.faults.clear();
        world.pump().await.expect("pumped");
        invariants::assert_hold(&world.engine);
        world.advance(Span::seconds(30));
        if matches!(fault, Fault::CrashBefore) {
            let page = browser.submit(&page, "#submit", &[("code", &app.code(&world))]).await;
            assert_eq!(recovery_codes(&page).len(), 10, "{fault:?}: {}", page.text());
        } else {
            // The reply and its cookie are lost. The user signs in with the app, and makes new codes.
            let mut again = Browser::new(&world);
            let page = sign_in_with(&mut again, &world, &customer, &app).await;
            assert_eq!(page.path(), "/account/security", "{fault:?}: {}", page.text());
            let page = again.open("/account/two-step/codes").await;
            let page = again.submit(&page, "#submit", &[]).await;
            assert_eq!(recovery_codes(&page).len(), 10, "{fault:?}: {}", page.text());
        }
    }
}

#[tokio::test]
async fn security_128_neither_seed_nor_code_is_stored_in_plain_text_or_exported() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let (app, codes) = Authenticator::set_up(&world, &mut browser).await;
    world.pump().await.expect("pumped");
    let raw = invariants::read(&world.engine);
    let key = data_encoding::BASE32_NOPAD.encode(app.seed());
    let plain: Vec<String> = codes.iter().map(|code| code.replace('-', "")).collect();
    let words: Vec<&str> = codes.iter().chain(&plain).map(String::as_str).chain([key.as_str()]).collect();
    assert_eq!(invariants::find_plaintext(&raw, &words), Vec::<String>::new());
    let stored = raw.tables.values().flatten().map(ToString::to_string).collect::<String>();
    assert!(!stored.contains(&data_encoding::BASE64.encode(app.seed())));
    // Removed and signed in with the password alone, so that an application can export.
    let page = browser.open("/account/two-step/remove").await;
    browser.submit(&page, "#submit", &[]).await;
    world.pump().await.expect("pumped");
    let me = AccountClient::new(&world, &customer).await;
    let export = me.export().await;
    for word in words {
        assert!(!export.bytes.windows(word.len()).any(|window| window == word.as_bytes()));
    }
    let history = export.document()["history"].to_string();
    assert!(history.contains("authenticator_added") && history.contains("authenticator_removed"), "{history}");
}

#[tokio::test]
async fn the_api_says_which_factors_there_are() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let me = AccountClient::new(&world, &customer).await;
    let none = me.get("/v1/me/factors").await.json();
    assert_eq!(none, serde_json::json!({ "protected": false, "totp": null, "recovery_codes": null, "passkeys": 0 }));
    let mut browser = signed_in(&world, &customer).await;
    let (_, page) = {
        let (app, mut page) = Authenticator::begin(&world, &mut browser).await;
        let body = page.html().replace(" checked", "");
        page.response = page.response.map(|response| response.map(|_| body.into()));
        (app.clone(), browser.submit(&page, "#submit", &[("code", &app.code(&world))]).await)
    };
    assert_eq!(recovery_codes(&page).len(), 10);
    let factors = me.get("/v1/me/factors").await.json();
    assert_eq!((&factors["protected"], &factors["recovery_codes"]["left"]), (&true.into(), &10.into()), "{factors}");
    assert!(factors["totp"]["added_at"].is_string());
}

#[tokio::test]
async fn second_factors_change_at_most_ten_times_a_day() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = signed_in(&world, &customer).await;
    let _ = Authenticator::set_up(&world, &mut browser).await;
    for _ in 0..9 {
        let page = browser.open("/account/two-step/codes").await;
        assert_eq!(recovery_codes(&browser.submit(&page, "#submit", &[]).await).len(), 10);
    }
    for path in ["/account/two-step/codes", "/account/two-step/remove"] {
        let page = browser.open(path).await;
        let page = browser.submit(&page, "#submit", &[]).await;
        assert!(page.status() == 429 && page.text().contains("try again in 24 hours"), "{}", page.text());
        assert!(page.header("retry-after").is_some());
    }
}
