//! Who a gateway is: its key, and the shop that it belongs to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use feed::report::{Enrol, Welcome};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::control::{Connection, Control, NotDone};
use super::saved::Folder;
use crate::nodes::http::ENROL;
use crate::nodes::key::{Key, KeyHash};
use crate::nodes::token::Token;
use crate::problem::Problem;

/// How long is waited before it is tried again to enrol.
const AGAIN: Duration = Duration::from_secs(1);

/// Who a gateway is.
#[derive(Clone)]
pub(super) struct Identity {
    /// What it is called.
    pub(super) node: String,
    /// Whether nothing is real in its shop.
    pub(super) sandbox: bool,
    /// How it talks to its shop.
    pub(super) asking: Arc<ClientConfig>,
    /// Its private key, as text.
    secret: Zeroizing<String>,
}

/// The shop that a gateway belongs to, as it is noted.
#[derive(Serialize, Deserialize)]
struct Belongs {
    shop: KeyHash,
    node: String,
    sandbox: bool,
}

impl Identity {
    /// The private key, for what is sealed with it.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Who it is already, or who it becomes with `token`. As long as no server of the shop can be
    /// reached, it is tried again.
    pub(super) async fn open_or_enrol(
        folder: &Folder,
        controls: &[Control],
        token: Option<&Token>,
    ) -> Result<Identity, Problem> {
        let secret = match folder.key()? {
            Some(secret) => secret,
            None => {
                let secret = Key::draw()?;
                folder.keep_key(&secret)?;
                secret
            }
        };
        let key = Key::read(&secret).context("the key of this gateway is damaged")?;
        let of = |belongs: Belongs, secret| Identity {
            node: belongs.node,
            sandbox: belongs.sandbox,
            asking: key.asking(belongs.shop),
            secret,
        };
        if let Some(text) = folder.belongs()? {
            let belongs: Belongs = serde_json::from_str(&text)
                .map_err(|_| Problem::failed("what this gateway belongs to is damaged"))?;
            if token.is_some_and(|token| token.shop != belongs.shop) {
                let says = "the token is of another shop than this gateway belongs to";
                return Err(Problem::failed(says).hint("begin in a new folder with --data"));
            }
            return Ok(of(belongs, secret));
        }
        let Some(token) = token else {
            let says = "this gateway has not enrolled yet, and has no --token to do so";
            return Err(Problem::usage(says).hint("`sublet node add` on the shop's side makes one"));
        };
        let welcome = enrol(controls, &key, token).await?;
        let belongs = Belongs { shop: token.shop, node: welcome.node, sandbox: welcome.sandbox };
        let text = serde_json::to_string(&belongs).map_err(anyhow::Error::from)?;
        folder.keep_belongs(&text)?;
        tracing::info!(node = belongs.node, "Enrolled as {}", belongs.node);
        Ok(of(belongs, secret))
    }
}

async fn enrol(controls: &[Control], key: &Key, token: &Token) -> Result<Welcome, Problem> {
    let (config, asks) = (key.asking(token.shop), Enrol { token: token.secret.clone() });
    loop {
        for control in controls {
            let tried = async {
                Connection::open(control, &config).await?.ask::<Welcome>(ENROL, &asks).await
            };
            match tried.await {
                Ok(welcome) => return Ok(welcome),
                Err(error) => {
                    if let Some(refused @ NotDone::Refused(_)) = error.downcast_ref() {
                        let hint = "`sublet node add` on the shop's side makes a token";
                        return Err(Problem::failed(refused.to_string()).hint(hint));
                    }
                    tracing::warn!("Cannot enrol at {control}: {error:#}; trying again");
                }
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}
