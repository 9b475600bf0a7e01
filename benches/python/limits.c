/* What a person would write for the workload alone behind a Python call: ladders over the whole
   price range, no checks, no errors, arguments as they come. Nothing but a bench uses it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    int64_t exchange, receive;
    int32_t price, lots;
    uint32_t seq;
    uint8_t market, side, last, pad;
} Record;

enum { SLOTS = 1 << 16, ACCOUNTS = 1024, HOLDS = 64, MACHINES = 1024 };

typedef PyObject *const *Args;

static int32_t sizes[2][2][SLOTS];
static int32_t bids[2], asks[2], low;

static inline long number(PyObject *value) { return PyLong_AsLong(value); }

static inline void set(int market, int side, int32_t price, int32_t lots) {
    int32_t *book = sizes[market][side], at = price - low;
    book[at] = lots;
    if (side == 0) {
        if (lots) {
            if (at > bids[market]) bids[market] = at;
        } else if (at == bids[market]) {
            while (at >= 0 && !book[at]) at--;
            bids[market] = at;
        }
    } else if (lots) {
        if (at < asks[market]) asks[market] = at;
    } else if (at == asks[market]) {
        while (at < SLOTS && !book[at]) at++;
        asks[market] = at;
    }
}

static inline int set_args(Args args) {
    int market = number(args[0]) & 1;
    set(market, number(args[1]) & 1, (int32_t)number(args[2]), (int32_t)number(args[3]));
    return market;
}

static inline PyObject *pair(int32_t a, int32_t b) {
    PyObject *made = PyTuple_New(2);
    PyTuple_SET_ITEM(made, 0, PyLong_FromLong(a));
    PyTuple_SET_ITEM(made, 1, PyLong_FromLong(b));
    return made;
}

static inline void spreads(int32_t *enter, int32_t *back) {
    *enter = bids[0] - asks[1];
    *back = bids[1] - asks[0];
}

static PyObject *reset(PyObject *module, PyObject *lowest) {
    memset(sizes, 0, sizeof sizes);
    low = (int32_t)number(lowest);
    bids[0] = bids[1] = -1;
    asks[0] = asks[1] = SLOTS;
    Py_RETURN_NONE;
}

static PyObject *touch(PyObject *module, PyObject *of) {
    int market = number(of) & 1;
    return pair(bids[market] + low, asks[market] + low);
}

/* One row a call. */
static PyObject *apply(PyObject *module, Args args, Py_ssize_t count) {
    set_args(args);
    Py_RETURN_NONE;
}

static PyObject *apply_touch(PyObject *module, Args args, Py_ssize_t count) {
    int market = set_args(args);
    return pair(bids[market] + low, asks[market] + low);
}

static PyObject *apply_spread(PyObject *module, Args args, Py_ssize_t count) {
    int32_t enter, back;
    set_args(args);
    spreads(&enter, &back);
    return PyLong_FromLong(enter > back ? enter : back);
}

/* Many rows a call: (records, out) and what stands after each row in `out`, int32 [rows, 2]. */
static PyObject *batch(Args args, int of_spreads) {
    Py_buffer in, out;
    if (PyObject_GetBuffer(args[0], &in, PyBUF_SIMPLE)) return NULL;
    if (PyObject_GetBuffer(args[1], &out, PyBUF_WRITABLE)) {
        PyBuffer_Release(&in);
        return NULL;
    }
    const Record *row = in.buf, *end = row + in.len / (Py_ssize_t)sizeof *row;
    for (int32_t *to = out.buf; row < end; row++, to += 2) {
        set(row->market, row->side, row->price, row->lots);
        if (of_spreads) {
            spreads(to, to + 1);
        } else {
            to[0] = bids[row->market] + low;
            to[1] = asks[row->market] + low;
        }
    }
    PyBuffer_Release(&in);
    PyBuffer_Release(&out);
    Py_RETURN_NONE;
}

static PyObject *batch_touch(PyObject *module, Args args, Py_ssize_t count) {
    return batch(args, 0);
}

static PyObject *batch_spreads(PyObject *module, Args args, Py_ssize_t count) {
    return batch(args, 1);
}

/* (instrument, side, price, qty, at, market, bid, ask, whole): four columns in, the five that
   `Market.columns` gives out, of the same types. */
static PyObject *columns_touch(PyObject *module, Args args, Py_ssize_t count) {
    Py_buffer of[9];
    for (int k = 0; k < 9; k++) {
        if (PyObject_GetBuffer(args[k], &of[k], k < 4 ? PyBUF_SIMPLE : PyBUF_WRITABLE)) return NULL;
    }
    const uint16_t *instrument = of[0].buf;
    const uint8_t *side = of[1].buf;
    const int64_t *price = of[2].buf, *qty = of[3].buf;
    int64_t *at = of[4].buf, *bid = of[6].buf, *ask = of[7].buf;
    uint16_t *market = of[5].buf;
    uint8_t *whole = of[8].buf;
    for (Py_ssize_t k = 0, rows = of[1].len; k < rows; k++) {
        int here = instrument[k] & 1;
        set(here, side[k], (int32_t)price[k], (int32_t)qty[k]);
        at[k] = k;
        market[k] = here;
        bid[k] = bids[here] + low;
        ask[k] = asks[here] + low;
        whole[k] = bids[here] >= 0 && asks[here] < SLOTS;
    }
    for (int k = 0; k < 9; k++) PyBuffer_Release(&of[k]);
    Py_RETURN_NONE;
}

