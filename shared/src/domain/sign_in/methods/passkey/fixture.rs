//! An authenticator in software, for tests. It writes CBOR on its own and knows no type of the service, so the integration tests include this
//! file, too. Every part of a ceremony is a public field that a test can change before it is encoded.

#![allow(clippy::unwrap_used, clippy::panic, dead_code, unreachable_pub, missing_docs)]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

pub const UP: u8 = 0x01;
pub const UV: u8 = 0x04;
pub const BE: u8 = 0x08;
pub const BS: u8 = 0x10;
pub const AT: u8 = 0x40;
pub const ED: u8 = 0x80;

pub fn text(name: &str) -> Vec<u8> {
    [head(3, name.len()), name.as_bytes().to_vec()].concat()
}
pub fn bytes(bytes: &[u8]) -> Vec<u8> {
    [head(2, bytes.len()), bytes.to_vec()].concat()
}
pub fn number(number: i64) -> Vec<u8> {
    match usize::try_from(number) {
        Ok(number) => head(0, number),
        Err(_) => head(1, usize::try_from(-1 - number).unwrap()),
    }
}
pub fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut encoded = head(5, entries.len());
    for (key, value) in entries {
        encoded.extend_from_slice(key);
        encoded.extend_from_slice(value);
    }
    encoded
}
fn head(major: u8, length: usize) -> Vec<u8> {
    let major = major << 5;
    match length {
        0..24 => vec![major | u8::try_from(length).unwrap()],
        24..256 => vec![major | 24, u8::try_from(length).unwrap()],
        _ => {
            let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
            vec![major | 25, high, low]
        }
    }
}
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

enum Key {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// A passkey of an authenticator: its key, id, counter and user.
pub struct SoftwarePasskey {
    key: Key,
    pub id: Vec<u8>,
    pub rp_id: String,
    pub origin: String,
    pub user_handle: Vec<u8>,
    pub counter: u32,
    /// The flags BE and BS.
    pub backup: u8,
    pub aaguid: [u8; 16],
}

impl SoftwarePasskey {
    pub fn es256(rp_id: &str, origin: &str, user_handle: &[u8]) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let id = sha256(key.public_key().as_ref());
        Self::with(Key::Es256(key), id, rp_id, origin, user_handle)
    }
    pub fn rs256(rp_id: &str, origin: &str, user_handle: &[u8]) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let id = sha256(key.public_key().as_ref());
        Self::with(Key::Rs256(key), id, rp_id, origin, user_handle)
    }
    fn with(key: Key, id: Vec<u8>, rp_id: &str, origin: &str, user_handle: &[u8]) -> Self {
        let (rp_id, origin, user_handle) = (rp_id.to_owned(), origin.to_owned(), user_handle.to_vec());
        Self { key, id, rp_id, origin, user_handle, counter: 0, backup: BE | BS, aaguid: [0; 16] }
    }
    /// The members of its COSE key, in their order.
    pub fn cose_members(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                vec![
                    (number(1), number(2)),
                    (number(3), number(-7)),
                    (number(-1), number(1)),
                    (number(-2), bytes(&point[1..33])),
                    (number(-3), bytes(&point[33..])),
                ]
            }
            Key::Rs256(key) => {
                let (n, e) = (key.public_key().modulus(), key.public_key().exponent());
                vec![
                    (number(1), number(3)),
                    (number(3), number(-257)),
                    (number(-1), bytes(n.big_endian_without_leading_zero())),
                    (number(-2), bytes(e.big_endian_without_leading_zero())),
                ]
            }
        }
    }
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
    fn client_data(&self, of: &str, challenge: &str) -> Map<String, Value> {
        let Value::Object(members) = json!({ "type": of, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
        else {
            panic!()
        };
        members
    }
    /// The parts of its creation, with a challenge in base64url.
    pub fn creation(&self, challenge: &str) -> Creation {
        Creation {
            client_data: self.client_data("webauthn.create", challenge),
            data: AuthenticatorParts {
                rp_id: self.rp_id.clone(),
                flags: UP | UV | AT | self.backup,
                counter: self.counter,
                aaguid: self.aaguid,
                id: self.id.clone(),
                cose: map(&self.cose_members()),
                extensions: Vec::new(),
            },
            format: text("none"),
            statement: map(&[]),
            after: Vec::new(),
            id: self.id.clone(),
            raw_id: None,
            of: "public-key".to_owned(),
            raw_client_data: None,
            raw_data: None,
        }
    }
    /// The parts of a use. The counter rises unless it is zero.
    pub fn assertion(&mut self, challenge: &str) -> Assertion<'_> {
        if self.counter > 0 {
            self.counter += 1;
        }
        Assertion {
            client_data: self.client_data("webauthn.get", challenge),
            data: AuthenticatorParts {
                rp_id: self.rp_id.clone(),
                flags: UP | UV | self.backup,
                counter: self.counter,
                aaguid: self.aaguid,
                id: Vec::new(),
                cose: Vec::new(),
                extensions: Vec::new(),
            },
            user_handle: Some(self.user_handle.clone()),
            id: self.id.clone(),
            raw_id: None,
            of: "public-key".to_owned(),
            raw_client_data: None,
            raw_data: None,
            signature: None,
            passkey: self,
        }
    }
}

