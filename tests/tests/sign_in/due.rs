//! What is due after a sign-in: new terms within and after their grace period, missing fields, and what it costs when nothing is due.
#![expect(clippy::expect_used, reason = "this is test code: a broken expectation ends the test")]

use http::StatusCode;
use latchkey::domain::account::AccountState;
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::meter::Units;
use latchkey_local::world::World;
use serde_json::json;
use tests::store::put_document;
use tests::{AccountClient, Browser, Customer, OAuthClient, Page};

const NICKNAME: &str =
    "[[registration.fields]]\nname = \"nickname\"\nrequired = true\nlabel = \"Nickname\"\n\n[[registration.terms]]";

/// The shipped document with version 2 of its terms, to be accepted from this many days from now on, with a grace period of ten days.
fn second_version(world: &World, in_days: i64) -> String {
    let day = (world.services.clock.now() + Span::days(in_days)).to_string();
    let day = day.split('T').next().expect("a day").to_owned();
    let version =
        format!("version = \"2\"\nfrom = \"{day}\"\ngrace = \"P10D\"\ntext = {{ en = \"Be kind.\", de = \"Sei nett.\" }}");
    DEFAULT_DOCUMENT.replacen("version = \"1\"", &version, 1)
}

async fn new_world() -> (World, Customer) {
    let world = World::new().await.expect("a world");
    let ada = Customer::registered(&world, "Ada").await;
    (world, ada)
}

async fn state(world: &World, customer: &Customer) -> AccountState {
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    let email = EmailAddress::parse(&customer.email).expect("an address");
    let identifier = tenant.keys.identifier().expect("the key").hash_email(&email);
    let account = tenant.store.find_account(&identifier).await.expect("read").expect("an account");
    tenant.store.find_authentication(account).await.expect("read").expect("a state")
}

/// Signs in for a request of the application, up to the page that follows.
async fn sign_in(app: &OAuthClient, browser: &mut Browser, customer: &Customer) -> Page {
    let page = browser.open(&app.authorize_url(&[])).await;
    let page = customer.sign_in(browser, &page).await;
    allow(browser, page).await
}

/// The page after that of consent, if it is shown.
async fn allow(browser: &mut Browser, page: Page) -> Page {
    if page.has_button("#allow") { browser.submit(&page, "#allow", &[]).await } else { page }
}

/// Presses a button of the page of what is due.
async fn press(browser: &mut Browser, page: &Page, button: &str, fields: &[(&str, &str)]) -> Page {
    let next = browser.submit(page, button, fields).await;
    allow(browser, next).await
}

fn is_due(page: &Page) -> bool {
    page.path() == "/complete"
}

#[tokio::test]
async fn within_the_grace_period_new_terms_are_asked_for_at_a_sign_in_and_can_be_postponed() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    put_document(&world, &second_version(&world, 2)).await;
    // Before its day the version is asked of new users only.
    assert!(sign_in(&app, &mut Browser::new(&world), &ada).await.query("code").is_some());
    world.advance(Span::days(3));
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await.expect(StatusCode::OK);
    assert!(is_due(&page) && page.text().contains("until") && page.text().contains("Be kind."), "{}", page.text());
    assert!(page.links().contains(&"https://example.com/terms".to_owned()));
    // Chromium checks every redirect after the form: the page may end at the application.
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(!policy.contains("form-action"), "{policy}");
    // Unticked, it is asked again, and nothing is lost.
    let again = press(&mut browser, &page, "#submit", &[]).await.expect(StatusCode::BAD_REQUEST);
    assert!(again.text().contains("Please accept this to continue"), "{}", again.text());
    // Another version than the page showed.
    let stale = press(&mut browser, &page, "#submit", &[("terms.terms", "1")]).await.expect(StatusCode::BAD_REQUEST);
    assert!(stale.text().contains("has changed"), "{}", stale.text());
    let later = press(&mut browser, &page, "#later", &[]).await;
    assert!(later.query("code").is_some(), "{} {}", later.url, later.text());
    // A live session is not asked; the next sign-in is.
    for more in [&[][..], &[("prompt", "none")]] {
        assert!(browser.open(&app.authorize_url(more)).await.query("code").is_some(), "{more:?}");
    }
    let page = sign_in(&app, &mut Browser::new(&world), &ada).await;
    assert!(is_due(&page), "{}", page.url);
}

