//! Passkeys through the pages: add, sign in, rename, remove, and every refusal (security 14, 80–87).
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use http::StatusCode;
use latchkey::domain::account::AccountState;
use latchkey::domain::change::Change;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::meter::Units;
use latchkey_local::world::World;
use serde_json::{Value, json};
use tests::passkey::software::{BE, BS, SoftwarePasskey, UV};
use tests::passkey::{Options, add, add_with, create, open_new, prove_address, use_on};
use tests::{Browser, Customer, OAuthClient, Page, Site, invariants, second_factor};

pub(crate) async fn new_world() -> World {
    World::builder().without_source_limits().build().await.expect("a world")
}

/// A user in a browser where they have just signed in.
pub(crate) async fn signed_in(world: &World, name: &str) -> (Customer, Browser) {
    let user = Customer::registered(world, name).await;
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    user.sign_in(&mut browser, &page).await;
    (user, browser)
}

/// Signs in with this passkey in a new browser. Otherwise the page that refuses it.
pub(crate) async fn opens(world: &World, passkey: &mut SoftwarePasskey) -> Result<Browser, Page> {
    // A challenge must be newer than the last one, and time passes only here.
    world.advance(Span::seconds(1));
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    let sent = use_on(&mut browser, &page, passkey).await;
    if sent.1.status() == StatusCode::SEE_OTHER { Ok(browser) } else { Err(browser.follow_answer(sent).await) }
}

