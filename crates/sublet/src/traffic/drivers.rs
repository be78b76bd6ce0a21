//! What makes the modems of the catalogue dial, on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::modem as described;
use domain::rotation::Failure;
use domain::time::Span;
use modem::hook::{Hook, Template};
use modem::managed::{Bus, Managed, Which};
use modem::simulator::Simulator;
use modem::{Driver, Error};

/// The largest file that a secret is read from.
const SECRET_MAX: u64 = 4_096;

/// The drivers of modems, as far as they were needed.
pub(super) struct Drivers {
    /// Where the secrets are.
    secrets: Option<PathBuf>,
    /// By the name of the modem, with what they were made of.
    known: BTreeMap<String, (described::Driver, Arc<dyn Driver>)>,
}

impl Drivers {
    /// None so far. Secrets are in the files of `secrets`, by their names.
    pub(super) fn new(secrets: Option<PathBuf>) -> Drivers {
        Drivers { secrets, known: BTreeMap::new() }
    }

    /// What makes the modem of this name dial, which is described so. It stays the same as long as
    /// the description does, but that a secret is read each time.
    pub(super) fn get(
        &mut self,
        modem: &str,
        description: &described::Driver,
    ) -> Result<Arc<dyn Driver>, Error> {
        if let Some((of, driver)) = self.known.get(modem)
            && of == description
        {
            return Ok(Arc::clone(driver));
        }
        let driver: Arc<dyn Driver> = match description {
            described::Driver::Http(hook) => {
                return Ok(Arc::new(self.hook(modem, hook)?));
            }
            described::Driver::ModemManager(managed) => {
                let which = match &managed.which {
                    described::Which::Imei(imei) => Which::Imei(imei.clone()),
                    described::Which::Interface(name) => Which::Interface(name.clone()),
                };
                Arc::new(Managed::new(Bus::System, which, managed.reset))
            }
            described::Driver::Simulator(it) => {
                Arc::new(Simulator::new(it.exits.clone(), duration(it.takes), it.fails_every))
            }
        };
        let known = (description.clone(), Arc::clone(&driver));
        self.known.insert(modem.to_owned(), known);
        Ok(driver)
    }

    fn hook(&self, modem: &str, hook: &described::Hook) -> Result<Hook, Error> {
        let secret = match (&hook.secret, &self.secrets) {
            (None, _) => None,
            (Some(_), None) => {
                let says = "it has a secret, and --modem-secrets was not given here";
                return Err(Error::Misconfigured(says.to_owned()));
            }
            (Some(name), Some(folder)) => Some(secret(&folder.join(name))?),
        };
        let method = hook.method.name().parse();
        let template = Template {
            url: hook.url.clone(),
            method: method.map_err(|_| Error::Misconfigured("its method is none".to_owned()))?,
            headers: hook.headers.clone(),
            expect: hook.expect,
        };
        Hook::new(&template, modem, secret.as_deref())
    }
}

/// What a file keeps: its first line.
fn secret(file: &Path) -> Result<String, Error> {
    let wrong = |what: String| Error::Misconfigured(format!("{}: {what}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?.len();
    if SECRET_MAX < size {
        return Err(wrong("it is too large for a secret".to_owned()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(wrong("it is empty".to_owned())),
    }
}

/// The same length of time.
pub(super) fn duration(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.millis()).unwrap_or(0))
}

/// Why a job was not done, for those who have asked.
pub(super) fn failure(error: &Error) -> Failure {
    match error {
        Error::TimedOut => Failure::TimedOut,
        Error::Unreachable(_) => Failure::Unreachable,
        Error::Refused(_) => Failure::Refused,
        Error::Misconfigured(_) => Failure::Misconfigured,
    }
}

#[cfg(test)]
mod tests {
    use domain::modem::{Hook as Described, HookMethod, Simulated};

    use super::*;

    #[test]
    fn a_driver_stays_the_same_until_it_is_described_otherwise() {
        let simulated = |last: u8| {
            let exits = vec![[127, 0, 0, last].into()];
            let it = Simulated { exits, takes: Span::ZERO, fails_every: 0 };
            described::Driver::Simulator(it)
        };
        let mut drivers = Drivers::new(None);
        let first = drivers.get("m1", &simulated(2)).unwrap();
        assert!(Arc::ptr_eq(&first, &drivers.get("m1", &simulated(2)).unwrap()));
        assert!(!Arc::ptr_eq(&first, &drivers.get("m1", &simulated(3)).unwrap()));
    }

    #[test]
    fn a_secret_is_in_a_file_of_its_name() {
        let folder = tempfile::TempDir::new().unwrap();
        let hook = described::Driver::Http(Described {
            url: "http://farm.example/{secret}".into(),
            method: HookMethod::Get,
            headers: Vec::new(),
            secret: Some("farm".into()),
            expect: 200,
        });
        let says = |secrets: Option<&Path>| {
            let mut drivers = Drivers::new(secrets.map(Path::to_owned));
            drivers.get("m1", &hook).map_or_else(|error| error.to_string(), |_| String::new())
        };
        assert!(says(None).contains("--modem-secrets"));
        assert!(says(Some(folder.path())).contains("farm: No such file"));
        std::fs::write(folder.path().join("farm"), "\n").unwrap();
        assert!(says(Some(folder.path())).contains("it is empty"));
        std::fs::write(folder.path().join("farm"), "s3cret\n").unwrap();
        assert_eq!(says(Some(folder.path())), "");
    }
}
