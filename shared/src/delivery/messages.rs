//! The words of mails, by language.

use super::RenderError;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

const SOURCES: [(&str, &str); 2] = [("en", include_str!("messages/en.ftl")), ("de", include_str!("messages/de.ftl"))];

/// One language's words.
pub(super) struct Language {
    /// BCP 47, as the mail's `lang` says it.
    pub(super) tag: &'static str,
    bundle: FluentBundle<FluentResource>,
}

/// Every language, the fallback first.
pub(super) fn languages() -> Result<Vec<Language>, RenderError> {
    SOURCES.into_iter().map(|(tag, source)| Language::read(tag, source)).collect()
}

impl Language {
    fn read(tag: &'static str, source: &str) -> Result<Self, RenderError> {
        let broken = |why: String| RenderError::Messages { language: tag, why };
        let identifier: LanguageIdentifier = tag.parse().map_err(|error| broken(format!("{error}")))?;
        let resource = FluentResource::try_new(source.to_owned()).map_err(|(_, errors)| broken(format!("{errors:?}")))?;
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        // Subjects and plain text: invisible isolation marks would show as boxes in some readers.
        bundle.set_use_isolating(false);
        bundle.add_resource(resource).map_err(|errors| broken(format!("{errors:?}")))?;
        Ok(Self { tag, bundle })
    }

    /// The message with these arguments.
    pub(super) fn text(&self, id: &str, args: &[(&str, &str)]) -> Result<String, RenderError> {
        let mut fluent = FluentArgs::new();
        for (name, value) in args {
            fluent.set(*name, *value);
        }
        self.format(id, &fluent)
    }

    /// A number of minutes, with its word.
    pub(super) fn minutes(&self, minutes: i64) -> Result<String, RenderError> {
        let mut fluent = FluentArgs::new();
        fluent.set("minutes", minutes);
        self.format("minutes", &fluent)
    }

    fn format(&self, id: &str, args: &FluentArgs<'_>) -> Result<String, RenderError> {
        let missing = |why: String| RenderError::Messages { language: self.tag, why };
        let pattern = self
            .bundle
            .get_message(id)
            .and_then(|message| message.value())
            .ok_or_else(|| missing(format!("no message {id}")))?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(args), &mut errors).into_owned();
        if errors.is_empty() { Ok(text) } else { Err(missing(format!("{id}: {errors:?}"))) }
    }
}
