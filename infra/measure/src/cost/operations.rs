//! Every operation, its function, and its limits.

use super::steps::Step;
use tests::command::Command;

/// An operation of a user or client.
pub struct Operation {
    /// The name, in words.
    pub name: &'static str,
    /// The function that handles it.
    pub function: &'static str,
    /// How to run it.
    pub(super) step: Step,
    /// Its exact counts.
    pub takes: ExpectedUsage,
    /// How many passwords are hashed.
    pub hashes: u32,
    /// CPU time without password hashing, in microseconds. It determines the price of the duration.
    pub cpu_us: u32,
    /// The limit for a million, in dollars, without the follow-up work.
    pub dollars: f64,
}

/// The counts of an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedUsage {
    /// DynamoDB requests.
    pub requests: usize,
    /// Read request units.
    pub read: f64,
    /// Write request units.
    pub write: f64,
    /// Write request units of `events` that follow from it.
    pub projected: f64,
    /// KMS calls.
    pub kms: u64,
}

const fn takes(requests: usize, read: f64, write: f64, projected: f64) -> ExpectedUsage {
    ExpectedUsage { requests, read, write, projected, kms: 0 }
}

const fn operation(name: &'static str, function: &'static str, step: Step, takes: ExpectedUsage) -> Operation {
    Operation { name, function, step, takes, hashes: 0, cpu_us: 0, dollars: 0.0 }
}

impl Operation {
    const fn hashes(mut self, hashes: u32) -> Self {
        self.hashes = hashes;
        self
    }
    const fn within(mut self, cpu_us: u32, dollars: f64) -> Self {
        (self.cpu_us, self.dollars) = (cpu_us, dollars);
        self
    }
}

/// A page that reads nothing.
const NOTHING: ExpectedUsage = takes(0, 0.0, 0.0, 0.0);

