//! Keyed hashes of identifiers and of client addresses.
use super::KeyError;
use super::aead::join;
use super::root::{RootKey, Versioned};
use crate::domain::identifier::{EmailAddress, IdentifierHash};
use crate::domain::linked_identity::{FederatedSubject, SubjectHash};
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use std::net::IpAddr;

/// The versioned identifier key.
pub struct IdentifierKeyring {
    keys: Versioned<IdentifierKeys>,
}

struct IdentifierKeys {
    identifiers: hmac::Key,
    addresses: hmac::Key,
}

impl IdentifierKeyring {
    pub(super) fn new(roots: &[(u32, RootKey)], making: u32) -> Result<Self, KeyError> {
        let keys = Versioned::derive(roots, making, |root| {
            Ok(IdentifierKeys { identifiers: root.derive_hmac("identifier")?, addresses: root.derive_hmac("address")? })
        })?;
        Ok(Self { keys })
    }
    /// The hash under the current key version.
    #[must_use]
    pub fn hash_email(&self, email: &EmailAddress) -> IdentifierHash {
        self.hash("email", email.as_str().as_bytes())
    }
    /// The hash of a subject of another identity provider, under the current key version.
    #[must_use]
    pub fn hash_subject(&self, subject: &FederatedSubject) -> SubjectHash {
        let named = join(&[subject.issuer.as_bytes(), subject.subject.as_bytes()]);
        SubjectHash(self.hash("subject", &named))
    }
    /// The keyed hash of a client address, base64url: the whole IPv4 address, the /64 of an IPv6 address (v4-mapped counts as v4).
    #[must_use]
    pub fn hash_address(&self, address: IpAddr) -> String {
        // An IPv6 customer has a whole /64. A limit on single addresses would have no effect (security 115).
        let tag = match address.to_canonical() {
            IpAddr::V4(v4) => hmac::sign(&self.keys.current().1.addresses, &join(&[b"4", &v4.octets()])),
            IpAddr::V6(v6) => hmac::sign(&self.keys.current().1.addresses, &join(&[b"6", &v6.octets()[..8]])),
        };
        BASE64URL_NOPAD.encode(tag.as_ref())
    }
    fn hash(&self, kind: &str, canonical: &[u8]) -> IdentifierHash {
        let (key_version, keys) = self.keys.current();
        let tag = hmac::sign(&keys.identifiers, &join(&[kind.as_bytes(), canonical]));
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        IdentifierHash { key_version, hash }
    }
}

#[cfg(test)]
mod tests {
    use super::super::root::testing::roots;
    use super::*;
    use crate::purpose::Purpose;

    fn keyring(tenant: &str) -> IdentifierKeyring {
        IdentifierKeyring::new(&roots(tenant, Purpose::Identifier, 1), 1).unwrap()
    }
    fn address(text: &str) -> String {
        keyring("a").hash_address(text.parse().unwrap())
    }

    #[test]
    fn an_address_is_hashed_whole_for_ipv4_and_by_64_bits_for_ipv6() {
        let cases = [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("::1", "0.0.0.1", false),
            ("::", "0.0.0.0", false),
        ];
        for (one, other, same) in cases {
            assert_eq!(address(one) == address(other), same, "{one} and {other} (security 115)");
        }
        assert_ne!(address("192.0.2.1"), keyring("b").hash_address("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn identifier_hashes_differ_by_kind_text_and_tenant() {
        let hash = keyring("a").hash("email", b"a@example.com");
        assert_eq!(hash, keyring("a").hash("email", b"a@example.com"));
        assert_eq!(hash.key_version, 1);
        assert_ne!(hash, keyring("a").hash("phone", b"a@example.com"));
        assert_ne!(hash, keyring("a").hash("email", b"b@example.com"));
        assert_ne!(hash, keyring("b").hash("email", b"a@example.com"));
        let subject = |issuer: &str, subject: &str| {
            keyring("a").hash_subject(&FederatedSubject { issuer: issuer.to_owned(), subject: subject.to_owned() })
        };
        assert_eq!(subject("https://a", "1"), subject("https://a", "1"));
        assert_ne!(subject("https://a", "1"), subject("https://a1", ""), "issuer and subject are separated");
    }
}
