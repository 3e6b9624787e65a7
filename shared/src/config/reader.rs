//! Reads TOML tables key by key, so that one pass finds every error with its path and line.
//!
//! Deserializing into a struct would stop at the first error. An operator needs all of them.

use crate::domain::oauth::scope::ScopeSet;
use crate::domain::tenant::Localized;
use crate::domain::time::{Span, Timestamp};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The place of a value: its path, and its offset in the document.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: String,
    offset: usize,
}

/// A value that was read, and its place.
#[derive(Debug, Clone)]
pub(super) struct Read<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// Collects the errors of a document.
pub(super) struct Report<'s> {
    source: &'s str,
    /// Each error has its offset, so that the errors can be sorted in the order of the document.
    errors: RefCell<Vec<(usize, DocumentError)>>,
}

impl<'s> Report<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { source, errors: RefCell::default() }
    }
    pub(super) fn refuse(&self, place: &Place, message: impl Into<String>) {
        let error =
            DocumentError { path: place.path.clone(), line: Some(self.position(place.offset).0), message: message.into() };
        self.errors.borrow_mut().push((place.offset, error));
    }
    /// Adds a syntax error. It has no path, only a line and a column.
    pub(super) fn refuse_syntax(&self, error: &toml::de::Error) {
        let offset = error.span().map_or(0, |span| span.start);
        let (line, column) = self.position(offset);
        let message = format!("not valid TOML: {}", error.message().trim());
        let error = DocumentError { path: format!("line {line}, column {column}"), line: None, message };
        self.errors.borrow_mut().push((offset, error));
    }
    pub(super) fn into_errors(self) -> Vec<DocumentError> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|(offset, _)| *offset);
        let mut errors: Vec<_> = errors.into_iter().map(|(_, error)| error).collect();
        errors.dedup();
        errors
    }
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.source.get(..offset).unwrap_or(self.source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A table that is being read. Keys that are not read are unknown.
pub(super) struct Table<'r, 's> {
    pub(super) report: &'r Report<'s>,
    pub(super) place: Place,
    entries: BTreeMap<String, (Place, DeValue<'s>)>,
    known: Vec<&'static str>,
}

impl<'r, 's> Table<'r, 's> {
    pub(super) fn root(report: &'r Report<'s>, table: DeTable<'s>) -> Self {
        Self::open(report, Place { path: String::new(), offset: 0 }, table)
    }
    fn open(report: &'r Report<'s>, place: Place, table: DeTable<'s>) -> Self {
        let entries = table
            .into_iter()
            .map(|(key, value)| {
                let name = key.into_inner().into_owned();
                let path = if place.path.is_empty() { name.clone() } else { format!("{}.{name}", place.path) };
                let at = Place { path, offset: value.span().start };
                (name, (at, value.into_inner()))
            })
            .collect();
        Self { report, place, entries, known: Vec::new() }
    }
    /// The place of a key of this table. If the key is missing: the place of the table.
    pub(super) fn at(&self, key: &str) -> Place {
        let path = if self.place.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place.path) };
        let offset = self.entries.get(key).map_or(self.place.offset, |(place, _)| place.offset);
        Place { path, offset }
    }
    /// Ends the reading. Refuses every key that was not read, so that no setting is ignored silently.
    pub(super) fn close(self) {
        for (place, _) in self.entries.values() {
            let known = self.known.join(", ");
            self.report.refuse(place, format!("unknown key; known here: {known}"));
        }
    }
    fn take(&mut self, key: &'static str) -> Option<(Place, DeValue<'s>)> {
        self.known.push(key);
        self.entries.remove(key)
    }
    fn wrong_type<T>(&self, place: &Place, value: &DeValue<'_>, expected: &str) -> Option<T> {
        self.report.refuse(place, format!("must be {expected}, not {}", type_name(value)));
        None
    }

    /// Reads a text. Returns `None` if it is missing or has another type; another type is an error.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Read<String>> {
        let (place, value) = self.take(key)?;
        match value {
            DeValue::String(text) => Some(Read { value: text.into_owned(), place }),
            other => self.wrong_type(&place, &other, "a text in quotes"),
        }
    }
    /// Reads a text that must be present.
    pub(super) fn required_text(&mut self, key: &'static str) -> Option<Read<String>> {
        self.require(key);
        self.text(key)
    }
    fn require(&self, key: &'static str) {
        if !self.entries.contains_key(key) {
            self.report.refuse(&self.at(key), "is missing");
        }
    }
    /// Reads `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        match self.take(key) {
            None => default,
            Some((_, DeValue::Boolean(value))) => value,
            Some((place, other)) => self.wrong_type(&place, &other, "true or false").unwrap_or(default),
        }
    }
    /// Reads a whole number within bounds.
    pub(super) fn number(&mut self, key: &'static str, bounds: RangeInclusive<usize>, default: usize) -> usize {
        let Some((place, value)) = self.take(key) else { return default };
        let number = match &value {
            DeValue::Integer(digits) => usize::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => return self.wrong_type(&place, &value, "a whole number").unwrap_or(default),
        };
        match number.filter(|number| bounds.contains(number)) {
            Some(number) => number,
            None => {
                self.report.refuse(&place, format!("must be from {} to {}", bounds.start(), bounds.end()));
                default
            }
        }
    }
    /// Reads a list of texts. If it is missing, the list is empty.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<Read<String>> {
        let Some((place, value)) = self.take(key) else { return Vec::new() };
        let DeValue::Array(values) = value else {
            return self.wrong_type(&place, &value, "a list of texts, such as [\"…\"]").unwrap_or_default();
        };
        let mut texts = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let place = Place { path: format!("{}[{index}]", place.path), offset: value.span().start };
            match value.into_inner() {
                DeValue::String(text) => texts.push(Read { value: text.into_owned(), place }),
                other => self.wrong_type(&place, &other, "a text in quotes").unwrap_or_default(),
            }
        }
        texts
    }
    /// Reads a table. If it is missing, the table is empty and the defaults apply.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'r, 's> {
        let empty = Place { path: self.at(key).path, offset: self.place.offset };
        self.optional_table(key).unwrap_or_else(|| Table::open(self.report, empty, DeTable::new()))
    }
    /// Reads a table, if it is present.
    pub(super) fn optional_table(&mut self, key: &'static str) -> Option<Table<'r, 's>> {
        let (place, value) = self.take(key)?;
        match value {
            DeValue::Table(table) => Some(Table::open(self.report, place, table)),
            other => self.wrong_type(&place, &other, "a table"),
        }
    }
    /// Reads a list of tables. If it is missing, the list is empty.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Table<'r, 's>> {
        let Some((place, value)) = self.take(key) else { return Vec::new() };
        let DeValue::Array(values) = value else {
            return self.wrong_type(&place, &value, "a list of tables").unwrap_or_default();
        };
        let mut tables = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let place = Place { path: format!("{}[{index}]", place.path), offset: value.span().start };
            match value.into_inner() {
                DeValue::Table(table) => tables.push(Table::open(self.report, place, table)),
                other => self.wrong_type(&place, &other, "a table").unwrap_or_default(),
            }
        }
        tables
    }
    /// Reads a table of texts with names that the operator chooses. If it is missing, it is empty.
    pub(super) fn named_texts(&mut self, key: &'static str) -> Vec<(String, Read<String>)> {
        let Some((place, value)) = self.take(key) else { return Vec::new() };
        let DeValue::Table(table) = value else {
            return self.wrong_type(&place, &value, "a table of texts").unwrap_or_default();
        };
        let mut texts = Vec::new();
        for (name, value) in table {
            let name = name.into_inner().into_owned();
            let place = Place { path: format!("{}.{name}", place.path), offset: value.span().start };
            match value.into_inner() {
                DeValue::String(text) => texts.push((name, Read { value: text.into_owned(), place })),
                other => self.wrong_type(&place, &other, "a text in quotes").unwrap_or_default(),
            }
        }
        texts
    }
    /// Whether the table has this key, which was not read yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }
    /// Reads a text, or a table of texts by locale.
    pub(super) fn localized(&mut self, key: &'static str) -> Option<Localized> {
        self.texts_by_locale(key, Self::words)
    }
    /// As [`Self::localized`], for a text of many lines.
    pub(super) fn long_localized(&mut self, key: &'static str) -> Option<Localized> {
        self.texts_by_locale(key, Self::long_text)
    }
    fn texts_by_locale(&mut self, key: &'static str, check: fn(&Self, &Place, String) -> Option<String>) -> Option<Localized> {
        let (place, value) = self.take(key)?;
        match value {
            DeValue::String(text) => check(self, &place, text.into_owned()).map(Localized::from),
            DeValue::Table(table) => {
                let mut texts = BTreeMap::new();
                for (locale, text) in table {
                    let locale = locale.into_inner().into_owned();
                    let place = Place { path: format!("{}.{locale}", place.path), offset: text.span().start };
                    if !locale.is_empty() && !is_locale(&locale) {
                        self.report.refuse(&place, "not a locale such as \"en\" or \"de-AT\"");
                    }
                    match text.into_inner() {
                        DeValue::String(text) => {
                            if let Some(text) = check(self, &place, text.into_owned()) {
                                texts.insert(locale, text);
                            }
                        }
                        other => self.wrong_type(&place, &other, "a text in quotes").unwrap_or_default(),
                    }
                }
                Some(Localized(texts))
            }
            other => self.wrong_type(&place, &other, "a text, or a table of texts by locale"),
        }
    }
    /// Checks a text that users see: not empty, at most 500 characters, no control characters.
    fn words(&self, place: &Place, text: String) -> Option<String> {
        if text.trim().is_empty() || text.chars().count() > 500 || text.chars().any(char::is_control) {
            self.report.refuse(place, "must be 1 to 500 characters on one line");
            return None;
        }
        Some(text)
    }
    /// Checks a text of many lines: not empty, at most 100,000 characters, no control characters but line breaks and tabs.
    fn long_text(&self, place: &Place, text: String) -> Option<String> {
        let is_forbidden = |c: char| c.is_control() && c != '\n' && c != '\t' && c != '\r';
        if text.trim().is_empty() || text.chars().count() > 100_000 || text.chars().any(is_forbidden) {
            self.report.refuse(place, "must be 1 to 100,000 characters without control characters");
            return None;
        }
        Some(text)
    }
    /// Reads a duration in the notation of ISO 8601 (`PT10M`, `P14D`), within bounds.
    pub(super) fn span(&mut self, key: &'static str, bounds: RangeInclusive<Span>, default: Span) -> Span {
        self.optional_span(key, bounds).unwrap_or(default)
    }
    /// The same, if it is there.
    pub(super) fn optional_span(&mut self, key: &'static str, bounds: RangeInclusive<Span>) -> Option<Span> {
        let text = self.text(key)?;
        let span = text.value.starts_with('P').then(|| text.value.parse::<jiff::Span>().ok()).flatten();
        let duration = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
        let millis = duration.and_then(|duration| i64::try_from(duration.as_millis()).ok());
        match millis.map(Span::millis) {
            None => self.report.refuse(&text.place, "must be a duration such as \"PT10M\" or \"P14D\" (ISO 8601)"),
            Some(span) if !bounds.contains(&span) => {
                let (least, most) = (bounds.start().as_seconds(), bounds.end().as_seconds());
                self.report.refuse(&text.place, format!("must be from {least} to {most} seconds"));
            }
            Some(span) => return Some(span),
        }
        None
    }
    /// Reads a day, and returns its begin in UTC.
    pub(super) fn day(&mut self, key: &'static str) -> Option<Timestamp> {
        let text = self.text(key)?;
        let is_written_so = text.value.len() == 10;
        let date = text.value.parse::<jiff::civil::Date>().ok().filter(|_| is_written_so);
        let start = date.and_then(|date| jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
        if start.is_none() {
            self.report.refuse(&text.place, "must be a day such as \"2027-01-31\"");
        }
        start.map(|start| Timestamp::from_seconds(start.as_second()))
    }
    /// Reads one of these words and returns its meaning.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)], default: T) -> T {
        match self.text(key) {
            None => default,
            Some(text) => self.report.word(&text, words).unwrap_or(default),
        }
    }
}