#[tokio::test]
async fn a_passkey_is_added_signs_in_without_an_address_is_renamed_and_removed() {
    let world = new_world().await;
    let (user, mut browser) = signed_in(&world, "ada").await;
    let mut passkey = add_with(&mut browser, |passkey| passkey.aaguid = *b"SAMSUNG\0\0\0\0\0\0\0\0\0").await;
    let listed = browser.open("/account/passkeys").await;
    assert!(listed.text().contains("Samsung Pass") && listed.text().contains("Synchronized"), "{}", listed.text());

    let mut other = opens(&world, &mut passkey).await.expect("signed in");
    world.pump().await.expect("the events");
    let page = other.open("/account/security").await.expect(StatusCode::OK);
    assert!(page.text().contains(&user.email) && page.text().contains("A passkey was added"), "{}", page.text());
    let listed = other.open("/account/passkeys").await;
    assert!(listed.text().contains("last used"), "{}", listed.text());

    let id = latchkey::domain::passkey::CredentialHash::of(&passkey.id).to_string();
    let named = other.send_by_script(&listed, "name", &[("name", " My phone \u{7} "), ("rename", &id)]).await;
    let named = other.follow_answer(named).await;
    assert!(named.text().contains("My phone"), "{}", named.text());

    let removed = other.submit(&named, &format!("#remove-{id}"), &[]).await;
    assert!(removed.text().contains("no passkey yet"), "{}", removed.text());
    // Security 59: the browser that removed it stays signed in, the others do not.
    assert_eq!(other.open("/account").await.path(), "/account");
    assert_eq!(browser.open("/account").await.path(), "/login");
    let refused = opens(&world, &mut passkey).await.err().expect("refused");
    assert!(refused.status() == 400 && refused.text().contains("may have been removed"), "{}", refused.text());

    world.pump().await.expect("the events");
    let subjects: Vec<String> =
        world.mails_to(&user.email).await.expect("mails").into_iter().map(|mail| mail.subject).collect();
    for part in ["passkey was added", "passkey was removed"] {
        assert_eq!(subjects.iter().filter(|subject| subject.contains(part)).count(), 1, "{subjects:?}");
    }
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_86_the_page_is_the_same_for_everyone_and_costs_nothing() {
    let world = new_world().await;
    let (user, mut browser) = signed_in(&world, "ada").await;
    add(&mut browser).await;
    let mut visitor = Browser::new(&world);
    drop(world.meter.take());
    let shown = |page: &Page| {
        let mut options = Options::of(page).public_key;
        options["challenge"] = Value::Null;
        options
    };
    let known = visitor.open(&format!("/login?login_hint={}", user.email)).await;
    let unknown = visitor.open("/login?login_hint=unknown@example.com").await;
    assert_eq!(world.meter.take().len(), 0);
    assert_eq!(shown(&known), shown(&unknown));
    assert_eq!(shown(&known)["allowCredentials"], json!([]));
    let policy = known.header("content-security-policy").expect("a policy");
    assert!(policy.contains("connect-src 'self'") && policy.contains("default-src 'none'"), "{policy}");
}

#[tokio::test]
async fn security_82_87_adding_needs_a_recent_sign_in_and_its_own_session() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let page = open_new(&mut browser).await;
    let options = Options::of(&page);
    let passkey = create(&browser, &options);
    let json = passkey.creation(options.challenge()).json();
    // Another user's session, with this user's challenge.
    let (_, mut other) = signed_in(&world, "bob").await;
    let others_page = open_new(&mut other).await;
    let fields = [("credential", json.as_str()), ("state", options.state.as_str())];
    let (_, answer) = other.send_by_script(&others_page, "credential", &fields).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    // A challenge of a sign-in.
    let of_sign_in = Options::of(&Browser::new(&world).open("/login").await);
    let with_other_state = [("credential", json.as_str()), ("state", of_sign_in.state.as_str())];
    assert_eq!(browser.send_by_script(&page, "credential", &with_other_state).await.1.status(), StatusCode::CONFLICT);
    // A changed ceremony.
    let mut creation = passkey.creation(options.challenge());
    creation.data.flags &= !UV;
    let unverified = creation.json();
    let changed = [("credential", unverified.as_str()), ("state", options.state.as_str())];
    assert_eq!(browser.send_by_script(&page, "credential", &changed).await.1.status(), StatusCode::BAD_REQUEST);
    // The same form twice adds one.
    for _ in 0..2 {
        let (_, answer) = browser.send_by_script(&page, "credential", &fields).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
    let listed = browser.open("/account/passkeys").await;
    assert_eq!(listed.html().matches("id=\"remove-").count(), 1);
    // Another account cannot claim the same id.
    let others = Options::of(&open_new(&mut other).await);
    let json = passkey.creation(others.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", others.state.as_str())];
    let (_, answer) = other.send_by_script(&others_page, "credential", &fields).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(other.open("/account/passkeys").await.html().matches("id=\"remove-").count(), 0);
    // Later than five minutes the user confirms first.
    world.advance(Span::minutes(6));
    assert_eq!(browser.open("/account/passkeys/new").await.path(), "/login");
    let removed = browser.submit(&listed, &listed_button(&listed), &[]).await;
    assert_eq!(removed.path(), "/login");
    world.pump().await.expect("the events");
    invariants::assert_hold(&world.engine);
}

/// The button that removes the first passkey.
pub(crate) fn listed_button(page: &Page) -> String {
    let id = page.html().split("id=\"remove-").nth(1).and_then(|rest| rest.split('"').next()).expect("a passkey");
    format!("#remove-{id}")
}

#[tokio::test]
async fn security_84_a_counter_that_goes_back_is_in_the_history() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let mut passkey = add_with(&mut browser, |passkey| passkey.counter = 7).await;
    assert!(opens(&world, &mut passkey).await.is_ok());
    passkey.counter = 3;
    let refused = opens(&world, &mut passkey).await.err().expect("refused");
    assert_eq!(refused.status(), 400);
    world.pump().await.expect("the events");
    let page = browser.open("/account/security").await;
    assert!(page.text().contains("A passkey was refused because it may have been copied"), "{}", page.text());
}

#[tokio::test]
async fn an_account_has_ten_passkeys_at_most_and_adding_can_end_other_sessions() {
    let world = new_world().await;
    let (user, mut browser) = signed_in(&world, "ada").await;
    let mut other_page = Browser::new(&world);
    let page = other_page.open("/login").await;
    user.sign_in(&mut other_page, &page).await;
    let mut first = add(&mut browser).await;
    // The box of the page is ticked.
    assert_eq!(other_page.open("/account").await.path(), "/login");
    // A session that has just shown a passkey needs no code from the mailbox.
    let mut browser = opens(&world, &mut first).await.expect("signed in");
    for _ in 0..8 {
        add(&mut browser).await;
    }
    let page = open_new(&mut browser).await;
    add(&mut browser).await;
    let options = Options::of(&page);
    assert_eq!(options.public_key["excludeCredentials"].as_array().map(Vec::len), Some(9));
    let listed = browser.open("/account/passkeys").await;
    assert!(!listed.html().contains("add-passkey"), "no way to an eleventh");
    let page = open_new(&mut browser).await;
    let options = Options::of(&page);
    let json = create(&browser, &options).creation(options.challenge()).json();
    let (_, answer) = browser.send_by_script(&page, "credential", &[("credential", &json), ("state", &options.state)]).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn security_54_an_application_gets_phr_and_swk() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let mut passkey = add(&mut browser).await;
    world.advance(Span::seconds(1));
    let app = OAuthClient::demo_app(&world);
    let mut other = Browser::new(&world);
    let page = other.open(&app.authorize_url(&[])).await;
    let sent = use_on(&mut other, &page, &mut passkey).await;
    let page = other.follow_answer(sent).await;
    let page = other.submit(&page, "#allow", &[]).await;
    let code = page.query("code").expect("a code");
    let claims = app.redeem(&code).await.tokens().id_claims();
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("phr"), &json!(["swk", "user", "mfa"])));
}

