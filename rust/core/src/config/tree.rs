//! JSON as a tree with paths: every value is read through a [`Node`] that knows where it stands,
//! so that a refusal can name the field, what was found there and what was expected.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{MONEY_MAX, RATE_DEN_MAX};
use crate::error::ConfigError;
use crate::num::{Decimal, Money, Ratio};
use crate::time::Span;

/// The value, or what was wrong with it.
pub(super) type Checked<T> = Result<T, ConfigError>;

/// Longest name, in bytes.
pub(super) const NAME_MAX: usize = 64;

/// A JSON value; objects keep their order and their repeated keys, so that those can be refused.
#[derive(Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is not a whole one of 64 bits, as text; refused wherever it stands.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one JSON value and refuses repeated keys.
    pub(super) fn parse(bytes: &[u8]) -> Checked<Json> {
        let json: Json = serde_json::from_slice(bytes).map_err(|problem| {
            let place = format!("line {} column {}", problem.line(), problem.column());
            let text = String::from_utf8_lossy(bytes.get(..120).unwrap_or(bytes)).into_owned();
            ConfigError::new(place, text, format!("valid JSON: {problem}"))
        })?;
        Node::root(&json).refuse_repeated_keys()?;
        Ok(json)
    }

    /// Appends the value with sorted keys and without white space: equal values, equal bytes.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Int(value) => out.push_str(&value.to_string()),
            Json::Number(text) => out.push_str(text),
            Json::Text(text) => write_text(text, out),
            Json::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    out.push_str(if place == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(entries) => {
                let mut sorted: Vec<&(String, Json)> = entries.iter().collect();
                sorted.sort_by(|(left, _), (right, _)| left.cmp(right));
                out.push('{');
                for (place, (key, value)) in sorted.into_iter().enumerate() {
                    out.push_str(if place == 0 { "" } else { "," });
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The value as it is shown in an error: a text as it is, anything else as JSON.
    fn shown(&self) -> String {
        if let Json::Text(text) = self {
            return text.clone();
        }
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

/// Appends a JSON text: quotes, backslashes and control characters escaped, the rest as it is.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if u32::from(control) < 0x20 => {
                let escaped = format!("\\u{:04x}", u32::from(control));
                out.push_str(&escaped);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or_else(|_| Json::Number(value.to_string()), Json::Int))
    }

    // A fraction or exponent arrives here; it is kept as text only to be shown in its refusal.
    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Json::Object(entries))
    }
}

