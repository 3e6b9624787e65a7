//! The session of a browser: finds it by its cookie, opens one, remembers the device (security 55–58).

use super::browser::{Browser, device_id};
use super::extract::TenantHandle;
use super::problem::Problem;
use crate::context::Random;
use crate::domain::account::{Sealed, WrappedDataKey};
use crate::domain::flow::Flow;
use crate::domain::id::{AccountId, ClientId, SessionId};
use crate::domain::identifier::IdentifierHash;
use crate::domain::secret::{Secret256, hash_secret};
use crate::domain::session::{NewSession, Session};
use crate::domain::time::Timestamp;
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

/// Values for a session that may be opened. They are random, or derived for the proof of one registration in one browser, so that the same
/// request sent again gets the same session. The browser's former session is never reused (security 56).
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
    /// The values of the session that a proof opens in the browser that started its flow. The same proof in the same browser makes the same
    /// ones, so a lost reply can be given again; after a sign-out they open nothing. The seed never leaves the flow, and the
    /// binding never leaves the browser but to us: neither alone makes them.
    #[must_use]
    pub fn of_proof(browser: &Browser, flow: &Flow) -> Self {
        let context = [flow.id.as_bytes().as_slice(), &flow.seed].concat();
        let half = |label| {
            let mut half = [0; 16];
            half.copy_from_slice(&browser.derive(label, &context)[..16]);
            half
        };
        Self {
            id: SessionId::from_bytes(half("session id of a proof")),
            secret: Secret256::from_bytes(browser.derive("session secret of a proof", &context)),
            device: half("device of a proof"),
        }
    }
    /// Sets the cookies of a session that the same request opened for this account a moment ago.
    pub fn set_cookies_again(
        &self,
        response: &mut Response,
        handle: &TenantHandle,
        browser: &Browser,
        account: (AccountId, IdentifierHash),
        opened_at: Timestamp,
    ) {
        let (account, identifier) = account;
        let locator = SessionLocator { account, session: self.id };
        let lifetime = (opened_at + handle.tenant.config.session.absolute).since(handle.now());
        browser.set_session(response, &handle.tenant, &locator, &self.secret, lifetime);
        browser.remember_device(response, &handle.tenant, account, identifier, Some(self.device));
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
    /// Sets the cookies of a committed session. `identifier` is the address that the account has.
    pub fn set_cookies(
        &self,
        response: &mut Response,
        handle: &TenantHandle,
        browser: &Browser,
        session: &Session,
        identifier: IdentifierHash,
        new_device: bool,
    ) {
        let locator = SessionLocator { account: session.account, session: session.id };
        let lifetime = session.expires_at.since(handle.now());
        browser.set_session(response, &handle.tenant, &locator, &self.secret, lifetime);
        let new = new_device.then_some(self.device);
        browser.remember_device(response, &handle.tenant, session.account, identifier, new);
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
