//! Sealed locators: where something is stored, readable by nobody else, and bound to the secret that comes with it.
//!
//! AES-256-GCM-SIV over the locator with kind and secret as associated data: the same input gives the same bytes, a forgery does
//! not open, a genuine old generation still does. A token is `base64url(sealed locator ‖ secret)`.
use super::KeyError;
use crate::domain::id::{AccountId, FlowId, GrantId, SessionId, TenantId};
use crate::domain::secret::{Secret256, SecretText};

/// Where a grant is; what authorization codes, refresh tokens and access tokens carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantLocator {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub grant: GrantId,
    /// The session, when the grant dies with it (no `offline_access`; always for a code).
    pub session: Option<SessionId>,
    /// The generation (0 for a code and an access token).
    pub generation: u32,
}

/// Where a session is; what its cookie carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLocator {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub session: SessionId,
}

/// Where a flow and its data key are; the `registration_id` of the API, the `flow` of pages and links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowLocator {
    /// The account it will create.
    pub account: AccountId,
    /// Which.
    pub flow: FlowId,
}

/// The locator key of a tenant.
pub struct LocatorKeyring {}

impl LocatorKeyring {
    /// The tenant that every seal of this keyring is bound to.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        todo!()
    }
    /// An authorization code.
    #[must_use]
    pub fn authorization_code(&self, locator: &GrantLocator, secret: &Secret256) -> SecretText {
        let _ = (locator, secret);
        todo!()
    }
    /// Opens an authorization code; `None` for anything that is not one of ours, whole.
    #[must_use]
    pub fn open_authorization_code(&self, code: &str) -> Option<(GrantLocator, Secret256)> {
        let _ = code;
        todo!()
    }
    /// A refresh token.
    #[must_use]
    pub fn refresh_token(&self, locator: &GrantLocator, secret: &Secret256) -> SecretText {
        let _ = (locator, secret);
        todo!()
    }
    /// Opens a refresh token, of any generation; `None` for anything that is not one of ours, whole.
    #[must_use]
    pub fn open_refresh_token(&self, token: &str) -> Option<(GrantLocator, Secret256)> {
        let _ = token;
        todo!()
    }
    /// The value of a session cookie.
    #[must_use]
    pub fn session_cookie(&self, locator: &SessionLocator, secret: &Secret256) -> SecretText {
        let _ = (locator, secret);
        todo!()
    }
    /// Opens a session cookie's value.
    #[must_use]
    pub fn open_session_cookie(&self, value: &str) -> Option<(SessionLocator, Secret256)> {
        let _ = value;
        todo!()
    }
    /// The grant locator as a claim of an access token, bound to its `jti`.
    #[must_use]
    pub fn access_token_claim(&self, locator: &GrantLocator, jti: &crate::domain::id::Jti) -> String {
        let _ = (locator, jti);
        todo!()
    }
    /// Opens an access token's grant locator.
    #[must_use]
    pub fn open_access_token_claim(&self, claim: &str, jti: &crate::domain::id::Jti) -> Option<GrantLocator> {
        let _ = (claim, jti);
        todo!()
    }
    /// The public id of a flow.
    #[must_use]
    pub fn flow_id(&self, locator: &FlowLocator) -> String {
        let _ = locator;
        todo!()
    }
    /// Opens a flow's public id.
    #[must_use]
    pub fn open_flow_id(&self, id: &str) -> Option<FlowLocator> {
        let _ = id;
        todo!()
    }
    /// Seals bytes for a page, a cookie or a query parameter: `purpose` and `context` are associated data. Deterministic.
    ///
    /// # Errors
    /// When the cipher fails.
    pub fn seal(&self, purpose: &'static str, context: &[u8], plain: &[u8]) -> Result<String, KeyError> {
        let _ = (purpose, context, plain);
        todo!()
    }
    /// Opens what [`Self::seal`] made with the same purpose and context.
    #[must_use]
    pub fn open(&self, purpose: &'static str, context: &[u8], sealed: &str) -> Option<Vec<u8>> {
        let _ = (purpose, context, sealed);
        todo!()
    }
    /// A keyed digest (HMAC-SHA-256, base64url) for anti-forgery values: `purpose` separates uses.
    #[must_use]
    pub fn mac(&self, purpose: &'static str, message: &[u8]) -> String {
        let _ = (purpose, message);
        todo!()
    }
    /// Whether `mac` is [`Self::mac`] of the message, in constant time.
    #[must_use]
    pub fn verify_mac(&self, purpose: &'static str, message: &[u8], mac: &str) -> bool {
        let _ = (purpose, message, mac);
        todo!()
    }
}
