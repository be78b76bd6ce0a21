//! `sublet operator`: what the operator's own programs are known by.

use clap::{Args, Subcommand};
use engine::secret;
use serde::Serialize;
use store::records::OperatorToken;

use crate::console::Row;
use crate::problem::Problem;
use crate::random;
use crate::reading;
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Operator {
    /// Tokens for the operator's calls, such as moving a sandbox's clock
    #[command(subcommand)]
    Token(Token),
}

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token; it is shown this once only
    Create(Create),
    /// All tokens
    List,
    /// Revoke a token for good
    Revoke(Revoke),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: sublet operator token create --name billing")]
pub(super) struct Create {
    /// What it is called
    #[arg(long, value_parser = reading::name, default_value = "default")]
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The number of the token, as `operator token list` shows it
    #[arg(value_name = "ID")]
    id: i64,
}

/// A token that was just made.
#[derive(Serialize)]
struct Made<'a> {
    token: &'a str,
    token_id: i64,
    name: &'a str,
}

/// A token as it is shown later.
#[derive(Debug, Serialize)]
struct Shown {
    token_id: i64,
    name: String,
    state: &'static str,
    created_at: String,
    revoked_at: Option<String>,
}

impl From<&OperatorToken> for Shown {
    fn from(token: &OperatorToken) -> Shown {
        Shown {
            token_id: token.id,
            name: token.name.clone(),
            state: if token.revoked_at.is_some() { "revoked" } else { "valid" },
            created_at: reading::shown(token.created_at),
            revoked_at: token.revoked_at.map(reading::shown),
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] = &["ID", "NAME", "STATE", "MADE"];

    fn cells(&self) -> Vec<String> {
        let made = self.created_at[..10].to_owned();
        vec![self.token_id.to_string(), self.name.clone(), self.state.to_owned(), made]
    }
}

impl Operator {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let Operator::Token(token) = self;
        match token {
            Token::Create(create) => create.run(shop),
            Token::List => list(shop),
            Token::Revoke(revoke) => revoke.run(shop),
        }
    }
}

impl Create {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let secret = secret::new_operator_token(random::bytes()?);
        let id = shop.store.create_operator_token(&self.name, &secret.hash(), shop.now)?;
        let made = Made { token: secret.reveal(), token_id: id, name: &self.name };
        let people = [("token", made.token.to_owned()), ("number", made.token_id.to_string())];
        shop.console.result(&made, &people)?;
        shop.console.note("The token is shown this once only.");
        Ok(())
    }
}

fn list(shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
    let shown: Vec<Shown> = shop.store.operator_tokens()?.iter().map(Shown::from).collect();
    shop.console.list(&shown, "There are no operator tokens yet.")
}

impl Revoke {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        if !shop.store.revoke_operator_token(self.id, shop.now)? {
            let hint = "`sublet operator token list` shows them all";
            let says = format!("there is no operator token {}", self.id);
            return Err(Problem::failed(says).hint(hint));
        }
        let revoked = serde_json::json!({ "token_id": self.id, "revoked": true });
        shop.console.result(&revoked, &[("revoked token", self.id.to_string())])
    }
}
