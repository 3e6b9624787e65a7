//! Why a password is refused, and what would help.

/// Why a password is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFlaw {
    /// Fewer characters than the policy requires.
    #[error("Use at least {min} characters.")]
    TooShort {
        /// Minimum number of characters.
        min: usize,
    },
    /// More than 256 characters or 1 KiB.
    #[error("Use at most 256 characters.")]
    TooLong,
    /// Many people use it, it repeats a short text, or it consists of words about the user or the service.
    #[error(
        "This password is too easy to guess: it is common, or made of your name, your address or the name of this service."
    )]
    TooCommon,
    /// It can be guessed in too few tries.
    #[error("This password is too easy to guess. {}", .0.map_or("Add another word or two.", Advice::text))]
    TooWeak(Option<Advice>),
}

impl PasswordFlaw {
    /// Its stable code. The message id of pages is `password-flaw-` and this code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::TooLong => "too_long",
            Self::TooCommon => "too_common",
            Self::TooWeak(_) => "too_weak",
        }
    }
    /// The advice, if there is any.
    #[must_use]
    pub const fn advice(&self) -> Option<Advice> {
        match self {
            Self::TooWeak(advice) => *advice,
            Self::TooShort { .. } | Self::TooLong | Self::TooCommon => None,
        }
    }
}

/// What would make a password harder to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// More words, uncommon ones.
    AddWords,
    /// No runs of keys or of the alphabet.
    AvoidSequences,
    /// No repetitions.
    AvoidRepetition,
    /// No dates and years.
    AvoidDates,
    /// No names.
    AvoidNames,
    /// Capitals, `@` for `a` and reversed words are guessed too.
    TricksAreGuessed,
}

impl Advice {
    /// Its stable code; the message of pages is `password-advice-` and this.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AddWords => "add_words",
            Self::AvoidSequences => "avoid_sequences",
            Self::AvoidRepetition => "avoid_repetition",
            Self::AvoidDates => "avoid_dates",
            Self::AvoidNames => "avoid_names",
            Self::TricksAreGuessed => "tricks_are_guessed",
        }
    }
    /// A description in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::AddWords => "Add another word or two; uncommon words are better.",
            Self::AvoidSequences => "Avoid rows of keys and sequences such as abc or 6543.",
            Self::AvoidRepetition => "Avoid repeated words and characters.",
            Self::AvoidDates => "Avoid dates and years.",
            Self::AvoidNames => "Avoid names.",
            Self::TricksAreGuessed => "Capital letters, reversed words and @ for a are guessed too; add another word or two.",
        }
    }
}
