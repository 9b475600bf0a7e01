-- The pool in PostgreSQL, in a schema of its own. The owner cannot log in; engines may read, add
-- operations and postings, and call two functions. What follows from a posting is done by triggers
-- that run as the owner, with a search path of their own.

CREATE SCHEMA cross_market;
SET LOCAL search_path = cross_market, pg_temp;

CREATE TABLE pool (
  one integer PRIMARY KEY CHECK (one = 1),
  schema integer NOT NULL,
  config text NOT NULL,
  "binary" text NOT NULL
);

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

CREATE TABLE lease (
  member text PRIMARY KEY,
  epoch bigint NOT NULL CHECK (epoch > 0),
  until bigint NOT NULL
);

CREATE TABLE route (
  source text NOT NULL REFERENCES account (name),
  target text NOT NULL REFERENCES account (name),
  PRIMARY KEY (source, target),
  CHECK (source <> target)
);

CREATE TABLE operation (
  id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 120),
  member text NOT NULL REFERENCES lease (member),
  epoch bigint NOT NULL,
  kind text NOT NULL,
  payload text NOT NULL,
  refused text,
  moment bigint NOT NULL
);

CREATE TABLE allotment (
  id text NOT NULL,
  account text NOT NULL REFERENCES account (name),
  member text NOT NULL,
  amount numeric(38, 0) NOT NULL CHECK (amount > 0),
  remains numeric(38, 0) NOT NULL CHECK (remains BETWEEN 0 AND amount),
  bucket text NOT NULL CHECK (bucket IN ('allotted', 'quarantined')),
  PRIMARY KEY (id, account)
);

CREATE TABLE transfer (
  id text PRIMARY KEY,
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
  source text NOT NULL CHECK (source IN ('free', 'allotted', 'quarantined', 'transit', 'outside')),
  target text NOT NULL CHECK (target IN ('free', 'allotted', 'quarantined', 'transit', 'outside')),
  amount numeric(38, 0) NOT NULL CHECK (amount > 0),
  allotment text,
  PRIMARY KEY (account, version),
  CHECK (source <> target),
  CHECK ((allotment IS NOT NULL) = (source IN ('allotted', 'quarantined')
         OR target IN ('allotted', 'quarantined')))
);

CREATE INDEX posting_of_operation ON posting (operation);
CREATE INDEX allotment_that_remains ON allotment (id, account) WHERE remains > 0;

CREATE VIEW clock (ms) AS SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;

CREATE VIEW ordered_posting AS
  SELECT account, source, target, amount, allotment FROM posting ORDER BY account, version;

CREATE FUNCTION operation_is_fenced() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
DECLARE held lease;
BEGIN
  -- Locked until the end: a successor waits for what this epoch has begun.
  SELECT * INTO held FROM lease WHERE member = NEW.member FOR SHARE;
  IF NOT FOUND OR held.epoch <> NEW.epoch THEN
    RAISE EXCEPTION 'fenced: no lease of this epoch';
  END IF;
  IF held.until < (SELECT ms FROM clock) THEN
    RAISE EXCEPTION 'fenced: the lease is over';
  END IF;
  IF NEW.kind IN ('bring', 'take', 'release') AND NOT pg_has_role(session_user, 'cm_ops', 'MEMBER') THEN
    RAISE EXCEPTION 'a word of cm_ops';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER operation_is_fenced BEFORE INSERT ON operation
  FOR EACH ROW EXECUTE FUNCTION operation_is_fenced();

CREATE FUNCTION posting_moves() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
DECLARE done operation;
BEGIN
  SELECT * INTO STRICT done FROM operation WHERE id = NEW.operation;
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
      remains = remains - NEW.amount
        * (NEW.target NOT IN ('allotted', 'quarantined'))::int,
      bucket = CASE WHEN NEW.target IN ('allotted', 'quarantined') THEN NEW.target ELSE bucket END
      WHERE id = NEW.allotment AND account = NEW.account AND bucket = NEW.source
        AND remains >= NEW.amount
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

CREATE FUNCTION join_pool(who text, lasts bigint) RETURNS bigint LANGUAGE sql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
  INSERT INTO lease SELECT who, 1, ms + lasts FROM clock
    ON CONFLICT (member) DO UPDATE SET epoch = lease.epoch + 1, until = excluded.until
    RETURNING epoch
$$;

CREATE FUNCTION renew_lease(who text, of_epoch bigint, lasts bigint) RETURNS bigint LANGUAGE sql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
  UPDATE lease SET until = ms + lasts FROM clock
    WHERE member = who AND epoch = of_epoch AND until >= ms RETURNING until
$$;

CREATE FUNCTION note_transfer(which text, stands text, of_operation text) RETURNS text LANGUAGE sql
  SECURITY DEFINER SET search_path = cross_market, pg_temp AS $$
  UPDATE transfer SET state = stands
    WHERE id = which AND state NOT IN ('settled', 'failed')
      AND EXISTS (SELECT 1 FROM operation WHERE id = of_operation AND kind = stands)
    RETURNING state
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cross_market FROM PUBLIC;
GRANT USAGE ON SCHEMA cross_market TO cm_engine, cm_reader, cm_ops;
GRANT SELECT ON ALL TABLES IN SCHEMA cross_market TO cm_engine, cm_reader, cm_ops;
GRANT INSERT ON operation, posting, transfer TO cm_engine, cm_ops;
GRANT EXECUTE ON FUNCTION join_pool, renew_lease, note_transfer TO cm_engine, cm_ops;
