//! The local certificate authority: made on first use, kept where only its user can read it, and able to vouch for this machine and
//! the providers' hosts only, so that a key that leaks does little harm.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;

use crate::crypto::hex;

/// Name of the file that clients are to trust.
pub const CERTIFICATE_FILE: &str = "authority.pem";

const KEY_FILE: &str = "authority.key";
const LOCK_FILE: &str = "lock";

/// Who the authority says that it is.
const ORGANIZATION: &str = "Understudy";

/// How long an authority lasts.
const AUTHORITY_LIFE: TimeDelta = TimeDelta::days(3650);

/// How long a server's certificate lasts; some clients refuse those that last more than 398 days.
pub const LEAF_LIFE: TimeDelta = TimeDelta::days(90);

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file or folder cannot be used.
    #[error("cannot {0} {path}: {2}", path = .1.display())]
    File(&'static str, PathBuf, #[source] std::io::Error),
    /// Others than its user can read a folder or file that must be private.
    #[error("others can read {path}; `chmod go= {path}` keeps them out, and a new folder is right if somebody may have read it", path = .0.display())]
    Exposed(PathBuf),
    /// A file is not what was once written there.
    #[error("{path} is not an authority's of Understudy: {1}; move it away to have another made (nothing was written)", path = .0.display())]
    Foreign(PathBuf, String),
    /// The authority is too old.
    #[error("the authority {path} expired on {1}; delete its folder to have another made, and trust that one", path = .0.display())]
    Expired(PathBuf, String),
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library does not take what was made.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

/// What a server is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    hosts: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// This machine: `localhost` and the loopback addresses.
    pub fn local() -> Self {
        Self {
            hosts: BTreeSet::from(["localhost".to_owned()]),
            addresses: BTreeSet::from([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
        }
    }

    /// Adds a host name or an address; what is neither is left out.
    pub fn add(&mut self, name: &str) {
        let name = name.trim_matches(['[', ']']);
        match name.parse() {
            Ok(address) => {
                self.addresses.insert(address);
            }
            // A name with a letter that none may have would make the whole certificate invalid.
            Err(_) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) => {
                self.hosts.insert(name.to_ascii_lowercase());
            }
            Err(_) => {}
        }
    }

    fn all(&self) -> impl Iterator<Item = SanType> {
        let hosts = self.hosts.iter().filter_map(|host| host.as_str().try_into().ok()).map(SanType::DnsName);
        hosts.chain(self.addresses.iter().copied().map(SanType::IpAddress))
    }
}

/// What an authority may vouch for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Permitted {
    hosts: Vec<String>,
    /// Address and mask.
    networks: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Permitted {
    /// Whatever is at or below the names, and whatever is loopback.
    fn of(names: &Names) -> Self {
        let hosts = names.hosts.iter().filter(|host| !host.ends_with(".localhost")).cloned().collect();
        let mut networks = vec![(vec![127, 0, 0, 0], vec![255, 0, 0, 0])];
        networks.extend(names.addresses.iter().filter(|one| !one.is_loopback() || one.is_ipv6()).map(|address| match address {
            IpAddr::V4(address) => (address.octets().to_vec(), vec![255; 4]),
            IpAddr::V6(address) => (address.octets().to_vec(), vec![255; 16]),
        }));
        Self { hosts, networks }
    }

    fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| host == known || host.strip_suffix(known.as_str()).is_some_and(|rest| rest.ends_with('.')))
    }

    fn has_address(&self, address: IpAddr) -> bool {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let masked = |bytes: &[u8], mask: &[u8]| bytes.iter().zip(mask).map(|(byte, mask)| byte & mask).collect::<Vec<_>>();
        self.networks.iter().any(|(network, mask)| network.len() == bytes.len() && masked(network, mask) == masked(&bytes, mask))
    }

    fn subtrees(&self) -> Vec<GeneralSubtree> {
        let network = |(network, mask): &(Vec<u8>, Vec<u8>)| {
            let v4 = || Some(CidrSubnet::V4(network.as_slice().try_into().ok()?, mask.as_slice().try_into().ok()?));
            let v6 = || Some(CidrSubnet::V6(network.as_slice().try_into().ok()?, mask.as_slice().try_into().ok()?));
            v4().or_else(v6).map(GeneralSubtree::IpAddress)
        };
        let hosts = self.hosts.iter().cloned().map(GeneralSubtree::DnsName);
        hosts.chain(self.networks.iter().filter_map(network)).collect()
    }
}

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    permitted: Permitted,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("permitted", &self.permitted).finish_non_exhaustive()
    }
}

