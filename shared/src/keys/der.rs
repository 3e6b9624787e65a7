//! The part of DER (X.690) that keys and signatures need. It is strict: no value has two encodings.

use super::jwk::{Base64Url, P256, PublicJwk};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// `AlgorithmIdentifier` of a key on P-256 (RFC 5480 §2.1.1): `id-ecPublicKey`, `secp256r1`.
const P256_ALGORITHM: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, //
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// `AlgorithmIdentifier` of an RSA key (RFC 8017 §A.1): `rsaEncryption`, NULL.
const RSA_ALGORITHM: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Converts an `Ecdsa-Sig-Value` on P-256 (RFC 3279 §2.2.3) to `R ‖ S`, 32 bytes each (RFC 7518 §3.4). `None` for anything else
/// (security 51).
pub(super) fn fixed_p256_signature(der: &[u8]) -> Option<[u8; 64]> {
    let (pair, rest) = element(SEQUENCE, der)?;
    let (r, after) = element(INTEGER, pair)?;
    let (s, end) = element(INTEGER, after)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    let mut fixed = [0; 64];
    let (left, right) = fixed.split_at_mut(32);
    for (integer, place) in [(r, left), (s, right)] {
        // DER omits leading zeros and adds one if the first bit is set. Both are undone here.
        let integer = unsigned(integer)?;
        place.get_mut(32_usize.checked_sub(integer.len())?..)?.copy_from_slice(integer);
    }
    Some(fixed)
}

/// The key in a `SubjectPublicKeyInfo` (RFC 5280 §4.1), on P-256 or RSA. The verifier checks whether the key is valid.
pub(super) fn public_key_info(der: &[u8]) -> Option<PublicJwk> {
    let (info, rest) = element(SEQUENCE, der)?;
    let (algorithm, after) = element(SEQUENCE, info)?;
    let (bits, end) = element(BIT_STRING, after)?;
    let (unused_bits, key) = bits.split_first()?;
    if !rest.is_empty() || !end.is_empty() || *unused_bits != 0 {
        return None;
    }
    if algorithm == P256_ALGORITHM {
        p256_point(key)
    } else if algorithm == RSA_ALGORITHM {
        let (n, e) = modulus_and_exponent(key)?;
        Some(PublicJwk::Rsa { e: Base64Url(e), n: Base64Url(n) })
    } else {
        None
    }
}

/// The key at an uncompressed point (SEC 1 §2.3.3).
pub(super) fn p256_point(point: &[u8]) -> Option<PublicJwk> {
    let (first, coordinates) = point.split_first()?;
    if *first != 4 || coordinates.len() != 64 {
        return None;
    }
    let (x, y) = coordinates.split_at(32);
    Some(PublicJwk::Ec { crv: P256::Only, x: Base64Url(x.to_vec()), y: Base64Url(y.to_vec()) })
}

/// `n` and `e` of an `RSAPublicKey` (RFC 8017 §A.1.1), without leading zeros.
pub(super) fn modulus_and_exponent(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (pair, rest) = element(SEQUENCE, der)?;
    let (n, after) = element(INTEGER, pair)?;
    let (e, end) = element(INTEGER, after)?;
    (rest.is_empty() && end.is_empty()).then_some(())?;
    Some((unsigned(n)?.to_vec(), unsigned(e)?.to_vec()))
}

/// The bytes of a positive INTEGER without its leading zero. `None` if it is zero, negative, or longer than necessary
/// (X.690 §8.3.2).
fn unsigned(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0, rest @ ..] => (rest.first()? & 0x80 != 0).then_some(rest),
        [first, ..] => (first & 0x80 == 0).then_some(integer),
        [] => None,
    }
}

/// The content of the first element, which must have this tag, and the rest. The length must have its shortest form (X.690 §10.1).
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let ([first, length], der) = der.split_first_chunk::<2>()?;
    if *first != tag {
        return None;
    }
    match length {
        short @ 0..=0x7f => der.split_at_checked(usize::from(*short)),
        0x81 => {
            let (length, der) = der.split_first()?;
            (*length >= 0x80).then_some(())?;
            der.split_at_checked(usize::from(*length))
        }
        0x82 => {
            let (length, der) = der.split_first_chunk::<2>()?;
            let length = u16::from_be_bytes(*length);
            (length >= 0x100).then_some(())?;
            der.split_at_checked(usize::from(length))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "der_tests.rs"]
mod tests;
