//! The id of an export: a sealed value, so that nothing has to be stored to remember it.
//!
//! It is bound to the account and to the session or grant that began it (associated data: elsewhere it does not open), says of which
//! moment the export is, and pins what must be the same for it to be given out.

use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::KeyError;
use latchkey::web::{Presented, TenantHandle};

/// How long an export can be read.
pub(crate) const LIFETIME: Span = Span::hours(1);
const PURPOSE: &str = "export";
/// Moment, parts, size, pin; what follows is the locale.
const FIXED: usize = 8 + 2 + 8 + 32;

/// What the id of an export says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Of which moment the export is.
    pub(crate) as_of: Timestamp,
    /// In how many parts it comes.
    pub(crate) parts: u16,
    /// About how large it is, in bytes.
    pub(crate) bytes: u64,
    /// What must be the same when it is read (`package::Package::pin`).
    pub(crate) pin: [u8; 32],
    /// In which locale its page speaks.
    pub(crate) locale: String,
}

impl Ticket {
    /// Until when it can be read.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.as_of + LIFETIME
    }
    /// The id.
    pub(crate) fn seal(&self, handle: &TenantHandle, presented: &Presented) -> Result<String, KeyError> {
        let mut plain = Vec::with_capacity(FIXED + self.locale.len());
        plain.extend(self.as_of.millis().to_be_bytes());
        plain.extend(self.parts.to_be_bytes());
        plain.extend(self.bytes.to_be_bytes());
        plain.extend(self.pin);
        plain.extend(self.locale.as_bytes());
        handle.tenant.keys.locator()?.seal(PURPOSE, &bound_to(presented), &plain)
    }
    /// What the id says; `None` for one that is made up, over, or not of whoever presents it: all the same from outside.
    pub(crate) fn open(handle: &TenantHandle, presented: &Presented, id: &str) -> Result<Option<Self>, KeyError> {
        let plain = handle.tenant.keys.locator()?.open(PURPOSE, &bound_to(presented), id);
        let ticket = plain.and_then(|plain| Self::read(&plain));
        Ok(ticket.filter(|ticket| handle.now() < ticket.expires_at()))
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

/// Account, and the grant (of a token, however often it is renewed) or the session (of a browser).
fn bound_to(presented: &Presented) -> Vec<u8> {
    let mut bound = presented.account().as_bytes().to_vec();
    match (presented.grant(), presented.session()) {
        (Some(grant), _) => bound.extend([b"g".as_slice(), grant.as_bytes()].concat()),
        (None, Some(session)) => bound.extend([b"s".as_slice(), session.as_bytes()].concat()),
        (None, None) => {}
    }
    bound
}
