//! What is in front of the gateway: nothing, or a CloudFront distribution that proves itself with a secret.
//!
//! Behind a distribution the gateway sees the address of CloudFront, not of the caller. The caller's address is in a header. A header
//! can be trusted only from a known sender, so the distribution adds a secret, and the function knows its SHA-256. Requests without
//! the secret bypass the distribution and are refused (security 115).

use crate::digest::sha256;
use crate::domain::secret::SecretHash;
use data_encoding::HEXLOWER_PERMISSIVE;
use http::{HeaderMap, HeaderName};
use std::net::{IpAddr, SocketAddr};

/// The header with the secret of the distribution.
pub const SECRET: HeaderName = HeaderName::from_static("x-latchkey-origin");
/// The header with the caller's address and port, set by CloudFront.
pub const VIEWER: HeaderName = HeaderName::from_static("cloudfront-viewer-address");

/// What is in front of the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Front {
    /// Nothing: callers reach the gateway itself, and its source address counts.
    #[default]
    None,
    /// A CloudFront distribution, known by its secret: one secret, or two during a change.
    CloudFront([SecretHash; 2]),
}

impl Front {
    /// Parses `LATCHKEY_ORIGIN_SECRET_SHA256`: the SHA-256 of the secret in hexadecimal, or two of them with a comma in between; empty
    /// for none.
    ///
    /// # Errors
    /// The fault, without the value.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Ok(Self::None);
        }
        let hash = |hex: &str| {
            let bytes = HEXLOWER_PERMISSIVE.decode(hex.trim().as_bytes()).ok()?;
            Some(SecretHash::from_bytes(bytes.try_into().ok()?))
        };
        let hashes: Option<Vec<SecretHash>> = text.split(',').map(hash).collect();
        match hashes.as_deref() {
            Some([one]) => Ok(Self::CloudFront([*one, *one])),
            Some([one, other]) => Ok(Self::CloudFront([*one, *other])),
            Some(_) | None => Err("must be 64 hexadecimal digits, or two such values with a comma in between"),
        }
    }

    /// The caller's address as the distribution saw it; the inner `None` if the gateway's source address counts. The outer `None` if the
    /// request bypassed the distribution.
    ///
    /// The secret is removed from the headers, so no later code can pass it on.
    pub(super) fn admit(&self, headers: &mut HeaderMap) -> Option<Option<IpAddr>> {
        let sent = headers.remove(&SECRET);
        match self {
            Self::None => Some(None),
            Self::CloudFront([one, other]) => {
                let sent = SecretHash::from_bytes(sha256(sent.as_ref().map_or(b"".as_slice(), |value| value.as_bytes())));
                // Compare with both, each in constant time.
                let known = (sent == *one) | (sent == *other);
                known.then(|| headers.get(&VIEWER).and_then(|value| viewer(value.to_str().ok()?)))
            }
        }
    }
}

/// The address in `198.51.100.10:46532`, `2001:db8::1:46532` (as CloudFront writes it) or `[2001:db8::1]:46532`.
fn viewer(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    let (address, port) = text.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn security_115_only_the_documented_forms_of_the_viewer_address_are_read() {
        for (text, expected) in [
            ("198.51.100.10:46532", Some("198.51.100.10")),
            ("2001:db8::1:443", Some("2001:db8::1")),
            ("2600:1f18:243e:1300:4685:5a7:6c28:e7d:33120", Some("2600:1f18:243e:1300:4685:5a7:6c28:e7d")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("198.51.100.10", None),
            ("198.51.100.10:", None),
            ("198.51.100.10:70000", None),
            ("198.51.100.10:1, 203.0.113.9:1", None),
            ("203.0.113.9, 198.51.100.10:1", None),
            ("localhost:80", None),
            (":443", None),
            ("", None),
        ] {
            assert_eq!(viewer(text), expected.map(|address| address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn the_variable_has_no_secret_one_or_two() {
        let (one, two) = ("ab".repeat(32), "CD".repeat(32));
        let hash = |byte| SecretHash::from_bytes([byte; 32]);
        assert_eq!(Front::parse(""), Ok(Front::None));
        assert_eq!(Front::parse(&one), Ok(Front::CloudFront([hash(0xab), hash(0xab)])));
        assert_eq!(Front::parse(&format!("{one}, {two}")), Ok(Front::CloudFront([hash(0xab), hash(0xcd)])));
        for wrong in ["x", "ab", ",", &one[1..], &format!("{one}0"), &format!("{one},"), &format!("{one},{two},{one}")] {
            assert!(Front::parse(wrong).is_err_and(|words| !words.contains(&one)), "{wrong}");
        }
    }

    #[test]
    fn only_the_complete_secret_is_accepted_and_it_is_removed_from_the_headers() {
        let of = |secret: &[u8]| SecretHash::from_bytes(sha256(secret));
        let front = Front::CloudFront([of(b"the old secret"), of(b"the new secret")]);
        let admit = |front: &Front, secret: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(VIEWER, HeaderValue::from_static("198.51.100.10:1"));
            if let Some(secret) = secret {
                headers.insert(SECRET, HeaderValue::from_static(secret));
            }
            let admitted = front.admit(&mut headers);
            assert!(!headers.contains_key(SECRET));
            admitted
        };
        let viewer = "198.51.100.10".parse().ok();
        for (secret, admitted) in [
            (Some("the old secret"), Some(viewer)),
            (Some("the new secret"), Some(viewer)),
            (Some("the new secret, the new secret"), None),
            (Some("the new secre"), None),
            (Some(""), None),
            (None, None),
        ] {
            assert_eq!(admit(&front, secret), admitted, "{secret:?}");
        }
        assert_eq!(admit(&Front::None, Some("the new secret")), Some(None), "a header without a configured secret is ignored");
        // A secret that is not set does not equal the empty one.
        assert_eq!(admit(&Front::parse(&"0".repeat(64)).unwrap(), None), None);
    }
}
