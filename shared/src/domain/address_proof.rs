//! The proof of the account's address before a factor is added (security 77).
//!
//! A thief of a session or password could add a factor of their own, and lock the owner out. So a session that has not shown two factors just now
//! also needs a code that is mailed to the address, unless it proved the address a moment ago.
//!
//! 1. A request stores the seed of the code in the profile, bound to session and epoch, and the code is mailed.
//! 2. The right code counts for [`LIFETIME`], in this session alone.
//! 3. While a former address can undo a change, the present one proves nothing: a thief of the password could have changed it to their own.

use super::account::{AccountState, LinkSeed};
use super::change::{Change, Decision};
use super::email_undo::valid_undos;
use super::flow::MAX_TRIES;
use super::profile::{AddressProof, Profile};
use super::session::Session;
use super::sign_in::assurance::{Acr, RECENT};
use super::sign_in::method::Method;
use super::time::{Span, Timestamp};

/// How long a code works, and how long a proof counts.
pub const LIFETIME: Span = Span::minutes(15);
/// How many codes an account can request in 24 hours.
pub const STARTS_A_DAY: usize = 5;

/// Whether this session must prove the address before it adds a factor to the account: it has not shown two factors just now.
#[must_use]
pub fn is_needed(account: &AccountState, profile: &Profile, session: &Session, now: Timestamp) -> bool {
    !session.proofs().satisfies(Acr::Aal2, Some(RECENT), now) && !is_proven(account, profile, session, now)
}

/// When the address can prove something again, if a former address can undo its change until then.
#[must_use]
pub fn not_before(account: &AccountState, profile: &Profile, now: Timestamp) -> Option<Timestamp> {
    valid_undos(account, profile, now).map(|undo| undo.expires_at).max()
}

fn is_proven(account: &AccountState, profile: &Profile, session: &Session, now: Timestamp) -> bool {
    if not_before(account, profile, now).is_some() {
        return false;
    }
    let by_sign_in = session.proofs().iter().any(|proof| proof.method == Method::MailCode && now.since(proof.at) <= LIFETIME);
    let proof = profile.address_proof.as_ref().filter(|proof| is_of(account, proof, session));
    by_sign_in || proof.and_then(|proof| proof.proven_at).is_some_and(|proven| now < proven + LIFETIME)
}

fn is_of(account: &AccountState, proof: &AddressProof, session: &Session) -> bool {
    proof.sid == session.id && proof.epoch == account.epoch && !account.outdates_proof_of(proof.started_at)
}

/// The request of this session that waits for its code.
#[must_use]
pub fn pending<'a>(
    account: &AccountState,
    profile: &'a Profile,
    session: &Session,
    now: Timestamp,
) -> Option<&'a AddressProof> {
    let is_open = |proof: &&AddressProof| is_open(proof, now) && is_of(account, proof, session);
    profile.address_proof.as_ref().filter(is_open)
}

/// The request that was made at this time, for its mail.
#[must_use]
pub fn started_at(account: &AccountState, profile: &Profile, at: Timestamp, now: Timestamp) -> Option<LinkSeed> {
    let proof = profile.address_proof.as_ref().filter(|proof| is_open(proof, now) && proof.epoch == account.epoch);
    proof.filter(|proof| proof.started_at == at).map(|proof| proof.seed)
}

fn is_open(proof: &AddressProof, now: Timestamp) -> bool {
    proof.proven_at.is_none() && proof.tries < MAX_TRIES && now < proof.started_at + LIFETIME
}

/// The outcome of a request for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// It is mailed.
    Waiting,
    /// The address was changed, and a former one can undo that until then.
    ChangedAddress {
        /// When the present address can be used.
        until: Timestamp,
    },
    /// There were too many requests in a day.
    TooMany {
        /// When the next one is possible.
        until: Timestamp,
    },
}

/// Requests a code. Earlier ones end.
pub fn start(
    account: &AccountState,
    profile: &Profile,
    session: &Session,
    seed: LinkSeed,
    now: Timestamp,
) -> Decision<Started> {
    if let Some(until) = not_before(account, profile, now) {
        return Decision::unchanged(Started::ChangedAddress { until });
    }
    let before = profile.address_proof.as_ref().map_or_else(Vec::new, |proof| proof.starts.clone());
    let mut starts: Vec<Timestamp> = before.into_iter().filter(|start| now < *start + Span::days(1)).collect();
    if let Some(oldest) = starts.first().filter(|_| starts.len() >= STARTS_A_DAY) {
        return Decision::unchanged(Started::TooMany { until: *oldest + Span::days(1) });
    }
    starts.push(now);
    let proof =
        AddressProof { sid: session.id, epoch: account.epoch, seed, tries: 0, started_at: now, proven_at: None, starts };
    let next = Profile { address_proof: Some(proof), version: profile.version + 1, ..profile.clone() };
    Decision::one(Change::start_address_proof(next), Started::Waiting)
}

