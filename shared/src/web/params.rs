//! Query and form parameters, strictly: valid UTF-8, no `%00`, at most 64, none repeated unless the caller asks for a list.

use crate::domain::oauth::error::OAuthErrorCode;

/// Parameters in order, each decoded once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Why parameters can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Not valid percent-encoded UTF-8, a NUL, or too many.
    #[error("the parameters are not well-formed")]
    Malformed,
    /// This parameter came twice (RFC 6749 §3.1).
    #[error("parameter {0} must not be repeated")]
    Repeated(String),
}

impl ParamsError {
    /// Always `invalid_request`.
    #[must_use]
    pub const fn code(&self) -> OAuthErrorCode {
        OAuthErrorCode::InvalidRequest
    }
}

impl Params {
    /// Parses `application/x-www-form-urlencoded`. A parameter without a value is treated as omitted (RFC 6749 §3.1).
    ///
    /// # Errors
    /// [`ParamsError::Malformed`].
    pub fn parse(text: &[u8]) -> Result<Self, ParamsError> {
        let _ = text;
        todo!()
    }
    /// The one value of a parameter, if it was sent.
    ///
    /// # Errors
    /// [`ParamsError::Repeated`].
    pub fn one(&self, name: &str) -> Result<Option<&str>, ParamsError> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        match (values.next(), values.next()) {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(ParamsError::Repeated(name.to_owned())),
        }
    }
    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
    /// Refuses any parameter that is repeated, but for those named.
    ///
    /// # Errors
    /// [`ParamsError::Repeated`].
    pub fn none_repeated_except(&self, lists: &[&str]) -> Result<(), ParamsError> {
        let mut seen = std::collections::BTreeSet::new();
        for (name, _) in &self.0 {
            if !seen.insert(name) && !lists.contains(&name.as_str()) {
                return Err(ParamsError::Repeated(name.clone()));
            }
        }
        Ok(())
    }
}
