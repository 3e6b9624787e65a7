//! The offer of a passkey for the device of a sign-in (security 77).
//!
//! 1. An account without passkeys gets it after a sign-in on a device that the account knew before, and after a registration.
//! 2. An account with a passkey on another device, such as a phone beside a laptop, gets it for the device in use, if the account knew it.
//! 3. On a new device nothing is offered: it may be a borrowed one, or that of a thief of the password.

use super::MAX_PASSKEYS;

/// What a sign-in was completed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletedBy {
    /// A registration that opened a session.
    Registration,
    /// A password or codes.
    KnownSecret,
    /// A passkey of this device.
    OwnPasskey,
    /// A passkey of another device (`authenticatorAttachment` is `cross-platform`, WebAuthn 3 §5.4.5). The browser says so; it is only a hint.
    RoamingPasskey,
}

/// A completed sign-in.
#[derive(Debug, Clone, Copy)]
pub struct CompletedSignIn {
    /// What completed it.
    pub by: CompletedBy,
    /// Whether the account knew the device before.
    pub is_known_device: bool,
    /// How many passkeys the account has.
    pub passkeys: u8,
}

impl CompletedSignIn {
    /// Whether a passkey of this device is offered.
    #[must_use]
    pub fn is_offered_passkey(self) -> bool {
        let can_have_more = usize::from(self.passkeys) < MAX_PASSKEYS;
        match self.by {
            CompletedBy::Registration => self.passkeys == 0,
            CompletedBy::KnownSecret => self.is_known_device && self.passkeys == 0,
            CompletedBy::OwnPasskey => false,
            CompletedBy::RoamingPasskey => self.is_known_device && can_have_more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_77_a_passkey_is_offered_on_a_known_device_and_after_a_registration_only() {
        let offered = |by, is_known_device, passkeys| CompletedSignIn { by, is_known_device, passkeys }.is_offered_passkey();
        let table = [
            (CompletedBy::Registration, false, 0, true),
            (CompletedBy::KnownSecret, true, 0, true),
            (CompletedBy::KnownSecret, true, 1, false),
            (CompletedBy::KnownSecret, false, 0, false),
            (CompletedBy::OwnPasskey, true, 1, false),
            (CompletedBy::RoamingPasskey, true, 1, true),
            (CompletedBy::RoamingPasskey, true, 9, true),
            (CompletedBy::RoamingPasskey, true, 10, false),
            (CompletedBy::RoamingPasskey, false, 1, false),
        ];
        for (by, is_known_device, passkeys, expected) in table {
            assert_eq!(offered(by, is_known_device, passkeys), expected, "{by:?} {is_known_device} {passkeys}");
        }
    }
}
