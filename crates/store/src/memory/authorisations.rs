//! Who may use which order's addresses.

use domain::access::Access;
use domain::authorisation::Authorised;
use domain::ids::{AuthorisationId, CustomerId, OrderId};

use super::books::Books;
use super::size;

impl Books {
    pub(super) fn authorisations(
        &self,
        customer: CustomerId,
        order: Option<OrderId>,
        after: Option<(OrderId, AuthorisationId)>,
        limit: u32,
    ) -> Vec<Authorised> {
        let ends_at = |order| {
            let its = self.not_over().filter(|lease| lease.order == order);
            its.map(|lease| lease.ends_at).max()
        };
        let his = self.authorisations.values().filter(|it| it.customer == customer);
        let his = his.filter(|it| order.is_none_or(|order| order == it.order));
        let behind = his.filter(|it| after.is_none_or(|after| after < (it.order, it.id)));
        let mut list: Vec<Authorised> = behind
            .filter_map(|it| {
                let ends_at = ends_at(it.order)?;
                let (authorisation, order) = (it.clone(), self.order(it.order));
                Some(Authorised { authorisation, order, ends_at })
            })
            .collect();
        list.sort_by_key(|it| (it.order.id, it.authorisation.id));
        list.truncate(size(limit));
        list
    }

    /// Who has which login.
    pub(super) fn logins(
        &self,
    ) -> impl Iterator<Item = (String, CustomerId, Option<AuthorisationId>)> {
        let own = self.authorisations.values().filter(|it| !it.usual);
        let own = own.filter_map(|it| match &it.access {
            Access::Login(pair) => Some((pair.login.clone(), it.customer, Some(it.id))),
            Access::SourceIp(_) => None,
        });
        let usual = self.usual_logins.iter().map(|(id, pair)| (pair.login.clone(), *id, None));
        own.chain(usual)
    }
}
