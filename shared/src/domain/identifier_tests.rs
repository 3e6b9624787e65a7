use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Pairs of typed text and canonical address (security 106).
fn collisions() -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let wide = |c: char| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xfee0).unwrap() } else { c };
    for local in ["ada", "ada.lovelace", "a+b", "o'neil", "x_y-z", "1815", "kelvin", "sky", "file", "desk"] {
        for domain in
            ["example.com", "mail.example.co.uk", "bücher.example", "straße.example", "παράδειγμα.example", "例え.example"]
        {
            let canonical = EmailAddress::parse(&format!("{local}@{domain}")).unwrap().as_str().to_owned();
            let same = [
                format!(" {local}@{domain}"),
                format!("{local}@{domain}\t"),
                format!("\u{a0}{local}@{domain}\u{3000}"),
                format!("{}@{domain}", local.to_uppercase()),
                format!("{local}@{}", domain.replace('.', "\u{3002}")),
                format!("{local}@{}", domain.replace("e", "E")),
                format!("{}@{domain}", local.chars().map(wide).collect::<String>()),
                format!("{}@{domain}", local.replace('k', "\u{212a}")),
            ];
            pairs.extend(same.into_iter().map(|typed| (typed, canonical.clone())));
        }
    }
    pairs
}

/// Texts that must be refused: each is one character, or one change of structure, away from a valid address (security 106).
fn refusals() -> Vec<String> {
    let mut typed = Vec::new();
    let invisible = [
        '\0',
        '\r',
        '\n',
        '\u{b}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{200f}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{fe0f}',
        '\u{3164}',
        '\u{fffd}',
        '\u{e0041}',
        ' ',
    ];
    for c in invisible {
        for shape in ["a{}da@example.com", "ada{}@example.com", "ada@{}example.com", "ada@exam{}ple.com", "ada@example{}.com"] {
            typed.push(shape.replace("{}", &c.to_string()));
        }
        if c != ' ' {
            typed.push(format!("{c}ada@example.com"));
            typed.push(format!("ada@example.com{c}"));
        }
    }
    let shapes = [
        "",
        " ",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "ada@@example.com",
        "ada@x@example.com",
        "ada＠x@example.com",
        "ada@example",
        "ada@.com",
        "ada@example..com",
        "ada@example.com.",
        "ada@.example.com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@exa_mple.com",
        "ada@127.0.0.1",
        "ada@[127.0.0.1]",
        "ada@[IPv6:::1]",
        "ada@1.2.3.4.5",
        "\"ada\"@example.com",
        "\"a@b\"@example.com",
        "a\\da@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "ada(x)@example.com",
        "ada,bob@example.com",
        "ada;bob@example.com",
        "ada@example.com,bob@example.com",
        "ada@example.com;bob@example.com",
        "<ada@example.com>",
        "Ada <ada@example.com>",
        "mailto:ada@example.com",
        "ada:x@example.com",
        "ada@example.com:25",
        "ada@example.com/x",
        "ada@example.com?x",
        "ada@example.com#x",
        "ada@ex%61mple.com",
        "ада@example.com",
        "ädä@example.com",
        "ıda@example.com",
        "ada@xn--",
        "ada@xn--a.example",
        "ada@xn--example-.com",
        "ada@exam\u{ff0f}ple.com",
        "ada@a\u{2024}\u{2024}b.example",
        "[ada@example.com]",
        "{\"a\":1}",
        "ada@example.com\r\nBcc: bob@example.com",
    ];
    typed.extend(shapes.map(str::to_owned));
    typed.push(format!("{}@example.com", "a".repeat(65)));
    typed.push(format!("ada@{}.com", "a".repeat(64)));
    typed.push(format!("ada@{}.com", ["a"; 130].join(".")));
    typed.push(format!("ada@{}com", format!("{}.", "a".repeat(60)).repeat(5)));
    typed.push("a".repeat(1_000_000));
    typed.push(format!("{}@example.com", "\u{fdfa}".repeat(300)));
    typed
}

#[test]
fn security_106_all_spellings_of_an_address_have_one_canonical_form() {
    let pairs = collisions();
    let refused = refusals();
    assert!(pairs.len() + refused.len() >= 500, "{} and {}", pairs.len(), refused.len());
    for (typed, canonical) in pairs {
        let address = EmailAddress::parse(&typed).unwrap_or_else(|error| panic!("{typed:?}: {error}"));
        assert_eq!(address.as_str(), canonical, "{typed:?}");
    }
    for typed in refused {
        let short: String = typed.chars().take(60).collect();
        assert!(EmailAddress::parse(&typed).is_err(), "{short:?} must be refused");
    }
}

#[test]
fn security_106_a_canonical_form_is_unchanged_when_parsed_again() {
    for (typed, _) in collisions() {
        let once = EmailAddress::parse(&typed).unwrap();
        assert_eq!(EmailAddress::parse(once.as_str()).unwrap(), once, "{typed:?}");
        assert!(once.as_str().is_ascii() && once.as_str().len() <= 254);
    }
}

#[test]
fn different_addresses_stay_different() {
    let different = [
        "ada@example.com",
        "a.da@example.com",
        "ada+x@example.com",
        "ada@example.org",
        "ada@sub.example.com",
        "ada1@example.com",
    ];
    let canonical: BTreeSet<_> =
        different.iter().map(|typed| EmailAddress::parse(typed).unwrap().as_str().to_owned()).collect();
    assert_eq!(canonical.len(), different.len());
}

#[test]
fn every_refusal_has_its_reason() {
    use InvalidEmail as E;
    let reasons: BTreeMap<&str, E> = [
        ("", E::Empty),
        ("ada", E::NotOneAt),
        ("a@b@example.com", E::NotOneAt),
        ("a\u{200b}da@example.com", E::ForbiddenCharacter),
        ("\"ada\"@example.com", E::LocalPart),
        ("ada@example", E::Domain),
    ]
    .into();
    for (typed, reason) in reasons {
        assert_eq!(EmailAddress::parse(typed), Err(reason), "{typed:?}");
    }
    assert_eq!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))), Err(E::TooLong));
}

#[test]
fn an_address_is_never_printed() {
    assert_eq!(format!("{:?}", EmailAddress::parse("ada@example.com").unwrap()), "EmailAddress(…)");
}

proptest::proptest! {
    /// security 106: an accepted address is canonical, and is accepted again unchanged.
    #[test]
    fn security_106_an_accepted_address_is_canonical(typed in r"[\PC\x00-\x1f]{0,20}@[\PC.]{0,20}\.[\p{L}]{1,8}") {
        if let Ok(address) = EmailAddress::parse(&typed) {
            proptest::prop_assert!(address.as_str().is_ascii());
            proptest::prop_assert!(address.as_str().len() <= 254);
            proptest::prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
            proptest::prop_assert_eq!(EmailAddress::parse(&address.as_str().to_uppercase()), Ok(address));
        }
    }
}