/// The outcome of a typed code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proven {
    /// The address is proven.
    Proven,
    /// The code is wrong.
    Wrong {
        /// How many tries are left.
        tries_left: u8,
    },
    /// No code is expected.
    Over,
}

/// Decides on a typed code. `fits` says whether it is the mailed one (compared by `keys`).
pub fn prove(account: &AccountState, profile: &Profile, session: &Session, fits: bool, now: Timestamp) -> Decision<Proven> {
    let Some(proof) = pending(account, profile, session, now) else { return Decision::unchanged(Proven::Over) };
    let next = |proof| Profile { address_proof: Some(proof), version: profile.version + 1, ..profile.clone() };
    if fits {
        let proof = AddressProof { proven_at: Some(now), ..proof.clone() };
        return Decision::one(Change::prove_address(next(proof)), Proven::Proven);
    }
    let proof = AddressProof { tries: proof.tries + 1, ..proof.clone() };
    let tries_left = MAX_TRIES.saturating_sub(proof.tries);
    Decision::one(Change::count_address_proof_try(next(proof)), Proven::Wrong { tries_left })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email_change::tests::{account, profile, seed};
    use crate::domain::id::SessionId;
    use crate::domain::oauth::fixture::{NOW, session};
    use crate::domain::sign_in::factors::Factors;

    fn started() -> Profile {
        start(&account(), &profile(), &session(), seed(1), NOW).changes.only(Change::start_address_proof)
    }
    fn proven() -> Profile {
        prove(&account(), &started(), &session(), true, NOW).changes.only(Change::prove_address)
    }

    #[test]
    fn security_77_the_address_is_proven_for_a_while_in_one_session_and_epoch() {
        assert!(is_needed(&account(), &profile(), &session(), NOW));
        assert!(is_needed(&account(), &started(), &session(), NOW));
        let (account, profile) = (account(), proven());
        assert!(!is_needed(&account, &profile, &session(), NOW));
        assert!(is_needed(&account, &profile, &session(), NOW + LIFETIME));
        let other = Session { id: SessionId::from_bytes([9; 16]), ..session() };
        assert!(is_needed(&account, &profile, &other, NOW), "another session");
        let later = account.in_next_epoch(NOW);
        assert!(is_needed(&later, &profile, &Session { epoch: later.epoch, ..session() }, NOW), "another epoch");
    }

    #[test]
    fn security_77_only_a_session_that_has_just_shown_two_factors_needs_no_proof() {
        let with = |methods: &str| Session { proofs: serde_json::from_str(methods).unwrap(), ..session() };
        let (now, old) = (NOW.millis(), (NOW - Span::minutes(6)).millis());
        for (proofs, needs) in [
            (format!(r#"{{"pwd":{now},"totp":{now}}}"#), false),
            (format!(r#"{{"swk":{now}}}"#), false),
            (format!(r#"{{"pwd":{now}}}"#), true),
            (format!(r#"{{"pwd":{now},"totp":{old}}}"#), true),
            (format!(r#"{{"pwd":{now},"mail":{now}}}"#), false),
        ] {
            // A passkey of the account alone proves nothing about this session.
            let account = AccountState { factors: Factors { passkeys: 1, ..Factors::default() }, ..account() };
            assert_eq!(is_needed(&account, &profile(), &with(&proofs), NOW), needs, "{proofs}");
        }
    }

    #[test]
    fn security_79_five_wrong_codes_end_a_request_and_five_requests_are_the_limit_of_a_day() {
        let mut profile = started();
        for left in (0..MAX_TRIES).rev() {
            let decision = prove(&account(), &profile, &session(), false, NOW);
            assert_eq!(decision.outcome, Proven::Wrong { tries_left: left });
            profile = decision.changes.only(Change::count_address_proof_try);
        }
        let over = prove(&account(), &profile, &session(), true, NOW);
        assert!(over.outcome == Proven::Over && over.changes.is_empty());
        for _ in 1..STARTS_A_DAY {
            profile = start(&account(), &profile, &session(), seed(2), NOW).changes.only(Change::start_address_proof);
        }
        let refused = start(&account(), &profile, &session(), seed(3), NOW).outcome;
        assert_eq!(refused, Started::TooMany { until: NOW + Span::days(1) });
    }

    #[test]
    fn a_late_code_or_that_of_another_session_is_over() {
        let other = Session { id: SessionId::from_bytes([9; 16]), ..session() };
        assert_eq!(prove(&account(), &started(), &other, true, NOW).outcome, Proven::Over);
        assert_eq!(prove(&account(), &started(), &session(), true, NOW + LIFETIME).outcome, Proven::Over);
        assert_eq!(prove(&account(), &proven(), &session(), true, NOW).outcome, Proven::Over, "used");
    }
}
