//! Sealed locators: the place of a stored item. Only this service can read one, and it is bound to the secret that comes with it.
//!
//! AES-256-GCM-SIV (RFC 8452) over the locator. Kind, tenant and secret are the associated data, and each kind has its own key. The
//! same input gives the same bytes, a forgery does not open, a genuine old generation still opens, and no value of one kind or
//! tenant opens as one of another (security 48). A token is `base64url(sealed locator ‖ secret)`, has one fixed length for each
//! kind, and is accepted only in its canonical encoding (security 38).
use super::KeyError;
use super::aead::join;
use super::root::{RootKey, Versioned};
use crate::domain::id::{AccountId, FlowId, GrantId, Jti, SessionId, TenantId};
use crate::domain::secret::{Secret256, SecretText};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;

/// The place of a grant. Authorization codes, refresh tokens and access tokens carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantLocator {
    /// The account.
    pub account: AccountId,
    /// The grant.
    pub grant: GrantId,
    /// The session, if the grant ends with it (no `offline_access`; always for a code).
    pub session: Option<SessionId>,
    /// The generation (0 for a code and an access token).
    pub generation: u32,
}

/// The place of a session. The session cookie carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLocator {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
}

/// The place of a flow and its data key: the `registration_id` of the API, the `flow` of pages and links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowLocator {
    /// The account that it will create.
    pub account: AccountId,
    /// The flow.
    pub flow: FlowId,
}

/// Bytes of the authentication tag.
const TAG: usize = 16;
/// The maximum length of a text: far above every kind, and inexpensive to process.
const MAX_TEXT: usize = 24 * 1024;

/// Names the purpose of a sealed query.
const STORED_QUERY: &[u8] = b"stored query";

/// The locator key of a tenant.
pub struct LocatorKeyring {
    tenant: TenantId,
    keys: Versioned<LocatorKeys>,
}

/// One key for each kind.
struct LocatorKeys {
    code: SivKey,
    refresh: SivKey,
    session: SivKey,
    access: SivKey,
    flow: SivKey,
    seal: SivKey,
    mac: hmac::Key,
}

impl LocatorKeys {
    fn new(root: &RootKey) -> Result<Self, KeyError> {
        Ok(Self {
            code: SivKey::derive(root, "code")?,
            refresh: SivKey::derive(root, "refresh")?,
            session: SivKey::derive(root, "session")?,
            access: SivKey::derive(root, "access")?,
            flow: SivKey::derive(root, "flow")?,
            seal: SivKey::derive(root, "seal")?,
            mac: root.derive_hmac("mac")?,
        })
    }
}

