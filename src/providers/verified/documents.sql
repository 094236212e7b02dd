-- A credential that stands on its own is one row, with all its parts in `document`; the ids of the whole and of all its parts lead
-- there. Until now each part was a row of its own.
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

-- `id` is the 16 bytes of a UUID, `whole` the row of the credential that has it, or a part that has it.
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

-- A document is put together from the objects of its parts, in the order in which a reader meets them. A composite's object is left
-- open, and closed behind its last part.
INSERT INTO verified_credential (seq, user, issuer, type, one_click, document)
    WITH RECURSIVE tree (seq, whole, place, depth) AS (
        SELECT seq, seq, printf('%020d', seq), 0 FROM verified_credential_part WHERE parent IS NULL
        UNION ALL
        SELECT part.seq, tree.whole, tree.place || printf('%020d', part.seq), tree.depth + 1
            FROM verified_credential_part part JOIN tree ON part.parent = tree.seq),
    piece (whole, place, is_composite, object, depth, next) AS (
        SELECT whole, place, data IS NULL,
            json_object('id', id, 'type', type, 'created', created_ms, 'updated', updated_ms, 'issued', issued_ms,
                'expires', expires_ms, 'is_revoked', json(iif(status = 'revoked', 'true', 'false')),
                'verification_method', verification_method, iif(data IS NULL, 'parts', 'fields'), json(coalesce(data, '[]'))),
            depth, lead(depth) OVER (PARTITION BY whole ORDER BY place)
            FROM tree JOIN verified_credential_part USING (seq))
    SELECT seq, user, issuer, type, one_click, document
        FROM (SELECT whole,
                group_concat(
                    iif(is_composite, substr(object, 1, length(object) - 2), object)
                    || replace(hex(zeroblob(depth + is_composite - coalesce(next, 0))), '00', ']}')
                    || iif(next <= depth, ',', ''), '' ORDER BY place) AS document
                FROM piece GROUP BY whole)
        JOIN verified_credential_part ON seq = whole
        ORDER BY seq;

DROP TABLE verified_credential_part;
