//! Forgets remembered devices (security 160). How a device becomes remembered: [`super::sign_in::complete`]. What it is good for:
//! [`super::sign_in::policy`].

use super::account::AccountState;
use super::change::{Change, Decision};
use super::known_device::KnownDevice;
use super::time::Timestamp;

/// What is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forget {
    /// One device.
    One(u64),
    /// All of them.
    All,
}

/// Forgets remembered devices: the next sign-in there asks for a second step. They stay known, and signed in.
pub fn forget(account: &AccountState, which: Forget, now: Timestamp) -> Decision<()> {
    let is_meant = |device: &KnownDevice| match which {
        Forget::One(id) => device.id == id,
        Forget::All => true,
    };
    let mut state = AccountState { version: account.version + 1, ..account.clone() };
    let mut is_changed = false;
    for device in state.devices.iter_mut().filter(|device| is_meant(device)) {
        is_changed |= device.is_remembered(now);
        *device = device.forgotten();
    }
    if is_changed { Decision::one(Change::forget_devices(state), ()) } else { Decision::unchanged(()) }
}

#[cfg(test)]
#[path = "remembered_device_tests.rs"]
mod tests;
