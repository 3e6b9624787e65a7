//! What users, applications and operators do at Latchkey, step by step. Runs on a world behind the roles of the template, on a
//! local gateway, and on a deployed stack.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use crate::authenticator::recovery_codes;
use crate::passkey;
use crate::{AccountClient, Anonymous, Authenticator, Browser, Customer, OAuthClient, Site};
use http::Method;
use latchkey::delivery::Mail;
use latchkey::domain::time::Span;
use serde_json::json;

fn code(mail: &Mail) -> String {
    mail.codes.first().unwrap().clone()
}

/// Runs every journey once. `run` is a suffix of the users' names, so that each run on a lasting site has its own users.
pub async fn run_all_journeys(site: &Site, run: &str) {
    let person = |name: &str| Customer::new(&format!("{name}{run}"));
    let mut ada = person("Ada");
    ada.register(site).await;
    register_on_pages(site, &person("Grace")).await;
    verify_one_address_twice(site, &person("Twice")).await;
    sign_in_with_two_steps(site, &person("Turing")).await;
    sign_in_with_a_passkey(site, &person("Hopper")).await;
    sign_in_and_recover(site, &ada).await;
    use_client_tokens(site, &ada).await;
    use_self_service(site, &mut ada).await;
    undo_email_change(site, &person("Undine")).await;
    export_data(site, &ada).await;
    close_and_restore_account(site, &ada).await;
}

/// A registration on the pages, with a wrong code, a new code, and the right code.
pub async fn register_on_pages(site: &Site, customer: &Customer) {
    let mut browser = Browser::new(site);
    let page = browser.open("/register").await;
    let page = browser.submit(&page, "#submit", &customer.form_fields()).await;
    assert!(page.has_field("code"), "{}", page.text());
    let page = browser.submit(&page, "#submit", &[("code", "000000")]).await;
    site.mail_to(&customer.email).await;
    let (page, mail) = site.mail_after(&customer.email, browser.submit(&page, "#resend", &[])).await;
    let page = browser.submit(&page, "#submit", &[("code", &code(&mail))]).await;
    assert!(page.status() < 400 && !page.has_field("code"), "{}", page.text());
}

/// Two registrations without a password, for a tenant document that asks for none: the passkey of the first one is refused to the second.
pub async fn register_with_passkeys(site: &Site, first: &Customer, second: &Customer) {
    let mut taken = None;
    for customer in [first, second] {
        let mut browser = Browser::new(site);
        let page = browser.open("/register").await;
        let fields: Vec<_> = customer.form_fields().into_iter().filter(|(name, _)| *name != "password").collect();
        let page = browser.submit(&page, "#submit", &fields).await;
        let mail = site.mail_to(&customer.email).await;
        let page = browser.submit(&page, "#submit", &[("code", &code(&mail))]).await;
        let options = passkey::Options::of(&page);
        let mut created = passkey::create(&browser, &options);
        if let Some(id) = taken.take() {
            created.id = id;
        }
        let json = created.creation(options.challenge()).json();
        let sent = browser.send_by_script(&page, "credential", &[("credential", &json), ("state", &options.state)]).await;
        let page = browser.follow_answer(sent).await;
        assert_eq!(page.status(), if customer == first { 200 } else { 400 }, "{}", page.text());
        taken = Some(created.id);
    }
}

