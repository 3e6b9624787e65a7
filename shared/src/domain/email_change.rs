//! Change of the e-mail address (security 88, 94, 95).
//!
//! 1. A change starts: the new address is stored in the profile, sealed, until it is proven. It cannot be used to sign in, and
//!    the answer does not reveal whether it has an account. The old address stays in force.
//! 2. The proof (a code of 50 bits, or the mailed link) moves the account to the new address in one transaction: the new
//!    identifier is claimed if no account has it, and the old one is freed. Guessing such a code needs no budget beyond the five
//!    tries of the change.
//! 3. The old address gets a notice with a link and a code that undo the change for a limited time ([`super::email_undo`]).
//! 4. A pending change ends with the epoch in which it started: a new password, a closing or an undo ends it.

use super::account::{AccountState, LinkSeed, Sealed};
use super::change::{Change, Decision};
use super::email_undo::valid_undos;
use super::flow::MAX_TRIES;
use super::id::AccountId;
use super::identifier::IdentifierHash;
use super::profile::{EmailChange, EmailUndo, MAX_EMAIL_UNDOS, Profile, SpentProof};
use super::repetition::is_repeatable;
use super::secret::SecretHash;
use super::time::{Span, Timestamp};

/// How long a change waits for its proof.
pub const EMAIL_CHANGE_LIFETIME: Span = Span::minutes(30);

/// How many changes an account can start in 24 hours. Each one mails a code to an address that its owner may not know us by.
pub const STARTS_A_DAY: usize = 5;

/// The data of a new change.
#[derive(Debug, Clone)]
pub struct NewEmailChange {
    /// The new address.
    pub identifier: IdentifierHash,
    /// Whether the account has it already, under any version of the identifier key.
    pub is_current: bool,
    /// The new address, sealed.
    pub address: Sealed,
    /// Fresh.
    pub seed: LinkSeed,
    /// Locale of its mail.
    pub locale: String,
}

/// The outcome of a request for another address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// A code is sent, if the address can get one.
    Waiting {
        /// The expiry of the change.
        expires_at: Timestamp,
    },
    /// It is the current address.
    SameAddress,
    /// Too many former addresses can still be restored; the user must wait.
    TooManyChanges {
        /// When the oldest undo expires.
        until: Timestamp,
    },
    /// The account has started too many changes in a day.
    TooManyStarts {
        /// When the oldest start is a day old.
        until: Timestamp,
    },
}

/// Starts a change. A pending one is superseded.
pub fn start(authentication: &AccountState, profile: &Profile, new: NewEmailChange, now: Timestamp) -> Decision<Started> {
    if new.is_current {
        return Decision::unchanged(Started::SameAddress);
    }
    let undos: Vec<EmailUndo> = valid_undos(authentication, profile, now).cloned().collect();
    if undos.len() >= MAX_EMAIL_UNDOS {
        let until = undos.iter().map(|undo| undo.expires_at).min().unwrap_or(now);
        return Decision::unchanged(Started::TooManyChanges { until });
    }
    let mut starts: Vec<_> = profile.email_change_starts.iter().copied().filter(|start| now < *start + Span::days(1)).collect();
    if let Some(oldest) = starts.first().filter(|_| starts.len() >= STARTS_A_DAY) {
        return Decision::unchanged(Started::TooManyStarts { until: *oldest + Span::days(1) });
    }
    starts.push(now);
    let expires_at = now + EMAIL_CHANGE_LIFETIME;
    let NewEmailChange { identifier, address, seed, locale, .. } = new;
    let epoch = Some(authentication.epoch);
    let change = EmailChange { identifier, address, seed, tries: 0, locale, expires_at, epoch };
    let next = Profile {
        email_change: Some(change),
        email_undos: undos,
        email_change_starts: starts,
        version: profile.version + 1,
        ..profile.clone()
    };
    Decision::one(Change::start_email_change(next), Started::Waiting { expires_at })
}

