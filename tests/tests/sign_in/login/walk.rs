//! A random walk over the flow graph of the recovery (security 91): for any requests in any order, a password changes only with a
//! mailed proof, in the browser that started the recovery.
//!
//! `LATCHKEY_WALK` sets the number of actions (100000 for the long run), `LATCHKEY_SEED` the seed.

use crate::login::authentication;
use latchkey::domain::time::Span;
use tests::{Browser, Customer, Page, Site};

/// xorshift64*: deterministic.
struct Rng(u64);

impl Rng {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed).expect("31 bits") % sides
    }
    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { Some(&from[self.roll(from.len())]) }
    }
}

/// A recovery as the test knows it.
#[derive(Clone)]
struct KnownRecovery {
    /// The browser that started it.
    browser: usize,
    /// The user, if the address has an account.
    customer: Option<usize>,
    /// The page with the form.
    page: Page,
    /// From the mail.
    code: String,
    link: String,
    wrong: u8,
    over: bool,
    begun: i64,
}

fn setting(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test's own settings")]
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test]
async fn security_91_no_order_of_requests_changes_a_password_without_proof() {
    let world = crate::login::world().await;
    let site = Site::from(&world);
    let (actions, seed) = (setting("LATCHKEY_WALK", 1000), setting("LATCHKEY_SEED", 20_260_301));
    let mut dice = Rng(seed | 1);
    let customers = [Customer::registered(&world, "Ada").await, Customer::registered(&world, "Bob").await];
    let mut browsers = [Browser::new(&world), Browser::new(&world), Browser::new(&world)];
    let mut flows: Vec<KnownRecovery> = Vec::new();
    let mut epochs = [0; 2];
    for (number, customer) in customers.iter().enumerate() {
        epochs[number] = authentication(&world, &customer.email).await.epoch;
    }
    let (mut resets, mut refused) = (0, 0);

    for action in 0..actions {
        let visitor = dice.roll(browsers.len());
        let flow = dice.pick(&(0..flows.len()).collect::<Vec<_>>()).copied();
        let mut expected: Option<usize> = None;
        let choice = dice.roll(12);
        match (choice, flow) {
            // Start, for a known or an unknown address. Mails are limited by the hour, so time passes.
            (0 | 1, _) | (_, None) => {
                world.advance(Span::minutes(21));
                let customer = [Some(0), Some(1), None][dice.roll(3)];
                let email = customer.map_or("unknown@example.com", |number: usize| customers[number].email.as_str());
                let mails = site.mails_to(email).await.len();
                let page = browsers[visitor].open("/recover").await;
                let page = browsers[visitor].submit(&page, "#submit", &[("identifier", email)]).await;
                let mail = site.mails_to(email).await;
                let mail = if mail.len() > mails { mail.first() } else { None };
                flows.push(KnownRecovery {
                    browser: visitor,
                    customer,
                    page,
                    code: mail.and_then(|mail| mail.codes.first().cloned()).unwrap_or_default(),
                    link: mail
                        .and_then(|mail| mail.links.iter().find(|link| link.contains("/recover?")).cloned())
                        .unwrap_or_default(),
                    wrong: 0,
                    over: false,
                    begun: world.services.clock.now().seconds(),
                });
            }
            (choice, Some(at)) => {
                let known = flows[at].clone();
                let is_open = !known.over
                    && known.wrong < 5
                    && world.services.clock.now().seconds() - known.begun < 30 * 60
                    && !known.code.is_empty();
                let password = format!("walk {action} over 8 purple hills");
                match choice {
                    // The right code, in any browser.
                    2 | 3 if !known.code.is_empty() => {
                        let fields = [("code", known.code.as_str()), ("password", password.as_str())];
                        let answer = send(&mut browsers[visitor], &known, &fields).await;
                        let limited = answer == 429;
                        expected = known.customer.filter(|_| is_open && visitor == known.browser && !limited);
                        flows[at].over |= expected.is_some();
                    }
                    // A wrong code: invented, of another flow, or empty.
                    4 | 5 => {
                        let other = dice.pick(&flows).map(|other| other.code.clone()).filter(|code| *code != known.code);
                        let code = if dice.roll(2) == 0 { other.unwrap_or_default() } else { "AAAAAAAAAA".to_owned() };
                        let fields = [("code", code.as_str()), ("password", password.as_str())];
                        let answer = send(&mut browsers[visitor], &known, &fields).await;
                        if answer == 400 && visitor == known.browser {
                            flows[at].wrong = flows[at].wrong.saturating_add(1);
                        }
                    }
                    // Open the link and, if possible, submit its form.
                    6 | 7 if !known.link.is_empty() => {
                        let page = browsers[visitor].open(&known.link).await;
                        if page.has_field("password") {
                            assert!(!page.has_field("code"));
                            browsers[visitor].submit(&page, "#submit", &[("password", &password)]).await;
                            expected = known.customer.filter(|_| is_open && visitor == known.browser);
                            assert!(
                                expected.is_some(),
                                "the form was shown for a flow that is over (action {action}, seed {seed})"
                            );
                            flows[at].over = true;
                        }
                    }
                    // Open the link's page and cancel.
                    8 if !known.link.is_empty() => {
                        let page = browsers[visitor].open(&known.link).await;
                        if page.has_button("#disown") {
                            browsers[visitor].submit(&page, "#disown", &[]).await;
                            flows[at].over = true;
                        }
                    }
                    // A forged or foreign token.
                    9 => {
                        let foreign = dice.pick(&flows).map(|other| other.link.clone()).unwrap_or_default();
                        let token = foreign.split("token=").nth(1).unwrap_or("forged").to_owned();
                        if !known.link.ends_with(&token) {
                            let url = format!("{}&token={token}", known.page.url);
                            let page = browsers[visitor].open(&url).await;
                            if page.has_field("password") {
                                browsers[visitor].submit(&page, "#submit", &[("password", &password)]).await;
                            }
                        }
                    }
                    // A skipped step: a new password without any proof.
                    10 => {
                        let answer = send(&mut browsers[visitor], &known, &[("password", &password)]).await;
                        if answer == 400 && visitor == known.browser {
                            flows[at].wrong = flows[at].wrong.saturating_add(1);
                        }
                    }
                    _ => world.advance(Span::minutes(7)),
                }
            }
        }
        for (number, customer) in customers.iter().enumerate() {
            let epoch = authentication(&world, &customer.email).await.epoch;
            let due = epochs[number] + u32::from(expected == Some(number));
            assert_eq!(epoch, due, "action {action} ({choice}) of seed {seed}: {}", customer.email);
            epochs[number] = epoch;
        }
        resets += usize::from(expected.is_some());
        refused += usize::from(expected.is_none());
    }
    assert!(resets > 0 && refused > 0, "a walk without both outcomes proves nothing: {resets} resets of {actions} actions");
}

/// Sends the fields of a known form from a browser, with that browser's own anti-forgery value if it can get one.
async fn send(browser: &mut Browser, known: &KnownRecovery, fields: &[(&str, &str)]) -> u16 {
    let fresh = browser.open(&known.page.url).await;
    let page = if fresh.has_button("#submit") { &fresh } else { &known.page };
    if !page.has_button("#submit") {
        return 0;
    }
    let fields: Vec<_> = fields.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
    browser.press(page, "#submit", &fields).await.1.status().as_u16()
}