#[tokio::test]
async fn security_152_after_the_grace_period_only_codes_wait_for_the_terms() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    put_document(&world, &second_version(&world, 0)).await;
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    let tokens = app.redeem(&press(&mut browser, &page, "#later", &[]).await.query("code").expect("a code")).await.tokens();
    world.advance(Span::days(9));
    browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    world.advance(Span::days(2));
    // The page of the grace period is still open: its button does not postpone any more.
    let refused = press(&mut browser, &page, "#later", &[]).await.expect(StatusCode::CONFLICT);
    assert!(is_due(&refused) && refused.text().contains("no longer be postponed"), "{}", refused.text());
    browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    assert!(is_due(&page) && !page.has_button("#later"), "{}", page.text());
    // Every request is asked, also one with a live session; a silent one gets the error for it.
    let silent = browser.open(&app.authorize_url(&[("prompt", "none")])).await;
    assert_eq!(silent.query("error").as_deref(), Some("interaction_required"), "{}", silent.url);
    assert!(is_due(&browser.open(&app.authorize_url(&[])).await));
    // Never a dead end: export, deletion and sign-out stay reachable, also when the password has to be confirmed.
    for part in ["/account/export", "/account/delete", "/oauth2/logout"] {
        let link = page.links().into_iter().find(|link| link.ends_with(part)).expect(part);
        assert_eq!(browser.open(&link).await.path(), part);
    }
    world.advance(Span::minutes(6));
    let confirm = browser.open("/account/delete").await;
    assert_eq!(ada.sign_in(&mut browser, &confirm).await.path(), "/account/delete");
    // Tokens that were issued before are not cut off.
    assert_eq!(app.refresh(tokens.refresh()).await.status(), 200);
    // Two tabs: the second finds nothing due.
    let page = browser.open(&app.authorize_url(&[])).await;
    let second = browser.open(&app.authorize_url(&[("login_hint", "ada@example.com")])).await;
    let done = press(&mut browser, &page, "#submit", &[("terms.terms", "2")]).await;
    assert!(done.query("code").is_some(), "{} {}", done.url, done.text());
    let version = state(&world, &ada).await.version;
    let done = press(&mut browser, &second, "#submit", &[("terms.terms", "2")]).await;
    assert!(done.query("code").is_some(), "{}", done.url);
    // The same form again, after its answer was lost: the same result, and nothing is written.
    assert!(press(&mut browser, &page, "#submit", &[("terms.terms", "2")]).await.query("code").is_some());
    assert_eq!(state(&world, &ada).await.version, version);
    // A crash between the acceptance and its redirect: the next request goes on.
    assert!(browser.open(&app.authorize_url(&[("prompt", "none")])).await.query("code").is_some());
}

#[tokio::test]
async fn an_acceptance_is_evidence_of_the_text_in_its_language_and_is_in_export_and_history() {
    let (world, ada) = new_world().await;
    put_document(&world, &second_version(&world, 0)).await;
    let mut browser = Browser::new(&world);
    browser.language = "de".to_owned();
    let page = browser.open("/account").await;
    let page = ada.sign_in(&mut browser, &page).await;
    assert!(is_due(&page) && page.text().contains("Sei nett."), "{} {}", page.url, page.text());
    let page = press(&mut browser, &page, "#submit", &[("terms.terms", "2")]).await;
    assert_eq!((page.status(), page.path().as_str()), (200, "/account"), "{}", page.text());
    world.pump().await.expect("pumped");
    let history = browser.open("/account/security").await;
    assert!(history.text().contains("Ein Dokument wurde akzeptiert"), "{}", history.text());
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    let terms = tenant.store.find_terms(state(&world, &ada).await.account).await.expect("read").expect("terms").accepted;
    assert_eq!(terms.len(), 2, "each acceptance is kept");
    assert_eq!((terms[0].sha256.as_deref(), terms[0].url.as_deref()), (None, Some("https://example.com/terms")));
    assert_eq!((terms[1].version.as_str(), terms[1].locale.as_deref()), ("2", Some("de")));
    let hash = data_encoding::HEXLOWER.encode(&latchkey::digest::sha256("Sei nett.".as_bytes()));
    assert_eq!(terms[1].sha256.as_deref(), Some(hash.as_str()));
}

