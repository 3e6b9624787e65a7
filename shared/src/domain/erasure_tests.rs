//! Closing, restoring, holding and erasing: by which caller, and until when.

use super::DeletionRecord;
use super::decisions::{
    Erasure, Hold, Replayed, Requested, Restored, erase, lift_hold, place_hold, replay, request_deletion, restore,
};
use super::*;
use crate::domain::account::{AccountState, AccountStatus, LinkSeed};
use crate::domain::change::Change;
use crate::domain::email_undo::WithdrawnRequest;
use crate::domain::failure_window::FailureWindow;
use crate::domain::oauth::fixture::{NOW, authentication};

const DAY: Span = Span::days(1);
const GRACE: Span = Span::days(30);

fn seed() -> LinkSeed {
    LinkSeed { key_version: 1, bytes: [7; 16] }
}
fn closed() -> (AccountState, DueErasure) {
    let decision = request_deletion(&authentication(), seed(), GRACE, NOW);
    let change = decision.changes.0.first().expect("a change");
    let (authentication, erasure): (AccountState, DueErasure) = (change.first(), change.first());
    assert_eq!(*change, Change::request_deletion(authentication.clone(), erasure.clone()));
    (authentication, erasure)
}
fn with(status: AccountStatus) -> AccountState {
    AccountState { status, ..authentication() }
}

#[test]
fn closing_ends_all_sessions_and_grants_and_sets_the_day_of_the_erasure() {
    let before = authentication();
    let (after, erasure) = closed();
    assert_eq!((after.epoch, after.version), (before.epoch + 1, before.version + 1));
    assert_eq!(after.status, AccountStatus::ErasureDue { since: NOW, due: NOW + GRACE, seed: seed() });
    assert_eq!(
        erasure,
        DueErasure { account: before.account, identifier: before.identifier, due: NOW + GRACE, requested_at: Some(NOW) }
    );
}

#[test]
fn closing_twice_changes_nothing_and_a_disabled_or_erased_account_cannot_be_closed() {
    let (after, _) = closed();
    let again = request_deletion(&after, LinkSeed { key_version: 1, bytes: [8; 16] }, DAY, NOW + DAY);
    assert_eq!(again.outcome, Requested::ErasureDue { due: NOW + GRACE });
    assert!(again.changes.is_empty(), "another due date would leave the first due work behind");
    for status in [AccountStatus::Disabled { since: NOW }, AccountStatus::Erased { at: NOW }] {
        let refused = request_deletion(&with(status), seed(), GRACE, NOW);
        assert!(refused.outcome == Requested::NotActive && refused.changes.is_empty(), "{status:?}");
    }
}

/// security 130: a request that was admitted before the account was closed may still write until its end.
#[test]
fn no_erasure_starts_within_ten_minutes_whatever_the_grace_period_is() {
    let decision = request_deletion(&authentication(), seed(), Span::ZERO, NOW);
    assert_eq!(decision.outcome, Requested::ErasureDue { due: NOW + MIN_GRACE });
    let early = AccountStatus::ErasureDue { since: NOW, due: NOW, seed: seed() };
    let erasure = DueErasure { due: NOW, ..closed().1 };
    for (after, expected) in [
        (Span::ZERO, Erasure::NotDue),
        (MIN_GRACE - Span::millis(1), Erasure::NotDue),
        (MIN_GRACE, Erasure::Remove { at: NOW + MIN_GRACE }),
    ] {
        assert_eq!(erase(Some(&with(early)), &erasure, NOW + after).outcome, expected, "{after:?}");
    }
}

#[test]
fn the_link_restores_only_once_and_until_the_job_has_taken_the_account() {
    let (closed, _) = closed();
    for (name, account, fits, now, expected) in [
        ("at once", &closed, true, NOW, Restored::Restored),
        ("when due", &closed, true, NOW + GRACE, Restored::Restored),
        ("days after it was due, because the job was late", &closed, true, NOW + GRACE + DAY, Restored::Restored),
        ("with another link", &closed, false, NOW, Restored::Over),
        ("in use", &authentication(), true, NOW, Restored::Over),
        ("erased", &with(AccountStatus::Erased { at: NOW }), true, NOW, Restored::Over),
        ("disabled", &with(AccountStatus::Disabled { since: NOW }), true, NOW, Restored::Over),
    ] {
        let decision = restore(account, fits, now);
        assert_eq!(decision.outcome, expected, "{name}");
        assert_eq!(decision.changes.is_empty(), expected == Restored::Over, "{name}");
        if let Some(change) = decision.changes.0.first() {
            let authentication: AccountState = change.first();
            let request = WithdrawnRequest { requested_at: NOW, due: NOW + GRACE };
            assert_eq!(*change, Change::restore_account(authentication.clone(), request, now), "{name}");
            assert!(authentication.is_active(), "{name}");
            assert_eq!(authentication.epoch, account.epoch, "ended sessions and grants stay ended");
            assert_eq!(authentication.epoch_began_at, Some(now), "earlier sign-ins at other systems stay ended");
        }
    }
}

