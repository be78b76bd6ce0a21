//! Money: whole minor units of a currency, and prices finer than those.

use std::fmt;

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
}

/// Code, number and count of decimals of the currencies of ISO 4217 that are paid with.
const CURRENCIES: &[(&str, u16, u8)] = &[
    ("AED", 784, 2),
    ("AFN", 971, 2),
    ("ALL", 8, 2),
    ("AMD", 51, 2),
    ("AOA", 973, 2),
    ("ARS", 32, 2),
    ("AUD", 36, 2),
    ("AWG", 533, 2),
    ("AZN", 944, 2),
    ("BAM", 977, 2),
    ("BBD", 52, 2),
    ("BDT", 50, 2),
    ("BHD", 48, 3),
    ("BIF", 108, 0),
    ("BMD", 60, 2),
    ("BND", 96, 2),
    ("BOB", 68, 2),
    ("BRL", 986, 2),
    ("BSD", 44, 2),
    ("BTN", 64, 2),
    ("BWP", 72, 2),
    ("BYN", 933, 2),
    ("BZD", 84, 2),
    ("CAD", 124, 2),
    ("CDF", 976, 2),
    ("CHF", 756, 2),
    ("CLP", 152, 0),
    ("CNY", 156, 2),
    ("COP", 170, 2),
    ("CRC", 188, 2),
    ("CUP", 192, 2),
    ("CVE", 132, 2),
    ("CZK", 203, 2),
    ("DJF", 262, 0),
    ("DKK", 208, 2),
    ("DOP", 214, 2),
    ("DZD", 12, 2),
    ("EGP", 818, 2),
    ("ERN", 232, 2),
    ("ETB", 230, 2),
    ("EUR", 978, 2),
    ("FJD", 242, 2),
    ("FKP", 238, 2),
    ("GBP", 826, 2),
    ("GEL", 981, 2),
    ("GHS", 936, 2),
    ("GIP", 292, 2),
    ("GMD", 270, 2),
    ("GNF", 324, 0),
    ("GTQ", 320, 2),
    ("GYD", 328, 2),
    ("HKD", 344, 2),
    ("HNL", 340, 2),
    ("HTG", 332, 2),
    ("HUF", 348, 2),
    ("IDR", 360, 2),
    ("ILS", 376, 2),
    ("INR", 356, 2),
    ("IQD", 368, 3),
    ("IRR", 364, 2),
    ("ISK", 352, 0),
    ("JMD", 388, 2),
    ("JOD", 400, 3),
    ("JPY", 392, 0),
    ("KES", 404, 2),
    ("KGS", 417, 2),
    ("KHR", 116, 2),
    ("KMF", 174, 0),
    ("KPW", 408, 2),
    ("KRW", 410, 0),
    ("KWD", 414, 3),
    ("KYD", 136, 2),
    ("KZT", 398, 2),
    ("LAK", 418, 2),
    ("LBP", 422, 2),
    ("LKR", 144, 2),
    ("LRD", 430, 2),
    ("LSL", 426, 2),
    ("LYD", 434, 3),
    ("MAD", 504, 2),
    ("MDL", 498, 2),
    ("MGA", 969, 2),
    ("MKD", 807, 2),
    ("MMK", 104, 2),
    ("MNT", 496, 2),
    ("MOP", 446, 2),
    ("MRU", 929, 2),
    ("MUR", 480, 2),
    ("MVR", 462, 2),
    ("MWK", 454, 2),
    ("MXN", 484, 2),
    ("MYR", 458, 2),
    ("MZN", 943, 2),
    ("NAD", 516, 2),
    ("NGN", 566, 2),
    ("NIO", 558, 2),
    ("NOK", 578, 2),
    ("NPR", 524, 2),
    ("NZD", 554, 2),
    ("OMR", 512, 3),
    ("PAB", 590, 2),
    ("PEN", 604, 2),
    ("PGK", 598, 2),
    ("PHP", 608, 2),
    ("PKR", 586, 2),
    ("PLN", 985, 2),
    ("PYG", 600, 0),
    ("QAR", 634, 2),
    ("RON", 946, 2),
    ("RSD", 941, 2),
    ("RUB", 643, 2),
    ("RWF", 646, 0),
    ("SAR", 682, 2),
    ("SBD", 90, 2),
    ("SCR", 690, 2),
    ("SDG", 938, 2),
    ("SEK", 752, 2),
    ("SGD", 702, 2),
    ("SHP", 654, 2),
    ("SOS", 706, 2),
    ("SRD", 968, 2),
    ("SSP", 728, 2),
    ("STN", 930, 2),
    ("SVC", 222, 2),
    ("SYP", 760, 2),
    ("SZL", 748, 2),
    ("THB", 764, 2),
    ("TJS", 972, 2),
    ("TMT", 934, 2),
    ("TND", 788, 3),
    ("TOP", 776, 2),
    ("TRY", 949, 2),
    ("TTD", 780, 2),
    ("TWD", 901, 2),
    ("TZS", 834, 2),
    ("UAH", 980, 2),
    ("UGX", 800, 0),
    ("USD", 840, 2),
    ("UYU", 858, 2),
    ("UZS", 860, 2),
    ("VES", 928, 2),
    ("VND", 704, 0),
    ("VUV", 548, 0),
    ("WST", 882, 2),
    ("XAF", 950, 0),
    ("XCD", 951, 2),
    ("XOF", 952, 0),
    ("XPF", 953, 0),
    ("YER", 886, 2),
    ("ZAR", 710, 2),
    ("ZMW", 967, 2),
];

