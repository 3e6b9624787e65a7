//! Every command that writes. Each is prepared without faults and then run as one step, so that a test can fail each of its writes.

use crate::{AccountClient, Anonymous, Browser, Customer, OAuthClient, Page, World};
use http::Method;
use serde_json::{Value, json};

/// A command that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `POST /v1/registrations`
    StartRegistration,
    /// `POST /v1/registrations/{id}/verification`, the right code.
    ProveAddress,
    /// Verification with a wrong code.
    TypeWrongCode,
    /// `POST /v1/registrations/{id}/resend`
    ResendCode,
    /// `POST /login`, the right password.
    SignIn,
    /// `POST /login` with a wrong password.
    FailSignIn,
    /// `POST /consent`
    Consent,
    /// `GET /oauth2/authorize` with a session.
    Authorize,
    /// `POST /oauth2/token` with an authorization code.
    Redeem,
    /// `POST /oauth2/token` with a refresh token.
    Refresh,
    /// `POST /oauth2/revoke`
    Revoke,
    /// `POST /oauth2/logout`
    SignOut,
    /// `POST /recover`
    StartRecovery,
    /// `POST /recover` with the code and a new password.
    ResetPassword,
    /// `PATCH /v1/me`
    EditProfile,
    /// `POST /v1/me/password`
    ChangePassword,
    /// `POST /v1/me/email`
    WishForAddress,
    /// `POST /v1/me/email/verification`, the right code.
    ProveNewAddress,
    /// `POST /v1/me/email/verification` with a wrong code.
    TypeWrongNewCode,
    /// `DELETE /v1/me/sessions/{sid}` of another browser that has an offline grant.
    EndSession,
    /// `DELETE /v1/me/consents/{client_id}` of a client that has a grant.
    WithdrawConsent,
    /// `POST /v1/me/exports`
    Export,
    /// `DELETE /v1/me`
    CloseAccount,
    /// `POST /v1/me/restoration`
    RestoreAccount,
}

/// A command that is ready to run.
#[derive(Clone)]
pub struct PreparedCommand {
    command: Command,
    world: World,
    /// The user of the command.
    pub customer: Customer,
    browser: Browser,
    client: OAuthClient,
    page: Option<Page>,
    value: String,
    code: String,
    me: Option<AccountClient>,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the caller got the expected result. For a wrong code or password, this is a refusal of the wrong value.
    pub expected: bool,
    /// A description for a failed assertion.
    pub words: String,
    /// The secret in the answer, if there is one: a refresh token.
    pub secret: Option<String>,
}

impl Command {
    /// All commands.
    pub const ALL: [Self; 24] = [
        Self::StartRegistration,
        Self::ProveAddress,
        Self::TypeWrongCode,
        Self::ResendCode,
        Self::SignIn,
        Self::FailSignIn,
        Self::Consent,
        Self::Authorize,
        Self::Redeem,
        Self::Refresh,
        Self::Revoke,
        Self::SignOut,
        Self::StartRecovery,
        Self::ResetPassword,
        Self::EditProfile,
        Self::ChangePassword,
        Self::WishForAddress,
        Self::ProveNewAddress,
        Self::TypeWrongNewCode,
        Self::EndSession,
        Self::WithdrawConsent,
        Self::Export,
        Self::CloseAccount,
        Self::RestoreAccount,
    ];

    /// Creates a user with this name and brings them to the step before the command.
    pub async fn prepare(self, world: &World, name: &str) -> PreparedCommand {
        let client = if self == Self::Consent { OAuthClient::demo_web(world) } else { OAuthClient::demo_app(world) };
        let mut ready = PreparedCommand {
            command: self,
            world: world.clone(),
            customer: Customer::new(name),
            browser: Browser::new(world),
            client,
            page: None,
            value: String::new(),
            code: String::new(),
            me: None,
        };
        match self {
            Self::StartRegistration => {}
            Self::ProveAddress | Self::TypeWrongCode | Self::ResendCode => ready.start_registration().await,
            Self::SignIn | Self::FailSignIn | Self::StartRecovery | Self::ResetPassword => {
                ready.customer.register(world).await;
                ready.open().await;
            }
            Self::Consent | Self::Authorize | Self::Redeem | Self::Refresh | Self::Revoke | Self::SignOut => {
                ready.customer.register(world).await;
                ready.prepare_client_request().await;
            }
            Self::EditProfile
            | Self::ChangePassword
            | Self::WishForAddress
            | Self::ProveNewAddress
            | Self::TypeWrongNewCode
            | Self::EndSession
            | Self::WithdrawConsent
            | Self::Export
            | Self::CloseAccount
            | Self::RestoreAccount => {
                ready.customer.register(world).await;
                ready.prepare_account_request().await;
            }
        }
        ready
    }
}

