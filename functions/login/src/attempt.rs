//! What was typed at a sign-in, and what came of it.

use latchkey::domain::authentication::Authenticated;
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::secret::SecretText;
use latchkey::domain::time::Span;

/// What came of an attempt, here or with the former directory's help.
pub(crate) enum Attempted {
    /// As decided.
    Decided(Authenticated),
    /// A concurrent request has imported the same user: the account exists by now.
    KnownByNow,
    /// The directory wants another password before this one is of use: only who knows it is told.
    MustBeReplaced,
    /// The directory never had the address proven: only who knows the password is told.
    NotProven,
    /// The directory asks for a second factor: only who knows the password is told.
    SecondFactor,
    /// The directory gave no verdict.
    Unasked {
        /// When to try again.
        retry_after: Span,
    },
}

/// What was typed, readable.
pub(crate) struct Typed {
    pub(crate) identifier: String,
    pub(crate) email: EmailAddress,
    pub(crate) password: SecretText,
}
