//! A tenant's policies for passwords, lifetimes, keys and mail.

use crate::domain::time::{Span, Timestamp};

/// Password rules by preset (security 65).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Minimum number of characters.
    pub min_length: usize,
    /// Minimum strength estimate, 0 to 4.
    pub min_strength: u8,
}

impl PasswordPolicy {
    /// OWASP ASVS 5.0 §6.2: 8 characters that are hard to guess. The default.
    pub const ASVS: Self = Self { min_length: 8, min_strength: 3 };
    /// NIST SP 800-63B-4 for a password that is the only factor: 15 characters.
    pub const NIST: Self = Self { min_length: 15, min_strength: 0 };
}

/// Session lifetimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// The idle lifetime.
    pub idle: Span,
    /// The absolute lifetime.
    pub absolute: Span,
}

impl SessionPolicy {
    /// The longest absolute lifetime that a document may set. ID tokens are accepted as hints for this time.
    pub const MAX_ABSOLUTE: Span = Span::days(365);
}

/// Token lifetimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenPolicy {
    /// Access and ID tokens; at most 10 minutes.
    pub access: Span,
    /// Refresh tokens: idle lifetime.
    pub refresh_idle: Span,
    /// A grant: absolute lifetime.
    pub refresh_absolute: Span,
}

/// Retention periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// From a user's deletion request to the erasure of the account. The account can be restored until then.
    pub erasure_grace: Span,
    /// From a change of address. The owner of the former address can undo it until then.
    pub email_undo: Span,
    /// How long audit records are kept; they hold no personal data in clear.
    pub audit: Span,
}

impl RetentionPolicy {
    /// The periods of a document without any.
    pub const DEFAULT: Self = Self { erasure_grace: Span::days(30), email_undo: Span::days(7), audit: Span::days(365) };
}

/// Signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysConfig {
    /// The signer of tokens.
    pub signer: Signer,
}

/// The signer of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signer {
    /// Keys that Latchkey creates sign in process. They are stored wrapped in the table, and are rotated.
    #[default]
    Local,
    /// Keys in KMS sign, with one call for each signature. They never leave KMS.
    Kms,
}

/// Passkeys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PasskeyPolicy {
    /// Whether users can add passkeys and sign in with them.
    pub enabled: bool,
    /// Whether a passkey is offered after a sign-in.
    pub offer: bool,
    /// The relying party id. None: the host of the issuer.
    pub rp_id: Option<String>,
    /// Further origins that may use the same passkeys (WebAuthn 3 §5.11).
    pub related_origins: Vec<String>,
    /// The iOS apps that may use the same passkeys: team and bundle.
    pub ios_apps: Vec<String>,
    /// The Android apps that may use the same passkeys.
    pub android_apps: Vec<AndroidApp>,
}

/// An Android app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AndroidApp {
    /// Its package.
    pub package: String,
    /// The SHA-256 of each certificate that it may be signed with.
    pub certificates: Vec<[u8; 32]>,
}

/// Which methods users can sign in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInPolicy {
    /// Whether a code that is mailed to the address of an account is enough to sign in, where one factor is enough.
    pub mail_code: bool,
    /// What a user can do who has lost all second factors.
    pub lost_factor: LostFactorPolicy,
    /// Whether accounts need a second factor.
    pub second_factor: SecondFactorPolicy,
    /// Whether a user is told by mail of a sign-in on a device that the account did not know.
    pub new_device_mail: bool,
    /// How long no code is asked for on a device, if its user chooses so. None: users cannot choose so, and earlier choices count for nothing.
    pub remember_device: Option<Span>,
}

impl SignInPolicy {
    /// The longest time for which a device is remembered.
    pub const MAX_REMEMBERED: Span = Span::days(90);
}

impl Default for SignInPolicy {
    fn default() -> Self {
        Self {
            mail_code: false,
            lost_factor: LostFactorPolicy::default(),
            second_factor: SecondFactorPolicy::default(),
            new_device_mail: true,
            remember_device: None,
        }
    }
}

/// Whether accounts need a second factor, or a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecondFactorPolicy {
    /// No user can set up an authenticator app. Those that are in use stay.
    Off,
    /// Users can set one up.
    #[default]
    Optional,
    /// Applications get nothing without one.
    Required {
        /// From then on users are asked to set one up. An account that is younger counts from its creation.
        from: Timestamp,
        /// For how long they can postpone it.
        grace: Span,
    },
}

impl SecondFactorPolicy {
    /// Whether every account needs one by now, or is asked to set one up.
    #[must_use]
    pub fn is_in_force(self, now: Timestamp) -> bool {
        matches!(self, Self::Required { from, .. } if from <= now)
    }
    /// When an account that was created at this time can no longer postpone it. None: it never needs one.
    #[must_use]
    pub fn deadline(self, created_at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Required { from, grace } => Some(from.max(created_at) + grace),
            Self::Off | Self::Optional => None,
        }
    }
    /// Whether an account that was created at this time can no longer postpone it.
    #[must_use]
    pub fn is_overdue(self, created_at: Timestamp, now: Timestamp) -> bool {
        self.deadline(created_at).is_some_and(|deadline| deadline <= now)
    }
}

/// What a user can do who has lost all second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LostFactorPolicy {
    /// Ask support.
    #[default]
    Off,
    /// Remove them after a delay, with the password and a mailed code. See [`crate::domain::lost_factor`].
    Delay,
}

/// Mail sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// Address (and name) for `From`.
    pub from: String,
}
