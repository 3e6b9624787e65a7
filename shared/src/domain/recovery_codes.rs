//! The recovery codes of an account: ten codes that each open it once in place of the authenticator app.
//!
//! A code has 80 random bits, so its SHA-256 cannot be searched. Only the hashes are stored; the codes are shown once.

use super::crockford::{ALPHABET, normalize};
use super::id::AccountId;
use super::secret::{SecretHash, SecretText, hash_text};
use super::time::{Span, Timestamp};
use super::totp::REMOVED_KEPT;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How many codes a user gets.
pub const COUNT: usize = 10;
/// Random bytes of a code: 80 bits, 16 characters.
pub const CODE_BYTES: usize = 10;
/// How many changes of its second factors an account can make in 24 hours. Each one is mailed.
pub const CHANGES_A_DAY: usize = 10;
/// Characters of a group.
const GROUP: usize = 4;

/// The stored codes (with the key prefix of secrets: token, export and retention cannot read them).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The hash of each code.
    #[serde(rename = "h")]
    pub hashes: Vec<SecretHash>,
    /// The used codes: one bit for each, the first code in the lowest bit.
    #[serde(rename = "u")]
    pub used: u16,
    /// How many times codes were made for this account. Old codes end with each generation.
    #[serde(rename = "g")]
    pub generation: u32,
    /// When they were made.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// Whether the user has shown that they were kept, by typing one of them.
    #[serde(rename = "k", default, skip_serializing_if = "std::ops::Not::not")]
    pub are_kept: bool,
    /// When second factors were changed during the last day; at most [`CHANGES_A_DAY`].
    #[serde(rename = "ch", default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Timestamp>,
    /// When they were removed with the last second factor. They open nothing since then.
    #[serde(rename = "rm", default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// The version of this state.
    pub version: u64,
}

/// The random bytes of new codes.
pub type FreshCodes = Zeroizing<[[u8; CODE_BYTES]; COUNT]>;

impl RecoveryCodes {
    /// New codes in place of these, and their texts.
    #[must_use]
    pub fn issue(account: AccountId, before: Option<&Self>, fresh: &FreshCodes, now: Timestamp) -> (Self, Vec<SecretText>) {
        let texts: Vec<SecretText> = fresh.iter().map(text).collect();
        let codes = Self {
            account,
            hashes: texts.iter().map(|text| hash_text(&normalize(text.expose()))).collect(),
            used: 0,
            generation: before.map_or(1, |before| before.generation + 1),
            created_at: now,
            are_kept: false,
            changes: before.map_or_else(Vec::new, |before| before.changes.clone()),
            removed_at: None,
            version: before.map_or(1, |before| before.version + 1),
        };
        (codes, texts)
    }
    /// The unused code that was typed. Case, spaces, dashes and letters that look like digits make no difference. Every hash is compared.
    #[must_use]
    pub fn find(&self, typed: &SecretText) -> Option<usize> {
        let typed = hash_text(&Zeroizing::new(normalize(typed.expose())));
        let found = self
            .hashes
            .iter()
            .enumerate()
            .fold(None, |found, (index, hash)| if *hash == typed && !self.is_used(index) { Some(index) } else { found });
        found.filter(|_| self.removed_at.is_none())
    }
    /// These codes after one of them was used.
    #[must_use]
    pub fn with_used(&self, index: usize) -> Self {
        Self { used: self.used | bit(index), version: self.version + 1, ..self.clone() }
    }
    /// How many can still be used.
    #[must_use]
    pub fn left(&self) -> usize {
        if self.removed_at.is_some() { 0 } else { (0..self.hashes.len()).filter(|index| !self.is_used(*index)).count() }
    }
    /// When the user can change second factors again, if there were too many changes in the last day.
    #[must_use]
    pub fn blocked_until(&self, now: Timestamp) -> Option<Timestamp> {
        let recent: Vec<Timestamp> = self.recent_changes(now).collect();
        let oldest = recent.first().filter(|_| recent.len() >= CHANGES_A_DAY)?;
        Some(*oldest + Span::days(1))
    }
    /// These codes with one more change of second factors.
    #[must_use]
    pub fn with_change(&self, now: Timestamp) -> Self {
        Self { changes: self.recent_changes(now).chain([now]).collect(), ..self.clone() }
    }
    fn recent_changes(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.changes.iter().copied().filter(move |change| now < *change + Span::days(1))
    }
    /// When they are of no use any more. `None` while they are in use.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.removed_at.map(|removed_at| removed_at + REMOVED_KEPT)
    }
    fn is_used(&self, index: usize) -> bool {
        self.used & bit(index) != 0
    }
}

