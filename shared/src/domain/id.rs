//! Identifiers of distinct types, so that they cannot be confused.
//!
//! Binary ids are 128 random bits, written as 22 characters of base64url. Text ids are validated when parsed, so none contains a
//! separator of a storage key or a control character.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Why a text is not a valid id of this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed {0}")]
pub struct InvalidId(pub &'static str);

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// 128 random bits; its text form is 22 characters of unpadded base64url.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The id made of these 16 random bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&BASE64URL_NOPAD.encode(&self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                BASE64URL_NOPAD
                    .decode(text.as_bytes())
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .map(Self)
                    .ok_or(InvalidId($what))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

random_id!(
    /// An account. No application sees the id: tokens carry [`Sub`]. A passkey stores it as its user handle.
    AccountId,
    "account id"
);
random_id!(
    /// A signed-in browser; its text form is the `sid` claim (OpenID Connect Session, front- and back-channel logout).
    SessionId,
    "session id"
);
random_id!(
    /// A grant of one account to one client. Its first state is the authorization code.
    GrantId,
    "grant id"
);
random_id!(
    /// A pending registration, password reset or stored authorization request.
    FlowId,
    "flow id"
);
random_id!(
    /// A sign-in between its first and its second step.
    AttemptId,
    "attempt id"
);
random_id!(
    /// A JWT id (RFC 7519 §4.1.7).
    Jti,
    "jti"
);

/// The subject identifier of an account in tokens (OpenID Connect Core §2 `sub`): never reused, never an address.
///
/// 128 bits. One that was made here is written as 22 characters of unpadded base64url. One that was imported from another
/// identity provider is a UUID (RFC 9562 §4) and keeps that form: 36 characters, lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sub {
    bytes: [u8; 16],
    is_uuid: bool,
}

impl Sub {
    /// The identifier made of these 16 random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self { bytes, is_uuid: false }
    }
    /// An imported identifier: a UUID. Anything else is refused, because it could be the identifier of another account here.
    #[must_use]
    pub fn from_imported(text: &str) -> Option<Self> {
        text.parse().ok().filter(|sub: &Self| sub.is_uuid)
    }
    /// Whether it was imported. One that was made here is random, and needs no claim.
    #[must_use]
    pub const fn is_imported(&self) -> bool {
        self.is_uuid
    }
    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }
}
impl fmt::Display for Sub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_uuid {
            true => Uuid::from_bytes(self.bytes).hyphenated().fmt(f),
            false => f.write_str(&BASE64URL_NOPAD.encode(&self.bytes)),
        }
    }
}
impl fmt::Debug for Sub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sub({self})")
    }
}
impl FromStr for Sub {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId("subject identifier");
        if text.len() == Hyphenated::LENGTH {
            let bytes = Uuid::try_parse(text).map_err(|_| invalid)?.into_bytes();
            let sub = Self { bytes, is_uuid: true };
            // An identifier has exactly one text form: no capitals, no braces.
            return if sub.to_string() == text { Ok(sub) } else { Err(invalid) };
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self::from_bytes).ok_or(invalid)
    }
}
impl Serialize for Sub {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Sub {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let allowed: fn(u8) -> bool = $allowed;
                if text.is_empty() || text.len() > $max || !text.bytes().all(allowed) {
                    return Err(InvalidId($what));
                }
                Ok(Self(text.to_owned()))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id!(
    /// A tenant: 1 to 32 of `a-z 0-9 -`.
    TenantId,
    "tenant id",
    32,
    |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'
);
text_id!(
    /// An OAuth client identifier (RFC 6749 §2.2): 1 to 64 of `A-Z a-z 0-9 - _ .`.
    ClientId,
    "client id",
    64,
    |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')
);
text_id!(
    /// One request as the host names it (API Gateway's request id, or the local gateway's own): 1 to 64 of
    /// `A-Z a-z 0-9 - _ =`; part of every write's `op`.
    RequestId,
    "request id",
    64,
    |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=')
);
text_id!(
    /// A key id (RFC 7517 §4.5): the RFC 7638 thumbprint of the public key.
    KeyId,
    "key id",
    64,
    |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
);

impl TenantId {
    /// The tenant at the origin itself.
    #[must_use]
    pub fn default_tenant() -> Self {
        Self("default".to_owned())
    }
    /// Whether this is the tenant at the origin itself.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.0 == "default"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_identifier_has_exactly_one_text_form() {
        let own = Sub::from_bytes([7; 16]);
        let brought = "07070707-0707-0707-0707-070707070707";
        for text in [own.to_string().as_str(), brought] {
            let sub: Sub = text.parse().unwrap();
            assert_eq!((sub.to_string().as_str(), sub.as_bytes()), (text, own.as_bytes()));
        }
        assert_ne!(brought.parse(), Ok(own), "different text forms of the same bits are different identifiers");
        assert_eq!((Sub::from_imported(brought), Sub::from_imported(&own.to_string())), (brought.parse().ok(), None));
        for text in [
            "",
            "07070707070707070707070707070707",
            "{7070707-0707-0707-0707-07070707070}",
            "07070707-0707-0707-0707-07070707070G",
            "ABCDEF07-0707-0707-0707-070707070707",
            "urn:uuid:07070707-0707-0707-0707-070707070707",
            "BwcHBwcHBwcHBwcHBwcHB",
            "BwcHBwcHBwcHBwcHBwcHBx",
        ] {
            assert!(text.parse::<Sub>().is_err(), "{text}");
        }
    }
}
