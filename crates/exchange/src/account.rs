//! The account's money: what came in, was won, paid and charged, and what of it is bound.

use aegis_types::{Money, OutOfRange};
use serde::{Deserialize, Serialize};

/// Where every unit of the wallet came from. `wallet = deposits + realized − fees + funding`,
/// exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Paid in.
    pub deposits: Money,
    /// Profit of all fills, before fees.
    pub realized: Money,
    /// Fees paid; positive.
    pub fees: Money,
    /// Funding received; negative when paid.
    pub funding: Money,
    /// Losses of liquidated positions beyond their isolated margin, which the insurance fund bore
    /// and which are therefore not in `realized`.
    pub insurance: Money,
}

impl Ledger {
    /// The wallet balance.
    ///
    /// # Errors
    /// [`OutOfRange`] when a sum does not fit.
    pub fn wallet(&self) -> Result<Money, OutOfRange> {
        self.deposits.plus(self.realized)?.minus(self.fees)?.plus(self.funding)
    }
}

/// The ledger and what of the wallet is bound by positions and opening orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub ledger: Ledger,
    /// `ledger.wallet()`, kept beside it so that nothing is added up per order.
    pub wallet: Money,
    /// Sum of the isolated margins of all positions.
    pub posted: Money,
    /// Sum of what open orders would need.
    pub reserved: Money,
}

impl Account {
    pub(crate) fn new(deposit: Money) -> Self {
        let ledger = Ledger { deposits: deposit, ..Ledger::default() };
        Self { ledger, wallet: deposit, ..Self::default() }
    }

    /// What a new order may bind; unrealised profit does not count with isolated margin.
    pub(crate) fn available(&self) -> Result<Money, OutOfRange> {
        self.wallet.minus(self.posted)?.minus(self.reserved)
    }

    /// The account after a fill; nothing changes on an error.
    pub(crate) fn filled(
        &self,
        realized: Money,
        fee: Money,
        margin_before: Money,
        margin_after: Money,
    ) -> Result<Self, OutOfRange> {
        let mut after = *self;
        after.ledger.realized = after.ledger.realized.plus(realized)?;
        after.ledger.fees = after.ledger.fees.plus(fee)?;
        after.posted = after.posted.minus(margin_before)?.plus(margin_after)?;
        after.wallet = after.ledger.wallet()?;
        Ok(after)
    }

    /// The account after funding; nothing changes on an error.
    pub(crate) fn funded(&self, amount: Money) -> Result<Self, OutOfRange> {
        let mut after = *self;
        after.ledger.funding = after.ledger.funding.plus(amount)?;
        after.wallet = after.ledger.wallet()?;
        Ok(after)
    }
}
