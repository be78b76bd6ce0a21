//! Where the options come from: the command line, then the environment, then the configuration
//! file, then what is usual.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use crate::database::Database;
use crate::problem::Problem;

/// Options that every command has.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where the books are kept: sqlite:PATH or postgres://HOST/DATABASE [default: sqlite:sublet-data/sublet.db]
    #[arg(
        long,
        global = true,
        env = "SUBLET_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,

    /// The key to secrets in the books [default: sublet.key beside the database]
    #[arg(
        long,
        global = true,
        env = "SUBLET_KEY_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) key_file: Option<PathBuf>,

    /// Print results as JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Read options from a TOML file: database, key_file, json, and of `serve` gateway_cert,
    /// gateway_key, blocked_destinations and check_url
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The configuration file. Its members are the options of the command line.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    database: Option<String>,
    key_file: Option<PathBuf>,
    json: Option<bool>,
    gateway_cert: Option<PathBuf>,
    gateway_key: Option<PathBuf>,
    #[serde(default)]
    blocked_destinations: Vec<PathBuf>,
    check_url: Option<String>,
}

/// Options of `serve` that the configuration file has too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Serve {
    /// See the command line.
    pub(crate) gateway_cert: Option<PathBuf>,
    /// See the command line.
    pub(crate) gateway_key: Option<PathBuf>,
    /// See the command line.
    pub(crate) blocked_destinations: Vec<PathBuf>,
    /// See the command line.
    pub(crate) check_url: Option<String>,
}

/// The options that hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where the books are kept.
    pub(crate) database: Database,
    /// The key to their secrets, if it is named.
    pub(crate) key_file: Option<PathBuf>,
    /// Whether results are for programs.
    pub(crate) json: bool,
    /// What the configuration file says for `serve`.
    pub(crate) serve: Serve,
}

impl Global {
    /// The options that hold, with those of the configuration file.
    pub(crate) fn settings(&self) -> Result<Settings, Problem> {
        let file = self.config.as_deref().map_or_else(|| Ok(File::default()), read)?;
        self.merged(file)
    }

    fn merged(&self, file: File) -> Result<Settings, Problem> {
        let url = self.database.clone().or(file.database);
        let url = url.unwrap_or_else(|| Database::USUAL.to_owned());
        let key_file = self.key_file.clone().or(file.key_file);
        Ok(Settings {
            database: Database::parse(&url, key_file.clone())?,
            key_file,
            json: self.json || file.json.unwrap_or(false),
            serve: Serve {
                gateway_cert: file.gateway_cert,
                gateway_key: file.gateway_key,
                blocked_destinations: file.blocked_destinations,
                check_url: file.check_url,
            },
        })
    }
}

fn read(path: &Path) -> Result<File, Problem> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problem::failed(format!("the configuration file {shown} cannot be read: {error}"))
    })?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        let says = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        Problem::usage(format!("the configuration file {shown}, line {line}: {says}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global() -> Global {
        Global { database: None, key_file: None, json: false, config: None }
    }

    #[test]
    fn the_command_line_goes_before_the_file_and_the_file_before_what_is_usual() {
        let usual = global().merged(File::default()).unwrap();
        assert_eq!(usual.database.file(), Some(Path::new("sublet-data/sublet.db")));
        assert_eq!(usual.database.key_file(), Path::new("sublet-data/sublet.key"));
        assert!(!usual.json);

        let file = || File {
            database: Some("sqlite:/srv/books.db".into()),
            key_file: Some("/etc/sublet.key".into()),
            json: Some(true),
            gateway_cert: Some("/etc/cert.pem".into()),
            ..File::default()
        };
        let from_file = global().merged(file()).unwrap();
        assert_eq!(from_file.database.file(), Some(Path::new("/srv/books.db")));
        assert_eq!(from_file.database.key_file(), Path::new("/etc/sublet.key"));
        assert!(from_file.json);
        assert_eq!(from_file.serve.gateway_cert.as_deref(), Some(Path::new("/etc/cert.pem")));

        let typed = Global { database: Some("sqlite:x.db".into()), ..global() };
        assert_eq!(typed.merged(file()).unwrap().database.file(), Some(Path::new("x.db")));
    }

    #[test]
    fn an_unknown_member_of_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sublet.toml");
        std::fs::write(&path, "json = true\ndatabse = \"sqlite:x\"\n").unwrap();
        let problem = read(&path).unwrap_err();
        assert_eq!(problem.code(), 2);
        assert!(problem.to_string().contains("line 2: unknown field `databse`"), "{problem}");
        let missing = read(&folder.path().join("none.toml")).unwrap_err();
        assert_eq!(missing.code(), 1);
    }
}
