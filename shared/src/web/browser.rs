//! The browser of a request: its cookies, its anti-forgery values, and the origin of its request.
//!
//! Cookie names contain the tenant: `__Host-lk-{what}` for the default tenant, `__Host-lk-{what}-{tenant}` for others. Only for an
//! http origin on localhost they have no `__Host-` and no `Secure`. The cookies are `session`, `device`, `browser` (a random value
//! that forms and flows are bound to) and `passkey-answers` (see [`passkey_offer`](super::passkey_offer)).
use super::cookie::{Cookie, Jar};
use super::extract::tenant_of;
use super::problem::{Problem, ProblemKind};
use crate::digest::sha256;
use crate::domain::id::AccountId;
use crate::domain::identifier::IdentifierHash;
use crate::domain::secret::{Secret256, SecretHash, hash_secret};
use crate::domain::time::Span;
use crate::keys::identifier::IdentifierKeyring;
use crate::keys::locator::SessionLocator;
use crate::locale;
use crate::services::{Services, Tenant};
use aws_lc_rs::hmac;
use axum::extract::FromRequestParts;
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use http::header::{ACCEPT_LANGUAGE, ORIGIN, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

/// The field of every form that carries [`Browser::anti_forgery`].
pub const ANTI_FORGERY_FIELD: &str = "anti_forgery";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The lifetime of a known device: the maximum that browsers keep a cookie.
const DEVICE_LIFETIME: Span = Span::days(400);
const DEVICE_PURPOSE: &str = "device cookie";
const PASSKEY_ANSWERS_PURPOSE: &str = "answers to the offer of a passkey";

/// The most accounts that a device cookie remembers.
const MAX_DEVICE_ENTRIES: usize = 5;

/// An account that signed in with this browser.
#[derive(Clone, PartialEq, Eq)]
struct DeviceEntry {
    account: AccountId,
    /// The id by which the account knows this device.
    device: [u8; 16],
    /// The address of the account then. None: an earlier release wrote the cookie.
    identifier: Option<IdentifierHash>,
}

impl DeviceEntry {
    const LENGTH: usize = 68;

    fn to_bytes(&self) -> Vec<u8> {
        let IdentifierHash { key_version, hash } = self.identifier.unwrap_or(IdentifierHash { key_version: 0, hash: [0; 32] });
        [self.account.as_bytes().as_slice(), &self.device, &key_version.to_be_bytes(), &hash].concat()
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (device, rest) = rest.split_first_chunk::<16>()?;
        let identifier = match rest.split_first_chunk::<4>() {
            Some((version, hash)) => {
                let (key_version, hash) = (u32::from_be_bytes(*version), hash.try_into().ok()?);
                (key_version > 0).then_some(IdentifierHash { key_version, hash })
            }
            None => None,
        };
        Some(Self { account: AccountId::from_bytes(*account), device: *device, identifier })
    }
    /// The entries of an opened cookie.
    fn read_all(opened: &[u8]) -> Vec<Self> {
        match opened.len() {
            // One entry without an address: an earlier release.
            32 => Self::read(opened).into_iter().collect(),
            length if length % Self::LENGTH == 0 => opened.chunks(Self::LENGTH).filter_map(Self::read).collect(),
            _ => Vec::new(),
        }
    }
}

/// Where a posted form comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormOrigin {
    /// From this page, in this browser and context.
    Genuine,
    /// From this site, but its cookie is gone or belongs to another form: show the form again.
    Stale,
}

/// The secrets that the browser sent. Malformed or duplicate cookies count as absent (security 61).
pub struct Browser {
    /// The session cookie, opened.
    pub session: Option<(SessionLocator, Secret256)>,
    /// The accounts that signed in here, newest first: at most [`MAX_DEVICE_ENTRIES`].
    devices: Vec<DeviceEntry>,
    /// The opened cookie of answers to the offer of a passkey.
    passkey_answers: Vec<u8>,
    jar: Jar,
    binding: Secret256,
    /// The binding was made for this request: the response must set it.
    is_new: bool,
    is_same_site: bool,
    accept_language: Option<String>,
    user_agent: String,
}

