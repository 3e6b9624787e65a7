//! What the tenant document requires of an account beyond its registration: terms in their present version, and fields that were not
//! required before. It is asked for after a sign-in.
//!
//! 1. The account's state has a fingerprint of the requirements that it satisfied last. While it equals that of the document, nothing is due and
//!    nothing else is read.
//! 2. Otherwise profile and acceptances are compared once, and the fingerprint is stored when nothing is due.
//! 3. New terms can be postponed for their grace period, missing fields always. Overdue terms are asked for first and alone.

use super::account::AccountState;
use super::consent::AcceptedTerms;
use super::form;
use super::profile::Claims;
use super::satisfied::Requirements;
use super::tenant::{Field, RegistrationConfig, TermsDocument};
use super::time::Timestamp;
use crate::digest::sha256;

/// The requirements of this document at this time: its required fields, and its required terms in force. None: it requires nothing.
#[must_use]
pub fn in_force(config: &RegistrationConfig, now: Timestamp) -> Option<Requirements> {
    let field = |field: &Field| {
        let condition = field.show_when.as_ref().map(|condition| (condition.field.as_str(), condition.equals.as_str()));
        let (other, equals) = condition.unwrap_or_default();
        format!("field {} {other} {equals:?}\n", field.name)
    };
    let fields = config.fields.iter().filter(|field| field.required).map(field);
    let terms = config.terms.iter().filter(|terms| terms.is_in_force(now));
    let terms = terms.map(|terms| format!("terms {} {}\n", terms.document, terms.version));
    let text: String = fields.chain(terms).collect();
    let fold = |digest: [u8; 32]| digest.iter().take(4).fold(0, |all, byte| (all << 8) | u32::from(*byte));
    (!text.is_empty()).then(|| Requirements(fold(sha256(text.as_bytes()))))
}

/// Whether an account's state says that nothing is due.
#[must_use]
pub fn are_satisfied(state: Option<Requirements>, config: &RegistrationConfig, now: Timestamp) -> bool {
    in_force(config, now).is_none_or(|required| state == Some(required))
}

/// Whether some terms of the document can no longer be postponed: then a request without a sign-in is checked, too.
#[must_use]
pub fn has_overdue_terms(config: &RegistrationConfig, now: Timestamp) -> bool {
    config.terms.iter().any(|terms| terms.is_overdue(now))
}

/// What is due of an account.
#[derive(Debug, Clone, Default)]
pub struct Due<'c> {
    /// The terms to accept.
    pub terms: Vec<&'c TermsDocument>,
    /// The fields to fill.
    pub fields: Vec<&'c Field>,
}

/// What is due of an account with these claims and acceptances.
#[must_use]
pub fn due<'c>(config: &'c RegistrationConfig, claims: &Claims, accepted: &[AcceptedTerms], now: Timestamp) -> Due<'c> {
    let is_accepted = |terms: &TermsDocument| accepted.iter().any(|known| terms.is_accepted_by(known));
    Due {
        terms: config.terms.iter().filter(|terms| terms.is_in_force(now) && !is_accepted(terms)).collect(),
        fields: form::missing(&config.fields, &claims.0),
    }
}

/// The requirements of a new account, if it satisfies them. The document may have changed since the form was sent.
#[must_use]
pub fn satisfied_by(
    config: &RegistrationConfig,
    claims: &Claims,
    accepted: &[AcceptedTerms],
    now: Timestamp,
) -> Option<Requirements> {
    in_force(config, now).filter(|_| due(config, claims, accepted, now).is_empty())
}

impl<'c> Due<'c> {
    /// Whether nothing is due.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.fields.is_empty()
    }
    /// Whether something can no longer be postponed.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.terms.iter().any(|terms| terms.is_overdue(now))
    }
    /// When something can no longer be postponed, if there is such a time.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.terms.iter().filter_map(|terms| terms.deadline()).min()
    }
    /// What is asked for on one page: overdue terms alone, otherwise everything.
    #[must_use]
    pub fn asked(self, now: Timestamp) -> Self {
        if !self.is_overdue(now) {
            return self;
        }
        let terms = self.terms.into_iter().filter(|terms| terms.is_overdue(now)).collect();
        Self { terms, fields: Vec::new() }
    }
}

/// The maximum number of acceptances that an account keeps. Beyond it the oldest that was withdrawn is removed, then the oldest that was
/// replaced; its event remains in the history.
pub const MAX_ACCEPTANCES: usize = 50;

/// The acceptances after these new ones. An acceptance of the same document and version that is in force stays as it is.
#[must_use]
pub fn with_accepted(accepted: &[AcceptedTerms], new: Vec<AcceptedTerms>) -> Vec<AcceptedTerms> {
    let mut all = accepted.to_vec();
    for new in new {
        let is_known = |known: &AcceptedTerms| {
            known.withdrawn_at.is_none() && known.document == new.document && known.version == new.version
        };
        if !all.iter().any(is_known) {
            all.push(new);
        }
    }
    while all.len() > MAX_ACCEPTANCES {
        // First what was withdrawn, of the document that was accepted now before any other: so its acceptances push out no others.
        let latest = all.last().map(|latest| latest.document.clone());
        let is_own = |old: &AcceptedTerms| old.withdrawn_at.is_some() && Some(&old.document) == latest.as_ref();
        let is_replaced = |at: usize, old: &AcceptedTerms| all.iter().skip(at + 1).any(|newer| newer.document == old.document);
        let own = all.iter().position(is_own);
        let withdrawn = || all.iter().position(|old| old.withdrawn_at.is_some());
        let replaced = || all.iter().enumerate().find(|(at, old)| is_replaced(*at, old)).map(|(at, _)| at);
        let removed = own.or_else(withdrawn).or_else(replaced).unwrap_or(0);
        all.remove(removed);
    }
    all
}

/// The acceptances after the withdrawal of a document. None: it was not accepted.
#[must_use]
pub fn with_withdrawn(accepted: &[AcceptedTerms], document: &str, now: Timestamp) -> Option<Vec<AcceptedTerms>> {
    let is_withdrawn = |known: &AcceptedTerms| known.document == document && known.withdrawn_at.is_none();
    if !accepted.iter().any(is_withdrawn) {
        return None;
    }
    let withdraw = |known: &AcceptedTerms| {
        let withdrawn_at = if is_withdrawn(known) { Some(now) } else { known.withdrawn_at };
        AcceptedTerms { withdrawn_at, ..known.clone() }
    };
    Some(accepted.iter().map(withdraw).collect())
}

/// The account that satisfies these requirements.
#[must_use]
pub fn satisfy(state: &AccountState, requirements: Option<Requirements>) -> AccountState {
    AccountState { satisfied: requirements, version: state.version + 1, ..state.clone() }
}

#[cfg(test)]
#[path = "requirements_tests.rs"]
mod tests;