impl Currency {
    /// The dollar of the United States.
    pub const USD: Currency = Currency { code: *b"USD" };

    /// The currency with this code, in any letter case.
    pub fn from_code(code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        let currency = Currency { code: bytes.map(|byte| byte.to_ascii_uppercase()) };
        currency.row().map(|_| currency)
    }

    /// The three-letter code, upper case.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// The three-digit number of the standard.
    pub fn number(&self) -> u16 {
        self.row().map_or(0, |row| row.1)
    }

    /// How many decimals an amount has: 2 for most, 0 for the yen, 3 for some dinars.
    pub fn decimals(&self) -> u8 {
        self.row().map_or(2, |row| row.2)
    }

    fn row(&self) -> Option<&'static (&'static str, u16, u8)> {
        let at = CURRENCIES.binary_search_by(|row| row.0.as_bytes().cmp(&self.code)).ok()?;
        Some(&CURRENCIES[at])
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money in minor units (cents) of its currency. May be negative.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// The largest amount that is accepted from outside: a trillion minor units. Sums of very many
    /// of them still fit.
    pub const MINOR_MAX: i64 = 1_000_000_000_000;

    /// `minor` minor units.
    pub fn from_minor(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Reads a plain decimal such as `100`, `100.5` or `-3.25`: no more digits than the currency
    /// has, no exponent, no separators, at most [`Money::MINOR_MAX`].
    pub fn parse(text: &str, currency: Currency) -> Option<Money> {
        let minor = scaled(text, currency.decimals())?;
        (minor.abs() <= Self::MINOR_MAX).then_some(Money { minor, currency })
    }

    /// The number of minor units.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount with all its decimals and no currency: `100.00`.
    pub fn decimal(self) -> String {
        let decimals = u32::from(self.currency.decimals());
        let unit = 10_u64.pow(decimals);
        let sign = if self.minor < 0 { "-" } else { "" };
        let size = self.minor.unsigned_abs();
        match decimals {
            0 => format!("{sign}{size}"),
            _ => {
                let width = usize::try_from(decimals).unwrap_or(0);
                format!("{sign}{}.{:0width$}", size / unit, size % unit)
            }
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

/// A price for one address, in millionths of the currency's major unit (dollar), so that cheap
/// goods can be priced below a cent. Never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitPrice {
    micros: i64,
}

impl UnitPrice {
    /// The highest price: a million major units for one address and period.
    pub const MICROS_MAX: i64 = 1_000_000_000_000;

    /// `None` unless `0 <= micros <= MICROS_MAX`.
    pub fn from_micros(micros: i64) -> Option<UnitPrice> {
        (0..=Self::MICROS_MAX).contains(&micros).then_some(UnitPrice { micros })
    }

    /// Reads a plain decimal of at most six decimals such as `1.31` or `0.0655`.
    pub fn parse(text: &str) -> Option<UnitPrice> {
        Self::from_micros(scaled(text, 6)?)
    }

    /// Millionths of the major unit.
    pub fn micros(self) -> i64 {
        self.micros
    }

    /// The price for `count` times as much; `None` past the highest price.
    pub fn times(self, count: u32) -> Option<UnitPrice> {
        Self::from_micros(self.micros.checked_mul(i64::from(count))?)
    }
}

impl fmt::Display for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.micros % 1_000_000);
        let shown = fraction.trim_end_matches('0');
        write!(f, "{}.{:0<2}", self.micros / 1_000_000, shown)
    }
}

