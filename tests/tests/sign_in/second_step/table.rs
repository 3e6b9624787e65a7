//! Every path with every kind of account: the table of `docs/sign-in.md`, row by row (security 60, 78).

use http::{Method, StatusCode};
use latchkey::domain::id::TenantId;
use latchkey::domain::time::Span;
use latchkey::store::tenant::DocumentOrigin;
use latchkey_local::assemble::DEFAULT_DOCUMENT;
use latchkey_local::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::anonymous::Answer;
use tests::store::put_document;
use tests::{AccountClient, Anonymous, Browser, Customer, OAuthClient, Page, SecondFactor, Site, Tokens};

const DOCUMENT: &str = include_str!("../../../../docs/sign-in.md");
const NEW_PASSWORD: &str = "a quite different 9 umbrellas";

/// A row of the table.
#[derive(Debug, Clone)]
struct Row {
    path: String,
    shown: Vec<String>,
    account: String,
    asked: String,
    answer: String,
    acr: String,
    amr: String,
}

fn rows() -> Vec<Row> {
    let table = DOCUMENT.split("<!-- table:").nth(1).and_then(|rest| rest.split("<!-- end").next()).expect("the table");
    let lines = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines
        .map(|line| {
            let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
            let [path, shown, account, asked, answer, acr, amr] = cells.try_into().expect("seven columns");
            Row { path, shown: shown.split(", ").map(str::to_owned).collect(), account, asked, answer, acr, amr }
        })
        .collect()
}

/// What happened.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    answer: String,
    acr: String,
    amr: String,
}

impl Outcome {
    fn answer(answer: &str) -> Self {
        Self { answer: answer.to_owned(), acr: String::new(), amr: String::new() }
    }
    fn code(tokens: &Tokens) -> Self {
        let claims = tokens.id_claims();
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        let amr = claims["amr"].as_array().map(|values| values.iter().filter_map(|value| value.as_str()).collect::<Vec<_>>());
        Self { answer: "code".to_owned(), acr: text("acr"), amr: amr.unwrap_or_default().join(" ") }
    }
}

/// One row on trial: a world of its own.
struct Trial {
    world: World,
    ada: Customer,
    factor: Option<SecondFactor>,
    app: OAuthClient,
}

/// The level that a row asks for: how, and which.
fn asked(row: &Row) -> (&str, &str) {
    let (how, level) = row.asked.split_once(' ').unwrap_or(("", ""));
    let level = level.split(' ').next().unwrap_or_default();
    (
        how,
        match level {
            "1" => "urn:latchkey:acr:1",
            "2" => "urn:latchkey:acr:2",
            other => other,
        },
    )
}

