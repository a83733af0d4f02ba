//! Funding: what longs pay shorts (or the other way round) at a settlement.

use crate::account::Account;
use crate::matching::Desk;
use aegis_types::{AccountUpdate, Answers, EventBody, Money, OutOfRange, Px, Rate};

/// Charges funding on the position held, at the mark (the price itself where no mark is known):
/// `−side × qty × mark × rate`. A wallet that would leave its range is left as it is.
pub(crate) fn settle(
    desk: &Desk,
    account: &mut Account,
    rate: Rate,
    px: Px,
    answers: &mut Answers,
) {
    let Some(held) = &desk.position else { return };
    let mark = desk.market.mark.unwrap_or(px);
    let charge = || -> Result<(Money, Account), OutOfRange> {
        let paid_by_longs = ((mark * held.qty)? * rate)?;
        let amount =
            Money::from_raw(paid_by_longs.raw().checked_mul(-held.side.sign()).ok_or(OutOfRange)?);
        Ok((amount, account.funded(amount)?))
    };
    if let Ok((amount, after)) = charge() {
        *account = after;
        let symbol = held.symbol;
        answers.push(EventBody::Account(AccountUpdate::Funding { symbol, amount, rate, mark }));
        answers.push(EventBody::Account(AccountUpdate::Wallet { balance: account.wallet }));
    }
}
