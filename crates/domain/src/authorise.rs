//! Changing who may use the addresses of an order, after it was placed.

use std::net::IpAddr;

use crate::access::{Access, Login, may_be_source};
use crate::authorisation::{AUTHORISATIONS_MAX, Authorisation, Granting, is_login, is_password};
use crate::ids::{AuthorisationId, CustomerId, EntryId, OrderId};
use crate::journal::{AuthorisationChange, Event};
use crate::lease::Standing;
use crate::needs::Needs;
use crate::refusal::Refusal;
use crate::time::Time;
use crate::world::World;

/// A wish to let somebody use the addresses of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorise {
    /// Whose order.
    pub customer: CustomerId,
    /// Which; `None` if it cannot be one of ours.
    pub order: Option<OrderId>,
    /// How he will be known.
    pub by: AuthoriseBy,
    /// Randomness for credentials.
    pub seed: [u8; 16],
}

/// How somebody is to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthoriseBy {
    /// By the customer's usual pair of login and password, issued when it is first needed.
    Usual,
    /// By a new pair that is issued for this.
    Own,
    /// By the address that connects; `None` is missing or unreadable.
    SourceIp(Option<IpAddr>),
}

/// A wish to change an authorisation. What is `None` stays as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct ChangeAuthorisation {
    /// Whose.
    pub customer: CustomerId,
    /// Which; `None` if it cannot be one of ours.
    pub authorisation: Option<AuthorisationId>,
    /// Whether it lets anybody in.
    pub active: Option<bool>,
    /// Another login, where there is one.
    pub login: Option<String>,
    /// Another password, where there is one.
    pub password: Option<String>,
    /// Another address to connect from, where there is one.
    pub source: SourceWish,
}

/// An address to connect from that need not be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceWish {
    /// It stays as it is.
    #[default]
    Kept,
    /// It could not be read.
    Unreadable,
    /// This one.
    To(IpAddr),
}

/// A wish to delete an authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteAuthorisation {
    /// Whose.
    pub customer: CustomerId,
    /// Which; `None` if it cannot be one of ours.
    pub authorisation: Option<AuthorisationId>,
}

impl std::fmt::Debug for ChangeAuthorisation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeAuthorisation")
            .field("customer", &self.customer)
            .field("authorisation", &self.authorisation)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl Authorise {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs { customers: [self.customer].into(), ..Needs::default() };
        if let Some(order) = self.order {
            needs.orders.insert(order);
            needs.authorised.insert((self.customer, order));
        }
        if self.by == AuthoriseBy::Usual {
            needs.usual_logins.insert(self.customer);
        }
        needs
    }

    /// Adds the authorisation. If the order has it already, it is only put in force again; if it is
    /// in force, nothing is done, and it is told all the same.
    pub(crate) fn apply(
        &self,
        world: &mut World,
        now: Time,
    ) -> Result<(Option<EntryId>, Event), Refusal> {
        world.spender(self.customer)?;
        let order = self.order.ok_or(Refusal::UnknownOrder)?;
        let his = world.leases_of(order).any(|lease| {
            lease.customer == self.customer && world.standing(lease, now) != Standing::Over
        });
        if !his {
            return Err(Refusal::UnknownOrder);
        }
        let mut entropy = World::entropy(self.seed);
        let granting = match self.by {
            AuthoriseBy::Usual => Granting::Usual,
            AuthoriseBy::Own => Granting::Own(Login::draw(&mut entropy)),
            AuthoriseBy::SourceIp(ip) => {
                let ip = ip.filter(|ip| may_be_source(*ip)).ok_or(Refusal::BadSourceIp)?;
                Granting::SourceIp(ip.to_canonical())
            }
        };
        let same = |it: &&Authorisation| match &granting {
            Granting::Usual => it.usual,
            Granting::Own(_) => false,
            Granting::SourceIp(ip) => it.access == Access::SourceIp(*ip),
        };
        let known = world.authorisations_of(order).find(same).cloned();
        if let Some(known) = known {
            let changed = Authorisation { active: true, ..known.clone() };
            return Ok(changed_to(world, &known, changed, now));
        }
        if AUTHORISATIONS_MAX <= world.authorisations_of(order).count() {
            return Err(Refusal::TooManyAuthorisations);
        }

        let shown = !world.authorisations_of(order).any(|it| it.shown);
        let access = world.issue(self.customer, granting, &mut entropy);
        let added = world.add_authorisation(self.customer, order, access, shown);
        let (authorisation, change) = (added, AuthorisationChange::Added);
        let event = Event::Authorisation { authorisation, order, active: true, change };
        Ok((Some(world.record(self.customer, event.clone(), now)), event))
    }
}