impl Report<'_> {
    /// Returns the meaning of a word, if it is one of these.
    pub(super) fn word<T: Copy>(&self, text: &Read<String>, words: &[(&'static str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == text.value).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.refuse(&text.place, format!("must be {}", known.join(" or ")));
        }
        found
    }
}

/// Returns whether a text has the form of a BCP 47 language tag (the simple part of the grammar).
pub(super) fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Parses the document into a table. Adds its syntax errors to the report.
pub(super) fn parse_toml<'s>(report: &Report<'s>) -> Option<DeTable<'s>> {
    let (table, errors): (Spanned<DeTable<'s>>, _) = DeTable::parse_recoverable(report.source);
    for error in &errors {
        report.refuse_syntax(error);
    }
    // The table of a document with syntax errors would cause errors that disappear when the syntax is correct.
    errors.is_empty().then(|| table.into_inner())
}

/// One error of a document: its place, and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    /// The path, such as `clients[2].redirect_uris[0]`. For a syntax error: line and column.
    pub path: String,
    /// The line, counted from 1, if the path does not contain it.
    pub line: Option<usize>,
    /// The error, and what is valid instead.
    pub message: String,
}

impl std::fmt::Display for DocumentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}: {} (line {line})", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// Reads an https URL that pages link to.
pub(super) fn read_link(table: &mut Table<'_, '_>, key: &'static str) -> Option<String> {
    let link = table.text(key)?;
    let is_https = url::Url::parse(&link.value).is_ok_and(|url| url.scheme() == "https" && url.has_host());
    if !is_https || link.value.len() > 2000 {
        table.report.refuse(&link.place, "must be a URL that begins with https://");
        return None;
    }
    Some(link.value)
}

/// Reads the space-delimited scope of a client or a resource.
pub(super) fn read_scope(table: &mut Table<'_, '_>) -> Option<ScopeSet> {
    let scope = table.text("scope")?;
    match scope.value.parse() {
        Ok(scope) => Some(scope),
        Err(_) => {
            table.report.refuse(&scope.place, "must be scope tokens separated by one space (RFC 6749 §3.3)");
            None
        }
    }
}
