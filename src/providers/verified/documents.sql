-- A credential that stands on its own is one row, with all its parts in `document`. Until now each part was a row of its own.
DROP INDEX verified_credential_user;
DROP INDEX verified_credential_one_click;
ALTER TABLE verified_credential RENAME TO verified_credential_part;

CREATE TABLE verified_credential (
    seq INTEGER PRIMARY KEY,
    user TEXT NOT NULL REFERENCES verified_user,
    issuer TEXT NOT NULL REFERENCES verified_brand,
    type TEXT NOT NULL,
    one_click TEXT,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX verified_credential_user ON verified_credential (user);
CREATE INDEX verified_credential_one_click ON verified_credential (one_click) WHERE one_click IS NOT NULL;

-- Ids that do not tell their row themselves: `id` is the 16 bytes of a UUID, `whole` the row of the credential that has it, or a part
-- that has it.
CREATE TABLE verified_credential_id (
    id BLOB PRIMARY KEY,
    whole INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO verified_credential_id (id, whole)
    WITH RECURSIVE tree (seq, id, whole) AS (
        SELECT seq, id, seq FROM verified_credential_part WHERE parent IS NULL
        UNION ALL
        SELECT part.seq, part.id, tree.whole FROM verified_credential_part part JOIN tree ON part.parent = tree.seq)
    SELECT unhex(id, '-'), whole FROM tree;

-- A document is put together from the texts of its parts, in the order in which a reader meets them; a composite has one before its
-- first part and one behind its last.
INSERT INTO verified_credential (seq, user, issuer, type, one_click, document)
    WITH RECURSIVE tree (seq, whole, place, is_first) AS (
        SELECT seq, seq, printf('%020d', seq), 1 FROM verified_credential_part WHERE parent IS NULL
        UNION ALL
        SELECT part.seq, tree.whole, tree.place || printf('%020d', part.seq),
                part.seq = (SELECT min(seq) FROM verified_credential_part sibling WHERE sibling.parent = tree.seq)
            FROM verified_credential_part part JOIN tree ON part.parent = tree.seq),
    node (whole, place, data, head, tail) AS (
        SELECT whole, place, data,
            iif(is_first, '', ',') || '{"id":' || json_quote(id) || ',"createdAt":"' || created_ms || '","updatedAt":"' || updated_ms
                || '","type":' || json_quote(type) || ',"issuanceDate":"' || issued_ms || '"'
                || coalesce(',"expirationDate":' || expires_ms, '') || ',"data":',
            ',"issuerUuid":' || json_quote(issuer) || ',"status":' || json_quote(status) || ',"verificationMethod":'
                || json_quote(verification_method) || '}'
            FROM tree JOIN verified_credential_part USING (seq)),
    piece (whole, place, text) AS (
        SELECT whole, place, head || data || tail FROM node WHERE data IS NOT NULL
        UNION ALL SELECT whole, place, head || '[' FROM node WHERE data IS NULL
        UNION ALL SELECT whole, place || '~', ']' || tail FROM node WHERE data IS NULL)
    SELECT seq, user, issuer, type, one_click, document
        FROM (SELECT whole, group_concat(text, '' ORDER BY place) AS document FROM piece GROUP BY whole)
        JOIN verified_credential_part ON seq = whole
        ORDER BY seq;

DROP TABLE verified_credential_part;
