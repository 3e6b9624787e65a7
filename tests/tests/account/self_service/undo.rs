//! Former addresses take the account back (security 94, 95, 130): with the link and the code of their mail, also from a closed account.

use crate::self_service::{register_ada, world};
use http::StatusCode;
use latchkey::context::{Deadline, RequestContext};
use latchkey::delivery::Mail;
use latchkey::domain::change::{Change, Changes};
use latchkey::domain::id::TenantId;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::tenant::Signer;
use latchkey::domain::time::Span;
use latchkey::keys::{KeyVault, Keys, identifier_rotation};
use latchkey::purpose::Purpose;
use latchkey_local::fault::{Calls, Fault, Trigger};
use latchkey_local::world::World;
use serde_json::json;
use std::time::Duration;
use tests::{AccountClient, Anonymous, Browser, Customer, Page, SecondFactor, invariants, second_factor};

const NEW_PASSWORD: &str = "seven Green bicycles sing";
const UNDO: &str = "/account/email/undo";
const RESTORE: &str = "/account/restore";

/// Changes the address, and returns the account client of a new sign-in with it.
async fn change(world: &World, me: &AccountClient, customer: &Customer, address: &str) -> (Customer, AccountClient) {
    assert_eq!(me.post("/v1/me/email", &json!({ "email": address })).await.status(), 202);
    let code = newest(world, address, "").await.codes.remove(0);
    let proven = me.post("/v1/me/email/verification", &json!({ "code": code })).await;
    assert_eq!(proven.status(), 200, "{}", proven.text());
    let moved = Customer { email: address.to_owned(), ..customer.clone() };
    let me = AccountClient::new(world, &moved).await;
    (moved, me)
}

/// The newest mail to an address with such a link.
async fn newest(world: &World, address: &str, link: &str) -> Mail {
    let mails = world.mails_to(address).await.expect("mails");
    let fits = |mail: &&Mail| mail.links.iter().any(|known| known.contains(link));
    mails.iter().find(fits).unwrap_or_else(|| panic!("no {link} for {address}")).clone()
}

/// Opens the mailed link in a new browser and submits code and new password.
async fn take_back(world: &World, mail: &Mail) -> Page {
    let mut browser = Browser::new(world);
    let page = browser.open(&mail.links[0]).await;
    if !page.has_button("#confirm") {
        return page;
    }
    browser.submit(&page, "#confirm", &[("code", &mail.codes[0]), ("password", NEW_PASSWORD)]).await
}

async fn signs_in(world: &World, email: &str, password: &str) -> bool {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    !browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await.has_field("password")
}

async fn assert_invariants(world: &World) {
    world.pump().await.expect("pumped");
    invariants::assert_hold(&world.engine);
}

const THIEF: &str = "thief@example.org";

/// A thief with the password of Ada changes her address.
async fn stolen(world: &World) -> (Customer, Customer, AccountClient) {
    let (ada, me) = register_ada(world).await;
    let (thief, theirs) = change(world, &me, &ada, THIEF).await;
    (ada, thief, theirs)
}

