//! Compares a document with the version in force and prints the changes.

use super::document::{Document, DocumentFile};
use crate::command_error::CommandError;
use crate::target::Target;
use crate::terminal::{Colour, columns, highlighted, say, say_json};
use latchkey::config::plan::{Plan, Severity};
use latchkey::domain::id::TenantId;
use latchkey::domain::tenant::TenantConfig;
use latchkey::store::tenant::TenantDocument;
use serde::Serialize;

/// A document compared with the version in force.
pub(super) struct Comparison {
    /// The version in force. `None` for a new tenant.
    pub(super) newest: Option<TenantDocument>,
    /// The changes.
    pub(super) plan: Plan,
    /// Why the version in force could not be compared.
    unreadable: Option<String>,
    is_same_text: bool,
}

#[derive(Serialize)]
struct PlanOutput<'a> {
    target: &'a str,
    tenant: &'a TenantId,
    in_force: Option<u64>,
    same_text: bool,
    #[serde(flatten)]
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_compared: Option<&'a str>,
}

/// Reads the version in force and compares the document with it.
pub(super) async fn compare(document: &Document, target: &Target) -> Result<Comparison, CommandError> {
    let newest = newest(target, &document.tenant).await?;
    let now = newest.as_ref().map(|newest| TenantConfig::parse(&document.tenant, &newest.document)).transpose();
    let (now, unreadable) = match now {
        Ok(now) => (now, None),
        Err(errors) => (None, Some(errors.to_string())),
    };
    let is_same_text = newest.as_ref().is_some_and(|newest| newest.document == document.text);
    let plan = match (&now, &newest) {
        (None, Some(newest)) => Plan::not_compared(newest.version),
        (now, _) => Plan::between(now.as_ref(), &document.config),
    };
    Ok(Comparison { newest, plan, unreadable, is_same_text })
}

/// The version in force.
pub(super) async fn newest(target: &Target, tenant: &TenantId) -> Result<Option<TenantDocument>, CommandError> {
    let found = target.store.tenant(tenant.clone()).find_newest_document().await;
    found.map_err(|error| {
        CommandError::caused_by(&format!("the document of tenant {tenant} cannot be read from {}", target.name), &error)
    })
}

impl Comparison {
    /// Whether the version in force has exactly this text.
    pub(super) fn is_in_force(&self) -> bool {
        self.is_same_text
    }

    /// The plan, for people.
    pub(super) fn render(&self, target: &Target, tenant: &TenantId) -> String {
        let mut text = match &self.newest {
            None => format!(
                "{}: there is no tenant {tenant} yet; its issuer will be {}\n",
                target.name,
                target.origin.issuer(tenant)
            ),
            Some(newest) => format!("{}, tenant {tenant}: version {} is in force\n", target.name, newest.version),
        };
        if let (Some(why), Some(newest)) = (&self.unreadable, &self.newest) {
            text.push_str(&format!(
                "  version {} cannot be compared, because it is not valid by this command: {why}\n",
                newest.version
            ));
        }
        if self.is_same_text {
            text.push_str("  no change: this text is in force\n");
        } else if self.plan.is_empty() {
            text.push_str("  no change but the text itself: the settings are the same\n");
        }
        for line in &self.plan.summary {
            text.push_str(&format!("  {line}\n"));
        }
        let rows: Vec<[String; 3]> = self
            .plan
            .effects
            .iter()
            .map(|effect| {
                let mark = match effect.severity {
                    Severity::Notice => "  .".to_owned(),
                    Severity::Danger => format!("  {}", highlighted("!", Colour::Yellow)),
                };
                [mark, effect.path.clone(), effect.words.clone()]
            })
            .collect();
        text.push_str(&columns(&rows));
        let dangers = self.plan.dangers().count();
        if dangers > 0 {
            text.push_str(&format!("  {dangers} of these changes (!) affect users or clients, or weaken a protection\n"));
        }
        text
    }
}

/// `latchkey config plan`
pub(super) async fn plan(file: &DocumentFile, target: &Target, json: bool) -> Result<(), CommandError> {
    let document = file.read_for(target)?;
    let comparison = compare(&document, target).await?;
    if !json {
        return say(&comparison.render(target, &document.tenant));
    }
    say_json(&PlanOutput {
        target: &target.name,
        tenant: &document.tenant,
        in_force: comparison.newest.as_ref().map(|newest| newest.version),
        same_text: comparison.is_same_text,
        plan: &comparison.plan,
        not_compared: comparison.unreadable.as_deref(),
    })
}
