//! `latchkey keys`: lists signing keys, rotates them early, and retires one in an emergency (docs/keys.md).
//!
//! It reads and writes the tenant's key items only. It does not call KMS, so the operator needs no permission on the KMS key.

use crate::command_error::CommandError;
use crate::target::{TargetOptions, tenant};
use crate::terminal::{columns, confirm, say};
use clap::{Subcommand, ValueEnum};
use latchkey::context::Clock;
use latchkey::domain::id::TenantId;
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::domain::tenant::{Signer, TenantConfig};
use latchkey::keys::KeyState;
use latchkey::keys::rotation_request::{self, ListedKey, NextKey, RetireError, Retirement, RotationRequest};
use latchkey::store::{StoreError, TenantStore};
use std::fmt::Write as _;

/// The signing keys of tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists every signing key with its kid, state and dates
    List {
        #[command(flatten)]
        options: StoreOptions,
    },
    /// Rotates now instead of after 90 days: the next key is published within a minute and signs 20 minutes later. Users notice nothing
    Rotate {
        /// Only this algorithm; by default each of them
        #[arg(long, value_enum)]
        alg: Option<Alg>,
        #[command(flatten)]
        options: StoreOptions,
    },
    /// Takes a key out of use within a minute, permanently: for a private key that has leaked. Shows what will happen, and asks for
    /// confirmation
    Retire {
        /// The kid, as shown by `latchkey keys list`
        // A thumbprint (RFC 7638); one in 64 begins with `-`.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        #[command(flatten)]
        options: StoreOptions,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// The tenant of the keys.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StoreOptions {
    /// The tenant
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    tenant: TenantId,
    #[command(flatten)]
    target: TargetOptions,
}

impl StoreOptions {
    async fn open(&self) -> Result<TenantStore, CommandError> {
        Ok(self.target.open().await?.store.tenant(self.tenant.clone()))
    }
}

/// A signature algorithm, by its JOSE name.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Alg {
    /// ECDSA on P-256 with SHA-256
    #[value(name = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256
    #[value(name = "RS256")]
    Rs256,
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
}