/// A share in hundredths of a per cent, from nothing to all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    hundredths: u32,
}

impl Percent {
    /// Nothing.
    pub const ZERO: Percent = Percent { hundredths: 0 };
    /// Everything.
    pub const WHOLE: Percent = Percent { hundredths: 10_000 };

    /// `None` above 100 %.
    pub fn from_hundredths(hundredths: u32) -> Option<Percent> {
        (hundredths <= 10_000).then_some(Percent { hundredths })
    }

    /// Reads a plain decimal of at most two decimals such as `10` or `2.5`.
    pub fn parse(text: &str) -> Option<Percent> {
        Self::from_hundredths(u32::try_from(scaled(text, 2)?).ok()?)
    }

    /// Hundredths of a per cent.
    pub fn hundredths(self) -> u32 {
        self.hundredths
    }

    /// The sum of both, at most everything.
    pub fn plus(self, other: Percent) -> Percent {
        Percent { hundredths: (self.hundredths + other.hundredths).min(10_000) }
    }

    /// What is left of everything, in hundredths of a per cent.
    pub fn rest(self) -> u32 {
        10_000 - self.hundredths
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hundredths % 100 {
            0 => write!(f, "{}", self.hundredths / 100),
            part if part % 10 == 0 => write!(f, "{}.{}", self.hundredths / 100, part / 10),
            part => write!(f, "{}.{part:02}", self.hundredths / 100),
        }
    }
}

/// An exact amount in the making: prices summed before the one rounding.
///
/// Counts 10⁻¹⁰ of the major unit, so that a price in millionths times a share in hundredths of a
/// per cent is a whole number of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(i128);

impl Exact {
    /// `quantity` times `unit`, less `discount`.
    pub fn of(unit: UnitPrice, quantity: u32, discount: Percent) -> Exact {
        Exact(i128::from(unit.micros) * i128::from(quantity) * i128::from(discount.rest()))
    }

    /// The sum.
    pub fn plus(self, other: Exact) -> Exact {
        Exact(self.0 + other.0)
    }

    /// Rounded half up to whole minor units; `None` if that is more than money can be.
    pub fn round(self, currency: Currency) -> Option<Money> {
        let unit = 10_i128.pow(10 - u32::from(currency.decimals()));
        let minor = i64::try_from((self.0 * 2 + unit).div_euclid(unit * 2)).ok()?;
        (minor.abs() <= Money::MINOR_MAX).then_some(Money { minor, currency })
    }

