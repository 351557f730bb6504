//! The texts of a peers file that contain placeholders.
//!
//! Only `{name}` is a placeholder. All other braces stay as they are, so the JSON and the `${VARIABLES}` of a command
//! need no quoting.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

/// A text with placeholders of the form `{name}`. A name begins with `a-z` and contains only `a-z`, `0-9` and `-`.
/// `${name}` is not a placeholder, and `{{` stands for a brace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Spanned<String>")]
pub struct Template {
    pieces: Vec<Piece>,
    /// Where it is in its file.
    span: Range<usize>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    /// The name of a placeholder.
    Placeholder(String),
}

impl From<Spanned<String>> for Template {
    fn from(text: Spanned<String>) -> Self {
        Self { pieces: pieces(text.get_ref()), span: text.span() }
    }
}

impl Template {
    /// A text that contains no placeholders, whatever its braces.
    pub(crate) fn of_text(text: String) -> Self {
        Self { pieces: vec![Piece::Text(text)], span: Range::default() }
    }

    /// A template that is not in a file, such as the value of an argument.
    pub(crate) fn parse(text: &str) -> Self {
        Self { pieces: pieces(text), span: Range::default() }
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The names of its placeholders.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Placeholder(name) => Some(&name[..]),
        })
    }

    /// Whether it contains the placeholder `{name}`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.placeholders().any(|other| other == name)
    }

    /// Replaces the placeholders in `values` with other templates. The placeholders of those remain.
    pub(crate) fn expand(&mut self, values: &BTreeMap<String, Self>) {
        let expanded = self.pieces.drain(..).flat_map(|piece| match &piece {
            Piece::Placeholder(name) => {
                values.get(name).map_or_else(|| vec![piece], |value| value.pieces.clone())
            }
            Piece::Text(_) => vec![piece],
        });
        self.pieces = expanded.collect();
    }

    /// The text in which each placeholder is replaced with its `value`; without a value it remains.
    pub(crate) fn try_fill<E>(
        &self,
        value: impl Fn(&str) -> Result<Option<String>, E>,
    ) -> Result<String, E> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Placeholder(name) => {
                    text.push_str(&value(name)?.unwrap_or_else(|| format!("{{{name}}}")));
                }
            }
        }
        Ok(text)
    }

    /// The template in which each placeholder is replaced with its `value`; without a value it remains.
    pub(crate) fn filled(&self, value: impl Fn(&str) -> Option<String>) -> Self {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Placeholder(name) => value(name).map_or_else(|| piece.clone(), Piece::Text),
            Piece::Text(_) => piece.clone(),
        });
        Self { pieces: pieces.collect(), span: self.span() }
    }
}

/// The text with its placeholders.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(text) = self.try_fill(|_| Ok::<_, Infallible>(None));
        f.write_str(&text)
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut before = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (text, from_brace) = rest.split_at(at);
        before.push_str(text);
        if let Some(after) = from_brace.strip_prefix("{{") {
            before.push('{');
            rest = after;
        } else if let Some((name, after)) = name_in(&from_brace[1..])
            && !before.ends_with('$')
        {
            pieces.extend((!before.is_empty()).then(|| Piece::Text(std::mem::take(&mut before))));
            pieces.push(Piece::Placeholder(name.to_owned()));
            rest = after;
        } else {
            before.push('{');
            rest = &from_brace[1..];
        }
    }
    before.push_str(rest);
    pieces.extend((!before.is_empty()).then_some(Piece::Text(before)));
    pieces
}

/// The name at the start of `text` that ends with `}`, and what follows.
fn name_in(text: &str) -> Option<(&str, &str)> {
    text.split_once('}').filter(|(name, _)| is_name(name))
}

/// Whether `word` can be the name of a placeholder.
pub(crate) fn is_name(word: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Template::parse(text).placeholders().map(str::to_owned).collect()
    }

    fn filled(text: &str) -> String {
        let value = |name: &str| (name == "a-1").then(|| "<{b}>".to_owned());
        Template::parse(text).filled(value).to_string()
    }

    #[test]
    fn only_names_in_braces_are_placeholders() {
        assert_eq!(names("{a}{b-2} {c}"), ["a", "b-2", "c"]);
        for text in
            ["", "a", "{}", "{A}", "{a b}", "{1}", "{-a}", "{\"a\": 1}", "${a}", "{{a}", "{a", "a}"]
        {
            assert_eq!(names(text), [""; 0], "{text}");
        }
        assert_eq!(names("{{{a}"), ["a"]);
        assert_eq!(names("{ {a}"), ["a"]);
    }

    #[test]
    fn values_replace_placeholders_once() {
        assert_eq!(
            filled("{a-1}/{c}/${a-1}/{{a-1}/{\"x\":{}}"),
            "<{b}>/{c}/${a-1}/{a-1}/{\"x\":{}}"
        );
    }

    #[test]
    fn the_placeholders_of_a_value_remain() {
        let mut template = Template::parse("{home}/{port}");
        template.expand(&BTreeMap::from([("home".to_owned(), Template::parse("{root}/go"))]));
        assert_eq!(template.to_string(), "{root}/go/{port}");
        assert!(template.has("root") && !template.has("home"));
    }

    #[test]
    fn a_template_knows_its_position() {
        let table: BTreeMap<String, Vec<Template>> =
            toml::from_str("a = ['x', '{b}']").expect("the table is invalid");
        let spans: Vec<_> = table["a"].iter().map(Template::span).collect();
        assert_eq!(spans, [5..8, 10..15]);
    }
}