impl FromRequestParts<Services> for Browser {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, Problem> {
        let tenant = tenant_of(parts, services).await?;
        let jar = Jar::new(&services.origin, &tenant.config.tenant);
        let headers = &parts.headers;
        let locator = tenant.keys.locator().ok();
        let session = jar.read(headers, Cookie::Session).and_then(|value| locator?.open_session_cookie(&value));
        let devices = jar
            .read(headers, Cookie::Device)
            .and_then(|value| locator?.open(DEVICE_PURPOSE, b"", &value))
            .map_or_else(Vec::new, |opened| DeviceEntry::read_all(&opened));
        let answers = jar.read(headers, Cookie::PasskeyAnswers);
        let passkey_answers = answers.and_then(|value| locator?.open(PASSKEY_ANSWERS_PURPOSE, b"", &value)).unwrap_or_default();
        let sent = jar.read(headers, Cookie::Browser).and_then(|value| read_binding(&value));
        Ok(Self {
            session,
            devices,
            passkey_answers,
            is_new: sent.is_none(),
            binding: sent.unwrap_or_else(|| services.random.secret()),
            is_same_site: is_same_site(headers, services.origin.as_str()),
            accept_language: text(headers, ACCEPT_LANGUAGE),
            user_agent: text(headers, USER_AGENT).unwrap_or_default(),
            jar,
        })
    }
}

