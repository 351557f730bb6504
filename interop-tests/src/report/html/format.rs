//! Formats verdicts and numbers as text.
//!
//! A verdict has a symbol and a word in addition to its color, so that the page does not depend on colors.

use indicatif::HumanCount;
use serde::Serialize;

use crate::outcome::VerdictKind;
use crate::report::record::format::Counts;

use VerdictKind::{Failed, KnownDeviation, NotSupported, Passed, SetUpError, Skipped};

/// A verdict as text.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Shown {
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    pub(crate) symbol: &'static str,
    pub(crate) word: &'static str,
}

/// All verdicts, the most severe first.
pub(crate) const VERDICTS: [VerdictKind; 6] =
    [SetUpError, Failed, KnownDeviation, NotSupported, Skipped, Passed];

impl From<VerdictKind> for Shown {
    fn from(verdict: VerdictKind) -> Self {
        let (class, symbol) = match verdict {
            Passed => ("passed", "✓"),
            KnownDeviation => ("known-deviation", "≈"),
            NotSupported => ("not-supported", "–"),
            Skipped => ("skipped", "○"),
            Failed => ("failed", "✗"),
            SetUpError => ("set-up-error", "!"),
        };
        Self { class, symbol, word: verdict.name() }
    }
}

/// How many trials have a verdict.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Count {
    pub(crate) class: &'static str,
    symbol: &'static str,
    /// Such as `2 known deviations`.
    text: String,
}

/// The counts that are not zero, the most severe verdict first.
pub(crate) fn counted(counts: Counts) -> Vec<Count> {
    let given = VERDICTS.into_iter().filter(|verdict| counts.number(*verdict) > 0);
    let count = |verdict| {
        let Shown { class, symbol, .. } = Shown::from(verdict);
        let number = counts.number(verdict);
        Count { class, symbol, text: format!("{} {}", grouped(number), verdict.plural(number)) }
    };
    given.map(count).collect()
}

/// `number` with separators, such as `7,698`.
pub(crate) fn grouped(number: usize) -> String {
    HumanCount(u64::try_from(number).unwrap_or(u64::MAX)).to_string()
}

/// A duration such as `12 ms` or `1.5 s`.
pub(crate) fn duration(milliseconds: f64) -> String {
    match milliseconds {
        short if short < 9.95 => format!("{short:.1} ms"),
        middle if middle < 999.5 => format!("{middle:.0} ms"),
        long if long < 99_950.0 => format!("{:.1} s", long / 1000.0),
        longer => format!("{:.0} s", longer / 1000.0),
    }
}

/// The fragment of a link to the trial or group `name`. The browser escapes all other characters.
pub(crate) fn fragment(name: &str) -> String {
    format!("#{}", name.replace('%', "%25").replace('?', "%3F"))
}

/// `number` with `noun` in the singular or plural, such as `2 trials`.
pub(crate) fn plural(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let numbers = [0, 12, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "12", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(plural(1, "trial"), "1 trial");
        assert_eq!(plural(1_000, "trial"), "1,000 trials");
    }

    #[test]
    fn durations_are_rounded() {
        let durations = [1.26, 9.96, 999.4, 999.6, 99_949.0, 99_951.0].map(duration);
        assert_eq!(durations, ["1.3 ms", "10 ms", "999 ms", "1.0 s", "99.9 s", "100 s"]);
    }

    #[test]
    fn a_fragment_has_no_query_of_its_own() {
        assert_eq!(fragment("calls/a?b%c"), "#calls/a%3Fb%25c");
    }

    #[test]
    fn the_worst_verdict_comes_first() {
        let counts = Counts { passed: 1_000, known_deviations: 2, failed: 1, ..Counts::default() };
        let texts: Vec<_> = counted(counts).into_iter().map(|count| count.text).collect();
        assert_eq!(texts, ["1 failed", "2 known deviations", "1,000 passed"]);
    }
}
