## Die Kontoseiten

account-title = Mein Konto
account-nav-profile = Profil
account-nav-security = Sicherheit
account-nav-sessions = Geräte
account-nav-consents = Anwendungen
account-nav-privacy = Datenschutz
account-sign-out = Abmelden
account-change = Ändern
account-save = Speichern
account-back = Zurück

account-profile-title = Ihr Profil
account-profile-stale = Ihr Profil wurde inzwischen in einem anderen Fenster geändert. Was Sie eingegeben haben, ist noch da: Prüfen Sie es und speichern Sie noch einmal.
account-done-saved = Ihr Profil ist gespeichert.

account-security-title = Sicherheit
account-history-title = Was zuletzt geschah
account-history-lead = Anmeldungen und Änderungen, die neuesten zuerst. Wenn Sie etwas davon nicht waren, ändern Sie Ihr Passwort.
account-history-none = Noch nichts.
account-history-here = aus dem Netz, das Sie gerade nutzen

account-password-title = Passwort ändern
account-password-lead = Hier bleiben Sie angemeldet. Anmeldungen auf anderen Geräten enden.
account-password-present = Jetziges Passwort
account-password-new = Neues Passwort
account-password-submit = Passwort ändern
account-password-wrong = Das ist nicht Ihr jetziges Passwort.
account-done-password = Ihr Passwort ist geändert, und Anmeldungen auf anderen Geräten sind beendet.

account-email-title = E-Mail-Adresse ändern
account-email-lead = Sie melden sich jetzt mit { $email } an. Diese Adresse gilt, bis Sie die neue bestätigt haben.
account-email-new = Neue E-Mail-Adresse
account-email-submit = Code senden
account-email-same = Das ist Ihre jetzige Adresse.
account-email-too-many = Ihre Adresse wurde zuletzt mehrmals geändert, und frühere Adressen können das noch zurücknehmen. Ab dem { $date } können Sie sie wieder ändern.
account-email-code-title = Code eingeben
account-email-code-lead = Wir haben einen Code an { $email } geschickt. Bis Sie ihn eingegeben haben, gilt Ihre alte Adresse.
account-email-code-submit = Adresse bestätigen
account-email-cancel = Alte Adresse behalten
account-email-over = Diese Änderung ist vorbei: Sie hat zu lange gedauert, oder es wurden zu viele falsche Codes eingegeben. Sie können neu beginnen.
account-email-taken = Diese Adresse hat inzwischen ein anderes Konto bekommen. Verwenden Sie eine andere Adresse.
account-email-confirm-title = Neue Adresse bestätigen
account-email-confirm-lead = Ab jetzt melden Sie sich mit der Adresse an, an die dieser Link geschickt wurde.
account-email-confirm = Adresse bestätigen
account-email-elsewhere-title = Ihr Code
account-email-elsewhere-lead = Jemand möchte diese Adresse für sein Konto verwenden. Wenn Sie das sind, geben Sie diesen Code dort ein, wo Sie begonnen haben.
account-email-ended-title = Vielen Dank
account-email-ended-text = Die Änderung wurde beendet. Ihre Adresse wird nicht verwendet.
account-done-email = Ihre E-Mail-Adresse ist geändert. Ihre alte Adresse haben wir benachrichtigt.

account-link-over-title = Dieser Link gilt nicht mehr
account-link-over-text = Er wurde schon benutzt, oder seine Zeit ist abgelaufen. Es wurde nichts geändert.

account-undo-title = Adressänderung zurücknehmen
account-undo-lead = Ihr Konto verwendete vorher { $email }. Wenn jemand anderes das geändert hat, nehmen Sie es zurück.
account-undo-address = { $email } gilt wieder
account-undo-sessions = Alle werden abgemeldet, auf jedem Gerät
account-undo-password = Das Passwort wird entfernt; Sie setzen ein neues
account-undo-submit = Änderung zurücknehmen
account-undone-title = Ihre Adresse gilt wieder
account-undone-text = Alle sind abgemeldet, und das Passwort ist entfernt. Setzen Sie ein neues, um sich anzumelden.
account-undone-recover = Neues Passwort setzen
account-undo-taken-title = Diese Adresse ist vergeben
account-undo-taken-text = Inzwischen wurde mit dieser Adresse ein anderes Konto angelegt, deshalb kann die Änderung nicht zurückgenommen werden. Bitte wenden Sie sich an die Hilfe.

