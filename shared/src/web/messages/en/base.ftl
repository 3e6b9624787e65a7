## The frame of every page

page-footer-privacy = Privacy
page-footer-support = Help
page-footer-languages = Language
page-errors-title = Please check your input

## Buttons

action-continue = Continue
action-cancel = Cancel
action-back = Back
password-show = Show
password-hide = Hide

## Fields

field-email = E-mail address
field-password = Password
field-optional = optional
field-missing = This is still missing.
field-choose = Please choose

## Problems, by code: title and what to do

problem-invalid_request-title = That did not work
problem-invalid_request-text = The request is incomplete or not valid. Go back, check your input and try again.
problem-invalid_code-title = This code is not valid
problem-invalid_code-text = It may be mistyped, used up or expired. Use the newest code that we sent you.
problem-invalid_token-title = Please sign in
problem-invalid_token-text = Sign in to open this page.
problem-insufficient_user_authentication-title = Please sign in again
problem-insufficient_user_authentication-text = For this step, you must have signed in within the last five minutes.
problem-forbidden-title = This page has expired
problem-forbidden-text = For your safety the form could not be accepted. Go back, reload the page and try again.
problem-not_found-title = Page not found
problem-not_found-text = There is no page at this address. Check the link, or go back.
problem-method_not_allowed-title = That did not work
problem-method_not_allowed-text = This page cannot be used in this way. Go back and try again.
problem-already_registered-title = You already have an account
problem-already_registered-text = Sign in with this address, or reset your password.
problem-export_stale-title = Your data has changed
problem-export_stale-text = The copy that you prepared is out of date. Prepare a new one and download it right away.
problem-precondition_failed-title = This was changed in the meantime
problem-precondition_failed-text = The data on this page has changed since you opened it. Reload the page and try again.
problem-too_large-title = This input is too large
problem-too_large-text = We cannot accept an input of this size. Shorten it and try again.
problem-unsupported_media_type-title = That did not work
problem-unsupported_media_type-text = We cannot read data of this type.
problem-too_many_requests-title = Too many tries
problem-too_many_requests-text = There were too many tries in a short time.
problem-headers_too_large-title = That did not work
problem-headers_too_large-text = The address or the cookies of this site are too long. Clear the cookies of this site and try again.
problem-internal_error-title = Something went wrong
problem-internal_error-text = This is our fault. Please try again. If it happens again, tell us the reference below.
problem-unavailable-title = Back in a moment
problem-unavailable-text = We can't answer right now. Please try again shortly.
problem-wait-seconds = Please try again in a few seconds.
problem-wait-minutes =
    { $count ->
        [one] Please try again in about a minute.
       *[other] Please try again in about { $count } minutes.
    }
problem-wait-hours =
    { $count ->
        [one] Please try again in about an hour.
       *[other] Please try again in about { $count } hours.
    }
problem-wait-retry = Try again
problem-reference = Reference: { $request_id }

## The page that returns a response to the application

form-post-title = One moment
form-post-text = You are being taken back to the application.

date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
date-and-time = { $date }, { $time } UTC

## A form that cannot be accepted, because its cookie is gone

form-stale = This form could not be checked, because its cookie is missing or has changed. Please send it again. If you see this again, allow cookies for this site.
form-stale-title = Please open this page again
form-stale-text = The form could not be checked, because its cookie is missing or has changed. Nothing was changed. If you see this again, allow cookies for this site.
form-stale-open = Open the page

factor-app = authenticator app
factor-codes = { $left ->
    [one] one recovery code
   *[other] { $left } recovery codes
}
factor-passkeys = { $count ->
    [one] one passkey
   *[other] { $count } passkeys
}
factor-passkey = passkey, added on { $date }
factor-passkey-named = passkey “{ $name }”, added on { $date }
factor-passkey-named-of = passkey “{ $name }” ({ $provider }), added on { $date }
