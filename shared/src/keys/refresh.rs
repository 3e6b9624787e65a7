//! The next secrets of refresh tokens: `secret(n+1) = HMAC(refresh key, grant ‖ n+1 ‖ secret(n))`.
use super::KeyError;
use super::aead::join;
use super::root::{RootKey, Versioned};
use crate::domain::id::GrantId;
use crate::domain::secret::Secret256;
use aws_lc_rs::hmac;

/// The versioned refresh key.
pub struct RefreshKeyring {
    keys: Versioned<hmac::Key>,
}

impl RefreshKeyring {
    pub(super) fn new(roots: &[(u32, RootKey)], making: u32) -> Result<Self, KeyError> {
        Ok(Self { keys: Versioned::derive(roots, making, |root| root.derive_hmac("child"))? })
    }
    /// The version that new refresh tokens store.
    #[must_use]
    pub fn current_version(&self) -> u32 {
        self.keys.current().0
    }
    /// The secret of `generation`, derived from `parent`. Generation 1 derives from the secret of the code.
    ///
    /// # Errors
    /// If the key version does not exist.
    pub fn child(&self, version: u32, grant: GrantId, generation: u32, parent: &Secret256) -> Result<Secret256, KeyError> {
        let message = zeroize::Zeroizing::new(join(&[grant.as_bytes(), &generation.to_be_bytes(), parent.expose()]));
        let tag = hmac::sign(self.keys.get(version)?, &message);
        let mut child = [0; 32];
        child.copy_from_slice(tag.as_ref());
        Ok(Secret256::from_bytes(child))
    }
}

#[cfg(test)]
mod tests {
    use super::super::root::testing::roots;
    use super::*;
    use crate::purpose::Purpose;

    fn keyring(tenant: &str) -> RefreshKeyring {
        RefreshKeyring::new(&roots(tenant, Purpose::Refresh, 1), 1).unwrap()
    }

    #[test]
    fn a_child_is_deterministic_and_unique_to_parent_generation_grant_and_tenant() {
        let (grant, parent) = (GrantId::from_bytes([1; 16]), Secret256::from_bytes([2; 32]));
        let child = |tenant, grant, generation, parent: &Secret256| {
            *keyring(tenant).child(1, grant, generation, parent).unwrap().expose()
        };
        let first = child("a", grant, 1, &parent);
        assert_eq!(first, child("a", grant, 1, &parent), "a retry derives the same secret (security 33)");
        assert_ne!(first, child("a", grant, 2, &parent));
        assert_ne!(first, child("b", grant, 1, &parent));
        assert_ne!(first, child("a", GrantId::from_bytes([3; 16]), 1, &parent));
        assert_ne!(first, child("a", grant, 1, &Secret256::from_bytes([3; 32])));
        assert_ne!(&first, parent.expose());
    }

    #[test]
    fn a_child_of_an_unknown_version_is_an_error() {
        let result = keyring("a").child(2, GrantId::from_bytes([1; 16]), 1, &Secret256::from_bytes([2; 32]));
        assert!(matches!(result, Err(KeyError::UnknownVersion)));
    }
}
