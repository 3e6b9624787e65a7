//! What happened to an account, for the words of a mail about it.

/// What happened to the second factors of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorNews {
    /// An authenticator app was added.
    Added,
    /// An authenticator app replaced another one.
    Replaced,
    /// The authenticator app was removed.
    Removed,
    /// New recovery codes replaced the old ones.
    NewCodes,
    /// A recovery code was used to sign in.
    CodeUsed,
    /// The right password, and then several wrong codes.
    WrongCodes,
}

impl SecondFactorNews {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Added => "app-added",
            Self::Replaced => "app-replaced",
            Self::Removed => "app-removed",
            Self::NewCodes => "new-codes",
            Self::CodeUsed => "code-used",
            Self::WrongCodes => "wrong-codes",
        }
    }
}

/// What happened to an account that used an address before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormerAddressNews {
    /// Its password was changed.
    PasswordChanged,
    /// Its address was changed once more.
    EmailChanged,
    /// It returned to an address that it used before.
    EmailChangeUndone,
    /// It was closed.
    DeletionRequested,
    /// It was restored.
    AccountRestored,
    /// A passkey was added to it.
    PasskeyAdded,
    /// A passkey of it was removed.
    PasskeyRemoved,
    /// Its second factors were changed, or a recovery code was used.
    SecondFactor,
    /// Its user disowned what happened since an event.
    NotMeReported,
    /// The removal of its second factors was requested, or done.
    RemovalRequested,
}

impl FormerAddressNews {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::PasswordChanged => "changed",
            Self::EmailChanged => "moved",
            Self::EmailChangeUndone => "undone",
            Self::DeletionRequested => "deletion",
            Self::AccountRestored => "restored",
            Self::PasskeyAdded => "passkey-added",
            Self::PasskeyRemoved => "passkey-removed",
            Self::SecondFactor => "factor",
            Self::NotMeReported => "not-me",
            Self::RemovalRequested => "removal",
        }
    }
}
