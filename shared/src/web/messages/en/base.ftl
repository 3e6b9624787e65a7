## The frame of every page

page-footer-privacy = Privacy
page-footer-support = Help
page-footer-languages = Language
page-errors-title = Please check your input

## Things to press

action-continue = Continue
action-cancel = Cancel
action-back = Back
password-show = Show
password-hide = Hide

## Fields

field-email = E-mail address
field-password = Password
field-optional = optional
field-choose = Please choose

## Problems, by code: title and what to do

problem-invalid_request-title = That did not work
problem-invalid_request-text = The request is incomplete or not valid. Go back, check your input and try again.
problem-invalid_code-title = This code is not valid
problem-invalid_code-text = It may be mistyped, used up or expired. Use the newest code that we sent you.
problem-invalid_token-title = Please sign in
problem-invalid_token-text = This page needs a sign-in that is still valid.
problem-insufficient_user_authentication-title = Please sign in again
problem-insufficient_user_authentication-text = This step needs a sign-in of the last five minutes.
problem-forbidden-title = This page has expired
problem-forbidden-text = For your safety the form could not be accepted. Go back, reload the page and try again.
problem-not_found-title = Page not found
problem-not_found-text = There is nothing at this address. Check the link, or go back to where you came from.
problem-method_not_allowed-title = That did not work
problem-method_not_allowed-text = This address can't be used in this way. Go back to where you came from and try again.
problem-already_registered-title = You already have an account
problem-already_registered-text = Sign in with this address, or recover your password.
problem-export_stale-title = Your data has changed meanwhile
problem-export_stale-text = The copy that you asked for is of an earlier moment. Prepare a new one and download it right away.
problem-precondition_failed-title = Somebody was faster
problem-precondition_failed-text = What you saw was changed meanwhile. Reload the page and try again.
problem-too_large-title = That is too much
problem-too_large-text = What you sent is larger than we can take. Shorten it and try again.
problem-unsupported_media_type-title = That did not work
problem-unsupported_media_type-text = What you sent is of a kind that can't be read here.
problem-too_many_requests-title = Too many tries
problem-too_many_requests-text = Please wait a moment, then try again.
problem-headers_too_large-title = That did not work
problem-headers_too_large-text = The address or the cookies of this site are too long. Clear the cookies of this site and try again.
problem-internal_error-title = Something went wrong
problem-internal_error-text = The fault is ours. Please try again. If it stays, tell us the reference below.
problem-unavailable-title = Back in a moment
problem-unavailable-text = We can't answer right now. Please try again shortly.
problem-reference = Reference: { $request_id }

## The page that hands an answer to the application

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
