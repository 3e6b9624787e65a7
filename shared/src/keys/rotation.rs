//! When a signing key is published, signs, only verifies, and is gone: pure rules over time (security 52, 138).
//!
//! ```text
//! created ──PUBLISH──▶ active ── … ──▶ (successor active) ──KEEP──▶ gone
//!   in the JWK Set, does not sign yet       verifies only
//! ```
//! Nothing is written when a key changes state: the state follows from the times of the keys of its algorithm.

use crate::domain::time::{Span, Timestamp};

/// How long a JWK Set may be cached by those who verify: what its `Cache-Control` says at most.
pub const JWKS_MAX_AGE: Span = Span::minutes(15);
/// How long an instance goes without looking at the stored keys.
pub(super) const LOOK_AGAIN: Span = Span::seconds(60);
/// From the publication of a key to its first signature: whoever verifies has it by then, by way of the most stale cache of the
/// most stale instance, with four minutes for clocks.
pub(super) const PUBLISH: Span = Span::minutes(20);
/// How long a key that no longer signs still verifies: far above the life of any token, so that the hint of a sign-out a day
/// later is still read.
pub(super) const KEEP: Span = Span::hours(24);
/// How long a key signs before a new one is made.
pub(super) const ROTATE_AFTER: Span = Span::days(90);

const _: () = assert!(PUBLISH.as_millis() >= JWKS_MAX_AGE.as_millis() + LOOK_AGAIN.as_millis());

/// What a signing key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyState {
    /// Published, does not sign yet.
    Pending,
    /// Signs.
    Active,
    /// Superseded: verifies only.
    Retiring,
    /// Not to be used for anything.
    Gone,
}

/// The state of each of an algorithm's keys, given from when each signs, oldest first.
pub(super) fn states(active_from: &[Timestamp], now: Timestamp) -> Vec<KeyState> {
    let state = |index: usize, from: Timestamp| match active_from.get(index + 1) {
        // The very first one signs at once, also where the clock is behind that of the instance that made it.
        _ if from > now && index > 0 => KeyState::Pending,
        Some(successor) if *successor + KEEP <= now => KeyState::Gone,
        Some(successor) if *successor <= now => KeyState::Retiring,
        Some(_) | None => KeyState::Active,
    };
    active_from.iter().enumerate().map(|(index, from)| state(index, *from)).collect()
}

/// From when a key that is made now signs: at once if it is the first, since nobody can have an older set of keys.
pub(super) fn active_from(first: bool, now: Timestamp) -> Timestamp {
    if first { now } else { now + PUBLISH }
}

/// Whether a successor to the newest key of an algorithm is to be made now.
pub(super) fn is_due(newest_active_from: Timestamp, now: Timestamp) -> bool {
    now >= newest_active_from + ROTATE_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use KeyState::{Active, Gone, Pending, Retiring};
    use proptest::prelude::*;

    fn at(span: Span) -> Timestamp {
        Timestamp::from_seconds(1_000_000) + span
    }

    #[test]
    fn security_52_a_key_is_published_before_it_signs_and_kept_after() {
        let keys = [at(Span::ZERO), at(Span::days(90))];
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
        assert_eq!(states(&[at(Span::ZERO)], at(Span::days(10_000))), [Active], "the last key stays, come what may");
        assert_eq!(states(&keys, at(Span::seconds(-60))), [Active, Pending], "a clock behind the maker's");
        assert_eq!(active_from(true, at(Span::ZERO)), at(Span::ZERO));
        assert_eq!(active_from(false, at(Span::ZERO)), at(PUBLISH));
    }

    #[test]
    fn a_successor_is_due_after_ninety_days_and_not_again_while_it_is_pending() {
        assert!(!is_due(at(Span::ZERO), at(Span::millis(Span::days(90).as_millis() - 1))));
        assert!(is_due(at(Span::ZERO), at(Span::days(90))));
        let successor = active_from(false, at(Span::days(90)));
        assert!(!is_due(successor, at(Span::days(90))));
        assert!(!is_due(successor, at(Span::days(180))));
        assert!(is_due(successor, at(Span::days(181))));
    }

    proptest! {
        #[test]
        fn at_any_moment_exactly_one_signs(
            gaps in prop::collection::vec(0i64..20_000_000, 0..6), after in -1_000i64..200_000_000,
        ) {
            let mut moment = at(Span::ZERO);
            let mut keys = vec![moment];
            for gap in gaps {
                moment = moment + Span::seconds(gap);
                keys.push(moment);
            }
            let states = states(&keys, at(Span::seconds(after)));
            prop_assert_eq!(states.iter().filter(|state| **state == Active).count(), 1);
        }
    }
}
