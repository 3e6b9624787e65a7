//! Stored passkeys: one item for each, and the sentinel that claims its credential id.
//!
//! 1. A passkey and its sentinel are written together with the state of the account, and removed together with it.
//! 2. A removed passkey opens nothing. Its item is kept for [`REMOVED_KEPT`], so that an undo can put it back.
//! 3. Each use is written over the version before: its challenge is later than the newest one accepted, and its counter rises.

pub mod decisions;
pub mod offer;

use super::account::Sealed;
use super::id::AccountId;
use super::time::{Span, Timestamp};
use crate::digest::sha256;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most passkeys of one account.
pub const MAX_PASSKEYS: usize = 10;
/// How long the item of a removed passkey is kept.
pub const REMOVED_KEPT: Span = Span::days(7);
/// The longest name of a passkey, in characters.
pub const MAX_NAME: usize = 60;

/// The SHA-256 of a credential id. Ids are random, so it needs no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialHash([u8; 32]);

impl CredentialHash {
    /// The hash of this credential id.
    #[must_use]
    pub fn of(id: &[u8]) -> Self {
        Self(sha256(id))
    }
    /// The hash in this text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for CredentialHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// The transports of an authenticator that a browser may use as hints (WebAuthn 3 §5.8.4), as bits.
const TRANSPORTS: [&str; 6] = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];

/// The transports of a passkey. Ones that this release does not know are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Transports(u8);

impl Transports {
    /// Those with these names.
    #[must_use]
    pub fn named(names: &[String]) -> Self {
        let bit = |name: &String| TRANSPORTS.iter().position(|known| known == name).map_or(0, |at| 1 << at);
        Self(names.iter().fold(0, |bits, name| bits | bit(name)))
    }
    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        TRANSPORTS.into_iter().enumerate().filter(move |(at, _)| self.0 & (1 << at) != 0).map(|(_, name)| name)
    }
}

/// A passkey of an account. Its public key is no secret, but a writer here could sign in as the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The credential id, at most 1,023 bytes.
    #[serde(rename = "cid", with = "super::bytes")]
    pub credential_id: Vec<u8>,
    /// The COSE key, as the authenticator sent it.
    #[serde(rename = "key", with = "super::bytes")]
    pub cose: Vec<u8>,
    /// The make of the authenticator. It is shown, and never trusted.
    #[serde(rename = "aag", with = "super::bytes16")]
    pub aaguid: [u8; 16],
    /// Its transports.
    #[serde(rename = "tr")]
    pub transports: Transports,
    /// Whether it may be synchronized. It never changes.
    #[serde(rename = "be")]
    pub backup_eligible: bool,
    /// Whether it was synchronized at its last use.
    #[serde(rename = "bs")]
    pub backed_up: bool,
    /// The counter of its last use.
    #[serde(rename = "ctr")]
    pub counter: u32,
    /// The relying party id that it was made for.
    #[serde(rename = "rp")]
    pub rp_id: String,
    /// The name that the user gave it, sealed under the account's data key.
    #[serde(rename = "nm", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Sealed>,
    /// When the newest challenge was issued that it has accepted.
    #[serde(rename = "ch")]
    pub newest_challenge: Timestamp,
    /// When it was added.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// When it was last used.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// When it was removed. It opens nothing since then.
    #[serde(rename = "rm", default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// The version of this state.
    pub version: u64,
}

impl Passkey {
    /// The hash of its credential id: its key.
    #[must_use]
    pub fn hash(&self) -> CredentialHash {
        CredentialHash::of(&self.credential_id)
    }
    /// Whether it opens the account.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.removed_at.is_none()
    }
    /// Whether it signs in where passkeys belong to this relying party. None: the tenant has no passkeys.
    #[must_use]
    pub fn signs_in_at(&self, rp_id: Option<&str>) -> bool {
        self.is_active() && rp_id == Some(self.rp_id.as_str())
    }
    /// The same passkey, removed.
    #[must_use]
    pub fn removed(&self, now: Timestamp) -> Self {
        Self { removed_at: Some(now), version: self.version + 1, ..self.clone() }
    }
    /// The same passkey, back in use.
    #[must_use]
    pub fn restored(&self) -> Self {
        Self { removed_at: None, version: self.version + 1, ..self.clone() }
    }
    /// The same passkey with another name.
    #[must_use]
    pub fn renamed(&self, name: Option<Sealed>) -> Self {
        Self { name, version: self.version + 1, ..self.clone() }
    }
}

