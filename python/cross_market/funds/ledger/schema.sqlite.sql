-- The pool in SQLite. Amounts are whole numbers of the account's grain, so that 64 bits are exact.
-- Whatever client writes: buckets of an account sum to zero, none but `outside` is below zero, only
-- the member whose lease lives writes, and nothing that is written changes or goes.

CREATE TABLE pool (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  schema INTEGER NOT NULL,
  config TEXT NOT NULL,
  binary TEXT NOT NULL
) STRICT;

CREATE TABLE account (
  name TEXT PRIMARY KEY,
  currency TEXT NOT NULL,
  island TEXT NOT NULL,
  grain TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  free INTEGER NOT NULL DEFAULT 0 CHECK (free >= 0),
  allotted INTEGER NOT NULL DEFAULT 0 CHECK (allotted >= 0),
  quarantined INTEGER NOT NULL DEFAULT 0 CHECK (quarantined >= 0),
  transit INTEGER NOT NULL DEFAULT 0 CHECK (transit >= 0),
  outside INTEGER NOT NULL DEFAULT 0,
  CHECK (free + allotted + quarantined + transit + outside = 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
  member TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL CHECK (epoch > 0),
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE route (
  source TEXT NOT NULL REFERENCES account (name),
  target TEXT NOT NULL REFERENCES account (name),
  PRIMARY KEY (source, target),
  CHECK (source <> target)
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
  id TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 120),
  member TEXT NOT NULL REFERENCES lease (member),
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  refused TEXT,
  moment INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE allotment (
  id TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES account (name),
  member TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  remains INTEGER NOT NULL CHECK (remains BETWEEN 0 AND amount),
  bucket TEXT NOT NULL CHECK (bucket IN ('allotted', 'quarantined')),
  PRIMARY KEY (id, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE transfer (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  state TEXT NOT NULL CHECK (state IN ('asked', 'left', 'late', 'unknown', 'settled', 'failed')),
  FOREIGN KEY (source, target) REFERENCES route (source, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE posting (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  operation TEXT NOT NULL REFERENCES operation (id),
  account TEXT NOT NULL REFERENCES account (name),
  source TEXT NOT NULL CHECK (source IN ('free', 'allotted', 'quarantined', 'transit', 'outside')),
  target TEXT NOT NULL CHECK (target IN ('free', 'allotted', 'quarantined', 'transit', 'outside')),
  amount INTEGER NOT NULL CHECK (amount > 0),
  allotment TEXT,
  CHECK (source <> target),
  CHECK ((allotment IS NOT NULL) = (source IN ('allotted', 'quarantined')
         OR target IN ('allotted', 'quarantined')))
) STRICT;

CREATE INDEX posting_of_operation ON posting (operation);
CREATE INDEX allotment_that_remains ON allotment (id, account) WHERE remains > 0;

CREATE VIEW clock (ms) AS
  SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER);

CREATE VIEW ordered_posting AS
  SELECT account, source, target, amount, allotment FROM posting ORDER BY account, seq;

CREATE TRIGGER operation_is_fenced BEFORE INSERT ON operation BEGIN
  SELECT RAISE(ABORT, 'fenced: no lease of this epoch')
    WHERE NOT EXISTS (SELECT 1 FROM lease WHERE member = NEW.member AND epoch = NEW.epoch);
  SELECT RAISE(ABORT, 'fenced: the lease is over')
    WHERE EXISTS (SELECT 1 FROM lease, clock WHERE member = NEW.member AND until < ms);
END;

CREATE TRIGGER posting_moves AFTER INSERT ON posting BEGIN
  UPDATE account SET
    version = version + 1,
    free = free + NEW.amount * ((NEW.target = 'free') - (NEW.source = 'free')),
    allotted = allotted + NEW.amount * ((NEW.target = 'allotted') - (NEW.source = 'allotted')),
    quarantined = quarantined
      + NEW.amount * ((NEW.target = 'quarantined') - (NEW.source = 'quarantined')),
    transit = transit + NEW.amount * ((NEW.target = 'transit') - (NEW.source = 'transit')),
    outside = outside + NEW.amount * ((NEW.target = 'outside') - (NEW.source = 'outside'))
    WHERE name = NEW.account;
  INSERT INTO allotment
    SELECT NEW.allotment, NEW.account, member, NEW.amount, NEW.amount, 'allotted'
      FROM operation WHERE id = NEW.operation AND NEW.source = 'free' AND NEW.target = 'allotted';
  SELECT RAISE(ABORT, 'no such allotment')
    WHERE NEW.source IN ('allotted', 'quarantined') AND NOT EXISTS (
      SELECT 1 FROM allotment, operation
        WHERE allotment.id = NEW.allotment AND allotment.account = NEW.account
          AND bucket = NEW.source AND remains >= NEW.amount AND operation.id = NEW.operation
          AND (allotment.member = operation.member OR operation.kind = 'release'
            OR (operation.kind = 'quarantine' AND EXISTS (
              SELECT 1 FROM lease, clock WHERE lease.member = allotment.member AND until < ms))));
  UPDATE allotment SET
    remains = remains - NEW.amount
      * (NEW.target NOT IN ('allotted', 'quarantined')),
    bucket = CASE WHEN NEW.target IN ('allotted', 'quarantined') THEN NEW.target ELSE bucket END
    WHERE NEW.source IN ('allotted', 'quarantined')
      AND id = NEW.allotment AND account = NEW.account;
END;

CREATE TRIGGER operation_stays BEFORE UPDATE ON operation BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER operation_is_kept BEFORE DELETE ON operation BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER posting_stays BEFORE UPDATE ON posting BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER posting_is_kept BEFORE DELETE ON posting BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER epoch_rises BEFORE UPDATE ON lease BEGIN
  SELECT RAISE(ABORT, 'an epoch never falls') WHERE NEW.epoch < OLD.epoch;
END;
CREATE TRIGGER lease_is_kept BEFORE DELETE ON lease BEGIN
  SELECT RAISE(ABORT, 'a lease is only followed by another');
END;
CREATE TRIGGER allotment_is_kept BEFORE DELETE ON allotment BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
