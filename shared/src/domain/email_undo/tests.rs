//! Former addresses take their account back.

use super::*;
use crate::domain::email_change::tests::{account, hash, moved, profile, sealed, seed};
use crate::domain::known_device::KnownDevice;
use crate::domain::oauth::fixture::NOW;

fn new_hash() -> PasswordHash {
    serde_json::from_str("\"$argon2id$new\"").unwrap()
}

fn new<'a>(authentication: &'a AccountState, profile: &'a Profile, undo: &'a EmailUndo) -> NewUndo<'a> {
    NewUndo {
        authentication,
        profile,
        undo,
        claims: sealed(8),
        password: None,
        factors: StoredFactors::default(),
        new_password: new_hash(),
        owner: AddressOwner::None,
        has_current_claim: true,
        unmailed_seed: seed(77),
        grace: Span::days(30),
    }
}

/// The right of an address.
fn right(profile: &Profile, n: u8) -> &EmailUndo {
    profile.email_undos.iter().find(|undo| undo.identifier == hash(n)).expect("a right")
}

fn returned(decision: Decision<Undone>) -> (AccountState, Profile) {
    assert_eq!(decision.outcome, Undone::Restored);
    let [change] = decision.changes.all();
    (change.first(), change.first())
}

fn closed(account: &AccountState, since: Timestamp) -> AccountState {
    let status = AccountStatus::ErasureDue { since, due: since + Span::days(30), seed: seed(9) };
    AccountState { status, ..account.in_next_epoch(since) }
}

fn can_undo(account: &AccountState, profile: &Profile, now: Timestamp) -> Vec<u8> {
    valid_undos(account, profile, now).map(|undo| undo.identifier.hash[0]).collect()
}

/// A→B→T: the rights of newer addresses end with the undo of an older one.
#[test]
fn security_95_the_older_address_wins() {
    let (b, p) = moved(&account(), &profile(), 2, NOW);
    let (t, p) = moved(&b, &p, 3, NOW + Span::hours(1));
    assert_eq!(can_undo(&t, &p, NOW + Span::hours(2)), [1, 2]);
    let later = NOW + Span::days(6);
    let (a, after) = returned(undo(new(&t, &p, right(&p, 1)), later));
    assert_eq!((a.identifier, a.status), (hash(1), AccountStatus::Active));
    assert!(a.epoch > t.epoch, "every session and grant ends");
    assert!(can_undo(&a, &after, later).is_empty(), "neither the second nor the third address has a right");
    assert_eq!(undo(new(&a, &after, right(&after, 1)), later).outcome, Undone::AlreadyDone, "a second click");
    // The second address takes back what came after it, and the first one keeps its right.
    let (b, after) = returned(undo(new(&t, &p, right(&p, 2)), later));
    assert_eq!((b.identifier, can_undo(&b, &after, later)), (hash(2), vec![1]));
    let (a, after) = returned(undo(new(&b, &after, right(&after, 1)), later));
    assert_eq!((a.identifier, can_undo(&a, &after, later)), (hash(1), vec![]));
}

#[test]
fn an_undo_replaces_the_password_and_ends_devices_and_the_pending_change() {
    use crate::domain::email_change::{NewEmailChange, start};
    let (mut t, p) = moved(&account(), &profile(), 2, NOW);
    t.devices = vec![KnownDevice::new(1)];
    let (identifier, is_current) = (hash(5), false);
    let pending = NewEmailChange { identifier, is_current, address: sealed(5), seed: seed(5), locale: "de".to_owned() };
    let p: Profile = start(&t, &p, pending, NOW).changes.0.pop().expect("a change").first();
    let password = PasswordCredential { account: t.account, hash: new_hash(), changed_at: NOW, version: 4 };
    let decision = undo(NewUndo { password: Some(&password), ..new(&t, &p, right(&p, 1)) }, NOW);
    let [change] = decision.changes.all();
    let (a, after, set): (AccountState, Profile, PasswordCredential) = (change.first(), change.first(), change.first());
    assert!(a.devices.is_empty() && after.email_change.is_none() && after.claims == sealed(8));
    assert_eq!((set.version, set.changed_at, set.hash), (5, NOW, new_hash()));
    let expected = ReturnedAddress {
        totp: None,
        recovery_codes: None,
        passkeys: vec![],
        at: NOW,
        authentication: a,
        profile: after,
        password: PasswordCredential { version: 5, ..password },
        claim: AddressClaim::New,
        freed: Some(hash(2)),
        withdrawn: None,
        displaced: None,
    };
    assert_eq!(*change, Change::undo_email_change(expected));
}

/// A→T, T closes the account: the former address restores it until the erasure is final.
#[test]
fn security_130_a_closing_does_not_end_the_right_of_a_former_address() {
    let (t, p) = moved(&account(), &profile(), 2, NOW);
    let expires_at = right(&p, 1).expires_at;
    let last = expires_at - Span::millis(1);
    let (closed_in_time, closed_late) = (closed(&t, last), closed(&t, expires_at));
    let much_later = expires_at + Span::days(40);
    assert_eq!(can_undo(&closed_in_time, &p, much_later), [1], "until the job has taken the account");
    assert!(can_undo(&closed_late, &p, expires_at).is_empty());
    let decision = undo(new(&closed_in_time, &p, right(&p, 1)), much_later);
    let AccountStatus::ErasureDue { since, due, .. } = closed_in_time.status else { panic!("closed") };
    let [change] = decision.changes.all();
    let (a, profile, password) = (change.first::<AccountState>(), change.first(), change.first());
    assert_eq!((a.status, a.identifier), (AccountStatus::Active, hash(1)));
    let (claim, freed) = (AddressClaim::New, Some(hash(2)));
    let withdrawn = Some(WithdrawnRequest { requested_at: since, due });
    let at = much_later;
    let expected = ReturnedAddress {
        totp: None,
        recovery_codes: None,
        passkeys: vec![],
        at,
        authentication: a,
        profile,
        password,
        claim,
        freed,
        withdrawn,
        displaced: None,
    };
    assert_eq!(*change, Change::undo_email_change(expected));
}

