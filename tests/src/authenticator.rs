//! An authenticator app, and the set-up of two-step sign-in in a browser.
#![expect(clippy::expect_used, reason = "a failed setup fails the test")]

use crate::form::tags;
use crate::{Browser, Page, Site, World};
use data_encoding::BASE32_NOPAD;
use latchkey::domain::sign_in::methods::totp::current_code;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::domain::totp::TotpSeed;

/// An authenticator app with one account.
#[derive(Debug, Clone)]
pub struct Authenticator {
    seed: TotpSeed,
}

impl Authenticator {
    /// An app in which the user typed the key of this page.
    #[must_use]
    pub fn of_page(page: &Page) -> Self {
        let key = tags(page.html()).into_iter().find(|tag| tag.get("id") == Some("key")).expect("a key").text;
        let key: String = key.chars().filter(|c| !c.is_whitespace()).collect();
        let seed = BASE32_NOPAD.decode(key.as_bytes()).expect("base32");
        Self { seed: TotpSeed::from_slice(&seed).expect("160 bits") }
    }
    /// The code that it shows now.
    #[must_use]
    pub fn code(&self, world: &World) -> String {
        self.code_after(world, Span::ZERO)
    }
    /// The code that it shows if its clock is ahead by this time.
    #[must_use]
    pub fn code_after(&self, world: &World, span: Span) -> String {
        self.code_at(world.services.clock.now() + span)
    }
    /// The code that it shows at this time.
    #[must_use]
    pub fn code_at(&self, now: Timestamp) -> String {
        current_code(&self.seed, now).expose().to_owned()
    }
    /// The key as bytes.
    #[must_use]
    pub fn seed(&self) -> &[u8] {
        self.seed.expose()
    }
    /// Begins a set-up in a browser that has just signed in, and types the key of its page. The first factor of an account takes the code from a
    /// mail, too.
    pub async fn begin(site: impl Into<Site>, browser: &mut Browser) -> (Self, Page) {
        let site = site.into();
        let text = browser.open("/account/security").await.text();
        let address = text.split_whitespace().find(|word| word.contains('@')).expect("an address").to_owned();
        let page = browser.open("/account/two-step/app").await;
        Self::begin_on(site, browser, page, &address).await
    }
    /// The same on this page, for the user with this address.
    pub async fn begin_on(site: impl Into<Site>, browser: &mut Browser, page: Page, address: &str) -> (Self, Page) {
        let site = site.into();
        let before = site.mails_to(address).await.len();
        let mut page = browser.submit(&page, "#submit", &[]).await;
        if page.has_field("mail_code") {
            let code = site.mail_number(address, before + 1).await.codes.remove(0);
            page = browser.submit(&page, "#submit", &[("mail_code", &code)]).await;
        }
        (Self::of_page(&page), page)
    }
    /// Sets up two-step sign-in in a browser that has just signed in. The app shows another code afterwards. Returns the recovery codes, too.
    pub async fn set_up(world: &World, browser: &mut Browser) -> (Self, Vec<String>) {
        let (app, page) = Self::begin(world, browser).await;
        let page = browser.submit(&page, "#submit", &[("code", &app.code(world))]).await;
        let codes = recovery_codes(&page);
        assert_eq!(codes.len(), 10, "{}", page.text());
        world.advance(Span::seconds(30));
        (app, codes)
    }
}

/// The recovery codes that a page shows.
#[must_use]
pub fn recovery_codes(page: &Page) -> Vec<String> {
    let texts = tags(page.html()).into_iter().filter(|tag| tag.name == "code").map(|tag| tag.text.trim().to_owned());
    texts.filter(|text| text.len() == 19).collect()
}