/// A value and its path.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    path: String,
    json: &'a Json,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(super) fn root(json: &'a Json) -> Node<'a> {
        Node { path: String::new(), json }
    }

    /// The whole document, where it is itself a part called `path`.
    pub(super) fn part(path: &str, json: &'a Json) -> Node<'a> {
        Node { path: path.to_owned(), json }
    }

    /// The error for this value.
    pub(super) fn refuse(&self, expected: impl Into<String>) -> ConfigError {
        let path = if self.path.is_empty() { "the whole configuration" } else { &self.path };
        ConfigError::new(path, self.json.shown(), expected)
    }

    /// The error for a key that is not there.
    pub(super) fn missing(&self, key: &str, expected: impl Into<String>) -> ConfigError {
        ConfigError::new(self.below(key), "nothing", expected)
    }

    fn below(&self, key: &str) -> String {
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match (plain, self.path.is_empty()) {
            (true, true) => key.to_owned(),
            (true, false) => format!("{}.{key}", self.path),
            (false, _) => format!("{}[{key:?}]", self.path),
        }
    }

    /// The values of exactly these keys, in this order.
    pub(super) fn fields<const N: usize>(&self, known: [&str; N]) -> Checked<[Node<'a>; N]> {
        self.fields_and(known, []).map(|(found, [])| found)
    }

    /// The values of exactly these keys, and of further ones, each of which may be left out for what
    /// the thing does not have.
    pub(super) fn fields_and<const N: usize, const M: usize>(
        &self,
        keys: [&str; N],
        further: [&str; M],
    ) -> Checked<([Node<'a>; N], [Option<Node<'a>>; M])> {
        let known: Vec<&str> = keys.into_iter().chain(further).collect();
        let Json::Object(entries) = self.json else {
            return Err(self.refuse(format!("an object with the keys {}", known.join(", "))));
        };
        if let Some((key, value)) = entries.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            let hint = nearest(key, &known).map_or(String::new(), |name| format!("{name:?}? "));
            return Err(ConfigError::new(
                self.below(key),
                value.shown(),
                format!("no such key; {hint}known here: {}", known.join(", ")),
            ));
        }
        let find = |key: &str| {
            let found = entries.iter().find(|(name, _)| name == key);
            found.map(|(_, json)| Node { path: self.below(key), json })
        };
        let mut found = Vec::with_capacity(N);
        for key in keys {
            let missing = || self.missing(key, "a value: nothing has a default here");
            found.push(find(key).ok_or_else(missing)?);
        }
        // One node was pushed for every key, so the lengths are the same.
        let found = found.try_into().map_err(|_| self.refuse("an object"))?;
        Ok((found, further.map(find)))
    }

    /// The entries of an object whose keys are names.
    pub(super) fn entries(&self) -> Checked<Vec<(&'a str, Node<'a>)>> {
        let Json::Object(entries) = self.json else {
            return Err(self.refuse("an object whose keys are names"));
        };
        let node = |(key, json)| -> (&'a str, Node<'a>) {
            let key: &'a String = key;
            (key.as_str(), Node { path: self.below(key), json })
        };
        Ok(entries.iter().map(|(key, json)| node((key, json))).collect())
    }

    /// The items of a list.
    pub(super) fn list(&self) -> Checked<Vec<Node<'a>>> {
        let Json::List(items) = self.json else {
            return Err(self.refuse("a list"));
        };
        let node = |(place, json)| Node { path: format!("{}[{place}]", self.path), json };
        Ok(items.iter().enumerate().map(node).collect())
    }

    /// The items of a list of exactly `N`.
    pub(super) fn items<const N: usize>(&self) -> Checked<[Node<'a>; N]> {
        self.list()?.try_into().map_err(|_| self.refuse(format!("a list of {N} values")))
    }

    /// `None` for `null`.
    pub(super) fn optional(self) -> Option<Node<'a>> {
        match self.json {
            Json::Null => None,
            Json::Bool(_)
            | Json::Int(_)
            | Json::Number(_)
            | Json::Text(_)
            | Json::List(_)
            | Json::Object(_) => Some(self),
        }
    }

    /// The text, where it is one.
    /// Whether it is an object.
    pub(super) fn is_object(&self) -> bool {
        matches!(self.json, Json::Object(_))
    }

    pub(super) fn as_text(&self) -> Option<&'a str> {
        if let Json::Text(text) = self.json { Some(text) } else { None }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self) -> Checked<bool> {
        if let Json::Bool(value) = self.json {
            Ok(*value)
        } else {
            Err(self.refuse("true or false"))
        }
    }

    /// One of these words.
    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Checked<T> {
        let found = self.as_text();
        words.iter().find(|(word, _)| Some(*word) == found).map(|(_, value)| *value).ok_or_else(
            || {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                self.refuse(format!("one of {}", known.join(", ")))
            },
        )
    }

    /// A whole number within these bounds.
    pub(super) fn whole(&self, low: i64, high: i64, what: &str) -> Checked<i64> {
        match self.json {
            Json::Int(value) if (low..=high).contains(value) => Ok(*value),
            Json::Int(_)
            | Json::Number(_)
            | Json::Null
            | Json::Bool(_)
            | Json::Text(_)
            | Json::List(_)
            | Json::Object(_) => Err(self.refuse(format!("{what}, {low} to {high}"))),
        }
    }

    /// The same for a narrower type.
    pub(super) fn count<T: TryFrom<i64>>(&self, low: i64, high: i64, what: &str) -> Checked<T> {
        let value = self.whole(low, high, what)?;
        T::try_from(value).map_err(|_| self.refuse(format!("{what}, {low} to {high}")))
    }

    /// A length of time of at least `low` and at most [`Span::LONGEST`].
    pub(super) fn span(&self, low: Span, what: &str) -> Checked<Span> {
        self.whole(low.0, Span::LONGEST.0, &format!("{what} in ns")).map(Span)
    }

    /// A decimal, which is written as text.
    pub(super) fn decimal(&self, what: &str) -> Checked<Decimal> {
        let text = self.number_text(what)?;
        Decimal::parse(text).map_err(|why| self.refuse(format!("{what}: {why}")))
    }

    /// A decimal or a fraction such as `28/9`.
    pub(super) fn ratio(&self, what: &str) -> Checked<Ratio> {
        let text = self.number_text(what)?;
        Ratio::parse(text).map_err(|why| self.refuse(format!("{what}: {why}")))
    }

    /// The same, more than zero.
    pub(super) fn ratio_above_zero(&self, what: &str) -> Checked<Ratio> {
        let ratio = self.ratio(what)?;
        if ratio > Ratio::ZERO { Ok(ratio) } else { Err(self.refuse(format!("{what}, above 0"))) }
    }

    /// The weight of a new observation in a statistic.
    pub(super) fn weight(&self) -> Checked<Ratio> {
        let alpha = self.ratio("the weight of a new observation")?;
        let is_weight = alpha > Ratio::ZERO && alpha < Ratio::ONE;
        let expected = "the weight of a new observation, between 0 and 1";
        if is_weight { Ok(alpha) } else { Err(self.refuse(expected)) }
    }

    /// A rate of at most nine decimals: a fraction from `low` to `high`.
    pub(super) fn rate(&self, low: Ratio, high: Ratio, what: &str) -> Checked<Ratio> {
        let rate = self.ratio(what)?;
        if rate.den() > RATE_DEN_MAX {
            return Err(self.refuse(format!("{what} of at most nine decimals")));
        }
        if rate < low || rate > high { Err(self.refuse(what)) } else { Ok(rate) }
    }

    /// A decimal of at most nine places.
    pub(super) fn money(&self, what: &str) -> Checked<Money> {
        let money = self.decimal(what)?.money();
        let money = money.map_err(|why| self.refuse(format!("{what}: {why}")))?;
        let within = money.abs() <= MONEY_MAX;
        if within { Ok(money) } else { Err(self.refuse(format!("{what}, up to {MONEY_MAX}"))) }
    }

    /// The same, at least `low`.
    pub(super) fn money_from(&self, low: Money, what: &str) -> Checked<Money> {
        let money = self.money(what)?;
        if money >= low { Ok(money) } else { Err(self.refuse(format!("{what}, at least {low}"))) }
    }

    /// How many whole `step`s of a grid the decimal is.
    pub(super) fn steps(&self, step: Decimal, what: &str) -> Checked<i64> {
        let value = self.decimal(what)?;
        value.steps(step).map_err(|why| self.refuse(format!("{what}, a multiple of {step}: {why}")))
    }

    /// The same, at least `low`.
    pub(super) fn steps_from(&self, low: i64, step: Decimal, what: &str) -> Checked<i64> {
        let steps = self.steps(step, what)?;
        let bound = if low > 0 { "above 0" } else { "0 or more" };
        if steps >= low { Ok(steps) } else { Err(self.refuse(format!("{what}, {bound}"))) }
    }

    fn number_text(&self, what: &str) -> Checked<&'a str> {
        self.as_text().ok_or_else(|| {
            self.refuse(format!("{what} as text, such as \"0.25\": JSON numbers are not exact"))
        })
    }

    /// A name: see [`name_problem`].
    pub(super) fn name(&self) -> Checked<&'a str> {
        let text = self.as_text().ok_or_else(|| self.refuse("a name as text"))?;
        match name_problem(text) {
            None => Ok(text),
            Some(problem) => Err(self.refuse(problem)),
        }
    }

    fn refuse_repeated_keys(&self) -> Checked<()> {
        match self.json {
            Json::Object(entries) => {
                let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
                keys.sort_unstable();
                let twice = keys.windows(2).find(|pair| pair.first() == pair.last());
                if let Some(key) = twice.and_then(<[&str]>::first) {
                    return Err(ConfigError::new(self.below(key), key, "each key once"));
                }
                let below = |(key, json)| Node { path: self.below(key), json };
                entries
                    .iter()
                    .map(|(key, json)| below((key, json)))
                    .try_for_each(|node| node.refuse_repeated_keys())
            }
            Json::List(_) => self.list()?.iter().try_for_each(Node::refuse_repeated_keys),
            Json::Null | Json::Bool(_) | Json::Int(_) | Json::Number(_) | Json::Text(_) => Ok(()),
        }
    }
}