/// Software that opens the link and presses every button with the form's own values changes nothing.
#[tokio::test]
async fn security_94_without_the_code_nothing_happens() {
    let world = world().await;
    let (ada, thief, theirs) = stolen(&world).await;
    let mail = newest(&world, &ada.email, UNDO).await;
    assert!(!mail.links[0].contains(&mail.codes[0]), "the link does not contain the code");
    let mut scanner = Browser::new(&world);
    let page = scanner.open(&mail.links[0]).await;
    assert!(page.status() == 200 && page.text().contains(&ada.email), "{}", page.text());
    for fields in [
        vec![],
        vec![("code", ""), ("password", NEW_PASSWORD)],
        vec![("code", "AAAAAAAAAA"), ("password", NEW_PASSWORD)],
        vec![("code", "AAAAAAAAAA"), ("password", "x")],
    ] {
        let refused = scanner.submit(&page, "#confirm", &fields).await.expect(StatusCode::BAD_REQUEST);
        assert!(refused.text().contains("Nothing was changed"), "{}", refused.text());
    }
    // The right code with a password that is not accepted changes nothing either, and keeps the code.
    let weak = scanner.submit(&page, "#confirm", &[("code", &mail.codes[0]), ("password", "password")]).await;
    assert!(weak.status() == 400 && weak.html().contains(&mail.codes[0]), "{}", weak.text());
    assert_eq!(theirs.is_alive().await, (true, true));
    assert!(signs_in(&world, THIEF, &thief.password).await);
    assert!(!signs_in(&world, &ada.email, &ada.password).await);

    // The same for a restoration.
    assert_eq!(theirs.delete("/v1/me").await.status(), 202);
    let restore = newest(&world, THIEF, RESTORE).await;
    let page = scanner.open(&restore.links[0]).await;
    for code in ["", "AAAAAAAAAA", mail.codes[0].as_str()] {
        let refused = scanner.submit(&page, "#confirm", &[("code", code)]).await.expect(StatusCode::BAD_REQUEST);
        assert!(refused.text().contains("Nothing was changed"), "{}", refused.text());
    }
    assert!(!signs_in(&world, THIEF, &thief.password).await);
    assert_invariants(&world).await;
}

#[tokio::test]
async fn security_95_the_code_returns_the_address_and_ends_everything_that_came_after_the_change() {
    let world = world().await;
    let (ada, thief, theirs) = stolen(&world).await;
    let changed = json!({ "current_password": thief.password, "new_password": "the thief has another one" });
    assert_eq!(theirs.post("/v1/me/password", &changed).await.status(), 204);
    assert_eq!(theirs.post("/v1/me/email", &json!({ "email": "pending@example.org" })).await.status(), 202);
    let pending = newest(&world, "pending@example.org", "").await.codes.remove(0);
    let told = newest(&world, &ada.email, UNDO).await;
    assert!(told.text.contains("password") && told.text.contains("was changed"), "told of the password, too: {}", told.text);
    let mail = newest(&world, &ada.email, UNDO).await;
    let done = take_back(&world, &mail).await;
    assert!(done.text().contains("Your address is restored") && done.text().contains(&ada.email), "{}", done.text());
    assert_eq!(theirs.is_alive().await, (false, false));
    let proof = theirs.post("/v1/me/email/verification", &json!({ "code": pending })).await;
    assert_eq!(proof.status(), 401, "{}", proof.text());
    for (email, password) in
        [(THIEF, NEW_PASSWORD), (THIEF, "the thief has another one"), (ada.email.as_str(), "the thief has another one")]
    {
        assert!(!signs_in(&world, email, password).await, "{email}");
    }
    assert!(!signs_in(&world, &ada.email, &ada.password).await, "the password that the thief knew");
    assert!(signs_in(&world, &ada.email, NEW_PASSWORD).await);
    // A second click says that it was done already, in any browser.
    let again = take_back(&world, &mail).await;
    assert!(again.status() == 200 && again.text().contains("Your address is restored"), "{}", again.text());
    let mut browser = Browser::new(&world);
    assert_eq!(browser.open(&format!("{UNDO}?done=undone")).await.status(), 410, "no success for a link without a token");
    assert_invariants(&world).await;
}

