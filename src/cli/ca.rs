//! `understudy ca`: the certificate that clients of `--tls` are to trust.

use std::path::PathBuf;

use clap::Args;
use etcetera::BaseStrategy as _;

use super::{Failed, Outcome, print};
use crate::http::Variable;
use crate::server::authority::CERTIFICATE_FILE;
use crate::server::tls::Keeper;
use crate::world::clock::real_now;
use crate::{Builder, Understudy};

/// Variables by which common clients are told which certificates to trust.
const TRUST_VARIABLES: &[(&str, &str)] = &[
    ("NODE_EXTRA_CA_CERTS", "Node.js trusts the local authority too"),
    ("SSL_CERT_FILE", "OpenSSL, Go, Ruby and Rust trust the local authority"),
    ("REQUESTS_CA_BUNDLE", "Python's requests trusts the local authority"),
    ("CURL_CA_BUNDLE", "curl trusts the local authority"),
];

/// Where the authority is kept.
#[derive(Debug, Args)]
pub(super) struct Folder {
    /// Folder of the local authority; in the user's data folder unless given
    #[arg(long, env = "UNDERSTUDY_CA_DIR", value_name = "DIR")]
    ca_dir: Option<PathBuf>,
}

impl Folder {
    /// The folder.
    pub(super) fn path(&self) -> Result<PathBuf, Failed> {
        let folder = match &self.ca_dir {
            Some(folder) => folder.clone(),
            None => {
                let strategy = etcetera::choose_base_strategy()
                    .map_err(|_| Failed::run("there is no home folder to keep the local authority in; give --ca-dir"))?;
                strategy.data_dir().join("understudy").join("tls")
            }
        };
        std::path::absolute(folder).map_err(|error| Failed::run(format!("--ca-dir: {error}")))
    }

    /// The file that has the certificate, and that certificate. It must have been made: who only asks a server makes none.
    pub(super) fn trusted(&self) -> Result<(PathBuf, String), Failed> {
        let file = self.path()?.join(CERTIFICATE_FILE);
        match std::fs::read_to_string(&file) {
            Ok(pem) => Ok((file, pem)),
            Err(error) => Err(Failed::run(format!(
                "cannot trust {}: {error}; --ca-dir names the folder of the authority that the server was started with",
                file.display()
            ))),
        }
    }
}

/// The authority, and what it may vouch for when it has yet to be made.
#[derive(Debug, Args)]
pub(super) struct Authority {
    #[command(flatten)]
    folder: Folder,
    /// Other names or addresses that clients reach the server by over HTTPS
    #[arg(long, env = "UNDERSTUDY_TLS_NAME", value_name = "NAME,...", value_delimiter = ',')]
    tls_name: Vec<String>,
}

impl Authority {
    /// Has a server speak TLS.
    pub(super) fn tls(&self, builder: Builder) -> Result<Builder, Failed> {
        Ok(self.names(builder).tls(Keeper::Folder(self.folder.path()?)))
    }

    fn names(&self, builder: Builder) -> Builder {
        self.tls_name.iter().fold(builder, Builder::tls_name)
    }

    /// Makes it if there is none; returns the file that has its certificate, and that certificate.
    fn certificate(&self) -> Result<(PathBuf, String), Failed> {
        let folder = self.folder.path()?;
        let builder = self.names(Understudy::builder());
        let authority = builder.authority(&Keeper::Folder(folder.clone()), real_now()).map_err(Failed::run)?;
        Ok((folder.join(CERTIFICATE_FILE), authority.pem().to_owned()))
    }

    /// Variables by which common clients trust it. It is made if there is none.
    pub(super) fn variables(&self) -> Result<Vec<Variable>, Failed> {
        let (file, _) = self.certificate()?;
        let value = file.to_str().ok_or_else(|| Failed::run(format!("{} is not UTF-8; give another --ca-dir", file.display())))?;
        let variable = |(name, summary): &(&str, &str)| Variable {
            name: (*name).to_owned(),
            value: value.to_owned(),
            summary: (*summary).to_owned(),
        };
        Ok(TRUST_VARIABLES.iter().map(variable).collect())
    }
}

/// What to print.
#[derive(Debug, Args)]
#[command(after_help = "The authority is made on first use, and may vouch for this machine and the providers' hosts only.
Have clients trust it by one of these, or put it into the system's or the browser's trust store:

  export NODE_EXTRA_CA_CERTS=\"$(understudy ca --path)\"   Node.js
  export SSL_CERT_FILE=\"$(understudy ca --path)\"         OpenSSL, Go, Ruby, Rust (instead of the system's)
  export REQUESTS_CA_BUNDLE=\"$(understudy ca --path)\"    Python's requests (instead of its own)
  export CURL_CA_BUNDLE=\"$(understudy ca --path)\"        curl (instead of the system's)

`understudy env --tls` prints these, `understudy exec --tls` sets them.")]
pub(super) struct Options {
    #[command(flatten)]
    authority: Authority,
    /// Print the file that has the certificate instead
    #[arg(long)]
    path: bool,
}

/// Prints the certificate or its place; makes it if there is none.
pub(super) fn run(options: &Options) -> Outcome {
    let (file, pem) = options.authority.certificate()?;
    if options.path { print(file.display()) } else { print(pem.trim_end()) }
}
