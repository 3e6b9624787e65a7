//! `latchkey keys`: what signs tokens, a successor ahead of time, a retirement in an emergency (docs/keys.md).
//!
//! Everything is read from and written to the tenant's key items; KMS is asked for nothing, so an operator needs no permission on it.

use clap::{Args, Subcommand, ValueEnum};
use latchkey::domain::oauth::client::SigningAlgorithm;
use latchkey::domain::time::Timestamp;
use latchkey::keys::KeyState;
use latchkey::keys::orders::{self, ListedKey, RetireError, Retirement, RotationOrder, Successor};
use latchkey::store::{StoreError, TenantStore};
use std::fmt::Write as _;

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows every signing key: its kid, what it is good for, since and until when.
    List,
    /// Orders a successor now, ahead of its time: listed within a minute, it signs 20 minutes later. Nobody notices.
    Rotate(Rotate),
    /// Takes a key out of use within a minute, for good: for a private key in wrong hands. Shows what will happen first.
    Retire(Retire),
}

/// Which keys to rotate.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Only this algorithm's.
    #[arg(long, value_enum)]
    alg: Option<Alg>,
}

/// Which key to retire.
#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// Its kid, as `latchkey keys list` shows it.
    kid: String,
    /// Don't ask.
    #[arg(long)]
    yes: bool,
}