/// A→T, T closes the account: the former address is told, and takes it back. T can restore nothing.
#[tokio::test]
async fn security_130_a_thief_who_closes_the_account_does_not_keep_its_owner_out() {
    let world = world().await;
    let (ada, thief, theirs) = stolen(&world).await;
    let before = world.mails_to(&ada.email).await.expect("mails").len();
    world.advance(Span::days(6));
    let theirs = AccountClient { tokens: AccountClient::new(&world, &thief).await.tokens, ..theirs };
    assert_eq!(theirs.delete("/v1/me").await.status(), 202);
    let restore = newest(&world, THIEF, RESTORE).await;
    let told = newest(&world, &ada.email, UNDO).await;
    assert_eq!(world.mails_to(&ada.email).await.expect("mails").len(), before + 1);
    assert!(told.text.contains("was closed") && !told.text.contains(THIEF), "{}", told.text);
    // The thief asks for the restoration link again: the former address gets its way back again, too.
    assert!(!signs_in(&world, THIEF, &thief.password).await);
    assert_eq!(world.mails_to(&ada.email).await.expect("mails").len(), before + 2);
    let told = newest(&world, &ada.email, UNDO).await;
    assert!(told.text.contains("was closed") && !told.text.contains(THIEF), "{}", told.text);
    // Until the erasure is final, although the seven days of the undo are over.
    world.advance(Span::days(27));
    let done = take_back(&world, &told).await;
    assert!(done.text().contains("Your address is restored"), "{}", done.text());
    assert!(signs_in(&world, &ada.email, NEW_PASSWORD).await);
    let token = restore.links[0].split_once("token=").expect("a token").1;
    let body = json!({ "token": token, "code": restore.codes[0] });
    let refused = Anonymous::new(&world).post_json("/v1/me/restoration", &body).await;
    assert_eq!(refused.refusal(), (400, "invalid_code".to_owned()));
    world.run_job(&json!({ "job": "retention" })).await.expect("a summary");
    assert!(signs_in(&world, &ada.email, NEW_PASSWORD).await, "the erasure is no longer due");
    assert_invariants(&world).await;
}

/// A→B→T: the oldest address wins, and every newer one loses its rights.
#[tokio::test]
async fn security_95_the_older_of_two_former_addresses_wins() {
    let world = world().await;
    let (ada, me) = register_ada(&world).await;
    let (b, me) = change(&world, &me, &ada, "ada.b@example.org").await;
    let (thief, theirs) = change(&world, &me, &b, THIEF).await;
    let (first, second) = (newest(&world, &ada.email, UNDO).await, newest(&world, &b.email, UNDO).await);
    assert!(first.text.contains("once more"), "{}", first.text);
    assert_eq!(theirs.delete("/v1/me").await.status(), 202);
    let restoration = newest(&world, &thief.email, RESTORE).await;
    // The second address restores it, and the first one still takes it back.
    assert!(take_back(&world, &second).await.text().contains("Your address is restored"));
    assert!(signs_in(&world, &b.email, NEW_PASSWORD).await);
    assert!(take_back(&world, &first).await.text().contains("Your address is restored"));
    assert!(signs_in(&world, &ada.email, NEW_PASSWORD).await && !signs_in(&world, &b.email, NEW_PASSWORD).await);
    for mail in [second, restoration] {
        let over = take_back(&world, &mail).await;
        assert!(!over.has_button("#confirm"), "{}", over.text());
    }
    assert!(signs_in(&world, &ada.email, NEW_PASSWORD).await);
    assert_invariants(&world).await;
}

/// The owner did not read the mail and registered the freed address. The link still works, after a confirmation.
#[tokio::test]
async fn a_former_address_with_a_newer_account_takes_the_older_one_back_after_a_confirmation() {
    let world = world().await;
    let (ada, _, theirs) = stolen(&world).await;
    let newer = Customer { password: "a newer account has this one".to_owned(), ..ada.clone() };
    newer.register(&world).await;
    let newer_client = AccountClient::new(&world, &newer).await;
    let mail = newest(&world, &ada.email, UNDO).await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&mail.links[0]).await;
    assert!(page.has_field("close_newer"), "{}", page.text());
    let fields = [("code", mail.codes[0].as_str()), ("password", NEW_PASSWORD)];
    let asked = browser.submit(&page, "#confirm", &fields).await.expect(StatusCode::CONFLICT);
    assert!(asked.has_field("close_newer") && asked.html().contains(&mail.codes[0]), "{}", asked.text());
    assert_eq!((newer_client.is_alive().await, theirs.is_alive().await), ((true, true), (true, true)));
    let confirmed = [("code", mail.codes[0].as_str()), ("password", NEW_PASSWORD), ("close_newer", "true")];
    let done = browser.submit(&asked, "#confirm", &confirmed).await;
    assert!(done.text().contains("Your address is restored"), "{}", done.text());
    assert_eq!((newer_client.is_alive().await, theirs.is_alive().await), ((false, false), (false, false)));
    assert!(signs_in(&world, &ada.email, NEW_PASSWORD).await && !signs_in(&world, &ada.email, &newer.password).await);
    assert_invariants(&world).await;
    // The erasure of the newer account leaves the address alone.
    world.advance(Span::days(31));
    let summary = world.run_job(&json!({ "job": "retention" })).await.expect("a summary");
    assert_eq!(summary["rules"]["erasure"]["erased"], 1, "{summary}");
    assert!(signs_in(&world, &ada.email, NEW_PASSWORD).await);
    assert_invariants(&world).await;
}