impl PreparedCommand {
    async fn start_registration(&mut self) {
        let api = Anonymous::new(&self.world);
        let started = api.post_json("/v1/registrations", &self.customer.registration()).await.json();
        self.value = started["registration_id"].as_str().expect("a registration").to_owned();
        let mail = self.world.mails_to(&self.customer.email).await.expect("pumped").remove(0);
        self.code = mail.codes.first().expect("a code").clone();
    }

    async fn open(&mut self) {
        let page = match self.command {
            Command::StartRecovery => self.browser.open("/recover").await,
            Command::ResetPassword => {
                let page = self.browser.open("/recover").await;
                let page = self.browser.submit(&page, "#submit", &[("identifier", &self.customer.email)]).await;
                let mail = self.world.mails_to(&self.customer.email).await.expect("pumped").remove(0);
                self.code = mail.codes.first().expect("a code").clone();
                page
            }
            _ => self.browser.open(&self.client.authorize_url(&[])).await,
        };
        self.page = Some(page);
    }

    async fn prepare_client_request(&mut self) {
        let page = self.browser.open(&self.client.authorize_url(&[])).await;
        let page = self.customer.sign_in(&mut self.browser, &page).await;
        if self.command == Command::Consent {
            assert!(page.has_button("#allow"), "{}", page.text());
            self.page = Some(page);
            return;
        }
        let callback = if page.has_button("#allow") { self.browser.submit(&page, "#allow", &[]).await } else { page };
        self.value = callback.query("code").expect("a code");
        match self.command {
            Command::Refresh | Command::Revoke => {
                self.value = self.client.redeem(&self.value).await.tokens().refresh().to_owned();
            }
            Command::SignOut => self.page = Some(self.browser.open("/oauth2/logout").await),
            _ => {}
        }
    }

    async fn prepare_account_request(&mut self) {
        let me = AccountClient::new(&self.world, &self.customer).await;
        match self.command {
            Command::ProveNewAddress | Command::TypeWrongNewCode => {
                let address = self.new_address();
                let wished = me.post("/v1/me/email", &json!({ "email": address })).await;
                assert_eq!(wished.status(), 202, "{}", wished.text());
                self.code = self.world.mails_to(&address).await.expect("pumped").remove(0).codes.remove(0);
            }
            Command::EndSession => {
                AccountClient::new(&self.world, &self.customer).await;
                let sessions = me.get("/v1/me/sessions").await.json();
                self.value = sessions["sessions"][1]["sid"].as_str().expect("another session").to_owned();
            }
            Command::WithdrawConsent => {
                let web = OAuthClient { scope: "openid offline_access".to_owned(), ..OAuthClient::demo_web(&self.world) };
                web.tokens_for(&self.customer).await;
            }
            Command::RestoreAccount => {
                assert_eq!(me.delete("/v1/me").await.status(), 202);
                let mails = self.world.mails_to(&self.customer.email).await.expect("pumped");
                let link = mails.iter().flat_map(|mail| &mail.links).find(|link| link.contains("/account/restore"));
                self.value = link.and_then(|link| link.split_once("?token=")).expect("a link that restores").1.to_owned();
                self.code = mails.into_iter().flat_map(|mail| mail.codes).next().expect("a code");
            }
            _ => {}
        }
        self.me = Some(me);
    }

    fn new_address(&self) -> String {
        format!("new.{}", self.customer.email)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>, expected: u16) -> Outcome {
        let me = self.me.as_ref().expect("an account client");
        status(&me.call(method, path, &[], body.as_ref()).await, expected)
    }

