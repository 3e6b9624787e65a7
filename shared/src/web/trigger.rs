//! What triggered a mail, as far as the request shows it (decision 31).

use super::browser::Browser;
use super::extract::TenantHandle;
use crate::domain::identifier::IdentifierHash;
use crate::domain::mail_limit::Trigger;

impl TenantHandle {
    /// The trigger of a mail to a typed address: a known device of the account with this address, in its network; otherwise the network of the
    /// caller, otherwise the browser. So a stranger shares no limit with an owner who has signed in from this browser before, nor does a
    /// former device in another network, and accounts that an attacker made are no further triggers.
    #[must_use]
    pub fn trigger(&self, browser: &Browser, identifier: &IdentifierHash) -> Trigger {
        let keyring = self.tenant.keys.identifier().ok();
        match keyring.and_then(|keyring| browser.account_with(keyring, identifier)) {
            Some(account) => Trigger::device_of(account, self.request.address_hash.as_deref().unwrap_or_default()),
            None => self.trigger_of_registration(Some(browser)),
        }
    }

    /// The trigger of a registration: the network of the caller, otherwise the browser. Who has no account has no known device, so with one
    /// nothing more is allowed: each account that an attacker makes would be a further trigger.
    #[must_use]
    pub fn trigger_of_registration(&self, browser: Option<&Browser>) -> Trigger {
        match (&self.request.address_hash, browser) {
            (Some(address_hash), _) => Trigger::source(address_hash),
            (None, Some(browser)) => Trigger::browser(&browser.binding()),
            (None, None) => Trigger::source(""),
        }
    }
}