impl LocatorKeyring {
    pub(super) fn new(tenant: &TenantId, roots: &[(u32, RootKey)], making: u32) -> Result<Self, KeyError> {
        Ok(Self { tenant: tenant.clone(), keys: Versioned::derive(roots, making, LocatorKeys::new)? })
    }
    /// The tenant of this keyring. Every seal is bound to it.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }
    /// An authorization code.
    #[must_use]
    pub fn authorization_code(&self, locator: &GrantLocator, secret: &Secret256) -> SecretText {
        self.current().code.seal_with_secret(&self.tenant, &locator.to_bytes(), secret)
    }
    /// Opens an authorization code. `None` for anything that is not a complete one of ours.
    #[must_use]
    pub fn open_authorization_code(&self, code: &str) -> Option<(GrantLocator, Secret256)> {
        let (plain, secret) = self.keys.find_map(|keys| keys.code.open_with_secret(&self.tenant, code))?;
        Some((GrantLocator::from_bytes(&plain)?, secret))
    }
    /// A refresh token.
    #[must_use]
    pub fn refresh_token(&self, locator: &GrantLocator, secret: &Secret256) -> SecretText {
        self.current().refresh.seal_with_secret(&self.tenant, &locator.to_bytes(), secret)
    }
    /// Opens a refresh token of any generation. `None` for anything that is not a complete one of ours.
    #[must_use]
    pub fn open_refresh_token(&self, token: &str) -> Option<(GrantLocator, Secret256)> {
        let (plain, secret) = self.keys.find_map(|keys| keys.refresh.open_with_secret(&self.tenant, token))?;
        Some((GrantLocator::from_bytes(&plain)?, secret))
    }
    /// The value of a session cookie.
    #[must_use]
    pub fn session_cookie(&self, locator: &SessionLocator, secret: &Secret256) -> SecretText {
        self.current().session.seal_with_secret(&self.tenant, &locator.to_bytes(), secret)
    }
    /// Opens the value of a session cookie.
    #[must_use]
    pub fn open_session_cookie(&self, value: &str) -> Option<(SessionLocator, Secret256)> {
        let (plain, secret) = self.keys.find_map(|keys| keys.session.open_with_secret(&self.tenant, value))?;
        Some((SessionLocator::from_bytes(&plain)?, secret))
    }
    /// The grant locator as a claim of an access token, bound to its `jti`.
    #[must_use]
    pub fn access_token_claim(&self, locator: &GrantLocator, jti: &Jti) -> String {
        self.current().access.seal_text(&self.tenant, &[jti.as_bytes()], &locator.to_bytes())
    }
    /// Opens the grant locator of an access token.
    #[must_use]
    pub fn open_access_token_claim(&self, claim: &str, jti: &Jti) -> Option<GrantLocator> {
        let plain = self.keys.find_map(|keys| keys.access.open_text(&self.tenant, &[jti.as_bytes()], claim))?;
        GrantLocator::from_bytes(&plain)
    }
    /// The public id of a flow.
    #[must_use]
    pub fn flow_id(&self, locator: &FlowLocator) -> String {
        self.current().flow.seal_text(&self.tenant, &[], &locator.to_bytes())
    }
    /// Opens the public id of a flow.
    #[must_use]
    pub fn open_flow_id(&self, id: &str) -> Option<FlowLocator> {
        let plain = self.keys.find_map(|keys| keys.flow.open_text(&self.tenant, &[], id))?;
        FlowLocator::from_bytes(&plain)
    }
    /// Seals bytes for a page, a cookie or a query parameter. `purpose` and `context` are the associated data. Deterministic.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn seal(&self, purpose: &'static str, context: &[u8], plain: &[u8]) -> Result<String, KeyError> {
        Ok(self.current().seal.seal_text(&self.tenant, &[purpose.as_bytes(), context], plain))
    }
    /// Opens a value that [`Self::seal`] made with the same purpose and context.
    #[must_use]
    pub fn open(&self, purpose: &'static str, context: &[u8], sealed: &str) -> Option<Vec<u8>> {
        self.keys.find_map(|keys| keys.seal.open_text(&self.tenant, &[purpose.as_bytes(), context], sealed))
    }
    /// Seals the query of an authorization request to store it: it can contain addresses and tokens (`login_hint`, `id_token_hint`).
    /// It is bound to the flow or the request that is stored under this id.
    #[must_use]
    pub fn seal_query(&self, id: FlowId, query: &str) -> String {
        self.current().seal.seal_text(&self.tenant, &[STORED_QUERY, id.as_bytes()], query.as_bytes())
    }
    /// Opens a stored query. One that an earlier version stored in clear is returned as it is: a query has `=`, and a seal has none.
    #[must_use]
    pub fn open_query(&self, id: FlowId, stored: &str) -> Option<String> {
        if stored.contains('=') {
            return Some(stored.to_owned());
        }
        let plain = self.keys.find_map(|keys| keys.seal.open_text(&self.tenant, &[STORED_QUERY, id.as_bytes()], stored))?;
        String::from_utf8(plain).ok()
    }
    /// A keyed digest (HMAC-SHA-256, base64url) for anti-forgery values: `purpose` separates uses.
    #[must_use]
    pub fn mac(&self, purpose: &'static str, message: &[u8]) -> String {
        BASE64URL_NOPAD.encode(hmac::sign(&self.current().mac, &join(&[purpose.as_bytes(), message])).as_ref())
    }
    /// Whether `mac` is [`Self::mac`] of the message, in constant time.
    #[must_use]
    pub fn verify_mac(&self, purpose: &'static str, message: &[u8], mac: &str) -> bool {
        let Some(tag) = decode(mac) else { return false };
        let message = join(&[purpose.as_bytes(), message]);
        self.keys.find_map(|keys| hmac::verify(&keys.mac, &message, &tag).ok()).is_some()
    }
    fn current(&self) -> &LocatorKeys {
        self.keys.current().1
    }
}

/// A nonce-misuse-resistant key for one kind. The nonce is fixed: equal input gives equal output, which reveals only that it is
/// equal (RFC 8452 §9). Tokens differ by their random secret.
struct SivKey {
    kind: &'static str,
    key: LessSafeKey,
}

