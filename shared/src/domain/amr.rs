//! Authentication methods as they are told to applications (`amr`, RFC 8176).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An authentication method of a sign-in (RFC 8176 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amr {
    /// A password.
    Pwd,
    /// A one-time code of an authenticator app, or a recovery code. Earlier sessions have it for a mailed code too.
    Otp,
    /// A key that is bound to one device.
    Hwk,
    /// A key that is synced between the user's devices.
    Swk,
    /// The authenticator verified the user.
    User,
    /// More than one factor.
    Mfa,
    /// A value of a later release. It is passed through.
    Unknown(Box<str>),
}

impl Amr {
    const KNOWN: [Self; 6] = [Self::Pwd, Self::Otp, Self::Hwk, Self::Swk, Self::User, Self::Mfa];

    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pwd => "pwd",
            Self::Otp => "otp",
            Self::Hwk => "hwk",
            Self::Swk => "swk",
            Self::User => "user",
            Self::Mfa => "mfa",
            Self::Unknown(value) => value,
        }
    }
}

impl Serialize for Amr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Amr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = String::deserialize(deserializer)?;
        let known = Self::KNOWN.into_iter().find(|amr| amr.as_str() == value);
        Ok(known.unwrap_or_else(|| Self::Unknown(value.into_boxed_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_later_release_is_passed_through() {
        let stored = r#"["pwd","swk","face"]"#;
        let read: Vec<Amr> = serde_json::from_str(stored).unwrap();
        assert_eq!(read, [Amr::Pwd, Amr::Swk, Amr::Unknown("face".into())]);
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    }
}
