//! The events of this function.

use latchkey::domain::id::TenantId;
use latchkey::domain::retention::Cursor;
use latchkey::domain::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// An event.
#[derive(Debug, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub(crate) enum Command {
    Retention(RunRequest),
    Hold(HoldRequest),
    Release(HoldRequest),
    ReplayErasures(ReplayRequest),
}

/// A scheduled run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequest {
    /// The period. The default is now.
    #[serde(default, deserialize_with = "time")]
    pub(crate) time: Option<Timestamp>,
    /// The tenant. The default is all tenants.
    #[serde(default)]
    pub(crate) tenant: Option<TenantId>,
    /// Only report what would be done.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// An account by its address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldRequest {
    pub(crate) email: String,
    #[serde(default = "TenantId::default_tenant")]
    pub(crate) tenant: TenantId,
}

impl std::fmt::Debug for HoldRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Named").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// The time of the restored backup.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    #[serde(deserialize_with = "moment")]
    pub(crate) since: Timestamp,
    #[serde(default)]
    pub(crate) tenant: Option<TenantId>,
    /// Where an earlier invocation stopped.
    #[serde(default)]
    pub(crate) resume: Option<Resume>,
}

/// A position in the scan of several tenants.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    /// The current tenant. Those before it are done.
    pub(crate) tenant: TenantId,
    /// What is replayed there.
    #[serde(default)]
    pub(crate) records: Records,
    /// The position in its scan.
    pub(crate) cursor: Cursor,
}

/// What a replay reads, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Records {
    /// Tombstones of erased accounts.
    #[default]
    Tombstones,
    /// Deletion requests and restorations.
    Requests,
}

impl Command {
    /// Parses an event. The error does not quote its content.
    pub(crate) fn read(event: &Value) -> Result<Self, String> {
        const JOBS: &str = "retention, hold, release, replay_erasures";
        let Some(job) = event.get("job").and_then(Value::as_str) else {
            return Err(format!("the event names no job: \"job\" must be one of {JOBS}"));
        };
        if !JOBS.split(", ").any(|known| known == job) {
            return Err(format!("there is no job {job:?}: \"job\" must be one of {JOBS}"));
        }
        Self::deserialize(event).map_err(|error| format!("the event of job {job:?} is not well-formed: {error}"))
    }
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    moment(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_four_jobs_with_their_own_members_are_taken() {
        let good = [
            json!({ "job": "retention" }),
            json!({ "job": "retention", "time": "2026-03-01T12:00:00Z", "tenant": "shop", "dry_run": true }),
            json!({ "job": "hold", "email": "ada@example.com" }),
            json!({ "job": "release", "email": "ada@example.com", "tenant": "shop" }),
            json!({ "job": "replay_erasures", "since": "2026-03-01T12:00:00.250+01:00" }),
        ];
        for event in good {
            assert!(Command::read(&event).is_ok(), "{event}");
        }
        let bad = [
            (json!([]), "names no job"),
            (json!({}), "names no job"),
            (json!({ "job": 1 }), "names no job"),
            (json!({ "job": "erase_everything" }), "no job \"erase_everything\""),
            (json!({ "job": "x\ny" }), "\\n"),
            (json!({ "job": "retention", "dryrun": true }), "dryrun"),
            (json!({ "job": "retention", "time": "tomorrow" }), "RFC 3339"),
            (json!({ "job": "retention", "time": 1 }), "string"),
            (json!({ "job": "retention", "tenant": "A#B" }), "tenant"),
            (json!({ "job": "hold" }), "email"),
            (json!({ "job": "hold", "email": ["ada@example.com"] }), "string"),
            (json!({ "job": "replay_erasures" }), "since"),
        ];
        for (event, words) in bad {
            let error = Command::read(&event).unwrap_err();
            assert!(error.contains(words), "{event}: {error}");
            assert!(!error.contains('\n'), "security 126: one line");
        }
    }

    #[test]
    fn an_address_does_not_print() {
        let command = Command::read(&json!({ "job": "hold", "email": "ada@example.com" })).unwrap();
        assert!(!format!("{command:?}").contains("ada"), "security 126");
    }
}
