//! What leases have used, on its way to the shop.

use std::sync::Arc;

use feed::usage::{Answer, Report};
use rustls::ClientConfig;
use tokio::sync::Mutex;

use super::control::{Connection, Control};
use crate::nodes::http::USAGE;
use crate::traffic::metering::Books;

/// The books of a shop elsewhere, at whichever of its servers answers.
pub(super) struct Elsewhere {
    controls: Vec<Control>,
    config: Arc<ClientConfig>,
    connection: Mutex<Option<Connection>>,
}

impl Elsewhere {
    pub(super) fn new(controls: Vec<Control>, config: Arc<ClientConfig>) -> Elsewhere {
        Elsewhere { controls, config, connection: Mutex::new(None) }
    }
}

impl Books for Elsewhere {
    async fn take(&self, report: &Report) -> Result<Answer, String> {
        let mut place = self.connection.lock().await;
        let mut why = "there is nobody to ask".to_owned();
        // It is kept only if it has answered.
        if let Some(mut open) = place.take().filter(|open| !open.is_closed())
            && let Ok(answer) = open.ask(USAGE, report).await
        {
            *place = Some(open);
            return Ok(answer);
        }
        for control in &self.controls {
            let asked = async {
                let mut open = Connection::open(control, &self.config).await?;
                let answer = open.ask(USAGE, report).await?;
                anyhow::Ok((open, answer))
            };
            match asked.await {
                Ok((open, answer)) => {
                    *place = Some(open);
                    return Ok(answer);
                }
                Err(error) => why = format!("{control}: {error:#}"),
            }
        }
        Err(why)
    }
}
