//! security 51: DER signatures, as KMS returns them, are converted here and verified by another library. Other bytes are refused.

use super::*;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use proptest::prelude::*;

fn decoding_key(jwk: &PublicJwk) -> DecodingKey {
    let PublicJwk::Ec { x, y, .. } = jwk else { panic!("not on P-256") };
    DecodingKey::from_ec_components(&BASE64URL_NOPAD.encode(&x.0), &BASE64URL_NOPAD.encode(&y.0)).unwrap()
}

/// `SEQUENCE { INTEGER, INTEGER }` with these contents, all short.
fn sequence(integers: [&[u8]; 2]) -> Vec<u8> {
    let content: Vec<u8> =
        integers.iter().flat_map(|integer| [&[INTEGER, u8::try_from(integer.len()).unwrap()], *integer].concat()).collect();
    [&[SEQUENCE, u8::try_from(content.len()).unwrap()], &*content].concat()
}

#[test]
fn security_51_ten_thousand_der_signatures_verify_as_jws_signatures_by_a_second_library() {
    const SIGNATURES: u32 = 10_000;
    let (random, pair) = (SystemRandom::new(), EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());
    let key = decoding_key(&p256_point(pair.public_key().as_ref()).unwrap());
    // DER integers that are one byte longer than the field (the first bit is set), and shorter ones (they begin with zeros).
    let (mut longer, mut shorter) = ([0, 0], [0, 0]);
    for n in 0..SIGNATURES {
        let message = n.to_be_bytes();
        let der = pair.sign(&random, &message).unwrap();
        let (pair, _) = element(SEQUENCE, der.as_ref()).unwrap();
        let (r, after) = element(INTEGER, pair).unwrap();
        let (s, _) = element(INTEGER, after).unwrap();
        for (which, integer) in [r, s].into_iter().enumerate() {
            longer[which] += u32::from(integer.len() == 33);
            shorter[which] += u32::from(integer.len() < 32);
        }
        let fixed = fixed_p256_signature(der.as_ref()).unwrap();
        let signature = BASE64URL_NOPAD.encode(&fixed);
        assert!(crypto::verify(&signature, &message, &key, Algorithm::ES256).unwrap(), "{n}: {:?}", der.as_ref());
        if n % 100 == 0 {
            assert!(!crypto::verify(&signature, b"another", &key, Algorithm::ES256).unwrap());
        }
    }
    assert!(longer.iter().all(|count| *count > SIGNATURES / 4), "{longer:?}");
    assert!(shorter.iter().all(|count| *count > 5), "{shorter:?}: integers that begin with zeros did not occur");
}

#[test]
fn security_51_leading_zeros_and_short_integers_are_padded_to_32_bytes() {
    let full = [0xff; 32];
    let cases: [(&[u8], usize, &[u8]); 6] = [
        (&[1], 31, &[1]),
        (&[0x7f], 31, &[0x7f]),
        (&[0, 0x80], 31, &[0x80]),
        (&[1, 0], 30, &[1, 0]),
        (&[0x7f; 32], 0, &[0x7f; 32]),
        (&[[0].as_slice(), &full].concat(), 0, &full),
    ];
    for (integer, at, bytes) in &cases {
        for (other, other_at, other_bytes) in &cases {
            let fixed = fixed_p256_signature(&sequence([integer, other])).unwrap();
            let (r, s) = fixed.split_at(32);
            assert!(r[..*at].iter().all(|byte| *byte == 0) && r[*at..] == **bytes);
            assert!(s[..*other_at].iter().all(|byte| *byte == 0) && s[*other_at..] == **other_bytes);
        }
    }
}

#[test]
fn security_51_malformed_der_is_refused() {
    let good = sequence([&[1], &[2]]);
    assert!(fixed_p256_signature(&good).is_some());
    let long = [1; 33];
    let zeros = [[0, 0].as_slice(), &[0x80; 31]].concat();
    let too_long = [[0].as_slice(), &[0x80; 33]].concat();
    let pairs: [[&[u8]; 2]; 9] = [
        [&[], &[1]],
        [&[0], &[1]], // zero
        [&[1], &[0]],
        [&[0x80], &[1]],     // negative
        [&[1], &[0xff; 32]], // negative: the leading zero is missing
        [&[0, 1], &[1]],     // one zero too many
        [&[1], &zeros],
        [&long, &[1]], // longer than the field
        [&[1], &too_long],
    ];
    for pair in pairs {
        assert!(fixed_p256_signature(&sequence(pair)).is_none(), "{pair:?}");
    }
    let forms: [&[u8]; 12] = [
        b"",
        &[SEQUENCE],
        &[SEQUENCE, 0],
        &[SEQUENCE, 3, INTEGER, 1, 1],                               // one integer
        &[SEQUENCE, 9, INTEGER, 1, 1, INTEGER, 1, 1, INTEGER, 1, 1], // three
        &[SEQUENCE, 6, INTEGER, 1, 1, INTEGER, 1, 1, 0],             // trailing data
        &[SEQUENCE, 7, INTEGER, 1, 1, INTEGER, 1, 1, 0],             // trailing data inside
        &[SEQUENCE, 0x81, 6, INTEGER, 1, 1, INTEGER, 1, 1],          // a length in a longer form than necessary
        &[SEQUENCE, 0x82, 0, 6, INTEGER, 1, 1, INTEGER, 1, 1],
        &[SEQUENCE, 0x80, INTEGER, 1, 1, INTEGER, 1, 1, 0, 0], // the indefinite length of BER
        &[0x31, 6, INTEGER, 1, 1, INTEGER, 1, 1],              // a SET
        &[SEQUENCE, 6, BIT_STRING, 1, 1, INTEGER, 1, 1],
    ];
    for form in forms {
        assert!(fixed_p256_signature(form).is_none(), "{form:?}");
    }
    for end in 0..good.len() {
        assert!(fixed_p256_signature(&good[..end]).is_none(), "cut at {end}");
    }
    assert!(fixed_p256_signature(&[0x55; 64]).is_none(), "a signature that is fixed already");
}

#[test]
fn public_keys_are_read_from_their_spki() {
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let der: PublicKeyX509Der<'_> = ec.public_key().as_der().unwrap();
    assert_eq!(public_key_info(der.as_ref()), p256_point(ec.public_key().as_ref()));
    for end in 0..der.as_ref().len() {
        assert!(public_key_info(&der.as_ref()[..end]).is_none(), "cut at {end}");
    }
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
    let Some(PublicJwk::Rsa { e, n }) = public_key_info(der.as_ref()) else { panic!("not RSA") };
    assert_eq!((&*e.0, n.0.len()), (&[1, 0, 1][..], 256));
    assert!(public_key_info(&[der.as_ref(), &[0]].concat()).is_none());
    let ed: PublicKeyX509Der<'_> = Ed25519KeyPair::generate().unwrap().public_key().as_der().unwrap();
    assert!(public_key_info(ed.as_ref()).is_none(), "KMS signs no tokens with a key of this type");
}

proptest! {
    #[test]
    fn security_51_a_signature_has_only_one_accepted_encoding(
        r in prop::collection::vec(any::<u8>(), 0..34), s in prop::collection::vec(any::<u8>(), 0..34),
        noise in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        for der in [sequence([&r, &s]), noise] {
            let Some(fixed) = fixed_p256_signature(&der) else { continue };
            let integer = |bytes: &[u8]| {
                let plain: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
                if plain[0] & 0x80 == 0 { plain } else { [&[0], &*plain].concat() }
            };
            prop_assert_eq!(sequence([&integer(&fixed[..32]), &integer(&fixed[32..])]), der);
        }
    }
}
