//! Mailed codes and links. They are derived, never stored.
//!
//! `HMAC-SHA-256(proof key version, "code" or "link" ‖ flow id ‖ seed ‖ purpose ‖ generation)`.
use super::KeyError;
use super::aead::join;
use super::root::{RootKey, Versioned};
use crate::domain::crockford::{ALPHABET, normalize, ungrouped};
use crate::domain::flow::{Flow, FlowPurpose};
use crate::domain::secret::SecretText;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

/// Characters of a password-reset code: 50 bits (security 88).
const RECOVERY_LEN: u32 = 10;

/// The versioned proof key.
pub struct ProofKeyring {
    keys: Versioned<hmac::Key>,
}

impl ProofKeyring {
    pub(super) fn new(roots: &[(u32, RootKey)], making: u32) -> Result<Self, KeyError> {
        Ok(Self { keys: Versioned::derive(roots, making, |root| root.derive_hmac("proof"))? })
    }
    /// The version that new flows store.
    #[must_use]
    pub fn current_version(&self) -> u32 {
        self.keys.current().0
    }
    /// The code of the flow's current generation: 6 digits, or 10 base32 characters (password reset, and registrations
    /// and sign-ins beyond the limit of short codes).
    ///
    /// # Errors
    /// If the flow's key version does not exist.
    pub fn code(&self, flow: &Flow) -> Result<SecretText, KeyError> {
        let tag = self.derive("code", flow)?;
        Ok(if flow.has_long_code() {
            encode_mailed_code(&tag)
        } else {
            // 10^6 does not divide 2^64 evenly: one code is likelier than another by at most 1 in 10^13.
            SecretText::from(format!("{:06}", number(&tag) % 1_000_000))
        })
    }
    /// Whether the typed code is the flow's current one, in constant time. Long codes ignore case, spaces and dashes.
    ///
    /// # Errors
    /// As [`Self::code`].
    pub fn matches_code(&self, flow: &Flow, typed: &SecretText) -> Result<bool, KeyError> {
        let typed = Zeroizing::new(normalize_code(flow.has_long_code(), typed.expose()));
        Ok(verify_slices_are_equal(self.code(flow)?.expose().as_bytes(), typed.as_bytes()).is_ok())
    }
    /// The link token of the flow's current generation, without its locator: 32 bytes, base64url.
    ///
    /// # Errors
    /// As [`Self::code`].
    pub fn link(&self, flow: &Flow) -> Result<SecretText, KeyError> {
        Ok(SecretText::from(BASE64URL_NOPAD.encode(self.derive("link", flow)?.as_slice())))
    }
    /// Whether the link token is the flow's current one, in constant time.
    ///
    /// # Errors
    /// As [`Self::code`].
    pub fn matches_link(&self, flow: &Flow, token: &SecretText) -> Result<bool, KeyError> {
        Ok(verify_slices_are_equal(self.link(flow)?.expose().as_bytes(), token.expose().as_bytes()).is_ok())
    }
    pub(super) fn key(&self, version: u32) -> Result<&hmac::Key, KeyError> {
        self.keys.get(version)
    }
    fn derive(&self, kind: &str, flow: &Flow) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let purpose: &[u8] = match flow.purpose {
            FlowPurpose::Registration => b"registration",
            FlowPurpose::Recovery => b"recovery",
            FlowPurpose::SignIn => b"sign_in",
        };
        let message = Zeroizing::new(join(&[kind.as_bytes(), flow.id.as_bytes(), &flow.seed, purpose, &[flow.generation]]));
        let tag = hmac::sign(self.keys.get(flow.code_key_version)?, &message);
        let mut derived = Zeroizing::new([0; 32]);
        derived.copy_from_slice(tag.as_ref());
        Ok(derived)
    }
}

