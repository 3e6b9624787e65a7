//! The second factors of an account: its authenticator app and its recovery codes.

use super::{Stored, attributes};
use crate::domain::recovery_codes::RecoveryCodes;
use crate::domain::time::Timestamp;
use crate::domain::totp::TotpCredential;
use crate::store::StoreError;
use crate::store::item::{Item, ItemKind};
use crate::store::key::ItemRef;

impl Stored for TotpCredential {
    fn kind(&self) -> ItemKind {
        ItemKind::Totp
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::Totp(self.account)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        self.ends_at()
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}

impl Stored for RecoveryCodes {
    fn kind(&self) -> ItemKind {
        ItemKind::RecoveryCodes
    }
    fn key(&self) -> ItemRef<'_> {
        ItemRef::RecoveryCodes(self.account)
    }
    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
    fn end(&self) -> Option<Timestamp> {
        self.ends_at()
    }
    fn item(&self) -> Result<Item, StoreError> {
        attributes(self.kind(), self)
    }
}