/// The claim of a credential id: it belongs to one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedCredential {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// When it ends, if the passkey was removed.
    #[serde(rename = "exp", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Makes of authenticators, by AAGUID, as the community's list has them.
const PROVIDERS: [(u128, &str); 23] = [
    (0xfbfc_3007_154e_4ecc_8c0b_6e02_0557_d7bd, "iCloud Keychain"),
    (0xdd4e_c289_e01d_41c9_bb89_70fa_845d_4bf2, "iCloud Keychain"),
    (0xea9b_8d66_4d01_1d21_3ce4_b6b4_8cb5_75d4, "Google Password Manager"),
    (0xadce_0002_35bc_c60a_648b_0b25_f1f0_5503, "Chrome on Mac"),
    (0x771b_48fd_d3d4_4f74_9232_fc15_7ab0_507a, "Edge on Mac"),
    (0x0898_7058_cadc_4b81_b6e1_30de_50dc_be96, "Windows Hello"),
    (0x9ddd_1817_af5a_4672_a2b9_3e3d_d950_00a9, "Windows Hello"),
    (0x6028_b017_b1d4_4c02_b4b3_afcd_afc9_6bb2, "Windows Hello"),
    (0x5341_4d53_554e_4700_0000_0000_0000_0000, "Samsung Pass"),
    (0xbada_5566_a7aa_401f_bd96_4561_9a55_120d, "1Password"),
    (0xd548_826e_79b4_db40_a3d8_1111_6f7e_8349, "Bitwarden"),
    (0x5311_26d6_e717_415c_9320_3d9a_a698_1239, "Dashlane"),
    (0xb84e_4048_15dc_4dd0_8640_f4f6_0813_c8af, "NordPass"),
    (0x0ea2_42b4_43c4_4a1b_8b17_dd6d_0b6b_aec6, "Keeper"),
    (0xf380_9540_7f14_49c1_a8b3_8f81_3b22_5541, "Enpass"),
    (0xfdb1_41b2_5d84_443e_8a35_4698_c205_a502, "KeePassXC"),
    (0x5072_6f74_6f6e_5061_7373_5072_6f74_6f6e, "Proton Pass"),
    (0xb78a_0a55_6ef8_d246_a042_ba0f_6d55_050c, "LastPass"),
    (0xcb69_481e_8ff7_4039_93ec_0a27_29a1_54a8, "YubiKey 5"),
    (0xee88_2879_721c_4913_9775_3dfc_ce97_072a, "YubiKey 5"),
    (0x2fc0_579f_8113_47ea_b116_bb5a_8db9_202a, "YubiKey 5"),
    (0xc5ef_55ff_ad9a_4b9f_b580_adeb_afe0_26d0, "YubiKey 5"),
    (0xfa2b_99dc_9e39_4257_8f92_4a30_d23c_4118, "YubiKey 5"),
];

/// The make of an authenticator, if it is well known.
#[must_use]
pub fn provider(aaguid: [u8; 16]) -> Option<&'static str> {
    let aaguid = u128::from_be_bytes(aaguid);
    PROVIDERS.iter().find(|(known, _)| *known == aaguid).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_and_a_provider_is_found_by_its_aaguid() {
        let hash = CredentialHash::of(b"id");
        assert_eq!(CredentialHash::parse(&hash.to_string()), Some(hash));
        assert_eq!(CredentialHash::parse("AA"), None);
        assert_eq!(provider(*b"SAMSUNG\0\0\0\0\0\0\0\0\0"), Some("Samsung Pass"));
        assert_eq!(provider([0; 16]), None);
    }
}