    /// Runs the command once.
    pub async fn run(&mut self) -> Outcome {
        let api = Anonymous::new(&self.world);
        match self.command {
            Command::StartRegistration => status(&api.post_json("/v1/registrations", &self.customer.registration()).await, 202),
            Command::ProveAddress => self.type_code(&self.code, 201).await,
            Command::TypeWrongCode => {
                let wrong = if self.code == "000000" { "000001" } else { "000000" };
                self.type_code(wrong, 400).await
            }
            Command::ResendCode => {
                status(&api.post_json(&format!("/v1/registrations/{}/resend", self.value), &json!({})).await, 202)
            }
            Command::SignIn => {
                let fields = [("identifier", self.customer.email.clone()), ("password", self.customer.password.clone())];
                self.press("#submit", &fields, 303).await
            }
            Command::FailSignIn => {
                let fields = [("identifier", self.customer.email.clone()), ("password", "not this one, surely".to_owned())];
                self.press("#submit", &fields, 400).await
            }
            Command::Consent => self.press("#allow", &[], 303).await,
            Command::Authorize => {
                let page = self.browser.open(&self.client.authorize_url(&[])).await;
                Outcome { expected: page.query("code").is_some(), words: format!("{} {}", page.url, page.text()), secret: None }
            }
            Command::Redeem => secret(&self.client.redeem(&self.value).await),
            Command::Refresh => secret(&self.client.refresh(&self.value).await),
            Command::Revoke => status(&self.client.revoke(&self.value).await, 200),
            Command::SignOut => self.press("#confirm", &[], 0).await,
            Command::StartRecovery => {
                let fields = [("identifier", self.customer.email.clone())];
                self.press("#submit", &fields, 303).await
            }
            Command::ResetPassword => {
                let fields = [("code", self.code.clone()), ("password", "another 9 purple bicycles".to_owned())];
                self.press("#submit", &fields, 303).await
            }
            Command::EditProfile
            | Command::ChangePassword
            | Command::WishForAddress
            | Command::ProveNewAddress
            | Command::TypeWrongNewCode
            | Command::EndSession
            | Command::WithdrawConsent
            | Command::Export
            | Command::CloseAccount
            | Command::RestoreAccount => self.run_account_request().await,
        }
    }

    async fn run_account_request(&mut self) -> Outcome {
        match self.command {
            Command::EditProfile => self.call(Method::PATCH, "/v1/me", Some(json!({ "given_name": "Augusta" })), 200).await,
            Command::ChangePassword => {
                let body = json!({ "current_password": self.customer.password, "new_password": "another 9 purple bicycles" });
                self.call(Method::POST, "/v1/me/password", Some(body), 204).await
            }
            Command::WishForAddress => {
                let body = json!({ "email": self.new_address() });
                self.call(Method::POST, "/v1/me/email", Some(body), 202).await
            }
            Command::ProveNewAddress => {
                self.call(Method::POST, "/v1/me/email/verification", Some(json!({ "code": self.code })), 200).await
            }
            Command::TypeWrongNewCode => {
                self.call(Method::POST, "/v1/me/email/verification", Some(json!({ "code": "0000000000" })), 400).await
            }
            Command::EndSession => self.call(Method::DELETE, &format!("/v1/me/sessions/{}", self.value), None, 204).await,
            Command::Export => self.call(Method::POST, "/v1/me/exports", Some(json!({})), 202).await,
            Command::CloseAccount => self.call(Method::DELETE, "/v1/me", None, 202).await,
            Command::RestoreAccount => {
                self.call(Method::POST, "/v1/me/restoration", Some(json!({ "token": self.value, "code": self.code })), 204)
                    .await
            }
            _ => self.call(Method::DELETE, "/v1/me/consents/demo-web", None, 204).await,
        }
    }

    async fn type_code(&self, code: &str, expected: u16) -> Outcome {
        let path = format!("/v1/registrations/{}/verification", self.value);
        status(&Anonymous::new(&self.world).post_json(&path, &json!({ "code": code })).await, expected)
    }

    /// Submits the form of the page. `expected` 0 means a page or a redirect.
    async fn press(&mut self, button: &str, fields: &[(&str, String)], expected: u16) -> Outcome {
        let page = self.page.clone().expect("a page");
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (url, response) = self.browser.press(&page, button, &fields).await;
        let got = response.status().as_u16();
        let text = Page { url: url.clone(), response: Some(response) }.text();
        let expected = if expected == 0 { got < 400 } else { got == expected };
        Outcome { expected, words: format!("{got} at {url}: {text}"), secret: None }
    }
}

fn status(answer: &crate::anonymous::Answer, expected: u16) -> Outcome {
    Outcome { expected: answer.status() == expected, words: format!("{} {}", answer.status(), answer.text()), secret: None }
}

fn secret(answer: &crate::anonymous::Answer) -> Outcome {
    let token = (answer.status() == 200).then(|| answer.json()["refresh_token"].as_str().map(str::to_owned)).flatten();
    Outcome { secret: token, ..status(answer, 200) }
}