fn bit(index: usize) -> u16 {
    u32::try_from(index).ok().and_then(|index| 1u16.checked_shl(index)).unwrap_or(0)
}

/// A code in groups: `XXXX-XXXX-XXXX-XXXX`.
fn text(bytes: &[u8; CODE_BYTES]) -> SecretText {
    let number = bytes.iter().fold(0u128, |number, byte| (number << 8) | u128::from(*byte));
    let characters = CODE_BYTES * 8 / 5;
    let mut text = String::with_capacity(characters + characters / GROUP);
    for index in 0..characters {
        if index > 0 && index % GROUP == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[(number >> (5 * (characters - 1 - index))) as usize & 31]));
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const T0: Timestamp = Timestamp::from_seconds(1_000_000);

    pub(crate) fn fresh() -> FreshCodes {
        Zeroizing::new(std::array::from_fn(|code| std::array::from_fn(|byte| (code * 37 + byte * 11) as u8)))
    }
    fn issued() -> (RecoveryCodes, Vec<SecretText>) {
        RecoveryCodes::issue(AccountId::from_bytes([1; 16]), None, &fresh(), T0)
    }

    #[test]
    fn ten_codes_of_eighty_bits_are_shown_in_groups_of_four() {
        let (codes, texts) = issued();
        assert_eq!((codes.hashes.len(), codes.left(), codes.generation), (10, 10, 1));
        let distinct: BTreeSet<&str> = texts.iter().map(SecretText::expose).collect();
        assert_eq!(distinct.len(), COUNT);
        for text in distinct {
            let groups: Vec<&str> = text.split('-').collect();
            assert!(groups.len() == 4 && groups.iter().all(|group| group.len() == 4), "{text}");
        }
        assert_eq!(text(&[0xff; 10]).expose(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(text(&[0x08, 0x42, 0x10, 0x84, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21]).expose(), "1111-1111-1111-1111");
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let (codes, texts) = issued();
        for (index, text) in texts.iter().enumerate() {
            let plain = text.expose();
            let like_letters = plain.replace('0', "O").replace('1', "l");
            for typed in [plain.to_owned(), plain.to_lowercase(), plain.replace('-', " "), plain.replace('-', ""), like_letters]
            {
                assert_eq!(codes.find(&typed.as_str().into()), Some(index), "{typed}");
            }
            assert_eq!(codes.find(&plain[1..].into()), None);
        }
        for wrong in ["", "-", "0000-0000-0000-0000", "ZZZZ-ZZZZ-ZZZZ-ZZZZ"] {
            assert_eq!(codes.find(&wrong.into()), None, "{wrong}");
        }
    }

    #[test]
    fn a_code_works_once_and_not_after_new_ones_or_a_removal() {
        let (codes, texts) = issued();
        let used = codes.with_used(3);
        assert_eq!((used.find(&texts[3]), used.left(), used.version), (None, 9, 2));
        assert_eq!(used.find(&texts[4]), Some(4));
        let others = Zeroizing::new([[7; CODE_BYTES]; COUNT]);
        let (renewed, _) = RecoveryCodes::issue(used.account, Some(&used), &others, T0);
        assert_eq!((renewed.generation, renewed.version, renewed.left()), (2, 3, 10));
        assert!(texts.iter().all(|text| renewed.find(text).is_none()));
        let removed = RecoveryCodes { removed_at: Some(T0), ..codes };
        assert_eq!((removed.left(), removed.find(&texts[0])), (0, None));
        assert_eq!(removed.ends_at(), Some(T0 + Span::days(7)));
    }
}
