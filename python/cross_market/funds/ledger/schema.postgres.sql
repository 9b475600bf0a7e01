-- The pool in PostgreSQL, in a schema of its own, held to the same as in SQLite. The owner cannot
-- log in; engines may read, add operations, transfers and postings, and call three functions. What
-- follows from a posting is done by triggers that run as the owner, with a search path of their own.

CREATE SCHEMA cross_market;
SET LOCAL search_path = cross_market, pg_temp;

CREATE TABLE account (
  name text PRIMARY KEY,
  currency text NOT NULL,
  island text NOT NULL,
  grain text NOT NULL,
  version bigint NOT NULL DEFAULT 0,
  free numeric(38, 0) NOT NULL DEFAULT 0 CHECK (free >= 0),
  allotted numeric(38, 0) NOT NULL DEFAULT 0 CHECK (allotted >= 0),
  quarantined numeric(38, 0) NOT NULL DEFAULT 0 CHECK (quarantined >= 0),
  transit numeric(38, 0) NOT NULL DEFAULT 0 CHECK (transit >= 0),
  outside numeric(38, 0) NOT NULL DEFAULT 0,
  CHECK (free + allotted + quarantined + transit + outside = 0)
);

CREATE TABLE route (
  source text NOT NULL REFERENCES account (name),
  target text NOT NULL REFERENCES account (name),
  PRIMARY KEY (source, target),
  CHECK (source <> target)
);

CREATE TABLE movement (
  kind text NOT NULL,
  source text NOT NULL,
  target text NOT NULL,
  PRIMARY KEY (kind, source, target)
);

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

CREATE TABLE pool (
  one integer PRIMARY KEY CHECK (one = 1),
  schema integer NOT NULL,
  config text NOT NULL,
  "binary" text NOT NULL
);

CREATE TABLE lease (
  member text PRIMARY KEY,
  epoch bigint NOT NULL CHECK (epoch > 0),
  until bigint NOT NULL
);

CREATE TABLE operation (
  id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 120),
  member text NOT NULL REFERENCES lease (member),
  epoch bigint NOT NULL,
  kind text NOT NULL,
  about text NOT NULL,
  payload text NOT NULL,
  lines integer NOT NULL CHECK (lines >= 0),
  refused text,
  moment bigint NOT NULL
);

-- What ends transfers, by transfer.
CREATE INDEX operation_that_ends ON operation (about) WHERE kind IN ('settled', 'failed');

CREATE TABLE allotment (
  id text NOT NULL REFERENCES operation (id),
  account text NOT NULL REFERENCES account (name),
  member text NOT NULL,
  amount numeric(38, 0) NOT NULL CHECK (amount > 0),
  remains numeric(38, 0) NOT NULL CHECK (remains BETWEEN 0 AND amount),
  bucket text NOT NULL CHECK (bucket IN ('allotted', 'quarantined')),
  PRIMARY KEY (id, account)
);

CREATE INDEX allotment_that_remains ON allotment (id, account) WHERE remains > 0;

CREATE TABLE transfer (
  id text PRIMARY KEY REFERENCES operation (id),
  source text NOT NULL,
  target text NOT NULL,
  amount numeric(38, 0) NOT NULL CHECK (amount > 0),
  state text NOT NULL CHECK (state IN ('asked', 'left', 'late', 'unknown', 'settled', 'failed')),
  FOREIGN KEY (source, target) REFERENCES route (source, target)
);

CREATE TABLE posting (
  account text NOT NULL REFERENCES account (name),
  version bigint NOT NULL,
  operation text NOT NULL REFERENCES operation (id),
  source text NOT NULL,
  target text NOT NULL,
  amount numeric(38, 0) NOT NULL CHECK (amount > 0),
  allotment text,
  PRIMARY KEY (account, version),
  CHECK ((allotment IS NOT NULL) = (source IN ('allotted', 'quarantined')
         OR target IN ('allotted', 'quarantined')))
);

CREATE UNIQUE INDEX posting_once
  ON posting (operation, account, source, target, coalesce(allotment, ''));

CREATE VIEW clock (ms) AS SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;

CREATE VIEW ordered_posting AS
  SELECT account, source, target, amount, allotment FROM posting ORDER BY account, version;

