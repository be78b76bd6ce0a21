//! What a batch knows of who may use what, and what it changes of that.

use std::collections::BTreeMap;

use super::World;
use crate::access::{Access, Entropy, Login};
use crate::authorisation::{Authorisation, Granting};
use crate::ids::{AuthorisationId, CustomerId, OrderId};

/// Authorisations that were loaded, and whose the logins are.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) authorisations: BTreeMap<AuthorisationId, Authorisation>,
    pub(super) usual: BTreeMap<CustomerId, Login>,
    /// Who has a login; `None` if it is a customer's usual one. What was given up in this batch
    /// stays taken until the next: the rows are written one after another, and no two may have the
    /// same login for a moment.
    pub(super) logins: BTreeMap<String, (CustomerId, Option<AuthorisationId>)>,
}

impl World {
    /// The authorisation, whoever's it is.
    pub fn authorisation(&self, id: AuthorisationId) -> Option<&Authorisation> {
        self.known.authorisations.get(&id)
    }

    /// The loaded authorisations of an order, by id.
    pub(crate) fn authorisations_of(&self, order: OrderId) -> impl Iterator<Item = &Authorisation> {
        self.known.authorisations.values().filter(move |it| it.order == order)
    }

    /// Whether `login` is the one that a customer usually uses.
    pub(crate) fn is_usual(&self, customer: CustomerId, login: &str) -> bool {
        self.known.usual.get(&customer).is_some_and(|usual| usual.login == login)
    }

    /// Whether somebody has `login` other than this authorisation.
    pub(crate) fn is_taken(&self, login: &str, by: AuthorisationId) -> bool {
        self.known.logins.get(login).is_some_and(|(_, holder)| *holder != Some(by))
    }

    /// Makes credentials of what is wished for. The customer's usual pair is made when it is first
    /// needed.
    pub(crate) fn issue(
        &mut self,
        customer: CustomerId,
        granting: Granting,
        entropy: &mut Entropy,
    ) -> Access {
        match granting {
            Granting::Own(login) => Access::Login(login),
            Granting::SourceIp(ip) => Access::SourceIp(ip),
            Granting::Usual => {
                if let Some(usual) = self.known.usual.get(&customer) {
                    return Access::Login(usual.clone());
                }
                let usual = Login::draw(entropy);
                self.known.logins.insert(usual.login.clone(), (customer, None));
                self.known.usual.insert(customer, usual.clone());
                self.changes.usual_logins.insert(customer, usual.clone());
                Access::Login(usual)
            }
        }
    }

    /// Gives a new order the authorisation that lists show and, if so wished, a pair of its own
    /// that they do not. Says what they show.
    pub(crate) fn authorise_order(
        &mut self,
        customer: CustomerId,
        order: OrderId,
        (granting, with_own): (Granting, bool),
        entropy: &mut Entropy,
    ) -> Access {
        let access = self.issue(customer, granting, entropy);
        self.add_authorisation(customer, order, access.clone(), true);
        if with_own {
            let own = Access::Login(Login::draw(entropy));
            self.add_authorisation(customer, order, own, false);
        }
        access
    }

    /// Adds an authorisation that is in force.
    pub(crate) fn add_authorisation(
        &mut self,
        customer: CustomerId,
        order: OrderId,
        access: Access,
        shown: bool,
    ) -> AuthorisationId {
        let id = AuthorisationId(self.next.authorisation);
        self.next.authorisation += 1;
        let usual = match &access {
            Access::Login(pair) => self.is_usual(customer, &pair.login),
            Access::SourceIp(_) => false,
        };
        let added = Authorisation {
            id,
            customer,
            order,
            active: true,
            access,
            usual,
            chosen: false,
            shown,
        };
        self.note_login(&added);
        self.changes.authorisations_new.insert(id, added.clone());
        self.known.authorisations.insert(id, added);
        id
    }

    /// Changes an authorisation that was loaded.
    pub(crate) fn change_authorisation(&mut self, changed: Authorisation) {
        self.note_login(&changed);
        match self.changes.authorisations_new.get_mut(&changed.id) {
            Some(new) => new.clone_from(&changed),
            None => {
                self.changes.authorisations.insert(changed.id, changed.clone());
            }
        }
        self.known.authorisations.insert(changed.id, changed);
    }

    /// Deletes an authorisation that was loaded.
    pub(crate) fn delete_authorisation(&mut self, id: AuthorisationId) {
        self.known.authorisations.remove(&id);
        self.changes.authorisations.remove(&id);
        if self.changes.authorisations_new.remove(&id).is_none() {
            self.changes.authorisations_gone.insert(id);
        }
    }

    fn note_login(&mut self, authorisation: &Authorisation) {
        if let (Access::Login(pair), false) = (&authorisation.access, authorisation.usual) {
            let holder = (authorisation.customer, Some(authorisation.id));
            self.known.logins.insert(pair.login.clone(), holder);
        }
    }
}
