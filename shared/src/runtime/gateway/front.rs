//! What stands in front of the gateway: nothing, or a CloudFront distribution that proves itself by a secret.
//!
//! Behind a distribution the gateway sees CloudFront's address, not the caller's; the caller's comes in a header. A header is worth
//! something only from somebody who is known, so the distribution adds a secret of which the function has the SHA-256, and whoever
//! comes past it is refused (security 115).

use crate::digest::sha256;
use crate::domain::secret::SecretHash;
use data_encoding::HEXLOWER_PERMISSIVE;
use http::{HeaderMap, HeaderName};
use std::net::{IpAddr, SocketAddr};

/// The header in which the distribution sends its secret.
pub const SECRET: HeaderName = HeaderName::from_static("x-latchkey-origin");
/// The header in which CloudFront sends the caller's address and port.
pub const VIEWER: HeaderName = HeaderName::from_static("cloudfront-viewer-address");

/// What stands in front of the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Front {
    /// Nothing: callers reach the gateway itself, whose word their address is.
    #[default]
    None,
    /// A CloudFront distribution, known by its secret: one, or two while it is changed.
    CloudFront([SecretHash; 2]),
}

impl Front {
    /// The front that `LATCHKEY_ORIGIN_SECRET_SHA256` names: the SHA-256 of the secret in hexadecimal, or two of them with a comma in
    /// between; empty for none.
    ///
    /// # Errors
    /// Says what is wrong with it, and not what it was.
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

    /// The caller's address as the front saw it; within, `None` where the gateway's word counts. `None` for whoever came past it.
    ///
    /// The secret leaves the headers: nothing behind this can pass it on.
    pub(super) fn admit(&self, headers: &mut HeaderMap) -> Option<Option<IpAddr>> {
        let sent = headers.remove(&SECRET);
        match self {
            Self::None => Some(None),
            Self::CloudFront([one, other]) => {
                let sent = SecretHash::from_bytes(sha256(sent.as_ref().map_or(b"".as_slice(), |value| value.as_bytes())));
                // Both are compared, each in constant time.
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
    fn security_115_the_viewers_address_is_read_in_each_form_and_in_no_other() {
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
    fn the_variable_says_one_secret_two_or_none() {
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
    fn the_secret_is_known_whole_or_not_at_all_and_goes_no_further() {
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
        assert_eq!(admit(&Front::None, Some("the new secret")), Some(None), "a header alone says nothing");
        // A secret that nobody set is not the empty one.
        assert_eq!(admit(&Front::parse(&"0".repeat(64)).unwrap(), None), None);
    }
}