/// A thief who changed the address has added an app: it goes with the undo, so that it locks no owner out.
#[tokio::test]
async fn security_95_an_app_of_the_thief_goes_with_the_undo() {
    let world = world().await;
    let (ada, thief, _) = stolen(&world).await;
    world.advance(Span::minutes(1));
    SecondFactor::give(&world, &thief).await;
    assert!(second_factor::state(&world, &thief).await.protected);
    let mail = newest(&world, &ada.email, UNDO).await;
    let done = take_back(&world, &mail).await;
    assert!(done.text().contains("Your address is restored"), "{}", done.text());
    let state = second_factor::state(&world, &ada).await;
    assert!(!state.protected && state.factors.is_empty(), "{state:?}");
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &ada.email), ("password", NEW_PASSWORD)]).await;
    assert!(page.text().contains("You are signed in"), "{}", page.text());
    assert_invariants(&world).await;
}

/// A thief of the password who has moved the account to their own mailbox proves nothing with it while the owner can undo that.
#[tokio::test]
async fn security_95_an_address_that_can_be_undone_adds_no_factor() {
    let world = world().await;
    let (ada, thief, _) = stolen(&world).await;
    world.advance(Span::minutes(20));
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    thief.sign_in(&mut browser, &page).await;
    let before = world.mails_to(&thief.email).await.expect("mails").len();
    for (path, button) in [("/account/passkeys/new", "#send"), ("/account/two-step/app", "#submit")] {
        let page = browser.open(path).await;
        let refused = browser.submit(&page, button, &[]).await;
        assert_eq!(refused.status(), 400, "{path}: {}", refused.text());
        assert!(refused.text().contains("was changed a short time ago"), "{path}: {}", refused.text());
    }
    assert_eq!(world.mails_to(&thief.email).await.expect("mails").len(), before);
    let done = take_back(&world, &newest(&world, &ada.email, UNDO).await).await;
    assert!(done.text().contains("Your address is restored"), "{}", done.text());
    assert_invariants(&world).await;
}

/// A pending change of address ends with the epoch in which it started.
#[tokio::test]
async fn a_pending_change_ends_with_a_password_reset_and_with_closing_and_restoration() {
    let world = world().await;
    let (ada, me) = register_ada(&world).await;
    let ask = async |me: &AccountClient| {
        assert_eq!(me.post("/v1/me/email", &json!({ "email": THIEF })).await.status(), 202);
        newest(&world, THIEF, "").await
    };
    let pending = ask(&me).await;
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    let restore = newest(&world, &ada.email, RESTORE).await;
    let body = json!({ "token": restore.links[0].split_once("token=").expect("a token").1, "code": restore.codes[0] });
    assert_eq!(Anonymous::new(&world).post_json("/v1/me/restoration", &body).await.status(), 204);
    let me = AccountClient::new(&world, &ada).await;
    let verify = async |me: &AccountClient, mail: &Mail| {
        me.post("/v1/me/email/verification", &json!({ "code": mail.codes[0] })).await.refusal()
    };
    assert_eq!(verify(&me, &pending).await, (400, "invalid_code".to_owned()));
    assert_eq!(Browser::new(&world).open(&pending.links[0]).await.status(), 410);
    let pending = ask(&me).await;
    let mut browser = Browser::new(&world);
    // A reset that started in the millisecond of another proof is outdated.
    world.advance(Span::seconds(1));
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    let code = newest(&world, &ada.email, "/recover?flow=").await.codes.remove(0);
    let reset = browser.submit(&page, "#submit", &[("code", &code), ("password", NEW_PASSWORD)]).await;
    assert_eq!(reset.status(), 200, "{}", reset.text());
    let me = AccountClient::new(&world, &Customer { password: NEW_PASSWORD.to_owned(), ..ada }).await;
    assert_eq!(verify(&me, &pending).await, (400, "invalid_code".to_owned()));
}

