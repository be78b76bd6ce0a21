//! Who rents.

use crate::ids::CustomerId;
use crate::money::Currency;
use crate::time::Time;

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The id.
    pub id: CustomerId,
    /// What the operator calls him.
    pub name: String,
    /// Where mail goes, if anywhere.
    pub email: Option<String>,
    /// The currency of his wallet and of the prices he is shown.
    pub currency: Currency,
    /// A suspended customer may look, but neither spend nor change.
    pub suspended: bool,
    /// When he came.
    pub created_at: Time,
}