-- Raises unless the lease of an epoch lives; locked until the end, so that a successor waits for
-- what this epoch has begun.
CREATE FUNCTION hold_lease(who text, of_epoch bigint) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
DECLARE held lease;
BEGIN
  SELECT * INTO held FROM lease WHERE member = who FOR SHARE;
  IF NOT FOUND OR held.epoch <> of_epoch THEN
    RAISE EXCEPTION 'fenced: no lease of this epoch';
  END IF;
  IF held.until < (SELECT ms FROM clock) THEN
    RAISE EXCEPTION 'fenced: the lease is over';
  END IF;
END $$;

CREATE FUNCTION operation_is_fenced() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
BEGIN
  PERFORM hold_lease(NEW.member, NEW.epoch);
  IF NEW.kind IN ('bring', 'take', 'release')
      AND NOT pg_has_role(session_user, 'cm_ops', 'MEMBER') THEN
    RAISE EXCEPTION 'a word of cm_ops';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER operation_is_fenced BEFORE INSERT ON operation
  FOR EACH ROW EXECUTE FUNCTION operation_is_fenced();

CREATE FUNCTION transfer_is_sent() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
DECLARE done operation;
BEGIN
  SELECT * INTO done FROM operation WHERE id = NEW.id;
  IF NOT FOUND OR done.kind <> 'send' OR done.refused IS NOT NULL OR NEW.state <> 'asked' THEN
    RAISE EXCEPTION 'a transfer begins with its operation';
  END IF;
  PERFORM hold_lease(done.member, done.epoch);
  RETURN NEW;
END $$;
CREATE TRIGGER transfer_is_sent BEFORE INSERT ON transfer
  FOR EACH ROW EXECUTE FUNCTION transfer_is_sent();

CREATE FUNCTION route_is_of_one_currency() RETURNS trigger LANGUAGE plpgsql
  SET search_path = cross_market, pg_temp AS $$
BEGIN
  IF (SELECT count(DISTINCT (currency, grain)) FROM account
        WHERE name IN (NEW.source, NEW.target)) <> 1 THEN
    RAISE EXCEPTION 'a route joins accounts of one currency and grain';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER route_is_of_one_currency BEFORE INSERT ON route
  FOR EACH ROW EXECUTE FUNCTION route_is_of_one_currency();

CREATE FUNCTION posting_moves() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
DECLARE
  done operation;
  way transfer;
BEGIN
  SELECT * INTO done FROM operation WHERE id = NEW.operation FOR UPDATE;
  IF NOT FOUND OR done.refused IS NOT NULL THEN
    RAISE EXCEPTION 'fenced: its operation is of no lease that lives';
  END IF;
  PERFORM hold_lease(done.member, done.epoch);
  IF NOT EXISTS (
      SELECT 1 FROM movement
        WHERE kind = done.kind AND source = NEW.source AND target = NEW.target)
      OR (SELECT count(*) FROM posting WHERE operation = done.id) >= done.lines THEN
    RAISE EXCEPTION 'no movement of its operation';
  END IF;
  IF done.kind IN ('send', 'settled', 'failed') THEN
    SELECT * INTO way FROM transfer WHERE id = done.about FOR UPDATE;
    IF NOT FOUND OR way.state IN ('settled', 'failed') OR NOT (
        (NEW.account = way.source AND NEW.amount = way.amount AND NEW.source <> 'outside')
        OR (NEW.account = way.target AND NEW.amount <= way.amount AND NEW.source = 'outside'))
        THEN
      RAISE EXCEPTION 'no movement of its transfer';
    END IF;
  END IF;
  IF done.kind IN ('settled', 'failed') AND (
      done.lines <> 1 + (done.kind = 'settled')::int
      OR NOT EXISTS (SELECT 1 FROM posting WHERE operation = done.about)
      OR EXISTS (
        SELECT 1 FROM operation AS other JOIN posting ON posting.operation = other.id
          WHERE other.about = done.about AND other.kind IN ('settled', 'failed')
            AND other.id <> done.id)) THEN
    RAISE EXCEPTION 'a transfer ends once, whole, and after it was sent';
  END IF;
  IF NEW.target = 'allotted' AND NEW.source = 'free' AND NEW.allotment <> NEW.operation THEN
    RAISE EXCEPTION 'an allotment has the id of its operation';
  END IF;
  UPDATE account SET
    version = version + 1,
    free = free + NEW.amount * ((NEW.target = 'free')::int - (NEW.source = 'free')::int),
    allotted = allotted
      + NEW.amount * ((NEW.target = 'allotted')::int - (NEW.source = 'allotted')::int),
    quarantined = quarantined
      + NEW.amount * ((NEW.target = 'quarantined')::int - (NEW.source = 'quarantined')::int),
    transit = transit
      + NEW.amount * ((NEW.target = 'transit')::int - (NEW.source = 'transit')::int),
    outside = outside
      + NEW.amount * ((NEW.target = 'outside')::int - (NEW.source = 'outside')::int)
    WHERE name = NEW.account
    -- Numbered under the lock of its account: the order in which postings count.
    RETURNING version INTO STRICT NEW.version;
  IF NEW.source = 'free' AND NEW.target = 'allotted' THEN
    INSERT INTO allotment
      VALUES (NEW.allotment, NEW.account, done.member, NEW.amount, NEW.amount, 'allotted');
  ELSIF NEW.source IN ('allotted', 'quarantined') THEN
    UPDATE allotment SET
      remains = remains - NEW.amount * (NEW.target NOT IN ('allotted', 'quarantined'))::int,
      bucket = CASE WHEN NEW.target IN ('allotted', 'quarantined') THEN NEW.target ELSE bucket END
      WHERE id = NEW.allotment AND account = NEW.account AND bucket = NEW.source
        AND remains >= NEW.amount
        AND (NEW.target NOT IN ('allotted', 'quarantined') OR remains = NEW.amount)
        AND (member = done.member OR done.kind = 'release' OR (done.kind = 'quarantine' AND EXISTS (
          SELECT 1 FROM lease, clock WHERE lease.member = allotment.member AND until < ms)));
    IF NOT FOUND THEN
      RAISE EXCEPTION 'no such allotment';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER posting_moves BEFORE INSERT ON posting
  FOR EACH ROW EXECUTE FUNCTION posting_moves();