/// The password of an hour ago is no part of a sign-in that a request asks for now.
#[tokio::test]
async fn security_54_a_forced_sign_in_names_no_earlier_method() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let mut passkey = add(&mut browser).await;
    world.advance(Span::hours(1));
    let app = OAuthClient::demo_app(&world);
    let page = browser.open(&app.authorize_url(&[("prompt", "login")])).await;
    let sent = use_on(&mut browser, &page, &mut passkey).await;
    let page = browser.follow_answer(sent).await;
    let page = browser.submit(&page, "#allow", &[]).await;
    let claims = app.redeem(&page.query("code").expect("a code")).await.tokens().id_claims();
    assert_eq!(claims["amr"], json!(["swk", "user", "mfa"]));
    // A request that forces nothing names all that the session has shown.
    let page = browser.open(&app.authorize_url(&[])).await;
    let claims = app.redeem(&page.query("code").expect("a code")).await.tokens().id_claims();
    assert_eq!(claims["amr"], json!(["pwd", "swk", "user", "mfa"]));
}

#[tokio::test]
async fn a_tenant_without_passkeys_shows_none_and_accepts_none() {
    let document = format!("{DEFAULT_DOCUMENT}\n[passkeys]\nenabled = false\n");
    let world = World::builder().without_source_limits().tenant("default", &document).build().await.expect("a world");
    let (_, mut browser) = signed_in(&world, "ada").await;
    assert!(!browser.open("/account/security").await.html().contains("/account/passkeys"));
    assert_eq!(browser.open("/account/passkeys/new").await.path(), "/account/passkeys");
    let page = Browser::new(&world).open("/login").await;
    assert!(!page.html().contains("data-passkey") && !page.html().contains("webauthn"), "{}", page.html());
    for path in ["/login/passkey/options", "/.well-known/passkey-endpoints", "/.well-known/webauthn"] {
        browser.open(path).await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_script_is_small_and_cached_and_the_well_known_addresses_answer() {
    let world = new_world().await;
    let mut visitor = Browser::new(&world);
    for path in ["/.well-known/passkey-endpoints", "/.well-known/webauthn"] {
        visitor.open(path).await.expect(StatusCode::OK);
    }
    let page = visitor.open("/login").await;
    let script = page
        .html()
        .split("src=\"")
        .find(|rest| rest.contains("/passkey.") || rest.contains("&#x2f;passkey."))
        .expect("a script");
    let script = script.split('"').next().expect("an address").replace("&#x2f;", "/");
    let script = visitor.open(&script).await.expect(StatusCode::OK);
    assert!(script.header("cache-control").is_some_and(|cached| cached.contains("immutable")));
    assert!(script.html().len() <= 8 * 1024, "{} bytes", script.html().len());
    visitor.open("/assets/passkey.AAAA.js").await.expect(StatusCode::NOT_FOUND);
}

/// Exactly what each operation may take. An older session in the browser adds 2 reads and 1 write.
#[tokio::test]
async fn a_sign_in_with_a_passkey_takes_three_reads_and_two_writes_and_one_more_on_a_new_device() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let page = open_new(&mut browser).await;
    let options = Options::of(&page);
    let mut passkey = create(&browser, &options);
    let json = passkey.creation(options.challenge()).json();
    drop(world.meter.take());
    let fields = [("credential", json.as_str()), ("state", options.state.as_str()), ("end_others", "")];
    assert_eq!(browser.send_by_script(&page, "credential", &fields).await.1.status(), StatusCode::SEE_OTHER);
    let cost = world.meter.take_cost();
    assert_eq!((cost.requests, cost.engine), (4, Units { read: 10.0, write: 6.0 }), "adding: a transaction of three");
    let mut visitor = Browser::new(&world);
    for (name, units) in
        [("a new device", Units { read: 3.0, write: 5.0 }), ("a known device", Units { read: 3.0, write: 2.0 })]
    {
        world.advance(Span::seconds(1));
        visitor.cookies.retain(|name, _| !name.contains("session"));
        let page = visitor.open("/login").await;
        drop(world.meter.take());
        assert_eq!(use_on(&mut visitor, &page, &mut passkey).await.1.status(), StatusCode::SEE_OTHER);
        assert_eq!(world.meter.take_cost().engine, units, "{name}");
    }
}

#[tokio::test]
async fn security_83_after_a_refused_passkey_the_password_works_and_a_removed_id_cannot_be_taken() {
    let world = new_world().await;
    let (user, mut browser) = signed_in(&world, "ada").await;
    let mut passkey = add(&mut browser).await;
    // A code that is asked for in the millisecond of the change is outdated by it.
    world.advance(Span::seconds(1));
    let listed = browser.open("/account/passkeys").await;
    let asked = browser.submit(&listed, &listed_button(&listed), &[]).await;
    let listed = prove_address(&mut browser, asked).await;
    let removed = browser.submit(&listed, &listed_button(&listed), &[]).await;
    assert_eq!(removed.html().matches("id=\"remove-").count(), 0, "{}", removed.text());
    world.advance(Span::seconds(1));
    let mut visitor = Browser::new(&world);
    let page = visitor.open("/login?return_to=/account/security").await;
    let refused = use_on(&mut visitor, &page, &mut passkey).await;
    let refused = visitor.follow_answer(refused).await;
    assert_eq!(refused.status(), 400);
    for link in refused.links().into_iter().filter(|link| link.contains("ui_locales=")) {
        assert!(link.contains("/login?"), "{link}");
    }
    assert_eq!(user.sign_in(&mut visitor, &refused).await.path(), "/account/security");
    // The id stays claimed as long as an undo can put it back.
    let (_, mut other) = signed_in(&world, "bob").await;
    let page = open_new(&mut other).await;
    let options = Options::of(&page);
    let json = passkey.creation(options.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", options.state.as_str())];
    assert!(other.send_by_script(&page, "credential", &fields).await.1.status() != StatusCode::SEE_OTHER);
    assert_eq!(other.open("/account/passkeys").await.html().matches("id=\"remove-").count(), 0);
    world.pump().await.expect("the events");
    invariants::assert_hold(&world.engine);
}

#[tokio::test]
async fn security_82_passkeys_change_at_most_ten_times_a_day_and_the_page_says_when_again() {
    let world = new_world().await;
    let (_, mut browser) = signed_in(&world, "ada").await;
    let mut first = add(&mut browser).await;
    world.advance(Span::seconds(1));
    let mut browser = opens(&world, &mut first).await.expect("signed in");
    for _ in 0..8 {
        add(&mut browser).await;
    }
    let listed = browser.open("/account/passkeys").await;
    let listed = browser.submit(&listed, &listed_button(&listed), &[]).await.expect(StatusCode::OK);
    assert_eq!(listed.html().matches("id=\"remove-").count(), 8, "ten changes");
    let refused = browser.submit(&listed, &listed_button(&listed), &[]).await.expect(StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text().contains("try again in 24 hours"), "{}", refused.text());
    assert_eq!(refused.header("retry-after"), Some("86398"), "a day after the first change, two seconds ago");
    assert_eq!(refused.html().matches("id=\"remove-").count(), 8);
}

#[tokio::test]
async fn a_passkey_of_one_device_that_is_the_only_way_in_is_named_on_the_security_page() {
    let world = new_world().await;
    for (name, backup, is_protected, expected) in
        [("ada", 0, true, true), ("bob", 0, false, false), ("eve", BE | BS, true, false)]
    {
        let (user, mut browser) = signed_in(&world, name).await;
        let mut own = add_with(&mut browser, |passkey| passkey.backup = backup).await;
        let state = second_factor::state(&world, &user).await;
        let next = AccountState { protected: is_protected, version: state.version + 1, ..state };
        second_factor::commit(&world, Change::record_second_step(next)).await;
        let mut browser = opens(&world, &mut own).await.expect("signed in");
        let text = browser.open("/account/security").await.text();
        assert_eq!(text.contains("only our support can help you"), expected, "{name}: {text}");
        if expected {
            // With another passkey it is the only one no more.
            add(&mut browser).await;
            let text = browser.open("/account/security").await.text();
            assert!(!text.contains("only our support can help you"), "{text}");
        }
    }
}

#[tokio::test]
async fn after_a_password_reset_page_and_mail_list_what_else_opens_the_account() {
    let world = new_world().await;
    let (user, mut browser) = signed_in(&world, "ada").await;
    let named = |passkey: &mut SoftwarePasskey| passkey.aaguid = *b"SAMSUNG\0\0\0\0\0\0\0\0\0";
    add_with(&mut browser, named).await;
    world.advance(Span::days(1));
    let mut reset = Browser::new(&world);
    let page = reset.open("/recover").await;
    let page = reset.submit(&page, "#submit", &[("identifier", &user.email)]).await;
    let code = Site::from(&world).mail_to(&user.email).await.codes.remove(0);
    let page = reset.submit(&page, "#submit", &[("code", &code), ("password", "seven Green bicycles sing")]).await;
    let text = page.text();
    assert!(text.contains("passkey “Samsung Pass”, added on 1 March 2026"), "{}: {text}", page.url);
    assert!(!text.contains("authenticator app"), "{text}");
    let mail = Site::from(&world).mail_to(&user.email).await;
    assert!(mail.subject.contains("password") && mail.text.contains("your account has: one passkey."), "{}", mail.text);
    // Another browser with the same address sees nothing of it.
    let other = Browser::new(&world).open(&page.url).await;
    assert!(!other.text().contains("Samsung"), "{}", other.text());
}
