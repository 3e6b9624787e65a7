//! The documents of the tenant, what the user has accepted of them, and the withdrawal of an optional one.
//!
//! A required document cannot be withdrawn alone: without it there is no account, so its withdrawal is the deletion of the account.

use crate::CommandError;
use latchkey::domain::change::{Change, Decision};
use latchkey::domain::consent::AcceptedTerms;
use latchkey::domain::requirements::{satisfy, with_accepted, with_withdrawn};
use latchkey::domain::tenant::TermsDocument;
use latchkey::web::requirements::Given;
use latchkey::web::{AccountCredential, PrincipalParts, TenantHandle};

/// A document, and the user's newest acceptance of it that is in force.
#[derive(Debug)]
pub struct Listed<'c> {
    /// The document.
    pub document: &'c TermsDocument,
    /// The acceptance. It may be of an earlier version.
    pub accepted: Option<AcceptedTerms>,
}

/// The outcome of an acceptance or a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermsOutcome {
    /// It is as the user wants it.
    Done,
    /// There is no such document, or it was not accepted.
    Unknown,
    /// Another version is in force.
    Superseded,
    /// The document is required.
    Required,
}

/// Every document of the tenant, in its order.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn list<'c>(handle: &'c TenantHandle, presented: &AccountCredential) -> Result<Vec<Listed<'c>>, CommandError> {
    let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
    let terms = handle.tenant.store.find_terms(principal.authentication().account).await?;
    let accepted = terms.map(|terms| terms.accepted).unwrap_or_default();
    let newest = |document: &TermsDocument| {
        let is_own = |known: &&AcceptedTerms| known.document == document.document && known.withdrawn_at.is_none();
        let in_force = accepted.iter().find(|known| document.is_accepted_by(known));
        in_force.or_else(|| accepted.iter().rev().find(is_own)).cloned()
    };
    let documents = handle.tenant.config.registration.terms.iter();
    Ok(documents.map(|document| Listed { document, accepted: newest(document) }).collect())
}

/// Accepts a document in the version that is in force.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn accept(
    handle: &TenantHandle,
    presented: &AccountCredential,
    (name, version, locale): (&str, &str, &str),
) -> Result<TermsOutcome, CommandError> {
    let Some(document) = find(handle, name) else { return Ok(TermsOutcome::Unknown) };
    if document.version != version {
        return Ok(TermsOutcome::Superseded);
    }
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
        let state = principal.authentication();
        let given = Given::load(handle, state).await?.ok_or(CommandError::SignedOut)?;
        let accepted = with_accepted(&given.accepted, vec![document.accepted(locale, handle.now())]);
        if accepted == given.accepted {
            return Ok::<_, CommandError>(Decision::unchanged(TermsOutcome::Done));
        }
        // What is due is compared again at the next sign-in.
        let state = satisfy(state, state.satisfied);
        Ok(Decision::one(Change::accept_terms(state, given.next_terms(accepted)), TermsOutcome::Done))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

/// Withdraws the acceptance of an optional document, in whatever version.
///
/// # Errors
/// If the user is no longer signed in, or something failed.
pub async fn withdraw(handle: &TenantHandle, presented: &AccountCredential, name: &str) -> Result<TermsOutcome, CommandError> {
    if find(handle, name).is_some_and(|document| document.required) {
        return Ok(TermsOutcome::Required);
    }
    let decide = || async {
        let principal = presented.load(handle, PrincipalParts::Nothing).await?.ok_or(CommandError::SignedOut)?;
        let state = principal.authentication();
        let given = Given::load(handle, state).await?.ok_or(CommandError::SignedOut)?;
        let Some(accepted) = with_withdrawn(&given.accepted, name, handle.now()) else {
            // The same request again, after its reply was lost.
            let is_withdrawn = given.accepted.iter().any(|known| known.document == name);
            let outcome = if is_withdrawn { TermsOutcome::Done } else { TermsOutcome::Unknown };
            return Ok::<_, CommandError>(Decision::unchanged(outcome));
        };
        // The document may be required again later: then the acceptances are compared.
        let change = Change::withdraw_terms(satisfy(state, None), given.next_terms(accepted));
        Ok(Decision::one(change, TermsOutcome::Done))
    };
    Ok(handle.tenant.store.decide(&handle.request, decide).await?)
}

fn find<'c>(handle: &'c TenantHandle, name: &str) -> Option<&'c TermsDocument> {
    handle.tenant.config.registration.terms.iter().find(|document| document.document == name)
}
