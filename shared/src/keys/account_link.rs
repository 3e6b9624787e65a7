//! Mailed links and codes for an existing account. They are derived from a seed in the account's own items and are never stored.
//!
//! A link token is a sealed locator: the account, and `HMAC-SHA-256(proof key version, "link" ‖ kind ‖ account ‖ seed)`. A token
//! proves control of the mailbox. It is used up together with its seed.

use super::KeyError;
use super::aead::join;
use super::keyring::TenantKeys;
use super::proof::{ProofKeyring, encode_mailed_code, normalize_mailed_code};
use crate::domain::account::LinkSeed;
use crate::domain::id::AccountId;
use crate::domain::secret::SecretText;
use crate::domain::time::Timestamp;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// What a mailed link about an account does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountLink {
    /// Restores a closed account (in the mail to its address).
    Restoration,
    /// Verifies the new address of a change (in the mail to that address).
    EmailChange,
    /// Undoes a change of address (in the mail to the former address).
    EmailUndo,
    /// Proves the present address. Its mail has a code and no link.
    AddressProof,
    /// Reports that an event was not the user's (in mails about it).
    NotMe,
    /// Starts the removal of lost second factors. Its mail has a code and no link.
    RemovalCode,
    /// Cancels that removal.
    RemovalCancel,
}

/// An opened link about an event of an account. It was made here: its tag was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLink {
    /// The account.
    pub account: AccountId,
    /// When the event happened.
    pub at: Timestamp,
    /// What its tag and its code are derived from.
    pub seed: LinkSeed,
}

impl AccountLink {
    const fn name(self) -> &'static str {
        match self {
            Self::Restoration => "restoration",
            Self::EmailChange => "email_change",
            Self::EmailUndo => "email_undo",
            Self::AddressProof => "address_proof",
            Self::NotMe => "not_me",
            Self::RemovalCode => "removal_code",
            Self::RemovalCancel => "removal_cancel",
        }
    }
    pub(super) const fn sealed_as(self) -> &'static str {
        match self {
            Self::Restoration => "restoration link",
            Self::EmailChange => "email change link",
            Self::EmailUndo => "email undo link",
            Self::AddressProof => "address proof link",
            Self::NotMe => "not me link",
            Self::RemovalCode => "removal code link",
            Self::RemovalCancel => "removal cancel link",
        }
    }
}

/// An opened link token and its account. [`ProofKeyring::matches_account_link`] checks whether it fits the account's seed.
pub struct PresentedLink {
    /// The kind under which it was sealed.
    link: AccountLink,
    /// The account.
    pub account: AccountId,
    tag: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for PresentedLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresentedLink").field("link", &self.link).field("account", &self.account).finish_non_exhaustive()
    }
}

impl TenantKeys {
    /// The token of a mailed link.
    ///
    /// # Errors
    /// If this function has no such key, or the seed's key version does not exist.
    pub fn account_link(&self, link: AccountLink, account: AccountId, seed: &LinkSeed) -> Result<SecretText, KeyError> {
        let tag = self.proof()?.account_tag("link", link, account, seed)?;
        let plain = Zeroizing::new([account.as_bytes().as_slice(), tag.as_slice()].concat());
        self.locator()?.seal(link.sealed_as(), b"", &plain).map(SecretText::from)
    }
    /// Opens a link token of this kind. `None` for anything else.
    ///
    /// # Errors
    /// If this function has no such key.
    pub fn open_account_link(&self, link: AccountLink, token: &SecretText) -> Result<Option<PresentedLink>, KeyError> {
        let opened = self.locator()?.open(link.sealed_as(), b"", token.expose()).map(Zeroizing::new);
        Ok(opened.and_then(|plain| {
            let (account, tag) = plain.split_first_chunk::<16>()?;
            Some(PresentedLink { link, account: AccountId::from_bytes(*account), tag: Zeroizing::new(tag.try_into().ok()?) })
        }))
    }
    /// The token of a mailed link about an event of an account.
    ///
    /// # Errors
    /// If this function has no such key.
    pub fn event_link(&self, link: AccountLink, account: AccountId, at: Timestamp) -> Result<SecretText, KeyError> {
        let version = self.proof()?.current_version();
        let tag = self.proof()?.account_tag("link", link, account, &LinkSeed::of_event(at, version))?;
        let (at, version) = (at.millis().to_be_bytes(), version.to_be_bytes());
        let plain = Zeroizing::new([account.as_bytes().as_slice(), &at, &version, tag.as_slice()].concat());
        self.locator()?.seal(link.sealed_as(), b"", &plain).map(SecretText::from)
    }
    /// Opens a link token about an event. `None` for anything else, or if the key that made it is gone.
    ///
    /// # Errors
    /// If this function has no such key.
    pub fn open_event_link(&self, link: AccountLink, token: &SecretText) -> Result<Option<EventLink>, KeyError> {
        let keys = self.proof()?;
        let opened = self.locator()?.open(link.sealed_as(), b"", token.expose()).map(Zeroizing::new);
        Ok(opened.and_then(|plain| {
            let (account, rest) = plain.split_first_chunk::<16>()?;
            let (at, rest) = rest.split_first_chunk::<8>()?;
            let (version, presented) = rest.split_first_chunk::<4>()?;
            let (account, at) = (AccountId::from_bytes(*account), Timestamp::from_millis(i64::from_be_bytes(*at)));
            let seed = LinkSeed::of_event(at, u32::from_be_bytes(*version));
            let tag = keys.account_tag("link", link, account, &seed).ok()?;
            verify_slices_are_equal(tag.as_slice(), presented).ok()?;
            Some(EventLink { account, at, seed })
        }))
    }
}