/// Undoing or recovering one account does not sign out another one in the same browser.
#[tokio::test]
async fn another_account_stays_signed_in_in_the_browser() {
    let world = world().await;
    let (ada, ..) = stolen(&world).await;
    let bob = Customer::registered(&world, "Bob").await;
    let mut browser = Browser::new(&world);
    AccountClient::signed_in(&mut browser, &world, &bob).await;
    let mail = newest(&world, &ada.email, UNDO).await;
    let page = browser.open(&mail.links[0]).await;
    let done = browser.submit(&page, "#confirm", &[("code", &mail.codes[0]), ("password", NEW_PASSWORD)]).await;
    assert!(done.text().contains("Your address is restored"), "{}", done.text());
    assert!(browser.open("/account").await.html().contains("Bob"));
    world.advance(Span::seconds(1));
    let page = browser.open("/recover").await;
    let page = browser.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    let code = newest(&world, &ada.email, "/recover?flow=").await.codes.remove(0);
    let reset = browser.submit(&page, "#submit", &[("code", &code), ("password", "nine Green bicycles sing")]).await;
    assert_eq!(reset.status(), 200, "{}", reset.text());
    assert!(browser.open("/account").await.html().contains("Bob"));
    // The account's own session ends.
    let mut own = Browser::new(&world);
    AccountClient::signed_in(&mut own, &world, &Customer { password: "nine Green bicycles sing".to_owned(), ..ada.clone() })
        .await;
    assert!(own.cookies.contains_key("lk-session"));
    world.advance(Span::seconds(1));
    let page = own.open("/recover").await;
    let page = own.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
    let code = newest(&world, &ada.email, "/recover?flow=").await.codes.remove(0);
    own.submit(&page, "#submit", &[("code", &code), ("password", "ten Green bicycles sing")]).await;
    assert!(!own.cookies.contains_key("lk-session"));
}

/// An undo, a restoration, a closing and the end of the grace period at the same moment: one of them decides, and the tables agree.
#[tokio::test]
async fn races_of_undo_and_restoration_leave_one_owner() {
    for seed in 0..4u64 {
        let world = World::builder().seed(seed).build().await.expect("a world");
        let (ada, _, theirs) = stolen(&world).await;
        let undo = newest(&world, &ada.email, UNDO).await;
        assert_eq!(theirs.delete("/v1/me").await.status(), 202);
        let restore = newest(&world, THIEF, RESTORE).await;
        if seed % 2 == 1 {
            world.advance(Span::days(31));
        }
        world.faults.add(Calls::Reads, Trigger::Always, Fault::SlowAfter(Duration::from_millis(10 + 10 * seed)));
        world.faults.add(Calls::Writes, Trigger::Chance(0.2), Fault::TimeoutAfter);
        let body = json!({ "token": restore.links[0].split_once("token=").expect("a token").1, "code": restore.codes[0] });
        let api = Anonymous::new(&world);
        let job = json!({ "job": "retention" });
        let (first, second, _, _) = tokio::join!(
            take_back(&world, &undo),
            take_back(&world, &undo),
            api.post_json("/v1/me/restoration", &body),
            world.run_job(&job),
        );
        world.faults.clear();
        let done = |page: &Page| page.text().contains("Your address is restored");
        let has_account = signs_in(&world, &ada.email, NEW_PASSWORD).await;
        assert_eq!(done(&first) || done(&second), has_account, "{seed}: {} / {}", first.text(), second.text());
        assert!(!(has_account && signs_in(&world, THIEF, &ada.password).await), "{seed}: two owners");
        if seed % 2 == 0 {
            // A restoration by the newer address that was faster does not end the right of the older one.
            assert!(has_account || done(&take_back(&world, &undo).await), "{seed}");
        }
        assert_invariants(&world).await;
    }
}

