//! A story as it is written: a configuration, then lines in the order of time.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// 2026-02-10, 01:00 UTC: the moment that offsets count from.
pub(crate) const START: i64 = 1_770_685_200_000_000_000;

/// Words of a line: bare ones in order, and `key=value` (or `key>=value`, `key<=value`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    pub(crate) line: usize,
    pub(crate) bare: Vec<String>,
    pub(crate) pairs: Vec<(String, Is, String)>,
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Is {
    Equal,
    AtLeast,
    AtMost,
}

impl Words {
    fn read(line: usize, text: &str) -> Words {
        let mut words = Words { line, ..Words::default() };
        for word in text.split_whitespace() {
            // Only the first sign counts: a value may hold others.
            match word.find('=') {
                Some(at) if at > 0 => {
                    let (key, value) = (&word[..at], word[at + 1..].to_owned());
                    let (key, is) = match key.as_bytes()[at - 1] {
                        b'>' => (&key[..at - 1], Is::AtLeast),
                        b'<' => (&key[..at - 1], Is::AtMost),
                        _ => (key, Is::Equal),
                    };
                    words.pairs.push((key.to_owned(), is, value));
                }
                Some(_) | None => words.bare.push(word.to_owned()),
            }
        }
        words
    }

    /// The value of a key that may be missing.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, ..)| name == key).map(|(_, _, value)| value.as_str())
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&self, key: &str) -> Result<&str, String> {
        self.get(key).ok_or_else(|| format!("line {}: {key}= is missing", self.line))
    }

    /// The bare word at a place.
    pub(crate) fn word(&self, at: usize) -> Result<&str, String> {
        let word = self.bare.get(at).map(String::as_str);
        word.ok_or_else(|| format!("line {}: word {} is missing", self.line, at + 1))
    }

    /// Refuses keys that a statement does not know.
    pub(crate) fn only(&self, keys: &[&str]) -> Result<(), String> {
        match self.pairs.iter().find(|(name, ..)| !keys.contains(&name.as_str())) {
            Some((name, ..)) => Err(format!("line {}: {name}= means nothing here", self.line)),
            None => Ok(()),
        }
    }
}

/// Something that happens, and what is expected to follow.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) at: i64,
    pub(crate) event: Words,
    pub(crate) expected: Vec<Words>,
}

#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) config: Value,
    pub(crate) steps: Vec<Step>,
}

impl Story {
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Story, String> {
        let text = std::fs::read_to_string(folder.join(format!("{name}.txt")))
            .map_err(|error| error.to_string())?;
        let mut config = None;
        let mut steps: Vec<Step> = Vec::new();
        let mut now = 0;
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.split(" #").next().unwrap_or_default().trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let told = |problem: String| format!("line {line}: {problem}");
            if let Some(name) = text.strip_prefix("config ") {
                let path = folder.join("configs").join(format!("{}.json", name.trim()));
                let text =
                    std::fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
                config = Some(serde_json::from_str(&text).map_err(|e| told(e.to_string()))?);
            } else if let Some(setting) = text.strip_prefix("set ") {
                let config = config.as_mut().ok_or_else(|| told("config comes first".into()))?;
                let (path, value) =
                    setting.split_once('=').ok_or_else(|| told("set path=value".into()))?;
                set(config, path.trim(), value.trim()).map_err(told)?;
            } else if let Some(expected) = text.strip_prefix("expect ") {
                let step = steps.last_mut().ok_or_else(|| told("nothing happened yet".into()))?;
                step.expected.push(Words::read(line, expected));
            } else {
                let mut event = Words::read(line, text);
                if event.pairs.first().is_none_or(|(key, ..)| key != "at") {
                    return Err(told("a step begins with at=".into()));
                }
                let (_, _, at) = event.pairs.remove(0);
                now = match at.strip_prefix('+') {
                    Some(later) => now + span(later).map_err(told)?,
                    None => span(&at).map_err(told)?,
                };
                steps.push(Step { at: now, event, expected: Vec::new() });
            }
        }
        let config = config.ok_or("no configuration is named")?;
        Ok(Story { config, steps })
    }
}

/// Sets one value of a configuration: lists are entered by `name` or place, durations have units,
/// and texts stay texts.
pub(crate) fn set(config: &mut Value, path: &str, text: &str) -> Result<(), String> {
    let mut at = config;
    let mut rest = path;
    loop {
        // Names may hold points, so the longest key that is there is taken.
        let (key, after) = step_of(at, rest).ok_or(format!("{path}: nothing is at {rest}"))?;
        let child = match at {
            Value::Array(rows) => {
                let place = place(rows, &key).ok_or(format!("{path}: no entry {key}"))?;
                &mut rows[place]
            }
            Value::Object(rows) => rows.entry(key.clone()).or_insert(Value::Null),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(format!("{path}: {key} is inside a plain value"));
            }
        };
        let Some(after) = after else {
            *child = value(child, &key, text).map_err(|why| format!("{path}: {why}"))?;
            return Ok(());
        };
        at = child;
        rest = after;
    }
}

fn step_of<'a>(at: &Value, rest: &'a str) -> Option<(String, Option<&'a str>)> {
    let mut ends: Vec<usize> = rest.match_indices('.').map(|(end, _)| end).collect();
    ends.push(rest.len());
    let known = |key: &str| match at {
        Value::Array(rows) => place(rows, key).is_some(),
        Value::Object(rows) => rows.contains_key(key),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    let end = ends.iter().rev().find(|end| known(&rest[..**end]));
    // A key that is not there yet can only be the last one.
    let end = end.copied().or_else(|| (!rest.contains('.')).then_some(rest.len()))?;
    Some((rest[..end].to_owned(), rest.get(end + 1..)))
}

fn place(rows: &[Value], key: &str) -> Option<usize> {
    let named = |row: &Value| {
        ["name", "instrument", "product"].iter().any(|of| row.get(of).is_some_and(|it| it == key))
    };
    let number = key.parse().ok().filter(|at| *at < rows.len());
    number.or_else(|| rows.iter().position(named))
}

fn value(before: &Value, key: &str, text: &str) -> Result<Value, String> {
    if key.ends_with("_ns") && text != "null" {
        return Ok(span(text)?.into());
    }
    if before.is_string() && !text.starts_with(['[', '{']) && text != "null" {
        return Ok(text.into());
    }
    let mut value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    moments(&mut value)?;
    Ok(value)
}

/// `"@10min"` inside a value is the moment so long after the start.
fn moments(value: &mut Value) -> Result<(), String> {
    match value {
        Value::String(text) if text.starts_with('@') => {
            *value = (START + span(&text[1..])?).into();
        }
        Value::Array(rows) => rows.iter_mut().try_for_each(moments)?,
        Value::Object(rows) => rows.values_mut().try_for_each(moments)?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

/// A length of time with its unit, in ns; zero needs none.
pub(crate) fn span(text: &str) -> Result<i64, String> {
    const UNITS: [(&str, i64); 7] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("min", 60_000_000_000),
        ("s", 1_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ];
    if text == "0" {
        return Ok(0);
    }
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(unit));
    let (unit, ns) = unit.ok_or(format!("{text}: a time needs a unit"))?;
    let number = text[..text.len() - unit.len()].parse::<i64>();
    number.map(|number| number * ns).map_err(|_| format!("{text}: not a time"))
}

/// The keys of a map of what was told, for comparing.
pub(crate) type Told = BTreeMap<String, String>;