impl Browser {
    /// The hash of the browser's binding value. Flows store it.
    #[must_use]
    pub fn binding(&self) -> SecretHash {
        hash_secret(&self.binding)
    }
    /// The anti-forgery value of a form: bound to browser, tenant, page and context (such as the query with which it continues).
    #[must_use]
    pub fn anti_forgery(&self, tenant: &Tenant, page: &'static str, context: &str) -> String {
        // The key is a cookie that no script and no other site can read, so no other site can make the value.
        BASE64URL_NOPAD
            .encode(hmac::sign(&self.key(), &anti_forgery_message(tenant.config.tenant.as_str(), page, context)).as_ref())
    }
    /// 32 bytes that only this browser gets again, for the same secret context.
    #[must_use]
    pub(super) fn derive(&self, label: &str, context: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.key(), &[label.as_bytes(), b"\n", context].concat());
        let mut derived = [0; 32];
        derived.copy_from_slice(tag.as_ref());
        derived
    }
    /// Checks a posted form: the anti-forgery value of this browser, page and context, and `Origin`/`Sec-Fetch-Site` same-origin
    /// (security 17, 120). A page shows a stale form again with what was typed, never the password.
    ///
    /// # Errors
    /// A 403 problem for a form of another site.
    pub fn check_kept_form(
        &self,
        tenant: &Tenant,
        page: &'static str,
        context: &str,
        value: Option<&str>,
    ) -> Result<FormOrigin, Problem> {
        if !self.is_same_site {
            return Err(Problem::new(ProblemKind::Forbidden, "The form was sent from another site. Open the page again."));
        }
        Ok(if self.is_own_value(tenant, page, context, value) { FormOrigin::Genuine } else { FormOrigin::Stale })
    }
    /// Whether this value was made by [`Self::anti_forgery`] for this browser, page and context.
    #[must_use]
    pub fn is_own_value(&self, tenant: &Tenant, page: &'static str, context: &str, value: Option<&str>) -> bool {
        let message = anti_forgery_message(tenant.config.tenant.as_str(), page, context);
        value
            .and_then(|value| BASE64URL_NOPAD.decode(value.as_bytes()).ok())
            .is_some_and(|value| hmac::verify(&self.key(), &message, &value).is_ok())
    }
    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.binding.expose())
    }
    /// Sets the missing binding cookie on a response. Every page handler calls it last.
    #[must_use]
    pub fn answer(&self, mut response: Response) -> Response {
        if self.is_new {
            let value = BASE64URL_NOPAD.encode(self.binding.expose());
            self.jar.write(response.headers_mut(), Cookie::Browser, &value, None);
        }
        response
    }
    /// Sets the session cookie.
    pub fn set_session(
        &self,
        response: &mut Response,
        tenant: &Tenant,
        locator: &SessionLocator,
        secret: &Secret256,
        lifetime: Span,
    ) {
        match tenant.keys.locator() {
            Ok(keyring) => {
                let value = keyring.session_cookie(locator, secret);
                self.jar.write(response.headers_mut(), Cookie::Session, value.expose(), Some(lifetime));
            }
            Err(error) => super::problem::log_failure(&error),
        }
    }
    /// Clears the session cookie.
    pub fn clear_session(&self, response: &mut Response) {
        self.jar.write(response.headers_mut(), Cookie::Session, "", Some(Span::ZERO));
    }
    /// The id of this device in the account's list (the first 8 bytes of its SHA-256), if the account signed in here.
    #[must_use]
    pub fn device_of(&self, account: AccountId) -> Option<u64> {
        self.devices.iter().find(|entry| entry.account == account).map(|entry| device_id(&entry.device))
    }
    /// The account that last signed in here.
    #[must_use]
    pub fn newest_account(&self) -> Option<AccountId> {
        self.devices.first().map(|entry| entry.account)
    }
    /// The account that signed in here with this address. So the cookie of another account says nothing about an attempt at this one.
    #[must_use]
    pub fn account_with(&self, keyring: &IdentifierKeyring, identifier: &IdentifierHash) -> Option<AccountId> {
        let has = |entry: &&DeviceEntry| entry.identifier.is_some_and(|other| keyring.is_same(&other, identifier));
        self.devices.iter().find(has).map(|entry| entry.account)
    }
    /// Sets the device cookie (sealed, 400 days): this account signed in here with this address. `new` is the device's id if the account
    /// does not know it yet.
    pub fn remember_device(
        &self,
        response: &mut Response,
        tenant: &Tenant,
        account: AccountId,
        identifier: IdentifierHash,
        new: Option<[u8; 16]>,
    ) {
        let known = self.devices.iter().find(|entry| entry.account == account).map(|entry| entry.device);
        let Some(device) = new.or(known) else { return };
        let entry = DeviceEntry { account, device, identifier: Some(identifier) };
        let others = self.devices.iter().filter(|other| other.account != account);
        let plain: Vec<u8> =
            std::iter::once(&entry).chain(others).take(MAX_DEVICE_ENTRIES).flat_map(DeviceEntry::to_bytes).collect();
        match tenant.keys.locator().and_then(|keyring| keyring.seal(DEVICE_PURPOSE, b"", &plain)) {
            Ok(value) => self.jar.write(response.headers_mut(), Cookie::Device, &value, Some(DEVICE_LIFETIME)),
            Err(error) => super::problem::log_failure(&error),
        }
    }
    /// The opened cookie of answers to the offer of a passkey. Empty without one.
    pub(super) fn passkey_answers(&self) -> &[u8] {
        &self.passkey_answers
    }
    /// Sets that cookie.
    pub(super) fn keep_passkey_answers(&self, response: &mut Response, tenant: &Tenant, plain: &[u8], lifetime: Span) {
        match tenant.keys.locator().and_then(|keyring| keyring.seal(PASSKEY_ANSWERS_PURPOSE, b"", plain)) {
            Ok(value) => self.jar.write(response.headers_mut(), Cookie::PasskeyAnswers, &value, Some(lifetime)),
            Err(error) => super::problem::log_failure(&error),
        }
    }
    /// The locale of this browser: the `ui_locales` hint, otherwise `Accept-Language`, among those that the tenant offers.
    #[must_use]
    pub fn locale(&self, tenant: &Tenant, ui_locales: Option<&str>) -> String {
        locale::negotiate(&tenant.config.locales, ui_locales, self.accept_language.as_deref()).to_owned()
    }
    /// The browser in words ("Firefox on Linux"), for the session list.
    #[must_use]
    pub fn device_words(&self) -> String {
        device_words(&self.user_agent)
    }
}

