//! Recovery by mail (security 59, 70, 79, 88–94).

use crate::login::{authentication, signed_in, try_password, world};
use http::StatusCode;
use latchkey::domain::time::Span;
use latchkey_local::world::World;
use tests::{AccountClient, Browser, Customer, OAuthClient, Page, Site};

const NEW_PASSWORD: &str = "a quite different 9 umbrellas";

/// Starts a recovery in this browser. Returns the page that asks for code and password.
async fn begin(browser: &mut Browser, email: &str) -> Page {
    let page = browser.open("/recover").await.expect(StatusCode::OK);
    browser.submit(&page, "#submit", &[("identifier", email)]).await.expect(StatusCode::OK)
}

/// The code and the link in the newest mail to an address.
async fn mailed(world: &World, email: &str) -> (String, String) {
    let mail = Site::from(world).mail_to(email).await;
    assert!(mail.links.iter().any(|link| link.contains("/recover?")), "{}: {:?}", mail.subject, mail.links);
    let link = mail.links.iter().find(|link| link.contains("/recover?")).expect("a link").clone();
    (mail.codes.first().expect("a code").clone(), link)
}

async fn submit_code(browser: &mut Browser, page: &Page, code: &str, password: &str) -> Page {
    browser.submit(page, "#submit", &[("code", code), ("password", password)]).await
}

#[tokio::test]
async fn security_92_a_mailed_code_sets_a_new_password_and_ends_all_sessions() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let client = OAuthClient::demo_app(&world);
    let mut other_browser = Browser::new(&world);
    let code = client.sign_in(&mut other_browser, &customer).await.query("code").expect("a code");
    let tokens = client.redeem(&code).await.tokens();

    let mut browser = Browser::new(&world);
    let page = begin(&mut browser, &customer.email).await;
    let (code, _) = mailed(&world, &customer.email).await;
    let done = submit_code(&mut browser, &page, &code, NEW_PASSWORD).await.expect(StatusCode::OK);
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
    // No session is created: the user signs in.
    assert!(!browser.cookies.contains_key("lk-session"));
    assert!(browser.open("/login").await.has_field("password"));

    assert!(other_browser.open("/login").await.has_field("password"), "other sessions end");
    assert_eq!(client.refresh(tokens.refresh()).await.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(client.userinfo(tokens.access()).await.status(), 401);
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 400);
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, NEW_PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn a_recovery_continues_the_authorization_request() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let client = OAuthClient::demo_app(&world);
    let mut browser = Browser::new(&world);
    let page = browser.open(&client.authorize_url(&[])).await;
    let recover = page.links().into_iter().find(|link| link.contains("/recover")).expect("a link");
    let page = browser.open(&recover).await;
    let page = browser.submit(&page, "#submit", &[("identifier", &customer.email)]).await;
    let (code, _) = mailed(&world, &customer.email).await;
    let done = submit_code(&mut browser, &page, &code, NEW_PASSWORD).await;
    let sign_in = done.links().into_iter().find(|link| link.contains("/login?")).expect("a link");
    let page = browser.open(&sign_in).await;
    let customer = Customer { password: NEW_PASSWORD.to_owned(), ..customer };
    let page = customer.sign_in(&mut browser, &page).await;
    let page = browser.submit(&page, "#allow", &[]).await;
    assert!(page.query("code").is_some(), "{}", page.url);
}