/// Authenticator data before it is encoded.
pub struct AuthenticatorParts {
    pub rp_id: String,
    pub flags: u8,
    pub counter: u32,
    pub aaguid: [u8; 16],
    pub id: Vec<u8>,
    pub cose: Vec<u8>,
    pub extensions: Vec<u8>,
}

impl AuthenticatorParts {
    pub fn encode(&self) -> Vec<u8> {
        let mut encoded = sha256(self.rp_id.as_bytes());
        encoded.push(self.flags);
        encoded.extend_from_slice(&self.counter.to_be_bytes());
        if self.flags & AT != 0 {
            encoded.extend_from_slice(&self.aaguid);
            encoded.extend_from_slice(&u16::try_from(self.id.len()).unwrap().to_be_bytes());
            encoded.extend_from_slice(&self.id);
            encoded.extend_from_slice(&self.cose);
        }
        encoded.extend_from_slice(&self.extensions);
        encoded
    }
}

pub struct Creation {
    pub client_data: Map<String, Value>,
    pub data: AuthenticatorParts,
    pub format: Vec<u8>,
    pub statement: Vec<u8>,
    /// Bytes after the attestation object.
    pub after: Vec<u8>,
    pub id: Vec<u8>,
    pub raw_id: Option<Vec<u8>>,
    pub of: String,
    pub raw_client_data: Option<Vec<u8>>,
    pub raw_data: Option<Vec<u8>>,
}

impl Creation {
    pub fn attestation(&self) -> Vec<u8> {
        let data = self.raw_data.clone().unwrap_or_else(|| self.data.encode());
        let mut object = map(&[
            (text("fmt"), self.format.clone()),
            (text("attStmt"), self.statement.clone()),
            (text("authData"), bytes(&data)),
        ]);
        object.extend_from_slice(&self.after);
        object
    }
    pub fn json(&self) -> String {
        let client_data = self.raw_client_data.clone().unwrap_or_else(|| serde_json::to_vec(&self.client_data).unwrap());
        json!({
            "id": BASE64URL_NOPAD.encode(&self.id),
            "rawId": BASE64URL_NOPAD.encode(self.raw_id.as_deref().unwrap_or(&self.id)),
            "type": self.of,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "clientDataJSON": BASE64URL_NOPAD.encode(&client_data),
                "attestationObject": BASE64URL_NOPAD.encode(&self.attestation()),
                "transports": ["internal", "hybrid", "telepathy"],
            },
        })
        .to_string()
    }
}

pub struct Assertion<'a> {
    pub client_data: Map<String, Value>,
    pub data: AuthenticatorParts,
    pub user_handle: Option<Vec<u8>>,
    pub id: Vec<u8>,
    pub raw_id: Option<Vec<u8>>,
    pub of: String,
    pub raw_client_data: Option<Vec<u8>>,
    pub raw_data: Option<Vec<u8>>,
    pub signature: Option<Vec<u8>>,
    passkey: &'a SoftwarePasskey,
}

impl Assertion<'_> {
    pub fn signed(&self) -> Vec<u8> {
        let (client_data, data) = self.encoded();
        self.passkey.sign(&[data, sha256(&client_data)].concat())
    }
    fn encoded(&self) -> (Vec<u8>, Vec<u8>) {
        let client_data = self.raw_client_data.clone().unwrap_or_else(|| serde_json::to_vec(&self.client_data).unwrap());
        (client_data, self.raw_data.clone().unwrap_or_else(|| self.data.encode()))
    }
    pub fn json(&self) -> String {
        let (client_data, data) = self.encoded();
        let signature = self.signature.clone().unwrap_or_else(|| self.signed());
        let mut response = json!({
            "clientDataJSON": BASE64URL_NOPAD.encode(&client_data),
            "authenticatorData": BASE64URL_NOPAD.encode(&data),
            "signature": BASE64URL_NOPAD.encode(&signature),
        });
        if let Some(handle) = &self.user_handle {
            response["userHandle"] = BASE64URL_NOPAD.encode(handle).into();
        }
        json!({
            "id": BASE64URL_NOPAD.encode(&self.id),
            "rawId": BASE64URL_NOPAD.encode(self.raw_id.as_deref().unwrap_or(&self.id)),
            "type": self.of,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        })
        .to_string()
    }
}
