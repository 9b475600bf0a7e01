//! Attributes of a Python object, read by name and proven: exact types, known words and names.

use cross_market_core::ids::{Id, NOTE_MAX, Note, Text};
use cross_market_core::num::{Decimal, Money, NumError, Price, Qty, Ratio};
use cross_market_core::time::{Span, Time};
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyString};

use crate::engine::STAMP;
use crate::error::{missing, wrong, wrong_type};
use crate::names::Names;
use crate::rows::is_coarse;
use crate::words::Words;

/// One object and the path at which errors name its attributes.
pub(crate) struct Fields<'a, 'py> {
    object: &'a Bound<'py, PyAny>,
    path: String,
}

impl<'a, 'py> Fields<'a, 'py> {
    /// The attributes of `object`, named in errors by its class.
    pub(crate) fn new(object: &'a Bound<'py, PyAny>) -> PyResult<Fields<'a, 'py>> {
        let path = object.get_type().name()?.to_string().to_lowercase();
        Ok(Fields { object, path })
    }

    /// The name of the class, in lower case.
    pub(crate) fn class(&self) -> &str {
        &self.path
    }

    /// The interpreter.
    pub(crate) fn py(&self) -> Python<'py> {
        self.object.py()
    }

    fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// An attribute as it is.
    pub(crate) fn get(&self, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py();
        self.object.getattr(name).map_err(|problem| {
            if problem.is_instance_of::<PyAttributeError>(py) {
                missing(py, &self.at(name), "a value made by the constructor of its class")
            } else {
                problem
            }
        })
    }

    /// Whether an attribute is None.
    pub(crate) fn is_none(&self, name: &str) -> PyResult<bool> {
        Ok(self.get(name)?.is_none())
    }

    /// The error for an attribute that is wrong.
    pub(crate) fn refuse(&self, name: &str, expected: &str) -> PyErr {
        match self.get(name) {
            Ok(value) => wrong(self.py(), &self.at(name), &value, expected),
            Err(problem) => problem,
        }
    }

    /// A whole number: an int and nothing that only looks like one.
    pub(crate) fn int<T: TryFrom<i64>>(&self, name: &str, expected: &str) -> PyResult<T> {
        let value = self.get(name)?;
        if !value.is_exact_instance_of::<PyInt>() {
            return Err(wrong_type(self.py(), &self.at(name), &value, expected));
        }
        let whole = value.extract::<i64>().ok().and_then(|whole| T::try_from(whole).ok());
        whole.ok_or_else(|| wrong(self.py(), &self.at(name), &value, expected))
    }

    /// Names with whole numbers: a dict of str to int and nothing that only looks like one.
    pub(crate) fn entries(&self, name: &str, expected: &str) -> PyResult<Vec<(String, i64)>> {
        let value = self.get(name)?;
        let Ok(dict) = value.cast_exact::<PyDict>() else {
            return Err(wrong_type(self.py(), &self.at(name), &value, expected));
        };
        let mut entries = Vec::with_capacity(dict.len());
        for (key, number) in dict.iter() {
            if !key.is_exact_instance_of::<PyString>() || !number.is_exact_instance_of::<PyInt>() {
                return Err(wrong_type(self.py(), &self.at(name), &value, expected));
            }
            let entry = (key.extract::<String>().ok(), number.extract::<i64>().ok());
            let (Some(key), Some(number)) = entry else {
                return Err(wrong(self.py(), &self.at(name), &value, expected));
            };
            entries.push((key, number));
        }
        Ok(entries)
    }

    /// A whole number from 0 to the end of 64 bits without a sign.
    pub(crate) fn unsigned(&self, name: &str) -> PyResult<u64> {
        let expected = "a whole number of 64 bits, 0 or more, as int";
        let value = self.get(name)?;
        if !value.is_exact_instance_of::<PyInt>() {
            return Err(wrong_type(self.py(), &self.at(name), &value, expected));
        }
        value.extract().map_err(|_| wrong(self.py(), &self.at(name), &value, expected))
    }

    /// True or False.
    pub(crate) fn flag(&self, name: &str) -> PyResult<bool> {
        let value = self.get(name)?;
        if !value.is_exact_instance_of::<PyBool>() {
            return Err(wrong_type(self.py(), &self.at(name), &value, "True or False"));
        }
        value.extract()
    }

    /// A price in ticks.
    pub(crate) fn price(&self, name: &str) -> PyResult<Price> {
        Ok(Price(self.int(name, "a whole number of ticks, as int")?))
    }

    /// A size in lots.
    pub(crate) fn qty(&self, name: &str) -> PyResult<Qty> {
        let expected = "a whole number of lots, 0 or more, as int";
        let lots = self.int(name, expected)?;
        Qty::new(lots).map_err(|_| self.refuse(name, expected))
    }

    /// A size in lots, or None.
    pub(crate) fn optional_qty(&self, name: &str) -> PyResult<Option<Qty>> {
        if self.is_none(name)? { Ok(None) } else { self.qty(name).map(Some) }
    }

    /// A moment; 0 where it is not known.
    pub(crate) fn time(&self, name: &str) -> PyResult<Time> {
        let found = Time(self.int(name, STAMP)?);
        if is_coarse(found) { Err(self.refuse(name, STAMP)) } else { Ok(found) }
    }

    /// A length of time, possibly negative.
    pub(crate) fn span(&self, name: &str) -> PyResult<Span> {
        Ok(Span(self.int(name, "a length of time in ns, as int")?))
    }

    /// A text as it is.
    pub(crate) fn text(&self, name: &str) -> PyResult<String> {
        let value = self.get(name)?;
        if !value.is_exact_instance_of::<PyString>() {
            return Err(wrong_type(self.py(), &self.at(name), &value, "a str"));
        }
        value.extract().map_err(|_| self.refuse(name, "text that is valid Unicode"))
    }

    /// An id of 1 to 40 printable ASCII characters.
    pub(crate) fn id_text(&self, name: &str) -> PyResult<Text> {
        let expected = "1 to 40 printable ASCII characters without spaces";
        Text::new(&self.text(name)?).map_err(|_| self.refuse(name, expected))
    }

    /// What a person wrote.
    pub(crate) fn note(&self, name: &str) -> PyResult<Note> {
        let expected = format!("text on one line, 1 to {NOTE_MAX} bytes of UTF-8");
        Note::new(&self.text(name)?).map_err(|_| self.refuse(name, &expected))
    }

    /// An id, or an empty text where it is not known.
    pub(crate) fn optional_id_text(&self, name: &str) -> PyResult<Text> {
        if self.text(name)?.is_empty() { Ok(Text::EMPTY) } else { self.id_text(name) }
    }

    /// One of a closed list of words.
    pub(crate) fn word<T: Words>(&self, name: &str) -> PyResult<T> {
        self.word_of(name, T::WORDS)
    }

    /// One of these words.
    pub(crate) fn word_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> PyResult<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(name, &format!("one of {}", list.join(", ")))
        })
    }

    /// A name of the configuration.
    pub(crate) fn named<I: Id>(&self, name: &str, names: &Names<I>) -> PyResult<I> {
        let text = self.text(name)?;
        names.id(&text).ok_or_else(|| {
            let expected = format!("a name of the configuration: {}", names.list().join(", "));
            self.refuse(name, &expected)
        })
    }

    /// A name of the configuration, or None.
    pub(crate) fn optional_named<I: Id>(
        &self,
        name: &str,
        names: &Names<I>,
    ) -> PyResult<Option<I>> {
        if self.is_none(name)? { Ok(None) } else { self.named(name, names).map(Some) }
    }

    /// An exact number given as int, str or Decimal.
    fn decimal(&self, name: &str) -> PyResult<Decimal> {
        // The one reader of numbers stands in Python; it refuses floats and says why.
        let reader = self.py().import("cross_market._values")?.getattr("read_decimal")?;
        let number = reader.call1((self.get(name)?, self.at(name)))?;
        let text: String = number.call_method1("__format__", ("f",))?.extract()?;
        Decimal::parse(&text).map_err(|why| self.refuse(name, &why.to_string()))
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(Decimal) -> Result<T, NumError>,
    ) -> PyResult<T> {
        let number = self.decimal(name)?;
        read(number).map_err(|why| self.refuse(name, &format!("another number: {why}")))
    }

    /// An amount of money.
    pub(crate) fn money(&self, name: &str) -> PyResult<Money> {
        self.read(name, Decimal::money)
    }

    /// An exact fraction.
    pub(crate) fn ratio(&self, name: &str) -> PyResult<Ratio> {
        self.read(name, Decimal::ratio)
    }

    /// A value in 10⁻⁹ of 64 bits.
    pub(crate) fn nano(&self, name: &str) -> PyResult<i64> {
        self.read(name, |number| i64::try_from(number.money()?.0).map_err(|_| NumError::Overflow))
    }
}
