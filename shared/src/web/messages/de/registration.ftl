## The form

register-title = Konto erstellen
register-lead = und weiter zu { $client }
register-submit = Konto erstellen
register-have-account = Sie haben schon ein Konto?
register-sign-in = Anmelden
register-password-optional = Sie können das leer lassen und sich ohne Passwort anmelden. Sonst verwenden Sie mindestens { $min } Zeichen.
register-password-help = Mindestens { $min } Zeichen, besser { $recommended } oder mehr. Ein paar Wörter ohne Zusammenhang sind leicht zu merken und schwer zu erraten.
register-email-required = Geben Sie Ihre E-Mail-Adresse ein.
register-email-invalid = Geben Sie eine E-Mail-Adresse wie name@example.com ein.
register-no-more-mails =
    { $hours ->
        [one] Für diese Adresse wurden heute von hier aus viele Nachrichten angefordert, daher senden wir eine Stunde lang keine weitere. Nehmen Sie die neueste Nachricht, und sehen Sie auch im Spam-Ordner nach.
       *[other] Für diese Adresse wurden heute von hier aus viele Nachrichten angefordert, daher senden wir { $hours } Stunden lang keine weitere. Nehmen Sie die neueste Nachricht, und sehen Sie auch im Spam-Ordner nach.
    }
register-terms-accept = Ich akzeptiere:
register-terms-required = Bitte stimmen Sie zu, um ein Konto zu erstellen.
register-terms-superseded = Dieses Dokument hat sich geändert. Bitte lesen und akzeptieren Sie die aktuelle Fassung.
register-only-when = Nur bei „{ $label }“: { $value }.
answer-yes = ja
answer-no = nein

## What is wrong with a chosen password; the login pages say it too

password-flaw-too_short = Verwenden Sie mindestens { $min } Zeichen.
password-flaw-too_long = Verwenden Sie höchstens 256 Zeichen.
password-flaw-too_common = Dieses Passwort ist leicht zu erraten: Viele benutzen es, oder es besteht aus Ihrem Namen, Ihrer Adresse oder dem Namen dieses Dienstes. Wählen Sie ein anderes.
password-flaw-too_weak = Dieses Passwort ist leicht zu erraten.
password-advice-add_words = Fügen Sie ein oder zwei Wörter hinzu, am besten ungewöhnliche.
password-advice-avoid_sequences = Vermeiden Sie Tastaturreihen und Folgen wie abc oder 6543.
password-advice-avoid_repetition = Vermeiden Sie wiederholte Wörter und Zeichen.
password-advice-avoid_dates = Vermeiden Sie Daten und Jahreszahlen.
password-advice-avoid_names = Vermeiden Sie Namen.
password-advice-tricks_are_guessed = Großbuchstaben, rückwärts geschriebene Wörter und @ statt a werden ebenso erraten; fügen Sie ein oder zwei Wörter hinzu.

## What is wrong with a field

field-flaw-required = Füllen Sie „{ $label }“ aus.
field-flaw-unknown = Dieses Feld gibt es nicht. Bitte laden Sie die Seite neu.
field-flaw-not_applicable = „{ $label }“ passt nicht zu Ihren anderen Antworten. Lassen Sie das Feld leer.
field-flaw-invalid_type = Der Wert von „{ $label }“ ist nicht gültig. Bitte geben Sie ihn noch einmal ein.
field-flaw-too_long =
    { $max ->
        [one] Verwenden Sie für „{ $label }“ höchstens ein Zeichen.
       *[other] Verwenden Sie für „{ $label }“ höchstens { $max } Zeichen.
    }
field-flaw-forbidden_character = „{ $label }“ enthält einen Zeilenumbruch oder ein anderes Zeichen, das hier nicht erlaubt ist. Bitte entfernen Sie es.
field-flaw-invalid_format = „{ $label }“ hat nicht die erwartete Form. Bitte prüfen Sie die Eingabe.
field-flaw-invalid_date = Geben Sie für „{ $label }“ ein gültiges Datum ein.
field-flaw-invalid_phone = Geben Sie eine Telefonnummer mit Ländervorwahl ein, etwa +49 30 123456.
field-flaw-invalid_option = Wählen Sie bei „{ $label }“ eine der Möglichkeiten.