impl SivKey {
    fn derive(root: &RootKey, kind: &'static str) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, root.derive(kind, &[])?.as_slice())
            .map_err(|_| KeyError::Failed("making a locator key"))?;
        Ok(Self { kind, key: LessSafeKey::new(key) })
    }
    fn associated(&self, tenant: &TenantId, context: &[&[u8]]) -> Vec<u8> {
        let mut parts = vec![self.kind.as_bytes(), tenant.as_str().as_bytes()];
        parts.extend_from_slice(context);
        join(&parts)
    }
    #[expect(clippy::expect_used, reason = "the cipher fails only on 64 GiB of input or without memory")]
    fn seal(&self, tenant: &TenantId, context: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(self.associated(tenant, context)), &mut sealed)
            .expect("AES-256-GCM-SIV failed on a short input");
        sealed
    }
    fn open(&self, tenant: &TenantId, context: &[&[u8]], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        self.key.open_in_place(nonce, Aad::from(self.associated(tenant, context)), &mut sealed).ok()?;
        sealed.truncate(sealed.len().checked_sub(TAG)?);
        Some(sealed)
    }
    fn seal_text(&self, tenant: &TenantId, context: &[&[u8]], plain: &[u8]) -> String {
        BASE64URL_NOPAD.encode(&self.seal(tenant, context, plain))
    }
    fn open_text(&self, tenant: &TenantId, context: &[&[u8]], text: &str) -> Option<Vec<u8>> {
        self.open(tenant, context, decode(text)?)
    }
    /// `base64url(sealed ‖ secret)`. The secret is associated data, so neither half works with the other half of another token.
    fn seal_with_secret(&self, tenant: &TenantId, plain: &[u8], secret: &Secret256) -> SecretText {
        let mut token = self.seal(tenant, &[secret.expose()], plain);
        token.extend_from_slice(secret.expose());
        let text = BASE64URL_NOPAD.encode(&token);
        zeroize::Zeroize::zeroize(&mut token);
        SecretText::from(text)
    }
    fn open_with_secret(&self, tenant: &TenantId, text: &str) -> Option<(Vec<u8>, Secret256)> {
        let token = zeroize::Zeroizing::new(decode(text)?);
        let (sealed, secret) = token.split_last_chunk::<32>()?;
        let secret = Secret256::from_bytes(*secret);
        let plain = self.open(tenant, &[secret.expose()], sealed.to_vec())?;
        Some((plain, secret))
    }
}

/// Strict base64url: no padding, no whitespace, no bits set in the tail (security 38, 47).
fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_TEXT {
        return None;
    }
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// `account ‖ grant ‖ whether there is a session ‖ session or zeros ‖ generation`: a fixed length, so the length reveals nothing.
impl GrantLocator {
    fn to_bytes(self) -> [u8; 53] {
        let mut bytes = [0; 53];
        bytes[..16].copy_from_slice(self.account.as_bytes());
        bytes[16..32].copy_from_slice(self.grant.as_bytes());
        if let Some(session) = self.session {
            bytes[32] = 1;
            bytes[33..49].copy_from_slice(session.as_bytes());
        }
        bytes[49..].copy_from_slice(&self.generation.to_be_bytes());
        bytes
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (grant, rest) = rest.split_first_chunk::<16>()?;
        let ([has_session], rest) = rest.split_first_chunk::<1>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let session = match has_session {
            0 => None,
            1 => Some(SessionId::from_bytes(*session)),
            _ => return None,
        };
        let generation = u32::from_be_bytes(rest.try_into().ok()?);
        Some(Self { account: AccountId::from_bytes(*account), grant: GrantId::from_bytes(*grant), session, generation })
    }
}

impl SessionLocator {
    fn to_bytes(self) -> [u8; 32] {
        both(self.account.as_bytes(), self.session.as_bytes())
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let session = SessionId::from_bytes(rest.try_into().ok()?);
        Some(Self { account: AccountId::from_bytes(*account), session })
    }
}

impl FlowLocator {
    fn to_bytes(self) -> [u8; 32] {
        both(self.account.as_bytes(), self.flow.as_bytes())
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let flow = FlowId::from_bytes(rest.try_into().ok()?);
        Some(Self { account: AccountId::from_bytes(*account), flow })
    }
}

fn both(one: &[u8; 16], other: &[u8; 16]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(one);
    bytes[16..].copy_from_slice(other);
    bytes
}

#[cfg(test)]
#[path = "locator_tests.rs"]
pub(super) mod tests;
