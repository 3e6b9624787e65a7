mail-greeting = Hello,
mail-greeting-name = Hello { $name },
mail-or-open = Or open this link in the browser where you began:
mail-minutes = { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}
mail-footer = { $tenant } sent you this because somebody entered your address there. This mailbox is not read.
mail-footer-account = { $tenant } sent you this because it is about your account there. This mailbox is not read.
mail-support = Help: { $url }
mail-code-label = Your code

mail-registration-subject = Your code for { $tenant }
mail-registration-title = Confirm your e-mail address
mail-registration-intro = Enter this code to finish creating your account at { $tenant }.
mail-registration-action = Confirm address
mail-registration-lifetime = The code works for { $lifetime }, once. Nobody from { $tenant } will ever ask you for it.
mail-registration-not-me = You did not ask for this? Then ignore this mail: without the code, no account is created.

mail-resent-subject = Your new code for { $tenant }
mail-resent-intro = Here is the new code that you asked for. Earlier codes no longer work.

mail-registered-subject = You already have an account at { $tenant }
mail-registered-title = You already have an account
mail-registered-intro = Somebody, perhaps you, tried to create an account at { $tenant } with this address. It has one already, so nothing was changed.
mail-registered-sign-in = Sign in
mail-registered-recover = If you no longer know your password, you can set a new one:
mail-registered-recover-action = Set a new password
mail-registered-not-me = It was not you? Then there is nothing to do. Whoever it was has not learned that you have an account.

mail-recovery-subject = Set a new password for { $tenant }
mail-recovery-title = Set a new password
mail-recovery-intro = Enter this code to set a new password for your account at { $tenant }.
mail-recovery-action = Set a new password
mail-recovery-lifetime = The code works for { $lifetime }, once. Nobody from { $tenant } will ever ask you for it.
mail-recovery-not-me = You did not ask for this? Then ignore this mail: your password stays as it is.

mail-changed-subject = Your password at { $tenant } was changed
mail-changed-title = Your password was changed
mail-changed-intro = The password of your account at { $tenant } was changed, and you were signed out everywhere.
mail-changed-not-me = It was not you? Then set a new password at once:
mail-changed-action = Set a new password
