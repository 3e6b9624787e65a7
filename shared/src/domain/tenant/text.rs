//! A text by locale.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A text by locale (BCP 47); the empty key is the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Localized(pub BTreeMap<String, String>);

impl Localized {
    /// The text for this locale, otherwise for its language, otherwise the default, otherwise any text, otherwise empty.
    #[must_use]
    pub fn get(&self, locale: &str) -> &str {
        self.find(locale).map_or("", |(_, text)| text)
    }
    /// The same text with its key. `None` if there is no text at all.
    #[must_use]
    pub fn find(&self, locale: &str) -> Option<(&str, &str)> {
        let language = locale.split('-').next().unwrap_or(locale);
        let found = [locale, language, ""].into_iter().find_map(|key| self.0.get_key_value(key));
        found.or_else(|| self.0.iter().next()).map(|(key, text)| (key.as_str(), text.as_str()))
    }
}

impl From<String> for Localized {
    /// The same text in every locale.
    fn from(text: String) -> Self {
        Self(BTreeMap::from([(String::new(), text)]))
    }
}
