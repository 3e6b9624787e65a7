//! 64 browsers with one code: one session (security 72, 76).

use super::{first_step, protected};
use latchkey_local::fault::{Calls, Fault, Trigger};
use std::time::Duration;
use tests::Browser;
use tests::second_factor::state;

/// How many of 64 browsers complete the step with this field and value.
async fn completed(
    world: &latchkey_local::world::World,
    customer: &tests::Customer,
    button: &str,
    field: (&str, &str),
) -> usize {
    let mut browsers = Vec::new();
    for _ in 0..64 {
        let mut browser = Browser::new(world);
        let page = first_step(world, &mut browser, customer).await;
        browsers.push((browser, page));
    }
    // Every caller reads before the first one writes.
    world.faults.add(Calls::Reads, Trigger::Always, Fault::Slow(Duration::from_millis(20)));
    let fields = [field];
    let actors = browsers.iter_mut().map(|(browser, page)| Box::pin(browser.press(page, button, &fields)));
    let answers = futures_util::future::join_all(actors).await;
    world.faults.clear();
    let opened = answers.iter().filter(|(_, answer)| {
        answer
            .headers()
            .get_all("set-cookie")
            .iter()
            .any(|cookie| cookie.to_str().is_ok_and(|cookie| cookie.starts_with("lk-session")))
    });
    opened.count()
}

#[tokio::test]
async fn security_72_a_code_of_the_app_opens_one_session() {
    let (world, ada, factor) = protected().await;
    let code = factor.next_code();
    assert_eq!(completed(&world, &ada, "#submit", ("code", &code)).await, 1);
}

#[tokio::test]
async fn security_76_a_recovery_code_opens_one_session() {
    let (world, ada, factor) = protected().await;
    let code = factor.recovery_codes[5].clone();
    assert_eq!(completed(&world, &ada, "#use-recovery-code", ("recovery_code", &code)).await, 1);
    assert_eq!(state(&world, &ada).await.factors.recovery_codes, 9);
}

/// Parallel wrong codes: no more are evaluated than the window allows.
#[tokio::test]
async fn security_74_parallel_wrong_codes_do_not_outrun_the_limit() {
    let (world, ada, factor) = protected().await;
    assert_eq!(completed(&world, &ada, "#submit", ("code", &factor.wrong_code())).await, 0);
    let count = state(&world, &ada).await.factors.failures.count;
    assert!(count <= 5, "{count} were evaluated");
}