impl Trial {
    async fn new() -> Self {
        let world = World::builder().tenant("default", &mailed_codes()).build().await.expect("a world");
        let ada = Customer::registered(&world, "Ada").await;
        let app = AccountClient::client(&world);
        Self { world, ada, factor: None, app }
    }
    async fn protect(&mut self, row: &Row) {
        match row.account.as_str() {
            "plain" => {}
            "app" | "remembered" | "forgotten" => self.factor = Some(SecondFactor::give(&self.world, &self.ada).await),
            other => panic!("no account is {other}"),
        }
    }
    /// Has this browser remembered by its account, and forgotten again if the row says so. It is signed out then.
    async fn remember(&self, browser: &mut Browser, row: &Row) {
        if !matches!(row.account.as_str(), "remembered" | "forgotten") {
            return;
        }
        let page = browser.open("/login").await;
        let page = self.ada.sign_in(browser, &page).await;
        let fields = [("code", self.factor().next_code()), ("remember_device", "true".to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        browser.submit(&page, "#submit", &fields).await;
        assert!(super::is_signed_in(browser));
        if row.account == "forgotten" {
            let page = browser.open("/account/two-step").await;
            browser.submit(&page, "#forget-1", &[]).await;
        }
        browser.cookies.remove("lk-session");
    }
    fn request(&self, row: &Row, more: &[(&str, &str)]) -> String {
        let (how, level) = asked(row);
        let claims = json!({ "id_token": { "acr": { "essential": true, "values": [level] } } }).to_string();
        let mut parameters = more.to_vec();
        match how {
            "essential" => parameters.push(("claims", &claims)),
            "acr_values" => parameters.push(("acr_values", level)),
            "max_age" => parameters.push(("max_age", level)),
            "prompt" => parameters.push(("prompt", level)),
            _ => {}
        }
        self.app.authorize_url(&parameters)
    }
    /// Shows on the pages what the row shows, one after the other.
    async fn show(&self, browser: &mut Browser, mut page: Page, row: &Row) -> Page {
        for shown in &row.shown {
            page = match shown.as_str() {
                "password" if page.has_field("password") => self.ada.sign_in(browser, &page).await,
                "mailed code" => {
                    let asked = browser.submit(&page, "#mail-code", &[("identifier", self.ada.email.as_str())]).await;
                    let mail = Site::from(&self.world).mail_to(&self.ada.email).await;
                    super::enter_code(browser, &asked, &mail.codes[0]).await
                }
                // The session has it already.
                "password" => page,
                "app code" => super::enter_code(browser, &page, &self.factor().next_code()).await,
                "recovery code" => {
                    let code = [("recovery_code", self.factor().recovery_codes[3].as_str())];
                    browser.submit(&page, "#use-recovery-code", &code).await
                }
                other => panic!("nothing shows {other}"),
            };
        }
        if page.has_button("#allow") { browser.submit(&page, "#allow", &[]).await } else { page }
    }
    fn factor(&self) -> &SecondFactor {
        self.factor.as_ref().expect("an app")
    }
    async fn outcome(&self, browser: &Browser, page: &Page) -> Outcome {
        if let Some(code) = page.query("code") {
            return Outcome::code(&self.app.redeem(&code).await.tokens());
        }
        if let Some(error) = page.query("error") {
            return Outcome::answer(&error);
        }
        match page.path().as_str() {
            "/login/second-step" => {
                assert_eq!(page.status(), 200, "{}", page.text());
                Outcome::answer("second step")
            }
            "/login/enroll" => {
                assert_eq!(page.status(), 200, "{}", page.text());
                Outcome::answer("enrollment")
            }
            path if path.starts_with("/account/password") => Outcome::answer("account page"),
            _ if !super::is_signed_in(browser) => Outcome::answer("none"),
            other => Outcome::answer(other),
        }
    }
    /// A call of `/v1` by a token of both factors.
    async fn call(&self, method: Method, path: &str, body: &Value) {
        let mut browser = Browser::new(&self.world);
        let page = browser.open(&self.app.authorize_url(&[])).await;
        let page = self.ada.sign_in(&mut browser, &page).await;
        let mut page = super::enter_code(&mut browser, &page, &self.factor().next_code()).await;
        if page.has_button("#allow") {
            page = browser.submit(&page, "#allow", &[]).await;
        }
        let tokens = self.app.redeem(&page.query("code").expect("a code")).await.tokens();
        let answer = self.send(method, path, body, &tokens).await;
        assert!((200..300).contains(&answer.status()), "{}", answer.text());
    }
    async fn send(&self, method: Method, path: &str, body: &Value, tokens: &Tokens) -> Answer {
        let bearer = format!("Bearer {}", tokens.access());
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let headers = if body.is_null() { &headers[..1] } else { &headers[..] };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.app.api.send(method, path, headers, body).await
    }
    /// The mailed link of this kind, opened in a new browser, and submitted with its code and a new password.
    async fn take_back(&self, link: &str) -> Outcome {
        let mails = self.world.mails_to(&self.ada.email).await.expect("mails");
        let mail = mails.iter().find(|mail| mail.links.iter().any(|known| known.contains(link))).expect("a mail");
        let mut browser = Browser::new(&self.world);
        let page = browser.open(&mail.links[0]).await;
        let done = browser.submit(&page, "#confirm", &[("code", &mail.codes[0]), ("password", NEW_PASSWORD)]).await;
        assert_eq!(done.status(), 200, "{}", done.text());
        self.outcome(&browser, &done).await
    }
}

/// The built-in document, with mailed codes and remembered devices.
fn mailed_codes() -> String {
    format!("{DEFAULT_DOCUMENT}\n[sign_in]\nmail_code = true\nremember_device = \"P30D\"\n")
}

/// The document of a row: its client needs a level, or every account a second factor.
fn document(row: &Row) -> Option<String> {
    match asked(row) {
        ("min_acr", level) => {
            let line = format!("client_id = \"demo-app\"\nmin_acr = \"{level}\"");
            Some(mailed_codes().replacen("client_id = \"demo-app\"", &line, 1))
        }
        ("second_factor", _) => {
            let lines = "second_factor = \"required\"\nsecond_factor_from = \"2020-01-01\"\nsecond_factor_grace = \"PT0S\"\n";
            Some(format!("{}{lines}", mailed_codes()))
        }
        _ => None,
    }
}

async fn require(world: &World, row: &Row) {
    if let Some(document) = document(row) {
        put_document(world, &document).await;
    }
}

/// The same, in force a minute from now: instances read the document again after that time.
async fn require_in_a_minute(world: &World, row: &Row) {
    let store = world.services.store.tenant(TenantId::default_tenant());
    let newest = store.find_newest_document().await.expect("read").map(|newest| newest.version);
    let text = document(row).expect("a document").replace("{origin}", world.origin());
    let now = world.services.clock.now();
    store.put_document_after(newest, &text, DocumentOrigin::default(), now).await.expect("stored");
}

/// The error of a token response for a grant below the level of its client.
fn too_low(answer: &Answer) -> Outcome {
    assert!(answer.text().contains("with a higher level"), "{}", answer.text());
    Outcome::answer(&answer.refusal().1)
}

/// Tries one row.
async fn run(row: &Row) -> Outcome {
    let mut trial = Trial::new().await;
    let mut browser = Browser::new(&trial.world);
    let before = row.path.contains("from before the app");
    let mut tokens = None;
    if before {
        let callback = trial.app.sign_in(&mut browser, &trial.ada).await;
        tokens = Some(trial.app.redeem(&callback.query("code").expect("a code")).await.tokens());
    }
    trial.protect(row).await;
    trial.remember(&mut browser, row).await;
    if !row.asked.contains("since then") {
        require(&trial.world, row).await;
    }
    let Trial { world, ada, app, .. } = &trial;
    match row.path.as_str() {
        "sign-in" | "session from before the app" => {
            let page = browser.open(&trial.request(row, &[])).await;
            let page = trial.show(&mut browser, page, row).await;
            trial.outcome(&browser, &page).await
        }
        "sign-in in another browser" => {
            let mut browser = Browser::new(world);
            let page = browser.open(&trial.request(row, &[])).await;
            let page = trial.show(&mut browser, page, row).await;
            trial.outcome(&browser, &page).await
        }
        "session from before the app, prompt=none" => {
            let page = browser.open(&trial.request(row, &[("prompt", "none")])).await;
            trial.outcome(&browser, &page).await
        }
        "session, prompt=none" => {
            let page = browser.open("/login").await;
            trial.show(&mut browser, page, row).await;
            assert!(super::is_signed_in(&browser));
            if row.answer == "code" {
                let page = browser.open(&trial.request(row, &[])).await;
                trial.show(&mut browser, page, &Row { shown: vec![], ..row.clone() }).await;
            }
            let page = browser.open(&trial.request(row, &[("prompt", "none")])).await;
            trial.outcome(&browser, &page).await
        }
        "confirmation of a page" => {
            if row.account == "remembered" {
                // A session that rests on the device: it opens the account, and not this page.
                let page = browser.open("/login").await;
                ada.sign_in(&mut browser, &page).await;
                assert!(super::is_signed_in(&browser) && browser.open("/account").await.status() == 200);
            }
            let page = browser.open("/account/password").await;
            let page = trial.show(&mut browser, page, row).await;
            trial.outcome(&browser, &page).await
        }
        "recovery" | "sign-in after recovery" => {
            let page = browser.open("/recover").await;
            let page = browser.submit(&page, "#submit", &[("identifier", &ada.email)]).await;
            let code = world.mails_to(&ada.email).await.expect("mails")[0].codes[0].clone();
            let page =
                browser.submit(&page, "#submit", &[("code", &code), ("password", NEW_PASSWORD)]).await.expect(StatusCode::OK);
            if row.path == "recovery" {
                return trial.outcome(&browser, &page).await;
            }
            let page = browser.open(&trial.request(row, &[])).await;
            let ada = Customer { password: NEW_PASSWORD.to_owned(), ..ada.clone() };
            let page = ada.sign_in(&mut browser, &page).await;
            trial.outcome(&browser, &page).await
        }
        "registration of the same address" => {
            let started = Anonymous::new(world).post_json("/v1/registrations", &ada.registration()).await;
            assert_eq!(started.status(), 202, "{}", started.text());
            let id = started.json()["registration_id"].as_str().expect("an id").to_owned();
            let mail = world.mails_to(&ada.email).await.expect("mails").remove(0);
            let code = mail.codes.first().cloned().unwrap_or_else(|| "000000".to_owned());
            let path = format!("/v1/registrations/{id}/verification");
            let verified = Anonymous::new(world).post_json(&path, &json!({ "code": code })).await;
            assert!(verified.status() >= 400, "{}", verified.text());
            Outcome::answer("none")
        }
        "redemption" => {
            browser.open("/login").await;
            require_in_a_minute(world, row).await;
            world.advance(Span::seconds(30));
            let code = app.sign_in(&mut browser, ada).await.query("code").expect("a code");
            world.advance(Span::seconds(40));
            too_low(&app.redeem(&code).await)
        }
        "refresh" => {
            let code = app.sign_in(&mut browser, ada).await.query("code").expect("a code");
            let tokens = app.redeem(&code).await.tokens();
            require(world, row).await;
            too_low(&app.refresh(tokens.refresh()).await)
        }
        "/v1 with a token from before the app" | "/v1 with a token from there" => {
            if tokens.is_none() {
                let callback = app.sign_in(&mut browser, ada).await;
                tokens = Some(app.redeem(&callback.query("code").expect("a code")).await.tokens());
            }
            let tokens = tokens.expect("tokens");
            let answer = trial.send(Method::DELETE, "/v1/me", &Value::Null, &tokens).await;
            let challenge = answer.header("www-authenticate").unwrap_or_default().to_owned();
            assert!(challenge.contains("acr_values=\"urn:latchkey:acr:2\""), "{challenge}");
            Outcome::answer(answer.json()["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default())
        }
        "restoration" => {
            trial.call(Method::DELETE, "/v1/me", &Value::Null).await;
            trial.take_back("/account/restore").await
        }
        "undo of an address" => {
            trial.call(Method::POST, "/v1/me/email", &json!({ "email": "new@example.org" })).await;
            let code = world.mails_to("new@example.org").await.expect("mails")[0].codes[0].clone();
            trial.call(Method::POST, "/v1/me/email/verification", &json!({ "code": code })).await;
            trial.take_back("/account/email/undo").await
        }
        other => panic!("no test drives {other}"),
    }
}

#[tokio::test]
async fn security_78_every_path_of_the_table_answers_as_documented() {
    let rows = rows();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in &rows {
        let expected = Outcome { answer: row.answer.clone(), acr: row.acr.clone(), amr: row.amr.clone() };
        assert_eq!(run(row).await, expected, "{row:?}");
        *seen.entry(row.path.clone()).or_default() += 1;
    }
    assert!(rows.len() >= 27 && seen.len() >= 13, "{seen:?}");
}
