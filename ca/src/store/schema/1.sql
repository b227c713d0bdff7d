-- The first schema. Times are milliseconds since 1970, names their text, digests, keys' digests and serials their bytes.
PRAGMA application_id = 0x42756c6b;

CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY) STRICT;

-- What the CA must remember about itself, one row each: `last_time`.
CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT;

CREATE TABLE nodes (
    name           TEXT    NOT NULL PRIMARY KEY,
    epoch          INTEGER NOT NULL,
    ceiling        TEXT    NOT NULL,
    floor          TEXT,
    addresses      TEXT    NOT NULL,
    key            BLOB    NOT NULL,
    admitted_at    INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('admitted', 'quarantined', 'revoked')),
    state_at       INTEGER,
    reason         TEXT,
    current_serial BLOB,
    next_serial    BLOB,
    CHECK ((state = 'admitted') = (state_at IS NULL) AND (state = 'admitted') = (reason IS NULL))
) STRICT;

CREATE TABLE tokens (
    secret_hash BLOB    NOT NULL PRIMARY KEY,
    node        TEXT    NOT NULL,
    ceiling     TEXT    NOT NULL,
    floor       TEXT,
    addresses   TEXT    NOT NULL,
    expires     INTEGER NOT NULL,
    used_by     BLOB
) STRICT;
CREATE INDEX tokens_by_expiry ON tokens (expires);

CREATE TABLE registrations (
    id            BLOB    NOT NULL PRIMARY KEY,
    workload      TEXT    NOT NULL,
    label         TEXT    NOT NULL,
    node          TEXT    NOT NULL REFERENCES nodes (name),
    epoch         INTEGER NOT NULL,
    address       TEXT    NOT NULL,
    uid           INTEGER NOT NULL,
    gid           INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    revoked_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX registrations_own_their_address ON registrations (address) WHERE revoked_at IS NULL;
CREATE INDEX registrations_by_node ON registrations (node);
CREATE INDEX registrations_by_workload ON registrations (workload);

CREATE TABLE certificates (
    serial    BLOB    NOT NULL PRIMARY KEY,
    id        TEXT    NOT NULL,
    node      TEXT    REFERENCES nodes (name),
    epoch     INTEGER,
    instance  BLOB,
    issuer    BLOB    NOT NULL,
    key       BLOB    NOT NULL,
    issued_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    CHECK ((node IS NULL) = (epoch IS NULL))
) STRICT;
CREATE INDEX certificates_by_node ON certificates (node, not_after);
CREATE INDEX certificates_by_instance ON certificates (instance, issued_at);
CREATE INDEX certificates_by_end ON certificates (not_after);

CREATE TABLE services (
    name       TEXT    NOT NULL PRIMARY KEY,
    address    TEXT    NOT NULL UNIQUE,
    workload   TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX services_by_workload ON services (workload);

CREATE TABLE service_ports (
    service TEXT    NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    port    INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    target  INTEGER NOT NULL CHECK (target BETWEEN 1 AND 65535),
    PRIMARY KEY (service, port)
) STRICT;

-- When what stands at an address last changed, on one counter for all; a row outlives what stood there.
CREATE TABLE addresses (
    address TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE incarnations (
    incarnation INTEGER NOT NULL PRIMARY KEY,
    begun_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE facts (
    incarnation   INTEGER NOT NULL REFERENCES incarnations (incarnation),
    n             INTEGER NOT NULL CHECK (n > 0),
    kind          TEXT    NOT NULL,
    body          BLOB    NOT NULL,
    signature     BLOB    NOT NULL,
    bound         INTEGER,
    superseded_by INTEGER,
    PRIMARY KEY (incarnation, n)
) STRICT;
CREATE INDEX facts_in_force ON facts (incarnation, kind) WHERE superseded_by IS NULL;

CREATE TABLE policies (
    incarnation INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    document    TEXT    NOT NULL,
    applied_by  TEXT,
    applied_at  INTEGER NOT NULL,
    PRIMARY KEY (incarnation, n),
    FOREIGN KEY (incarnation, n) REFERENCES facts (incarnation, n)
) STRICT;

CREATE TABLE operators (
    name     TEXT    NOT NULL PRIMARY KEY,
    role     TEXT    NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    n       INTEGER NOT NULL PRIMARY KEY CHECK (n > 0),
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    outcome TEXT    NOT NULL,
    hash    BLOB    NOT NULL
) STRICT;