/// The id of a device in an account's list: the first 8 bytes of its SHA-256.
#[must_use]
pub fn device_id(device: &[u8]) -> u64 {
    sha256(device).iter().take(8).fold(0, |id, byte| (id << 8) | u64::from(*byte))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn read_binding(value: &str) -> Option<Secret256> {
    let bytes = BASE64URL_NOPAD.decode(value.as_bytes()).ok()?;
    bytes.try_into().ok().map(Secret256::from_bytes)
}

/// The unambiguous content of an anti-forgery value: no separator can occur in tenant or page.
fn anti_forgery_message(tenant: &str, page: &str, context: &str) -> Vec<u8> {
    format!("anti-forgery\n{tenant}\n{page}\n{context}").into_bytes()
}

/// Whether a request can come from one of our pages.
fn is_same_site(headers: &HeaderMap, origin: &str) -> bool {
    // `none`: the user started the request, not a page (a reload of the result, a restored tab).
    let site_fits = headers.get_all(SEC_FETCH_SITE).iter().all(|site| site == "same-origin" || site == "none");
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin_fits = match (origins.next(), origins.next()) {
        (None, None) => true,
        // Our own pages forbid the referrer, and then browsers send `null` with their forms (Fetch §3.2.6). A page that hides its origin
        // sends the same. Sec-Fetch-Site distinguishes it; in old browsers only the anti-forgery value does.
        (Some(sent), None) => sent == origin || sent == "null",
        (_, Some(_)) => false,
    };
    site_fits && origin_fits
}

fn device_words(user_agent: &str) -> String {
    let first =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    // The order matters: most browsers also claim to be others.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("EdgA/", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("FxiOS/", "Firefox"),
        ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Macintosh", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_cookie_reads_back_and_one_of_an_earlier_release_has_one_account_without_an_address() {
        let entry = |number: u8| DeviceEntry {
            account: AccountId::from_bytes([number; 16]),
            device: [number; 16],
            identifier: Some(IdentifierHash { key_version: 3, hash: [number; 32] }),
        };
        let all: Vec<DeviceEntry> = (1..=5).map(entry).collect();
        let plain: Vec<u8> = all.iter().flat_map(DeviceEntry::to_bytes).collect();
        assert!(DeviceEntry::read_all(&plain) == all);
        let earlier = DeviceEntry::read_all(&plain[..32]);
        assert!(earlier == [DeviceEntry { identifier: None, ..entry(1) }]);
        let again: Vec<u8> = earlier.iter().flat_map(DeviceEntry::to_bytes).collect();
        assert!(DeviceEntry::read_all(&again) == earlier);
        for length in [0, 1, 31, 33, 67, 69] {
            assert!(DeviceEntry::read_all(&plain[..length]).is_empty(), "{length}");
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), http::HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_form_is_accepted_only_from_this_site() {
        // security 120
        const OURS: &str = "https://id.example.com";
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[], true),
            (&[("origin", OURS), ("sec-fetch-site", "same-origin")], true),
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[("origin", "null"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", OURS), ("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://id.example.com.evil.test")], false),
            (&[("origin", "http://id.example.com")], false),
            (&[("origin", "https://evil.test"), ("sec-fetch-site", "same-origin")], false),
        ];
        for (pairs, accepted) in cases {
            let pairs: HeaderMap = pairs.iter().map(|(n, v)| (n.parse::<HeaderName>().unwrap(), v.parse().unwrap())).collect();
            assert_eq!(is_same_site(&pairs, OURS), accepted, "{pairs:?}");
        }
        let mut twice = headers(&[("origin", OURS)]);
        twice.append("origin", http::HeaderValue::from_static(OURS));
        assert!(!is_same_site(&twice, OURS));
    }

    #[test]
    fn a_browser_is_described_in_words() {
        let cases = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 Version/18.0 Mobile/15E Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5", "Unknown browser"),
            ("", "Unknown browser"),
        ];
        for (user_agent, words) in cases {
            assert_eq!(device_words(user_agent), words);
        }
    }
}
