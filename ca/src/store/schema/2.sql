-- Kubernetes: nodes that joined by a token of their cluster, pods that have certificates, and what stands where in a cluster.

-- The UID of the node's object in its cluster, 16 bytes; null for a node that joined by a join token.
ALTER TABLE nodes ADD COLUMN cluster_uid BLOB;
-- Whether an operator said the clearance; of a node that joined by a join token, the one who made the token.
ALTER TABLE nodes ADD COLUMN clearance_ordered INTEGER NOT NULL DEFAULT 1 CHECK (clearance_ordered IN (0, 1));
CREATE INDEX nodes_by_cluster_uid ON nodes (cluster_uid);

-- Whether whoever made the token may let a node run more than it may already; of one that is older nobody asked.
ALTER TABLE tokens ADD COLUMN may_loosen INTEGER NOT NULL DEFAULT 1 CHECK (may_loosen IN (0, 1));

-- Names that an operator lets in who proves by a token to be that node; taken by the join.
CREATE TABLE node_orders (
    node    TEXT    NOT NULL PRIMARY KEY,
    ceiling TEXT    NOT NULL,
    floor   TEXT,
    may_loosen INTEGER NOT NULL CHECK (may_loosen IN (0, 1)),
    expires INTEGER NOT NULL
) STRICT;

ALTER TABLE registrations ADD COLUMN source TEXT NOT NULL DEFAULT 'operator' CHECK (source IN ('operator', 'pod'));
-- No certificate of the instance that was issued before this moment is worth anything: a label was changed then.
ALTER TABLE registrations ADD COLUMN void_before INTEGER;

-- Which pod owns an address is asked of the directory; of operators' registrations, the first owns it.
DROP INDEX registrations_own_their_address;
CREATE UNIQUE INDEX registrations_own_their_address ON registrations (address)
    WHERE revoked_at IS NULL AND source = 'operator';

-- Which listing of the cluster is the present one.
INSERT INTO meta (key, value) VALUES ('directory_listing', 0);

CREATE TABLE directory_pods (
    uid       BLOB    NOT NULL PRIMARY KEY,
    namespace TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    workload  TEXT    NOT NULL,
    node      TEXT    NOT NULL,
    sidecar   INTEGER NOT NULL CHECK (sidecar IN (0, 1)),
    created   INTEGER NOT NULL,
    leaving   INTEGER NOT NULL CHECK (leaving IN (0, 1)),
    -- Rises with each pod that is written: of two that were made in one millisecond, the one written later is the younger.
    written   INTEGER NOT NULL UNIQUE,
    -- The last listing that said it.
    listed    INTEGER NOT NULL
) STRICT;
CREATE INDEX directory_pods_by_listing ON directory_pods (listed);
CREATE INDEX directory_pods_by_node ON directory_pods (node);

-- In the order in which the addresses were claimed, which the row's own number keeps.
CREATE TABLE directory_addresses (
    address TEXT NOT NULL,
    pod     BLOB NOT NULL REFERENCES directory_pods (uid) ON DELETE CASCADE,
    PRIMARY KEY (address, pod)
) STRICT;
CREATE INDEX directory_addresses_by_pod ON directory_addresses (pod);

CREATE TABLE directory_services (
    name   TEXT    NOT NULL PRIMARY KEY,
    -- Ports with their endpoints, in JSON: read and replaced as a whole.
    ports  TEXT    NOT NULL,
    listed INTEGER NOT NULL
) STRICT;
CREATE INDEX directory_services_by_listing ON directory_services (listed);

CREATE TABLE directory_service_addresses (
    address TEXT NOT NULL PRIMARY KEY,
    service TEXT NOT NULL REFERENCES directory_services (name) ON DELETE CASCADE
) STRICT;
CREATE INDEX directory_service_addresses_by_service ON directory_service_addresses (service);
