//! Verdicts and numbers as the page writes them.
//!
//! A verdict is a symbol and a word, and a colour only beside: the page is read without colours too.

use serde::Serialize;

use crate::outcome::verdict::VerdictKind;
use crate::report::record::counts::Counts;

/// A verdict as the page writes it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Shown {
    /// What the style sheet calls it.
    pub(crate) class: &'static str,
    pub(crate) symbol: &'static str,
    pub(crate) word: &'static str,
}

/// All verdicts, the worst first.
pub(crate) const VERDICTS: [VerdictKind; 6] = [
    VerdictKind::SetUpError,
    VerdictKind::Failed,
    VerdictKind::KnownDeviation,
    VerdictKind::NotSupported,
    VerdictKind::Skipped,
    VerdictKind::Passed,
];

impl From<VerdictKind> for Shown {
    fn from(verdict: VerdictKind) -> Self {
        let (class, symbol) = match verdict {
            VerdictKind::Passed => ("passed", "✓"),
            VerdictKind::KnownDeviation => ("known-deviation", "≈"),
            VerdictKind::NotSupported => ("not-supported", "–"),
            VerdictKind::Skipped => ("skipped", "○"),
            VerdictKind::Failed => ("failed", "✗"),
            VerdictKind::SetUpError => ("set-up-error", "!"),
        };
        Self { class, symbol, word: verdict.name() }
    }
}

/// How often a verdict was given.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Count {
    pub(crate) class: &'static str,
    symbol: &'static str,
    /// `2 known deviations`.
    text: String,
}

/// The verdicts that were given, the worst first.
pub(crate) fn counted(counts: Counts) -> Vec<Count> {
    let number = |verdict| *{ counts }.of_kind(verdict);
    let given = VERDICTS.into_iter().filter(|verdict| number(*verdict) > 0);
    let count = |verdict| {
        let Shown { class, symbol, word } = Shown::from(verdict);
        let text = match verdict {
            VerdictKind::KnownDeviation | VerdictKind::SetUpError => plural(number(verdict), word),
            _ => format!("{} {word}", grouped(number(verdict))),
        };
        Count { class, symbol, text }
    };
    given.map(count).collect()
}

/// `7,698`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12 ms`, `1.5 s`.
pub(crate) fn duration(milliseconds: f64) -> String {
    match milliseconds {
        short if short < 9.95 => format!("{short:.1} ms"),
        middle if middle < 999.5 => format!("{middle:.0} ms"),
        long if long < 99_950.0 => format!("{:.1} s", long / 1000.0),
        longer => format!("{:.0} s", longer / 1000.0),
    }
}

/// A trial's or a cell's name as the fragment of a link; the browser escapes all else itself.
pub(crate) fn fragment(name: &str) -> String {
    format!("#{}", name.replace('%', "%25").replace('?', "%3F"))
}

/// What follows a number of `noun`s.
pub(crate) fn plural(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}
