//! Limits of mails, in one place (decision 31): what each purpose of a mail has as its limit, and what triggered a mail.
//!
//! | purpose | trigger | limit | over the limit |
//! |---|---|---|---|
//! | registration, code or notice | form or API, at most three resends each | [`SHORT_CODES_A_DAY`] for each address; then [`STARTS_A_DAY`] for each address and trigger, with long codes | 429, nothing is started |
//! | sign-in code | form, at most three resends each | as a registration; both share [`SHORT_CODES_A_DAY`] | 429, nothing is started |
//! | password reset | form | [`STARTS_A_DAY`] for each address and trigger | 429, nothing is started |
//! | code for a new address | signed-in user | [`super::email_change::STARTS_A_DAY`] for each account | 429, nothing is started |
//! | code for the present address | signed-in user | [`super::address_proof::STARTS_A_DAY`] for each account | 429, nothing is started |
//! | way back: undo of an address change, restoration | the account's own change; a flow, as above | none | |
//! | way back, sent again | the right password of a closed account; a link without a code, once | [`STARTS_A_DAY`] for each account | the page says the same, no mail |
//! | code that starts the removal of lost factors, and its notice | the holder of the password | [`STARTS_A_DAY`] codes for each account; one removal in [`super::lost_factor::AGAIN_AFTER`] | the page says so, no mail |
//! | with "this wasn't me": second factors and passkeys | the account's own change, [`super::recovery_codes::CHANGES_A_DAY`]; five wrong codes after the right password | none | |
//! | notice of a sign-in on a new device | the holder of the password, mailbox or passkey, by deleting cookies | [`NOTICES_AN_HOUR`], [`NOTICES_A_DAY`] for each account, apart from every other kind | deferred and merged |
//! | notice | the account's own change | [`NOTICES_AN_HOUR`], [`NOTICES_A_DAY`] for each kind and account | deferred and merged |

use super::delivery::MailPurpose;
use super::id::AccountId;
use super::secret::SecretHash;
use super::time::{Span, Timestamp};
use crate::digest::sha256;
use data_encoding::BASE64URL_NOPAD;

/// Maximum number of registrations and sign-ins of one address in a day (UTC) that get a code of 6 digits. Five tries each: any 24 hours contain
/// fewer than 100 guesses, because they touch at most two days. Further ones get a code of 50 bits, so a stranger who
/// uses these up stops no user.
pub const SHORT_CODES_A_DAY: u32 = 9;
/// How many flows with mails of one purpose to one address a trigger can start in a day (UTC). The code of a registration can be sent
/// again, at most [`super::flow::MAX_RESENDS`] times; a resend is not counted here.
pub const STARTS_A_DAY: u32 = 20;
/// Maximum number of notices of one kind to one account in an hour (UTC).
pub const NOTICES_AN_HOUR: u32 = 5;
/// Maximum number of notices of one kind to one account in a day (UTC).
pub const NOTICES_A_DAY: u32 = 10;

/// How the mails of a purpose are limited when they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailLimit {
    /// Not at all: without this mail the user cannot finish or recover. What triggers it is limited, before anything is written.
    AtTrigger,
    /// Above the limit one notice of its kind waits, at most until the next day, and those after it are merged into it.
    Deferred,
}

/// Which limit a mailed code counts in, and how long it is.
#[derive(Debug, Clone, Copy)]
pub enum CodeLimit {
    /// A code of 6 digits, one of the few that the address gets in a day.
    Short,
    /// A code of 50 bits, one of those that this trigger may cause in a day.
    Long(Trigger),
}

impl MailPurpose {
    /// The limit of this purpose.
    #[must_use]
    pub const fn limit(self) -> MailLimit {
        match self {
            Self::Registration
            | Self::Recovery
            | Self::SignInCode
            | Self::WayBack
            | Self::AddressProof
            | Self::NotMe
            | Self::LostFactor => MailLimit::AtTrigger,
            Self::PasswordChanged
            | Self::AddressRequested
            | Self::AddressRestored
            | Self::AccountRestored
            | Self::NewDevice => MailLimit::Deferred,
        }
    }
}

/// What triggered a mail: a stranger never shares the trigger of an owner who signed in from this browser before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger([u8; 12]);

impl Trigger {
    /// The holder of the account's password.
    #[must_use]
    pub fn account(account: AccountId) -> Self {
        Self::new("account", account.as_bytes())
    }
    /// A browser in this network that is, or was, a known device of this account.
    #[must_use]
    pub fn device_of(account: AccountId, address_hash: &str) -> Self {
        Self::new("device", &[account.as_bytes(), address_hash.as_bytes()].concat())
    }
    /// The network of the caller, by its keyed hash.
    #[must_use]
    pub fn source(address_hash: &str) -> Self {
        Self::new("source", address_hash.as_bytes())
    }
    /// A browser at an unknown address.
    #[must_use]
    pub fn browser(binding: &SecretHash) -> Self {
        Self::new("browser", binding.as_bytes())
    }
    fn new(kind: &str, value: &[u8]) -> Self {
        let digest = sha256(&[kind.as_bytes(), b"\n", value].concat());
        let mut first = [0; 12];
        first.copy_from_slice(&digest[..12]);
        Self(first)
    }
}

/// As text in keys: 16 characters of base64url.
impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// The time until the next day (UTC), when the limits of a day start again.
#[must_use]
pub fn until_tomorrow(now: Timestamp) -> Span {
    until_next(Span::days(1), now)
}

/// When a notice over its limit is due: in the next hour, or on the next day if the day is used up (UTC).
#[must_use]
pub fn due(happened_at: Timestamp, is_day_full: bool) -> Timestamp {
    happened_at + until_next(if is_day_full { Span::days(1) } else { Span::hours(1) }, happened_at)
}

fn until_next(period: Span, now: Timestamp) -> Span {
    Span::millis(period.as_millis() - now.millis().rem_euclid(period.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::MAX_TRIES;

    #[test]
    fn security_79_the_guesses_at_one_address_stay_below_a_hundred_a_day() {
        // Any 24 hours touch two days.
        assert!(2 * SHORT_CODES_A_DAY * u32::from(MAX_TRIES) < 100);
    }

    #[test]
    fn limits_start_again_on_the_hour_or_day() {
        let noon = Timestamp::from_seconds(1_772_366_400);
        assert_eq!(until_tomorrow(noon), Span::hours(12));
        assert_eq!(until_tomorrow(noon + Span::hours(12)), Span::days(1));
        assert_eq!(due(noon + Span::minutes(59), false), noon + Span::hours(1));
        assert_eq!(due(noon, true), noon + Span::hours(12));
    }

    #[test]
    fn triggers_of_different_kinds_never_meet() {
        let (account, hash) = (AccountId::from_bytes([7; 16]), SecretHash::from_bytes([7; 32]));
        let all = [
            Trigger::account(account),
            Trigger::device_of(account, "7"),
            Trigger::device_of(account, "8"),
            Trigger::source("7"),
            Trigger::source("8"),
            Trigger::browser(&hash),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(one.to_string().len() == 16 && all[n + 1..].iter().all(|other| other != one));
        }
    }

    #[test]
    fn only_notices_wait() {
        for purpose in [MailPurpose::Registration, MailPurpose::Recovery, MailPurpose::WayBack] {
            assert_eq!(purpose.limit(), MailLimit::AtTrigger, "{purpose:?}");
        }
    }
}