#[tokio::test]
async fn security_94_the_link_completes_only_in_the_first_browser_and_get_changes_nothing() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    begin(&mut browser, &customer.email).await;
    let (code, link) = mailed(&world, &customer.email).await;
    world.pump().await.expect("pumped");
    drop(world.meter.take());

    // A mail scanner opens it many times.
    for _ in 0..3 {
        let mut scanner = Browser::new(&world);
        let page = scanner.open(&link).await.expect(StatusCode::OK);
        assert!(page.text().contains(&code) && page.has_button("#disown"), "{}", page.text());
        assert!(!page.has_field("password"), "in another browser there is no form");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
    assert!(world.meter.take().iter().all(|call| call.engine.write == 0.0), "a GET must not write");

    // In another browser, even a hand-made form completes nothing.
    let mut other_browser = Browser::new(&world);
    let page = other_browser.open(&link).await;
    let anti_forgery = page.form("#disown").fields[0].1.clone();
    for proof in [format!("code={code}&"), String::new()] {
        let body = format!("anti_forgery={anti_forgery}&{proof}password=a+quite+different+9+umbrellas");
        let answer = other_browser.request(http::Method::POST, &page.url, Some(&page.url), body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 200);

    // In the first browser the link needs no code.
    let page = browser.open(&link).await.expect(StatusCode::OK);
    assert!(page.has_field("password") && !page.has_field("code"));
    let done = browser.submit(&page, "#submit", &[("password", NEW_PASSWORD)]).await;
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
    // It works once.
    let again = browser.submit(&page, "#submit", &[("password", "yet another 4 elephants")]).await;
    assert_eq!(again.status(), 400, "{}", again.text());
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, NEW_PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn security_94_the_owner_of_the_address_can_cancel_a_recovery() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut attacker = Browser::new(&world);
    let form = begin(&mut attacker, &customer.email).await;
    let (code, link) = mailed(&world, &customer.email).await;
    let mut owner = Browser::new(&world);
    let page = owner.open(&link).await;
    let ended = owner.submit(&page, "#disown", &[]).await.expect(StatusCode::OK);
    assert!(ended.text().contains("This request has ended"), "{}", ended.text());
    // Now the right code does not work either.
    let answer = submit_code(&mut attacker, &form, &code, NEW_PASSWORD).await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    assert!(answer.text().contains("This request is no longer valid"));
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, &customer.password).await.status(), 200);
}

#[tokio::test]
async fn security_79_five_wrong_codes_end_a_recovery_and_cost_no_other_one() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    for flow in 0..5 {
        let mut stranger = Browser::new(&world);
        let page = begin(&mut stranger, &customer.email).await;
        for left in [4, 3, 2, 1] {
            let answer = submit_code(&mut stranger, &page, "AAAAA-AAAAA", NEW_PASSWORD).await;
            assert_eq!(answer.status(), 400);
            let words = if left == 1 { "one try left".to_owned() } else { format!("{left} tries left") };
            assert!(answer.text().contains(&words), "flow {flow}: {}", answer.text());
        }
        let answer = submit_code(&mut stranger, &page, "AAAAA-AAAAA", NEW_PASSWORD).await;
        assert!(answer.text().contains("This request is no longer valid"), "{}", answer.text());
    }
    // 25 wrong codes of strangers: the owner's right code is evaluated all the same.
    let mut browser = Browser::new(&world);
    let page = begin(&mut browser, &customer.email).await;
    let (code, _) = mailed(&world, &customer.email).await;
    let done = submit_code(&mut browser, &page, &code, NEW_PASSWORD).await;
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
}

#[tokio::test]
async fn security_88_a_code_lives_thirty_minutes_and_works_once() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = begin(&mut browser, &customer.email).await;
    let (code, link) = mailed(&world, &customer.email).await;
    world.advance(Span::minutes(30));
    let answer = submit_code(&mut browser, &page, &code, NEW_PASSWORD).await;
    assert!(answer.text().contains("This request is no longer valid"), "{}", answer.text());
    assert_eq!(browser.open(&link).await.status(), 410);

    let page = begin(&mut browser, &customer.email).await;
    let mail = Site::from(&world).mail_number(&customer.email, 2).await;
    world.advance(Span::minutes(30) - Span::millis(1));
    let code = mail.codes.first().expect("a code");
    // With spaces and lower case.
    let typed = format!(" {} ", code.to_lowercase());
    let done = submit_code(&mut browser, &page, &typed, NEW_PASSWORD).await;
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
    let again = submit_code(&mut browser, &page, code, "yet another 4 elephants").await;
    assert_eq!(again.status(), 400);
}

