//! A user with an e-mail address and a password.

use crate::{Anonymous, Browser, Page, Site};
use serde_json::json;

/// A user with an e-mail address and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
}

impl Customer {
    /// A user who has no account yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            email: format!("{}@example.com", name.to_lowercase()),
            password: format!("{name} rides 7 green bicycles"),
            given_name: name.to_owned(),
            family_name: "Quillfeather".to_owned(),
        }
    }

    /// A user with an account at this site, registered through the API.
    pub async fn registered(site: impl Into<Site>, name: &str) -> Self {
        let customer = Self::new(name);
        customer.register(site).await;
        customer
    }

    /// Registers through the API and verifies the address with the mailed code. Returns the new `sub`.
    pub async fn register(&self, site: impl Into<Site>) -> String {
        self.register_at(site, "").await
    }

    /// Like [`Self::register`], at the tenant under `base` (`/t/{tenant}`).
    pub async fn register_at(&self, site: impl Into<Site>, base: &str) -> String {
        let site = site.into();
        let api = Anonymous::new(site.clone());
        let (path, registration) = (format!("{base}/v1/registrations"), self.registration());
        let (started, mail) = site.mail_after(&self.email, api.post_json(&path, &registration)).await;
        assert_eq!(started.status(), 202, "{}", started.text());
        let id = started.json()["registration_id"].as_str().expect("a registration_id").to_owned();
        let code = mail.codes.first().expect("a code in the mail");
        let verified = api.post_json(&format!("{base}/v1/registrations/{id}/verification"), &json!({ "code": code })).await;
        assert_eq!(verified.status(), 201, "{}", verified.text());
        verified.json()["sub"].as_str().expect("a sub").to_owned()
    }

    /// The request body that registers this user with the shipped document.
    #[must_use]
    pub fn registration(&self) -> serde_json::Value {
        json!({
            "email": self.email,
            "password": self.password,
            "profile": { "given_name": self.given_name, "family_name": self.family_name },
            "terms": [{ "document": "terms", "version": "1" }],
            "locale": "en",
        })
    }

    /// The fields of the registration page, filled in for the shipped document.
    #[must_use]
    pub fn form_fields(&self) -> [(&str, &str); 5] {
        [
            ("identifier", &self.email),
            ("password", &self.password),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("terms.terms", "1"),
        ]
    }

    /// Signs in on the sign-in page.
    pub async fn sign_in(&self, browser: &mut Browser, page: &Page) -> Page {
        browser.submit(page, "#submit", &[("identifier", &self.email), ("password", &self.password)]).await
    }
}
