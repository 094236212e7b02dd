-- Partners: what an API key stands for.
CREATE TABLE public_mint_app (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    api_key TEXT NOT NULL UNIQUE,
    webhook_url TEXT
) STRICT, WITHOUT ROWID;

-- Persons and companies. A deleted one stays, for companies that point to it.
CREATE TABLE public_mint_identity (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL REFERENCES public_mint_app (id),
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    birthday TEXT,
    gender TEXT,
    identity_owner TEXT,
    address TEXT NOT NULL,
    phone TEXT NOT NULL,
    tax TEXT NOT NULL,
    face_images TEXT NOT NULL,
    blocked INTEGER NOT NULL,
    risk_rating TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    deleted_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX public_mint_identity_email ON public_mint_identity (app_id, email_key) WHERE deleted_ms IS NULL;
CREATE INDEX public_mint_identity_name ON public_mint_identity (app_id, deleted_ms, name);
CREATE INDEX public_mint_identity_owner ON public_mint_identity (app_id, deleted_ms, identity_owner);
-- One index for each order of a list. They carry what filters look at, so that neither counting nor leafing reads a row.
CREATE INDEX public_mint_identity_newest ON public_mint_identity
    (app_id, deleted_ms, created_ms DESC, id, email_key, type, blocked, risk_rating);
CREATE INDEX public_mint_identity_oldest ON public_mint_identity
    (app_id, deleted_ms, created_ms, id, email_key, type, blocked, risk_rating);
CREATE INDEX public_mint_identity_last_updated ON public_mint_identity
    (app_id, deleted_ms, updated_ms DESC, id, email_key, type, blocked, risk_rating);
CREATE INDEX public_mint_identity_first_updated ON public_mint_identity
    (app_id, deleted_ms, updated_ms, id, email_key, type, blocked, risk_rating);

-- What each KYC provider thinks of an identity.
CREATE TABLE public_mint_verification (
    identity INTEGER NOT NULL REFERENCES public_mint_identity (number),
    provider TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    exceptions TEXT NOT NULL,
    PRIMARY KEY (identity, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE public_mint_document (
    number INTEGER PRIMARY KEY,
    identity INTEGER NOT NULL REFERENCES public_mint_identity (number),
    id TEXT NOT NULL UNIQUE,
    side TEXT NOT NULL,
    type TEXT NOT NULL,
    label TEXT,
    description TEXT,
    url TEXT NOT NULL,
    object_key TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX public_mint_document_identity ON public_mint_document (identity, number);
CREATE INDEX public_mint_document_object ON public_mint_document (object_key);

-- Files in the bucket.
CREATE TABLE public_mint_object (
    key TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Sandbox decisions that wait for their timer.
CREATE TABLE public_mint_decision (
    identity_id TEXT PRIMARY KEY,
    decision TEXT NOT NULL,
    exceptions TEXT NOT NULL
) STRICT, WITHOUT ROWID;
