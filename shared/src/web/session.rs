//! The session of a browser: finds it by its cookie, opens one, remembers the device (security 55–58).

use super::browser::{Browser, device_id};
use super::extract::TenantHandle;
use super::problem::Problem;
use crate::context::Random;
use crate::domain::account::{Sealed, WrappedDataKey};
use crate::domain::id::{ClientId, SessionId};
use crate::domain::secret::{Secret256, hash_secret};
use crate::domain::session::{NewSession, Session};
use crate::keys::locator::SessionLocator;
use crate::keys::{KeyError, SealedField};
use crate::store::StoreError;
use crate::store::session::SessionSnapshot;
use axum::response::Response;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The live session of the browser's cookie, with the account's consent to a client if one is given. One request, from 2 RRU; none
/// without a cookie.
///
/// # Errors
/// If the store fails.
pub async fn find(
    handle: &TenantHandle,
    browser: &Browser,
    consent_to: Option<&ClientId>,
) -> Result<Option<SessionSnapshot>, StoreError> {
    let Some((locator, secret)) = &browser.session else { return Ok(None) };
    let found = handle.tenant.store.find_session(locator.account, locator.session, consent_to).await?;
    let secret_hash = hash_secret(secret);
    Ok(found.filter(|found| {
        found.session.is_presented_by(&secret_hash) && found.session.is_live(&found.authentication, handle.now())
    }))
}

/// New values for a session that may be opened. No state of the browser from before a sign-in is reused (security 56).
pub struct NewSessionSecrets {
    id: SessionId,
    secret: Secret256,
    device: [u8; 16],
}

impl NewSessionSecrets {
    /// Makes new values.
    #[must_use]
    pub fn fresh(random: Random) -> Self {
        Self { id: random.session_id(), secret: random.secret(), device: random.bytes() }
    }
    /// The session for the decision. `device` comes from [`seal_device`].
    #[must_use]
    pub fn session(&self, device: Option<Sealed>) -> NewSession {
        NewSession { id: self.id, secret_hash: hash_secret(&self.secret), device }
    }
    /// The device to remember, if it is not known yet.
    #[must_use]
    pub fn device(&self) -> u64 {
        device_id(&self.device)
    }
    /// Sets the cookies of a committed session.
    pub fn set_cookies(
        &self,
        response: &mut Response,
        handle: &TenantHandle,
        browser: &Browser,
        session: &Session,
        new_device: bool,
    ) {
        let locator = SessionLocator { account: session.account, session: session.id };
        let lifetime = session.expires_at.since(handle.now());
        browser.set_session(response, &handle.tenant, &locator, &self.secret, lifetime);
        if new_device {
            browser.set_device(response, &handle.tenant, session.account, self.device);
        }
    }
}

/// The device details for the session list, sealed: the browser in words and its truncated address.
///
/// # Errors
/// If the account's data key does not open.
pub fn seal_device(handle: &TenantHandle, browser: &Browser, data_key: &WrappedDataKey) -> Result<Sealed, Problem> {
    let seen = serde_json::json!({ "words": browser.device_words(), "address": handle.client_address.map(truncate_address) });
    let seal = || -> Result<Sealed, KeyError> {
        handle.tenant.keys.data()?.unwrap(data_key)?.seal(SealedField::SessionDevice, seen.to_string().as_bytes())
    };
    Ok(seal()?)
}

/// An address without the part that identifies one household: IPv4 by /24, IPv6 by /48.
fn truncate_address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_stored_without_the_part_that_identifies_a_household() {
        for (address, kept) in
            [("192.0.2.77", "192.0.2.0"), ("::ffff:192.0.2.77", "192.0.2.0"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1::")]
        {
            assert_eq!(truncate_address(address.parse().unwrap()), kept);
        }
    }
}
