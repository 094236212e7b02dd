CREATE TABLE verified_brand (
    uuid TEXT PRIMARY KEY,
    api_key TEXT UNIQUE,
    issuer_name TEXT NOT NULL,
    receiver_name TEXT NOT NULL,
    trusted INTEGER NOT NULL,
    redirect_url TEXT,
    terms_url TEXT,
    privacy_url TEXT,
    colour TEXT,
    default_requests TEXT,
    partner_requests TEXT
) STRICT;

-- Brands that may issue with the other as partner.
CREATE TABLE verified_link (
    issuer TEXT NOT NULL REFERENCES verified_brand,
    partner TEXT NOT NULL REFERENCES verified_brand,
    PRIMARY KEY (issuer, partner)
) STRICT, WITHOUT ROWID;

CREATE TABLE verified_user (
    uuid TEXT PRIMARY KEY,
    is_test INTEGER NOT NULL
) STRICT;
CREATE INDEX verified_user_test ON verified_user (is_test) WHERE is_test = 1;

-- Mail addresses in lower case, phone numbers in E.164.
CREATE TABLE verified_identifier (
    value TEXT PRIMARY KEY,
    user TEXT NOT NULL REFERENCES verified_user
) STRICT, WITHOUT ROWID;

-- People that 1-Click knows by a phone number only: profiles as JSON, and numbers with a profile (or none) of their own.
CREATE TABLE verified_profile (
    position INTEGER PRIMARY KEY,
    profile TEXT NOT NULL
) STRICT;
CREATE TABLE verified_phone (
    phone TEXT PRIMARY KEY,
    position INTEGER REFERENCES verified_profile,
    lacks TEXT NOT NULL,
    is_strict INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A composite's children are rows of their own. `data` is JSON of an atomic credential, absent for a composite.
CREATE TABLE verified_credential (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    parent INTEGER REFERENCES verified_credential,
    user TEXT NOT NULL REFERENCES verified_user,
    issuer TEXT NOT NULL REFERENCES verified_brand,
    type TEXT NOT NULL,
    data TEXT,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    issued_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    status TEXT NOT NULL,
    verification_method TEXT,
    one_click TEXT
) STRICT;
CREATE INDEX verified_credential_parent ON verified_credential (parent);
CREATE INDEX verified_credential_user ON verified_credential (user, issuer);
CREATE INDEX verified_credential_one_click ON verified_credential (one_click) WHERE one_click IS NOT NULL;

-- `shared` is JSON of the credentials as they were shared.
CREATE TABLE verified_one_click (
    uuid TEXT PRIMARY KEY,
    brand TEXT NOT NULL REFERENCES verified_brand,
    phone TEXT NOT NULL,
    email TEXT,
    state TEXT NOT NULL,
    phone_verified INTEGER NOT NULL,
    shared TEXT,
    is_read INTEGER NOT NULL,
    is_closed INTEGER NOT NULL
) STRICT;

CREATE TABLE verified_shared (
    uuid TEXT PRIMARY KEY,
    brand TEXT NOT NULL REFERENCES verified_brand,
    email TEXT,
    phone TEXT,
    credentials TEXT NOT NULL,
    is_read INTEGER NOT NULL
) STRICT;

-- What a person does in the wallet: for a 1-Click (`one_click` set) or for a request of matching credentials.
CREATE TABLE verified_flow (
    id TEXT PRIMARY KEY,
    brand TEXT NOT NULL REFERENCES verified_brand,
    one_click TEXT,
    user TEXT,
    phone TEXT,
    email TEXT,
    requests TEXT NOT NULL,
    is_hosted INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    redirect_url TEXT,
    seen_redirect_url TEXT,
    needs_identity INTEGER NOT NULL,
    state TEXT NOT NULL,
    code TEXT,
    attempts INTEGER NOT NULL,
    link TEXT UNIQUE,
    scope TEXT,
    tracking_id TEXT,
    outcome TEXT
) STRICT;

-- A browser that signed in to a flow.
CREATE TABLE verified_session (
    token TEXT PRIMARY KEY,
    flow TEXT NOT NULL REFERENCES verified_flow,
    is_scoped INTEGER NOT NULL,
    is_identified INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
