//! The jobs of this gateway's modems: they wait in the books of its shop.

use std::sync::Arc;

use domain::rotation::Outcome;
use engine::rotations::Job;
use feed::rotation::{self as told, Ask, Believed, Ended, Failure, Jobs};
use rustls::ClientConfig;

use super::control::{Control, Shop};
use crate::nodes::http::{ENDED, JOBS};
use crate::traffic::jobs;
use crate::traffic::rotator::{Busy, Desk};

/// How long the answer may be in which there are jobs. It is bounded by what the shop's catalogue
/// says of this gateway's modems.
const JOBS_MAX: usize = 16 << 20;

/// The desk of a shop elsewhere, at whichever of its servers answers.
pub(super) struct DeskElsewhere {
    /// Where it waits for jobs.
    waits: Shop,
    /// Where it tells what has come of them meanwhile.
    tells: Shop,
}

impl DeskElsewhere {
    pub(super) fn new(controls: &[Control], config: &Arc<ClientConfig>) -> DeskElsewhere {
        let shop = || Shop::new(controls.to_vec(), Arc::clone(config));
        DeskElsewhere { waits: shop(), tells: shop() }
    }

    async fn end(&self, ended: &Ended) -> Result<bool, String> {
        let answer: Believed = self.tells.ask(ENDED, ended).await?;
        Ok(answer.believed)
    }
}

impl Desk for DeskElsewhere {
    async fn take(&self, busy: &Busy) -> Result<Vec<Job>, String> {
        let ask = Ask { busy: busy.names() };
        let Jobs { jobs: given } = self.waits.ask_at_length(JOBS, &ask, JOBS_MAX).await?;
        let mut taken = Vec::new();
        for job in given {
            match jobs::read(&job) {
                Some(job) => taken.push(job),
                None => {
                    tracing::error!(
                        modem = job.modem,
                        "Modem {} is driven in a way that this version does not know",
                        job.modem
                    );
                    let outcome = told::Outcome::Failed(Failure::Misconfigured);
                    let told::Job { id, claim, modem, .. } = job;
                    // If it cannot be told, its deadline ends it.
                    let _ = self.end(&Ended { id, claim, modem, outcome }).await;
                }
            }
        }
        Ok(taken)
    }

    async fn tell(&self, job: &Job, outcome: Outcome) -> Result<bool, String> {
        self.end(&jobs::ended(job, outcome)).await
    }
}
