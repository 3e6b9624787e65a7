//! Runs each operation with the actors of the tests.

use latchkey::domain::time::Span;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use serde_json::json;
use std::pin::Pin;
use tests::command::Command;
use tests::store::put_document;
use tests::{AccountClient, Anonymous, Browser, Customer, OAuthClient, Page, SecondFactor, Site, passkey};

/// How to run an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A command that writes.
    Command(Command),
    AuthorizeWithoutSession,
    SignInPage,
    FailUnknown,
    /// The right password of a protected account.
    SecondStepDue,
    /// A code to sign in with is asked for.
    MailCodeStart,
    /// The sign-in with it.
    MailCode,
    /// Its code of the authenticator app.
    AppCode,
    /// A recovery code in its place.
    RecoveryCode,
    /// A passkey, on a device that the account does not know.
    PasskeyNewDevice,
    /// A passkey, on a known device.
    PasskeyKnownDevice,
    /// The page of what is due, with one document.
    AcceptTerms,
    RefreshOnline,
    RefreshRepeated,
    ClientCredentials,
    Introspect,
    Userinfo,
    ReadProfile,
    /// With a token without `offline_access`, which depends on its session: one more read.
    ProveAddressOnline,
    BeginExport,
    ReadExport,
    /// A run of the retention job that finds nothing.
    EmptyTick,
    /// A run of the retention job that erases one account.
    Erase,
    /// A public document.
    Get(&'static str),
}

/// The operation itself, fully prepared. It runs when awaited.
pub(super) type Run = Pin<Box<dyn Future<Output = ()>>>;

fn run(operation: impl Future<Output = ()> + 'static) -> Run {
    Box::pin(operation)
}

impl Step {
    /// Prepares the world for the operation.
    pub(super) async fn prepare(self, world: &World) -> Run {
        let api = Anonymous::new(world);
        let app = OAuthClient::demo_app(world);
        let web = OAuthClient::demo_web(world);
        match self {
            Self::Command(command) => {
                let mut ready = command.prepare(world, "Ada").await;
                run(async move {
                    let outcome = ready.run().await;
                    assert!(outcome.expected, "{command:?}: {}", outcome.words);
                })
            }
            Self::AuthorizeWithoutSession => run(async move {
                // One request: the redirect to the page is not followed.
                let answer = api.get(&app.authorize_url(&[])).await;
                assert_eq!(answer.status(), 303, "{}", answer.text());
            }),
            Self::SignInPage => {
                let page = Browser::new(world).open(&app.authorize_url(&[])).await;
                run(async move { assert_eq!(api.get(&page.url).await.status(), 200) })
            }
            Self::FailUnknown => {
                let mut browser = Browser::new(world);
                let page = browser.open(&app.authorize_url(&[])).await;
                run(async move {
                    let fields = [("identifier", "absent@example.com"), ("password", "not this one, surely")];
                    let (_, answer) = browser.press(&page, "#submit", &fields).await;
                    assert_eq!(answer.status(), 400);
                })
            }
            Self::SecondStepDue => first_step(world).await,
            Self::MailCodeStart => ask_for_code(world).await,
            Self::MailCode => use_code(world).await,
            Self::AppCode => second_step(world, "#submit", |factor| ("code", factor.next_code())).await,
            Self::RecoveryCode => {
                second_step(world, "#use-recovery-code", |factor| ("recovery_code", factor.recovery_codes[0].clone())).await
            }
            Self::PasskeyNewDevice => use_passkey(world, false).await,
            Self::PasskeyKnownDevice => use_passkey(world, true).await,
            Self::AcceptTerms => accept_terms(world).await,
            Self::RefreshOnline => {
                let customer = Customer::registered(world, "Ada").await;
                let tokens = web.tokens_for(&customer).await;
                run(async move { drop(web.refresh(tokens.refresh()).await.tokens()) })
            }
            Self::RefreshRepeated => {
                let customer = Customer::registered(world, "Ada").await;
                let tokens = app.tokens_for(&customer).await;
                drop(app.refresh(tokens.refresh()).await.tokens());
                run(async move { drop(app.refresh(tokens.refresh()).await.tokens()) })
            }
            Self::ClientCredentials => {
                let service = OAuthClient::demo_service(world);
                drop(service.client_credentials().await.tokens());
                run(async move { drop(service.client_credentials().await.tokens()) })
            }
            Self::Introspect => {
                let customer = Customer::registered(world, "Ada").await;
                let web = OAuthClient { scope: "openid email offline_access".to_owned(), ..web };
                let tokens = web.tokens_for(&customer).await;
                run(async move { assert_eq!(web.introspect(tokens.access()).await.json()["active"], true) })
            }
            Self::Userinfo => {
                let customer = Customer::registered(world, "Ada").await;
                let tokens = app.tokens_for(&customer).await;
                run(async move { assert_eq!(app.userinfo(tokens.access()).await.status(), 200) })
            }
            Self::ReadProfile => {
                let customer = Customer::registered(world, "Ada").await;
                let me = AccountClient::new(world, &customer).await;
                run(async move { assert_eq!(me.get("/v1/me").await.status(), 200) })
            }
            Self::ProveAddressOnline => prove_address(world).await,
            Self::BeginExport => {
                let me = with_twenty_items(world).await;
                run(async move { drop(me.begin_export().await) })
            }
            Self::ReadExport => {
                let me = with_twenty_items(world).await;
                let id = me.begin_export().await;
                run(async move { assert_eq!(me.export_part(&id, 1).await.status(), 200) })
            }
            Self::EmptyTick => tick(world, 0).await,
            Self::Erase => tick(world, 1).await,
            Self::Get(path) => {
                assert_eq!(api.get(path).await.status(), 200);
                run(async move { assert_eq!(api.get(path).await.status(), 200) })
            }
        }
    }
}

