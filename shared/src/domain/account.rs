//! The stored account: its authentication state and its data key.

use super::failure_window::FailureWindow;
use super::id::{AccountId, Sub};
use super::identifier::IdentifierHash;
use super::known_device::KnownDevice;
use super::removal_request::RemovalRequest;
use super::roles::Roles;
use super::satisfied::Requirements;
use super::sign_in::assurance::Acr;
use super::sign_in::factors::Factors;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum AccountStatus {
    /// Active.
    Active,
    /// Disabled by an operator. All its sessions, grants and tokens are refused.
    Disabled {
        /// When it was disabled.
        since: Timestamp,
    },
    /// Closed by the user. It is erased when due, and can be restored until then.
    ErasureDue {
        /// When the user closed it.
        since: Timestamp,
        /// When erasure may start. Its UTC day is the partition of the due work.
        due: Timestamp,
        /// The seed of the mailed restore link. It never leaves the item.
        seed: LinkSeed,
    },
    /// Erased: what is left of the account for a short time, so that a request in flight cannot recreate it.
    Erased {
        /// When it was erased.
        at: Timestamp,
    },
}

/// The seed of a mailed link: 128 random bits, and the version of the proof key. It never leaves its item, and does not print.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSeed {
    /// Version of the proof key.
    #[serde(rename = "kv")]
    pub key_version: u32,
    /// The random bits.
    #[serde(rename = "b", with = "crate::domain::bytes16")]
    pub bytes: [u8; 16],
}

impl LinkSeed {
    /// What link and code of an event are derived from. It has no random bits: the proof key alone protects both, and what they do is limited by
    /// time and by the state of the account.
    #[must_use]
    pub fn of_event(at: Timestamp, key_version: u32) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&at.millis().to_be_bytes());
        Self { key_version, bytes }
    }
}

impl std::fmt::Debug for LinkSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkSeed(…)")
    }
}

/// Where the password of an account is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordHome {
    /// Against this account's own hash. Without a hash no password matches; the user sets one with a password reset.
    #[default]
    Here,
    /// In the legacy directory from which the account was imported, until a password is set here.
    Directory,
}

impl PasswordHome {
    fn is_here(&self) -> bool {
        *self == Self::Here
    }
}

/// The hot item of an account: status, epoch, failure windows. At most 1 KB, with one version for the whole item.
///
/// Sessions and grants carry the `epoch`. They are dead if it differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountState {
    /// The account.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// Its subject identifier in tokens.
    pub sub: Sub,
    /// Whether it can be used.
    #[serde(rename = "st")]
    pub status: AccountStatus,
    /// Raised by every change that ends everything issued before (password, disabling, deletion).
    #[serde(rename = "ep")]
    pub epoch: u32,
    /// When the epoch was last raised. A sign-in before this time is no longer valid, in another system either: a user pool does
    /// not know our epochs.
    #[serde(rename = "ea", default, skip_serializing_if = "Option::is_none")]
    pub epoch_began_at: Option<Timestamp>,
    /// The identifier that the user signs in with (so that a counter of the identifier can be found from the account).
    #[serde(rename = "idf")]
    pub identifier: IdentifierHash,
    /// When the account took this identifier by a change of address. None: it has had it since it was created, or
    /// since before its present epoch.
    #[serde(rename = "ia", default, skip_serializing_if = "Option::is_none")]
    pub identifier_since: Option<Timestamp>,
    /// When the account was created.
    #[serde(rename = "cr")]
    pub created_at: Timestamp,
    /// Failed sign-ins from devices that are not known.
    #[serde(rename = "fw")]
    pub failures: FailureWindow,
    /// Devices that signed in before, each with its own window, most recent first; at most
    /// [`crate::domain::known_device::MAX_KNOWN_DEVICES`].
    #[serde(rename = "dev", default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<KnownDevice>,
    /// Where the password is checked.
    #[serde(rename = "pw", default, skip_serializing_if = "PasswordHome::is_here")]
    pub password_home: PasswordHome,
    /// The user's roles in the company's own applications.
    #[serde(rename = "rol", default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// When a legal hold was placed, if one is in force. It prevents the erasure.
    #[serde(rename = "hold", default, skip_serializing_if = "Option::is_none")]
    pub legal_hold: Option<Timestamp>,
    /// Whether one factor is not enough to sign in: the user has an active second factor, or has chosen to be asked always.
    #[serde(rename = "prt", default, skip_serializing_if = "is_false")]
    pub protected: bool,
    /// Its factors besides the password, as far as policy needs them.
    #[serde(rename = "fac", default, skip_serializing_if = "Factors::is_empty")]
    pub factors: Factors,
    /// The requirements of the tenant document that it satisfied last. None: unknown, as of an imported account.
    #[serde(rename = "req", default, skip_serializing_if = "Option::is_none")]
    pub satisfied: Option<Requirements>,
    /// The version of this state. A write names the version that it is based on.
    pub version: u64,
}

