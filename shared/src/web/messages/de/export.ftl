## Die Seite, die eine Kopie der Daten erstellt

export-start-title = Eine Kopie Ihrer Daten
export-start-lead = Sie können alle Daten herunterladen, die { $tenant } in diesem Konto über Sie gespeichert hat.
export-start-what = Was darin steht
export-start-profile = Ihr Profil, Ihre E-Mail-Adresse und neue oder frühere Adressen
export-start-sessions = die Geräte, auf denen Sie angemeldet sind
export-start-applications = die Anwendungen, die für Sie handeln dürfen, und was Sie ihnen erlaubt haben
export-start-terms = die Bedingungen, denen Sie zugestimmt haben, mit Version und Datum
export-start-history = was in Ihrem Konto geschah: Anmeldungen, Änderungen, Fehlversuche
export-start-form = Sie erhalten eine ZIP-Datei: eine Seite zum Lesen, dasselbe als Daten für Programme und eine Unterschrift, die die Herkunft beweist.
export-start-secrets = Ihr Passwort ist nicht dabei: Wir bewahren nur einen Einweg-Hash davon auf, aus dem sich das Passwort nicht zurückgewinnen lässt.
export-start-submit = Meine Daten zusammenstellen
export-start-fresh = Zu Ihrer Sicherheit müssen Sie sich vielleicht noch einmal anmelden.

export-ready-title = Ihre Daten sind bereit
export-ready-lead = Stand: { $date }. Der Link gilt bis { $until }, nur in diesem Browser und solange sich in Ihrem Konto nichts ändert.
export-ready-download = Herunterladen ({ $size })
export-ready-parts = Die Datei ist groß und kommt in { $count } Teilen. Laden Sie alle herunter und fügen Sie sie in dieser Reihenfolge zu einer ZIP-Datei zusammen.
export-ready-part = Teil { $number } von { $count } herunterladen
export-ready-keys-title = Wenn Sie die Herkunft später beweisen wollen
export-ready-keys = Heben Sie unsere öffentlichen Schlüssel daneben auf. Sie wechseln von Zeit zu Zeit.
export-ready-keys-link = Unsere öffentlichen Schlüssel
export-ready-private = Die Datei verrät viel über Sie. Bewahren Sie sie dort auf, wo nur Sie sie öffnen können.
export-ready-again = Eine neue Kopie erstellen
export-over-title = Diese Kopie ist nicht mehr verfügbar
export-over-text = Eine erstellte Kopie kann eine Stunde lang heruntergeladen werden, nur dort, wo Sie sie angefordert haben, und nur solange sich in Ihrem Konto nichts ändert. Sie wurde nicht gespeichert. Erstellen Sie eine neue.

## Die Seite im Paket: der Rahmen

export-title = Ihre Daten bei { $tenant }
export-lead = Alles, was { $tenant } in diesem Konto über Sie gespeichert hat. Stand: { $date }.
export-contents = Inhalt
export-files = export.json enthält dieselben Daten für Programme. manifest.json nennt jede Datei mit ihrer SHA-256-Prüfsumme, und manifest.jws ist unsere Unterschrift darunter.
export-none = Nichts.
export-yes = ja
export-no = nein
export-by = Erstellt von { $issuer }

## Ihre Abschnitte

export-account-title = Konto
export-account-text = Das Konto selbst.
export-account-sub = Ihre Nummer hier
export-account-status = Zustand
export-account-active = aktiv
export-account-disabled = von uns geschlossen
export-account-erasure_due = von Ihnen geschlossen, wird gelöscht
export-account-erased = gelöscht
export-account-created = Angelegt
export-account-roles = Rollen
export-account-hold = Darf aus rechtlichen Gründen nicht gelöscht werden seit

export-identifiers-title = Womit Sie sich anmelden
export-identifiers-text = Zusätzlich zu Ihrem Passwort. Wir kennen es nicht und bewahren nur einen Einweg-Hash davon auf.
export-identifiers-verified = Als Ihre bestätigt

export-profile-title = Profil
export-profile-text = Die Daten, die Sie eingegeben haben, und unsere Vermerke dazu.
export-profile-updated = Zuletzt geändert
export-claim-email = E-Mail-Adresse
export-claim-email_verified = E-Mail-Adresse ist als Ihre bestätigt
export-claim-locale = Sprache

export-elsewhere-title = Verknüpfte Anmeldedienste
export-elsewhere-text = Ihre Konten bei anderen Anmeldediensten, etwa bei dem, aus dem Ihr Konto importiert wurde.
export-elsewhere-issuer = Dienst
export-elsewhere-subject = Ihre Nummer dort
export-elsewhere-since = Bekannt seit

export-passkeys-title = Passkeys
export-passkeys-text = Die Passkeys, mit denen Sie sich anmelden, und die, die Sie in den letzten sieben Tagen entfernt haben.
export-passkeys-provider = Gespeichert in
export-passkeys-kind = Art
export-passkeys-synced = Wird vom Anbieter synchronisiert
export-passkeys-bound = Nur auf einem Gerät
export-passkeys-site = Seite
export-passkeys-since = Hinzugefügt
export-passkeys-used = Zuletzt benutzt
export-passkeys-removed = Entfernt
export-addresses-title = Änderungen der E-Mail-Adresse
export-addresses-text = Eine neue Adresse, die noch nicht bestätigt ist, und frühere Adressen, die noch wiederhergestellt werden können.
export-addresses-pending = Wartet auf Bestätigung
export-addresses-former = Frühere Adresse
export-addresses-email = Adresse
export-addresses-wrong = Falsche Codes bisher
export-addresses-locale = Sprache unserer Mail
export-addresses-until = Bis
export-addresses-changed = Ersetzt
export-addresses-undo = Kann zurückgeholt werden bis

