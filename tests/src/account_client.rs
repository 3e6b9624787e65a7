//! An application with an access token for a user's own account: scope `account`. Tests call it `account_client`, like its
//! endpoint `/v1/me`.

use crate::anonymous::Answer;
use crate::{Browser, Customer, OAuthClient, Site, Tokens};
use http::Method;
use serde_json::Value;

/// An application with an access token for a user's own account.
#[derive(Clone)]
pub struct AccountClient {
    /// The client.
    pub client: OAuthClient,
    /// The tokens.
    pub tokens: Tokens,
}

impl AccountClient {
    /// The demo storefront. The user signs in in this browser.
    pub async fn signed_in(browser: &mut Browser, site: impl Into<Site>, customer: &Customer) -> Self {
        let client = Self::client(site);
        let callback = client.sign_in(browser, customer).await;
        let tokens = client.redeem(&callback.query("code").expect("a code")).await.tokens();
        Self { client, tokens }
    }
    /// Like [`Self::signed_in`], in a new browser.
    pub async fn new(site: impl Into<Site>, customer: &Customer) -> Self {
        let site = site.into();
        Self::signed_in(&mut Browser::new(site.clone()), site, customer).await
    }
    /// The demo storefront with scope `account`.
    #[must_use]
    pub fn client(site: impl Into<Site>) -> OAuthClient {
        OAuthClient { scope: "openid profile email offline_access account".to_owned(), ..OAuthClient::demo_app(site) }
    }
    /// The client.
    #[must_use]
    pub fn app(&self) -> &OAuthClient {
        &self.client
    }
    /// Sends any call.
    pub async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {}", self.tokens.access());
        let mut all = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        all.extend_from_slice(headers);
        let path = format!("{}{path}", self.client.base);
        self.client.api.send(method, &path, &all, body.map(Value::to_string).unwrap_or_default()).await
    }
    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], None).await
    }
    /// Sends a POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, &[], Some(body)).await
    }
    /// Sends a PATCH of JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PATCH, path, &[], Some(body)).await
    }
    /// Sends a DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], None).await
    }
    /// Whether the access token works at userinfo, and whether the refresh token works.
    pub async fn is_alive(&self) -> (bool, bool) {
        let userinfo = self.client.userinfo(self.tokens.access()).await.status() == 200;
        (userinfo, self.client.refresh(self.tokens.refresh()).await.status() == 200)
    }
}
