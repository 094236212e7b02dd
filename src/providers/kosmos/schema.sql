-- The service's own key pair on each curve. Keys do not change while a world lives.
CREATE TABLE kosmos_key (
    curve       TEXT PRIMARY KEY,
    private_key TEXT NOT NULL,
    public_key  TEXT NOT NULL
) STRICT;

-- Secrets that nobody but the service knows (`upload` signs upload addresses), and the published test client's key pair.
CREATE TABLE kosmos_secret (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE kosmos_tenant (
    id         TEXT PRIMARY KEY,
    position   INTEGER NOT NULL UNIQUE,
    tag        TEXT NOT NULL,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    firstname  TEXT NOT NULL,
    lastname   TEXT NOT NULL,
    other_dns  TEXT NOT NULL -- JSON array, as shown in answers
) STRICT;

-- Every host name of a tenant.
CREATE TABLE kosmos_dns (
    dns       TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES kosmos_tenant (id)
) STRICT;

CREATE TABLE kosmos_community (
    id        TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES kosmos_tenant (id),
    name      TEXT NOT NULL,
    UNIQUE (tenant_id, name)
) STRICT;

CREATE TABLE kosmos_license (
    secret    TEXT PRIMARY KEY,
    key_id    TEXT NOT NULL UNIQUE,
    tag       TEXT NOT NULL,
    level     TEXT NOT NULL,
    disabled  INTEGER NOT NULL,
    expiry_ms INTEGER
) STRICT;

CREATE TABLE kosmos_service_key (
    position INTEGER PRIMARY KEY,
    key_id   TEXT NOT NULL UNIQUE,
    secret   TEXT NOT NULL UNIQUE,
    tag      TEXT NOT NULL,
    kind     TEXT NOT NULL
) STRICT;

-- Verification configurations that a request can name by its dvcID.
CREATE TABLE kosmos_configuration (
    dvc_id           TEXT PRIMARY KEY,
    tag              TEXT NOT NULL,
    connector_id     TEXT NOT NULL,
    connector_type   TEXT NOT NULL,
    connector_config TEXT NOT NULL, -- JSON object
    config           TEXT NOT NULL  -- JSON object
) STRICT;

CREATE TABLE kosmos_template (
    position      INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    tenant_id     TEXT NOT NULL,
    community_id  TEXT NOT NULL,
    dvc_id        TEXT NOT NULL,
    document_type TEXT NOT NULL,
    workflow      TEXT NOT NULL, -- JSON array
    UNIQUE (tenant_id, community_id, dvc_id, document_type)
) STRICT;

CREATE TABLE kosmos_bucket (
    id           TEXT PRIMARY KEY,
    tenant_id    TEXT NOT NULL,
    community_id TEXT NOT NULL,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    enabled      INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL,
    credentials  TEXT NOT NULL, -- JSON object
    UNIQUE (tenant_id, community_id)
) STRICT;

CREATE TABLE kosmos_session (
    id                TEXT PRIMARY KEY,
    document_id       TEXT NOT NULL,
    tenant_dns        TEXT NOT NULL,
    tenant_id         TEXT NOT NULL,
    community_id      TEXT NOT NULL,
    community_name    TEXT NOT NULL,
    document_type     TEXT NOT NULL,
    status            TEXT NOT NULL,
    did               TEXT,
    dvc_id            TEXT NOT NULL,
    uid               TEXT,
    username          TEXT,
    firstname         TEXT,
    lastname          TEXT,
    name_search       TEXT NOT NULL, -- both names in lower case, a line each
    created_ms        INTEGER NOT NULL,
    expires_ms        INTEGER NOT NULL,
    started_ms        INTEGER,
    abandoned_ms      INTEGER,
    completed_ms      INTEGER,
    result            TEXT,
    reason            TEXT,
    retries           INTEGER NOT NULL DEFAULT 0,
    awaiting_retry    INTEGER NOT NULL DEFAULT 0,
    attempt_reason    TEXT,    -- why the attempt that awaits a retry failed
    chosen            TEXT,    -- outcome chosen by a person for the current attempt
    chosen_reason     TEXT,
    captured          INTEGER NOT NULL DEFAULT 0, -- whether captures were evaluated
    polls             INTEGER NOT NULL DEFAULT 0,
    assets_deleted    INTEGER NOT NULL DEFAULT 0,
    document_uuid     TEXT,
    liveid_uuid       TEXT,
    connector_type    TEXT NOT NULL,
    connector_license TEXT,
    config            TEXT NOT NULL, -- JSON object
    workflow_metadata TEXT           -- JSON object
) STRICT;

-- Lists read this index alone, and the table only for the rows of the page that they show.
CREATE INDEX kosmos_session_list ON kosmos_session (
    tenant_id, community_id, created_ms, id, status, result, document_type, dvc_id, uid, name_search
);

CREATE TABLE kosmos_history (
    position    INTEGER PRIMARY KEY,
    session_id  TEXT NOT NULL REFERENCES kosmos_session (id),
    activity    TEXT NOT NULL,
    ip_address  TEXT NOT NULL,
    user_agent  TEXT,
    screen_name TEXT,
    at_ms       INTEGER NOT NULL,
    status      TEXT, -- JSON: text or boolean, as an event said
    error       TEXT
) STRICT;
CREATE INDEX kosmos_history_session ON kosmos_history (session_id, position);

-- What was submitted in the current attempt: `document`, a verification's name, or what the page holds back
-- (`page_front`, `page_back`, `page_selfie`) until the whole is submitted.
CREATE TABLE kosmos_capture (
    session_id TEXT NOT NULL REFERENCES kosmos_session (id),
    kind       TEXT NOT NULL,
    front      TEXT, -- base64
    back       TEXT,
    face       TEXT,
    PRIMARY KEY (session_id, kind)
) STRICT;

-- Objects put at upload addresses.
CREATE TABLE kosmos_object (
    session_id TEXT NOT NULL,
    name       TEXT NOT NULL,
    bytes      BLOB NOT NULL,
    PRIMARY KEY (session_id, name)
) STRICT;

CREATE TABLE kosmos_certificate (
    session_id TEXT NOT NULL REFERENCES kosmos_session (id),
    position   INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    at_ms      INTEGER NOT NULL,
    result     TEXT NOT NULL,
    reason     TEXT,
    PRIMARY KEY (session_id, position)
) STRICT;

-- Request ids seen while replays are refused.
CREATE TABLE kosmos_request (
    digest TEXT PRIMARY KEY,
    at_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX kosmos_request_at ON kosmos_request (at_ms);
