//! Failure windows: of an account, of each known device, of each unknown identifier (security 112–114).
//!
//! Windows are per identifier, never per network address: no foreign network can lock a user out or let one in. A known device
//! has its own window. Its sign-ins leave the shared window unchanged, so an attacker gets no more tries while the owner signs in
//! and out.

use crate::domain::account::AccountState;
use crate::domain::failure_window::{FailureWindow, UnknownIdentifierFailures};
use crate::domain::identifier::IdentifierHash;
use crate::domain::known_device::{KnownDevice, MAX_KNOWN_DEVICES};
use crate::domain::time::{Span, Timestamp};

/// How long the failures of an identifier without an account are kept after the last failure. An account's are kept until a
/// success.
pub const UNKNOWN_KEPT: Span = Span::days(90);

pub(in crate::domain) fn known_device(account: &AccountState, device: Option<u64>) -> Option<KnownDevice> {
    let device = device?;
    account.devices.iter().find(|known| known.id == device).copied()
}

/// The window that counts for an account on this device.
pub(in crate::domain) fn window_of_account(account: &AccountState, device: Option<u64>) -> FailureWindow {
    known_device(account, device).map_or(account.failures, |device| device.failures)
}

/// The window that counts for an identifier without an account. Expired failures count no more.
pub(in crate::domain) fn window_of_unknown(failures: Option<&UnknownIdentifierFailures>, now: Timestamp) -> FailureWindow {
    failures.filter(|failures| now < failures.expires_at).map_or(FailureWindow::default(), |known| known.failures)
}

pub(in crate::domain) fn count_unknown(
    identifier: IdentifierHash,
    failures: Option<&UnknownIdentifierFailures>,
    now: Timestamp,
) -> UnknownIdentifierFailures {
    UnknownIdentifierFailures {
        identifier,
        failures: window_of_unknown(failures, now).failed(now),
        version: failures.map_or(1, |failures| failures.version + 1),
        expires_at: now + UNKNOWN_KEPT,
    }
}

pub(in crate::domain) fn count_failure(account: &AccountState, device: Option<u64>, now: Timestamp) -> AccountState {
    let mut counted = account.clone();
    counted.version += 1;
    match device.and_then(|device| counted.devices.iter_mut().find(|known| known.id == device)) {
        Some(known) => known.failures = known.failures.failed(now),
        None => counted.failures = counted.failures.failed(now),
    }
    counted
}

/// The state after a completed sign-in: the window of this sign-in is reset, and its device is the most recent one. For completion alone.
pub(super) fn reset_window(account: &AccountState, known: Option<u64>, new_device: u64) -> AccountState {
    let mut state = account.clone();
    state.version += 1;
    match known {
        Some(id) => {
            state.devices.retain(|device| device.id != id);
            state.devices.insert(0, KnownDevice { id, failures: FailureWindow::default() });
            // The previous release remembered one more.
            state.devices.truncate(MAX_KNOWN_DEVICES);
        }
        None => {
            state.failures = FailureWindow::default();
            remember_device(&mut state, new_device);
        }
    }
    state
}

/// Adds a known device, as the most recent one.
pub(in crate::domain) fn remember_device(account: &mut AccountState, device: u64) {
    account.devices.insert(0, KnownDevice { id: device, failures: FailureWindow::default() });
    account.devices.truncate(MAX_KNOWN_DEVICES);
}
