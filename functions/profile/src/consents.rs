//! Lists the applications that may act for a user, and withdraws consents (security 18).

use crate::CommandError;
use latchkey::domain::consent::{Consent, withdraw as withdraw_consent};
use latchkey::domain::id::ClientId;
use latchkey::domain::oauth::grant::{Grant, GrantState};
use latchkey::domain::oauth::scope::ScopeSet;
use latchkey::domain::time::Timestamp;
use latchkey::web::{AccountCredential, PrincipalParts, TenantHandle};
use std::collections::BTreeMap;

/// What one application may do.
#[derive(Debug)]
pub struct ApplicationAccess {
    /// The application.
    pub client_id: ClientId,
    /// Everything that the user consented to, or that a live grant has.
    pub scope: ScopeSet,
    /// When access began.
    pub since: Timestamp,
    /// Whether the user gave consent. A first-party application needs none.
    pub is_consented: bool,
}

/// The applications that have consent or a live grant, by client.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn list(handle: &TenantHandle, presented: &AccountCredential) -> Result<Vec<ApplicationAccess>, CommandError> {
    let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
    let (store, account) = (&handle.tenant.store, principal.authentication().account);
    let (consents, grants) = tokio::try_join!(store.find_consents(account), store.find_grants(account))?;
    let mut shown: BTreeMap<ClientId, ApplicationAccess> = BTreeMap::new();
    for consent in consents.into_iter().filter(|consent| consent.withdrawn_at.is_none()) {
        shown.insert(consent.client_id.clone(), of_consent(consent));
    }
    let epoch = principal.authentication().epoch;
    let gives = |grant: &&Grant| {
        matches!(grant.state, GrantState::Active { .. }) && grant.epoch == epoch && handle.now() < grant.expires_at
    };
    for grant in grants.iter().filter(gives) {
        let entry = shown.entry(grant.client_id.clone()).or_insert_with(|| of_grant(grant));
        entry.scope = entry.scope.union(&grant.scope);
        if !entry.is_consented {
            entry.since = entry.since.min(grant.created_at);
        }
    }
    Ok(shown.into_values().collect())
}

fn of_consent(consent: Consent) -> ApplicationAccess {
    ApplicationAccess { client_id: consent.client_id, scope: consent.scope, since: consent.granted_at, is_consented: true }
}

fn of_grant(grant: &Grant) -> ApplicationAccess {
    let (client_id, scope) = (grant.client_id.clone(), grant.scope.clone());
    ApplicationAccess { client_id, scope, since: grant.created_at, is_consented: false }
}

/// Withdraws consent and ends the client's grants; `false` when it had neither.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn withdraw(
    handle: &TenantHandle,
    presented: &AccountCredential,
    client_id: &ClientId,
) -> Result<bool, CommandError> {
    let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
    let (store, account) = (&handle.tenant.store, principal.authentication().account);
    let mut withdrawn = false;
    // Two passes: a code issued just before the withdrawal has become a grant by now, or never will.
    for _pass in 0..2 {
        let decide = || async {
            let (consent, grants) = tokio::try_join!(store.find_consent(account, client_id), store.find_grants(account))?;
            Ok::<_, CommandError>(withdraw_consent(account, client_id, consent.as_ref(), &grants, handle.now()))
        };
        withdrawn |= store.decide(&handle.request, decide).await?.is_some();
    }
    Ok(withdrawn)
}