/// The pending change, if there is one. It dies with the epoch in which it was started, for example with a new password.
#[must_use]
pub fn pending<'a>(authentication: &AccountState, profile: &'a Profile, now: Timestamp) -> Option<&'a EmailChange> {
    let is_of_epoch = |change: &EmailChange| match change.epoch {
        Some(epoch) => epoch == authentication.epoch,
        None => !authentication.outdates_proof_of(change.expires_at - EMAIL_CHANGE_LIFETIME),
    };
    profile.email_change.as_ref().filter(|change| change.tries < MAX_TRIES && now < change.expires_at && is_of_epoch(change))
}

/// The presented proof, and whether it matches (compared by `keys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A typed code.
    Code {
        /// Whether it matches the change.
        fits: bool,
    },
    /// The token of the mailed link.
    Link {
        /// Whether it matches the change.
        fits: bool,
    },
}

/// The data of a changed address. Made only if the proof matches.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The claims with the new address, sealed.
    pub claims: Sealed,
    /// The former address, sealed.
    pub former_address: Sealed,
    /// Fresh: the undo link derives from it.
    pub undo_seed: LinkSeed,
    /// How long the change can be undone.
    pub undo_lifetime: Span,
    /// The hash of the proof and of the hands that presented it.
    pub proof: SecretHash,
}

/// The outcome of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proven {
    /// The new address is in force.
    Changed,
    /// The code is wrong.
    Wrong {
        /// How many tries are left.
        tries_left: u8,
    },
    /// The new address has another account now.
    AddressTaken,
    /// No change is pending.
    Over,
}

/// Decides on a proof. `changed` is given if the proof matches. `owner` is given if the new address was found to have an account,
/// which is looked up only after a conflict.
pub fn prove(
    authentication: &AccountState,
    profile: &Profile,
    proof: Proof,
    changed: Option<Changed>,
    owner: Option<AccountId>,
    now: Timestamp,
) -> Decision<Proven> {
    let Some(change) = pending(authentication, profile, now) else { return Decision::unchanged(Proven::Over) };
    let (Proof::Code { fits } | Proof::Link { fits }) = proof;
    let Some(changed) = changed.filter(|_| fits) else {
        return match proof {
            // A link token has 256 bits: a wrong link uses no try of the user's.
            Proof::Link { .. } => Decision::unchanged(Proven::Over),
            Proof::Code { .. } => {
                let counted = EmailChange { tries: change.tries + 1, ..change.clone() };
                let tries_left = MAX_TRIES.saturating_sub(counted.tries);
                let next = Profile { email_change: Some(counted), version: profile.version + 1, ..profile.clone() };
                Decision::one(Change::count_email_change_try(next), Proven::Wrong { tries_left })
            }
        };
    };
    if owner.is_some() {
        return Decision::unchanged(Proven::AddressTaken);
    }
    let mut email_undos: Vec<EmailUndo> = valid_undos(authentication, profile, now).cloned().collect();
    email_undos.push(EmailUndo {
        identifier: authentication.identifier,
        address: changed.former_address,
        seed: changed.undo_seed,
        locale: change.locale.clone(),
        changed_at: now,
        expires_at: now + changed.undo_lifetime,
        has_code: true,
        used_at: None,
    });
    let next = AccountState {
        identifier: change.identifier,
        identifier_since: Some(now),
        version: authentication.version + 1,
        // A request to remove lost factors rests on the former mailbox.
        ..authentication.clone().without_removal_request()
    };
    let spent_proof = Some(SpentProof { hash: changed.proof, at: now });
    let profile = Profile { email_change: None, email_undos, spent_proof, ..profile.with_claims(changed.claims, now) };
    let former = authentication.identifier;
    Decision::one(Change::change_email(next, profile, former), Proven::Changed)
}

/// Whether this proof, in these hands, changed the address a moment ago: the reply was lost.
#[must_use]
pub fn is_repeated(profile: &Profile, proof: &SecretHash, now: Timestamp) -> bool {
    profile.spent_proof.is_some_and(|spent| spent.hash == *proof && is_repeatable(spent.at, now))
}

