//! When a signing key is published, signs, only verifies, and expires: pure rules over time (security 52, 138).
//!
//! ```text
//! created ──PUBLISH──▶ active ── … ──▶ (next key active) ──KEEP──▶ gone
//!   in the JWK Set, does not sign yet       verifies only
//! ```
//! Nothing is written when a key changes state: the state follows from the times of all keys of its algorithm. The one exception
//! is a retirement by an operator in an emergency. A retired key expires at once, and the next key does not wait for the caches of
//! verifiers, only until every instance lists it ([`TAKE_OVER`]).

use crate::domain::time::{Span, Timestamp};

/// How long verifiers may cache a JWK Set: the maximum of its `Cache-Control`.
pub const JWKS_MAX_AGE: Span = Span::minutes(15);
/// How long an instance uses its keys before it reads the slots again.
pub(super) const LOOK_AGAIN: Span = Span::seconds(60);
/// From the publication of a key to its first signature. By then every verifier has it, even through the stalest cache of the
/// stalest instance, with four minutes for clock differences.
pub(super) const PUBLISH: Span = Span::minutes(20);
/// The same after an emergency. By then every instance lists the key, so a verifier that does not know it and fetches again finds it
/// (OpenID Connect Core §10.1.1). It includes 15 seconds for clock differences.
pub(super) const TAKE_OVER: Span = Span::seconds(75);
/// How long a key still verifies after its last signature: far above the lifetime of any token, so that the hint of a sign-out one
/// day later is still accepted.
pub(super) const KEEP: Span = Span::hours(24);
/// How long a key signs before the next one is made.
pub(super) const ROTATE_AFTER: Span = Span::days(90);

const _: () = assert!(PUBLISH.as_millis() >= JWKS_MAX_AGE.as_millis() + LOOK_AGAIN.as_millis());
const _: () = assert!(TAKE_OVER.as_millis() >= LOOK_AGAIN.as_millis());

/// The state of a signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, but does not sign yet.
    Pending,
    /// Signs.
    Active,
    /// Superseded: verifies only.
    Retiring,
    /// Expired: not used for anything.
    Gone,
}

/// The stored times of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyTimes {
    /// When it was made and published.
    pub(super) created_at: Timestamp,
    /// When it is planned to start signing.
    pub(super) active_from: Timestamp,
    /// When an operator retired it in an emergency.
    pub(super) retired_at: Option<Timestamp>,
}

/// The current state of a key, and the times that follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyStatus {
    pub(super) state: KeyState,
    /// When it starts to sign: in an emergency earlier than planned.
    pub(super) signs_from: Timestamp,
    /// When it expires, once there is a next key.
    pub(super) expires_at: Option<Timestamp>,
}

/// The state of each key of an algorithm, oldest first.
pub(super) fn key_statuses(keys: &[KeyTimes], now: Timestamp) -> Vec<KeyStatus> {
    let starts = starts(keys);
    let status = |(index, (key, start)): (usize, (&KeyTimes, &Timestamp))| {
        // A key that was retired before it ever signed has not superseded another.
        let later = keys.iter().zip(&starts).skip(index + 1).filter(|(key, start)| has_signed(key, **start));
        let superseded_at = later.map(|(_, start)| *start).min();
        let expires_at = key.retired_at.or(superseded_at.map(|at| at + KEEP));
        let state = if key.retired_at.is_some() {
            // Independent of this instance's clock.
            KeyState::Gone
        } else {
            match superseded_at {
                // A key that signs at once does so even if this clock is behind that of the instance that made it.
                _ if *start > now && (index > 0 || key.active_from > key.created_at) => KeyState::Pending,
                Some(next_key) if next_key + KEEP <= now => KeyState::Gone,
                Some(next_key) if next_key <= now => KeyState::Retiring,
                Some(_) | None => KeyState::Active,
            }
        };
        KeyStatus { state, signs_from: *start, expires_at }
    };
    keys.iter().zip(&starts).enumerate().map(status).collect()
}

