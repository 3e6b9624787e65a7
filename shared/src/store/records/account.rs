//! An account: its hot item, password, profile, terms, data key and due erasure.

use super::{Stored, attributes};
use crate::domain::account::{AccountStatus, Authentication, DataKeyState, WrappedDataKey};
use crate::domain::credential::PasswordCredential;
use crate::domain::erasure::DueErasure;
use crate::domain::id::AccountId;
use crate::domain::profile::Profile;
use crate::domain::record::{Keyed, Terms};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::item::{Item, Kind};
use crate::store::key::Thing;

impl Stored for Authentication {
    fn kind(&self) -> Kind {
        Kind::Authentication
    }
    fn key(&self) -> Thing<'_> {
        Thing::Authentication(self.account)
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
    fn kind(&self) -> Kind {
        Kind::Password
    }
    fn key(&self) -> Thing<'_> {
        Thing::Password(self.account)
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
    fn kind(&self) -> Kind {
        Kind::Profile
    }
    fn key(&self) -> Thing<'_> {
        Thing::Profile(self.account)
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
    fn kind(&self) -> Kind {
        Kind::Terms
    }
    fn key(&self) -> Thing<'_> {
        Thing::Terms(self.key)
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
    fn kind(&self) -> Kind {
        Kind::DataKey
    }
    fn key(&self) -> Thing<'_> {
        Thing::DataKey(self.account)
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
    fn kind(&self) -> Kind {
        Kind::DueErasure
    }
    fn key(&self) -> Thing<'_> {
        Thing::DueErasure(self.account, self.due)
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
