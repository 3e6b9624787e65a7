//! Query and form parameters, parsed strictly: valid UTF-8, no `%00`, at most 64, no repeats unless the caller requests a list.

use crate::domain::oauth::error::OAuthErrorCode;

/// Parameters in order, each decoded once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Why parameters cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Not valid percent-encoded UTF-8, a NUL, or too many.
    #[error("the parameters are not well-formed")]
    Malformed,
    /// This parameter occurs more than once (RFC 6749 §3.1).
    #[error("parameter {0} must not be repeated")]
    Repeated(String),
}

/// The maximum number of parameters of a query or a form (security 122).
const MAX_PARAMS: usize = 64;

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
        let mut pairs = Vec::new();
        for piece in text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            let (name, value) = match piece.iter().position(|byte| *byte == b'=') {
                Some(at) => (&piece[..at], &piece[at + 1..]),
                None => (piece, &piece[..0]),
            };
            let (name, value) = (decode(name, true)?, decode(value, true)?);
            if !value.is_empty() {
                pairs.push((name, value));
            }
            if pairs.len() > MAX_PARAMS {
                return Err(ParamsError::Malformed);
            }
        }
        Ok(Self(pairs))
    }
    /// The parameters of a request's query.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_query(uri: &http::Uri) -> Result<Self, ParamsError> {
        Self::parse(uri.query().unwrap_or_default().as_bytes())
    }
    /// The single value of a parameter, if it was sent.
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
    /// Refuses repeated parameters, except those named.
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

/// Decodes percent-encoding once and strictly: two hex digits after every `%`, valid UTF-8, no NUL. `+` is a space in forms.
///
/// # Errors
/// [`ParamsError::Malformed`].
pub(super) fn decode(text: &[u8], plus_is_space: bool) -> Result<String, ParamsError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|d| char::from(*d).to_digit(16)).ok_or(ParamsError::Malformed);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).map_err(|_| ParamsError::Malformed)?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    if bytes.contains(&0) {
        return Err(ParamsError::Malformed);
    }
    String::from_utf8(bytes).map_err(|_| ParamsError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, String)>, ParamsError> {
        Params::parse(text.as_bytes()).map(|params| params.0)
    }

    #[test]
    fn a_parameter_is_decoded_exactly_once() {
        let cases = [
            ("a=1&b=2", vec![("a", "1"), ("b", "2")]),
            ("a=x+y%2Bz", vec![("a", "x y+z")]),
            ("a=%2541", vec![("a", "%41")]),
            ("a=%C3%A4&%61=2", vec![("a", "ä"), ("a", "2")]),
            ("&&a=1=2&", vec![("a", "1=2")]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            assert_eq!(parsed(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_parameter_without_a_value_counts_as_omitted() {
        // RFC 6749 §3.1
        assert_eq!(parsed("a=&b&c=1"), Ok(vec![("c".to_owned(), "1".to_owned())]));
    }

    #[test]
    fn malformed_parameters_are_refused() {
        // security 122
        for text in ["a=%", "a=%4", "a=%zz", "a=%+1", "a=%C3", "a=%ff", "a=%00", "%00=1", "a=%ED%A0%80"] {
            assert_eq!(parsed(text), Err(ParamsError::Malformed), "{text}");
        }
        assert_eq!(Params::parse(b"a=\xff"), Err(ParamsError::Malformed));
        assert_eq!(parsed(&"a=1&".repeat(64)).unwrap().len(), 64);
        assert_eq!(parsed(&"a=1&".repeat(65)), Err(ParamsError::Malformed));
    }

    #[test]
    fn a_repeated_parameter_is_refused_in_any_encoding() {
        // security 9
        let params = Params::parse(b"scope=a&sc%6Fpe=b&resource=x&resource=y").unwrap();
        assert_eq!(params.one("scope"), Err(ParamsError::Repeated("scope".to_owned())));
        assert_eq!(params.none_repeated_except(&["resource"]), Err(ParamsError::Repeated("scope".to_owned())));
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(params.one("absent"), Ok(None));
    }
}
