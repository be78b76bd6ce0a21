//! What a gateway is told while it runs: another certificate, other destinations that are closed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use gateway::policy::{List, Policy, Rules};
use gateway::{Certificate, Gateway};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use super::Manners;
use super::files::Files;
use super::rules::{self, Site};

/// How often it is looked whether files have changed.
const LOOK: Duration = Duration::from_secs(2);
/// How often it is looked which addresses this machine has.
const ADDRESSES: Duration = Duration::from_secs(30);

/// Who tells a gateway what files say.
pub(crate) struct Upkeep {
    options: Manners,
    /// Says where the gateway is by now.
    site: Box<dyn Fn() -> Site + Send>,
    certificate: Files,
    blocked: Files,
    lists: Vec<List>,
    rules: Rules,
    ruled: Instant,
}

impl Upkeep {
    /// Reads everything once. Whatever is wrong now is told, and nothing begins.
    pub(crate) fn begin(
        options: &Manners,
        site: impl Fn() -> Site + Send + 'static,
    ) -> Result<(Upkeep, Option<Certificate>)> {
        let certificate = options.gateway_cert.iter().chain(&options.gateway_key).cloned();
        let mut certificate = Files::new(certificate.collect());
        let shown = match certificate.is_empty() {
            true => None,
            false => certificate.changed(true).map(read_certificate).transpose()?,
        };
        let mut blocked = Files::new(options.blocked_destinations.clone());
        let lists = blocked.changed(true).map(|read| read_lists(&blocked, read));
        let lists = lists.transpose()?.unwrap_or_default();
        let rules = rules::rules(&site(), options, &lists)?;
        let (options, site, ruled) = (options.clone(), Box::new(site), Instant::now());
        let upkeep = Upkeep { options, site, certificate, blocked, lists, rules, ruled };
        Ok((upkeep, shown))
    }

    /// Where traffic may go.
    pub(crate) fn policy(&self) -> Policy {
        Policy::new(self.rules.clone())
    }

    /// Goes on, until it is aborted.
    pub(crate) async fn keep(mut self, gateway: Arc<Gateway>) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hang_up = signal(SignalKind::hangup()).ok();
        loop {
            let asked = async {
                match &mut hang_up {
                    Some(hang_up) => hang_up.recv().await,
                    None => std::future::pending().await,
                }
            };
            let anyway = tokio::select! {
                _ = ticks.tick() => false,
                _ = asked => true,
            };
            let told = Arc::clone(&gateway);
            let looked = tokio::task::spawn_blocking(move || {
                self.look(&told, anyway);
                self
            });
            match looked.await {
                Ok(upkeep) => self = upkeep,
                Err(_) => return,
            }
        }
    }

    /// Tells what has changed. What is wrong is told to people, and all stays as it was.
    fn look(&mut self, gateway: &Gateway, anyway: bool) {
        if !self.certificate.is_empty()
            && let Some(read) = self.certificate.changed(anyway)
        {
            match read_certificate(read) {
                Ok(certificate) => {
                    gateway.set_certificate(Some(certificate));
                    tracing::info!("The gateway shows the certificate that has been read anew");
                }
                Err(error) => {
                    tracing::error!(
                        "The gateway goes on with the certificate that it has: {error:#}"
                    );
                }
            }
        }
        let mut rules_anew = anyway || self.ruled.elapsed() >= ADDRESSES;
        if let Some(read) = self.blocked.changed(anyway) {
            match read_lists(&self.blocked, read) {
                Ok(lists) => {
                    if lists != self.lists {
                        tracing::info!("Other destinations are blocked from now on");
                    }
                    (self.lists, rules_anew) = (lists, true);
                }
                Err(error) => {
                    tracing::error!("The same destinations stay blocked: {error:#}");
                }
            }
        }
        if !rules_anew {
            return;
        }
        self.ruled = Instant::now();
        match rules::rules(&(self.site)(), &self.options, &self.lists) {
            Ok(rules) if rules == self.rules => {}
            Ok(rules) => {
                gateway.set_policy(Policy::new(rules.clone()));
                self.rules = rules;
            }
            Err(error) => tracing::error!("The policy of the gateway stays as it was: {error:#}"),
        }
    }
}

fn read_certificate(read: Result<Vec<Vec<u8>>, String>) -> Result<Certificate> {
    let texts = read.map_err(|error| anyhow!("{error}"))?;
    let [chain, key] = <[_; 2]>::try_from(texts).map_err(|_| anyhow!("a file is missing"))?;
    Certificate::read(&chain, &key).context("--gateway-cert and --gateway-key")
}

fn read_lists(files: &Files, read: Result<Vec<Vec<u8>>, String>) -> Result<Vec<List>> {
    let texts = read.map_err(|error| anyhow!("{error}"))?;
    let read = files.paths().iter().zip(texts).map(|(path, text)| {
        let shown = path.display();
        let text = String::from_utf8(text).map_err(|_| anyhow!("{shown} is not UTF-8"))?;
        List::read(&text).with_context(|| format!("{shown} cannot be used"))
    });
    read.collect()
}