/// What proves the mailbox for a new password dies with the password that was valid when it was requested.
#[tokio::test]
async fn security_146_older_codes_and_links_are_dead_once_the_password_has_changed() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    world.advance(Span::minutes(1));
    // Two password resets beside each other. The second one is finished, in the same millisecond.
    let (mut first, mut second) = (Browser::new(&world), Browser::new(&world));
    let older = begin(&mut first, &customer.email).await;
    let (old_code, old_link) = mailed(&world, &customer.email).await;
    let newer = begin(&mut second, &customer.email).await;
    let (new_code, _) = mailed(&world, &customer.email).await;
    let done = submit_code(&mut second, &newer, &new_code, NEW_PASSWORD).await;
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
    let answer = submit_code(&mut first, &older, &old_code, "the thief's 5 lanterns").await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    assert!(answer.text().contains("This request is no longer valid"), "{}", answer.text());
    let page = first.open(&old_link).await;
    let answer = first.submit(&page, "#submit", &[("password", "the thief's 5 lanterns")]).await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, NEW_PASSWORD).await.status(), 200);

    // A change of the password by a signed-in user.
    world.advance(Span::minutes(1));
    let page = begin(&mut first, &customer.email).await;
    let (code, _) = mailed(&world, &customer.email).await;
    let customer = Customer { password: NEW_PASSWORD.to_owned(), ..customer };
    let me = AccountClient::new(&world, &customer).await;
    let body = serde_json::json!({ "current_password": NEW_PASSWORD, "new_password": "changed to 3 blue kettles" });
    assert_eq!(me.post("/v1/me/password", &body).await.status(), 204);
    assert_eq!(submit_code(&mut first, &page, &code, "the thief's 5 lanterns").await.status(), 400);
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, "changed to 3 blue kettles").await.status(), 200);

    // A new one works.
    world.advance(Span::minutes(1));
    let page = begin(&mut first, &customer.email).await;
    let (code, _) = mailed(&world, &customer.email).await;
    let done = submit_code(&mut first, &page, &code, "once more 6 grey pencils").await;
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
}

/// Two right codes of different password resets at the same time: the guard is the account's version, so one password is set.
#[tokio::test]
async fn security_146_of_two_password_resets_at_once_one_wins() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    world.advance(Span::minutes(1));
    let before = authentication(&world, &customer.email).await.epoch;
    let mut sent = Vec::new();
    for n in 0..4 {
        let mut browser = Browser::new(&world);
        let page = begin(&mut browser, &customer.email).await;
        let (code, _) = mailed(&world, &customer.email).await;
        sent.push(
            async move { submit_code(&mut browser, &page, &code, &format!("number {n} of 9 orange boats")).await.status() },
        );
    }
    let statuses = futures_util::future::join_all(sent).await;
    let won = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!((won, statuses.iter().filter(|status| **status == 400).count()), (1, 3), "{statuses:?}");
    assert_eq!(authentication(&world, &customer.email).await.epoch, before + 1);
}

#[tokio::test]
async fn security_93_every_address_gets_the_same_answer_and_only_a_known_one_gets_a_code() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let before = world.mails().await.expect("mails").len();
    let mut answers = Vec::new();
    for email in [customer.email.as_str(), "unknown@example.com"] {
        let mut browser = Browser::new(&world);
        let page = begin(&mut browser, email).await;
        let wrong = submit_code(&mut browser, &page, "AAAAA-AAAAA", NEW_PASSWORD).await;
        answers.push((page.text(), wrong.status(), wrong.text()));
    }
    assert_eq!(answers[0], answers[1]);
    let mails = world.mails().await.expect("mails");
    assert_eq!(mails.len(), before + 1);
    assert_eq!(mails[0].to, customer.email);
}

#[tokio::test]
async fn security_89_hostile_headers_do_not_change_the_mail() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    browser.headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "ftp"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "https://evil.example/"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    begin(&mut browser, &customer.email).await;
    let mail = Site::from(&world).mail_to(&customer.email).await;
    assert!(!mail.text.contains("evil") && !mail.html.contains("evil"));
    assert!(
        mail.links.iter().all(|link| !link.contains("/recover") || link.starts_with(&format!("{}/recover?", world.origin())))
    );
}