/// A server's certificate with its key, both DER.
pub struct Leaf {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// The key, PKCS #8.
    pub key: Vec<u8>,
}

impl Authority {
    /// A new authority that is written nowhere.
    pub fn in_memory(names: &Names, now: DateTime<Utc>) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let pem = certificate(&key, names, now)?;
        Self::of(&pem, key, now).map_err(|reason| reason.at(Path::new("in memory")))
    }

    /// The authority that is kept in a folder. Where there is none, it is made, for these names; of two processes that begin at
    /// once, one makes it.
    pub fn in_folder(folder: &Path, names: &Names, now: DateTime<Utc>) -> Result<Self, AuthorityError> {
        make_folder(folder)?;
        let at = folder.join(CERTIFICATE_FILE);
        if !at.exists() {
            let lock_at = folder.join(LOCK_FILE);
            let lock = private_file(&lock_at).and_then(|lock| lock.lock().map(|()| lock));
            let _lock = lock.map_err(|error| AuthorityError::File("lock", lock_at, error))?;
            if !at.exists() {
                make(folder, names, now)?;
            }
        }
        let key_at = folder.join(KEY_FILE);
        let pem = fs::read_to_string(&at).map_err(|error| unreadable(&at, error))?;
        let key = match fs::read_to_string(&key_at) {
            Ok(key) => key,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(AuthorityError::Foreign(at, format!("its key {KEY_FILE} is missing")));
            }
            Err(error) => return Err(unreadable(&key_at, error)),
        };
        only_ours(&key_at)?;
        let key = KeyPair::from_pem(&key).map_err(|error| AuthorityError::Foreign(key_at, error.to_string()))?;
        Self::of(&pem, key, now).map_err(|reason| reason.at(&at))
    }

    /// An authority from its certificate and key, if they are what this program makes.
    fn of(pem: &str, key: KeyPair, now: DateTime<Utc>) -> Result<Self, Unfit> {
        let no = |reason: &str| Err(Unfit::Foreign(reason.to_owned()));
        let (_, block) = parse_x509_pem(pem.as_bytes()).map_err(|error| Unfit::Foreign(format!("it is no PEM ({error})")))?;
        let parsed = block.parse_x509().map_err(|error| Unfit::Foreign(format!("it is no certificate ({error})")))?;
        if parsed.subject().iter_organization().next().and_then(|name| name.as_str().ok()) != Some(ORGANIZATION) || !parsed.is_ca()
        {
            return no("somebody else made it");
        }
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return no(&format!("it does not belong to the key {KEY_FILE}"));
        }
        if parsed.validity().not_after.timestamp() < (now + LEAF_LIFE).timestamp() {
            return Err(Unfit::Expired(parsed.validity().not_after.to_string()));
        }
        let mut permitted = Permitted::default();
        let constraints = parsed.name_constraints().ok().flatten();
        for subtree in constraints.iter().flat_map(|constraints| constraints.value.permitted_subtrees.iter().flatten()) {
            match &subtree.base {
                GeneralName::DNSName(name) => permitted.hosts.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => {
                    let (network, mask) = bytes.split_at(bytes.len() / 2);
                    permitted.networks.push((network.to_vec(), mask.to_vec()));
                }
                _ => {}
            }
        }
        let issuer = Issuer::from_ca_cert_pem(pem, key).map_err(|error| Unfit::Foreign(error.to_string()))?;
        Ok(Self { issuer, pem: pem.to_owned(), permitted })
    }

    /// Its certificate, PEM: what clients are to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Those of the names that it may vouch for, and the others.
    pub fn permitted(&self, names: &Names) -> (Names, Names) {
        let (hosts, foreign_hosts) = names.hosts.iter().cloned().partition(|host| self.permitted.has_host(host));
        let (addresses, foreign_addresses) = names.addresses.iter().partition(|address| self.permitted.has_address(**address));
        (Names { hosts, addresses }, Names { hosts: foreign_hosts, addresses: foreign_addresses })
    }

    /// A server's certificate for these names, valid for [`LEAF_LIFE`] from now.
    pub fn leaf(&self, names: &Names, now: DateTime<Utc>) -> Result<Leaf, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name("Understudy server");
        params.subject_alt_names = names.all().collect();
        set_validity(&mut params, now - TimeDelta::days(1), now + LEAF_LIFE);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?.der().to_vec();
        Ok(Leaf { certificate, key: key.serialize_der() })
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addresses = self.addresses.iter().map(ToString::to_string);
        f.write_str(&self.hosts.iter().cloned().chain(addresses).collect::<Vec<_>>().join(", "))
    }
}

