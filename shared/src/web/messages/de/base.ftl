## Der Rahmen jeder Seite

page-footer-privacy = Datenschutz
page-footer-support = Hilfe
page-footer-languages = Sprache
page-errors-title = Bitte prüfen Sie Ihre Eingaben

## Schaltflächen

action-continue = Weiter
action-cancel = Abbrechen
action-back = Zurück
password-show = Zeigen
password-hide = Verbergen

## Felder

field-email = E-Mail-Adresse
field-password = Passwort
field-optional = freiwillig
field-missing = Diese Angabe fehlt noch.
field-choose = Bitte wählen

## Probleme nach Code: Titel und was zu tun ist

problem-invalid_request-title = Das hat nicht geklappt
problem-invalid_request-text = Die Anfrage ist unvollständig oder ungültig. Gehen Sie zurück, prüfen Sie Ihre Eingaben und versuchen Sie es noch einmal.
problem-invalid_code-title = Dieser Code ist nicht gültig
problem-invalid_code-text = Vielleicht ist er vertippt, verbraucht oder abgelaufen. Nehmen Sie den neuesten Code, den wir Ihnen geschickt haben.
problem-invalid_token-title = Bitte melden Sie sich an
problem-invalid_token-text = Melden Sie sich an, um diese Seite zu öffnen.
problem-insufficient_user_authentication-title = Bitte melden Sie sich noch einmal an
problem-insufficient_user_authentication-text = Für diesen Schritt muss Ihre Anmeldung höchstens fünf Minuten alt sein.
problem-forbidden-title = Diese Seite ist abgelaufen
problem-forbidden-text = Zu Ihrer Sicherheit wurde das Formular nicht angenommen. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
problem-not_found-title = Seite nicht gefunden
problem-not_found-text = Unter dieser Adresse gibt es keine Seite. Prüfen Sie den Link, oder gehen Sie zurück.
problem-method_not_allowed-title = Das hat nicht geklappt
problem-method_not_allowed-text = Diese Seite lässt sich so nicht benutzen. Gehen Sie zurück und versuchen Sie es noch einmal.
problem-already_registered-title = Sie haben schon ein Konto
problem-already_registered-text = Melden Sie sich mit dieser Adresse an, oder setzen Sie Ihr Passwort zurück.
problem-export_stale-title = Ihre Daten haben sich geändert
problem-export_stale-text = Die erstellte Kopie ist nicht mehr aktuell. Erstellen Sie eine neue und laden Sie sie gleich herunter.
problem-precondition_failed-title = Inzwischen wurde etwas geändert
problem-precondition_failed-text = Die Daten auf dieser Seite haben sich geändert, seit Sie sie geöffnet haben. Laden Sie die Seite neu und versuchen Sie es noch einmal.
problem-too_large-title = Diese Eingabe ist zu groß
problem-too_large-text = Eine Eingabe dieser Größe können wir nicht annehmen. Kürzen Sie sie und versuchen Sie es noch einmal.
problem-unsupported_media_type-title = Das hat nicht geklappt
problem-unsupported_media_type-text = Daten dieser Art können wir nicht lesen.
problem-too_many_requests-title = Zu viele Versuche
problem-too_many_requests-text = Es gab zu viele Versuche in kurzer Zeit.
problem-headers_too_large-title = Das hat nicht geklappt
problem-headers_too_large-text = Die Adresse oder die Cookies dieser Seite sind zu lang. Löschen Sie die Cookies dieser Seite und versuchen Sie es noch einmal.
problem-internal_error-title = Etwas ist schiefgegangen
problem-internal_error-text = Der Fehler liegt bei uns. Bitte versuchen Sie es noch einmal. Tritt er wieder auf, nennen Sie uns die Kennung unten.
problem-unavailable-title = Gleich wieder da
problem-unavailable-text = Wir können gerade nicht antworten. Bitte versuchen Sie es in Kürze noch einmal.
problem-wait-seconds = Bitte versuchen Sie es in einigen Sekunden noch einmal.
problem-wait-minutes =
    { $count ->
        [one] Bitte versuchen Sie es in etwa einer Minute noch einmal.
       *[other] Bitte versuchen Sie es in etwa { $count } Minuten noch einmal.
    }
problem-wait-hours =
    { $count ->
        [one] Bitte versuchen Sie es in etwa einer Stunde noch einmal.
       *[other] Bitte versuchen Sie es in etwa { $count } Stunden noch einmal.
    }
problem-wait-retry = Noch einmal versuchen
problem-reference = Kennung: { $request_id }

## Die Seite, die eine Antwort an die Anwendung zurückgibt

form-post-title = Einen Moment
form-post-text = Sie werden zur Anwendung zurückgebracht.

date = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
} { $year }
date-and-time = { $date }, { $time } Uhr (UTC)

## Ein Formular, das nicht angenommen werden kann, weil sein Cookie fehlt

form-stale = Dieses Formular konnte nicht geprüft werden, weil sein Cookie fehlt oder sich geändert hat. Bitte senden Sie es noch einmal. Falls das wieder geschieht, erlauben Sie Cookies für diese Seite.
form-stale-title = Bitte öffnen Sie diese Seite noch einmal
form-stale-text = Das Formular konnte nicht geprüft werden, weil sein Cookie fehlt oder sich geändert hat. Es wurde nichts geändert. Falls das wieder geschieht, erlauben Sie Cookies für diese Seite.
form-stale-open = Seite öffnen

factor-app = Authenticator-App
factor-codes = { $left ->
    [one] ein Wiederherstellungscode
   *[other] { $left } Wiederherstellungscodes
}
factor-passkeys = { $count ->
    [one] ein Passkey
   *[other] { $count } Passkeys
}
factor-passkey = Passkey, hinzugefügt am { $date }
factor-passkey-named = Passkey „{ $name }“, hinzugefügt am { $date }
factor-passkey-named-of = Passkey „{ $name }“ ({ $provider }), hinzugefügt am { $date }
