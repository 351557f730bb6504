//! Families of entries: an entry with the key `for` stands for one entry per value of its list.
//!
//! Families are expanded between parsing and deserialization. So TOML syntax is respected, and errors still name the
//! line of the wrong value.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// The key that makes an entry a family.
const KEY: &str = "for";

/// An error in a family: the position and the message.
pub(crate) type FamilyError = (Range<usize>, &'static str);

/// Replaces each family in the list `key` of `document` with its members.
///
/// In strings, `{}` is replaced by the value of the member, and `{0}`, `{1}`, … by its elements if it is a list. A
/// string that contains only a placeholder becomes the value itself, which can be a number.
pub(crate) fn expand(document: &mut DeTable<'_>, key: &str) -> Result<(), FamilyError> {
    let Some(DeValue::Array(entries)) = document.get_mut(key).map(Spanned::get_mut) else {
        return Ok(());
    };
    for mut entry in std::mem::replace(entries, DeArray::new()) {
        let values = match entry.get_mut() {
            DeValue::Table(table) => table.remove(KEY),
            _ => None,
        };
        let Some(values) = values else {
            entries.push(entry);
            continue;
        };
        let DeValue::Array(members) = values.get_ref() else {
            return Err(wrong(&values));
        };
        for member in members {
            let mut entry = entry.clone();
            fill_in(&mut entry, &placeholders(member)?);
            entries.push(entry);
        }
    }
    Ok(())
}

/// A placeholder, its value, and its value as text.
type Placeholder<'a, 'i> = (String, &'a DeValue<'i>, String);

fn placeholders<'a, 'i>(
    member: &'a Spanned<DeValue<'i>>,
) -> Result<Vec<Placeholder<'a, 'i>>, FamilyError> {
    let placeholder = |name: String, value: &'a Spanned<DeValue<'i>>| match value.get_ref() {
        DeValue::String(text) => Ok((name, value.get_ref(), text.to_string())),
        DeValue::Integer(number) => Ok((name, value.get_ref(), number.to_string())),
        _ => Err(wrong(value)),
    };
    match member.get_ref() {
        DeValue::Array(values) => {
            (0..).zip(values).map(|(n, value)| placeholder(format!("{{{n}}}"), value)).collect()
        }
        _ => Ok(vec![placeholder("{}".to_owned(), member)?]),
    }
}

fn wrong(value: &Spanned<DeValue<'_>>) -> FamilyError {
    (value.span(), "`for` must be a list of strings and integers, or of lists of these")
}

fn fill_in<'i>(value: &mut Spanned<DeValue<'i>>, placeholders: &[Placeholder<'_, 'i>]) {
    match value.get_mut() {
        DeValue::String(text) => {
            if let Some((_, value_of_member, _)) =
                placeholders.iter().find(|(name, ..)| name == text)
            {
                *value.get_mut() = (*value_of_member).clone();
                return;
            }
            for (name, _, shown) in placeholders {
                if text.contains(name.as_str()) {
                    *text = text.replace(name.as_str(), shown).into();
                }
            }
        }
        DeValue::Array(values) => values.iter_mut().for_each(|value| fill_in(value, placeholders)),
        DeValue::Table(table) => {
            table.iter_mut().for_each(|(_, value)| fill_in(value, placeholders));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use toml::de::{DeTable, Deserializer};

    use super::expand;

    fn expanded(text: &str) -> Result<Vec<toml::Value>, (usize, String)> {
        #[derive(Deserialize)]
        struct File {
            entry: Vec<toml::Value>,
        }
        let line = |offset: usize| text[..offset].lines().count();
        let mut document = DeTable::parse(text).expect("invalid TOML");
        expand(document.get_mut(), "entry")
            .map_err(|(span, message)| (line(span.end), message.to_owned()))?;
        Ok(File::deserialize(Deserializer::from(document)).expect("the entries are invalid").entry)
    }

    fn keys(text: &str, key: &str) -> Vec<String> {
        expanded(text)
            .expect("the family is invalid")
            .iter()
            .map(|entry| entry[key].to_string())
            .collect()
    }

    #[test]
    fn an_entry_is_repeated_for_each_value() {
        let text = "[[entry]]\nname = 'x'\n[[entry]]\nname = 'a-{}'\nfor = [1, 'two']\n";
        assert_eq!(keys(text, "name"), [r#""x""#, r#""a-1""#, r#""a-two""#]);
    }

    #[test]
    fn a_string_that_is_only_a_placeholder_becomes_the_value() {
        let text = "[[entry]]\nfor = [1, 2]\nk = [{ n = '{}', s = '0{}' }]\n";
        assert_eq!(keys(text, "k"), [r#"[{ n = 1, s = "01" }]"#, r#"[{ n = 2, s = "02" }]"#]);
    }

    #[test]
    fn spaces_and_line_breaks_are_ignored() {
        for list in ["for=[1,2]", "for = [ # ]\n  1, # ]\n  2,\n]", "'for' = [1, 2]"] {
            assert_eq!(
                keys(&format!("[[entry]]\n{list}\nk = '{{}}'\n"), "k"),
                ["1", "2"],
                "{list}"
            );
        }
    }

    #[test]
    fn the_elements_of_nested_lists_have_numbers() {
        let text = "[[entry]]\nfor = [['a', 1], ['}]', 2]]\nname = '{0}-{1}'\nk = '{1}'\n";
        assert_eq!(keys(text, "name"), [r#""a-1""#, r#""}]-2""#]);
        assert_eq!(keys(text, "k"), ["1", "2"]);
    }

    #[test]
    fn a_string_that_looks_like_a_family_is_none() {
        let text = "[[entry]]\nname = '''\nfor = [1, 2]\n{}'''\n";
        assert_eq!(keys(text, "name"), ["\"\"\"\nfor = [1, 2]\n{}\"\"\""]);
        let about = "[[entry]]\nabout = 'for = [3, {}'\nfor = [1]\n";
        assert_eq!(keys(about, "about"), [r#""for = [3, 1""#]);
    }

    #[test]
    fn invalid_families_are_rejected_with_their_line() {
        for (list, line) in [("1", 2), ("[true]", 2), ("[\n1,\n[[2]]]", 4), ("[{ a = 1 }]", 2)] {
            let error = expanded(&format!("[[entry]]\nfor = {list}\n")).expect_err(list);
            assert_eq!(error.0, line, "{list}");
        }
    }

    #[test]
    fn an_error_in_a_member_is_at_its_own_line() {
        #[derive(Debug, Deserialize)]
        struct File {
            #[expect(dead_code, reason = "never read")]
            entry: Vec<Entry>,
        }
        #[derive(Debug, Deserialize)]
        struct Entry {
            #[expect(dead_code, reason = "never read")]
            k: String,
        }
        let text = "[[entry]]\nfor = [1]\n\nk = '{}'\n";
        let mut document = DeTable::parse(text).expect("invalid TOML");
        expand(document.get_mut(), "entry").expect("the family is invalid");
        let error = File::deserialize(Deserializer::from(document)).expect_err("no string");
        assert_eq!(error.span().map(|span| &text[span]), Some("'{}'"));
    }
}
