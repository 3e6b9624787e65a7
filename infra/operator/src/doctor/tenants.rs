//! Checks each tenant's stored data: its document and clients, its signing keys, its retention job.

use super::report::Report;
use crate::target::{Place, Target};
use latchkey::domain::id::TenantId;
use latchkey::domain::oauth::client::{Client, PkcePolicy, TokenEndpointAuthMethod};
use latchkey::domain::tenant::{Signer, TenantConfig};
use latchkey::domain::time::{Span, Timestamp};
use latchkey::store::StoreError;
use latchkey::store::key::KeySlot;
use latchkey::store::keyring::StoredKeyState;
use std::collections::BTreeMap;

/// A signing key is replaced after 90 days. After this long, the rotation is overdue.
const ROTATION_OVERDUE: Span = Span::days(97);
/// The retention job runs each hour. After this long without a run, something is wrong.
const RETENTION_OVERDUE: Span = Span::hours(3);

/// A tenant with a readable document.
pub(super) struct CheckedTenant {
    /// The tenant's name.
    pub(super) id: TenantId,
    /// The parsed document.
    pub(super) config: TenantConfig,
}

impl CheckedTenant {
    /// The address in `mail.from`, without the display name.
    pub(super) fn sender_address(&self) -> &str {
        let from = self.config.mail.from.as_str();
        from.split_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>')).trim()
    }
}

/// Checks every tenant. Returns those with a valid document.
pub(super) async fn check(report: &mut Report, target: &Target, now: Timestamp) -> Vec<CheckedTenant> {
    let tenants = match target.store.find_tenants().await {
        Ok(tenants) => tenants,
        Err(error) => {
            report.unreadable("tenants", &error);
            return Vec::new();
        }
    };
    if !tenants.iter().any(|tenant| tenant.tenant.is_default()) {
        let mend = "apply a document: `latchkey config apply FILE`";
        report.fail("tenant default", "it has no document, so every request fails", mend);
    }
    if let Some((pool, of)) = return_pool(target)
        && !tenants.iter().any(|tenant| tenant.tenant.as_str() == of)
    {
        let mend = "deploy with an existing tenant as ReturnTenant, or without ReturnPoolArn";
        report.fail(
            format!("tenant {of}: return pool"),
            format!("there is no such tenant, so no user can migrate to {pool}"),
            mend,
        );
    }
    let mut checked = Vec::new();
    for tenant in tenants {
        let id = tenant.tenant;
        let mut signer = Signer::Local;
        if let Some(config) = check_document(report, target, &id).await {
            check_clients(report, target, &id, &config);
            check_user_pool(report, target, &id, &config);
            check_reverse_migration(report, target, &id, &config);
            signer = config.keys.signer;
            checked.push(CheckedTenant { id: id.clone(), config });
        }
        if let Err(error) = check_keys(report, target, &id, signer, now).await {
            report.unreadable(format!("tenant {id}: keys"), &error);
        }
        if let Err(error) = check_retention(report, target, &id, tenant.since, now).await {
            report.unreadable(format!("tenant {id}: retention"), &error);
        }
    }
    checked
}

async fn check_document(report: &mut Report, target: &Target, id: &TenantId) -> Option<TenantConfig> {
    let what = format!("tenant {id}: document");
    let newest = match target.store.tenant(id.clone()).find_newest_document().await {
        Ok(Some(newest)) => newest,
        Ok(None) => {
            report.fail(what, "it has no document", format!("apply one: `latchkey config apply FILE --tenant {id}`"));
            return None;
        }
        Err(error) => {
            report.unreadable(what, &error);
            return None;
        }
    };
    match TenantConfig::parse(id, &newest.document) {
        Ok(config) => {
            report.ok(what, format!("version {} is valid", newest.version));
            Some(config)
        }
        Err(errors) => {
            let mend = format!("correct it and apply it, or go back: `latchkey config rollback VERSION --tenant {id}`");
            report.fail(what, format!("version {} is not valid by this build: {errors}", newest.version), mend);
            None
        }
    }
}

/// The user pool in the document must be the one that the stack may call.
fn check_user_pool(report: &mut Report, target: &Target, id: &TenantId, config: &TenantConfig) {
    let (Some(pool), Place::Stack(stack)) = (&config.legacy_directory, &target.place) else { return };
    let what = format!("tenant {id}: user pool");
    match stack.parameter("UserPoolArn").and_then(|arn| arn.rsplit_once(":userpool/")) {
        Some((_, allowed)) if allowed == pool.user_pool_id.as_str() => report.ok(what, format!("login may use {allowed}")),
        Some((_, allowed)) => report.fail(
            what,
            format!(
                "the document names {}, and login may use {allowed} only: no user can be imported at sign-in",
                pool.user_pool_id
            ),
            "name that pool, or deploy with its ARN as UserPoolArn",
        ),
        None => report.fail(
            what,
            format!("login may use no user pool, so no user of {} can be imported at sign-in", pool.user_pool_id),
            "deploy with the pool's ARN as UserPoolArn, or remove [cognito] from the document",
        ),
    }
}

/// The pool that may call the migration function, and the tenant of its users.
fn return_pool(target: &Target) -> Option<(&str, &str)> {
    let Place::Stack(stack) = &target.place else { return None };
    let (_, pool) = stack.parameter("ReturnPoolArn")?.rsplit_once(":userpool/")?;
    Some((pool, stack.parameter("ReturnTenant")?))
}