/// An authenticator app is set up on the account pages. Then a sign-in by its code, one by a recovery code, and one that an application asks
/// for with a higher level; a wrong code.
pub async fn sign_in_with_two_steps(site: &Site, customer: &Customer) {
    customer.register(site).await;
    let mut browser = Browser::new(site);
    let page = browser.open("/account/two-step/app").await;
    customer.sign_in(&mut browser, &page).await;
    let (app, page) = Authenticator::begin(site, &mut browser).await;
    let page = browser.submit(&page, "#submit", &[("code", &app.code_at(site.now().await))]).await;
    let codes = recovery_codes(&page);
    assert_eq!(codes.len(), 10, "{}", page.text());
    let web = OAuthClient::demo_web(site);
    let first_step = async |browser: &mut Browser| {
        let page = browser.open(&web.authorize_url(&[("acr_values", "urn:latchkey:acr:2")])).await;
        let page = customer.sign_in(browser, &page).await;
        assert!(page.has_field("code"), "{}: {}", page.url, page.text());
        page
    };
    let mut other = Browser::new(site);
    let page = first_step(&mut other).await;
    // Without the policy of the tenant the page for a lost factor names support.
    let lost = page.links().into_iter().find(|link| link.contains("/login/lost-factor")).unwrap();
    assert!(!other.open(&lost).await.has_button("#send"));
    let page = other.submit(&page, "#submit", &[("code", "12")]).await;
    assert_eq!(page.status(), 400, "{}", page.text());
    // The code of the next half minute: that of this one is used up.
    let page = other.submit(&page, "#submit", &[("code", &app.code_at(site.now().await + Span::seconds(30)))]).await;
    let page = if page.has_button("#allow") { other.submit(&page, "#allow", &[]).await } else { page };
    let tokens = web.redeem(&page.query("code").unwrap()).await.tokens();
    assert_eq!(tokens.id_claims()["acr"], "urn:latchkey:acr:2");
    let mut third = Browser::new(site);
    let page = first_step(&mut third).await;
    let page = third.submit(&page, "#use-recovery-code", &[("recovery_code", &codes[2])]).await;
    assert!(page.query("code").is_some(), "{}: {}", page.url, page.text());
}

/// A passkey is added, signs in on another device, and is removed.
pub async fn sign_in_with_a_passkey(site: &Site, customer: &Customer) {
    customer.register(site).await;
    let mut browser = Browser::new(site);
    let page = browser.open("/login").await;
    customer.sign_in(&mut browser, &page).await;
    let mut own = passkey::add(&mut browser).await;
    // A challenge must be newer than the last one.
    match site {
        Site::World(world) => world.advance(Span::seconds(1)),
        Site::Gateway { .. } => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
    }
    let mut other = Browser::new(site);
    let page = other.open("/login").await;
    let sent = passkey::use_on(&mut other, &page, &mut own).await;
    assert_eq!(sent.1.status(), 303);
    other.follow_answer(sent).await;
    // A session that has just shown a passkey needs no code from the mailbox.
    passkey::add(&mut other).await;
    let listed = other.open("/account/passkeys").await;
    let id = latchkey::domain::passkey::CredentialHash::of(&own.id);
    let removed = other.submit(&listed, &format!("#remove-{id}"), &[]).await;
    assert_eq!((removed.status(), removed.path().as_str()), (200, "/account/passkeys"), "{}", removed.text());
    // Its id stays claimed.
    let page = passkey::open_new(&mut other).await;
    let options = passkey::Options::of(&page);
    let json = own.creation(options.challenge()).json();
    let taken = [("credential", json.as_str()), ("state", options.state.as_str())];
    assert_eq!(other.send_by_script(&page, "credential", &taken).await.1.status(), 400);
    // The password manager has one that the account never had.
    let mut unknown = passkey::SoftwarePasskey::es256(&own.rp_id, &own.origin, &own.user_handle);
    let mut third = Browser::new(site);
    let page = third.open("/login").await;
    let sent = passkey::use_on(&mut third, &page, &mut unknown).await;
    let page = third.follow_answer(sent).await;
    assert!(page.status() == 400 && page.html().contains("signalUnknownCredential"), "{}", page.text());
}