## The code

verify-title = Sehen Sie in Ihre E-Mails
verify-lead = Wir haben einen Code an { $email } gesendet. Geben Sie ihn hier ein, um abzuschließen.
verify-code = Code aus der E-Mail
verify-submit = Bestätigen
verify-other-address = Andere Adresse verwenden
verify-resend = Neuen Code senden
verify-no-mail = Keine E-Mail? Sehen Sie im Spam-Ordner nach und prüfen Sie, ob die Adresse stimmt. Auch der Link in der E-Mail funktioniert, in diesem Browser.
verify-sent = Ein neuer Code ist unterwegs. Ältere Codes gelten nicht mehr.
verify-none-left = Im Moment können wir keine weiteren Codes senden. Verwenden Sie den neuesten, oder beginnen Sie später neu.
verify-code-wrong =
    { $left ->
        [0] Dieser Code stimmt nicht, und es gibt keinen weiteren Versuch.
        [one] Dieser Code stimmt nicht. Sie haben noch einen Versuch.
       *[other] Dieser Code stimmt nicht. Sie haben noch { $left } Versuche.
    }

## The mailed link

verify-passkey-title = Legen Sie Ihren Passkey an
verify-passkey-lead = { $email } ist bestätigt. Mit einem Passkey melden Sie sich per Fingerabdruck, Gesicht oder Displaysperre an. Sie brauchen kein Passwort.
verify-passkey-needs-script = Zum Anlegen eines Passkeys ist JavaScript nötig. Schalten Sie es ein und laden Sie diese Seite neu, oder öffnen Sie sie in einem anderen Browser.
verify-passkey-unsupported = Dieser Browser kann keinen Passkey anlegen. Registrieren Sie sich auf einem anderen Gerät oder in einem anderen Browser.
verify-passkey-password = Stattdessen ein Passwort verwenden
verify-passkey-password-submit = Weiter mit diesem Passwort
verify-link-title = E-Mail-Adresse bestätigen
verify-link-lead = Ein Klick schließt Ihre Registrierung ab.
verify-link-confirm = Bestätigen und weiter
verify-link-code-title = Ihr Code
verify-link-code-lead = Geben Sie diesen Code dort ein, wo Sie begonnen haben, Ihr Konto zu erstellen.
verify-link-code-warning = Geben Sie diesen Code nie weiter. Wir werden Sie nie danach fragen.
verify-link-deny-title = Waren Sie das nicht?
verify-link-deny-text = Dann hat eine andere Person Ihre Adresse eingegeben, vielleicht aus Versehen. Sie können die Registrierung hier beenden; es wird kein Konto erstellt.
verify-link-deny = Das war ich nicht

## Results

verify-begin-again = Neu beginnen
verify-completed-title = Ihre Adresse ist bestätigt
verify-completed-text = Ihr Konto besteht. Sie können sich anmelden.
verify-disowned-title = Die Registrierung ist beendet
verify-disowned-text = Mit dieser Adresse wurde kein Konto erstellt; Code und Link gelten nicht mehr.
verify-no-tries-title = Zu viele falsche Codes
verify-no-tries-text = Zu Ihrer Sicherheit ist diese Registrierung beendet. Sie können neu beginnen.
verify-expired-title = Dieser Code oder Link gilt nicht mehr
verify-expired-text = Er wurde durch einen neueren ersetzt, oder er ist abgelaufen. Verwenden Sie die neueste E-Mail, oder beginnen Sie neu.
verify-elsewhere-title = Bitte zurück zum anderen Browser
verify-elsewhere-text = Sie können eine Registrierung nur in dem Browser abschließen, in dem Sie sie begonnen haben. Kehren Sie dorthin zurück, oder öffnen Sie den Link in der E-Mail, um Ihren Code zu sehen.
verify-already-title = Sie haben schon ein Konto
verify-already-text = Inzwischen wurde für diese Adresse ein Konto erstellt. Melden Sie sich damit an, oder setzen Sie sein Passwort zurück.
