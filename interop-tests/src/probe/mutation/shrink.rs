//! Reduces a request to the smallest one that still shows a difference, by delta debugging.
//!
//! This works on the TOML entry of the probe, so that new keys of probes are covered automatically. A missing key has
//! its default value, so removing a key simplifies the request. Invalid entries are skipped.

use std::time::{Duration, Instant};

use toml::{Table, Value};

use crate::probe::table::{self, Probe, entry};

/// The maximum number of requests.
const TRIES: usize = 400;

/// The maximum duration. A request without a response takes seconds.
const LIMIT: Duration = Duration::from_secs(40);

/// Keys that do not change the request.
const FIXED: [&str; 2] = ["name", "grade"];

/// In strings and arrays up to this length, each item is removed in turn.
const FEW: usize = 80;

/// The smallest request, starting from `probe`, for which `shows` is true. The error is that of `shows`.
pub(crate) fn shrink(
    probe: Probe,
    mut shows: impl FnMut(&Probe) -> Result<bool, String>,
) -> Result<Probe, String> {
    let Some(entry) = table(&probe) else { return Ok(probe) };
    let mut smallest = probe;
    let mut candidates = simpler(&entry).into_iter();
    let (mut tries, begin) = (0, Instant::now());
    while let Some(candidate) = candidates.next() {
        let Some(probe) = read(&candidate) else { continue };
        tries += 1;
        if tries > TRIES || begin.elapsed() > LIMIT {
            break;
        }
        if shows(&probe)? {
            smallest = probe;
            candidates = simpler(&candidate).into_iter();
        }
    }
    Ok(smallest)
}

/// The entry of `probe` as TOML.
fn table(probe: &Probe) -> Option<Value> {
    entry(probe).ok()?.parse::<Table>().ok().map(Value::Table)
}

/// The probe of an entry; `None` if the entry is invalid or the probe sends nothing.
fn read(entry: &Value) -> Option<Probe> {
    let probe = table::from_entry(&toml::to_string(entry).ok()?).ok()?;
    (!probe.actions.is_empty()).then_some(probe)
}

/// Values that are one step simpler than `value`, the largest steps first.
fn simpler(value: &Value) -> Vec<Value> {
    match value {
        Value::Table(table) => {
            let keys = || table.keys().filter(|key| !FIXED.contains(&&key[..]));
            let with = |key: &String, value: Option<Value>| {
                let mut table = table.clone();
                match value {
                    Some(value) => table.insert(key.clone(), value),
                    None => table.remove(key),
                };
                Value::Table(table)
            };
            let changed = keys().flat_map(|key| {
                simpler(&table[key]).into_iter().map(move |value| with(key, Some(value)))
            });
            keys().map(|key| with(key, None)).chain(changed).collect()
        }
        Value::Array(items) => {
            let changed = items.iter().enumerate().flat_map(|(at, item)| {
                simpler(item).into_iter().map(move |item| {
                    let mut items = items.clone();
                    items[at] = item;
                    items
                })
            });
            shorter(items, &[1]).into_iter().chain(changed).map(Value::Array).collect()
        }
        // Two characters are a byte in hex, four an escape.
        Value::String(text) => {
            let characters: Vec<_> = text.chars().collect();
            let shorter = shorter(&characters, &[4, 2, 1]).into_iter();
            shorter.map(|characters| Value::String(characters.iter().collect())).collect()
        }
        Value::Integer(number) if *number > 1 => vec![Value::Integer(number / 2)],
        _ => Vec::new(),
    }
}

/// Parts of `items`: nothing, each half, and if there are few items, all except some consecutive ones.
fn shorter<T: Clone>(items: &[T], steps: &[usize]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return Vec::new();
    }
    let half = (items.len() / 2).next_multiple_of(steps[0]).min(items.len());
    let mut all = vec![Vec::new()];
    if (1..items.len()).contains(&half) {
        all.extend([items[..half].to_vec(), items[half..].to_vec()]);
    }
    if items.len() <= FEW {
        for step in steps.iter().filter(|step| **step < items.len()) {
            let starts = (0..=items.len() - step).step_by(*step);
            all.extend(starts.map(|at| [&items[..at], &items[at + step..]].concat()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use crate::probe::table::entry;
    use crate::probe::table::{self, Probe};

    const LARGE: &str = "[[probe]]\nname = \"large\"\ngrade = \"client-visible\"\n\
        headers = [{ add = \"x-one\", value = \"1\" }, { add = \"x-two\", value = \"long value\", times = 40 }]\n\
        body = [{ message = \"0d00008041\" }, { raw = \"00112233\" }]\npriority = true\n\
        end = \"trailers\"\ntrailers = [{ add = \"x-three\", value = \"3\" }]\n\
        actions = [\"headers\", { ping = 3 }, \"body\"]\n";

    fn large() -> Probe {
        table::from_entry(LARGE).expect("the entry is invalid")
    }

    fn smallest(shows: impl Fn(&str) -> bool) -> String {
        let smallest = shrink(large(), |probe| Ok(shows(&entry(probe)?)));
        entry(&smallest.expect("no error")).expect("the entry is invalid")
    }

    #[test]
    fn irrelevant_parts_are_removed() {
        assert_eq!(smallest(|_| true), "[[probe]]\nname = \"large\"\ngrade = \"client-visible\"\n");
        let kept = smallest(|entry| entry.contains("x-two"));
        assert!(kept.ends_with("headers = [{ add = \"x-two\" }]\n"), "{kept}");
    }

    #[test]
    fn bytes_are_removed_one_by_one_and_numbers_halved() {
        let kept = smallest(|entry| entry.contains("22"));
        assert!(kept.ends_with("body = [{ raw = \"22\" }]\n"), "{kept}");
        let kept = smallest(|entry| entry.contains("ping"));
        assert!(kept.ends_with("actions = [{ ping = 1 }]\n"), "{kept}");
    }

    #[test]
    fn a_request_without_a_difference_is_not_changed_and_errors_stop() {
        assert_eq!(smallest(|_| false), entry(&large()).expect("the entry is invalid"));
        assert_eq!(shrink(large(), |_| Err("gone".to_owned())).err().as_deref(), Some("gone"));
    }
}