export-protection-title = Schutz der Anmeldung
export-protection-text = Aufeinanderfolgende fehlgeschlagene Anmeldungen, die das Erraten von Passwörtern begrenzen, und die Geräte, auf denen Sie sich schon angemeldet haben.
export-protection-strangers = Von unbekannten Geräten
export-protection-device = Bekanntes Gerät { $device }
export-protection-count = Fehlgeschlagene Anmeldungen in Folge
export-protection-last = Die letzte
export-protection-remembered = Kein Code wird verlangt bis

export-sessions-title = Geräte
export-sessions-text = Browser, mit denen Sie sich angemeldet haben, auch abgemeldete. Von der Internetadresse speichern wir nur den Netzteil.
export-sessions-unknown = Unbekanntes Gerät
export-sessions-status = Zustand
export-sessions-live = angemeldet
export-sessions-ended = abgemeldet
export-sessions-expired = abgelaufen
export-sessions-network = Netz
export-sessions-sid = Nummer
export-sessions-opened = Angemeldet
export-sessions-proved = Letzter Nachweis
export-sessions-method = Nachweis durch
export-sessions-used = Zuletzt benutzt, auf die Stunde
export-sessions-idle = Endet ohne Benutzung
export-sessions-expires = Endet spätestens
export-sessions-signed-out = Abgemeldet
export-method-pwd = Passwort
export-method-mail = Code per E-Mail
export-method-totp = Code einer Authenticator-App
export-method-code = Wiederherstellungscode
export-method-passkey = Passkey
export-method-dev = gemerktes Gerät

export-applications-title = Zugriff von Anwendungen
export-applications-text = Was Anwendungen für Sie tun dürfen oder durften.
export-applications-id = Ihr Name für Programme
export-applications-status = Zustand
export-applications-code_issued = wird eingerichtet
export-applications-active = aktiv
export-applications-ended = beendet
export-applications-expired = abgelaufen
export-applications-revoked = widerrufen
export-applications-scope = Darf
export-applications-audience = Für
export-applications-redirect = Sie wurden zurückgeschickt an
export-applications-since = Seit
export-applications-taken = Übernommen
export-applications-renewed = Zuletzt erneuert
export-applications-renewals = Erneuerungen
export-applications-idle = Endet ohne Erneuerung
export-applications-revoked-at = Beendet
export-applications-reason = Warum
export-reason-client_request = die Anwendung wollte es
export-reason-code_replayed = ihr Code wurde zweimal vorgelegt
export-reason-refresh_reuse = ein verbrauchter Schlüssel wurde erneut vorgelegt
export-reason-withdrawn = Sie haben ihn entzogen oder das Gerät abgemeldet
export-applications-expires = Endet spätestens
export-applications-sid = Vom Gerät Nummer

export-consents-title = Was Sie erlaubt haben
export-consents-text = Worum Anwendungen gebeten und was Sie zugesagt haben.
export-consents-withdrawn = Entzogen

export-terms-title = Bedingungen
export-terms-text = Dokumente, denen Sie zugestimmt haben, in der Version, die Ihnen gezeigt wurde.
export-terms-version = Version
export-terms-accepted = Zugestimmt
export-terms-withdrawn = Widerrufen
export-terms-locale = Sprache
export-terms-evidence = SHA-256 des Textes
export-terms-not-evidenced = Der Text ist nicht belegt: Nur seine Adresse wurde festgehalten.
export-terms-url = Adresse des Textes

export-history-title = Was geschah
export-history-text = Die Aufzeichnungen Ihres Kontos, die neuesten zuerst. history.csv enthält alle Einzelheiten.
export-history-truncated = Es gibt mehr als { $count } Aufzeichnungen: Dies sind die neuesten. Fragen Sie uns nach den älteren.
export-history-when = Wann
export-history-what = Was
export-history-application = Anwendung
export-history-network = Netz

export-left-title = Was nicht darin steht
export-left-text = Manche Daten fehlen zu Ihrer eigenen Sicherheit, oder weil sie nichts über Sie aussagen:
export-left-password = Ihr Passwort: Wir bewahren nur einen Einweg-Hash davon auf, und dieser Export kann ihn nicht lesen
export-left-secrets = Hashes von Schlüsseln, die Ihre Geräte und Anwendungen haben, und die Daten, aus denen verschickte Codes entstehen: Ein Angreifer könnte sich damit als Sie ausgeben
export-left-technical = Zähler, Zeitstempel und interne Nummern, die der Speicher braucht
export-left-short = Registrierungen und Passwort-Rücksetzungen, die nicht abgeschlossen wurden: Sie laufen nach einer halben Stunde ab und lassen sich nicht über Ihren Namen finden

## Die Textdatei im Paket

export-readme-title = Ihre Daten bei { $tenant }
export-readme-open = Öffnen Sie export.html in einem Browser, um sie zu lesen.
export-readme-html = eine Seite zum Lesen und Drucken
export-readme-json = dasselbe für Programme
export-readme-schema = beschreibt export.json (JSON Schema)
export-readme-csv = was geschah, als Tabelle
export-readme-manifest = jede der obigen Dateien mit ihrer SHA-256-Prüfsumme
export-readme-jws = unsere Unterschrift unter manifest.json (JWS, ES256, Inhalt abgetrennt)
export-readme-verify = Um zu prüfen, dass nichts verändert wurde und alles von { $issuer } kommt: Holen Sie die öffentlichen Schlüssel von { $jwks } und führen Sie aus
export-readme-private = Die Datei verrät viel über Sie: Bewahren Sie sie dort auf, wo nur Sie sie öffnen können.
