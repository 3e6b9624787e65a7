//! Consent of a user to a client (security 18), and the accepted terms.

mod decisions;

pub use decisions::{give, is_remembered, is_skipped, withdraw};

use super::id::{AccountId, ClientId};
use super::oauth::scope::ScopeSet;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The scopes that one account allows one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The client.
    #[serde(rename = "cid")]
    pub client_id: ClientId,
    /// The allowed scopes.
    #[serde(rename = "scp")]
    pub scope: ScopeSet,
    /// When it was given.
    #[serde(rename = "at")]
    pub granted_at: Timestamp,
    /// When it was withdrawn, if it was.
    #[serde(rename = "wd", skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
    /// The version of this state.
    pub version: u64,
}

/// One accepted version of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedTerms {
    /// The document's name in the tenant document.
    pub document: String,
    /// The version that was shown.
    pub version: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The locale that it was shown in. None: an earlier release recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The SHA-256 of the text in that locale, in hexadecimal, if the tenant document had it. Otherwise the text is not evidenced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where the text was linked, if it is not evidenced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was withdrawn, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
}

impl AcceptedTerms {
    /// An acceptance as an earlier release recorded it: without evidence of the text.
    #[must_use]
    pub fn of_earlier_release(document: &str, version: &str, accepted_at: Timestamp) -> Self {
        let (document, version) = (document.to_owned(), version.to_owned());
        Self { document, version, accepted_at, locale: None, sha256: None, url: None, withdrawn_at: None }
    }
}

impl Consent {
    /// Whether it is in force and allows all of these scopes.
    #[must_use]
    pub fn covers(&self, scope: &ScopeSet) -> bool {
        self.withdrawn_at.is_none() && scope.is_subset(&self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Change;
    use crate::domain::oauth::grant::Grant;

    const T0: Timestamp = Timestamp::from_seconds(1_000_000);
    const T1: Timestamp = Timestamp::from_seconds(2_000_000);

    fn scope(text: &str) -> ScopeSet {
        text.parse().unwrap()
    }
    fn consent(text: &str) -> Consent {
        Consent {
            account: AccountId::from_bytes([1; 16]),
            client_id: "shop".parse().unwrap(),
            scope: scope(text),
            granted_at: T0,
            withdrawn_at: None,
            version: 3,
        }
    }
    fn given(existing: Option<&Consent>, text: &str) -> Option<Consent> {
        let client_id = "shop".parse().unwrap();
        let changes = give(existing, AccountId::from_bytes([1; 16]), &client_id, &scope(text), T1).changes;
        (!changes.is_empty()).then(|| changes.only(Change::record_consent))
    }

    #[test]
    fn security_18_consent_covers_its_scope_and_nothing_wider() {
        assert!(consent("openid email").covers(&scope("openid")));
        assert!(consent("openid email").covers(&scope("email openid")));
        assert!(!consent("openid email").covers(&scope("openid email phone")));
        let withdrawn = Consent { withdrawn_at: Some(T0), ..consent("openid") };
        assert!(!withdrawn.covers(&scope("openid")));
    }

    #[test]
    fn consent_grows_by_new_scopes_and_repeated_consent_writes_nothing() {
        assert_eq!(given(None, "openid"), Some(Consent { granted_at: T1, version: 1, ..consent("openid") }));
        assert_eq!(given(Some(&consent("openid email")), "openid"), None);
        let wider = Consent { granted_at: T1, version: 4, ..consent("openid email phone") };
        assert_eq!(given(Some(&consent("openid email")), "openid phone"), Some(wider));
    }

    #[test]
    fn security_18_withdrawing_ends_every_grant_of_the_client_and_of_no_other() {
        use crate::domain::oauth::fixture::{NOW, active, client_id};
        use crate::domain::time::Span;
        let (mine, other) = (active(Span::ZERO), Grant { client_id: client_id("other"), ..active(Span::ZERO) });
        let client = mine.client_id.clone();
        let standing = Consent { client_id: client.clone(), ..consent("openid") };
        let both = [mine.clone(), other];
        let decision = withdraw(mine.account, &client, Some(&standing), &both, NOW);
        let [change] = decision.changes.all();
        let (withdrawn, grants) = (change.first::<Consent>(), change.written().cloned().collect::<Vec<Grant>>());
        let expected = Change::withdraw_consent(mine.account, &client, Some(withdrawn.clone()), grants.clone());
        assert_eq!(Some(change), expected.as_ref());
        assert_eq!((withdrawn.withdrawn_at, withdrawn.version, grants.len()), (Some(NOW), standing.version + 1, 1));
        // A client without a need for consent has only grants. Without consent and grants there is nothing to withdraw.
        assert!(withdraw(mine.account, &client, None, &both, NOW).outcome.is_some());
        assert!(withdraw(mine.account, &client, Some(&withdrawn), &both[1..], NOW).outcome.is_none());
    }

    #[test]
    fn withdrawn_scopes_do_not_come_back_with_new_consent() {
        let withdrawn = Consent { withdrawn_at: Some(T0), ..consent("openid email") };
        let anew = Consent { granted_at: T1, version: 4, ..consent("openid") };
        assert_eq!(given(Some(&withdrawn), "openid"), Some(anew));
    }
}
