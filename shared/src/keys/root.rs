//! Root keys: one for each tenant, purpose and version, wrapped by the vault. Every key in use derives from one.

use super::KeyError;
use super::aead::join;
use crate::domain::id::TenantId;
use crate::purpose::Purpose;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use zeroize::Zeroizing;

/// Length of a root key and of every key that derives from it.
pub(super) const KEY_LEN: usize = 32;

/// One version of a root key, ready for derivation (RFC 5869).
pub(super) struct RootKey {
    tenant: TenantId,
    purpose: Purpose,
    prk: Prk,
}

impl RootKey {
    /// Builds the root key from these 32 bytes.
    pub(super) fn new(tenant: &TenantId, purpose: Purpose, bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != KEY_LEN {
            return Err(KeyError::DoesNotOpen("root key of a wrong length"));
        }
        let prk = Salt::new(HKDF_SHA256, b"latchkey root key 1").extract(bytes);
        Ok(Self { tenant: tenant.clone(), purpose, prk })
    }
    /// The key for one use. It is bound to tenant, purpose, label and context, so keys of two uses are independent even if their
    /// roots were equal (security 48).
    pub(super) fn derive(&self, label: &str, context: &[&[u8]]) -> Result<Zeroizing<[u8; KEY_LEN]>, KeyError> {
        let mut parts = vec![self.tenant.as_str().as_bytes(), self.purpose.name().as_bytes(), label.as_bytes()];
        parts.extend_from_slice(context);
        let info = join(&parts);
        let mut key = Zeroizing::new([0; KEY_LEN]);
        self.prk
            .expand(&[&info], HKDF_SHA256)
            .and_then(|okm| okm.fill(key.as_mut_slice()))
            .map_err(|_| KeyError::Failed("deriving a key"))?;
        Ok(key)
    }
    /// An HMAC-SHA-256 key for one use.
    pub(super) fn derive_hmac(&self, label: &str) -> Result<aws_lc_rs::hmac::Key, KeyError> {
        Ok(aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, self.derive(label, &[])?.as_slice()))
    }
}

/// The versions of a derived key: all of them open values, one of them makes new ones.
pub(super) struct Versioned<K> {
    /// Newest first; never empty.
    keys: Vec<(u32, K)>,
    /// Index of the version that makes new values.
    current: usize,
}

impl<K> Versioned<K> {
    /// Applies `derive` to each version. `making` is the version that makes new values.
    pub(super) fn derive(
        roots: &[(u32, RootKey)],
        making: u32,
        derive: impl Fn(&RootKey) -> Result<K, KeyError>,
    ) -> Result<Self, KeyError> {
        let mut keys = Vec::with_capacity(roots.len());
        for (version, root) in roots {
            keys.push((*version, derive(root)?));
        }
        Self::new(keys, making)
    }
    /// These versions. `making` is the one that makes new values.
    pub(super) fn new(mut keys: Vec<(u32, K)>, making: u32) -> Result<Self, KeyError> {
        keys.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        let current = keys.iter().position(|(version, _)| *version == making).ok_or(KeyError::UnknownVersion)?;
        Ok(Self { keys, current })
    }
    /// The version that makes new values, and its number.
    pub(super) fn current(&self) -> (u32, &K) {
        let (version, key) = &self.keys[self.current];
        (*version, key)
    }
    /// The version with this number.
    pub(super) fn get(&self, version: u32) -> Result<&K, KeyError> {
        self.keys.iter().find(|(known, _)| *known == version).map(|(_, key)| key).ok_or(KeyError::UnknownVersion)
    }
    /// The first result of `open`, newest version first.
    pub(super) fn find_map<T>(&self, open: impl Fn(&K) -> Option<T>) -> Option<T> {
        self.keys.iter().find_map(|(_, key)| open(key))
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A root key of version 1 for tests, always the same.
    pub(in super::super) fn roots(tenant: &str, purpose: Purpose, fill: u8) -> Vec<(u32, RootKey)> {
        vec![(1, RootKey::new(&tenant.parse().unwrap(), purpose, &[fill; KEY_LEN]).unwrap())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(tenant: &str, purpose: Purpose, fill: u8) -> RootKey {
        RootKey::new(&tenant.parse().unwrap(), purpose, &[fill; KEY_LEN]).unwrap()
    }

    #[test]
    fn derived_keys_differ_by_root_tenant_purpose_label_and_context() {
        let derived = [
            root("a", Purpose::Locator, 1).derive("x", &[]).unwrap(),
            root("a", Purpose::Locator, 2).derive("x", &[]).unwrap(),
            root("b", Purpose::Locator, 1).derive("x", &[]).unwrap(),
            root("a", Purpose::Refresh, 1).derive("x", &[]).unwrap(),
            root("a", Purpose::Locator, 1).derive("y", &[]).unwrap(),
            root("a", Purpose::Locator, 1).derive("x", &[b"c"]).unwrap(),
        ];
        for (i, one) in derived.iter().enumerate() {
            assert!(derived.iter().skip(i + 1).all(|other| other != one));
        }
        assert_eq!(derived[0], root("a", Purpose::Locator, 1).derive("x", &[]).unwrap());
    }

    #[test]
    fn every_version_opens_values_and_one_makes_new_ones() {
        let roots = vec![(1, root("a", Purpose::Refresh, 1)), (2, root("a", Purpose::Refresh, 2))];
        let keys = Versioned::derive(&roots, 1, |root| root.derive("x", &[])).unwrap();
        assert_eq!(keys.current().0, 1);
        assert_ne!(keys.get(1).unwrap(), keys.get(2).unwrap());
        assert!(matches!(keys.get(3), Err(KeyError::UnknownVersion)));
        assert!(matches!(Versioned::derive(&roots, 3, |_| Ok(())), Err(KeyError::UnknownVersion)));
    }

    #[test]
    fn a_root_key_of_the_wrong_length_is_refused() {
        assert!(RootKey::new(&"a".parse().unwrap(), Purpose::Data, &[0; 31]).is_err());
    }
}
