//! The forms of refusals: each call keeps all its members.

use wire::youproxy::auto_extend::AutoExtendAnswer;
use wire::youproxy::balance::{Account, BalanceAnswer};
use wire::youproxy::calculate::CalculateAnswer;
use wire::youproxy::country::CountryAnswer;
use wire::youproxy::extend::ExtendAnswer;
use wire::youproxy::ip_address::{IpAddressAnswer, Page};
use wire::youproxy::mobile_operator::MobileOperatorAnswer;
use wire::youproxy::order::OrderAnswer;
use wire::youproxy::problem::ProblemKind;
use wire::youproxy::promo_code::PromoCodeAnswer;
use wire::youproxy::proxy_type::{ProxyType, ProxyTypeAnswer};
use wire::youproxy::rent_period::RentPeriodAnswer;

use super::stop::written;

/// The form of a refusal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    ProxyTypes,
    Balance,
    Countries,
    RentPeriods,
    MobileOperators,
    PromoCodes,
    Listing { only: Option<ProxyType>, page: Option<Page> },
    Price,
    Order,
    Extension,
    AutoExtension { by_orders: bool },
}

impl Form {
    /// The first page, of a list with nothing in it.
    pub(super) const FIRST_PAGE: Page =
        Page { page: 0, size: 20, total_pages: 0, total_elements: 0 };

    /// A refusal as it is sent; `account` is `None` if the key was not accepted.
    pub(super) fn refusal(&self, account: Option<Account>, problem: ProblemKind) -> Vec<u8> {
        match *self {
            Form::ProxyTypes => written(&ProxyTypeAnswer::refused(problem)),
            Form::Balance => written(&BalanceAnswer::refused(account, problem)),
            Form::Countries => written(&CountryAnswer::refused(problem)),
            Form::RentPeriods => written(&RentPeriodAnswer::refused(problem)),
            Form::MobileOperators => written(&MobileOperatorAnswer::refused(problem)),
            Form::PromoCodes => written(&PromoCodeAnswer::refused(problem)),
            Form::Listing { only, page } => {
                let refused = IpAddressAnswer::refused(only, problem);
                written(&match page {
                    Some(page) => refused.paged(page),
                    None => refused,
                })
            }
            Form::Price => written(&CalculateAnswer::refused(account, problem)),
            Form::Order => written(&OrderAnswer::refused(account, problem)),
            Form::Extension => written(&ExtendAnswer::refused(account, problem)),
            Form::AutoExtension { by_orders: false } => {
                written(&AutoExtendAnswer::refused(account, problem))
            }
            Form::AutoExtension { by_orders: true } => {
                written(&AutoExtendAnswer::refused_orders(account, problem))
            }
        }
    }
}
