//! Codes of an authenticator app: TOTP (RFC 6238) with SHA-1, 30 seconds and 6 digits, which every app knows.
//!
//! 1. A code of the present step is accepted, and those of the steps before and after it (RFC 6238 §5.2).
//! 2. A step that is not later than the last accepted one is refused: each code works once (RFC 6238 §5.2).
//! 3. A refused code is also compared with the steps within five minutes, so that the page can say that the phone's clock is wrong.

use crate::digest::hmac_sha1;
use crate::domain::crockford::ungrouped;
use crate::domain::id::AccountId;
use crate::domain::secret::SecretText;
use crate::domain::sign_in::evidence::Evidence;
use crate::domain::sign_in::method::Method;
use crate::domain::time::{Span, Timestamp};
use crate::domain::totp::TotpSeed;
use zeroize::Zeroizing;

/// Seconds of a step.
const STEP: i64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;
/// How many steps a code may be early or late.
const TOLERANCE: i64 = 1;
/// How many steps a wrong clock is recognized.
const RECOGNIZED: i64 = 10;

/// Why a code is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpRefused {
    /// It does not have six digits.
    NotACode,
    /// It was used before.
    Used,
    /// It is wrong.
    Wrong {
        /// How far the phone's clock is ahead of ours, if the code would fit then. Negative: it is behind.
        ///
        /// Only a hint. A code of a future step becomes valid soon: do not show the hint to an unknown person before two codes of the same
        /// attempt were off.
        clock_off: Option<ClockOff>,
    },
}

/// How far a clock is ahead of ours. Negative: it is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOff {
    steps: i64,
}

impl ClockOff {
    /// Whether the clock is ahead of ours.
    #[must_use]
    pub const fn is_ahead(self) -> bool {
        self.steps > 0
    }
    /// The difference.
    #[must_use]
    pub const fn by(self) -> Span {
        Span::seconds(self.steps.abs() * STEP)
    }
}

/// Checks a typed code. Returns its step, which the caller stores with the account: it is accepted only if that write succeeds. `last_step` is
/// the step that was accepted last. Spaces and dashes make no difference.
///
/// # Errors
/// Why it is refused.
pub fn check(seed: &TotpSeed, typed: &SecretText, last_step: Option<u64>, now: Timestamp) -> Result<u64, TotpRefused> {
    let typed = digits_of(typed).ok_or(TotpRefused::NotACode)?;
    let (mut accepted, mut is_used, mut clock_off) = (None, false, None);
    // Every step is compared: the time depends on the code in none of them.
    for steps in -RECOGNIZED..=RECOGNIZED {
        let Ok(step) = u64::try_from(step_at(now) + steps) else { continue };
        if !is_equal(&code_of(seed, step), &typed) {
            continue;
        }
        if steps.abs() > TOLERANCE {
            let is_nearer = clock_off.is_none_or(|other: ClockOff| steps.abs() < other.steps.abs());
            clock_off = if is_nearer { Some(ClockOff { steps }) } else { clock_off };
        } else if last_step.is_none_or(|last| step > last) {
            accepted = Some(step);
        } else {
            is_used = true;
        }
    }
    match (accepted, is_used) {
        (Some(step), _) => Ok(step),
        (None, true) => Err(TotpRefused::Used),
        (None, false) => Err(TotpRefused::Wrong { clock_off }),
    }
}

/// The user has just shown a code of this account's app.
pub(in crate::domain) const fn proven(account: AccountId, now: Timestamp) -> Evidence {
    Evidence::new(account, Method::Totp, now)
}

/// The code that the app shows now.
#[must_use]
pub fn current_code(seed: &TotpSeed, now: Timestamp) -> SecretText {
    let code = u64::try_from(step_at(now)).map_or([b'0'; DIGITS], |step| code_of(seed, step));
    code.iter().map(|digit| char::from(*digit)).collect::<String>().into()
}

fn step_at(now: Timestamp) -> i64 {
    now.seconds().div_euclid(STEP)
}

fn digits_of(typed: &SecretText) -> Option<Zeroizing<[u8; DIGITS]>> {
    let mut digits = Zeroizing::new([0; DIGITS]);
    let mut count = 0;
    for c in ungrouped(typed.expose()) {
        *digits.get_mut(count)? = u8::try_from(c).ok().filter(u8::is_ascii_digit)?;
        count += 1;
    }
    (count == DIGITS).then_some(digits)
}