impl Names {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.addresses.is_empty()
    }

    /// Whether a host name is one of them.
    pub fn has_host(&self, host: &str) -> bool {
        self.hosts.contains(&host.to_ascii_lowercase())
    }
}

/// Why a certificate is not an authority of ours.
#[derive(Debug)]
enum Unfit {
    Foreign(String),
    Expired(String),
}

impl Unfit {
    fn at(self, path: &Path) -> AuthorityError {
        match self {
            Self::Foreign(reason) => AuthorityError::Foreign(path.to_owned(), reason),
            Self::Expired(day) => AuthorityError::Expired(path.to_owned(), day),
        }
    }
}

/// Makes key and certificate in a folder that is locked. The certificate comes last: where it is, all is there.
fn make(folder: &Path, names: &Names, now: DateTime<Utc>) -> Result<(), AuthorityError> {
    let key_at = folder.join(KEY_FILE);
    let key = match fs::read_to_string(&key_at) {
        // The maker of this key ended before it had made the certificate.
        Ok(key) => {
            only_ours(&key_at)?;
            KeyPair::from_pem(&key).map_err(|error| AuthorityError::Foreign(key_at.clone(), error.to_string()))?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            write_whole(&key_at, &key.serialize_pem())?;
            key
        }
        Err(error) => return Err(unreadable(&key_at, error)),
    };
    write_whole(&folder.join(CERTIFICATE_FILE), &certificate(&key, names, now)?)
}

/// The certificate of an authority with this key that may vouch for these names.
fn certificate(key: &KeyPair, names: &Names, now: DateTime<Utc>) -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::default();
    // Two authorities in one trust store must not be taken for each other.
    let id = hex(params.key_identifier(key).iter().take(4).copied().collect::<Vec<u8>>());
    params.distinguished_name = distinguished_name(&format!("Understudy local authority {id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: Permitted::of(names).subtrees(), excluded_subtrees: Vec::new() });
    // A day before, for clients whose clock is behind.
    set_validity(&mut params, now - TimeDelta::days(1), now + AUTHORITY_LIFE);
    Ok(params.self_signed(key)?.pem())
}

fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ORGANIZATION);
    name.push(DnType::CommonName, common_name);
    name
}

fn set_validity(params: &mut CertificateParams, from: DateTime<Utc>, to: DateTime<Utc>) {
    let day =
        |at: DateTime<Utc>| date_time_ymd(at.year(), u8::try_from(at.month()).unwrap_or(1), u8::try_from(at.day()).unwrap_or(1));
    params.not_before = day(from);
    params.not_after = day(to);
}

fn unreadable(path: &Path, error: std::io::Error) -> AuthorityError {
    AuthorityError::File("read", path.to_owned(), error)
}

/// Makes a folder that is private from the beginning; refuses one that is there and is not.
fn make_folder(folder: &Path) -> Result<(), AuthorityError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| AuthorityError::File("make", folder.to_owned(), error))?;
    only_ours(folder)
}

#[cfg(unix)]
fn only_ours(path: &Path) -> Result<(), AuthorityError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map_err(|error| unreadable(path, error))?.permissions().mode();
    if mode & 0o777 == mode & 0o700 { Ok(()) } else { Err(AuthorityError::Exposed(path.to_owned())) }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other systems keep a user's data folder private by themselves")]
fn only_ours(_: &Path) -> Result<(), AuthorityError> {
    Ok(())
}