impl From<Alg> for SigningAlgorithm {
    fn from(alg: Alg) -> Self {
        match alg {
            Alg::Es256 => Self::ES256,
            Alg::Rs256 => Self::RS256,
            Alg::EdDsa => Self::EdDSA,
        }
    }
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> Result<(), CommandError> {
    let now = Clock::system().now();
    match command {
        Command::List { options } => {
            let keys = rotation_request::list(&options.open().await?, now).await.map_err(|error| store_error(&error))?;
            say(&render_list(&keys))
        }
        Command::Rotate { alg, options } => {
            let store = options.open().await?;
            let signer = signer(&store).await?;
            let requests = rotation_request::request_rotations(&store, alg.map(Into::into), now).await;
            say(&render_rotation(&requests.map_err(|error| store_error(&error))?, signer))
        }
        Command::Retire { kid, options, yes } => {
            let store = options.open().await?;
            let signer = signer(&store).await?;
            let plan = rotation_request::plan_retirement(&store, kid, now).await.map_err(retire_error)?;
            say(&render_plan(&plan, signer))?;
            confirm("Retire it?", *yes)?;
            // Read the time again: a key may have begun to sign while the question was open.
            let done = rotation_request::retire(&store, kid, Clock::system().now()).await.map_err(retire_error)?;
            say(&render_result(&done, signer))
        }
    }
}

/// The signer of the document in force; the default if there is no readable document.
async fn signer(store: &TenantStore) -> Result<Signer, CommandError> {
    let newest = store
        .find_newest_document()
        .await
        .map_err(|error| CommandError::caused_by("the document could not be read", &error))?;
    let config = newest.and_then(|newest| TenantConfig::parse(store.tenant(), &newest.document).ok());
    Ok(config.map_or(Signer::Local, |config| config.keys.signer))
}

fn store_error(error: &StoreError) -> CommandError {
    CommandError::caused_by("the keys could not be read or written", error)
}

fn retire_error(error: RetireError) -> CommandError {
    match error {
        RetireError::Store(error) => store_error(&error),
        RetireError::Unknown(_) | RetireError::AlreadyRetired(_) | RetireError::NoNextKey(_) => {
            CommandError::new(error.to_string())
        }
    }
}

fn render_list(keys: &[ListedKey]) -> String {
    if keys.is_empty() {
        return "There are no signing keys yet: the first request creates them.\n".to_owned();
    }
    let row = |key: &ListedKey| {
        let mut what = match (key.state, key.retired_at, key.expires_at) {
            (_, Some(at), _) => format!("retired {at}"),
            (KeyState::Pending, None, _) => format!("pending, signs from {}", key.signs_from),
            (KeyState::Active, None, _) => format!("active since {}", key.signs_from),
            (KeyState::Retiring, None, Some(gone)) => format!("verifies until {gone}"),
            (KeyState::Retiring, None, None) => "verifies".to_owned(),
            (KeyState::Gone, None, _) => "gone".to_owned(),
        };
        if key.state == KeyState::Active && key.successor_ordered_at.is_some() {
            what.push_str(", rotation requested");
        }
        if let Some(kms) = &key.kms_key {
            what.push_str(&format!(", held by KMS as {kms}"));
        }
        [key.algorithm.to_owned(), key.kid.to_string(), what]
    };
    columns(&keys.iter().map(row).collect::<Vec<_>>())
}

fn render_rotation(requests: &[(&str, RotationRequest)], signer: Signer) -> String {
    if requests.is_empty() {
        return "There is no such key yet: the first request creates it.\n".to_owned();
    }
    let mut text = String::new();
    for (algorithm, order) in requests {
        let what = match order {
            RotationRequest::Ordered { kid } if signer == Signer::Kms => {
                format!("the rotation of {kid} is requested. It happens when keys.signer is \"local\" again: KMS signs now")
            }
            RotationRequest::Ordered { kid } => format!(
                "the rotation of {kid} is requested: the next request creates the new key (within a minute), it signs 20 minutes later, and {kid} \
                 verifies for another 24 hours"
            ),
            RotationRequest::Pending { kid, signs_from } => format!("{kid} is published already and signs from {signs_from}"),
            RotationRequest::Awaited => "no key signs at present; the next request creates one in any case".to_owned(),
            RotationRequest::HeldByKms { kid } => format!(
                "{kid} is a KMS key and has no rotation: set keys.signer = \"local\", or see docs/keys.md for another KMS key"
            ),
        };
        let _ = writeln!(text, "{algorithm:<5}  {what}");
    }
    text
}

fn render_plan(plan: &Retirement, signer: Signer) -> String {
    let key = &plan.key;
    let role = match key.state {
        KeyState::Pending => "does not sign yet",
        KeyState::Active => "signs now",
        KeyState::Retiring => "only verifies",
        KeyState::Gone => "is no longer in use",
    };
    let next = match &plan.next_key {
        NextKey::Unchanged => "Signing continues unchanged.".to_owned(),
        NextKey::TakesOver { kid, signs_from } => {
            format!("{kid} is published already and signs from {signs_from}, or as soon as an instance reads the keys.")
        }
        NextKey::ToBeMade if signer == Signer::Kms => {
            "Then no key signs with this algorithm, until keys.signer is \"local\" again.".to_owned()
        }
        NextKey::ToBeMade => "No next key is published. One is created within a minute and signs 75 seconds later. Until then the token endpoint answers \
             503: codes and refresh tokens are not consumed, sessions continue, sign-ins in progress may have to be started again. \
             If there is time, stop here, run `latchkey keys rotate`, and retire 75 seconds after `list` shows the next key: \
             then nothing is interrupted."
            .to_owned(),
    };
    format!(
        "The {alg} key {kid} {role}. Retiring it cannot be undone: its private key is removed.\n\
         - Within a minute no instance signs with it, lists it, or accepts a token of it. Applications refresh their tokens; users stay signed in.\n\
         - {next}\n\
         - Other verifiers drop it when their cached key set expires, at most 16 minutes from now.\n",
        alg = key.algorithm,
        kid = key.kid,
    )
}

fn render_result(done: &Retirement, signer: Signer) -> String {
    let next = match &done.next_key {
        NextKey::Unchanged => String::new(),
        NextKey::TakesOver { kid, .. } => format!("{kid} signs in its place. "),
        NextKey::ToBeMade if signer == Signer::Kms => String::new(),
        NextKey::ToBeMade => "The next key is created within a minute and signs 75 seconds later. ".to_owned(),
    };
    format!(
        "Retired {kid} for this tenant. {next}If a CDN caches the key set, invalidate /.well-known/jwks.json now. `latchkey keys list` shows the progress.\n",
        kid = done.key.kid,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches as _;
    use latchkey::domain::time::Timestamp;

    /// A thumbprint that `keys list` shows can begin with a hyphen. It must not be parsed as an option, and real options around it must be.
    #[test]
    fn a_kid_may_begin_with_a_hyphen() {
        for begin in ["-Vt02", "-hello", "-y", "--yes", "--", "---", "-0-"] {
            let kid = format!("{begin:x<43}");
            for typed in [["--yes", &kid, "--local"], [&kid, "--local", "--yes"]] {
                let typed = ["keys", "retire"].into_iter().chain(typed);
                let read = Command::augment_subcommands(clap::Command::new("keys"))
                    .try_get_matches_from(typed)
                    .and_then(|matches| Command::from_arg_matches(&matches));
                let is_read = matches!(&read, Ok(Command::Retire { kid: same, yes: true, .. }) if *same == kid);
                assert!(is_read, "{kid}: {read:?}");
            }
        }
    }

    /// A local key from before the switch to KMS is not replaced while KMS signs.
    #[test]
    fn no_next_key_is_promised_while_kms_signs() {
        let kid: latchkey::domain::id::KeyId = "de8MuzweVSJWooJX3lp5yvC-fs_3cNXpqtR7bLFCexg".parse().unwrap();
        let requests = [("EdDSA", RotationRequest::Ordered { kid: kid.clone() })];
        assert!(render_rotation(&requests, Signer::Kms).contains("when keys.signer is \"local\" again"));
        assert!(render_rotation(&requests, Signer::Local).contains("the next request creates the new key"));
        let since = Timestamp::from_seconds(0);
        let key = ListedKey {
            kid,
            algorithm: "EdDSA",
            version: 1,
            state: KeyState::Active,
            kms_key: None,
            created_at: since,
            signs_from: since,
            expires_at: None,
            retired_at: None,
            successor_ordered_at: None,
        };
        let retirement = Retirement { key, next_key: NextKey::ToBeMade };
        assert!(render_plan(&retirement, Signer::Kms).contains("Then no key signs with this algorithm"));
        assert!(!render_result(&retirement, Signer::Kms).contains("75 seconds"));
        assert!(
            render_plan(&retirement, Signer::Local).contains("75 seconds")
                && render_result(&retirement, Signer::Local).contains("75 seconds")
        );
    }
}