#[tokio::test]
async fn a_missing_required_field_is_asked_for_after_a_sign_in_and_never_blocks() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    put_document(&world, &DEFAULT_DOCUMENT.replacen("[[registration.terms]]", NICKNAME, 1)).await;
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    assert!(is_due(&page) && page.has_field("nickname") && !page.has_field("given_name"), "{}", page.text());
    let refused = press(&mut browser, &page, "#submit", &[("nickname", "a\u{7}b")]).await.expect(StatusCode::BAD_REQUEST);
    assert!(is_due(&refused));
    assert!(press(&mut browser, &page, "#later", &[]).await.query("code").is_some());
    assert!(browser.open(&app.authorize_url(&[("prompt", "none")])).await.query("code").is_some());
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    // Only the missing field can be set here.
    let forged = [("nickname", "Countess"), ("given_name", "Eve"), ("email", "eve@example.com"), ("roles", "admin")];
    let done = press(&mut browser, &page, "#submit", &forged).await;
    let tokens = app.redeem(&done.query("code").expect("a code")).await.tokens();
    let claims = app.userinfo(tokens.access()).await.json();
    assert_eq!((&claims["nickname"], &claims["given_name"]), (&json!("Countess"), &json!("Ada")), "{claims}");
    assert!(sign_in(&app, &mut Browser::new(&world), &ada).await.query("code").is_some());
}

#[tokio::test]
async fn overdue_terms_are_asked_for_before_missing_fields() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    let document = second_version(&world, 0).replacen("[[registration.terms]]", NICKNAME, 1);
    put_document(&world, &document).await;
    world.advance(Span::days(11));
    let mut browser = Browser::new(&world);
    let page = sign_in(&app, &mut browser, &ada).await;
    assert!(page.has_field("terms.terms") && !page.has_field("nickname"), "{}", page.text());
    let next = press(&mut browser, &page, "#submit", &[("terms.terms", "2")]).await;
    assert!(is_due(&next) && next.has_field("nickname") && !next.has_field("terms.terms"), "{}", next.text());
    assert!(press(&mut browser, &next, "#later", &[]).await.query("code").is_some());
}

#[tokio::test]
async fn security_17_the_form_belongs_to_one_browser_and_one_session() {
    let (world, ada) = new_world().await;
    let eve = Customer::registered(&world, "Eve").await;
    let app = OAuthClient::demo_app(&world);
    put_document(&world, &second_version(&world, 0)).await;
    let (mut browser, mut other) = (Browser::new(&world), Browser::new(&world));
    let page = sign_in(&app, &mut browser, &ada).await;
    sign_in(&app, &mut other, &eve).await;
    let foreign = press(&mut other, &page, "#submit", &[("terms.terms", "2")]).await;
    assert_eq!(foreign.status(), 403, "{}", foreign.text());
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    for customer in [&ada, &eve] {
        let terms = tenant.store.find_terms(state(&world, customer).await.account).await.expect("read").expect("terms");
        assert_eq!(terms.accepted.len(), 1, "nothing was accepted");
    }
    browser.cookies.clear();
    assert!(browser.open(&page.url).await.has_field("password"), "without a session the user signs in");
}

#[tokio::test]
async fn an_account_of_the_previous_release_is_compared_once() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    let recorded = state(&world, &ada).await.satisfied;
    assert!(recorded.is_some(), "a registration satisfies its form");
    // The state as the previous release writes it.
    let old = latchkey::domain::requirements::satisfy(&state(&world, &ada).await, None);
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    let change = latchkey::domain::change::Changes::one(latchkey::domain::change::Change::record_requirements(old));
    let request = latchkey::context::RequestContext { now: world.services.clock.now(), ..tests::store::request() };
    tenant.store.commit(&change, &request).await.expect("a commit");
    assert!(sign_in(&app, &mut Browser::new(&world), &ada).await.query("code").is_some(), "nothing is due");
    assert_eq!(state(&world, &ada).await.satisfied, recorded);
    // A sign-in to the account page leads there, too.
    let mut browser = Browser::new(&world);
    let page = browser.open("/account").await;
    assert_eq!(ada.sign_in(&mut browser, &page).await.path(), "/account");
}

