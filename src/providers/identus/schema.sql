-- What the service is told at its start.
CREATE TABLE identus_config (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    admin_key TEXT NOT NULL
) STRICT;

CREATE TABLE identus_wallet (
    id TEXT PRIMARY KEY,
    -- 128 hexadecimal digits; keys are derived from it.
    seed TEXT NOT NULL UNIQUE,
    next_did_index INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identus_entity (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    wallet_id TEXT NOT NULL REFERENCES identus_wallet (id),
    api_key TEXT NOT NULL UNIQUE,
    created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE identus_did (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    suffix TEXT NOT NULL UNIQUE,
    wallet_id TEXT NOT NULL REFERENCES identus_wallet (id),
    long_form TEXT NOT NULL,
    status TEXT NOT NULL,
    deactivated INTEGER NOT NULL,
    version TEXT NOT NULL,
    published_ms INTEGER,
    updated_ms INTEGER
) STRICT;
CREATE INDEX identus_did_wallet ON identus_did (wallet_id, seq);
CREATE INDEX identus_did_pending ON identus_did (seq) WHERE status = 'PUBLICATION_PENDING';

-- The keys of a DID's present state. One without path is known by its public half only.
CREATE TABLE identus_did_key (
    did_seq INTEGER NOT NULL REFERENCES identus_did (seq),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    usage TEXT NOT NULL,
    curve TEXT NOT NULL,
    data BLOB NOT NULL,
    path TEXT,
    PRIMARY KEY (did_seq, position)
) STRICT, WITHOUT ROWID;

-- An update that the ledger has not confirmed yet: at most one a DID.
CREATE TABLE identus_did_update (
    did_seq INTEGER PRIMARY KEY REFERENCES identus_did (seq),
    name TEXT NOT NULL,
    usage TEXT NOT NULL,
    curve TEXT NOT NULL,
    data BLOB NOT NULL,
    path TEXT NOT NULL,
    version TEXT NOT NULL
) STRICT;

CREATE TABLE identus_connection (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    wallet_id TEXT NOT NULL REFERENCES identus_wallet (id),
    thid TEXT NOT NULL,
    label TEXT,
    my_did TEXT,
    their_did TEXT,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    inviter_did TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER
) STRICT;
CREATE INDEX identus_connection_wallet ON identus_connection (wallet_id, created_us, seq);
CREATE INDEX identus_connection_thread ON identus_connection (thid, role, seq);
CREATE INDEX identus_connection_established ON identus_connection (seq) WHERE role = 'Inviter' AND state = 'ConnectionResponseSent';
CREATE INDEX identus_connection_pending ON identus_connection (seq) WHERE state IN ('ConnectionRequestPending', 'ConnectionResponsePending');

CREATE TABLE identus_record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    wallet_id TEXT NOT NULL REFERENCES identus_wallet (id),
    thid TEXT NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    -- The issuer's DID, without 'did:prism:'; on the issuer's side only.
    issuer TEXT,
    -- As given on acceptance; on the holder's side only.
    subject_id TEXT,
    validity_s REAL,
    claims TEXT NOT NULL,
    -- The claim that credentials are found by, as text.
    claim_type TEXT,
    credential TEXT,
    -- Where the status list will be, as seen by whoever asked for the credential.
    status_base TEXT,
    retries INTEGER NOT NULL,
    failure TEXT,
    created_us INTEGER NOT NULL,
    updated_us INTEGER
) STRICT;
CREATE INDEX identus_record_wallet ON identus_record (wallet_id, created_us, seq);
CREATE INDEX identus_record_thread ON identus_record (wallet_id, thid, seq);
CREATE INDEX identus_record_sides ON identus_record (thid, role, seq);
CREATE INDEX identus_record_claim ON identus_record (wallet_id, claim_type, state, created_us, seq) WHERE claim_type IS NOT NULL;
CREATE INDEX identus_record_pending ON identus_record (seq)
    WHERE state IN ('OfferPending', 'RequestPending', 'RequestGenerated', 'CredentialPending', 'CredentialGenerated');

CREATE TABLE identus_status_list (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    wallet_id TEXT NOT NULL REFERENCES identus_wallet (id),
    issuer TEXT NOT NULL,
    last_index INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX identus_status_list_wallet ON identus_status_list (wallet_id, seq);

CREATE TABLE identus_status_entry (
    thid TEXT PRIMARY KEY,
    list_seq INTEGER NOT NULL REFERENCES identus_status_list (seq),
    place INTEGER NOT NULL,
    revoked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identus_status_entry_revoked ON identus_status_entry (list_seq, place) WHERE revoked = 1;

CREATE TABLE identus_presentation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    wallet_id TEXT NOT NULL REFERENCES identus_wallet (id),
    thid TEXT NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    challenge TEXT NOT NULL,
    domain TEXT NOT NULL,
    definition_id TEXT NOT NULL,
    -- The prover's record whose credential is shown.
    record_id TEXT,
    proof TEXT,
    retries INTEGER NOT NULL
) STRICT;
CREATE INDEX identus_presentation_wallet ON identus_presentation (wallet_id, seq);
CREATE INDEX identus_presentation_state ON identus_presentation (wallet_id, state, seq);
CREATE INDEX identus_presentation_thread ON identus_presentation (wallet_id, thid, seq);
CREATE INDEX identus_presentation_sides ON identus_presentation (thid, role, seq);
CREATE INDEX identus_presentation_challenge ON identus_presentation (wallet_id, challenge, state, seq);
CREATE INDEX identus_presentation_pending ON identus_presentation (seq)
    WHERE state IN ('RequestPending', 'PresentationPending', 'PresentationGenerated', 'PresentationReceived');

CREATE TABLE identus_schema (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL,
    wallet_id TEXT NOT NULL REFERENCES identus_wallet (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    tags TEXT NOT NULL,
    description TEXT NOT NULL,
    schema TEXT NOT NULL,
    author TEXT NOT NULL,
    authored_us INTEGER NOT NULL,
    UNIQUE (wallet_id, guid)
) STRICT;
CREATE INDEX identus_schema_wallet ON identus_schema (wallet_id, seq);
CREATE INDEX identus_schema_id ON identus_schema (wallet_id, id, seq);
CREATE INDEX identus_schema_name ON identus_schema (wallet_id, name, seq);

CREATE TABLE identus_definition (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL,
    wallet_id TEXT NOT NULL REFERENCES identus_wallet (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    tag TEXT NOT NULL,
    description TEXT NOT NULL,
    author TEXT NOT NULL,
    schema_id TEXT NOT NULL,
    definition TEXT NOT NULL,
    key_proof TEXT NOT NULL,
    authored_us INTEGER NOT NULL,
    UNIQUE (wallet_id, guid)
) STRICT;
CREATE INDEX identus_definition_wallet ON identus_definition (wallet_id, seq);
