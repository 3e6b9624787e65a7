//! Limits per source (security 147, decision 35): what one network, device or client may cause.
#![expect(clippy::expect_used, clippy::panic, reason = "this is test code: a broken expectation ends the test")]

use http::StatusCode;
use latchkey::domain::mail_limit::STARTS_A_DAY;
use latchkey::domain::source::{SourceEvent, SourcePolicy};
use latchkey::domain::time::Span;
use latchkey::web::source::{LIMITED_LINKS, LIMITED_ROUTES};
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::meter::{Cost, Units};
use latchkey_local::world::World;
use serde_json::json;
use std::collections::BTreeSet;
use std::net::IpAddr;
use tests::{AccountClient, Anonymous, Browser, Customer, OAuthClient, Page, SignedInUser, routes};

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn limits(event: SourceEvent) -> (u32, u32) {
    let limits = SourcePolicy::Normal.limits(event).expect("limits");
    (limits.burst, limits.shared)
}

async fn new_world() -> World {
    World::new().await.expect("a world")
}

pub(crate) async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Page {
    let page = browser.open("/login").await;
    browser.submit(&page, "#submit", &[("identifier", email), ("password", password)]).await
}

/// Fails until the source is refused. Returns how many guesses were evaluated.
pub(crate) async fn exhaust(world: &World) -> u32 {
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    for evaluated in 0..1_000 {
        let email = format!("guess-{evaluated}@example.com");
        let (_, answer) = browser.press(&page, "#submit", &[("identifier", &email), ("password", "a wrong guess")]).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let wait: i64 = answer.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
            assert!((1..=600).contains(&wait), "{wait}");
            return evaluated;
        }
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    panic!("the source is never refused");
}

#[tokio::test]
async fn security_147_one_network_evaluates_a_burst_of_guesses_at_many_identifiers_and_another_is_not_affected() {
    let world = new_world().await;
    let (burst, _) = limits(SourceEvent::Failure);
    assert_eq!(exhaust(&world).await, burst);
    let hashes = world.services.hasher.hashes_computed();
    drop(world.meter.take());
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    drop(world.meter.take());
    let (_, answer) = browser.press(&page, "#submit", &[("identifier", "x@example.com"), ("password", "a guess")]).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((world.meter.take().len(), world.services.hasher.hashes_computed()), (0, hashes), "nothing is read or hashed");
    let other_network = world.seen_from(address("198.51.100.7"));
    assert_eq!(exhaust(&other_network).await, burst, "each network has its own permits");
    // A permit comes back with time.
    world.advance(Span::seconds(10));
    assert_eq!(exhaust(&world).await, 1);
}

#[tokio::test]
async fn security_147_parallel_guesses_do_not_outrun_the_bucket() {
    let world = new_world().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    let guesses = (0..90).map(|n| {
        let (mut browser, page) = (browser.clone(), page.clone());
        async move {
            let email = format!("guess-{n}@example.com");
            let fields = [("identifier", email.as_str()), ("password", "a wrong guess")];
            browser.press(&page, "#submit", &fields).await.1.status().as_u16()
        }
    });
    let mut statuses = Vec::new();
    for guess in guesses.map(tokio::spawn).collect::<Vec<_>>() {
        statuses.push(guess.await.expect("a guess"));
    }
    let evaluated = statuses.iter().filter(|status| **status == 400).count();
    assert_eq!(evaluated, limits(SourceEvent::Failure).0 as usize, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 400 | 429)), "{statuses:?}");
}

/// An instance that has seen no failure of the source lets one through; then it reads what the others have counted.
#[tokio::test]
async fn security_147_the_limit_holds_over_several_instances() {
    let vault = latchkey::keys::KeyVault::ephemeral();
    let first = World::builder().vault(vault.clone()).build().await.expect("a world");
    let mut instances = vec![first.clone()];
    for _ in 0..4 {
        let another = World::builder().vault(vault.clone()).engine(first.engine.clone()).build().await.expect("a world");
        instances.push(another);
    }
    let (_, shared) = limits(SourceEvent::Failure);
    let mut evaluated = 0;
    for instance in &instances {
        evaluated += exhaust(instance).await;
    }
    let most = shared + u32::try_from(instances.len()).expect("a few");
    assert!((shared..=most).contains(&evaluated), "{evaluated} of at most {most}");
    // A new window.
    for instance in &instances {
        instance.advance(Span::minutes(10));
    }
    assert!(exhaust(&instances[1]).await >= 1);
}

