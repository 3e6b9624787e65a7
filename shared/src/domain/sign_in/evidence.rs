//! What was proven: fresh evidence of a method, and the proofs that a session and its grants keep.

use super::assurance::{Acr, AcrValue};
use super::method::{Factor, Method};
use crate::domain::amr::Amr;
use crate::domain::id::AccountId;
use crate::domain::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A method has just proven something about this account. Only the methods can make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    account: AccountId,
    proof: Proof,
}

impl Evidence {
    pub(super) const fn new(account: AccountId, method: Method, at: Timestamp) -> Self {
        Self { account, proof: Proof { method, at } }
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }
}

/// One proof of a session: a method, and when it was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The method.
    pub method: Method,
    /// When.
    pub at: Timestamp,
}

/// The most proofs that a session keeps.
pub const MAX_PROOFS: usize = 4;

/// The proofs of a session or grant, oldest first, at most one for each method. Stored as a map of times by method.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Method, Timestamp>", into = "BTreeMap<Method, Timestamp>")]
pub struct Proofs(Vec<Proof>);

impl From<BTreeMap<Method, Timestamp>> for Proofs {
    fn from(stored: BTreeMap<Method, Timestamp>) -> Self {
        let mut proofs: Vec<_> = stored.into_iter().map(|(method, at)| Proof { method, at }).collect();
        proofs.sort_by_key(|proof| proof.at);
        Self(proofs)
    }
}

impl From<Proofs> for BTreeMap<Method, Timestamp> {
    fn from(proofs: Proofs) -> Self {
        proofs.0.into_iter().map(|proof| (proof.method, proof.at)).collect()
    }
}

impl Proofs {
    /// None: a token exchange.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Those of an item that an earlier release wrote, from its `amr` and `auth_time`.
    #[must_use]
    pub fn of_earlier(amr: &[Amr], auth_time: Timestamp) -> Self {
        let method = |amr: &Amr| match amr {
            Amr::Pwd => Method::Password,
            Amr::Otp => Method::MailCode,
            // Releases that write these values keep proofs too.
            Amr::Hwk | Amr::Swk | Amr::User | Amr::Mfa => Method::Unknown(amr.as_str().into()),
            Amr::Unknown(value) => Method::Unknown(value.clone()),
        };
        Self(amr.iter().map(|amr| Proof { method: method(amr), at: auth_time }).collect())
    }

    /// Whether there is none. Such an item was written by an earlier release, or rests on a token exchange.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With this evidence, in place of earlier proofs by the same methods. The oldest ones are dropped.
    #[must_use]
    pub fn with(&self, evidence: Vec<Evidence>) -> Self {
        let mut proofs = self.0.clone();
        for Evidence { proof, .. } in evidence {
            proofs.retain(|earlier| earlier.method != proof.method);
            proofs.push(proof);
        }
        proofs.drain(..proofs.len().saturating_sub(MAX_PROOFS));
        Self(proofs)
    }

    /// Those of this evidence.
    pub(in crate::domain) fn of(evidence: &[Evidence]) -> Self {
        Self::none().with(evidence.to_vec())
    }

    /// The same as evidence of this account, which keeps them. For the second step alone.
    pub(super) fn as_evidence(&self, account: AccountId) -> Vec<Evidence> {
        self.0.iter().map(|proof| Evidence { account, proof: proof.clone() }).collect()
    }

    /// Those of a grant that rests on a remembered device.
    #[must_use]
    pub(in crate::domain) fn on_remembered_device(&self, at: Timestamp) -> Self {
        let mut proofs = self.0.clone();
        proofs.push(Proof { method: Method::RememberedDevice, at });
        Self(proofs)
    }

    /// Whether a remembered device stood in for a second factor.
    #[must_use]
    pub fn rest_on_remembered_device(&self) -> bool {
        self.0.iter().any(|proof| proof.method == Method::RememberedDevice)
    }

    /// Those of this moment and later. All of them without one.
    #[must_use]
    pub fn since(&self, cutoff: Option<Timestamp>) -> Self {
        Self(self.0.iter().filter(|proof| cutoff.is_none_or(|cutoff| proof.at >= cutoff)).cloned().collect())
    }

    /// Whether one of them can begin a sign-in. A code alone cannot.
    #[must_use]
    pub fn has_first_factor(&self) -> bool {
        self.0.iter().any(|proof| !matches!(proof.method.factor(), None | Some(Factor::Possession)))
    }

    /// The level that all of them reach together.
    #[must_use]
    pub fn level(&self) -> Acr {
        level_of(&self.0.iter().collect::<Vec<_>>())
    }

    /// When the user authenticated for this level (`auth_time`): the time of the oldest proof on which it rests, if the newest ones that
    /// suffice are counted. `None` if the level is not reached.
    #[must_use]
    pub fn auth_time(&self, level: Acr) -> Option<Timestamp> {
        let mut newest: Vec<&Proof> = self.0.iter().collect();
        newest.sort_by_key(|proof| std::cmp::Reverse(proof.at));
        (1..=newest.len()).find(|count| level_of(&newest[..*count]) >= level).map(|count| newest[count - 1].at)
    }

    /// Whether they reach this level, by proofs of at most this age (RFC 9470 §3). The one rule for self-service, authorization requests and
    /// access tokens.
    #[must_use]
    pub fn satisfies(&self, level: Acr, max_age: Option<Span>, now: Timestamp) -> bool {
        let counts = |proof: &&Proof| max_age.is_none_or(|max_age| now.since(proof.at) <= max_age);
        level > Acr::None && level_of(&self.0.iter().filter(counts).collect::<Vec<_>>()) >= level
    }

