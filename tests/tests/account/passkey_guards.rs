//! Who may add and remove a passkey.

use crate::passkeys::{listed_button, new_world, opens, signed_in};
use latchkey::domain::time::Span;
use tests::Browser;
use tests::passkey::{add, prove_address};

/// A thief with the password alone: no passkey without the code from the mailbox, and none of the owner's is removed (security 77).
#[tokio::test]
async fn security_77_the_password_alone_adds_and_removes_no_passkey() {
    let world = new_world().await;
    let (user, mut browser) = signed_in(&world, "ada").await;
    let mut own = add(&mut browser).await;
    world.advance(Span::minutes(20));
    let mut thief = Browser::new(&world);
    let page = thief.open("/login").await;
    user.sign_in(&mut thief, &page).await;
    let page = thief.open("/account/passkeys/new").await;
    assert_eq!(page.path(), "/account/confirm-address", "{}", page.text());
    let listed = thief.open("/account/passkeys").await;
    let refused = thief.submit(&listed, &listed_button(&listed), &[]).await;
    assert_eq!(refused.path(), "/account/confirm-address", "{}", refused.text());
    let page = thief.submit(&refused, "#send", &[]).await;
    let wrong = thief.submit(&page, "#submit", &[("mail_code", "AAAAAAAAAA")]).await;
    assert_eq!(wrong.status(), 400, "{}", wrong.text());
    let mut opened = opens(&world, &mut own).await.expect("the owner's passkey opens the account");
    // Who has just shown two factors needs no code.
    assert_eq!(opened.open("/account/passkeys/new").await.path(), "/account/passkeys/new");
    // The owner with the mailbox does.
    let listed = thief.open("/account/passkeys").await;
    let asked = thief.submit(&listed, &listed_button(&listed), &[]).await;
    let page = prove_address(&mut thief, asked).await;
    assert_eq!(page.path(), "/account/passkeys", "{}", page.text());
}
