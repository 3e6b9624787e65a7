//! The public key of a credential: a COSE key (RFC 9052 §7) of ES256 or RS256, with exactly the members that its type needs.

use super::cbor::{Map, NotStrict, Value, first_map};

/// An algorithm that is offered when a passkey is created (COSE algorithm registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// All of them, preferred first.
    pub const ALL: [Self; 2] = [Self::Es256, Self::Rs256];

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::Rs256 => -257,
        }
    }
}

/// A public key. Whether a point is on its curve is checked by the cryptographic library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// A point of P-256 in uncompressed form (SEC 1 §2.3.3): `04 ‖ x ‖ y`.
    Es256([u8; 65]),
    /// An RSA key.
    Rs256 {
        /// The modulus, 2048 to 4096 bits, without leading zeros.
        modulus: Vec<u8>,
        /// The exponent, odd and at least 3, without leading zeros.
        exponent: Vec<u8>,
    },
}

/// Why a COSE key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyRefused {
    Malformed,
    Algorithm,
    Parameters,
}

impl From<NotStrict> for KeyRefused {
    fn from(_: NotStrict) -> Self {
        Self::Malformed
    }
}

const KTY: Value<'static> = Value::Number(1);
const ALG: Value<'static> = Value::Number(3);
/// Curve of an EC2 key, modulus of an RSA key.
const FIRST: Value<'static> = Value::Number(-1);
/// x of an EC2 key, exponent of an RSA key.
const SECOND: Value<'static> = Value::Number(-2);
const Y: Value<'static> = Value::Number(-3);

impl PublicKey {
    /// Reads the COSE key at the start of the input. Returns it, and the number of bytes that it takes.
    pub(super) fn read(input: &[u8]) -> Result<(Self, usize), KeyRefused> {
        let (map, length) = first_map(input)?;
        Ok((Self::of(&map)?, length))
    }
    /// The key in these stored bytes.
    #[must_use]
    pub fn from_cose(stored: &[u8]) -> Option<Self> {
        let (key, length) = Self::read(stored).ok()?;
        (length == stored.len()).then_some(key)
    }
    /// Its algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::Rs256 { .. } => Algorithm::Rs256,
        }
    }
    fn of(map: &Map<'_>) -> Result<Self, KeyRefused> {
        let number = |key| map.get(key).and_then(Value::number);
        let algorithm = number(&ALG).ok_or(KeyRefused::Malformed)?;
        let algorithm = Algorithm::ALL.into_iter().find(|known| known.number() == algorithm).ok_or(KeyRefused::Algorithm)?;
        let (kty, members) = match algorithm {
            Algorithm::Es256 => (2, 5),
            Algorithm::Rs256 => (3, 4),
        };
        if number(&KTY) != Some(kty) || map.len() != members {
            return Err(KeyRefused::Parameters);
        }
        let bytes = |key| map.get(key).and_then(Value::bytes).ok_or(KeyRefused::Parameters);
        match algorithm {
            Algorithm::Es256 => {
                if number(&FIRST) != Some(1) {
                    return Err(KeyRefused::Parameters);
                }
                let (x, y) = (bytes(&SECOND)?, bytes(&Y)?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(KeyRefused::Parameters);
                }
                let mut point = [4; 65];
                point[1..33].copy_from_slice(x);
                point[33..].copy_from_slice(y);
                Ok(Self::Es256(point))
            }
            Algorithm::Rs256 => {
                let (modulus, exponent) = (bytes(&FIRST)?, bytes(&SECOND)?);
                if is_modulus(modulus) && is_exponent(exponent) {
                    Ok(Self::Rs256 { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
                } else {
                    Err(KeyRefused::Parameters)
                }
            }
        }
    }
}

/// 2048 to 4096 bits, odd, no leading zero.
fn is_modulus(modulus: &[u8]) -> bool {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else { return false };
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    *first != 0 && last % 2 == 1 && (2048..=4096).contains(&bits)
}

/// Odd, at least 3, at most 32 bits, no leading zero.
fn is_exponent(exponent: &[u8]) -> bool {
    match exponent {
        [only] => *only >= 3 && only % 2 == 1,
        [first, .., last] => *first != 0 && last % 2 == 1 && exponent.len() <= 4,
        [] => false,
    }
}

/// Signatures and keys, as the cryptographic library judges them.
pub trait SignatureVerifier {
    /// Whether this is a key of its algorithm: a point is on its curve.
    fn accepts(&self, key: &PublicKey) -> bool;
    /// Whether this is the key's signature of the message.
    fn verifies(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool;
}
