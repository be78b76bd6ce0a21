//! What an operator says about the gateway in this process.

use std::path::PathBuf;

use gateway::policy::PortRange;
use gateway::ranges::Prefix;

use crate::check::Target;
use crate::config;
use crate::problem::Problem;

/// Which of the catalogue's gateways this process is, and where it lets traffic go.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(id = "traffic")]
#[command(next_help_heading = "Options of the gateway")]
pub(crate) struct Options {
    /// Which gateways of the catalogue are on this machine [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) gateways: Vec<String>,
    #[command(flatten)]
    pub(crate) manners: Manners,
    /// Who answers with the address that he sees, as text or JSON, for checking proxies [default:
    /// /api/ip of --base-url]
    #[arg(long, value_name = "URL")]
    pub(crate) check_url: Option<Target>,
    /// Where is kept what leases have used until it is in the books [default: gateway beside the
    /// database, or beside the key file if a server has it]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) gateway_data: Option<PathBuf>,
}

/// What a gateway is told beside its leases, wherever it runs.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(id = "manners")]
pub(crate) struct Manners {
    /// Where traffic may go although it is not on the public internet, such as 10.1.0.0/16
    #[arg(long, value_delimiter = ',', value_name = "CIDR")]
    pub(crate) allow_destinations: Vec<Prefix>,
    /// Where traffic may not go
    #[arg(long, value_delimiter = ',', value_name = "CIDR")]
    pub(crate) deny_destinations: Vec<Prefix>,
    /// Names, addresses and ports where traffic may not go, one a line; read again when it changes
    #[arg(long, value_name = "FILE")]
    pub(crate) blocked_destinations: Vec<PathBuf>,
    /// Ports that connections may go to although they are closed otherwise, such as 22,993; port 25
    /// only by its own number
    #[arg(long, value_delimiter = ',', value_name = "PORTS")]
    pub(crate) allow_ports: Vec<PortRange>,
    /// Ports that nothing may go to
    #[arg(long, value_delimiter = ',', value_name = "PORTS")]
    pub(crate) deny_ports: Vec<PortRange>,
    /// The certificate that customers see who connect inside TLS, with those that it is signed by;
    /// read again when it changes
    #[arg(long, value_name = "FILE")]
    pub(crate) gateway_cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE")]
    pub(crate) gateway_key: Option<PathBuf>,
    /// The folder with the secrets of modems, each in a file of its name
    #[arg(long, value_name = "DIR")]
    pub(crate) modem_secrets: Option<PathBuf>,
}

impl Options {
    /// The same, with `folder` for what the gateway keeps, unless another is named.
    pub(crate) fn kept_in(mut self, folder: PathBuf) -> Options {
        self.gateway_data.get_or_insert(folder);
        self
    }

    /// The same, with what a configuration file says where the command line says nothing.
    pub(crate) fn or(mut self, file: &config::Serve) -> Result<Options, Problem> {
        self.manners.gateway_cert = self.manners.gateway_cert.or_else(|| file.gateway_cert.clone());
        self.manners.gateway_key = self.manners.gateway_key.or_else(|| file.gateway_key.clone());
        if self.manners.blocked_destinations.is_empty() {
            self.manners.blocked_destinations.clone_from(&file.blocked_destinations);
        }
        if let (None, Some(url)) = (&self.check_url, &file.check_url) {
            let wrong = |says| Problem::usage(format!("check_url {url} is {says}"));
            self.check_url = Some(url.parse().map_err(wrong)?);
        }
        Ok(self)
    }
}

impl Manners {
    /// Refuses what clap cannot know to be wrong.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let needs = |one, other| {
            let says = format!("{one} needs {other}");
            Err(Problem::usage(says).hint("a certificate and its private key go together"))
        };
        match (&self.gateway_cert, &self.gateway_key) {
            (Some(_), None) => needs("--gateway-cert", "--gateway-key"),
            (None, Some(_)) => needs("--gateway-key", "--gateway-cert"),
            _ => Ok(()),
        }
    }
}
