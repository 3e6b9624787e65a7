//! Keyed hashes of identifiers and of client addresses.
use crate::domain::identifier::{EmailAddress, IdentifierHash};
use std::net::IpAddr;

/// The versioned identifier key.
pub struct IdentifierKeyring {}

impl IdentifierKeyring {
    /// The hash under the present key version.
    #[must_use]
    pub fn hash_email(&self, email: &EmailAddress) -> IdentifierHash {
        let _ = email;
        todo!()
    }
    /// The keyed hash of a client address, base64url: IPv4 whole, IPv6 (and v4-mapped as v4) by /64.
    #[must_use]
    pub fn hash_address(&self, address: IpAddr) -> String {
        let _ = address;
        todo!()
    }
}
