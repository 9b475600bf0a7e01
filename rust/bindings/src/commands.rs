//! Commands of the core to objects of `cross_market.commands`.

use cross_market_core::command::{Alert, Command, Subject};
use cross_market_core::order::Place;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyTuple};

use crate::names::Directory;
use crate::words::Words;

/// The classes, looked up once.
struct Classes {
    place: Py<PyAny>,
    amend: Py<PyAny>,
    cancel: Py<PyAny>,
    query: Py<PyAny>,
    resync: Py<PyAny>,
    transfer: Py<PyAny>,
    alert: Py<PyAny>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    CLASSES.get_or_try_init(py, || {
        let module = py.import("cross_market.commands")?;
        let class = |name: &str| module.getattr(name).map(Bound::unbind);
        Ok(Classes {
            place: class("Place")?,
            amend: class("Amend")?,
            cancel: class("Cancel")?,
            query: class("Query")?,
            resync: class("Resync")?,
            transfer: class("Transfer")?,
            alert: class("Alert")?,
        })
    })
}

/// The commands as a list of Python objects; `out` keeps them until all of it is there, so that an
/// exception on the way loses none.
pub(crate) fn hand_over<'py>(
    py: Python<'py>,
    out: &mut Vec<Command>,
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let found = list(py, out, names)?;
    out.clear();
    Ok(found)
}

/// The commands as a list of Python objects.
pub(crate) fn list<'py>(
    py: Python<'py>,
    commands: &[Command],
    names: &Directory,
) -> PyResult<Bound<'py, PyList>> {
    let classes = classes(py)?;
    let found = PyList::empty(py);
    for command in commands {
        found.append(one(py, classes, command, names)?)?;
    }
    Ok(found)
}

fn one<'py>(
    py: Python<'py>,
    classes: &Classes,
    command: &Command,
    names: &Directory,
) -> PyResult<Bound<'py, PyAny>> {
    let account = |id| names.accounts.name(id);
    let instrument = |id| names.instruments.name(id);
    match command {
        Command::Place(it) => place(py, classes, it, names),
        Command::Amend(it) => classes.amend.bind(py).call1((it.order.0, it.price.0, it.qty.get())),
        Command::Cancel(it) => {
            let fields = (it.order.0, account(it.account), instrument(it.instrument));
            classes.cancel.bind(py).call1(fields)
        }
        Command::Query(it) => {
            let fields = (it.order.0, account(it.account), instrument(it.instrument));
            classes.query.bind(py).call1(fields)
        }
        Command::Resync(id) => classes.resync.bind(py).call1((instrument(*id),)),
        Command::Transfer(it) => {
            let fields = (it.id.0, account(it.from), account(it.to), it.amount.0);
            classes.transfer.bind(py).call1(fields)
        }
        Command::Alert(it) => alert(py, classes, it, names),
    }
}

fn place<'py>(
    py: Python<'py>,
    classes: &Classes,
    it: &Place,
    names: &Directory,
) -> PyResult<Bound<'py, PyAny>> {
    classes.place.bind(py).call1((
        it.order.0,
        it.price.0,
        it.qty.get(),
        names.accounts.name(it.account),
        names.instruments.name(it.instrument),
        names.hedges.name(it.hedge),
        it.side.word(),
        it.effect.word(),
        it.tif.word(),
        it.flag.word(),
        it.kind.word(),
        it.purpose.word(),
    ))
}

fn alert<'py>(
    py: Python<'py>,
    classes: &Classes,
    it: &Alert,
    names: &Directory,
) -> PyResult<Bound<'py, PyAny>> {
    classes.alert.bind(py).call1((
        it.code.word(),
        it.urgency.word(),
        it.refusal.map(Words::word),
        it.detail,
        subject(py, it.subject, names)?,
        it.value,
        it.limit,
    ))
}

/// What an alert is about: its kind, and its name or number.
pub(crate) fn subject<'py>(
    py: Python<'py>,
    subject: Subject,
    names: &Directory,
) -> PyResult<Bound<'py, PyTuple>> {
    match subject {
        Subject::Engine => ("engine", py.None()).into_pyobject(py),
        Subject::Venue(id) => ("venue", names.venues.name(id)).into_pyobject(py),
        Subject::Account(id) => ("account", names.accounts.name(id)).into_pyobject(py),
        Subject::Instrument(id) => ("instrument", names.instruments.name(id)).into_pyobject(py),
        Subject::Hedge(id) => ("hedge", names.hedges.name(id)).into_pyobject(py),
        Subject::Attempt(id) => ("attempt", id.0).into_pyobject(py),
        Subject::Order(id) => ("order", id.0).into_pyobject(py),
        Subject::Transfer(id) => ("transfer", id.0).into_pyobject(py),
        Subject::Product(id) => ("product", names.products.name(id)).into_pyobject(py),
        Subject::Group(id) => ("group", names.groups.name(id)).into_pyobject(py),
        Subject::Strategy(id) => ("strategy", names.strategies.name(id)).into_pyobject(py),
    }
}
