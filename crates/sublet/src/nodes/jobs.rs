//! Jobs for the modems of gateways on other hosts: given to whoever asks for his own, and ended when
//! he tells what has come of them.

use std::time::{Duration, Instant};

use domain::ids::RotationId;
use engine::engine::Engine;
use engine::fault::Fault;
use engine::rotations::Rotator;
use feed::rotation::{Ask, Believed, Ended, Jobs};
use store::nodes::Node;

use crate::traffic::jobs;

/// How long a gateway that asks waits for jobs. When it ends, it waits for this answer.
const HOLD: Duration = Duration::from_secs(1);

/// Takes jobs for a node that asks for them, as soon as there are some. `waits` wakes it.
pub(super) async fn take(waits: &mut Rotator, node: &Node, ask: &Ask) -> Result<Jobs, Fault> {
    let since = Instant::now();
    loop {
        let here = |gateway: &str| node.gateways.iter().any(|name| name == gateway);
        let taken = waits.engine().take_rotations(here, &ask.busy).await?;
        if !taken.is_empty() || HOLD <= since.elapsed() {
            return Ok(Jobs { jobs: taken.into_iter().map(jobs::print).collect() });
        }
        waits.wait().await;
    }
}

/// Ends a job as a node tells, if it was for a modem of that node's gateways.
pub(super) async fn end(engine: &Engine, node: &Node, ended: Ended) -> Result<Believed, Fault> {
    let catalogue = engine.catalogue();
    let modem = catalogue.modems.get(&ended.modem);
    let is_its_own = modem.is_some_and(|modem| node.gateways.contains(&modem.gateway));
    let Some(id) = i64::try_from(ended.id).ok().map(RotationId).filter(|_| is_its_own) else {
        return Ok(Believed { believed: false });
    };
    let outcome = jobs::read_outcome(ended.outcome);
    let believed = engine.end_rotation(id, &ended.modem, ended.claim, outcome).await?;
    Ok(Believed { believed })
}