/// Ends a pending change: on request of the user, or of the owner of the new address, proven by the link's token.
pub fn end(authentication: &AccountState, profile: &Profile, is_allowed: bool, now: Timestamp) -> Decision<bool> {
    if !is_allowed || pending(authentication, profile, now).is_none() {
        return Decision::unchanged(false);
    }
    let next = Profile { email_change: None, version: profile.version + 1, ..profile.clone() };
    Decision::one(Change::end_email_change(next), true)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::oauth::fixture::{NOW, authentication};

    const PROOF: SecretHash = SecretHash::from_bytes([6; 32]);

    pub(crate) fn hash(n: u8) -> IdentifierHash {
        IdentifierHash { key_version: 1, hash: [n; 32] }
    }
    pub(crate) fn seed(n: u8) -> LinkSeed {
        LinkSeed { key_version: 1, bytes: [n; 16] }
    }
    pub(crate) fn sealed(n: u8) -> Sealed {
        Sealed(vec![n; 4])
    }
    pub(crate) fn account() -> AccountState {
        AccountState { identifier: hash(1), ..authentication() }
    }
    pub(crate) fn profile() -> Profile {
        Profile {
            account: account().account,
            claims: sealed(0),
            updated_at: NOW,
            email_change: None,
            email_undos: Vec::new(),
            email_change_starts: Vec::new(),
            spent_proof: None,
            address_proof: None,
            disowned: Vec::new(),
            version: 7,
        }
    }
    fn new_change(n: u8) -> NewEmailChange {
        let (identifier, is_current) = (hash(n), false);
        NewEmailChange { identifier, is_current, address: sealed(n), seed: seed(n), locale: "de".to_owned() }
    }
    fn changed(n: u8) -> Changed {
        Changed {
            claims: sealed(n),
            former_address: sealed(1),
            undo_seed: seed(n + 100),
            undo_lifetime: Span::days(7),
            proof: PROOF,
        }
    }
    fn waiting(n: u8) -> Profile {
        start(&account(), &profile(), new_change(n), NOW).changes.only(Change::start_email_change)
    }
    pub(crate) fn moved(account: &AccountState, profile: &Profile, n: u8, now: Timestamp) -> (AccountState, Profile) {
        let started = start(account, profile, new_change(n), now).changes.only(Change::start_email_change);
        let changes = prove(account, &started, Proof::Code { fits: true }, Some(changed(n)), None, now).changes;
        let [change] = changes.all();
        let (next, profile): (AccountState, Profile) = (change.first(), change.first());
        assert_eq!(*change, Change::change_email(next.clone(), profile.clone(), account.identifier));
        (next, profile)
    }

    #[test]
    fn security_95_the_old_address_stays_in_force_until_the_new_one_is_proven() {
        let waiting = waiting(2);
        assert_eq!((waiting.version, &waiting.claims), (8, &sealed(0)));
        let decision = prove(&account(), &waiting, Proof::Link { fits: true }, Some(changed(2)), None, NOW);
        assert_eq!(decision.outcome, Proven::Changed);
        let [change] = decision.changes.all();
        let (authentication, profile): (AccountState, Profile) = (change.first(), change.first());
        assert_eq!(*change, Change::change_email(authentication.clone(), profile.clone(), hash(1)));
        assert_eq!((authentication.identifier, authentication.version), (hash(2), account().version + 1));
        assert_eq!((authentication.epoch, profile.version), (account().epoch, 9));
        assert!(profile.email_change.is_none());
        assert_eq!((profile.email_undos[0].identifier, profile.email_undos[0].locale.as_str()), (hash(1), "de"));
    }

    #[test]
    fn a_change_ends_at_its_expiry_after_five_wrong_codes_or_after_use() {
        let mut profile = waiting(2);
        for left in (0..MAX_TRIES).rev() {
            let decision = prove(&account(), &profile, Proof::Code { fits: false }, None, None, NOW);
            assert_eq!(decision.outcome, Proven::Wrong { tries_left: left });
            let next = decision.changes.0.first().expect("a change").made_by(Change::count_email_change_try);
            profile = next;
        }
        let right =
            |profile: &Profile, now| prove(&account(), profile, Proof::Code { fits: true }, Some(changed(2)), None, now);
        assert_eq!(right(&profile, NOW).outcome, Proven::Over, "no tries left");
        // security 131: expiry is checked here.
        assert_eq!(right(&waiting(2), NOW + EMAIL_CHANGE_LIFETIME).outcome, Proven::Over);
        let (_, used) = moved(&account(), &self::profile(), 2, NOW);
        assert_eq!(right(&used, NOW).outcome, Proven::Over, "used up");
        let link = prove(&account(), &waiting(2), Proof::Link { fits: false }, None, None, NOW);
        assert!(link.changes.is_empty() && link.outcome == Proven::Over);
    }

    #[test]
    fn security_148_a_spent_proof_is_recognized_in_the_same_hands_for_ten_minutes() {
        let (_, profile) = moved(&account(), &profile(), 2, NOW);
        let other = SecretHash::from_bytes([7; 32]);
        assert!(is_repeated(&profile, &PROOF, NOW + Span::minutes(10) - Span::millis(1)));
        assert!(!is_repeated(&profile, &PROOF, NOW + Span::minutes(10)) && !is_repeated(&profile, &other, NOW));
        assert!(!is_repeated(&self::profile(), &PROOF, NOW));
    }

    /// security 146: a proof of a mailbox never outlives the credential that was valid when it was requested.
    #[test]
    fn a_pending_change_dies_with_the_epoch() {
        let waiting = waiting(2);
        let right = |account: &AccountState, profile: &Profile| {
            prove(account, profile, Proof::Code { fits: true }, Some(changed(2)), None, NOW).outcome
        };
        assert_eq!(right(&account(), &waiting), Proven::Changed);
        let secured = account().with_new_password(NOW);
        assert_eq!(right(&secured, &waiting), Proven::Over);
        assert!(end(&secured, &waiting, true, NOW).changes.is_empty());
        let change = EmailChange { epoch: None, ..waiting.email_change.clone().expect("a change") };
        let stored = Profile { email_change: Some(change), ..waiting };
        assert_eq!(right(&account(), &stored), Proven::Changed);
        assert_eq!(right(&secured, &stored), Proven::Over);
        assert_eq!(right(&account().with_new_password(NOW - Span::millis(1)), &stored), Proven::Changed);
    }

    #[test]
    fn an_address_with_an_account_and_the_current_address_are_refused() {
        let other = AccountId::from_bytes([9; 16]);
        let taken = prove(&account(), &waiting(2), Proof::Code { fits: true }, Some(changed(2)), Some(other), NOW);
        assert!(taken.outcome == Proven::AddressTaken && taken.changes.is_empty());
        let current = NewEmailChange { is_current: true, ..new_change(1) };
        assert_eq!(start(&account(), &profile(), current, NOW).outcome, Started::SameAddress);
    }

    #[test]
    fn only_a_permitted_caller_ends_a_change_and_only_a_pending_one() {
        assert!(end(&account(), &waiting(2), false, NOW).changes.is_empty());
        assert!(end(&account(), &profile(), true, NOW).changes.is_empty());
        assert!(end(&account(), &waiting(2), true, NOW).outcome);
    }

    #[test]
    fn an_account_starts_at_most_five_changes_in_any_24_hours() {
        let mut profile = profile();
        let at = |n: i64| NOW + Span::hours(n);
        for n in 0..5 {
            profile = start(&account(), &profile, new_change(2), at(n)).changes.only(Change::start_email_change);
        }
        let refused = start(&account(), &profile, new_change(3), at(23));
        assert!(refused.changes.is_empty());
        assert_eq!(refused.outcome, Started::TooManyStarts { until: at(24) });
        let next: Profile = start(&account(), &profile, new_change(3), at(24)).changes.only(Change::start_email_change);
        assert_eq!(next.email_change_starts, [at(1), at(2), at(3), at(4), at(24)]);
    }

    #[test]
    fn a_thief_cannot_displace_the_owners_undo() {
        let (mut account, mut profile) = (account(), profile());
        for n in 2..5 {
            (account, profile) = moved(&account, &profile, n, NOW);
        }
        let refused = start(&account, &profile, new_change(9), NOW);
        assert_eq!(refused.outcome, Started::TooManyChanges { until: NOW + Span::days(7) });
        assert!(matches!(start(&account, &profile, new_change(9), NOW + Span::days(7)).outcome, Started::Waiting { .. }));
    }
}
