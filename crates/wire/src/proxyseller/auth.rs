//! `GET auth/list`, `POST auth/add`, `auth/add/ip`, `auth/change` and `auth/active`, and
//! `DELETE auth/delete`

use serde::{Deserialize, Serialize};

use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};

/// Body of `POST auth/add` and `POST auth/add/ip`. Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthAddRequest {
    /// The order, by its number.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub order_number: Field<String>,
    /// Whether a new pair is made, or the usual one is let in.
    #[serde(skip_serializing_if = "Field::is_not_given", serialize_with = "super::yes_or_no")]
    pub generate_auth: Field<bool>,
    /// The address that is let in; of `auth/add/ip`.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub ip: Field<String>,
}

impl AuthAddRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<AuthAddRequest, Unreadable> {
        let [order_number, generate_auth, ip] =
            members(body, ["orderNumber", "generateAuth", "ip"])?;
        Ok(AuthAddRequest {
            order_number: lenient::name(order_number),
            generate_auth: lenient::switch(generate_auth),
            ip: lenient::name(ip),
        })
    }
}

/// Body of `POST auth/change`, `POST auth/active` and `DELETE auth/delete`. What is absent stays as
/// it is. Only what is `Given` is written.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuthChangeRequest {
    /// Which.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub id: Field<String>,
    /// Whether it lets anybody in.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub active: Field<bool>,
    /// Another login.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub login: Field<String>,
    /// Another password.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub password: Field<String>,
    /// Another address.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub ip: Field<String>,
}

impl AuthChangeRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<AuthChangeRequest, Unreadable> {
        let [id, active, login, password, ip] =
            members(body, ["id", "active", "login", "password", "ip"])?;
        Ok(AuthChangeRequest {
            id: lenient::name(id),
            active: lenient::switch(active),
            login: lenient::text(login),
            password: lenient::text(password),
            ip: lenient::name(ip),
        })
    }
}

impl std::fmt::Debug for AuthChangeRequest {
    /// Shows no password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("AuthChangeRequest");
        shown.field("id", &self.id).field("active", &self.active).finish_non_exhaustive()
    }
}

/// Who may use the proxies of an order: a login and password, or an address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthItem {
    /// What it is called, in both versions as 24 hexadecimal digits.
    pub id: String,
    /// Whether it lets anybody in.
    pub active: bool,
    /// The login, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The password to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The address, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The order, by its present number.
    pub order_number: String,
}

impl std::fmt::Debug for AuthItem {
    /// Shows no password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("AuthItem");
        shown.field("id", &self.id).field("active", &self.active).finish_non_exhaustive()
    }
}

/// Data of `DELETE auth/delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// Always `true`.
    pub deleted: bool,
}