/// A link that the previous release mailed has no code: its page mails one, once.
#[tokio::test]
async fn a_link_of_a_release_without_codes_gets_its_code_once() {
    let world = world().await;
    let (ada, ..) = stolen(&world).await;
    let old = newest(&world, &ada.email, UNDO).await;
    let tenant = world.services.tenant(&TenantId::default_tenant()).await.expect("the tenant");
    let identifier = tenant.keys.identifier().expect("the key").hash_email(&EmailAddress::parse(THIEF).expect("an address"));
    let account = tenant.store.find_account(&identifier).await.expect("read").expect("an account");
    let mut profile = tenant.store.find_profile(account).await.expect("read").expect("a profile").profile;
    profile.version += 1;
    profile.email_undos.iter_mut().for_each(|undo| undo.has_code = false);
    let request = RequestContext {
        request_id: "old-release".parse().expect("an id"),
        now: world.services.clock.now(),
        attempt: 1,
        address_hash: None,
        deadline: Deadline::default(),
    };
    tenant.store.commit(&Changes::one(Change::update_profile(profile)), &request).await.expect("stored");
    let count = async || world.mails_to(&ada.email).await.expect("mails").len();
    let before = count().await;
    let mut browser = Browser::new(&world);
    let page = browser.open(&old.links[0]).await;
    assert!(page.has_button("#resend") && !page.has_field("code"), "{}", page.text());
    let sent = browser.submit(&page, "#resend", &[]).await;
    assert!(sent.text().contains("Look into your mailbox"), "{}", sent.text());
    let again = browser.submit(&page, "#resend", &[]).await;
    assert!(again.has_field("code") && count().await == before + 1, "{}", again.text());
    let mail = newest(&world, &ada.email, UNDO).await;
    assert!(take_back(&world, &mail).await.text().contains("Your address is restored"));
    assert_invariants(&world).await;
}

/// The account returned to the address by itself, and its claim moves to the next version of the identifier key: the undo keeps the claim, and
/// nothing is left under the earlier version.
#[tokio::test]
async fn security_95_an_undo_to_the_present_address_while_the_identifier_key_is_rotated() {
    let vault = KeyVault::ephemeral();
    let world = World::builder().vault(vault.clone()).build().await.expect("a world");
    let (ada, me) = register_ada(&world).await;
    let (b, me) = change(&world, &me, &ada, "ada.b@example.org").await;
    change(&world, &me, &b, &ada.email).await;
    let mail = newest(&world, &ada.email, UNDO).await;
    let store = world.services.store.tenant(TenantId::default_tenant());
    assert_eq!(identifier_rotation::begin(&vault, &store, world.services.clock.now()).await.expect("begun"), Some(2));
    world.advance(Span::minutes(8));
    let keys = Keys::new(vault, &[Purpose::Identifier]).tenant(&store, Signer::Local, world.services.clock.now()).await;
    let forms = keys.expect("keys").identifier_forms().expect("the key");
    let left = async || store.find_former_items(1, None).await.expect("a page").found;
    for item in left().await {
        store.reclaim(item.expect("an item"), forms.as_ref(), &tests::store::request()).await.expect("moved");
    }
    assert!(take_back(&world, &mail).await.text().contains("Your address is restored"));
    assert!(signs_in(&world, &ada.email, NEW_PASSWORD).await);
    assert_eq!(left().await.len(), 0, "the account names its claim");
    assert_invariants(&world).await;
}
