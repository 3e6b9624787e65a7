//! A user of another identity provider, sealed: the input of the import decision.

use super::data::DataKey;
use super::{KeyError, SealedField, TenantKeys};
use crate::domain::account::WrappedDataKey;
use crate::domain::id::Sub;
use crate::domain::identifier::EmailAddress;
use crate::domain::legacy_directory::{ImportedPassword, ImportedUser};
use crate::domain::linked_identity::FederatedSubject;
use crate::domain::profile::Claims;
use crate::domain::roles::Roles;
use crate::domain::totp::TotpSeed;
use serde_json::Value;

/// A user to import, in plain text.
pub struct PlainUser<'a> {
    /// The user's subject at the other identity provider.
    pub subject: &'a FederatedSubject,
    /// The user's `sub` here.
    pub sub: Sub,
    /// The e-mail address. If it is not verified, there is no password, and only a mail to it opens the account.
    pub email: &'a EmailAddress,
    /// The other imported claims.
    pub claims: Claims,
    /// The language of mail to the user.
    pub locale: &'a str,
    /// The password.
    pub password: ImportedPassword,
    /// The seed of the authenticator app. With it the account is protected.
    pub totp: Option<TotpSeed>,
    /// The roles.
    pub roles: Roles,
    /// The key that seals the user's personal data.
    pub key: &'a DataKey,
    /// The same key, wrapped. It names the account.
    pub data_key: WrappedDataKey,
}

impl PlainUser<'_> {
    /// Hashes and seals everything. The address counts as verified: the account opens only to a user who has proven it, to the other identity
    /// provider or by a mail from here.
    ///
    /// # Errors
    /// If a keyring is missing or the cipher fails.
    pub fn seal(self, keys: &TenantKeys) -> Result<ImportedUser, KeyError> {
        let Claims(mut claims) = self.claims;
        claims.insert("email".to_owned(), Value::String(self.email.as_str().to_owned()));
        claims.insert("email_verified".to_owned(), Value::Bool(true));
        claims.insert("locale".to_owned(), Value::String(self.locale.to_owned()));
        let named = serde_json::json!(self.subject).to_string();
        Ok(ImportedUser {
            account: self.data_key.account,
            sub: self.sub,
            identifier: keys.identifier()?.hash_email(self.email),
            password: self.password,
            totp: self.totp.map(|seed| self.key.seal(SealedField::TotpSeed, seed.expose())).transpose()?,
            roles: self.roles,
            claims: self.key.seal(SealedField::Profile, Value::Object(claims).to_string().as_bytes())?,
            subject: keys.identifier()?.hash_subject(self.subject),
            named: self.key.seal(SealedField::LinkedIdentity, named.as_bytes())?,
            data_key: self.data_key,
        })
    }
}