#[tokio::test]
async fn security_147_strangers_in_the_same_network_lock_out_no_known_device_and_no_session() {
    let world = new_world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let mut known = Browser::new(&world);
    sign_in(&mut known, &customer.email, &customer.password).await.expect(StatusCode::OK);
    let me = AccountClient::new(&world, &customer).await;
    exhaust(&world).await;
    // The device signed in here before: its cookie is all that is left.
    known.cookies.retain(|name, _| name.contains("device") || name.contains("browser"));
    let page = sign_in(&mut known, &customer.email, &customer.password).await;
    assert!(page.text().contains("You are signed in"), "{} {}", page.status(), page.text());
    let body = json!({ "current_password": customer.password, "new_password": "Ada sails 3 red boats" });
    assert_eq!(me.post("/v1/me/password", &body).await.status(), 204);
    // A device without the cookie has to wait.
    let page = sign_in(&mut Browser::new(&world), &customer.email, "Ada sails 3 red boats").await;
    assert_eq!(page.status(), 429);
    assert!(page.text().contains("Too many tries") && page.header("retry-after").is_some(), "{}", page.text());
    assert!(page.text().contains("Please try again in "), "{}", page.text());
    let retry =
        page.links().into_iter().find(|link| link.ends_with("/login")).expect("a link to the page, so that it is no dead end");
    assert!(Browser::new(&world).open(&retry).await.has_field("password"));
    let mut german = Browser::new(&world);
    "de".clone_into(&mut german.language);
    let page = sign_in(&mut german, &customer.email, "Ada sails 3 red boats").await;
    assert_eq!(page.status(), 429);
    assert!(page.text().contains("Bitte versuchen Sie es in "), "{}", page.text());
}

/// Device cookies and sessions of the attacker's own accounts give no further source for guesses at other addresses, nor for mails to them.
#[tokio::test]
async fn security_147_devices_of_own_accounts_are_no_further_sources() {
    let world = new_world().await;
    let (mut evaluated, mut mailed) = (0, 0);
    let mut browsers = Vec::new();
    for name in ["Mallory", "Mella", "Moritz", "Mona"] {
        let customer = Customer::registered(&world.seen_from(address("203.0.113.77")), name).await;
        let mut browser = Browser::new(&world);
        sign_in(&mut browser, &customer.email, &customer.password).await.expect(StatusCode::OK);
        // With the session and without it.
        let mut without = Browser::new(&world);
        without.cookies = browser.cookies.clone();
        without.cookies.retain(|name, _| !name.contains("session"));
        browsers.extend([browser, without]);
    }
    for browser in &mut browsers {
        let fresh = Browser::new(&world).open("/login?lk_switch=1").await;
        let page = browser.open("/login?lk_switch=1").await;
        assert!(page.has_button("#submit") && fresh.has_button("#submit"), "{}", page.text());
        for n in 0..40 {
            let email = format!("victim-{n}@example.com");
            let (_, answer) = browser.press(&page, "#submit", &[("identifier", &email), ("password", "a guess")]).await;
            evaluated += u32::from(answer.status() == StatusCode::BAD_REQUEST);
        }
        let page = browser.open("/recover").await;
        for _ in 0..10 {
            let (_, answer) = browser.press(&page, "#submit", &[("identifier", "victim@example.com")]).await;
            mailed += u32::from(answer.status().is_redirection() || answer.status().is_success());
        }
    }
    assert_eq!(evaluated, limits(SourceEvent::Failure).0);
    assert!(mailed <= STARTS_A_DAY, "{mailed} mails to one address");
}