/// Opens a file for writing, private from the beginning.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a private file so that a reader sees all of it or none.
fn write_whole(path: &Path, text: &str) -> Result<(), AuthorityError> {
    let beside = path.with_extension("part");
    let written = private_file(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).map_err(|error| AuthorityError::File("write", path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    fn names(more: &[&str]) -> Names {
        let mut names = Names::local();
        more.iter().for_each(|name| names.add(name));
        names
    }

    /// What an authority that was made for these names says of others.
    #[test]
    fn an_authority_may_vouch_for_what_it_was_made_for_and_loopback_only() {
        let authority = Authority::in_memory(&names(&["api.example", "10.1.2.3", "[fd00::1]"]), now()).unwrap();
        for (name, expected) in [
            ("localhost", true),
            ("a.b.localhost", true),
            ("API.example", true),
            ("v2.api.example", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("10.1.2.3", true),
            ("fd00::1", true),
            ("example", false),
            ("evilapi.example", false),
            ("api.example.evil", false),
            ("10.1.2.4", false),
            ("fd00::2", false),
            ("::", false),
        ] {
            let mut one = Names::default();
            one.add(name);
            let (permitted, others) = authority.permitted(&one);
            assert_eq!((permitted == one, others.is_empty()), (expected, expected), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_left_out() {
        let mut names = Names::default();
        for text in ["", "a b", "*.example", "a/b", "ex\u{e4}mple", "[]"] {
            names.add(text);
        }
        assert!(names.is_empty(), "{names}");
    }

    #[test]
    fn the_same_authority_is_found_again_until_it_is_too_old() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("new/tls");
        let made = Authority::in_folder(&folder, &names(&[]), now()).unwrap();
        let again = Authority::in_folder(&folder, &names(&["other.example"]), now() + TimeDelta::days(3000)).unwrap();
        assert_eq!(again.pem(), made.pem());
        let late = Authority::in_folder(&folder, &names(&[]), now() + AUTHORITY_LIFE).unwrap_err();
        assert!(matches!(late, AuthorityError::Expired(..)), "{late}");
    }

    #[test]
    fn a_certificate_that_was_not_made_for_a_key_yet_is_made() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("tls");
        Authority::in_folder(&folder, &names(&[]), now()).unwrap();
        let key = fs::read(folder.join(KEY_FILE)).unwrap();
        fs::remove_file(folder.join(CERTIFICATE_FILE)).unwrap();
        Authority::in_folder(&folder, &names(&[]), now()).unwrap();
        assert_eq!(fs::read(folder.join(KEY_FILE)).unwrap(), key);
    }

    #[test]
    fn of_those_that_begin_at_once_one_makes_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = &place.path().join("tls");
        let pems: BTreeSet<String> = std::thread::scope(|scope| {
            let begin = || Authority::in_folder(folder, &names(&[]), now()).unwrap().pem().to_owned();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(pems.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn all_is_private_and_what_is_not_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("new/tls");
        let open = || Authority::in_folder(&folder, &names(&[]), now());
        open().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for (path, expected) in [(place.path().join("new"), 0o700), (folder.clone(), 0o700), (folder.join(KEY_FILE), 0o600)] {
            assert_eq!(mode(&path), expected, "{}", path.display());
        }
        for (path, exposed, private) in
            [(folder.clone(), 0o750, 0o700), (folder.clone(), 0o701, 0o700), (folder.join(KEY_FILE), 0o640, 0o600)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
            let refused = open().unwrap_err();
            assert!(matches!(&refused, AuthorityError::Exposed(at) if *at == path), "{exposed:o}: {refused}");
            fs::set_permissions(&path, fs::Permissions::from_mode(private)).unwrap();
        }
        open().unwrap();
    }

    #[test]
    fn what_is_damaged_or_somebody_elses_is_refused_and_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let other = place.path().join("other");
        Authority::in_folder(&other, &names(&[]), now()).unwrap();
        let other = |file: &str| fs::read_to_string(other.join(file)).unwrap();
        let foreign = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let broken = other(CERTIFICATE_FILE).replacen("MII", "AAA", 1);
        for (number, (file, text, expected)) in [
            (CERTIFICATE_FILE, Some("my notes\n".to_owned()), "it is no PEM"),
            (CERTIFICATE_FILE, Some(String::new()), "it is no PEM"),
            (CERTIFICATE_FILE, Some(broken), "it is no certificate"),
            (CERTIFICATE_FILE, Some(foreign.cert.pem()), "somebody else made it"),
            (CERTIFICATE_FILE, Some(other(CERTIFICATE_FILE)), "it does not belong to the key authority.key"),
            (KEY_FILE, Some("my notes\n".to_owned()), ""),
            (KEY_FILE, Some(other(KEY_FILE)), "it does not belong to the key authority.key"),
            (KEY_FILE, None, "its key authority.key is missing"),
        ]
        .into_iter()
        .enumerate()
        {
            let folder = place.path().join(format!("tls-{number}"));
            Authority::in_folder(&folder, &names(&[]), now()).unwrap();
            match text {
                Some(text) => fs::write(folder.join(file), text).unwrap(),
                None => fs::remove_file(folder.join(file)).unwrap(),
            }
            let read = |file| fs::read(folder.join(file)).ok();
            let before = (read(CERTIFICATE_FILE), read(KEY_FILE));
            let refused = Authority::in_folder(&folder, &names(&[]), now()).unwrap_err();
            assert!(matches!(&refused, AuthorityError::Foreign(_, reason) if reason.starts_with(expected)), "{number}: {refused}");
            assert!((read(CERTIFICATE_FILE), read(KEY_FILE)) == before, "{number}: nothing is overwritten");
        }
    }
}
