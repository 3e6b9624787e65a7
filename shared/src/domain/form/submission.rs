//! The source of form values, and the possible flaws of a value.

use std::fmt;

/// A flaw of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldFlaw {
    /// It must be filled.
    Required,
    /// The form has no such field.
    Unknown,
    /// It is hidden by the value of another field.
    NotApplicable,
    /// A text or a boolean was expected.
    WrongType {
        /// The expected type, in words.
        expected: &'static str,
    },
    /// Too many characters, or one of them has very many code points.
    TooLong {
        /// Maximum number of characters (grapheme clusters).
        max: usize,
    },
    /// A line break or another control character.
    ForbiddenCharacter,
    /// It does not match the field's pattern. The field has a message for this.
    Pattern,
    /// Not a date.
    Date,
    /// Not a phone number.
    Phone,
    /// Not among the options.
    Option,
}

impl FieldFlaw {
    /// Its stable code. The message id of pages is `field-flaw-` and this code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
            Self::WrongType { .. } => "invalid_type",
            Self::TooLong { .. } => "too_long",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::Pattern => "invalid_format",
            Self::Date => "invalid_date",
            Self::Phone => "invalid_phone",
            Self::Option => "invalid_option",
        }
    }
}

impl fmt::Display for FieldFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("This field is required."),
            Self::Unknown => f.write_str("There is no such field in the form."),
            Self::NotApplicable => f.write_str("This field does not apply to the other answers. Leave it out."),
            Self::WrongType { expected } => write!(f, "This value must be {expected}."),
            Self::TooLong { max: 1 } => f.write_str("Use at most one character."),
            Self::TooLong { max } => write!(f, "Use at most {max} characters."),
            Self::ForbiddenCharacter => f.write_str("Line breaks and control characters are not allowed here."),
            Self::Pattern => f.write_str("This value does not have the expected form."),
            Self::Date => f.write_str("Enter a date as YYYY-MM-DD. A date of birth is not in the future."),
            Self::Phone => f.write_str("Enter a phone number with its country code, such as +49 30 123456."),
            Self::Option => f.write_str("Choose one of the options."),
        }
    }
}

/// The source of the values. It determines how a hidden value is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submission {
    /// A page: every value is text, an empty value counts as not filled, and a hidden value is dropped.
    Page,
    /// The API: values are typed, and nothing is dropped silently.
    Api,
}
