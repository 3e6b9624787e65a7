//! Passkeys of a site: the relying party, sealed challenges, and the options for the browser (WebAuthn 3 §5.4, §5.5).
//!
//! 1. A challenge has 32 random bytes. It is in the options, and with its time of issue in a sealed value that the form sends back. The seal is
//!    bound to its purpose, to the browser, and to the request or the session (security 80). Nothing is stored, and nothing is read.
//! 2. Options for a sign-in never list credentials: passkeys are discoverable, and nothing depends on the user (security 86).
//! 3. One script serves all pages. Its name has its digest, so it can be cached for ever.

use super::Browser;
use super::extract::TenantHandle;
use crate::context::Random;
use crate::digest::sha256;
use crate::domain::id::{AccountId, SessionId};
use crate::domain::passkey::Passkey;
use crate::domain::sign_in::methods::passkey::CHALLENGE_LIFETIME;
use crate::domain::sign_in::methods::passkey::expected::Ceremony;
use crate::domain::sign_in::methods::passkey::public_key::Algorithm;
use crate::domain::sign_in::methods::passkey::refusal::PasskeyRefusal;
use crate::domain::tenant::PasskeyPolicy;
use crate::domain::time::Timestamp;
use crate::keys::KeyError;
use crate::services::Tenant;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The script of pages with passkeys.
pub const SCRIPT: &str = include_str!("templates/passkey.js");

/// The path of the script.
pub static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| {
    let digest = sha256(SCRIPT.as_bytes());
    format!("/assets/passkey.{}.js", BASE64URL_NOPAD.encode(&digest[..12]))
});

/// What the origin of an Android app begins with. The SHA-256 of its certificate follows, in base64url.
const ANDROID_ORIGIN: &str = "android:apk-key-hash:";

/// The relying party of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// Its id: the host of the issuer, or a domain above it.
    pub id: String,
    /// The origins of accepted ceremonies, exactly.
    pub origins: Vec<String>,
}

impl RelyingParty {
    /// That of this tenant. None if it has no passkeys, or its id does not fit the host: then browsers would refuse each ceremony.
    #[must_use]
    pub fn of(tenant: &Tenant) -> Option<Self> {
        Self::new(&tenant.config.passkeys, &tenant.issuer)
    }
    /// That of a tenant with this policy and issuer, as [`Self::of`].
    #[must_use]
    pub fn new(policy: &PasskeyPolicy, issuer: &str) -> Option<Self> {
        let issuer = url::Url::parse(issuer).ok().filter(|_| policy.enabled)?;
        let host = issuer.domain()?;
        let id = policy.rp_id.as_deref().unwrap_or(host);
        let fits = host == id || host.strip_suffix(id).is_some_and(|rest| rest.ends_with('.'));
        let own = issuer.origin().ascii_serialization();
        let mut origins: Vec<String> = std::iter::once(own).chain(policy.related_origins.iter().cloned()).collect();
        // An iOS app names the site itself. An Android app names its certificate.
        let site = format!("https://{id}");
        if !policy.ios_apps.is_empty() && !origins.contains(&site) {
            origins.push(site);
        }
        let certificates = policy.android_apps.iter().flat_map(|app| &app.certificates);
        origins.extend(certificates.map(|hash| format!("{ANDROID_ORIGIN}{}", BASE64URL_NOPAD.encode(hash))));
        fits.then(|| Self { id: id.to_owned(), origins })
    }
    /// The origins of browsers: those that are not of an app.
    pub fn web_origins(&self) -> impl Iterator<Item = &String> {
        self.origins.iter().filter(|origin| !origin.starts_with(ANDROID_ORIGIN))
    }
    /// What a ceremony with this challenge is checked against.
    #[must_use]
    pub fn ceremony<'a>(&'a self, challenge: &'a IssuedChallenge) -> Ceremony<'a> {
        Ceremony { challenge: &challenge.random, rp_id: &self.id, origins: &self.origins }
    }
}

/// What a challenge is for.
#[derive(Debug, Clone, Copy)]
pub enum ChallengeFor<'a> {
    /// A sign-in for this request.
    SignIn {
        /// The fingerprint of the request.
        request: &'a str,
    },
    /// A new passkey.
    Creation {
        /// The account.
        account: AccountId,
        /// The session that adds it.
        session: SessionId,
        /// The epoch of the account.
        epoch: u32,
    },
}

impl ChallengeFor<'_> {
    const fn purpose(self) -> &'static str {
        match self {
            Self::SignIn { .. } => "passkey sign-in",
            Self::Creation { .. } => "passkey creation",
        }
    }
    fn context(self, browser: &Browser) -> Vec<u8> {
        let bound = match self {
            Self::SignIn { request } => request.to_owned(),
            Self::Creation { account, session, epoch } => format!("{account}\n{session}\n{epoch}"),
        };
        [browser.binding().as_bytes().as_slice(), bound.as_bytes()].concat()
    }
}