/// All operations, in the order of a customer's life. Dollar limits are the first targets, plus $0.63 where a
/// mail is counted by its trigger (decision 31), plus $0.05 to $0.15 where a funnel
/// step is counted: its metric makes the log line 280 bytes longer (decision 23).
pub const OPERATIONS: [Operation; 41] = [
    operation("registration, start", "registration", Step::Command(Command::StartRegistration), takes(3, 0.0, 3.0, 2.0))
        .hashes(1)
        .within(300, 4.5),
    operation("registration, proof", "registration", Step::Command(Command::ProveAddress), takes(2, 2.0, 14.0, 1.0))
        .within(400, 11.5),
    operation("authorize without a session", "login", Step::AuthorizeWithoutSession, NOTHING).within(100, 1.6),
    operation("sign-in page", "login", Step::SignInPage, NOTHING).within(150, 1.6),
    operation("password sign-in", "login", Step::Command(Command::SignIn), takes(4, 4.0, 2.0, 1.0)).hashes(1).within(450, 3.95),
    operation("failed sign-in", "login", Step::Command(Command::FailSignIn), takes(4, 4.0, 2.0, 1.0))
        .hashes(1)
        .within(400, 3.95),
    operation("failed sign-in, unknown address", "login", Step::FailUnknown, takes(4, 4.0, 2.0, 1.0))
        .hashes(1)
        .within(400, 3.95),
    operation("password, with a second step due", "login", Step::SecondStepDue, takes(4, 4.0, 2.0, 0.0))
        .hashes(1)
        .within(450, 3.95),
    operation("second step, code of an app", "login", Step::AppCode, takes(4, 4.0, 3.0, 2.0)).within(450, 4.6),
    operation("second step, recovery code", "login", Step::RecoveryCode, takes(4, 4.0, 6.0, 4.0)).within(450, 7.0),
    operation("sign-in code, start", "login", Step::MailCodeStart, takes(4, 1.0, 3.0, 2.0)).within(300, 3.8),
    operation("sign-in code, used", "login", Step::MailCode, takes(6, 4.0, 3.0, 1.0)).within(450, 4.6),
    operation("passkey sign-in, new device", "login", Step::PasskeyNewDevice, takes(3, 3.0, 5.0, 2.0)).within(450, 6.0),
    operation("passkey sign-in, known device", "login", Step::PasskeyKnownDevice, takes(3, 3.0, 2.0, 1.0)).within(450, 3.95),
    operation("new terms, accepted", "login", Step::AcceptTerms, takes(4, 7.0, 4.0, 1.0)).within(400, 6.0),
    operation("consent", "login", Step::Command(Command::Consent), takes(3, 6.0, 1.0, 1.0)).within(400, 3.3),
    operation("authorize with a session → code", "login", Step::Command(Command::Authorize), takes(2, 3.0, 1.0, 0.0))
        .within(300, 2.65),
    operation("password reset, start", "login", Step::Command(Command::StartRecovery), takes(4, 1.0, 3.0, 2.0))
        .within(300, 3.8),
    operation("password reset, new password", "login", Step::Command(Command::ResetPassword), takes(6, 10.0, 6.0, 2.0))
        .hashes(1)
        .within(450, 7.6),
    operation("sign-out", "login", Step::Command(Command::SignOut), takes(3, 4.0, 1.0, 1.0)).within(300, 3.4),
    operation("code → tokens", "token", Step::Command(Command::Redeem), takes(2, 3.0, 1.0, 0.0)).within(280, 2.6),
    operation("refresh", "token", Step::Command(Command::Refresh), takes(2, 2.0, 1.0, 0.0)).within(290, 2.5),
    operation("refresh, repeated", "token", Step::RefreshRepeated, takes(1, 2.0, 0.0, 0.0)).within(290, 1.9),
    operation("refresh without `offline_access`", "token", Step::RefreshOnline, takes(2, 3.0, 1.0, 0.0)).within(290, 2.6),
    operation("client credentials", "token", Step::ClientCredentials, NOTHING).within(50, 1.6),
    operation("introspect", "token", Step::Introspect, takes(1, 2.0, 0.0, 0.0)).within(180, 1.8),
    operation("userinfo", "token", Step::Userinfo, takes(1, 4.0, 0.0, 0.0)).within(220, 2.1),
    operation("revoke", "token", Step::Command(Command::Revoke), takes(2, 2.0, 1.0, 1.0)).within(290, 2.5),
    operation("JWKS", "token", Step::Get("/.well-known/jwks.json"), NOTHING).within(12, 1.5),
    operation("discovery", "token", Step::Get("/.well-known/openid-configuration"), NOTHING).within(12, 1.5),
    operation("profile, read", "profile", Step::ReadProfile, takes(1, 4.0, 0.0, 0.0)).within(220, 2.1),
    operation("profile, changed", "profile", Step::Command(Command::EditProfile), takes(2, 4.0, 1.0, 1.0)).within(350, 2.8),
    operation("change of address, start", "profile", Step::Command(Command::WishForAddress), takes(2, 4.0, 1.0, 3.0))
        .within(400, 2.9),
    operation("change of address, proof", "profile", Step::ProveAddressOnline, takes(2, 5.0, 8.0, 2.0)).within(400, 7.3),
    operation("change of password", "profile", Step::Command(Command::ChangePassword), takes(3, 6.0, 8.0, 2.0))
        .hashes(2)
        .within(450, 8.3),
    operation("export of 21 items, start", "export", Step::BeginExport, takes(6, 7.0, 1.0, 0.0)).within(900, 3.1),
    operation("export of 21 items, read", "export", Step::ReadExport, takes(5, 7.0, 0.0, 0.0)).within(900, 2.8),
    operation("deletion, start", "profile", Step::Command(Command::CloseAccount), takes(2, 2.0, 6.0, 2.0)).within(300, 5.7),
    operation("deletion, undone", "profile", Step::Command(Command::RestoreAccount), takes(2, 1.0, 6.0, 2.0)).within(300, 5.6),
    operation("retention, a run without due work", "retention", Step::EmptyTick, takes(37, 35.0, 2.0, 0.0)).within(300, 7.0),
    operation("retention, a run that erases an account of 20 items", "retention", Step::Erase, takes(68, 40.0, 29.0, 1.0))
        .within(1_500, 25.0),
];
