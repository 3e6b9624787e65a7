//! The rules of Latchkey: synchronous functions over values, with time and randomness as parameters.
//!
//! A decision takes a snapshot and returns a [`change::Decision`]: what to write and what to answer. The caller commits the
//! changes first and shows the outcome afterwards. If the commit meets a conflict, the caller loads again and decides again.

pub mod account;
pub mod address_proof;
pub mod amr;
pub mod audit;
pub mod change;
pub mod consent;
pub mod credential;
pub(crate) mod crockford;
pub mod delivery;
pub mod disowned;
pub mod email_change;
pub mod email_undo;
pub mod erasure;
pub mod export;
pub mod failure_window;
pub mod flow;
pub mod form;
pub mod id;
pub mod identifier;
pub mod known_device;
pub mod legacy_directory;
pub mod linked_identity;
pub mod lost_factor;
pub mod mail_limit;
pub mod not_me;
pub mod oauth;
pub mod passkey;
pub mod password_change;
pub mod profile;
pub mod record;
pub mod recovery;
pub mod recovery_codes;
pub mod registration;
pub mod remembered_device;
pub mod removal_request;
pub mod repetition;
pub mod requirements;
pub mod retention;
pub mod reverse_migration;
pub mod roles;
pub mod satisfied;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod source;
pub mod tenant;
pub mod time;
pub mod totp;
pub mod transfer;
pub mod verbs;

/// 32 bytes as one binary attribute.
pub(crate) mod bytes32 {
    use serde::{Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let bytes = super::bytes::deserialize(deserializer)?;
        bytes.try_into().map_err(|_| de::Error::custom("not 32 bytes"))
    }
}

/// 16 bytes as one binary attribute.
pub(crate) mod bytes16 {
    use serde::{Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        let bytes = super::bytes::deserialize(deserializer)?;
        bytes.try_into().map_err(|_| de::Error::custom("not 16 bytes"))
    }
}

/// Bytes as one binary attribute.
pub(crate) mod bytes {
    use serde::{Deserializer, Serializer, de};
    use std::fmt;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl<'de> de::Visitor<'de> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
                let mut bytes = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(4096));
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}
