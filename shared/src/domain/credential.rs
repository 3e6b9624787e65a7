//! Passwords: policy presets, strength, blocklist (security 65–69). The hashing is in `keys`.
//!
//! 1. Length: at least the preset's minimum, at most 256 code points and 1 KiB; never truncated. No composition rules.
//! 2. Blocklist: common passwords, repetitions of short texts, and words about the user or the service.
//! 3. Strength: an estimate of the number of guesses, if the preset requires one.

mod blocklist;
mod flaw;
mod strength;

pub use flaw::{Advice, PasswordFlaw};

use super::id::AccountId;
use super::secret::{PasswordHash, SecretText};
use super::tenant::PasswordPolicy;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The stored password of an account (with its own key prefix: token, export and retention cannot read it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordCredential {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// Its hash.
    #[serde(rename = "h")]
    pub hash: PasswordHash,
    /// When it was set.
    #[serde(rename = "at")]
    pub changed_at: Timestamp,
    /// The version of this state.
    pub version: u64,
}

/// Maximum number of code points of a password.
pub const MAX_PASSWORD_CHARACTERS: usize = 256;
/// Maximum number of bytes of a password.
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// The length that pages recommend (security 65).
pub const RECOMMENDED_PASSWORD_CHARACTERS: usize = 15;

impl PasswordPolicy {
    /// Checks a new password. `context` has words that an attacker would guess first: names, the address, the name of the
    /// service.
    ///
    /// # Errors
    /// The first flaw, in the order of this module's steps.
    pub fn check(&self, password: &SecretText, context: &[&str]) -> Result<(), PasswordFlaw> {
        // A longer password is refused before any work is spent on it, and never truncated: passwords that differ only at the end
        // are different.
        if password.expose().len() > MAX_PASSWORD_BYTES {
            return Err(PasswordFlaw::TooLong);
        }
        // In the form in which it is hashed (security 67).
        let normal: SecretText = password.expose().nfc().collect::<String>().into();
        let characters = normal.expose().chars().count();
        if characters > MAX_PASSWORD_CHARACTERS {
            return Err(PasswordFlaw::TooLong);
        }
        if characters < self.min_length {
            return Err(PasswordFlaw::TooShort { min: self.min_length });
        }
        if blocklist::is_common(normal.expose(), context) {
            return Err(PasswordFlaw::TooCommon);
        }
        strength::check(normal.expose(), context, self.min_strength)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(policy: PasswordPolicy, password: &str, context: &[&str]) -> Option<&'static str> {
        policy.check(&password.into(), context).err().map(|flaw| flaw.code())
    }

    #[test]
    fn security_65_a_password_is_checked_by_length_blocklist_and_strength() {
        for (policy, password, expected) in [
            (PasswordPolicy::ASVS, "xK9#mQ2", Some("too_short")),
            (PasswordPolicy::ASVS, "xK9#mQ2vR", None),
            (PasswordPolicy::ASVS, "correct horse battery staple", None),
            (PasswordPolicy::ASVS, "password1", Some("too_common")),
            (PasswordPolicy::ASVS, "PASSWORD1", Some("too_common")),
            (PasswordPolicy::ASVS, "passwordpassword", Some("too_common")),
            (PasswordPolicy::ASVS, "mnbvcxzlkjh", Some("too_weak")),
            (PasswordPolicy::ASVS, "January2024", Some("too_weak")),
            (PasswordPolicy::NIST, "fourteen chars", Some("too_short")),
            (PasswordPolicy::NIST, "sixteen chars ok", None),
            (PasswordPolicy::NIST, "aaaaaaaaaaaaaaaaaaaa", Some("too_common")),
            (PasswordPolicy::NIST, "abcabcabcabcabcabc", Some("too_common")),
        ] {
            assert_eq!(flaw(policy, password, &[]), expected, "{password}");
        }
    }

    #[test]
    fn security_65_length_is_counted_in_code_points_and_never_truncated() {
        let long = |unit: &str, count: usize| format!("{}{}", "Zq7!xwPv", unit.repeat(count));
        let policy = PasswordPolicy { min_length: 8, min_strength: 0 };
        assert_eq!(flaw(policy, "žluťoučký", &[]), None, "nine code points, more bytes");
        assert_eq!(flaw(policy, "žluťouč", &[]), Some("too_short"), "seven code points, ten bytes");
        assert_eq!(flaw(policy, &long("x", 248), &[]), None, "256 characters");
        assert_eq!(flaw(policy, &long("x", 249), &[]), Some("too_long"));
        assert_eq!(flaw(policy, &long("𝒳", 248), &[]), None, "exactly 1,000 bytes in 256 characters");
        assert_eq!(flaw(policy, &"\u{1d4b3}".repeat(257), &[]), Some("too_long"), "over 1 KiB");
        assert_eq!(flaw(policy, &"x".repeat(1_000_000), &[]), Some("too_long"));
    }

    #[test]
    fn security_66_there_are_no_composition_rules() {
        for password in [
            "kgzvwqplrtnb",
            "KGZVWQPLRTNB",
            "48120579360412",
            "пять верных слонов",
            "   two  spaces kept   ",
            "🦉🐙🪁🧭🎻🪨🥝🛶🧶",
        ] {
            assert_eq!(flaw(PasswordPolicy::ASVS, password, &[]), None, "{password}");
        }
    }

    #[test]
    fn security_69_words_about_the_user_or_the_service_are_refused() {
        let context = ["ada.lovelace", "Ada", "Lovelace", "Example Shop"];
        for password in
            ["ada.lovelace", "Lovelace1815", "lovelaceLOVELACE", "ExampleShop2026", "example-shop-ada", "ecalevol.ada1"]
        {
            let found = flaw(PasswordPolicy::ASVS, password, &context);
            assert!(matches!(found, Some("too_common" | "too_weak")), "{password} {found:?}");
        }
        assert_eq!(flaw(PasswordPolicy::NIST, "lovelacelovelace", &context), Some("too_common"));
        assert_eq!(flaw(PasswordPolicy::NIST, "Example Shop 2026", &context), Some("too_common"));
        assert_eq!(flaw(PasswordPolicy::ASVS, "lovelace rides green tractors", &context), None);
    }

    #[test]
    fn security_69_every_entry_of_the_blocklist_is_refused() {
        let policy = PasswordPolicy { min_length: 8, min_strength: 0 };
        let mut entries = 0;
        for entry in include_str!("../../data/common-passwords.txt").lines() {
            assert_eq!(flaw(policy, entry, &[]), Some("too_common"), "{entry}");
            assert_eq!(flaw(policy, &entry.to_uppercase(), &[]), Some("too_common"), "{entry}");
            entries += 1;
        }
        assert!(entries >= 3000, "{entries}");
    }

    #[test]
    fn a_weak_password_comes_with_advice() {
        let flaw = PasswordPolicy::ASVS.check(&"mnbvcxzlkjh".into(), &[]).expect_err("weak");
        assert!(matches!(flaw, PasswordFlaw::TooWeak(Some(_))), "{flaw:?}");
        assert!(flaw.to_string().ends_with('.'), "{flaw}");
    }
}