CREATE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is only added to';
END $$;
CREATE TRIGGER operation_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON operation
  FOR EACH STATEMENT EXECUTE FUNCTION only_added_to();
CREATE TRIGGER posting_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
  FOR EACH STATEMENT EXECUTE FUNCTION only_added_to();

CREATE FUNCTION join_pool(who text, lasts bigint, of_schema int, of_config text, of_binary text)
  RETURNS bigint LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
DECLARE begun bigint;
BEGIN
  IF NOT EXISTS (
      SELECT 1 FROM pool
        WHERE schema = of_schema AND config = of_config AND "binary" = of_binary) THEN
    RAISE EXCEPTION 'schema, configuration or binary is not the pool''s';
  END IF;
  INSERT INTO lease SELECT who, 1, ms + lasts FROM clock
    ON CONFLICT (member) DO UPDATE SET epoch = lease.epoch + 1, until = excluded.until
    RETURNING epoch INTO begun;
  RETURN begun;
END $$;

CREATE FUNCTION renew_lease(who text, of_epoch bigint, lasts bigint) RETURNS bigint LANGUAGE sql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
  UPDATE lease SET until = ms + lasts FROM clock
    WHERE member = who AND epoch = of_epoch AND until >= ms RETURNING until
$$;

CREATE FUNCTION note_transfer(of_operation text) RETURNS text LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
DECLARE
  done operation;
  stands text;
BEGIN
  SELECT * INTO STRICT done FROM operation WHERE id = of_operation AND refused IS NULL;
  PERFORM hold_lease(done.member, done.epoch);
  IF (SELECT count(*) FROM posting WHERE operation = done.id) <> done.lines THEN
    RAISE EXCEPTION 'no state of this transfer';
  END IF;
  UPDATE transfer SET state = done.kind
    WHERE id = done.about AND state NOT IN ('settled', 'failed')
      AND done.kind IN ('left', 'late', 'unknown', 'settled', 'failed')
    RETURNING state INTO stands;
  RETURN stands;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cross_market FROM PUBLIC;
GRANT USAGE ON SCHEMA cross_market TO cm_engine, cm_reader, cm_ops;
GRANT SELECT ON ALL TABLES IN SCHEMA cross_market TO cm_engine, cm_reader, cm_ops;
GRANT INSERT ON operation, posting, transfer TO cm_engine, cm_ops;
GRANT EXECUTE ON FUNCTION join_pool, renew_lease, note_transfer TO cm_engine, cm_ops;