    /// The share by which `self` is below `list`, rounded half up; nothing if `list` is nothing.
    pub fn below(self, list: Exact) -> Percent {
        if list.0 <= 0 {
            return Percent::ZERO;
        }
        let hundredths = ((list.0 - self.0) * 20_000 + list.0) / (list.0 * 2);
        Percent { hundredths: u32::try_from(hundredths.clamp(0, 10_000)).unwrap_or(0) }
    }
}

/// Reads a plain decimal as a whole number of 10⁻ᵈ: an optional minus, digits, perhaps a point and
/// at most `decimals` more digits.
fn scaled(text: &str, decimals: u8) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let dangling = digits.ends_with('.');
    if whole.is_empty() || dangling || !plain(whole) || !plain(fraction) {
        return None;
    }
    if fraction.len() > usize::from(decimals) {
        return None;
    }
    let padding = usize::from(decimals) - fraction.len();
    let text = format!("{whole}{fraction}{}", "0".repeat(padding));
    let size: i64 = text.parse().ok()?;
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_of_currencies_is_sorted_and_found() {
        assert!(CURRENCIES.is_sorted_by_key(|row| row.0));
        let yen = Currency::from_code("jpy").unwrap();
        assert_eq!((yen.code(), yen.number(), yen.decimals()), ("JPY", 392, 0));
        assert_eq!(Currency::from_code("XYZ"), None);
        assert_eq!(Currency::USD.decimals(), 2);
    }

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        let usd = |text: &str| Money::parse(text, Currency::USD).map(Money::minor);
        assert_eq!(usd("100.00"), Some(10_000));
        assert_eq!(usd("0.5"), Some(50));
        assert_eq!(usd("-3.25"), Some(-325));
        for bad in
            ["", "-", ".5", "1.", "1.005", "1e3", "+1", "1,000", " 1", "0x1", "99999999999999"]
        {
            assert_eq!(usd(bad), None, "{bad}");
        }
        let yen = Currency::from_code("JPY").unwrap();
        assert_eq!(Money::parse("7", yen).unwrap().decimal(), "7");
        assert_eq!(Money::parse("7.5", yen), None);
    }

    #[test]
    fn rounding_is_half_up_and_only_once() {
        let unit = UnitPrice::parse("0.945").unwrap();
        let total = Exact::of(unit, 1, Percent::ZERO).round(Currency::USD).unwrap();
        assert_eq!(total.decimal(), "0.95");
        let third = Exact::of(UnitPrice::parse("0.333").unwrap(), 3, Percent::ZERO);
        assert_eq!(third.round(Currency::USD).unwrap().decimal(), "1.00");
    }

    #[test]
    fn shares_are_shown_short() {
        for text in ["0", "10", "2.5", "33.33", "100"] {
            assert_eq!(Percent::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Percent::parse("100.01"), None);
        assert_eq!(UnitPrice::parse("1.3").unwrap().to_string(), "1.30");
        assert_eq!(UnitPrice::parse("0.0655").unwrap().to_string(), "0.0655");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(minor in -Money::MINOR_MAX..=Money::MINOR_MAX) {
            for code in ["USD", "JPY", "KWD"] {
                let currency = Currency::from_code(code).unwrap();
                let money = Money::from_minor(minor, currency);
                prop_assert_eq!(Money::parse(&money.decimal(), currency), Some(money));
            }
        }

        #[test]
        fn rounding_is_never_off_by_more_than_half(
            micros in 0i64..=1_000_000_000, quantity in 1u32..1000, share in 0u32..=10_000,
        ) {
            let unit = UnitPrice::from_micros(micros).unwrap();
            let discount = Percent::from_hundredths(share).unwrap();
            let minor = Exact::of(unit, quantity, discount).round(Currency::USD).unwrap().minor();
            let exact = i128::from(micros) * i128::from(quantity) * i128::from(10_000 - share);
            let off = i128::from(minor) * 100_000_000 - exact;
            prop_assert!(-50_000_000 < off && off <= 50_000_000);
        }
    }
}