/// A browser keeps several accounts: each one is known by its own address.
#[tokio::test]
async fn security_147_a_browser_of_two_people_is_known_to_both() {
    let world = new_world().await;
    let (ada, bob) = (Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await);
    let mut browser = Browser::new(&world);
    for customer in [&ada, &bob] {
        let page = browser.open("/login?lk_switch=1").await;
        browser.submit(&page, "#submit", &[("identifier", &customer.email), ("password", &customer.password)]).await;
    }
    exhaust(&world).await;
    for customer in [&ada, &bob] {
        let page = browser.open("/login?lk_switch=1").await;
        let (_, answer) =
            browser.press(&page, "#submit", &[("identifier", &customer.email), ("password", &customer.password)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", customer.email);
    }
    let fields = [("identifier", "carol@example.com"), ("password", "a guess")];
    let page = browser.open("/login?lk_switch=1").await;
    assert_eq!(browser.press(&page, "#submit", &fields).await.1.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn security_147_guesses_of_a_client_secret_are_limited_by_network_and_client() {
    let world = new_world().await;
    let api = Anonymous::new(&world);
    let guess = async |client: &str, secret: &str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
        api.post_form("/oauth2/token", &fields).await
    };
    let (burst, _) = limits(SourceEvent::Failure);
    let mut evaluated = 0;
    let refused = loop {
        let answer = guess("demo-service", &format!("guess-{evaluated}")).await;
        if answer.status() != 401 {
            break answer;
        }
        evaluated += 1;
        assert!(evaluated <= 300, "300 guesses are evaluated");
    };
    assert_eq!(evaluated, burst);
    assert_eq!(refused.refusal(), (429, "temporarily_unavailable".to_owned()));
    assert!(refused.header("retry-after").is_some());
    // Its other endpoints too, with the right secret as well: nothing is compared.
    let service = OAuthClient::demo_service(&world);
    assert_eq!(service.client_credentials().await.status(), 429);
    let web = OAuthClient::demo_web(&world);
    assert_eq!(web.introspect("x").await.status(), 200, "another client of the network is not affected");
    let other_network = world.seen_from(address("203.0.113.9"));
    assert_eq!(OAuthClient::demo_service(&other_network).client_credentials().await.status(), 200);
}

/// A public client has no secret: what one of its users sends must not stop the others in the same network.
#[tokio::test]
async fn security_147_nothing_that_is_sent_for_a_public_client_stops_its_users() {
    let world = new_world().await;
    let (person, app) = (SignedInUser::new(&world).await, OAuthClient::demo_app(&world));
    let api = Anonymous::new(&world);
    for n in 0..40 {
        let with_secret =
            [("grant_type", "refresh_token"), ("client_id", "demo-app"), ("client_secret", "x"), ("refresh_token", "x")];
        let answer = api.post_form("/oauth2/token", &with_secret).await.status();
        assert!(answer == 401 || (answer == 429 && n >= 30), "{n}: {answer}");
        assert_eq!(api.post_form("/oauth2/introspect", &[("client_id", "demo-app"), ("token", "x")]).await.status(), 401);
    }
    let tokens = app.redeem(&person.code(&app).await).await.tokens();
    assert_eq!(app.refresh(tokens.refresh()).await.status(), 200);
}

/// A device that a thief keeps after the owner has changed the password has a bucket of its own in its own network.
#[tokio::test]
async fn security_147_a_former_device_in_another_network_locks_out_no_device_of_the_owner() {
    let world = new_world().await;
    let customer = Customer::registered(&world, "Ada").await;
    let thief = world.seen_from(address("203.0.113.9"));
    let mut former = Browser::new(&thief);
    sign_in(&mut former, &customer.email, &customer.password).await.expect(StatusCode::OK);
    former.cookies.retain(|name, _| name.contains("device") || name.contains("browser"));
    let mut own = Browser::new(&world);
    sign_in(&mut own, &customer.email, &customer.password).await.expect(StatusCode::OK);
    own.cookies.retain(|name, _| name.contains("device") || name.contains("browser"));
    let page = former.open("/login").await;
    let mut refused = 0;
    for n in 0..40 {
        let email = format!("guess-{n}@example.com");
        let (_, answer) = former.press(&page, "#submit", &[("identifier", &email), ("password", "a guess")]).await;
        refused += usize::from(answer.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 10, "the former device is limited");
    let page = sign_in(&mut own, &customer.email, &customer.password).await;
    assert!(page.text().contains("You are signed in"), "{} {}", page.status(), page.text());
}

/// An application that forgets its token guesses nothing, and a wrong code stays a failure, whatever else the form has.
#[tokio::test]
async fn security_147_a_missing_token_is_no_guess_and_a_wrong_code_is_one() {
    let world = new_world().await;
    let api = Anonymous::new(&world);
    for _ in 0..40 {
        assert_eq!(api.post_json("/v1/me/password", &json!({})).await.status(), 401);
    }
    let customer = Customer::registered(&world, "Ada").await;
    let mut browser = Browser::new(&world);
    sign_in(&mut browser, &customer.email, &customer.password).await.expect(StatusCode::OK);
    let page = browser.open("/account/email").await;
    let page = browser.submit(&page, "#submit", &[("email", "countess@example.com")]).await;
    let mut refused = 0;
    for _ in 0..40 {
        let fields = [("code", "AAAAAAAAAA"), ("email", "countess@example.com")];
        let (_, answer) = browser.press(&page, "#submit", &fields).await;
        refused += usize::from(answer.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 0, "wrong codes are counted as failures");
}

#[tokio::test]
async fn security_147_invented_client_ids_share_one_bucket() {
    let world = new_world().await;
    let api = Anonymous::new(&world);
    let mut statuses = Vec::new();
    for n in 0..40 {
        let client = format!("client-{n}");
        let fields = [("grant_type", "client_credentials"), ("client_id", client.as_str()), ("client_secret", "x")];
        statuses.push(api.post_form("/oauth2/token", &fields).await.status());
    }
    let evaluated = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(evaluated, limits(SourceEvent::Failure).0 as usize);
}

#[tokio::test]
async fn security_147_one_network_asks_for_a_bounded_number_of_mails() {
    let world = new_world().await;
    let (burst, _) = limits(SourceEvent::Mail);
    let mut browser = Browser::new(&world);
    let page = browser.open("/recover").await;
    let mut sent = 0;
    for n in 0..100 {
        let email = format!("unknown-{n}@example.com");
        let (_, answer) = browser.press(&page, "#submit", &[("identifier", &email)]).await;
        sent += u32::from(answer.status() == StatusCode::SEE_OTHER);
    }
    assert_eq!(sent, burst);
    // The budget of mails is one for registration and recovery.
    let start = Anonymous::new(&world).post_json("/v1/registrations", &Customer::new("Ada").registration()).await;
    assert_eq!(start.refusal(), (429, "too_many_requests".to_owned()));
    assert!(start.header("retry-after").is_some());
    // Failures are another one.
    assert_eq!(exhaust(&world).await, limits(SourceEvent::Failure).0);
}

#[tokio::test]
async fn security_147_loopback_is_limited_like_any_address() {
    let world = new_world().await.seen_from(address("127.0.0.1"));
    assert_eq!(exhaust(&world).await, limits(SourceEvent::Failure).0);
}

#[tokio::test]
async fn the_tenant_document_makes_limits_strict_or_switches_them_off() {
    let strict = format!("[limits]\nsources = \"strict\"\n{DEFAULT_DOCUMENT}");
    let off = format!("[limits]\nsources = \"off\"\n{DEFAULT_DOCUMENT}");
    for (document, expected) in [(strict, Some(5)), (off, None)] {
        // A table at the top would take the keys below it.
        let document = document.split_once('\n').map(|(table, rest)| {
            let (word, rest) = rest.split_once('\n').expect("a document");
            format!("{rest}\n{table}\n{word}\n")
        });
        let world = World::builder().tenant("default", &document.expect("a document")).build().await.expect("a world");
        match expected {
            Some(burst) => assert_eq!(exhaust(&world).await, burst),
            None => {
                let mut browser = Browser::new(&world);
                for n in 0..40 {
                    let page = sign_in(&mut browser, &format!("guess-{n}@example.com"), "a guess").await;
                    assert_eq!(page.status(), 400);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_good_request_of_a_quiet_source_costs_nothing_more_and_a_failure_one_write() {
    let cost = |requests, read, write| {
        let units = Units { read, write };
        Cost { requests, engine: units, own: units }
    };
    let world = new_world().await;
    let customer = Customer::registered(&world, "Ada").await;
    world.pump().await.expect("pumped");
    let fresh = async |password: &str| {
        let mut browser = Browser::new(&world);
        let page = browser.open("/login").await;
        drop(world.meter.take());
        browser.press(&page, "#submit", &[("identifier", &customer.email), ("password", password)]).await;
        world.meter.take_cost()
    };
    assert_eq!(fresh(&customer.password).await, cost(4, 4.0, 2.0), "a good sign-in");
    assert_eq!(fresh("wrong").await, cost(4, 4.0, 2.0), "the first failure");
    assert_eq!(fresh("wrong").await, cost(5, 5.0, 2.0), "the source is active");
    assert_eq!(fresh(&customer.password).await, cost(5, 5.0, 2.0), "a good sign-in of an active source");
    world.advance(Span::minutes(11));
    assert_eq!(fresh(&customer.password).await, cost(4, 4.0, 2.0), "quiet again");
}

/// Every route that takes a POST is limited, or is listed here with the reason.
#[test]
fn security_147_every_endpoint_that_verifies_a_secret_or_sends_mail_is_limited() {
    let exempt = BTreeSet::from([
        // No secret, no mail.
        "/oauth2/authorize",
        "/consent",
        "/oauth2/logout",
        "/account",
        "/account/sessions",
        "/account/passkeys",
        "/account/two-step",
        // Two factors within the last five minutes, and no code.
        "/account/two-step/remove",
        // A recent sign-in, and a signature that cannot be guessed.
        "/account/passkeys/new",
        "/account/consents",
        "/account/privacy",
        "/account/export",
        "/complete",
        "/login/enroll",
        "/login/passkey/offer",
        "/v1/me/terms/{document}",
        "/v1/me/exports",
        // A bearer token has 256 random bits or a signature.
        "/userinfo",
        // Once, by the account itself, and only its own address gets the mail.
        "/account/delete",
    ]);
    let posts: BTreeSet<String> = routes::in_the_sources()
        .into_iter()
        .filter(|route| route.function.is_some() && route.method == "POST")
        .map(|route| route.path)
        .collect();
    let limited: BTreeSet<&str> = LIMITED_ROUTES.into_iter().chain(LIMITED_LINKS).collect();
    let posts: BTreeSet<&str> = posts.iter().map(String::as_str).collect();
    assert!(limited.is_disjoint(&exempt));
    assert_eq!(posts, limited.union(&exempt).copied().collect());
}
