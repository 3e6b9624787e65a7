//! Accounts, sessions and tokens of one version of Latchkey work in the next version and in the previous one.
//!
//! Each run uses the accounts that earlier runs left, and leaves one more. `tests/deploy` deploys another version between runs and
//! keeps the accounts in the file `LATCHKEY_LEFT`. Without this variable, one run leaves an account and uses it.
#![expect(clippy::unwrap_used, reason = "this file is test code: a broken expectation ends the test")]

use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tests::{AccountClient, Browser, Customer, Gateway, OAuthClient, Site};

/// A user with an account, a signed-in application, and a signed-in browser.
#[derive(Serialize, Deserialize)]
struct KeptUser {
    name: String,
    sub: String,
    family_name: String,
    refresh_token: String,
    cookies: BTreeMap<String, String>,
}

impl KeptUser {
    async fn create(site: &Site, name: &str) -> Self {
        let customer = Customer::new(name);
        let sub = customer.register(site).await;
        let app = OAuthClient::demo_app(site);
        let mut browser = Browser::new(site);
        let callback = app.sign_in(&mut browser, &customer).await;
        let tokens = app.redeem(&callback.query("code").unwrap()).await.tokens();
        Self {
            name: name.to_owned(),
            sub,
            family_name: customer.family_name,
            refresh_token: tokens.refresh().to_owned(),
            cookies: browser.cookies,
        }
    }

    /// The application refreshes, the browser is signed in, the password works, and the profile can be read and changed.
    async fn assert_still_works(&mut self, site: &Site, another_name: &str) {
        let customer = Customer::new(&self.name);
        let app = OAuthClient::demo_app(site);
        let tokens = app.refresh(&self.refresh_token).await.tokens();
        tokens.refresh().clone_into(&mut self.refresh_token);
        let claims = app.userinfo(tokens.access()).await.json();
        assert_eq!((&claims["sub"], &claims["email"]), (&json!(self.sub), &json!(customer.email)), "{claims}");

        let mut browser = Browser::new(site);
        browser.cookies.clone_from(&self.cookies);
        let silent = browser.open(&app.authorize_url(&[("prompt", "none")])).await;
        assert!(silent.query("code").is_some(), "{} is not signed in any more: {}", self.name, silent.url);

        let me = AccountClient::new(site, &customer).await;
        assert_eq!(me.get("/v1/me").await.json()["family_name"], self.family_name);
        let changed = me.patch("/v1/me", &json!({ "family_name": another_name })).await;
        assert_eq!(changed.status(), 200, "{}", changed.text());
        another_name.clone_into(&mut self.family_name);
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the environment names the file")]
async fn accounts_survive_a_deployment() {
    let (site, _gateway) = match Site::from_env().await {
        // Another version may be deployed there.
        Some(site) => (site.of_any_version(), None),
        None => {
            let gateway = Gateway::ephemeral(&[]);
            (Site::from(&gateway), Some(gateway))
        }
    };
    let file = std::env::var_os("LATCHKEY_LEFT").map(PathBuf::from);
    let mut users: Vec<KeptUser> = match file.as_deref().map(std::fs::read) {
        Some(Ok(text)) => serde_json::from_slice(&text).unwrap(),
        // The first run on a new stack.
        Some(Err(_)) => Vec::new(),
        None => vec![KeptUser::create(&site, "Remains").await],
    };
    let run = users.len();
    for user in &mut users {
        user.assert_still_works(&site, &format!("Quillfeather the {run}.")).await;
    }
    users.push(KeptUser::create(&site, &format!("Remains{run}")).await);
    if let Some(file) = file {
        std::fs::write(file, serde_json::to_vec(&users).unwrap()).unwrap();
    }
}
