//! The input of a sign-in form, and the outcome of a sign-in attempt.

use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::secret::SecretText;
use latchkey::domain::sign_in::methods::password::Authenticated;
use latchkey::domain::time::Span;

/// The outcome of an attempt, here or with the legacy directory.
pub(crate) enum Attempted {
    /// The local decision.
    Decided(Authenticated),
    /// A concurrent request has imported the same user: the account exists by now.
    KnownByNow,
    /// The directory requires a new password first. Only a caller with the right password learns it.
    MustBeReplaced,
    /// The directory has not verified the address. Only a caller with the right password learns it.
    NotProven,
    /// The directory requires a second factor. Only a caller with the right password learns it.
    SecondFactor,
    /// The directory gave no verdict.
    Unasked {
        /// When to retry.
        retry_after: Span,
    },
}

/// The parsed form input.
pub(crate) struct Typed {
    pub(crate) identifier: String,
    pub(crate) email: EmailAddress,
    pub(crate) password: SecretText,
}