/// What is wrong with a name; `None` when nothing is.
///
/// A name has 1 to 64 bytes of ASCII letters, digits, single spaces inside, the signs
/// `. _ - / : + # @ & ( ) = % *`, and Chinese characters. Cyrillic and Greek letters, accents,
/// full-width forms, quotes, controls and invisible characters are refused: each makes two names
/// that look the same and are not, or a name that means something to a shell, a path or a log.
fn name_problem(text: &str) -> Option<String> {
    if text.is_empty() || text.len() > NAME_MAX {
        return Some(format!("a name of 1 to {NAME_MAX} bytes; this one has {}", text.len()));
    }
    if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
        return Some("a name without spaces at its ends or two in a row".to_owned());
    }
    if text.contains("..") {
        return Some("a name without two dots in a row".to_owned());
    }
    let refused = text.chars().find(|letter| {
        let chinese = matches!(letter, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}');
        !(letter.is_ascii_alphanumeric() || " ._-/:+#@&()=%*".contains(*letter) || chinese)
    })?;
    Some(format!(
        "a name of ASCII letters, digits, Chinese characters, single spaces and ._-/:+#@&()=%*; \
         U+{:04X} is none of them",
        u32::from(refused)
    ))
}

/// The known word that `word` was probably meant to be.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let closest = known.iter().map(|name| (edits(word, name), *name)).min()?;
    let allowed = 1 + closest.1.len() / 4;
    (closest.0 <= allowed).then_some(closest.1)
}

