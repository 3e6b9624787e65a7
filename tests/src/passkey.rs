//! A user's passkey: an authenticator in software, on the pages of the service.

#[path = "../../shared/src/domain/sign_in/methods/passkey/fixture.rs"]
pub mod software;

use crate::browser::{Browser, Page};
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::{Response, StatusCode};
use serde_json::Value;
pub use software::SoftwarePasskey;

/// The options that a page has for its script.
#[derive(Debug, Clone)]
pub struct Options {
    /// The options for the browser.
    pub public_key: Value,
    /// The sealed challenge.
    pub state: String,
}

impl Options {
    /// Those of this page.
    #[must_use]
    pub fn of(page: &Page) -> Self {
        let form = crate::form::tags(page.html()).into_iter().find(|tag| tag.get("data-passkey").is_some());
        let form = form.unwrap_or_else(|| panic!("no form for a passkey: {}", page.text()));
        Self::read(form.get("data-passkey").expect("options"))
    }
    /// Those in this JSON.
    #[must_use]
    pub fn read(json: &str) -> Self {
        let mut options: Value = serde_json::from_str(json).expect("JSON");
        let state = options["state"].as_str().expect("a state").to_owned();
        Self { public_key: options["publicKey"].take(), state }
    }
    /// The challenge, as the page has it.
    #[must_use]
    pub fn challenge(&self) -> &str {
        self.public_key["challenge"].as_str().expect("a challenge")
    }
}

/// Creates a passkey for the page that adds one.
#[must_use]
pub fn create(browser: &Browser, options: &Options) -> SoftwarePasskey {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let handle = BASE64URL_NOPAD.decode(text(&options.public_key["user"]["id"]).as_bytes()).expect("base64url");
    SoftwarePasskey::es256(&text(&options.public_key["rp"]["id"]), browser.site().origin(), &handle)
}

/// Adds a passkey to the account of a browser that signed in just now.
pub async fn add(browser: &mut Browser) -> SoftwarePasskey {
    add_with(browser, |_| {}).await
}

/// As [`add`], with another authenticator.
pub async fn add_with(browser: &mut Browser, change: impl FnOnce(&mut SoftwarePasskey)) -> SoftwarePasskey {
    add_by(browser, change, "true").await
}

/// As [`add_with`], and the other sessions stay.
pub async fn add_beside(browser: &mut Browser, change: impl FnOnce(&mut SoftwarePasskey)) -> SoftwarePasskey {
    add_by(browser, change, "").await
}

async fn add_by(browser: &mut Browser, change: impl FnOnce(&mut SoftwarePasskey), end_others: &str) -> SoftwarePasskey {
    let page = open_new(browser).await;
    let options = Options::of(&page);
    let mut passkey = create(browser, &options);
    change(&mut passkey);
    let json = passkey.creation(options.challenge()).json();
    let fields = [("credential", json.as_str()), ("state", options.state.as_str()), ("end_others", end_others)];
    let sent = browser.send_by_script(&page, "credential", &fields).await;
    let page = browser.follow_answer(sent).await.expect(StatusCode::OK);
    assert_eq!(page.path(), "/account/passkeys", "{}", page.text());
    passkey
}

/// The page of a new passkey. Before it, the session takes the code from a mail if that is due.
pub async fn open_new(browser: &mut Browser) -> Page {
    let page = browser.open("/account/passkeys/new").await.expect(StatusCode::OK);
    let page = prove_address(browser, page).await;
    assert_eq!(page.path(), "/account/passkeys/new", "{}", page.text());
    page
}

/// Mails a code and types it, if this page asks for one. Otherwise the page itself.
pub async fn prove_address(browser: &mut Browser, page: Page) -> Page {
    if page.path() != "/account/confirm-address" {
        return page;
    }
    let text = page.text();
    let address = text.split_whitespace().map(|word| word.trim_end_matches('.')).find(|word| word.contains('@'));
    let (site, address) = (browser.site().clone(), address.expect("an address").to_owned());
    let before = site.mails_to(&address).await.len();
    let page = browser.submit(&page, "#send", &[]).await;
    let code = site.mail_number(&address, before + 1).await.codes.remove(0);
    browser.submit(&page, "#submit", &[("mail_code", &code)]).await
}

/// Signs in on this page. Follows no redirect.
pub async fn use_on(browser: &mut Browser, page: &Page, passkey: &mut SoftwarePasskey) -> (String, Response<Bytes>) {
    let options = Options::of(page);
    let json = passkey.assertion(options.challenge()).json();
    browser.send_by_script(page, "credential", &[("credential", &json), ("state", &options.state)]).await
}
