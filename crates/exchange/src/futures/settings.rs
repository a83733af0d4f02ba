//! Leverage, margin type, modes, margin moved by hand, money paid in and out.

use super::act::Act;
use super::names::{AccountReason, IncomeKind, MarginType, PositionSide};
use super::record::{AccountId, SymbolSettings};
use super::refusal::Refusal;
use super::report::Report;
use super::state::slot;
use crate::margin;
use aegis_types::{Money, OutOfRange, SymbolId};
use alloc::vec;
use alloc::vec::Vec;

impl Act<'_> {
    pub fn set_leverage(
        &mut self,
        a: usize,
        s: usize,
        leverage: u16,
    ) -> Result<SymbolSettings, Refusal> {
        let instrument = self.instrument(s);
        if !(1..=margin::leverage_max(instrument)).contains(&leverage) {
            return Err(Refusal::BadLeverage(leverage));
        }
        let seat = self.seat(a, s);
        for held in seat.held.iter().flatten() {
            if !seat.is_cross() && leverage < seat.leverage {
                return Err(Refusal::LeverageReduction);
            }
            if !margin::leverage_allowed(instrument, held.position.cost, leverage) {
                return Err(Refusal::PositionTooLarge);
            }
        }
        let (before, available) = (seat.leverage, self.venue.available(a));
        self.seat_mut(a, s).leverage = leverage;
        // A smaller leverage binds more margin of a cross position.
        let left = self.venue.available(a);
        if left.is_negative() && left < available {
            self.seat_mut(a, s).leverage = before;
            return Err(Refusal::LeverageTooSmall);
        }
        let (account, at, symbol) = (AccountId(a as u16), self.at, SymbolId(s as u16));
        self.reports.push(Report::Leverage { account, at, symbol, leverage });
        Ok(self.venue.seat_settings(a, s))
    }

    pub fn set_margin_type(
        &mut self,
        a: usize,
        s: usize,
        margin_type: MarginType,
    ) -> Result<(), Refusal> {
        let seat = self.seat(a, s);
        if seat.margin_type == margin_type {
            return Err(Refusal::SameMarginType);
        }
        if margin_type == MarginType::Isolated && self.account(a).config.multi_assets {
            return Err(Refusal::AssetModeIsolated);
        }
        if !(seat.orders.is_empty() && seat.algos.is_empty()) {
            return Err(Refusal::MarginTypeOrders);
        }
        if seat.is_holding() {
            return Err(Refusal::MarginTypePosition);
        }
        self.seat_mut(a, s).margin_type = margin_type;
        let positions: Vec<_> =
            self.sides(a).iter().map(|&side| self.position_report(a, s, side)).collect();
        let (reason, symbol, at) =
            (AccountReason::MarginTypeChange, Some(SymbolId(s as u16)), self.at);
        self.tell_account(a, reason, symbol, Money::ZERO, positions, at);
        Ok(())
    }

    pub fn set_multi_assets(&mut self, a: usize, on: bool) -> Result<(), Refusal> {
        let account = self.account(a);
        if account.config.multi_assets == on {
            return Err(Refusal::SameAssetMode);
        }
        if on && account.seats.iter().any(|seat| !seat.is_cross()) {
            return Err(Refusal::AssetModeIsolated);
        }
        if account.seats.iter().any(|seat| !seat.orders.is_empty()) {
            return Err(Refusal::AssetModeOrders);
        }
        self.account_mut(a).config.multi_assets = on;
        let (account, at) = (AccountId(a as u16), self.at);
        self.reports.push(Report::MultiAssets { account, at, on });
        Ok(())
    }

    pub fn set_dual_side(&mut self, a: usize, on: bool) -> Result<(), Refusal> {
        let account = self.account(a);
        if account.config.dual_side == on {
            return Err(Refusal::SamePositionMode);
        }
        let seats = &account.seats;
        if seats.iter().any(|seat| !(seat.orders.is_empty() && seat.algos.is_empty())) {
            return Err(Refusal::PositionModeOrders);
        }
        if seats.iter().any(|seat| seat.is_holding()) {
            return Err(Refusal::PositionModePosition);
        }
        self.account_mut(a).config.dual_side = on;
        Ok(())
    }

    pub fn move_margin(
        &mut self,
        a: usize,
        s: usize,
        side: PositionSide,
        amount: Money,
    ) -> Result<(), Refusal> {
        if amount.is_zero() {
            return Err(Refusal::AmountNotPositive);
        }
        let dual = self.account(a).config.dual_side;
        if dual == (side == PositionSide::Both) {
            return Err(Refusal::PositionSideMismatch);
        }
        let seat = self.seat(a, s);
        if seat.is_cross() {
            return Err(Refusal::NotIsolated);
        }
        let held = seat.held[slot(side)].ok_or(Refusal::NoPosition)?;
        let (unrealized, initial, _) = self.venue.measures(s, seat, &held);
        let after = || -> Result<_, OutOfRange> {
            let mut position = held.position;
            position.margin = position.margin.plus(amount)?;
            position.liquidation = margin::liquidation_price(&position, self.instrument(s))?;
            Ok((position, self.account(a).posted.plus(amount)?))
        };
        let (position, posted) = after().map_err(|_| Refusal::CrossBalance)?;
        if amount.is_positive() && amount > self.venue.available(a) {
            return Err(Refusal::CrossBalance);
        }
        let equity = position.margin.saturating_plus(unrealized.min(Money::ZERO));
        if amount.is_negative() && equity < initial {
            return Err(Refusal::IsolatedBalance);
        }
        let at = self.at;
        let account = self.account_mut(a);
        account.posted = posted;
        if let Some(held) = &mut account.seats[s].held[slot(side)] {
            held.position = position;
            held.updated = at;
        }
        let positions = vec![self.position_report(a, s, side)];
        let (reason, symbol) = (AccountReason::MarginTransfer, Some(SymbolId(s as u16)));
        self.tell_account(a, reason, symbol, Money::ZERO, positions, at);
        Ok(())
    }

    pub fn transfer(&mut self, a: usize, amount: Money) -> Result<(), Refusal> {
        if amount.is_zero() {
            return Err(Refusal::AmountNotPositive);
        }
        if amount.is_negative() && -amount > self.venue.available(a) {
            return Err(Refusal::Balance);
        }
        let account = self.account(a);
        let sums = || -> Result<_, OutOfRange> {
            let mut after = account.ledger;
            after.deposits = after.deposits.plus(amount)?;
            Ok((after, after.wallet()?))
        };
        let (ledger, wallet) = sums().map_err(|_| Refusal::Balance)?;
        let account = self.account_mut(a);
        account.ledger = ledger;
        account.wallet = wallet;
        let at = self.at;
        self.earn(a, IncomeKind::Transfer, amount, None, 0, at);
        let reason =
            if amount.is_positive() { AccountReason::Deposit } else { AccountReason::Withdraw };
        self.tell_account(a, reason, None, amount, Vec::new(), at);
        Ok(())
    }
}