/// A signature algorithm, by the name that it has in tokens.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Alg {
    /// ECDSA on P-256 with SHA-256.
    #[value(name = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
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

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The key.
    #[error(transparent)]
    Retire(#[from] RetireError),
    /// The tables.
    #[error("the keys could not be read or written")]
    Store(#[from] StoreError),
    /// Whoever was asked said no.
    #[error("nothing was changed")]
    NotConfirmed,
}

/// Does it, and says what was done. `confirm` shows a plan and asks.
///
/// # Errors
/// Why nothing was done.
pub(crate) async fn run(
    command: &Command,
    store: &TenantStore,
    now: Timestamp,
    confirm: impl FnOnce(&str) -> bool,
) -> Result<String, Refused> {
    match command {
        Command::List => Ok(listed(&orders::list(store, now).await?)),
        Command::Rotate(rotate) => Ok(ordered(&orders::rotate_now(store, rotate.alg.map(Into::into), now).await?)),
        Command::Retire(retire) => {
            let plan = orders::plan_retirement(store, &retire.kid, now).await?;
            if !retire.yes && !confirm(&planned(&plan)) {
                return Err(Refused::NotConfirmed);
            }
            Ok(retired(&orders::retire(store, &retire.kid, now).await?))
        }
    }
}

fn listed(keys: &[ListedKey]) -> String {
    if keys.is_empty() {
        return "There are no signing keys yet: the first request makes them.\n".to_owned();
    }
    let mut text = String::new();
    for key in keys {
        let what = match (key.state, key.retired_at, key.gone_at) {
            (_, Some(at), _) => format!("retired {at}"),
            (KeyState::Pending, None, _) => format!("pending, signs from {}", key.signs_from),
            (KeyState::Active, None, _) => format!("active since {}", key.signs_from),
            (KeyState::Retiring, None, Some(gone)) => format!("verifies until {gone}"),
            (KeyState::Retiring, None, None) => "verifies".to_owned(),
            (KeyState::Gone, None, _) => "gone".to_owned(),
        };
        let _ = write!(text, "{:<5}  {}  {what}", key.algorithm, key.kid);
        if let Some(kms) = &key.kms_key {
            let _ = write!(text, ", held by KMS as {kms}");
        }
        if key.state == KeyState::Active && key.successor_ordered_at.is_some() {
            text.push_str(", successor ordered");
        }
        text.push('\n');
    }
    text
}

fn ordered(orders: &[(&str, RotationOrder)]) -> String {
    if orders.is_empty() {
        return "There is no such key yet: the first request makes it.\n".to_owned();
    }
    let mut text = String::new();
    for (algorithm, order) in orders {
        let what = match order {
            RotationOrder::Ordered { kid } => format!(
                "a successor of {kid} is ordered: the next request makes it (within a minute), it signs 20 minutes later, and {kid} \
                 verifies for 24 hours more"
            ),
            RotationOrder::Pending { kid, signs_from } => format!("{kid} is published already and signs from {signs_from}"),
            RotationOrder::Awaited => "no key signs at present; the next request makes one in any case".to_owned(),
            RotationOrder::HeldByKms { kid } => format!(
                "{kid} is held by KMS, which makes no successor: deploy the stack with another KMS key, or set keys.signer = \"local\""
            ),
        };
        let _ = writeln!(text, "{algorithm:<5}  {what}");
    }
    text
}

fn planned(plan: &Retirement) -> String {
    let key = &plan.key;
    let role = match key.state {
        KeyState::Pending => "does not sign yet",
        KeyState::Active => "signs now",
        KeyState::Retiring => "only verifies",
        KeyState::Gone => "is of no use any more",
    };
    let next = match &plan.successor {
        Successor::Unchanged => "Signing goes on as it is.".to_owned(),
        Successor::TakesOver { kid, signs_from } => {
            format!("{kid} is published already and signs from {signs_from}, or as soon as an instance looks.")
        }
        Successor::ToBeMade => "No successor is published. One is made within a minute and signs 75 seconds later. Until then the token endpoint answers \
             503: codes and refresh tokens are not consumed, sessions go on, sign-ins that are under way may have to be begun again. \
             If there is time, stop here, run `latchkey keys rotate`, and retire 75 seconds after `list` shows the successor: \
             then nothing is interrupted."
            .to_owned(),
    };
    format!(
        "The {alg} key {kid} {role}. Retired, it can't be taken back: its private half is removed.\n\
         - Within a minute no instance signs with it, lists it, or accepts a token of it. Applications refresh theirs; people stay signed in.\n\
         - {next}\n\
         - Whoever verifies elsewhere drops it with their copy of the key set, at most 16 minutes from now.\n",
        alg = key.algorithm,
        kid = key.kid,
    )
}

fn retired(done: &Retirement) -> String {
    let next = match &done.successor {
        Successor::Unchanged => String::new(),
        Successor::TakesOver { kid, .. } => format!("{kid} signs in its place. "),
        Successor::ToBeMade => "Its successor is made within a minute and signs 75 seconds later. ".to_owned(),
    };
    format!(
        "Retired {kid}. {next}If a CDN stands in front, invalidate /.well-known/jwks.json now. `latchkey keys list` shows how it goes on.\n",
        kid = done.key.kid,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey::config::Signer;
    use latchkey::domain::id::TenantId;
    use latchkey::keys::{KeyVault, Keys, Purpose};
    use latchkey::store::{Store, Tables};
    use latchkey_local::engine::{Engine, client};

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);
    const YES: fn(&str) -> bool = |_| true;

    async fn tenant() -> TenantStore {
        let tables = Tables { identities: "identities".into(), keys: "keys".into(), audit: "audit".into() };
        let store = Store::new(client(Engine::memory().unwrap().connector()), tables);
        store.create_tables().await.unwrap();
        store.tenant(TenantId::default_tenant())
    }
    fn kid(list: &str, algorithm: &str) -> String {
        let line = list.lines().find(|line| line.starts_with(algorithm)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    }

    #[tokio::test]
    async fn keys_are_listed_rotated_and_retired_once_it_was_confirmed() {
        let store = tenant().await;
        assert!(run(&Command::List, &store, NOW, YES).await.unwrap().contains("no signing keys yet"));
        let keys = Keys::new(KeyVault::ephemeral(), &[Purpose::Signing]);
        keys.tenant(&store, Signer::Local, NOW).await.unwrap();
        let list = run(&Command::List, &store, NOW, YES).await.unwrap();
        assert_eq!(list.matches("active since").count(), 3, "{list}");

        let rotate = Command::Rotate(Rotate { alg: Some(Alg::Es256) });
        let ordered = run(&rotate, &store, NOW, YES).await.unwrap();
        assert!(ordered.contains("is ordered") && ordered.lines().count() == 1, "{ordered}");
        assert!(run(&Command::List, &store, NOW, YES).await.unwrap().contains("successor ordered"));

        let retire = |kid: &str| Command::Retire(Retire { kid: kid.to_owned(), yes: false });
        let (es256, rs256) = (kid(&list, "ES256"), kid(&list, "RS256"));
        let mut shown = String::new();
        let no = |plan: &str| {
            plan.clone_into(&mut shown);
            false
        };
        assert!(matches!(run(&retire(&rs256), &store, NOW, no).await, Err(Refused::NotConfirmed)));
        assert!(shown.contains(&rs256) && shown.contains("signs now") && shown.contains("503"), "{shown}");
        assert_eq!(run(&Command::List, &store, NOW, YES).await.unwrap().matches("active since").count(), 3);

        let done = run(&retire(&es256), &store, NOW, YES).await.unwrap();
        assert!(done.contains(&es256) && done.contains("75 seconds"), "{done}");
        let list = run(&Command::List, &store, NOW, YES).await.unwrap();
        assert!(list.contains("retired") && list.matches("active since").count() == 2, "{list}");
        assert!(run(&rotate, &store, NOW, YES).await.unwrap().contains("no key signs at present"));
        let again = run(&retire(&es256), &store, NOW, YES).await.unwrap_err();
        assert!(again.to_string().contains("was retired already"), "{again}");
        assert!(run(&retire("x"), &store, NOW, YES).await.unwrap_err().to_string().contains("latchkey keys list"));
    }
}
