//! Compares a document with the version in force and prints the changes.

use super::document::{Document, DocumentFile};
use crate::command_error::CommandError;
use crate::target::Target;
use crate::terminal::{Colour, columns, highlighted, say, say_json};
use crate::unenrolled::Unenrolled;
use crate::ways_in::{EndedWays, WalkOptions};
use latchkey::config::plan::{Plan, Severity};
use latchkey::domain::id::TenantId;
use latchkey::domain::sign_in::ways_in::AllowedWays;
use latchkey::domain::tenant::{SecondFactorPolicy, TenantConfig};
use latchkey::store::tenant::TenantDocument;
use latchkey::web::passkey::RelyingParty;
use serde::Serialize;

/// A document compared with the version in force.
pub(super) struct Comparison {
    /// The version in force. `None` for a new tenant.
    pub(super) newest: Option<TenantDocument>,
    /// The changes.
    pub(super) plan: Plan,
    /// The passkeys and ways in that the document ends, if it can end any.
    pub(super) ended: Option<EndedWays>,
    /// The accounts that the document asks to set up a factor, if it requires one from now on.
    unenrolled: Option<Unenrolled>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    passkeys: Option<&'a EndedWays>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_factor: Option<&'a Unenrolled>,
}

/// Reads the version in force and compares the document with it.
pub(super) async fn compare(document: &Document, target: &Target, walk: WalkOptions) -> Result<Comparison, CommandError> {
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
    let (ended, unenrolled) = match newest.is_some() && !is_same_text {
        true => (
            count_ended(document, now.as_ref(), target, walk).await?,
            count_unenrolled(document, now.as_ref(), target, walk).await?,
        ),
        false => (None, None),
    };
    Ok(Comparison { newest, plan, ended, unenrolled, unreadable, is_same_text })
}

/// Counts the accounts without a second factor, if the document requires one and the version in force does not.
async fn count_unenrolled(
    document: &Document,
    now: Option<&TenantConfig>,
    target: &Target,
    walk: WalkOptions,
) -> Result<Option<Unenrolled>, CommandError> {
    let is_required = |config: &TenantConfig| matches!(config.sign_in.second_factor, SecondFactorPolicy::Required { .. });
    if !is_required(&document.config) || now.is_some_and(is_required) {
        return Ok(None);
    }
    let passkeys = RelyingParty::new(&document.config.passkeys, &target.origin.issuer(&document.tenant)).is_some();
    let store = target.store.tenant(document.tenant.clone());
    let of = format!("tenant {} of {}", document.tenant, target.name);
    Unenrolled::count(&store, walk.rate, passkeys, &of).await.map(Some)
}

/// Counts what ends for users with passkeys: only if the relying party id changes or goes, which no other section can do. `now`: the version
/// in force, if it can be read.
async fn count_ended(
    document: &Document,
    now: Option<&TenantConfig>,
    target: &Target,
    walk: WalkOptions,
) -> Result<Option<EndedWays>, CommandError> {
    let issuer = target.origin.issuer(&document.tenant);
    let rp_id = |config: &TenantConfig| RelyingParty::new(&config.passkeys, &issuer).map(|party| party.id);
    let (was, is) = (now.map(rp_id), rp_id(&document.config));
    if was.as_ref().is_some_and(|was| was.is_none() || *was == is) {
        return Ok(None);
    }
    let store = target.store.tenant(document.tenant.clone());
    let of = format!("tenant {} of {}", document.tenant, target.name);
    EndedWays::count(&store, walk.rate, AllowedWays { rp_id: is.as_deref(), mail_code: document.config.sign_in.mail_code }, &of)
        .await
        .map(Some)
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

    /// Whether it ends nothing that an operator must accept.
    pub(super) fn is_harmless(&self) -> bool {
        self.ended.as_ref().is_none_or(EndedWays::is_harmless)
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
        for line in self.ended.iter().flat_map(EndedWays::lines) {
            text.push_str(&format!("  {line}\n"));
        }
        if let Some(unenrolled) = &self.unenrolled {
            text.push_str(&format!("  {}\n", unenrolled.line()));
        }
        if !self.is_harmless() {
            text.push_str("  these users lose a way in: `latchkey config apply` needs --accept\n");
        }
        let dangers = self.plan.dangers().count();
        if dangers > 0 {
            text.push_str(&format!("  {dangers} of these changes (!) affect users or clients, or weaken a protection\n"));
        }
        text
    }
}

/// `latchkey config plan`
pub(super) async fn plan(file: &DocumentFile, target: &Target, walk: WalkOptions, json: bool) -> Result<(), CommandError> {
    let document = file.read_for(target)?;
    let comparison = compare(&document, target, walk).await?;
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
        passkeys: comparison.ended.as_ref(),
        second_factor: comparison.unenrolled.as_ref(),
    })
}