#[tokio::test]
async fn security_90_only_a_single_address_in_one_string_is_accepted() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let before = world.mails().await.expect("mails").len();
    let mut browser = Browser::new(&world);
    for identifier in [
        "ada@example.com,evil@example.net",
        "ada@example.com;evil@example.net",
        "ada@example.com evil@example.net",
        "[\"ada@example.com\",\"evil@example.net\"]",
        "ada@example.com\r\nBcc: evil@example.net",
        "<ada@example.com>",
        "",
    ] {
        let page = browser.open("/recover").await;
        let answer = browser.submit(&page, "#submit", &[("identifier", identifier)]).await;
        assert_eq!(answer.status(), 400, "{identifier:?}");
    }
    let page = browser.open("/recover").await;
    let anti_forgery = &page.form("#submit").fields[0].1;
    let body = format!("anti_forgery={anti_forgery}&identifier=ada%40example.com&identifier=evil%40example.net");
    let url = format!("{}/recover", world.origin());
    assert_eq!(browser.request(http::Method::POST, &url, None, body).await.status(), StatusCode::BAD_REQUEST);
    let array = format!("anti_forgery={anti_forgery}&identifier%5B%5D={}", customer.email);
    assert_eq!(browser.request(http::Method::POST, &url, None, array).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(world.mails().await.expect("mails").len(), before);
}

#[tokio::test]
async fn security_65_an_unacceptable_password_costs_no_try() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = begin(&mut browser, &customer.email).await;
    let (code, _) = mailed(&world, &customer.email).await;
    for password in ["short", "password1", &"x".repeat(2000)] {
        for _ in 0..3 {
            let answer = submit_code(&mut browser, &page, &code, password).await;
            assert_eq!(answer.status(), 400);
            assert!(answer.has_field("code"), "{}", answer.text());
            // The code stays valid.
            assert!(answer.form("#submit").fields.contains(&("code".to_owned(), code.clone())));
        }
    }
    let done = submit_code(&mut browser, &page, &code, NEW_PASSWORD).await;
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
}

/// As at registration and in the account. Only a right code shows it, and it costs no try.
#[tokio::test]
async fn security_69_a_new_password_of_the_users_own_data_is_refused_after_the_proof() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    let page = begin(&mut browser, &customer.email).await;
    let (code, _) = mailed(&world, &customer.email).await;
    let own = customer.email.to_uppercase();
    let wrong = submit_code(&mut browser, &page, "AAAAAAAAAA", &own).await.expect(StatusCode::BAD_REQUEST);
    assert!(!wrong.text().contains("easy to guess"), "without the proof nothing about the account is told: {}", wrong.text());
    for _ in 0..6 {
        let page = submit_code(&mut browser, &page, &code, &own).await.expect(StatusCode::BAD_REQUEST);
        assert!(page.text().contains("easy to guess"), "{}", page.text());
    }
    let done = submit_code(&mut browser, &page, &code, NEW_PASSWORD).await.expect(StatusCode::OK);
    assert!(done.text().contains("Your password is changed"), "{}", done.text());
}

#[tokio::test]
async fn security_112_a_recovery_ends_a_lockout() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut stranger = Browser::new(&world);
    for _ in 0..6 {
        try_password(&mut stranger, &customer.email, "wrong").await;
    }
    let mut browser = Browser::new(&world);
    let page = begin(&mut browser, &customer.email).await;
    let (code, _) = mailed(&world, &customer.email).await;
    submit_code(&mut browser, &page, &code, NEW_PASSWORD).await;
    assert_eq!(authentication(&world, &customer.email).await.failures.count, 0);
    assert_eq!(try_password(&mut Browser::new(&world), &customer.email, NEW_PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn security_111_an_id_of_another_kind_or_tenant_is_refused() {
    let world = world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let session = signed_in(&world, &customer).await.cookies["lk-session"].clone();
    let mut browser = Browser::new(&world);
    for id in ["x", "", "%00", session.as_str()] {
        let page = browser.open(&format!("/recover?flow={id}&token=x")).await;
        assert!(matches!(page.status(), 200 | 400 | 410), "{id}: {}", page.status());
        assert!(!page.has_field("password"), "{id}");
    }
}