#[test]
fn only_an_account_that_is_due_is_erased() {
    let (closed, erasure) = closed();
    let at = NOW + GRACE;
    let other_time = DueErasure { due: at - DAY, ..erasure.clone() };
    let erased = with(AccountStatus::Erased { at: NOW + DAY });
    for (name, account, work, now, expected) in [
        ("due", Some(&closed), &erasure, at, Erasure::Remove { at }),
        ("a moment too early", Some(&closed), &erasure, at - Span::millis(1), Erasure::NotDue),
        ("restored", Some(&authentication()), &erasure, at, Erasure::NotDue),
        ("disabled", Some(&with(AccountStatus::Disabled { since: NOW })), &erasure, at, Erasure::NotDue),
        ("due at another time", Some(&closed), &other_time, at, Erasure::NotDue),
        ("broken off", Some(&erased), &erasure, at, Erasure::Remove { at: NOW + DAY }),
        ("broken off, and collected since", None, &erasure, at, Erasure::Remove { at }),
    ] {
        let decision = erase(account, work, now);
        assert_eq!(decision.outcome, expected, "{name}");
        assert_eq!(decision.changes.is_empty(), name != "due", "{name}");
    }
}

#[test]
fn an_erased_account_holds_no_data_of_the_user() {
    let (mut closed, erasure) = closed();
    closed.devices.push(crate::domain::known_device::KnownDevice::new(5));
    closed.failures = closed.failures.failed(NOW);
    let at = NOW + GRACE;
    let decision = erase(Some(&closed), &erasure, at);
    let erased = decision.changes.only(Change::erase_account);
    assert_eq!(erased.status, AccountStatus::Erased { at });
    assert_eq!((erased.version, erased.epoch), (closed.version + 1, closed.epoch + 1));
    assert!(erased.devices.is_empty() && erased.failures == FailureWindow::default());
    assert!(erased.identifier.hash == [0; 32] && erased.sub.as_bytes() == &[0; 16] && erased.created_at == at);
}

#[test]
fn security_132_a_legal_hold_defers_an_erasure_to_another_day_until_it_is_lifted() {
    let (closed, erasure) = closed();
    let at = NOW + GRACE;
    let placed = place_hold(&closed, NOW + DAY);
    let held = placed.changes.only(Change::place_legal_hold);
    assert_eq!((placed.outcome, held.legal_hold), (Hold::Placed, Some(NOW + DAY)));
    assert_eq!(place_hold(&held, NOW).outcome, Hold::Unchanged);

    let decision = erase(Some(&held), &erasure, at);
    assert_eq!(decision.outcome, Erasure::Deferred { until: at + DEFERRAL });
    let [change] = decision.changes.all();
    let (authentication, next): (AccountState, DueErasure) = (change.first(), change.first());
    assert_eq!(*change, Change::defer_erasure(authentication.clone(), at, next.clone()));
    assert!(next.due == at + DEFERRAL && next.identifier == erasure.identifier);
    assert_eq!(authentication.status, AccountStatus::ErasureDue { since: NOW, due: next.due, seed: seed() });
    assert_eq!(
        erase(Some(&authentication), &erasure, at).outcome,
        Erasure::NotDue,
        "the work of the former day is no longer due"
    );
    assert!(DEFERRAL > DAY, "a deferral to the same day would have the same key");

    let lifted = lift_hold(&authentication);
    let free = lifted.changes.only(Change::lift_legal_hold);
    assert_eq!(lift_hold(&free).outcome, Hold::Unchanged);
    assert_eq!(erase(Some(&free), &next, next.due).outcome, Erasure::Remove { at: next.due });
    let erased = with(AccountStatus::Erased { at });
    assert_eq!((place_hold(&erased, at).outcome, lift_hold(&erased).outcome), (Hold::Erased, Hold::Erased));
}

