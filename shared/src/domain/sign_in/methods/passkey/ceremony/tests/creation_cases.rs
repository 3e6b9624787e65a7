//! Changed creations, each with the rule that refuses it.

use super::*;

type CreationChange = (&'static str, fn(&mut Creation), R);

/// Replaces a member of the COSE key.
fn cose(creation: &mut Creation, key: i64, value: Option<Vec<u8>>) {
    let passkey = passkey();
    let mut members: Vec<_> = passkey.cose_members().into_iter().filter(|(name, _)| *name != number(key)).collect();
    members.extend(value.map(|value| (number(key), value)));
    creation.data.cose = map(&members);
}
fn rsa(creation: &mut Creation, modulus: &[u8], exponent: &[u8]) {
    creation.data.cose =
        map(&[(number(1), number(3)), (number(3), number(-257)), (number(-1), bytes(modulus)), (number(-2), bytes(exponent))]);
}
fn client(creation: &mut Creation, name: &str, value: serde_json::Value) {
    creation.client_data.insert(name.to_owned(), value);
}
fn truncated(creation: &mut Creation, length: usize) {
    let data = creation.data.encode();
    creation.raw_data = Some(data[..data.len().min(length)].to_vec());
}

pub(super) const CREATIONS: &[CreationChange] = &[
    ("type of the credential", |c| c.of = "password".into(), R::CredentialType),
    ("id is not rawId", |c| c.raw_id = Some(vec![1; 32]), R::RawId),
    ("empty id", |c| c.id.clear(), R::CredentialIdLength),
    ("id of 1,024 bytes", |c| c.id = vec![1; 1024], R::CredentialIdLength),
    ("client data that is not JSON", |c| c.raw_client_data = Some(b"{".to_vec()), R::ClientDataMalformed),
    ("client data with a byte-order mark", |c| c.raw_client_data = Some("\u{feff}{}".into()), R::ClientDataMalformed),
    (
        "client data with trailing bytes",
        |c| c.raw_client_data = Some([&serde_json::to_vec(&c.client_data).unwrap()[..], b"{}"].concat()),
        R::ClientDataMalformed,
    ),
    ("client data that is too long", |c| client(c, "x", json!("x".repeat(5000))), R::ClientDataMalformed),
    (
        "a member twice",
        |c| {
            let once = serde_json::to_string(&c.client_data).unwrap();
            c.raw_client_data = Some(once.replacen('{', "{\"origin\":\"https://id.example.com\",", 1).into_bytes());
        },
        R::ClientDataMalformed,
    ),
    ("no challenge", |c| drop(c.client_data.remove("challenge")), R::ClientDataMalformed),
    ("crossOrigin that is no boolean", |c| client(c, "crossOrigin", json!("false")), R::ClientDataMalformed),
    ("type of a use", |c| client(c, "type", json!("webauthn.get")), R::Type),
    ("type of a payment", |c| client(c, "type", json!("payment.get")), R::Type),
    ("another challenge", |c| client(c, "challenge", json!(BASE64URL_NOPAD.encode(&[8; 32]))), R::Challenge),
    ("a prefix of the challenge", |c| client(c, "challenge", json!(BASE64URL_NOPAD.encode(&[7; 31]))), R::Challenge),
    ("the challenge with padding", |c| client(c, "challenge", json!(format!("{}=", challenge()))), R::Challenge),
    ("an empty challenge", |c| client(c, "challenge", json!("")), R::Challenge),
    ("another origin", |c| client(c, "origin", json!("https://id.example.com.evil.example")), R::Origin),
    ("another scheme", |c| client(c, "origin", json!("http://id.example.com")), R::Origin),
    ("another port", |c| client(c, "origin", json!("https://id.example.com:444")), R::Origin),
    ("a sibling of the host", |c| client(c, "origin", json!("https://shop.example.com")), R::Origin),
    ("the origin with a slash", |c| client(c, "origin", json!("https://id.example.com/")), R::Origin),
    ("crossOrigin", |c| client(c, "crossOrigin", json!(true)), R::CrossOrigin),
    ("topOrigin", |c| client(c, "topOrigin", json!("https://id.example.com")), R::TopOrigin),
    ("topOrigin null", |c| client(c, "topOrigin", json!(null)), R::TopOrigin),
    ("attestation that is no map", |c| c.format = vec![0xff], R::AttestationMalformed),
    ("format that is no text", |c| c.format = bytes(b"none"), R::AttestationMalformed),
    ("statement that is no map", |c| c.statement = vec![0x80], R::AttestationMalformed),
    ("bytes after the attestation", |c| c.after = vec![0], R::AttestationMalformed),
    ("a statement of the format none", |c| c.statement = map(&[(text("x"), number(1))]), R::AttestationStatement),
    (
        "authenticator data without its last byte",
        |c| {
            let length = c.data.encode().len() - 1;
            truncated(c, length);
        },
        R::KeyMalformed,
    ),
    ("authenticator data of 36 bytes", |c| truncated(c, 36), R::AuthenticatorDataMalformed),
    ("authenticator data of 37 bytes, with AT", |c| truncated(c, 37), R::AuthenticatorDataMalformed),
    ("authenticator data that ends in the id", |c| truncated(c, 60), R::AuthenticatorDataMalformed),
    ("empty authenticator data", |c| truncated(c, 0), R::AuthenticatorDataMalformed),
    ("authenticator data that is too long", |c| c.data.extensions = vec![0; 4096], R::AuthenticatorDataMalformed),
    ("hash of another relying party", |c| c.data.rp_id = "evil.example".into(), R::RelyingParty),
    ("hash of a child of the relying party", |c| c.data.rp_id = "id.example.com".into(), R::RelyingParty),
    ("no user presence", |c| c.data.flags &= !UP, R::UserPresence),
    ("no user verification", |c| c.data.flags &= !UV, R::UserVerification),
    ("backed up, not eligible", |c| c.data.flags &= !BE, R::BackupState),
    ("a reserved flag", |c| c.data.flags |= 0x02, R::ReservedFlags),
    ("another reserved flag", |c| c.data.flags |= 0x20, R::ReservedFlags),
    (
        "no AT, with a credential",
        |c| {
            let data = c.data.encode();
            let mut data = data;
            data[32] &= !AT;
            c.raw_data = Some(data);
        },
        R::Extensions,
    ),
    ("no AT, no credential", |c| c.data.flags &= !AT, R::AttestedCredential),
    ("ED without extensions", |c| c.data.flags |= ED, R::Extensions),
    ("extensions without ED", |c| c.data.extensions = map(&[]), R::Extensions),
    (
        "extensions with trailing bytes",
        |c| {
            c.data.flags |= ED;
            c.data.extensions = [map(&[]), vec![0]].concat();
        },
        R::Extensions,
    ),
    (
        "extensions that are no map",
        |c| {
            c.data.flags |= ED;
            c.data.extensions = number(1);
        },
        R::Extensions,
    ),
    (
        "extensions of indefinite length",
        |c| {
            c.data.flags |= ED;
            c.data.extensions = vec![0xbf, 0xff];
        },
        R::Extensions,
    ),
    ("attested id of another length", |c| c.data.id.push(0), R::CredentialIdDiffers),
    ("attested id of another credential", |c| c.data.id = vec![3; 32], R::CredentialIdDiffers),
    ("attested id of 1,024 bytes", |c| c.data.id = vec![3; 1024], R::CredentialIdLength),
    ("attested id without bytes", |c| c.data.id.clear(), R::CredentialIdLength),
    ("key that is no CBOR", |c| c.data.cose = vec![0xff; 77], R::KeyMalformed),
    (
        "key of indefinite length",
        |c| {
            c.data.cose[0] = 0xbf;
            c.data.cose.push(0xff);
        },
        R::KeyMalformed,
    ),
    ("key without its algorithm", |c| cose(c, 3, None), R::KeyMalformed),
    (
        "key with a member twice",
        |c| {
            c.data.cose[0] += 1;
            c.data.cose.extend([number(1), number(2)].concat());
        },
        R::KeyMalformed,
    ),
    ("EdDSA", |c| cose(c, 3, Some(number(-8))), R::KeyAlgorithm),
    ("ES384", |c| cose(c, 3, Some(number(-35))), R::KeyAlgorithm),
    ("RS1", |c| cose(c, 3, Some(number(-65535))), R::KeyAlgorithm),
    ("an unknown algorithm", |c| cose(c, 3, Some(number(12345))), R::KeyAlgorithm),
    ("RS256 with the parameters of a point", |c| cose(c, 3, Some(number(-257))), R::KeyParameters),
    ("another type of key", |c| cose(c, 1, Some(number(1))), R::KeyParameters),
    ("another curve", |c| cose(c, -1, Some(number(2))), R::KeyParameters),
    ("a compressed point", |c| cose(c, -3, Some(vec![0xf5])), R::KeyParameters),
    ("a short x", |c| cose(c, -2, Some(bytes(&[1; 31]))), R::KeyParameters),
    ("a long y", |c| cose(c, -3, Some(bytes(&[1; 33]))), R::KeyParameters),
    ("a member too many", |c| cose(c, 2, Some(bytes(b"kid"))), R::KeyParameters),
    ("a point that is not on the curve", |c| cose(c, -2, Some(bytes(&[1; 32]))), R::KeyInvalid),
    (
        "the point at zero",
        |c| {
            cose(c, -2, Some(bytes(&[0; 32])));
        },
        R::KeyInvalid,
    ),
    ("RSA of 1024 bits", |c| rsa(c, &[0xff; 128], &[1, 0, 1]), R::KeyParameters),
    ("RSA of 2047 bits", |c| rsa(c, &[[0x7f].as_slice(), &[0xff; 255]].concat(), &[1, 0, 1]), R::KeyParameters),
    ("RSA of 4104 bits", |c| rsa(c, &[0xff; 513], &[1, 0, 1]), R::KeyParameters),
    ("an even modulus", |c| rsa(c, &[0xfe; 256], &[1, 0, 1]), R::KeyParameters),
    ("a modulus with a leading zero", |c| rsa(c, &[[0].as_slice(), &[0xff; 256]].concat(), &[1, 0, 1]), R::KeyParameters),
    ("exponent 1", |c| rsa(c, &[0xff; 256], &[1]), R::KeyParameters),
    ("an even exponent", |c| rsa(c, &[0xff; 256], &[1, 0, 0]), R::KeyParameters),
    ("no exponent", |c| rsa(c, &[0xff; 256], &[]), R::KeyParameters),
    ("an exponent of 40 bits", |c| rsa(c, &[0xff; 256], &[1, 0, 0, 0, 1]), R::KeyParameters),
];

#[test]
fn security_81_82_85_each_mutated_creation_is_refused_by_its_rule() {
    for (name, change, refusal) in CREATIONS {
        let passkey = passkey();
        let mut creation = passkey.creation(&challenge());
        change(&mut creation);
        assert_eq!(created(&creation.json()), Err(*refusal), "{name}");
    }
}
