//! Whether passkeys are stored that the document in force does not accept. It walks the accounts, so only `--deep` does it.

use super::report::Report;
use super::tenants::CheckedTenant;
use crate::target::Target;
use crate::ways_in::{DEFAULT_RATE, EndedWays};
use latchkey::domain::sign_in::ways_in::AllowedWays;
use latchkey::web::passkey::RelyingParty;

pub(super) async fn check(report: &mut Report, target: &Target, tenants: &[CheckedTenant], is_deep: bool) {
    for tenant in tenants {
        let what = format!("tenant {}: passkeys", tenant.id);
        if !is_deep {
            report.skip(what, "--deep counts those of another site than the document's: it reads every account");
            continue;
        }
        let rp_id = RelyingParty::new(&tenant.config.passkeys, &target.origin.issuer(&tenant.id)).map(|party| party.id);
        let store = target.store.tenant(tenant.id.clone());
        let of = format!("tenant {}", tenant.id);
        let allowed = AllowedWays { rp_id: rp_id.as_deref(), mail_code: tenant.config.sign_in.mail_code };
        match EndedWays::count(&store, DEFAULT_RATE, allowed, &of).await {
            Ok(ended) if ended.is_harmless() => {
                report.ok(what, format!("{} accounts, no passkey of another site than the document's", ended.accounts));
            }
            Ok(ended) => report.warn(
                what,
                ended.lines().join("; "),
                "tell these users to add a passkey again, and help those without a way in: `latchkey people second-step EMAIL --remove`",
            ),
            Err(refused) => report.unreadable(what, &refused),
        }
    }
}
