-- The pool in SQLite. Amounts are whole numbers of the account's grain, so that 64 bits are exact.
-- What any client writes is held to: buckets of an account sum to zero and none but `outside` is
-- below it; only a lease that lives writes; an operation moves what its kind moves, so many lines
-- and once; nothing that is written changes, goes or is replaced. Balances change with postings
-- alone: `last` is the posting that changed them last, and every posting counts once.

CREATE TABLE account (
  name TEXT PRIMARY KEY,
  currency TEXT NOT NULL,
  island TEXT NOT NULL,
  grain TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  last INTEGER NOT NULL DEFAULT 0,
  free INTEGER NOT NULL DEFAULT 0 CHECK (free >= 0),
  allotted INTEGER NOT NULL DEFAULT 0 CHECK (allotted >= 0),
  quarantined INTEGER NOT NULL DEFAULT 0 CHECK (quarantined >= 0),
  transit INTEGER NOT NULL DEFAULT 0 CHECK (transit >= 0),
  outside INTEGER NOT NULL DEFAULT 0,
  CHECK (free + allotted + quarantined + transit + outside = 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE route (
  source TEXT NOT NULL REFERENCES account (name),
  target TEXT NOT NULL REFERENCES account (name),
  PRIMARY KEY (source, target),
  CHECK (source <> target)
) STRICT, WITHOUT ROWID;

CREATE TABLE movement (
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  PRIMARY KEY (kind, source, target)
) STRICT, WITHOUT ROWID;

INSERT INTO movement VALUES
  ('allot', 'free', 'allotted'),
  ('post', 'allotted', 'outside'),
  ('give_back', 'allotted', 'free'),
  ('gain', 'outside', 'free'),
  ('bring', 'outside', 'free'),
  ('take', 'free', 'outside'),
  ('quarantine', 'allotted', 'quarantined'),
  ('adopt', 'quarantined', 'allotted'),
  ('release', 'quarantined', 'free'),
  ('send', 'free', 'transit'),
  ('settled', 'transit', 'outside'),
  ('settled', 'outside', 'free'),
  ('failed', 'transit', 'free');

-- Written last: with it the accounts, routes and movements stay as they are.
CREATE TABLE pool (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  schema INTEGER NOT NULL,
  config TEXT NOT NULL,
  binary TEXT NOT NULL
) STRICT;

CREATE TABLE lease (
  member TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL CHECK (epoch > 0),
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
  id TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 120),
  member TEXT NOT NULL REFERENCES lease (member),
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  payload TEXT NOT NULL,
  lines INTEGER NOT NULL CHECK (lines >= 0),
  refused TEXT,
  moment INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What ends transfers, by transfer.
CREATE INDEX operation_that_ends ON operation (about) WHERE kind IN ('settled', 'failed');

CREATE TABLE allotment (
  id TEXT NOT NULL REFERENCES operation (id),
  account TEXT NOT NULL REFERENCES account (name),
  member TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  remains INTEGER NOT NULL CHECK (remains BETWEEN 0 AND amount),
  bucket TEXT NOT NULL CHECK (bucket IN ('allotted', 'quarantined')),
  last INTEGER NOT NULL,
  PRIMARY KEY (id, account)
) STRICT, WITHOUT ROWID;

CREATE INDEX allotment_that_remains ON allotment (id, account) WHERE remains > 0;

CREATE TABLE transfer (
  id TEXT PRIMARY KEY REFERENCES operation (id),
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
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  allotment TEXT,
  CHECK ((allotment IS NOT NULL) = (source IN ('allotted', 'quarantined')
         OR target IN ('allotted', 'quarantined')))
) STRICT;

CREATE UNIQUE INDEX posting_once
  ON posting (operation, account, source, target, coalesce(allotment, ''));

CREATE VIEW clock (ms) AS
  SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER);

CREATE VIEW ordered_posting AS
  SELECT account, source, target, amount, allotment FROM posting ORDER BY account, seq;

CREATE TRIGGER operation_is_new BEFORE INSERT ON operation BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to')
    WHERE EXISTS (SELECT 1 FROM operation WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'fenced: no lease of this epoch')
    WHERE NOT EXISTS (SELECT 1 FROM lease WHERE member = NEW.member AND epoch = NEW.epoch);
  SELECT RAISE(ABORT, 'fenced: the lease is over')
    WHERE EXISTS (SELECT 1 FROM lease, clock WHERE member = NEW.member AND until < ms);
END;

CREATE TRIGGER transfer_is_sent BEFORE INSERT ON transfer BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to')
    WHERE EXISTS (SELECT 1 FROM transfer WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'a transfer begins with its operation')
    WHERE NEW.state <> 'asked' OR NOT EXISTS (
      SELECT 1 FROM operation JOIN lease USING (member, epoch), clock
        WHERE id = NEW.id AND kind = 'send' AND refused IS NULL AND until >= ms);
END;

CREATE TRIGGER transfer_goes_on BEFORE UPDATE ON transfer BEGIN
  SELECT RAISE(ABORT, 'no state of this transfer')
    WHERE OLD.state IN ('settled', 'failed') OR NEW.state = 'asked'
      OR (NEW.id, NEW.source, NEW.target, NEW.amount)
        <> (OLD.id, OLD.source, OLD.target, OLD.amount)
      OR NOT EXISTS (
        SELECT 1 FROM operation WHERE about = OLD.id AND kind = NEW.state AND refused IS NULL
          AND (SELECT count(*) FROM posting WHERE operation = operation.id) = lines);
END;

CREATE TRIGGER posting_is_allowed BEFORE INSERT ON posting BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to')
    WHERE EXISTS (SELECT 1 FROM posting WHERE seq = NEW.seq);
  SELECT RAISE(ABORT, 'fenced: its operation is of no lease that lives')
    WHERE NOT EXISTS (
      SELECT 1 FROM operation JOIN lease USING (member, epoch), clock
        WHERE id = NEW.operation AND refused IS NULL AND until >= ms);
  SELECT RAISE(ABORT, 'no movement of its operation')
    WHERE NOT EXISTS (
      SELECT 1 FROM operation AS of JOIN movement USING (kind)
        WHERE of.id = NEW.operation AND source = NEW.source AND target = NEW.target
          AND (SELECT count(*) FROM posting WHERE operation = of.id) < of.lines);
  SELECT RAISE(ABORT, 'no movement of its transfer')
    WHERE EXISTS (
      SELECT 1 FROM operation AS of
        WHERE of.id = NEW.operation AND of.kind IN ('send', 'settled', 'failed') AND NOT EXISTS (
          SELECT 1 FROM transfer AS way
            WHERE way.id = of.about AND way.state NOT IN ('settled', 'failed') AND (
              (NEW.account = way.source AND NEW.amount = way.amount AND NEW.source <> 'outside')
              OR (NEW.account = way.target AND NEW.amount <= way.amount
                  AND NEW.source = 'outside'))));
  SELECT RAISE(ABORT, 'a transfer ends once, whole, and after it was sent')
    WHERE EXISTS (
      SELECT 1 FROM operation AS of
        WHERE of.id = NEW.operation AND of.kind IN ('settled', 'failed') AND (
          of.lines <> 1 + (of.kind = 'settled')
          OR NOT EXISTS (SELECT 1 FROM posting WHERE operation = of.about)
          OR EXISTS (
            SELECT 1 FROM operation AS other JOIN posting ON posting.operation = other.id
              WHERE other.about = of.about AND other.kind IN ('settled', 'failed')
                AND other.id <> of.id)));
  SELECT RAISE(ABORT, 'no such allotment')
    WHERE NEW.source IN ('allotted', 'quarantined') AND NOT EXISTS (
      SELECT 1 FROM allotment AS part, operation AS of
        WHERE part.id = NEW.allotment AND part.account = NEW.account AND of.id = NEW.operation
          AND part.bucket = NEW.source AND part.remains >= NEW.amount
          AND (NEW.target NOT IN ('allotted', 'quarantined') OR part.remains = NEW.amount)
          AND (part.member = of.member OR of.kind = 'release'
            OR (of.kind = 'quarantine' AND EXISTS (
              SELECT 1 FROM lease, clock WHERE lease.member = part.member AND until < ms))));
  SELECT RAISE(ABORT, 'an allotment has the id of its operation')
    WHERE NEW.source = 'free' AND NEW.target = 'allotted' AND NEW.allotment <> NEW.operation;
END;

CREATE TRIGGER posting_moves AFTER INSERT ON posting BEGIN
  UPDATE account SET
    version = version + 1,
    last = NEW.seq,
    free = free + NEW.amount * ((NEW.target = 'free') - (NEW.source = 'free')),
    allotted = allotted + NEW.amount * ((NEW.target = 'allotted') - (NEW.source = 'allotted')),
    quarantined = quarantined
      + NEW.amount * ((NEW.target = 'quarantined') - (NEW.source = 'quarantined')),
    transit = transit + NEW.amount * ((NEW.target = 'transit') - (NEW.source = 'transit')),
    outside = outside + NEW.amount * ((NEW.target = 'outside') - (NEW.source = 'outside'))
    WHERE name = NEW.account;
  INSERT INTO allotment
    SELECT NEW.allotment, NEW.account, member, NEW.amount, NEW.amount, 'allotted', NEW.seq
      FROM operation WHERE id = NEW.operation AND NEW.source = 'free' AND NEW.target = 'allotted';
  UPDATE allotment SET
    last = NEW.seq,
    remains = remains - NEW.amount * (NEW.target NOT IN ('allotted', 'quarantined')),
    bucket = CASE WHEN NEW.target IN ('allotted', 'quarantined') THEN NEW.target ELSE bucket END
    WHERE NEW.source IN ('allotted', 'quarantined')
      AND id = NEW.allotment AND account = NEW.account;
END;

CREATE TRIGGER account_follows_its_postings BEFORE UPDATE ON account BEGIN
  SELECT RAISE(ABORT, 'balances change with postings alone')
    WHERE (NEW.name, NEW.currency, NEW.island, NEW.grain, NEW.version)
        <> (OLD.name, OLD.currency, OLD.island, OLD.grain, OLD.version + 1)
      OR NEW.last <= OLD.last
      OR NOT EXISTS (
        SELECT 1 FROM posting AS of WHERE of.seq = NEW.last AND of.account = OLD.name
          AND NEW.free - OLD.free = of.amount * ((of.target = 'free') - (of.source = 'free'))
          AND NEW.allotted - OLD.allotted
            = of.amount * ((of.target = 'allotted') - (of.source = 'allotted'))
          AND NEW.quarantined - OLD.quarantined
            = of.amount * ((of.target = 'quarantined') - (of.source = 'quarantined'))
          AND NEW.transit - OLD.transit
            = of.amount * ((of.target = 'transit') - (of.source = 'transit')));
END;

CREATE TRIGGER allotment_begins_with_its_posting BEFORE INSERT ON allotment BEGIN
  SELECT RAISE(ABORT, 'an allotment changes with postings alone')
    WHERE EXISTS (SELECT 1 FROM allotment WHERE id = NEW.id AND account = NEW.account)
      OR NEW.remains <> NEW.amount OR NEW.bucket <> 'allotted' OR NOT EXISTS (
        SELECT 1 FROM posting AS of JOIN operation ON operation.id = of.operation
          WHERE of.seq = NEW.last AND of.account = NEW.account AND of.allotment = NEW.id
            AND of.amount = NEW.amount AND of.target = 'allotted' AND of.source = 'free'
            AND operation.member = NEW.member);
END;

CREATE TRIGGER allotment_follows_its_postings BEFORE UPDATE ON allotment BEGIN
  SELECT RAISE(ABORT, 'an allotment changes with postings alone')
    WHERE (NEW.id, NEW.account, NEW.member, NEW.amount)
        <> (OLD.id, OLD.account, OLD.member, OLD.amount)
      OR NEW.last <= OLD.last
      OR NOT EXISTS (
        SELECT 1 FROM posting AS of WHERE of.seq = NEW.last AND of.account = OLD.account
          AND of.allotment = OLD.id AND of.source = OLD.bucket
          AND OLD.remains - NEW.remains
            = of.amount * (of.target NOT IN ('allotted', 'quarantined'))
          AND NEW.bucket = CASE WHEN of.target IN ('allotted', 'quarantined')
            THEN of.target ELSE OLD.bucket END);
END;

CREATE TRIGGER lease_begins BEFORE INSERT ON lease BEGIN
  SELECT RAISE(ABORT, 'a lease is only followed by another')
    WHERE NEW.epoch <> 1 OR EXISTS (SELECT 1 FROM lease WHERE member = NEW.member);
END;
CREATE TRIGGER lease_goes_on BEFORE UPDATE ON lease BEGIN
  SELECT RAISE(ABORT, 'a lease is only followed by another')
    WHERE NEW.member <> OLD.member OR NEW.epoch NOT IN (OLD.epoch, OLD.epoch + 1)
      OR (NEW.epoch = OLD.epoch AND OLD.until < (SELECT ms FROM clock));
END;

CREATE TRIGGER pool_is_one BEFORE INSERT ON pool BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made') WHERE EXISTS (SELECT 1 FROM pool);
END;
CREATE TRIGGER account_is_new BEFORE INSERT ON account BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made') WHERE EXISTS (SELECT 1 FROM pool);
END;
CREATE TRIGGER movement_is_new BEFORE INSERT ON movement BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made');
END;
CREATE TRIGGER route_is_new BEFORE INSERT ON route BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made') WHERE EXISTS (SELECT 1 FROM pool);
  SELECT RAISE(ABORT, 'a route joins accounts of one currency and grain')
    WHERE (SELECT count(DISTINCT currency || ' ' || grain) FROM account
             WHERE name IN (NEW.source, NEW.target)) <> 1;
END;
CREATE TRIGGER pool_stays BEFORE UPDATE ON pool BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made');
END;
CREATE TRIGGER route_stays BEFORE UPDATE ON route BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made');
END;
CREATE TRIGGER movement_stays BEFORE UPDATE ON movement BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made');
END;
CREATE TRIGGER operation_stays BEFORE UPDATE ON operation BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER posting_stays BEFORE UPDATE ON posting BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER pool_is_kept BEFORE DELETE ON pool BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made');
END;
CREATE TRIGGER account_is_kept BEFORE DELETE ON account BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made');
END;
CREATE TRIGGER route_is_kept BEFORE DELETE ON route BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made');
END;
CREATE TRIGGER movement_is_kept BEFORE DELETE ON movement BEGIN
  SELECT RAISE(ABORT, 'the pool is as it was made');
END;
CREATE TRIGGER lease_is_kept BEFORE DELETE ON lease BEGIN
  SELECT RAISE(ABORT, 'a lease is only followed by another');
END;
CREATE TRIGGER operation_is_kept BEFORE DELETE ON operation BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER posting_is_kept BEFORE DELETE ON posting BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER allotment_is_kept BEFORE DELETE ON allotment BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
CREATE TRIGGER transfer_is_kept BEFORE DELETE ON transfer BEGIN
  SELECT RAISE(ABORT, 'the ledger is only added to');
END;
