CREATE TABLE five_north_institution (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    -- How many credentials it may read, and of how many people. Kept by triggers, so that a total costs nothing.
    disclosed INTEGER NOT NULL DEFAULT 0,
    people INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE five_north_client (
    id TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    -- Absent: the client is nobody's, so it lacks the role that the API asks for.
    institution_id INTEGER REFERENCES five_north_institution (id),
    enabled INTEGER NOT NULL,
    has_service_account INTEGER NOT NULL,
    service_account_id TEXT NOT NULL UNIQUE,
    token_lifetime_s INTEGER NOT NULL,
    -- Requests in a window; absent where the setting decides.
    rate_limit INTEGER
) STRICT, WITHOUT ROWID;

-- Access tokens, by their SHA-256: what was issued here need not be verified again, and can be revoked.
CREATE TABLE five_north_token (
    digest BLOB PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES five_north_client (id),
    expires_at_ms INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX five_north_token_expiry ON five_north_token (expires_at_ms);

-- The last time that all tokens were revoked, for tokens that the table above does not know.
CREATE TABLE five_north_revocation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at_ms INTEGER NOT NULL
) STRICT;

-- Requests of a client or an address in the running window.
CREATE TABLE five_north_window (
    subject TEXT PRIMARY KEY,
    began_at_ms INTEGER NOT NULL,
    requests INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE five_north_user (
    id INTEGER PRIMARY KEY,
    party_id TEXT NOT NULL UNIQUE,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL,
    -- E-mail address, username and alias of the account, in lower case.
    email_key TEXT NOT NULL UNIQUE,
    username_key TEXT NOT NULL UNIQUE,
    alias TEXT UNIQUE,
    status TEXT NOT NULL,
    registered_at_ms INTEGER NOT NULL,
    -- State of the identity check at Sumsub; absent where none was begun.
    sumsub TEXT,
    policy TEXT NOT NULL,
    policy_delay_s INTEGER NOT NULL
) STRICT;

-- Accounts that people have linked, with what the provider tells about them.
CREATE TABLE five_north_account (
    user_id INTEGER NOT NULL REFERENCES five_north_user (id),
    provider TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    metrics TEXT NOT NULL,
    PRIMARY KEY (user_id, provider)
) STRICT, WITHOUT ROWID;

CREATE TABLE five_north_credential (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    contract_id TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES five_north_user (id),
    provider TEXT NOT NULL,
    -- active, revoked, superseded or archived.
    state TEXT NOT NULL,
    -- Whether it is the one that its user has with its provider now: active, or revoked and not yet replaced.
    is_current INTEGER NOT NULL,
    is_expired INTEGER NOT NULL DEFAULT 0,
    issued_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    metadata TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX five_north_credential_current ON five_north_credential (user_id, provider) WHERE is_current = 1;
CREATE INDEX five_north_credential_pair ON five_north_credential (user_id, provider);

-- What a credential can be found by, in lower case: e-mail address, username and domain of its metadata.
CREATE TABLE five_north_handle (
    handle TEXT NOT NULL,
    credential_id INTEGER NOT NULL REFERENCES five_north_credential (id) ON DELETE CASCADE,
    PRIMARY KEY (handle, credential_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX five_north_handle_credential ON five_north_handle (credential_id);

-- An institution's requests for data. Of the user it repeats what the list shows, sorts by and searches, as far as the institution
-- may see it: a list of 100,000 must not look up 100,000 users.
CREATE TABLE five_north_request (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    institution_id INTEGER NOT NULL REFERENCES five_north_institution (id),
    user_id INTEGER NOT NULL REFERENCES five_north_user (id),
    provider TEXT NOT NULL,
    proposal_id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    full_name TEXT NOT NULL,
    email TEXT NOT NULL,
    user_status TEXT NOT NULL,
    kyc_status TEXT NOT NULL,
    party_id TEXT NOT NULL,
    registered_at_ms INTEGER NOT NULL,
    -- Name, e-mail address and party, in lower case.
    search_text TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX five_north_request_live ON five_north_request (institution_id, user_id, provider)
    WHERE state IN ('PENDING', 'APPROVED');
CREATE INDEX five_north_request_pair ON five_north_request (user_id, provider);
CREATE INDEX five_north_request_id ON five_north_request (institution_id, id);
CREATE INDEX five_north_request_name ON five_north_request (institution_id, full_name);
CREATE INDEX five_north_request_email ON five_north_request (institution_id, email);
CREATE INDEX five_north_request_status ON five_north_request (institution_id, user_status);
CREATE INDEX five_north_request_kyc ON five_north_request (institution_id, kyc_status);
CREATE INDEX five_north_request_party ON five_north_request (institution_id, party_id);
CREATE INDEX five_north_request_proposal ON five_north_request (institution_id, proposal_id);
CREATE INDEX five_north_request_provider ON five_north_request (institution_id, provider);
CREATE INDEX five_north_request_registered ON five_north_request (institution_id, registered_at_ms);
CREATE INDEX five_north_request_created ON five_north_request (institution_id, created_at_ms);
CREATE INDEX five_north_request_states ON five_north_request (institution_id, state, kyc_status, user_status);

-- How many requests there are of each combination of states.
CREATE TABLE five_north_tally (
    institution_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    kyc_status TEXT NOT NULL,
    user_status TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (institution_id, state, kyc_status, user_status)
) STRICT, WITHOUT ROWID;

-- Finds parts of words of three letters and more.
CREATE VIRTUAL TABLE five_north_search USING fts5 (
    search_text, content = 'five_north_request', content_rowid = 'id', tokenize = 'trigram'
);

CREATE TRIGGER five_north_request_added AFTER INSERT ON five_north_request BEGIN
    INSERT INTO five_north_tally (institution_id, state, kyc_status, user_status, requests)
    VALUES (new.institution_id, new.state, new.kyc_status, new.user_status, 1)
    ON CONFLICT DO UPDATE SET requests = requests + 1;
    INSERT INTO five_north_search (rowid, search_text) VALUES (new.id, new.search_text);
END;
CREATE TRIGGER five_north_request_moved AFTER UPDATE OF state, kyc_status ON five_north_request BEGIN
    UPDATE five_north_tally SET requests = requests - 1
    WHERE institution_id = old.institution_id AND state = old.state AND kyc_status = old.kyc_status AND user_status = old.user_status;
    INSERT INTO five_north_tally (institution_id, state, kyc_status, user_status, requests)
    VALUES (new.institution_id, new.state, new.kyc_status, new.user_status, 1)
    ON CONFLICT DO UPDATE SET requests = requests + 1;
END;
CREATE TRIGGER five_north_request_renamed AFTER UPDATE OF search_text ON five_north_request BEGIN
    INSERT INTO five_north_search (five_north_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
    INSERT INTO five_north_search (rowid, search_text) VALUES (new.id, new.search_text);
END;

-- Which credentials an institution may read: the current ones for which it has an approved request.
CREATE TABLE five_north_disclosure (
    institution_id INTEGER NOT NULL REFERENCES five_north_institution (id),
    credential_id INTEGER NOT NULL REFERENCES five_north_credential (id) ON DELETE CASCADE,
    PRIMARY KEY (institution_id, credential_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX five_north_disclosure_credential ON five_north_disclosure (credential_id);
CREATE TRIGGER five_north_disclosure_added AFTER INSERT ON five_north_disclosure BEGIN
    UPDATE five_north_institution SET disclosed = disclosed + 1 WHERE id = new.institution_id;
END;
CREATE TRIGGER five_north_disclosure_ended AFTER DELETE ON five_north_disclosure BEGIN
    UPDATE five_north_institution SET disclosed = disclosed - 1 WHERE id = old.institution_id;
END;

-- Whose human score an institution may read: people who have approved one of its requests.
CREATE TABLE five_north_approval (
    institution_id INTEGER NOT NULL REFERENCES five_north_institution (id),
    user_id INTEGER NOT NULL REFERENCES five_north_user (id),
    PRIMARY KEY (institution_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX five_north_approval_user ON five_north_approval (user_id);
CREATE TRIGGER five_north_approval_added AFTER INSERT ON five_north_approval BEGIN
    UPDATE five_north_institution SET people = people + 1 WHERE id = new.institution_id;
END;
CREATE TRIGGER five_north_approval_ended AFTER DELETE ON five_north_approval BEGIN
    UPDATE five_north_institution SET people = people - 1 WHERE id = old.institution_id;
END;

-- Verification links that are alive. The contract may be gone.
CREATE TABLE five_north_link (
    token TEXT PRIMARY KEY,
    contract_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
