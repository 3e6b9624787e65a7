//! Asking for consent, giving it and withdrawing it.

use crate::domain::change::{Change, Changes, Decision};
use crate::domain::consent::Consent;
use crate::domain::id::{AccountId, ClientId};
use crate::domain::oauth::client::Client;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::redirect_uri;
use crate::domain::oauth::scope::ScopeSet;
use crate::domain::session::ended_grants;
use crate::domain::time::Timestamp;

/// Whether a client is answered without asking: the company's own, and nobody else can answer in its name (RFC 8252 §8.6).
#[must_use]
pub fn is_skipped(client: &Client, redirect_uri: &str) -> bool {
    client.first_party && (client.is_confidential() || redirect_uri.starts_with("https://"))
}

/// Whether consent of an earlier time counts. A public client that is answered at a loopback port or a scheme of its own can be
/// any app on the device: it asks each time (RFC 8252 §8.6).
#[must_use]
pub fn is_remembered(client: &Client, redirect_uri: &str) -> bool {
    client.is_confidential() || redirect_uri::is_claimed(redirect_uri)
}

/// Records that a person allows a client all of this; what was allowed before, and not withdrawn, stays allowed.
pub fn give(
    existing: Option<&Consent>,
    account: AccountId,
    client_id: &ClientId,
    scope: &ScopeSet,
    now: Timestamp,
) -> Decision<()> {
    if existing.is_some_and(|consent| consent.covers(scope)) {
        return Decision::unchanged(());
    }
    let standing = existing.filter(|consent| consent.withdrawn_at.is_none());
    let consent = Consent {
        account,
        client_id: client_id.clone(),
        scope: standing.map_or_else(|| scope.clone(), |standing| standing.scope.union(scope)),
        granted_at: now,
        withdrawn_at: None,
        version: existing.map_or(1, |consent| consent.version + 1),
    };
    Decision::one(Change::record_consent(consent), ())
}

/// Withdraws what was allowed: the client's grants end with the consent. `None`: there was nothing to withdraw.
pub fn withdraw(
    account: AccountId,
    client_id: &ClientId,
    existing: Option<&Consent>,
    grants: &[Grant],
    now: Timestamp,
) -> Decision<Option<()>> {
    let (first, rest) = ended_grants(grants.iter().filter(|grant| grant.client_id == *client_id), now);
    let standing = existing.filter(|consent| consent.withdrawn_at.is_none());
    let consent = standing.map(|consent| Consent { withdrawn_at: Some(now), version: consent.version + 1, ..consent.clone() });
    let Some(change) = Change::withdraw_consent(account, client_id, consent, rest) else {
        return Decision::unchanged(None);
    };
    Decision { changes: Changes(first).then(change), outcome: Some(()) }
}