account-sessions-title = Geräte
account-sessions-lead = Hier sind Sie angemeldet. Beenden Sie, was Sie nicht kennen, und ändern Sie dann Ihr Passwort.
account-sessions-unknown = Unbekannter Browser
account-sessions-this = Dieses Gerät
account-sessions-used = Zuletzt benutzt: { $time }
account-sessions-since = Angemeldet am { $date }
account-sessions-network = Netz { $network }
account-sessions-end = Abmelden
account-sessions-end-named = { $device } abmelden
account-sessions-end-others = Alle anderen Geräte abmelden
account-done-session = Das Gerät ist abgemeldet.
account-done-sessions = Alle anderen Geräte sind abgemeldet.

account-consents-title = Anwendungen
account-consents-lead = Diese Anwendungen dürfen Ihr Konto verwenden.
account-consents-since = Von Ihnen erlaubt am { $date }
account-consents-own = Von uns, in Benutzung seit dem { $date }
account-consents-withdraw = Zugriff entziehen
account-consents-withdraw-named = { $client } den Zugriff entziehen
account-consents-none = Keine Anwendung verwendet Ihr Konto.
account-done-consent = Die Anwendung kann Ihr Konto nicht mehr verwenden.

account-privacy-title = Datenschutz
account-privacy-lead = Ihre Daten gehören Ihnen: Sie können sie sehen, mitnehmen und löschen lassen.
account-export-title = Daten mitnehmen
account-export-text = Alles, was wir über Sie haben: als Seite, die Sie lesen können, und als Datei, die Programme lesen können.
account-export-action = Daten exportieren
account-kept-title = Was wir aufbewahren, und wie lange
account-kept-profile = Ihr Profil, solange Sie ein Konto haben
account-kept-sessions = Ihre Anmeldungen, mit Gerät und ungefährem Netz, bis sie enden
account-kept-history =
    { $days ->
        [one] Was mit Ihrem Konto geschah, einen Tag lang, ohne Ihren Namen und Ihre Adresse
       *[other] Was mit Ihrem Konto geschah, { $days } Tage lang, ohne Ihren Namen und Ihre Adresse
    }
account-delete-title = Konto löschen
account-delete-text =
    { $days ->
        [0] Ihr Konto wird sofort geschlossen und bald danach gelöscht.
        [one] Ihr Konto wird sofort geschlossen. Einen Tag lang können Sie es wiederherstellen; dann wird alles gelöscht.
       *[other] Ihr Konto wird sofort geschlossen. { $days } Tage lang können Sie es wiederherstellen; dann wird alles gelöscht.
    }
account-delete-action = Konto löschen
account-delete-lead = Das löscht das Konto von { $email }.
account-delete-now = Sie werden überall abgemeldet, und niemand kann sich anmelden
account-delete-until = Bis zum { $date } können Sie das Konto wiederherstellen, mit einem Link, den wir an { $email } schicken
account-delete-then = Danach wird alles endgültig gelöscht, und die Adresse ist wieder frei
account-delete-export = Möchten Sie eine Kopie behalten?
account-delete-submit = Konto löschen
account-deleted-title = Ihr Konto ist geschlossen
account-deleted-text = Alle seine Daten werden nach dem { $date } gelöscht. Bis dahin können Sie es mit dem Link in der Nachricht wiederherstellen, die wir Ihnen gerade geschickt haben.

account-restore-title = Konto wiederherstellen
account-restore-lead = Ihr Konto ist geschlossen und wird nach dem { $date } gelöscht. Stellen Sie es wieder her, und alle Ihre Daten sind wieder da.
account-restore-submit = Konto wiederherstellen
account-restored-title = Willkommen zurück
account-restored-text = Ihr Konto ist wiederhergestellt. Melden Sie sich mit Ihrer Adresse und Ihrem Passwort an.