async fn first_step(world: &World) -> Run {
    let customer = Customer::registered(world, "Ada").await;
    SecondFactor::give(world, &customer).await;
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    run(async move {
        let fields = [("identifier", customer.email.as_str()), ("password", customer.password.as_str())];
        let (_, answer) = browser.press(&page, "#submit", &fields).await;
        assert!(answer.headers()["location"].to_str().is_ok_and(|to| to.starts_with("/login/second-step")));
    })
}

/// A customer of a tenant with mailed codes, at the sign-in page.
async fn at_sign_in(world: &World) -> (Customer, Browser, Page) {
    put_document(world, &format!("{DEFAULT_DOCUMENT}\n[sign_in]\nmail_code = true\n")).await;
    let customer = Customer::registered(world, "Ada").await;
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    (customer, browser, page)
}

async fn ask_for_code(world: &World) -> Run {
    let (customer, mut browser, page) = at_sign_in(world).await;
    run(async move {
        let (_, answer) = browser.press(&page, "#mail-code", &[("identifier", &customer.email)]).await;
        assert_eq!(answer.status(), 303);
    })
}

async fn use_code(world: &World) -> Run {
    let (customer, mut browser, page) = at_sign_in(world).await;
    let page = browser.submit(&page, "#mail-code", &[("identifier", &customer.email)]).await;
    let code = Site::from(world).mail_to(&customer.email).await.codes[0].clone();
    run(async move {
        let (_, answer) = browser.press(&page, "#submit", &[("code", &code)]).await;
        assert_eq!(answer.status(), 303);
    })
}

async fn second_step(world: &World, button: &'static str, field: impl FnOnce(&SecondFactor) -> (&'static str, String)) -> Run {
    let customer = Customer::registered(world, "Ada").await;
    let factor = SecondFactor::give(world, &customer).await;
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    let page = customer.sign_in(&mut browser, &page).await;
    let (name, code) = field(&factor);
    run(async move {
        let (_, answer) = browser.press(&page, button, &[(name, &code)]).await;
        assert_eq!(answer.status(), 303);
    })
}

async fn use_passkey(world: &World, is_known: bool) -> Run {
    let customer = Customer::registered(world, "Ada").await;
    let mut browser = Browser::new(world);
    let page = browser.open("/login").await;
    customer.sign_in(&mut browser, &page).await;
    let mut own = passkey::add(&mut browser).await;
    world.advance(Span::seconds(1));
    if is_known {
        browser.cookies.retain(|name, _| !name.contains("session"));
    } else {
        browser = Browser::new(world);
    }
    let page = browser.open("/login").await;
    run(async move { assert_eq!(passkey::use_on(&mut browser, &page, &mut own).await.1.status(), 303) })
}

async fn accept_terms(world: &World) -> Run {
    let customer = Customer::registered(world, "Ada").await;
    tests::store::put_document(world, &DEFAULT_DOCUMENT.replacen("version = \"1\"", "version = \"2\"", 1)).await;
    let mut browser = Browser::new(world);
    let page = browser.open(&OAuthClient::demo_app(world).authorize_url(&[])).await;
    let page = customer.sign_in(&mut browser, &page).await;
    run(async move {
        let (_, answer) = browser.press(&page, "#submit", &[("terms.terms", "2")]).await;
        assert_eq!(answer.status(), 303);
    })
}

async fn prove_address(world: &World) -> Run {
    const ADDRESS: &str = "countess@example.org";
    let customer = Customer::registered(world, "Ada").await;
    let client = OAuthClient { scope: "openid account".to_owned(), ..AccountClient::client(world) };
    let me = AccountClient { tokens: client.tokens_for(&customer).await, client };
    assert_eq!(me.post("/v1/me/email", &json!({ "email": ADDRESS })).await.status(), 202);
    let code = world.mails_to(ADDRESS).await.expect("pumped").remove(0).codes.remove(0);
    run(async move { assert_eq!(me.post("/v1/me/email/verification", &json!({ "code": code })).await.status(), 200) })
}

/// Account, profile, terms, two consents, eight sessions, eight grants.
async fn with_twenty_items(world: &World) -> AccountClient {
    let customer = Customer::registered(world, "Ada").await;
    drop(AccountClient::new(world, &customer).await);
    for _ in 0..6 {
        drop(OAuthClient::demo_web(world).tokens_for(&customer).await);
    }
    AccountClient::new(world, &customer).await
}

/// An account of 20 items, closed; prepares a run of the retention job just before the erasure is due, or just after.
async fn tick(world: &World, erased: u64) -> Run {
    let customer = Customer::registered(world, "Ada").await;
    let me = AccountClient::new(world, &customer).await;
    // Account, profile, terms, consent, a grant and 15 sessions.
    for _ in 0..14 {
        let mut browser = Browser::new(world);
        let page = browser.open("/login").await;
        customer.sign_in(&mut browser, &page).await;
    }
    assert_eq!(me.delete("/v1/me").await.status(), 202);
    // Two runs on one day: the first scans the month, so that the measured one has nothing else to do.
    world.advance(Span::hours(29 * 24 + 23));
    drop(world.run_job(&json!({ "job": "retention" })).await.expect("a tick"));
    world.advance(if erased == 0 { Span::minutes(10) } else { Span::minutes(70) });
    let world = world.clone();
    run(async move {
        let summary = world.run_job(&json!({ "job": "retention" })).await.expect("a tick");
        assert_eq!(summary["rules"]["erasure"]["erased"], erased, "{summary}");
    })
}