    /// Each of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Proof> {
        self.0.iter()
    }

    /// Their values for applications (RFC 8176).
    #[must_use]
    pub fn amr(&self) -> Vec<Amr> {
        let mut values: Vec<Amr> = Vec::new();
        for value in self.0.iter().flat_map(|proof| proof.method.amr()) {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        if self.level() >= Acr::Aal2 {
            values.push(Amr::Mfa);
        }
        values
    }
}

/// Knowledge and mailbox together are one factor: access to the mailbox is enough to replace the password.
fn level_of(proofs: &[&Proof]) -> Acr {
    let proves = |factor| proofs.iter().any(|proof| proof.method.factor() == Some(factor));
    match (proves(Factor::Passkey), proves(Factor::Possession), proves(Factor::Knowledge) || proves(Factor::Mailbox)) {
        (true, _, _) => Acr::PhishingResistant,
        (false, true, true) => Acr::Aal2,
        (false, true, false) | (false, false, true) => Acr::Aal1,
        (false, false, false) => Acr::None,
    }
}

/// What a session and a grant have in common: their proofs, and the older attributes that the previous release reads.
pub(crate) fn proofs_of<'a>(stored: &'a Proofs, amr: &[Amr], auth_time: Timestamp) -> Cow<'a, Proofs> {
    if stored.is_empty() { Cow::Owned(Proofs::of_earlier(amr, auth_time)) } else { Cow::Borrowed(stored) }
}

/// The `acr` of these proofs.
pub(crate) fn acr_of(proofs: &Proofs) -> Option<AcrValue> {
    AcrValue::of(proofs.level())
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_seconds(1_000_000);

    fn evidence(method: Method, at: Timestamp) -> Evidence {
        Evidence::new(AccountId::from_bytes([1; 16]), method, at)
    }
    fn proofs(of: &[(Method, i64)]) -> Proofs {
        Proofs::none().with(of.iter().map(|(method, seconds)| evidence(method.clone(), T0 + Span::seconds(*seconds))).collect())
    }

    #[test]
    fn security_54_a_password_and_a_mailbox_are_one_factor() {
        for known in [&[(Method::Password, 0)][..], &[(Method::MailCode, 0)], &[(Method::Password, 0), (Method::MailCode, 0)]] {
            assert_eq!(proofs(known).level(), Acr::Aal1);
            assert!(!proofs(known).satisfies(Acr::Aal2, None, T0));
        }
    }

    #[test]
    fn security_11_a_code_alone_is_no_first_factor() {
        for code in [Method::Totp, Method::RecoveryCode, Method::Unknown("later".into())] {
            assert!(!proofs(&[(code.clone(), 0)]).has_first_factor(), "{code:?}");
            assert!(proofs(&[(code.clone(), 0), (Method::Password, 0)]).has_first_factor(), "{code:?}");
        }
        for first in [Method::Password, Method::MailCode, Method::SyncedPasskey, Method::BoundPasskey] {
            assert!(proofs(&[(first.clone(), 0)]).has_first_factor(), "{first:?}");
        }
    }

    #[test]
    fn nothing_and_methods_of_a_later_release_satisfy_nothing() {
        for unproven in [Proofs::none(), proofs(&[(Method::Unknown("passkey".into()), 0)])] {
            assert_eq!(unproven.level(), Acr::None);
            assert_eq!(unproven.auth_time(Acr::Aal1), None);
            for level in [Acr::None, Acr::Aal1, Acr::Aal2, Acr::PhishingResistant] {
                assert!(!unproven.satisfies(level, None, T0), "{level:?}");
            }
        }
    }

    #[test]
    fn only_proofs_of_the_demanded_age_count() {
        let proofs = proofs(&[(Method::Password, 0), (Method::MailCode, 60)]);
        let at = |seconds| T0 + Span::seconds(seconds);
        assert!(proofs.satisfies(Acr::Aal1, Some(Span::seconds(60)), at(120)));
        assert!(!proofs.satisfies(Acr::Aal1, Some(Span::seconds(59)), at(120)));
        assert_eq!(proofs.auth_time(Acr::Aal1), Some(at(60)), "the newest proof alone suffices");
    }

    #[test]
    fn a_proof_replaces_the_earlier_one_of_its_method_and_the_oldest_is_dropped() {
        let first = proofs(&[(Method::Password, 0), (Method::MailCode, 10)]);
        let again = first.with(vec![evidence(Method::Password, T0 + Span::seconds(20))]);
        assert_eq!(again, proofs(&[(Method::MailCode, 10), (Method::Password, 20)]));
        let many = ["a", "b", "c"].map(|name| evidence(Method::Unknown(name.into()), T0));
        let Proofs(kept) = again.with(many.to_vec());
        assert_eq!(kept.iter().map(|proof| proof.method.name()).collect::<Vec<_>>(), ["pwd", "a", "b", "c"]);
    }

    #[test]
    fn what_a_later_release_has_proven_reads_back_unchanged() {
        let stored = r#"{"passkey":6,"pwd":5}"#;
        let read: Proofs = serde_json::from_str(stored).unwrap();
        assert_eq!(read.level(), Acr::Aal1);
        let again: serde_json::Value = serde_json::to_value(&read).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(stored).unwrap());
    }

    #[test]
    fn an_item_of_an_earlier_release_keeps_what_it_proved() {
        let earlier = Proofs::of_earlier(&[Amr::Pwd, Amr::Otp], T0);
        assert_eq!(earlier, proofs(&[(Method::Password, 0), (Method::MailCode, 0)]));
        assert_eq!(Proofs::of_earlier(&[], T0), Proofs::none());
    }
}