#[tokio::test]
async fn an_optional_document_is_withdrawn_by_page_and_by_call_and_a_required_one_is_not() {
    let (world, ada) = new_world().await;
    let offers = "[[registration.terms]]\ndocument = \"offers\"\nversion = \"1\"\nurl = \"https://example.com/offers\"\nrequired = false\n\n[[resources]]";
    put_document(&world, &DEFAULT_DOCUMENT.replacen("[[resources]]", offers, 1)).await;
    let me = AccountClient::new(&world, &ada).await;
    let listed = me.get("/v1/me/terms").await.json();
    assert_eq!((&listed["terms"][0]["accepted_version"], &listed["terms"][1]["accepted_version"]), (&json!("1"), &json!(null)));
    for (version, status) in [("2", 400), ("1", 204), ("1", 204)] {
        assert_eq!(me.post("/v1/me/terms/offers", &json!({ "version": version })).await.status(), status, "{version}");
    }
    assert_eq!(me.get("/v1/me/terms").await.json()["terms"][1]["accepted_version"], "1");
    assert_eq!(me.delete("/v1/me/terms/nothing").await.status(), 404);
    for _ in ["once", "again, after a lost reply"] {
        assert_eq!(me.delete("/v1/me/terms/offers").await.status(), 204);
    }
    // The document may be required again later: the account no longer says that it satisfies every one.
    assert_eq!(state(&world, &ada).await.satisfied, None);
    let required = me.delete("/v1/me/terms/terms").await;
    assert_eq!(required.refusal(), (403, "forbidden".to_owned()));
    assert!(required.text().contains("delete the account"), "{}", required.text());
    let mut browser = Browser::new(&world);
    let page = browser.open("/account/privacy").await;
    let page = ada.sign_in(&mut browser, &page).await;
    assert!(page.has_button("#accept-offers") && !page.has_button("#withdraw-terms"), "{}", page.text());
    let page = press(&mut browser, &page, "#accept-offers", &[]).await.expect(StatusCode::OK);
    let page = press(&mut browser, &page, "#withdraw-offers", &[]).await.expect(StatusCode::OK);
    assert!(page.text().contains("is withdrawn") && page.has_button("#accept-offers"), "{}", page.text());
    world.pump().await.expect("pumped");
    assert!(browser.open("/account/security").await.text().contains("A document is no longer accepted"));
}

#[tokio::test]
async fn a_crash_at_any_write_of_an_acceptance_loses_nothing_and_records_it_once() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for write in 1..=2 {
            let (world, ada) = new_world().await;
            let app = OAuthClient::demo_app(&world);
            put_document(&world, &second_version(&world, 0).replacen("[[registration.terms]]", NICKNAME, 1)).await;
            let mut browser = Browser::new(&world);
            let page = sign_in(&app, &mut browser, &ada).await;
            let fields = [("terms.terms", "2"), ("nickname", "Countess")];
            world.faults.add(Calls::Writes, Trigger::Nth(write), fault);
            let mut dying = browser.clone();
            let crashed = tokio::select! {
                _ = dying.submit(&page, "#submit", &fields) => false,
                () = world.faults.crashed() => true,
            };
            assert!(crashed, "{fault:?} {write}");
            world.faults.clear();
            // The user sends the form again, or the request begins again.
            let done = press(&mut browser, &page, "#submit", &fields).await;
            assert!(done.query("code").is_some(), "{fault:?} {write}: {} {}", done.url, done.text());
            assert!(sign_in(&app, &mut Browser::new(&world), &ada).await.query("code").is_some(), "nothing is due any more");
            let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
            let terms = tenant.store.find_terms(state(&world, &ada).await.account).await.expect("read").expect("terms");
            assert_eq!((terms.accepted.len(), terms.version), (2, 2), "{fault:?} {write}");
            let tokens = app.redeem(&done.query("code").expect("a code")).await.tokens();
            assert_eq!(app.userinfo(tokens.access()).await.json()["nickname"], "Countess");
        }
    }
}

#[tokio::test]
async fn with_nothing_due_a_sign_in_reads_nothing_more_and_a_change_is_compared_once() {
    let (world, ada) = new_world().await;
    let app = OAuthClient::demo_app(&world);
    // The marks of the sign-in are in the request: the state alone says that nothing is due.
    let cost = async |browser: &mut Browser| {
        let page = browser.open(&app.authorize_url(&[])).await;
        world.pump().await.expect("pumped");
        drop(world.meter.take());
        let (_, response) = browser.press(&page, "#submit", &[("identifier", &ada.email), ("password", &ada.password)]).await;
        let signed_in = world.meter.take_cost();
        let location = response.headers()["location"].to_str().expect("an address").to_owned();
        browser.open(&location).await;
        (signed_in.own, world.meter.take_cost().own)
    };
    let units = |read, write| Units { read, write };
    let mut browser = Browser::new(&world);
    // The user gave no consent yet, so authorize ends at its page: 3 RRU, and 2 to show the address of the account.
    let (signed_in, authorized) = cost(&mut browser).await;
    assert_eq!(signed_in, units(4.0, 2.0));
    put_document(
        &world,
        &DEFAULT_DOCUMENT.replacen("required = true\nmax_length = 80\nautocomplete = \"family-name\"", "max_length = 80", 1),
    )
    .await;
    let (signed_in, compared) = cost(&mut Browser::new(&world)).await;
    assert_eq!(signed_in, units(4.0, 2.0));
    assert_eq!(compared.read, authorized.read + 3.0, "profile, acceptances and key are read");
}