/// The pool of `[reverse_migration]` must be the one that may call the migration function.
fn check_reverse_migration(report: &mut Report, target: &Target, id: &TenantId, config: &TenantConfig) {
    if matches!(target.place, Place::Local) {
        return;
    }
    let what = format!("tenant {id}: return pool");
    let named = config.reverse_migration.as_ref().map(|reverse_migration| reverse_migration.user_pool_id.as_str());
    let allowed = return_pool(target).filter(|(_, of)| *of == id.as_str()).map(|(pool, _)| pool);
    match (named, allowed) {
        (None, None) => {}
        (Some(named), Some(allowed)) if named == allowed => report.ok(what, format!("{allowed} may start migration")),
        (Some(named), Some(allowed)) => report.fail(
            what,
            format!("the document names {named}, and only {allowed} may start migration: no user can migrate"),
            "name that pool in [handover], or deploy with its ARN as ReturnPoolArn",
        ),
        (Some(named), None) => report.fail(
            what,
            format!("no pool may start migration for this tenant, so no user can migrate to {named}"),
            format!(
                "deploy with the pool's ARN as ReturnPoolArn and {id} as ReturnTenant, or remove [handover] from the document"
            ),
        ),
        // Normal at the beginning and at the end of a migration; meanwhile a migration trigger fails.
        (None, Some(allowed)) => report.warn(
            what,
            format!("{allowed} may start migration, and the document has no [handover], so no user can migrate"),
            "apply a document with [handover], or remove the trigger from the pool and deploy without ReturnPoolArn",
        ),
    }
}

fn check_clients(report: &mut Report, target: &Target, id: &TenantId, config: &TenantConfig) {
    if config.clients.is_empty() {
        return report.warn(
            format!("tenant {id}: clients"),
            "there are none, so no application can sign users in",
            "add [[clients]]",
        );
    }
    let is_deployed = matches!(target.place, Place::Stack(_));
    let mut doubtful = 0;
    for client in config.clients.values() {
        let what = format!("tenant {id}: client {}", client.client_id);
        let mut doubts = Vec::new();
        if is_deployed && client.redirect_uris.iter().any(|uri| uri.starts_with("http://")) {
            doubts.push("codes may go to http:// on the user's machine: for development, or a native app");
        }
        if client.pkce == PkcePolicy::Optional {
            doubts.push("PKCE is optional");
        }
        if is_deployed && can_be_impersonated(client) {
            doubts.push(
                "it is first-party and public, and its redirect does not use https: any app on the device can impersonate it",
            );
        }
        if client.secret_needs_encoding && client.token_endpoint_auth_method == TokenEndpointAuthMethod::ClientSecretBasic {
            doubts.push(
                "its secret has characters such as + or %, which HTTP Basic changes unless the client form-encodes them: use a hexadecimal one",
            );
        }
        if !doubts.is_empty() {
            doubtful += 1;
            report.warn(what, doubts.join("; "), "remove what is not intended");
        }
    }
    if doubtful == 0 {
        report.ok(format!("tenant {id}: clients"), format!("{}, nothing doubtful", config.clients.len()));
    }
}

/// May act for the user on their account, and other software on the same device can impersonate it.
fn can_be_impersonated(client: &Client) -> bool {
    let by_https = client.redirect_uris.iter().all(|uri| uri.starts_with("https://"));
    client.first_party && !client.is_confidential() && client.scope.contains("account") && !by_https
}

async fn check_keys(
    report: &mut Report,
    target: &Target,
    id: &TenantId,
    signer: Signer,
    now: Timestamp,
) -> Result<(), StoreError> {
    let what = format!("tenant {id}: signing keys");
    let (mut newest, mut held_by_kms) = (BTreeMap::new(), 0);
    for key in target.store.tenant(id.clone()).find_keys().await? {
        if let (KeySlot::Signing { algorithm, .. }, StoredKeyState::Ready(key)) = (key.slot, key.state) {
            held_by_kms += usize::from(key.kms_key.is_some());
            newest.insert(algorithm, key.active_from);
        }
    }
    if signer == Signer::Kms && held_by_kms > 0 {
        report.ok(what, "KMS signs; a KMS key is not rotated by age");
        return Ok(());
    }
    let overdue: Vec<String> = newest
        .iter()
        .filter(|(_, from)| now.since(**from) > ROTATION_OVERDUE)
        .map(|(algorithm, _)| format!("{algorithm:?}"))
        .collect();
    if newest.is_empty() {
        report.warn(what, "there are none yet: the first request creates them", "fetch the JWK Set once");
    } else if overdue.is_empty() {
        report.ok(what, format!("{} algorithms, none overdue for rotation", newest.len()));
    } else {
        let mend = "the next token request creates the next key; if it does not, see the log of Token";
        report.warn(what, format!("older than 90 days: {}", overdue.join(", ")), mend);
    }
    Ok(())
}

async fn check_retention(
    report: &mut Report,
    target: &Target,
    id: &TenantId,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let what = format!("tenant {id}: retention");
    if matches!(target.place, Place::Local) {
        report.skip(what, "the local gateway runs the job on request: POST /dev/run");
        return Ok(());
    }
    let job = target.store.tenant(id.clone()).find_retention_job().await?;
    let mend = "see the schedule, and the log of Retention";
    match job.and_then(|job| job.last) {
        Some(last) if now.since(last.at) > RETENTION_OVERDUE => report.fail(what, format!("last ended at {}", last.at), mend),
        Some(last) if last.done.counts.stuck > 0 => {
            let found = format!("ended at {}, with {} accounts stuck", last.at, last.done.counts.stuck);
            report.fail(what, found, "see the log of Retention: it names them");
        }
        Some(last) => report.ok(what, format!("ended at {}", last.at)),
        None if now.since(since) > RETENTION_OVERDUE => report.fail(what, "it has never completed", mend),
        None => report.ok(what, "the tenant is new: the job runs within the hour"),
    }
    Ok(())
}