/// A challenge that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedChallenge {
    random: [u8; 32],
    /// When.
    pub issued_at: Timestamp,
}

impl IssuedChallenge {
    fn issue(now: Timestamp) -> Self {
        Self { random: Random.bytes(), issued_at: now }
    }
    fn seal(&self, handle: &TenantHandle, browser: &Browser, purpose: ChallengeFor<'_>) -> Result<String, KeyError> {
        let plain = [self.issued_at.millis().to_be_bytes().as_slice(), &self.random].concat();
        handle.tenant.keys.locator()?.seal(purpose.purpose(), &purpose.context(browser), &plain)
    }
    /// The challenge in this sealed value, if it was issued for this purpose and browser in the last five minutes.
    ///
    /// # Errors
    /// If this function has no key to open it.
    pub fn open(
        handle: &TenantHandle,
        browser: &Browser,
        purpose: ChallengeFor<'_>,
        state: &str,
    ) -> Result<Result<Self, PasskeyRefusal>, KeyError> {
        let opened = handle.tenant.keys.locator()?.open(purpose.purpose(), &purpose.context(browser), state);
        let read = |plain: Vec<u8>| {
            let (millis, random) = plain.split_first_chunk::<8>()?;
            let issued_at = Timestamp::from_millis(i64::from_be_bytes(*millis));
            Some(Self { random: random.try_into().ok()?, issued_at })
        };
        let Some(challenge) = opened.and_then(read) else { return Ok(Err(PasskeyRefusal::ChallengeForeign)) };
        let is_fresh = challenge.issued_at <= handle.now() && handle.now().since(challenge.issued_at) <= CHALLENGE_LIFETIME;
        Ok(if is_fresh { Ok(challenge) } else { Err(PasskeyRefusal::ChallengeExpired) })
    }
}

/// The options of a sign-in, as JSON for the script: `{publicKey, state}`.
///
/// # Errors
/// If sealing fails.
pub fn sign_in_options(
    handle: &TenantHandle,
    browser: &Browser,
    party: &RelyingParty,
    request: &str,
) -> Result<Value, KeyError> {
    let challenge = IssuedChallenge::issue(handle.now());
    Ok(json!({
        "publicKey": {
            "challenge": BASE64URL_NOPAD.encode(&challenge.random),
            "rpId": party.id,
            "allowCredentials": [],
            "userVerification": "required",
            "timeout": CHALLENGE_LIFETIME.as_millis(),
        },
        "state": challenge.seal(handle, browser, ChallengeFor::SignIn { request })?,
    }))
}

/// The user of a new passkey, as the authenticator stores and shows it.
#[derive(Debug, Clone, Copy)]
pub struct NewPasskeyUser<'a> {
    /// The account.
    pub account: AccountId,
    /// The session that adds it.
    pub session: SessionId,
    /// The epoch of the account.
    pub epoch: u32,
    /// The address.
    pub name: &'a str,
    /// The name of the user, or the address.
    pub display_name: &'a str,
}

/// The options for a new passkey, as JSON for the script: `{publicKey, state}`. All passkeys of the account are excluded.
///
/// # Errors
/// If sealing fails.
pub fn creation_options(
    handle: &TenantHandle,
    browser: &Browser,
    party: &RelyingParty,
    user: NewPasskeyUser<'_>,
    site: &str,
    passkeys: &[Passkey],
) -> Result<Value, KeyError> {
    let challenge = IssuedChallenge::issue(handle.now());
    let algorithms: Vec<Value> =
        Algorithm::ALL.iter().map(|algorithm| json!({ "type": "public-key", "alg": algorithm.number() })).collect();
    let excluded: Vec<Value> = passkeys
        .iter()
        .filter(|passkey| passkey.is_active())
        .map(|passkey| {
            json!({
                "type": "public-key",
                "id": BASE64URL_NOPAD.encode(&passkey.credential_id),
                "transports": passkey.transports.names().collect::<Vec<_>>(),
            })
        })
        .collect();
    let purpose = ChallengeFor::Creation { account: user.account, session: user.session, epoch: user.epoch };
    Ok(json!({
        "publicKey": {
            "challenge": BASE64URL_NOPAD.encode(&challenge.random),
            "rp": { "id": party.id, "name": site },
            "user": {
                "id": BASE64URL_NOPAD.encode(user.account.as_bytes()),
                "name": user.name,
                "displayName": user.display_name,
            },
            "pubKeyCredParams": algorithms,
            "excludeCredentials": excluded,
            "authenticatorSelection": { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
            "attestation": "none",
            "timeout": CHALLENGE_LIFETIME.as_millis(),
        },
        "state": challenge.seal(handle, browser, purpose)?,
    }))
}