impl ChangeAuthorisation {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        Needs {
            customers: [self.customer].into(),
            authorisations: self.authorisation.into_iter().collect(),
            usual_logins: [self.customer].into(),
            logins: self.login.iter().filter(|login| is_login(login)).cloned().collect(),
            ..Needs::default()
        }
    }

    /// Changes the authorisation; repeating it is harmless and writes nothing.
    ///
    /// If its pair was the customer's usual one, it has one of its own from then on: his other
    /// orders keep theirs.
    pub(crate) fn apply(
        &self,
        world: &mut World,
        now: Time,
    ) -> Result<(Option<EntryId>, Event), Refusal> {
        world.spender(self.customer)?;
        let known = named(world, self.customer, self.authorisation)?.clone();
        let mut changed = known.clone();
        changed.active = self.active.unwrap_or(known.active);
        match &mut changed.access {
            Access::Login(_) if self.source != SourceWish::Kept => {
                return Err(Refusal::UnknownAccess);
            }
            Access::SourceIp(_) if self.login.is_some() || self.password.is_some() => {
                return Err(Refusal::UnknownAccess);
            }
            Access::Login(pair) => {
                if let Some(login) = &self.login {
                    if *login != pair.login && !is_login(login) {
                        return Err(Refusal::BadLogin);
                    }
                    changed.chosen |= *login != pair.login;
                    pair.login.clone_from(login);
                }
                if let Some(password) = &self.password {
                    if *password != pair.password && !is_password(password) {
                        return Err(Refusal::BadPassword);
                    }
                    pair.password.clone_from(password);
                }
                changed.usual = world.is_usual(self.customer, &pair.login);
                changed.chosen &= !changed.usual;
                if !changed.usual && world.is_taken(&pair.login, known.id) {
                    return Err(Refusal::LoginTaken);
                }
            }
            Access::SourceIp(source) => match self.source {
                SourceWish::Kept => {}
                SourceWish::Unreadable => return Err(Refusal::BadSourceIp),
                SourceWish::To(ip) if !may_be_source(ip) => return Err(Refusal::BadSourceIp),
                SourceWish::To(ip) => *source = ip.to_canonical(),
            },
        }
        Ok(changed_to(world, &known, changed, now))
    }
}

impl DeleteAuthorisation {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        Needs {
            customers: [self.customer].into(),
            authorisations: self.authorisation.into_iter().collect(),
            ..Needs::default()
        }
    }

    /// Deletes the authorisation. If lists have shown it, they show none.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<EntryId, Refusal> {
        world.spender(self.customer)?;
        let &Authorisation { id, order, .. } = named(world, self.customer, self.authorisation)?;
        world.delete_authorisation(id);
        let (authorisation, change) = (id, AuthorisationChange::Deleted);
        let event = Event::Authorisation { authorisation, order, active: false, change };
        Ok(world.record(self.customer, event, now))
    }
}

/// The customer's authorisation of this id.
fn named(
    world: &World,
    customer: CustomerId,
    id: Option<AuthorisationId>,
) -> Result<&Authorisation, Refusal> {
    let known = id.and_then(|id| world.authorisation(id));
    known.filter(|it| it.customer == customer).ok_or(Refusal::UnknownAuthorisation)
}

/// Writes down that an authorisation has changed, if it has.
fn changed_to(
    world: &mut World,
    known: &Authorisation,
    changed: Authorisation,
    now: Time,
) -> (Option<EntryId>, Event) {
    let (authorisation, order, active) = (changed.id, changed.order, changed.active);
    let change = AuthorisationChange::Changed;
    let event = Event::Authorisation { authorisation, order, active, change };
    if *known == changed {
        return (None, event);
    }
    let customer = changed.customer;
    world.change_authorisation(changed);
    (Some(world.record(customer, event.clone(), now)), event)
}
