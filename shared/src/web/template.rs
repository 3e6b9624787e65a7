//! The templates of pages. They are compiled in and parsed once. Each locale has its own environment, so `t(id, argument=…)` uses the
//! locale everywhere, even in macros. HTML is escaped by default (security 110).

use crate::locale::{self, FluentValue};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        /// Name and source.
        const TEMPLATES: &[(&str, &str)] = &[$(($name, include_str!(concat!("templates/", $name)))),+];
    };
}
// One line for each file of `templates/`, so that two branches can add lines without a conflict.
#[rustfmt::skip]
templates!(
    "_form.html",
    "_passkey.html",
    "account_base.html",
    "account_confirm_address.html",
    "account_consents.html",
    "account_delete.html",
    "account_deleted.html",
    "account_email.html",
    "account_email_confirm.html",
    "account_email_elsewhere.html",
    "account_email_ended.html",
    "account_link_over.html",
    "account_lost_factor.html",
    "account_not_me.html",
    "account_not_me_address.html",
    "account_not_me_done.html",
    "account_not_me_mail.html",
    "account_passkeys.html",
    "account_passkeys_new.html",
    "account_password.html",
    "account_password_none.html",
    "account_privacy.html",
    "account_profile.html",
    "account_restore.html",
    "account_restored.html",
    "account_security.html",
    "account_sessions.html",
    "account_two_step.html",
    "account_two_step_app.html",
    "account_two_step_codes.html",
    "account_two_step_remove.html",
    "account_undo.html",
    "account_undo_resend.html",
    "account_undo_resent.html",
    "account_undo_taken.html",
    "account_undone.html",
    "base.html",
    "complete.html",
    "consent.html",
    "enroll.html",
    "error.html",
    "export_document.html",
    "export_ready.html",
    "export_start.html",
    "form_post.html",
    "lost_factor.html",
    "lost_factor_removed.html",
    "mail_code.html",
    "passkey_offer.html",
    "problem.html",
    "problem_explained.html",
    "recover_done.html",
    "recover_elsewhere.html",
    "recover_ended.html",
    "recover_nobody.html",
    "recover_over.html",
    "recover_prove.html",
    "recover_start.html",
    "recover_stays.html",
    "register.html",
    "second_step.html",
    "sign_in.html",
    "sign_out.html",
    "signed_in.html",
    "signed_out.html",
    "verify.html",
    "verify_link.html",
    "verify_passkey.html",
);

static ENVIRONMENTS: LazyLock<BTreeMap<&'static str, Environment<'static>>> =
    LazyLock::new(|| locale::available().map(|name| (name, environment(name))).collect());

fn environment(locale: &'static str) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.add_function("t", move |id: &str, arguments: Kwargs| -> Result<String, Error> {
        let names: Vec<&str> = arguments.args().collect();
        let mut values = Vec::with_capacity(names.len());
        for name in names {
            let value: Value = arguments.get(name)?;
            let value = match value.as_i64() {
                Some(number) => FluentValue::from(number),
                None => FluentValue::from(value.to_string()),
            };
            values.push((name, value));
        }
        Ok(locale::message(locale, id, values))
    });
    environment.add_global("style", Value::from_safe_string(include_str!("templates/style.css").to_owned()));
    environment.add_global("script", Value::from_safe_string(include_str!("templates/script.js").to_owned()));
    for (name, source) in TEMPLATES {
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(template = name, error = %error, "a template does not parse");
        }
    }
    environment
}

/// Renders a template (`sign_in.html`) in a locale, its language, or English.
///
/// # Errors
/// If there is no such template, or it fails.
pub(super) fn render(locale: &str, name: &str, values: Value) -> Result<String, Error> {
    find_environment(locale)?.get_template(name)?.render(values)
}

/// Renders the source of a template that exists only in a test.
#[cfg(test)]
pub(super) fn render_source(locale: &str, source: &str, values: Value) -> Result<String, Error> {
    find_environment(locale)?.render_str(source, values)
}

fn find_environment(locale: &str) -> Result<&'static Environment<'static>, Error> {
    let language = locale.split('-').next().unwrap_or(locale);
    let environment = [locale, language, locale::FALLBACK].into_iter().find_map(|name| ENVIRONMENTS.get(name));
    environment.ok_or_else(|| Error::new(minijinja::ErrorKind::InvalidOperation, "there is no locale"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses_in_every_locale() {
        for locale in locale::available() {
            let environment = environment(locale);
            for (name, _) in TEMPLATES {
                assert!(environment.get_template(name).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn every_template_file_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/templates");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".html") {
                assert!(TEMPLATES.iter().any(|(listed, _)| *listed == name), "{name} is not in the list");
            }
        }
    }

    #[test]
    fn every_message_id_in_a_template_exists() {
        for (name, source) in TEMPLATES {
            for (at, _) in source.match_indices("t(\"") {
                let is_other_word = source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
                let id = source[at + 3..].split('"').next().unwrap();
                // An id that is joined from parts (`"problem-" ~ code`) is checked where it is joined.
                if !is_other_word && !id.ends_with('-') {
                    assert_ne!(locale::message("en", id, []), id, "{name} names {id}");
                }
            }
        }
    }
}