/// A sign-in with consent, a wrong password, an unknown identifier, a recovery, a sign-out.
pub async fn sign_in_and_recover(site: &Site, customer: &Customer) {
    let mut browser = Browser::new(site);
    let web = OAuthClient::demo_web(site);
    let page = browser.open(&web.authorize_url(&[])).await;
    for (identifier, password) in [(customer.email.as_str(), "wrong horse 1"), ("unknown@example.com", "wrong horse 1")] {
        assert!(
            browser.submit(&page, "#submit", &[("identifier", identifier), ("password", password)]).await.has_field("password")
        );
    }
    let callback = web.sign_in(&mut browser, customer).await;
    let tokens = web.redeem(&callback.query("code").unwrap()).await.tokens();
    assert_eq!(web.introspect(tokens.access()).await.json()["active"], true);
    assert_eq!(web.redeem(&callback.query("code").unwrap()).await.status(), 400, "a replay");
    let url = web.authorize_url(&[]);
    let query = url.split_once('?').unwrap().1.to_owned();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let posted = Anonymous::new(site).send(Method::POST, "/oauth2/authorize", &form, query).await;
    assert!(browser.open(posted.header("location").unwrap()).await.query("code").is_some());
    browser.open("/oauth2/logout").await;

    let page = browser.open("/recover").await;
    let fields = [("identifier", customer.email.as_str())];
    let (page, mail) = site.mail_after(&customer.email, browser.submit(&page, "#submit", &fields)).await;
    let wrong = browser.submit(&page, "#submit", &[("code", "AAAAAAAAAA"), ("password", "another 3 green bicycles")]).await;
    let code = code(&mail);
    let fields = [("code", code.as_str()), ("password", &customer.password)];
    let (done, _) = site.mail_after(&customer.email, browser.submit(&wrong, "#submit", &fields)).await;
    assert!(!done.has_field("code"), "{}", done.text());
}

/// Client tokens: refreshed, revoked with and without a grant.
pub async fn use_client_tokens(site: &Site, customer: &Customer) {
    let app = OAuthClient::demo_app(site);
    let tokens = app.tokens_for(customer).await;
    assert_eq!(app.userinfo(tokens.access()).await.json()["email"], customer.email);
    let next = app.refresh(tokens.refresh()).await.tokens();
    assert_eq!(app.revoke(next.access()).await.status(), 200);
    assert_eq!(app.revoke(next.refresh()).await.status(), 200);
    let service = OAuthClient::demo_service(site);
    let token = service.client_credentials().await.tokens();
    assert_eq!(service.introspect(token.access()).await.json()["active"], true);
    assert_eq!(service.revoke(token.access()).await.status(), 200);
    assert_eq!(service.introspect(token.access()).await.json()["active"], false);
}

/// Profile, password, address, sessions, consents.
pub async fn use_self_service(site: &Site, customer: &mut Customer) {
    let me = AccountClient::new(site, customer).await;
    let other = AccountClient::new(site, customer).await;
    let shown = me.get("/v1/me").await;
    let version = shown.header("etag").unwrap().to_owned();
    let edited = me.call(Method::PATCH, "/v1/me", &[("if-match", &version)], Some(&json!({ "given_name": "Augusta" }))).await;
    assert_eq!(edited.status(), 200, "{}", edited.text());
    assert_eq!(me.get("/v1/me/consents").await.status(), 200);
    let withdrawn = me.delete("/v1/me/consents/demo-web").await;
    assert_eq!(withdrawn.status(), 204, "{}", withdrawn.text());
    let sessions = me.get("/v1/me/sessions").await.json();
    let ended = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap().clone();
    let ended = me.delete(&format!("/v1/me/sessions/{}", ended["sid"].as_str().unwrap())).await;
    assert_eq!(ended.status(), 204, "{}", ended.text());
    drop(other);
    let new = "7 other green bicycles";
    let changed = json!({ "current_password": "wrong horse 1", "new_password": new });
    assert!(me.post("/v1/me/password", &changed).await.status() < 500);
    let changed = json!({ "current_password": customer.password, "new_password": new });
    let (changed, _) = site.mail_after(&customer.email, me.post("/v1/me/password", &changed)).await;
    assert_eq!(changed.status(), 204, "{}", changed.text());
    new.clone_into(&mut customer.password);
    let countess = format!("countess.{}", customer.email);
    let asked = json!({ "email": countess });
    let (begun, mail) = site.mail_after(&countess, me.post("/v1/me/email", &asked)).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
    assert!(me.post("/v1/me/email/verification", &json!({ "code": "AAAAAAAAAA" })).await.status() < 500);
    let proven = json!({ "code": code(&mail) });
    let (proven, _) = site.mail_after(&customer.email, me.post("/v1/me/email/verification", &proven)).await;
    assert_eq!(proven.status(), 200, "{}", proven.text());
    customer.email = countess;
    // An address that another user verifies first.
    let late = Customer { email: format!("late.{}", customer.email), ..Customer::new("Late") };
    let asked = json!({ "email": late.email });
    let (begun, mail) = site.mail_after(&late.email, me.post("/v1/me/email", &asked)).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
    late.register(site).await;
    let beaten = me.post("/v1/me/email/verification", &json!({ "code": code(&mail) })).await;
    assert_eq!(beaten.status(), 409, "{}", beaten.text());
}

