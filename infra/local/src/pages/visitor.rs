//! A visitor of the demo storefront: a cookie, and the OAuth client's server-side state for it.

use super::state::{PageError, Pages};
use crate::gateway::state_table::EntryKind;
use axum::extract::FromRequestParts;
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use http::HeaderValue;
use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use latchkey::digest::sha256;
use serde::{Deserialize, Serialize};

/// A visitor and the storefront's state.
pub(super) struct Visitor {
    cookie: String,
    is_new: bool,
    /// The stored state.
    pub(super) state: VisitorState,
}

/// What the storefront stores about a visitor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct VisitorState {
    /// A pending sign-in.
    pub(super) pending: Option<Pending>,
    /// The tokens of a completed sign-in.
    pub(super) tokens: Option<Tokens>,
    /// The last error: a message id, shown once.
    pub(super) notice: Option<String>,
}

/// A pending sign-in: the values that the callback must match (RFC 6749 §10.12, RFC 7636, OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) code_verifier: String,
}

/// The tokens of a visitor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) id_token: String,
    pub(super) refresh_token: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub(super) expires_at: i64,
    /// How often the tokens were refreshed.
    pub(super) refreshed: u32,
}

impl FromRequestParts<Pages> for Visitor {
    type Rejection = PageError;
    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, PageError> {
        let name = cookie_name(pages);
        let sent = parts
            .headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, value)| *key == name && BASE64URL_NOPAD.decode(value.as_bytes()).is_ok_and(|bytes| bytes.len() == 16))
            .map(|(_, value)| value.to_owned());
        let Some(cookie) = sent else {
            let cookie = BASE64URL_NOPAD.encode(&pages.services.random.bytes::<16>());
            return Ok(Self { cookie, is_new: true, state: VisitorState::default() });
        };
        let state = pages.state_table.find(EntryKind::Visitor, &id(&cookie)).await?.unwrap_or_default();
        Ok(Self { cookie, is_new: false, state })
    }
}

impl Visitor {
    /// Stores the state.
    pub(super) async fn save(&self, pages: &Pages) -> Result<(), PageError> {
        Ok(pages.state_table.put(EntryKind::Visitor, &id(&self.cookie), &self.state).await?)
    }

    /// Creates a new cookie and an empty state, at sign-in and sign-out, to prevent session fixation.
    pub(super) async fn renew(&mut self, pages: &Pages) -> Result<(), PageError> {
        pages.state_table.remove(EntryKind::Visitor, &id(&self.cookie)).await?;
        self.cookie = BASE64URL_NOPAD.encode(&pages.services.random.bytes::<16>());
        self.is_new = true;
        self.state = VisitorState::default();
        Ok(())
    }

    /// Sets the cookie on an answer, if the browser does not have it.
    pub(super) fn answer(&self, pages: &Pages, mut response: Response) -> Response {
        if self.is_new {
            let secure = if pages.services.origin.is_https() { "; Secure" } else { "" };
            let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(pages), self.cookie);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
        }
        response
    }
}

fn cookie_name(pages: &Pages) -> &'static str {
    if pages.services.origin.is_https() { "__Host-demo" } else { "demo" }
}

fn id(cookie: &str) -> String {
    BASE64URL_NOPAD.encode(&sha256(cookie.as_bytes()))
}
