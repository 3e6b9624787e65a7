//! Data keys. Each account has one, wrapped by the tenant's data keyring. It seals personal data.

use super::KeyError;
use super::aead::{GcmKey, join};
use super::root::{KEY_LEN, RootKey, Versioned};
use crate::context::Random;
use crate::domain::account::{Sealed, WrappedDataKey};
use crate::domain::id::{AccountId, TenantId};
use zeroize::Zeroizing;

/// The kind of a sealed value. It is part of the associated data, so swapped ciphertexts do not open (security 137).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedField {
    /// [`crate::domain::profile::Claims`] as JSON.
    Profile,
    /// [`crate::domain::registration::PendingRegistration`] as JSON.
    PendingRegistration,
    /// Device words and truncated address of a session, as JSON.
    SessionDevice,
    /// The unverified new address of a change.
    PendingEmail,
    /// The former address, which can undo a change.
    FormerEmail,
    /// The address of a password reset.
    RecoveryAddress,
    /// [`crate::domain::linked_identity::FederatedSubject`] as JSON.
    LinkedIdentity,
    /// The name that the user gave a passkey.
    PasskeyName,
    /// The bytes of [`crate::domain::totp::TotpSeed`].
    TotpSeed,
}

impl SealedField {
    fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::PendingRegistration => "pending_registration",
            Self::SessionDevice => "session_device",
            Self::PendingEmail => "pending_email",
            Self::FormerEmail => "former_email",
            Self::RecoveryAddress => "recovery_address",
            Self::LinkedIdentity => "linked_identity",
            Self::PasskeyName => "passkey_name",
            Self::TotpSeed => "totp_seed",
        }
    }
}

/// The keyring that wraps data keys.
pub struct DataKeyring {
    tenant: TenantId,
    roots: Versioned<RootKey>,
}

/// An account's data key, in plain text. It is wiped on drop and has no `Debug` output.
pub struct DataKey {
    tenant: TenantId,
    account: AccountId,
    key: GcmKey,
}

impl DataKeyring {
    pub(super) fn new(tenant: &TenantId, roots: Vec<(u32, RootKey)>, making: u32) -> Result<Self, KeyError> {
        Ok(Self { tenant: tenant.clone(), roots: Versioned::new(roots, making)? })
    }
    /// Makes a data key and its wrapped form. Returns (key, wrapped bytes, keyring version).
    ///
    /// # Errors
    /// If sealing fails.
    pub fn generate(&self, account: AccountId) -> Result<(DataKey, Vec<u8>, u32), KeyError> {
        let (version, root) = self.roots.current();
        let bytes = Zeroizing::new(Random.bytes::<KEY_LEN>());
        let wrapped = wrapping_key(root, account)?.seal(&self.associated(account), bytes.as_slice())?;
        Ok((self.data_key(account, bytes.as_slice())?, wrapped, version))
    }
    /// Unwraps the data key of this account.
    ///
    /// # Errors
    /// If the bytes are not of this account, or the keyring version does not exist.
    pub fn unwrap(&self, key: &WrappedDataKey) -> Result<DataKey, KeyError> {
        let bytes = wrapping_key(self.roots.get(key.keyring_version)?, key.account)?
            .open(&self.associated(key.account), &key.wrapped)
            .map(Zeroizing::new)
            .ok_or(KeyError::DoesNotOpen("wrapped data key"))?;
        self.data_key(key.account, &bytes)
    }
    fn data_key(&self, account: AccountId, bytes: &[u8]) -> Result<DataKey, KeyError> {
        Ok(DataKey { tenant: self.tenant.clone(), account, key: GcmKey::new(bytes)? })
    }
    fn associated(&self, account: AccountId) -> Vec<u8> {
        join(&[b"data key", self.tenant.as_str().as_bytes(), account.as_bytes()])
    }
}

/// Each account's data key is wrapped under its own key, so random nonces do not collide under one key, however many accounts
/// there are.
fn wrapping_key(root: &RootKey, account: AccountId) -> Result<GcmKey, KeyError> {
    GcmKey::new(root.derive("wrap", &[account.as_bytes()])?.as_slice())
}

impl DataKey {
    /// Seals bytes: AES-256-GCM with a random nonce in front. The associated data is tenant ‖ account ‖ field.
    ///
    /// # Errors
    /// If the cipher fails.
    pub fn seal(&self, field: SealedField, plain: &[u8]) -> Result<Sealed, KeyError> {
        Ok(Sealed(self.key.seal(&self.associated(field), plain)?))
    }
    /// Opens a value that [`Self::seal`] made for the same field.
    ///
    /// # Errors
    /// [`KeyError::DoesNotOpen`] for anything else.
    pub fn open(&self, field: SealedField, sealed: &Sealed) -> Result<Vec<u8>, KeyError> {
        self.key.open(&self.associated(field), &sealed.0).ok_or(KeyError::DoesNotOpen(field.name()))
    }
    fn associated(&self, field: SealedField) -> Vec<u8> {
        join(&[self.tenant.as_str().as_bytes(), self.account.as_bytes(), field.name().as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::super::root::testing::roots;
    use super::*;
    use crate::domain::account::DataKeyState;
    use crate::purpose::Purpose;

    const FIELDS: [SealedField; 6] = [
        SealedField::Profile,
        SealedField::PendingRegistration,
        SealedField::SessionDevice,
        SealedField::PendingEmail,
        SealedField::FormerEmail,
        SealedField::TotpSeed,
    ];

    fn keyring(tenant: &str, fill: u8) -> DataKeyring {
        DataKeyring::new(&tenant.parse().unwrap(), roots(tenant, Purpose::Data, fill), 1).unwrap()
    }
    fn account(fill: u8) -> AccountId {
        AccountId::from_bytes([fill; 16])
    }
    fn wrapped(account: AccountId, wrapped: Vec<u8>, keyring_version: u32) -> WrappedDataKey {
        WrappedDataKey { account, wrapped, keyring_version, state: DataKeyState::Account }
    }

    #[test]
    fn a_data_key_unwraps_only_for_its_account_tenant_and_keyring() {
        let (key, bytes, version) = keyring("a", 1).generate(account(1)).unwrap();
        let sealed = key.seal(SealedField::Profile, b"Ada").unwrap();
        let mine = wrapped(account(1), bytes.clone(), version);
        assert_eq!(keyring("a", 1).unwrap(&mine).unwrap().open(SealedField::Profile, &sealed).unwrap(), b"Ada");
        let others = wrapped(account(2), bytes.clone(), version);
        assert!(matches!(keyring("a", 1).unwrap(&others), Err(KeyError::DoesNotOpen(_))), "security 137");
        assert!(matches!(keyring("b", 1).unwrap(&mine), Err(KeyError::DoesNotOpen(_))));
        assert!(matches!(keyring("a", 2).unwrap(&mine), Err(KeyError::DoesNotOpen(_))));
        assert!(matches!(keyring("a", 1).unwrap(&wrapped(account(1), bytes, 2)), Err(KeyError::UnknownVersion)));
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_field_of_its_own_account() {
        let (mine, ..) = keyring("a", 1).generate(account(1)).unwrap();
        let (other, ..) = keyring("a", 1).generate(account(2)).unwrap();
        for sealed_as in FIELDS {
            let sealed = mine.seal(sealed_as, b"value").unwrap();
            for opened_as in FIELDS {
                assert_eq!(mine.open(opened_as, &sealed).is_ok(), sealed_as == opened_as, "{sealed_as:?} as {opened_as:?}");
            }
            assert!(other.open(sealed_as, &sealed).is_err(), "security 137");
        }
    }
}
