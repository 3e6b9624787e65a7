//! Checks that mails can be sent: the SES account, the sender address, and the `mail.from` of each tenant.

use super::report::Report;
use super::tenants::CheckedTenant;
use crate::target::Stack;

pub(super) async fn check(report: &mut Report, stack: &Stack, tenants: &[CheckedTenant]) {
    let client = aws_sdk_sesv2::Client::new(&stack.aws);
    match client.get_account().send().await {
        Err(error) => report.unreadable("SES account", &error),
        Ok(account) => {
            if !account.sending_enabled {
                report.fail("SES account", "sending is paused", "see the reputation of the account in SES");
            } else if account.production_access_enabled {
                report.ok("SES account", "out of the sandbox");
            } else {
                let found = "in the sandbox: mails go to verified addresses only";
                report.warn("SES account", found, "ask for production access in SES before users register");
            }
        }
    }
    let Some(sender) = stack.parameter("SenderAddress").filter(|sender| !sender.is_empty()) else {
        return report.fail("sender", "the stack has none", "deploy the current template with SenderAddress");
    };
    let domain = sender.rsplit('@').next().unwrap_or_default();
    let mut verified = None;
    for identity in [sender, domain] {
        match client.get_email_identity().email_identity(identity).send().await {
            Ok(found) if found.verified_for_sending_status => verified = Some(identity),
            // Another identity may cover the sender.
            Ok(_) => {}
            Err(error) if error.as_service_error().is_some_and(|error| error.is_not_found_exception()) => {}
            Err(error) => return report.unreadable("sender", &error),
        }
    }
    match verified {
        Some(identity) => report.ok("sender", format!("SES has verified {identity}")),
        None => report.fail(
            "sender",
            format!("SES has verified neither {sender} nor {domain}"),
            "verify one of them in SES, in this region",
        ),
    }
    for tenant in tenants {
        let from = tenant.sender_address();
        let what = format!("tenant {}: mail.from", tenant.id);
        // Compare exactly, as the IAM role of Events does.
        if from == sender {
            report.ok(what, from);
        } else {
            let mend = format!("set mail.from to {sender}, or deploy with SenderAddress={from}");
            report.fail(what, format!("{from} is not the address that may send, {sender}"), mend);
        }
    }
}