/// How many letters must be added, dropped or replaced to turn one word into the other.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().take(NAME_MAX).enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(to.chars()) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_sorts_keys_and_keeps_values() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            Json::parse(text.as_bytes()).unwrap().write(&mut out);
            assert_eq!(out, expected);
            let mut again = String::new();
            Json::parse(out.as_bytes()).unwrap().write(&mut again);
            assert_eq!(again, out);
        };
        check(
            " { \"b\" : [1, null ,true], \"a\":\"\\u9ec4\\\"\\n\" } ",
            "{\"a\":\"黄\\\"\\u000a\",\"b\":[1,null,true]}",
        );
        check("{\"z\":{},\"y\":[]}", "{\"y\":[],\"z\":{}}");
    }

    #[test]
    fn names_that_could_be_mistaken_are_refused() {
        for name in ["SHFE.au2602", "黄金主力", "gold spread", "BTC/USDT", "a", &"x".repeat(64)]
        {
            assert_eq!(name_problem(name), None, "{name:?}");
        }
        for name in [
            "",
            " a",
            "a ",
            "a  b",
            "../up",
            "\u{412}TC",
            "β",
            "e\u{301}",
            "é",
            "ＡＵ",
            "a\u{200B}b",
            "a\nb",
            "a\0",
            "\u{202E}a",
            "'; drop",
            "a\\b",
            "\u{FEFF}a",
            &"x".repeat(65),
        ] {
            assert!(name_problem(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn edits_count_letters() {
        for (from, to, count) in
            [("", "", 0), ("lots", "lot", 1), ("wieght", "weight", 2), ("a", "xyz", 3)]
        {
            assert_eq!(edits(from, to), count, "{from} {to}");
            assert_eq!(edits(to, from), count, "{to} {from}");
        }
        assert_eq!(nearest("colar", &["collar", "age_ns"]), Some("collar"));
        assert_eq!(nearest("zzz", &["collar", "age_ns"]), None);
    }
}
