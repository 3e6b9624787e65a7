//! The id of an export: a sealed value, so no server-side state is needed.
//!
//! The seal is bound to the account and to the session or grant that started the export (associated data; it cannot be opened with
//! another). The id has the time of the export, and a digest of what must not change until the download.

use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::KeyError;
use latchkey::web::{AccountCredential, TenantHandle};

/// How long an export can be downloaded.
pub(crate) const LIFETIME: Span = Span::hours(1);
const PURPOSE: &str = "export";
/// Time, parts, size and digest; the locale follows.
const FIXED: usize = 8 + 2 + 8 + 32;

/// The content of an export id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExportRequest {
    /// The time of the export.
    pub(crate) as_of: Timestamp,
    /// The number of parts.
    pub(crate) parts: u16,
    /// The approximate size in bytes.
    pub(crate) bytes: u64,
    /// The digest of what must not change (`package::Package::pin`).
    pub(crate) pin: [u8; 32],
    /// The locale of its page.
    pub(crate) locale: String,
}

impl ExportRequest {
    /// When it expires.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.as_of + LIFETIME
    }
    /// Seals the id.
    pub(crate) fn seal(&self, handle: &TenantHandle, presented: &AccountCredential) -> Result<String, KeyError> {
        let mut plain = Vec::with_capacity(FIXED + self.locale.len());
        plain.extend(self.as_of.millis().to_be_bytes());
        plain.extend(self.parts.to_be_bytes());
        plain.extend(self.bytes.to_be_bytes());
        plain.extend(self.pin);
        plain.extend(self.locale.as_bytes());
        handle.tenant.keys.locator()?.seal(PURPOSE, &bound_to(presented), &plain)
    }
    /// Opens an id. `None` if it is forged, expired, or presented by another user; these cases cannot be distinguished from outside.
    pub(crate) fn open(handle: &TenantHandle, presented: &AccountCredential, id: &str) -> Result<Option<Self>, KeyError> {
        let plain = handle.tenant.keys.locator()?.open(PURPOSE, &bound_to(presented), id);
        let request = plain.and_then(|plain| Self::read(&plain));
        Ok(request.filter(|request| handle.now() < request.expires_at()))
    }
    fn read(plain: &[u8]) -> Option<Self> {
        let (as_of, rest) = plain.split_first_chunk::<8>()?;
        let (parts, rest) = rest.split_first_chunk::<2>()?;
        let (bytes, rest) = rest.split_first_chunk::<8>()?;
        let (pin, locale) = rest.split_first_chunk::<32>()?;
        Some(Self {
            as_of: Timestamp::from_millis(i64::from_be_bytes(*as_of)),
            parts: u16::from_be_bytes(*parts),
            bytes: u64::from_be_bytes(*bytes),
            pin: *pin,
            locale: String::from_utf8(locale.to_vec()).ok()?,
        })
    }
}

/// The account, and the grant (of a token, across refreshes) or the session (of a browser).
fn bound_to(presented: &AccountCredential) -> Vec<u8> {
    let mut bound = presented.account().as_bytes().to_vec();
    match (presented.grant(), presented.session()) {
        (Some(grant), _) => bound.extend([b"g".as_slice(), grant.as_bytes()].concat()),
        (None, Some(session)) => bound.extend([b"s".as_slice(), session.as_bytes()].concat()),
        (None, None) => {}
    }
    bound
}