/* (records, callback): the callback gets market, bid, ask and receive at each end of a message. */
static PyObject *replay(PyObject *module, Args args, Py_ssize_t count) {
    Py_buffer in;
    if (PyObject_GetBuffer(args[0], &in, PyBUF_SIMPLE)) return NULL;
    const Record *row = in.buf, *end = row + in.len / (Py_ssize_t)sizeof *row;
    long calls = 0;
    for (; row < end; row++) {
        set(row->market, row->side, row->price, row->lots);
        if (!row->last) continue;
        PyObject *given[4] = {PyLong_FromLong(row->market), PyLong_FromLong(bids[row->market] + low),
                              PyLong_FromLong(asks[row->market] + low),
                              PyLong_FromLongLong(row->receive)};
        PyObject *said = PyObject_Vectorcall(args[1], given, 4, NULL);
        for (int k = 0; k < 4; k++) Py_DECREF(given[k]);
        calls++;
        if (!said) {
            PyBuffer_Release(&in);
            return NULL;
        }
        Py_DECREF(said);
    }
    PyBuffer_Release(&in);
    return PyLong_FromLong(calls);
}

/* A call with four ints that does nothing. */
static PyObject *fast4(PyObject *module, Args args, Py_ssize_t count) {
    long sum = 0;
    for (Py_ssize_t k = 0; k < count; k++) sum += number(args[k]);
    if (sum == -1 && PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* Money: hold for two legs at once, then post or void what is held. */
static int64_t available[ACCOUNTS], held[ACCOUNTS];
static struct { int account[2]; int64_t amount[2]; } holds[HOLDS];
static int32_t free_holds[HOLDS];
static int free_count;

static PyObject *reset_money(PyObject *module, PyObject *each) {
    for (int k = 0; k < ACCOUNTS; k++) available[k] = number(each), held[k] = 0;
    for (int k = 0; k < HOLDS; k++) free_holds[k] = k;
    free_count = HOLDS;
    Py_RETURN_NONE;
}

static PyObject *hold(PyObject *module, Args args, Py_ssize_t count) {
    int a = number(args[0]) & (ACCOUNTS - 1), b = number(args[2]) & (ACCOUNTS - 1);
    int64_t x = number(args[1]), y = number(args[3]);
    if (available[a] < x || available[b] < y || !free_count) return PyLong_FromLong(-1);
    int at = free_holds[--free_count];
    available[a] -= x, held[a] += x, available[b] -= y, held[b] += y;
    holds[at].account[0] = a, holds[at].account[1] = b;
    holds[at].amount[0] = x, holds[at].amount[1] = y;
    return PyLong_FromLong(at);
}

/* (hold, leg, is_posted, is_last) */
static PyObject *finish(PyObject *module, Args args, Py_ssize_t count) {
    int at = number(args[0]) & (HOLDS - 1), leg = number(args[1]) & 1;
    int account = holds[at].account[leg];
    int64_t amount = holds[at].amount[leg];
    held[account] -= amount;
    if (!number(args[2])) available[account] += amount;
    if (number(args[3])) free_holds[free_count++] = at;
    Py_RETURN_NONE;
}

static PyObject *money(PyObject *module, PyObject *none) {
    int64_t sum = 0, in_hold = 0;
    for (int k = 0; k < ACCOUNTS; k++) sum += available[k], in_hold += held[k];
    return Py_BuildValue("LL", (long long)sum, (long long)in_hold);
}

/* The life of an order as a table: sent, working, part, filled, cancelled, rejected. */
static const uint8_t next_state[6][5] = {
    /* accepted part filled cancelled rejected */
    {1, 2, 3, 4, 5}, {1, 2, 3, 4, 1}, {2, 2, 3, 4, 2}, {3, 3, 3, 3, 3}, {4, 4, 4, 4, 4},
    {5, 5, 5, 5, 5},
};
static uint8_t states[MACHINES];
static int64_t done[MACHINES];

static PyObject *reset_machines(PyObject *module, PyObject *none) {
    memset(states, 0, sizeof states);
    memset(done, 0, sizeof done);
    Py_RETURN_NONE;
}

/* (machine, news, lots, now) */
static PyObject *transition(PyObject *module, Args args, Py_ssize_t count) {
    int machine = number(args[0]) & (MACHINES - 1), news = number(args[1]) % 5;
    done[machine] += number(args[2]);
    (void)number(args[3]);
    states[machine] = next_state[states[machine]][news];
    return PyLong_FromLong(states[machine]);
}

#define FAST(name) {#name, (PyCFunction)(void *)name, METH_FASTCALL, NULL}
static PyMethodDef methods[] = {
    {"reset", reset, METH_O, NULL},
    {"touch", touch, METH_O, NULL},
    FAST(apply),
    FAST(apply_touch),
    FAST(apply_spread),
    FAST(batch_touch),
    FAST(batch_spreads),
    FAST(columns_touch),
    FAST(replay),
    FAST(fast4),
    {"reset_money", reset_money, METH_O, NULL},
    FAST(hold),
    FAST(finish),
    {"money", money, METH_NOARGS, NULL},
    {"reset_machines", reset_machines, METH_NOARGS, NULL},
    FAST(transition),
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "limits_ext", NULL, -1, methods,
                                        NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_limits_ext(void) { return PyModule_Create(&definition); }