#[test]
fn a_right_ends_at_its_expiry_and_with_its_account() {
    let (t, p) = moved(&account(), &profile(), 2, NOW);
    let outcome = |account: &AccountState, now| undo(new(account, &p, right(&p, 1)), now).outcome;
    assert_eq!(outcome(&t, NOW + Span::days(7) - Span::millis(1)), Undone::Restored);
    assert_eq!(outcome(&t, NOW + Span::days(7)), Undone::Over);
    for status in [AccountStatus::Disabled { since: NOW }, AccountStatus::Erased { at: NOW }] {
        assert_eq!(outcome(&AccountState { status, ..t.clone() }, NOW), Undone::Over);
    }
}

/// The owner registered the freed address: that account is closed, only after a confirmation, and without a way to restore it.
#[test]
fn a_newer_account_of_the_address_is_closed_after_a_confirmation() {
    let (t, p) = moved(&account(), &profile(), 2, NOW);
    let newer = AccountState { account: AccountId::from_bytes([9; 16]), identifier: hash(1), version: 3, ..account() };
    let decide = |state: Option<&AccountState>, is_confirmed| {
        let owner = AddressOwner::Other { account: newer.account, state, is_confirmed };
        undo(NewUndo { owner, ..new(&t, &p, right(&p, 1)) }, NOW)
    };
    let asked = decide(Some(&newer), false);
    assert!(asked.outcome == Undone::NewerAccount && asked.changes.is_empty());
    let of = |decision: Decision<Undone>| {
        let change = decision.changes.0.into_iter().next().expect("a change");
        let accounts: Vec<AccountState> = change.written::<AccountState>().cloned().collect();
        let erasures: Vec<DueErasure> = change.written::<DueErasure>().cloned().collect();
        (accounts, erasures)
    };
    let (accounts, erasures) = of(decide(Some(&newer), true));
    let due = NOW + Span::days(30);
    assert_eq!(accounts[1].status, AccountStatus::ErasureDue { since: NOW, due, seed: seed(77) });
    assert!(accounts[1].epoch > newer.epoch && accounts[1].version == 4);
    assert_eq!(erasures, [DueErasure { account: newer.account, identifier: hash(1), due, requested_at: Some(NOW) }]);
    // Closed before: its restoration link ends.
    let (accounts, erasures) = of(decide(Some(&closed(&newer, NOW)), true));
    assert!(matches!(accounts[1].status, AccountStatus::ErasureDue { seed: other, .. } if other == seed(77)));
    assert!(erasures.is_empty());
    let disabled = AccountState { status: AccountStatus::Disabled { since: NOW }, ..newer.clone() };
    assert_eq!(decide(Some(&disabled), true).outcome, Undone::AddressTaken);
    let (accounts, erasures) = of(decide(None, true));
    assert!(accounts.len() == 1 && erasures.is_empty(), "the erasure has removed it meanwhile");
}

#[test]
fn an_account_that_returned_to_the_address_keeps_its_claim() {
    // 1 → 2 → 1 by its owner; the first right is still the oldest one.
    let (two, p) = moved(&account(), &profile(), 2, NOW);
    let (one, p) = moved(&two, &p, 1, NOW + Span::hours(1));
    // The claim was moved to the next version of the identifier key meanwhile: the account goes on naming that one.
    let claimed = IdentifierHash { key_version: 2, hash: [7; 32] };
    let one = AccountState { identifier: claimed, ..one };
    let decision = undo(NewUndo { owner: AddressOwner::Own, ..new(&one, &p, right(&p, 1)) }, NOW + Span::hours(2));
    let [change] = decision.changes.all();
    let (authentication, profile, password) = (change.first::<AccountState>(), change.first(), change.first());
    assert_eq!(authentication.identifier, claimed);
    let claim = AddressClaim::Kept;
    let at = NOW + Span::hours(2);
    let expected = ReturnedAddress {
        totp: None,
        recovery_codes: None,
        passkeys: vec![],
        at,
        authentication,
        profile,
        password,
        claim,
        freed: None,
        withdrawn: None,
        displaced: None,
    };
    assert_eq!(*change, Change::undo_email_change(expected));
}

#[test]
fn a_code_is_requested_once_and_only_for_a_link_without_one() {
    let (t, p) = moved(&account(), &profile(), 2, NOW);
    let request = |p: &Profile, now| request_code(t.status, p, right(p, 1), now);
    assert!(request(&p, NOW).changes.is_empty(), "its mail has a code");
    let old = EmailUndo { has_code: false, ..right(&p, 1).clone() };
    let p = Profile { email_undos: vec![old], ..p };
    assert!(!request(&p, NOW + Span::days(7)).outcome, "expired");
    let decision = request(&p, NOW);
    let next = decision.changes.only(Change::request_undo_code);
    assert!(decision.outcome && right(&next, 1).has_code && next.version == p.version + 1);
    assert!(!request(&next, NOW).outcome);
}
