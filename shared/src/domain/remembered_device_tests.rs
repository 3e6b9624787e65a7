use super::*;
use crate::domain::known_device::{MAX_KNOWN_DEVICES, RememberedUntil};
use crate::domain::sign_in::methods::password::tests::authentication;
use crate::domain::sign_in::throttle::put_device_first;
use crate::domain::time::Span;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn remembered(id: u64, span: Span) -> KnownDevice {
    KnownDevice { remembered_until: Some(RememberedUntil::after(span, NOW)), ..KnownDevice::new(id) }
}
fn with(devices: Vec<KnownDevice>) -> AccountState {
    AccountState { devices, ..authentication() }
}

#[test]
fn security_160_a_device_is_remembered_until_its_time_and_never_longer() {
    for span in [Span::days(1), Span::days(30), Span::days(90)] {
        let account = with(vec![remembered(1, span)]);
        assert!(account.remembers(Some(1), NOW + span - Span::hours(1)));
        assert!(!account.remembers(Some(1), NOW + span));
        assert!(!account.remembers(Some(2), NOW) && !account.remembers(None, NOW));
    }
}

#[test]
fn security_160_every_rise_of_the_epoch_ends_what_is_remembered() {
    let account = with(vec![remembered(1, Span::days(30)), KnownDevice::new(2)]);
    for after in [account.in_next_epoch(NOW), account.with_new_password(NOW), account.closed(account.status, NOW)] {
        assert!(!after.remembers(Some(1), NOW));
        assert_eq!(after.devices.len(), 2, "they stay known");
    }
}

#[test]
fn a_device_of_an_earlier_release_reads_back_and_the_new_attribute_is_optional() {
    let stored = r#"{"id":7,"fw":{"n":0}}"#;
    let read: KnownDevice = serde_json::from_str(stored).unwrap();
    assert_eq!(read, KnownDevice::new(7));
    assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    let remembered = remembered(7, Span::days(30));
    let text = serde_json::to_string(&remembered).unwrap();
    assert_eq!(serde_json::from_str::<KnownDevice>(&text).unwrap(), remembered);
}

/// Other devices sign in: a remembered one stays until its time, or until another one takes its place.
#[test]
fn a_remembered_device_gives_way_to_remembered_ones_only() {
    let mut account = with(vec![remembered(1, Span::days(30))]);
    for id in 10..30 {
        put_device_first(&mut account, KnownDevice::new(id), NOW);
        assert!(account.devices.len() <= MAX_KNOWN_DEVICES && account.devices[0].id == id);
    }
    assert!(account.remembers(Some(1), NOW));
    for id in 100..103 {
        assert!(account.remembers(Some(1), NOW), "{id}");
        put_device_first(&mut account, remembered(id, Span::days(30)), NOW);
    }
    assert!(!account.remembers(Some(1), NOW) && (100..103).all(|id| account.remembers(Some(id), NOW)));
    // A new device always finds room.
    put_device_first(&mut account, KnownDevice::new(50), NOW);
    assert_eq!(account.devices[0].id, 50);
    // After its time it gives way to any device.
    let later = NOW + Span::days(31);
    for id in 60..66 {
        put_device_first(&mut account, KnownDevice::new(id), later);
    }
    assert!(account.devices.iter().all(|device| device.id < 100 && device.remembered_until.is_none()));
}

#[test]
fn forgetting_ends_one_or_all_and_writes_only_if_something_ends() {
    let account = with(vec![remembered(1, Span::days(30)), remembered(2, Span::days(30)), KnownDevice::new(3)]);
    let after = |which| -> AccountState { forget(&account, which, NOW).changes.only(Change::forget_devices) };
    let one = after(Forget::One(1));
    assert!(!one.remembers(Some(1), NOW) && one.remembers(Some(2), NOW) && one.devices.len() == 3);
    assert!(!after(Forget::All).devices.iter().any(|device| device.is_remembered(NOW)));
    assert!(forget(&account, Forget::One(3), NOW).changes.is_empty());
    assert!(forget(&account, Forget::All, NOW + Span::days(30)).changes.is_empty());
}
