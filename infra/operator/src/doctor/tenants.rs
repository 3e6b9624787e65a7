//! What is stored of each tenant: its document and clients, its signing keys, its retention job.

use super::report::Report;
use crate::target::{Place, Target};
use latchkey::domain::id::TenantId;
use latchkey::domain::oauth::client::{Client, PkcePolicy};
use latchkey::domain::tenant::{Signer, TenantConfig};
use latchkey::domain::time::{Span, Timestamp};
use latchkey::store::StoreError;
use latchkey::store::keyring::{KeySlot, StoredKeyState};
use std::collections::BTreeMap;

/// Signing keys have a successor after 90 days; so long after that, one is overdue.
const OVERDUE: Span = Span::days(97);
/// The retention job runs each hour.
const SILENT: Span = Span::hours(3);

/// A tenant whose document was read.
pub(super) struct Checked {
    /// Its name.
    pub(super) id: TenantId,
    /// What its document says.
    pub(super) config: TenantConfig,
}

impl Checked {
    /// The address in `mail.from`, without the name.
    pub(super) fn address_of_mails(&self) -> &str {
        let from = self.config.mail.from.as_str();
        from.split_once('<').map_or(from, |(_, rest)| rest.trim_end_matches('>')).trim()
    }
}

/// Checks every tenant; those whose document is valid.
pub(super) async fn check(report: &mut Report, target: &Target, now: Timestamp) -> Vec<Checked> {
    let tenants = match target.store.find_tenants().await {
        Ok(tenants) => tenants,
        Err(error) => {
            report.unreadable("tenants", &error);
            return Vec::new();
        }
    };
    if !tenants.iter().any(|tenant| tenant.tenant.is_default()) {
        let mend = "put a document in force: `latchkey config apply FILE`";
        report.fail("tenant default", "there is none, so nothing is answered", mend);
    }
    if let Some((pool, of)) = return_pool(target)
        && !tenants.iter().any(|tenant| tenant.tenant.as_str() == of)
    {
        let mend = "deploy with the tenant's name as ReturnTenant, or without ReturnPoolArn";
        report.fail(format!("tenant {of}: return pool"), format!("there is no such tenant, so nobody goes to {pool}"), mend);
    }
    let mut checked = Vec::new();
    for tenant in tenants {
        let id = tenant.tenant;
        let mut signer = Signer::Local;
        if let Some(config) = document(report, target, &id).await {
            clients(report, target, &id, &config);
            user_pool(report, target, &id, &config);
            handover(report, target, &id, &config);
            signer = config.keys.signer;
            checked.push(Checked { id: id.clone(), config });
        }
        if let Err(error) = keys(report, target, &id, signer, now).await {
            report.unreadable(format!("tenant {id}: keys"), &error);
        }
        if let Err(error) = retention(report, target, &id, tenant.since, now).await {
            report.unreadable(format!("tenant {id}: retention"), &error);
        }
    }
    checked
}