/// A restored backup: the records of the table of keys bring back what it does not contain, and nothing that is older than it.
#[test]
fn security_132_the_newest_record_of_an_account_decides() {
    let closed_at = |since: Timestamp| AccountStatus::ErasureDue { since, due: since + GRACE, seed: seed() };
    let record = |at: Timestamp, status| DeletionRecord { account: authentication().account, at, status };
    let requested = |at| record(at, closed_at(at));
    let restored = |at| record(at, AccountStatus::Active);
    let active = |began| AccountState { epoch_began_at: began, ..authentication() };
    let closed = |since| with(closed_at(since));
    let erased = with(AccountStatus::Erased { at: NOW });
    let table = [
        ("a request", active(None), requested(NOW), false, Replayed::Closed),
        ("a request before a password change", active(Some(NOW + DAY)), requested(NOW), false, Replayed::Closed),
        ("a request before a restoration", active(Some(NOW + DAY)), requested(NOW), true, Replayed::Unchanged),
        ("a request after a restoration", active(Some(NOW - DAY)), requested(NOW), true, Replayed::Closed),
        (
            "a request of a disabled account",
            with(AccountStatus::Disabled { since: NOW }),
            requested(NOW),
            false,
            Replayed::Closed,
        ),
        ("the same request", closed(NOW), requested(NOW), false, Replayed::Unchanged),
        ("a later request", closed(NOW - DAY), requested(NOW), false, Replayed::Closed),
        ("an earlier request", closed(NOW + DAY), requested(NOW), false, Replayed::Unchanged),
        ("a restoration", closed(NOW - DAY), restored(NOW), false, Replayed::Restored),
        ("a restoration in the same moment", closed(NOW), restored(NOW), false, Replayed::Restored),
        ("a restoration of an earlier request", closed(NOW + DAY), restored(NOW), false, Replayed::Unchanged),
        ("a restoration of an active account", active(None), restored(NOW), false, Replayed::Unchanged),
        ("a request of an erased account", erased.clone(), requested(NOW), false, Replayed::Unchanged),
        ("a restoration of an erased account", erased, restored(NOW), false, Replayed::Unchanged),
    ];
    for (name, state, record, restored_later, expected) in table {
        let decision = replay(&state, &record, restored_later, NOW + DAY);
        assert_eq!(decision.outcome, expected, "{name}");
        let Some(change) = decision.changes.0.first() else { continue };
        assert!(change.event().is_none(), "{name}: the event was recorded when it happened");
        let after: AccountState = change.first();
        assert_eq!((after.status, after.version), (record.status, state.version + 1), "{name}");
        assert!(
            change
                .written::<DueErasure>()
                .all(|work| matches!(after.status, AccountStatus::ErasureDue { due, .. } if due == work.due))
        );
        assert!(after.epoch > state.epoch || !state.is_active(), "{name}: a closed account has no live session");
        let again = replay(&after, &record, false, NOW + DAY);
        assert_eq!(again.outcome, Replayed::Unchanged, "{name}: a second replay changes nothing");
    }
}

/// The service was down when the erasure became due, or shortly before: the person has time to use the mailed link.
#[test]
fn security_132_a_replayed_request_leaves_time_to_restore_the_account() {
    let status = AccountStatus::ErasureDue { since: NOW, due: NOW + GRACE, seed: seed() };
    let record = DeletionRecord { account: authentication().account, at: NOW, status };
    let earlier =
        AccountStatus::ErasureDue { since: NOW - DAY, due: NOW - DAY + GRACE, seed: LinkSeed { bytes: [8; 16], ..seed() } };
    let (before, after) = (NOW + GRACE - REPLAY_GRACE, NOW + GRACE + DAY);
    for (state, now, due) in [
        (authentication(), NOW + DAY, NOW + GRACE),
        (authentication(), before, NOW + GRACE),
        (authentication(), before + DAY, NOW + GRACE + DAY),
        (authentication(), after, after + REPLAY_GRACE),
        (with(earlier), after, after + REPLAY_GRACE),
    ] {
        let decision = replay(&state, &record, false, now);
        assert_eq!(decision.outcome, Replayed::Closed);
        let [change] = decision.changes.all();
        let (closed, work): (AccountState, DueErasure) = (change.first(), change.first());
        assert_eq!(closed.status, AccountStatus::ErasureDue { since: NOW, due, seed: seed() }, "the same link restores it");
        assert_eq!(work, due_work(&closed, due));
        assert_eq!(erase(Some(&closed), &work, due - Span::millis(1)).outcome, Erasure::NotDue);
        assert_eq!(erase(Some(&closed), &work, due).outcome, Erasure::Remove { at: due });
        assert!(replay(&closed, &record, false, now + DAY).changes.is_empty(), "a second replay changes nothing");
        assert_eq!(restore(&closed, true, due).outcome, Restored::Restored);
    }
}

fn due_work(closed: &AccountState, due: Timestamp) -> DueErasure {
    DueErasure { account: closed.account, identifier: closed.identifier, due, requested_at: Some(NOW) }
}
