//! Keyed hashes of identifiers and of client addresses.
use super::KeyError;
use super::aead::join;
use super::root::RootKey;
use crate::domain::identifier::{EmailAddress, IdentifierForms, IdentifierHash};
use crate::domain::linked_identity::{FederatedSubject, SUB_CLAIM_VERSION, SubjectHash};
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use std::net::IpAddr;

/// The versions of the identifier key: a chain. Version 1 hashes the identifier, and each later one hashes the hash of the version
/// before it (decision 34). So a stored hash leads to all later ones.
pub struct IdentifierKeyring {
    /// Oldest first; never empty.
    chain: Vec<(u32, IdentifierKeys)>,
    /// The oldest version under which items can be stored.
    oldest_live: u32,
    /// The version that makes new items.
    making: u32,
}

struct IdentifierKeys {
    identifiers: hmac::Key,
    /// Hashes the hash of the version before.
    step: hmac::Key,
    addresses: hmac::Key,
}

impl IdentifierKeyring {
    /// `dropped`: versions under which no item is stored any more.
    pub(super) fn new(roots: &[(u32, RootKey)], making: u32, dropped: &[u32]) -> Result<Self, KeyError> {
        let mut chain = Vec::with_capacity(roots.len());
        for (version, root) in roots {
            let keys = IdentifierKeys {
                identifiers: root.derive_hmac("identifier")?,
                step: root.derive_hmac("identifier step")?,
                addresses: root.derive_hmac("address")?,
            };
            chain.push((*version, keys));
        }
        chain.sort_by_key(|(version, _)| *version);
        let live = chain.iter().map(|(version, _)| *version).filter(|version| !dropped.contains(version));
        let oldest_live = live.min().ok_or(KeyError::UnknownVersion)?;
        if !chain.iter().any(|(version, _)| *version == making) {
            return Err(KeyError::UnknownVersion);
        }
        Ok(Self { chain, oldest_live, making: making.max(oldest_live) })
    }
    /// The hash under the oldest live version: the others follow from it.
    #[must_use]
    pub fn hash_email(&self, email: &EmailAddress) -> IdentifierHash {
        self.hash("email", email.as_str().as_bytes())
    }
    /// The hash of a subject of another identity provider, under the oldest live version.
    #[must_use]
    pub fn hash_subject(&self, subject: &FederatedSubject) -> SubjectHash {
        let named = join(&[subject.issuer.as_bytes(), subject.subject.as_bytes()]);
        SubjectHash(self.hash("subject", &named))
    }
    /// Whether two hashes, perhaps of two versions, are of the same identifier.
    #[must_use]
    pub fn is_same(&self, one: &IdentifierHash, other: &IdentifierHash) -> bool {
        let newest = one.key_version.max(other.key_version);
        self.step_to(*one, newest) == self.step_to(*other, newest)
    }
    /// The versions under which items can be stored, oldest first.
    #[must_use]
    pub fn live_versions(&self) -> Vec<u32> {
        self.chain.iter().map(|(version, _)| *version).filter(|version| *version >= self.oldest_live).collect()
    }
    /// The version that makes new items.
    #[must_use]
    pub const fn making(&self) -> u32 {
        self.making
    }
    /// The keyed hash of a client address, base64url: the whole IPv4 address, the /64 of an IPv6 address (v4-mapped counts as v4).
    #[must_use]
    pub fn hash_address(&self, address: IpAddr) -> String {
        // An IPv6 customer has a whole /64. A limit on single addresses would have no effect (security 115).
        let tag = match address.to_canonical() {
            IpAddr::V4(v4) => hmac::sign(&self.keys(self.making).addresses, &join(&[b"4", &v4.octets()])),
            IpAddr::V6(v6) => hmac::sign(&self.keys(self.making).addresses, &join(&[b"6", &v6.octets()[..8]])),
        };
        BASE64URL_NOPAD.encode(tag.as_ref())
    }
    fn hash(&self, kind: &str, canonical: &[u8]) -> IdentifierHash {
        let (first, keys) = &self.chain[0];
        let hash = tag(&keys.identifiers, &join(&[kind.as_bytes(), canonical]));
        self.step_to(IdentifierHash { key_version: *first, hash }, self.oldest_live)
    }
    /// The hash under a version that is not older than its own.
    fn step_to(&self, hash: IdentifierHash, version: u32) -> IdentifierHash {
        let later = self.chain.iter().filter(|(of, _)| *of > hash.key_version && *of <= version);
        later.fold(hash, |hash, (version, keys)| IdentifierHash { key_version: *version, hash: tag(&keys.step, &hash.hash) })
    }
    fn keys(&self, version: u32) -> &IdentifierKeys {
        let found = self.chain.iter().find(|(of, _)| *of == version);
        &found.unwrap_or(&self.chain[0]).1
    }
}

