//! Choosing a locale, and messages in it.
