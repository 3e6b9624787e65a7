//! An account: its hot item, password, profile, terms, data key and due erasure.

use super::{Stored, attributes};
use crate::domain::account::{AccountState, AccountStatus, DataKeyState, WrappedDataKey};
use crate::domain::credential::PasswordCredential;
use crate::domain::erasure::{DeletionRecord, DueErasure, RESTORATION_RECORD};
use crate::domain::id::AccountId;
use crate::domain::profile::Profile;
use crate::domain::record::{Keyed, Terms};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, ItemKind};
use crate::store::key::ItemRef;

impl Stored for AccountState {
    fn kind(&self) -> ItemKind {
        ItemKind::Authentication
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Authentication(self.account)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        match self.status {
            AccountStatus::Erased { at } => Some(at),
            AccountStatus::Active | AccountStatus::Disabled { .. } | AccountStatus::ErasureDue { .. } => None,
        }
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for PasswordCredential {
    fn kind(&self) -> ItemKind {
        ItemKind::Password
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Password(self.account)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        None
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for Profile {
    fn kind(&self) -> ItemKind {
        ItemKind::Profile
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Profile(self.account)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        None
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for Keyed<AccountId, Terms> {
    fn kind(&self) -> ItemKind {
        ItemKind::Terms
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Terms(self.key)
    }
    fn version(&self) -> Option<u64> {
        Some(self.state.version)
    }
    fn end(&self) -> Option<Timestamp> {
        None
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), &self.state)
    }
}

impl Stored for WrappedDataKey {
    fn kind(&self) -> ItemKind {
        ItemKind::DataKey
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::DataKey(self.account)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        match self.state {
            DataKeyState::Pending { expires_at } => Some(expires_at),
            DataKeyState::Account => None,
        }
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for DueErasure {
    fn kind(&self) -> ItemKind {
        ItemKind::DueErasure
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::DueErasure(self.account, self.due)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        None
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for DeletionRecord {
    fn kind(&self) -> ItemKind {
        ItemKind::DeletionRecord
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::DeletionRecord(self.account, self.at)
    }
    fn version(&self) -> Option<u64> {
        None
    }
    fn end(&self) -> Option<Timestamp> {
        match self.status {
            AccountStatus::ErasureDue { .. } => None,
            AccountStatus::Active | AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => {
                Some(self.at + RESTORATION_RECORD)
            }
        }
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}