/// The account pages, and a change of address that the owner undoes.
pub async fn undo_email_change(site: &Site, customer: &Customer) {
    customer.register(site).await;
    let mut browser = Browser::new(site);
    let me = AccountClient::signed_in(&mut browser, site, customer).await;
    for page in ["/account", "/account/security", "/account/sessions", "/account/consents", "/account/privacy"] {
        assert_eq!(browser.open(page).await.status(), 200, "{page}");
    }
    let thief = format!("thief.{}", customer.email);
    let asked = json!({ "email": thief });
    let (_, mail) = site.mail_after(&thief, me.post("/v1/me/email", &asked)).await;
    let proof = json!({ "code": code(&mail) });
    let proven = me.post("/v1/me/email/verification", &proof).await;
    assert_eq!(proven.status(), 200, "{}", proven.text());
    // The owner also got a notice when the change began.
    let mail = site.mail_with(&customer.email, "/account/email/undo").await;
    let mut owner = Browser::new(site);
    let undo = owner.open(mail.links.iter().find(|link| link.contains("/account/email/undo")).unwrap()).await;
    let chosen = Customer { password: "seven Green bicycles sing".to_owned(), ..customer.clone() };
    let undone = owner.submit(&undo, "#confirm", &[("code", &code(&mail)), ("password", &chosen.password)]).await;
    assert_eq!(undone.status(), 200, "{}", undone.text());
    let sign_in = owner.open("/login").await;
    assert!(customer.sign_in(&mut owner, &sign_in).await.has_field("password"), "the old password is disabled");
    let sign_in = owner.open("/login").await;
    assert!(!chosen.sign_in(&mut owner, &sign_in).await.has_field("password"), "the new password signs in");
}

/// The export of all personal data, by API and on the pages.
pub async fn export_data(site: &Site, customer: &Customer) {
    let mut browser = Browser::new(site);
    let me = AccountClient::signed_in(&mut browser, site, customer).await;
    let begun = me.post("/v1/me/exports", &json!({})).await;
    assert_eq!(begun.status(), 202, "{}", begun.text());
    let id = begun.json()["export_id"].as_str().unwrap().to_owned();
    assert_eq!(me.get(&format!("/v1/me/exports/{id}")).await.status(), 200);
    let document = me.get(&format!("/v1/me/exports/{id}/document")).await;
    assert_eq!(document.status(), 200, "{}", document.text());
    let page = browser.open("/account/export").await;
    assert_eq!(page.status(), 200, "{}", page.text());
}

/// An account is closed, and restored by the mailed link.
pub async fn close_and_restore_account(site: &Site, customer: &Customer) {
    let me = AccountClient::new(site, customer).await;
    let closed = me.delete("/v1/me").await;
    assert_eq!(closed.status(), 202, "{}", closed.text());
    let mail = site.mail_with(&customer.email, "/account/restore").await;
    let token = mail.links.iter().find_map(|link| link.split_once("/account/restore?token=")).unwrap().1;
    let restored = Anonymous::new(site).post_json("/v1/me/restoration", &json!({ "token": token, "code": code(&mail) })).await;
    assert_eq!(restored.status(), 204, "{}", restored.text());
}

/// Two flows for one address, both verified. The second one gets a conflict.
pub async fn verify_one_address_twice(site: &Site, customer: &Customer) {
    let api = Anonymous::new(site);
    let mut begun = Vec::new();
    for _ in 0..2 {
        let registration = customer.registration();
        let (started, mail) = site.mail_after(&customer.email, api.post_json("/v1/registrations", &registration)).await;
        begun.push((started.json()["registration_id"].as_str().unwrap().to_owned(), code(&mail)));
    }
    for ((id, code), status) in begun.into_iter().zip([201, 409]) {
        let answer = api.post_json(&format!("/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
        assert_eq!(answer.status(), status, "{}", answer.text());
    }
}