impl ProofKeyring {
    /// Whether an opened link derives from this seed, in constant time.
    ///
    /// # Errors
    /// If the seed's key version does not exist.
    pub fn matches_account_link(&self, presented: &PresentedLink, seed: &LinkSeed) -> Result<bool, KeyError> {
        let tag = self.account_tag("link", presented.link, presented.account, seed)?;
        Ok(verify_slices_are_equal(tag.as_slice(), presented.tag.as_slice()).is_ok())
    }
    /// The code to type instead of opening the link: 10 base32 characters, 50 bits (security 88).
    ///
    /// # Errors
    /// If the seed's key version does not exist.
    pub fn account_code(&self, link: AccountLink, account: AccountId, seed: &LinkSeed) -> Result<SecretText, KeyError> {
        Ok(encode_mailed_code(&*self.account_tag("code", link, account, seed)?))
    }
    /// Whether a typed code derives from this seed, in constant time. Case, spaces and dashes are ignored.
    ///
    /// # Errors
    /// As [`Self::account_code`].
    pub fn matches_account_code(
        &self,
        link: AccountLink,
        account: AccountId,
        seed: &LinkSeed,
        typed: &SecretText,
    ) -> Result<bool, KeyError> {
        let typed = Zeroizing::new(normalize_mailed_code(typed.expose()));
        let code = self.account_code(link, account, seed)?;
        Ok(verify_slices_are_equal(code.expose().as_bytes(), typed.as_bytes()).is_ok())
    }
    pub(super) fn account_tag(
        &self,
        kind: &str,
        link: AccountLink,
        account: AccountId,
        seed: &LinkSeed,
    ) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let parts: [&[u8]; 5] = [b"account", kind.as_bytes(), link.name().as_bytes(), account.as_bytes(), &seed.bytes];
        let tag = hmac::sign(self.key(seed.key_version)?, &Zeroizing::new(join(&parts)));
        let mut derived = Zeroizing::new([0; 32]);
        derived.copy_from_slice(tag.as_ref());
        Ok(derived)
    }
}

#[cfg(test)]
mod tests {
    use super::super::root::testing::roots;
    use super::*;
    use crate::purpose::Purpose;

    const LINKS: [AccountLink; 7] = [
        AccountLink::Restoration,
        AccountLink::EmailChange,
        AccountLink::EmailUndo,
        AccountLink::AddressProof,
        AccountLink::NotMe,
        AccountLink::RemovalCode,
        AccountLink::RemovalCancel,
    ];

    fn keyring() -> ProofKeyring {
        ProofKeyring::new(&roots("a", Purpose::Proof, 1), 1).unwrap()
    }
    fn account(n: u8) -> AccountId {
        AccountId::from_bytes([n; 16])
    }
    fn seed(n: u8) -> LinkSeed {
        LinkSeed { key_version: 1, bytes: [n; 16] }
    }

    #[test]
    fn security_88_link_and_code_depend_on_kind_account_and_seed() {
        let keys = keyring();
        for link in LINKS {
            let tag = keys.account_tag("link", link, account(1), &seed(1)).unwrap();
            let presented = PresentedLink { link, account: account(1), tag };
            assert!(keys.matches_account_link(&presented, &seed(1)).unwrap());
            assert!(!keys.matches_account_link(&presented, &seed(2)).unwrap());
            let code = keys.account_code(link, account(1), &seed(1)).unwrap();
            assert_eq!(code.expose().len(), 10);
            for other in LINKS {
                let as_other = PresentedLink { link: other, account: account(1), tag: presented.tag.clone() };
                assert_eq!(keys.matches_account_link(&as_other, &seed(1)).unwrap(), other == link);
                assert_eq!(keys.matches_account_code(other, account(1), &seed(1), &code).unwrap(), other == link);
            }
            let of_another_account = PresentedLink { link, account: account(2), tag: presented.tag.clone() };
            assert!(!keys.matches_account_link(&of_another_account, &seed(1)).unwrap());
            let grouped = format!(" {}-{}\n", &code.expose()[..5], code.expose()[5..].to_lowercase());
            assert!(keys.matches_account_code(link, account(1), &seed(1), &grouped.into()).unwrap());
            assert!(!keys.matches_account_code(link, account(1), &seed(2), &code).unwrap());
        }
        let gone = LinkSeed { key_version: 2, bytes: [1; 16] };
        assert!(matches!(keys.account_code(AccountLink::EmailUndo, account(1), &gone), Err(KeyError::UnknownVersion)));
    }
}