fn number(tag: &[u8; 32]) -> u64 {
    tag[..8].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// The first 50 bits of a tag, in base32.
pub(super) fn encode_mailed_code(tag: &[u8; 32]) -> SecretText {
    let number = number(tag);
    (0..RECOVERY_LEN).map(|i| char::from(ALPHABET[(number >> (59 - 5 * i)) as usize & 31])).collect::<String>().into()
}

/// A normalized code: letters that look like digits become those digits, and grouping is dropped.
pub(super) fn normalize_mailed_code(typed: &str) -> String {
    normalize_code(true, typed)
}

/// A normalized code: grouping is dropped. In a long code, letters that look like digits become those digits.
fn normalize_code(is_long: bool, typed: &str) -> String {
    if is_long { normalize(typed) } else { ungrouped(typed).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::root::testing::roots;
    use super::*;
    use crate::domain::flow::FlowState;
    use crate::domain::id::{AccountId, FlowId};
    use crate::domain::identifier::IdentifierHash;
    use crate::domain::time::Timestamp;
    use crate::purpose::Purpose;

    fn keyring(tenant: &str) -> ProofKeyring {
        ProofKeyring::new(&roots(tenant, Purpose::Proof, 1), 1).unwrap()
    }
    fn flow(purpose: FlowPurpose) -> Flow {
        Flow {
            id: FlowId::from_bytes([1; 16]),
            purpose,
            account: AccountId::from_bytes([2; 16]),
            identifier: IdentifierHash { key_version: 1, hash: [3; 32] },
            seed: vec![4; 16],
            code_key_version: 1,
            completion: None,
            long_code: false,
            generation: 1,
            tries: 0,
            state: FlowState::Open,
            browser: None,
            client_id: "demo".parse().unwrap(),
            locale: "en".to_owned(),
            continue_to: None,
            payload: None,
            created_at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(600),
            version: 1,
        }
    }

    #[test]
    fn a_code_has_six_digits_and_matches_only_itself() {
        let keys = keyring("a");
        let flow = flow(FlowPurpose::Registration);
        let code = keys.code(&flow).unwrap();
        assert!(code.expose().len() == 6 && code.expose().bytes().all(|b| b.is_ascii_digit()));
        assert!(keys.matches_code(&flow, &code).unwrap());
        assert!(keys.matches_code(&flow, &format!(" {} {}\n", &code.expose()[..3], &code.expose()[3..]).into()).unwrap());
        for wrong in ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"] {
            assert!(!keys.matches_code(&flow, &wrong.into()).unwrap(), "{wrong}");
        }
        let next = (code.expose().parse::<u32>().unwrap() + 1) % 1_000_000;
        assert!(!keys.matches_code(&flow, &format!("{next:06}").into()).unwrap());
    }

    #[test]
    fn a_registration_beyond_the_short_codes_has_fifty_bits_and_another_code_does_not_fit() {
        let keys = keyring("a");
        let short = flow(FlowPurpose::Registration);
        let long = Flow { long_code: true, ..short.clone() };
        let (six, ten) = (keys.code(&short).unwrap(), keys.code(&long).unwrap());
        assert_eq!((six.expose().len(), ten.expose().len()), (6, 10));
        assert!(keys.matches_code(&long, &ten.expose().to_lowercase().into()).unwrap());
        assert!(!keys.matches_code(&long, &six).unwrap() && !keys.matches_code(&short, &ten).unwrap());
    }

    #[test]
    fn a_recovery_code_ignores_case_grouping_and_look_alikes() {
        let keys = keyring("a");
        let mut flow = flow(FlowPurpose::Recovery);
        // Find a generation with both a 0 and a 1 in its code, so that the look-alikes matter.
        let code = (0..=255)
            .find_map(|generation| {
                flow.generation = generation;
                let code = keys.code(&flow).unwrap();
                (code.expose().contains('0') && code.expose().contains('1')).then_some(code)
            })
            .unwrap();
        let text = code.expose();
        assert!(text.len() == 10 && text.bytes().all(|b| ALPHABET.contains(&b)));
        let grouped = format!("{}-{} {}", &text[..4], &text[4..8], &text[8..]);
        for meant in [
            text.to_owned(),
            text.to_lowercase(),
            grouped,
            text.replace('0', "o").replace('1', "l"),
            text.replace('0', "O").replace('1', "I"),
        ] {
            assert!(keys.matches_code(&flow, &meant.clone().into()).unwrap(), "{meant}");
        }
        assert!(!keys.matches_code(&flow, &text[..9].into()).unwrap());
        assert!(!keys.matches_code(&flow, &format!("{text}0").into()).unwrap());
    }

    #[test]
    fn code_and_link_depend_on_every_part_of_the_flow() {
        let keys = keyring("a");
        for purpose in [FlowPurpose::Registration, FlowPurpose::Recovery, FlowPurpose::SignIn] {
            let flow = flow(purpose);
            let others = [
                Flow { id: FlowId::from_bytes([9; 16]), ..flow.clone() },
                Flow { seed: vec![9; 16], ..flow.clone() },
                Flow { generation: 2, ..flow.clone() },
                Flow {
                    purpose: match purpose {
                        FlowPurpose::Registration => FlowPurpose::Recovery,
                        FlowPurpose::Recovery => FlowPurpose::SignIn,
                        FlowPurpose::SignIn => FlowPurpose::Registration,
                    },
                    ..flow.clone()
                },
            ];
            let (code, link) = (keys.code(&flow).unwrap(), keys.link(&flow).unwrap());
            assert_eq!(link.expose().len(), 43);
            assert!(keys.matches_link(&flow, &link).unwrap());
            for other in &others {
                assert!(!keys.matches_code(other, &code).unwrap());
                assert!(!keys.matches_link(other, &link).unwrap());
            }
            assert!(!keyring("b").matches_link(&flow, &link).unwrap());
            assert!(!keys.matches_link(&flow, &link.expose()[..42].into()).unwrap());
            assert!(!keys.matches_link(&flow, &format!("{}=", link.expose()).into()).unwrap());
        }
        let gone = Flow { code_key_version: 2, ..flow(FlowPurpose::Registration) };
        assert!(matches!(keys.code(&gone), Err(KeyError::UnknownVersion)));
    }

    #[test]
    fn codes_are_evenly_distributed() {
        let keys = keyring("a");
        let mut flow = flow(FlowPurpose::Registration);
        let mut first_digits = [0u32; 10];
        for seed in 0..4000u32 {
            flow.seed = seed.to_be_bytes().to_vec();
            let code = keys.code(&flow).unwrap();
            first_digits[usize::from(code.expose().as_bytes()[0] - b'0')] += 1;
        }
        // 400 each; seven standard deviations are 133. The derivation is fixed, so this test cannot be flaky.
        assert!(first_digits.iter().all(|count| (267..=533).contains(count)), "{first_digits:?}");
    }
}
