//! Money as this dialect writes it.

use domain::money::{Currency, Money, Percent, UnitPrice};
use wire::number::Number;

/// An amount as a number, in whole units of the currency.
pub(super) fn amount(money: Money) -> Number {
    Number::from_minor(money.minor(), money.currency().decimals())
}

/// A price of one as a number, in whole units of the currency.
pub(super) fn price(price: UnitPrice) -> Number {
    Number::from_minor(price.micros(), 6)
}

/// A share as a number from 0 to 1.
pub(super) fn share(share: Percent) -> Number {
    Number::from_minor(share.hundredths().into(), 4)
}

/// Why something cannot be paid: the balance in its shortest form, what is missing to the cent.
pub(super) fn shortage(balance: Money, missing: Money) -> String {
    let sign = sign(balance.currency());
    let (balance, missing) = (amount(balance), missing.decimal());
    format!("Insufficient funds. Total {sign}{balance}. Not enough {sign}{missing}")
}

/// An amount as a text, to the cent.
pub(super) fn text(money: Money) -> String {
    format!("{}{}", sign(money.currency()), money.decimal())
}

/// What stands in front of an amount in a text.
fn sign(currency: Currency) -> String {
    if currency == Currency::USD { "$".to_owned() } else { format!("{} ", currency.code()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_told_as_clients_know_it() {
        let usd = |minor| Money::from_minor(minor, Currency::USD);
        let text = shortage(usd(200), usd(3310));
        assert_eq!(text, "Insufficient funds. Total $2. Not enough $33.10");
        let text = shortage(usd(0), usd(1));
        assert_eq!(text, "Insufficient funds. Total $0. Not enough $0.01");
        let yen = Currency::from_code("JPY").unwrap();
        let text = shortage(Money::from_minor(5, yen), Money::from_minor(70, yen));
        assert_eq!(text, "Insufficient funds. Total JPY 5. Not enough JPY 70");
    }

    #[test]
    fn a_text_has_all_decimals() {
        assert_eq!(text(Money::from_minor(3600, Currency::USD)), "$36.00");
        let yen = Currency::from_code("JPY").unwrap();
        assert_eq!(text(Money::from_minor(3600, yen)), "JPY 3600");
    }

    #[test]
    fn a_share_is_a_fraction() {
        for (percent, expected) in [("22", "0.22"), ("0", "0"), ("100", "1"), ("12.5", "0.125")] {
            assert_eq!(share(Percent::parse(percent).unwrap()).to_string(), expected);
        }
    }
}