impl IdentifierForms for IdentifierKeyring {
    fn is_single(&self) -> bool {
        self.chain.len() == 1
    }
    fn forms(&self, hash: &IdentifierHash) -> Vec<IdentifierHash> {
        // The claim of a `sub` has no key.
        if hash.key_version == SUB_CLAIM_VERSION {
            return vec![*hash];
        }
        let live = self.live_versions().into_iter().filter(|version| *version >= hash.key_version);
        let forms: Vec<_> = live.map(|version| self.step_to(*hash, version)).collect();
        if forms.is_empty() { vec![*hash] } else { forms }
    }
    fn claimed(&self, hash: &IdentifierHash) -> IdentifierHash {
        if hash.key_version == SUB_CLAIM_VERSION { *hash } else { self.step_to(*hash, self.making) }
    }
}

fn tag(key: &hmac::Key, bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(hmac::sign(key, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::super::root::testing::roots;
    use super::*;
    use crate::purpose::Purpose;

    fn keyring(tenant: &str) -> IdentifierKeyring {
        IdentifierKeyring::new(&roots(tenant, Purpose::Identifier, 1), 1, &[]).unwrap()
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

    /// Three versions: each hash leads to the later ones, whatever version is live, and never back.
    #[test]
    fn a_stored_hash_leads_to_every_later_version() {
        let mut three = roots("a", Purpose::Identifier, 1);
        for version in [2, 3] {
            let [(_, root)] = <[_; 1]>::try_from(roots("a", Purpose::Identifier, version as u8)).ok().unwrap();
            three.push((version, root));
        }
        let email = EmailAddress::parse("ada@example.com").unwrap();
        let of = |making, dropped: &[u32]| IdentifierKeyring::new(&three, making, dropped).unwrap();
        let first = of(1, &[]).hash_email(&email);
        assert_eq!(first, keyring("a").hash_email(&email), "the first version is what it was");
        let forms = of(1, &[]).forms(&first);
        assert_eq!(forms.iter().map(|form| form.key_version).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(forms[0].hash != forms[1].hash && forms[1].hash != forms[2].hash);
        for (dropped, live) in [(&[][..], 0), (&[1], 1), (&[1, 2], 2)] {
            let keyring = of(3, dropped);
            assert_eq!(keyring.hash_email(&email), forms[live], "{dropped:?}");
            for form in &forms {
                assert_eq!(keyring.claimed(form), forms[2]);
                assert_eq!(keyring.forms(form), forms[live.max(form.key_version as usize - 1)..], "{dropped:?} {form:?}");
                assert!(keyring.is_same(form, &first) && keyring.is_same(&first, form));
            }
        }
        let sub = SubjectHash::of_sub("ffffffff-ffff-ffff-ffff-ffffffffffff".parse().unwrap());
        assert_eq!((of(3, &[1]).forms(&sub.0), of(3, &[1]).claimed(&sub.0)), (vec![sub.0], sub.0), "a sub has no key");
        assert!(!of(3, &[]).is_same(&first, &of(3, &[]).hash_email(&EmailAddress::parse("bob@example.com").unwrap())));
        assert!(IdentifierKeyring::new(&three, 4, &[]).is_err() && IdentifierKeyring::new(&three, 3, &[1, 2, 3]).is_err());
    }
}