async fn document(report: &mut Report, target: &Target, id: &TenantId) -> Option<TenantConfig> {
    let what = format!("tenant {id}: document");
    let newest = match target.store.tenant(id.clone()).find_newest_document().await {
        Ok(Some(newest)) => newest,
        Ok(None) => {
            report.fail(what, "there is none", format!("put one in force: `latchkey config apply FILE --tenant {id}`"));
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

/// The pool that the document names is the one that the stack may ask.
fn user_pool(report: &mut Report, target: &Target, id: &TenantId, config: &TenantConfig) {
    let (Some(pool), Place::Stack(stack)) = (&config.cognito, &target.place) else { return };
    let what = format!("tenant {id}: user pool");
    match stack.parameter("UserPoolArn").and_then(|arn| arn.rsplit_once(":userpool/")) {
        Some((_, allowed)) if allowed == pool.user_pool_id.as_str() => report.ok(what, format!("login may ask {allowed}")),
        Some((_, allowed)) => report.fail(
            what,
            format!("the document names {}, and login may ask {allowed} only: nobody comes from there", pool.user_pool_id),
            "name that pool, or deploy with its ARN as UserPoolArn",
        ),
        None => report.fail(
            what,
            format!("login may ask no user pool, so nobody comes from {}", pool.user_pool_id),
            "deploy with the pool's ARN as UserPoolArn, or take [cognito] out of the document",
        ),
    }
}

/// The pool that may ask for people who go back, and the tenant whose people they are.
fn return_pool(target: &Target) -> Option<(&str, &str)> {
    let Place::Stack(stack) = &target.place else { return None };
    let (_, pool) = stack.parameter("ReturnPoolArn")?.rsplit_once(":userpool/")?;
    Some((pool, stack.parameter("ReturnTenant")?))
}

/// The pool that people go back to by the document is the one that may ask for them.
fn handover(report: &mut Report, target: &Target, id: &TenantId, config: &TenantConfig) {
    if matches!(target.place, Place::Local) {
        return;
    }
    let what = format!("tenant {id}: return pool");
    let named = config.handover.as_ref().map(|handover| handover.user_pool_id.as_str());
    let allowed = return_pool(target).filter(|(_, of)| *of == id.as_str()).map(|(pool, _)| pool);
    match (named, allowed) {
        (None, None) => {}
        (Some(named), Some(allowed)) if named == allowed => report.ok(what, format!("{allowed} may start migration")),
        (Some(named), Some(allowed)) => report.fail(
            what,
            format!("the document names {named}, and {allowed} only may start migration: nobody goes over"),
            "name that pool in [handover], or deploy with the other's ARN as ReturnPoolArn",
        ),
        (Some(named), None) => report.fail(
            what,
            format!("no pool may start migration for this tenant, so nobody goes to {named}"),
            format!(
                "deploy with the pool's ARN as ReturnPoolArn and {id} as ReturnTenant, or take [handover] out of the document"
            ),
        ),
        // The order of a move, at its beginning and at its end; a trigger that is set up asks in vain.
        (None, Some(allowed)) => report.warn(
            what,
            format!("{allowed} may start migration, and the document has no [handover], so nobody goes over"),
            "put [handover] in force, or take the trigger off the pool and deploy without ReturnPoolArn",
        ),
    }
}

fn clients(report: &mut Report, target: &Target, id: &TenantId, config: &TenantConfig) {
    if config.clients.is_empty() {
        return report.warn(
            format!("tenant {id}: clients"),
            "there are none, so nobody can sign in to anything",
            "add [[clients]]",
        );
    }
    let is_deployed = matches!(target.place, Place::Stack(_));
    let mut doubtful = 0;
    for client in config.clients.values() {
        let what = format!("tenant {id}: client {}", client.client_id);
        let mut doubts = Vec::new();
        if is_deployed && client.redirect_uris.iter().any(|uri| uri.starts_with("http://")) {
            doubts.push("codes may go to http:// on the person's machine: for development, or a native app");
        }
        if client.pkce == PkcePolicy::Optional {
            doubts.push("PKCE is optional");
        }
        if is_deployed && is_wide(client) {
            doubts.push("it is one of your own, public, and answered without https: any app on the device can pass for it");
        }
        if !doubts.is_empty() {
            doubtful += 1;
            report.warn(what, doubts.join("; "), "take out what is not meant");
        }
    }
    if doubtful == 0 {
        report.ok(format!("tenant {id}: clients"), format!("{}, nothing doubtful", config.clients.len()));
    }
}

/// May act for the person on their account, and can be impersonated by what runs beside it.
fn is_wide(client: &Client) -> bool {
    let by_https = client.redirect_uris.iter().all(|uri| uri.starts_with("https://"));
    client.first_party && !client.is_confidential() && client.scope.contains("account") && !by_https
}

async fn keys(report: &mut Report, target: &Target, id: &TenantId, signer: Signer, now: Timestamp) -> Result<(), StoreError> {
    let what = format!("tenant {id}: signing keys");
    let (mut newest, mut held_by_kms) = (BTreeMap::new(), 0);
    for key in target.store.tenant(id.clone()).find_keys().await? {
        if let (KeySlot::Signing { algorithm, .. }, StoredKeyState::Ready(key)) = (key.slot, key.state) {
            held_by_kms += usize::from(key.kms_key.is_some());
            newest.insert(algorithm, key.active_from);
        }
    }
    if signer == Signer::Kms && held_by_kms > 0 {
        report.ok(what, "KMS signs; a key of KMS has no age at which it would be rotated");
        return Ok(());
    }
    let overdue: Vec<String> =
        newest.iter().filter(|(_, from)| now.since(**from) > OVERDUE).map(|(algorithm, _)| format!("{algorithm:?}")).collect();
    if newest.is_empty() {
        report.warn(what, "there are none yet: the first request makes them", "ask for the JWK Set once");
    } else if overdue.is_empty() {
        report.ok(what, format!("{} algorithms, none overdue for rotation", newest.len()));
    } else {
        let mend = "a token that is asked for makes the successor; see the log of Token if none is made";
        report.warn(what, format!("older than 90 days: {}", overdue.join(", ")), mend);
    }
    Ok(())
}

async fn retention(
    report: &mut Report,
    target: &Target,
    id: &TenantId,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let what = format!("tenant {id}: retention");
    if matches!(target.place, Place::Local) {
        report.skip(what, "the local gateway runs the job when it is told to: POST /dev/run");
        return Ok(());
    }
    let job = target.store.tenant(id.clone()).find_retention_job().await?;
    let mend = "see the schedule, and the log of Retention";
    match job.and_then(|job| job.last) {
        Some(last) if now.since(last.at) > SILENT => report.fail(what, format!("last ended at {}", last.at), mend),
        Some(last) if last.done.counts.stuck > 0 => {
            let found = format!("ended at {}, with {} accounts stuck", last.at, last.done.counts.stuck);
            report.fail(what, found, "see the log of Retention: it names them");
        }
        Some(last) => report.ok(what, format!("ended at {}", last.at)),
        None if now.since(since) > SILENT => report.fail(what, "it never ended", mend),
        None => report.ok(what, "the tenant is new: it runs within the hour"),
    }
    Ok(())
}
