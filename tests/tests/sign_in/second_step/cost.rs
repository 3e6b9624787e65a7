//! What the two steps cost, exactly.

use super::protected;
use crate::login::cost::{cost, warm};
use tests::Browser;

#[tokio::test]
async fn a_password_with_a_step_due_costs_as_much_as_one_without_and_the_code_less_than_twice() {
    let (world, ada, factor) = protected().await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/login").await;
    warm(&world).await;
    let fields = [("identifier", ada.email.as_str()), ("password", ada.password.as_str())];
    let (_, answer) = browser.press(&page, "#submit", &fields).await;
    assert_eq!(world.meter.take_cost(), cost(4, 4.0, 2.0), "the password");
    let next = answer.headers()["location"].to_str().expect("ASCII").to_owned();
    let page = browser.open(&next).await;
    assert_eq!(world.meter.take_cost(), cost(1, 2.0, 0.0), "the page");
    browser.press(&page, "#submit", &[("code", &factor.next_code())]).await;
    assert_eq!(world.meter.take_cost(), cost(4, 4.0, 3.0), "the code");

    let mut browser = Browser::new(&world);
    let page = super::first_step(&world, &mut browser, &ada).await;
    drop(world.meter.take());
    browser.press(&page, "#use-recovery-code", &[("recovery_code", &factor.recovery_codes[0])]).await;
    assert_eq!(world.meter.take_cost(), cost(4, 4.0, 6.0), "a recovery code");
}