/// HOTP of the step (RFC 4226 §5.3).
fn code_of(seed: &TotpSeed, step: u64) -> [u8; DIGITS] {
    let tag = Zeroizing::new(hmac_sha1(seed.expose(), &step.to_be_bytes()));
    let offset = usize::from(tag[19] & 0x0f);
    let number = u32::from_be_bytes([tag[offset] & 0x7f, tag[offset + 1], tag[offset + 2], tag[offset + 3]]);
    let mut rest = number % 1_000_000;
    let mut code = [b'0'; DIGITS];
    for digit in code.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    code
}

/// In constant time.
fn is_equal(one: &[u8; DIGITS], other: &[u8; DIGITS]) -> bool {
    one.iter().zip(other).fold(0u8, |acc, (a, b)| acc | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of both RFCs' test vectors.
    fn seed() -> TotpSeed {
        TotpSeed::from_bytes(*b"12345678901234567890")
    }
    fn at(step: i64) -> Timestamp {
        Timestamp::from_seconds(step * STEP)
    }
    fn typed(step: u64) -> SecretText {
        String::from_utf8(code_of(&seed(), step).to_vec()).unwrap().into()
    }

    #[test]
    fn the_vectors_of_rfc_4226_appendix_d() {
        let expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, code) in expected.iter().enumerate() {
            assert_eq!(code_of(&seed(), step as u64), code.as_bytes(), "{step}");
        }
    }

    #[test]
    fn the_vectors_of_rfc_6238_appendix_b() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            // The vectors have eight digits. The last six are the same.
            assert_eq!(current_code(&seed(), now).expose(), &code[2..], "{seconds}");
            assert_eq!(check(&seed(), &code[2..].into(), None, now), Ok(u64::try_from(seconds / STEP).unwrap()));
        }
    }

    /// Other systems make seeds of other lengths. A shorter key of HMAC is the same as one that zeros follow (RFC 2104 §2).
    #[test]
    fn a_seed_of_another_system_has_another_length() {
        for length in [10, 20, 32, 64] {
            let imported = TotpSeed::from_slice(&vec![7; length]).unwrap();
            let code = String::from_utf8(code_of(&imported, 1000).to_vec()).unwrap();
            assert_eq!(check(&imported, &code.into(), None, at(1000)), Ok(1000), "{length}");
        }
        for length in [0, 9, 65] {
            assert!(TotpSeed::from_slice(&vec![7; length]).is_none(), "{length}");
        }
        let short = TotpSeed::from_slice(b"1234567890").unwrap();
        let padded = TotpSeed::from_bytes(*b"1234567890\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(code_of(&short, 1000), code_of(&padded, 1000));
    }

    #[test]
    fn the_steps_before_and_after_are_accepted_and_no_others() {
        for (steps, is_accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let step = u64::try_from(1000 + steps).unwrap();
            assert_eq!(check(&seed(), &typed(step), None, at(1000)).is_ok(), is_accepted, "{steps}");
        }
    }

    #[test]
    fn a_code_works_once_and_no_earlier_one_after_it() {
        let now = at(1000);
        assert_eq!(check(&seed(), &typed(1000), Some(1000), now), Err(TotpRefused::Used));
        assert_eq!(check(&seed(), &typed(999), Some(1000), now), Err(TotpRefused::Used));
        assert_eq!(check(&seed(), &typed(1001), Some(1000), now), Ok(1001));
        assert_eq!(check(&seed(), &typed(1000), Some(999), now), Ok(1000));
    }

    #[test]
    fn a_wrong_clock_is_recognized_within_five_minutes() {
        let off = |step| match check(&seed(), &typed(step), None, at(1000)) {
            Err(TotpRefused::Wrong { clock_off }) => clock_off,
            other => panic!("{other:?}"),
        };
        let behind = off(995).unwrap();
        assert!(!behind.is_ahead() && behind.by() == Span::seconds(150));
        let ahead = off(1010).unwrap();
        assert!(ahead.is_ahead() && ahead.by() == Span::minutes(5));
        assert_eq!(off(1011), None);
        assert_eq!(off(989), None);
        assert_eq!(check(&seed(), &typed(3), None, at(0)), Err(TotpRefused::Wrong { clock_off: Some(ClockOff { steps: 3 }) }));
    }

    #[test]
    fn a_code_is_typed_with_spaces_and_nothing_else() {
        let code = typed(1000);
        let (first, last) = code.expose().split_at(3);
        for tolerated in [format!(" {first} {last}\n"), format!("{first}-{last}"), format!("{first}\u{a0}{last}")] {
            assert_eq!(check(&seed(), &tolerated.as_str().into(), None, at(1000)), Ok(1000), "{tolerated:?}");
        }
        for other in ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "+12345"] {
            assert_eq!(check(&seed(), &other.into(), None, at(1000)), Err(TotpRefused::NotACode), "{other}");
        }
    }
}