/// When each key starts to sign: as planned, or earlier if it replaces a retired one.
fn starts(keys: &[KeyTimes]) -> Vec<Timestamp> {
    let mut before: Option<&KeyTimes> = None;
    let mut starts = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let in_emergency = before.is_some_and(|before| before.retired_at.is_some());
        let start = if in_emergency { key.active_from.min(key.created_at + TAKE_OVER) } else { key.active_from };
        if index == 0 || has_signed(key, start) {
            before = Some(key);
        }
        starts.push(start);
    }
    starts
}

/// Whether the key signs, will sign, or signed before its retirement.
fn has_signed(key: &KeyTimes, start: Timestamp) -> bool {
    key.retired_at.is_none_or(|retired_at| start < retired_at)
}

/// When a key that is made now starts to sign: at once if it is the tenant's first, because no verifier can have an older key set.
pub(super) fn active_from(first: bool, now: Timestamp) -> Timestamp {
    if first { now } else { now + PUBLISH }
}

/// Whether to make the next key now: the signing key has signed long enough, an operator requested it (`ordered`), or no key is left
/// that signs or will sign.
pub(super) fn is_due(key_statuses: &[KeyStatus], ordered: bool, now: Timestamp) -> bool {
    if key_statuses.iter().any(|status| status.state == KeyState::Pending) {
        return false;
    }
    match key_statuses.iter().find(|status| status.state == KeyState::Active) {
        Some(active) => ordered || now >= active.signs_from + ROTATE_AFTER,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeyState::{Active, Gone, Pending, Retiring};
    use proptest::prelude::*;

    /// The second key signs 90 days plus its own publication time after the first.
    const SECOND: Span = Span::minutes(90 * 24 * 60 + 20);

    fn at(span: Span) -> Timestamp {
        Timestamp::from_seconds(1_000_000) + span
    }
    /// A key that was made this long before it signs.
    fn key(active: Span, published: Span) -> KeyTimes {
        let active_from = at(active);
        KeyTimes { created_at: active_from - published, active_from, retired_at: None }
    }
    fn retired(key: KeyTimes, span: Span) -> KeyTimes {
        KeyTimes { retired_at: Some(at(span)), ..key }
    }
    fn states(keys: &[KeyTimes], now: Timestamp) -> Vec<KeyState> {
        key_statuses(keys, now).into_iter().map(|status| status.state).collect()
    }

    fn is_due(keys: &[KeyTimes], ordered: bool, now: Timestamp) -> bool {
        super::is_due(&key_statuses(keys, now), ordered, now)
    }

    #[test]
    fn security_52_a_key_is_published_before_it_signs_and_kept_after() {
        let keys = [key(Span::ZERO, Span::ZERO), key(Span::days(90), PUBLISH)];
        let cases = [
            (Span::ZERO, [Active, Pending]),
            (Span::millis(Span::days(90).as_millis() - 1), [Active, Pending]),
            (Span::days(90), [Retiring, Active]),
            (Span::millis(Span::days(91).as_millis() - 1), [Retiring, Active]),
            (Span::days(91), [Gone, Active]),
            (Span::days(1000), [Gone, Active]),
        ];
        for (span, expected) in cases {
            assert_eq!(states(&keys, at(span)), expected, "after {span:?}");
        }
        assert_eq!(states(&keys[..1], at(Span::days(10_000))), [Active], "the last key never expires");
        assert_eq!(
            states(&keys, at(Span::seconds(-60))),
            [Active, Pending],
            "a clock behind that of the instance that made the key"
        );
        assert_eq!(active_from(true, at(Span::ZERO)), at(Span::ZERO));
        assert_eq!(active_from(false, at(Span::ZERO)), at(PUBLISH));
    }

    #[test]
    fn security_52_the_first_key_of_an_algorithm_waits_if_other_keys_are_already_known() {
        let later = key(Span::minutes(20), PUBLISH);
        assert_eq!(states(&[later], at(Span::ZERO)), [Pending]);
        assert!(!is_due(&[later], true, at(Span::ZERO)));
        assert_eq!(states(&[later], at(Span::minutes(20))), [Active]);
    }

    #[test]
    fn the_next_key_is_due_after_ninety_days_and_not_again_while_one_is_pending() {
        let first = key(Span::ZERO, Span::ZERO);
        assert!(!is_due(&[first], false, at(Span::millis(Span::days(90).as_millis() - 1))));
        assert!(is_due(&[first], false, at(Span::days(90))));
        assert!(is_due(&[first], true, at(Span::days(1))), "an operator's order");
        let both = [first, key(SECOND, PUBLISH)];
        for ordered in [false, true] {
            assert!(!is_due(&both, ordered, at(Span::days(90))), "one is pending");
        }
        assert!(!is_due(&both, false, at(Span::days(180))));
        assert!(is_due(&both, false, at(Span::days(181))));
    }

    #[test]
    fn security_138_a_retired_key_expires_at_once_and_a_published_next_key_takes_over() {
        let (first, second) = (key(Span::ZERO, Span::ZERO), key(Span::minutes(20), PUBLISH));
        let keys = [retired(first, Span::minutes(5)), second];
        assert_eq!(states(&keys, at(Span::minutes(5))), [Gone, Active], "listed by every instance");
        assert_eq!(states(&keys, at(Span::seconds(10))), [Gone, Pending], "not listed by every instance yet");
        assert!(!is_due(&keys, false, at(Span::minutes(5))));
        // Retired while pending: the first key continues as if the second had never existed.
        let keys = [first, retired(second, Span::minutes(5))];
        assert_eq!(states(&keys, at(Span::days(60))), [Active, Gone]);
        assert!(is_due(&keys, true, at(Span::minutes(6))));
    }

    #[test]
    fn security_138_without_any_key_left_the_next_one_is_due_and_signs_after_every_instance_lists_it() {
        let (first, second) = (key(Span::ZERO, Span::ZERO), retired(key(Span::days(90), PUBLISH), SECOND));
        let now = at(SECOND);
        assert_eq!(states(&[first, second], now), [Retiring, Gone], "a superseded key never signs again");
        assert!(is_due(&[first, second], false, now));
        let third = KeyTimes { created_at: now, active_from: now + PUBLISH, retired_at: None };
        let keys = [first, second, third];
        assert_eq!(states(&keys, now), [Retiring, Gone, Pending]);
        assert!(!is_due(&keys, true, now));
        assert_eq!(states(&keys, now + Span::seconds(74)), [Retiring, Gone, Pending]);
        assert_eq!(states(&keys, now + TAKE_OVER), [Retiring, Gone, Active]);
        assert_eq!(states(&[retired(first, Span::days(1))], at(Span::days(1))), [Gone]);
        // A clock that is behind the operator's does not change a retired key.
        assert_eq!(states(&[retired(first, Span::days(1))], at(Span::ZERO)), [Gone]);
    }

    proptest! {
        #[test]
        fn at_any_time_at_most_one_key_signs_and_one_signs_or_is_due(
            made in prop::collection::vec((0i64..20_000_000, prop::option::of(0i64..200_000_000)), 1..7),
            after in -1_000i64..200_000_000,
        ) {
            let now = at(Span::seconds(after));
            let (mut moment, mut keys) = (at(Span::ZERO), Vec::new());
            for (index, (gap, retired)) in made.into_iter().enumerate() {
                moment = moment + Span::seconds(gap);
                let published = if index == 0 { Span::ZERO } else { PUBLISH };
                let retired_at = retired.map(|retired| at(Span::seconds(retired))).filter(|retired_at| *retired_at <= now);
                keys.push(KeyTimes { created_at: moment - published, active_from: moment, retired_at });
            }
            let states = states(&keys, now);
            let signing = states.iter().filter(|state| **state == Active).count();
            prop_assert!(signing <= 1, "{states:?}");
            prop_assert!(signing == 1 || states.contains(&Pending) || is_due(&keys, false, now), "{states:?}");
            for (state, key) in states.iter().zip(&keys) {
                prop_assert!(key.retired_at.is_none() || *state == Gone);
            }
            if keys.iter().all(|key| key.retired_at.is_none()) {
                prop_assert_eq!(signing, 1);
            }
        }
    }
}
