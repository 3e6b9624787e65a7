//! The methods of authentication: their factor, and their names in storage and in `amr`.

use crate::domain::amr::Amr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A method of authentication.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// A password, compared here or by the legacy directory.
    Password,
    /// A code or link that was mailed to the account's address.
    MailCode,
    /// A code of an authenticator app (TOTP, RFC 6238).
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// A passkey that verified its user, and stays on one device.
    BoundPasskey,
    /// A passkey that verified its user, and is synced between the user's devices.
    SyncedPasskey,
    /// A device that the account remembers, in place of a second factor. Only grants have it: it proves nothing, and reaches no level.
    RememberedDevice,
    /// A method of a later release. It satisfies nothing.
    Unknown(Box<str>),
}

/// What a method proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// Something that the user knows.
    Knowledge,
    /// Access to the mailbox of the account. It resets the password, so both together are one factor (NIST SP 800-63B-4 §3.1.3.1 accepts
    /// no e-mail as an out-of-band authenticator).
    Mailbox,
    /// Something that the user has.
    Possession,
    /// Something that the user has, which verified the user and the site: enough alone, and no phishing site can use it.
    Passkey,
}

impl Method {
    const KNOWN: [Self; 7] = [
        Self::Password,
        Self::MailCode,
        Self::Totp,
        Self::RecoveryCode,
        Self::BoundPasskey,
        Self::SyncedPasskey,
        Self::RememberedDevice,
    ];

    /// The stored name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Password => "pwd",
            Self::MailCode => "mail",
            Self::Totp => "totp",
            Self::RecoveryCode => "code",
            Self::BoundPasskey => "hwk",
            Self::SyncedPasskey => "swk",
            Self::RememberedDevice => "dev",
            Self::Unknown(name) => name,
        }
    }

    /// What it proves. `None` for a remembered device, and for a method of a later release.
    #[must_use]
    pub const fn factor(&self) -> Option<Factor> {
        match self {
            Self::Password => Some(Factor::Knowledge),
            Self::MailCode => Some(Factor::Mailbox),
            Self::Totp | Self::RecoveryCode => Some(Factor::Possession),
            Self::BoundPasskey | Self::SyncedPasskey => Some(Factor::Passkey),
            Self::RememberedDevice | Self::Unknown(_) => None,
        }
    }

    /// Its values in `amr`. RFC 8176 has none for a mailbox.
    #[must_use]
    pub const fn amr(&self) -> &'static [Amr] {
        match self {
            Self::Password => &[Amr::Pwd],
            Self::Totp | Self::RecoveryCode => &[Amr::Otp],
            Self::BoundPasskey => &[Amr::Hwk, Amr::User],
            Self::SyncedPasskey => &[Amr::Swk, Amr::User],
            Self::MailCode | Self::RememberedDevice | Self::Unknown(_) => &[],
        }
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Self::KNOWN.into_iter().find(|method| method.name() == name);
        Ok(known.unwrap_or_else(|| Self::Unknown(name.into_boxed_str())))
    }
}
