//! The bytes of a database, kept aside: what worlds are made from, what they go back to, and what they are while they sleep.

use std::io::{self, Read};
use std::sync::Arc;

use rusqlite::{Connection, MAIN_DB};

use super::store;

/// Bytes that are compared and shared as one: a page of the database.
const CHUNK: usize = store::PAGE_SIZE as usize;

/// Where the header of a database says that there is a write-ahead log beside it (2) or not (1).
const LOG_FLAGS: std::ops::Range<usize> = 18..20;

/// A database as bytes. Chunks that are as in another (the fixtures', for nearly all) are kept only there, so that an image of a
/// world in which little happened is small.
#[derive(Debug)]
pub struct Image {
    base: Arc<[u8]>,
    length: usize,
    /// Numbers of the chunks that differ from the base, ascending, and what is in them, one after the other.
    own: Vec<usize>,
    bytes: Box<[u8]>,
}

impl Image {
    /// What `db` holds, on its own.
    pub fn whole(db: &mut Connection) -> rusqlite::Result<Self> {
        let mut bytes = db.serialize(MAIN_DB)?.to_vec();
        forget_log(&mut bytes);
        Ok(Self { length: bytes.len(), base: bytes.into(), own: Vec::new(), bytes: Box::default() })
    }

    /// What `db` holds, as the difference to what this image is based on.
    pub fn beside(&self, db: &mut Connection) -> rusqlite::Result<Self> {
        let data = db.serialize(MAIN_DB)?;
        let (mut own, mut bytes) = (Vec::new(), Vec::new());
        let mut base = self.base.chunks(CHUNK);
        for (number, chunk) in data.chunks(CHUNK).enumerate() {
            if base.next() != Some(chunk) {
                own.push(number);
                bytes.extend_from_slice(chunk);
            }
        }
        if own.first() == Some(&0) {
            forget_log(&mut bytes);
        }
        own.shrink_to_fit();
        Ok(Self { base: self.base.clone(), length: data.len(), own, bytes: bytes.into() })
    }

    /// Bytes of the database.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no byte; no image of a database is so.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that are kept for this image alone.
    pub fn own_len(&self) -> usize {
        self.bytes.len()
    }

    /// The database as a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.length);
        let mut number = 0;
        while let Some(chunk) = self.chunk(number).filter(|chunk| !chunk.is_empty()) {
            whole.extend_from_slice(chunk);
            number += 1;
        }
        whole
    }

    /// A database in memory that holds the same.
    pub fn open(&self) -> rusqlite::Result<Connection> {
        store::open_bytes(Reader { image: self, at: 0 }, self.length)
    }

    fn chunk(&self, number: usize) -> Option<&[u8]> {
        let (bytes, number, end) = match self.own.binary_search(&number) {
            Ok(place) => (&*self.bytes, place, self.bytes.len()),
            Err(_) => (&*self.base, number, self.length),
        };
        let start = number.checked_mul(CHUNK)?;
        bytes.get(start..end.min(start + CHUNK))
    }
}

/// A log belongs to a file; a copy of the database stands alone.
fn forget_log(header: &mut [u8]) {
    if let Some(flags) = header.get_mut(LOG_FLAGS) {
        flags.fill(1);
    }
}

struct Reader<'a> {
    image: &'a Image,
    at: usize,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let chunk = self.image.chunk(self.at / CHUNK).unwrap_or_default();
        let mut rest = chunk.get(self.at % CHUNK..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(rows: i64) -> Connection {
        let db = store::open_memory().unwrap();
        db.execute_batch("CREATE TABLE t (n INTEGER, text TEXT)").unwrap();
        for n in 0..rows {
            db.execute("INSERT INTO t VALUES (?1, ?2)", (n, "x".repeat(500))).unwrap();
        }
        db
    }

    fn sum(db: &Connection) -> i64 {
        db.query_row("SELECT coalesce(sum(n), 0) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_image_opens_as_what_it_was_made_from_and_may_grow() {
        let mut db = filled(100);
        let whole = Image::whole(&mut db).unwrap();
        db.execute_batch("UPDATE t SET n = n + 1 WHERE n = 99").unwrap();
        let beside = whole.beside(&mut db).unwrap();
        assert!(beside.own_len() > 0 && beside.own_len() < 10 * CHUNK, "{}", beside.own_len());
        for (image, expected) in [(whole, 4950), (beside, 4951)] {
            assert_eq!(image.to_bytes().len(), image.len());
            let copy = image.open().unwrap();
            assert_eq!(sum(&copy), expected);
            copy.execute_batch("INSERT INTO t SELECT a.n, b.text FROM t a, t b").unwrap();
            assert_eq!(copy.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
            assert_eq!(sum(&image.open().unwrap()), expected, "the image stays as it is");
        }
    }

    #[test]
    fn an_image_may_be_shorter_or_longer_than_its_base() {
        let base = Image::whole(&mut filled(200)).unwrap();
        for rows in [0, 1, 199, 1000] {
            let image = base.beside(&mut filled(rows)).unwrap();
            assert_eq!(sum(&image.open().unwrap()), (0..rows).sum::<i64>(), "{rows}");
        }
    }

    #[test]
    fn an_image_of_a_file_with_a_log_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.db");
        let (mut db, _) = store::open_file(&path).unwrap();
        db.execute_batch("CREATE TABLE t (n INTEGER, text TEXT); INSERT INTO t VALUES (5, '')").unwrap();
        let base = Image::whole(&mut filled(3)).unwrap();
        for image in [Image::whole(&mut db).unwrap(), base.beside(&mut db).unwrap()] {
            assert_eq!(sum(&image.open().unwrap()), 5);
        }
    }
}