impl AccountState {
    /// The account in its next epoch: every session and grant of the previous epoch is dead, and no device is remembered.
    #[must_use]
    pub fn in_next_epoch(&self, now: Timestamp) -> Self {
        Self {
            epoch: self.epoch + 1,
            epoch_began_at: Some(now),
            // The epoch is younger than the address.
            identifier_since: None,
            version: self.version + 1,
            ..self.clone()
        }
        .without_remembered_devices()
    }
    /// Whether this is a device on which the user is asked for no second step. Whether the tenant document allows it, the caller decides.
    #[must_use]
    pub fn remembers(&self, device: Option<u64>, now: Timestamp) -> bool {
        self.devices.iter().any(|known| Some(known.id) == device && known.is_remembered(now))
    }
    /// The account without remembered devices: all of them stay known.
    #[must_use]
    pub fn without_remembered_devices(mut self) -> Self {
        self.devices.iter_mut().for_each(|device| *device = device.forgotten());
        self
    }
    /// The account after a request to remove lost factors has ended.
    #[must_use]
    pub fn without_removal_request(self) -> Self {
        let removal = self.factors.removal.map(RemovalRequest::ended);
        Self { factors: Factors { removal, ..self.factors }, ..self }
    }
    /// The account as closed: in its next epoch, with this status. The status says since when. A request to remove lost factors is dropped: with
    /// it the largest state would exceed 1,000 bytes.
    #[must_use]
    pub fn closed(&self, status: AccountStatus, now: Timestamp) -> Self {
        let factors = Factors { removal: None, ..self.factors };
        Self { status, epoch_began_at: None, factors, ..self.in_next_epoch(now) }
    }
    /// The account after its password is replaced: in its next epoch, with all failure windows reset.
    #[must_use]
    pub fn with_new_password(&self, now: Timestamp) -> Self {
        let mut next = Self { password_home: PasswordHome::Here, ..self.in_next_epoch(now) };
        next.failures = FailureWindow::default();
        for device in &mut next.devices {
            device.failures = FailureWindow::default();
        }
        next
    }
    /// Whether a request that proves the account's address, started at this time, can no longer change a credential: the credential
    /// or the epoch has changed since then, or the account took the address later. A request of the same millisecond as a new
    /// epoch counts as older.
    #[must_use]
    pub fn outdates_proof_of(&self, started_at: Timestamp) -> bool {
        self.epoch_began_at.is_some_and(|began| started_at <= began)
            || started_at < self.identifier_since.unwrap_or(self.created_at)
    }
    /// The level that every sign-in to this account needs, and every change of what protects it.
    #[must_use]
    pub const fn required_level(&self) -> Acr {
        if self.protected { Acr::Aal2 } else { Acr::Aal1 }
    }
    /// Whether this account can be used.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.status, AccountStatus::Active)
    }
}

/// For attributes that are stored only if they are true.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(in crate::domain) const fn is_false(value: &bool) -> bool {
    !*value
}

/// Personal data sealed under an account's data key (AES-256-GCM; associated data: tenant, account, field).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(#[serde(with = "crate::domain::bytes")] pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A data key, wrapped by the tenant's data keyring. An item of the `keys` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedDataKey {
    /// The account that it seals data of.
    #[serde(rename = "acc")]
    pub account: AccountId,
    /// The key, wrapped (AES-256-GCM under the data keyring; associated data: tenant, account).
    #[serde(rename = "w", with = "crate::domain::bytes")]
    pub wrapped: Vec<u8>,
    /// Version of the keyring that wraps it.
    #[serde(rename = "kv")]
    pub keyring_version: u32,
    /// Whether the account exists yet.
    #[serde(rename = "st")]
    pub state: DataKeyState,
}

/// Whether a data key belongs to an account or to a registration that is still pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum DataKeyState {
    /// Of a pending registration. Its TTL removes it some time after `expires_at`.
    Pending {
        /// The end of the registration.
        expires_at: Timestamp,
    },
    /// Of an account. Only a due erasure destroys it.
    Account,
}
