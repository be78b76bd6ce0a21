//! The calls there are: a contents page.

use axum::http::Method;

use super::form::Form;
use super::ip_address;

/// A call of this dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `GET /proxyType`
    ProxyType,
    /// `GET /balance`
    Balance,
    /// `GET /country`
    Country,
    /// `GET /rentPeriod`
    RentPeriod,
    /// `GET /mobileOperator`
    MobileOperator,
    /// `GET /promoCode`
    PromoCode,
    /// `GET /ipAddress`
    IpAddress,
    /// `GET /ipAddress/page`
    IpAddressPage,
    /// `POST /calculate/order`
    CalculateOrder,
    /// `POST /calculate/extend`
    CalculateExtend,
    /// `POST /calculate/extend/order`
    CalculateExtendOrder,
    /// `POST /order`
    Order,
    /// `POST /extend`
    Extend,
    /// `POST /extend/order`
    ExtendOrder,
    /// `POST /extend/auto`
    ExtendAuto,
    /// `POST /extend/order/auto`
    ExtendOrderAuto,
}

impl Call {
    /// All of them.
    pub(crate) const ALL: [Call; 16] = [
        Call::ProxyType,
        Call::Balance,
        Call::Country,
        Call::RentPeriod,
        Call::MobileOperator,
        Call::PromoCode,
        Call::IpAddress,
        Call::IpAddressPage,
        Call::CalculateOrder,
        Call::CalculateExtend,
        Call::CalculateExtendOrder,
        Call::Order,
        Call::Extend,
        Call::ExtendOrder,
        Call::ExtendAuto,
        Call::ExtendOrderAuto,
    ];

    const PREFIX_LENGTH: usize = "/client/api/v1/{apiKey}/".len();

    /// The call of this name, which is what its path has behind the key.
    pub(crate) fn find(name: &str) -> Option<Call> {
        Call::ALL.into_iter().find(|call| call.name() == name)
    }

    /// What the path has behind the key.
    pub(crate) fn name(self) -> &'static str {
        &self.template()[Self::PREFIX_LENGTH..]
    }

    /// The path, with the key left open.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Call::ProxyType => "/client/api/v1/{apiKey}/proxyType",
            Call::Balance => "/client/api/v1/{apiKey}/balance",
            Call::Country => "/client/api/v1/{apiKey}/country",
            Call::RentPeriod => "/client/api/v1/{apiKey}/rentPeriod",
            Call::MobileOperator => "/client/api/v1/{apiKey}/mobileOperator",
            Call::PromoCode => "/client/api/v1/{apiKey}/promoCode",
            Call::IpAddress => "/client/api/v1/{apiKey}/ipAddress",
            Call::IpAddressPage => "/client/api/v1/{apiKey}/ipAddress/page",
            Call::CalculateOrder => "/client/api/v1/{apiKey}/calculate/order",
            Call::CalculateExtend => "/client/api/v1/{apiKey}/calculate/extend",
            Call::CalculateExtendOrder => "/client/api/v1/{apiKey}/calculate/extend/order",
            Call::Order => "/client/api/v1/{apiKey}/order",
            Call::Extend => "/client/api/v1/{apiKey}/extend",
            Call::ExtendOrder => "/client/api/v1/{apiKey}/extend/order",
            Call::ExtendAuto => "/client/api/v1/{apiKey}/extend/auto",
            Call::ExtendOrderAuto => "/client/api/v1/{apiKey}/extend/order/auto",
        }
    }

    /// The only method it is made with.
    pub(crate) fn method(self) -> Method {
        if self.has_body() { Method::POST } else { Method::GET }
    }

    /// Whether it has a body; then it is a POST.
    pub(crate) fn has_body(self) -> bool {
        self.changes()
            || matches!(
                self,
                Call::CalculateOrder | Call::CalculateExtend | Call::CalculateExtendOrder
            )
    }

    /// Whether it changes anything, which a key for looking may not.
    pub(crate) fn changes(self) -> bool {
        self.spends() || matches!(self, Call::ExtendAuto | Call::ExtendOrderAuto)
    }

    /// Whether it spends money, so that a repetition must be known.
    pub(crate) fn spends(self) -> bool {
        matches!(self, Call::Order | Call::Extend | Call::ExtendOrder)
    }

    /// Whether it names orders, not addresses.
    pub(super) fn by_orders(self) -> bool {
        matches!(self, Call::CalculateExtendOrder | Call::ExtendOrder | Call::ExtendOrderAuto)
    }

    /// The form in which it is refused, unless the request makes it another.
    pub(super) fn form(self, query: &str) -> Form {
        match self {
            Call::ProxyType => Form::ProxyTypes,
            Call::Balance => Form::Balance,
            Call::Country => Form::Countries,
            Call::RentPeriod => Form::RentPeriods,
            Call::MobileOperator => Form::MobileOperators,
            Call::PromoCode => Form::PromoCodes,
            Call::IpAddress | Call::IpAddressPage => ip_address::form(self, query),
            Call::CalculateOrder | Call::CalculateExtend | Call::CalculateExtendOrder => {
                Form::Price
            }
            Call::Order => Form::Order,
            Call::Extend | Call::ExtendOrder => Form::Extension,
            Call::ExtendAuto => Form::AutoExtension { by_orders: false },
            Call::ExtendOrderAuto => Form::AutoExtension { by_orders: true },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_found_by_its_name_and_nothing_else_is() {
        for call in Call::ALL {
            assert_eq!(Call::find(call.name()), Some(call));
        }
        for name in ["", "/", "Balance", "balance/", "extend/", "order/auto", "calculate"] {
            assert_eq!(Call::find(name), None, "{name}");
        }
    }
}
