//! An application that signs users in: code with PKCE, refresh, client credentials, introspection, revocation.

use crate::anonymous::Answer;
use crate::{Anonymous, Browser, Customer, Page, Site};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use http::Method;
use serde_json::Value;

/// A registered application.
#[derive(Clone)]
pub struct OAuthClient {
    /// Sends its requests.
    pub api: Anonymous,
    /// The site.
    pub site: Site,
    /// The path in front of the endpoints: empty, or `/t/{tenant}`.
    pub base: String,
    /// Its `client_id`.
    pub client_id: String,
    /// Its secret, sent by HTTP Basic. `None` for a public client.
    pub secret: Option<String>,
    /// Its `redirect_uri`.
    pub redirect_uri: String,
    /// The requested scope.
    pub scope: String,
    /// The `code_verifier` of the next sign-in.
    pub verifier: String,
}

/// A token response.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The whole response.
    pub json: Value,
}

impl Tokens {
    /// The access token.
    #[must_use]
    pub fn access(&self) -> &str {
        self.json["access_token"].as_str().expect("an access token")
    }
    /// The refresh token.
    #[must_use]
    pub fn refresh(&self) -> &str {
        self.json["refresh_token"].as_str().expect("a refresh token")
    }
    /// The claims of the ID token, unverified.
    #[must_use]
    pub fn id_claims(&self) -> Value {
        claims(self.json["id_token"].as_str().expect("an ID token"))
    }
    /// The claims of the access token, unverified.
    #[must_use]
    pub fn access_claims(&self) -> Value {
        claims(self.access())
    }
}

/// The claims of a JWT, unverified.
#[must_use]
pub fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).expect("a JWT has three parts");
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).expect("base64url");
    serde_json::from_slice(&payload).expect("claims")
}

/// The JOSE header of a JWT, unverified.
#[must_use]
pub fn jose_header(jwt: &str) -> Value {
    let header = jwt.split('.').next().expect("a JWT has three parts");
    let header = BASE64URL_NOPAD.decode(header.as_bytes()).expect("base64url");
    serde_json::from_slice(&header).expect("a header")
}

impl OAuthClient {
    /// The demo storefront: public, PKCE.
    #[must_use]
    pub fn demo_app(site: impl Into<Site>) -> Self {
        let site = site.into();
        let redirect_uri = format!("{}/demo/callback", site.origin());
        Self {
            api: Anonymous::new(site.clone()),
            site,
            base: String::new(),
            client_id: "demo-app".to_owned(),
            secret: None,
            redirect_uri,
            scope: "openid profile email offline_access".to_owned(),
            verifier: "a-verifier-of-43-characters-or-more-0123456789".to_owned(),
        }
    }
    /// The demo web application: confidential, HTTP Basic.
    #[must_use]
    pub fn demo_web(site: impl Into<Site>) -> Self {
        Self {
            client_id: "demo-web".to_owned(),
            secret: Some("demo-web-secret".to_owned()),
            redirect_uri: "http://localhost:3000/callback".to_owned(),
            scope: "openid profile email".to_owned(),
            ..Self::demo_app(site)
        }
    }
    /// The demo service: client credentials.
    #[must_use]
    pub fn demo_service(site: impl Into<Site>) -> Self {
        Self {
            client_id: "demo-service".to_owned(),
            secret: Some("demo-service-secret".to_owned()),
            scope: String::new(),
            ..Self::demo_app(site)
        }
    }

    /// The URL that starts a sign-in, with extra parameters.
    #[must_use]
    pub fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &self.scope)
            .append_pair("state", "state-of-the-test")
            .append_pair("nonce", "nonce-of-the-test")
            .append_pair("code_challenge", &challenge(&self.verifier))
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(more);
        format!("{}{}/oauth2/authorize?{}", self.site.origin(), self.base, query.finish())
    }

    /// Signs a user in in this browser, up to the callback. Gives consent if asked, and postpones what is due.
    pub async fn sign_in(&self, browser: &mut Browser, customer: &Customer) -> Page {
        self.sign_in_with(browser, customer, &[]).await
    }

    /// Like [`Self::sign_in`], with extra parameters of the request.
    pub async fn sign_in_with(&self, browser: &mut Browser, customer: &Customer, more: &[(&str, &str)]) -> Page {
        let mut page = browser.open(&self.authorize_url(more)).await;
        if page.has_field("password") {
            page = customer.sign_in(browser, &page).await;
        }
        // An imported user has accepted nothing yet.
        if page.has_button("#later") {
            page = browser.submit(&page, "#later", &[]).await;
        }
        if page.has_button("#allow") {
            page = browser.submit(&page, "#allow", &[]).await;
        }
        assert!(page.url.starts_with(&self.redirect_uri), "{} ({}): {}", page.url, page.status(), page.text());
        page
    }

    /// Signs a user in in a new browser and redeems the code.
    pub async fn tokens_for(&self, customer: &Customer) -> Tokens {
        let mut browser = Browser::new(self.site.clone());
        let callback = self.sign_in(&mut browser, customer).await;
        self.redeem(&callback.query("code").expect("a code")).await.tokens()
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &self.verifier),
        ])
        .await
    }

    /// Presents a refresh token.
    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// Requests a token by client credentials.
    pub async fn client_credentials(&self) -> Answer {
        let mut fields = vec![("grant_type", "client_credentials")];
        if !self.scope.is_empty() {
            fields.push(("scope", self.scope.as_str()));
        }
        self.token(&fields).await
    }

    /// Sends any request to the token endpoint.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post("/oauth2/token", fields).await
    }

    /// Introspects a token.
    pub async fn introspect(&self, token: &str) -> Answer {
        self.post("/oauth2/introspect", &[("token", token)]).await
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &str) -> Answer {
        self.post("/oauth2/revoke", &[("token", token)]).await
    }

    /// Reads the claims of an access token at userinfo.
    pub async fn userinfo(&self, access_token: &str) -> Answer {
        self.api.get_as(&format!("{}/userinfo", self.base), access_token).await
    }

    /// Posts a form to an endpoint that authenticates clients, with the registered method.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        let basic = self.secret.as_ref().map(|secret| {
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            format!("Basic {}", BASE64.encode(format!("{}:{}", encode(&self.client_id), encode(secret)).as_bytes()))
        });
        match &basic {
            Some(basic) => headers.push(("authorization", basic)),
            None => fields.push(("client_id", &self.client_id)),
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.api.send(Method::POST, &format!("{}{path}", self.base), &headers, body).await
    }
}

impl Answer {
    /// The tokens of a token response.
    #[must_use]
    #[track_caller]
    pub fn tokens(&self) -> Tokens {
        assert_eq!(self.status(), 200, "{}", self.text());
        Tokens { json: self.json() }
    }
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
#[must_use]
pub fn challenge(verifier: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    BASE64URL_NOPAD.encode(digest.as_ref())
}
