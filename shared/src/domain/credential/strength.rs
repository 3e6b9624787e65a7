//! Estimates the number of guesses of a password, and advises how to raise it (security 65).

use super::flaw::{Advice, PasswordFlaw};
use zxcvbn::feedback::{Suggestion, Warning};

/// Only this many characters are estimated: a password that is weak in 64 characters is refused, and the work stays bounded
/// (fault T16).
const ESTIMATED_CHARACTERS: usize = 64;
/// Maximum number of context words for the estimate. Each is truncated, because they are user input too.
const ESTIMATED_CONTEXT: usize = 16;

pub(super) fn check(password: &str, context: &[&str], least: u8) -> Result<(), PasswordFlaw> {
    if least == 0 {
        return Ok(());
    }
    let cut = |text: &str| text.chars().take(ESTIMATED_CHARACTERS).collect::<String>();
    let words: Vec<String> = context.iter().take(ESTIMATED_CONTEXT).map(|word| cut(&word.to_lowercase())).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let estimate = zxcvbn::zxcvbn(&cut(password), &words);
    if u8::from(estimate.score()) >= least {
        return Ok(());
    }
    let feedback = estimate.feedback();
    let advice = feedback
        .and_then(zxcvbn::feedback::Feedback::warning)
        .map(advice_for_warning)
        .or_else(|| feedback.and_then(|feedback| feedback.suggestions().first().copied()).map(advice_for_suggestion));
    Err(PasswordFlaw::TooWeak(advice))
}

fn advice_for_warning(warning: Warning) -> Advice {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess
        | Warning::ShortKeyboardPatternsAreEasyToGuess
        | Warning::SequencesLikeAbcAreEasyToGuess => Advice::AvoidSequences,
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            Advice::AvoidRepetition
        }
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => Advice::AvoidDates,
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess => {
            Advice::AvoidNames
        }
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword
        | Warning::AWordByItselfIsEasyToGuess => Advice::AddWords,
    }
}

fn advice_for_suggestion(suggestion: Suggestion) -> Advice {
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases
        | Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters
        | Suggestion::AddAnotherWordOrTwo => Advice::AddWords,
        Suggestion::CapitalizationDoesntHelpVeryMuch
        | Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase
        | Suggestion::ReversedWordsArentMuchHarderToGuess
        | Suggestion::PredictableSubstitutionsDontHelpVeryMuch => Advice::TricksAreGuessed,
        Suggestion::UseALongerKeyboardPatternWithMoreTurns | Suggestion::AvoidSequences => Advice::AvoidSequences,
        Suggestion::AvoidRepeatedWordsAndCharacters => Advice::AvoidRepetition,
        Suggestion::AvoidRecentYears
        | Suggestion::AvoidYearsThatAreAssociatedWithYou
        | Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => Advice::AvoidDates,
    }
}
